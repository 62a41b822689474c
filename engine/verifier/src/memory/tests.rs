//! Accesses by short programs, walks through structures, and special fields of types made by hand.

use btf::{Btf, Endian, Kind, NewMember, NewType, TypeId, Writer};
use isa::{Insn, Pc, Reg};
use kernel_model::{AttachType, TypeFlags, Version};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

use super::walk::{self, Found};
use super::{Access, FieldKind, FieldRecord, StructRecords, helper_access, narrow_bounds};
use crate::cx::{Check, Cx, InsnAux, Stop};
use crate::program::Program;
use crate::scalar::Bounds;
use crate::state::{Detail, Reg as RegState, RegKind, RegType, SlotKind, State};
use crate::testing::{options, with_code};

/// Runs a test within a program of the corpus, whose code is replaced.
fn within<T>(
    object: &str,
    name: &str,
    text: &str,
    test: impl FnOnce(&mut Cx<'_>, &mut State) -> T,
) -> T {
    with_code((object, name), text, options(), |program| {
        let mut cx = Cx::new(&program);
        cx.aux = vec![InsnAux::default(); cx.program.code.slot_count()];
        let mut state = State::new(0, Pc(0));
        *state.reg_mut(Reg::R1) = RegState::pointer(RegType::of(RegKind::Ctx));
        test(&mut cx, &mut state)
    })
}

/// Runs code without jumps and calls, and says what is in R0 then.
fn run(cx: &mut Cx<'_>, state: &mut State) -> String {
    let code: Vec<(Pc, Insn)> = cx.program.code.iter().map(|(pc, insn)| (pc, *insn)).collect();
    for (pc, insn) in code {
        cx.pc = pc;
        let done = match insn {
            Insn::Exit => return shown(state.reg(Reg::R0)),
            Insn::Alu(_) | Insn::Mov(_) => crate::scalar::alu(cx, state, pc, &insn),
            _ => super::access(cx, state, pc, &insn).map(|_| ()),
        };
        if done.is_err() {
            return words(done);
        }
    }
    shown(state.reg(Reg::R0))
}

fn words<T>(checked: Check<T>) -> String {
    match checked {
        Ok(_) => "fine".to_owned(),
        Err(Stop::Reject(reject)) => reject.message,
        Err(Stop::Unsupported(what)) => format!("unsupported: {what}"),
    }
}

fn shown(reg: &RegState) -> String {
    match reg.as_constant() {
        Some(value) => value.to_string(),
        None if reg.is_scalar() => format!("{}..{}", reg.num.umin, reg.num.umax),
        None => reg.ty.to_string(),
    }
}

fn in_tc(text: &str) -> String {
    within("functions/global", "scalars", text, run)
}

#[test]
fn registers_are_spilled_and_filled() {
    let any = u64::MAX;
    for (text, expected) in [
        ("*(u64 *)(r10 - 8) = r1\nr0 = *(u64 *)(r10 - 8)", "ctx".to_owned()),
        ("*(u64 *)(r10 - 8) = r10\nr0 = *(u64 *)(r10 - 8)", "fp".to_owned()),
        ("*(u64 *)(r10 - 8) = 7\nr0 = *(u64 *)(r10 - 8)", "7".to_owned()),
        ("*(u64 *)(r10 - 8) = 257\nr0 = *(u8 *)(r10 - 8)", "1".to_owned()),
        ("*(u64 *)(r10 - 8) = 257\nr0 = *(u8 *)(r10 - 7)", "0..255".to_owned()),
        ("*(u32 *)(r10 - 8) = -1\nr0 = *(u32 *)(r10 - 8)", u32::MAX.to_string()),
        ("*(u32 *)(r10 - 8) = -1\nr0 = *(u64 *)(r10 - 8)", format!("0..{any}")),
        ("*(u32 *)(r10 - 4) = 0\nr0 = *(u32 *)(r10 - 4)", "0".to_owned()),
        ("*(u32 *)(r10 - 4) = 1\nr0 = *(u32 *)(r10 - 4)", format!("0..{}", u32::MAX)),
        ("*(u64 *)(r10 - 8) = 0\n*(u8 *)(r10 - 8) = 3\nr0 = *(u8 *)(r10 - 8)", "3".to_owned()),
        ("*(u64 *)(r10 - 8) = 0\n*(u8 *)(r10 - 5) = 3\nr0 = *(u8 *)(r10 - 5)", "0..255".to_owned()),
        ("r0 = *(u64 *)(r10 - 16)", format!("0..{any}")),
        (
            "*(u64 *)(r10 - 8) = r1\nr0 = *(u32 *)(r10 - 8)",
            "invalid size of register fill".to_owned(),
        ),
        ("*(u32 *)(r10 - 8) = r1", "invalid size of register spill".to_owned()),
        ("*(u64 *)(r10 - 12) = 1", "misaligned stack access off 0+0+-12 size 8".to_owned()),
        ("*(u64 *)(r10 - 520) = 1", "invalid write to stack R10 off=-520 size=8".to_owned()),
        ("r0 = *(u64 *)(r10 + 0)", "invalid read from stack R10 off=0 size=8".to_owned()),
        ("r0 = r2", "R2 !read_ok".to_owned()),
    ] {
        assert_eq!(in_tc(text), expected, "{text}");
    }
}

#[test]
fn contexts_are_those_of_the_program() {
    for (object, program, text, expected) in [
        ("functions/global", "scalars", "r0 = *(u32 *)(r1 + 76)", "pkt"),
        ("functions/global", "scalars", "r0 = *(u32 *)(r1 + 80)", "pkt_end"),
        ("functions/global", "scalars", "r0 = *(u16 *)(r1 + 0)", "0..65535"),
        ("functions/global", "scalars", "r0 = *(u64 *)(r1 + 168)", "sock_common_or_null"),
        (
            "functions/global",
            "scalars",
            "r0 = *(u64 *)(r1 + 0)",
            "invalid bpf_context access off=0 size=8",
        ),
        (
            "functions/global",
            "scalars",
            "r1 += 4\nr0 = *(u32 *)(r1 + 0)",
            "dereference of modified ctx ptr R1 off=4 disallowed",
        ),
        (
            "functions/global",
            "scalars",
            "*(u64 *)(r1 + 200) = 1",
            "invalid bpf_context access off=200 size=8",
        ),
        ("types/tracing", "tp_btf_reads_task", "r0 = *(u64 *)(r1 + 0)", "trusted_ptr_"),
        (
            "types/tracing",
            "tp_btf_reads_task",
            "r0 = *(u64 *)(r1 + 4)",
            "invalid bpf_context access off=4 size=8",
        ),
        (
            "types/tracing",
            "tp_btf_reads_task",
            "r0 = *(u32 *)(r1 + 4)",
            "func 'task_newtask' offset 4 is not multiple of 8\ninvalid bpf_context access off=4 size=4",
        ),
    ] {
        let found = within(object, program, text, run);
        assert_eq!(found, expected, "{program}: {text}");
    }
}

#[test]
fn memory_ends_where_it_ends() {
    let memory = |flags, size| {
        RegState::pointer(RegType::with(RegKind::Mem, flags)).with(Detail::Mem { size, dynptr: 0 })
    };
    let untrusted = TypeFlags::MEM_RDONLY.union(TypeFlags::PTR_UNTRUSTED);
    let mut shifted = memory(TypeFlags::NONE, 16);
    shifted.num = Bounds { umax: 9, smax: 9, ..Bounds::UNKNOWN };
    (shifted.num.umin, shifted.num.smin) = (0, 0);
    let table = [
        (memory(TypeFlags::NONE, 16), "r0 = *(u64 *)(r2 + 8)", "0..18446744073709551615"),
        (
            memory(TypeFlags::NONE, 16),
            "r0 = *(u64 *)(r2 + 9)",
            "invalid access to memory, mem_size=16 off=9 size=8\n\
             R2 min value is outside of the allowed memory range",
        ),
        (
            shifted,
            "r0 = *(u64 *)(r2 + 0)",
            "invalid access to memory, mem_size=16 off=9 size=8\n\
             R2 max value is outside of the allowed memory range",
        ),
        (
            memory(TypeFlags::MEM_RDONLY, 8),
            "*(u64 *)(r2 + 0) = 1",
            "R2 cannot write into rdonly_mem",
        ),
        (memory(untrusted, 0), "r0 = *(u8 *)(r2 + 99)", "0..255"),
        (
            memory(TypeFlags::PTR_MAYBE_NULL, 8),
            "r0 = *(u8 *)(r2 + 0)",
            "R2 invalid mem access 'mem_or_null'",
        ),
    ];
    for (pointer, text, expected) in table {
        let found = within("functions/global", "scalars", text, |cx, state| {
            *state.reg_mut(Reg::R2) = pointer;
            run(cx, state)
        });
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn calls_need_initialised_stack_or_fill_it() {
    let access = |size, access, raw| {
        within("functions/global", "scalars", "exit", |cx, state| {
            *state.reg_mut(Reg::R2) = RegState { off: -16, ..*state.reg(Reg::R10) };
            words(helper_access(cx, state, Reg::R2, size, access, false, raw))
        })
    };
    assert_eq!(access(16, Access::Read, false), "fine");
    assert_eq!(access(17, Access::Read, false), "invalid read from stack R2 off=-16 size=17");
    assert_eq!(access(24, Access::Write, true), "invalid write to stack R2 off=-16 size=24");
    assert_eq!(access(0, Access::Read, false), "invalid zero-sized read");
}

#[test]
fn stores_at_unknown_offsets_leave_nothing_of_what_was_spilled() {
    // The byte that tells what the slot is lies before those that may be written.
    let text = "*(u64 *)(r10 -8) = r1\nr2 = *(u32 *)(r1 +0)\nr2 &= 3\nr3 = r10\nr3 += -4\nr3 += r2
        *(u8 *)(r3 +0) = 7\nr0 = *(u64 *)(r10 -8)\nexit";
    let found = within("functions/global", "scalars", text, |cx, state| {
        let found = run(cx, state);
        assert!(state.frames[0].stack[0].kinds.iter().all(|kind| *kind == SlotKind::Misc));
        found
    });
    assert_eq!(found, format!("0..{}", u64::MAX));
}

#[test]
fn narrow_loads_are_cut_off_as_the_kernel_does_it() {
    for size in [1, 2, 4] {
        let mut cut = Bounds::UNKNOWN;
        cut.truncate(size);
        assert_eq!(narrow_bounds(size), cut, "{size}");
    }
}

fn at(structure: &str, path: &str, size: u32) -> String {
    let kernel = bpf_object::vmlinux().expect("the types of a kernel");
    let ty = kernel.find(structure, Kind::Struct).expect("a structure");
    let field = kernel.field(ty.id(), path).expect("a field");
    let offset = u32::try_from(field.bit_offset / 8).expect("small");
    match walk::access(kernel, ty.id(), offset, size) {
        Ok(Found::Scalar) => "number".to_owned(),
        Ok(Found::Other) => "memory".to_owned(),
        Ok(Found::Struct(_)) => "structure".to_owned(),
        Ok(Found::Pointer { id, flags, field }) => {
            let name = kernel.get(id).map_or("", |ty| ty.name());
            format!("{field} {} {name}", RegType::with(RegKind::BtfId, flags))
        }
        Err(nothing) => nothing.said,
    }
}

#[test]
fn structures_are_walked_through() {
    for (structure, path, size, expected) in [
        ("task_struct", "pid", 4, "number"),
        ("task_struct", "comm", 8, "number"),
        ("task_struct", "cgroups", 8, "cgroups ptr_ css_set"),
        ("task_struct", "group_leader", 8, "group_leader ptr_ task_struct"),
        ("task_struct", "tasks.next", 8, "next ptr_ list_head"),
        ("task_struct", "stack", 8, "memory"),
        ("sk_buff", "cb", 8, "number"),
        ("sk_buff", "dev", 8, "dev untrusted_ptr_ net_device"),
        ("file", "f_inode", 8, "f_inode ptr_ inode"),
    ] {
        assert_eq!(at(structure, path, size), expected, "{structure}.{path}");
    }
    assert!(at("task_struct", "cgroups", 4).starts_with("cannot access ptr member cgroups"));
}

#[test]
fn every_structure_of_the_kernel_can_be_walked_through() {
    let kernel = bpf_object::vmlinux().expect("the types of a kernel");
    let composites = kernel.types().filter(|ty| ty.kind().is_composite());
    let mut found = 0_u32;
    for ty in composites.step_by(7) {
        let size = ty.size().unwrap_or(0);
        for offset in (0..size.saturating_add(16)).step_by(8).take(64) {
            for width in [1, 8] {
                found += u32::from(walk::access(kernel, ty.id(), offset, width).is_ok());
            }
        }
    }
    assert!(found > 10_000, "{found}");
}

#[test]
fn arguments_of_every_function_are_known() {
    let kernel = bpf_object::vmlinux().expect("the types of a kernel");
    let mut count = [0_u32; 2];
    within("types/tracing", "tp_btf_reads_task", "exit", |cx, _| {
        let mut functions: Vec<(TypeId, &str, AttachType)> = Vec::new();
        for ty in kernel.types().filter(|ty| !ty.name().is_empty()) {
            let attach = match ty.kind() {
                Kind::Func if ty.name().starts_with("bpf_lsm_") => AttachType::LsmMac,
                Kind::Func if ty.name().starts_with("bpf_iter_") => AttachType::TraceIter,
                Kind::Func if ty.id().0 % 16 == 0 => AttachType::TraceFexit,
                Kind::Typedef if ty.name().starts_with("btf_trace_") => AttachType::TraceRawTp,
                _ => continue,
            };
            functions.push((ty.id(), ty.name(), attach));
        }
        for (id, name, attach) in functions {
            let program = Program {
                target: Some((id, name)),
                attach: Some(attach),
                maps: Vec::new(),
                code: isa::Program::default(),
                undecoded: Vec::new(),
                records: StructRecords::default(),
                options: cx.program.options.clone(),
                ..*cx.program
            };
            let mut cx = Cx::new(&program);
            for offset in (0..104).step_by(8) {
                match super::arguments::load(&mut cx, offset, 8, Access::Read) {
                    Ok(Ok(_)) => count[0] += 1,
                    Ok(Err(_)) => count[1] += 1,
                    Err(stop) => panic!("{name}: {}", words::<()>(Err(stop))),
                }
            }
        }
    });
    assert!(count[0] > 10_000 && count[1] > 10_000, "{count:?}");
}

/// Types of a program with an object in a list, a key and a value with the list.
fn list_types(node_name: &str) -> (Vec<u8>, TypeId, [TypeId; 2]) {
    let mut writer = Writer::new(Endian::Little);
    let mut add = |ty: &NewType<'_>| writer.add(ty).expect("short");
    let word = add(&NewType::int("__u64", 8, false));
    let key = add(&NewType::int("int", 4, true));
    let opaque =
        |name, size, member: &'static str, word| (name, size, [NewMember::at(member, word, 0)]);
    let mut plain = |(name, size, members): (&'static str, u32, [NewMember<'_>; 1])| {
        add(&NewType::Struct { name, size, members: &members })
    };
    let lock = plain(opaque("bpf_spin_lock", 4, "val", word));
    let head = plain(opaque("bpf_list_head", 16, "__opaque", word));
    let node = plain(opaque("bpf_list_node", 24, "__opaque", word));
    let members = [NewMember::at("data", word, 0), NewMember::at("node", node, 64)];
    let item = add(&NewType::Struct { name: "item", size: 32, members: &members });
    let members = [NewMember::at("lock", lock, 0), NewMember::at("head", head, 64)];
    let value = add(&NewType::Struct { name: "value", size: 24, members: &members });
    let text = format!("contains:item:{node_name}");
    add(&NewType::DeclTag { text: &text, target: value, component: Some(1) });
    (writer.finish(), item, [key, value])
}

#[test]
fn special_fields_are_found() {
    let kernel = bpf_object::vmlinux().expect("the types of a kernel");
    let (bytes, item, [key, value]) = list_types("node");
    let btf = Btf::parse(&bytes).expect("types");
    let records = StructRecords::parse(&btf, kernel, Version::NEWEST_MODELLED);
    assert_eq!(records.error, None);
    assert_eq!(records.of(item).map(|record| record.fields.len()), Some(1));
    let definition = bpf_object::Definition {
        map_type: 2,
        key_size: 4,
        key_type: key,
        value_size: 24,
        value_type: value,
        ..bpf_object::Definition::default()
    };
    let record =
        FieldRecord::of_map(&btf, (kernel, Version::NEWEST_MODELLED), &records, &definition);
    assert_eq!(record.error, None);
    let kinds: Vec<_> = record.fields.iter().map(|field| (field.offset, field.kind)).collect();
    assert!(
        matches!(
            kinds[..],
            [(0, FieldKind::SpinLock), (8, FieldKind::ListHead(root))]
                if root.object == item && root.node_offset == 8
        ),
        "{kinds:?}"
    );
    // A map that cannot hold lists.
    let definition = bpf_object::Definition { map_type: 5, ..definition };
    let record =
        FieldRecord::of_map(&btf, (kernel, Version::NEWEST_MODELLED), &records, &definition);
    assert_eq!(record.error, Some(-95));
}

#[test]
fn a_list_needs_its_node() {
    let kernel = bpf_object::vmlinux().expect("the types of a kernel");
    let (bytes, ..) = list_types("other");
    let btf = Btf::parse(&bytes).expect("types");
    assert_eq!(StructRecords::parse(&btf, kernel, Version::NEWEST_MODELLED).error, Some(-2));
}

/// A store or a load of 1, 2, 4 or 8 bytes, aligned to its size, in the first 32 bytes of the stack.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A register of which only its width in bytes is known, with what it really holds.
    Register {
        place: u8,
        size: u8,
        width: u8,
        content: u64,
    },
    Constant {
        place: u8,
        size: u8,
        content: i32,
    },
    Load {
        place: u8,
        size: u8,
        signed: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = || (0..4_u8).prop_map(|log| 1 << log);
    let content = prop_oneof![Just(0), 1..300_u64, any::<u64>()];
    let step = prop_oneof![
        (0..32_u8, size(), size(), content).prop_map(|(place, size, width, content)| {
            Step::Register { place, size, width, content }
        }),
        (0..32_u8, size(), prop_oneof![Just(0), -3..300_i32, any::<i32>()])
            .prop_map(|(place, size, content)| Step::Constant { place, size, content }),
        (0..32_u8, size(), any::<bool>()).prop_map(|(place, size, signed)| Step::Load {
            place,
            size,
            signed
        }),
    ];
    proptest::collection::vec(step, 1..24)
}

/// Follows the steps on bytes and on what is known of them.
fn follow(cx: &mut Cx<'_>, state: &mut State, steps: &[Step]) {
    let mut bytes: [Option<u8>; 32] = [None; 32];
    let at = |place: u8, size: u8| {
        let begin = usize::from(place - place % size);
        (begin, i16::try_from(begin).expect("small") - 32)
    };
    let sized = |size: u8| isa::Size::ALL.into_iter().find(|one| one.bytes() == size.into());
    for step in steps {
        let (insn, write) = match *step {
            Step::Register { place, size, width, content } => {
                let (begin, offset) = at(place, size);
                let content = content & u64::MAX >> (64 - 8 * u32::from(width));
                let num = if width == 8 { Bounds::UNKNOWN } else { narrow_bounds(width.into()) };
                *state.reg_mut(Reg::R2) = RegState { num, ..RegState::unknown() };
                let src = isa::Source::Reg(Reg::R2);
                (store(sized(size), offset, src), Some((begin, size, content)))
            }
            Step::Constant { place, size, content } => {
                let (begin, offset) = at(place, size);
                let src = isa::Source::Imm(isa::Imm(content));
                (
                    store(sized(size), offset, src),
                    Some((begin, size, i64::from(content).cast_unsigned())),
                )
            }
            Step::Load { place, size, signed } => {
                let (begin, offset) = at(place, size);
                let length = usize::from(size);
                let done = super::mem_access(
                    cx,
                    state,
                    Pc(0),
                    Reg::R10,
                    offset.into(),
                    size.into(),
                    Access::Read,
                    Some(Reg::R0),
                    false,
                    signed && size < 8,
                );
                assert_eq!(words(done), "fine");
                let known: Option<Vec<u8>> = bytes[begin..begin + length].iter().copied().collect();
                let Some(mut known) = known else { continue };
                let extends = signed && known.last().is_some_and(|byte| byte & 0x80 != 0);
                known.resize(8, if extends { 0xff } else { 0 });
                let content = u64::from_le_bytes(known.try_into().expect("eight bytes"));
                let num = state.reg(Reg::R0).num;
                assert!(num.contains(content), "{content:#x} of {num:?} after {step:?}");
                continue;
            }
        };
        let Some(insn) = insn else { continue };
        assert_eq!(words(super::insn::store(cx, state, Pc(0), &insn)), "fine");
        if let Some((begin, size, content)) = write {
            for (index, byte) in content.to_le_bytes().iter().take(size.into()).enumerate() {
                bytes[begin + index] = Some(*byte);
            }
        }
    }
}

fn store(size: Option<isa::Size>, offset: i16, src: isa::Source) -> Option<isa::Store> {
    Some(isa::Store { size: size?, base: Reg::R10, offset: isa::Offset(offset), src })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_loaded_from_the_stack_was_stored_there(steps in steps()) {
        within("functions/global", "scalars", "exit", |cx, state| follow(cx, state, &steps));
    }
}
