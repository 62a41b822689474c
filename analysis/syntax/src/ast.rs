//! The abstract syntax of BPF C: what the rest of the analysis reads instead of parser nodes.
//!
//! Building it never fails. What the parser could not read becomes [`ExprKind::Error`] or
//! [`StmtKind::Error`], and the function around it says so in [`Function::has_error`]. Every span is
//! a range of bytes of the file (not of the masked text, which has the same offsets).

use std::sync::Arc;

use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use text::Span;

pub use crate::placed::{Placed, Shift};

/// An identifier.
pub type Name = SmolStr;

/// A whole file.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// Functions and declarations in the order of the text.
    pub items: Vec<Item>,
    /// `#define`, `#undef` and `#include` lines in the order of the text, also those inside functions.
    pub directives: Vec<Directive>,
    /// Regions the parser could not read.
    pub errors: Vec<Span>,
}

/// A declaration at file scope.
#[derive(Clone, Debug)]
pub enum Item {
    /// A function with a body.
    Function(Placed<Function>),
    /// Anything else: variables, maps, prototypes, types.
    Declaration(Placed<Declaration>),
}

/// A preprocessor line that the analysis cares for.
#[derive(Clone, Debug)]
pub struct Directive {
    /// What it says.
    pub kind: DirectiveKind,
    /// The whole line, with its continuation lines, without the last newline.
    pub span: Span,
}

/// What a preprocessor line says.
#[derive(Clone, Debug)]
pub enum DirectiveKind {
    /// `#include`.
    Include {
        /// The path as written.
        path: String,
        /// `<…>` instead of `"…"`.
        system: bool,
    },
    /// `#define`.
    Define(Macro),
    /// `#undef`.
    Undef(Name),
}

/// A macro definition.
#[derive(Clone, Debug)]
pub struct Macro {
    /// Its name.
    pub name: Name,
    /// Parameter names of a function-like macro; `None` for an object-like one. A variadic macro's
    /// last parameter is `__VA_ARGS__` or the name in front of `...`.
    pub params: Option<Vec<Name>>,
    /// Whether the last parameter takes the rest of the arguments.
    pub variadic: bool,
    /// The replacement text, continuation lines joined by blanks, comments removed.
    pub body: String,
    /// Where the name stands.
    pub name_span: Span,
}

/// Attributes found in front of or behind a declarator, most of them from the table of masks.
#[derive(Clone, Debug, Default)]
pub struct Attrs {
    /// The string of `SEC("…")`, if it is a literal, and the place of the string with its quotes.
    pub section: Option<(String, Span)>,
    /// All other attribute words as written: `__always_inline`, `__noinline`, `__ksym`, `__weak`,
    /// `__hidden`, `__attribute__((cleanup(f)))`, `__arg_ctx`, …
    pub words: Vec<(Name, Span)>,
}

/// A function with a body.
#[derive(Clone, Debug)]
pub struct Function {
    /// The real name: for `BPF_PROG(name, …)` that is the first argument of the macro.
    pub name: Name,
    /// Where the name stands.
    pub name_span: Span,
    /// From the first specifier (or SEC) to the closing brace.
    pub span: Span,
    /// `BPF_PROG`, `BPF_KPROBE`, `BPF_STRUCT_OPS`, … if the declarator is a call of such a macro. The
    /// parameters are then those behind the name, and the context is not among them.
    pub wrapper: Option<Name>,
    /// The type in front of the name.
    pub ret: Type,
    /// The parameters.
    pub params: Vec<Param>,
    /// `static`.
    pub is_static: bool,
    /// `inline`, in any spelling.
    pub is_inline: bool,
    /// Attributes.
    pub attrs: Attrs,
    /// The body.
    pub body: Block,
    /// Something in here could not be parsed: nothing is certain about this function.
    pub has_error: bool,
    /// The names of parameters and of variables declared anywhere in the body.
    pub locals: Arc<FxHashSet<Name>>,
    /// A type with a body, or a `typedef`, stands in here.
    pub has_types: bool,
}

/// A parameter of a function.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name; empty if it has none.
    pub name: Name,
    /// Where the name stands, or the type if there is no name.
    pub span: Span,
    /// Its type, as declared (an array is still an array).
    pub ty: Type,
    /// `__arg_ctx`, `__arg_nonnull`, …
    pub attrs: Attrs,
}

/// One declaration with all its declarators; also a type alone (`struct x { … };`).
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The whole declaration with its semicolon.
    pub span: Span,
    /// `typedef`.
    pub is_typedef: bool,
    /// `extern`.
    pub is_extern: bool,
    /// `static`.
    pub is_static: bool,
    /// The type in front of the declarators, with the body of a record or enum defined here.
    pub base: Type,
    /// The declared names.
    pub declarators: Vec<Declarator>,
    /// Attributes.
    pub attrs: Attrs,
}

