//! The output formats. Each writes a beginning, one file after the other, and an end, and keeps no
//! source text between files.

mod concise;
mod excerpt;
mod full;
mod github;
mod json;
mod junit;
mod sarif;

use std::borrow::Cow;
use std::io::{self, Write};
use std::str::FromStr;

use serde::Serialize;

use crate::{FileReport, RuleInfo};

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// For people: the source with marks, as compilers print it.
    #[default]
    Full,
    /// For people and editors: one line per finding.
    Concise,
    /// One JSON document with everything.
    Json,
    /// SARIF 2.1.0, for code scanning services.
    Sarif,
    /// Workflow commands that become annotations on GitHub.
    Github,
    /// `JUnit` XML, for services that show tests.
    Junit,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 6] =
        [Self::Full, Self::Concise, Self::Json, Self::Sarif, Self::Github, Self::Junit];

    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Concise => "concise",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Junit => "junit",
        }
    }
}

/// The word is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{0}`; expected full, concise, json, sarif, github or junit")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        let known = Self::ALL.into_iter().find(|format| format.name() == word);
        known.ok_or_else(|| UnknownFormat(word.to_owned()))
    }
}

/// What the formats for people heed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether to colour with ANSI escapes.
    pub color: bool,
    /// Columns of the terminal; kept within 40 to 200.
    pub width: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { color: false, width: 120 }
    }
}

/// What a run did, told at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Files looked at.
    pub files: usize,
    /// Findings printed.
    pub findings: usize,
    /// Places the parser could not read.
    pub unparsed_regions: usize,
    /// Wall-clock time.
    pub elapsed_ms: u64,
}

/// A format at work. The calls come in the order `begin`, any number of `file`, `finish`, with the
/// same `out`; what `out` answers with an error is passed on.
pub trait Renderer: Send {
    /// Writes what stands before all findings.
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()>;

    /// Writes the findings of one file, which may have none.
    fn file(&mut self, report: &FileReport, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what stands behind all findings.
    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()>;
}

/// The renderer of a format. `rules` describes the rules that findings may name; one that is missing
/// costs only its description.
pub fn renderer<'a>(
    format: Format,
    options: Options,
    rules: &'a [RuleInfo],
) -> Box<dyn Renderer + 'a> {
    match format {
        Format::Full => Box::new(full::Full::new(options)),
        Format::Concise => Box::new(concise::Concise::new(options)),
        Format::Json => Box::new(json::Json::default()),
        Format::Sarif => Box::new(sarif::Sarif::new(rules)),
        Format::Github => Box::new(github::Github),
        Format::Junit => Box::new(junit::Junit::default()),
    }
}

/// Writes a whole run at once.
pub fn render_all(
    format: Format,
    options: Options,
    rules: &[RuleInfo],
    reports: &[FileReport],
    summary: &Summary,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut renderer = renderer(format, options, rules);
    renderer.begin(out)?;
    for report in reports {
        renderer.file(report, out)?;
    }
    renderer.finish(summary, out)
}

/// A text without characters that could steer a terminal or break its line: line ends and tabs become
/// blanks, other control characters the replacement character.
fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    Cow::Owned(text.chars().map(shown).collect())
}
