//! Reading and writing registers as operands (`check_reg_arg`).

use isa::{Imm, Reg as RegName, Source, Width};

use super::Bounds;
use crate::cx::{Check, Cx, reject};
use crate::state::{Reg, State};

/// The register is read: it must have been written before.
pub(crate) fn read(_cx: &mut Cx<'_>, state: &State, reg: RegName) -> Check {
    if state.reg(reg).ty.kind == crate::state::RegKind::NotInit {
        reject!(EACCES, "R{} !read_ok", reg.number());
    }
    Ok(())
}

/// The register is written: it must not be the frame pointer. What it holds is for the caller.
pub(crate) fn write(_cx: &mut Cx<'_>, reg: RegName) -> Check {
    if reg == RegName::R10 {
        reject!(EACCES, "frame pointer is read only");
    }
    Ok(())
}

/// Any number, as the kernel knows it at first: without privileges, all numbers are exact (`__mark_reg_unknown`).
pub(crate) fn unknown(cx: &Cx<'_>) -> Reg {
    Reg { precise: !cx.program.options.privileged, ..Reg::unknown() }
}

/// A pointer that must not be seen by the program (`is_pointer_value`).
pub(crate) fn is_secret(cx: &Cx<'_>, reg: &Reg) -> bool {
    !cx.program.options.privileged && !reg.is_scalar()
}

/// The number that a constant is to an operation on the whole register.
pub(super) fn immediate(imm: Imm) -> Bounds {
    Bounds::constant(imm.to_u64())
}

/// The register of an operand, if it is one.
pub(super) fn register(source: Source) -> Option<RegName> {
    match source {
        Source::Reg(reg) => Some(reg),
        Source::Imm(_) => None,
    }
}

/// Contradicting views are forgotten (`reg_bounds_sanity_check`), which the kernel also reports.
pub(super) fn settle(cx: &mut Cx<'_>, num: &mut Bounds, place: &str) {
    if num.is_consistent() {
        return;
    }
    if cx.log.is_on() {
        let text = violation(num, place);
        cx.log.text.push_str(&text);
    }
    num.forget_ranges();
}

fn violation(num: &Bounds, place: &str) -> String {
    let what = if num.umin > num.umax
        || num.smin > num.smax
        || num.u32_min > num.u32_max
        || num.s32_min > num.s32_max
    {
        "range bounds violation"
    } else {
        let one = num.as_constant().map(Bounds::constant);
        if one.is_some_and(|one| {
            (num.umin, num.umax, num.smin, num.smax) != (one.umin, one.umax, one.smin, one.smax)
        }) {
            "const tnum out of sync with range bounds"
        } else {
            "const subreg tnum out of sync with range bounds"
        }
    };
    format!(
        "verifier bug: REG INVARIANTS VIOLATION ({place}): {what} u64=[{:#x}, {:#x}] s64=[{:#x}, {:#x}] \
         u32=[{:#x}, {:#x}] s32=[{:#x}, {:#x}] var_off=({:#x}, {:#x})\n",
        num.umin,
        num.umax,
        num.smin,
        num.smax,
        num.u32_min,
        num.u32_max,
        num.s32_min,
        num.s32_max,
        num.bits.value(),
        num.bits.mask(),
    )
}

/// The number of bits of a register in use (`get_reg_width`).
pub(super) fn fits(num: &Bounds, width: Width) -> bool {
    64 - num.umax.leading_zeros() <= width.bits()
}
