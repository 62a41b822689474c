//! Same-length masking: BPF C is rewritten in place into C that the grammar can read.
//!
//! The masked text has the length and the line ends of the original, so offsets and rows are the same in
//! both. What was overwritten is recorded in [`Masks`]; these records carry the BPF meaning (section names,
//! map members, attributes) that the grammar does not know.
//!
//! Rules come in two groups: those with name tables, and generic ones that know no names and must stay conservative,
//! because masking too much loses code without a trace.

mod arguments;
mod buffer;
mod conditional;
mod generic;
pub(crate) mod outline;
mod rewrites;
mod specifiers;
mod structure;
mod tables;
pub(crate) mod words;

use rustc_hash::FxHashSet;
use text::Span;

use crate::ast::Name;
use crate::lexer::{Scan, Token, scan};
use crate::placed::Shift;
use buffer::Buffer;
use conditional::Live;
use structure::{Brace, Stream};
pub use words::MapMacro;

/// A place where the masked text differs from the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// The bytes that the rule covers; some of them may be unchanged.
    pub span: Span,
    /// Why.
    pub kind: MaskKind,
}

/// Why something was masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaskKind {
    /// `SEC(…)`; where the string stands, if the argument is one string constant.
    Section(Option<Span>),
    /// An attribute, with its arguments.
    Attribute,
    /// `__uint(name, value)` and the like.
    MapMember {
        /// Which macro.
        which: MapMacro,
        /// The member's name.
        name: Span,
        /// The value or type.
        value: Span,
    },
    /// A macro with arguments in front of a block, rewritten as `while (…)` or `if (…)`; where its name stands.
    LoopMacro(Span),
    /// A macro call that is a statement but has no semicolon, rewritten as `a, b;`; where its name stands.
    StatementMacro(Span),
    /// `(type)` in front of something that could continue an expression (`-`, `(`); where the type stands.
    Cast(Span),
    /// An `int` written where the type of a function defined by a macro is missing.
    ImplicitInt,
    /// The operands of `asm`; whether it may jump to labels.
    Asm {
        /// `asm goto`.
        jumps: bool,
    },
    /// A type as an argument of a macro, rewritten as `0`.
    TypeArgument,
    /// An argument that is no expression (`<`, `[i].x`), rewritten as `0`.
    OpaqueArgument {
        /// It holds a statement, so control may leave here.
        control: bool,
    },
    /// `typeof(…)`, rewritten as `int`; where the operand stands.
    Typeof(Span),
    /// The member path of `offsetof`, made one identifier.
    MemberPath,
    /// The dots of `case a ... b`, rewritten as `||`.
    CaseRange,
    /// The underlying type of an enum.
    EnumBase,
    /// The width of a bit-field without a name; where the number stands.
    UnnamedBits(Span),
    /// A macro call where a declaration starts.
    MacroCall,
    /// A macro call that stands for members of a record, rewritten as `int`.
    RecordMacro,
    /// An identifier that the grammar of declarations has no place for: an attribute of unknown name.
    SurplusWord,
    /// A spelling of a keyword that the grammar does not know.
    Spelling,
    /// A comma or semicolon with nothing in front of it.
    Empty,
    /// A branch of `#if` that was left out.
    Inactive,
    /// A preprocessor line.
    Directive,
    /// A string or character constant that nothing closes, rewritten as `0`.
    Unclosed,
    /// Brackets that are nested too deeply.
    TooDeep,
}

impl Shift for Mask {
    fn shift(&mut self, by: i64) {
        self.span.shift(by);
        match &mut self.kind {
            MaskKind::Section(value) => value.shift(by),
            MaskKind::MapMember { which: _, name, value } => {
                name.shift(by);
                value.shift(by);
            }
            MaskKind::LoopMacro(span)
            | MaskKind::StatementMacro(span)
            | MaskKind::Cast(span)
            | MaskKind::Typeof(span)
            | MaskKind::UnnamedBits(span) => span.shift(by),
            MaskKind::Attribute
            | MaskKind::ImplicitInt
            | MaskKind::Asm { .. }
            | MaskKind::TypeArgument
            | MaskKind::OpaqueArgument { .. }
            | MaskKind::MemberPath
            | MaskKind::CaseRange
            | MaskKind::EnumBase
            | MaskKind::MacroCall
            | MaskKind::RecordMacro
            | MaskKind::SurplusWord
            | MaskKind::Spelling
            | MaskKind::Empty
            | MaskKind::Inactive
            | MaskKind::Directive
            | MaskKind::Unclosed
            | MaskKind::TooDeep => {}
        }
    }
}

/// Which rules run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// All.
    All,
    /// Only those with name tables.
    Tables,
    /// Only comments and preprocessor lines.
    Bare,
}

/// What was masked, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masks {
    list: Vec<Mask>,
}

impl Masks {
    fn new(mut list: Vec<Mask>) -> Self {
        list.sort_by_key(|mask| (mask.span.start, mask.span.end));
        Self { list }
    }

