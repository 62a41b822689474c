//! The search for the places in the graph where a run may be: where it can have gone, with values that are as is known.

use isa::{Callee, Insn, Pc};
use runtime::{Address, Memory};
use verifier::SlotKind;

use super::check::Counts;
use super::flow::{self, Loose};
use super::graph::{Edge, Graph, Node, SlotFact};
use super::meaning::{Holds, World};

/// So many places in the graph are followed at the same time at most; more are one path that was cut into many.
const MOST_POSITIONS: usize = 64;

/// A place in the graph that the run may be at.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) visit: u32,
    /// By frame, the outermost first.
    pub(super) loose: Vec<Loose>,
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
            Some(registers) => flow::after(graph, node, &position.loose, registers, &pointers),
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
            let stack_differs =
                graph.frames.get(node.frame).stack != graph.frames.get(next.frame).stack;
            if next.pc == self.now.pc && next_depth + self.now.base == self.now.depth {
                self.arrive(visit, loose, cover, writes || stack_differs || through > 0);
            } else if self.is_called_again(node, next) && through < 8 {
                let loose = match cover {
                    Some(cover) => self.cover_caller(next, loose, cover),
                    None => loose,
                };
                self.go_on(&Position { visit, loose }, through + 1);
            }
        }
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
        visit: u32,
        mut loose: Vec<Loose>,
        cover: Option<u32>,
        looks_at_stack: bool,
    ) {
        if self.found.len() >= MOST_POSITIONS || self.found.iter().any(|found| found.visit == visit)
        {
            return;
        }
        let counts = self.counts;
        let node = self.graph.node(visit);
        let last = self.graph.frames.get(node.frame).depth;
        let result = (0..=last).rev().try_for_each(|depth| {
            // What calls the innermost function does not change unless the innermost one changes it, which is seen when it
            // returns.
            if depth != last && cover.is_none() {
                return Ok(());
            }
            self.frame(node, depth, &mut loose, cover, looks_at_stack)
        });
        let result = result.and_then(|()| self.reads(node, &loose));
        match result {
            Ok(()) => self.found.push(Position { visit, loose }),
            Err(failure) => {
                self.counts = counts;
                self.failures.push(failure);
            }
        }
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
        match known.num.as_constant() {
            // Of a constant that is stored to less than a slot, the low bytes count.
            Some(value) if known.is_number() && count < 8 => {
                let mask = (1 << (8 * count)) - 1;
                if value & mask == low { Holds::Number } else { Holds::No }
            }
            _ => self.now.world.holds(known, low),
        }
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
