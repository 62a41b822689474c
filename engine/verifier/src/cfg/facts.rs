//! What is known of the functions of the kernel that instructions call, before arguments are looked at.

use std::sync::LazyLock;

use btf::{Kind, TypeId};
use isa::RawInsn;
use kernel_model::{Function, KfuncFlags, RetBase};

use super::raw::{self, Call};
use crate::calls::helper::proto_of;
use crate::calls::kfunc::may_call;
use crate::program::Program;

/// A call of a helper or kfunc (`get_call_summary`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Summary {
    /// How many arguments it takes.
    pub params: u32,
    /// It returns nothing.
    pub is_void: bool,
    /// It keeps the registers it does not need.
    pub fastcall: bool,
}

/// What a call does to the control flow and the state of the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Effects {
    /// It calls a function of the program, before it returns.
    pub calls_back: bool,
    /// It lets a function of the program run later.
    pub calls_back_later: bool,
    /// It steps an iterator.
    pub steps_iterator: bool,
    /// It may sleep.
    pub sleeps: bool,
    /// It changes packets.
    pub changes_packet: bool,
}

/// `bpf_get_smp_processor_id`, which x86-64 patches in.
const GET_SMP_PROCESSOR_ID: i32 = 8;

/// The helpers by their numbers.
static HELPERS: LazyLock<Vec<Option<&'static Function>>> = LazyLock::new(|| {
    let mut table = Vec::new();
    for function in kernel_model::functions() {
        let Some(id) = function.helper_id().map(|id| id as usize) else { continue };
        if table.len() <= id {
            table.resize(id + 1, None);
        }
        table[id] = Some(function);
    }
    table
});

/// The helper with a number.
pub(super) fn helper(id: i32) -> Option<&'static Function> {
    *HELPERS.get(usize::try_from(id).ok()?)?
}

/// The kfunc, if the program may call it, with how many arguments it takes and whether it returns nothing.
fn kfunc(program: &Program<'_>, id: i32) -> Option<(&'static Function, KfuncFlags, u32, bool)> {
    let function = program.kernel.get(TypeId(id.cast_unsigned()))?;
    if function.kind() != Kind::Func {
        return None;
    }
    let (row, kfunc) = kernel_model::kfunc(function.name())?;
    if !may_call(program, row.name, kfunc) {
        return None;
    }
    let proto = program.kernel.get(function.target()?)?;
    let params = u32::try_from(proto.params().len()).ok()?;
    Some((row, kfunc.flags, params, proto.target() == Some(TypeId::VOID)))
}

/// The name of the kfunc that the instruction calls.
pub(super) fn kfunc_name<'a>(program: &Program<'a>, insn: RawInsn) -> Option<&'a str> {
    let Some(Call::Kfunc(id)) = raw::call(insn) else { return None };
    let kernel: &'a btf::Btf<'a> = program.kernel;
    Some(kernel.get(TypeId(id.cast_unsigned()))?.name())
}

/// The call in short; `None` for functions of the program, and for what the program may not call.
pub(super) fn summary(program: &Program<'_>, insn: RawInsn) -> Option<Summary> {
    match raw::call(insn)? {
        Call::Helper(id) => {
            let proto = proto_of(program, helper(id)?)?;
            Some(Summary {
                params: u32::try_from(proto.args.len()).ok()?,
                is_void: proto.ret.base == RetBase::Void,
                fastcall: proto.allow_fastcall && id == GET_SMP_PROCESSOR_ID,
            })
        }
        Call::Kfunc(id) => {
            let (_, flags, params, is_void) = kfunc(program, id)?;
            Some(Summary { params, is_void, fastcall: flags.contains(KfuncFlags::FASTCALL) })
        }
        Call::Subprog => None,
    }
}

/// What a call of a helper or kfunc does (part of `visit_insn`).
pub(super) fn effects(program: &Program<'_>, insn: RawInsn) -> Effects {
    match raw::call(insn) {
        Some(Call::Helper(id)) => {
            let Some(function) = helper(id) else { return Effects::default() };
            Effects {
                calls_back: matches!(
                    function.name,
                    "bpf_for_each_map_elem"
                        | "bpf_find_vma"
                        | "bpf_loop"
                        | "bpf_user_ringbuf_drain"
                ),
                calls_back_later: function.name == "bpf_timer_set_callback",
                steps_iterator: false,
                sleeps: proto_of(program, function).is_some_and(|proto| proto.might_sleep),
                // What is called instead could do anything to the packet.
                changes_packet: function.changes_packet || id == raw::TAIL_CALL,
            }
        }
        Some(Call::Kfunc(id)) => {
            let name = kfunc_name(program, insn).unwrap_or_default();
            let known = kfunc(program, id);
            let has = |flag| known.is_some_and(|(_, flags, ..)| flags.contains(flag));
            Effects {
                calls_back: name == "bpf_rbtree_add_impl",
                calls_back_later: matches!(
                    name,
                    "bpf_wq_set_callback_impl"
                        | "bpf_task_work_schedule_signal"
                        | "bpf_task_work_schedule_resume"
                        | "bpf_task_work_schedule_signal_impl"
                        | "bpf_task_work_schedule_resume_impl"
                ),
                steps_iterator: has(KfuncFlags::ITER_NEXT),
                sleeps: has(KfuncFlags::SLEEPABLE),
                changes_packet: known.is_some_and(|(row, ..)| row.changes_packet),
            }
        }
        Some(Call::Subprog) | None => Effects::default(),
    }
}
