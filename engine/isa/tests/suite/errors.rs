//! What is rejected, as which field, and in the kernel's words.

use isa::{Endian, Program, ReadError, Stage};

use crate::hex;

/// Slots in hexadecimal, our words, the kernel's words, and when the kernel finds it.
const TABLE: &[(&str, &str, &str, Stage)] = &[
    // Not in the table.
    ("0000000000000000", "0: opcode: 0x00 is not an instruction", "unknown opcode 00", Stage::Load),
    ("ff00000000000000", "0: opcode: 0xff is not an instruction", "unknown opcode ff", Stage::Load),
    ("8f00000000000000", "0: opcode: 0x8f is not an instruction", "unknown opcode 8f", Stage::Load),
    ("0d01000000000000", "0: opcode: 0x0d is not an instruction", "unknown opcode 0d", Stage::Load),
    ("8d01000000000000", "0: opcode: 0x8d is not an instruction", "unknown opcode 8d", Stage::Load),
    ("8600000000000000", "0: opcode: 0x86 is not an instruction", "unknown opcode 86", Stage::Load),
    ("9910000000000000", "0: opcode: 0x99 is not an instruction", "unknown opcode 99", Stage::Load),
    ("3810000000000000", "0: opcode: 0x38 is not an instruction", "unknown opcode 38", Stage::Load),
    ("e600000000000000", "0: opcode: 0xe6 is not an instruction", "unknown opcode e6", Stage::Load),
    // Loads.
    (
        "2101000000000000",
        "0: opcode: 33 is not allowed in BPF_LDX",
        "BPF_LDX uses reserved fields",
        Stage::Load,
    ),
    (
        "6101000001000000",
        "0: imm: 1 is not allowed in BPF_LDX",
        "BPF_LDX uses reserved fields",
        Stage::Load,
    ),
    ("610b000000000000", "0: dst: there is no register 11", "R11 is invalid", Stage::Step),
    ("61b1000000000000", "0: src: there is no register 11", "R11 is invalid", Stage::Step),
    // Stores.
    (
        "6210000000000000",
        "0: src: 1 is not allowed in BPF_ST",
        "BPF_ST uses reserved fields",
        Stage::Step,
    ),
    (
        "6310000001000000",
        "0: imm: 1 is not allowed in BPF_STX",
        "BPF_STX uses reserved fields",
        Stage::Step,
    ),
    ("631c000000000000", "0: dst: there is no register 12", "R12 is invalid", Stage::Step),
    // Atomics.
    (
        "db21000010000000",
        "0: imm: 0x10 is not an atomic operation",
        "BPF_ATOMIC uses invalid atomic opcode 10",
        Stage::Step,
    ),
    (
        "db210000e0000000",
        "0: imm: 0xe0 is not an atomic operation",
        "BPF_ATOMIC uses invalid atomic opcode e0",
        Stage::Step,
    ),
    (
        "cb21000000000000",
        "0: opcode: there are no atomic operations of 2 bytes but load and store",
        "invalid atomic operand size",
        Stage::Step,
    ),
    // Arithmetic.
    (
        "0721000000000000",
        "0: src: 2 is not allowed in BPF_ALU",
        "BPF_ALU uses reserved fields",
        Stage::Step,
    ),
    (
        "0f21000001000000",
        "0: imm: 1 is not allowed in BPF_ALU",
        "BPF_ALU uses reserved fields",
        Stage::Step,
    ),
    (
        "0f21010000000000",
        "0: off: 1 is not allowed in BPF_ALU",
        "BPF_ALU uses reserved fields",
        Stage::Step,
    ),
    (
        "3f21020000000000",
        "0: off: 2 is not allowed in BPF_ALU",
        "BPF_ALU uses reserved fields",
        Stage::Step,
    ),
    ("0ff1000000000000", "0: src: there is no register 15", "R15 is invalid", Stage::Step),
    (
        "8711000000000000",
        "0: src: 1 is not allowed in BPF_NEG",
        "BPF_NEG uses reserved fields",
        Stage::Step,
    ),
    (
        "8701000001000000",
        "0: imm: 1 is not allowed in BPF_NEG",
        "BPF_NEG uses reserved fields",
        Stage::Step,
    ),
    (
        "d401000008000000",
        "0: imm: 8 is not allowed in BPF_END",
        "BPF_END uses reserved fields",
        Stage::Step,
    ),
    (
        "d401010010000000",
        "0: off: 1 is not allowed in BPF_END",
        "BPF_END uses reserved fields",
        Stage::Step,
    ),
    ("df01000010000000", "0: opcode: 0xdf is not an instruction", "unknown opcode df", Stage::Load),
    (
        "b721000000000000",
        "0: src: 2 is not allowed in BPF_MOV",
        "BPF_MOV uses reserved fields",
        Stage::Step,
    ),
    (
        "b701080000000000",
        "0: off: 8 is not allowed in BPF_MOV",
        "BPF_MOV uses reserved fields",
        Stage::Step,
    ),
    (
        "bc21200000000000",
        "0: off: 32 is not allowed in BPF_MOV",
        "BPF_MOV uses reserved fields",
        Stage::Step,
    ),
    (
        "bc21010001000000",
        "0: off: 1 is not allowed in BPF_MOV",
        "BPF_MOV uses reserved fields",
        Stage::Step,
    ),
    (
        "bf21000001000000",
        "0: imm: 1 is not allowed in BPF_MOV",
        "BPF_MOV uses reserved fields",
        Stage::Step,
    ),
    (
        "bf21010002000000",
        "0: imm: 0x2 is not a cast between the address spaces 0 and 1",
        "addr_space_cast insn can only convert between address space 1 and 0",
        Stage::Step,
    ),
    // Jumps, calls, returns.
    (
        "1511000000000000",
        "0: src: 1 is not allowed in BPF_JMP/JMP32",
        "BPF_JMP/JMP32 uses reserved fields",
        Stage::Step,
    ),
    (
        "1e21000001000000",
        "0: imm: 1 is not allowed in BPF_JMP/JMP32",
        "BPF_JMP/JMP32 uses reserved fields",
        Stage::Step,
    ),
    ("1e2b000001000000", "0: dst: there is no register 11", "R11 is invalid", Stage::Step),
    (
        "0500000001000000",
        "0: imm: 1 is not allowed in BPF_JA",
        "BPF_JA uses reserved fields",
        Stage::Step,
    ),
    (
        "0600010000000000",
        "0: off: 1 is not allowed in BPF_JA",
        "BPF_JA uses reserved fields",
        Stage::Step,
    ),
    (
        "0510000000000000",
        "0: src: 1 is not allowed in BPF_JA",
        "BPF_JA uses reserved fields",
        Stage::Step,
    ),
    (
        "e510010000000000",
        "0: src: 1 is not allowed in may_goto",
        "invalid may_goto imm 0",
        Stage::Step,
    ),
    (
        "e500010005000000",
        "0: imm: 5 is not allowed in may_goto",
        "invalid may_goto imm 5",
        Stage::Step,
    ),
    (
        "8501000001000000",
        "0: dst: 1 is not allowed in BPF_CALL",
        "BPF_CALL uses reserved fields",
        Stage::Step,
    ),
    (
        "8530000001000000",
        "0: src: 3 is not allowed in BPF_CALL",
        "BPF_CALL uses reserved fields",
        Stage::Step,
    ),
    (
        "8510010001000000",
        "0: off: 1 is not allowed in BPF_CALL",
        "BPF_CALL uses reserved fields",
        Stage::Step,
    ),
    (
        "9500000001000000",
        "0: imm: 1 is not allowed in BPF_EXIT",
        "BPF_EXIT uses reserved fields",
        Stage::Step,
    ),
    (
        "9501000000000000",
        "0: dst: 1 is not allowed in BPF_EXIT",
        "BPF_EXIT uses reserved fields",
        Stage::Step,
    ),
    // 64-bit immediates.
    ("1801000000000000", "0: the second slot is missing", "invalid bpf_ld_imm64 insn", Stage::Load),
    (
        "1801000000000000 9500000000000000",
        "0: opcode of the second slot is not zero",
        "invalid bpf_ld_imm64 insn",
        Stage::Load,
    ),
    (
        "1801000000000000 0001000000000000",
        "0: dst of the second slot is not zero",
        "invalid bpf_ld_imm64 insn",
        Stage::Load,
    ),
    (
        "1801000000000000 0000010000000000",
        "0: off of the second slot is not zero",
        "invalid bpf_ld_imm64 insn",
        Stage::Load,
    ),
    (
        "1801010000000000 0000000000000000",
        "0: off: 1 is not allowed in BPF_LD_IMM64",
        "BPF_LD_IMM64 uses reserved fields",
        Stage::Step,
    ),
    (
        "1871000000000000 0000000000000000",
        "0: src: 7 is not a source of a 64-bit immediate",
        "unrecognized bpf_ld_imm64 insn",
        Stage::Load,
    ),
    (
        "1811000003000000 0000000004000000",
        "0: imm of the second slot: 4 is not allowed for a map",
        "unrecognized bpf_ld_imm64 insn",
        Stage::Load,
    ),
    (
        "180b000000000000 0000000000000000",
        "0: dst: there is no register 11",
        "R11 is invalid",
        Stage::Step,
    ),
    // Packet loads.
    (
        "3001000000000000",
        "0: dst: 1 is not allowed in BPF_LD_[ABS|IND]",
        "BPF_LD_[ABS|IND] uses reserved fields",
        Stage::Step,
    ),
    (
        "3010000000000000",
        "0: src: 1 is not allowed in BPF_LD_[ABS|IND]",
        "BPF_LD_[ABS|IND] uses reserved fields",
        Stage::Step,
    ),
    ("50b0000000000000", "0: src: there is no register 11", "R11 is invalid", Stage::Step),
    // The position counts slots.
    (
        "1801000000000000 0000000000000000 b700000000000000 9510000000000000",
        "3: src: 1 is not allowed in BPF_EXIT",
        "BPF_EXIT uses reserved fields",
        Stage::Step,
    ),
];

#[test]
fn errors_name_the_field_and_know_the_kernels_words() {
    for &(digits, ours, kernels, stage) in TABLE {
        let Err(ReadError::Decode(error)) = Program::from_bytes(&hex(digits), Endian::Little)
        else {
            panic!("{digits} was accepted");
        };
        assert_eq!(error.to_string(), format!("instruction {ours}"), "{digits}");
        assert_eq!(error.kernel_message(), kernels, "{digits}");
        assert_eq!(error.stage(), stage, "{digits}");
    }
}

#[test]
fn fields_that_the_kernel_ignores_are_ignored() {
    for digits in ["9500050000000000", "1841000005000000 0000000007000000"] {
        assert!(Program::from_bytes(&hex(digits), Endian::Little).is_ok(), "{digits}");
    }
}
