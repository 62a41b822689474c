//! What a quick check has to tell about a program: one structure, and its two forms, plain text and HTML.

mod hex;
mod html;
mod run;
mod source;
mod text;
mod verify;

pub use hex::{Hex, Side};
pub use run::{lens_of_layouts, lens_of_run, of_layouts, of_run};
pub use source::Source;
pub use verify::{lens_of_verify, of_verify};

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What was done: `Verify count`.
    pub title: String,
    /// How it is to be taken.
    pub verdict: Verdict,
    /// The result in a line: `accepted · 54 of 1,000,000 insns · stack 64 of 512`.
    pub summary: String,
    /// All that there is to be read.
    pub parts: Vec<Part>,
}

/// How a result is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is wrong.
    Good,
    /// Something is.
    Bad,
    /// It cannot be told.
    Unknown,
}

/// A piece of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// What the pieces behind it are about.
    Heading(String),
    /// Prose.
    Paragraph(String),
    /// Names and what they are.
    Facts(Vec<(String, String)>),
    /// What happened, in order.
    Path(Vec<Step>),
    /// How a packet lies in memory.
    Layout(LayoutView),
    /// Bytes of a packet.
    Hex(Hex),
    /// Text that is shown as it is.
    Verbatim(String),
}

/// Something that happened at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub message: String,
    /// Where, if that is known.
    pub at: Option<At>,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The file as it is shown.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// It is the file that the report is about.
    pub own: bool,
    /// What stands in the line; empty if that is not known.
    pub text: String,
}

/// How a packet lies in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutView {
    /// Which packet.
    pub name: String,
    /// What follows each other: name and length in bytes.
    pub parts: Vec<(String, usize)>,
    /// It shares its bytes with another one.
    pub cloned: bool,
}

impl LayoutView {
    /// The layout of a packet of `len` bytes.
    pub fn of(name: &str, layout: &runtime::Layout, len: usize) -> Self {
        let behind = || layout.fragments.iter().chain(&layout.list);
        let rest: usize = behind().map(|len| *len as usize).sum();
        let linear = layout.linear.map_or(len.saturating_sub(rest), |linear| linear as usize);
        let mut parts = vec![("linear".to_owned(), linear)];
        let fragments = layout.fragments.iter().map(|len| ("fragment", *len));
        let list = layout.list.iter().map(|len| ("packet of the list", *len));
        parts.extend(fragments.chain(list).map(|(name, len)| (name.to_owned(), len as usize)));
        Self { name: name.to_owned(), parts, cloned: layout.cloned }
    }

    /// The offsets at which one part ends and another one begins.
    fn borders(&self) -> Vec<usize> {
        let mut borders = Vec::new();
        let mut end = 0;
        for (_, len) in &self.parts {
            end += len;
            borders.push(end);
        }
        borders.pop();
        borders
    }

    /// In a few words: `66 + 134`.
    fn words(&self) -> String {
        let lens: Vec<String> = self.parts.iter().map(|(_, len)| len.to_string()).collect();
        let cloned = if self.cloned { ", cloned" } else { "" };
        match lens.as_slice() {
            [all] => format!("{all} linear{cloned}"),
            lens => format!("{}{cloned}", lens.join(" + ")),
        }
    }
}

impl Report {
    /// Plain text of lines of at most 100 characters.
    pub fn text(&self) -> String {
        text::render(self)
    }

    /// A `<section>` without scripts and styles. Everything that comes from a program is escaped.
    pub fn html(&self) -> String {
        html::render(self)
    }
}

/// A number with commas between its thousands.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 run`, `2 runs`.
fn count(number: usize, one: &str) -> String {
    let number_text = thousands(number as u64);
    if number == 1 { format!("{number_text} {one}") } else { format!("{number_text} {one}s") }
}

/// `text` in a line of at most `most` characters, without what moves a cursor.
fn short(text: &str, most: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() <= most {
        return clean;
    }
    let kept: String = clean.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests;