/// One declared name.
#[derive(Clone, Debug)]
pub struct Declarator {
    /// The name.
    pub name: Name,
    /// Where the name stands.
    pub name_span: Span,
    /// From the declarator's first byte to the end of its initialiser.
    pub span: Span,
    /// The whole type: the base with pointers, arrays and functions around it.
    pub ty: Type,
    /// The initialiser.
    pub init: Option<Expr>,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// A word or words: `int`, `u32`, `unsigned long` (words sorted as written, qualifiers removed).
    Named(Name),
    /// `struct` or `union`.
    Record(Box<RecordType>),
    /// `enum`.
    Enum(Box<EnumType>),
    /// Pointer.
    Pointer {
        /// What it points to.
        to: Box<Type>,
        /// Whether that is `const`.
        to_const: bool,
    },
    /// Array; no dimension for `x[]`.
    Array(Box<Type>, Option<Box<Expr>>),
    /// Function.
    Function(Box<FunctionType>),
    /// `typeof(expression)` and `__auto_type` (then with the initialiser's expression missing).
    Typeof(Option<Box<Expr>>),
    /// Not readable.
    Unknown,
}

/// `struct` or `union` with or without a body.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordType {
    /// `union`.
    pub is_union: bool,
    /// The tag.
    pub tag: Option<Name>,
    /// The members, if they stand here.
    pub members: Option<Vec<Member>>,
    /// `__attribute__((packed))` or `__packed`.
    pub packed: bool,
    /// `aligned(n)`: the largest literal one.
    pub aligned: Option<u64>,
    /// Where the type stands.
    pub span: Span,
}

/// A member of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The name; `None` for an anonymous record or an unnamed bit-field.
    pub name: Option<Name>,
    /// Where the member's declarator stands.
    pub span: Span,
    /// Its type.
    pub ty: Type,
    /// Width of a bit-field.
    pub bits: Option<Box<Expr>>,
    /// For a member of a map definition made by a macro.
    pub map: Option<MapMember>,
}

/// A member of a BTF-style map definition: `__uint(name, value)`, `__type(name, type)`,
/// `__array(name, type)`, `__ulong(name, value)`.
#[derive(Clone, Debug, PartialEq)]
pub enum MapMember {
    /// `__uint` and `__ulong`: the value.
    Uint(Expr),
    /// `__type`: the type.
    Type(Type),
    /// `__array`: the element type.
    Array(Type),
}

/// `enum` with or without a body.
#[derive(Clone, Debug, PartialEq)]
pub struct EnumType {
    /// The tag.
    pub tag: Option<Name>,
    /// The enumerators, if they stand here.
    pub enumerators: Option<Vec<Enumerator>>,
}

/// An enumerator.
#[derive(Clone, Debug, PartialEq)]
pub struct Enumerator {
    /// Its name.
    pub name: Name,
    /// Where the name stands.
    pub span: Span,
    /// Its value, if written.
    pub value: Option<Expr>,
}

/// The type of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionType {
    /// What it returns.
    pub ret: Type,
    /// Types of the parameters, with names where written.
    pub params: Vec<(Name, Type)>,
    /// `...`.
    pub variadic: bool,
}

/// `{ … }`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// The statements.
    pub stmts: Vec<Stmt>,
    /// With the braces.
    pub span: Span,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// With its semicolon.
    pub span: Span,
}

/// What a statement is.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// A declaration of locals.
    Decl(Box<LocalDecl>),
    /// An expression, or `None` for `;`.
    Expr(Option<Expr>),
    /// A block.
    Block(Block),
    /// `if`.
    If {
        /// The condition, without its parentheses.
        cond: Expr,
        /// Taken if true.
        then: Box<Stmt>,
        /// Taken otherwise.
        els: Option<Box<Stmt>>,
    },
    /// `while`.
    While {
        /// The condition.
        cond: Expr,
        /// The body.
        body: Box<Stmt>,
    },
    /// `do … while`.
    DoWhile {
        /// The body.
        body: Box<Stmt>,
        /// The condition.
        cond: Expr,
    },
    /// `for`.
    For {
        /// A declaration or an expression.
        init: Option<Box<Stmt>>,
        /// The condition; none means for ever.
        cond: Option<Expr>,
        /// After each round.
        step: Option<Expr>,
        /// The body.
        body: Box<Stmt>,
    },
    /// A macro in front of a block: `bpf_for`, `bpf_for_each`, `bpf_repeat`, or one that is not known.
    MacroBlock {
        /// Which.
        name: Name,
        /// The arguments, as far as they are expressions.
        args: Vec<Expr>,
        /// The block or statement.
        body: Box<Stmt>,
    },
    /// `switch`.
    Switch {
        /// The value.
        value: Expr,
        /// The body, with its labels inside.
        body: Box<Stmt>,
    },
    /// `case a:` or `case a ... b:`.
    Case {
        /// The value.
        from: Expr,
        /// End of a range.
        to: Option<Expr>,
        /// What follows directly.
        stmts: Vec<Stmt>,
    },
    /// `default:`.
    Default {
        /// What follows directly.
        stmts: Vec<Stmt>,
    },
    /// `name:`.
    Label {
        /// The label.
        name: Name,
        /// The labelled statement.
        body: Option<Box<Stmt>>,
    },
    /// `goto`.
    Goto(Name),
    /// `break`.
    Break,
    /// `continue`.
    Continue,
    /// `return`.
    Return(Option<Expr>),
    /// `asm`.
    Asm {
        /// Identifiers in output operands (`"+r"(x)`, `"=r"(x)`): their values become unknown.
        outputs: Vec<Name>,
        /// Identifiers in input operands.
        inputs: Vec<Name>,
        /// The clobber list has `"memory"`.
        memory: bool,
    },
    /// Not readable.
    Error,
}

