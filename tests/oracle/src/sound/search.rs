//! The search for the places in the graph where a run may be: where it can have gone, with values that are as is known.

use isa::{Callee, Insn, Pc};
use runtime::{Address, Memory};
use verifier::SlotKind;

use super::check::Counts;
use super::flow::{self, Loose};
use super::graph::{Edge, Graph, Node, RegFact, SlotFact};
use super::meaning::{Holds, World};

/// So many places in the graph are followed at the same time at most; more are one path that was cut into many.
const MOST_POSITIONS: usize = 64;

/// A place in the graph that the run may be at.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) visit: u32,
    /// By frame, the outermost first.
    pub(super) loose: Vec<Loose>,
    /// Identities of numbers that are not as far from each other as is known, because a path was cut where that did not
    /// matter.
    pub(super) broken: Vec<u32>,
    /// The path was cut in a callback.
    pub(super) cut_in_callback: bool,
}

/// What is known of the run at an instruction.
pub(super) struct Now<'s> {
    pub(super) pc: Pc,
    pub(super) depth: usize,
    pub(super) base: usize,
    pub(super) memory: &'s Memory,
    pub(super) world: World<'s>,
    /// Registers by frame, before the instruction and, in the last one, when the instruction before was executed.
    pub(super) before: &'s [[u64; 11]],
    pub(super) registers: &'s [u64; 11],
}

/// A number without the constant by which it differs from those that it is tied to.
#[derive(Clone, Copy)]
struct Tied {
    base: u64,
    is_half: bool,
}

impl Tied {
    fn of(fact: &RegFact, value: u64) -> Self {
        let base = value.wrapping_sub(i64::from(fact.off).cast_unsigned());
        Self { base, is_half: fact.ties_half }
    }

    fn fits(self, other: Self) -> bool {
        let mask = if self.is_half || other.is_half { 0xffff_ffff } else { u64::MAX };
        self.base & mask == other.base & mask
    }
}

/// The search for the places in the graph where a run may be now.
pub(super) struct Search<'a, 'g> {
    pub(super) graph: &'g Graph,
    pub(super) now: &'a Now<'a>,
    pub(super) counts: Counts,
    pub(super) found: Vec<Position>,
    pub(super) failures: Vec<String>,
}

impl Search<'_, '_> {
    /// Where the graph goes on behind a place.
    pub(super) fn go_on(&mut self, position: &Position, through: usize) {
        let graph = self.graph;
        let node = graph.node(position.visit);
        let depth = graph.frames.get(node.frame).depth;
        let registers = self.now.before.get(depth);
        let pointers = self.now.world.frame_pointers;
        // The frame pointer of a frame that was left is no longer among those of now.
        let own = registers.map(|registers| registers[10]);
        let pointers: Vec<Address> = pointers.iter().copied().take(depth).chain(own).collect();
        let after = match registers {
            Some(registers) => {
                let known = (position.loose.as_slice(), position.broken.as_slice());
                flow::after(graph, node, known, registers, &pointers)
            }
            None => position.loose.clone(),
        };
        let writes = graph.insn(node.pc).is_none_or(|insn| {
            flow::access(insn).is_some() || matches!(insn, Insn::Call(_) | Insn::Exit)
        });
        for edge in &node.edges {
            let (visit, cover) = match *edge {
                Edge::Next(visit) => (visit, None),
                Edge::Covered(visit) => (visit, Some(visit)),
            };
            let next = graph.node(visit);
            let next_depth = graph.frames.get(next.frame).depth;
            let loose = if next_depth == depth + 1 {
                let by_kernel =
                    !matches!(graph.insn(node.pc), Some(Insn::Call(Callee::Subprogram(_))));
                flow::entered(after.clone(), by_kernel)
            } else if next_depth + 1 == depth {
                flow::returned(after.clone(), graph.frames.get(node.frame))
            } else {
                after.clone()
            };
            let is_in_callback = self.graph.frames_of(next).any(|frame| frame.in_callback);
            let cut_in_callback = position.cut_in_callback || cover.is_some() && is_in_callback;
            let stack_differs =
                graph.frames.get(node.frame).stack != graph.frames.get(next.frame).stack;
            if next.pc == self.now.pc && next_depth + self.now.base == self.now.depth {
                let looks_at_stack = writes || stack_differs || through > 0;
                let mut broken = position.broken.clone();
                broken.extend(self.newly_broken(node, next, &position.loose));
                let position = Position { visit, loose, broken, cut_in_callback };
                self.arrive(position, cover, looks_at_stack);
            } else if self.is_called_again(node, next) && through < 8 {
                let loose = match cover {
                    Some(cover) => self.cover_caller(next, loose, cover),
                    None => loose,
                };
                let broken = match cover {
                    Some(_) => self.broken_ties(next, &loose),
                    None => position.broken.clone(),
                };
                self.go_on(&Position { visit, loose, broken, cut_in_callback }, through + 1);
            }
        }
    }

