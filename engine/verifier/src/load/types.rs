//! Types of functions and lines, which must fit the program.

use btf::{Btf, Kind, Linkage, Type, TypeId};
use isa::Pc;

use crate::cx::{Check, Cx, reject};

/// The functions' types, before the program is looked at (`check_btf_info_early`).
pub(super) fn check_early(cx: &Cx<'_>) -> Check {
    let program = cx.program;
    let Some(btf) = program.btf else { return Ok(()) };
    let mut previous = 0;
    for (index, info) in program.functions.iter().enumerate() {
        if index == 0 && info.insn != 0 {
            reject!(EINVAL, "nonzero insn_off {} for the first func info record", info.insn);
        }
        if index > 0 && info.insn <= previous {
            reject!(
                EINVAL,
                "same or smaller insn offset ({}) than previous func info record ({previous})",
                info.insn
            );
        }
        let Some(function) = btf.get(info.ty).filter(|ty| ty.kind() == Kind::Func) else {
            reject!(EINVAL, "invalid type id {} in func info", info.ty.0.cast_signed());
        };
        if proto_of(btf, function).is_none() {
            reject!(EINVAL, "");
        }
        previous = info.insn;
    }
    Ok(())
}

/// The functions' types and the lines, once the functions are known (`check_btf_info`).
pub(super) fn check(cx: &mut Cx<'_>) -> Check {
    let program = cx.program;
    if program.functions.is_empty() {
        check_abnormal_return(cx)?;
        if program.lines.is_empty() {
            return Ok(());
        }
    } else {
        check_functions(cx)?;
    }
    check_lines(cx)
}

/// Instructions that end the program are only for functions whose result is known to be a number
/// (`check_abnormal_return`).
fn check_abnormal_return(cx: &mut Cx<'_>) -> Check {
    for index in 1..cx.subprogs.len() {
        cx.blame(cx.subprogs[index].start);
        let subprog = &cx.subprogs[index];
        if subprog.has_ld_abs {
            reject!(EINVAL, "LD_ABS is not allowed in subprogs without BTF");
        }
        if subprog.has_tail_call {
            reject!(EINVAL, "tail_call is not allowed in subprogs without BTF");
        }
    }
    cx.blamed.clear();
    Ok(())
}

/// `check_btf_func`; also says which functions are global.
fn check_functions(cx: &mut Cx<'_>) -> Check {
    let program = cx.program;
    let Some(btf) = program.btf else { return Ok(()) };
    if program.functions.len() != cx.subprogs.len() {
        reject!(EINVAL, "number of funcs in func_info doesn't match number of subprogs");
    }
    for (index, info) in program.functions.iter().enumerate() {
        let Some(subprog) = cx.subprogs.get_mut(index) else { break };
        if subprog.start.0 != info.insn {
            reject!(EINVAL, "func_info BTF section doesn't match subprog layout in BPF program");
        }
        let Some(function) = btf.get(info.ty) else { continue };
        subprog.is_global = function.linkage() == Some(Linkage::Global);
        function.name().clone_into(&mut subprog.name);
        let result = proto_of(btf, function).and_then(|proto| proto.target());
        let gives_number = result.is_some_and(|id| is_number(btf, id));
        let (has_ld_abs, has_tail_call) = (subprog.has_ld_abs, subprog.has_tail_call);
        cx.blame(Pc(info.insn));
        if index > 0 && !gives_number && has_ld_abs {
            reject!(EINVAL, "LD_ABS is only allowed in functions that return 'int'.");
        }
        if index > 0 && !gives_number && has_tail_call {
            reject!(EINVAL, "tail_call is only allowed in functions that return 'int'.");
        }
    }
    cx.blamed.clear();
    Ok(())
}

/// The prototype of a function.
fn proto_of<'b>(btf: &'b Btf<'_>, function: Type<'b>) -> Option<Type<'b>> {
    btf.get(function.target()?).filter(|ty| ty.kind() == Kind::FuncProto)
}

/// An enumeration, or an integer of at most 8 bytes (`btf_type_is_small_int`, `btf_is_any_enum`).
fn is_number(btf: &Btf<'_>, id: TypeId) -> bool {
    let Some(ty) = btf.resolve(id) else { return false };
    ty.kind().is_enum() || ty.kind() == Kind::Int && ty.size().is_some_and(|size| size <= 8)
}

/// `check_btf_line`.
fn check_lines(cx: &Cx<'_>) -> Check {
    let program = cx.program;
    if program.lines.is_empty() {
        return Ok(());
    }
    let length = program.len();
    let mut previous = 0;
    let mut subprogs = cx.subprogs.iter().enumerate().peekable();
    for (index, line) in program.lines.iter().enumerate() {
        let insn = line.insn;
        let slot = program.raw.get(insn as usize);
        if index > 0 && insn <= previous || slot.is_none() {
            reject!(
                EINVAL,
                "Invalid line_info[{index}].insn_off:{insn} (prev_offset:{previous} prog->len:{length})"
            );
        }
        if slot.is_some_and(|slot| slot.opcode == 0) {
            reject!(EINVAL, "Invalid insn code at line_info[{index}].insn_off");
        }
        if let Some(&(number, subprog)) = subprogs.peek() {
            if subprog.start.0 == insn {
                subprogs.next();
            } else if subprog.start.0 < insn {
                reject!(EINVAL, "missing bpf_line_info for func#{number}");
            }
        }
        previous = insn;
    }
    if let Some(&(number, _)) = subprogs.peek() {
        let left = cx.subprogs.len() - number;
        reject!(EINVAL, "missing bpf_line_info for {left} funcs starting from func#{number}");
    }
    Ok(())
}
