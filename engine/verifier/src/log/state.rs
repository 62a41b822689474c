//! A frame of a state on one line: registers, slots, references (`print_verifier_state` of kernel/bpf/log.c).

use std::fmt::Write as _;

use kernel_model::TypeFlags;

use super::number::{write_ranges, write_signed, write_tnum, write_unsigned};
use crate::cx::Cx;
use crate::program::{MapId, Program};
use crate::state::{
    ADD_CONST, Detail, DynptrKind, Frame, IterState, Reg, RegKind, RegType, SlotKind, StackSlot,
    State,
};

/// What of a frame is printed, as bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touched {
    /// Registers by number.
    pub regs: u16,
    /// Slots: bit `i` is the one at `fp-8*(i+1)`.
    pub slots: u64,
}

impl Touched {
    /// Everything.
    pub(crate) const ALL: Self = Self { regs: u16::MAX, slots: u64::MAX };
}

/// A frame of a state as the kernel prints it, without the end of the line: all of it, or what was touched since it was
/// printed last.
pub(crate) fn print_state(cx: &Cx<'_>, state: &State, frame: u32, all: bool) -> String {
    let touched = Touched { regs: cx.log.touched_regs, slots: cx.log.touched_slots };
    let mut out = String::new();
    let touched = if all { Touched::ALL } else { touched };
    write_frame(&mut out, cx.program, state, frame as usize, touched);
    out
}

/// As [`print_state`], behind what is in `out`.
pub(crate) fn write_frame(
    out: &mut String,
    program: &Program<'_>,
    state: &State,
    frame: usize,
    touched: Touched,
) {
    let Some(frame) = state.frames.get(frame) else { return };
    // Writing to a string does not fail, here and below.
    if frame.number != 0 {
        let _ = write!(out, " frame{}:", frame.number);
    }
    for (number, reg) in frame.regs.iter().enumerate() {
        if reg.kind() != RegKind::NotInit && touched.regs >> number & 1 != 0 {
            let _ = write!(out, " R{number}=");
            write_reg(out, program, frame, reg);
        }
    }
    write_stack(out, program, frame, touched.slots);
    write_refs(out, state);
    if frame.in_callback {
        out.push_str(" cb");
    }
    if frame.in_async_callback {
        out.push_str(" async_cb");
    }
}

fn write_refs(out: &mut String, state: &State) {
    if state.refs.first().is_none_or(|first| first.id == 0) {
        return;
    }
    let mut sep = " refs=";
    for held in state.refs.iter().filter(|held| held.id != 0) {
        let _ = write!(out, "{sep}{}", held.id);
        sep = ",";
    }
}

fn write_stack(out: &mut String, program: &Program<'_>, frame: &Frame, touched: u64) {
    let mut rest = frame.stack.iter().enumerate();
    while let Some((index, slot)) = rest.next() {
        let is_valid = slot.kinds.iter().any(|kind| *kind != SlotKind::Invalid);
        if !is_valid || index < 64 && touched >> index & 1 == 0 {
            continue;
        }
        match slot.kind() {
            SlotKind::Spill => {
                write_place(out, index);
                let above = slot.kinds.iter().take_while(|kind| **kind != SlotKind::Spill);
                out.extend(above.map(kind_letter));
                write_reg(out, program, frame, &slot.spilled);
            }
            // What is known is in the slot at the lower address.
            SlotKind::Dynptr => {
                if let Some((index, slot)) = rest.next() {
                    write_place(out, index);
                    write_dynptr(out, &slot.spilled);
                }
            }
            SlotKind::Iter => write_iterator(out, program, index, slot),
            SlotKind::Invalid | SlotKind::Misc | SlotKind::Zero | SlotKind::IrqFlag => {
                write_place(out, index);
                out.extend(slot.kinds.iter().map(kind_letter));
            }
        }
    }
}

/// The beginning of a slot: ` fp-8=`.
fn write_place(out: &mut String, index: usize) {
    let _ = write!(out, " fp-{}=", (index + 1) * 8);
}

fn kind_letter(kind: &SlotKind) -> char {
    match kind {
        SlotKind::Invalid => '?',
        SlotKind::Spill => 'r',
        SlotKind::Misc => 'm',
        SlotKind::Zero => '0',
        SlotKind::Dynptr => 'd',
        SlotKind::Iter => 'i',
        SlotKind::IrqFlag => 'f',
    }
}

fn write_dynptr(out: &mut String, reg: &Reg) {
    let (kind, first) = match reg.detail {
        Detail::Dynptr { kind, first } => (kind, first),
        _ => (DynptrKind::Invalid, false),
    };
    let _ = write!(out, "dynptr_{}(", dynptr_name(kind));
    let mut sep = "";
    let mut attribute = |name: &str, id: u32| {
        if id != 0 {
            let _ = write!(out, "{sep}{name}={id}");
            sep = ",";
        }
    };
    attribute("id", reg.id);
    attribute("ref_id", reg.ref_obj_id);
    // The kernel reads the place where it keeps which of the two slots this is.
    attribute("dynptr_id", first.into());
    out.push(')');
}

