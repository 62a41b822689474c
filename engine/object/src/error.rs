//! What can be wrong with an object, and where.

use std::fmt;

use btf::{LayoutError, ParseError, TypeId, WriteError};

/// Something wrong, with the place it is at as far as it is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// The section.
    pub section: Option<String>,
    /// The symbol: a program, a map, an extern.
    pub symbol: Option<String>,
    /// Bytes from the beginning of the section.
    pub offset: Option<u64>,
    /// What is wrong.
    pub problem: Box<Problem>,
}

/// What is wrong in an [`Error`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// No ELF file, or a broken one.
    #[error("malformed ELF: {0}")]
    Elf(String),
    /// An ELF file for another machine, or not relocatable.
    #[error("not a relocatable BPF object: {0}")]
    NotBpf(&'static str),
    /// No symbol table, as in a stripped file.
    #[error("no symbol table; the object may have been stripped")]
    NoSymbols,
    /// Malformed type information.
    #[error(transparent)]
    Btf(#[from] ParseError),
    /// Type information that cannot be rewritten.
    #[error(transparent)]
    BtfWrite(#[from] WriteError),
    /// A type without a size, or a member that does not exist.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// There is no type information, and something needs it.
    #[error("needs BTF, and the object has none; compile with -g")]
    NoBtf,
    /// Malformed `.BTF.ext`.
    #[error("malformed .BTF.ext: {0}")]
    BtfExt(&'static str),
    /// A function that is not made of whole instructions within its section.
    #[error("the function crosses the end of its section or is no sequence of whole instructions")]
    FunctionBounds,
    /// Functions that overlap.
    #[error("the function overlaps the one before it")]
    Overlap,
    /// A static function where an entry point is expected.
    #[error("static functions are not allowed outside of .text")]
    StaticProgram,
    /// A section of variables whose variables cannot be found.
    #[error("the variable `{0}` of the section has no symbol")]
    NoVariable(String),
    /// A map definition that says something wrong.
    #[error("{0}")]
    Map(MapProblem),
    /// A relocation with an offset or symbol out of bounds.
    #[error("malformed relocation: {0}")]
    Relocation(&'static str),
    /// A relocation of an instruction that cannot have one.
    #[error("relocation against `{target}` for an instruction with opcode {opcode:#04x}")]
    RelocatedInsn {
        /// The symbol referred to.
        target: String,
        /// The opcode.
        opcode: u8,
    },
    /// A reference to something in a section that holds neither maps, data nor functions.
    #[error(
        "reference to `{target}` in section `{section}`, which holds neither maps, data nor subprograms"
    )]
    BadReference {
        /// The symbol referred to.
        target: String,
        /// Its section.
        section: String,
    },
    /// A call of something that is no subprogram.
    #[error("call of {target:#x} in .text, where no function is")]
    NoSubprogram {
        /// Bytes from the beginning of `.text`.
        target: i64,
    },
    /// A jump table: made by compilers for `gotox`, which is not supported.
    #[error("jump tables are not supported")]
    JumpTable,
    /// A reference to a symbol that nothing defines and no type information declares.
    #[error("extern `{0}` has no declaration in BTF; declare it with __ksym or __kconfig")]
    UndeclaredExtern(String),
    /// An extern of a section or type that loaders do not know.
    #[error("extern `{name}` is not supported: {reason}")]
    BadExtern {
        /// The extern.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// A strong extern that the kernel does not have.
    #[error("extern `{0}` is not in the kernel")]
    UnresolvedExtern(String),
    /// A configuration value that does not fit the type of its extern.
    #[error("value `{value}` of extern `{name}` does not fit its type")]
    ConfigValue {
        /// The extern.
        name: String,
        /// The value.
        value: String,
    },
    /// An extern function or variable whose type differs from the kernel's.
    #[error("extern `{name}` has another type than [{kernel}] in the kernel")]
    IncompatibleExtern {
        /// The extern.
        name: String,
        /// The kernel's type.
        kernel: TypeId,
    },
    /// A CO-RE relocation that cannot be resolved.
    #[error("CO-RE relocation #{index} ({kind}) of `{root}`: {problem}")]
    Core {
        /// The number within the section.
        index: usize,
        /// The kind, in libbpf's words.
        kind: &'static str,
        /// The type it begins at.
        root: String,
        /// What is wrong.
        problem: CoreProblem,
    },
    /// A `struct_ops` map that does not agree with the kernel.
    #[error("{0}")]
    StructOps(StructOpsProblem),
    /// An exception callback that does not exist, or is static or hidden.
    #[error("exception callback `{0}` is no global subprogram")]
    ExceptionCallback(String),
    /// A function without type or line information, where others have it.
    #[error("no {0} information, which other functions of the program have")]
    MissingInfo(&'static str),
    /// Programs that together are much longer than the object.
    #[error("the linked programs are too long")]
    TooLong,
}

/// What is wrong with a map definition.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapProblem {
    /// The definition lies outside of its section, or is too short.
    #[error("the map definition is cut off")]
    Bounds,
    /// No variable, or a static one.
    #[error("a map must be a global variable")]
    Linkage,
    /// Not a structure.
    #[error("a map definition must be a structure")]
    NotStruct,
    /// A member of the wrong shape.
    #[error("`{member}` of the map definition is {found}, expected {expected}")]
    Member {
        /// The member.
        member: String,
        /// What it should be.
        expected: &'static str,
        /// The kind it is.
        found: String,
    },
    /// A member that nobody knows.
    #[error("unknown member `{0}` of the map definition")]
    Unknown(String),
    /// Two members that say different sizes.
    #[error("conflicting sizes of {what}: {first} and {second}")]
    Conflict {
        /// `key` or `value`.
        what: &'static str,
        /// The one that comes first.
        first: u64,
        /// The other one.
        second: u64,
    },
    /// A key or value of a type without a size.
    #[error("`{member}` of the map definition: {error}")]
    Size {
        /// `key` or `value`.
        member: &'static str,
        /// Why.
        error: LayoutError,
    },
    /// No `type`.
    #[error("the map has no type")]
    NoType,
    /// `values` in a map that holds neither maps nor programs, not at the end, or in an inner map.
    #[error("`values` is not allowed here")]
    Values,
    /// An unknown value of `pinning`.
    #[error("unknown pinning {0}")]
    Pinning(u32),
    /// An initial element that is neither a map nor a program, or of the wrong sort.
    #[error("`{0}` cannot be an initial element of the map")]
    Slot(String),
    /// A second arena.
    #[error("only one arena is allowed; `{0}` is another")]
    SecondArena(String),
    /// Arena variables without an arena, or with too small a one.
    #[error("the arena is missing or too small for the arena variables")]
    ArenaSize,
}

/// Why a CO-RE relocation cannot be resolved.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoreProblem {
    /// A kind without a meaning.
    #[error("unknown kind")]
    Kind,
    /// A malformed access string, or one that does not fit the type.
    #[error("malformed access string `{0}`")]
    Access(String),
    /// The type has no name to look for.
    #[error("types without a name cannot be relocated")]
    Anonymous,
    /// More nesting than is followed.
    #[error("the types are nested too deeply")]
    TooDeep,
    /// A type of the object or the kernel is malformed.
    #[error("a type is malformed")]
    Malformed,
    /// A bitfield that no load can read.
    #[error("the bitfield cannot be read by one load")]
    Bitfield,
    /// A question about an array element that only members have an answer to.
    #[error("not applicable to an array element")]
    ArrayElement,
    /// Types of the kernel that give different answers.
    #[error("types of the kernel disagree: {0} and {1}")]
    Ambiguous(u64, u64),
    /// The instruction does not hold what the object's types say.
    #[error("the instruction has {found}, expected {expected}")]
    Unexpected {
        /// What the instruction has.
        found: u64,
        /// What the types say.
        expected: u64,
    },
    /// An offset that does not fit into a load or store.
    #[error("offset {0} does not fit into the instruction")]
    OffsetTooLarge(u64),
    /// A size that no load or store has.
    #[error("no load or store of {0} bytes exists")]
    Size(u32),
    /// The instruction cannot be relocated.
    #[error("instructions with opcode {0:#04x} cannot be relocated")]
    Insn(u8),
}

/// Why a `struct_ops` map does not agree with the kernel.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StructOpsProblem {
    /// The section has no description in BTF.
    #[error("the section is not described in BTF")]
    NoSection,
    /// The variable is no named structure.
    #[error("the variable is no named structure")]
    NotStruct,
    /// The variable lies outside of its section.
    #[error("the variable is cut off")]
    Bounds,
    /// A function pointer that is set to something else than a `struct_ops` program.
    #[error("member `{0}` is not set to a struct_ops program")]
    NotProgram(String),
    /// The kernel does not have the structure.
    #[error("the kernel has no struct `{0}`")]
    NoKernelType(String),
    /// The kernel's structure has no such member, and it is not zero.
    #[error("the kernel's structure has no member `{0}`")]
    NoMember(String),
    /// The member has another kind or size in the kernel, or is a bitfield.
    #[error("member `{0}` has another type in the kernel")]
    Member(String),
    /// A program used for different members.
    #[error("program `{0}` is used for different members")]
    Reuse(String),
}

impl Problem {
    /// The problem without a place.
    pub(crate) fn plain(self) -> Error {
        Error { section: None, symbol: None, offset: None, problem: Box::new(self) }
    }

    /// The problem in a section.
    pub(crate) fn in_section(self, section: &str) -> Error {
        self.plain().in_section(section)
    }

    /// The problem with a symbol.
    pub(crate) fn of(self, symbol: &str) -> Error {
        self.plain().of(symbol)
    }
}

impl Error {
    pub(crate) fn in_section(self, section: &str) -> Self {
        Error { section: Some(section.to_owned()), ..self }
    }

    pub(crate) fn of(self, symbol: &str) -> Self {
        Error { symbol: Some(symbol.to_owned()), ..self }
    }

    pub(crate) fn at(self, offset: u64) -> Self {
        Error { offset: Some(offset), ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(section) = &self.section {
            write!(f, "section `{section}`")?;
            separator = ", ";
        }
        if let Some(symbol) = &self.symbol {
            write!(f, "{separator}`{symbol}`")?;
            separator = ", ";
        }
        if let Some(offset) = self.offset {
            write!(f, "{separator}offset {offset:#x}")?;
            separator = ", ";
        }
        if !separator.is_empty() {
            f.write_str(": ")?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The problem itself is told already.
        self.problem.source()
    }
}

impl From<MapProblem> for Problem {
    fn from(problem: MapProblem) -> Self {
        Problem::Map(problem)
    }
}

impl From<StructOpsProblem> for Problem {
    fn from(problem: StructOpsProblem) -> Self {
        Problem::StructOps(problem)
    }
}
