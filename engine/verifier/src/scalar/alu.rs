//! Arithmetic, moves, negations, byte swaps and address space casts (`check_alu_op`).

use isa::{
    AddrSpaceCast, Alu, AluOp, ByteSwap, CastInsn, Imm, Imm64, Insn, Mov, MovSx, Neg,
    Reg as RegName, Source, SwapBits, SwapKind, Width,
};

use super::operand::{fits, immediate, register, settle};
use super::{Bounds, pointer};
use crate::cx::{Check, Cx, reject};
use crate::state::{ADD_CONST, ADD_CONST32, ADD_CONST64, Detail, Reg, RegKind, RegType, State};

/// An instruction of the classes `BPF_ALU` and `BPF_ALU64`.
pub(crate) fn alu(cx: &mut Cx<'_>, state: &mut State, insn: &Insn) -> Check {
    let dst = match insn {
        Insn::Alu(insn) => arithmetic(cx, state, insn)?,
        Insn::Mov(insn) => mov(cx, state, insn)?,
        Insn::MovSx(insn) => mov_sx(cx, state, insn)?,
        Insn::Neg(insn) => negate(cx, state, insn)?,
        Insn::ByteSwap(insn) => byte_swap(cx, state, insn)?,
        Insn::AddrSpaceCast(insn) => addr_space_cast(cx, state, insn)?,
        other => return cx.unsupported(format!("{other:?} as arithmetic")),
    };
    settle(cx, &mut state.reg_mut(dst).num, "alu");
    Ok(())
}

/// A pointer is not to be seen in pieces, if it is to be hidden.
fn check_visible(cx: &Cx<'_>, state: &State, reg: RegName, what: &str) -> Check {
    if cx.leaks(state.reg(reg)) {
        reject!(EACCES, "R{} {what}", reg.number());
    }
    Ok(())
}

fn negate(cx: &mut Cx<'_>, state: &mut State, insn: &Neg) -> Check<RegName> {
    cx.read_reg(state, insn.dst)?;
    check_visible(cx, state, insn.dst, "pointer arithmetic prohibited")?;
    cx.write_reg(insn.dst)?;
    let unknown = cx.unknown();
    let dst = state.reg_mut(insn.dst);
    if dst.is_scalar() {
        dst.num.negate(insn.width);
        forget_origin(dst);
    } else {
        *dst = unknown;
    }
    Ok(insn.dst)
}

fn byte_swap(cx: &mut Cx<'_>, state: &mut State, insn: &ByteSwap) -> Check<RegName> {
    cx.read_reg(state, insn.dst)?;
    check_visible(cx, state, insn.dst, "pointer arithmetic prohibited")?;
    cx.write_reg(insn.dst)?;
    let unknown = cx.unknown();
    let dst = state.reg_mut(insn.dst);
    if !dst.is_scalar() {
        *dst = unknown;
        return Ok(insn.dst);
    }
    if insn.kind != SwapKind::ToLe || insn.bits != SwapBits::Bits64 {
        dst.id = 0;
        dst.origin = 0;
    }
    dst.num.swap(insn.kind, insn.bits.bits());
    Ok(insn.dst)
}

fn addr_space_cast(cx: &mut Cx<'_>, state: &mut State, insn: &CastInsn) -> Check<RegName> {
    if !uses_arena(cx) {
        reject!(
            EINVAL,
            "addr_space_cast insn can only be used in a program that has an associated arena"
        );
    }
    cx.read_reg(state, insn.src)?;
    cx.write_reg(insn.dst)?;
    let mut value = cx.unknown();
    if insn.cast == AddrSpaceCast::ArenaToKernel {
        value.ty = RegType::of(RegKind::Arena);
    }
    *state.reg_mut(insn.dst) = value;
    Ok(insn.dst)
}

/// Some instruction of the program loads an arena.
fn uses_arena(cx: &Cx<'_>) -> bool {
    cx.program.code.iter().any(|(pc, insn)| {
        let loads_map = matches!(
            insn,
            Insn::LoadImm(load) if matches!(load.value, Imm64::MapFd(_) | Imm64::MapValue { .. }
                | Imm64::MapIdx(_) | Imm64::MapIdxValue { .. })
        );
        loads_map
            && super::map_of_load(cx, pc).is_some_and(|map| super::is_map_of(cx, map, "arena"))
    })
}

/// Ties a number to where it came from before it is copied (`assign_scalar_id_before_mov`).
pub(crate) fn identify(cx: &mut Cx<'_>, reg: &mut Reg) {
    if !reg.is_scalar() {
        return;
    }
    if reg.id & ADD_CONST != 0 {
        // Sums of sums are not followed.
        reg.id = 0;
        reg.off = 0;
    }
    if reg.id == 0 && reg.num.as_constant().is_none() {
        reg.id = cx.new_id();
    }
}

