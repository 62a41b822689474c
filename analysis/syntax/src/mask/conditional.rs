//! Which tokens `#if … #else … #endif` leaves.
//!
//! No condition is evaluated but `0`, `1` and `__cplusplus`. A group without `#else` keeps its
//! content. A group with several branches keeps all of them where they hold whole declarations at file
//! scope; elsewhere, inside brackets or where a branch is only a part of a construct, the first branch that
//! is not empty is kept, because two alternatives in a row are neither parseable nor what is compiled.
//! The preprocessor lines themselves are always blanked: they are read apart from the tree.

use text::Span;

use crate::directive::directive_word;
use crate::lexer::{Token, TokenKind, span};

/// Deeper groups are not looked at as a whole; they keep their first branch.
const MAX_GROUP_DEPTH: usize = 16;

/// What is left of a token stream.
pub(crate) struct Live {
    /// The tokens that count, without directives.
    pub(crate) tokens: Vec<Token>,
    /// Branches that are left out.
    pub(crate) inactive: Vec<Span>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Opens a group; whether the first branch certainly counts or certainly does not.
    If(Option<bool>),
    Else,
    End,
    Other,
}

/// A directive and where its group goes on.
#[derive(Clone, Copy)]
struct Mark {
    token: usize,
    step: Step,
    /// The next `#elif`, `#else` or `#endif` of the group: an index of marks; its own if there is none.
    next: usize,
}

/// Chooses the branches of `tokens`, the whole stream of `text`.
pub(crate) fn select(text: &str, tokens: &[Token]) -> Live {
    let marks = marks(text, tokens);
    if marks.is_empty() {
        return Live { tokens: tokens.to_vec(), inactive: Vec::new() };
    }
    let mut selector = Selector {
        tokens,
        marks: &marks,
        code_before: code_before(tokens),
        live: Vec::with_capacity(tokens.len()),
        inactive: Vec::new(),
        depth: 0,
    };
    selector.run();
    Live { tokens: selector.live, inactive: selector.inactive }
}

fn marks(text: &str, tokens: &[Token]) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (token, at) in
        tokens.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Directive)
    {
        let step = step(at.span.text(text));
        let index = marks.len();
        marks.push(Mark { token, step, next: index });
        let in_group = match step {
            Step::If(_) => true,
            Step::Else | Step::End => open.pop().map(|before| marks[before].next = index).is_some(),
            Step::Other => false,
        };
        if in_group && step != Step::End {
            open.push(index);
        }
    }
    marks
}

fn step(line: &str) -> Step {
    let Some((word, end)) = directive_word(line) else { return Step::Other };
    let rest =
        || line[end..].split("/*").next().unwrap_or("").split("//").next().unwrap_or("").trim();
    match word {
        "if" => Step::If(match rest() {
            "0" | "false" => Some(false),
            "1" | "true" => Some(true),
            _ => None,
        }),
        "ifdef" => Step::If((rest() == "__cplusplus").then_some(false)),
        "ifndef" => Step::If((rest() == "__cplusplus").then_some(true)),
        "elif" | "else" | "elifdef" | "elifndef" => Step::Else,
        "endif" => Step::End,
        _ => Step::Other,
    }
}

/// For each token how many before it are no directives.
fn code_before(tokens: &[Token]) -> Vec<u32> {
    let mut count = 0;
    let mut before = Vec::with_capacity(tokens.len() + 1);
    before.push(0);
    for token in tokens {
        count += u32::from(token.kind != TokenKind::Directive);
        before.push(count);
    }
    before
}

/// A group that is being read.
struct Group {
    /// The branch to keep; `None` for all.
    keep: Option<usize>,
    /// Which branch is being read.
    branch: usize,
}

struct Selector<'a> {
    tokens: &'a [Token],
    marks: &'a [Mark],
    code_before: Vec<u32>,
    live: Vec<Token>,
    inactive: Vec<Span>,
    depth: usize,
}

