//! Packets, flow keys and sockets.

use isa::Reg as Name;
use kernel_model::{PointerKind, pointer_layout};

use super::region::{self, Span};
use super::{Access, Request, set_unknown};
use crate::cx::{Check, Cx, reject};
use crate::state::{Reg, RegKind, State};

/// An access through a packet pointer by an instruction.
pub(super) fn access(cx: &mut Cx<'_>, state: &mut State, request: &Request) -> Check {
    if request.access == Access::Write && !may_access(cx, Access::Write) {
        reject!(EACCES, "cannot write into packet");
    }
    region::check_leak(cx, request, request.stored(state), "packet")?;
    check(request.reg, &request.pointer, request.offset, request.length(), false)?;
    if let (Access::Read, Some(value)) = (request.access, request.value) {
        set_unknown(cx, state, value);
    }
    Ok(())
}

/// The bytes are known to be in the packet (`check_packet_access`).
pub(super) fn check(reg: Name, pointer: &Reg, offset: i32, size: i32, zero_allowed: bool) -> Check {
    let number = reg.number();
    if pointer.num.smin < 0 {
        reject!(
            EACCES,
            "R{number} min value is negative, either use unsigned index or do a if (index >=0) check."
        );
    }
    let range = pointer.range();
    if range < 0 {
        reject!(EINVAL, "R{number} offset is outside of the packet");
    }
    let span = Span { offset, size, limit: range.cast_unsigned(), zero_allowed };
    if let Err(why) = span.check_fixed(reg, pointer) {
        reject!(EACCES, "{why}\nR{number} offset is outside of the packet");
    }
    Ok(())
}

/// Programs of this type may access packets through pointers (`may_access_direct_pkt_data` without a call).
pub(super) fn may_access(cx: &mut Cx<'_>, access: Access) -> bool {
    let Some(ty) = cx.program.ty else { return false };
    let allowed = match access {
        Access::Read => ty.packet_read,
        Access::Write => ty.packet_write,
    };
    if allowed && (ty.name != "cgroup_sockopt" || access == Access::Write) {
        cx.seen_direct_write = true;
    }
    allowed
}

/// An access to the flow dissector's keys (`check_flow_keys_access`).
pub(super) fn flow_keys(cx: &mut Cx<'_>, state: &mut State, request: &Request) -> Check {
    region::check_leak(cx, request, request.stored(state), "flow keys")?;
    let layout = pointer_layout(PointerKind::FlowKeys);
    let limit = layout.record.map_or(0, |record| record.size);
    let (offset, size) = (request.offset, request.size);
    if offset < 0 || i64::from(offset) + i64::from(size) > i64::from(limit) {
        reject!(EACCES, "invalid access to flow keys off={offset} size={size}");
    }
    if let (Access::Read, Some(value)) = (request.access, request.value) {
        set_unknown(cx, state, value);
    }
    Ok(())
}

/// An access to a socket (`check_sock_access`).
pub(super) fn socket(cx: &mut Cx<'_>, state: &mut State, request: &Request) -> Check {
    let Request { reg, pointer, offset, size, .. } = request;
    let number = reg.number();
    if request.access == Access::Write {
        reject!(EACCES, "R{number} cannot write into {}", pointer.ty);
    }
    if pointer.num.smin < 0 {
        reject!(
            EACCES,
            "R{number} min value is negative, either use unsigned index or do a if (index >=0) check."
        );
    }
    let kind = match pointer.kind() {
        RegKind::SockCommon => PointerKind::SockCommon,
        RegKind::TcpSock => PointerKind::TcpSock,
        RegKind::XdpSock => PointerKind::XdpSock,
        _ => PointerKind::Sock,
    };
    let layout = pointer_layout(kind);
    if layout.access(i64::from(*offset), *size, kernel_model::Access::Read).is_none() {
        reject!(EACCES, "R{number} invalid {} access off={offset} size={size}", pointer.ty);
    }
    if let Some(value) = request.value {
        set_unknown(cx, state, value);
    }
    Ok(())
}
