//! Which line of the program makes two runs differ.

use std::sync::Arc;

use super::What;
use crate::event::{Access, Event, Target};
use crate::fault::Location;
use crate::input::Outcome;

/// What in the program makes two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A slice that may be changed was a copy in the caller's buffer, which never reached the packet.
    LostWrite(Location),
    /// A call had another result than in the first run.
    Call {
        /// The function.
        function: Arc<str>,
        /// Where.
        at: Location,
        /// What came of it in the first run; `None` if it was not called there.
        first: Option<Access>,
        /// What came of it in the other run; `None` if it was not called there.
        other: Option<Access>,
    },
    /// The run ended early there.
    Fault(Location),
    /// Not known.
    Unknown,
}

impl Cause {
    /// The place in the program.
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::LostWrite(at) | Self::Call { at, .. } | Self::Fault(at) => Some(at),
            Self::Unknown => None,
        }
    }
}

/// The cause of a difference.
pub(super) fn find(first: &Outcome, other: &Outcome, what: &What) -> Cause {
    if let Some(fault) = &other.fault {
        return Cause::Fault(fault.at.clone());
    }
    if let What::Packet(from, to) = what
        && let Some(event) = lost(&other.events, *from, *to)
    {
        return Cause::LostWrite(event.at.clone());
    }
    differing(&first.events, &other.events).unwrap_or(Cause::Unknown)
}

/// The last slice that is a copy of some of these bytes.
fn lost(events: &[Event], from: u32, to: u32) -> Option<&Event> {
    events.iter().rev().find(|event| {
        event.target == Target::Packet
            && event.result == Access::Buffer
            && &*event.function == "bpf_dynptr_slice_rdwr"
            && event.offset < to
            && from < event.offset.saturating_add(event.len)
    })
}

/// The first call with another result. That a slice is a copy instead of the bytes themselves is none by itself.
fn differing(first: &[Event], other: &[Event]) -> Option<Cause> {
    let good = |access: Access| match access {
        Access::Direct => Access::Buffer,
        access => access,
    };
    let mut copied = None;
    for index in 0..first.len().max(other.len()) {
        let (a, b) = (first.get(index), other.get(index));
        let same_call =
            matches!((a, b), (Some(a), Some(b)) if a.at == b.at && a.function == b.function);
        let result = |event: Option<&Event>| event.map(|event| event.result);
        let cause = |event: &Event| Cause::Call {
            function: event.function.clone(),
            at: event.at.clone(),
            first: result(a),
            other: result(b),
        };
        if same_call && result(a) == result(b) {
            continue;
        }
        let event = b.or(a)?;
        if same_call && result(a).map(good) == result(b).map(good) {
            copied.get_or_insert_with(|| cause(event));
            continue;
        }
        // Runs that part without a call to blame part because of what an earlier slice gave.
        return if same_call { Some(cause(event)) } else { copied.or_else(|| Some(cause(event))) };
    }
    copied
}
