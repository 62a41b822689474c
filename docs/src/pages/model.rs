//! What is known of the kernel: helpers, kfuncs, maps, program types, releases.

use std::collections::BTreeSet;

use kernel_model::{FunctionKind, features, functions, map_types, program_types};

use super::{Page, head, row};

pub(super) fn pages() -> Vec<Page> {
    vec![
        Page::new("reference/helpers.md", calls("Helpers", |kind| kind != FunctionKind::Kfunc)),
        Page::new("reference/kfuncs.md", calls("Kfuncs", |kind| kind == FunctionKind::Kfunc)),
        Page::new("reference/maps.md", maps()),
        Page::new("reference/program-types.md", programs()),
        Page::new("reference/versions.md", versions()),
    ]
}

fn calls(title: &str, wanted: impl Fn(FunctionKind) -> bool) -> String {
    let mut text = format!(
        "# {title}\n\nWhat `verify` does not model ends as unknown. `run` models those that are marked; a run that gets to another one \
         ends there and says so.\n\n"
    );
    let modelled: BTreeSet<&str> = runtime::modelled().collect();
    text += &head(&["name", "since", "run", "what it does", "errors"]);
    for function in functions().filter(|function| wanted(function.kind)) {
        let since = function.since.to_string();
        let run = if modelled.contains(function.name) { "yes" } else { "" };
        let name = format!("`{}`", function.name);
        text += &row(&[&name, &since, run, function.summary, function.errors]);
    }
    text
}

fn maps() -> String {
    let mut text = String::from(
        "# Map types\n\nThe column `run` says which are modelled, and what is particular about them there; a run that uses \
         another one ends there and says so.\n\n",
    );
    text += &head(&["type", "since", "what it holds", "lookup in programs", "run"]);
    for map in map_types() {
        let run = match runtime::modelled_map(map.id) {
            None => String::new(),
            Some("") => "yes".to_owned(),
            Some(how) => format!("yes: {how}"),
        };
        text += &row(&[
            &format!("`{}`", map.name),
            &map.since.to_string(),
            map.what,
            &format!("{:?}", map.lookup).to_lowercase(),
            &run,
        ]);
    }
    text
}

fn programs() -> String {
    let mut text = String::from("# Program types\n\n");
    text += &head(&["type", "known as", "since", "context", "packet"]);
    for program in program_types() {
        text += &row(&[
            &format!("`{}`", program.name),
            program.title,
            &program.since.to_string(),
            &if program.context.is_empty() {
                String::new()
            } else {
                format!("`{}`", program.context)
            },
            &format!("{:?}", program.packet).to_lowercase(),
        ]);
    }
    text
}

fn versions() -> String {
    let mut text = String::from(
        "# Kernel versions\n\nWhat came with which release, as far as programs and their checks depend on it. A source \
         that says *unverified* was not looked up.\n\n",
    );
    text += &head(&["since", "feature", "source"]);
    let mut rows: Vec<_> = features().iter().collect();
    rows.sort_by_key(|feature| feature.since);
    for feature in rows {
        text += &row(&[&feature.since.to_string(), feature.what, feature.source]);
    }
    text
}
