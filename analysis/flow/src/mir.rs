//! The control-flow graph that the interpreter walks: basic blocks of simple instructions over pure
//! expressions. Short-circuit operators, `?:`, loops and statement expressions are control flow here;
//! calls, assignments and `++` are instructions. Reading an expression never changes anything.

use std::rc::Rc;

use rustc_hash::FxHashMap;
use sema::Ty;
use smol_str::SmolStr;
use syntax::ast::{BinaryOp, UnaryOp};
use text::Span;

/// Index of a local variable or temporary of one [`Body`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LocalId(pub(crate) u32);

/// Index of a basic block of one [`Body`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BlockId(pub(crate) u32);

/// A function, ready to be walked.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) name: SmolStr,
    /// The whole function.
    pub(crate) span: Span,
    pub(crate) locals: Vec<Local>,
    /// The first locals are the parameters.
    pub(crate) params: usize,
    pub(crate) blocks: Vec<Block>,
    pub(crate) is_static: bool,
    /// Comes from a header: its spans mean nothing in the file.
    pub(crate) foreign: bool,
    /// Could not be read completely.
    pub(crate) uncertain: bool,
    /// Names of all called functions, and functions passed as arguments.
    pub(crate) callees: Vec<SmolStr>,
    /// For results of calls: the structure that the pointer they are assigned to is declared for.
    pub(crate) result_targets: FxHashMap<LocalId, SmolStr>,
}

/// A variable, parameter or temporary.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    /// Empty for a temporary.
    pub(crate) name: SmolStr,
    pub(crate) ty: Ty,
    pub(crate) span: Span,
    /// Released by a `cleanup` attribute when it goes out of scope.
    pub(crate) cleanup: bool,
}

/// A straight line of instructions.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) insts: Vec<Inst>,
    pub(crate) term: Terminator,
    /// Temporaries that no other block knows: forgotten at the end.
    pub(crate) temporaries: Vec<LocalId>,
}

/// One instruction.
#[derive(Debug)]
pub(crate) struct Inst {
    pub(crate) kind: InstKind,
    pub(crate) span: Span,
}

/// What an instruction does.
#[derive(Debug)]
pub(crate) enum InstKind {
    /// The variable comes to life with unknown contents.
    Declare(LocalId),
    /// The variable or object is set to zero, or to constants that do not matter.
    Zero(Place),
    /// A store.
    Assign { place: Place, value: Expr },
    /// A call; the result goes to a temporary. `number` counts the calls of the body from 1.
    Call { number: u32, dst: LocalId, callee: Callee, args: Vec<Expr>, ignored: bool },
    /// An expression evaluated for the memory it reads.
    Eval(Expr),
    /// The values become unknown (`asm` outputs, variables of loop macros).
    Havoc(Vec<Place>),
}

/// Who is called.
#[derive(Clone, Debug)]
pub(crate) enum Callee {
    Named(SmolStr),
    Unknown,
}

/// How a block ends.
#[derive(Debug, Default)]
pub(crate) enum Terminator {
    #[default]
    Unreachable,
    Goto(BlockId),
    Branch {
        cond: Expr,
        then: BlockId,
        els: BlockId,
    },
    Switch {
        value: Expr,
        cases: Vec<(i128, i128, BlockId)>,
        default: BlockId,
    },
    /// Any of them.
    Choice(Vec<BlockId>),
    Return {
        value: Option<Expr>,
        span: Span,
    },
}

/// A pure expression.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) ty: Ty,
    pub(crate) span: Span,
}

/// What a pure expression is.
#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Const(i128),
    Str,
    Load(Box<Place>),
    AddrOf(Box<Place>),
    Function(SmolStr),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    Cast(Box<Expr>),
    SizeOf(Box<SizeOf>),
    /// Something that is read and computed with in a way that is not modelled.
    Unknown(Vec<Expr>),
}

/// A `sizeof`.
#[derive(Clone, Debug)]
pub(crate) struct SizeOf {
    pub(crate) value: Option<u64>,
    /// The variable, if the operand is one.
    pub(crate) local: Option<LocalId>,
    /// The operand is an expression of pointer type.
    pub(crate) of_pointer: bool,
}

/// Something that can be stored to.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) base: PlaceBase,
    pub(crate) proj: Vec<Proj>,
    pub(crate) ty: Ty,
    pub(crate) span: Span,
}

/// Where a place starts.
#[derive(Clone, Debug)]
pub(crate) enum PlaceBase {
    Local(LocalId),
    Global(SmolStr),
    Deref(Box<Expr>),
}

/// A step into an object.
#[derive(Clone, Debug)]
pub(crate) enum Proj {
    Field { name: SmolStr, offset: Option<u64>, record: Option<SmolStr> },
    Index { index: Expr, size: Option<u64> },
}

impl Place {
    pub(crate) fn local(id: LocalId, ty: Ty, span: Span) -> Self {
        Place { base: PlaceBase::Local(id), proj: Vec::new(), ty, span }
    }
}

impl Expr {
    pub(crate) fn load(place: Place) -> Self {
        Expr { ty: place.ty.clone(), span: place.span, kind: ExprKind::Load(Box::new(place)) }
    }

    pub(crate) fn constant(value: i128, span: Span) -> Self {
        Expr { kind: ExprKind::Const(value), ty: Ty::Int { bits: 32, signed: true }, span }
    }

    pub(crate) fn unknown(span: Span) -> Self {
        Expr { kind: ExprKind::Unknown(Vec::new()), ty: Ty::Unknown, span }
    }

    /// The expression under casts.
    pub(crate) fn without_casts(&self) -> &Expr {
        match &self.kind {
            ExprKind::Cast(inner) => inner.without_casts(),
            _ => self,
        }
    }
}

/// A shared body.
pub(crate) type BodyRef = Rc<Body>;
