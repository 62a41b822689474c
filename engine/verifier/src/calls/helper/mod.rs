//! Helpers: arguments, effects and results by their prototypes.

mod args;
pub(crate) mod argument;
mod format;
mod maps;
mod proto;
mod result;
mod special;
pub(crate) mod types;

pub(crate) use proto::proto_of;

use isa::{HelperId, Pc, Reg};
use kernel_model::{ArgBase, Function, HelperProto, TypeFlags};

use crate::calls::kfunc::types::OneOf;
use crate::calls::{clobber, dynptr, exit_frame, refs};
use crate::cx::{Check, Cx, Next, reject};
use crate::explore;
use crate::memory::{self, Access, RawStack, SpecialField};
use crate::program::MapId;
use crate::state::{RefKind, State};

/// The number of `bpf_tail_call`.
pub(crate) const TAIL_CALL: i32 = 12;

/// A call of a helper while it is checked (`struct bpf_call_arg_meta`).
#[derive(Debug)]
struct HelperCall {
    /// Where.
    pc: Pc,
    /// What is called.
    function: &'static Function,
    /// What it asks for.
    proto: &'static HelperProto,
    /// Its number.
    id: u32,
    /// The map it works on, and which lookup that comes from if it is an inner map.
    map: Option<(MapId, u32)>,
    /// The argument it takes the reference of.
    release: Option<Reg>,
    /// Memory it fills may be uninitialised.
    raw: bool,
    /// Uninitialised stack it fills.
    raw_stack: Option<RawStack>,
    /// The size of the memory it gives.
    mem_size: u32,
    /// The greatest possible length of the memory it was given.
    size_max: u64,
    /// The reference among its arguments; 0 if none.
    ref_obj_id: u32,
    /// The dynptr among its arguments.
    dynptr_id: u32,
    /// The function of the program among its arguments.
    subprog: u32,
    /// The number that its key is known to be.
    const_key: Option<i64>,
    /// The per-CPU variable among its arguments.
    percpu: Option<OneOf>,
    /// What it gives is per-CPU memory that the program allocated (`returns_cpu_specific_alloc_ptr`).
    percpu_alloc: bool,
    /// The field that `bpf_kptr_xchg` changes.
    kptr: Option<SpecialField>,
}

impl HelperCall {
    fn name(&self) -> &'static str {
        self.function.name
    }

    /// As in messages: `bpf_map_lookup_elem#1`.
    fn title(&self) -> String {
        format!("{}#{}", self.function.name, self.id)
    }
}

/// A call of a helper (`check_helper_call`).
pub(crate) fn call(cx: &mut Cx<'_>, state: &mut State, pc: Pc, id: HelperId) -> Check<Next> {
    let mut call = proto::begin(cx, state, pc, id)?;
    for index in 0..call.proto.args.len() {
        args::check(cx, state, &mut call, index)?;
    }
    maps::record(cx, &call)?;
    maps::record_key(cx, state, &call)?;
    fill_raw_stack(cx, state, &call)?;
    release(cx, state, &call)?;
    let mut changes_packet = call.function.changes_packet;
    changes_packet |= special::check(cx, state, &mut call)?;

    clobber(state);
    result::set(cx, state, &call)?;
    maps::check_compatible(cx, &call)?;
    special::check_afterwards(cx, &call)?;
    if call.name() == "bpf_tail_call" {
        return tail_call(cx, state, pc);
    }
    if changes_packet {
        dynptr::clear_packet_pointers(cx, state);
    }
    Ok(Next::Fall)
}

/// The stack that the call fills is written, byte by byte.
fn fill_raw_stack(cx: &mut Cx<'_>, state: &mut State, call: &HelperCall) -> Check {
    let Some(raw) = call.raw_stack else { return Ok(()) };
    for byte in 0..raw.size.cast_signed() {
        memory::mem_access(
            cx,
            state,
            call.pc,
            raw.reg,
            byte,
            1,
            Access::Write,
            None,
            false,
            false,
        )?;
    }
    Ok(())
}

/// The call takes a reference.
fn release(cx: &mut Cx<'_>, state: &mut State, call: &HelperCall) -> Check {
    let Some(reg) = call.release else { return Ok(()) };
    let arg = call.proto.args.get(usize::from(reg.number()).wrapping_sub(1));
    let released = if arg.is_some_and(|arg| arg.base == ArgBase::PtrToDynptr) {
        let words = format!("func {} reference has not been acquired before", call.title());
        return dynptr::release(cx, state, reg).map_err(|stop| stop.and_says(&words));
    } else if call.name() == "bpf_kptr_xchg" && call.ref_obj_id != 0 {
        give_to_field(cx, state, call.ref_obj_id)
    } else if call.ref_obj_id != 0 {
        refs::release(cx, state, call.ref_obj_id)
    } else {
        state.reg(reg).is_null()
    };
    if !released {
        reject!(EINVAL, "func {} reference has not been acquired before", call.title());
    }
    Ok(())
}

/// An object goes into a field of a map value: within an RCU section, per-CPU memory stays readable.
fn give_to_field(cx: &Cx<'_>, state: &mut State, id: u32) -> bool {
    const PERCPU_ALLOC: TypeFlags = TypeFlags::MEM_ALLOC.union(TypeFlags::MEM_PERCPU);
    if !refs::forget(state, RefKind::Ptr, id) {
        return false;
    }
    let in_rcu = memory::in_rcu_section(cx, state);
    let invalid = cx.invalid();
    state.each_reg(|reg| {
        if reg.ref_obj_id != id {
            return;
        }
        if in_rcu && reg.ty.has(PERCPU_ALLOC) {
            reg.ref_obj_id = 0;
            reg.ty = reg.ty.without(TypeFlags::MEM_ALLOC).plus(TypeFlags::MEM_RCU);
        } else {
            *reg = invalid;
        }
    });
    true
}

/// After a tail call, control comes back only if it has failed, in which case nothing has happened. If it has not, the
/// function that made it is left, and what was called may have changed the packet.
fn tail_call(cx: &mut Cx<'_>, state: &mut State, pc: Pc) -> Check<Next> {
    if state.frames.len() == 1 {
        return Ok(Next::Fall);
    }
    explore::push_unchecked(cx, state.clone(), Pc(pc.0 + 1), pc)?;
    dynptr::clear_packet_pointers(cx, state);
    *state.reg_mut(Reg::R0) = cx.unknown();
    let next = exit_frame(cx, state, pc)?;
    dynptr::clear_packet_pointers(cx, state);
    Ok(next)
}
