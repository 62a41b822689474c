//! Constants of 64 bits, and addresses of maps, values, variables and functions (`check_ld_imm`).

use btf::{Kind, Linkage, TypeId};
use isa::{Imm64, LoadImm, Pc};
use kernel_model::TypeFlags;

use super::walk::skip_modifiers;
use crate::cx::{Check, Cx, reject};
use crate::program::{MapId, Program};
use crate::state::{Detail, Reg, RegKind, RegType, State};

/// Per-CPU variables of the kernel are in this section.
const PERCPU: &str = ".data..percpu";

/// Variables of the kernel that were looked up.
pub(crate) type Variables = Vec<(TypeId, RegType, Detail)>;

/// A load of a constant or an address.
pub(super) fn load(cx: &mut Cx<'_>, state: &mut State, pc: Pc, insn: &LoadImm) -> Check {
    cx.write_reg(insn.dst)?;
    let value = match insn.value {
        Imm64::Value(value) => Reg::known(value),
        Imm64::MapFd(fd) => map(cx, i64::from(fd.0))?,
        Imm64::MapIdx(index) => map(cx, i64::from(index.0))?,
        Imm64::MapValue { map, offset } => map_value(cx, i64::from(map.0), offset)?,
        Imm64::MapIdxValue { map, offset } => map_value(cx, i64::from(map.0), offset)?,
        Imm64::BtfId { id, module } => {
            if module.0 != 0 {
                return cx.unsupported("variables of modules");
            }
            let id = TypeId(id.0.cast_unsigned());
            let known = cx.variables.iter().find(|(known, ..)| *known == id);
            let (ty, detail) = match known {
                Some((_, ty, detail)) => (*ty, *detail),
                None => {
                    let Some((ty, detail)) = variable(cx.program, id) else {
                        return cx.unsupported("a variable of the kernel without a size");
                    };
                    cx.variables.push((id, ty, detail));
                    (ty, detail)
                }
            };
            Reg::pointer(ty).with(detail)
        }
        Imm64::Func(offset) => {
            let subprog = offset.target(pc).and_then(|start| crate::cfg::subprog_at(cx, start));
            let Some(subprog) = subprog else {
                return cx.unsupported("the address of no function");
            };
            check_callback(cx.program, cx.subprogs.get(subprog as usize).map(|sub| sub.start))?;
            Reg::pointer(RegType::of(RegKind::Func)).with(Detail::Subprog(subprog))
        }
    };
    *state.reg_mut(insn.dst) = value;
    Ok(())
}

/// Functions whose address is taken are static.
fn check_callback(program: &Program<'_>, start: Option<Pc>) -> Check {
    if program.functions.is_empty() {
        reject!(EINVAL, "missing btf func_info");
    }
    let info = program.functions.iter().find(|info| Some(Pc(info.insn)) == start);
    let ty = info.and_then(|info| program.btf?.get(info.ty));
    if ty.and_then(|ty| ty.linkage()) != Some(Linkage::Static) {
        reject!(EINVAL, "callback function not static");
    }
    Ok(())
}

fn map_id(cx: &Cx<'_>, number: i64) -> Check<MapId> {
    match u32::try_from(number) {
        Ok(index) if (index as usize) < cx.program.maps.len() => Ok(MapId { index, inner: false }),
        _ => cx.unsupported(format!("map {number}")),
    }
}

fn map(cx: &Cx<'_>, number: i64) -> Check<Reg> {
    let map = map_id(cx, number)?;
    let pointer = Reg::pointer(RegType::of(RegKind::ConstMapPtr));
    Ok(pointer.with(Detail::Map { map, uid: 0 }))
}

fn map_value(cx: &Cx<'_>, number: i64, offset: u32) -> Check<Reg> {
    let map = map_id(cx, number)?;
    let detail = Detail::Map { map, uid: 0 };
    let is_arena =
        cx.program.map(map).and_then(|facts| facts.ty).is_some_and(|ty| ty.name == "arena");
    if is_arena {
        // Addresses in arenas are numbers until they are cast.
        return Ok(cx.unknown());
    }
    let pointer = Reg::pointer(RegType::of(RegKind::MapValue)).with(detail);
    Ok(Reg { off: offset.cast_signed(), ..pointer })
}

/// What the address of a variable or function of the kernel is (`check_pseudo_btf_id`).
fn variable(program: &Program<'_>, id: TypeId) -> Option<(RegType, Detail)> {
    let btf = program.kernel;
    let symbol = btf.get(id)?;
    let memory = |size| {
        let ty = RegType::with(RegKind::Mem, TypeFlags::MEM_RDONLY);
        (ty, Detail::Mem { size, dynptr: 0 })
    };
    if symbol.kind() == Kind::Func {
        return Some(memory(0));
    }
    let id_of_type = symbol.target()?;
    let structure = |flags| {
        let ty = RegType::with(RegKind::BtfId, flags);
        (ty, Detail::Btf { id: id_of_type, own: false })
    };
    let section = btf.find(PERCPU, Kind::DataSec);
    if section.is_some_and(|section| section.variables().iter().any(|one| one.ty == id)) {
        return Some(structure(TypeFlags::MEM_PERCPU));
    }
    if skip_modifiers(btf, id_of_type)?.kind().is_composite() {
        return Some(structure(TypeFlags::NONE));
    }
    Some(memory(u32::try_from(btf.size_of(id_of_type).ok()?).ok()?))
}
