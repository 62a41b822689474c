//! Instructions that load and store.

use isa::{
    Atomic, AtomicOp, Insn, Load, LoadPacket, LoadSx, Pc, Reg as Name, Source, Store, StoreRelease,
    Width,
};
use kernel_model::TypeFlags;

use super::{Access, Request, access_memory, region, set_unknown};
use crate::calls;
use crate::cx::{Check, Cx, Errno, Next, reject};
use crate::explore;
use crate::state::{Reg, RegKind, RegType, State};

/// A plain load (`check_load_mem`).
pub(super) fn load(cx: &mut Cx<'_>, state: &mut State, pc: Pc, load: &Load) -> Check {
    let Load { size, dst, base, offset } = *load;
    let form = Form { size: size.bytes(), signed: false, strict: false };
    load_memory(cx, state, pc, dst, (base, offset.0), form, true)
}

/// A load that extends the sign.
pub(super) fn load_signed(cx: &mut Cx<'_>, state: &mut State, pc: Pc, load: &LoadSx) -> Check {
    let LoadSx { size, dst, base, offset } = *load;
    let form = Form { size: size.size().bytes(), signed: true, strict: false };
    load_memory(cx, state, pc, dst, (base, offset.0), form, true)
}

#[derive(Clone, Copy)]
struct Form {
    size: u32,
    signed: bool,
    strict: bool,
}

fn load_memory(
    cx: &mut Cx<'_>,
    state: &mut State,
    pc: Pc,
    dst: Name,
    (base, offset): (Name, i16),
    form: Form,
    may_differ_in_trust: bool,
) -> Check {
    cx.read_reg(state, base)?;
    cx.write_reg(dst)?;
    let ty = state.reg(base).ty;
    let request = Request {
        size: form.size,
        access: Access::Read,
        value: Some(dst),
        signed: form.signed,
        ..Request::new(state, pc, base)
    };
    access_memory(cx, state, request, offset.into(), form.strict)?;
    note_pointer_type(cx, pc, ty, may_differ_in_trust)
}

/// A plain store (`check_store_reg`, and for constants a part of `do_check_insn`).
pub(super) fn store(cx: &mut Cx<'_>, state: &mut State, pc: Pc, store: &Store) -> Check {
    let Store { size, base, offset, src } = *store;
    store_memory(cx, state, pc, (base, offset.0), size.bytes(), src, false)
}

fn store_memory(
    cx: &mut Cx<'_>,
    state: &mut State,
    pc: Pc,
    (base, offset): (Name, i16),
    size: u32,
    src: Source,
    strict: bool,
) -> Check {
    let (value, constant) = match src {
        Source::Reg(reg) => (Some(reg), None),
        Source::Imm(imm) => (None, Some(imm.to_u64())),
    };
    if let Some(value) = value {
        cx.read_reg(state, value)?;
    }
    cx.read_reg(state, base)?;
    let ty = state.reg(base).ty;
    let request =
        Request { size, access: Access::Write, value, constant, ..Request::new(state, pc, base) };
    access_memory(cx, state, request, offset.into(), strict)?;
    note_pointer_type(cx, pc, ty, false)
}

/// A load that later accesses cannot pass (`check_atomic_load`).
pub(super) fn load_acquire(cx: &mut Cx<'_>, state: &mut State, pc: Pc, load: &Load) -> Check {
    let Load { size, dst, base, offset } = *load;
    let form = Form { size: size.bytes(), signed: false, strict: true };
    load_memory(cx, state, pc, dst, (base, offset.0), form, false)?;
    // The kernel looks at the base after the load, which may have gone there.
    let ty = state.reg(base).ty;
    if !takes_atomics(ty) {
        reject!(EACCES, "BPF_ATOMIC loads from R{} {ty} is not allowed", base.number());
    }
    Ok(())
}

