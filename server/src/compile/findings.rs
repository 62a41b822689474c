//! clang's messages as findings of the file that was compiled.

use std::ops::Range;
use std::path::Path;

use diagnostic::{Applicability, Finding, Fix, KernelVerdict, Label, RuleInfo, Severity};
use text::{Edit, Span};

use super::messages::{At, Level, Message, Place, Replacement, parse};
use crate::paths::normal;

/// Findings of clang have this rule. It is no rule of the linter: it cannot be selected or allowed.
pub const CLANG: RuleInfo = RuleInfo {
    name: "clang",
    group: "compiler",
    severity: Severity::Error,
    kernel: KernelVerdict::Rejects,
    covers: &[],
    since: None,
    fix: Some(Applicability::Unsafe),
    summary: "clang does not compile the program, or warns",
    url: "https://clang.llvm.org/docs/DiagnosticsReference.html",
};

/// The findings in `output`, what clang printed when it compiled `text`, the file at the absolute path `path`, in
/// `directory`. Those of headers are where the header is included.
pub(super) fn of(output: &str, path: &Path, directory: &Path, text: &str) -> Vec<Finding> {
    let source = Source { path, directory, text, lines: line_starts(text) };
    let mut findings: Vec<_> =
        parse(output).iter().map(|message| source.finding(message)).collect();
    findings.sort_by_key(|finding| (finding.span.start, finding.span.end));
    findings
}

struct Source<'s> {
    path: &'s Path,
    directory: &'s Path,
    text: &'s str,
    lines: Vec<usize>,
}

/// Line ends are those of clang: `\n`, `\r\n` and `\r`.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends = bytes
        .iter()
        .enumerate()
        .filter(|&(at, &byte)| byte == b'\n' || byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
    std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
}

impl Source<'_> {
    fn finding(&self, message: &Message) -> Finding {
        let severity = match message.level {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
            Level::Remark | Level::Note => Severity::Info,
        };
        let kernel = match severity {
            Severity::Error => KernelVerdict::Rejects,
            Severity::Warning | Severity::Info => KernelVerdict::Accepts,
        };
        let (span, text) = match &message.place {
            Some(place) if self.is_here(&place.file) => (self.span(place), message.text.clone()),
            Some(place) => (self.include(message), format!("{}: {}", shown(place), message.text)),
            None => (Span::empty(0), message.text.clone()),
        };
        let (here, elsewhere): (Vec<_>, Vec<_>) = message
            .notes
            .iter()
            .partition(|note| note.place.as_ref().is_some_and(|place| self.is_here(&place.file)));
        let labels = here.iter().filter_map(|note| {
            Some(Label { span: self.span(note.place.as_ref()?), message: note.text.clone() })
        });
        Finding {
            rule: CLANG.name,
            severity,
            kernel,
            function: None,
            span,
            message: text,
            labels: labels.collect(),
            help: advice(&message.text).map(str::to_owned).or_else(|| told(&elsewhere)),
            kernel_message: None,
            fixes: self.fix(&message.replacements).into_iter().collect(),
        }
    }

    fn is_here(&self, file: &str) -> bool {
        normal(&self.directory.join(file)) == normal(self.path)
    }

    /// The line of this file through which a header was reached, without the blanks around it.
    fn include(&self, message: &Message) -> Span {
        let here = message.included.iter().find(|(file, _)| self.is_here(file));
        let Some(&(_, line)) = here else { return Span::empty(0) };
        let start = self.offset(At { line, column: 1 });
        let rest = &self.text[start..];
        let line = rest.lines().next().unwrap_or_default();
        let indent = line.len() - line.trim_start().len();
        span(start + indent..start + line.trim_end().len().max(indent))
    }

    /// The piece of text around the place, or the word at it.
    fn span(&self, place: &Place) -> Span {
        let at = self.offset(place.at);
        let around = place
            .ranges
            .iter()
            .map(|range| self.range(range))
            .find(|range| range.contains(&at) && range.start < range.end);
        span(around.unwrap_or_else(|| at..self.word_end(at)))
    }

    fn word_end(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let one =
            rest.chars().next().filter(|c| !matches!(c, '\n' | '\r')).map_or(0, char::len_utf8);
        at + word.max(one)
    }

    fn range(&self, range: &Range<At>) -> Range<usize> {
        let start = self.offset(range.start);
        start..self.offset(range.end).max(start)
    }

    /// The byte at a line and column, within its line and between two characters.
    fn offset(&self, at: At) -> usize {
        let line = (at.line as usize).saturating_sub(1);
        let Some(&start) = self.lines.get(line) else { return self.text.len() };
        let end = self.lines.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let wanted = (start + (at.column as usize).saturating_sub(1)).min(end.max(start));
        (0..=wanted).rev().find(|&at| self.text.is_char_boundary(at)).unwrap_or_default()
    }

    fn fix(&self, replacements: &[Replacement]) -> Option<Fix> {
        let here = replacements.iter().all(|one| self.is_here(&one.file));
        if replacements.is_empty() || !here {
            return None;
        }
        let mut edits: Vec<_> = replacements
            .iter()
            .map(|one| Edit::replace(span(self.range(&one.range)), one.text.clone()))
            .collect();
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        let title = match replacements {
            [one] if one.text.is_empty() => {
                format!("remove `{}`", &self.text[self.range(&one.range)])
            }
            [one] if one.range.is_empty() => format!("insert `{}`", one.text),
            [one] => format!("write `{}`", one.text),
            _ => "do what clang suggests".to_owned(),
        };
        Some(Fix { title, applicability: Applicability::Unsafe, edits })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "source files are below 32 MiB")]
