//! The shape of the program: its functions, its jumps, its loops, what is read later.

mod depth;
mod facts;
mod live;
pub(crate) mod liveness;
mod order;
mod raw;
mod subprogs;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use depth::check_stack_depth;
pub(crate) use subprogs::find_subprogs;

use isa::Pc;

use crate::cx::{Check, Cx};

/// The order of instructions, and what is read of stacks where.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// What can come next within the subprogram, by instruction; the one behind it first.
    pub edges: Vec<[Pc; 2]>,
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
    /// Such a call has spills around it, but is not patched away, so that the stack is needed (`keep_fastcall_stack`).
    pub keep_fastcall_stack: bool,
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

/// Finds what can be reached, after instructions were looked at (`check_cfg`, `compute_postorder`).
pub(crate) fn order(cx: &mut Cx<'_>) -> Check {
    walk::check(cx)?;
    order::find_edges(cx);
    order::compute_postorder(cx);
    Ok(())
}

/// Finds loops and what is live where, before anything is followed (`bpf_stack_liveness_init`, `compute_scc`,
/// `compute_live_registers`, `mark_fastcall_patterns`).
pub(crate) fn prepare(cx: &mut Cx<'_>) {
    order::compute_scc(cx);
    live::compute(cx);
    if !cx.program.lacks("fastcall") {
        live::mark_fastcalls(cx);
    }
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

/// No instruction.
const NO_EDGE: Pc = Pc(u32::MAX);

/// The instructions that can come next within the subprogram; the one behind it first (`bpf_insn_successors`).
pub(crate) fn successors(flow: &Flow, pc: Pc) -> impl Iterator<Item = Pc> + use<> {
    let edges = flow.edges.get(pc.index()).copied().unwrap_or([NO_EDGE; 2]);
    edges.into_iter().take_while(|edge| *edge != NO_EDGE)
}
