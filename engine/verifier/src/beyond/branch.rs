//! What comparisons tell, on each of their ways.

use isa::{Cond, Imm, Insn, Pc, Source, Width};

use super::found::Condition;
use super::shadow::{Alias, Buffer, By, Memory, Shadow, place_in};
use super::{Beyond, table};
use crate::cx::Cx;
use crate::state::{Reg, RegKind, State};

/// The Ethernet header of a socket buffer is always contiguous (`eth_type_trans` pulls it).
pub(super) const ETHERNET: i64 = 14;

/// Whether 0 compares so with a number.
fn holds_for_zero(cond: Cond, number: i64) -> bool {
    let unsigned = number.cast_unsigned();
    match cond {
        Cond::Eq => number == 0,
        Cond::Ne => number != 0,
        Cond::Set => false,
        Cond::Gt => false,
        Cond::Ge => unsigned == 0,
        Cond::Lt => unsigned != 0,
        Cond::Le => true,
        Cond::SignedGt => number < 0,
        Cond::SignedGe => number <= 0,
        Cond::SignedLt => number > 0,
        Cond::SignedLe => number >= 0,
    }
}

impl Beyond {
    /// Both ways behind a comparison know more.
    pub(super) fn after_jump(
        &mut self,
        cx: &mut Cx<'_>,
        state: &mut State,
        next: Option<Pc>,
        compared: (&Reg, Option<&Reg>),
    ) {
        let pc = cx.pc;
        let Some(Insn::Jump(jump)) = cx.program.insn(pc) else { return };
        let is_forked = cx.explored.pending.len() == self.pending + 1;
        let taken = jump.offset.target(pc);
        let falls = next == Some(Pc(pc.0 + 1));
        let subprog =
            |reg: &Reg| state.frames.get(reg.frame as usize).map_or(0, |frame| frame.subprog);
        let subprogs = (subprog(compared.0), compared.1.map_or(0, subprog));
        self.learn(state, pc, jump, !falls && next == taken, (compared, subprogs));
        if is_forked {
            let Some(mut other) = cx.explored.pending.pop() else { return };
            self.learn(&mut other.state, pc, jump, true, (compared, subprogs));
            cx.explored.pending.push(other);
        }
    }

    /// What one way behind a comparison knows.
    fn learn(
        &mut self,
        state: &mut State,
        pc: Pc,
        jump: &isa::Jump,
        taken: bool,
        (compared, subprogs): ((&Reg, Option<&Reg>), (u32, u32)),
    ) {
        let (lhs, rhs) = compared;
        self.learn_linear(state);
        if state.path.shadow == 0 {
            return;
        }
        if let Source::Imm(imm) = jump.rhs {
            self.learn_result(state, pc, (jump.cond, imm), taken, lhs.origin);
        }
        let equal = match jump.cond {
            Cond::Eq => taken,
            Cond::Ne => !taken,
            _ => return,
        };
        if let Some(rhs) = rhs
            && jump.width == Width::Bits64
        {
            self.learn_alias(state, pc, (lhs, rhs, subprogs.1), equal);
            self.learn_alias(state, pc, (rhs, lhs, subprogs.0), equal);
        }
        let regs = [
            Some(jump.lhs),
            match jump.rhs {
                Source::Reg(reg) => Some(reg),
                Source::Imm(_) => None,
            },
        ];
        for reg in regs.into_iter().flatten() {
            let reg = *state.reg(reg);
            if reg.origin != 0 && reg.is_null() {
                self.learn_null(state, reg.origin);
            }
        }
    }

    /// A comparison with the end of the packet says how many bytes are there in one piece.
    fn learn_linear(&mut self, state: &mut State) {
        let mut linear = 0;
        for reg in &state.frame().regs {
            if reg.kind() == RegKind::Packet && reg.range() > 0 {
                let range = u64::try_from(reg.range()).unwrap_or(0);
                let known = reg.num.bits.as_constant().is_some();
                linear = linear.max(if known { range } else { u64::MAX });
            }
        }
        if linear > self.shadow(state).linear {
            self.edit(state).linear = linear;
        }
    }

