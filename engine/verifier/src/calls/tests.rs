//! Calls on states made by hand, within a program of the corpus.

use isa::{Pc, Reg};
use kernel_model::{ArgBase, TypeFlags};

use super::helper::types::{Wanted, check_type};
use super::subprog::entry_state;
use super::{call, callback, check_leaks, dynptr, exit_frame, prototype, refs};
use crate::cfg::Subprog;
use crate::cx::{Check, Cx, Next, Stop};
use crate::program::Program;
use crate::state::{
    Detail, DynptrKind, Frame, RefKind, Reg as RegState, RegKind, RegType, SlotKind, StackSlot,
    State,
};
use crate::testing::{corpus, linked, options, types};

/// Runs a test within a program of `tests/corpus/functions/global.bpf.o`.
fn within(name: &str, test: impl FnOnce(&mut Cx<'_>, &mut State)) {
    let object = corpus("functions/global");
    let linked = linked(&object);
    let found = linked.programs.iter().find(|program| program.name == name).expect("a program");
    let program = Program::new(&linked, found, types(), options());
    let mut cx = Cx::new(&program);
    cx.subprogs = found.parts.iter().zip(&found.functions).map(subprog(&program)).collect();
    let mut state = State::new(0, Pc(0));
    *state.reg_mut(Reg::R1) = RegState::pointer(RegType::of(RegKind::Ctx));
    test(&mut cx, &mut state);
}

fn subprog(
    program: &Program<'_>,
) -> impl Fn((&bpf_object::Part, &bpf_object::FuncInfo)) -> Subprog {
    let btf = program.btf.expect("types");
    move |(part, function)| {
        let ty = btf.get(function.ty).expect("a function");
        Subprog {
            start: Pc::from_index(part.start),
            end: Pc::from_index(part.start + part.len),
            name: ty.name().to_owned(),
            is_global: ty.linkage() == Some(btf::Linkage::Global),
            ..Subprog::default()
        }
    }
}

fn words<T>(checked: Check<T>) -> String {
    match checked {
        Ok(_) => "fine".to_owned(),
        Err(Stop::Reject(reject)) => format!("{} {}", reject.errno.0, reject.message),
        Err(Stop::Unsupported(what)) => format!("unsupported: {what}"),
    }
}

#[test]
fn arguments_are_read_from_types_and_tags() {
    let table = [
        ("adds", "scalar, scalar"),
        ("reads_record", "mem_or_null 8"),
        ("reads_record_nonnull", "mem 8"),
        ("reads_context", "ctx"),
        ("reads_context_by_tag", "ctx"),
        ("reads_task", "trusted_ptr_ task_struct"),
        ("reads_task_or_null", "trusted_ptr_or_null_ task_struct"),
        (
            "returns_nothing",
            "-22 Global function returns_nothing() doesn't return scalar. Only those are supported.",
        ),
    ];
    let object = corpus("functions/global");
    let linked = linked(&object);
    let has_skb = |program: &&bpf_object::Program| program.section != "xdp";
    let names: Vec<_> =
        linked.programs.iter().filter(has_skb).map(|program| program.name.clone()).collect();
    let mut seen = std::collections::BTreeSet::new();
    for program in names {
        within(&program, |cx, _| {
            for index in 1..u32::try_from(cx.subprogs.len()).expect("few") {
                let name = cx.subprogs[index as usize].name.clone();
                let Some((_, expected)) = table.iter().find(|(known, _)| *known == name) else {
                    continue;
                };
                let checked = prototype::prepare_args(cx, index);
                let found = match checked {
                    Ok(()) => arguments(cx, index),
                    refused => words(refused),
                };
                assert_eq!(found, *expected, "{name}");
                seen.insert(name);
            }
        });
    }
    assert_eq!(seen.len(), table.len(), "{seen:?}");
}

fn arguments(cx: &Cx<'_>, subprog: u32) -> String {
    let args = cx.subprogs[subprog as usize].args.as_deref().expect("they were read");
    let one = |arg: &super::SubprogArg| match (arg.mem_size, arg.btf) {
        (0, None) => arg.ty.to_string(),
        (size, None) => format!("{} {size}", arg.ty),
        (_, Some(id)) => {
            format!("{} {}", arg.ty, cx.program.kernel.get(id).expect("a type").name())
        }
    };
    args.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn arguments_take_what_their_kind_takes() {
    let memory = "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_";
    let null = TypeFlags::PTR_MAYBE_NULL;
    let table = [
        (RegType::of(RegKind::Stack), ArgBase::PtrToMem, TypeFlags::NONE, "fine".to_owned()),
        (
            RegType::with(RegKind::Mem, TypeFlags::MEM_RDONLY),
            ArgBase::PtrToMem,
            TypeFlags::MEM_RDONLY,
            "fine".to_owned(),
        ),
        (
            RegType::with(RegKind::Mem, TypeFlags::MEM_RDONLY),
            ArgBase::PtrToMem,
            TypeFlags::MEM_WRITE,
            format!("-13 R2 type=rdonly_mem expected={memory}"),
        ),
        (
            RegType::with(RegKind::Mem, TypeFlags::DYNPTR_TYPE_SKB),
            ArgBase::PtrToMapKey,
            TypeFlags::NONE,
            format!("-13 R2 type=mem expected={memory}"),
        ),
        (RegType::with(RegKind::MapValue, null), ArgBase::PtrToMem, null, "fine".to_owned()),
        (
            RegType::of(RegKind::Scalar),
            ArgBase::PtrToDynptr,
            TypeFlags::NONE,
            "-13 R2 type=scalar expected=fp, dynptr_ptr".to_owned(),
        ),
        (
            RegType::with(RegKind::Mem, TypeFlags::MEM_RINGBUF.union(null)),
            ArgBase::PtrToRingbufMem,
            TypeFlags::OBJ_RELEASE,
            "-13 R2 type=ringbuf_mem_or_null expected=ringbuf_mem".to_owned(),
        ),
        (
            RegType::with(RegKind::BtfId, null),
            ArgBase::PtrToBtfId,
            TypeFlags::NONE,
            "-13 R2 type=ptr_or_null_ expected=ptr_, trusted_ptr_, rcu_ptr_".to_owned(),
        ),
        (
            RegType::with(RegKind::BtfId, TypeFlags::PTR_TRUSTED),
            ArgBase::PtrToMem,
            TypeFlags::NONE,
            "-13 bpf_test() may write into memory pointed by R2 type=trusted_ptr_".to_owned(),
        ),
    ];
    within("scalars", |cx, state| {
        for (ty, base, flags, expected) in &table {
            *state.reg_mut(Reg::R2) = RegState::pointer(*ty);
            let (base, flags) = (*base, *flags);
            let wanted = Wanted { base, flags, btf: None, helper: "bpf_test", kptr: None };
            let found = words(check_type(cx, state, Reg::R2, wanted));
            assert_eq!(found, *expected, "{ty} as {base:?}");
        }
    });
}

/// A dynptr with its first slot at `fp-16`, and its identity.
fn with_dynptr(cx: &mut Cx<'_>, state: &mut State, kind: DynptrKind) -> u32 {
    let id = cx.new_id();
    let ref_obj_id =
        if kind.is_refcounted() { refs::acquire(cx, state, RefKind::Ptr, Pc(3)) } else { 0 };
    state.frame_mut().grow_stack(2);
    for (slot, first) in [(1, true), (0, false)] {
        let spilled = RegState { ref_obj_id, ..dynptr::register(kind, first, id) };
        state.frame_mut().stack[slot] = StackSlot { kinds: [SlotKind::Dynptr; 8], spilled };
    }
    let pointer = RegState::pointer(RegType::of(RegKind::Stack));
    *state.reg_mut(Reg::R6) = RegState { off: -16, ..pointer };
    id
}

fn data_of(id: u32, flags: TypeFlags) -> RegState {
    RegState::pointer(RegType::with(RegKind::Mem, flags)).with(Detail::Mem { size: 8, dynptr: id })
}

#[test]
fn stores_destroy_dynptrs_and_their_data() {
    within("scalars", |cx, state| {
        let id = with_dynptr(cx, state, DynptrKind::Local);
        *state.reg_mut(Reg::R7) = data_of(id, TypeFlags::PTR_MAYBE_NULL);
        *state.reg_mut(Reg::R8) = data_of(id, TypeFlags::DYNPTR_TYPE_LOCAL);
        assert_eq!(dynptr::of(state, Reg::R6), Some((DynptrKind::Local, id, 0)));
        assert_eq!(words(dynptr::destroy_by_store(cx, state, 0, 0)), "fine");
        assert!(state.reg(Reg::R7).is_scalar(), "data is gone");
        assert_eq!(state.reg(Reg::R8).kind(), RegKind::Mem, "slices stay, as in the kernel");
        assert_eq!(state.frame().stack, [StackSlot::INVALID; 2]);
        assert_eq!(dynptr::of(state, Reg::R6), None);
    });
    within("scalars", |cx, state| {
        with_dynptr(cx, state, DynptrKind::Ringbuf);
        let refused = words(dynptr::destroy_by_store(cx, state, 0, 1));
        assert_eq!(refused, "-22 cannot overwrite referenced dynptr");
    });
}

#[test]
fn released_records_take_clones_and_data_along() {
    within("scalars", |cx, state| {
        with_dynptr(cx, state, DynptrKind::Ringbuf);
        state.frame_mut().grow_stack(4);
        let frame = state.frame_mut();
        (frame.stack[3], frame.stack[2]) = (frame.stack[1], frame.stack[0]);
        let held = state.refs[0].id;
        *state.reg_mut(Reg::R7) = RegState { ref_obj_id: held, ..data_of(1, TypeFlags::NONE) };
        let leak = words(check_leaks(cx, state, false, true, "tail_call"));
        assert_eq!(
            leak,
            format!(
                "-22 Unreleased reference id={held} alloc_insn=3\ntail_call would lead to reference leak"
            )
        );
        assert_eq!(words(dynptr::check_release(state, Reg::R6)), "fine");
        assert_eq!(words(dynptr::release(cx, state, Reg::R6)), "fine");
        assert!(state.refs.is_empty() && state.reg(Reg::R7).is_scalar());
        assert_eq!(state.frame().stack, [StackSlot::INVALID; 4]);
        let again = words(dynptr::check_release(state, Reg::R6));
        assert_eq!(again, "-22 arg 6 is an unacquired reference");
        assert_eq!(words(check_leaks(cx, state, false, true, "tail_call")), "fine");
    });
}

#[test]
fn places_of_dynptrs_are_checked() {
    within("scalars", |cx, state| {
        with_dynptr(cx, state, DynptrKind::Local);
        let table = [
            (-16, "fine"),
            (
                -8,
                "-22 cannot pass in dynptr at an offset=-8\nExpected an initialized dynptr as arg #5",
            ),
            (
                -12,
                "-22 cannot pass in dynptr at an offset=-12\nExpected an initialized dynptr as arg #5",
            ),
            (-24, "-22 Expected an initialized dynptr as arg #5"),
            (-512, "-22 Expected an initialized dynptr as arg #5"),
        ];
        for (off, expected) in table {
            state.reg_mut(Reg::R6).off = off;
            let taken = dynptr::DynptrArg { read_only: true, ..Default::default() };
            let found = words(dynptr::argument(cx, state, Reg::R6, Pc(0), taken));
            assert_eq!(found, expected, "at {off}");
        }
    });
}

#[test]
fn packets_that_change_take_their_slices_along() {
    within("scalars", |cx, state| {
        let kinds = [
            (RegType::of(RegKind::Packet), true),
            (RegType::of(RegKind::PacketEnd), true),
            (RegType::with(RegKind::Mem, TypeFlags::DYNPTR_TYPE_SKB), true),
            (RegType::with(RegKind::Mem, TypeFlags::DYNPTR_TYPE_LOCAL), false),
            (RegType::of(RegKind::MapValue), false),
        ];
        for (ty, lost) in kinds {
            *state.reg_mut(Reg::R7) = RegState::pointer(ty);
            dynptr::clear_packet_pointers(cx, state);
            assert_eq!(state.reg(Reg::R7).is_scalar(), lost, "{ty}");
        }
    });
}

#[test]
fn functions_give_back_numbers_and_no_stack_pointers() {
    within("scalars", |cx, state| {
        cx.subprogs[1].is_global = false;
        let target = cx.subprogs[1].start;
        let pc = Pc(4);
        let offset = isa::LongOffset(i32::try_from(target.0).expect("small") - 5);
        for reg in [Reg::R1, Reg::R2] {
            *state.reg_mut(reg) = RegState::known(7);
        }
        let next = call(cx, state, pc, isa::Callee::Subprogram(offset)).expect("it is called");
        assert_eq!(next, Next::Jump(target));
        assert_eq!((state.frames.len(), state.reg(Reg::R2).as_constant()), (2, Some(7)));
        assert_eq!(state.frames[0].reg(Reg::R1).kind(), RegKind::NotInit);
        *state.reg_mut(Reg::R0) = *state.reg(Reg::R10);
        let refused = words(exit_frame(cx, state, Pc(9)));
        assert_eq!(refused, "-22 cannot return stack pointer to the caller");
        *state.reg_mut(Reg::R0) = RegState::known(3);
        let next = exit_frame(cx, state, Pc(9)).expect("it returns");
        assert_eq!((next, state.frames.len()), (Next::Jump(Pc(5)), 1));
        assert_eq!(state.reg(Reg::R0).as_constant(), Some(3));
    });
}

#[test]
fn calls_nest_eight_deep() {
    within("scalars", |cx, state| {
        cx.subprogs[1].is_global = false;
        let target = cx.subprogs[1].start;
        let offset = isa::LongOffset(i32::try_from(target.0).expect("small") - 1);
        for _ in 0..7 {
            let called = call(cx, state, Pc(0), isa::Callee::Subprogram(offset));
            assert_eq!(words(called), "fine");
        }
        let called = call(cx, state, Pc(0), isa::Callee::Subprogram(offset));
        assert_eq!(words(called), "-7 the call stack of 9 frames is too deep");
    });
}

/// The registers from R1 on, as far as they are initialised.
fn registers(frame: &Frame) -> String {
    let used = frame.regs[1..6].iter().take_while(|reg| reg.kind() != RegKind::NotInit);
    used.map(|reg| reg.ty.to_string()).collect::<Vec<_>>().join(", ")
}

#[test]
fn callbacks_begin_with_what_their_caller_promises() {
    within("pointer_to_record_on_stack", |cx, state| {
        let map = crate::program::MapId { index: 0, inner: false };
        let at_map = Detail::Map { map, uid: 0 };
        let with_map = |kind| RegState::pointer(RegType::of(kind)).with(at_map);
        let table: [(callback::SetCallee, RegState, &str); 6] = [
            (callback::set_loop, RegState::known(3), "scalar, fp"),
            (
                callback::set_map_element,
                with_map(RegKind::ConstMapPtr),
                "map_ptr, map_key, map_value, fp",
            ),
            (callback::set_sample, with_map(RegKind::ConstMapPtr), "dynptr_ptr, fp"),
            (
                callback::set_memory_area,
                RegState::pointer(RegType::with(RegKind::BtfId, TypeFlags::PTR_TRUSTED)),
                "trusted_ptr_, ptr_, fp",
            ),
            (callback::set_timer, with_map(RegKind::MapValue), "map_ptr, map_key, map_value"),
            (callback::set_task_work, RegState::unknown(), "map_ptr, map_key, map_value"),
        ];
        for (set, first, expected) in table {
            *state.reg_mut(Reg::R1) = first;
            *state.reg_mut(Reg::R3) = *state.reg(Reg::R10);
            *state.reg_mut(Reg::R4) = *state.reg(Reg::R10);
            if expected == "map_ptr, map_key, map_value" {
                *state.reg_mut(Reg::R3) = with_map(RegKind::MapValue);
            }
            let mut callee = Frame::new(Some(Pc(0)), 1, 1);
            assert_eq!(words(set(cx, state.frame(), &mut callee, Pc(0))), "fine");
            assert_eq!(registers(&callee), expected);
            assert!(callee.callback_returns.is_some());
            assert!(callee.in_callback != callee.in_async_callback);
        }
    });
}

#[test]
fn global_functions_begin_with_what_their_types_promise() {
    let table = [
        ("scalars", "adds", "scalar, scalar"),
        ("pointer_to_record_on_stack", "reads_record", "mem_or_null"),
        ("nonnull_tag", "reads_record_nonnull", "mem"),
    ];
    for (program, function, expected) in table {
        within(program, |cx, _| {
            let main = entry_state(cx, 0).expect("it begins");
            assert_eq!(registers(main.frame()), "ctx");
            let index = cx.subprogs.iter().position(|subprog| subprog.name == function);
            let index = u32::try_from(index.expect("it is called")).expect("few");
            let state = entry_state(cx, index).expect("it begins");
            assert_eq!(registers(state.frame()), expected, "{function}");
            assert_eq!(state.path.first_insn, cx.subprogs[index as usize].start);
        });
    }
}

/// A register of some kind, by a number.
fn some_register(cx: &Cx<'_>, number: u32) -> RegState {
    let kinds = [
        RegType::of(RegKind::NotInit),
        RegType::of(RegKind::Scalar),
        RegType::of(RegKind::Ctx),
        RegType::of(RegKind::ConstMapPtr),
        RegType::of(RegKind::MapValue),
        RegType::with(RegKind::MapValue, TypeFlags::PTR_MAYBE_NULL),
        RegType::of(RegKind::MapKey),
        RegType::of(RegKind::Stack),
        RegType::of(RegKind::Packet),
        RegType::of(RegKind::PacketEnd),
        RegType::of(RegKind::Socket),
        RegType::of(RegKind::SockCommon),
        RegType::with(RegKind::BtfId, TypeFlags::PTR_TRUSTED),
        RegType::with(RegKind::BtfId, TypeFlags::MEM_PERCPU),
        RegType::with(RegKind::BtfId, TypeFlags::MEM_ALLOC),
        RegType::with(RegKind::Mem, TypeFlags::MEM_RINGBUF),
        RegType::of(RegKind::Mem),
        RegType::of(RegKind::Func),
        RegType::of(RegKind::Dynptr),
    ];
    let ty = kinds[number as usize % kinds.len()];
    let more = number / 32;
    let detail = match ty.kind {
        RegKind::ConstMapPtr | RegKind::MapValue | RegKind::MapKey => {
            let maps = u32::try_from(cx.program.maps.len()).expect("few").max(1);
            let map = crate::program::MapId { index: more % maps, inner: more % 11 == 10 };
            Detail::Map { map, uid: 0 }
        }
        RegKind::BtfId => Detail::Btf { id: btf::TypeId(more % 2000), own: more.is_multiple_of(3) },
        RegKind::Mem => Detail::Mem { size: more % 64, dynptr: 0 },
        RegKind::Func => Detail::Subprog(more % 4),
        RegKind::Dynptr => Detail::Dynptr { kind: DynptrKind::Local, first: true },
        RegKind::Packet => Detail::Range(i32::try_from(more % 64).expect("small")),
        _ => Detail::None,
    };
    let off = match ty.kind {
        RegKind::Stack => -8 * i32::try_from(more % 70).expect("small"),
        _ => i32::try_from(more % 40).expect("small") * i32::from(more.is_multiple_of(5)),
    };
    match ty.kind {
        RegKind::NotInit => RegState::NOT_INIT,
        RegKind::Scalar if more.is_multiple_of(2) => RegState::known(u64::from(more % 600)),
        RegKind::Scalar => RegState::unknown(),
        _ => RegState { off, ref_obj_id: more % 2, ..RegState::pointer(ty).with(detail) },
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    #[test]
    fn no_call_of_a_helper_panics(seeds in proptest::collection::vec(
        (-3..215_i32, proptest::array::uniform5(proptest::prelude::any::<u32>())), 400,
    )) {
        within("scalars", |cx, begin| {
            begin.frame_mut().grow_stack(64);
            with_dynptr(cx, begin, DynptrKind::Ringbuf);
            for (helper, seeds) in seeds {
                let mut state = begin.clone();
                let regs = [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5];
                for (reg, seed) in regs.into_iter().zip(seeds) {
                    *state.reg_mut(reg) = some_register(cx, seed);
                }
                let called = call(cx, &mut state, Pc(0), isa::Callee::Helper(isa::HelperId(helper)));
                if called.is_ok() {
                    assert!(state.reg(Reg::R1).kind() == RegKind::NotInit);
                }
            }
        });
    }
}
