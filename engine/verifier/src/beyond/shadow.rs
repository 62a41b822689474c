//! What is known on a path beside what the kernel knows.

use isa::Pc;

use crate::program::MapId;
use crate::state::{ADD_CONST, DynptrKind, Reg, RegKind};

/// So many slices are kept on a path.
const MOST_SLICES: usize = 16;
/// So many of anything else.
const MOST: usize = 32;

/// What is known on a path. Copied whenever it changes; [`crate::state::Path::shadow`] says which one is that of a state.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Shadow {
    /// The path cannot be, or too much happened on it: nothing is said of it.
    pub dead: bool,
    /// The slices, those made last last.
    pub slices: Vec<Slice>,
    /// The dynptrs.
    pub dynptrs: Vec<Dynptr>,
    /// Results of calls that may be asked.
    pub results: Vec<CallResult>,
    /// Bytes of the stack without a value, which a read that may fail should have given one.
    pub unread: Vec<Unread>,
    /// Stores that were lost though the slice is not kept any more.
    pub lost: Vec<Slice>,
    /// So many bytes of the packet are known to be contiguous from its beginning.
    pub linear: u64,
    /// The packet is known not to be shared.
    pub private: bool,
    /// A call has failed.
    pub failed: bool,
    /// The kernel forgot numbers in a loop, so that ways may be followed that cannot be.
    pub loose: bool,
}

/// The memory that a dynptr is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Memory {
    /// The socket buffer.
    Skb,
    /// The XDP frame.
    Xdp,
    /// The metadata of the socket buffer.
    Meta,
    /// A value of a map, from this lookup; `at` is the offset in it.
    Map { map: MapId, value: u32, at: i64 },
    /// A record of a ring buffer, by the identity of its reference.
    Record(u32),
    /// What the function was given as this argument, from 0.
    Argument(u8),
    /// Not known.
    Unknown,
}

impl Memory {
    /// Of a dynptr that nothing else is known of.
    pub(super) fn of(kind: DynptrKind, reference: u32) -> Self {
        match kind {
            DynptrKind::Skb => Self::Skb,
            DynptrKind::Xdp => Self::Xdp,
            DynptrKind::SkbMeta => Self::Meta,
            DynptrKind::Ringbuf => Self::Record(reference),
            DynptrKind::Invalid | DynptrKind::Local => Self::Unknown,
        }
    }

    /// It is the packet.
    pub(super) fn is_packet(self) -> bool {
        matches!(self, Self::Skb | Self::Xdp)
    }
}

/// A place in the memory of a dynptr.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Offset {
    /// This byte.
    Known(i64),
    /// So many bytes behind a number that the kernel knows by an identity.
    Tied { id: u32, delta: i64 },
    /// Not known.
    Unknown,
}

impl Offset {
    /// Where the number says, in a view that begins at `start`.
    pub(super) fn of(start: Option<i64>, number: &Reg) -> Self {
        let Some(start) = start else { return Self::Unknown };
        if let Some(value) = number.as_constant() {
            // The kernel takes 32 bits.
            let Ok(value) = i64::try_from(value & u64::from(u32::MAX)) else {
                return Self::Unknown;
            };
            return Self::Known(start + value);
        }
        match number.id & !ADD_CONST {
            0 => Self::Unknown,
            id if number.id & ADD_CONST == 0 => Self::Tied { id, delta: start },
            id => Self::Tied { id, delta: start + i64::from(number.off) },
        }
    }

    /// The byte, if it is known.
    pub(super) fn known(self) -> Option<i64> {
        match self {
            Self::Known(at) => Some(at),
            Self::Tied { .. } | Self::Unknown => None,
        }
    }

    /// How far it is behind another place.
    pub(super) fn behind(self, other: Self) -> Option<i64> {
        match (self, other) {
            (Self::Known(at), Self::Known(other)) => Some(at - other),
            (Self::Tied { id, delta }, Self::Tied { id: of, delta: other }) if id == of => {
                Some(delta - other)
            }
            _ => None,
        }
    }

