//! How inserted lines look: indented like what stands around them, with the file's own line ends.

use text::{Edit, Span};

use super::seat::{Seat, Standing};
use crate::RuleCx;

/// Lines to insert. A leading tab stands for one step of indentation.
pub(crate) type Lines = Vec<String>;

impl RuleCx<'_> {
    /// Inserts lines in front of a statement.
    pub(crate) fn insert_before(&self, seat: &Seat<'_>, lines: &[String]) -> Vec<Edit> {
        match seat.standing {
            Standing::Alone => self.wrap(seat, lines, &[]),
            Standing::Listed | Standing::Labelled => vec![self.put_before(seat.span(), lines)],
        }
    }

    /// Inserts lines behind a statement, and behind the comment at the end of its line.
    pub(crate) fn insert_after(&self, seat: &Seat<'_>, lines: &[String]) -> Vec<Edit> {
        if seat.standing == Standing::Alone {
            return self.wrap(seat, &[], lines);
        }
        let span = seat.span();
        vec![match (self.starts_line(span.start), self.end_with_comment(span.end)) {
            (true, Some(end)) => {
                let indent = self.indent(span.start);
                Edit::insert(
                    end,
                    self.joined(lines, |line| format!("{}{indent}{line}", self.newline())),
                )
            }
            _ => Edit::insert(span.end, self.inline(lines, |line| format!(" {line}"))),
        }]
    }

    fn put_before(&self, span: Span, lines: &[String]) -> Edit {
        let text = if self.starts_line(span.start) {
            // The blanks in front of the statement become those of the first line.
            let text = self.joined(lines, |line| {
                format!("{}{}{line}", self.newline(), self.indent(span.start))
            });
            let behind = format!("{}{}", self.newline(), self.indent(span.start));
            text.trim_start().to_owned() + &behind
        } else {
            self.inline(lines, |line| format!("{line} "))
        };
        Edit::insert(span.start, text)
    }

    /// Inserts lines in front of the brace that ends a function.
    pub(crate) fn insert_at_end(&self, brace: Span, lines: &[String]) -> Vec<Edit> {
        if !self.starts_line(brace.start) {
            return vec![self.put_before(brace, lines)];
        }
        let indent = self.indent(brace.start);
        let line_start = brace.start - length(indent);
        let step = self.step();
        let text = self.joined(lines, |line| format!("{indent}{step}{line}{}", self.newline()));
        vec![Edit::insert(line_start, text)]
    }

    /// Puts braces around a statement and lines in front of and behind it. Nothing if a comment stands where the
    /// opening brace belongs.
    fn wrap(&self, seat: &Seat<'_>, before: &[String], after: &[String]) -> Vec<Edit> {
        let Some(owner) = seat.owner else { return Vec::new() };
        let (body, start) = (seat.span(), seat.span().start as usize);
        let head = self.text()[..start].trim_end();
        let head_line = &head[head.rfind('\n').map_or(0, |newline| newline + 1)..];
        let opens = [")", "else", "do"].iter().any(|end| head.ends_with(end));
        if !opens || head_line.contains("//") {
            return Vec::new();
        }
        let own_line = matches!(self.line_head(owner.span.start).trim(), "" | "else" | "} else");
        let (true, Some(end)) = (own_line, self.end_with_comment(body.end)) else {
            let before = self.inline(before, |line| format!("{line} "));
            let after = self.inline(after, |line| format!(" {line}"));
            return vec![
                Edit::insert(body.start, format!("{{ {before}")),
                Edit::insert(body.end, format!("{after} }}")),
            ];
        };
        let (newline, outer) = (self.newline(), self.indent(owner.span.start));
        let inner = if self.starts_line(body.start) {
            self.indent(body.start).to_owned()
        } else {
            format!("{outer}{}", self.step())
        };
        let line = |line: &str| format!("{newline}{inner}{line}");
        let opening = format!(" {{{}{newline}{inner}", self.joined(before, line));
        let closing = format!("{}{newline}{outer}}}", self.joined(after, line));
        let gap = Span::new(length(head), body.start);
        vec![Edit::replace(gap, opening), self.closing_brace(end, closing)]
    }

    /// The brace goes on the line of an `else` behind it.
    fn closing_brace(&self, end: u32, closing: String) -> Edit {
        let rest = &self.text()[end as usize..];
        let gap = rest.len() - rest.trim_start().len();
        if rest[gap..].starts_with("else") {
            Edit::replace(Span::new(end, end + length(&rest[..gap])), format!("{closing} "))
        } else {
            Edit::insert(end, closing)
        }
    }

    /// Deletes a statement, with its line if nothing else stands there but a comment. Nothing if something has to
    /// stand in its place.
    pub(crate) fn delete(&self, seat: &Seat<'_>) -> Vec<Edit> {
        let bare_label = seat.standing == Standing::Labelled && seat.followers().is_empty();
        if seat.standing == Standing::Alone || bare_label {
            return Vec::new();
        }
        let mut span = seat.span();
        if let (true, Some(end)) = (self.starts_line(span.start), self.end_with_comment(span.end)) {
            span.start -= length(self.indent(span.start));
            let rest = &self.text()[end as usize..];
            span.end =
                end + rest.find('\n').map_or(length(rest), |newline| length(&rest[..=newline]));
        }
        vec![Edit::replace(span, "")]
    }

    /// Lines next to each other.
    fn inline(&self, lines: &[String], place: impl Fn(&str) -> String) -> String {
        lines.iter().filter(|line| !line.is_empty()).map(|line| place(line.trim_start())).collect()
    }

    fn joined(&self, lines: &[String], place: impl Fn(&str) -> String) -> String {
        let step = self.step();
        let indented = |line: &String| match line.strip_prefix('\t') {
            Some(rest) => place(&format!("{step}{rest}")),
            None if line.is_empty() => self.newline().to_owned(),
            None => place(line),
        };
        lines.iter().map(indented).collect()
    }

    /// What stands in front of an offset on its line.
    fn line_head(&self, at: u32) -> &str {
        let head = &self.text()[..at as usize];
        &head[head.rfind('\n').map_or(0, |newline| newline + 1)..]
    }

    fn starts_line(&self, at: u32) -> bool {
        self.line_head(at).trim().is_empty()
    }

    /// The blanks at the start of a line.
    fn indent(&self, at: u32) -> &str {
        let head = self.line_head(at);
        &head[..head.len() - head.trim_start().len()]
    }

    /// Where the line ends but for blanks, if nothing but a comment follows on it.
    fn end_with_comment(&self, at: u32) -> Option<u32> {
        let rest = &self.text()[at as usize..];
        let line = rest[..rest.find('\n').unwrap_or(rest.len())].trim_end();
        let comment = line.trim_start();
        let closed = comment.starts_with("/*") && comment.find("*/") == Some(comment.len() - 2);
        let open = comment.starts_with("//") && !comment.ends_with('\\');
        match comment.is_empty() {
            true => Some(at),
            false => (closed || open).then(|| at + length(line)),
        }
    }

    fn newline(&self) -> &'static str {
        if self.text().contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// One step of indentation, as the first indented line of the file has it.
    fn step(&self) -> &str {
        let mut code = self.text().lines().filter(|line| line.trim_end().ends_with([';', '{']));
        let first = code.find(|line| line.starts_with('\t') || line.starts_with("  "));
        match first {
            Some(line) if line.starts_with(' ') => &line[..line.len() - line.trim_start().len()],
            _ => "\t",
        }
    }
}

/// Length of a part of a file. Files do not exceed 4 GiB.
pub(crate) fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}
