//! The abstract state at one point of one path: memory, dynptrs, slices, references.
//!
//! A state splits into a *shape* (everything discrete: what each dynptr is, which slices live, what is
//! owed) and numbers. States of different shape stay apart at a join, so that `if (err) goto out;`
//! keeps its correlation with what was released; states of one shape are merged by joining numbers.

use domains::Interval;
use smol_str::SmolStr;

use crate::intern::Interner;
use crate::shared::Shared;
use crate::value::{EventId, FrameId, Key, Num, ObjId, PathId, Ptr, SymId, Value};

/// Kinds of memory a dynptr may be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Kinds(u8);

impl Kinds {
    /// Map memory.
    pub const LOCAL: Kinds = Kinds(1);
    /// A ring buffer record.
    pub const RINGBUF: Kinds = Kinds(2);
    /// An skb.
    pub const SKB: Kinds = Kinds(4);
    /// An xdp_buff.
    pub const XDP: Kinds = Kinds(8);
    /// Everything but a ring buffer record.
    pub const PACKET_OR_MAP: Kinds = Kinds(1 | 4 | 8 | 16);
    /// The metadata of an skb.
    pub const SKB_META: Kinds = Kinds(16);
    /// A parameter: any of them.
    pub const UNKNOWN: Kinds = Kinds(32);

    /// Whether all of these kinds are among `other`.
    pub fn only(self, other: Kinds) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether one of these kinds is among `other`.
    pub fn any(self, other: Kinds) -> bool {
        self.0 & other.0 != 0
    }

    /// All of both.
    #[must_use]
    pub fn with(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// Whether the bytes may lie in a packet.
    pub fn packet(self) -> bool {
        self.any(Kinds::SKB.with(Kinds::XDP))
    }
}

/// Yes, no, or it depends on what is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tri {
    /// Always.
    Yes,
    /// Never.
    No,
    /// Perhaps.
    Maybe,
}

/// What a dynptr variable holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Live,
    /// The reservation was given back here, through this variable.
    Released {
        at: EventId,
        through: Key,
    },
    /// A store went over it.
    Destroyed {
        at: EventId,
    },
    /// Copied from another by assignment, which the kernel refuses.
    Copied,
}

/// A dynptr.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dynptr {
    pub(crate) status: Status,
    pub(crate) kinds: Kinds,
    /// The call that made it; clones keep that of the original. None for a parameter.
    pub(crate) made: Option<EventId>,
    /// Whether it is the null dynptr.
    pub(crate) null: Tri,
    pub(crate) read_only: Tri,
    /// The object its bytes lie in, for map memory.
    pub(crate) memory: Option<Ptr>,
    pub(crate) reference: Option<EventId>,
    /// The last adjust, and whether it cut the end only.
    pub(crate) adjusted: Option<Adjusted>,
    /// The packet's geometry changed here since.
    pub(crate) outdated: Option<EventId>,
    /// For metadata: the skb may have been un-cloned here since.
    pub(crate) metadata_lost: Option<EventId>,
    /// For map memory: the element was deleted here.
    pub(crate) deleted: Option<EventId>,
    /// For a reserved record of variable size: whether it may have been filled completely.
    pub(crate) filled: Filled,
    /// First byte of the view within the memory it was made over.
    pub(crate) start: Num,
    pub(crate) size: Num,
}

/// The last change of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Adjusted {
    pub(crate) at: EventId,
    /// Starts at 0: meant to shorten.
    pub(crate) shortens: bool,
}

/// How much of a record was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// Its size is constant, or it is no record.
    DoesNotMatter,
    /// The size is variable and so far only constant ranges were written.
    OnlyConstantParts,
    /// Something of variable length was written, or it cannot be told.
    Perhaps,
}

/// Which call made a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SliceKind {
    /// `bpf_dynptr_data`.
    Data,
    /// `bpf_dynptr_slice`.
    ReadOnly,
    /// `bpf_dynptr_slice_rdwr`.
    ReadWrite,
}

/// Whether the pointer equals the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alias {
    /// Depends on the packet.
    Maybe,
    /// It is the buffer.
    Is,
    /// It is not, or there is none.
    Not,
}

/// The buffer given to a slice call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Buffer {
    /// NULL.
    None,
    Known(Ptr),
    Unknown,
}