    /// The slice is NULL.
    fn learn_null(&mut self, state: &mut State, id: u32) {
        let Some(slice) = self.shadow(state).slice(id).copied() else { return };
        if slice.alias == Alias::Is {
            return Self::give_up(state);
        }
        let in_one_piece = self.facts.in_one_piece && slice.memory == Memory::Xdp;
        let ends_early =
            slice.offset.known().is_some_and(|at| at + i64::from(slice.length) <= ETHERNET);
        let always_there = slice.memory == Memory::Skb && ends_early;
        if let Some(slice) = self.edit(state).slice_mut(id) {
            slice.alias = Alias::Not;
            slice.dirty = None;
            slice.stale = None;
            slice.owes_fallback = slice.by != By::Data
                && slice.buffer == Buffer::None
                && slice.memory.is_packet()
                && !slice.linear
                && !in_one_piece
                && !always_there;
        }
    }

    /// A pointer is compared with another one, which may be its buffer.
    fn learn_alias(
        &mut self,
        state: &mut State,
        pc: Pc,
        (pointer, other, subprog): (&Reg, &Reg, u32),
        equal: bool,
    ) {
        let Some(slice) = self.shadow(state).slice(pointer.origin).copied() else { return };
        // A pointer that a call made unusable is still what it was.
        let inside = if pointer.kind() == RegKind::Mem { place_in(pointer) } else { Some(0) };
        let (Some(inside), true) =
            (inside, matches!(other.kind(), RegKind::Stack | RegKind::MapValue))
        else {
            return;
        };
        let place = Buffer::of(other);
        let is_buffer = match (slice.buffer, place) {
            (Buffer::Other, _) => true,
            (Buffer::Map { map, .. }, Buffer::Other) => other.map() == Some(map),
            // The same value may have been looked up twice.
            (Buffer::Map { map, at, .. }, Buffer::Map { map: other, at: to, .. }) => {
                map == other && to - at == inside
            }
            (buffer, place) => buffer.distance(place) == Some(inside),
        };
        if is_buffer {
            let is = if equal { Alias::Is } else { Alias::Not };
            if slice.alias != Alias::Maybe && slice.alias != is
                || equal && !slice.can_copy() && slice.linear
            {
                return Self::give_up(state);
            }
            if let Some(slice) = self.edit(state).slice_mut(slice.id) {
                slice.alias = is;
                if is == Alias::Not {
                    slice.dirty = None;
                }
            }
            return;
        }
        let Buffer::Stack { at, .. } = place else { return };
        if equal {
            // It cannot be.
            return Self::give_up(state);
        }
        if slice.by != By::Data {
            let text = || "the slice is compared with memory that is not its buffer".to_owned();
            let labels = [(slice.made, "the slice is made here, with another buffer")];
            let condition = Condition::NoBuffer { subprog, at };
            self.found.note_if(
                &table::WRONG_BUFFER,
                pc,
                text,
                (Some(slice.made), condition),
                &labels,
            );
        }
    }

    /// The result of a call is compared with a number.
    fn learn_result(
        &mut self,
        state: &mut State,
        pc: Pc,
        (cond, imm): (Cond, Imm),
        taken: bool,
        id: u32,
    ) {
        let shadow = self.shadow(state);
        let Some(result) = shadow.results.iter().find(|result| id != 0 && result.id == id).copied()
        else {
            return;
        };
        if result.is_status && imm.0 > 0 && matches!(cond, Cond::Eq | Cond::Ne) {
            let text = || {
                format!("the result is compared with {}, but it is 0 or a negative error", imm.0)
            };
            self.found.note(
                &table::STATUS,
                pc,
                text,
                Some(result.pc),
                &[(result.pc, "the call is here")],
            );
        }
        let succeeds = holds_for_zero(cond, imm.0.into()) == taken;
        self.learn_made(state, id, succeeds);
        if succeeds {
            return;
        }
        let shadow = self.shadow(state);
        let outdates = |shadow: &Shadow| {
            shadow.dynptrs.iter().any(|dynptr| dynptr.outdated.is_some_and(|(_, by)| by == id))
        };
        if shadow.failed && !outdates(shadow) {
            return;
        }
        let shadow = self.edit(state);
        shadow.failed = true;
        for dynptr in &mut shadow.dynptrs {
            // The packet is what it was.
            if dynptr.outdated.is_some_and(|(_, by)| by == id) {
                dynptr.outdated = None;
            }
        }
    }

    /// Whether a dynptr was made is known.
    fn learn_made(&mut self, state: &mut State, id: u32, succeeds: bool) {
        if !self.shadow(state).dynptrs.iter().any(|dynptr| dynptr.doubt == Some(id)) {
            return;
        }
        for dynptr in self.edit(state).dynptrs.iter_mut().filter(|one| one.doubt == Some(id)) {
            dynptr.doubt = None;
            if !succeeds {
                dynptr.null = true;
                dynptr.size = None;
            }
        }
    }
}
