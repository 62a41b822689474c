//! What the verifier followed, kept as a graph: visits of instructions with what was known before each.
//!
//! Neighbouring visits know nearly the same, so registers, slots, stacks and frames are kept once each.

use std::fmt;
use std::hash::Hash;

use btf::TypeId;
use isa::{Callee, Imm64, Insn, Pc};
use rustc_hash::FxHashMap;
use verifier::{
    Bounds, Detail, Frame, Reg, RegKind, RegType, Report, Seen, SlotKind, StackSlot, State,
};

use super::distort::Distortion;

/// A value of each kind, by its place.
#[derive(Debug)]
pub(super) struct Table<T> {
    values: Vec<T>,
    places: FxHashMap<T, u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { values: Vec::new(), places: FxHashMap::default() }
    }
}

impl<T: Clone + Eq + Hash> Table<T> {
    fn place(&mut self, value: T) -> u32 {
        if let Some(&place) = self.places.get(&value) {
            return place;
        }
        let place = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(value.clone());
        self.places.insert(value, place);
        place
    }

    pub(super) fn get(&self, place: u32) -> &T {
        &self.values[place as usize]
    }
}

/// What is known of a register.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct RegFact {
    pub(super) ty: RegType,
    pub(super) off: i32,
    pub(super) detail: Detail,
    pub(super) num: Bounds,
    /// What ties it to others: numbers that differ by a constant have the same.
    pub(super) id: u32,
    /// A constant was added to the lower half, so that only that is tied.
    pub(super) ties_half: bool,
    pub(super) frame: u32,
}

/// The bits of an identity that say that a constant was added (`BPF_ADD_CONST`), and that it was as 32 bits.
const ADDED: u32 = 3 << 30;
const ADDED_HALF: u32 = 1 << 30;

impl RegFact {
    fn of(reg: &Reg) -> Self {
        let Reg { ty, off, detail, num, id, frame, .. } = *reg;
        let ties_half = id & ADDED_HALF != 0;
        Self { ty, off, detail, num, id: id & !ADDED, ties_half, frame }
    }

    pub(super) fn is_number(&self) -> bool {
        self.ty.kind == RegKind::Scalar
    }
}

impl fmt::Display for RegFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ty, off, detail, num, .. } = self;
        let Bounds { bits, smin, smax, umin, umax, s32_min, s32_max, u32_min, u32_max } = num;
        write!(f, "{ty}")?;
        if !self.is_number() {
            write!(f, " {detail:?} at {off} plus")?;
        }
        write!(f, " bits {bits:?}, {umin}..={umax}, {smin}..={smax}")?;
        write!(f, ", lower half {u32_min}..={u32_max}, {s32_min}..={s32_max}")
    }
}

/// What is known of eight bytes of the stack: kinds, and the register that was spilled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct SlotFact {
    pub(super) kinds: [SlotKind; 8],
    pub(super) spilled: u32,
}

/// What is known in a function, and in those that called it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct FrameFact {
    pub(super) outer: Option<u32>,
    /// 0 for the outermost.
    pub(super) depth: usize,
    /// R0 to R9.
    pub(super) regs: [u32; 10],
    /// The slots, from the one at `fp-8` downwards.
    pub(super) stack: u32,
    pub(super) callsite: Option<Pc>,
    /// It was called by a function of the kernel.
    pub(super) in_callback: bool,
}

/// A visit of an instruction.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) pc: Pc,
    pub(super) frame: u32,
    pub(super) edges: Vec<Edge>,
}

/// What comes after a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// Another one.
    Next(u32),
    /// The path ended, because it goes on as from another one.
    Covered(u32),
}

/// Which numbers must be exact, for each frame from the outermost: registers and slots as bits.
pub(super) type Exact = Vec<(u16, u64)>;

/// What the verifier followed of a program.
#[derive(Debug, Default)]
pub struct Graph {
    /// By visit; the first is none.
    nodes: Vec<Node>,
    /// Where functions begin that are verified by themselves, the program among them.
    roots: FxHashMap<Pc, Vec<u32>>,
    pub(super) regs: Table<RegFact>,
    pub(super) slots: Table<SlotFact>,
    pub(super) stacks: Table<Vec<u32>>,
    pub(super) frames: Table<FrameFact>,
    exact: FxHashMap<u32, Exact>,
    code: isa::Program,
    throws: Vec<Pc>,
    most: usize,
    distortion: Option<Distortion>,
    is_cut: bool,
}

impl Graph {
    /// Verifies a program and keeps up to `most` visits of what was followed.
    pub fn of(program: &verifier::Program<'_>, most: usize) -> (Report, Self) {
        Self::distorted(program, most, None)
    }

