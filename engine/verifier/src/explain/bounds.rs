//! Stories of numbers that are not known well enough: where they come from, and what was shown of them.

use isa::{AluOp, Insn, Reg as RegName, Source};

use super::tell::{Teller, numbers_behind};
use super::walk::{self, Story};
use super::words;
use crate::state::{Reg, RegKind};

/// Steps of arithmetic that are told at most.
const MOST_STEPS: usize = 3;

/// How a number, or the offset of a pointer, came about.
pub(super) fn range(t: &mut Teller<'_, '_>) {
    let (Some(reg), Some(end)) = (t.subject(), t.end()) else { return };
    let Some(value) = t.reg_at(end, reg).copied() else { return };
    span(t, end);
    // At pointer arithmetic, the number is the other operand.
    let mut at = end;
    let mut number = if value.is_scalar() { Some((reg, value)) } else { operand(t, end) };
    let story = t.story_of(reg).unwrap_or_default();
    if number.is_none()
        && let Some(origin) = story.origin
        && let Some(found) = operand(t, origin.at)
    {
        at = origin.at;
        number = Some(found);
        t.say(at, "the offset is added here");
    }
    let is_constant = number.is_none_or(|(_, value)| value.as_constant().is_some());
    if is_constant && t.message.starts_with("invalid access to m") {
        t.help = Some(
            "stay within the memory: where the access begins and how long it is are constants here",
        );
    }
    let Some((name, value)) = number else {
        let root = t.root_of(reg).unwrap_or_default();
        return t.origin_of(&root);
    };
    number_from(t, at, name, &value);
}

/// Which bytes are accessed, of how many.
fn span(t: &mut Teller<'_, '_>, end: usize) {
    let first = |text| numbers_behind(t.message, text).next();
    if t.message.contains(" stack R")
        && let (Some(offset), Some(size)) = (first("off="), first(" size="))
        && !t.message.contains("var_off")
    {
        let last = offset + size - 1;
        let text = format!(
            "bytes {offset} to {last} are accessed, counted from the top of the frame; the stack goes from -512 to -1"
        );
        return t.say(end, text);
    }
    let limit = first("value_size=").or_else(|| first("mem_size=")).or_else(|| first("key_size="));
    let (Some(limit), Some(offset), Some(size)) = (limit, first("off="), first(" size=")) else {
        return;
    };
    let text = match size {
        0 => format!("no bytes at offset {offset} are asked for, of {limit}"),
        1 => format!("byte {offset} is accessed, of {limit}"),
        _ => format!("bytes {offset} to {} are accessed, of {limit}", offset + size - 1),
    };
    t.say(end, text);
}

/// Where the number comes from that a register holds before the instruction at a place, and what was shown of it.
fn number_from(t: &mut Teller<'_, '_>, at: usize, name: RegName, value: &Reg) {
    let (mut at, mut name, mut known) = (at, name, words::number(value));
    let mut last = at;
    let mut compared = false;
    for step in 0..MOST_STEPS {
        let story = walk::story(t.program(), t.path, at, name);
        if let Some(&check) = story.checks.first() {
            t.say(check, format!("it is {known} behind this comparison"));
            compared = true;
        }
        let Some(origin) = story.origin else {
            t.say(0, format!("{known} is there from the beginning"));
            t.branches(0);
            return;
        };
        last = origin.at;
        let made = t.reg_at(origin.at + 1, origin.reg).copied();
        if let Some(made) = &made {
            known = words::value(t.program(), made);
        }
        let Some((operand, before)) = computed_from(t, origin.at, origin.reg) else {
            let unchecked =
                made.is_some_and(|made| made.is_scalar() && made.as_constant().is_none());
            let tail = if compared || !unchecked || step > 0 {
                ""
            } else {
                ", which no comparison bounds"
            };
            let text = format!("{}{tail}", t.made(origin));
            t.say(origin.at, text);
            break;
        };
        t.say(origin.at, format!("it is computed here: {known}"));
        (at, name, known) = (origin.at, operand, words::number(&before));
    }
    t.branches(last);
}

/// The operand that arithmetic at a place turns into what is in `reg`: the one that is not constant.
fn computed_from(t: &Teller<'_, '_>, at: usize, reg: RegName) -> Option<(RegName, Reg)> {
    let point = t.path.get(at)?;
    let (dst, src) = match t.insn_at(at)? {
        Insn::Alu(alu) => (alu.dst, alu.src),
        Insn::Neg(neg) => (neg.dst, Source::Reg(neg.dst)),
        Insn::ByteSwap(swap) => (swap.dst, Source::Reg(swap.dst)),
        Insn::Mov(mov) => (mov.dst, mov.src),
        Insn::MovSx(mov) => (mov.dst, Source::Reg(mov.src)),
        _ => return None,
    };
    if dst != reg {
        return None;
    }
    let is_move = matches!(t.insn_at(at), Some(Insn::Mov(_) | Insn::MovSx(_)));
    let operands = [(!is_move).then_some(dst), source(src)];
    let known = operands.into_iter().flatten().map(|name| (name, point.regs[name.index()]));
    let mut unknown = known.filter(|(_, reg)| reg.is_scalar() && reg.as_constant().is_none());
    unknown.next()
}

