//! Which registers and slots an instruction computes from which.

use isa::{Callee, Insn, Jump, Reg, Source};
use runtime::{Address, split};

use super::graph::{FrameFact, Graph, Node};

/// What of a frame is not as the verifier says, as bits by register and by slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Loose {
    /// Numbers that may be any others, because their exact values did not matter when the path was cut.
    pub(super) numbers: u16,
    /// As above, of slots.
    pub(super) number_slots: u64,
    /// What must not be read any more.
    pub(super) dead: u16,
    /// As above, of slots.
    pub(super) dead_slots: u64,
}

impl Loose {
    fn set(&mut self, reg: Reg, loose: bool) {
        self.numbers = self.numbers & !bit(reg) | if loose { bit(reg) } else { 0 };
        self.dead &= !bit(reg);
    }

    fn has(self, reg: Reg) -> bool {
        self.numbers & bit(reg) != 0
    }

    pub(super) fn has_source(self, source: Source) -> bool {
        matches!(source, Source::Reg(reg) if self.has(reg))
    }
}

fn bit(reg: Reg) -> u16 {
    1 << reg.number()
}

/// R1 to R5.
const ARGUMENTS: u16 = 0b11_1110;
/// R6 to R9.
const KEPT: u16 = 0b11_1100_0000;

/// A frame's stack in bytes.
const STACK: i64 = 512;

/// The slots of a stack that an access touches, as bits; `None` if it is elsewhere.
fn slots_at(frame_pointer: Address, address: Address, len: u32) -> Option<u64> {
    let (own, _) = split(frame_pointer);
    let (id, offset) = split(address);
    let from = offset - STACK;
    if id != own || !(-STACK..0).contains(&from) {
        return None;
    }
    let end = (from + i64::from(len) - 1).min(-1);
    let slot = |offset: i64| (-1 - offset) / 8;
    Some((slot(end)..=slot(from)).fold(0, |bits, slot| bits | 1 << slot))
}

/// What a memory access touches: base, offset, length.
pub(super) fn access(insn: &Insn) -> Option<(Reg, i16, u32)> {
    match insn {
        Insn::Load(load) | Insn::LoadAcquire(load) => {
            Some((load.base, load.offset.0, load.size.bytes()))
        }
        Insn::LoadSx(load) => Some((load.base, load.offset.0, load.size.size().bytes())),
        Insn::Store(store) => Some((store.base, store.offset.0, store.size.bytes())),
        Insn::StoreRelease(store) => Some((store.base, store.offset.0, store.size.bytes())),
        Insn::Atomic(atomic) => Some((atomic.base, atomic.offset.0, atomic.width.size().bytes())),
        _ => None,
    }
}

/// The slots that an access touches, by frame.
pub(super) fn touched(
    insn: &Insn,
    registers: &[u64; 11],
    frame_pointers: &[Address],
) -> Option<(usize, u64)> {
    let (base, offset, len) = access(insn)?;
    let address = registers[base.index()].wrapping_add(i64::from(offset).cast_unsigned());
    frame_pointers
        .iter()
        .enumerate()
        .find_map(|(frame, pointer)| slots_at(*pointer, address, len).map(|slots| (frame, slots)))
}

/// The registers that an instruction reads for certain; what calls of the kernel read is not known here.
pub(super) fn reads(insn: &Insn) -> u16 {
    let source = |source: Source| match source {
        Source::Reg(reg) => bit(reg),
        Source::Imm(_) => 0,
    };
    match insn {
        Insn::Alu(alu) => bit(alu.dst) | source(alu.src),
        Insn::Mov(mov) => source(mov.src),
        Insn::MovSx(mov) => bit(mov.src),
        Insn::Neg(neg) => bit(neg.dst),
        Insn::ByteSwap(swap) => bit(swap.dst),
        Insn::AddrSpaceCast(cast) => bit(cast.src),
        Insn::Load(load) | Insn::LoadAcquire(load) => bit(load.base),
        Insn::LoadSx(load) => bit(load.base),
        Insn::LoadPacket(load) => bit(Reg::R6) | load.index.map_or(0, bit),
        Insn::Store(store) => bit(store.base) | source(store.src),
        Insn::StoreRelease(store) => bit(store.base) | bit(store.src),
        Insn::Atomic(atomic) => bit(atomic.base) | bit(atomic.src),
        Insn::Jump(jump) => bit(jump.lhs) | source(jump.rhs),
        Insn::LoadImm(_)
        | Insn::Goto(_)
        | Insn::GotoLong(_)
        | Insn::MayGoto(_)
        | Insn::Call(_)
        | Insn::Exit => 0,
    }
}

