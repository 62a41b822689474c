//! The log, in the kernel's format.

use isa::Pc;

use crate::cx::Cx;
use crate::state::State;

/// What the kernel prints while it verifies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    /// 0, 1 or 2, and 4 for statistics alone.
    pub level: u32,
    /// The text so far.
    pub text: String,
    /// Registers of the innermost frame to be printed with the next instruction, as bits (`scratched_regs`).
    pub touched_regs: u16,
    /// Slots of the stack to be printed with it, as bits (`scratched_stack_slots`).
    pub touched_slots: u64,
}

impl Log {
    /// Whether instructions and states are printed (`BPF_LOG_LEVEL`).
    pub fn is_on(&self) -> bool {
        self.level & 3 != 0
    }

    /// Whether everything is printed (`BPF_LOG_LEVEL2`).
    pub fn is_verbose(&self) -> bool {
        self.level & 2 != 0
    }
}

/// A frame of a state as the kernel prints it, without the end of the line (`print_verifier_state`): all of it, or what
/// was touched since it was printed last.
pub(crate) fn print_state(_cx: &Cx<'_>, _state: &State, _frame: u32, _all: bool) -> String {
    String::new()
}

/// An instruction as the kernel prints it, without the end of the line (`verbose_insn`).
pub(crate) fn print_insn(_cx: &Cx<'_>, _pc: Pc) -> String {
    String::new()
}

/// The closing lines but for the time: depth of stacks, counts (`print_verification_stats`).
pub(crate) fn print_stats(_log: &mut Log, _stats: &crate::explore::Stats, _stack_depths: &[u32]) {}
