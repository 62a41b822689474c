//! The numbers of the encoding, `include/uapi/linux/bpf.h` and RFC 9669.

/// The lowest three bits: what kind of instruction.
pub(crate) mod class {
    pub(crate) const MASK: u8 = 0x07;
    pub(crate) const LD: u8 = 0x00;
    pub(crate) const LDX: u8 = 0x01;
    pub(crate) const ST: u8 = 0x02;
    pub(crate) const STX: u8 = 0x03;
    pub(crate) const ALU: u8 = 0x04;
    pub(crate) const JMP: u8 = 0x05;
    pub(crate) const JMP32: u8 = 0x06;
    pub(crate) const ALU64: u8 = 0x07;
}

/// Arithmetic and jumps: the second operand is a register. For `END` it means "to big endian".
pub(crate) const X: u8 = 0x08;

/// Arithmetic: the upper four bits.
pub(crate) mod alu {
    pub(crate) const ADD: u8 = 0x00;
    pub(crate) const SUB: u8 = 0x10;
    pub(crate) const MUL: u8 = 0x20;
    pub(crate) const DIV: u8 = 0x30;
    pub(crate) const OR: u8 = 0x40;
    pub(crate) const AND: u8 = 0x50;
    pub(crate) const LSH: u8 = 0x60;
    pub(crate) const RSH: u8 = 0x70;
    pub(crate) const NEG: u8 = 0x80;
    pub(crate) const MOD: u8 = 0x90;
    pub(crate) const XOR: u8 = 0xa0;
    pub(crate) const MOV: u8 = 0xb0;
    pub(crate) const ARSH: u8 = 0xc0;
    pub(crate) const END: u8 = 0xd0;
    /// `off` of signed division and modulo.
    pub(crate) const SIGNED: i16 = 1;
    /// `off` of an address space cast.
    pub(crate) const ADDR_SPACE_CAST: i16 = 1;
    /// `imm` of a cast from space 1 to space 0.
    pub(crate) const CAST_TO_KERNEL: i32 = 1;
    /// `imm` of a cast from space 0 to space 1.
    pub(crate) const CAST_TO_ARENA: i32 = 1 << 16;
}

/// Jumps: the upper four bits.
pub(crate) mod jmp {
    pub(crate) const JA: u8 = 0x00;
    pub(crate) const JEQ: u8 = 0x10;
    pub(crate) const JGT: u8 = 0x20;
    pub(crate) const JGE: u8 = 0x30;
    pub(crate) const JSET: u8 = 0x40;
    pub(crate) const JNE: u8 = 0x50;
    pub(crate) const JSGT: u8 = 0x60;
    pub(crate) const JSGE: u8 = 0x70;
    pub(crate) const CALL: u8 = 0x80;
    pub(crate) const EXIT: u8 = 0x90;
    pub(crate) const JLT: u8 = 0xa0;
    pub(crate) const JLE: u8 = 0xb0;
    pub(crate) const JSLT: u8 = 0xc0;
    pub(crate) const JSLE: u8 = 0xd0;
    pub(crate) const JCOND: u8 = 0xe0;
    /// `src` of a `JCOND`.
    pub(crate) const MAY_GOTO: u8 = 0;
}

/// Loads and stores: the two bits of the size.
pub(crate) mod size {
    pub(crate) const MASK: u8 = 0x18;
    pub(crate) const W: u8 = 0x00;
    pub(crate) const H: u8 = 0x08;
    pub(crate) const B: u8 = 0x10;
    pub(crate) const DW: u8 = 0x18;
}

/// Loads and stores: the three bits of the mode.
pub(crate) mod mode {
    pub(crate) const MASK: u8 = 0xe0;
    pub(crate) const IMM: u8 = 0x00;
    pub(crate) const ABS: u8 = 0x20;
    pub(crate) const IND: u8 = 0x40;
    pub(crate) const MEM: u8 = 0x60;
    pub(crate) const MEMSX: u8 = 0x80;
    pub(crate) const ATOMIC: u8 = 0xc0;
}

/// `imm` of atomic instructions, beside the operators of [`alu`].
pub(crate) mod atomic {
    pub(crate) const FETCH: i32 = 0x01;
    pub(crate) const XCHG: i32 = 0xe0 | FETCH;
    pub(crate) const CMPXCHG: i32 = 0xf0 | FETCH;
    pub(crate) const LOAD_ACQ: i32 = 0x100;
    pub(crate) const STORE_REL: i32 = 0x110;
}

/// `src` of loads of 64-bit immediates and of calls.
pub(crate) mod pseudo {
    pub(crate) const MAP_FD: u8 = 1;
    pub(crate) const MAP_VALUE: u8 = 2;
    pub(crate) const BTF_ID: u8 = 3;
    pub(crate) const FUNC: u8 = 4;
    pub(crate) const MAP_IDX: u8 = 5;
    pub(crate) const MAP_IDX_VALUE: u8 = 6;
    pub(crate) const CALL: u8 = 1;
    pub(crate) const KFUNC_CALL: u8 = 2;
}

/// `LD | IMM | DW`
pub(crate) const LD_IMM64: u8 = class::LD | mode::IMM | size::DW;
