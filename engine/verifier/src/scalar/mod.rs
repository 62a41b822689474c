//! Numbers and arithmetic: ranges and bits, what an operator does to them, what a comparison tells.

mod alu;
mod arith;
mod bounds;
#[cfg(test)]
mod code_tests;
mod compare;
mod jump;
#[cfg(test)]
mod kernel_tests;
mod linked;
mod null;
pub(crate) mod operand;
mod packet;
mod pointer;
pub(crate) mod sanitize;
#[cfg(test)]
mod tests;

pub(crate) use alu::identify;
pub use bounds::Bounds;
pub(crate) use jump::jump;
pub(crate) use null::{is_trusted, mark_not_null};

use isa::{Fd, FdIndex, Imm64, Insn, Pc};

use crate::cx::{Check, Cx};
use crate::program::MapId;
use crate::state::State;

/// Arithmetic, moves, negations, byte swaps and address space casts (`check_alu_op`).
pub(crate) fn alu(cx: &mut Cx<'_>, state: &mut State, _pc: Pc, insn: &Insn) -> Check {
    alu::alu(cx, state, insn)
}

/// The map that a load of 64 bits refers to, if it refers to one.
pub(crate) fn map_of_load(cx: &Cx<'_>, pc: Pc) -> Option<MapId> {
    let Insn::LoadImm(load) = cx.program.insn(pc)? else { return None };
    match load.value {
        Imm64::MapFd(Fd(number))
        | Imm64::MapValue { map: Fd(number), .. }
        | Imm64::MapIdx(FdIndex(number))
        | Imm64::MapIdxValue { map: FdIndex(number), .. } => {
            Some(MapId { index: u32::try_from(number).ok()?, inner: false })
        }
        Imm64::Value(_) | Imm64::BtfId { .. } | Imm64::Func(_) => None,
    }
}

/// The map is of the type with this name.
pub(crate) fn is_map_of(cx: &Cx<'_>, map: MapId, name: &str) -> bool {
    cx.program.map(map).is_some_and(|facts| {
        let number = facts.definition(map.inner).map_type;
        kernel_model::map_type_by_id(number).is_some_and(|ty| ty.name == name)
    })
}
