//! Watching a run instruction by instruction.

use crate::fault::{Location, Origin};
use crate::image::Image;
use crate::interp::STACK;
use crate::memory::{Address, AllocId, Memory};
use crate::op::{Code, OpIndex};
use crate::packet::Packet;

/// Told of each instruction before it is executed.
pub trait Trace {
    /// A run begins, or something that calls back after one.
    fn begin(&mut self) {}

    /// The instruction is about to be executed with these registers, R0 to R10.
    fn step(&mut self, step: &Step<'_>);

    /// The run has ended with this result.
    fn end(&mut self, _result: u64) {}
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

/// What an instruction does with memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A load.
    Read,
    /// A store of this value, of which the lowest bytes count.
    Write(u64),
    /// A read-modify-write with this operand; its sign in C: `+=`.
    Modify(&'static str, u64),
}

/// An access to memory that is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accessed {
    /// Where.
    pub address: Address,
    /// How many bytes.
    pub len: u32,
    /// What is done.
    pub operation: Operation,
    /// The register that a load puts the value into.
    pub register: usize,
}

/// What an address points to, with offsets in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The packet, from its first byte on; metadata lies before it.
    Packet(i64),
    /// A frame of the stack by its depth, from its frame pointer on: negative.
    Stack(u8, i64),
    /// The context.
    Context(i64),
    /// The value of a map, and the address where the allocation begins that it lies in: that of the value, or of the first
    /// value of an array.
    MapValue {
        /// The place of the map in [`Image::maps`].
        map: usize,
        /// The beginning.
        base: Address,
        /// From there on.
        offset: i64,
    },
    /// A map, as helpers take it.
    Map(usize),
    /// Something else.
    Other(Origin, i64),
}

impl<'a> Step<'a> {
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
    /// The helper or kfunc that is called, if it is a call of one.
    pub fn callee(&self) -> Option<&'a str> {
        let op = self.image.ops.get(self.op.index()).filter(|op| op.code == Code::CallKernel)?;
        let call = self.image.calls.get(usize::try_from(op.imm).ok()?)?;
        Some(&call.name)
    }

    /// The access to memory, if it is one.
    pub fn access(&self) -> Option<Accessed> {
        let op = self.image.ops.get(self.op.index())?;
        let register = usize::from(op.dst & 15);
        let (dst, src) = (self.registers[register], self.registers[usize::from(op.src & 15)]);
        let immediate = i64::from(op.target.cast_signed()).cast_unsigned();
        let (base, len, operation) = match op.code {
            Code::Load8 | Code::LoadSx8 => (src, 1, Operation::Read),
            Code::Load16 | Code::LoadSx16 => (src, 2, Operation::Read),
            Code::Load32 | Code::LoadSx32 => (src, 4, Operation::Read),
            Code::Load64 => (src, 8, Operation::Read),
            Code::Store8R => (dst, 1, Operation::Write(src)),
            Code::Store16R => (dst, 2, Operation::Write(src)),
            Code::Store32R => (dst, 4, Operation::Write(src)),
            Code::Store64R => (dst, 8, Operation::Write(src)),
            Code::Store8I => (dst, 1, Operation::Write(immediate)),
            Code::Store16I => (dst, 2, Operation::Write(immediate)),
            Code::Store32I => (dst, 4, Operation::Write(immediate)),
            Code::Store64I => (dst, 8, Operation::Write(immediate)),
            Code::Atomic => {
                /// In the order of `AtomicOp::ALL`; the operations that give the old value back follow the others.
                const SIGNS: [&str; 5] = ["+=", "|=", "&=", "^=", "="];
                let sign = SIGNS.get((op.target >> 2) as usize).copied().unwrap_or("=");
                let len = if op.target & 1 == 0 { 4 } else { 8 };
                (dst, len, Operation::Modify(sign, src))
            }
            _ => return None,
        };
        let address = base.wrapping_add(op.imm.cast_unsigned());
        Some(Accessed { address, len, operation, register })
    }

    /// What an address points to; nothing if it is no pointer, or no longer.
    pub fn place(&self, address: Address) -> Option<Place> {
        let (origin, id, offset) = self.memory.origin_at(address)?;
        let map = |name: &str| self.image.maps.iter().position(|map| map.name == name);
        Some(match origin {
            Origin::Context => Place::Context(offset),
            Origin::Stack { frame } => Place::Stack(*frame, offset - STACK as i64),
            Origin::PacketLinear => {
                let meta = self.packet.map_or(0, |packet| packet.meta);
                Place::Packet(offset - i64::from(meta))
            }
            Origin::Slice { .. } | Origin::PacketFragment(_) => match self.in_packet(id) {
                Some(start) => Place::Packet(start + offset),
                None => Place::Other(origin.clone(), offset),
            },
            Origin::MapValue(name) => Place::MapValue { map: map(name)?, base: id.at(0), offset },
            Origin::Map(name) => Place::Map(map(name)?),
            other => Place::Other(other.clone(), offset),
        })
    }

    /// Where in the packet an allocation begins that shares bytes with it.
    fn in_packet(&self, id: AllocId) -> Option<i64> {
        let at = self.memory.start(id)?;
        let mut before = 0;
        for (part, start, len) in self.packet?.parts() {
            let first = self.memory.start(part)?.saturating_add(start);
            if (first..first.saturating_add(len)).contains(&at) {
                return Some(i64::from(before + (at - first)));
            }
            before += len;
        }
        None
    }

    /// The bytes at an address, if the program could read them.
    pub fn bytes(&self, address: Address, len: usize) -> Option<&'a [u8]> {
        self.memory.try_read(address, len)
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
