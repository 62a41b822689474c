//! Calls of kfuncs on states made by hand, within a program of the corpus.

use btf::Kind;
use isa::{BtfId, Callee, KfuncModule, Pc, Reg};
use kernel_model::{AttachType, KfuncFlags, ProgramType, TypeFlags, program_types};

use super::table::{Kfunc, Takes};
use super::{add, call, types};
use crate::calls::{dynptr, lock};
use crate::cx::{Check, Cx, Next, Stop};
use crate::memory::FieldKind;
use crate::program::{MapId, Program};
use crate::state::{
    Detail, DynptrKind, IterState, RefKind, Reg as RegState, RegKind, RegType, SlotKind, StackSlot,
    State,
};
use crate::testing::{self, corpus, linked, options};

const PC: Pc = Pc(0);

/// Runs a test within a program of `tests/corpus/objects/owned.bpf.o`, taken for one of the type given.
fn within(ty: &'static ProgramType, sleepable: bool, test: impl FnOnce(&mut Cx<'_>, &mut State)) {
    let object = corpus("objects/owned");
    let linked = linked(&object);
    let found = linked.programs.first().expect("a program");
    let mut program = Program::new(&linked, found, testing::types(), options());
    program.ty = Some(ty);
    program.attach = match ty.name {
        "kprobe" => Some(AttachType::TraceKprobeSession),
        "tracing" => Some(AttachType::TraceIter),
        _ => None,
    };
    program.sleepable = sleepable;
    let mut cx = Cx::new(&program);
    let mut state = State::new(0, PC);
    state.in_sleepable = sleepable;
    test(&mut cx, &mut state);
}