/// Why a slice must not be used any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaleCause {
    /// A helper of this name may move the packet.
    Helper(SmolStr),
    /// `bpf_dynptr_write` to an skb.
    Write,
    /// `bpf_dynptr_memset`, `bpf_dynptr_copy` or a copy-in kfunc of this name, into an skb.
    Bulk(SmolStr),
    /// A global function of this name writes the skb with `bpf_dynptr_write`.
    GlobalFunction(SmolStr),
    /// Its dynptr was made anew.
    Remade,
    /// The record was submitted or discarded.
    Released,
}

/// A cause and a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stale {
    pub(crate) cause: StaleCause,
    pub(crate) at: EventId,
}

/// How a slice's buffer was changed behind its back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clobber {
    /// Given to another slice call.
    Slice(EventId),
    /// Stored to.
    Store(EventId),
}

/// A slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) kind: SliceKind,
    /// The dynptr variable it was made from.
    pub(crate) dynptr: Key,
    /// The call that made that dynptr.
    pub(crate) made: Option<EventId>,
    pub(crate) reference: Option<EventId>,
    pub(crate) kinds: Kinds,
    pub(crate) buffer: Buffer,
    pub(crate) null: Tri,
    pub(crate) alias: Alias,
    pub(crate) stale: Option<Stale>,
    /// First store since the last write-back, on a path where it can be lost.
    pub(crate) dirty: Option<EventId>,
    /// A function with such a store has returned an error.
    pub(crate) failed: bool,
    /// Last store.
    pub(crate) last_store: Option<EventId>,
    /// First store to a field of a header with a checksum, and that header and field.
    pub(crate) header_store: Option<(EventId, SmolStr, SmolStr)>,
    pub(crate) clobbered: Option<Clobber>,
    /// The buffer has not been written since, except perhaps by the call itself.
    pub(crate) buffer_raw: bool,
    /// First store to the buffer instead of the pointer.
    pub(crate) buffer_store: Option<EventId>,
    /// NULL because the bytes are not contiguous, and nothing has been done about that.
    pub(crate) fallback_owed: bool,
    /// The view moved here since.
    pub(crate) view_moved: Option<EventId>,
    /// Where the pointer was compared with the buffer.
    pub(crate) compared: Option<EventId>,
    /// The pointer was handed to code that is not known.
    pub(crate) escaped: bool,
    /// The range is linear: the buffer cannot be used.
    pub(crate) linear: bool,
    pub(crate) offset: Num,
    pub(crate) length: Num,
    /// Bytes stored so far, relative to the slice.
    pub(crate) stored: Option<Interval>,
}

/// A reserved ring buffer record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The result of the reservation was seen to be an error.
    pub(crate) failed: bool,
    pub(crate) released: Option<EventId>,
    /// Given back by a `cleanup` attribute, or out of sight.
    pub(crate) excused: bool,
}

/// How much of the packet is known to be linear and private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pulled {
    No,
    /// At least that many bytes.
    Bytes(u64),
    /// All of it, or it cannot be told.
    All,
}

/// The state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) dynptrs: Shared<Key, Dynptr>,
    pub(crate) slices: Shared<EventId, Slice>,
    /// Slices whose call ran again while something was owed.
    pub(crate) lost: Shared<EventId, Slice>,
    pub(crate) references: Shared<EventId, Reference>,
    /// Pointers into the packet that are no longer valid.
    pub(crate) stale_packet: Shared<ObjId, Stale>,
    pub(crate) pulled: Pulled,
    /// The skb is not shared with a clone.
    pub(crate) private: bool,
    /// Destinations of reads whose result was ignored, with nothing in them before.
    pub(crate) unread: Shared<Key, EventId>,
    /// Last write of unknown extent to an object.
    pub(crate) versions: Shared<ObjId, EventId>,
    /// The largest part, and so the last to be compared.
    pub(crate) mem: Shared<Key, Value>,
}

/// What came of trying to merge two states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merge {
    /// The other adds nothing.
    Same,
    /// Numbers were joined.
    Grew,
    /// They differ in shape.
    Apart,
}

