//! What a loader looks at in instructions before they have a meaning.

use isa::RawInsn;

/// `BPF_JMP | BPF_CALL`.
pub(crate) const CALL: u8 = 0x85;
/// `BPF_LD | BPF_DW | BPF_IMM`, the only instruction of two slots.
pub(crate) const LD_IMM64: u8 = 0x18;

/// What the source register of a load of 64 bits says about the immediate (`BPF_PSEUDO_*`).
pub(crate) mod pseudo {
    pub(crate) const MAP_FD: u8 = 1;
    pub(crate) const MAP_VALUE: u8 = 2;
    pub(crate) const BTF_ID: u8 = 3;
    pub(crate) const FUNC: u8 = 4;
    /// In a call: a subprogram.
    pub(crate) const CALL: u8 = 1;
    /// In a call: a function of the kernel.
    pub(crate) const KFUNC_CALL: u8 = 2;
}

/// Whether it calls a subprogram.
pub(crate) fn is_subprogram_call(insn: RawInsn) -> bool {
    insn.opcode == CALL && insn.src == pseudo::CALL && insn.dst == 0 && insn.off == 0
}

/// Whether it loads the address of a subprogram.
pub(crate) fn is_subprogram_address(insn: RawInsn) -> bool {
    insn.opcode == LD_IMM64 && insn.src == pseudo::FUNC
}

/// A call of a helper that no kernel has; the verifier names the number if it is reached.
pub(crate) fn poison(number: i32) -> RawInsn {
    RawInsn { opcode: CALL, dst: 0, src: 0, off: 0, imm: number }
}

/// The order of bytes in the words of `isa`.
pub(crate) fn endian_of(endian: btf::Endian) -> isa::Endian {
    match endian {
        btf::Endian::Little => isa::Endian::Little,
        btf::Endian::Big => isa::Endian::Big,
    }
}
