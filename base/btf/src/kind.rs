//! Small words of the format: kinds, linkage, type numbers, byte order.

use std::fmt;

/// The number of a type. `0` is `void`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct TypeId(pub u32);

impl TypeId {
    /// `void`.
    pub const VOID: TypeId = TypeId(0);
}

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The kind of a type (`BTF_KIND_*` of the kernel's `include/uapi/linux/btf.h`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// `void`; only type 0.
    Void = 0,
    /// An integer, `char` or `bool`.
    Int = 1,
    /// A pointer.
    Ptr = 2,
    /// An array.
    Array = 3,
    /// A structure.
    Struct = 4,
    /// A union.
    Union = 5,
    /// An enumeration of up to 32 bits.
    Enum = 6,
    /// A structure or union that is only declared.
    Fwd = 7,
    /// A type name.
    Typedef = 8,
    /// `volatile`.
    Volatile = 9,
    /// `const`.
    Const = 10,
    /// `restrict`.
    Restrict = 11,
    /// A function; its target is the prototype.
    Func = 12,
    /// A function prototype.
    FuncProto = 13,
    /// A variable.
    Var = 14,
    /// A section of variables.
    DataSec = 15,
    /// A floating-point number.
    Float = 16,
    /// An attribute of a declaration, a member or a parameter.
    DeclTag = 17,
    /// An attribute of a type.
    TypeTag = 18,
    /// An enumeration of up to 64 bits.
    Enum64 = 19,
}

impl Kind {
    /// All kinds in the order of their numbers.
    pub const ALL: [Kind; 20] = [
        Kind::Void,
        Kind::Int,
        Kind::Ptr,
        Kind::Array,
        Kind::Struct,
        Kind::Union,
        Kind::Enum,
        Kind::Fwd,
        Kind::Typedef,
        Kind::Volatile,
        Kind::Const,
        Kind::Restrict,
        Kind::Func,
        Kind::FuncProto,
        Kind::Var,
        Kind::DataSec,
        Kind::Float,
        Kind::DeclTag,
        Kind::TypeTag,
        Kind::Enum64,
    ];

    /// The kind with this number, if there is one that a type may have.
    pub(crate) fn of_number(number: u8) -> Option<Kind> {
        Kind::ALL.get(usize::from(number)).copied().filter(|&kind| kind != Kind::Void)
    }

    /// A structure or a union.
    pub fn is_composite(self) -> bool {
        matches!(self, Kind::Struct | Kind::Union)
    }

    /// An enumeration of either width.
    pub fn is_enum(self) -> bool {
        matches!(self, Kind::Enum | Kind::Enum64)
    }

    /// `const`, `volatile`, `restrict` or an attribute of a type: what changes nothing about layout.
    pub fn is_modifier(self) -> bool {
        matches!(self, Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag)
    }

    /// Whether types of this kind refer to exactly one other type, which stands where others have their size.
    pub fn has_target(self) -> bool {
        match self {
            Kind::Ptr
            | Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::Func
            | Kind::FuncProto
            | Kind::Var
            | Kind::DeclTag
            | Kind::TypeTag => true,
            Kind::Void
            | Kind::Int
            | Kind::Array
            | Kind::Struct
            | Kind::Union
            | Kind::Enum
            | Kind::Fwd
            | Kind::DataSec
            | Kind::Float
            | Kind::Enum64 => false,
        }
    }

    /// Whether types of this kind say their size in bytes.
    pub fn has_size(self) -> bool {
        match self {
            Kind::Int
            | Kind::Struct
            | Kind::Union
            | Kind::Enum
            | Kind::DataSec
            | Kind::Float
            | Kind::Enum64 => true,
            Kind::Void
            | Kind::Ptr
            | Kind::Array
            | Kind::Fwd
            | Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::Func
            | Kind::FuncProto
            | Kind::Var
            | Kind::DeclTag
            | Kind::TypeTag => false,
        }
    }

    /// Bytes behind the 12 common ones: so many once, and so many per entry.
    pub(crate) fn tail(self) -> (usize, usize) {
        match self {
            Kind::Int | Kind::Var | Kind::DeclTag => (4, 0),
            Kind::Array => (12, 0),
            Kind::Struct | Kind::Union | Kind::DataSec | Kind::Enum64 => (0, 12),
            Kind::Enum | Kind::FuncProto => (0, 8),
            Kind::Void
            | Kind::Ptr
            | Kind::Fwd
            | Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::Func
            | Kind::Float
            | Kind::TypeTag => (0, 0),
        }
    }
}

/// The kernel's word for the kind, as `bpftool` prints it.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Void => "void",
            Kind::Int => "int",
            Kind::Ptr => "ptr",
            Kind::Array => "array",
            Kind::Struct => "struct",
            Kind::Union => "union",
            Kind::Enum => "enum",
            Kind::Fwd => "fwd",
            Kind::Typedef => "typedef",
            Kind::Volatile => "volatile",
            Kind::Const => "const",
            Kind::Restrict => "restrict",
            Kind::Func => "func",
            Kind::FuncProto => "func_proto",
            Kind::Var => "var",
            Kind::DataSec => "datasec",
            Kind::Float => "float",
            Kind::DeclTag => "decl_tag",
            Kind::TypeTag => "type_tag",
            Kind::Enum64 => "enum64",
        })
    }
}

/// How a function or variable is seen from outside (`BTF_FUNC_*`, `BTF_VAR_*`: the numbers agree).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Linkage {
    /// Only in its file.
    Static = 0,
    /// Defined here, seen everywhere.
    Global = 1,
    /// Defined elsewhere.
    Extern = 2,
}

impl Linkage {
    pub(crate) fn of_number(number: u32) -> Option<Linkage> {
        match number {
            0 => Some(Linkage::Static),
            1 => Some(Linkage::Global),
            2 => Some(Linkage::Extern),
            _ => None,
        }
    }
}

/// The order of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Endian {
    /// The lowest byte first.
    Little,
    /// The highest byte first.
    Big,
}

impl Endian {
    /// The two bytes at `at`; 0 if they lie outside.
    pub fn u16_at(self, bytes: &[u8], at: usize) -> u16 {
        let Some(&array) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return 0 };
        match self {
            Endian::Little => u16::from_le_bytes(array),
            Endian::Big => u16::from_be_bytes(array),
        }
    }

    /// The four bytes at `at`; 0 if they lie outside.
    pub fn u32_at(self, bytes: &[u8], at: usize) -> u32 {
        let Some(&array) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return 0 };
        match self {
            Endian::Little => u32::from_le_bytes(array),
            Endian::Big => u32::from_be_bytes(array),
        }
    }

    /// The eight bytes at `at`; 0 if they lie outside.
    pub fn u64_at(self, bytes: &[u8], at: usize) -> u64 {
        let Some(&array) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return 0 };
        match self {
            Endian::Little => u64::from_le_bytes(array),
            Endian::Big => u64::from_be_bytes(array),
        }
    }

    /// The number as bytes.
    pub fn u16_bytes(self, number: u16) -> [u8; 2] {
        match self {
            Endian::Little => number.to_le_bytes(),
            Endian::Big => number.to_be_bytes(),
        }
    }

    /// The number as bytes.
    pub fn u32_bytes(self, number: u32) -> [u8; 4] {
        match self {
            Endian::Little => number.to_le_bytes(),
            Endian::Big => number.to_be_bytes(),
        }
    }

    /// The number as bytes.
    pub fn u64_bytes(self, number: u64) -> [u8; 8] {
        match self {
            Endian::Little => number.to_le_bytes(),
            Endian::Big => number.to_be_bytes(),
        }
    }
}