impl State {
    pub(crate) fn new() -> Self {
        State {
            mem: Shared::new(),
            versions: Shared::new(),
            dynptrs: Shared::new(),
            slices: Shared::new(),
            lost: Shared::new(),
            references: Shared::new(),
            stale_packet: Shared::new(),
            pulled: Pulled::No,
            private: false,
            unread: Shared::new(),
        }
    }

    /// Whether the discrete parts are equal.
    pub(crate) fn same_shape(&self, other: &State) -> bool {
        self.pulled == other.pulled
            && self.private == other.private
            && self.references == other.references
            && self.stale_packet == other.stale_packet
            && self.unread == other.unread
            && self.dynptrs.len() == other.dynptrs.len()
            && self.slices.len() == other.slices.len()
            && self.lost.keys().eq(other.lost.keys())
            && (self.dynptrs.same(&other.dynptrs)
                || self
                    .dynptrs
                    .iter()
                    .zip(other.dynptrs.iter())
                    .all(|((a, x), (b, y))| a == b && x.same_shape(y)))
            && (self.slices.same(&other.slices)
                || self
                    .slices
                    .iter()
                    .zip(other.slices.iter())
                    .all(|((a, x), (b, y))| a == b && x.same_shape(y)))
    }

    /// Joins the numbers of a state of the same shape.
    pub(crate) fn merge(&mut self, other: &State, widen: bool) -> Merge {
        if !self.same_shape(other) {
            return Merge::Apart;
        }
        let mut grew = false;
        for (mine, theirs) in self.dynptrs.values_mut().zip(other.dynptrs.values()) {
            grew |= join_num(&mut mine.start, &theirs.start, widen);
            grew |= join_num(&mut mine.size, &theirs.size, widen);
        }
        for (mine, theirs) in self.slices.values_mut().zip(other.slices.values()) {
            grew |= join_num(&mut mine.offset, &theirs.offset, widen);
            grew |= join_num(&mut mine.length, &theirs.length, widen);
            grew |= join_stored(&mut mine.stored, theirs.stored, widen);
        }
        grew |= self.merge_memory(other, widen);
        if self.versions != other.versions {
            let before = self.versions.len();
            for (object, event) in other.versions.iter() {
                self.versions.insert_new(*object, || *event);
            }
            grew |= self.versions.len() != before;
        }
        if grew { Merge::Grew } else { Merge::Same }
    }

    /// A cell that one side does not know becomes unknown: dropped.
    fn merge_memory(&mut self, other: &State, widen: bool) -> bool {
        let mut grew = false;
        let before = self.mem.len();
        self.mem.retain(|key, _| other.mem.contains_key(key));
        grew |= self.mem.len() != before;
        if self.mem.same(&other.mem) {
            return grew;
        }
        for (key, mine) in self.mem.iter_mut() {
            let Some(theirs) = other.mem.get(key) else { continue };
            if mine == theirs {
                continue;
            }
            match (&mut *mine, theirs) {
                (Value::Num(mine), Value::Num(theirs)) => grew |= join_num(mine, theirs, widen),
                (Value::Ptr(mine), Value::Ptr(theirs))
                    if mine.obj == theirs.obj && mine.path == theirs.path =>
                {
                    let joined = mine.bytes.join(theirs.bytes);
                    let joined = if widen { mine.bytes.widen(joined, &[]) } else { joined };
                    grew |= joined != mine.bytes;
                    mine.bytes = joined;
                }
                (Value::Unknown, _) => {}
                _ => {
                    *mine = Value::Unknown;
                    grew = true;
                }
            }
        }
        grew
    }

    /// Whether pointers and verdicts agree, so that merging loses no correlation that matters.
    pub(crate) fn same_pointers(&self, other: &State) -> bool {
        let differ = |key: &Key, value: &Value| match (value, other.mem.get(key)) {
            (Value::Ptr(a), Some(Value::Ptr(b))) => a.obj != b.obj,
            (Value::Ptr(_), Some(Value::Num(_))) | (Value::Num(_), Some(Value::Ptr(_))) => true,
            (Value::Pred(a), Some(Value::Pred(b))) => a != b,
            _ => false,
        };
        !self.mem.iter().any(|(key, value)| differ(key, value))
    }

    /// Forgets the contents of an object from `path` on.
    pub(crate) fn forget(&mut self, interner: &Interner, object: ObjId, path: PathId, at: EventId) {
        self.mem.retain(|key, _| key.0 != object || !interner.paths_overlap(key.1, path));
        self.unread.retain(|key, _| key.0 != object || !interner.paths_overlap(key.1, path));
        self.versions.insert(object, at);
    }

