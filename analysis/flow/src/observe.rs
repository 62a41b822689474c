//! What the interpreter tells the rules: facts about calls, accesses, comparisons and the ends of
//! paths. A fact is recorded once for each distinct situation; deciding what is a mistake is up to the
//! rules.

use domains::{Interval, Scalar};
use kernel_model::ProgramType;
use smol_str::SmolStr;
use text::Span;

pub use crate::api::Api;
pub use crate::state::{Alias, Kinds, SliceKind, StaleCause, Tri};

/// Everything observed in a file.
#[derive(Debug, Default)]
pub struct Analysis {
    /// The facts, in the order found.
    pub observations: Vec<Observation>,
    /// The functions of the file.
    pub functions: Vec<FunctionView>,
}

/// A function of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionView {
    /// Its name.
    pub name: SmolStr,
    /// From its first specifier to its closing brace.
    pub span: Span,
}

/// A fact and where it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The function in which the place is.
    pub function: SmolStr,
    /// The place.
    pub span: Span,
    /// The type of the program that was being followed; none outside programs.
    pub program: Option<&'static ProgramType>,
    /// Packets of the program can have fragments.
    pub fragments: bool,
    /// What is the case.
    pub fact: Fact,
}

/// A fact.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A dynptr function is called.
    Call(Box<DynptrCall>),
    /// Any named kernel function is called.
    KernelCall(CallView),
    /// Memory is read or written through a slice.
    Access(Box<Access>),
    /// Memory is read or written through a packet pointer that is no longer valid.
    StalePacketAccess {
        /// Why.
        cause: StaleCause,
        /// Where it became invalid.
        at: Span,
    },
    /// The buffer of a slice is written to a dynptr.
    WriteBack(Box<WriteBack>),
    /// A slice pointer is compared with a buffer that was not given to its call.
    ForeignComparison {
        /// The slice.
        slice: SliceView,
        /// The operand it is compared with.
        other: Span,
    },
    /// `bpf_dynptr_write` where the pointer is known not to be the buffer.
    InvertedWriteBack {
        /// The slice.
        slice: SliceView,
        /// The comparison.
        comparison: Span,
        /// The write.
        write: Span,
    },
    /// The buffer is read or written while the slice may be elsewhere.
    BufferUse {
        /// The slice.
        slice: SliceView,
        /// A store, not a load.
        write: bool,
    },
    /// The buffer was changed, or given to a second slice, and the slice was used afterwards.
    BufferReused {
        /// The slice.
        slice: SliceView,
        /// The use.
        used: Span,
        /// By another slice call, not by a store.
        by_slice: bool,
    },
    /// A store through a slice reaches the end of the program without a write-back.
    LostStore(Box<LostStore>),
    /// A reservation reaches the end of the program.
    Unreleased(Box<Unreleased>),
    /// A NULL slice of a packet, made without a buffer, reaches the end of the program untreated.
    NullTakenForShort {
        /// The slice.
        slice: SliceView,
        /// The end.
        leave: Span,
    },
    /// A header with a checksum was changed and nothing in the program deals with checksums.
    ChecksumForgotten {
        /// The header's type.
        record: SmolStr,
        /// The field.
        field: SmolStr,
    },
    /// A function returns a slice whose buffer is one of its own variables.
    SliceReturned {
        /// The slice.
        slice: SliceView,
        /// The variable.
        buffer: Span,
    },
    /// Nothing is ever stored through this writable slice.
    NeverStored {
        /// The call.
        call: CallView,
    },
    /// A slice made before an adjust is used after it, and the adjusted view never is.
    OldView {
        /// The slice.
        slice: SliceView,
        /// The adjust.
        adjust: Span,
    },
    /// A record is submitted after an adjust that shortens the view.
    ShortenedRecord {
        /// The adjust.
        adjust: Span,
    },
    /// A record of variable size is submitted with only constant parts written.
    PartlyFilledRecord {
        /// The reservation.
        reserve: Span,
    },
    /// A dynptr is copied by assignment or `memcpy`.
    DynptrCopied {
        /// What is assigned to, if it is a variable whose name can be quoted.
        to: Option<Span>,
        /// What is copied.
        from: Span,
    },
    /// A dynptr's own bytes are handed to a function.
    DynptrPassed {
        /// The function.
        function: SmolStr,
        /// The function writes there.
        written: bool,
    },
    /// A store goes over a dynptr that holds a reservation.
    ReferencedOverwritten {
        /// The reservation.
        reserve: Span,
    },
    /// A slice pointer is turned into a number and handed on.
    AddressLeaked {
        /// The slice.
        slice: SliceView,
    },
    /// A slice is a map key or value argument.
    MapArgument {
        /// The slice.
        slice: SliceView,
        /// The function.
        function: SmolStr,
    },
    /// A read-only slice is an argument of a global function.
    GlobalArgument {
        /// The slice.
        slice: SliceView,
        /// The function.
        function: SmolStr,
    },
    /// The result of a call is compared with a number.
    ResultCompared(Box<ResultCompared>),
    /// The destination of a read whose result was ignored is used.
    UnreadUsed {
        /// The use.
        used: Span,
        /// The read.
        call: CallView,
        /// Calls whose reservations are held.
        held: Vec<CallView>,
    },
}

