//! Objects the program allocates, and the lists and trees they are in.

use isa::{Callee, Insn, Pc, Reg};
use kernel_model::TypeFlags;

use crate::calls::kfunc::{Kfunc, Meta, Special, field, types};
use crate::calls::{lock, refs};
use crate::cx::{Check, Cx, reject};
use crate::memory::{self, FieldKind, GraphRoot, Pointee};
use crate::program::Program;
use crate::state::{Detail, Frame, Reg as RegState, RegKind, RegType, State};

/// The register points to an object that the program does not own (`type_is_non_owning_ref`).
pub(crate) fn is_non_owning(reg: &RegState) -> bool {
    is_allocated(reg) && reg.ty.has(TypeFlags::NON_OWN_REF)
}

/// The register points to an object that the program allocated (`type_is_ptr_alloc_obj`).
pub(crate) fn is_allocated(reg: &RegState) -> bool {
    reg.kind() == RegKind::BtfId && reg.ty.has(TypeFlags::MEM_ALLOC)
}

/// The type of the object that a register points to.
pub(super) fn object(reg: &RegState) -> Option<Pointee> {
    match reg.detail {
        Detail::Btf { id, own } => Some(Pointee { id, own }),
        _ => None,
    }
}

/// References that the program does not own end with the lock that protects them (`invalidate_non_owning_refs`).
pub(crate) fn invalidate_non_owning(cx: &Cx<'_>, state: &mut State) {
    let invalid = cx.invalid();
    state.each_reg(|reg| {
        if is_non_owning(reg) {
            *reg = invalid;
        }
    });
}

/// The comparison of a tree runs, with the lock of the tree held (`in_rbtree_lock_required_cb`).
pub(crate) fn in_tree_callback(cx: &Cx<'_>, state: &State) -> bool {
    let frame = state.frame();
    if state.frames.len() < 2 || !frame.in_callback {
        return false;
    }
    match frame.callsite.and_then(|pc| cx.program.insn(pc)) {
        Some(Insn::Call(Callee::Kfunc { id, .. })) => {
            let special = cx.kfuncs.get(*id).and_then(|kfunc| kfunc.special);
            special.is_some_and(Special::is_tree)
        }
        _ => false,
    }
}

/// A node of a list or tree (`mark_reg_graph_node`).
pub(super) fn node_register(root: GraphRoot) -> RegState {
    let pointer = RegState::pointer(RegType::with(RegKind::BtfId, TypeFlags::MEM_ALLOC));
    let off = i32::try_from(root.node_offset).unwrap_or(i32::MAX);
    RegState { off, ..pointer.with(Detail::Btf { id: root.object, own: true }) }
}

/// The program does not own the object any more, or never did (`ref_set_non_owning`).
pub(super) fn set_non_owning(program: &Program<'_>, locked: bool, reg: &mut RegState) {
    // The kernel only warns where this cannot be, and leaves the register as it is.
    if !locked || reg.ty.has(TypeFlags::NON_OWN_REF) {
        return;
    }
    reg.ty = reg.ty.plus(TypeFlags::NON_OWN_REF);
    let record = object(reg).filter(|object| object.own);
    let record = record.and_then(|object| program.records.of(object.id));
    if field::offset_of(record, FieldKind::Refcount).is_some() {
        reg.ty = reg.ty.plus(TypeFlags::MEM_RCU);
    }
}

/// The object in R2 was put into a list or tree, which owns it from now on: pointers to it stay, but are not owning
/// (`ref_convert_owning_non_owning` and `release_reference` in `check_kfunc_call`).
pub(super) fn give_to_collection(cx: &mut Cx<'_>, state: &mut State) -> Check {
    let reference = state.reg(Reg::R2).ref_obj_id;
    if reference == 0 || !state.refs.iter().any(|held| held.id == reference) {
        return cx.unsupported("a node that is not owned");
    }
    let program = cx.program;
    let locked = state.active_locks > 0;
    state.each_reg(|reg| {
        if reg.ref_obj_id == reference {
            reg.ref_obj_id = 0;
            set_non_owning(program, locked, reg);
        }
    });
    refs::release(cx, state, reference);
    Ok(())
}

