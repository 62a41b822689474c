//! The context of the program.

use btf::{Kind, TypeId};
use kernel_model::{ContextLayout, FieldValue, TypeFlags, context_layout};

use super::arguments;
use super::region;
use super::{Access, Request, set_unknown};
use crate::cx::{Check, Cx, reject};
use crate::scalar::Bounds;
use crate::state::{Detail, Reg, RegKind, RegType, State};

/// What was found out about the context once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Layout {
    /// Nothing yet.
    #[default]
    Unknown,
    /// What the program sees; `None` if that is not modelled.
    Known(Option<&'static ContextLayout>),
}

/// What loads of arguments gave before, by offset and size.
pub(crate) type Arguments = Vec<(i32, u32, Loaded)>;

/// What a load from the context gives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loaded {
    /// A number.
    Scalar,
    /// A number from one to another, in its lower half.
    Range(i32, i32),
    /// A pointer.
    Pointer(RegType, Detail),
    /// A pointer to a structure of the kernel with a reference that must be given back, by the argument it is.
    Owned(TypeId, usize),
}

/// Why an access to the context is not allowed, beside that it is not; mostly nothing.
pub(super) type Refusal = String;

/// An access to the context by an instruction.
pub(super) fn access(cx: &mut Cx<'_>, state: &mut State, request: &Request) -> Check {
    region::check_leak(cx, request, request.stored(state), "ctx")?;
    region::check_unmodified(request.reg, &request.pointer, false)?;
    let (offset, size) = (request.offset, request.size);
    let loaded = match check(cx, request)? {
        Ok(loaded) => loaded,
        Err(said) => {
            let line = if said.is_empty() { "" } else { "\n" };
            reject!(EACCES, "{said}{line}invalid bpf_context access off={offset} size={size}");
        }
    };
    let (Access::Read, Some(value)) = (request.access, request.value) else { return Ok(()) };
    match loaded {
        Loaded::Scalar => set_unknown(cx, state, value),
        Loaded::Range(low, high) => {
            let mut num = Bounds::UNKNOWN;
            (num.s32_min, num.s32_max) = (low, high);
            (num.smin, num.smax) = (low.into(), high.into());
            num.sync();
            *state.reg_mut(value) = Reg { num, ..cx.unknown() };
        }
        Loaded::Owned(id, arg) => {
            let held = cx.argument_refs.iter().find(|(owned, _)| *owned == arg).map(|one| one.1);
            let held = held.filter(|held| state.refs.iter().any(|one| one.id == *held));
            let Some(ref_obj_id) = held else {
                reject!(
                    EACCES,
                    "invalid bpf_context access off={offset}. Reference may already be released"
                );
            };
            let ty = RegType::with(RegKind::BtfId, TypeFlags::PTR_TRUSTED);
            let pointer = Reg::pointer(ty).with(Detail::Btf { id, own: false });
            *state.reg_mut(value) = Reg { ref_obj_id, ..pointer };
        }
        Loaded::Pointer(ty, detail) => {
            let id = if ty.may_be_null() { cx.new_id() } else { 0 };
            *state.reg_mut(value) = Reg { id, ..Reg::pointer(ty).with(detail) };
        }
    }
    Ok(())
}

/// Whether the program may access its context so, and what it gets (`check_ctx_access`).
fn check(cx: &mut Cx<'_>, request: &Request) -> Check<Result<Loaded, Refusal>> {
    let Request { offset, size, access, .. } = *request;
    let layout = match cx.layout {
        Layout::Known(layout) => layout,
        Layout::Unknown => {
            let layout = cx.program.ty.and_then(|ty| context_layout(ty, cx.program.attach));
            cx.layout = Layout::Known(layout);
            layout
        }
    };
    let Some(layout) = layout else {
        let name = cx.program.type_name();
        return cx.unsupported(format!("the context of programs of the type {name:?}"));
    };
    if layout.btf_args {
        let mut known = cx.arguments.iter();
        // The kernel says what it finds each time.
        if !cx.log.is_on()
            && access == Access::Read
            && let Some(known) = known.find(|known| (known.0, known.1) == (offset, size))
        {
            return Ok(Ok(known.2));
        }
        let found = arguments::load(cx, offset, size, access)?;
        if let Ok(loaded) = found
            && !cx.log.is_on()
        {
            cx.arguments.push((offset, size, loaded));
        }
        return Ok(found);
    }
    let access = match access {
        Access::Read => kernel_model::Access::Read,
        Access::Write => kernel_model::Access::Write,
    };
    let region = layout.access(i64::from(offset), size, access);
    let region = region.filter(|region| cx.program.may(region.capability));
    let is_packet = |value| {
        matches!(value, FieldValue::Packet | FieldValue::PacketMeta | FieldValue::PacketEnd)
    };
    // Pointers have no sign.
    let region = region.filter(|region| !(request.signed && is_packet(region.value)));
    let Some(region) = region else { return Ok(Err(Refusal::new())) };
    Ok(Ok(loaded(cx, region.value)))
}

fn loaded(cx: &Cx<'_>, value: FieldValue) -> Loaded {
    let plain = |kind, detail| Loaded::Pointer(RegType::of(kind), detail);
    let or_null =
        |kind| Loaded::Pointer(RegType::with(kind, TypeFlags::PTR_MAYBE_NULL), Detail::None);
    match value {
        FieldValue::Scalar => Loaded::Scalar,
        FieldValue::Packet => plain(RegKind::Packet, Detail::Range(0)),
        FieldValue::PacketMeta => plain(RegKind::PacketMeta, Detail::Range(0)),
        FieldValue::PacketEnd => plain(RegKind::PacketEnd, Detail::None),
        FieldValue::SockCommonOrNull => or_null(RegKind::SockCommon),
        FieldValue::Sock => plain(RegKind::Socket, Detail::None),
        FieldValue::SockOrNull => or_null(RegKind::Socket),
        FieldValue::FlowKeys => plain(RegKind::FlowKeys, Detail::None),
        FieldValue::TpBuffer => plain(RegKind::TpBuffer, Detail::None),
        FieldValue::Trusted(name) => {
            let ty = cx.program.kernel.find(name, Kind::Struct);
            let Some(ty) = ty else { return Loaded::Scalar };
            Loaded::Pointer(
                RegType::with(RegKind::BtfId, TypeFlags::PTR_TRUSTED),
                Detail::Btf { id: ty.id(), own: false },
            )
        }
    }
}
