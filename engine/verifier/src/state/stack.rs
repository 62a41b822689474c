//! What is known of eight bytes of a stack (`struct bpf_stack_state`).

use super::Reg;

/// What is known of a byte of the stack (`enum bpf_stack_slot_type`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SlotKind {
    /// Never written.
    Invalid,
    /// Part of a register that was spilled.
    Spill,
    /// Written, with an unknown value.
    Misc,
    /// Zero.
    Zero,
    /// Part of a dynptr.
    Dynptr,
    /// Part of an iterator.
    Iter,
    /// A saved interrupt state.
    IrqFlag,
}

/// A slot of eight bytes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StackSlot {
    /// What each byte is; index 7 is the byte at the lowest address ([`super::slot_of`]).
    pub kinds: [SlotKind; 8],
    /// The register that was spilled, or what is known of the dynptr, iterator or interrupt state.
    pub spilled: Reg,
}

impl StackSlot {
    /// A slot never written.
    pub const INVALID: Self = Self { kinds: [SlotKind::Invalid; 8], spilled: Reg::NOT_INIT };

    /// The kind of the byte at the highest address but seven, which tells what the whole slot is (`slot_type[7]`).
    pub fn kind(&self) -> SlotKind {
        self.kinds[7]
    }

    /// A register of at most eight bytes was spilled here (`is_spilled_reg`).
    pub fn is_spilled(&self) -> bool {
        self.kind() == SlotKind::Spill
    }

    /// A number was spilled here (`is_spilled_scalar_reg`).
    pub fn is_spilled_scalar(&self) -> bool {
        self.is_spilled() && self.spilled.is_scalar()
    }
}