fn mov(cx: &mut Cx<'_>, state: &mut State, insn: &Mov) -> Check<RegName> {
    if let Some(src) = register(insn.src) {
        cx.read_reg(state, src)?;
    }
    cx.write_reg(insn.dst)?;
    let value = match (insn.src, insn.width) {
        (Source::Imm(imm), Width::Bits64) => Reg { num: immediate(imm), ..cx.unknown() },
        (Source::Imm(imm), Width::Bits32) => {
            Reg { num: Bounds::constant(imm.to_u32().into()), ..cx.unknown() }
        }
        (Source::Reg(src), Width::Bits64) => {
            identify(cx, state.reg_mut(src));
            *state.reg(src)
        }
        (Source::Reg(src), Width::Bits32) => mov_low(cx, state, src)?,
    };
    *state.reg_mut(insn.dst) = value;
    Ok(insn.dst)
}

fn mov_low(cx: &mut Cx<'_>, state: &mut State, src: RegName) -> Check<Reg> {
    check_visible(cx, state, src, "partial copy of pointer")?;
    let reg = state.reg_mut(src);
    let mut value = if reg.is_scalar() {
        let whole = fits(&reg.num, Width::Bits32);
        if whole {
            identify(cx, reg);
        }
        let mut value = *reg;
        if !whole {
            value.id = 0;
        }
        value
    } else {
        cx.unknown()
    };
    value.num.zero_extend();
    value.num.sync();
    Ok(value)
}

fn mov_sx(cx: &mut Cx<'_>, state: &mut State, insn: &MovSx) -> Check<RegName> {
    cx.read_reg(state, insn.src)?;
    cx.write_reg(insn.dst)?;
    let wide = insn.extension.width() == Width::Bits64;
    let what = if wide { "sign-extension part of pointer" } else { "partial copy of pointer" };
    check_visible(cx, state, insn.src, what)?;
    let bits = insn.extension.source_bits();
    let reg = state.reg_mut(insn.src);
    let mut value = if reg.is_scalar() {
        let same = reg.num.umax < 1 << (bits - 1);
        if same {
            identify(cx, reg);
        }
        let mut value = *reg;
        if !same {
            value.id = 0;
        }
        if wide {
            value.num.sign_extend(bits / 8);
        } else {
            value.num.sign_extend_low(bits / 8);
        }
        value
    } else {
        cx.unknown()
    };
    if !wide {
        value.num.zero_extend();
        value.num.sync();
    }
    *state.reg_mut(insn.dst) = value;
    Ok(insn.dst)
}

fn arithmetic(cx: &mut Cx<'_>, state: &mut State, insn: &Alu) -> Check<RegName> {
    if let Some(src) = register(insn.src) {
        cx.read_reg(state, src)?;
    }
    cx.read_reg(state, insn.dst)?;
    if let Source::Imm(imm) = insn.src {
        check_immediate(insn, imm)?;
    }
    cx.write_reg(insn.dst)?;
    adjust(cx, state, insn)?;
    Ok(insn.dst)
}

fn check_immediate(insn: &Alu, imm: Imm) -> Check {
    let divides = matches!(insn.op, AluOp::Div | AluOp::SignedDiv | AluOp::Mod | AluOp::SignedMod);
    if divides && imm.0 == 0 {
        reject!(EINVAL, "div by zero");
    }
    let shifts = matches!(insn.op, AluOp::Lsh | AluOp::Rsh | AluOp::Arsh);
    if shifts && imm.to_u32() >= insn.width.bits() {
        reject!(EINVAL, "invalid shift {}", imm.0);
    }
    Ok(())
}

/// `adjust_reg_min_max_vals`
fn adjust(cx: &mut Cx<'_>, state: &mut State, insn: &Alu) -> Check {
    let dst = *state.reg(insn.dst);
    let rhs = match insn.src {
        Source::Imm(imm) => Reg { num: immediate(imm), ..Reg::unknown() },
        Source::Reg(src) => *state.reg(src),
    };
    // Arenas are that large that any offset is within them.
    if dst.kind() == RegKind::Arena {
        return Ok(());
    }
    if rhs.kind() == RegKind::Arena {
        *state.reg_mut(insn.dst) = rhs;
        return Ok(());
    }
    match (dst.is_scalar(), rhs.is_scalar()) {
        (false, false) => {
            if insn.op == AluOp::Sub && cx.program.allows_ptr_leaks() {
                *state.reg_mut(insn.dst) = cx.unknown();
                return Ok(());
            }
            reject!(
                EACCES,
                "R{} pointer {} pointer prohibited",
                insn.dst.number(),
                operator(insn.op)
            );
        }
        (true, false) => {
            crate::explore::mark_precise(cx, state, insn.dst)?;
            let number = *state.reg(insn.dst);
            return pointer::adjust(cx, state, insn, &rhs, &number);
        }
        (false, true) => {
            if let Some(src) = register(insn.src) {
                crate::explore::mark_precise(cx, state, src)?;
            }
            return pointer::adjust(cx, state, insn, &dst, &rhs);
        }
        (true, true) => {}
    }
    if dst.precise
        && let Some(src) = register(insn.src)
    {
        crate::explore::mark_precise(cx, state, src)?;
    }
    scalar(cx, state, insn, &rhs)
}

