//! Putting the answer to a relocation into its instruction (`bpf_core_patch_insn`).

use super::Outcome;
use crate::CoreProblem;
use crate::insn::{LD_IMM64, poison};
use isa::RawInsn;

/// `0xbad2310`, for "bad relo".
const POISON: i32 = 0x0bad_2310;

/// Changes the first of `insns` and, if it takes two slots, the second.
#[expect(clippy::cast_possible_truncation, reason = "as much of the answer as fits")]
pub(crate) fn patch(insns: &mut [RawInsn], outcome: &Outcome) -> Result<(), CoreProblem> {
    let Some(&first) = insns.first() else { return Err(CoreProblem::Malformed) };
    if outcome.poison {
        return poison_all(insns, first);
    }
    let new = outcome.new;
    let check = |found: u64| match outcome.check && found != outcome.old {
        true => Err(CoreProblem::Unexpected { found, expected: outcome.old }),
        false => Ok(()),
    };
    match first.opcode & 7 {
        // ALU and ALU64 with an immediate.
        4 | 7 if first.opcode & 8 == 0 => {
            check(i64::from(first.imm).cast_unsigned())?;
            insns[0].imm = new as i32;
        }
        // LDX, ST and STX.
        1..=3 => {
            check(i64::from(first.off).cast_unsigned())?;
            let off = i16::try_from(new).map_err(|_| CoreProblem::OffsetTooLarge(new))?;
            if outcome.resize_fails {
                return poison_all(insns, first);
            }
            insns[0].off = off;
            if outcome.new_size != outcome.old_size {
                let size = [4u32, 2, 1, 8][usize::from(first.opcode >> 3 & 3)];
                if size != outcome.old_size {
                    let (found, expected) = (size.into(), outcome.old_size.into());
                    return Err(CoreProblem::Unexpected { found, expected });
                }
                let code = match outcome.new_size {
                    4 => 0x00,
                    2 => 0x08,
                    1 => 0x10,
                    8 => 0x18,
                    other => return Err(CoreProblem::Size(other)),
                };
                insns[0].opcode = first.opcode & !0x18 | code;
            }
        }
        // A load of 64 bits.
        0 if first.opcode == LD_IMM64 => {
            let plain = |insn: &RawInsn| insn.src == 0 && insn.off == 0;
            let second = insns.get(1).copied();
            let second = second.filter(|insn| plain(insn) && insn.opcode == 0 && insn.dst == 0);
            let Some(second) = second.filter(|_| plain(&first)) else {
                return Err(CoreProblem::Insn(first.opcode));
            };
            let low = u64::from(first.imm.cast_unsigned());
            check(low | u64::from(second.imm.cast_unsigned()) << 32)?;
            insns[0].imm = new as i32;
            insns[1].imm = (new >> 32) as i32;
        }
        _ => return Err(CoreProblem::Insn(first.opcode)),
    }
    Ok(())
}

fn poison_all(insns: &mut [RawInsn], first: RawInsn) -> Result<(), CoreProblem> {
    let slots = if first.opcode == LD_IMM64 { 2 } else { 1 };
    let slots = insns.get_mut(..slots).ok_or(CoreProblem::Malformed)?;
    slots.fill(poison(POISON));
    Ok(())
}
