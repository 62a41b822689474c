//! Which identifiers in front of a declared name are too many: attribute macros of unknown name.

use crate::mask::structure::Stream;
use crate::mask::words::Word;

/// The words from the start of a declaration up to the punctuation behind its first name.
pub(super) struct Run {
    /// `struct x`, `int` and the like: the type needs no identifier.
    has_type: bool,
    /// Identifiers in front of `struct`, `int` and the like.
    ahead: Vec<usize>,
    /// Identifiers in front of the first `*`, or all if there is none.
    before: Vec<usize>,
    /// Identifiers behind the last `*`, if there is one.
    after: Option<Vec<usize>>,
    /// The first token behind.
    pub(super) end: usize,
}

impl Run {
    /// Reads the run that starts at `at`; `None` if no declaration starts there.
    pub(super) fn read(stream: &Stream<'_>, at: usize) -> Option<Self> {
        let mut run =
            Self { has_type: false, ahead: Vec::new(), before: Vec::new(), after: None, end: at };
        while let Some(token) = stream.tokens.get(run.end) {
            if token.is(b'*') {
                run.after = Some(Vec::new());
                run.end += 1;
                continue;
            }
            if !stream.is_ident(run.end) {
                break;
            }
            match stream.word(run.end) {
                Word::Storage | Word::Qualifier => {}
                Word::BaseType => run.base(),
                Word::Record | Word::Enum => {
                    run.base();
                    run.tag(stream);
                }
                Word::Plain | Word::Typedef => {
                    run.after.as_mut().unwrap_or(&mut run.before).push(run.end);
                }
                _ => return None,
            }
            run.end += 1;
        }
        (run.end > at && run.ends_well(stream)).then_some(run)
    }

    /// Notes that the type needs no identifier.
    fn base(&mut self) {
        if !self.has_type && self.after.is_none() {
            self.ahead.append(&mut self.before);
        }
        self.has_type = true;
    }

    /// Moves from `struct` to the tag or to the end of the body.
    fn tag(&mut self, stream: &Stream<'_>) {
        let mut at = self.end + 1;
        while stream.is_ident(at) && matches!(stream.word(at), Word::Plain | Word::Typedef) {
            at += 1;
        }
        if stream.is(at, b'{') && stream.pairs[at] != crate::mask::structure::NONE {
            self.end = stream.pairs[at];
        } else if at > self.end + 1 {
            self.end += 1;
        }
    }

    fn ends_well(&self, stream: &Stream<'_>) -> bool {
        [b'(', b';', b'=', b'[', b',', b':', b')'].iter().any(|byte| stream.is(self.end, *byte))
    }

    /// Whether the run gives a type but no name.
    pub(super) fn is_unnamed(&self) -> bool {
        match &self.after {
            Some(after) => after.is_empty(),
            None => self.before.len() == usize::from(!self.has_type),
        }
    }

    /// The identifiers the grammar has no place for.
    pub(super) fn surplus(&self, stream: &Stream<'_>) -> Vec<usize> {
        let mut surplus = self.ahead.clone();
        let types = match &self.after {
            Some(after) => {
                surplus.extend(after.iter().take(after.len().saturating_sub(1)));
                &self.before[..]
            }
            None => {
                let (name, rest) = self.name(stream);
                surplus.extend(rest);
                &self.before[..name]
            }
        };
        let kept = if self.has_type { None } else { type_name(stream, types) };
        surplus.extend(types.iter().filter(|at| Some(**at) != kept));
        surplus.sort_unstable();
        surplus
    }

    /// How many identifiers stand in front of the name, and those behind it.
    fn name(&self, stream: &Stream<'_>) -> (usize, &[usize]) {
        let Some(last) = self.before.len().checked_sub(1) else { return (0, &[]) };
        let first_name = usize::from(!self.has_type);
        let typed =
            self.has_type || self.before.first().is_some_and(|at| is_type_name(stream, *at));
        if typed && last > first_name && is_mark(stream.str(self.before[last])) {
            let name = self.before[first_name];
            if !is_mark(stream.str(name)) {
                return (first_name, &self.before[first_name + 1..]);
            }
        }
        (last, &[])
    }
}

/// The one of `types` that is most likely the type.
fn type_name(stream: &Stream<'_>, types: &[usize]) -> Option<usize> {
    types.iter().rev().find(|at| is_type_name(stream, **at)).or(types.last()).copied()
}

fn is_type_name(stream: &Stream<'_>, at: usize) -> bool {
    stream.word(at) == Word::Typedef || stream.str(at).ends_with("_t")
}

/// Whether a name looks like an attribute macro.
pub(super) fn is_mark(name: &str) -> bool {
    name.starts_with("__") || !name.bytes().any(|byte| byte.is_ascii_lowercase())
}
