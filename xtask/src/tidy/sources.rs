//! Rust files: a beginning that says what lives there, and a bearable length.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::with_extension;

/// More lines than this in a file are two files.
const MAX_FILE_LINES: usize = 800;

/// More lines than this in a function are two functions, unless it says that it is a table.
const MAX_FUNCTION_LINES: usize = 100;

/// How a function says that it is a table or a flat dispatch; a reason belongs to it.
const TABLE_MARK: &str = "clippy::too_many_lines";

/// Checks all Rust files but generated ones.
pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    let is_generated =
        |file: &&PathBuf| file.components().any(|part| part.as_os_str() == "generated");
    for file in with_extension(files, "rs").filter(|file| !is_generated(file)) {
        let shown = file.display().to_string();
        let text = fs::read_to_string(root.join(file)).with_context(|| shown.clone())?;
        complaints.extend(check_text(&shown, &text));
    }
    Ok(complaints)
}

fn check_text(shown: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !text.starts_with("//!") {
        complaints.push(format!("{shown}: does not begin with `//!` and what lives there"));
    }
    let lines = text.lines().count();
    if lines > MAX_FILE_LINES {
        complaints.push(format!("{shown}: {lines} lines, more than {MAX_FILE_LINES}"));
    }
    for (line, length) in long_functions(text) {
        complaints.push(format!(
            "{shown}:{line}: a function of {length} lines, more than {MAX_FUNCTION_LINES}"
        ));
    }
    complaints
}

/// The 1-based lines at which functions that are too long begin, and their lengths. rustfmt puts the
/// closing brace of a function at the indentation of its first line.
fn long_functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut long = Vec::new();
    for (start, line) in lines.iter().enumerate().filter(|(_, line)| begins_function(line)) {
        let indentation = &line[..line.len() - line.trim_start().len()];
        let closing = format!("{indentation}}}");
        let length = lines[start..].iter().take_while(|line| **line != closing).count() + 1;
        let attributes = lines[..start].iter().rev().take_while(|line| is_attribute(line));
        let is_table = attributes.into_iter().any(|line| line.contains(TABLE_MARK));
        let has_body = lines[start..].iter().find_map(|line| {
            line.trim_end().chars().last().filter(|end| matches!(end, '{' | ';' | '}'))
        });
        if length > MAX_FUNCTION_LINES && !is_table && has_body == Some('{') {
            long.push((start + 1, length));
        }
    }
    long
}

fn begins_function(line: &str) -> bool {
    let mut words = line.split_whitespace().skip_while(|word| {
        word.starts_with("pub") || matches!(*word, "const" | "async" | "unsafe" | "extern" | "in")
    });
    words.next() == Some("fn")
}

fn is_attribute(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("#[")
        || line.starts_with("///")
        || line.ends_with(")]")
        || line.starts_with("reason")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_functions_and_files_are_found() {
        let body = "        x();\n".repeat(MAX_FUNCTION_LINES);
        let method = format!(
            "impl A {{\n    pub(crate) fn long(&self) {{\n{body}    }}\n\n    fn short() {{}}\n}}\n"
        );
        assert_eq!(long_functions(&method), [(2, MAX_FUNCTION_LINES + 2)]);
        let marked = method.replace(
            "    pub",
            "    #[allow(clippy::too_many_lines, reason = \"a table\")]\n    pub",
        );
        assert_eq!(long_functions(&marked), []);
        let declared = format!("trait A {{\n    fn declared(&self);\n{body}}}\n");
        assert_eq!(long_functions(&declared), []);
        assert_eq!(check_text("a.rs", "//! A.\n"), Vec::<String>::new());
        let complaints = check_text("a.rs", &"\n".repeat(MAX_FILE_LINES + 1));
        assert_eq!(
            complaints,
            [
                "a.rs: does not begin with `//!` and what lives there",
                "a.rs: 801 lines, more than 800",
            ]
        );
    }
}
