//! The index of what the verifier says: a page for each family, and a list of all.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use kernel_model::{Example, Message, MessageFamily, message_families, messages, sentence};

use super::{Page, head, row};

/// The pages; examples are cut out of the corpus below `root`.
pub(super) fn pages(root: &Path) -> Result<Vec<Page>> {
    let mut pages = vec![Page::new("messages.md", list())];
    for family in message_families() {
        pages.push(Page::new(format!("messages/{}.md", family.name), page(root, family)?));
    }
    Ok(pages)
}

/// The entries of the families in the table of contents.
pub fn contents() -> String {
    let entry =
        |family: &MessageFamily| format!("  - [{}](messages/{}.md)\n", family.title, family.name);
    message_families().iter().map(entry).collect()
}

/// All messages, by their texts.
fn list() -> String {
    let count = messages().count();
    let examples = messages().filter(|message| message.example != Example::None).count();
    let mut text = format!(
        "# Verifier errors\n\nWhat the verifier of Linux 6.18 says when it refuses a program, and what helps: {count} messages, \
         {examples} with an example that is verified with each change of this book. Words in braces stand for what differs from \
         program to program. Examples are programs of `tests/corpus`, whose `corpus.h` has the macros in them. `bpf-analyzer explain \"MESSAGE\"` finds the entry of a message as the kernel has printed it, and \
         `bpf-analyzer verify` tells how a program came to it.\n\n"
    );
    text += &head(&["message", "about"]);
    let mut rows: Vec<(&Message, &MessageFamily)> = message_families()
        .iter()
        .flat_map(|family| family.messages.iter().map(move |message| (message, family)))
        .collect();
    rows.sort_by_key(|(message, _)| message.shown().to_lowercase());
    for (message, family) in rows {
        let link =
            format!("[{}](messages/{}.md#{})", code(&message.shown()), family.name, message.anchor);
        text += &row(&[&link, family.title]);
    }
    text
}

fn page(root: &Path, family: &MessageFamily) -> Result<String> {
    let mut text = format!("# {}\n\n{}\n", family.title, family.about);
    for message in family.messages {
        write!(
            text,
            "\n## {} {{#{}}}\n\n{}\n\n**What helps**: {}{}\n",
            code(&message.shown()),
            message.anchor,
            message.means,
            sentence(message.fix),
            rule(message.rule)
        )?;
        for case in message.cases {
            write!(text, "\n- {}: {}{}", code(&case.shown()), sentence(case.fix), rule(case.rule))?;
        }
        text += if message.cases.is_empty() { "" } else { "\n" };
        text += &example(root, message)?;
    }
    Ok(text)
}

/// Words as code; what would end it does not occur in messages but as a quote of names.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

fn rule(name: &str) -> String {
    if name.is_empty() {
        return String::new();
    }
    format!(" The rule [{name}](../rules/{name}.md) finds this in C.")
}

fn example(root: &Path, message: &Message) -> Result<String> {
    Ok(match message.example {
        Example::None if message.follows => {
            "\nThe line follows another one, which says what was refused.\n".to_owned()
        }
        Example::None => "\nThere is no example yet.\n".to_owned(),
        Example::Assembler(text) => format!("\n```text\n{text}\n```\n"),
        Example::Unprivileged(text) => {
            format!("\nOf a program that is loaded without privileges:\n\n```text\n{text}\n```\n")
        }
        Example::Corpus(path) => {
            let program = cut(root, path).with_context(|| format!("the example {path}"))?;
            format!("\n```c\n{program}\n```\n")
        }
        Example::CorpusWithoutPerfmon(path) => {
            let program = cut(root, path).with_context(|| format!("the example {path}"))?;
            format!("\nLoaded without `CAP_PERFMON`:\n\n```c\n{program}\n```\n")
        }
    })
}

/// The source of a program of the corpus, `family/topic:program`.
fn cut(root: &Path, path: &str) -> Result<String> {
    let (topic, name) = path.split_once(':').context("no program is named")?;
    let file = root.join("tests/corpus").join(format!("{topic}.bpf.c"));
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    function(&text, name).context("it is not in its file")
}

/// The lines of a function, or of the macro that makes one, with what stands right above them.
fn function(text: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let begins = |line: &str| {
        let is_code = !line.starts_with([' ', '\t', '#', '/', '*']) && !line.ends_with(';');
        is_code && line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
    };
    let begin = lines.iter().position(|line| begins(line) && opens(line, name))?;
    // A function on a line, or the call of a macro.
    let is_end = |line: &&str| {
        let count = |wanted| line.chars().filter(|&c| c == wanted).count();
        let is_macro = line.split('(').next().is_some_and(is_upper) && count('(') == count(')');
        is_macro || ["}", "})"].iter().any(|end| line.trim_end().ends_with(end))
    };
    let length = match is_end(&lines[begin]) {
        true => 0,
        false => lines[begin + 1..].iter().position(|line| line.starts_with('}'))? + 1,
    };
    let above = lines[..begin].iter().rev().take_while(|line| {
        !line.trim().is_empty() && !line.starts_with(['}', '#']) && !line.ends_with(['}', ')'])
            || line.starts_with("SEC(")
    });
    let above = above.count();
    Some(lines[begin - above..=begin + length].join("\n"))
}

/// The line defines a function of this name, or calls a macro with it.
fn opens(line: &str, name: &str) -> bool {
    let is_argument = [["(", ","], [", ", ","], [", ", ")"]];
    let is_argument =
        is_argument.iter().any(|[before, after]| line.contains(&format!("{before}{name}{after}")));
    line.contains(&format!("{name}(")) || is_argument
}

/// The name is that of a macro.
fn is_upper(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn programs_are_cut_out() {
        let text = "int a(void)\n{\n\treturn 0;\n}\n\n/* What it does. */\nSEC(\"tc\")\nint b(void)\n{\n\treturn 1;\n}\n\n\
                    WITH(c, {\n\td;\n})\nTC(e, { return 0; })\nTIMES(__reject(\"no\"), g, go())\n";
        assert_eq!(
            function(text, "b").as_deref(),
            Some("/* What it does. */\nSEC(\"tc\")\nint b(void)\n{\n\treturn 1;\n}")
        );
        assert_eq!(function(text, "c").as_deref(), Some("WITH(c, {\n\td;\n})"));
        assert_eq!(function(text, "e").as_deref(), Some("TC(e, { return 0; })"));
        assert_eq!(function(text, "g").as_deref(), Some("TIMES(__reject(\"no\"), g, go())"));
        assert_eq!(function(text, "f"), None);
    }

    #[test]
    fn rules_and_examples_exist() {
        let rules: HashSet<&str> =
            lint_rules::rules::ALL.iter().map(|rule| rule.name).chain([""]).collect();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for message in messages() {
            assert!(rules.contains(message.rule), "{}: {}", message.text, message.rule);
            for case in message.cases {
                assert!(rules.contains(case.rule), "{}: {}", case.text, case.rule);
            }
            let example = example(&root, message).expect(message.text);
            assert!(example.lines().count() < 60, "{}\n{example}", message.text);
        }
        let with = messages().filter(|message| message.example != Example::None).count();
        assert!(with >= 180, "{with} messages have an example");
    }
}
