//! What is known of the kernel: helpers, kfuncs, maps, program types, releases.

use std::collections::BTreeSet;

use kernel_model::{FunctionKind, context_layout, features, functions, map_types, program_types};

use super::{Page, head, row};

pub(super) fn pages() -> Vec<Page> {
    vec![
        Page::new("reference/helpers.md", calls("Helpers", |kind| kind != FunctionKind::Kfunc)),
        Page::new("reference/kfuncs.md", calls("Kfuncs", |kind| kind == FunctionKind::Kfunc)),
        Page::new("reference/maps.md", maps()),
        Page::new("reference/program-types.md", programs()),
        Page::new("reference/contexts.md", contexts()),
        Page::new("reference/versions.md", versions()),
    ]
}

fn calls(title: &str, wanted: impl Fn(FunctionKind) -> bool) -> String {
    let mut text = format!(
        "# {title}\n\nWhat `verify` does not model ends as unknown. `run` models those that are marked; a run that gets to another one \
         ends there and says so. The column says what it would take.\n\n"
    );
    let modelled: BTreeSet<&str> = runtime::modelled().collect();
    text += &head(&["name", "since", "run", "what it does", "errors"]);
    for function in functions().filter(|function| wanted(function.kind)) {
        let since = function.since.to_string();
        let run = match runtime::absent(function.name) {
            _ if modelled.contains(function.name) => "yes".to_owned(),
            why => why.map(|why| format!("no: {why}")).unwrap_or_default(),
        };
        let name = format!("`{}`", function.name);
        text += &row(&[&name, &since, &run, function.summary, function.errors]);
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

/// What contexts of each program type have for `run`: fields that are read and written, and what is beside them.
fn contexts() -> String {
    let mut text = String::from(
        "# Contexts\n\nWhat `--context` and the key `context` of tests take for programs of each type: fields of the structure, \
         and names of what is beside it. Fields in bold can be written by programs. `sk` is a \
         [socket](../run.md#contexts).\n\n",
    );
    text += &head(&["programs", "structure", "fields", "beside it"]);
    for program in program_types() {
        let attached = program.attach_types.iter().map(|attach| Some(*attach));
        let layouts = attached.chain([None]).filter_map(|attach| context_layout(program, attach));
        let layouts: Vec<_> = layouts.collect();
        let Some(first) = layouts.first() else { continue };
        let record = first.record.filter(|record| record.size > 0);
        let regions = |name: &'static str| {
            let all = layouts.iter().flat_map(|layout| layout.regions);
            all.filter(move |region| region.name == name)
        };
        let fields = record.map_or(&[] as &[_], |record| record.fields).iter();
        let seen = fields.filter(|field| regions(field.name).next().is_some());
        let fields: Vec<String> = seen
            .map(|field| match regions(field.name).any(|region| region.write.is_some()) {
                true => format!("**{}**", field.name),
                false => field.name.to_owned(),
            })
            .collect();
        let beside = runtime::attached(program);
        let beside: Vec<String> =
            beside.map(|row| format!("`{}`: {}", row.name, row.what)).collect();
        text += &row(&[
            &format!("`{}`", program.name),
            &record.map(|record| format!("`struct {}`", record.name)).unwrap_or_default(),
            &fields.join(", "),
            &beside.join("; "),
        ]);
    }
    text += "\nContexts without a structure are lists of arguments. With an object, arguments have the names that the function of the \
             kernel gives them, registers those of `struct pt_regs`, what iterators give those of their structure, and other \
             programs take fields of the structure that their first argument points to.\n";
    text += "\n## Options of sockets\n\nWhat `bpf_setsockopt` and `bpf_getsockopt` know, and `options` of sockets take, beside \
             `TCP_CONGESTION`:\n\n";
    let options: Vec<String> =
        runtime::socket_options().iter().map(|option| format!("`{}`", option.name)).collect();
    text + &options.join(", ") + "\n"
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