/// `adjust_scalar_min_max_vals`, and the ties between numbers that differ by a constant
fn scalar(cx: &mut Cx<'_>, state: &mut State, insn: &Alu, rhs: &Reg) -> Check {
    if matches!(insn.op, AluOp::And | AluOp::Or) && rhs.num.as_constant().is_some() {
        fork(cx, state, insn.dst)?;
    }
    super::sanitize::numbers(cx, insn)?;
    let unknown = cx.unknown();
    let dst = state.reg_mut(insn.dst);
    let fits_before = fits(&dst.num, Width::Bits32);
    if !dst.num.apply(insn.op, insn.width, &rhs.num) {
        *dst = unknown;
        return Ok(());
    }
    dst.origin = 0;
    let bitwise = matches!(insn.op, AluOp::And | AluOp::Or | AluOp::Xor);
    if bitwise && rhs.num.as_constant().is_some() && dst.num.as_constant().is_some() {
        forget_origin(dst);
    }
    if cx.program.is_bpf_capable() {
        tie(dst, insn, rhs, fits_before);
    } else {
        dst.id = 0;
    }
    Ok(())
}

/// A number that is 0 or -1 is followed as each, because compilers choose by it between two numbers
/// (`maybe_fork_scalars`).
fn fork(cx: &mut Cx<'_>, state: &mut State, dst: RegName) -> Check {
    let reg = state.reg(dst);
    let wide = (reg.num.smin, reg.num.smax) == (-1, 0);
    if !wide && (reg.num.s32_min, reg.num.s32_max) != (-1, 0) {
        return Ok(());
    }
    let mut other = state.clone();
    for (state, value) in [(&mut other, 0), (&mut *state, u64::MAX)] {
        let reg = state.reg_mut(dst);
        if wide {
            forget_origin(reg);
            reg.num = Bounds::constant(value);
        } else {
            reg.num.set_low(super::bounds::low(value));
        }
    }
    let pc = cx.pc;
    crate::explore::push_unchecked(cx, other, pc, pc)
}

/// After an addition or subtraction of a constant, the number is still tied to what it came from; after anything else
/// it is not (part of `adjust_reg_min_max_vals`). 6.18.44 forgets the distance only with the former.
fn tie(dst: &mut Reg, insn: &Alu, rhs: &Reg, fits_before: bool) {
    let adds = matches!(insn.op, AluOp::Add | AluOp::Sub) && insn.src != Source::Reg(insn.dst);
    let value = match insn.width {
        Width::Bits32 => rhs.num.low_constant().map(|half| i64::from(half.cast_signed())),
        Width::Bits64 => rhs.num.as_constant().map(u64::cast_signed),
    };
    let Some(value) = value.filter(|_| adds && dst.id != 0) else {
        dst.id = 0;
        return;
    };
    let is_followed = insn.width == Width::Bits64 || fits_before;
    match distance(insn.op, value).filter(|_| is_followed) {
        Some(distance) if dst.id & ADD_CONST == 0 => {
            dst.id |= match insn.width {
                Width::Bits32 => ADD_CONST32,
                Width::Bits64 => ADD_CONST64,
            };
            dst.off = distance;
        }
        // Sums of sums are not followed.
        _ => (dst.id, dst.off) = (0, 0),
    }
}

/// What is added, if that is small enough.
fn distance(op: AluOp, value: i64) -> Option<i32> {
    let value = i32::try_from(value).ok()?;
    if op == AluOp::Sub { value.checked_neg() } else { Some(value) }
}

/// The number is not that of another register any more (part of `__mark_reg_known`).
fn forget_origin(reg: &mut Reg) {
    reg.origin = 0;
    reg.off = 0;
    reg.detail = Detail::None;
    reg.id = 0;
    reg.ref_obj_id = 0;
}

/// The operator as in messages (`bpf_alu_string` of kernel/bpf/disasm.c).
pub(super) fn operator(op: AluOp) -> &'static str {
    match op {
        AluOp::Add => "+=",
        AluOp::Sub => "-=",
        AluOp::Mul => "*=",
        AluOp::Div | AluOp::SignedDiv => "/=",
        AluOp::Or => "|=",
        AluOp::And => "&=",
        AluOp::Lsh => "<<=",
        AluOp::Rsh => ">>=",
        AluOp::Mod | AluOp::SignedMod => "%=",
        AluOp::Xor => "^=",
        AluOp::Arsh => "s>>=",
    }
}
