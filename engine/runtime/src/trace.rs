//! Watching a run instruction by instruction.

use crate::fault::Location;
use crate::image::Image;
use crate::op::OpIndex;

/// Told of each instruction before it is executed.
pub trait Trace {
    /// The instruction is about to be executed with these registers, R0 to R10.
    fn step(&mut self, step: &Step<'_>);
}

/// An instruction that is about to be executed.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Which one; [`Step::location`] says more.
    pub op: OpIndex,
    /// How many calls are open; 0 in the program itself.
    pub depth: usize,
    /// The registers, R0 to R10; those behind are unused.
    pub registers: &'a [u64; 16],
    pub(crate) image: &'a Image,
}

impl Step<'_> {
    /// The place in the program.
    pub fn location(&self) -> Location {
        self.image.location(self.op)
    }
}

/// How often each instruction was executed.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    counts: Vec<u64>,
}

impl Coverage {
    /// How often an instruction was executed.
    pub fn count(&self, op: OpIndex) -> u64 {
        self.counts.get(op.index()).copied().unwrap_or(0)
    }

    /// How many different instructions were executed.
    pub fn covered(&self) -> usize {
        self.counts.iter().filter(|count| **count > 0).count()
    }
}

impl Trace for Coverage {
    fn step(&mut self, step: &Step<'_>) {
        let index = step.op.index();
        if self.counts.len() <= index {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += 1;
    }
}