    /// Both play the same part on different paths.
    pub(super) fn is_like(self, other: Self) -> bool {
        match (self, other) {
            (Self::Tied { .. }, Self::Tied { .. }) => true,
            _ => self == other,
        }
    }
}

/// A dynptr, by the identity that the kernel gives it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Dynptr {
    /// The identity.
    pub id: u32,
    /// What it is over.
    pub memory: Memory,
    /// Where it was made; `None` if that was not seen.
    pub made: Option<Pc>,
    /// Where its view begins in the memory, if that is known.
    pub start: Option<i64>,
    /// Its size, if that is known.
    pub size: Option<u64>,
    /// It could not be made.
    pub null: bool,
    /// It may not have been made: the result of the call that should have made it was not asked yet.
    pub doubt: Option<u32>,
    /// Its view was moved.
    pub adjusted: Option<Pc>,
    /// The packet changed since, at this call, which has that result.
    pub outdated: Option<(Pc, u32)>,
    /// Its record was given back.
    pub released: Option<Pc>,
}

impl Dynptr {
    /// A dynptr of which nothing else is known.
    pub(super) fn new(id: u32, memory: Memory, made: Option<Pc>) -> Self {
        Self {
            id,
            memory,
            made,
            start: None,
            size: None,
            null: false,
            doubt: None,
            adjusted: None,
            outdated: None,
            released: None,
        }
    }
}

/// Whether a slice is its buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Alias {
    /// It may be.
    Maybe,
    /// It is.
    Is,
    /// It is not.
    Not,
}

/// The buffer of a slice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Buffer {
    /// There is none.
    None,
    /// Bytes of a frame, from this offset on.
    Stack { frame: u32, at: i64 },
    /// Bytes of a value of a map, from this offset on.
    Map { map: MapId, value: u32, at: i64 },
    /// Other memory.
    Other,
}

impl Buffer {
    /// What a pointer points to.
    pub(super) fn of(pointer: &Reg) -> Self {
        let Some(at) = place_in(pointer) else {
            return if pointer.is_null() { Self::None } else { Self::Other };
        };
        match (pointer.kind(), pointer.map()) {
            _ if pointer.is_null() => Self::None,
            (RegKind::Stack, _) => Self::Stack { frame: pointer.frame, at },
            (RegKind::MapValue, Some(map)) => Self::Map { map, value: pointer.origin, at },
            _ => Self::Other,
        }
    }

    /// How far `other` is behind the beginning of this one, if both are known to be in the same memory.
    pub(super) fn distance(self, other: Self) -> Option<i64> {
        match (self, other) {
            (Self::Stack { frame, at }, Self::Stack { frame: other, at: to }) if frame == other => {
                Some(to - at)
            }
            (Self::Map { map, value, at }, Self::Map { map: other, value: of, at: to })
                if map == other && value == of =>
            {
                Some(to - at)
            }
            _ => None,
        }
    }
}

/// The known offset of a pointer.
pub(super) fn place_in(pointer: &Reg) -> Option<i64> {
    Some(pointer.num.bits.as_constant()?.cast_signed().wrapping_add(pointer.off.into()))
}

/// How a slice was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum By {
    /// `bpf_dynptr_data`
    Data,
    /// `bpf_dynptr_slice`
    Slice,
    /// `bpf_dynptr_slice_rdwr`
    SliceRdwr,
    /// It is none, but a pointer into the packet that the context has.
    Pointer,
}

/// Why a slice should not be used any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Why {
    /// A bulk function wrote to the packet.
    Bulk,
    /// A global function may have, which was given packets as these arguments, as bits.
    Global { subprog: u32, arguments: u8 },
    /// Its dynptr was made anew over other memory.
    Remade,
    /// Its record was given back.
    Released,
    /// Another slice has its buffer.
    Shared,
    /// The program changed the buffer.
    Changed,
    /// The frame of the buffer is gone.
    Dead,
}

