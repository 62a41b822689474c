//! What happened to packets and dynptrs during a run.

use std::sync::Arc;

use crate::fault::Location;

/// An access through a dynptr or to the packet, or something sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The function that was called: `bpf_dynptr_slice_rdwr`.
    pub function: Arc<str>,
    /// What it accesses.
    pub target: Target,
    /// The first byte asked for; in a packet from its beginning, in other memory from the beginning of the dynptr.
    pub offset: u32,
    /// How many bytes were asked for.
    pub len: u32,
    /// What came of it.
    pub result: Access,
    /// Where.
    pub at: Location,
}

/// What an [`Event`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// The bytes of the packet.
    Packet,
    /// The metadata in front of the packet.
    Metadata,
    /// Other memory behind a dynptr.
    Memory,
    /// The packet as a whole: it was sent, or its length or place changed.
    Geometry,
    /// The task: a signal was sent to it.
    Task,
    /// A text was printed: which one of [`crate::Outcome::printed`].
    Printed(usize),
}

/// What came of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// A pointer to the bytes themselves.
    Direct,
    /// A copy in the caller's buffer.
    Buffer,
    /// NULL.
    Null,
    /// Bytes were copied, or another function succeeded.
    Done,
    /// An error, negative.
    Error(i32),
    /// An interface something was sent to.
    Sent(u32),
}
