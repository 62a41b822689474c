//! Where a path or a function ends: what is owed.

use isa::{Pc, Reg as Name};

use super::found::Condition;
use super::shadow::{Buffer, Slice, Why};
use super::{Beyond, table};
use crate::cx::Cx;
use crate::state::State;

/// What becomes of the packet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It goes on, or may.
    Kept,
    /// It is dropped, or that is decided elsewhere.
    Gone,
}

impl Beyond {
    /// A function or the program is about to return.
    pub(super) fn leave(&mut self, cx: &Cx<'_>, state: &mut State, pc: Pc) {
        if state.frames.len() > 1 {
            return self.leave_frame(state, pc);
        }
        let shadow = self.shadow(state);
        if shadow.slices.is_empty() && shadow.lost.is_empty() {
            return;
        }
        let loose = shadow.loose;
        if fate(cx, state, shadow.failed) == Fate::Kept {
            let owing: Vec<Slice> = shadow
                .slices
                .iter()
                .filter(|slice| slice.owes())
                .chain(&shadow.lost)
                .copied()
                .collect();
            for slice in owing {
                self.lost(&slice, pc, loose);
            }
        }
        if state.frame().subprog == 0 {
            let untried: Vec<Slice> = self
                .shadow(state)
                .slices
                .iter()
                .filter(|slice| slice.owes_fallback)
                .copied()
                .collect();
            for slice in untried {
                let text =
                    || "NULL also means that the bytes are there but not contiguous".to_owned();
                let labels = [(pc, "such a packet ends up here")];
                self.found.note(&table::NULL_BUFFER, slice.made, text, Some(slice.made), &labels);
            }
        }
    }

    fn lost(&mut self, slice: &Slice, pc: Pc, loose: bool) {
        let Some(store) = slice.dirty else { return };
        let text = || {
            format!(
                "what is stored here is lost when the {} bytes of the slice are not contiguous: the slice is then its buffer",
                slice.length
            )
        };
        let labels = [
            (slice.made, "the slice is made here"),
            (pc, "the packet goes on from here without what was stored"),
        ];
        let condition = if loose { Condition::NeverWritten(slice.made) } else { Condition::None };
        self.found.note_if(&table::LOST_STORE, store, text, (Some(slice.made), condition), &labels);
    }

    /// The buffers of the function are gone.
    fn leave_frame(&mut self, state: &mut State, pc: Pc) {
        let number = state.frame().number;
        let is_own =
            |slice: &Slice| matches!(slice.buffer, Buffer::Stack { frame, .. } if frame == number);
        let shadow = self.shadow(state);
        if !shadow.slices.iter().any(is_own) && shadow.unread.is_empty() {
            return;
        }
        let shadow = self.edit(state);
        shadow.unread.retain(|unread| unread.frame != number);
        for slice in shadow.slices.iter_mut().filter(|slice| is_own(slice)) {
            slice.stale.get_or_insert((pc, Why::Dead));
            slice.buffer = Buffer::Other;
            slice.is_raw = false;
        }
    }
}

/// What the program says shall become of the packet.
fn fate(cx: &Cx<'_>, state: &State, failed: bool) -> Fate {
    let frame = state.frame();
    let result = state.reg(Name::R0).num.low_constant().map(|value| i64::from(value.cast_signed()));
    let Some(ty) = cx.program.ty else { return Fate::Gone };
    let is_drop = |result: i64| ty.drop_codes.iter().any(|code| code.1 == result);
    let kept = match result {
        _ if frame.in_async_callback || frame.in_exception_callback => false,
        Some(result) if frame.subprog == 0 => !is_drop(result),
        // After an error, the verdict is usually a drop that is decided where it cannot be followed.
        None if frame.subprog == 0 => !failed,
        // What functions return that are followed alone is for their callers to judge.
        Some(result) => result >= 0 && !is_drop(result),
        None => false,
    };
    if kept { Fate::Kept } else { Fate::Gone }
}
