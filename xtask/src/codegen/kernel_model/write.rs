//! How rows are spelt as Rust.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// The start of every generated file.
pub(super) fn header(what: &str, from: &str, uses: &str) -> String {
    format!(
        "//! {what}. Written by `cargo xtask codegen` from `data/{from}`; do not edit.\n\n{uses}\n\n"
    )
}

/// The start of a table of `length` rows.
pub(super) fn array(out: &mut String, name: &str, row: &str, length: usize) {
    let _ = writeln!(out, "pub(crate) static {name}: [{row}; {length}] = [");
}

/// `dynptr_const` becomes `DynptrConst`.
pub(super) fn camel(snake: &str) -> String {
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str())
    };
    snake.split('_').filter_map(capital).collect()
}

/// `__sk_buff` becomes `SK_BUFF`.
pub(super) fn static_name(name: &str) -> String {
    name.trim_start_matches('_').to_ascii_uppercase()
}

/// The source of a row behind that of its table.
pub(super) fn joined(table: &str, row: Option<&str>) -> String {
    row.map_or_else(|| table.to_owned(), |row| format!("{table}; {row}"))
}

/// `6.18` as a `Version`.
pub(super) fn version(text: &str) -> Result<String> {
    let parts = text
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u16>().ok()?, minor.parse::<u16>().ok()?)));
    let (major, minor) = parts.with_context(|| format!("`{text}` is not a version"))?;
    Ok(format!("Version::new({major}, {minor})"))
}

/// A list of variants of `kind`: `&[Kind::A, Kind::B]`.
pub(super) fn variants(kind: &str, names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("{kind}::{}", camel(name))).collect();
    format!("&[{}]", names.join(", "))
}

/// A set of flags, of type `kind`, from `a | b`.
pub(super) fn flags<'a>(kind: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().fold(format!("{kind}::NONE"), |set, name| {
        let name = format!("{kind}::{}", name.to_ascii_uppercase());
        if set.ends_with("::NONE") { name } else { format!("{set}.union({name})") }
    })
}

/// Formats `text` as `cargo fmt` would, so that formatting the tree never changes a generated file.
pub(super) fn rustfmt(root: &Path, text: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root.join("rustfmt.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting rustfmt")?;
    let mut stdin = child.stdin.take().context("rustfmt has no standard input")?;
    let input = text.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    writer.join().map_err(|_| anyhow::anyhow!("the thread that feeds rustfmt panicked"))??;
    ensure!(output.status.success(), "rustfmt rejected the generated code");
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_spelt_as_rust() {
        assert_eq!(camel("dynptr_const"), "DynptrConst");
        assert_eq!(static_name("__sk_buff"), "SK_BUFF");
        assert_eq!(version("5.10").expect("a version"), "Version::new(5, 10)");
        for text in ["", "5", "5.x", "five.ten", "-1.2"] {
            assert!(version(text).is_err(), "{text:?}");
        }
        assert_eq!(flags("F", []), "F::NONE");
        assert_eq!(flags("F", ["a", "b_c"]), "F::A.union(F::B_C)");
    }
}
