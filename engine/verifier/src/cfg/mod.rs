//! The shape of the program: its functions, its jumps, its loops, what is read later.

use isa::Pc;

use crate::cx::{Check, Cx};

/// A function of the program (`struct bpf_subprog_info`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Subprog {
    /// Its first instruction.
    pub start: Pc,
    /// The instruction behind its last.
    pub end: Pc,
    /// Its name in the BTF; empty if it has none.
    pub name: String,
    /// It is global, and so verified alone.
    pub is_global: bool,
    /// The deepest byte of its stack in use, as a positive number.
    pub stack_depth: u32,
    /// It calls `bpf_tail_call`.
    pub has_tail_call: bool,
    /// It can reach a tail call.
    pub tail_call_reachable: bool,
    /// It has `LD_ABS` or `LD_IND`.
    pub has_ld_abs: bool,
    /// It is a callback (synchronous or not).
    pub is_cb: bool,
    /// It is an asynchronous callback.
    pub is_async_cb: bool,
    /// It is the callback of an exception.
    pub is_exception_cb: bool,
    /// It changes packet data (`changes_pkt_data`).
    pub changes_packet: bool,
    /// It may sleep (`might_sleep`).
    pub might_sleep: bool,
    /// A global function that was called.
    pub called: bool,
    /// Its arguments, once they were read from BTF; `Some` of an empty list if it has none.
    pub args: Option<Vec<crate::calls::SubprogArg>>,
    /// Its BTF was found to be of no use (`BTF_FUNC_UNRELIABLE`).
    pub unreliable: bool,
}

/// Finds functions and jumps, and what is live where, before anything is followed
/// (`add_subprog_and_kfunc`, `check_subprogs`, `check_cfg`, `compute_scc`, `compute_live_registers`).
pub(crate) fn prepare(cx: &mut Cx<'_>) -> Check {
    cx.unsupported("control flow")
}