/// A declaration inside a function.
#[derive(Clone, Debug)]
pub struct LocalDecl(pub Declaration);

impl PartialEq for LocalDecl {
    fn eq(&self, other: &Self) -> bool {
        self.0.span == other.0.span
    }
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands, without parentheses around it.
    pub span: Span,
}

/// What an expression is. Parentheses are not kept.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// An integer or character constant.
    Int {
        /// Its value, as far as 64 bits hold it.
        value: u64,
        /// Has a `U` suffix or does not fit a signed type.
        unsigned: bool,
        /// Has an `L` or `LL` suffix or does not fit 32 bits.
        long: bool,
    },
    /// A string constant (pieces joined, escapes kept as written).
    Str(String),
    /// A name; also `NULL`, `true`, `false`.
    Ident(Name),
    /// Prefix operator.
    Unary(UnaryOp, Box<Expr>),
    /// `++` and `--`.
    IncDec {
        /// In front of the operand.
        prefix: bool,
        /// `++`.
        increment: bool,
        /// The operand.
        operand: Box<Expr>,
    },
    /// Infix operator.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `=` and, with an operator, `+=` and so on.
    Assign(Option<BinaryOp>, Box<Expr>, Box<Expr>),
    /// `c ? a : b`; without `a`, the GNU form `c ?: b`.
    Cond(Box<Expr>, Option<Box<Expr>>, Box<Expr>),
    /// A call of a function or function-like macro.
    Call {
        /// Usually an [`ExprKind::Ident`].
        callee: Box<Expr>,
        /// The arguments.
        args: Vec<Expr>,
    },
    /// `a[i]`.
    Index(Box<Expr>, Box<Expr>),
    /// `a.b` and `a->b`.
    Member {
        /// The object or pointer.
        base: Box<Expr>,
        /// The member.
        field: Name,
        /// `->`.
        arrow: bool,
    },
    /// `(type)e`.
    Cast(Box<Type>, Box<Expr>),
    /// `sizeof e`. `sizeof(name)` is this with an [`ExprKind::Ident`], which may be a typedef's name.
    SizeofExpr(Box<Expr>),
    /// `sizeof(type)`.
    SizeofType(Box<Type>),
    /// `offsetof(type, path)`, the path as written (`a.b`, `a[2].c`).
    Offsetof(Box<Type>, String),
    /// `(type){ … }`; the second expression is an [`ExprKind::InitList`].
    CompoundLit(Box<Type>, Box<Expr>),
    /// `{ … }`; designators are dropped except a leading field name.
    InitList(Vec<(Option<Name>, Expr)>),
    /// `({ … })`.
    StmtExpr(Block),
    /// `a, b`.
    Comma(Box<Expr>, Box<Expr>),
    /// A type where an argument of a macro stands.
    TypeArg(Box<Type>),
    /// Not readable, or not modelled (`_Generic`, `&&label`).
    Error,
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `+`
    Plus,
    /// `!`
    Not,
    /// `~`
    BitNot,
    /// `*`
    Deref,
    /// `&`
    AddrOf,
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the operators' usual ones")]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Shl,
    Shr,
    BitAnd,
    BitOr,
    BitXor,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
    LogAnd,
    LogOr,
}

impl Expr {
    /// The name, if the expression is one.
    pub fn as_ident(&self) -> Option<&Name> {
        match &self.kind {
            ExprKind::Ident(name) => Some(name),
            _ => None,
        }
    }

    /// The expression under all casts.
    pub fn without_casts(&self) -> &Expr {
        match &self.kind {
            ExprKind::Cast(_, inner) => inner.without_casts(),
            _ => self,
        }
    }
}

impl Placed<Function> {
    /// From the first specifier (or SEC) to the closing brace.
    pub fn span(&self) -> Span {
        self.here(self.origin().span)
    }

    /// Where the name stands.
    pub fn name_span(&self) -> Span {
        self.here(self.origin().name_span)
    }

    /// The attributes.
    pub fn attrs(&self) -> Attrs {
        let mut attrs = self.origin().attrs.clone();
        attrs.shift(self.by());
        attrs
    }
}

impl Function {
    /// Whether the attribute `word` is there.
    pub fn has_attr(&self, word: &str) -> bool {
        self.attrs.words.iter().any(|(name, _)| name == word)
    }
}
