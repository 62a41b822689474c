//! `messages/*.toml`: what the verifier says.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::write::{array, camel, header};

/// The messages about one subject; the file is named after it.
pub(crate) struct Family {
    name: String,
    table: FamilyTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FamilyTable {
    title: String,
    about: String,
    message: Vec<MessageRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageRow {
    text: String,
    /// Its name in links, if its words are those of another message.
    anchor: Option<String>,
    story: String,
    means: String,
    fix: String,
    #[serde(default)]
    rule: String,
    /// `family/topic:program` of `tests/corpus`.
    example: Option<String>,
    /// It is never the first line of a refusal.
    #[serde(default)]
    follows: bool,
    /// Lines of assembler.
    asm: Option<String>,
    /// The example is loaded without privileges; one of the corpus, without `CAP_PERFMON`.
    #[serde(default)]
    unprivileged: bool,
    #[serde(default)]
    case: Vec<CaseRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseRow {
    text: String,
    /// That of the message, if there is none.
    story: Option<String>,
    fix: String,
    #[serde(default)]
    rule: String,
}

/// Reads all families, by their names.
pub(super) fn read(directory: &Path) -> Result<Vec<Family>> {
    let mut families = Vec::new();
    for entry in
        fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?
    {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        families.push(Family { name, table: super::read(&path)? });
    }
    families.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(families)
}

pub(super) fn render(families: &[Family]) -> Result<String> {
    let mut out = header(
        "What the verifier says",
        "messages/*.toml",
        "use crate::{Example, Message, MessageCase, MessageFamily, Story};",
    );
    let mut anchors = HashSet::new();
    array(&mut out, "FAMILIES", "MessageFamily", families.len());
    for Family { name, table } in families {
        let FamilyTable { title, about, message } = table;
        writeln!(
            out,
            "MessageFamily {{ name: {name:?}, title: {title:?}, about: {about:?}, messages: &["
        )?;
        for row in message {
            let anchor = row.anchor.clone().unwrap_or_else(|| anchor(&row.text));
            ensure!(anchors.insert(anchor.clone()), "two messages are named {anchor}");
            render_row(&mut out, row, &anchor).with_context(|| row.text.clone())?;
        }
        out += "] },\n";
    }
    out += "];\n";
    Ok(out)
}

fn render_row(out: &mut String, row: &MessageRow, anchor: &str) -> Result<()> {
    ensure!(row.means.ends_with('.') || row.means.ends_with('`'), "no sentence: {}", row.means);
    ensure!(!row.fix.is_empty() && !row.fix.ends_with('.'), "a sentence: {}", row.fix);
    let example = match (&row.example, &row.asm) {
        (None, None) => "Example::None".to_owned(),
        (Some(program), None) => {
            let kind = if row.unprivileged { "CorpusWithoutPerfmon" } else { "Corpus" };
            format!("Example::{kind}({program:?})")
        }
        (None, Some(lines)) => {
            let kind = if row.unprivileged { "Unprivileged" } else { "Assembler" };
            format!("Example::{kind}({:?})", lines.trim())
        }
        _ => anyhow::bail!("two examples"),
    };
    let MessageRow { text, means, fix, rule, follows, .. } = row;
    let story = camel(&row.story);
    writeln!(
        out,
        "Message {{ text: {text:?}, anchor: {anchor:?}, story: Story::{story}, means: {means:?}, fix: {fix:?}, \
         rule: {rule:?}, follows: {follows}, cases: &["
    )?;
    for CaseRow { text, story, fix, rule } in &row.case {
        let story = camel(story.as_deref().unwrap_or(&row.story));
        writeln!(
            out,
            "MessageCase {{ text: {text:?}, story: Story::{story}, fix: {fix:?}, rule: {rule:?} }},"
        )?;
    }
    writeln!(out, "], example: {example} }},")?;
    Ok(())
}

/// The name of a message in links: its words without what they leave open.
fn anchor(text: &str) -> String {
    let mut words: Vec<String> = vec![String::new()];
    let mut depth = 0_i32;
    for c in text.replace("{{", "").replace("}}", "").chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ if depth > 0 => {}
            c if c.is_ascii_alphanumeric() => {
                if let Some(word) = words.last_mut() {
                    word.extend(c.to_lowercase());
                }
            }
            _ => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words.join("-")
}
