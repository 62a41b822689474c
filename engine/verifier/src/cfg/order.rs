//! The order of instructions and their loops.

use isa::Pc;

use super::raw;
use super::{NO_EDGE, successors};
use crate::cx::Cx;

/// Fills [`super::Flow::edges`] (`bpf_insn_successors`).
pub(super) fn find_edges(cx: &mut Cx<'_>) {
    let edges = cx.program.raw.iter().enumerate().map(|(index, &insn)| {
        let at = i64::try_from(index).unwrap_or(i64::MAX);
        let slots = if raw::is_wide(insn) { 2 } else { 1 };
        let falls = !raw::is_exit(insn) && !raw::is_goto(insn);
        let jump = raw::jump_offset(insn).map(|offset| at + i64::from(offset) + 1);
        let place = |to: Option<i64>| to.and_then(|to| u32::try_from(to).ok()).map_or(NO_EDGE, Pc);
        let (fall, jump) = (place(falls.then_some(at + slots)), place(jump));
        if fall == NO_EDGE { [jump, NO_EDGE] } else { [fall, jump] }
    });
    cx.flow.edges = edges.collect();
}

/// Fills [`super::Flow::postorder`] (`compute_postorder`).
pub(super) fn compute_postorder(cx: &mut Cx<'_>) {
    let len = cx.program.len();
    let (mut discovered, mut explored) = (vec![false; len], vec![false; len]);
    let mut stack = Vec::new();
    let mut order = Vec::with_capacity(len);
    let place = |order: &Vec<Pc>| u32::try_from(order.len()).unwrap_or(u32::MAX);
    for subprog in &mut cx.subprogs {
        let begin = place(&order);
        stack.push(subprog.start);
        while let Some(&top) = stack.last() {
            let Some(is_explored) = explored.get_mut(top.index()) else { break };
            discovered[top.index()] = true;
            if *is_explored {
                order.push(top);
                stack.pop();
                continue;
            }
            *is_explored = true;
            for next in successors(&cx.flow, top) {
                if discovered.get(next.index()) == Some(&false) {
                    discovered[next.index()] = true;
                    stack.push(next);
                }
            }
        }
        subprog.postorder = begin..place(&order);
    }
    cx.flow.postorder = order;
}

/// Numbers the strongly connected components, from 1; what is in no loop has 0 (`compute_scc`).
///
/// Numbers are given as components are completed, depth first, so that they are those the kernel prints.
pub(super) fn compute_scc(cx: &mut Cx<'_>) {
    const OFF_STACK: u32 = u32::MAX;
    let len = cx.program.len();
    let (mut pre, mut low) = (vec![0_u32; len], vec![0_u32; len]);
    let (mut stack, mut path) = (Vec::new(), Vec::new());
    let (mut next_number, mut next_scc) = (1, 1);
    for root in 0..len {
        if pre[root] != 0 {
            continue;
        }
        path.push(root);
        'path: while let Some(&at) = path.last() {
            if pre[at] == 0 {
                (pre[at], low[at]) = (next_number, next_number);
                next_number += 1;
                stack.push(at);
            }
            for next in successors(&cx.flow, Pc::from_index(at)) {
                match pre.get(next.index()) {
                    Some(0) => {
                        path.push(next.index());
                        continue 'path;
                    }
                    Some(_) => low[at] = low[at].min(low[next.index()]),
                    None => {}
                }
            }
            path.pop();
            if low[at] < pre[at] {
                continue;
            }
            let is_loop = stack.last() != Some(&at)
                || successors(&cx.flow, Pc::from_index(at)).any(|next| next.index() == at);
            while let Some(member) = stack.pop() {
                low[member] = OFF_STACK;
                if is_loop {
                    cx.aux[member].scc = next_scc;
                }
                if member == at {
                    break;
                }
            }
            next_scc += u32::from(is_loop);
        }
    }
    cx.flow.scc_count = next_scc;
}
