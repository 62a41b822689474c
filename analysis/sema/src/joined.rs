//! Names that macros make with `##`. They stand nowhere in the text, so they are recognised by how they begin or
//! end.

use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use syntax::ast::{Macro, Name};
use syntax::{Token, TokenKind, lex};

use crate::Headers;

/// A macro as far as it can make names.
#[derive(Debug)]
pub(crate) struct Maker {
    name: Name,
    /// The identifiers in its body that are no parameters.
    words: Vec<Name>,
    /// `use_` in `use_ ## x`.
    prefixes: SmallVec<[Name; 1]>,
    /// `_use` in `x ## _use`.
    suffixes: SmallVec<[Name; 1]>,
    /// `x ## y`: what is made begins with what the macro is given.
    open: bool,
}

impl Maker {
    /// Reads the body of `definition`.
    pub(crate) fn new(definition: &Macro) -> Self {
        let body = definition.body.as_str();
        let tokens = lex(body);
        let params = definition.params.as_deref().unwrap_or_default();
        let is_param = |word: &str| params.iter().any(|param| param == word);
        let literal = |token: &Token| {
            let word = token.span.text(body);
            (token.kind == TokenKind::Ident && !is_param(word)).then(|| Name::new(word))
        };
        let mut maker = Self {
            name: definition.name.clone(),
            words: tokens.iter().filter_map(literal).collect(),
            prefixes: SmallVec::new(),
            suffixes: SmallVec::new(),
            open: false,
        };
        for chain in chains(&tokens) {
            let (Some(first), Some(last)) = (chain.first(), chain.last()) else { continue };
            if first.kind != TokenKind::Ident {
                continue;
            }
            match (literal(first), literal(last)) {
                (Some(prefix), _) => maker.prefixes.push(prefix),
                (None, Some(suffix)) => maker.suffixes.push(suffix),
                (None, None) => maker.open = true,
            }
        }
        maker
    }
}

/// The operands of each `a ## b ## c`.
fn chains(tokens: &[Token]) -> Vec<SmallVec<[Token; 4]>> {
    let joins = |at: usize| {
        let hash = |at: usize| tokens.get(at).is_some_and(|token| token.is(b'#'));
        hash(at) && hash(at + 1)
    };
    let mut chains = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let mut chain = SmallVec::from_slice(&tokens[at..=at]);
        while joins(at + 1)
            && let Some(operand) = tokens.get(at + 3)
        {
            chain.push(*operand);
            at += 3;
        }
        if chain.len() > 1 {
            chains.push(chain);
        }
        at += 1;
    }
    chains
}

/// The names of a file that can be meant without being written.
pub(crate) struct Joined<'a> {
    /// Names with the parts that define them, sorted.
    defined: Vec<(&'a str, &'a [u32])>,
    /// The macros that hand what they are given to a `##` without anything literal beside it.
    open: FxHashSet<&'a str>,
}

impl<'a> Joined<'a> {
    /// Nothing if no macro of the file or its headers makes names.
    pub(crate) fn new(
        own: &'a [Maker],
        headers: &'a Headers,
        defined: impl Iterator<Item = (&'a str, &'a [u32])>,
    ) -> Option<Self> {
        let makers = || own.iter().chain(headers.iter().flat_map(|header| header.makers()));
        let makes =
            |maker: &Maker| maker.open || !maker.prefixes.is_empty() || !maker.suffixes.is_empty();
        if !makers().any(makes) {
            return None;
        }
        let mut open: FxHashSet<&str> =
            makers().filter(|maker| maker.open).map(|maker| maker.name.as_str()).collect();
        let mut known = 0;
        while known < open.len() {
            known = open.len();
            let through = |maker: &&Maker| maker.words.iter().any(|word| open.contains(&**word));
            let found: Vec<&str> = makers().filter(through).map(|maker| &*maker.name).collect();
            open.extend(found);
        }
        let mut defined: Vec<_> = defined.collect();
        defined.sort_unstable_by_key(|(name, _)| *name);
        Some(Self { defined, open })
    }

    /// The parts that a macro reaches with the names it makes.
    pub(crate) fn by_macro(&self, maker: &Maker, found: &mut impl Extend<u32>) {
        for prefix in &maker.prefixes {
            found.extend(self.beginning_with(prefix));
        }
        for suffix in &maker.suffixes {
            let ends = self.defined.iter().filter(|(name, _)| name.ends_with(suffix.as_str()));
            found.extend(ends.flat_map(|(_, parts)| parts.iter().copied()));
        }
        if self.open.contains(maker.name.as_str()) {
            for word in &maker.words {
                found.extend(self.beginning_with(word));
            }
        }
    }

    /// The parts that something with these words reaches by handing some of them to macros.
    pub(crate) fn by_words<'w>(
        &self,
        words: impl Iterator<Item = &'w str> + Clone,
        found: &mut impl Extend<u32>,
    ) {
        if words.clone().any(|word| self.open.contains(word)) {
            for word in words {
                found.extend(self.beginning_with(word));
            }
        }
    }

    fn beginning_with<'s>(&'s self, prefix: &'s str) -> impl Iterator<Item = u32> + 's {
        let from = self.defined.partition_point(|(name, _)| *name < prefix);
        let fitting =
            self.defined[from..].iter().take_while(move |(name, _)| name.starts_with(prefix));
        fitting.flat_map(|(_, parts)| parts.iter().copied())
    }
}
