//! Memory that helpers, kfuncs and global functions get.

use isa::Reg as Name;
use kernel_model::TypeFlags;

use super::region::{self, Span};
use super::stack_range::{self, ByCall};
use super::{Access, RawStack, Request, access_memory, btf_pointer, definition, map_value, packet};
use crate::cx::{Check, Cx, reject};
use crate::program::Program;
use crate::state::{Detail, RegKind, RegType, State};

/// `check_helper_mem_access`
pub(super) fn access(
    cx: &mut Cx<'_>,
    state: &mut State,
    reg: Name,
    size: u32,
    call: ByCall,
) -> Check<Option<RawStack>> {
    let pointer = *state.reg(reg);
    let length = size.cast_signed();
    let span =
        |limit, zero_allowed| Span { offset: pointer.off, size: length, limit, zero_allowed };
    match pointer.kind() {
        RegKind::Packet | RegKind::PacketMeta => {
            packet::check(reg, &pointer, pointer.off, length, call.zero_allowed)?;
        }
        RegKind::MapKey => {
            check_writable(reg, &pointer, call.access, true)?;
            let limit = definition(cx.program, &pointer).map_or(0, |(map, _)| map.key_size);
            region::check(reg, &pointer, span(limit, false))?;
        }
        RegKind::MapValue => {
            let (program, access) = (cx.program, call.access);
            map_value::check_direction(program, &pointer, pointer.off, length, access)?;
            map_value::check_by_call(program, reg, &pointer, length, call.zero_allowed)?;
        }
        RegKind::Mem => {
            check_writable(reg, &pointer, call.access, pointer.ty.has(TypeFlags::MEM_RDONLY))?;
            region::check(reg, &pointer, span(super::mem_size(&pointer), call.zero_allowed))?;
        }
        RegKind::Buf => {
            let read_only = pointer.ty.has(TypeFlags::MEM_RDONLY);
            check_writable(reg, &pointer, call.access, read_only)?;
            let what = if read_only { "rdonly" } else { "rdwr" };
            region::check_buffer(what, reg, &pointer, pointer.off, length)?;
        }
        RegKind::Stack => {
            return stack_range::initialized(cx, state, reg, &pointer, pointer.off, length, call);
        }
        RegKind::BtfId => {
            let request = Request {
                size,
                offset: pointer.off,
                access: Access::Read,
                value: None,
                ..Request::new(state, cx.pc, reg)
            };
            btf_pointer::access(cx, state, &request)?;
        }
        RegKind::Ctx if has_plain_context(cx.program) => {
            context(cx, state, reg, size, call)?;
        }
        _ => {
            if !(call.zero_allowed && size == 0 && pointer.is_null()) {
                let (number, ty) = (reg.number(), pointer.ty);
                reject!(EACCES, "R{number} type={ty} expected={}", RegType::of(RegKind::Stack));
            }
        }
    }
    Ok(None)
}

fn check_writable(
    reg: Name,
    pointer: &crate::state::Reg,
    access: Access,
    read_only: bool,
) -> Check {
    if read_only && access == Access::Write {
        reject!(EACCES, "R{} cannot write into {}", reg.number(), pointer.ty);
    }
    Ok(())
}

/// Accesses to the context are not rewritten for programs of this type (they have no `convert_ctx_access`).
fn has_plain_context(program: &Program<'_>) -> bool {
    matches!(
        program.type_name(),
        "kprobe"
            | "tracepoint"
            | "raw_tracepoint"
            | "raw_tracepoint_writable"
            | "tracing"
            | "lsm"
            | "struct_ops"
            | "syscall"
            | "lirc_mode2"
            | "cgroup_device"
            | "netfilter"
    )
}

/// A call accesses the context: its last byte is.
fn context(cx: &mut Cx<'_>, state: &mut State, reg: Name, size: u32, call: ByCall) -> Check {
    let Some(last) = size.checked_sub(1) else {
        if call.zero_allowed {
            return Ok(());
        }
        reject!(EACCES, "");
    };
    let request =
        Request { size: 1, access: call.access, value: None, ..Request::new(state, cx.pc, reg) };
    access_memory(cx, state, request, last.cast_signed(), false)
}

/// The size of memory.
pub(super) fn mem_size(pointer: &crate::state::Reg) -> u32 {
    match pointer.detail {
        Detail::Mem { size, .. } => size,
        _ => 0,
    }
}