fn source(src: Source) -> Option<RegName> {
    match src {
        Source::Reg(reg) => Some(reg),
        Source::Imm(_) => None,
    }
}

/// The number that pointer arithmetic at a place adds.
fn operand(t: &Teller<'_, '_>, at: usize) -> Option<(RegName, Reg)> {
    let point = t.path.get(at)?;
    let Insn::Alu(alu) = t.insn_at(at)? else { return None };
    let Source::Reg(src) = alu.src else { return None };
    if !matches!(alu.op, AluOp::Add | AluOp::Sub) {
        return None;
    }
    let operands = [src, alu.dst].map(|name| (name, point.regs[name.index()]));
    operands.into_iter().find(|(_, reg)| reg.is_scalar())
}

/// How far a packet pointer was compared with the end of the packet.
pub(super) fn packet(t: &mut Teller<'_, '_>) {
    let (Some(reg), Some(end)) = (t.subject(), t.end()) else { return };
    let Some(pointer) = t.reg_at(end, reg).copied() else { return };
    let Some(story) = t.story_of(reg) else { return };
    let range = pointer.range();
    if range > 0
        && let Some(&check) = story.checks.first()
    {
        t.say(check, format!("this comparison shows that {} are there", words::bytes(range)));
        t.branches(check);
        return;
    }
    let moved = story.origin.filter(|origin| moves(t, origin.at));
    if let Some(origin) = moved {
        t.say(
            origin.at,
            "adding an unknown number makes it another pointer, which is not compared behind this",
        );
    }
    let root = t.root_of(reg).unwrap_or_default();
    let limit = moved.map_or(end, |origin| origin.at);
    compared_before(t, &root, limit);
    let from = root.origin.map_or(0, |origin| origin.at);
    let is_compared = compared_in_vain(t, from.max(moved.map_or(0, |origin| origin.at)), &pointer);
    let Some(origin) = root.origin else { return t.origin_of(&root) };
    let tail = match moved.is_none() && !is_compared {
        true => "; no comparison with the end of the packet is about it",
        false => "",
    };
    let text = format!("{}{tail}", t.made(origin));
    t.say(origin.at, text);
    t.branches(origin.at);
}

/// A comparison of the pointer that shows nothing on this path; false if there is none.
fn compared_in_vain(t: &mut Teller<'_, '_>, from: usize, pointer: &Reg) -> bool {
    let Some(end) = t.end() else { return false };
    let is_it = |reg: &Reg| reg.kind() == pointer.kind() && reg.id == pointer.id;
    let found = (from..end).rev().find_map(|at| {
        let Some(Insn::Jump(jump)) = t.insn_at(at) else { return None };
        let lhs = t.reg_at(at, jump.lhs)?;
        let rhs = t.reg_at(at, source(jump.rhs)?)?;
        let other = if is_it(lhs) { rhs } else { lhs };
        (is_it(lhs) || is_it(rhs)).then_some((at, other.kind()))
    });
    let Some((at, other)) = found else { return false };
    if pointer.kind() == RegKind::PacketMeta && other == RegKind::PacketEnd {
        t.say(at, "this compares it with the end of the packet, which says nothing about metadata");
        t.help = Some("compare `data_meta + length` with `data`, where the metadata ends");
    } else {
        t.say(at, "this compares it, but does not show on this path that the bytes are there");
    }
    true
}

/// The arithmetic at a place makes another packet pointer.
fn moves(t: &Teller<'_, '_>, at: usize) -> bool {
    operand(t, at).is_some_and(|(_, number)| number.as_constant().is_none())
}

/// A comparison of what the pointer was made of.
fn compared_before(t: &mut Teller<'_, '_>, root: &Story, before: usize) {
    let check = root.checks.iter().copied().find(|&check| check < before);
    let is_packet = |at: usize| {
        let Some(Insn::Jump(jump)) = t.insn_at(at) else { return false };
        t.reg_at(at, jump.lhs).is_some_and(|reg| {
            matches!(reg.kind(), RegKind::Packet | RegKind::PacketEnd | RegKind::PacketMeta)
        })
    };
    if let Some(check) = check.filter(|&check| is_packet(check)) {
        t.say(check, "this comparison is about the pointer before that");
    }
}
