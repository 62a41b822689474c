//! Reports as plain text of at most 100 columns. A line with `FILE:LINE` in it leads somewhere.

use std::fmt::Write as _;

use super::hex::{Hex, Row};
use super::{LayoutView, Part, Report, Step, short};

/// The longest line, in characters.
const WIDTH: usize = 100;

/// How far what belongs to a heading is moved in.
const INDENT: &str = "  ";

/// What a tab is shown as: a terminal's depends on the column.
const TAB: &str = "    ";

pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    paragraph(&mut out, "", &report.title);
    paragraph(&mut out, "", &report.summary);
    for part in &report.parts {
        match part {
            Part::Heading(heading) => {
                out.push('\n');
                paragraph(&mut out, "", heading);
            }
            Part::Paragraph(text) => paragraph(&mut out, INDENT, text),
            Part::Facts(facts) => write_facts(&mut out, facts),
            Part::Path(steps) => write_path(&mut out, steps),
            Part::Layout(layout) => paragraph(&mut out, INDENT, &layout_line(layout)),
            Part::Hex(hex) => write_hex(&mut out, hex),
            Part::Verbatim(text) => write_verbatim(&mut out, text),
        }
    }
    out
}

/// Writes words in lines that are not too long. Words that are too long themselves are cut.
fn paragraph(out: &mut String, indent: &str, text: &str) {
    hanging(out, indent, indent, text);
}

/// As [`paragraph`], with another beginning of the first line.
fn hanging(out: &mut String, first: &str, indent: &str, text: &str) {
    let mut line = first.to_owned();
    let mut used = line.chars().count();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        let word = short(word, WIDTH - indent.chars().count());
        let len = word.chars().count();
        if !is_empty && used + 1 + len > WIDTH {
            let _ = writeln!(out, "{}", line.trim_end());
            line = indent.to_owned();
            used = line.chars().count();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
            used += 1;
        }
        line.push_str(&word);
        used += len;
        is_empty = false;
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

fn write_facts(out: &mut String, facts: &[(String, String)]) {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in facts {
        let first = format!("{INDENT}{name:width$}  ");
        hanging(out, &first, &" ".repeat(first.chars().count()), value);
    }
}

fn write_path(out: &mut String, steps: &[Step]) {
    for (step, number) in steps.iter().zip(1..) {
        let first = format!("{INDENT}{number:>2}. ");
        let indent = " ".repeat(first.chars().count());
        match &step.at {
            None => hanging(out, &first, &indent, &step.message),
            Some(at) => {
                let text = format!("{}:{}: {}", at.file, at.line, step.message);
                hanging(out, &first, &indent, &text);
                let quoted = at.text.trim().replace('\t', TAB);
                if !quoted.is_empty() {
                    let quoted = short(&quoted, WIDTH - indent.len() - 2);
                    let _ = writeln!(out, "{indent}| {quoted}");
                }
            }
        }
    }
}

fn layout_line(layout: &LayoutView) -> String {
    let parts: Vec<String> =
        layout.parts.iter().map(|(name, len)| format!("{name} {len}")).collect();
    let cloned = if layout.cloned { ", cloned" } else { "" };
    format!("{}: {}{cloned}", layout.name, parts.join(" ¦ "))
}

fn write_hex(out: &mut String, hex: &Hex) {
    let width = hex.width() * 3;
    let captions: Vec<String> = hex
        .sides
        .iter()
        .map(|side| format!("{:width$}", format!(" {}", short(&side.caption, width - 1))))
        .collect();
    let _ = writeln!(out, "{}", format!("{INDENT}     {}", captions.join("  ")).trim_end());
    for row in hex.rows() {
        let (at, sides) = match row {
            Row::Gap(bytes) => {
                let _ = writeln!(out, "{INDENT}      … {bytes} bytes …");
                continue;
            }
            Row::Bytes(at, sides) => (at, sides),
        };
        let bytes: Vec<String> = sides
            .iter()
            .map(|cells| {
                let cell = cells.iter().map(|cell| {
                    let border = if cell.border { '¦' } else { ' ' };
                    match cell.byte {
                        Some(byte) => format!("{border}{byte:02x}"),
                        None => format!("{border}  "),
                    }
                });
                cell.collect()
            })
            .collect();
        let marks: Vec<String> = sides
            .iter()
            .map(|cells| {
                let mark = cells.iter().map(|cell| match (cell.changed, cell.marked) {
                    (true, _) => " ^^",
                    (false, true) => " ~~",
                    (false, false) => "   ",
                });
                mark.collect()
            })
            .collect();
        let _ = writeln!(out, "{}", format!("{INDENT}{at:04x} {}", bytes.join("  ")).trim_end());
        let marks = format!("{INDENT}     {}", marks.join("  "));
        if !marks.trim().is_empty() {
            let _ = writeln!(out, "{}", marks.trim_end());
        }
    }
    let words = legend(hex);
    if !words.is_empty() {
        paragraph(out, INDENT, &words);
    }
}

/// What the marks mean, of those that are there.
fn legend(hex: &Hex) -> String {
    let rows = hex.rows();
    let any = |wanted: fn(&super::hex::Cell) -> bool| {
        rows.iter().any(|row| match row {
            Row::Bytes(_, sides) => sides.iter().flatten().any(wanted),
            Row::Gap(_) => false,
        })
    };
    let mut words = Vec::new();
    if any(|cell| cell.changed) {
        words.push("^^ differs");
    }
    if any(|cell| cell.marked) {
        words.push("~~ asked for through a dynptr");
    }
    if any(|cell| cell.border) {
        words.push("¦ another part of the packet begins");
    }
    words.join(" · ")
}

fn write_verbatim(out: &mut String, text: &str) {
    for line in text.lines() {
        let line = short(&line.replace('\t', TAB), WIDTH - INDENT.len());
        let _ = writeln!(out, "{}", format!("{INDENT}{line}").trim_end());
    }
}
