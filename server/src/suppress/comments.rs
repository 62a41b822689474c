//! Finding and reading the comments that allow findings.

use text::Span;

/// What every suppression comment begins with.
const MARKER: &str = "bpf-analyzer:";

/// A comment addressed to this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    /// The comment with its delimiters.
    pub(super) span: Span,
    /// What it says.
    pub(super) kind: DirectiveKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DirectiveKind {
    /// `allow(…)` with the names and where they stand.
    Allow(Vec<(String, Span)>),
    /// `allow-file(…)`.
    AllowFile(Vec<(String, Span)>),
    /// Something else, with what is wrong about it.
    Malformed(String),
}

/// The comments of a text, and those among them that are addressed to this program.
#[derive(Debug)]
pub(super) struct Comments<'a> {
    all: &'a [Span],
    pub(super) directives: Vec<Directive>,
}

/// Whether `text` may have a comment that is addressed to this program.
pub(super) fn may_have_directives(text: &str) -> bool {
    text.contains(MARKER)
}

impl<'a> Comments<'a> {
    /// Reads the comments `all` of `text`, which are in order.
    pub(super) fn read(text: &str, all: &'a [Span]) -> Self {
        let directives = all.iter().filter_map(|span| Directive::read(text, *span)).collect();
        Self { all, directives }
    }

    /// The offset of the first byte at or behind `from` that is neither blank nor part of a comment.
    pub(super) fn skip_blank(&self, text: &str, from: u32) -> u32 {
        let mut at = from;
        loop {
            let rest = Span::new(at, offset(text.len())).text(text);
            at += offset(rest.len() - rest.trim_start().len());
            let next = self.all.partition_point(|comment| comment.end <= at);
            match self.all.get(next).filter(|comment| comment.start <= at) {
                Some(comment) => at = comment.end,
                None => return at,
            }
        }
    }

    /// The offset of the next code behind `from`, preprocessor lines skipped; `None` at the end.
    pub(super) fn next_code(&self, text: &str, from: u32) -> Option<u32> {
        let mut at = self.skip_blank(text, from);
        while text.as_bytes().get(at as usize) == Some(&b'#') {
            at = self.skip_blank(text, logical_line_end(text, at));
        }
        ((at as usize) < text.len()).then_some(at)
    }
}

/// Text offsets fit 32 bits because larger files are not read.
fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The end of a preprocessor line that may go on behind a backslash.
fn logical_line_end(text: &str, from: u32) -> u32 {
    let rest = text.get(from as usize..).unwrap_or("");
    let mut length = 0;
    for line in rest.split_inclusive('\n') {
        length += line.len();
        if !line.trim_end().ends_with('\\') {
            break;
        }
    }
    from + offset(length)
}

impl Directive {
    fn read(text: &str, span: Span) -> Option<Self> {
        // A carriage return at the end belongs to the line.
        let comment = span.text(text).trim_end();
        let span = Span::new(span.start, span.start + offset(comment.len()));
        let said = comment.trim_start_matches(['/', '*', '!', ' ', '\t']).strip_prefix(MARKER)?;
        let said = said.trim_end_matches("*/").trim();
        let kind = match said
            .split_once('(')
            .and_then(|(word, rest)| Some((word, rest.split_once(')')?.0)))
        {
            Some((word, list)) => {
                let names = names(text, list);
                match word.trim_end() {
                    "allow" | "allow-file" if names.is_empty() => {
                        DirectiveKind::Malformed("this comment names no rule to allow".to_owned())
                    }
                    "allow" => DirectiveKind::Allow(names),
                    "allow-file" => DirectiveKind::AllowFile(names),
                    _ => DirectiveKind::not_understood(said),
                }
            }
            None => DirectiveKind::not_understood(said),
        };
        Some(Self { span, kind })
    }
}

impl DirectiveKind {
    fn not_understood(said: &str) -> Self {
        let word = said.split([' ', '(', '\t', '\n']).next().unwrap_or_default();
        DirectiveKind::Malformed(format!("`{MARKER} {word}` is not understood"))
    }
}

/// The comma-separated names of `list`, which is a part of `text`.
fn names(text: &str, list: &str) -> Vec<(String, Span)> {
    // `list` borrows from `text`, so the difference of the addresses is its place.
    let start = list.as_ptr() as usize - text.as_ptr() as usize;
    let mut names = Vec::new();
    let mut at = start;
    for piece in list.split(',') {
        let name = piece.trim();
        if !name.is_empty() {
            let from = at + (piece.len() - piece.trim_start().len());
            names.push((name.to_owned(), Span::new(offset(from), offset(from + name.len()))));
        }
        at += piece.len() + 1;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Directive> {
        let parsed = syntax::Parsed::parse(text.into());
        Comments::read(text, parsed.comments()).directives
    }

    #[test]
    fn directives_are_read_with_places() {
        let text = "// bpf-analyzer: allow(a-b, c) because\n/* bpf-analyzer: allow-file( d )*/";
        let directives = read(text);
        let named: Vec<(&str, &str)> = directives
            .iter()
            .flat_map(|directive| match &directive.kind {
                DirectiveKind::Allow(names) | DirectiveKind::AllowFile(names) => names.as_slice(),
                DirectiveKind::Malformed(_) => &[],
            })
            .map(|(name, span)| (name.as_str(), span.text(text)))
            .collect();
        assert_eq!(named, [("a-b", "a-b"), ("c", "c"), ("d", "d")]);
        assert!(matches!(directives[1].kind, DirectiveKind::AllowFile(_)));
    }

    #[test]
    fn what_is_not_understood_says_so() {
        for (text, expected) in [
            ("// bpf-analyzer: disable(x)", "`bpf-analyzer: disable` is not understood"),
            ("// bpf-analyzer: allow x", "`bpf-analyzer: allow` is not understood"),
            ("// bpf-analyzer: allow(x", "`bpf-analyzer: allow` is not understood"),
            ("/* bpf-analyzer: */", "`bpf-analyzer: ` is not understood"),
            ("// bpf-analyzer: allow( , )", "this comment names no rule to allow"),
        ] {
            let directives = read(text);
            let expected = DirectiveKind::Malformed(expected.to_owned());
            assert_eq!(
                directives.first().map(|directive| &directive.kind),
                Some(&expected),
                "{text}"
            );
        }
        assert_eq!(read("// see bpf-analyzer: allow(x)"), []);
        assert_eq!(read("\"// bpf-analyzer: allow(x)\""), []);
    }
}