    /// The same `by` bytes further on, added to `to`.
    pub(crate) fn append_to(&self, to: &mut Masks, by: i64) {
        to.list.extend(self.list.iter().cloned().map(|mut mask| {
            mask.shift(by);
            mask
        }));
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Mask> {
        self.list.iter()
    }

    /// Those that start in `span`.
    pub fn starting_in(&self, span: Span) -> &[Mask] {
        let from = self.list.partition_point(|mask| mask.span.start < span.start);
        let len = self.list[from..].partition_point(|mask| mask.span.start < span.end);
        &self.list[from..from + len]
    }

    /// Those that start at `offset`.
    pub fn at(&self, offset: u32) -> &[Mask] {
        self.starting_in(Span::new(offset, offset.saturating_add(1)))
    }
}

/// A masked text.
#[derive(Debug)]
pub(crate) struct Masked {
    pub(crate) text: String,
    pub(crate) masks: Masks,
    /// Bodies of functions, counted by brackets alone.
    pub(crate) bodies: usize,
    /// Names that the text declares as types, sorted.
    pub(crate) typedefs: Vec<Name>,
}

/// A text to be masked and what is known about it.
pub(crate) struct Part<'t> {
    pub(crate) text: &'t str,
    /// The tokens that count, without directives.
    pub(crate) tokens: Vec<Token>,
    pub(crate) comments: Vec<Span>,
    pub(crate) directives: Vec<Span>,
    /// Branches that are left out.
    pub(crate) inactive: Vec<Span>,
    /// Constants that nothing closes, in order.
    pub(crate) unclosed: Vec<Span>,
    /// Names that are known to be types.
    pub(crate) types: &'t FxHashSet<Name>,
}

/// Masks a whole text that stands alone.
pub(crate) fn mask(text: &str, rules: Rules) -> Masked {
    let Scan { tokens, comments, unclosed } = scan(text);
    let directives = conditional::directive_spans(&tokens);
    let Live { tokens, inactive } = conditional::select(text, &tokens);
    let types = &FxHashSet::default();
    mask_part(Part { text, tokens, comments, directives, inactive, unclosed, types }, rules)
}

/// Masks a text, or a part of one that is cut at file scope.
pub(crate) fn mask_part(part: Part<'_>, rules: Rules) -> Masked {
    let Part { text, tokens, comments, directives, inactive, unclosed, types } = part;
    let mut masker = Masker {
        buffer: Buffer::new(text),
        masks: Vec::new(),
        stream: Stream::new(text, tokens),
        types,
        typedefs: FxHashSet::default(),
        statement_ends: FxHashSet::default(),
    };
    for comment in &comments {
        masker.buffer.blank(comment.range());
    }
    masker.erase_spans(&directives, &MaskKind::Directive);
    masker.erase_spans(&inactive, &MaskKind::Inactive);
    let deep = masker.stream.cut_deep();
    masker.erase_spans(&deep, &MaskKind::TooDeep);
    masker.close_constants(&unclosed);
    if rules != Rules::Bare {
        masker.tables();
    }
    masker.stream.classify();
    let bodies = masker.stream.braces.iter().filter(|brace| **brace == Brace::Function).count();
    if rules == Rules::All {
        masker.generic();
    }
    let mut typedefs: Vec<Name> = masker.typedefs.iter().map(Name::new).collect();
    typedefs.sort_unstable();
    let (text, masks) = match masker.buffer.finish(text) {
        Some(masked) => (masked, Masks::new(masker.masks)),
        // Not reached; the text as it is can always be parsed.
        None => (text.to_owned(), Masks::default()),
    };
    Masked { text, masks, bodies, typedefs }
}

/// The state the rules share.
struct Masker<'t> {
    buffer: Buffer,
    masks: Vec<Mask>,
    stream: Stream<'t>,
    /// Names that are known to be types from elsewhere.
    types: &'t FxHashSet<Name>,
    /// Names that the text declares as types.
    typedefs: FxHashSet<&'t str>,
    /// Closing parentheses behind which a statement starts.
    statement_ends: FxHashSet<usize>,
}

impl Masker<'_> {
    fn record(&mut self, span: Span, kind: MaskKind) {
        self.masks.push(Mask { span, kind });
    }

    /// Blanks the spans and records why.
    fn erase_spans(&mut self, spans: &[Span], kind: &MaskKind) {
        for &span in spans {
            self.buffer.blank(span.range());
            self.record(span, kind.clone());
        }
    }

    /// Rewrites the constants that nothing closes; `unclosed` is sorted.
    fn close_constants(&mut self, unclosed: &[Span]) {
        if unclosed.is_empty() {
            return;
        }
        for at in 0..self.stream.len() {
            if unclosed.binary_search(&self.stream.tokens[at].span).is_ok() {
                self.replace(at, at, b"0", MaskKind::Unclosed);
            }
        }
    }

    /// Blanks the tokens `from..=to` and records why.
    fn erase(&mut self, from: usize, to: usize, kind: MaskKind) {
        let span = self.stream.span(from, to);
        self.buffer.blank(span.range());
        self.record(span, kind);
    }

    /// Overwrites the tokens `from..=to` by `new` and blanks, if `new` fits in front of the first line end.
    fn replace(&mut self, from: usize, to: usize, new: &[u8], kind: MaskKind) -> bool {
        let span = self.stream.span(from, to);
        if (span.len() as usize) < new.len() || !self.buffer.fits(span.start as usize, new.len()) {
            return false;
        }
        self.buffer.blank(span.range());
        self.buffer.put(span.start as usize, new);
        self.record(span, kind);
        true
    }
}
