//! Stories of limits: chains of calls, loops without an end, and too many paths.

use std::collections::BTreeMap;

use isa::{Callee, Insn, Pc};

use super::tell::Teller;
use super::words;
use crate::cfg;
use crate::state::Reg;

/// Lines that are told at most of those that were followed most often.
const MOST_LINES: usize = 3;

/// The calls that led to the rejected one, which would be one too many.
pub(super) fn frames(t: &mut Teller<'_, '_>) {
    let Some(end) = t.end() else { return };
    let mut depth = t.path[end].depth;
    let mut calls = vec![end];
    for at in (0..end).rev() {
        if t.path[at].depth < depth {
            depth = t.path[at].depth;
            calls.push(at);
        }
    }
    for at in calls.into_iter().rev() {
        let name = t.callee(at).unwrap_or_default();
        t.say(at, format!("frame {} is that of `{name}`, called here", t.path[at].depth + 2));
    }
}

/// The chain of calls that was looked at behind all paths.
pub(super) fn depth(t: &mut Teller<'_, '_>) {
    let cx = t.cx;
    let chain = cx.blamed.clone();
    let Some(&first) = chain.first() else {
        let insn = super::tell::numbers_behind(t.message, "(insn ").next();
        if let Some(pc) = insn.and_then(|insn| u32::try_from(insn).ok()) {
            t.say_of(Pc(pc), "it is called here");
        }
        return;
    };
    let root = cfg::containing(cx, first);
    let is_size = t.message.contains("stack size") || t.message.contains("bytes");
    let size = |subprog: &cfg::Subprog| match is_size {
        true => format!(" and has {} of stack", words::bytes(subprog.stack_depth)),
        false => String::new(),
    };
    if let Some(root) = cx.subprogs.get(root as usize) {
        t.say_of(root.start, format!("`{}` begins here{}", root.name, size(root)));
    }
    for pc in chain {
        let callee = match t.program().insn(pc) {
            Some(Insn::Call(Callee::Subprogram(offset))) => offset.target(pc),
            _ => function_at(t, pc),
        };
        let callee = callee.and_then(|target| cfg::subprog_at(cx, target));
        let Some(callee) = callee.and_then(|index| cx.subprogs.get(index as usize)) else {
            t.say_of(pc, "it is called here");
            continue;
        };
        t.say_of(pc, format!("`{}` is called from here{}", callee.name, size(callee)));
    }
}

/// The function of the program whose address is taken.
fn function_at(t: &Teller<'_, '_>, pc: Pc) -> Option<Pc> {
    match t.program().insn(pc)? {
        Insn::LoadImm(load) => match load.value {
            isa::Imm64::Func(offset) => offset.target(pc),
            _ => None,
        },
        _ => None,
    }
}

/// A loop that has come back with nothing changed.
pub(super) fn endless(t: &mut Teller<'_, '_>) {
    let pc = t.cx.pc;
    let Some(end) = t.end() else { return t.say_of(pc, "the loop comes back to here") };
    let begin = (0..=end).rev().find(|&at| t.path[at].pc == pc);
    t.say_of(pc, "the loop comes back to here, with all that matters as it was before");
    let Some(begin) = begin else { return t.branches(0) };
    let mut told = 0;
    for at in begin..=end {
        let Some(Insn::Jump(jump)) = t.insn_at(at) else { continue };
        let value: Option<&Reg> = t.reg_at(at, jump.lhs);
        let Some(value) = value.map(|value| words::value(t.program(), value)) else { continue };
        t.say(at, format!("this condition looks at {value}, each time"));
        told += 1;
        if told == MOST_LINES {
            break;
        }
    }
}

/// Where most instructions were followed.
pub(super) fn complexity(t: &mut Teller<'_, '_>) {
    let Some(trace) = &t.cx.trace else { return };
    // Instructions of one line count together; what has no line counts alone.
    let mut lines: BTreeMap<(u32, u32), (u64, Pc)> = BTreeMap::new();
    for (index, &count) in trace.visits().iter().enumerate().filter(|(_, count)| **count > 0) {
        let line = t.program().lines.iter().rev().find(|line| line.insn as usize <= index);
        let pc = Pc::from_index(index);
        let key = line.map_or((u32::MAX, pc.0), |line| (line.file, line.line()));
        let entry = lines.entry(key).or_insert((0, pc));
        entry.0 = entry.0.max(count.into());
    }
    let mut hottest: Vec<(u64, Pc)> = lines.into_values().collect();
    hottest.sort_by_key(|&(count, pc)| (std::cmp::Reverse(count), pc));
    let most = hottest.first().map_or(0, |&(count, _)| count);
    hottest.retain(|&(count, _)| count * 4 >= most);
    for (count, pc) in hottest.into_iter().take(MOST_LINES) {
        t.say_of(pc, format!("the paths come through here {count} times"));
    }
}