/// A call as it stands in the text.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CallView {
    /// The called function.
    pub name: SmolStr,
    /// The whole call.
    pub span: Span,
    /// The arguments.
    pub args: Vec<Span>,
}

/// A dynptr just before a call uses it.
#[derive(Clone, Debug, PartialEq)]
pub struct DynptrView {
    /// What state it is in.
    pub state: DynptrState,
    /// Kinds of memory it may be over.
    pub kinds: Kinds,
    /// Whether it is null.
    pub null: Tri,
    /// Whether its memory is read-only.
    pub read_only: Tri,
    /// It lies on the stack: no: in other memory.
    pub on_stack: Tri,
    /// Where it was made.
    pub made: Option<Span>,
    /// It holds a reservation.
    pub referenced: bool,
    /// It is a parameter of a global function or a callback.
    pub constant: bool,
    /// Where the packet's geometry changed since, and by what.
    pub outdated: Option<(Span, SmolStr)>,
    /// Where its metadata may have been lost.
    pub metadata_lost: Option<Span>,
    /// Where the map element under it was deleted.
    pub deleted: Option<Span>,
    /// Where the view was moved last.
    pub adjusted: Option<Span>,
    /// The size of the view, if constant.
    pub size: Option<i128>,
}

/// State of a dynptr variable.
#[derive(Clone, Debug, PartialEq)]
pub enum DynptrState {
    /// Nothing was made there on this path.
    Uninitialised,
    /// It can be used.
    Live,
    /// Given back; by a clone in another function if `elsewhere`.
    Released {
        /// Where.
        at: Span,
        /// Through another variable in a called function.
        elsewhere: bool,
    },
    /// A store went over it.
    Destroyed {
        /// Where.
        at: Span,
    },
}

/// A call of a dynptr function.
#[derive(Clone, Debug, PartialEq)]
pub struct DynptrCall {
    /// Which.
    pub api: Api,
    /// The call.
    pub call: CallView,
    /// Nothing looks at the result.
    pub ignored: bool,
    /// The dynptr it works on.
    pub dynptr: Option<DynptrView>,
    /// For copy and clone: the source.
    pub source: Option<DynptrView>,
    /// Offset argument.
    pub offset: Option<Scalar>,
    /// Length argument.
    pub length: Option<Scalar>,
    /// Flags argument.
    pub flags: Option<Scalar>,
    /// By how much the range surely goes beyond the view, if it does.
    pub beyond: Option<i128>,
    /// For adjust: cannot fail.
    pub in_range: bool,
    /// The range certainly lies in the view.
    pub fits: bool,
    /// A slice of the same bytes has succeeded before.
    pub range_checked: bool,
    /// The length is computed from what only run time knows.
    pub length_varies: bool,
    /// For slices: bytes left in the buffer, if known.
    pub room: Option<i128>,
    /// Name of the buffer in its declaration, if it is a whole local variable.
    pub buffer_declared: Option<Span>,
    /// The buffer is an array of bytes.
    pub buffer_of_bytes: bool,
    /// The length is the size of a variable that points to a structure.
    pub sizeof_record_pointer: bool,
    /// For slices: the length is the size of the pointer that is the buffer argument.
    pub sizeof_pointer: bool,
    /// For slices: the buffer argument is NULL.
    pub null_buffer: bool,
    /// For slices and reads: the bytes are known to be linear.
    pub linear: bool,
    /// For slices: the type of the pointer that receives the result.
    pub result_record: Option<SmolStr>,
    /// For write: the data are a slice of the same packet.
    pub source_slice: Option<SliceView>,
    /// For write: it gives the buffer of a slice back.
    pub is_write_back: bool,
    /// For memset and copy: the skb is known to be private.
    pub private: bool,
    /// Somewhere in the program the kernel's un-clone prologue is asked for.
    pub prologue: bool,
    /// For copy: first byte of destination minus first byte of source in the same memory.
    pub distance: Option<i64>,
    /// For from_mem: what the data argument points to.
    pub data: Memory,
    /// In a global function, on its parameter.
    pub in_global: bool,
}