fn span(range: Range<usize>) -> Span {
    Span::new(range.start as u32, range.end as u32)
}

fn shown(place: &Place) -> String {
    format!("{}:{}:{}", place.file, place.at.line, place.at.column)
}

/// Notes on other files.
fn told(notes: &[&Message]) -> Option<String> {
    let told = notes.iter().map(|note| match &note.place {
        Some(place) => format!("{}: {}", shown(place), note.text),
        None => note.text.clone(),
    });
    let told: Vec<_> = told.take(3).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// What to do about headers that are usually missing.
fn advice(message: &str) -> Option<&'static str> {
    let missing = message.strip_suffix("file not found")?;
    let name = missing.trim().trim_matches('\'');
    if name.starts_with("bpf/") {
        return Some(
            "install the headers of libbpf (package libbpf-dev or libbpf-devel), or name their directory in \
             `header-paths`",
        );
    }
    if name.starts_with("asm/") || name.starts_with("linux/") {
        return Some(
            "install the headers of the kernel (package linux-libc-dev or kernel-headers)",
        );
    }
    Some("name its directory in `header-paths`, or compile with a `compile_commands.json`")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "#include \"a.h\"\r\n  # include <b.h>  \nint é = yy + zz;\nint last";

    fn one(output: &str) -> Finding {
        let mut findings = of(output, Path::new("/p/x.c"), Path::new("/p"), TEXT);
        assert_eq!(findings.len(), 1, "{output}");
        findings.remove(0)
    }

    fn text(finding: &Finding) -> &str {
        finding.span.text(TEXT)
    }

    #[test]
    fn places_become_pieces_of_text() {
        for (output, expected) in [
            ("x.c:3:10: error: m", "yy"),
            ("./x.c:3:13:{3:10-3:17}: error: m", "yy + zz"),
            ("/p/x.c:3:10:{3:15-3:17}: error: m", "yy"),
            ("/p/x.c:3:6: error: inside a character", "é"),
            ("/p/x.c:3:99: error: m", ""),
            ("/p/x.c:99:1: error: m", ""),
            ("/p/x.c:4:5: error: m", "last"),
            ("error: m", ""),
            ("In file included from x.c:1:\n/p/a.h:7:1: error: m", "#include \"a.h\""),
            ("In file included from x.c:2:\nb.h:7:1: error: m", "# include <b.h>"),
        ] {
            assert_eq!(text(&one(output)), expected, "{output}");
        }
        assert_eq!(
            one("In file included from x.c:1:\n/p/a.h:7:1: error: m").message,
            "/p/a.h:7:1: m"
        );
    }

    #[test]
    fn notes_are_labels_here_and_help_elsewhere() {
        let finding = one("x.c:3:10: error: m\nx.c:4:5: note: here\n/q/y.h:1:2: note: there");
        assert_eq!(finding.labels.len(), 1);
        assert_eq!(finding.labels[0].span.text(TEXT), "last");
        assert_eq!(finding.help.as_deref(), Some("/q/y.h:1:2: there"));
    }

    #[test]
    fn suggestions_are_fixes_of_this_file_only() {
        let finding = one("x.c:3:10: error: m\nfix-it:\"x.c\":{3:10-3:12}:\"zz\"");
        let fix = &finding.fixes[0];
        assert_eq!((fix.title.as_str(), fix.applicability), ("write `zz`", Applicability::Unsafe));
        assert_eq!(fix.edits[0].span.text(TEXT), "yy");
        let finding = one("x.c:3:10: error: m\nfix-it:\"y.h\":{3:10-3:12}:\"zz\"");
        assert!(finding.fixes.is_empty());
    }
}
