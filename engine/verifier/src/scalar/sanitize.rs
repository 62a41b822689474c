//! Without privileges: arithmetic that is masked against speculation, and the paths that a processor may take although
//! the program does not.
//!
//! A masked operation may leave a pointer as it was, so that what comes behind is followed for that too. Where such a
//! path does something that is not allowed, a barrier stops the processor, and the program is none the worse for it.

use isa::{Alu, AluOp, Jump, Pc, Reg as Name, Source};

use super::operand::register;
use crate::cx::{Check, Cx, Errno, reject};
use crate::state::{Reg, RegKind, State};

/// How an instruction is masked (`alu_state` and `alu_limit` of `struct bpf_insn_aux_data`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Masking {
    /// What is masked, and how; of numbers, nothing.
    way: Option<Way>,
    /// How far the pointer may be moved.
    limit: u32,
}

/// `BPF_ALU_SANITIZE_SRC` or `BPF_ALU_SANITIZE_DST`, `BPF_ALU_NEG_VALUE`, `BPF_ALU_IMMEDIATE`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Way {
    pointer_is_dst: bool,
    negative: bool,
    constant: bool,
}

/// Why an instruction cannot be masked (`REASON_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reason {
    Bounds,
    Type,
    Paths,
    Limit,
}

/// An operation on a pointer that is to be masked.
pub(super) struct Operation<'o> {
    pub insn: &'o Alu,
    /// The pointer, before the operation.
    pub ptr: &'o Reg,
    /// The number.
    pub off: &'o Reg,
    pub number_is_dst: bool,
}

/// What was found out before the operation (`struct bpf_sanitize_info`).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Begun {
    masking: Option<Masking>,
    to_left: bool,
}

/// The instruction is masked (`sanitize_needed` and not `can_skip_alu_sanitation`).
pub(super) fn is_needed(cx: &Cx<'_>, insn: &Alu) -> bool {
    !cx.program.bypasses_spec_v1()
        && matches!(insn.op, AluOp::Add | AluOp::Sub)
        && register(insn.src).is_some()
        && cx.aux.get(cx.pc.index()).is_none_or(|aux| !aux.nospec)
}

/// Before a pointer is moved (`sanitize_ptr_alu`); `dst` is the register that is changed, as far as it is known.
pub(super) fn begin(
    cx: &mut Cx<'_>,
    state: &State,
    operation: &Operation<'_>,
    dst: &Reg,
) -> Check<Begun> {
    let Operation { insn, ptr, off, number_is_dst } = *operation;
    let constant = off.num.as_constant().is_some();
    let mut begun = Begun::default();
    if !state.speculative {
        let negative = off.num.smin < 0;
        if !constant && negative != (off.num.smax < 0) {
            return refuse(operation, Reason::Bounds);
        }
        begun.to_left = (insn.op == AluOp::Add) == negative;
        let limit = match limit(cx, ptr, begun.to_left) {
            Ok(limit) => limit,
            Err(reason) => return refuse(operation, reason),
        };
        let way = Way { pointer_is_dst: !number_is_dst, negative, constant };
        begun.masking = Some(Masking { way: Some(way), limit });
        cx.explored.strict_numbers |= !constant;
    }
    if !constant {
        let mut other = crate::explore::fork(cx, state);
        *other.reg_mut(insn.dst) = if number_is_dst { *ptr } else { *dst };
        let pc = cx.pc;
        other.speculative = true;
        crate::explore::push(cx, other, Pc(pc.0 + 1), pc, Errno::ENOMEM).map_err(|stop| {
            let number = insn.dst.number();
            stop.and_says(&format!(
                "R{number} could not be pushed for speculative verification, pointer arithmetic with it prohibited for !root"
            ))
        })?;
    }
    Ok(begun)
}

/// After it was moved, to `dst`: the window is what the move left of it.
pub(super) fn finish(
    cx: &mut Cx<'_>,
    state: &State,
    operation: &Operation<'_>,
    begun: Begun,
    dst: &Reg,
) -> Check {
    let Some(masking) = begun.masking.filter(|_| !state.speculative) else { return Ok(()) };
    let limit = match limit(cx, dst, begun.to_left) {
        Ok(limit) => masking.limit.abs_diff(limit),
        Err(reason) => return refuse(operation, reason),
    };
    if note(cx, Masking { limit, ..masking }) { Ok(()) } else { refuse(operation, Reason::Paths) }
}

