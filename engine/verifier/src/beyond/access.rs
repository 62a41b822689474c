//! Loads, stores and comparisons.

use isa::{Insn, Pc, Reg as Name, Source};

use super::found::Condition;
use super::shadow::{Alias, Buffer, By, Slice, Why, place_in};
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

impl Beyond {
    /// A load of `size` bytes.
    pub(super) fn load(&mut self, state: &mut State, pc: Pc, base: Name, offset: i16, size: u32) {
        let pointer = *state.reg(base);
        self.accessed = None;
        if pointer.origin != 0 && matches!(pointer.kind(), RegKind::Mem | RegKind::Packet) {
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
            RegKind::Packet => {
                self.found.unshares = true;
                self.use_slice(state, pc, &pointer);
            }
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
        let Some(from) = place_in(pointer).map(|at| at + i64::from(offset)) else {
            return self.filled_somewhere(state, pointer);
        };
        let to = from + i64::from(size);
        self.filled(state, pc, pointer, from, to);
    }

    /// Bytes are written of which only the frame or map is known.
    fn filled_somewhere(&mut self, state: &mut State, pointer: &Reg) {
        let frame = pointer.frame;
        let is_stack = pointer.kind() == RegKind::Stack;
        let is_near = |slice: &Slice| match slice.buffer {
            Buffer::Stack { frame: own, .. } => is_stack && own == frame,
            Buffer::Map { map, .. } => pointer.map() == Some(map),
            Buffer::None | Buffer::Other => false,
        };
        let shadow = self.shadow(state);
        if !shadow.slices.iter().any(is_near) && shadow.unread.is_empty() {
            return;
        }
        let shadow = self.edit(state);
        shadow.unread.retain(|one| !is_stack || one.frame != frame);
        for slice in shadow.slices.iter_mut().filter(|slice| is_near(slice)) {
            slice.refilled = true;
        }
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
        if slice.buffer == Buffer::None && slice.by != By::Pointer {
            self.accessed = Some(slice);
        }
        let Some((since, why)) = slice.stale else { return };
        if slice.by == By::Pointer {
            return self.use_pointer(pc, &slice, (since, why));
        }
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

    /// A packet pointer is used that the kernel takes for valid.
    fn use_pointer(&mut self, pc: Pc, pointer: &Slice, (since, why): (Pc, Why)) {
        let condition = match why {
            Why::Global { subprog, arguments } => Condition::Writes { subprog, arguments },
            _ => Condition::None,
        };
        let text =
            || "the packet pointer is used although the packet may have been moved".to_owned();
        let labels =
            [(pointer.made, "the pointer is loaded here"), (since, "this may move the packet")];
        let about = (Some(pointer.made), condition);
        self.found.note_if(&table::STALE_POINTER, pc, text, about, &labels);
    }
}

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
