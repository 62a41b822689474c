//! Instructions as eight bytes with named parts, for what a loader looks at before they have a meaning.

use btf::Endian;

/// An instruction as it stands in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct RawInsn {
    /// The operation.
    pub opcode: u8,
    /// The destination register.
    pub dst: u8,
    /// The source register, or what the immediate means.
    pub src: u8,
    /// The offset of a jump or access.
    pub off: i16,
    /// The immediate.
    pub imm: i32,
}
impl RawInsn {
    pub const SIZE: usize = 8;
    pub fn from_bytes(bytes: [u8; 8], endian: Endian) -> Self {
        let [opcode, regs, off0, off1, imm0, imm1, imm2, imm3] = bytes;
        let (low, high) = (regs & 0xf, regs >> 4);
        match endian {
            Endian::Little => Self {
                opcode,
                dst: low,
                src: high,
                off: i16::from_le_bytes([off0, off1]),
                imm: i32::from_le_bytes([imm0, imm1, imm2, imm3]),
            },
            Endian::Big => Self {
                opcode,
                dst: high,
                src: low,
                off: i16::from_be_bytes([off0, off1]),
                imm: i32::from_be_bytes([imm0, imm1, imm2, imm3]),
            },
        }
    }
    pub fn to_bytes(self, endian: Endian) -> [u8; 8] {
        let (dst, src) = (self.dst & 0xf, self.src & 0xf);
        let (regs, [off0, off1], [imm0, imm1, imm2, imm3]) = match endian {
            Endian::Little => (src << 4 | dst, self.off.to_le_bytes(), self.imm.to_le_bytes()),
            Endian::Big => (dst << 4 | src, self.off.to_be_bytes(), self.imm.to_be_bytes()),
        };
        [self.opcode, regs, off0, off1, imm0, imm1, imm2, imm3]
    }
}

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