    /// Drops the variables of an activation that has returned.
    pub(crate) fn leave(&mut self, interner: &Interner, frame: FrameId) {
        let is_gone =
            |key: &Key| interner.owner(*key).is_some_and(|owner| interner.is_within(owner, frame));
        self.mem.retain(|key, _| !is_gone(key));
        self.versions.retain(|object, _| !is_gone(&(*object, crate::value::ROOT_PATH)));
        self.dynptrs.retain(|key, _| !is_gone(key));
        self.unread.retain(|key, _| !is_gone(key));
    }

    /// Makes room for a new meaning of a symbol: whatever mentions it is no longer known by it.
    pub(crate) fn forget_symbol(&mut self, interner: &Interner, symbol: SymId) {
        let mentions = |lin: &crate::value::Lin| {
            lin.terms.iter().any(|(term, _)| interner.symbol_mentions(*term, symbol))
        };
        let clean = |num: &mut Num| {
            if num.lin.as_ref().is_some_and(&mentions) {
                num.lin = None;
            }
        };
        let is_known = |value: &Value| matches!(value, Value::Num(Num { lin: Some(lin), .. }) if mentions(lin));
        let known: Vec<Key> =
            self.mem.iter().filter(|(_, value)| is_known(value)).map(|(key, _)| *key).collect();
        for key in known {
            if let Some(Value::Num(num)) = self.mem.get_mut(&key) {
                num.lin = None;
            }
        }
        for dynptr in self.dynptrs.values_mut() {
            clean(&mut dynptr.start);
            clean(&mut dynptr.size);
        }
        for slice in self.slices.values_mut().chain(self.lost.values_mut()) {
            clean(&mut slice.offset);
            clean(&mut slice.length);
        }
    }
}

fn join_stored(mine: &mut Option<Interval>, theirs: Option<Interval>, widen: bool) -> bool {
    let joined = match (*mine, theirs) {
        (Some(mine), Some(theirs)) => {
            Some(if widen { mine.widen(theirs, &[]) } else { mine.join(theirs) })
        }
        (mine, theirs) => mine.or(theirs),
    };
    let grew = joined != *mine;
    *mine = joined;
    grew
}

fn join_num(mine: &mut Num, theirs: &Num, widen: bool) -> bool {
    if mine == theirs {
        return false;
    }
    let joined = if widen { mine.widen(theirs) } else { mine.join(theirs) };
    let grew = joined != *mine;
    *mine = joined;
    grew
}

impl Dynptr {
    fn same_shape(&self, other: &Dynptr) -> bool {
        self.status == other.status
            && self.kinds == other.kinds
            && self.made == other.made
            && self.null == other.null
            && self.read_only == other.read_only
            && self.reference == other.reference
            && self.adjusted == other.adjusted
            && self.outdated == other.outdated
            && self.metadata_lost == other.metadata_lost
            && self.deleted == other.deleted
            && self.filled == other.filled
            && self.memory == other.memory
    }
}

impl Slice {
    fn same_shape(&self, other: &Slice) -> bool {
        self.kind == other.kind
            && self.dynptr == other.dynptr
            && self.made == other.made
            && self.reference == other.reference
            && self.kinds == other.kinds
            && self.buffer == other.buffer
            && self.null == other.null
            && self.alias == other.alias
            && self.stale == other.stale
            && self.dirty == other.dirty
            && self.clobbered == other.clobbered
            && self.buffer_raw == other.buffer_raw
            && self.buffer_store == other.buffer_store
            && self.fallback_owed == other.fallback_owed
            && self.view_moved == other.view_moved
            && self.escaped == other.escaped
            && self.failed == other.failed
            && self.compared == other.compared
            && self.linear == other.linear
            && self.header_store == other.header_store
    }

    /// Whether the call may have copied into the buffer.
    pub(crate) fn can_copy(&self) -> bool {
        !self.linear
            && self.buffer != Buffer::None
            && self.kind != SliceKind::Data
            && self.kinds.any(Kinds::SKB.with(Kinds::XDP).with(Kinds::UNKNOWN))
    }
}
