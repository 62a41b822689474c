//! The path to a rejection, with what was known on it.
//!
//! It is recorded when a rejected program is verified a second time, so that programs that are accepted cost nothing.
//! Paths form a tree: each step knows the one before it, and a state carries the step it has come to, so that a path that
//! is left for later goes on where it was left.

use isa::Pc;

use crate::cx::Cx;
use crate::state::{Reg, State};

/// Steps that are recorded at most.
const MOST_STEPS: usize = 1 << 19;

/// Steps of the path that are kept, the last ones.
const LONGEST_PATH: usize = 1 << 13;

/// The registers of a frame.
type Regs = [Reg; isa::Reg::COUNT];

/// All paths so far.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    steps: Vec<Step>,
    changes: Vec<(u8, Reg)>,
    /// The registers before the last step, and its frame.
    last: Option<(Box<Regs>, usize)>,
    /// How often each instruction was followed.
    visits: Vec<u32>,
    /// There were more steps than are recorded.
    is_full: bool,
}

/// An instruction on a path.
#[derive(Clone, Copy, Debug)]
struct Step {
    pc: Pc,
    /// The step before, counted from 1; 0 if there is none.
    before: u32,
    /// The frame, 0 for the outermost.
    depth: u8,
    /// All registers are written down, not only those that changed.
    is_whole: bool,
    /// Where the changes end in [`Trace::changes`].
    end: usize,
}

/// An instruction on the path to the rejection.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    /// The instruction.
    pub pc: Pc,
    /// The frame, 0 for the outermost.
    pub depth: usize,
    /// What was known before it.
    pub regs: Regs,
}

/// An instruction is about to be followed; called for each one.
pub(crate) fn begin(cx: &mut Cx<'_>, state: &mut State, pc: Pc) {
    if let Some(trace) = &mut cx.trace {
        trace.begin(state, pc);
    }
}

impl Trace {
    fn begin(&mut self, state: &mut State, pc: Pc) {
        let index = pc.index();
        if self.visits.len() <= index {
            self.visits.resize(index + 1, 0);
        }
        self.visits[index] = self.visits[index].saturating_add(1);
        if self.steps.len() >= MOST_STEPS {
            self.is_full = true;
            return;
        }
        let depth = state.frames.len().saturating_sub(1);
        let regs = &state.frame().regs;
        let before = state.path.trace;
        let continues = before as usize == self.steps.len();
        let whole = match &self.last {
            Some((last, last_depth)) if continues && *last_depth == depth => {
                let changed = regs.iter().zip(last.iter()).enumerate();
                let changed = changed.filter(|(_, (now, last))| now != last);
                let changed =
                    changed.filter_map(|(at, (now, _))| Some((u8::try_from(at).ok()?, *now)));
                self.changes.extend(changed);
                false
            }
            _ => {
                self.changes.extend((0u8..).zip(regs.iter().copied()));
                true
            }
        };
        let depth_byte = u8::try_from(depth).unwrap_or(u8::MAX);
        let end = self.changes.len();
        self.steps.push(Step { pc, before, depth: depth_byte, is_whole: whole, end });
        match &mut self.last {
            Some((last, last_depth)) => (**last, *last_depth) = (*regs, depth),
            None => self.last = Some((Box::new(*regs), depth)),
        }
        state.path.trace = u32::try_from(self.steps.len()).unwrap_or(0);
    }

    /// How often each instruction was followed, by slot.
    pub(super) fn visits(&self) -> &[u32] {
        &self.visits
    }

    /// The path to the instruction that was begun last, at most its last part; nothing if it was too long to be
    /// recorded.
    pub(crate) fn path(&self) -> Vec<Point> {
        if self.is_full {
            return Vec::new();
        }
        let mut indices = Vec::new();
        let mut at = self.steps.len();
        while at > 0 && indices.len() < LONGEST_PATH {
            indices.push(at - 1);
            at = self.steps.get(at - 1).map_or(0, |step| step.before as usize);
        }
        // Before the first one that is kept, go back to where all registers are written down.
        let mut first = indices.last().copied().unwrap_or(0);
        let mut regs = [Reg::NOT_INIT; isa::Reg::COUNT];
        while first > 0 && self.steps.get(first).is_some_and(|step| !step.is_whole) {
            first -= 1;
        }
        for index in first..indices.last().copied().unwrap_or(0) {
            self.apply(index, &mut regs);
        }
        let points = indices.into_iter().rev().filter_map(|index| {
            let step = self.steps.get(index)?;
            self.apply(index, &mut regs);
            Some(Point { pc: step.pc, depth: step.depth.into(), regs })
        });
        points.collect()
    }

    fn apply(&self, index: usize, regs: &mut Regs) {
        let start = index.checked_sub(1).and_then(|before| self.steps.get(before));
        let start = start.map_or(0, |step| step.end);
        let end = self.steps.get(index).map_or(start, |step| step.end);
        for &(number, reg) in self.changes.get(start..end).unwrap_or_default() {
            if let Some(slot) = regs.get_mut(usize::from(number)) {
                *slot = reg;
            }
        }
    }
}