/// A store that earlier accesses cannot pass (`check_atomic_store`).
pub(super) fn store_release(
    cx: &mut Cx<'_>,
    state: &mut State,
    pc: Pc,
    store: &StoreRelease,
) -> Check {
    let StoreRelease { size, base, offset, src } = *store;
    store_memory(cx, state, pc, (base, offset.0), size.bytes(), Source::Reg(src), true)?;
    let ty = state.reg(base).ty;
    if !takes_atomics(ty) {
        reject!(EACCES, "BPF_ATOMIC stores into R{} {ty} is not allowed", base.number());
    }
    Ok(())
}

/// Memory of this kind can be accessed by atomic instructions (`atomic_ptr_type_ok`); arenas are asked apart.
fn takes_atomics(ty: RegType) -> bool {
    !(ty.flags == TypeFlags::NONE
        && matches!(
            ty.kind,
            RegKind::Ctx
                | RegKind::Packet
                | RegKind::PacketMeta
                | RegKind::FlowKeys
                | RegKind::Socket
                | RegKind::SockCommon
                | RegKind::TcpSock
                | RegKind::XdpSock
        ))
}

/// An atomic read-modify-write (`check_atomic_rmw`).
pub(super) fn atomic(cx: &mut Cx<'_>, state: &mut State, pc: Pc, insn: &Atomic) -> Check {
    let Atomic { op, width, base, offset, src } = *insn;
    cx.read_reg(state, src)?;
    cx.read_reg(state, base)?;
    if op == AtomicOp::CmpXchg {
        cx.read_reg(state, Name::R0)?;
        if cx.leaks(state.reg(Name::R0)) {
            reject!(EACCES, "R0 leaks addr into mem");
        }
    }
    if cx.leaks(state.reg(src)) {
        reject!(EACCES, "R{} leaks addr into mem", src.number());
    }
    let ty = state.reg(base).ty;
    let in_arena = ty == RegType::of(RegKind::Arena);
    if !takes_atomics(ty) || in_arena && !is_in_arena(op) {
        reject!(EACCES, "BPF_ATOMIC stores into R{} {ty} is not allowed", base.number());
    }
    let loads = match op {
        AtomicOp::CmpXchg => Some(Name::R0),
        AtomicOp::Xchg => Some(src),
        AtomicOp::Add { fetch }
        | AtomicOp::Or { fetch }
        | AtomicOp::And { fetch }
        | AtomicOp::Xor { fetch } => fetch.then_some(src),
    };
    if let Some(loads) = loads {
        cx.write_reg(loads)?;
        set_unknown(cx, state, loads);
    }
    let size = match width {
        Width::Bits32 => 4,
        Width::Bits64 => 8,
    };
    let step = |cx: &mut Cx<'_>, state: &mut State, access, value| {
        let request = Request { size, access, value, ..Request::new(state, pc, base) };
        access_memory(cx, state, request, offset.0.into(), true)
    };
    step(cx, state, Access::Read, None)?;
    if loads.is_some() {
        step(cx, state, Access::Read, loads)?;
    }
    if in_arena {
        note_pointer_type(cx, pc, ty, false)?;
    }
    step(cx, state, Access::Write, None)
}

/// Compilers for x86-64 take this operation in arenas (`bpf_jit_supports_insn` of arch/x86/net/bpf_jit_comp.c).
fn is_in_arena(op: AtomicOp) -> bool {
    !matches!(
        op,
        AtomicOp::And { fetch: true }
            | AtomicOp::Or { fetch: true }
            | AtomicOp::Xor { fetch: true }
    )
}

/// All paths access memory through the same kind of pointer, as far as the kernel rewrites the instruction
/// (`save_aux_ptr_type`).
fn note_pointer_type(cx: &mut Cx<'_>, pc: Pc, ty: RegType, may_differ_in_trust: bool) -> Check {
    let Some(aux) = cx.aux.get_mut(pc.index()) else { return Ok(()) };
    let Some(before) = aux.ptr_type else {
        aux.ptr_type = Some(ty);
        return Ok(());
    };
    if ty == before || may_differ(ty.kind) && may_differ(before.kind) {
        return Ok(());
    }
    let in_memory = |kind| matches!(kind, RegKind::Mem | RegKind::BtfId);
    if !may_differ_in_trust || !in_memory(ty.kind) || !in_memory(before.kind) {
        reject!(EINVAL, "same insn cannot be used with different pointers");
    }
    let is_memory = ty.kind == RegKind::Mem || before.kind == RegKind::Mem;
    let kind = if is_memory { RegKind::Mem } else { RegKind::BtfId };
    let kept = TypeFlags::PTR_UNTRUSTED.union(TypeFlags::MEM_RDONLY);
    let flags = TypeFlags((ty.flags.0 | before.flags.0) & kept.0);
    aux.ptr_type = Some(RegType::with(kind, flags));
    Ok(())
}

