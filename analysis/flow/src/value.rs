//! What the interpreter knows of a value: a number by range, bits and symbol, a pointer by object and
//! path, or the truth of a predicate about a slice.

use domains::{Comparison, Interval, Scalar};
use smallvec::{SmallVec, smallvec};
use smol_str::SmolStr;
use syntax::ast::BinaryOp;
use text::Span;

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(pub(crate) u32);
    };
}

index!(
    /// One activation of a function: the root, or a call site inside another activation.
    FrameId
);
index!(
    /// A place in the text inside one activation, at which something happened.
    EventId
);
index!(
    /// An object: a variable, what an unknown pointer points to, the memory of a slice.
    ObjId
);
index!(
    /// A path of fields and elements into an object.
    PathId
);
index!(
    /// A symbol for an unknown number.
    SymId
);

/// A part of an object.
pub(crate) type Key = (ObjId, PathId);

/// The whole object.
pub(crate) const ROOT_PATH: PathId = PathId(0);

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    Field(SmolStr),
    Elem(i64),
    AnyElem,
}

/// What an object is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ObjKind {
    /// A variable of an activation; on the BPF stack.
    Local(FrameId, crate::mir::LocalId),
    /// A global variable or map.
    Global(SmolStr),
    /// What the pointer stored here when the root was entered points to.
    Pointee(ObjId, PathId),
    /// A map's value, looked up here.
    MapValue(EventId),
    /// What a pointer returned by another function points to.
    Returned(EventId),
    /// The bytes a dynptr slice shows, by the call that made it.
    Slice(EventId),
    /// Where a pointer that is not known points to.
    Nowhere,
    /// Packet bytes reached through a context pointer, by the load.
    Packet(EventId),
}

/// A symbol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Sym {
    /// What an object held when it was first read after the event (or since entry).
    Memory(ObjId, PathId, Option<EventId>),
    /// The result of a call.
    Result(EventId),
    /// An operation that is not linear.
    Op(BinaryOp, Lin, Lin),
    /// A conversion that may change the value.
    Cast(u8, bool, Lin),
}

/// constant + Σ factor · symbol, over the integers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Lin {
    /// By symbol; most have one.
    pub(crate) terms: SmallVec<[(SymId, i64); 2]>,
    pub(crate) constant: i64,
}

impl Lin {
    pub(crate) fn constant(constant: i64) -> Self {
        Lin { terms: SmallVec::new(), constant }
    }

    pub(crate) fn symbol(symbol: SymId) -> Self {
        Lin { terms: smallvec![(symbol, 1)], constant: 0 }
    }

    /// self + factor · other; nothing on overflow.
    pub(crate) fn add_scaled(&self, other: &Lin, factor: i64) -> Option<Lin> {
        let mut terms = self.terms.clone();
        for (symbol, count) in &other.terms {
            let count = count.checked_mul(factor)?;
            match terms.iter_mut().find(|(own, _)| own == symbol) {
                Some((_, own)) => *own = own.checked_add(count)?,
                None => terms.push((*symbol, count)),
            }
        }
        terms.retain(|(_, count)| *count != 0);
        terms.sort_unstable();
        let constant = self.constant.checked_add(other.constant.checked_mul(factor)?)?;
        Some(Lin { terms, constant })
    }

    /// The difference, if it is a constant.
    pub(crate) fn difference(&self, other: &Lin) -> Option<i64> {
        let diff = self.add_scaled(other, -1)?;
        diff.terms.is_empty().then_some(diff.constant)
    }
}

/// A number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Num {
    pub(crate) scalar: Scalar,
    pub(crate) lin: Option<Lin>,
}

impl Num {
    pub(crate) fn constant(value: i128) -> Self {
        Num { scalar: Scalar::constant(value), lin: i64::try_from(value).ok().map(Lin::constant) }
    }

    pub(crate) fn of(scalar: Scalar) -> Self {
        let lin =
            scalar.as_constant().and_then(|value| i64::try_from(value).ok()).map(Lin::constant);
        Num { scalar, lin }
    }

    pub(crate) fn top() -> Self {
        Num { scalar: Scalar::TOP, lin: None }
    }

    pub(crate) fn as_constant(&self) -> Option<i128> {
        self.scalar.as_constant()
    }

    /// self − other, if it is a constant.
    pub(crate) fn difference(&self, other: &Num) -> Option<i64> {
        match (self.as_constant(), other.as_constant()) {
            (Some(left), Some(right)) => i64::try_from(left.checked_sub(right)?).ok(),
            _ => self.lin.as_ref()?.difference(other.lin.as_ref()?),
        }
    }

    pub(crate) fn join(&self, other: &Num) -> Num {
        let lin = if self.lin == other.lin { self.lin.clone() } else { None };
        Num { scalar: self.scalar.join(other.scalar), lin }
    }

    pub(crate) fn widen(&self, newer: &Num) -> Num {
        let lin = if self.lin == newer.lin { self.lin.clone() } else { None };
        Num { scalar: self.scalar.widen(newer.scalar, &Interval::TYPE_LIMITS), lin }
    }
}

/// A pointer. Its numeric value is never known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ptr {
    pub(crate) obj: ObjId,
    pub(crate) path: PathId,
    /// Bytes from the start of the object, as far as layouts are known.
    pub(crate) bytes: Interval,
}

impl Ptr {
    pub(crate) fn to(obj: ObjId) -> Self {
        Ptr { obj, path: ROOT_PATH, bytes: Interval::constant(0) }
    }

    pub(crate) fn key(&self) -> Key {
        (self.obj, self.path)
    }
}

/// A statement about a slice that a condition can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    /// The slice is not NULL.
    NonNull,
    /// The pointer equals the buffer given to the call.
    IsBuffer,
}

/// A predicate kept in a variable: `bool copied = p == buf;`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pred {
    pub(crate) slice: EventId,
    pub(crate) question: Question,
    pub(crate) negated: bool,
}

/// What is known of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    Unknown,
    Num(Num),
    Ptr(Ptr),
    Pred(Pred),
    Function(SmolStr),
}

impl Value {
    pub(crate) fn as_ptr(&self) -> Option<&Ptr> {
        match self {
            Value::Ptr(ptr) => Some(ptr),
            _ => None,
        }
    }

    pub(crate) fn as_num(&self) -> Option<&Num> {
        match self {
            Value::Num(num) => Some(num),
            _ => None,
        }
    }

    /// The number, or one of which nothing is known.
    pub(crate) fn num(&self) -> Num {
        self.as_num().cloned().unwrap_or_else(Num::top)
    }

    pub(crate) fn as_constant(&self) -> Option<i128> {
        self.as_num()?.as_constant()
    }
}

/// A place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Event {
    pub(crate) frame: FrameId,
    pub(crate) span: Span,
    /// Tells calls apart that a macro writes at one place.
    pub(crate) call: u32,
}

/// The comparison an operator stands for.
pub(crate) fn comparison(op: BinaryOp) -> Option<Comparison> {
    Some(match op {
        BinaryOp::Eq => Comparison::Eq,
        BinaryOp::Ne => Comparison::Ne,
        BinaryOp::Lt => Comparison::Lt,
        BinaryOp::Le => Comparison::Le,
        BinaryOp::Gt => Comparison::Gt,
        BinaryOp::Ge => Comparison::Ge,
        _ => return None,
    })
}