/// What a data argument points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// A variable on the stack.
    Stack,
    /// Packet bytes or a slice.
    Packet,
    /// A map value, or it cannot be told.
    Other,
}

/// A slice as it stands in the text, at the moment of the fact.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceView {
    /// The call: its arguments are dynptr, offset, buffer and length, or for
    /// `bpf_dynptr_data` dynptr, offset and length.
    pub call: CallView,
    /// The variable that receives the pointer; empty if none does directly.
    pub name: SmolStr,
    /// The variable by which a message can name it: that one, or one of a caller that got it.
    pub shown: SmolStr,
    /// Which call.
    pub kind: SliceKind,
    /// Kinds of memory.
    pub kinds: Kinds,
    /// Whether it is NULL.
    pub null: Tri,
    /// Whether it is the buffer.
    pub alias: Alias,
    /// Offset, if constant.
    pub offset: Option<i128>,
    /// Length, if constant.
    pub length: Option<i128>,
    /// The call stands in this function.
    pub function: SmolStr,
    /// Type of the variable that receives the pointer differs from that of the buffer.
    pub needs_cast: bool,
}

/// An access through a slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// The slice.
    pub slice: SliceView,
    /// A store.
    pub write: bool,
    /// First byte accessed, relative to the slice.
    pub offset: Interval,
    /// Bytes accessed, if known.
    pub size: Option<i128>,
    /// Why and where the slice became stale.
    pub stale: Option<(StaleCause, Span)>,
    /// The pointer expression.
    pub pointer: Span,
    /// Only arithmetic, no access.
    pub arithmetic: bool,
    /// Calls whose reservations are held, for an access that is not known to be possible.
    pub held: Vec<CallView>,
}

/// A write-back.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteBack {
    /// The slice whose buffer it is.
    pub slice: SliceView,
    /// The write.
    pub call: CallView,
    /// Offset of the write minus that of the slice, in the packet, if constant.
    pub offset_difference: Option<i64>,
    /// Length of the write minus that of the slice, if constant.
    pub length_difference: Option<i64>,
    /// It goes to a dynptr over other memory.
    pub other_memory: bool,
    /// The data are not the slice's buffer, although the place is the slice's.
    pub other_buffer: bool,
    /// Where the view moved in between.
    pub moved: Option<Span>,
    /// The data start at the buffer's first byte.
    pub from_start: bool,
    /// Whether all bytes stored through the slice are written back; none if it cannot be told.
    pub covers_stores: Option<bool>,
    /// How far behind the buffer's first byte the data start, if constant.
    pub source_offset: Option<i128>,
}

/// A store that does not reach the packet.
#[derive(Clone, Debug, PartialEq)]
pub struct LostStore {
    /// The slice.
    pub slice: SliceView,
    /// Last store, as it shows in the function that made the slice.
    pub last_store: Span,
    /// Where the path leaves, as it shows in the function that made the slice.
    pub leave: Span,
    /// The offset argument still has the value it had at the slice call.
    pub offset_unchanged: bool,
    /// Pointer and buffer can be named at the insertion point.
    pub nameable: bool,
}

/// A reservation that is not given back.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreleased {
    /// The call that reserved.
    pub call: CallView,
    /// The path is the one on which reserving failed.
    pub failed: bool,
    /// The end of the path is in the function that reserved.
    pub same_function: bool,
    /// All paths that end here hold the reservation.
    pub always: bool,
}

/// A comparison of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultCompared {
    /// The call.
    pub call: CallView,
    /// The operator, the result being its left operand; `!= 0` for a bare condition.
    pub op: domains::Comparison,
    /// The other operand.
    pub other: Scalar,
    /// The condition is the result itself or its negation.
    pub truthiness: bool,
    /// The call's length argument.
    pub length: Option<i128>,
    /// For `bpf_dynptr_size`: where the dynptr that may be null was made.
    pub null_dynptr: Option<Span>,
}
