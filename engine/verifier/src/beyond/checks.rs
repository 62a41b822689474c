//! What a call is given, by itself: flags, ranges, kinds.

use isa::Pc;

use super::api::Call;
use super::calls::number;
use super::shadow::{Dynptr, Memory};
use super::{Beyond, NoteKind, table};
use crate::state::Reg;

/// Greater offsets and lengths fail for XDP frames.
const MOST_OF_XDP: u64 = 0xffff;

impl Beyond {
    /// Flags that the call refuses.
    pub(super) fn check_flags(&mut self, pc: Pc, call: Call, flags: &Reg, allowed: u64) {
        match flags.as_constant() {
            Some(flags) if flags & !allowed != 0 => {
                let text = || format!("`{}` fails with the flags {flags:#x}", call.name);
                self.found.note(&table::FLAGS, pc, text, None, &[]);
            }
            _ => self.found.fine(&table::FLAGS, pc),
        }
    }

    /// The range is within what is known of the size of the dynptr.
    pub(super) fn check_range(
        &mut self,
        pc: Pc,
        dynptr: &Dynptr,
        offset: &Reg,
        length: Option<u64>,
    ) {
        match (dynptr.size, number(offset), length) {
            (Some(size), Some(offset), Some(length)) if offset.saturating_add(length) > size => {
                let text = || {
                    let end = offset.saturating_add(length);
                    format!(
                        "the range from {offset} to {end} is not within the {size} bytes of the dynptr"
                    )
                };
                self.made_note(&table::BEYOND, pc, text, dynptr);
            }
            _ => self.found.fine(&table::BEYOND, pc),
        }
    }

    /// The call reaches that far.
    pub(super) fn check_reach(
        &mut self,
        pc: Pc,
        call: Call,
        dynptr: &Dynptr,
        offset: &Reg,
        length: &Reg,
    ) {
        let is_far = |reg: &Reg| number(reg).is_some_and(|number| number > MOST_OF_XDP);
        if dynptr.memory == Memory::Xdp && (is_far(offset) || is_far(length)) {
            let text = || {
                format!("`{}` always fails beyond byte {MOST_OF_XDP} of an XDP frame", call.name)
            };
            self.made_note(&table::BEYOND_64K, pc, text, dynptr);
        } else {
            self.found.fine(&table::BEYOND_64K, pc);
        }
    }

    /// The dynptr can be written.
    pub(super) fn check_writable(&mut self, pc: Pc, call: Call, dynptr: &Dynptr) {
        if dynptr.memory == Memory::Skb && self.facts.read_only {
            let text = || {
                format!("`{}` always fails: programs of this type may only read packets", call.name)
            };
            self.made_note(&table::READ_ONLY, pc, text, dynptr);
        } else {
            self.found.fine(&table::READ_ONLY, pc);
        }
    }

    /// `bpf_dynptr_data` can give something.
    pub(super) fn check_kind(&mut self, pc: Pc, dynptr: &Dynptr) {
        if matches!(dynptr.memory, Memory::Skb | Memory::Xdp | Memory::Meta) {
            let text = || "`bpf_dynptr_data` always returns NULL for a packet".to_owned();
            self.made_note(&table::DATA_OF_PACKET, pc, text, dynptr);
        } else {
            self.found.fine(&table::DATA_OF_PACKET, pc);
        }
    }

    fn made_note(
        &mut self,
        kind: &'static NoteKind,
        pc: Pc,
        text: impl FnOnce() -> String,
        dynptr: &Dynptr,
    ) {
        let label = dynptr.made.map(|made| [(made, "the dynptr is made here")]);
        self.found.note(kind, pc, text, None, label.as_ref().map_or(&[], |label| label));
    }
}
