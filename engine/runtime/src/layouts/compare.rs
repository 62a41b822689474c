//! What differs between two runs that should have done the same.

use std::sync::Arc;

use super::{State, Variation};
use crate::event::{Access, Target};
use crate::input::{Outcome, Slices};

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The result: in the first run, and in the other.
    Result(u32, u32),
    /// The bytes of the packet from the first to before the last that differ.
    Packet(u32, u32),
    /// Fields of the context.
    Context,
    /// Elements of a map, by its place in the image.
    Map(usize),
    /// What was sent, and where.
    Sent,
    /// One of the runs ended early: this one, with this message.
    Fault(Arc<str>),
}

impl What {
    /// The name in the output.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Result(..) => "retval",
            Self::Packet(..) => "packet",
            Self::Context => "context",
            Self::Map(_) => "map",
            Self::Sent => "sent",
            Self::Fault(_) => "fault",
        }
    }

    /// Whether it is the same kind of difference, perhaps with other numbers.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Map(map), Self::Map(other)) => map == other,
            _ => self.name() == other.name(),
        }
    }
}

/// Everything that differs; if one of the runs ended early, only that.
pub(super) fn compare(
    (first, before): (&Outcome, &State),
    (other, after): (&Outcome, &State),
    variation: &Variation,
) -> Vec<What> {
    if let Some(fault) = &other.fault {
        return vec![What::Fault(fault.to_string().into())];
    }
    let mut all = Vec::new();
    #[expect(clippy::cast_possible_truncation, reason = "programs return an int")]
    let (result, other_result) = (first.retval as u32, other.retval as u32);
    if result != other_result {
        all.push(What::Result(result, other_result));
    }
    if let Some((from, to)) = difference(first, other) {
        all.push(What::Packet(from, to));
    }
    // The context tells where metadata begin.
    if first.context != other.context && variation.metadata == 0 {
        all.push(What::Context);
    }
    if sent(first) != sent(other) {
        all.push(What::Sent);
    }
    all.extend(maps(before, after).into_iter().map(What::Map));
    // A program that is lied to about slices may go other ways; only lost bytes count then.
    if variation.slices == Slices::Buffer {
        all.retain(|what| matches!(what, What::Packet(..)));
    }
    all
}

/// The first byte of the packet that differs, and the one behind the last.
fn difference(first: &Outcome, other: &Outcome) -> Option<(u32, u32)> {
    let (first, other) = (first.packet.as_deref()?, other.packet.as_deref()?);
    let longest = first.len().max(other.len());
    let differs = |at: &usize| first.get(*at) != other.get(*at);
    let from = (0..longest).find(differs)?;
    let to = (from..longest).rev().find(differs)?;
    Some((u32::try_from(from).ok()?, u32::try_from(to).ok()?.saturating_add(1)))
}

/// What was sent, in order.
fn sent(outcome: &Outcome) -> Vec<(&str, Access)> {
    let events = outcome.events.iter().filter(|event| event.target == Target::Geometry);
    let events = events.filter(|event| matches!(event.result, Access::Sent(_)));
    events.map(|event| (&*event.function, event.result)).collect()
}

/// The maps whose elements differ.
fn maps(before: &State, after: &State) -> Vec<usize> {
    let find = |state: &State, index| {
        state.iter().find(|(known, _)| *known == index).map(|(_, entries)| entries.clone())
    };
    let mut indices: Vec<usize> = before.iter().chain(after).map(|(index, _)| *index).collect();
    indices.sort_unstable();
    indices.dedup();
    indices.retain(|&index| find(before, index) != find(after, index));
    indices
}
