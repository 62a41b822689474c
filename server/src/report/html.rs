//! Reports as HTML: a `<section>` of headings, lists and `<pre>` with classes, without scripts and styles, so that an
//! editor decides how it looks and what a click does.

use std::fmt::Write as _;

use super::hex::{Cell, Hex, Row};
use super::{LayoutView, Part, Report, Step, Verdict};

pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    let verdict = match report.verdict {
        Verdict::Good => "ok",
        Verdict::Bad => "bad",
        Verdict::Unknown => "unknown",
    };
    let title = escaped(&report.title);
    // Writing to a string does not fail, here and below.
    let _ = writeln!(out, "<section aria-label=\"{title}\">\n<h2>{title}</h2>");
    let summary = escaped(&report.summary);
    let _ = writeln!(out, "<p class=\"ba-verdict {verdict}\">{summary}</p>");
    for part in &report.parts {
        match part {
            Part::Heading(heading) => {
                let _ = writeln!(out, "<h3>{}</h3>", escaped(heading));
            }
            Part::Paragraph(text) => {
                let _ = writeln!(out, "<p>{}</p>", escaped(text));
            }
            Part::Facts(facts) => write_facts(&mut out, facts),
            Part::Path(steps) => write_path(&mut out, steps),
            Part::Layout(layout) => write_layout(&mut out, layout),
            Part::Hex(hex) => write_hex(&mut out, hex),
            Part::Verbatim(text) => {
                let text = escaped(text.trim_end());
                let _ = writeln!(out, "<pre {}>{text}</pre>", scrolls("contents"));
            }
        }
    }
    out.push_str("</section>\n");
    out
}

/// Text that means nothing but itself, in elements and in quoted attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// What is wider than the page is scrolled, with the keyboard too, and has a name.
fn scrolls(name: &str) -> String {
    format!("tabindex=\"0\" role=\"group\" aria-label=\"{name}\"")
}

fn write_facts(out: &mut String, facts: &[(String, String)]) {
    out.push_str("<dl>\n");
    for (name, value) in facts {
        let _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
    }
    out.push_str("</dl>\n");
}

fn write_path(out: &mut String, steps: &[Step]) {
    out.push_str("<ol class=\"ba-path\">\n");
    for step in steps {
        out.push_str("<li>");
        if let Some(at) = &step.at {
            let (place, line) = (escaped(&format!("{}:{}", at.file, at.line)), at.line);
            // Lines of other files lead nowhere: the page is about one file.
            let _ = match at.own {
                true => write!(out, "<a href=\"#L{line}\" data-line=\"{line}\">{place}</a> "),
                false => write!(out, "<span>{place}</span> "),
            };
        }
        out.push_str(&escaped(&step.message));
        if let Some(at) = step.at.as_ref().filter(|at| !at.text.trim().is_empty()) {
            let _ = write!(out, "<br><code>{}</code>", escaped(at.text.trim()));
        }
        out.push_str("</li>\n");
    }
    out.push_str("</ol>\n");
}

/// The border between two parts of a packet.
const BORDER: &str = "<span class=\"frag\">¦</span>";

fn write_layout(out: &mut String, layout: &LayoutView) {
    let parts: Vec<String> = layout
        .parts
        .iter()
        .map(|(name, len)| format!("<span>{} <b>{len}</b></span>", escaped(name)))
        .collect();
    let cloned = if layout.cloned { ", cloned" } else { "" };
    let name = escaped(&layout.name);
    let parts = parts.join(&format!(" {BORDER} "));
    let _ = writeln!(out, "<p class=\"ba-layout\">{name}: {parts}{cloned}</p>");
}

fn write_hex(out: &mut String, hex: &Hex) {
    let captions: Vec<String> = hex.sides.iter().map(|side| escaped(&side.caption)).collect();
    let caption = captions.join(" | ");
    let _ = writeln!(out, "<figure>\n<figcaption>{caption}</figcaption>");
    let _ = writeln!(out, "<pre class=\"ba-hex\" {}>", scrolls(&format!("bytes: {caption}")));
    for row in hex.rows() {
        match row {
            Row::Gap(bytes) => {
                let _ = writeln!(out, "      … {bytes} bytes …");
            }
            Row::Bytes(at, sides) => {
                let sides: Vec<String> = sides.iter().map(|cells| cells_of(cells)).collect();
                let _ = writeln!(out, "{at:04x} {}", sides.join("  |").trim_end());
            }
        }
    }
    out.push_str("</pre>\n</figure>\n");
}

fn cells_of(cells: &[Cell]) -> String {
    let mut out = String::new();
    let mut is_marked = false;
    for cell in cells {
        if is_marked && !cell.marked {
            out.push_str("</mark>");
        }
        out.push_str(if cell.border { BORDER } else { " " });
        if cell.marked && !is_marked {
            out.push_str("<mark>");
        }
        is_marked = cell.marked;
        let byte = cell.byte.map_or_else(|| "  ".to_owned(), |byte| format!("{byte:02x}"));
        let _ = match cell.changed {
            true => write!(out, "<span class=\"changed\">{byte}</span>"),
            false => write!(out, "{byte}"),
        };
    }
    if is_marked {
        out.push_str("</mark>");
    }
    out
}