    /// As [`Graph::of`], with a mistake made on purpose.
    pub fn distorted(
        program: &verifier::Program<'_>,
        most: usize,
        distortion: Option<Distortion>,
    ) -> (Report, Self) {
        let mut graph = Self { most, distortion, code: program.code.clone(), ..Self::default() };
        graph.nodes.push(Node { pc: Pc(u32::MAX), frame: 0, edges: Vec::new() });
        let throws = program.code.iter().filter(|(_, insn)| {
            let Insn::Call(Callee::Kfunc { id, .. }) = insn else { return false };
            let function = u32::try_from(id.0).ok().and_then(|id| program.kernel.get(TypeId(id)));
            function.is_some_and(|function| function.name() == "bpf_throw")
        });
        graph.throws = throws.map(|(pc, _)| pc).collect();
        let report = {
            let mut observer = |seen: Seen<'_>| graph.see(&seen);
            verifier::verify_observed(program, &mut observer)
        };
        (report, graph)
    }

    /// Visits beyond the number allowed were not kept, so that nothing can be laid beside it.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// How many visits there were.
    pub fn visits(&self) -> usize {
        self.nodes.len() - 1
    }

    pub(super) fn node(&self, visit: u32) -> &Node {
        &self.nodes[visit as usize]
    }

    pub(super) fn roots(&self, pc: Pc) -> &[u32] {
        self.roots.get(&pc).map_or(&[], Vec::as_slice)
    }

    pub(super) fn insn(&self, pc: Pc) -> Option<&Insn> {
        self.code.get(pc)
    }

    pub(super) fn exact(&self, visit: u32) -> Option<&Exact> {
        self.exact.get(&visit)
    }

    pub(super) fn throws(&self, pc: Pc) -> bool {
        self.throws.contains(&pc)
    }

    /// A function begins here whose address is taken.
    pub(super) fn begins_callback(&self, pc: Pc) -> bool {
        self.code.iter().any(|(at, insn)| {
            let Insn::LoadImm(load) = insn else { return false };
            matches!(load.value, Imm64::Func(offset) if offset.target(at) == Some(pc))
        })
    }

    /// The frames of a visit, the innermost first.
    pub(super) fn frames_of(&self, node: &Node) -> impl Iterator<Item = &FrameFact> {
        let first = self.frames.get(node.frame);
        std::iter::successors(Some(first), |frame| frame.outer.map(|outer| self.frames.get(outer)))
    }

    fn see(&mut self, seen: &Seen<'_>) {
        match *seen {
            Seen::Arrival { visit, from, pc, state } => {
                if self.nodes.len() > self.most || visit.0 as usize != self.nodes.len() {
                    self.is_cut = true;
                    return;
                }
                let distorted = self.distortion.map(|distortion| distortion.of(state));
                let frame = self.frame(distorted.as_ref().unwrap_or(state));
                self.nodes.push(Node { pc, frame, edges: Vec::new() });
                match from.and_then(|from| self.nodes.get_mut(from.0 as usize)) {
                    Some(before) => {
                        let is_other_way = before.edges.len() == 1;
                        if !is_other_way || self.distortion != Some(Distortion::Branch) {
                            before.edges.push(Edge::Next(visit.0));
                        }
                    }
                    None => self.roots.entry(pc).or_default().push(visit.0),
                }
            }
            Seen::Covered { from, by, .. } => {
                let before = from.and_then(|from| self.nodes.get_mut(from.0 as usize));
                if let Some(before) = before {
                    before.edges.push(Edge::Covered(by.0));
                }
            }
            Seen::Stored { visit, state } => {
                self.exact.insert(visit.0, exact(state));
            }
        }
    }

    fn frame(&mut self, state: &State) -> u32 {
        let mut outer = None;
        for (depth, frame) in state.frames.iter().enumerate() {
            outer = Some(self.one_frame(outer, depth, frame));
        }
        outer.unwrap_or(0)
    }

    fn one_frame(&mut self, outer: Option<u32>, depth: usize, frame: &Frame) -> u32 {
        let mut regs = [0; 10];
        for (place, reg) in regs.iter_mut().zip(&frame.regs) {
            *place = self.regs.place(RegFact::of(reg));
        }
        let slots = frame.stack.iter().map(|slot| self.slot(slot)).collect();
        let stack = self.stacks.place(slots);
        let (callsite, in_callback) = (frame.callsite, frame.in_callback);
        self.frames.place(FrameFact { outer, depth, regs, stack, callsite, in_callback })
    }

    fn slot(&mut self, slot: &StackSlot) -> u32 {
        let spilled = self.regs.place(RegFact::of(&slot.spilled));
        self.slots.place(SlotFact { kinds: slot.kinds, spilled })
    }
}

fn exact(state: &State) -> Exact {
    let of_frame = |frame: &Frame| {
        let mut bits = (0, 0);
        for (number, reg) in frame.regs.iter().enumerate() {
            if reg.is_scalar() && reg.precise {
                bits.0 |= 1 << number;
            }
        }
        for (number, slot) in frame.stack.iter().enumerate().take(64) {
            if slot.is_spilled_scalar() && slot.spilled.precise {
                bits.1 |= 1 << number;
            }
        }
        bits
    };
    state.frames.iter().map(of_frame).collect()
}