    /// The tie of a number that an instruction computes, if it does not hold.
    ///
    /// Linux ties what a load with sign gives to the number that was spilled, if that is as wide as the load, although a
    /// negative one is another number then (`check_stack_read_fixed_off`, `coerce_reg_to_size_sx`), and so does the
    /// verifier. And a number to which a loose one was added is not as far from others as is known.
    fn newly_broken(&self, node: &Node, next: &Node, loose: &[Loose]) -> Option<u32> {
        let dst = match self.graph.insn(node.pc)? {
            Insn::LoadSx(load) => load.dst,
            Insn::Alu(alu) if loose.last()?.has_source(alu.src) => alu.dst,
            _ => return None,
        };
        let place = self.graph.frames.get(next.frame).regs.get(dst.index())?;
        Some(self.graph.regs.get(*place).id).filter(|id| *id != 0)
    }

    /// A callback has returned to the call of the function of the kernel that calls it, which the verifier follows once
    /// more, but which the run has not left.
    fn is_called_again(&self, node: &Node, next: &Node) -> bool {
        let frame = self.graph.frames.get(node.frame);
        frame.in_callback && frame.callsite == Some(next.pc)
    }

    /// The run may be here, if its registers and the stack are as is known.
    pub(super) fn arrive(
        &mut self,
        mut position: Position,
        cover: Option<u32>,
        looks_at_stack: bool,
    ) {
        let is_known = self.found.iter().any(|found| found.visit == position.visit);
        if is_known || self.found.len() >= MOST_POSITIONS {
            return;
        }
        let counts = self.counts;
        let node = self.graph.node(position.visit);
        let last = self.graph.frames.get(node.frame).depth;
        let result = (0..=last).rev().try_for_each(|depth| {
            // What calls the innermost function does not change unless the innermost one changes it, which is seen when it
            // returns.
            if depth != last && cover.is_none() {
                return Ok(());
            }
            self.frame(node, depth, &mut position.loose, cover, looks_at_stack)
        });
        let result = result.and_then(|()| self.reads(node, &position.loose));
        let result = result.and_then(|()| match cover {
            Some(_) => {
                position.broken = self.broken_ties(node, &position.loose);
                Ok(())
            }
            None => self.ties(node, &position),
        });
        match result {
            Ok(()) => {
                self.found.push(position.clone());
                self.fork(&position);
            }
            Err(failure) => {
                self.counts = counts;
                self.failures.push(failure);
            }
        }
    }

    /// A number of two possible values is followed as each of them, from the same instruction on.
    fn fork(&mut self, position: &Position) {
        let node = self.graph.node(position.visit);
        if !matches!(self.graph.insn(node.pc), Some(Insn::Alu(_))) {
            return;
        }
        for edge in &node.edges {
            let (visit, cover) = match *edge {
                Edge::Next(visit) => (visit, None),
                Edge::Covered(visit) => (visit, Some(visit)),
            };
            if self.graph.node(visit).pc == node.pc {
                self.arrive(Position { visit, ..position.clone() }, cover, false);
            }
        }
    }

    /// Registers that are tied to each other are as far from each other as is known.
    fn ties(&self, node: &Node, position: &Position) -> Result<(), String> {
        let frame = self.graph.frames.get(node.frame);
        let loose = position.loose.last().copied().unwrap_or_default();
        let mut seen: Vec<(u32, Tied)> = Vec::new();
        for (number, place) in frame.regs.iter().enumerate() {
            let fact = self.graph.regs.get(*place);
            let is_known = (loose.numbers | loose.dead) >> number & 1 == 0;
            if fact.id == 0 || !fact.is_number() || !is_known || position.broken.contains(&fact.id)
            {
                continue;
            }
            let tied = Tied::of(fact, self.now.registers[number]);
            match seen.iter().find(|(id, _)| *id == fact.id) {
                Some((_, other)) if !other.fits(tied) => {
                    return Err(format!(
                        "R{number} is not as far from others as the verifier says: {fact}"
                    ));
                }
                Some(_) => {}
                None => seen.push((fact.id, tied)),
            }
        }
        Ok(())
    }

