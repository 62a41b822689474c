//! Instruction slots as they lie in memory.

/// A byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endian {
    /// Least significant byte first (`bpfel`).
    Little,
    /// Most significant byte first (`bpfeb`).
    Big,
}

/// The fields of one slot, `struct bpf_insn`, without any meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RawInsn {
    /// `code`
    pub opcode: u8,
    /// `dst_reg`, the lower 4 bits of it.
    pub dst: u8,
    /// `src_reg`, the lower 4 bits of it.
    pub src: u8,
    /// `off`
    pub off: i16,
    /// `imm`
    pub imm: i32,
}

impl RawInsn {
    /// Bytes of a slot.
    pub const SIZE: usize = 8;

    /// Reads a slot. The byte order also decides which half of the second byte is `dst`.
    pub fn from_bytes(bytes: [u8; Self::SIZE], endian: Endian) -> Self {
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

    /// Writes a slot; the reverse of [`RawInsn::from_bytes`].
    pub fn to_bytes(self, endian: Endian) -> [u8; Self::SIZE] {
        let (dst, src) = (self.dst & 0xf, self.src & 0xf);
        let (regs, [off0, off1], [imm0, imm1, imm2, imm3]) = match endian {
            Endian::Little => (src << 4 | dst, self.off.to_le_bytes(), self.imm.to_le_bytes()),
            Endian::Big => (dst << 4 | src, self.off.to_be_bytes(), self.imm.to_be_bytes()),
        };
        [self.opcode, regs, off0, off1, imm0, imm1, imm2, imm3]
    }
}
