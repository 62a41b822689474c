//! What ends a run early, told so that the author of the program finds the place.

use std::fmt;
use std::sync::Arc;

use crate::op::OpIndex;

/// Why a helper or an instruction does not simply go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The program did what a kernel would not have let it do, or what is not modelled.
    Fault(Box<FaultKind>),
    /// `bpf_throw` with this cookie; all frames are left.
    Throw(u64),
    /// The frame is left for the program whose first instruction has this number.
    TailCall(u32),
}

impl From<FaultKind> for Stop {
    fn from(kind: FaultKind) -> Self {
        Self::Fault(Box::new(kind))
    }
}

/// A fault, and where it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happened.
    pub kind: FaultKind,
    /// Where.
    pub at: Location,
    /// The calls that led there, outermost first.
    pub calls: Vec<Location>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.kind, self.at)
    }
}

impl std::error::Error for Fault {}

/// A place in a program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Location {
    /// The program, as its function is called.
    pub program: Arc<str>,
    /// The slot of the instruction in the program.
    pub insn: u32,
    /// The source file; empty if it is not known.
    pub file: Arc<str>,
    /// The line, from 1; 0 if it is not known.
    pub line: u32,
    /// The column in bytes, from 1; 0 if it is not known.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "instruction {} of {}", self.insn, self.program),
            line => write!(f, "line {line} (instruction {})", self.insn),
        }
    }
}

/// Reading or writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// A load.
    Read,
    /// A store.
    Write,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultKind {
    /// An access through NULL or a small number.
    #[error("{access} of {len} bytes through NULL{}", plus(*address))]
    Null {
        /// What was tried.
        access: Access,
        /// The number that was taken for a pointer.
        address: u64,
        /// How many bytes.
        len: u32,
    },
    /// An access through a number that points nowhere.
    #[error("{access} of {len} bytes through {address:#x}, which is not a pointer")]
    NotAPointer {
        /// What was tried.
        access: Access,
        /// The number.
        address: u64,
        /// How many bytes.
        len: u32,
    },
    /// An access beyond what a pointer was made for.
    #[error("{access} of {len} bytes at offset {} of {}, which has {} bytes", pointer.offset, Told(pointer), pointer.len)]
    OutOfBounds {
        /// What was tried.
        access: Access,
        /// The pointer.
        pointer: Box<PointerNote>,
        /// How many bytes.
        len: u32,
    },
    /// A store where only loads are allowed.
    #[error("write of {len} bytes to {}, which is read-only", Told(pointer))]
    ReadOnly {
        /// The pointer.
        pointer: Box<PointerNote>,
        /// How many bytes.
        len: u32,
    },
    /// An access through a pointer that was good before.
    #[error("{access} of {len} bytes at offset {} of {}, {}", pointer.offset, Told(pointer), death(pointer))]
    Dead {
        /// What was tried.
        access: Access,
        /// The pointer.
        pointer: Box<PointerNote>,
        /// How many bytes.
        len: u32,
    },
    /// An access that the kernel does not allow to the context.
    #[error(
        "{access} of {len} bytes at offset {offset} of the context of a {program_type} program"
    )]
    Context {
        /// What was tried.
        access: Access,
        /// Where.
        offset: i64,
        /// How many bytes.
        len: u32,
        /// The type of the program.
        program_type: &'static str,
    },
    /// An argument is not what a function takes.
    #[error("argument {} of {function} is not {expected} but {}", index + 1, given)]
    Argument {
        /// The function.
        function: Arc<str>,
        /// Which argument, from 0.
        index: u8,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        given: Box<Given>,
    },
    /// Something of the kernel that is not modelled.
    #[error("{0} is not modelled")]
    NotModelled(String),
    /// More instructions were executed than allowed.
    #[error("the budget of {0} instructions is used up")]
    Budget(u64),
    /// More memory was wanted than allowed.
    #[error("more than {0} bytes of memory are needed")]
    MemoryLimit(usize),
    /// Calls are nested too deep.
    #[error("calls are nested deeper than {0}")]
    CallDepth(usize),
    /// Execution left the program.
    #[error("execution leaves the program")]
    LeftProgram,
    /// A call of something that the kernel does not have.
    #[error("call of {0}, which the kernel does not have")]
    NoSuchFunction(String),
    /// A mistake of the runtime itself.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

/// An argument as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The register.
    pub value: u64,
    /// What it points to, if it is a pointer.
    pub pointer: Option<Box<PointerNote>>,
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(note) = &self.pointer else { return write!(f, "{:#x}", self.value) };
        write!(f, "offset {} of {}", note.offset, Told(note))?;
        match &note.death {
            Some(death) => write!(f, ", {death}"),
            None => Ok(()),
        }
    }
}

fn plus(address: u64) -> String {
    if address == 0 { String::new() } else { format!(" plus {address}") }
}

