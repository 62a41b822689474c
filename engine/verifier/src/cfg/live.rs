//! Which registers are read later (`compute_live_registers`), and spills around calls that may be patched away
//! (`mark_fastcall_patterns`).

use std::fmt::Write as _;

use isa::{Pc, RawInsn};

use super::{facts, raw, successors};
use crate::cx::Cx;
use crate::log::write_insn;

/// R0 to R5.
const CALLER_SAVED: u16 = 0x3f;

/// Fills [`crate::cx::InsnAux::live_regs`].
pub(super) fn compute(cx: &mut Cx<'_>) {
    let uses: Vec<(u16, u16)> = cx.program.raw.iter().map(|&insn| registers(cx, insn)).collect();
    let mut live = vec![0_u16; uses.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for &at in &cx.flow.postorder {
            let after = successors(&cx.flow, at)
                .fold(0, |all, next| all | live.get(next.index()).copied().unwrap_or(0));
            let (reads, writes) = uses[at.index()];
            let before = after & !writes | reads;
            changed |= live[at.index()] != before;
            live[at.index()] = before;
        }
    }
    for (aux, live) in cx.aux.iter_mut().zip(live) {
        aux.live_regs = live;
    }
    if cx.log.is_verbose() {
        print(cx);
    }
}

/// What the instruction reads and writes.
fn registers(cx: &Cx<'_>, insn: RawInsn) -> (u16, u16) {
    if !raw::is_call(insn) {
        return raw::registers(insn);
    }
    let reads = match facts::summary(cx.program, insn) {
        Some(summary) => arguments(summary.params),
        None => CALLER_SAVED & !1,
    };
    (reads, CALLER_SAVED)
}

/// The first argument registers.
fn arguments(count: u32) -> u16 {
    (1_u16 << (count.min(5) + 1)) - 2
}

fn print(cx: &mut Cx<'_>) {
    let mut text = String::from("Live regs before insn:\n");
    let mut is_second = false;
    for ((index, aux), insn) in cx.aux.iter().enumerate().zip(cx.program.raw) {
        let skipped = is_second;
        is_second = !skipped && raw::is_wide(*insn);
        if skipped {
            continue;
        }
        let scc = if aux.scc == 0 { String::new() } else { aux.scc.to_string() };
        let regs: String = ('0'..='9')
            .enumerate()
            .map(|(reg, digit)| if aux.live_regs & 1 << reg == 0 { '.' } else { digit })
            .collect();
        // Writing to a string cannot fail.
        let _ = write!(text, "{scc:>3} {index:3}: {regs} ");
        write_insn(&mut text, cx.program, Pc::from_index(index));
        text.push('\n');
    }
    cx.log.text.push_str(&text);
}

/// Notes spills and fills around calls that keep registers, so that they may be patched away.
pub(super) fn mark_fastcalls(cx: &mut Cx<'_>) {
    for index in 0..cx.subprogs.len() {
        let (start, end) = (cx.subprogs[index].start.index(), cx.subprogs[index].end.index());
        let spills = cx.program.raw[start..end].iter().filter(|insn| is_spill(**insn));
        let lowest = spills.map(|insn| insn.off).min().unwrap_or(0).min(0);
        for at in start..end {
            if raw::call(cx.program.raw[at]).is_some() {
                mark_fastcall(cx, index, at, lowest);
            }
        }
    }
}

/// `*(u64 *)(r10 + off) = reg`
fn is_spill(insn: RawInsn) -> bool {
    insn.opcode == 0x7b && insn.dst == 10
}

/// `reg = *(u64 *)(r10 + off)`
fn is_fill(insn: RawInsn) -> bool {
    insn.opcode == 0x79 && insn.src == 10
}

/// `mark_fastcall_pattern_for_call`
fn mark_fastcall(cx: &mut Cx<'_>, subprog: usize, at: usize, lowest: i16) {
    let Some(summary) = facts::summary(cx.program, cx.program.raw[at]) else { return };
    let clobbered = arguments(summary.params) | u16::from(!summary.is_void);
    let mut expected = !clobbered & CALLER_SAVED;
    let mut off = lowest;
    let mut pairs = 0;
    while pairs < 6 {
        let distance = usize::from(pairs) + 1;
        let Some(before) = at.checked_sub(distance) else { break };
        let Some(&fill) = cx.program.raw.get(at + distance) else { break };
        let spill = cx.program.raw[before];
        let bit = 1_u16.checked_shl(spill.src.into()).unwrap_or(0);
        if !is_spill(spill)
            || !is_fill(fill)
            || spill.src != fill.dst
            || bit & expected == 0
            || spill.off != off
            || fill.off != off
        {
            break;
        }
        expected &= !bit;
        cx.aux[before].fastcall_pattern = true;
        cx.aux[at + distance].fastcall_pattern = true;
        pairs += 1;
        off = off.wrapping_add(8);
    }
    if pairs == 0 {
        return;
    }
    let subprog = &mut cx.subprogs[subprog];
    if summary.fastcall {
        cx.aux[at].fastcall_spills = pairs;
    } else {
        subprog.keep_fastcall_stack = true;
    }
    subprog.fastcall_stack_off = subprog.fastcall_stack_off.min(off.into());
}
