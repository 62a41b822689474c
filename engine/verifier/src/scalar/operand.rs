//! Reading and writing registers as operands (`check_reg_arg`).

use isa::{Imm, Reg as RegName, Source, Width};

use super::Bounds;
use crate::cx::Cx;

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
