//! The way of a value: from the register it is in at the rejection, back to where it was made.

use isa::{AtomicOp, Callee, Insn, Reg as RegName, Source, Width};

use super::trace::Point;
use super::words;
use crate::program::Program;
use crate::state::{Detail, Reg, RegKind};

/// What happened to a value, by the places on the path of the instructions.
#[derive(Debug)]
pub(super) struct Story {
    /// The instruction that made it; none if it was there from the beginning.
    pub origin: Option<Origin>,
    /// An instruction that made the pointer unusable, with what it was.
    pub lost: Option<(usize, Reg)>,
    /// Jumps after which more was known of it, the last one first.
    pub checks: Vec<usize>,
    /// The register that the way begins with.
    pub first: RegName,
    /// The instruction that took the address of a variable on the stack, if the way begins there.
    pub taken: Option<usize>,
}

impl Default for Story {
    fn default() -> Self {
        Self { origin: None, lost: None, checks: Vec::new(), first: RegName::R0, taken: None }
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// The instruction, by its place on the path.
    pub at: usize,
    /// The register it was put into.
    pub reg: RegName,
}

/// Where the value comes from that `reg` holds before the instruction at place `at` of the path.
pub(super) fn story(program: &Program<'_>, path: &[Point], at: usize, reg: RegName) -> Story {
    follow(Walk { program, path, at, reg, through_offsets: false, story: Story::default() })
}

/// The same, through what is added to pointers: to where the pointer itself comes from.
pub(super) fn root(program: &Program<'_>, path: &[Point], at: usize, reg: RegName) -> Story {
    follow(Walk { program, path, at, reg, through_offsets: true, story: Story::default() })
}

fn follow(mut walk: Walk<'_>) -> Story {
    while walk.at > 0 && walk.reg != RegName::R10 && walk.step() {}
    walk.story.first = walk.reg;
    if walk.reg == RegName::R10 {
        walk.story.taken = Some(walk.at);
    }
    walk.story
}

struct Walk<'w> {
    program: &'w Program<'w>,
    path: &'w [Point],
    at: usize,
    reg: RegName,
    /// Arithmetic on a pointer does not end its way.
    through_offsets: bool,
    story: Story,
}

/// What a step back finds.
enum Found {
    /// The value was there before, in this register.
    Same(RegName),
    /// The value was there at this place of the path, in this register.
    At(usize, RegName),
    /// The instruction made it.
    Made,
    /// The instruction left the register without a value.
    Gone,
}