/// The head of a list or the root of a tree as an argument (`__process_kf_arg_ptr_to_graph_root`).
pub(super) fn root(
    cx: &Cx<'_>,
    state: &State,
    number: Reg,
    is_list: bool,
    kfunc: &Kfunc<'_>,
    meta: &mut Meta,
) -> Check {
    let reg = state.reg(number);
    let name = if is_list { "bpf_list_head" } else { "bpf_rb_root" };
    let special = kfunc.special;
    let fits =
        special.is_some_and(|special| if is_list { special.is_list() } else { special.is_tree() });
    if !fits {
        reject!(EFAULT, "verifier internal error: {name} head arg for unknown kfunc");
    }
    let offset = constant_offset(number, reg, name)?;
    let record = memory::record_of(cx.program, reg);
    let found = record.and_then(|record| {
        let at = record.fields.iter().find(|field| i64::from(field.offset) == offset)?;
        match at.kind {
            FieldKind::ListHead(root) if is_list => Some(root),
            FieldKind::RbRoot(root) if !is_list => Some(root),
            _ => None,
        }
    });
    let Some(found) = found else {
        reject!(EINVAL, "{name} not found at offset={}", shown(offset))
    };
    if let Err(said) = lock::check_protected(state, reg) {
        let said = if said.is_empty() { String::new() } else { format!("{said}\n") };
        let lock = field::offset_of(record, FieldKind::SpinLock).map_or(-1, i64::from);
        reject!(EINVAL, "{said}bpf_spin_lock at off={lock} must be held for {name}");
    }
    let place = if is_list { &mut meta.list } else { &mut meta.tree };
    if place.is_some() {
        reject!(EFAULT, "verifier bug: repeating {name} arg");
    }
    *place = Some(found);
    Ok(())
}

/// A node of a list or tree as an argument (`__process_kf_arg_ptr_to_graph_node`).
pub(super) fn node(
    cx: &Cx<'_>,
    number: Reg,
    reg: &RegState,
    is_list: bool,
    kfunc: &Kfunc<'_>,
    meta: &mut Meta,
) -> Check {
    let (root_name, name) =
        if is_list { ("bpf_list_head", "bpf_list_node") } else { ("bpf_rb_root", "bpf_rb_node") };
    use Special as S;
    let fits = match kfunc.special {
        Some(S::ListPushFront | S::ListPushBack) => is_list,
        Some(S::RbtreeRemove | S::RbtreeAdd | S::RbtreeLeft | S::RbtreeRight) => !is_list,
        _ => false,
    };
    if !fits {
        reject!(EFAULT, "verifier internal error: {name} node arg for unknown kfunc");
    }
    let offset = constant_offset(number, reg, name)?;
    let kind = if is_list { FieldKind::ListNode } else { FieldKind::RbNode };
    let fields = memory::record_of(cx.program, reg).map_or(&[][..], |record| &record.fields);
    if !fields.iter().any(|field| i64::from(field.offset) == offset && field.kind == kind) {
        reject!(EINVAL, "{name} not found at offset={}", shown(offset));
    }
    let root = if is_list { meta.list } else { meta.tree };
    let (Some(root), Some(given)) = (root, object(reg)) else {
        return cx.unsupported("a node without a collection");
    };
    let wanted = Pointee { id: root.object, own: true };
    let type_name = |pointee| types::of_pointee(cx.program, pointee).map_or("", |ty| ty.name());
    let there = root.node_offset;
    if types::matches(cx, given, 0, wanted, true).is_err() {
        reject!(
            EINVAL,
            "operation on {root_name} expects arg#1 {name} at offset={there} in struct {}, but arg is at offset={offset} in struct {}",
            type_name(wanted),
            type_name(given)
        );
    }
    meta.object = Some(given);
    if offset != i64::from(there) {
        reject!(
            EINVAL,
            "arg#1 offset={offset}, but expected {name} at offset={there} in struct {}",
            type_name(wanted)
        );
    }
    Ok(())
}

fn constant_offset(number: Reg, reg: &RegState, name: &str) -> Check<i64> {
    if reg.num.bits.as_constant().is_none() {
        reject!(
            EINVAL,
            "R{} doesn't have constant offset. {name} has to be at the constant offset",
            number.number()
        );
    }
    Ok(field::offset_in(reg))
}

/// Offsets are printed as unsigned numbers of 32 bits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as the kernel prints them"
)]
fn shown(offset: i64) -> u32 {
    offset as u32
}

/// The registers of the comparison of a tree: two nodes that it does not own (`set_rbtree_add_callback_state`).
pub(super) fn set_comparison(
    cx: &mut Cx<'_>,
    caller: &Frame,
    callee: &mut Frame,
    _pc: Pc,
) -> Check {
    let tree = caller.reg(Reg::R1);
    let record = memory::record_of(cx.program, tree);
    let root = record.and_then(|record| {
        record.fields.iter().find_map(|field| match field.kind {
            FieldKind::RbRoot(root) if i64::from(field.offset) == i64::from(tree.off) => Some(root),
            _ => None,
        })
    });
    let Some(root) = root else { reject!(EFAULT, "") };
    let mut node = node_register(root);
    set_non_owning(cx.program, true, &mut node);
    *callee.reg_mut(Reg::R1) = node;
    *callee.reg_mut(Reg::R2) = node;
    for unused in [Reg::R3, Reg::R4, Reg::R5] {
        *callee.reg_mut(unused) = RegState::NOT_INIT;
    }
    callee.in_callback = true;
    callee.callback_returns = Some((0, 1));
    Ok(())
}