fn in_tc(test: impl FnOnce(&mut Cx<'_>, &mut State)) {
    let tc = kernel_model::program_type("sched_cls").expect("a type of programs");
    within(tc, false, test);
}

fn id_of(cx: &Cx<'_>, name: &str) -> BtfId {
    let function = cx.program.kernel.find(name, Kind::Func).expect("a kfunc of the kernel");
    BtfId(function.id().0.cast_signed())
}

fn call_named(cx: &mut Cx<'_>, state: &mut State, name: &str) -> Check<Next> {
    let id = id_of(cx, name);
    add(cx, PC, id, KfuncModule(0))?;
    let callee = Callee::Kfunc { id, module: KfuncModule(0) };
    lock::check_call(cx, state, callee)?;
    call(cx, state, PC, id, KfuncModule(0))
}

fn words<T>(checked: Check<T>) -> String {
    match checked {
        Ok(_) => "fine".to_owned(),
        Err(Stop::Reject(reject)) => format!("{} {}", reject.errno.0, reject.message),
        Err(Stop::Unsupported(what)) => format!("unsupported: {what}"),
    }
}

fn pointer(kind: RegKind) -> RegState {
    RegState::pointer(RegType::of(kind))
}

fn stack(off: i32) -> RegState {
    RegState { off, ..pointer(RegKind::Stack) }
}

/// A pointer to a structure of the kernel.
fn structure(cx: &Cx<'_>, name: &str, flags: TypeFlags) -> RegState {
    let ty = cx.program.kernel.find(name, Kind::Struct).expect("a structure of the kernel");
    let detail = Detail::Btf { id: ty.id(), own: false };
    RegState::pointer(RegType::with(RegKind::BtfId, flags)).with(detail)
}

/// The first map whose values have a field like this, and the field's offset.
fn map_with(cx: &Cx<'_>, is: impl Fn(FieldKind) -> bool) -> (MapId, i32) {
    let found = cx.program.maps.iter().enumerate().find_map(|(index, facts)| {
        let field = facts.record.fields.iter().find(|field| is(field.kind))?;
        Some((MapId { index: u32::try_from(index).ok()?, inner: false }, field.offset))
    });
    let (map, offset) = found.expect("such a map");
    (map, i32::try_from(offset).expect("small"))
}

fn value_of(map: MapId, off: i32) -> RegState {
    RegState { off, ..pointer(RegKind::MapValue).with(Detail::Map { map, uid: 0 }) }
}

/// An argument as it should be; `None` where it takes more than one register to make it.
fn natural(
    cx: &mut Cx<'_>,
    state: &mut State,
    kfunc: &Kfunc<'_>,
    index: usize,
) -> Option<RegState> {
    let param = kfunc.params.get(index)?;
    if param.is_scalar() {
        // What must be exact is followed back along a path, which a state made by hand does not have.
        use kernel_model::KfuncSuffix::{ConstSize, Constant, Size};
        let exact = matches!(param.suffix, Some(Size | ConstSize | Constant));
        return (!exact).then(|| RegState::known(8));
    }
    let depth = 64 * i32::try_from(index).ok()? + 64;
    let releases = kfunc.has(KfuncFlags::RELEASE);
    match param.takes {
        Some(Takes::Ctx) => Some(pointer(RegKind::Ctx)),
        Some(Takes::Dynptr) => {
            let made = param.has(kernel_model::KfuncSuffix::Uninit);
            if !made {
                put_dynptr(cx, state, depth);
            }
            Some(stack(-depth))
        }
        Some(Takes::Iter) if kfunc.has(KfuncFlags::ITER_NEW) => Some(stack(-depth)),
        Some(Takes::IrqFlag) => Some(stack(-depth)),
        Some(_) => None,
        None => {
            let pointee = param.pointee?;
            if param.has(kernel_model::KfuncSuffix::Ignore) || pointee.kind() == Kind::FuncProto {
                return None;
            }
            let scalars = types::is_scalar(pointee)
                || types::scalar_struct(cx.program.kernel, pointee, 0).is_ok();
            if !pointee.kind().is_composite() || (scalars && !releases) {
                let slots = usize::try_from(depth / 8).ok()?;
                state.frame_mut().grow_stack(slots);
                let size = cx.program.kernel.size_of(pointee.id()).unwrap_or(1);
                return (size <= 64).then(|| stack(-depth));
            }
            let mut reg = RegState::pointer(RegType::with(RegKind::BtfId, TypeFlags::PTR_TRUSTED))
                .with(Detail::Btf { id: pointee.id(), own: false });
            if releases {
                reg.ref_obj_id = crate::calls::refs::acquire(cx, state, RefKind::Ptr, PC);
                reg.ty = RegType::of(RegKind::BtfId);
            }
            Some(reg)
        }
    }
}

fn put_dynptr(cx: &mut Cx<'_>, state: &mut State, depth: i32) {
    let id = cx.new_id();
    let slot = usize::try_from(depth / 8 - 1).expect("on the stack");
    state.frame_mut().grow_stack(slot + 1);
    for (slot, first) in [(slot, true), (slot - 1, false)] {
        let spilled = dynptr::register(DynptrKind::Local, first, id);
        state.frame_mut().stack[slot] = StackSlot { kinds: [SlotKind::Dynptr; 8], spilled };
    }
}

/// Every kfunc of the kernel that natural arguments can be made for is taken by some type of program with them, and by
/// programs of other types it is refused.
#[test]
fn kfuncs_take_what_they_declare() {
    let mut tried = 0;
    let mut failed = Vec::new();
    for ty in program_types() {
        within(ty, true, |cx, _| {
            for (function, row) in kernel_model::kfuncs().filter(|(_, row)| row.in_snapshot) {
                let name = function.name;
                let Some(found) = cx.program.kernel.find(name, Kind::Func) else { continue };
                let id = BtfId(found.id().0.cast_signed());
                if add(cx, PC, id, KfuncModule(0)).is_err() {
                    continue;
                }
                let kfunc = std::rc::Rc::clone(cx.kfuncs.get(id).expect("it was added"));
                let mut state = State::new(0, PC);
                state.in_sleepable = true;
                state.active_rcu_locks = u32::from(row.flags.contains(KfuncFlags::RCU_PROTECTED));
                let regs: Option<Vec<_>> = (0..kfunc.params.len())
                    .map(|index| natural(cx, &mut state, &kfunc, index))
                    .collect();
                let Some(regs) = regs.filter(|regs| regs.len() <= 5) else { continue };
                for (index, reg) in regs.into_iter().enumerate() {
                    state.frame_mut().regs[index + 1] = reg;
                }
                let found = words(call(cx, &mut state, PC, id, KfuncModule(0)));
                let refused = format!("-13 calling kernel function {name} is not allowed");
                if kfunc.allowed == super::Allowed::No {
                    assert_eq!(found, refused);
                    continue;
                }
                let unpaired =
                    ["bpf_rcu_read_unlock", "bpf_preempt_enable", "bpf_local_irq_restore"];
                let special =
                    unpaired.contains(&name) || name == "__bpf_trap" || name == "bpf_throw";
                if special || kfunc.special.is_some_and(super::Special::is_res_spin_lock) {
                    continue;
                }
                let by_type = match name {
                    "bpf_cast_to_kern_ctx" => found == "fine" || has_no_context(cx, &found),
                    _ => found == "fine",
                };
                if !by_type {
                    failed.push(format!("{name} in {}: {found}", ty.name));
                }
                tried += 1;
            }
        });
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(tried > 900, "{tried}");
}

/// The context of some types of programs is no structure; the kernel of the corpus knows nothing of infrared receivers.
fn has_no_context(cx: &Cx<'_>, found: &str) -> bool {
    found.starts_with("-22 kern ctx type id") || cx.program.type_name() == "lirc_mode2"
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    let scalar = RegState::known(1);
    let null = RegState::known(0);
    type Make = fn(&Cx<'_>) -> RegState;
    let task: Make = |cx| structure(cx, "task_struct", TypeFlags::NONE);
    let trusted: Make = |cx| structure(cx, "task_struct", TypeFlags::PTR_TRUSTED);
    let rcu: Make = |cx| structure(cx, "task_struct", TypeFlags::MEM_RCU);
    let rcu_or_null: Make = |cx| {
        let flags = TypeFlags::MEM_RCU.union(TypeFlags::PTR_MAYBE_NULL);
        structure(cx, "task_struct", flags)
    };
    let cgroup: Make = |cx| structure(cx, "cgroup", TypeFlags::PTR_TRUSTED);
    let socket: Make = |_| pointer(RegKind::Socket);
    let table: &[(&str, Make, &str)] = &[
        ("bpf_task_acquire", trusted, "fine"),
        ("bpf_task_acquire", rcu, "fine"),
        ("bpf_task_acquire", task, "-22 R1 must be a rcu pointer"),
        ("bpf_task_acquire", rcu_or_null, "-13 Possibly NULL pointer passed to trusted arg0"),
        ("bpf_task_release", task, "-22 R1 must be referenced or trusted"),
        (
            "bpf_task_release",
            trusted,
            "-22 release kernel function bpf_task_release expects refcounted PTR_TO_BTF_ID",
        ),
        (
            "bpf_cgroup_release",
            socket,
            "-22 kernel function bpf_cgroup_release args#0 expected pointer to STRUCT cgroup but R1 has a pointer to STRUCT sock",
        ),
        (
            "bpf_key_put",
            cgroup,
            "-22 kernel function bpf_key_put args#0 expected pointer to STRUCT bpf_key but R1 has a pointer to STRUCT cgroup",
        ),
        ("bpf_task_from_pid", trusted, "-22 R1 is not a scalar"),
    ];
    for (name, make, expected) in table {
        in_tc(|cx, state| {
            *state.reg_mut(Reg::R1) = make(cx);
            let found = words(call_named(cx, state, name));
            assert!(found.ends_with(expected.trim_start_matches("-22 ")), "{name}: {found}");
        });
    }
    let table = [
        ("bpf_task_acquire", null, "-13 Possibly NULL pointer passed to trusted arg0"),
        (
            "bpf_task_acquire",
            scalar,
            "-22 arg#0 pointer type STRUCT task_struct must point to scalar, or struct with scalar",
        ),
        (
            "bpf_dynptr_size",
            scalar,
            "-22 arg#0 expected pointer to stack or const struct bpf_dynptr",
        ),
        ("bpf_dynptr_size", stack(-16), "-22 Expected an initialized dynptr as arg #0"),
        ("bpf_iter_num_next", scalar, "-22 arg#0 expected pointer to an iterator on stack"),
        ("bpf_iter_num_next", stack(-8), "-22 expected an initialized iter_num as arg #0"),
        (
            "bpf_iter_num_new",
            stack(-4),
            "-22 cannot pass in iter at an offset=-4\nexpected uninitialized iter_num as arg #0",
        ),
        ("bpf_local_irq_restore", stack(-8), "-22 expected an initialized irq flag as arg#0"),
        ("bpf_local_irq_restore", scalar, "-22 arg#0 doesn't point to an irq flag on stack"),
        ("bpf_obj_drop_impl", scalar, "-22 R1 must be referenced or trusted"),
        (
            "bpf_list_pop_front",
            scalar,
            "-22 arg#0 expected pointer to map value or allocated object",
        ),
        ("bpf_rbtree_first", scalar, "-22 arg#0 expected pointer to map value or allocated object"),
        ("bpf_wq_start", scalar, "-22 arg#0 doesn't point to a map value"),
        ("bpf_res_spin_lock", scalar, "-22 arg#0 doesn't point to map value or allocated object"),
        (
            "bpf_rcu_read_unlock",
            scalar,
            "-22 unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)",
        ),
        (
            "bpf_preempt_enable",
            scalar,
            "-22 unmatched attempt to enable preemption (kernel function bpf_preempt_enable)",
        ),
        ("__bpf_trap", scalar, "-14 unexpected __bpf_trap() due to uninitialized variable?"),
    ];
    for (name, reg, expected) in table {
        in_tc(|cx, state| {
            *state.reg_mut(Reg::R1) = reg;
            *state.reg_mut(Reg::R2) = scalar;
            *state.reg_mut(Reg::R3) = scalar;
            assert_eq!(words(call_named(cx, state, name)), expected, "{name}");
        });
    }
}

#[test]
fn iterators_are_made_and_ended() {
    in_tc(|cx, state| {
        for reg in [Reg::R2, Reg::R3] {
            *state.reg_mut(reg) = RegState::known(1);
        }
        *state.reg_mut(Reg::R1) = stack(-8);
        assert_eq!(words(call_named(cx, state, "bpf_iter_num_new")), "fine");
        let made = state.frame().stack[0];
        assert_eq!(made.kinds, [SlotKind::Iter; 8]);
        assert!(matches!(
            made.spilled.detail,
            Detail::Iter { state: IterState::Active, depth: 0, .. }
        ));
        assert!(state.holds(made.spilled.ref_obj_id));
        for reg in [Reg::R2, Reg::R3] {
            *state.reg_mut(reg) = RegState::known(1);
        }
        *state.reg_mut(Reg::R1) = stack(-8);
        let again = words(call_named(cx, state, "bpf_iter_num_new"));
        assert_eq!(again, "-22 expected uninitialized iter_num as arg #0");
        *state.reg_mut(Reg::R1) = stack(-8);
        let other = words(call_named(cx, state, "bpf_iter_bits_destroy"));
        assert_eq!(
            other,
            "-22 cannot pass in iter at an offset=-8\nexpected an initialized iter_bits as arg #0"
        );
        *state.reg_mut(Reg::R1) = stack(-8);
        assert_eq!(words(call_named(cx, state, "bpf_iter_num_destroy")), "fine");
        assert_eq!(state.frame().stack[0], StackSlot::INVALID);
        assert!(state.refs.is_empty());
    });
}

#[test]
fn interrupt_states_are_given_back_in_reverse() {
    in_tc(|cx, state| {
        for off in [-8, -16] {
            *state.reg_mut(Reg::R1) = stack(off);
            assert_eq!(words(call_named(cx, state, "bpf_local_irq_save")), "fine");
        }
        let (outer, inner) = (state.refs[0].id, state.refs[1].id);
        assert_eq!(state.active_irq_id, inner);
        *state.reg_mut(Reg::R1) = stack(-8);
        let early = words(call_named(cx, state, "bpf_local_irq_restore"));
        let expected = format!(
            "-13 cannot restore irq state out of order, expected id={inner} acquired at insn_idx=0"
        );
        assert_eq!(early, expected);
        for (off, active) in [(-16, outer), (-8, 0)] {
            *state.reg_mut(Reg::R1) = stack(off);
            assert_eq!(words(call_named(cx, state, "bpf_local_irq_restore")), "fine");
            assert_eq!(state.active_irq_id, active);
        }
        assert!(state.refs.is_empty());
    });
}

#[test]
fn sections_of_rcu_protect_pointers() {
    in_tc(|cx, state| {
        assert_eq!(words(call_named(cx, state, "bpf_rcu_read_lock")), "fine");
        let flags = TypeFlags::MEM_RCU.union(TypeFlags::PTR_MAYBE_NULL);
        *state.reg_mut(Reg::R6) = structure(cx, "task_struct", flags);
        let nested = words(call_named(cx, state, "bpf_rcu_read_lock"));
        assert_eq!(nested, "-22 nested rcu read lock (kernel function bpf_rcu_read_lock)");
        assert_eq!(words(call_named(cx, state, "bpf_rcu_read_unlock")), "fine");
        assert_eq!(state.reg(Reg::R6).ty, RegType::with(RegKind::BtfId, TypeFlags::PTR_UNTRUSTED));
    });
}

#[test]
fn lists_need_their_lock_and_own_what_is_put_into_them() {
    in_tc(|cx, state| {
        let (map, head) = map_with(cx, |kind| matches!(kind, FieldKind::ListHead(_)));
        let record = &cx.program.maps[map.index as usize].record;
        let root = record.fields.iter().find_map(|field| match field.kind {
            FieldKind::ListHead(root) => Some(root),
            _ => None,
        });
        let root = root.expect("a list");
        let allocated = RegType::with(RegKind::BtfId, TypeFlags::MEM_ALLOC);
        let item = |cx: &mut Cx<'_>, state: &mut State| {
            let id = crate::calls::refs::acquire(cx, state, RefKind::Ptr, PC);
            let detail = Detail::Btf { id: root.object, own: true };
            let off = i32::try_from(root.node_offset).expect("small");
            RegState { off, ref_obj_id: id, ..RegState::pointer(allocated).with(detail) }
        };
        let push = |cx: &mut Cx<'_>, state: &mut State, node: RegState| {
            *state.reg_mut(Reg::R1) = value_of(map, head);
            *state.reg_mut(Reg::R2) = node;
            *state.reg_mut(Reg::R6) = node;
            *state.reg_mut(Reg::R4) = RegState::known(0);
            words(call_named(cx, state, "bpf_list_push_front_impl"))
        };
        let node = item(cx, state);
        let unlocked = push(cx, state, node);
        assert!(unlocked.ends_with("must be held for bpf_list_head"), "{unlocked}");
        let (lock_map, lock_off) = map_with(cx, |kind| kind == FieldKind::SpinLock);
        assert_eq!(lock_map, map);
        *state.reg_mut(Reg::R1) = value_of(map, lock_off);
        let take = lock::LockCall { lock: true, resilient: false, irq: false };
        lock::argument(cx, state, Reg::R1, PC, take).expect("the lock is free");
        let moved = RegState { off: node.off + 8, ..node };
        let elsewhere = push(cx, state, moved);
        let expected = format!("-22 bpf_list_node not found at offset={}", moved.off);
        assert_eq!(elsewhere, expected);
        assert_eq!(push(cx, state, node), "fine");
        let kept = state.reg(Reg::R6);
        assert!(kept.ty.has(TypeFlags::NON_OWN_REF) && kept.ref_obj_id == 0);
        *state.reg_mut(Reg::R1) = RegState::known(1);
        let other = words(call_named(cx, state, "bpf_task_from_pid"));
        assert_eq!(other, "-22 function calls are not allowed while holding a lock");
        *state.reg_mut(Reg::R1) = value_of(map, lock_off);
        let give = lock::LockCall { lock: false, ..take };
        lock::argument(cx, state, Reg::R1, PC, give).expect("the lock is held");
        assert!(state.reg(Reg::R6).is_scalar() && state.refs.is_empty());
    });
}

#[test]
fn kfuncs_that_cannot_be_called_are_found_early() {
    in_tc(|cx, _| {
        let add_one =
            |cx: &mut Cx<'_>, id, module| words(add(cx, PC, BtfId(id), KfuncModule(module)));
        assert_eq!(add_one(cx, 0, 0), "fine");
        let expected = "-22 negative offset disallowed for kernel module function call\nfailed to find BTF for kernel function";
        assert_eq!(add_one(cx, 1, -1), expected);
        assert_eq!(add_one(cx, 1, 0), "-22 kernel btf_id 1 is not a function");
        let hash = id_of(cx, "bpf_xdp_metadata_rx_hash");
        assert_eq!(add_one(cx, hash.0, 0), "-22 metadata kfuncs require device-bound program");
    });
}
