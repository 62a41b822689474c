//! Watching a run instruction by instruction.

use crate::fault::Location;
use crate::image::Image;
use crate::memory::{Address, Memory};
use crate::op::OpIndex;
use crate::packet::Packet;

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
    /// All that the registers can point to.
    pub memory: &'a Memory,
    pub(crate) image: &'a Image,
    pub(crate) packet: Option<&'a Packet>,
}

/// Where the linear part of a packet lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketPlace {
    /// The address of the metadata in front of it.
    pub metadata: Address,
    /// The address of its first byte.
    pub data: Address,
    /// The address behind its last byte.
    pub end: Address,
}

impl Step<'_> {
    /// The place in the program.
    pub fn location(&self) -> Location {
        self.image.location(self.op)
    }

    /// The program, as a place among those of the image, 0 for the one that was started, and the slot in it.
    pub fn slot(&self) -> (usize, u32) {
        self.image.slot(self.op)
    }

    /// Where the packet lies now, if there is one.
    pub fn packet(&self) -> Option<PacketPlace> {
        let packet = self.packet?;
        Some(PacketPlace {
            metadata: packet.meta_address(),
            data: packet.data_address(),
            end: packet.end_address(),
        })
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
