//! Instructions as far as control flow goes, by their encoding, because it is looked at before they are decoded.

use isa::RawInsn;

pub(super) use crate::calls::helper::TAIL_CALL;

const CLASS: u8 = 0x07;
const LD: u8 = 0x00;
const JMP: u8 = 0x05;
const JMP32: u8 = 0x06;
const JA: u8 = 0x00;
const CALL: u8 = 0x80;
const EXIT: u8 = 0x90;
const JCOND: u8 = 0xe0;
const LD_IMM64: u8 = 0x18;
const PSEUDO_FUNC: u8 = 4;
const MODE: u8 = 0xe0;
const ABS: u8 = 0x20;
const IND: u8 = 0x40;

/// A call, by what it calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Call {
    /// A helper, by its number.
    Helper(i32),
    /// A function of the program.
    Subprog,
    /// A kfunc, by its type.
    Kfunc(i32),
}

/// What the instruction calls, if it is a call.
pub(super) fn call(insn: RawInsn) -> Option<Call> {
    if insn.opcode != JMP | CALL {
        return None;
    }
    match insn.src {
        0 => Some(Call::Helper(insn.imm)),
        1 => Some(Call::Subprog),
        2 => Some(Call::Kfunc(insn.imm)),
        _ => None,
    }
}

/// It loads 64 bits, and so has two slots.
pub(super) fn is_wide(insn: RawInsn) -> bool {
    insn.opcode == LD_IMM64
}

/// It loads the address of a function of the program (`bpf_pseudo_func`).
pub(super) fn loads_function(insn: RawInsn) -> bool {
    insn.opcode == LD_IMM64 && insn.src == PSEUDO_FUNC
}

/// It loads from the packet (`LD_ABS`, `LD_IND`).
pub(super) fn loads_packet(insn: RawInsn) -> bool {
    insn.opcode & CLASS == LD && matches!(insn.opcode & MODE, ABS | IND)
}

/// It is of a class of jumps, calls and exits.
pub(super) fn is_jump_class(insn: RawInsn) -> bool {
    matches!(insn.opcode & CLASS, JMP | JMP32)
}

pub(super) fn is_exit(insn: RawInsn) -> bool {
    is_jump_class(insn) && insn.opcode & 0xf0 == EXIT
}

pub(super) fn is_call(insn: RawInsn) -> bool {
    is_jump_class(insn) && insn.opcode & 0xf0 == CALL
}

/// It jumps whatever is the case.
pub(super) fn is_goto(insn: RawInsn) -> bool {
    is_jump_class(insn) && insn.opcode & 0xf0 == JA
}

pub(super) fn is_may_goto(insn: RawInsn) -> bool {
    insn.opcode == JMP | JCOND && insn.src == 0
}

/// How far it jumps, if it is a jump (`bpf_jmp_offset`).
pub(super) fn jump_offset(insn: RawInsn) -> Option<i32> {
    if !is_jump_class(insn) || is_exit(insn) || is_call(insn) {
        return None;
    }
    Some(if insn.opcode == JMP32 | JA { insn.imm } else { insn.off.into() })
}

/// A function may end with it.
pub(super) fn ends_function(insn: RawInsn) -> bool {
    insn.opcode == JMP | EXIT || insn.opcode == JMP | JA || insn.opcode == JMP32 | JA
}

/// The registers it reads and writes, as bits, unless it is a call (`compute_insn_live_regs`).
pub(super) fn registers(insn: RawInsn) -> (u16, u16) {
    let bit = |reg: u8| 1_u16.checked_shl(reg.into()).unwrap_or(0);
    let (dst, src) = (bit(insn.dst), bit(insn.src));
    let (class, mode, operation) = (insn.opcode & CLASS, insn.opcode & MODE, insn.opcode & 0xf0);
    let from_reg = insn.opcode & 0x08 != 0;
    match class {
        LD if mode == 0 && insn.opcode & 0x18 == 0x18 => (0, dst),
        // Loads
        0x01 if mode == 0x60 || mode == 0x80 => (src, dst),
        // Stores
        0x02 if mode == 0x60 => (dst, 0),
        0x03 if mode == 0x60 => (dst | src, 0),
        0x03 if mode == 0xc0 => match insn.imm {
            // Compare and exchange
            0xf1 => (bit(0) | dst | src, bit(0)),
            // Load with acquire semantics
            0x100 => (src, dst),
            // Store with release semantics
            0x110 => (dst | src, 0),
            imm => (dst | src, if imm & 1 != 0 { src } else { 0 }),
        },
        // Arithmetic
        0x04 | 0x07 => match operation {
            0xd0 => (dst, dst),
            0xb0 => (if from_reg { src } else { 0 }, dst),
            _ => (if from_reg { dst | src } else { dst }, dst),
        },
        JMP | JMP32 => match operation {
            JA | JCOND => (0, 0),
            EXIT => (bit(0), 0),
            _ => (if from_reg { dst | src } else { dst }, 0),
        },
        // Nothing is known, so everything is read.
        _ => (0xffff, 0),
    }
}
