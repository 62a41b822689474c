//! What is known within one call (`struct bpf_func_state`).

use isa::Pc;

use super::{Reg, SlotKind, StackSlot};

/// A frame: registers and stack of a function that was called and has not returned.
#[derive(PartialEq, Debug)]
pub struct Frame {
    /// The registers, by number.
    pub regs: [Reg; isa::Reg::COUNT],
    /// The slots of the stack in use, from the one at `fp-8` downwards: slot `i` is at `fp-8*(i+1)`.
    pub stack: Vec<StackSlot>,
    /// The call that made the frame; `None` for the first frame (`BPF_MAIN_FUNC`).
    pub callsite: Option<Pc>,
    /// The subprogram that runs.
    pub subprog: u32,
    /// Its depth: 0 for the first.
    pub number: u32,
    /// How often an asynchronous callback was entered on this path.
    pub async_entries: u32,
    /// What a callback may return, if one runs.
    pub callback_returns: Option<(i32, i32)>,
    /// It is a callback that a helper or kfunc called.
    pub in_callback: bool,
    /// It is a callback that runs later.
    pub in_async_callback: bool,
    /// It is the callback of an exception.
    pub in_exception_callback: bool,
    /// How many iterations of a callback were followed (`callback_depth`).
    pub callback_depth: u32,
}

impl Frame {
    /// A frame with nothing in it but R10.
    pub fn new(callsite: Option<Pc>, number: u32, subprog: u32) -> Self {
        let mut regs = [Reg::NOT_INIT; isa::Reg::COUNT];
        let stack = super::RegType::of(super::RegKind::Stack);
        regs[isa::Reg::R10.index()] = Reg { frame: number, ..Reg::pointer(stack) };
        Self {
            regs,
            stack: Vec::new(),
            callsite,
            subprog,
            number,
            async_entries: 0,
            callback_returns: None,
            in_callback: false,
            in_async_callback: false,
            in_exception_callback: false,
            callback_depth: 0,
        }
    }

    /// The register.
    pub fn reg(&self, reg: isa::Reg) -> &Reg {
        &self.regs[reg.index()]
    }

    /// The register.
    pub fn reg_mut(&mut self, reg: isa::Reg) -> &mut Reg {
        &mut self.regs[reg.index()]
    }

    /// Extends the stack so that it has this many slots.
    pub fn grow_stack(&mut self, slots: usize) {
        if self.stack.len() < slots {
            self.stack.resize(slots, StackSlot::INVALID);
        }
    }

    /// The kind of the byte at `fp + offset`, with `offset` from -512 to -1.
    pub fn byte(&self, offset: i32) -> SlotKind {
        let Some((slot, byte)) = slot_of(offset) else { return SlotKind::Invalid };
        self.stack.get(slot).map_or(SlotKind::Invalid, |slot| slot.kinds[byte])
    }
}

/// The slot at `fp + offset`, and the byte in it as an index into [`StackSlot::kinds`]; `None` from 0 on.
///
/// Bytes are numbered by their distance from the top of the slot, as in the kernel: index 7 is the byte at the
/// slot's lowest address.
pub(crate) fn slot_of(offset: i32) -> Option<(usize, usize)> {
    let distance = usize::try_from(-1_i64 - i64::from(offset)).ok()?;
    Some((distance / 8, distance % 8))
}