fn dynptr_name(kind: DynptrKind) -> &'static str {
    match kind {
        DynptrKind::Invalid => "<invalid>",
        DynptrKind::Local => "local",
        DynptrKind::Ringbuf => "ringbuf",
        DynptrKind::Skb => "skb",
        DynptrKind::Xdp => "xdp",
        DynptrKind::SkbMeta => "skb_meta",
    }
}

/// Only the first slot of an iterator, which has its reference, is printed.
fn write_iterator(out: &mut String, program: &Program<'_>, index: usize, slot: &StackSlot) {
    let reg = &slot.spilled;
    let Detail::Iter { id, state, depth } = reg.detail else { return };
    if reg.ref_obj_id == 0 {
        return;
    }
    write_place(out, index);
    let name = program.kernel.get(id).map_or("<invalid>", |ty| ty.name());
    let name = name.strip_prefix("bpf_iter_").unwrap_or(name);
    let state = match state {
        IterState::Invalid => "<invalid>",
        IterState::Active => "active",
        IterState::Drained => "drained",
    };
    let _ = write!(out, "iter_{name}(ref_id={},state={state},depth={depth})", reg.ref_obj_id);
}

/// As `print_reg_state` of kernel/bpf/log.c.
fn write_reg(out: &mut String, program: &Program<'_>, frame: &Frame, reg: &Reg) {
    let known = reg.num.bits.as_constant();
    if reg.is_scalar() {
        if reg.precise {
            out.push('P');
        }
        if let Some(number) = known {
            write_signed(out, number.cast_signed());
            return;
        }
    }
    let _ = write!(out, "{}", reg.ty);
    if reg.ty == RegType::of(RegKind::Arena) {
        return;
    }
    if reg.ty == RegType::of(RegKind::Stack) {
        if reg.frame != frame.number {
            let _ = write!(out, "[{}]", reg.frame);
        }
        if let Some(offset) = known {
            write_signed(out, offset.cast_signed().wrapping_add(reg.off.into()));
            return;
        }
    }
    if reg.kind() == RegKind::BtfId
        && let Detail::Btf { id, own } = reg.detail
    {
        let types = if own { program.btf } else { Some(program.kernel) };
        out.push_str(types.and_then(|types| types.get(id)).map_or("", |ty| ty.name()));
    }
    out.push('(');
    write_attributes(out, program, reg);
    out.push(')');
}

/// What is in the parentheses behind a type.
fn write_attributes(out: &mut String, program: &Program<'_>, reg: &Reg) {
    let mut sep = "";
    let mut next = || std::mem::replace(&mut sep, ",");
    if reg.id != 0 {
        let _ = write!(out, "{}id={}", next(), reg.id & !ADD_CONST);
    }
    if reg.id & ADD_CONST != 0 {
        let _ = write!(out, "{:+}", reg.off);
    }
    if reg.ref_obj_id != 0 {
        let _ = write!(out, "{}ref_obj_id={}", next(), reg.ref_obj_id);
    }
    if reg.kind() == RegKind::BtfId
        && reg.ty.has(TypeFlags::MEM_ALLOC.union(TypeFlags::NON_OWN_REF))
    {
        let _ = write!(out, "{}non_own_ref", next());
    }
    if let (RegKind::ConstMapPtr | RegKind::MapKey | RegKind::MapValue, Some(map)) =
        (reg.kind(), reg.map())
    {
        if let Some(name) = map_name(program, map) {
            let _ = write!(out, "{}map={name}", next());
        }
        let sizes = program.map(map).map(|facts| facts.definition(map.inner));
        let (key, value) = sizes.map_or((0, 0), |sizes| (sizes.key_size, sizes.value_size));
        let _ = write!(out, "{}ks={key},vs={value}", next());
    }
    if !reg.is_scalar() && reg.off != 0 {
        let _ = write!(out, "{}off=", next());
        write_signed(out, reg.off.into());
    }
    if let (RegKind::Packet | RegKind::PacketMeta, range) = (reg.kind(), reg.range()) {
        let _ = write!(out, "{}r=", next());
        write_unsigned(out, i64::from(range).cast_unsigned());
    }
    if let (RegKind::Mem, Detail::Mem { size, .. }) = (reg.kind(), reg.detail) {
        let _ = write!(out, "{}sz=", next());
        write_unsigned(out, size.into());
    }
    if reg.ty == RegType::of(RegKind::Dynptr)
        && let Detail::Dynptr { kind, .. } = reg.detail
    {
        let _ = write!(out, "{}type={}", next(), dynptr_name(kind));
    }
    match reg.num.bits.as_constant() {
        Some(0) => {}
        Some(offset) => {
            let _ = write!(out, "{}imm=", next());
            write_signed(out, offset.cast_signed());
        }
        None => {
            let sep = write_ranges(out, &reg.num, next());
            if reg.num.bits.mask() != u64::MAX {
                let _ = write!(out, "{sep}var_off=");
                write_tnum(out, reg.num.bits);
            }
        }
    }
}

/// The name that the kernel knows a map by; patterns for inner maps have none.
fn map_name(program: &Program<'_>, id: MapId) -> Option<String> {
    let map = program.map(id).filter(|_| !id.inner)?.map;
    Some(map.kernel_name(&program.options.file))
}
