//! The shape of the program: its functions, its jumps, its loops, what is read later.

pub(crate) mod liveness;

use isa::Pc;

use crate::cx::{Check, Cx};

/// The order of instructions, and what is read of stacks where.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// The instructions of each subprogram so that each comes before those that lead to it, where no loop forbids it
    /// (`insn_postorder`); [`Subprog::postorder`] says which are whose.
    pub postorder: Vec<Pc>,
    /// How many strongly connected components there are, with 0 for none (`scc_cnt`).
    pub scc_count: u32,
    /// What is read and written of stacks.
    pub liveness: liveness::Liveness,
}

/// A function of the program (`struct bpf_subprog_info`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Subprog {
    /// Its first instruction.
    pub start: Pc,
    /// The instruction behind its last.
    pub end: Pc,
    /// Its instructions in [`Flow::postorder`].
    pub postorder: std::ops::Range<u32>,
    /// Its name in the BTF; empty if it has none.
    pub name: String,
    /// It is global, and so verified alone.
    pub is_global: bool,
    /// The deepest byte of its stack in use, as a positive number.
    pub stack_depth: u32,
    /// Below this offset from the frame pointer, only spills around calls that may be patched away use the stack; such
    /// calls are given up if anything else does (`fastcall_stack_off`).
    pub fastcall_stack_off: i32,
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

/// Finds the functions of the program and the kfuncs it calls, and looks at the targets of jumps, before the types of
/// the functions and the instructions are looked at (`add_subprog_and_kfunc`, `check_subprogs`).
pub(crate) fn find_subprogs(cx: &mut Cx<'_>) -> Check {
    cx.unsupported("subprograms")
}

/// Finds what can be reached, and what is live where, after instructions were looked at and before anything is followed
/// (`check_cfg`, `compute_postorder`, `bpf_stack_liveness_init`, `compute_scc`, `compute_live_registers`,
/// `mark_fastcall_patterns`).
pub(crate) fn prepare(cx: &mut Cx<'_>) -> Check {
    cx.unsupported("control flow")
}

/// The subprogram that begins at this instruction (`find_subprog`).
pub(crate) fn subprog_at(cx: &Cx<'_>, pc: Pc) -> Option<u32> {
    let index = cx.subprogs.binary_search_by_key(&pc, |subprog| subprog.start).ok()?;
    u32::try_from(index).ok()
}

/// The subprogram that an instruction is in (`bpf_find_containing_subprog`).
pub(crate) fn containing(cx: &Cx<'_>, pc: Pc) -> u32 {
    let after = cx.subprogs.partition_point(|subprog| subprog.start <= pc);
    u32::try_from(after.saturating_sub(1)).unwrap_or(u32::MAX)
}

/// The instructions that can come next within the subprogram; the one behind it first (`bpf_insn_successors`).
pub(crate) fn successors(cx: &Cx<'_>, pc: Pc) -> impl Iterator<Item = Pc> + use<> {
    let insn = cx.program.insn(pc);
    let fall = match insn {
        Some(insn) if !insn.falls_through() => None,
        Some(insn) => Some(Pc(pc.0 + u32::try_from(insn.slots()).unwrap_or(1))),
        None => Some(Pc(pc.0 + 1)),
    };
    let jump = insn.and_then(|insn| insn.jump_offset()?.target(pc));
    fall.into_iter().chain(jump)
}

/// No path of calls needs more stack than there is; after everything was followed (`check_max_stack_depth`).
pub(crate) fn check_stack_depth(cx: &mut Cx<'_>) -> Check {
    cx.unsupported("stack depth")
}