/// Numbers are added or subtracted (`sanitize_val_alu`): on no path may one of them be a pointer.
pub(super) fn numbers(cx: &mut Cx<'_>, insn: &Alu) -> Check {
    if is_needed(cx, insn) && !note(cx, Masking { way: None, limit: 0 }) {
        let (number, op) = (insn.dst.number(), verb(insn));
        reject!(
            EACCES,
            "R{number} tried to {op} from different maps, paths or scalars, pointer arithmetic with it prohibited for !root"
        );
    }
    Ok(())
}

/// All paths must agree on how an instruction is masked (`update_alu_sanitation_state`).
fn note(cx: &mut Cx<'_>, masking: Masking) -> bool {
    let Some(aux) = cx.aux.get_mut(cx.pc.index()) else { return true };
    let agrees = aux.masking.is_none_or(|known| known == masking);
    if agrees {
        aux.masking = Some(masking);
    }
    agrees
}

/// How far the pointer can be moved (`retrieve_ptr_limit`).
fn limit(cx: &Cx<'_>, ptr: &Reg, to_left: bool) -> Result<u32, Reason> {
    const STACK: u32 = 512;
    let off = i64::from(ptr.off);
    let (most, limit) = match ptr.kind() {
        RegKind::Stack if ptr.ty.flags.0 == 0 => {
            let place = ptr.num.bits.value().cast_signed().wrapping_add(off);
            (STACK + u32::from(to_left), place.wrapping_neg())
        }
        RegKind::MapValue if ptr.ty.flags.0 == 0 => {
            let map = ptr.map().and_then(|map| Some(cx.program.map(map)?.definition(map.inner)));
            let reach = if to_left { ptr.num.smin } else { ptr.num.umax.cast_signed() };
            (map.map_or(0, |map| map.value_size), reach.wrapping_add(off))
        }
        _ => return Err(Reason::Type),
    };
    // The kernel keeps it in 32 bits.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "as the kernel does"
    )]
    let limit = limit as u32;
    if limit >= most { Err(Reason::Limit) } else { Ok(limit) }
}

fn verb(insn: &Alu) -> &'static str {
    if insn.op == AluOp::Add { "add" } else { "sub" }
}

/// `sanitize_err`
fn refuse<T>(operation: &Operation<'_>, reason: Reason) -> Check<T> {
    let insn = operation.insn;
    let dst = insn.dst.number();
    let src = register(insn.src).map_or(dst, Name::number);
    let (number, pointer) = if operation.number_is_dst { (dst, src) } else { (src, dst) };
    let op = verb(insn);
    match reason {
        Reason::Bounds => {
            reject!(
                EACCES,
                "R{number} has unknown scalar with mixed signed bounds, pointer arithmetic with it prohibited for !root"
            )
        }
        Reason::Type => {
            reject!(
                EACCES,
                "R{pointer} has pointer with unsupported alu operation, pointer arithmetic with it prohibited for !root"
            )
        }
        Reason::Paths => reject!(
            EACCES,
            "R{dst} tried to {op} from different maps, paths or scalars, pointer arithmetic with it prohibited for !root"
        ),
        Reason::Limit => {
            reject!(
                EACCES,
                "R{dst} tried to {op} beyond pointer bounds, pointer arithmetic with it prohibited for !root"
            )
        }
    }
}

/// The way that a conditional jump does not go is followed for speculation, without knowledge of what was compared
/// (`sanitize_speculative_path`).
pub(super) fn other_way(cx: &mut Cx<'_>, state: &State, jump: &Jump, to: Pc) -> Check {
    let mut other = crate::explore::fork(cx, state);
    *other.reg_mut(jump.lhs) = cx.unknown();
    if let Source::Reg(rhs) = jump.rhs {
        *other.reg_mut(rhs) = cx.unknown();
    }
    let pc = cx.pc;
    other.speculative = true;
    crate::explore::push(cx, other, to, pc, Errno::EFAULT)
}