/// What may be loose after the instruction at `node` was executed with these registers. Frames are from the outermost.
pub(super) fn after(
    graph: &Graph,
    node: &Node,
    (loose, broken): (&[Loose], &[u32]),
    registers: &[u64; 11],
    frame_pointers: &[Address],
) -> Vec<Loose> {
    let mut all = loose.to_vec();
    let Some(insn) = graph.insn(node.pc) else { return all };
    let place = touched(insn, registers, frame_pointers);
    let loads_loose = place.is_some_and(|(frame, slots)| {
        all.get(frame).is_some_and(|loose| loose.number_slots & slots != 0)
    });
    let Some(own) = all.last_mut() else { return all };
    let before = *own;
    let mut stored = None;
    match insn {
        Insn::Alu(alu) => own.set(alu.dst, before.has(alu.dst) || before.has_source(alu.src)),
        Insn::Mov(mov) => own.set(mov.dst, before.has_source(mov.src)),
        Insn::MovSx(mov) => own.set(mov.dst, before.has(mov.src)),
        Insn::Neg(neg) => own.set(neg.dst, before.has(neg.dst)),
        Insn::ByteSwap(swap) => own.set(swap.dst, before.has(swap.dst)),
        Insn::AddrSpaceCast(cast) => own.set(cast.dst, before.has(cast.src)),
        Insn::LoadImm(load) => own.set(load.dst, false),
        Insn::Load(load) | Insn::LoadAcquire(load) => own.set(load.dst, loads_loose),
        Insn::LoadSx(load) => own.set(load.dst, loads_loose),
        Insn::LoadPacket(_) => own.set(Reg::R0, false),
        Insn::Store(store) => stored = Some(before.has_source(store.src)),
        Insn::StoreRelease(store) => stored = Some(before.has(store.src)),
        Insn::Atomic(atomic) => {
            stored = Some(before.has(atomic.src) || loads_loose);
            own.set(atomic.src, before.has(atomic.src) || loads_loose);
            if loads_loose {
                own.numbers |= bit(Reg::R0);
            }
        }
        Insn::Jump(jump) => compared(graph, node, jump, (before, broken), &mut all),
        Insn::Call(Callee::Helper(_) | Callee::Kfunc { .. }) => own.set(Reg::R0, false),
        Insn::Goto(_)
        | Insn::GotoLong(_)
        | Insn::MayGoto(_)
        | Insn::Call(Callee::Subprogram(_))
        | Insn::Exit => {}
    }
    if let (Some(is_loose), Some((frame, slots))) = (stored, place)
        && let Some(loose) = all.get_mut(frame)
        && is_loose
    {
        loose.number_slots |= slots;
    }
    all
}

/// What is learnt from a comparison with a loose number is learnt of both sides, and of what they are tied to. What is
/// tied to a side by a tie that was broken learns what is not so.
fn compared(
    graph: &Graph,
    node: &Node,
    jump: &Jump,
    (before, broken): (Loose, &[u32]),
    all: &mut [Loose],
) {
    let is_loose = before.has(jump.lhs) || before.has_source(jump.rhs);
    if !is_loose && broken.is_empty() {
        return;
    }
    let rhs = if let Source::Reg(reg) = jump.rhs { bit(reg) } else { 0 };
    let sides = (bit(jump.lhs) | rhs) & 0x3ff;
    let own = graph.frames.get(node.frame);
    let id_of = |place: u32| graph.regs.get(place).id;
    let of_sides = own.regs.iter().enumerate().filter(|(number, _)| sides >> number & 1 != 0);
    let ids: Vec<u32> = of_sides
        .map(|(_, place)| id_of(*place))
        .filter(|id| *id != 0 && (is_loose || broken.contains(id)))
        .collect();
    if let (true, Some(own)) = (is_loose, all.last_mut()) {
        own.numbers |= sides;
    }
    for (depth, (frame, loose)) in graph.frames_of(node).zip(all.iter_mut().rev()).enumerate() {
        let sides = if depth == 0 { sides } else { 0 };
        for (number, place) in frame.regs.iter().enumerate() {
            if ids.contains(&id_of(*place)) && sides >> number & 1 == 0 {
                loose.numbers |= 1 << number;
            }
        }
        for (slot, place) in graph.stacks.get(frame.stack).iter().enumerate().take(64) {
            if ids.contains(&id_of(graph.slots.get(*place).spilled)) {
                loose.number_slots |= 1 << slot;
            }
        }
    }
}

/// What may be loose in a function that is entered, and in its caller, after the call.
pub(super) fn entered(mut all: Vec<Loose>, by_kernel: bool) -> Vec<Loose> {
    let Some(caller) = all.last_mut() else { return all };
    let arguments = Loose {
        // A function of the kernel passes its arguments on in another order.
        numbers: match (by_kernel, caller.numbers & ARGUMENTS) {
            (true, 0) => 0,
            (true, _) => ARGUMENTS,
            (false, numbers) => numbers,
        },
        dead: if by_kernel { 0 } else { caller.dead & ARGUMENTS },
        ..Loose::default()
    };
    all.push(arguments);
    all
}

/// What may be loose in the caller after a return from a function, or from the kernel if it was called by that.
pub(super) fn returned(mut all: Vec<Loose>, from: &FrameFact) -> Vec<Loose> {
    let Some(callee) = all.pop() else { return all };
    if let Some(caller) = all.last_mut()
        && !from.in_callback
    {
        caller.numbers = caller.numbers & KEPT | callee.numbers & bit(Reg::R0);
        caller.dead = caller.dead & KEPT | callee.dead & bit(Reg::R0);
    }
    all
}
