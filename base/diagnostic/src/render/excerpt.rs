//! The few lines of a file that a finding shows, cut out so that printing costs the same for a small
//! file and for one of megabytes, or with lines of megabytes.

use std::ops::Range;

use text::{LineIndex, Span};

/// Lines between two marks from which on they are shown as two excerpts.
const FAR_APART: u32 = 50;
/// Lines around the ends of a mark whose text may be shown.
const CONTEXT: u32 = 2;
/// A mark over more lines is shortened to its first one.
const LONGEST_MARK: u32 = 30;
/// Bytes of a line that are kept; a terminal shows far fewer.
const LONGEST_LINE: u32 = 1000;
/// Bytes kept in front of the first mark of a line that is cut.
const KEPT_IN_FRONT: u32 = 200;

/// Consecutive lines of a file, with the marks that lie in them.
pub(super) struct Excerpt {
    /// The lines, each with `\n`; those far from any mark and the cut parts of long ones are left out.
    pub(super) text: String,
    /// Number of the first line, from 1.
    pub(super) first_line: usize,
    /// Whether some line lacks its beginning.
    pub(super) is_cut: bool,
    /// For each mark its number in the order given and where it stands in `text`.
    pub(super) marks: Vec<(usize, Range<usize>)>,
}

/// A mark with the lines (from 0) of its ends.
#[derive(Clone, Copy)]
struct Mark {
    number: usize,
    span: Span,
    first: u32,
    last: u32,
}

impl Mark {
    fn new(index: &LineIndex, number: usize, span: Span) -> Self {
        let span = Span::new(index.clamp(span.start), index.clamp(span.end));
        let (first, last) = (index.line(span.start), index.line(span.end));
        if last - first <= LONGEST_MARK {
            return Self { number, span, first, last };
        }
        let span = Span::new(span.start, index.line_span(first).end);
        Self { number, span, first, last: first }
    }

    /// Whether the line is near one of the ends.
    fn is_near(&self, line: u32) -> bool {
        line.abs_diff(self.first) <= CONTEXT || line.abs_diff(self.last) <= CONTEXT
    }
}

/// Where a line went: its kept part in the file and its start in the excerpt.
struct Kept {
    span: Span,
    at: usize,
}

/// Cuts out what the spans need; the excerpt of the first span comes first, the others by position.
pub(super) fn excerpts(index: &LineIndex, spans: &[Span]) -> Vec<Excerpt> {
    let marks = spans.iter().enumerate().map(|(number, span)| Mark::new(index, number, *span));
    let mut marks: Vec<Mark> = marks.collect();
    marks.sort_by_key(|mark| (mark.first, mark.last));
    let mut reached = 0;
    let mut groups: Vec<Vec<Mark>> = Vec::new();
    for mark in marks {
        match groups.last_mut() {
            Some(group) if mark.first.saturating_sub(reached) < FAR_APART => group.push(mark),
            _ => groups.push(vec![mark]),
        }
        reached = reached.max(mark.last);
    }
    groups.sort_by_key(|group| group.iter().all(|mark| mark.number != 0));
    groups.iter().map(|group| excerpt(index, group)).collect()
}

/// Cuts out the lines from the first to the last of a group of marks.
fn excerpt(index: &LineIndex, marks: &[Mark]) -> Excerpt {
    let first = marks.iter().map(|mark| mark.first).min().unwrap_or(0);
    let last = marks.iter().map(|mark| mark.last).max().unwrap_or(first);
    let mut text = String::new();
    let mut lines = Vec::new();
    let mut is_cut = false;
    for line in first..=last {
        let span = if marks.iter().any(|mark| mark.is_near(line)) {
            visible_part(index, index.line_span(line), marks)
        } else {
            Span::empty(index.line_span(line).start)
        };
        is_cut |= span.start > index.line_span(line).start;
        lines.push(Kept { span, at: text.len() });
        text.push_str(span.text(index.text()));
        text.push('\n');
    }
    let place = |line: u32, offset: u32| {
        lines.get((line - first) as usize).map_or(0, |Kept { span, at }| {
            at + (offset.clamp(span.start, span.end) - span.start) as usize
        })
    };
    let marks = marks.iter().map(|mark| {
        let range = place(mark.first, mark.span.start)..place(mark.last, mark.span.end);
        (mark.number, range)
    });
    Excerpt { first_line: first as usize + 1, is_cut, marks: marks.collect(), text }
}

/// A line, cut around its first mark if it is too long.
fn visible_part(index: &LineIndex, line: Span, marks: &[Mark]) -> Span {
    if line.len() <= LONGEST_LINE {
        return line;
    }
    let ends = marks.iter().flat_map(|mark| [mark.span.start, mark.span.end]);
    let first_mark = ends.filter(|&end| line.start <= end && end <= line.end).min();
    let from =
        first_mark.map_or(line.start, |mark| mark.saturating_sub(KEPT_IN_FRONT).max(line.start));
    let to = from.saturating_add(LONGEST_LINE).min(line.end);
    Span::new(index.clamp(from), index.clamp(to))
}
