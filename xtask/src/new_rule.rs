//! The skeleton of a rule: module, page and registry line.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// The line behind which the registry lists the rules.
const REGISTRY_BEGIN: &str = "rules! {";

/// Writes the skeleton of the rule `name` below `root`; returns the files that were written.
pub(crate) fn write(root: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let words_are_plain = name.split('-').all(|word| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    });
    let begins_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    ensure!(words_are_plain && begins_well, "`{name}` is not in lower case with hyphens");
    let module = name.replace('-', "_");
    let registry_path = root.join("lint-rules/src/rules.rs");
    let registry = fs::read_to_string(&registry_path).context("no registry of rules")?;
    let registry = registered(&registry, &module)?;
    let code_path = root.join(format!("lint-rules/src/rules/{module}.rs"));
    let page_path = root.join(format!("lint-rules/src/rules/{module}.md"));
    for path in [&code_path, &page_path] {
        ensure!(!path.exists(), "{} exists", path.display());
    }
    fs::write(&code_path, code(name, &module))?;
    fs::write(&page_path, page(name))?;
    fs::write(&registry_path, registry)?;
    Ok(vec![code_path, page_path, registry_path])
}

/// The registry with a line for `module`, in alphabetical order.
fn registered(registry: &str, module: &str) -> Result<String> {
    let mut lines: Vec<&str> = registry.lines().collect();
    let begin = lines.iter().position(|line| *line == REGISTRY_BEGIN);
    let begin = begin.with_context(|| format!("no line `{REGISTRY_BEGIN}` in the registry"))? + 1;
    let entry = |line: &str| line.trim().trim_end_matches(',').to_owned();
    let mut at = begin;
    while at < lines.len() && lines[at] != "}" && entry(lines[at]).as_str() < module {
        at += 1;
    }
    if lines.get(at).is_some_and(|line| entry(line) == module) {
        bail!("`{module}` is registered");
    }
    let line = format!("    {module},");
    lines.insert(at, &line);
    Ok(lines.join("\n") + "\n")
}

fn code(name: &str, module: &str) -> String {
    format!(
        r#"//! `{name}`: TODO: one line.

use diagnostic::{{KernelVerdict, Severity}};

use crate::{{Rule, RuleCx}};

/// The rule.
pub(super) const RULE: Rule = Rule {{
    name: "{name}",
    group: "dynptr",
    severity: Severity::Warning,
    kernel: KernelVerdict::Accepts,
    covers: &[],
    since: None,
    fix: None,
    page: include_str!("{module}.md"),
    check,
}};

fn check(cx: &mut RuleCx<'_>) {{
    let _ = cx.facts();
}}
"#
    )
}

fn page(name: &str) -> String {
    format!(
        "# {name}\nTODO: one sentence, which `bpf-analyzer rules` prints\n\n\
         ## What it finds\n\n## Why it bites\n\n\
         ## Example\n```c bad\nSEC(\"tc\")\nint prog(struct __sk_buff *skb)\n{{\n\treturn 0; //~ {name}\n}}\n```\n\n\
         ## Use instead\n```c good\nSEC(\"tc\")\nint prog(struct __sk_buff *skb)\n{{\n\treturn 0;\n}}\n```\n\n\
         ## Fix\nThere is no automatic fix.\n\n## Kernel versions\n\n## Patterns\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRY: &str = "//! R.\n\nrules! {\n    a_rule,\n    m_rule,\n}\n\nfn f() {}\n";

    #[test]
    fn the_registry_stays_sorted() {
        let with = |module| registered(REGISTRY, module).expect("is new");
        assert_eq!(with("b"), REGISTRY.replace("    m_rule", "    b,\n    m_rule"));
        assert_eq!(with("z"), REGISTRY.replace("m_rule,", "m_rule,\n    z,"));
        assert!(registered(REGISTRY, "a_rule").is_err());
        assert!(registered("", "a").is_err());
    }

    #[test]
    fn names_are_checked_before_anything_is_written() {
        for name in ["", "Upper", "a_b", "a--b", "-a", "1a", "../x"] {
            assert!(write(Path::new("/nowhere"), name).is_err(), "{name}");
        }
    }

    #[test]
    fn module_page_and_line_are_written_once() {
        let root = tempfile::tempdir().expect("can create a directory");
        let rules = root.path().join("lint-rules/src/rules");
        fs::create_dir_all(&rules).expect("can create");
        fs::write(root.path().join("lint-rules/src/rules.rs"), REGISTRY).expect("can write");
        let written = write(root.path(), "late-drop").expect("can be written");
        assert_eq!(written.len(), 3);
        let page = fs::read_to_string(rules.join("late_drop.md")).expect("is there");
        assert!(page.starts_with("# late-drop\n") && page.contains("//~ late-drop\n"));
        let code = fs::read_to_string(rules.join("late_drop.rs")).expect("is there");
        assert!(
            code.contains("name: \"late-drop\"") && code.contains("include_str!(\"late_drop.md\")")
        );
        assert!(write(root.path(), "late-drop").is_err(), "nothing is overwritten");
    }
}