/// What a call returned that is a pointer into the memory of a dynptr.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Slice {
    /// The identity, which registers carry as [`Reg::origin`].
    pub id: u32,
    /// The call.
    pub made: Pc,
    /// Which call.
    pub by: By,
    /// The identity of the dynptr.
    pub dynptr: u32,
    /// What the dynptr is over.
    pub memory: Memory,
    /// Where it begins in the memory.
    pub offset: Offset,
    /// In bytes.
    pub length: u32,
    /// The buffer.
    pub buffer: Buffer,
    /// The buffer had no value before the call.
    pub is_raw: bool,
    /// The bytes are known to be contiguous, so that the buffer is not used.
    pub linear: bool,
    /// Whether it is the buffer.
    pub alias: Alias,
    /// It is NULL, and nothing else was tried.
    pub owes_fallback: bool,
    /// The first store through it that is not written back.
    pub dirty: Option<Pc>,
    /// Where the stores through it end that are not written back.
    pub dirty_end: u32,
    /// A store through it.
    pub stored: Option<Pc>,
    /// The program wrote to the buffer.
    pub refilled: bool,
    /// Why it should not be used, and since when.
    pub stale: Option<(Pc, Why)>,
}

impl Slice {
    /// It may be its buffer.
    pub(super) fn may_be_buffer(&self) -> bool {
        self.can_copy() && self.alias != Alias::Not
    }

    /// The call may have copied bytes to the buffer.
    pub(super) fn can_copy(&self) -> bool {
        !self.linear
            && self.buffer != Buffer::None
            && matches!(self.by, By::Slice | By::SliceRdwr)
            && self.memory.is_packet()
    }

    /// What was stored through it is lost if the program ends.
    pub(super) fn owes(&self) -> bool {
        self.dirty.is_some() && self.may_be_buffer()
    }
}

/// The result of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct CallResult {
    /// The identity, which registers carry as [`Reg::origin`].
    pub id: u32,
    /// The call.
    pub pc: Pc,
    /// It is 0 or a negative error.
    pub is_status: bool,
}

/// Bytes of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unread {
    /// The frame.
    pub frame: u32,
    /// The first byte.
    pub from: i64,
    /// The byte behind the last one.
    pub to: i64,
    /// The read that should have filled them.
    pub pc: Pc,
}

impl Shadow {
    /// The slice of this identity.
    pub(super) fn slice(&self, id: u32) -> Option<&Slice> {
        self.slices.iter().find(|slice| id != 0 && slice.id == id)
    }

    /// The slice of this identity.
    pub(super) fn slice_mut(&mut self, id: u32) -> Option<&mut Slice> {
        self.slices.iter_mut().find(|slice| id != 0 && slice.id == id)
    }

    /// Another slice; stores through one that is forgotten for it stay lost.
    pub(super) fn add_slice(&mut self, slice: Slice) {
        if self.slices.len() == MOST_SLICES {
            let oldest = self.slices.remove(0);
            if oldest.owes()
                && self.lost.len() < MOST
                && !self.lost.iter().any(|one| one.made == oldest.made)
            {
                self.lost.push(oldest);
            }
        }
        self.slices.push(slice);
    }

    /// The dynptr of this identity.
    pub(super) fn dynptr(&self, id: u32) -> Option<&Dynptr> {
        self.dynptrs.iter().rev().find(|dynptr| dynptr.id == id)
    }

    /// What is known of the dynptr now.
    pub(super) fn put_dynptr(&mut self, dynptr: Dynptr) {
        self.dynptrs.retain(|one| one.id != dynptr.id);
        add(&mut self.dynptrs, dynptr);
    }

    /// Another result.
    pub(super) fn add_result(&mut self, result: CallResult) {
        add(&mut self.results, result);
    }

    /// More bytes that may have no value.
    pub(super) fn add_unread(&mut self, unread: Unread) {
        if !self.unread.contains(&unread) {
            add(&mut self.unread, unread);
        }
    }
}

/// Adds to a list of which the oldest are forgotten.
fn add<T>(list: &mut Vec<T>, value: T) {
    if list.len() >= MOST {
        list.remove(0);
    }
    list.push(value);
}
