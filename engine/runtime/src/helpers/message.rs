//! Helpers over the message of a program for sockets, in the orders of checks of `net/core/filter.c` in Linux 6.18.

use super::skb::{low, noted};
use super::{Table, errno, error};
use crate::event::Target;
use crate::fault::{Death, FaultKind, Stop};
use crate::machine::Machine;
use crate::memory::Memory;
use crate::message::Message;

pub(super) const TABLE: &Table = &[
    ("bpf_msg_apply_bytes", bpf_msg_bytes),
    ("bpf_msg_cork_bytes", bpf_msg_bytes),
    ("bpf_msg_pop_data", |m, args| change(m, args, Message::pop)),
    ("bpf_msg_pull_data", |m, args| change(m, args, Message::pull)),
    ("bpf_msg_push_data", |m, args| change(m, args, Message::push)),
];

/// What changes the message: with a place, a length or another place, and what ends pointers into it.
type Change = fn(&mut Message, &mut Memory, u32, u32, Death) -> Result<i32, Stop>;

/// `long bpf_msg_apply_bytes(struct sk_msg_buff *msg, u32 bytes)` and `bpf_msg_cork_bytes`: what happens to the next bytes,
/// and how many are waited for. It is told.
fn bpf_msg_bytes(m: &mut Machine<'_>, [_, bytes, ..]: [u64; 5]) -> Result<u64, Stop> {
    noted(m, Target::Geometry, 0, low(bytes), None)
}

/// `long bpf_msg_pull_data(struct sk_msg_buff *msg, u32 start, u32 end, u64 flags)` and the like
fn change(
    m: &mut Machine<'_>,
    [_, start, second, flags, _]: [u64; 5],
    change: Change,
) -> Result<u64, Stop> {
    if flags != 0 {
        return Ok(error(errno::EINVAL));
    }
    let (start, second, death) = (low(start), low(second), m.death());
    let Some(message) = &mut m.message else {
        return Err(FaultKind::NotModelled("a message without bytes".to_owned()).into());
    };
    let failed = change(message, &mut m.memory, start, second, death)?;
    noted(m, Target::Geometry, start, second, (failed != 0).then_some(failed))
}