    /// The identities of numbers that are not as far from each other as is known.
    fn broken_ties(&self, node: &Node, loose: &[Loose]) -> Vec<u32> {
        let (mut seen, mut broken): (Vec<(u32, Tied)>, _) = (Vec::new(), Vec::new());
        let mut look = |fact: &RegFact, value: u64| {
            if fact.id == 0 || !fact.is_number() {
                return;
            }
            let tied = Tied::of(fact, value);
            match seen.iter().find(|(id, _)| *id == fact.id) {
                Some((_, other)) if !other.fits(tied) => broken.push(fact.id),
                Some(_) => {}
                None => seen.push((fact.id, tied)),
            }
        };
        let last = loose.len().saturating_sub(1);
        for (inner, frame) in self.graph.frames_of(node).enumerate() {
            let depth = last.saturating_sub(inner);
            let is_innermost = depth + self.now.base == self.now.depth;
            let outer = self.now.before.get(depth);
            let registers = if is_innermost { Some(self.now.registers) } else { outer };
            let Some(registers) = registers else { continue };
            let first = if is_innermost { 0 } else { 6 };
            for (number, place) in frame.regs.iter().enumerate().skip(first) {
                look(self.graph.regs.get(*place), registers[number]);
            }
            for (slot, place) in self.graph.stacks.get(frame.stack).iter().enumerate().take(64) {
                let fact = self.graph.slots.get(*place);
                let count = fact.kinds.iter().rev().take_while(|kind| **kind == SlotKind::Spill);
                let address = registers[10].wrapping_sub(8 * (slot as u64 + 1));
                let bytes = self.now.memory.read(address, count.count());
                let low = bytes.unwrap_or_default().iter().rev();
                let value = low.fold(0, |value, byte| value << 8 | u64::from(*byte));
                look(self.graph.regs.get(fact.spilled), value);
            }
        }
        broken
    }

    /// What the next instruction reads is not dead.
    fn reads(&self, node: &Node, loose: &[Loose]) -> Result<(), String> {
        let Some(insn) = self.graph.insn(node.pc) else { return Ok(()) };
        let dead = loose.last().map_or(0, |loose| loose.dead) & flow::reads(insn);
        if dead != 0 {
            return Err(format!(
                "R{} is read, which differs from the state that cut the path",
                dead.trailing_zeros()
            ));
        }
        let is_load = matches!(insn, Insn::Load(_) | Insn::LoadSx(_) | Insn::LoadAcquire(_));
        let pointers = self.now.world.frame_pointers;
        let place = flow::touched(insn, self.now.registers, pointers).filter(|_| is_load);
        if let Some((frame, slots)) = place
            && loose.get(frame).is_some_and(|loose| loose.dead_slots & slots != 0)
        {
            return Err("a slot is read that differs from the state that cut the path".to_owned());
        }
        Ok(())
    }

    /// What must be exact in a frame of the state that cuts the path.
    fn exact(&self, cover: u32, depth: usize) -> (u16, u64) {
        let exact = self.graph.exact(cover).and_then(|exact| exact.get(depth));
        exact.copied().unwrap_or((u16::MAX, u64::MAX))
    }

    /// A frame is as is known, but for what may be loose.
    fn frame(
        &mut self,
        node: &Node,
        depth: usize,
        loose: &mut [Loose],
        cover: Option<u32>,
        looks_at_stack: bool,
    ) -> Result<(), String> {
        let last = self.graph.frames.get(node.frame).depth;
        let is_innermost = depth == last;
        let exact = cover.map(|cover| self.exact(cover, depth));
        let before = self.now.before.get(depth);
        let registers = if is_innermost { Some(self.now.registers) } else { before };
        let fact = self.graph.frames_of(node).nth(last - depth);
        let (Some(fact), Some(loose), Some(registers)) = (fact, loose.get_mut(depth), registers)
        else {
            return Ok(());
        };
        // Functions that are called keep R6 to R9 alone.
        let first = if is_innermost { 0 } else { 6 };
        for (number, place) in fact.regs.iter().enumerate().skip(first) {
            let (known, value) = (self.graph.regs.get(*place), registers[number]);
            let holds = self.now.world.holds(known, value);
            self.counts.count(holds);
            let mask = 1_u16 << number;
            let is_exact = exact.is_none_or(|exact| exact.0 & mask != 0);
            let may_differ = known.is_number() && (loose.numbers & mask != 0 || !is_exact);
            let may_be_dead = loose.dead & mask != 0 || exact.is_some();
            loose.numbers &= !mask;
            loose.dead &= !mask;
            match holds {
                Holds::No if may_differ => {
                    self.counts.loose += 1;
                    loose.numbers |= mask;
                }
                Holds::No if may_be_dead => loose.dead |= mask,
                Holds::No => {
                    let value = self.now.world.tell(value);
                    return Err(format!("R{number} is {value}, but the verifier says {known}"));
                }
                _ => {}
            }
        }
        if is_innermost && !looks_at_stack && cover.is_none() {
            return Ok(());
        }
        self.stack(fact.stack, registers[10], loose, exact.map(|exact| exact.1))
    }

