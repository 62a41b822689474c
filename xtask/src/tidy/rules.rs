//! Lint rules: each has a module, a page, a line in the registry and a fixture with its mark.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Where modules and pages lie side by side.
const RULES: &str = "lint-rules/src/rules";

/// The registry, one line per rule.
const REGISTRY: &str = "lint-rules/src/rules.rs";

/// Rules without a module: the server makes their findings.
const MADE_BY_SERVER: [&str; 2] = ["unknown_suppression", "unused_suppression"];

/// What must be there for each rule.
struct Rules {
    modules: BTreeSet<String>,
    pages: BTreeSet<String>,
    registry: String,
    /// Rule names behind `//~` in any fixture.
    marked: BTreeSet<String>,
}

/// Compares modules, pages, registry and fixtures.
pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let stems = |extension: &str| -> BTreeSet<String> {
        let here = files.iter().filter(|file| file.parent() == Some(Path::new(RULES)));
        let fitting = here.filter(|file| file.extension().is_some_and(|found| found == extension));
        fitting.filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned())).collect()
    };
    let mut rules = Rules {
        modules: stems("rs"),
        pages: stems("md"),
        registry: fs::read_to_string(root.join(REGISTRY)).context(REGISTRY)?,
        marked: BTreeSet::new(),
    };
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| may_have_marks(file)) {
        let text =
            fs::read_to_string(root.join(file)).with_context(|| file.display().to_string())?;
        rules.marked.extend(marks(&text).map(str::to_owned));
        if let Some(stem) = page_of(file) {
            let heading = format!("# {}", stem.replace('_', "-"));
            if text.lines().next() != Some(&heading) {
                complaints.push(format!("{}: does not begin with `{heading}`", file.display()));
            }
        }
    }
    complaints.extend(rules.complaints());
    Ok(complaints)
}

fn page_of(file: &Path) -> Option<&str> {
    let is_page = file.parent() == Some(Path::new(RULES)) && file.extension()? == "md";
    is_page.then(|| file.file_stem()?.to_str()).flatten()
}

/// Fixtures are blocks of the rules' pages, or programs of the tests.
fn may_have_marks(file: &Path) -> bool {
    page_of(file).is_some()
        || (file.starts_with("tests") && file.extension().is_some_and(|extension| extension == "c"))
}

/// The rule names in marks such as `//~ a, b` and `//~^ a`.
fn marks(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter_map(|line| line.split_once("//~"))
        .flat_map(|(_, names)| names.trim_start_matches('^').split(','))
        .map(str::trim)
}

impl Rules {
    fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for stem in self.modules.union(&self.pages) {
            let name = stem.replace('_', "-");
            let mut miss = |what: &str| complaints.push(format!("rule `{name}`: no {what}"));
            if !self.pages.contains(stem) {
                miss(&format!("page {RULES}/{stem}.md"));
            }
            if !MADE_BY_SERVER.contains(&stem.as_str()) {
                if !self.modules.contains(stem) {
                    miss(&format!("module {RULES}/{stem}.rs"));
                }
                if !has_word(&self.registry, stem) {
                    miss(&format!("line in {REGISTRY}"));
                }
            }
            if !self.marked.contains(&name) {
                miss("fixture with its mark");
            }
        }
        complaints
    }
}

/// Whether the identifier `word` occurs in `text`.
fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_lacks_is_named() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let rules = Rules {
            modules: set(&["good_rule", "no_page"]),
            pages: set(&["good_rule", "no_module", "unused_suppression"]),
            registry: "good_rule,\nno_page_at_all,".to_owned(),
            marked: marks("x(); //~ good-rule, no-page\n//~^ unused-suppression\n")
                .map(str::to_owned)
                .collect(),
        };
        assert_eq!(
            rules.complaints(),
            [
                "rule `no-module`: no module lint-rules/src/rules/no_module.rs",
                "rule `no-module`: no line in lint-rules/src/rules.rs",
                "rule `no-module`: no fixture with its mark",
                "rule `no-page`: no page lint-rules/src/rules/no_page.md",
                "rule `no-page`: no line in lint-rules/src/rules.rs",
            ]
        );
    }
}
