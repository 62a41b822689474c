//! Types as the analysis sees them: typedefs resolved, no spelling left.

use std::fmt;
use std::sync::Arc;

use syntax::ast::RecordType;

use crate::record::RecordNode;

/// A type. Typedefs and qualifiers are gone; what could not be resolved is [`Ty::Unknown`].
#[derive(Clone, Debug, PartialEq)]
pub enum Ty {
    /// `void`.
    Void,
    /// An integer that is not an enumeration, `char` included.
    Int {
        /// Width: 8, 16, 32, 64 or 128.
        bits: u8,
        /// Whether negative values exist.
        signed: bool,
    },
    /// `bool`.
    Bool,
    /// Any floating-point type.
    Float,
    /// A pointer.
    Pointer {
        /// What it points to.
        to: Arc<Ty>,
        /// Whether that is `const`.
        to_const: bool,
    },
    /// An array.
    Array {
        /// What it consists of.
        elem: Arc<Ty>,
        /// The number of elements, if written and computable.
        len: Option<u64>,
    },
    /// A structure or union.
    Record(RecordRef),
    /// An enumeration.
    Enum,
    /// A function.
    Function,
    /// Not known.
    Unknown,
}

impl Ty {
    /// `int`.
    pub const INT: Ty = Ty::Int { bits: 32, signed: true };
    /// `unsigned long`, the type of `sizeof`.
    pub const ULONG: Ty = Ty::Int { bits: 64, signed: false };
    /// `long`.
    pub const LONG: Ty = Ty::Int { bits: 64, signed: true };
    /// `char`, which is signed on x86-64 and BPF alike.
    pub const CHAR: Ty = Ty::Int { bits: 8, signed: true };

    /// A pointer to `to`, which is not `const`.
    pub fn pointer_to(to: Ty) -> Ty {
        Ty::Pointer { to: Arc::new(to), to_const: false }
    }

    /// What a pointer points to or an array consists of.
    pub fn target(&self) -> Option<&Ty> {
        match self {
            Ty::Pointer { to, .. } => Some(to),
            Ty::Array { elem, .. } => Some(elem),
            _ => None,
        }
    }

    /// Whether this is a pointer or an array, which becomes one when used.
    pub fn is_pointer_like(&self) -> bool {
        matches!(self, Ty::Pointer { .. } | Ty::Array { .. })
    }

    /// Whether this is an integer, `bool` or an enumeration.
    pub fn is_integral(&self) -> bool {
        matches!(self, Ty::Int { .. } | Ty::Bool | Ty::Enum)
    }
}

/// A structure or union. Cloning is cheap; two of the same tag are equal.
#[derive(Clone)]
pub struct RecordRef(pub(crate) Arc<RecordNode>);

impl RecordRef {
    /// The tag.
    pub fn name(&self) -> Option<&str> {
        self.0.tag.as_deref()
    }

    /// Whether it is a union.
    pub fn is_union(&self) -> bool {
        self.0.is_union
    }

    /// Whether its members are known.
    pub fn is_complete(&self) -> bool {
        self.0.body.is_some()
    }

    /// The definition as written, with spans into the text it stands in.
    pub fn definition(&self) -> Option<&RecordType> {
        self.0.body.as_ref()
    }
}

impl fmt::Debug for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keyword = if self.is_union() { "union" } else { "struct" };
        write!(f, "{keyword} {}", self.name().unwrap_or("{…}"))
    }
}

impl PartialEq for RecordRef {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.is_union == other.0.is_union
                && self.0.tag == other.0.tag
                && (self.0.tag.is_some() || self.0.body == other.0.body))
    }
}

/// A member of a record, found by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Bytes from the start of the record to the member's first byte.
    pub offset: u64,
    /// The member's type; for a bit-field the declared one.
    pub ty: Ty,
    /// Whether it is a bit-field.
    pub bit_field: bool,
}

/// The names in force inside a function: what the caller knows about its locals and parameters.
pub trait Scope {
    /// The type of the local variable or parameter `name`; nothing if there is none of that name.
    fn type_of(&self, name: &str) -> Option<Ty>;
}

/// File scope: no locals.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileScope;

impl Scope for FileScope {
    fn type_of(&self, _name: &str) -> Option<Ty> {
        None
    }
}
