//! Random instructions.

use isa::{
    AddrSpaceCast, Alu, AluOp, Atomic, AtomicOp, BtfId, ByteSwap, Callee, CastInsn, Cond, Fd,
    FdIndex, HelperId, Imm, Imm64, Insn, Jump, JumpOffset, KfuncModule, Load, LoadImm, LoadPacket,
    LoadSx, LongOffset, Mov, MovSx, NarrowSize, Neg, Offset, RawInsn, Reg, SignExtension, Size,
    Source, Store, StoreRelease, SwapBits, SwapKind, Width,
};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) fn reg() -> impl Strategy<Value = Reg> + Clone {
    select(&Reg::ALL[..])
}

fn width() -> impl Strategy<Value = Width> {
    prop_oneof![Just(Width::Bits32), Just(Width::Bits64)]
}

fn size() -> impl Strategy<Value = Size> {
    select(&Size::ALL[..])
}

fn narrow() -> impl Strategy<Value = NarrowSize> {
    select(&NarrowSize::ALL[..])
}

fn imm() -> impl Strategy<Value = Imm> {
    prop_oneof![any::<i32>(), -9..9].prop_map(Imm)
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![reg().prop_map(Source::Reg), imm().prop_map(Source::Imm)]
}

fn offset() -> impl Strategy<Value = Offset> {
    any::<i16>().prop_map(Offset)
}

fn jump_offset() -> impl Strategy<Value = JumpOffset> {
    any::<i16>().prop_map(JumpOffset)
}

fn long_offset() -> impl Strategy<Value = LongOffset> {
    any::<i32>().prop_map(LongOffset)
}

fn imm64() -> impl Strategy<Value = Imm64> {
    prop_oneof![
        any::<u64>().prop_map(Imm64::Value),
        any::<i32>().prop_map(|fd| Imm64::MapFd(Fd(fd))),
        any::<(i32, u32)>().prop_map(|(fd, offset)| Imm64::MapValue { map: Fd(fd), offset }),
        any::<(i32, i32)>().prop_map(|(id, fd)| Imm64::BtfId { id: BtfId(id), module: Fd(fd) }),
        long_offset().prop_map(Imm64::Func),
        any::<i32>().prop_map(|index| Imm64::MapIdx(FdIndex(index))),
        any::<(i32, u32)>()
            .prop_map(|(index, offset)| Imm64::MapIdxValue { map: FdIndex(index), offset }),
    ]
}

fn callee() -> impl Strategy<Value = Callee> {
    prop_oneof![
        any::<i32>().prop_map(|id| Callee::Helper(HelperId(id))),
        long_offset().prop_map(Callee::Subprogram),
        any::<(i32, i16)>()
            .prop_map(|(id, module)| Callee::Kfunc { id: BtfId(id), module: KfuncModule(module) }),
    ]
}

fn register_insn() -> impl Strategy<Value = Insn> {
    prop_oneof![
        (width(), select(&AluOp::ALL[..]), reg(), source())
            .prop_map(|(width, op, dst, src)| Insn::Alu(Alu { width, op, dst, src })),
        (width(), reg(), source()).prop_map(|(width, dst, src)| Insn::Mov(Mov { width, dst, src })),
        (select(&SignExtension::ALL[..]), reg(), reg())
            .prop_map(|(extension, dst, src)| Insn::MovSx(MovSx { extension, dst, src })),
        (width(), reg()).prop_map(|(width, dst)| Insn::Neg(Neg { width, dst })),
        (select(&SwapKind::ALL[..]), select(&SwapBits::ALL[..]), reg())
            .prop_map(|(kind, bits, dst)| Insn::ByteSwap(ByteSwap { kind, bits, dst })),
        (any::<bool>(), reg(), reg()).prop_map(|(to_kernel, dst, src)| {
            let cast =
                if to_kernel { AddrSpaceCast::ArenaToKernel } else { AddrSpaceCast::KernelToArena };
            Insn::AddrSpaceCast(CastInsn { cast, dst, src })
        }),
        (reg(), imm64()).prop_map(|(dst, value)| Insn::LoadImm(LoadImm { dst, value })),
    ]
}

fn memory_insn() -> impl Strategy<Value = Insn> {
    let load = || {
        (size(), reg(), reg(), offset()).prop_map(|(size, dst, base, offset)| Load {
            size,
            dst,
            base,
            offset,
        })
    };
    prop_oneof![
        load().prop_map(Insn::Load),
        load().prop_map(Insn::LoadAcquire),
        (narrow(), reg(), reg(), offset())
            .prop_map(|(size, dst, base, offset)| Insn::LoadSx(LoadSx { size, dst, base, offset })),
        (narrow(), option::of(reg()), imm())
            .prop_map(|(size, index, offset)| Insn::LoadPacket(LoadPacket { size, index, offset })),
        (size(), reg(), offset(), source())
            .prop_map(|(size, base, offset, src)| Insn::Store(Store { size, base, offset, src })),
        (select(&AtomicOp::ALL[..]), width(), reg(), offset(), reg()).prop_map(
            |(op, width, base, offset, src)| Insn::Atomic(Atomic { op, width, base, offset, src })
        ),
        (size(), reg(), offset(), reg()).prop_map(|(size, base, offset, src)| {
            Insn::StoreRelease(StoreRelease { size, base, offset, src })
        }),
    ]
}

fn control_insn() -> impl Strategy<Value = Insn> {
    prop_oneof![
        (width(), select(&Cond::ALL[..]), reg(), source(), jump_offset()).prop_map(
            |(width, cond, lhs, rhs, offset)| Insn::Jump(Jump { width, cond, lhs, rhs, offset })
        ),
        jump_offset().prop_map(Insn::Goto),
        long_offset().prop_map(Insn::GotoLong),
        jump_offset().prop_map(Insn::MayGoto),
        callee().prop_map(Insn::Call),
        Just(Insn::Exit),
    ]
}

/// Any instruction.
pub(crate) fn insn() -> impl Strategy<Value = Insn> {
    prop_oneof![register_insn(), memory_insn(), control_insn()]
}

/// Any fields, valid ones more often than by chance.
pub(crate) fn raw() -> impl Strategy<Value = RawInsn> {
    let off = prop_oneof![any::<i16>(), select(&[0, 0, 0, 1, 8, 16, 32][..])];
    let imm = prop_oneof![any::<i32>(), 0..0x120, Just(0), Just(0x1_0000)];
    (any::<u8>(), 0..16_u8, 0..16_u8, off, imm).prop_map(|(opcode, dst, src, off, imm)| RawInsn {
        opcode,
        dst,
        src,
        off,
        imm,
    })
}