    fn stack(
        &mut self,
        stack: u32,
        frame_pointer: Address,
        loose: &mut Loose,
        exact: Option<u64>,
    ) -> Result<(), String> {
        for (slot, place) in self.graph.stacks.get(stack).iter().enumerate().take(64) {
            let fact = *self.graph.slots.get(*place);
            let mask = 1_u64 << slot;
            let is_number = self.graph.regs.get(fact.spilled).is_number();
            let may_differ = is_number
                && (loose.number_slots & mask != 0 || exact.is_some_and(|exact| exact & mask == 0));
            let may_be_dead = loose.dead_slots & mask != 0 || exact.is_some();
            loose.number_slots &= !mask;
            loose.dead_slots &= !mask;
            let address = frame_pointer.wrapping_sub(8 * (slot as u64 + 1));
            let Ok(bytes) = self.now.memory.read(address, 8) else { continue };
            let Some(bytes) = bytes.first_chunk() else { continue };
            match self.slot(&fact, *bytes) {
                Holds::No if may_differ => {
                    self.counts.loose += 1;
                    loose.number_slots |= mask;
                }
                Holds::No if may_be_dead => loose.dead_slots |= mask,
                Holds::No => {
                    let known = self.graph.regs.get(fact.spilled);
                    let (place, kinds) = (8 * (slot + 1), fact.kinds);
                    return Err(format!(
                        "the slot at fp-{place} is {bytes:x?}, but the verifier says {kinds:?} of {known}"
                    ));
                }
                Holds::Vacuous => self.counts.vacuous += 1,
                _ => self.counts.slots += 1,
            }
        }
        Ok(())
    }

    /// How the bytes of a slot stand to what is known of it; index 7 of the kinds is the lowest byte.
    fn slot(&self, fact: &SlotFact, bytes: [u8; 8]) -> Holds {
        let kinds = fact.kinds.iter().rev();
        let has = |wanted| fact.kinds.contains(&wanted);
        let is_zero =
            kinds.clone().zip(bytes).all(|(kind, byte)| *kind != SlotKind::Zero || byte == 0);
        if !is_zero {
            return Holds::No;
        }
        if fact.kinds[7] != SlotKind::Spill {
            return if has(SlotKind::Zero) { Holds::Number } else { Holds::Vacuous };
        }
        let count = kinds.take_while(|kind| **kind == SlotKind::Spill).count();
        let mut low = [0; 8];
        low[..count].copy_from_slice(&bytes[..count]);
        let (low, known) = (u64::from_le_bytes(low), self.graph.regs.get(fact.spilled));
        let mut fact = *known;
        if fact.is_number() && matches!(count, 1 | 2 | 4) {
            // What is known is of the register that was stored; the low bytes of it are on the stack.
            fact.num.truncate(u32::try_from(count).unwrap_or(4));
        }
        self.now.world.holds(&fact, low)
    }

    /// What may be loose in the function that has called a function of the kernel, when the path is cut where that call is
    /// followed once more. The arguments are still those of the call.
    fn cover_caller(&mut self, next: &Node, mut loose: Vec<Loose>, cover: u32) -> Vec<Loose> {
        let last = self.graph.frames.get(next.frame).depth;
        for depth in 0..=last {
            let exact = self.exact(cover, depth);
            let Some(fact) = self.graph.frames_of(next).nth(last - depth) else { continue };
            let (Some(loose), Some(registers)) = (loose.get_mut(depth), self.now.before.get(depth))
            else {
                continue;
            };
            for (number, place) in fact.regs.iter().enumerate().skip(6) {
                let known = self.graph.regs.get(*place);
                let mask = 1_u16 << number;
                if self.now.world.holds(known, registers[number]) == Holds::No {
                    if known.is_number() && (exact.0 & mask == 0 || loose.numbers & mask != 0) {
                        loose.numbers |= mask;
                    } else {
                        loose.dead |= mask;
                    }
                }
            }
            // With a state that cuts the path, slots become loose or dead, but nothing is refused.
            let _ = self.stack(fact.stack, registers[10], loose, Some(exact.1));
        }
        loose
    }
}
