//! Edits that several rules make.

use diagnostic::{Applicability, Fix};
use flow::StmtSpan;
use flow::observe::SliceView;
use text::{Edit, Span};

use crate::cx::RuleCx;

/// A fix that can be applied without a look.
pub(crate) fn safe(title: impl Into<String>, edits: Vec<Edit>) -> Option<Fix> {
    fix(title.into(), Applicability::Safe, edits)
}

/// A fix that may change what the program is meant to do.
pub(crate) fn doubtful(title: impl Into<String>, edits: Vec<Edit>) -> Option<Fix> {
    fix(title.into(), Applicability::Unsafe, edits)
}

fn fix(title: String, applicability: Applicability, edits: Vec<Edit>) -> Option<Fix> {
    (!edits.is_empty()).then_some(Fix { title, applicability, edits })
}

impl RuleCx<'_> {
    /// The innermost statement of a list that holds a place.
    pub(crate) fn statement(&self, place: Span) -> Option<StmtSpan> {
        self.statements()
            .iter()
            .filter(|stmt| stmt.span.contains(place))
            .min_by_key(|stmt| stmt.span.len())
            .copied()
    }

    /// Blanks in front of a statement, if nothing else stands on its line.
    fn indent(&self, at: u32) -> Option<&str> {
        let line = self.text()[..at as usize].rfind('\n').map_or(0, |newline| newline + 1);
        let blank = &self.text()[line..at as usize];
        blank.chars().all(char::is_whitespace).then_some(blank)
    }

    fn newline(&self) -> &'static str {
        if self.text().contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// Inserts lines behind a statement, indented like it.
    pub(crate) fn insert_after(&self, stmt: Span, lines: &[&str]) -> Edit {
        let mut text = String::new();
        for line in lines {
            match self.indent(stmt.start) {
                Some(indent) => {
                    text.push_str(self.newline());
                    text.push_str(indent);
                    text.push_str(line);
                }
                None => {
                    text.push(' ');
                    text.push_str(line.trim_start());
                }
            }
        }
        Edit::insert(stmt.end, text)
    }

    /// Inserts lines in front of a statement, indented like it.
    pub(crate) fn insert_before(&self, stmt: Span, lines: &[&str]) -> Edit {
        let mut text = String::new();
        for line in lines {
            text.push_str(line);
            match self.indent(stmt.start) {
                Some(indent) => {
                    text.push_str(self.newline());
                    text.push_str(indent);
                }
                None => text.push(' '),
            }
        }
        Edit::insert(stmt.start, text)
    }

    /// Deletes a statement, with its line if nothing else stands there.
    pub(crate) fn delete(&self, stmt: Span) -> Edit {
        let mut span = stmt;
        if let Some(indent) = self.indent(stmt.start) {
            let rest = &self.text()[stmt.end as usize..];
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
            if rest[blank..].starts_with('\n') {
                span.start -= u32::try_from(indent.len()).unwrap_or(0);
                span.end += u32::try_from(blank + 1).unwrap_or(0);
            }
        }
        Edit::replace(span, "")
    }

    /// The statement that gives a slice back: `if (p == buf) bpf_dynptr_write(…);` as lines.
    pub(crate) fn write_back_lines(&self, slice: &SliceView) -> Option<[String; 2]> {
        let [dynptr, offset, buffer, length] = slice.call.args[..] else { return None };
        if slice.name.is_empty() {
            return None;
        }
        let buffer = self.quote(buffer);
        let pointer = if slice.needs_cast {
            format!("(void *){}", slice.name)
        } else {
            slice.name.to_string()
        };
        let write = format!(
            "\tbpf_dynptr_write({}, {}, {buffer}, {}, 0);",
            self.quote(dynptr),
            self.quote(offset),
            self.quote(length)
        );
        Some([format!("if ({pointer} == {buffer})"), write])
    }

    /// Where to insert what must happen after `store` on the way to `leave`.
    pub(crate) fn place_between(&self, store: Span, leave: Span) -> Option<Span> {
        let common = self
            .statements()
            .iter()
            .filter(|stmt| {
                stmt.list.contains(store) && stmt.list.contains(leave) && stmt.span.contains(store)
            })
            .min_by_key(|stmt| stmt.list.len())?;
        let after = Span::new(store.end, common.span.end).text(self.text());
        let jumps = ["goto", "return", "break", "continue"].iter().any(|word| after.contains(word));
        let chosen =
            if jumps || common.span.contains(leave) { self.statement(store)? } else { *common };
        (!chosen.span.contains(leave)).then_some(chosen.span)
    }

    /// Makes the call the read-write (or read-only) variant.
    pub(crate) fn rename_call(&self, call: &flow::observe::CallView, to: &str) -> Option<Edit> {
        let text = call.span.text(self.text());
        let name = call.name.as_str();
        let start = u32::try_from(text.find(name)?).ok()? + call.span.start;
        let end = start + u32::try_from(name.len()).ok()?;
        Some(Edit::replace(Span::new(start, end), to))
    }

    /// `if (!p) return …;` for a program type.
    pub(crate) fn early_return(&self, pointer: &str, code: &str) -> [String; 2] {
        [format!("if (!{pointer})"), format!("\treturn {code};")]
    }

    /// A statement that is a block's own and ends with a semicolon: something can be put next to it.
    pub(crate) fn plain_statement(&self, place: Span) -> Option<Span> {
        let stmt = self.statement(place)?;
        let text = stmt.span.text(self.text());
        let compound =
            ["if", "for", "while", "do", "switch"].iter().any(|word| starts_with_word(text, word));
        (text.ends_with(';') && !compound).then_some(stmt.span)
    }

    /// Whether a word stands anywhere in the text.
    pub(crate) fn mentions_word(&self, word: &str) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        self.text().match_indices(word).any(|(at, _)| {
            !self.text()[..at].ends_with(is_word)
                && !self.text()[at + word.len()..].starts_with(is_word)
        })
    }
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word)
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}
