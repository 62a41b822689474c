//! What can be wrong with type information, and where.

use crate::TypeId;

/// Bytes that are no well-formed type information.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("BTF is malformed at byte {offset:#x}: {problem}")]
pub struct ParseError {
    /// Where in the bytes given, counted from their beginning.
    pub offset: usize,
    /// What is wrong there.
    pub problem: ParseProblem,
}

/// What is wrong in a [`ParseError`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseProblem {
    /// The bytes end within the header.
    #[error("the header is cut off")]
    ShortHeader,
    /// The first two bytes are not `0xeb9f` in either byte order.
    #[error("no magic number")]
    Magic,
    /// A version other than 1.
    #[error("version {0} is not known")]
    Version(u8),
    /// The types or the strings lie outside the bytes.
    #[error("the {0} section lies outside the data")]
    SectionBounds(&'static str),
    /// The strings do not begin with an empty one, or the last one has no end.
    #[error("the string section does not begin and end with a zero byte")]
    Strings,
    /// A string that is no UTF-8.
    #[error("a string is not UTF-8")]
    Utf8,
    /// A number that names no kind.
    #[error("type [{id}] has unknown kind {kind}")]
    Kind {
        /// The type.
        id: TypeId,
        /// The number.
        kind: u8,
    },
    /// The section ends within a type.
    #[error("type [{id}] is cut off")]
    ShortType {
        /// The type.
        id: TypeId,
    },
    /// More types, or more bytes, than 32 bits can number.
    #[error("there are too many types")]
    TooLarge,
}

/// Why a type has no size, no alignment, or no such field.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// No type has this number.
    #[error("there is no type [{0}]")]
    NoType(TypeId),
    /// The type has no size: `void`, a function, a forward declaration.
    #[error("type [{0}] has no size")]
    NoSize(TypeId),
    /// A chain or nest of types that is longer than any compiler makes, or never ends.
    #[error("type [{0}] is nested too deeply")]
    TooDeep(TypeId),
    /// The size does not fit in 32 bits.
    #[error("type [{0}] is too large")]
    TooLarge(TypeId),
    /// A name is looked up in something that is no structure or union.
    #[error("type [{0}] is no structure or union")]
    NotComposite(TypeId),
    /// An index is applied to something that is no array.
    #[error("type [{0}] is no array")]
    NotArray(TypeId),
    /// The structure or union has no member of this name.
    #[error("type [{id}] has no member `{name}`")]
    NoMember {
        /// The structure or union.
        id: TypeId,
        /// The name looked up.
        name: String,
    },
    /// A path that is not of the form `a.b[3].c`.
    #[error("malformed path at byte {0}")]
    Path(usize),
}

/// Why type information cannot be written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A list is longer than the 65,535 entries that the format allows, or the whole is longer than 4 GiB.
    #[error("too many members or types")]
    TooLarge,
    /// A name contains a zero byte.
    #[error("a name contains a zero byte")]
    Name,
    /// The type to be changed does not exist, or is not of the kind that has what is to be changed.
    #[error("type [{0}] has no such part")]
    NoSuchPart(TypeId),
}
