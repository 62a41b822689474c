//! Loads, stores and comparisons.

use isa::{Cond, Imm, Insn, Pc, Reg as Name, Source, Width};

use super::found::Condition;
use super::shadow::{Alias, Buffer, By, Shadow, Slice, Why, place_in};
use super::{Beyond, table};
use crate::cx::Cx;
use crate::state::{Reg, RegKind, SlotKind, State};

/// So many instructions are looked at for where a register is set.
const LOOK_BACK: usize = 24;

/// The bytes at a pointer to the stack have no value.
pub(super) fn is_raw(state: &State, pointer: &Reg, length: &Reg) -> bool {
    let (RegKind::Stack, Some(at), Some(length)) =
        (pointer.kind(), place_in(pointer), length.as_constant())
    else {
        return false;
    };
    let Some(frame) = state.frames.get(pointer.frame as usize) else { return false };
    let bytes = at..at.saturating_add(i64::try_from(length.min(512)).unwrap_or(0));
    !bytes.is_empty()
        && bytes
            .into_iter()
            .all(|at| i32::try_from(at).is_ok_and(|at| frame.byte(at) == SlotKind::Invalid))
}

/// The constant that a register is set to in front of an instruction, whatever path leads there.
pub(super) fn constant_before(cx: &Cx<'_>, pc: Pc, reg: Name) -> Option<u32> {
    for index in (0..pc.index()).rev().take(LOOK_BACK) {
        // Others may come from elsewhere to what is behind this instruction.
        if cx.aux.get(index + 1).is_some_and(|aux| aux.jump_point || aux.prune_point) {
            return None;
        }
        match cx.program.insn(Pc::from_index(index)) {
            Some(Insn::Mov(mov)) if mov.dst == reg => {
                return match mov.src {
                    Source::Imm(imm) => Some(imm.to_u32()),
                    Source::Reg(_) => None,
                };
            }
            Some(Insn::Mov(_) | Insn::Store(_) | Insn::LoadImm(_)) | None => {}
            Some(Insn::Alu(alu)) if alu.dst != reg => {}
            Some(Insn::Load(load)) if load.dst != reg => {}
            _ => return None,
        }
    }
    None
}

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
    /// A load of `size` bytes.
    pub(super) fn load(&mut self, state: &mut State, pc: Pc, base: Name, offset: i16, size: u32) {
        let pointer = *state.reg(base);
        self.accessed = None;
        if pointer.origin != 0 && pointer.kind() == RegKind::Mem {
            self.use_slice(state, pc, &pointer);
            return;
        }
        if pointer.kind() != RegKind::Stack {
            return;
        }
        let Some(from) = place_in(&pointer).map(|at| at + i64::from(offset)) else { return };
        let to = from + i64::from(size);
        let shadow = self.shadow(state);
        let unfilled = shadow.slices.iter().find(|slice| {
            slice.is_raw
                && !slice.refilled
                && slice.alias != Alias::Is
                && covers_stack(slice, pointer.frame, from, to)
        });
        let unread = shadow
            .unread
            .iter()
            .find(|unread| unread.frame == pointer.frame && unread.from < to && from < unread.to);
        if let Some(slice) = unfilled.copied() {
            let text = || {
                "the buffer is read, which is not filled when the slice is in the packet".to_owned()
            };
            let labels = [(slice.made, "the bytes are where the result of this call points")];
            self.found.note(&table::UNFILLED_BUFFER, pc, text, Some(slice.made), &labels);
        } else if let Some(unread) = unread.copied() {
            let text = || "these bytes have no value if the read fails".to_owned();
            let labels = [(unread.pc, "the result of this read is ignored")];
            self.found.note(&table::UNREAD, pc, text, Some(unread.pc), &labels);
        }
    }

    /// A store of `size` bytes, or an atomic operation.
    pub(super) fn store(
        &mut self,
        state: &mut State,
        pc: Pc,
        base: Name,
        offset: i16,
        size: u32,
        value: Option<Name>,
    ) {
        let pointer = *state.reg(base);
        self.accessed = None;
        match pointer.kind() {
            RegKind::Mem if pointer.origin != 0 => {
                self.use_slice(state, pc, &pointer);
                let at = place_in(&pointer).map(|at| at + i64::from(offset));
                let end = at.and_then(|at| u32::try_from(at + i64::from(size)).ok());
                self.note_store(state, pc, pointer.origin, end.unwrap_or(u32::MAX));
            }
            RegKind::Packet => self.found.unshares = true,
            RegKind::Stack | RegKind::MapValue => {
                self.store_to_memory(state, pc, &pointer, offset, size);
            }
            _ => {}
        }
        let leaks = value.map(|value| *state.reg(value)).filter(|value| {
            value.kind() == RegKind::Mem && pointer.kind() != RegKind::Stack && size == 8
        });
        if let Some(value) = leaks
            && let Some(slice) = self.shadow(state).slice(value.origin)
        {
            let made = slice.made;
            let text = || "the address of the slice is stored outside of the stack".to_owned();
            let labels = [(made, "the slice is made here")];
            self.found.note(&table::LEAKED, pc, text, Some(made), &labels);
        }
    }

    /// Bytes of the stack or a map value are written, of which a buffer may be part.
    fn store_to_memory(
        &mut self,
        state: &mut State,
        pc: Pc,
        pointer: &Reg,
        offset: i16,
        size: u32,
    ) {
        let Some(from) = place_in(pointer).map(|at| at + i64::from(offset)) else { return };
        let to = from + i64::from(size);
        self.filled(state, pc, pointer, from, to);
    }

    /// The program or a call writes these bytes of what `pointer` points to.
    pub(super) fn filled(&mut self, state: &mut State, pc: Pc, pointer: &Reg, from: i64, to: i64) {
        let (frame, place) = (pointer.frame, Buffer::of(pointer));
        let is_stack = pointer.kind() == RegKind::Stack;
        let shadow = self.shadow(state);
        let overlaps = |slice: &Slice| overlaps_buffer(slice, place, (from, to));
        let changes = shadow.slices.iter().any(|slice| overlaps(slice) && !slice.refilled);
        let unread = is_stack
            && shadow.unread.iter().any(|one| one.frame == frame && one.from < to && from < one.to);
        if !changes && !unread {
            return;
        }
        let shadow = self.edit(state);
        if is_stack {
            shadow.unread.retain(|one| one.frame != frame || one.from >= to || from >= one.to);
        }
        for slice in &mut shadow.slices {
            if !overlaps_buffer(slice, place, (from, to)) {
                continue;
            }
            slice.refilled = true;
            match slice.alias {
                Alias::Maybe if slice.can_copy() => {
                    slice.stale.get_or_insert((pc, Why::Changed));
                }
                Alias::Is if slice.by == By::SliceRdwr => {
                    slice.dirty.get_or_insert(pc);
                    slice.dirty_end = u32::MAX;
                }
                _ => {}
            }
        }
    }

    /// Something is stored through a slice.
    pub(super) fn note_store(&mut self, state: &mut State, pc: Pc, id: u32, end: u32) {
        let Some(slice) = self.shadow(state).slice(id) else { return };
        if slice.by == By::Data
            || slice.stored.is_some() && slice.dirty.is_some() && slice.dirty_end >= end
        {
            return;
        }
        if let Some(slice) = self.edit(state).slice_mut(id) {
            slice.stored.get_or_insert(pc);
            if slice.may_be_buffer() {
                slice.dirty.get_or_insert(pc);
                slice.dirty_end = slice.dirty_end.max(end);
            }
        }
    }

    /// Bytes are loaded or stored through a slice, or it is passed to a call.
    pub(super) fn use_slice(&mut self, state: &mut State, pc: Pc, pointer: &Reg) {
        let Some(slice) = self.shadow(state).slice(pointer.origin).copied() else { return };
        if slice.buffer == Buffer::None {
            self.accessed = Some(slice);
        }
        let Some((since, why)) = slice.stale else { return };
        let made = (slice.made, "the slice is made here");
        let about = Some(slice.made);
        let (kind, text, label) = match why {
            Why::Bulk if slice.alias != Alias::Is => (
                &table::STALE,
                "the slice is used although the packet may have been moved",
                "this may move the packet",
            ),
            Why::Global { .. } if slice.alias != Alias::Is => (
                &table::STALE,
                "the slice is used although a global function may have moved the packet",
                "this function writes to the packet",
            ),
            Why::Remade => (
                &table::STALE,
                "the slice is used although its dynptr was made anew over other memory",
                "the dynptr is made anew here",
            ),
            Why::Released => (
                &table::RELEASED_SLICE,
                "the slice is used although the record was given back",
                "the record is given back here",
            ),
            Why::Shared if slice.may_be_buffer() => (
                &table::SHARED_BUFFER,
                "the slice may show the bytes of another slice, which has the same buffer",
                "this call may overwrite the buffer",
            ),
            Why::Changed if slice.alias == Alias::Maybe => (
                &table::CHANGED_BUFFER,
                "the slice may show what was written to its buffer",
                "the buffer is changed here",
            ),
            Why::Dead if slice.may_be_buffer() => (
                &table::DEAD_BUFFER,
                "the slice may point into the stack of a function that has returned",
                "the function returns here",
            ),
            _ => return,
        };
        let condition = match why {
            Why::Global { subprog, arguments } => Condition::Writes { subprog, arguments },
            _ => Condition::None,
        };
        let labels = [made, (since, label)];
        self.found.note_if(kind, pc, || text.to_owned(), (about, condition), &labels);
    }

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
        let in_one_piece = self.facts.in_one_piece && slice.memory == super::shadow::Memory::Xdp;
        let ends_early = slice.offset.is_some_and(|at| at + i64::from(slice.length) <= ETHERNET);
        let always_there = slice.memory == super::shadow::Memory::Skb && ends_early;
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
            self.found.note(&table::STATUS, pc, text, None, &[(result.pc, "the call is here")]);
        }
        let succeeds = holds_for_zero(cond, imm.0.into()) == taken;
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
}

/// The Ethernet header of a socket buffer is always contiguous (`eth_type_trans` pulls it).
pub(super) const ETHERNET: i64 = 14;

/// All these bytes of a frame are in the buffer.
fn covers_stack(slice: &Slice, frame: u32, from: i64, to: i64) -> bool {
    matches!(slice.buffer, Buffer::Stack { frame: own, at }
        if own == frame && at <= from && to <= at + i64::from(slice.length))
}

/// Some of the bytes from `from` to `to` of the memory that `place` is in are in the buffer.
pub(super) fn overlaps_buffer(slice: &Slice, place: Buffer, (from, to): (i64, i64)) -> bool {
    let (Buffer::Stack { at, .. } | Buffer::Map { at, .. }) = slice.buffer else { return false };
    slice.buffer.distance(place).is_some() && from < at + i64::from(slice.length) && at < to
}
