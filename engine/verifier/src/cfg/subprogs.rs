//! Which functions a program has, and whether they are closed (`add_subprog_and_kfunc`, `check_subprogs`).

use btf::{Kind, Linkage};
use isa::{BtfId, KfuncModule, Pc, RawInsn};

use super::Subprog;
use super::raw::{self, Call};
use crate::cx::{Check, Cx, Errno, Reject, Stop, reject};

/// As many functions as a program may have (`BPF_MAX_SUBPROGS`).
const MAX_SUBPROGS: usize = 256;

/// Finds the functions of the program and the kfuncs it calls, and looks at the targets of jumps, before the types of
/// the functions and the instructions are looked at (`add_subprog_and_kfunc`, `check_subprogs`).
pub(crate) fn find_subprogs(cx: &mut Cx<'_>) -> Check {
    add(cx, 0)?;
    for index in 0..cx.program.len() {
        let insn = cx.program.raw[index];
        let call = raw::call(insn);
        if call.is_none() && !raw::loads_function(insn) {
            continue;
        }
        if matches!(call, Some(Call::Helper(_))) {
            continue;
        }
        if !cx.program.is_bpf_capable() {
            reject!(
                EPERM,
                "loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN"
            );
        }
        cx.blame(Pc::from_index(index));
        match call {
            Some(Call::Kfunc(id)) => {
                crate::calls::kfunc::add(
                    cx,
                    Pc::from_index(index),
                    BtfId(id),
                    KfuncModule(insn.off),
                )?;
            }
            _ => add(cx, target(index, insn.imm))?,
        }
    }
    cx.blamed.clear();
    if let Some(handler) = exception_handler(cx)? {
        add(cx, handler.into())?;
        let index = super::subprog_at(cx, Pc(handler)).unwrap_or(0);
        cx.exception_callback = index;
        if let Some(subprog) = cx.subprogs.get_mut(index as usize) {
            subprog.is_cb = true;
            subprog.is_async_cb = true;
            subprog.is_exception_cb = true;
        }
    }
    name(cx);
    if cx.log.is_verbose() {
        for (index, subprog) in cx.subprogs.iter().enumerate() {
            cx.log.text.push_str(&format!("func#{index} @{}\n", subprog.start));
        }
    }
    check(cx)
}

/// The instruction that a call or the address of a function refers to.
fn target(index: usize, imm: i32) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX) + i64::from(imm) + 1
}

/// A function begins at this instruction (`add_subprog`).
fn add(cx: &mut Cx<'_>, start: i64) -> Check {
    let Some(start) =
        u32::try_from(start).ok().filter(|start| (*start as usize) < cx.program.len())
    else {
        reject!(EINVAL, "call to invalid destination");
    };
    let Err(place) = cx.subprogs.binary_search_by_key(&Pc(start), |subprog| subprog.start) else {
        return Ok(());
    };
    if cx.subprogs.len() >= MAX_SUBPROGS {
        reject!(E2BIG, "too many subprograms");
    }
    cx.subprogs.insert(place, Subprog { start: Pc(start), ..Subprog::default() });
    Ok(())
}

/// Where functions end, and what BTF calls them.
fn name(cx: &mut Cx<'_>) {
    let mut end = Pc::from_index(cx.program.len());
    for subprog in cx.subprogs.iter_mut().rev() {
        subprog.end = end;
        end = subprog.start;
        let info = cx.program.functions.iter().find(|info| info.insn == subprog.start.0);
        let ty = info.and_then(|info| cx.program.btf?.get(info.ty));
        if let Some(ty) = ty {
            ty.name().clone_into(&mut subprog.name);
            subprog.is_global = ty.linkage() == Some(Linkage::Global);
        }
    }
}

/// The function that handles exceptions (`bpf_find_exception_callback_insn_off`).
fn exception_handler(cx: &Cx<'_>) -> Check<Option<u32>> {
    let (Some(main), Some(btf)) = (cx.program.functions.first(), cx.program.btf) else {
        return Ok(None);
    };
    let tags: Vec<&str> = btf
        .own_types()
        .filter(|tag| {
            tag.kind() == Kind::DeclTag
                && tag.target() == Some(main.ty)
                && tag.component().is_none()
        })
        .filter_map(|tag| tag.name().strip_prefix("exception_callback:"))
        .collect();
    let name = match tags[..] {
        [] => return Ok(None),
        [name] => name,
        _ => {
            return Err(Stop::Reject(Box::new(Reject {
                // `EEXIST`
                errno: Errno(-17),
                message: "multiple exception callback tags for main subprog".to_owned(),
            })));
        }
    };
    let Some(function) = btf.find(name, Kind::Func) else {
        reject!(ENOENT, "exception callback '{name}' could not be found in BTF");
    };
    if function.linkage() != Some(Linkage::Global) {
        reject!(EINVAL, "exception callback '{name}' must have global linkage");
    }
    let info = cx.program.functions.iter().rev().find(|info| info.ty == function.id());
    match info.map(|info| info.insn) {
        Some(0) => reject!(EINVAL, "invalid exception callback insn_off in func_info: 0"),
        Some(insn) => Ok(Some(insn)),
        None => reject!(EINVAL, "exception callback type id not found in func_info"),
    }
}

/// Functions are closed: no jump leaves them, and their ends do not lead out of them (`check_subprogs`).
fn check(cx: &mut Cx<'_>) -> Check {
    let program = cx.program;
    for subprog in &mut cx.subprogs {
        let (start, end) = (subprog.start.index(), subprog.end.index());
        for index in start..end {
            let insn = program.raw[index];
            note(subprog, insn);
            if let Some(offset) = raw::jump_offset(insn) {
                let to = target(index, offset);
                let within = i64::from(subprog.start.0)..i64::from(subprog.end.0);
                if !within.contains(&to) {
                    reject!(EINVAL, "jump out of range from insn {index} to {to}");
                }
            }
        }
        let closes = end.checked_sub(1).is_some_and(|last| raw::ends_function(program.raw[last]));
        if !closes {
            cx.blame(Pc::from_index(end.saturating_sub(1)));
            reject!(EINVAL, "last insn is not an exit or jmp");
        }
    }
    Ok(())
}

fn note(subprog: &mut Subprog, insn: RawInsn) {
    if raw::call(insn) == Some(Call::Helper(raw::TAIL_CALL)) {
        subprog.has_tail_call = true;
        subprog.tail_call_reachable = true;
    }
    subprog.has_ld_abs |= raw::loads_packet(insn);
}