/// Accesses through pointers of this kind are not rewritten (`reg_type_mismatch_ok`).
fn may_differ(kind: RegKind) -> bool {
    !matches!(
        kind,
        RegKind::Ctx
            | RegKind::Socket
            | RegKind::SockCommon
            | RegKind::TcpSock
            | RegKind::XdpSock
            | RegKind::BtfId
            | RegKind::Arena
    )
}

/// A load from the packet through the context (`check_ld_abs`).
pub(super) fn load_packet(
    cx: &mut Cx<'_>,
    state: &mut State,
    pc: Pc,
    load: &LoadPacket,
) -> Check<Next> {
    if !matches!(cx.program.type_name(), "socket_filter" | "sched_cls" | "sched_act") {
        reject!(EINVAL, "BPF_LD_[ABS|IND] instructions not allowed for this program type");
    }
    cx.read_reg(state, Name::R6)?;
    // The program may end here.
    calls::check_leaks(cx, state, false, true, "BPF_LD_[ABS|IND]")?;
    if state.reg(Name::R6).ty != RegType::of(RegKind::Ctx) {
        reject!(EINVAL, "at the time of BPF_LD_ABS|IND R6 != pointer to skb");
    }
    if let Some(index) = load.index {
        cx.read_reg(state, index)?;
    }
    region::check_unmodified(Name::R6, state.reg(Name::R6), false)?;
    for name in [Name::R0, Name::R1, Name::R2, Name::R3, Name::R4, Name::R5] {
        *state.reg_mut(name) = Reg::NOT_INIT;
        cx.log.touched_regs |= 1 << name.number();
    }
    set_unknown(cx, state, Name::R0);
    if state.frames.len() == 1 {
        return Ok(Next::Fall);
    }
    // In a function, the path on which it ends is followed first; it returns zero.
    explore::push(cx, state.clone(), Pc(pc.0 + 1), pc, Errno::EFAULT)?;
    *state.reg_mut(Name::R0) = Reg::known(0);
    calls::exit_frame(cx, state, pc)
}

/// What an instruction does to memory.
pub(super) fn access(cx: &mut Cx<'_>, state: &mut State, pc: Pc, insn: &Insn) -> Check<Next> {
    match insn {
        Insn::Load(insn) => load(cx, state, pc, insn)?,
        Insn::LoadSx(insn) => load_signed(cx, state, pc, insn)?,
        Insn::Store(insn) => store(cx, state, pc, insn)?,
        Insn::Atomic(insn) => atomic(cx, state, pc, insn)?,
        Insn::LoadAcquire(insn) => load_acquire(cx, state, pc, insn)?,
        Insn::StoreRelease(insn) => store_release(cx, state, pc, insn)?,
        Insn::LoadImm(insn) => super::constant::load(cx, state, pc, insn)?,
        Insn::LoadPacket(insn) => return load_packet(cx, state, pc, insn),
        Insn::Alu(_)
        | Insn::Mov(_)
        | Insn::MovSx(_)
        | Insn::Neg(_)
        | Insn::ByteSwap(_)
        | Insn::AddrSpaceCast(_)
        | Insn::Jump(_)
        | Insn::Goto(_)
        | Insn::GotoLong(_)
        | Insn::MayGoto(_)
        | Insn::Call(_)
        | Insn::Exit => return cx.unsupported(format!("{insn:?} as an access to memory")),
    }
    Ok(Next::Fall)
}