impl Selector<'_> {
    fn run(&mut self) {
        let mut groups: Vec<Group> = Vec::new();
        let mut mark = 0;
        let mut at = 0;
        while at < self.tokens.len() {
            let token = self.tokens[at];
            if token.kind != TokenKind::Directive {
                self.live.push(token);
                self.depth = depth_after(self.depth, token);
                at += 1;
                continue;
            }
            let here = mark;
            mark += 1;
            at += 1;
            match self.marks[here].step {
                Step::If(known) if self.marks[here].next != here => {
                    let keep = self.choose(here, known, groups.len());
                    groups.push(Group { keep, branch: 0 });
                }
                // A group that never ends keeps what it has.
                Step::If(_) | Step::Other => continue,
                Step::Else => match groups.last_mut() {
                    Some(group) => group.branch += 1,
                    None => continue,
                },
                Step::End => {
                    groups.pop();
                    continue;
                }
            }
            let Some(group) = groups.last() else { continue };
            let next = self.marks[here].next;
            if group.keep.is_some_and(|keep| keep != group.branch) && next != here {
                let stop = self.marks[next].token;
                if at < stop {
                    let dead = self.tokens[at].span.cover(self.tokens[stop - 1].span);
                    self.inactive.push(dead);
                }
                at = stop;
                mark = next;
            }
        }
    }

    /// Which branch of the group opened by the mark `first` stays.
    fn choose(&self, first: usize, known: Option<bool>, nesting: usize) -> Option<usize> {
        let branches = self.branches(first);
        match known {
            Some(true) => return Some(0),
            // Without an alternative there is no branch 1, and nothing stays.
            Some(false) => return Some(1),
            None if branches.len() < 2 => return None,
            None => {}
        }
        let whole = self.depth == 0
            && nesting < MAX_GROUP_DEPTH
            && self.live.last().is_none_or(|token| ends_item(*token))
            && branches.iter().all(|&(from, to)| self.is_whole(from, to));
        if whole {
            return None;
        }
        let filled =
            branches.iter().position(|&(from, to)| self.code_before[from] != self.code_before[to]);
        Some(filled.unwrap_or(0))
    }

    /// The ranges of tokens of the branches of a group.
    fn branches(&self, first: usize) -> Vec<(usize, usize)> {
        let mut branches = Vec::new();
        let mut at = first;
        loop {
            let next = self.marks[at].next;
            let end = if next == at { self.tokens.len() } else { self.marks[next].token };
            branches.push((self.marks[at].token + 1, end));
            if next == at || self.marks[next].step == Step::End {
                return branches;
            }
            at = next;
        }
    }

    /// Whether the tokens are balanced and end as a declaration ends.
    fn is_whole(&self, from: usize, to: usize) -> bool {
        let mut depth = 0usize;
        let mut last = None;
        let first = self.tokens[from..to].iter().find(|token| token.kind != TokenKind::Directive);
        if first.is_some_and(|token| {
            matches!(token.kind, TokenKind::Punct(b'{' | b'=' | b',' | b'[' | b'('))
        }) {
            return false;
        }
        for token in self.tokens[from..to].iter().filter(|token| token.kind != TokenKind::Directive)
        {
            if depth == 0 && matches!(token.kind, TokenKind::Punct(b')' | b']' | b'}')) {
                return false;
            }
            depth = depth_after(depth, *token);
            last = Some(*token);
        }
        depth == 0 && last.is_none_or(ends_item)
    }
}

fn ends_item(token: Token) -> bool {
    matches!(token.kind, TokenKind::Punct(b';' | b'}' | b')'))
}

fn depth_after(depth: usize, token: Token) -> usize {
    match token.kind {
        TokenKind::Punct(b'(' | b'[' | b'{') => depth + 1,
        TokenKind::Punct(b')' | b']' | b'}') => depth.saturating_sub(1),
        _ => depth,
    }
}

/// All preprocessor lines.
pub(crate) fn directive_spans(tokens: &[Token]) -> Vec<Span> {
    tokens
        .iter()
        .filter(|token| token.kind == TokenKind::Directive)
        .map(|token| span(token.span.start as usize, token.span.end as usize))
        .collect()
}