impl FaultKind {
    /// The pointer it is about.
    pub(crate) fn pointer_mut(&mut self) -> Option<&mut PointerNote> {
        match self {
            Self::OutOfBounds { pointer, .. }
            | Self::ReadOnly { pointer, .. }
            | Self::Dead { pointer, .. } => Some(pointer),
            Self::Argument { given, .. } => given.pointer.as_deref_mut(),
            _ => None,
        }
    }
}

fn death(pointer: &PointerNote) -> String {
    pointer.death.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// What is known of a pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointerNote {
    /// What it points to.
    pub origin: Origin,
    /// How many bytes from the beginning of that.
    pub offset: i64,
    /// How many bytes it has or had.
    pub len: u32,
    /// Whether it may be written through.
    pub writable: bool,
    /// The call of the kernel that made it, if one did for the program: slices, records and objects.
    pub made: Option<Site>,
    /// What ended it.
    pub death: Option<Death>,
    /// The instruction of [`PointerNote::made`], to be told later.
    pub(crate) maker: Option<OpIndex>,
}

impl PointerNote {
    /// Whether it says something that a call has made this.
    pub(crate) fn is_made_by_a_call(&self) -> bool {
        matches!(
            self.origin,
            Origin::Slice { .. }
                | Origin::RingbufRecord(_)
                | Origin::Object { .. }
                | Origin::Allocated { .. }
        )
    }
}

/// What a pointer is for, and where it was made.
struct Told<'n>(&'n PointerNote);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PointerNote { origin, made, .. } = self.0;
        let Some(Site { function, at, argument }) = made else { return write!(f, "{origin}") };
        match (origin, argument) {
            (Origin::Slice { offset, len, data }, Some(dynptr)) => {
                write!(f, "{} at offset {offset} of {dynptr}", part(*data, *len))?;
            }
            _ => write!(f, "{origin}")?,
        }
        write!(f, " from {function} at {at}")
    }
}

/// What an allocation was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The code of the program.
    Code,
    /// A frame of the stack; 0 is the program's own.
    Stack {
        /// The depth.
        frame: u8,
    },
    /// The context.
    Context,
    /// Memory of the packet that programs do not see as a whole.
    PacketBuffer,
    /// What `ctx->data` points to, from `data_meta` on.
    PacketLinear,
    /// A fragment of the packet, from 0.
    PacketFragment(u16),
    /// A slice of a dynptr that points to its bytes.
    Slice {
        /// The offset asked for.
        offset: u32,
        /// The length asked for.
        len: u32,
        /// Whether it came from `bpf_dynptr_data`.
        data: bool,
    },
    /// A map, as helpers take it.
    Map(Arc<str>),
    /// The value of a map.
    MapValue(Arc<str>),
    /// A record of a ring buffer.
    RingbufRecord(Arc<str>),
    /// An object of the kernel.
    Object {
        /// What it is: `struct sock`.
        name: Arc<str>,
    },
    /// Objects of the kernel that are not modelled; pointers to them are.
    Beyond {
        /// What they are.
        name: Arc<str>,
    },
    /// An object that the program has made.
    Allocated {
        /// What it is: `struct node`.
        name: Arc<str>,
        /// Where it counts its references, if it does.
        refcount: Option<u32>,
    },
    /// A variable of the kernel.
    Variable {
        /// Its name.
        name: Arc<str>,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("the code of the program"),
            Self::Stack { frame: 0 } => f.write_str("the stack of the program"),
            Self::Stack { frame } => write!(f, "the stack of frame {frame}"),
            Self::Context => f.write_str("the context"),
            Self::PacketBuffer => f.write_str("memory of the packet"),
            Self::PacketLinear => f.write_str("the linear part of the packet"),
            Self::PacketFragment(index) => write!(f, "fragment {index} of the packet"),
            Self::Slice { offset, len, data } => {
                write!(f, "{} at offset {offset} of a dynptr", part(*data, *len))
            }
            Self::Map(name) => write!(f, "map {name}"),
            Self::MapValue(name) => write!(f, "a value of map {name}"),
            Self::RingbufRecord(name) => write!(f, "a record of ring buffer {name}"),
            Self::Object { name } | Self::Beyond { name } | Self::Allocated { name, .. } => {
                write!(f, "{name}")
            }
            Self::Variable { name } => write!(f, "variable {name} of the kernel"),
        }
    }
}

/// What a slice is called.
fn part(data: bool, len: u32) -> String {
    let kind = if data { "data" } else { "slice" };
    format!("the {kind} of {len} bytes")
}

/// What ended an allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Death {
    /// A call.
    Call(Box<Site>),
    /// The function whose frame it was has returned.
    Returned,
    /// The run it belonged to has ended.
    RunEnded,
}

/// A call of a function of the kernel, and where it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The function called.
    pub function: Arc<str>,
    /// Where.
    pub at: Location,
    /// The variable that its first argument is or points to, if the line shows it.
    pub argument: Option<Arc<str>>,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(site) => write!(f, "ended by {} at {}", site.function, site.at),
            Self::Returned => f.write_str("whose function has returned"),
            Self::RunEnded => f.write_str("which belonged to an earlier run"),
        }
    }
}