impl Walk<'_> {
    /// Goes one instruction back; false at the end.
    fn step(&mut self) -> bool {
        let (Some(now), Some(before)) = (self.path.get(self.at), self.path.get(self.at - 1)) else {
            return false;
        };
        let found = if now.depth > before.depth {
            self.entered()
        } else if now.depth < before.depth {
            self.returned(now.depth)
        } else {
            self.within(before, now)
        };
        match found {
            Found::Same(reg) => (self.at, self.reg) = (self.at - 1, reg),
            Found::At(at, reg) => (self.at, self.reg) = (at, reg),
            Found::Made | Found::Gone => {
                self.story.origin = Some(Origin { at: self.at - 1, reg: self.reg });
                return false;
            }
        }
        true
    }

    /// The function was just entered.
    fn entered(&self) -> Found {
        let call = self.path.get(self.at - 1).and_then(|point| self.program.insn(point.pc));
        match (call, self.reg.number()) {
            (Some(Insn::Call(Callee::Subprogram(_))), 1..=5) => Found::Same(self.reg),
            (Some(Insn::Call(_)), 1..=5) => Found::Made,
            _ => Found::Gone,
        }
    }

    /// A function that was called has just returned to the frame at `depth`.
    fn returned(&mut self, depth: usize) -> Found {
        match self.reg.number() {
            0 => Found::Same(self.reg),
            1..=5 => Found::Gone,
            _ => {
                let call = self.path[..self.at].iter().rposition(|point| point.depth == depth);
                let Some(call) = call else { return Found::Gone };
                let was = self.path[call].regs[self.reg.index()];
                self.note_loss(call, &was);
                Found::At(call, self.reg)
            }
        }
    }

    /// A pointer that was there at a place and is a number now: the call that has made it unusable, if there is one.
    fn note_loss(&mut self, from: usize, was: &Reg) -> bool {
        let Some(now) = self.path.get(self.at).map(|point| point.regs[self.reg.index()]) else {
            return false;
        };
        if !is_pointer(was) || is_pointer(&now) {
            return false;
        }
        let call = (from..self.at).find(|&at| {
            let point = self.path.get(at);
            let name = point.and_then(|point| words::callee(self.program, point.pc));
            name.is_some_and(|name| ends_life(&name, was))
        });
        if let (Some(call), None) = (call, &self.story.lost) {
            self.story.lost = Some((call, *was));
        }
        call.is_some()
    }

    fn within(&mut self, before: &Point, now: &Point) -> Found {
        let Some(insn) = self.program.insn(before.pc) else { return Found::Made };
        if let Some(found) = self.moved(insn, before, now).or_else(|| self.written_by(insn)) {
            return found;
        }
        let (was, is) = (before.regs[self.reg.index()], now.regs[self.reg.index()]);
        if was != is {
            match insn {
                Insn::Jump(_) => self.story.checks.push(self.at - 1),
                _ if is_pointer(&was) && !is_pointer(&is) && self.story.lost.is_none() => {
                    self.story.lost = Some((self.at - 1, was));
                }
                _ => {}
            }
        }
        Found::Same(self.reg)
    }

    /// The pointer that something was added to, if that is to be followed.
    fn moved(&self, insn: &Insn, before: &Point, now: &Point) -> Option<Found> {
        let Insn::Alu(alu) = insn else { return None };
        if !self.through_offsets || alu.dst != self.reg || !is_pointer(&now.regs[self.reg.index()])
        {
            return None;
        }
        let src = match alu.src {
            Source::Reg(src) => Some(src),
            Source::Imm(_) => None,
        };
        let operands = [Some(alu.dst), src].into_iter().flatten();
        let mut pointers = operands.filter(|reg| is_pointer(&before.regs[reg.index()]));
        pointers.next().map(Found::Same)
    }

    /// What the instruction does to the register, if it writes it.
    fn written_by(&mut self, insn: &Insn) -> Option<Found> {
        let reg = self.reg;
        match insn {
            Insn::Mov(mov) if mov.dst == reg => Some(match mov.src {
                Source::Reg(src) if mov.width == Width::Bits64 => Found::Same(src),
                _ => Found::Made,
            }),
            Insn::Load(load) if load.dst == reg && load.base == RegName::R10 => {
                Some(self.spilled(load.offset.0))
            }
            // Loads from the packet work as calls do.
            Insn::Call(_) | Insn::LoadPacket(_) => match reg.number() {
                0 => Some(Found::Made),
                1..=5 => Some(Found::Gone),
                _ => None,
            },
            insn if destination(insn) == Some(reg) => Some(Found::Made),
            _ => None,
        }
    }

    /// What the register holds now may be what was stored, of which more can have become known.
    fn may_be(&self, stored: &Reg) -> bool {
        let Some(point) = self.path.get(self.at) else { return false };
        let (now, old) = (&point.regs[self.reg.index()].num, &stored.num);
        let holds = &point.regs[self.reg.index()];
        if holds.kind() != stored.kind() {
            return stored.ty.may_be_null() && holds.is_null();
        }
        !stored.is_scalar()
            || now.umin >= old.umin
                && now.umax <= old.umax
                && now.smin >= old.smin
                && now.smax <= old.smax
    }

    /// Where the value was that is loaded from `fp + offset`.
    fn spilled(&mut self, offset: i16) -> Found {
        let depth = self.path.get(self.at).map_or(0, |point| point.depth);
        for at in (0..self.at.saturating_sub(1)).rev() {
            let Some(point) = self.path.get(at).filter(|point| point.depth == depth) else {
                continue;
            };
            if let Some(Insn::Store(store)) = self.program.insn(point.pc)
                && store.base == RegName::R10
                && store.offset.0 == offset
            {
                return match store.src {
                    Source::Reg(src) if self.may_be(&point.regs[src.index()]) => Found::At(at, src),
                    Source::Reg(src) if self.note_loss(at, &point.regs[src.index()]) => {
                        Found::At(at, src)
                    }
                    // Something else has written there since, such as a call.
                    _ => Found::Made,
                };
            }
        }
        Found::Made
    }
}

/// A call of this name can make such a pointer unusable.
fn ends_life(name: &str, was: &Reg) -> bool {
    let releases = ["submit", "discard", "release", "drop", "unlock"];
    let of_packet = matches!(was.kind(), RegKind::Packet | RegKind::PacketMeta)
        || matches!(was.detail, Detail::Mem { dynptr, .. } if dynptr != 0);
    let changes = kernel_model::function(name).is_some_and(|function| function.changes_packet);
    releases.iter().any(|word| name.contains(word))
        || of_packet && (changes || name == "bpf_dynptr_write")
}

fn is_pointer(reg: &Reg) -> bool {
    !matches!(reg.kind(), RegKind::Scalar | RegKind::NotInit)
}

/// The register that an instruction other than a call writes.
fn destination(insn: &Insn) -> Option<RegName> {
    Some(match insn {
        Insn::Alu(alu) => alu.dst,
        Insn::Mov(mov) => mov.dst,
        Insn::MovSx(mov) => mov.dst,
        Insn::Neg(neg) => neg.dst,
        Insn::ByteSwap(swap) => swap.dst,
        Insn::AddrSpaceCast(cast) => cast.dst,
        Insn::LoadImm(load) => load.dst,
        Insn::Load(load) | Insn::LoadAcquire(load) => load.dst,
        Insn::LoadSx(load) => load.dst,
        Insn::LoadPacket(_) => RegName::R0,
        Insn::Atomic(atomic) => match atomic.op {
            AtomicOp::CmpXchg => RegName::R0,
            AtomicOp::Xchg
            | AtomicOp::Add { fetch: true }
            | AtomicOp::Or { fetch: true }
            | AtomicOp::And { fetch: true }
            | AtomicOp::Xor { fetch: true } => atomic.src,
            _ => return None,
        },
        _ => return None,
    })
}
