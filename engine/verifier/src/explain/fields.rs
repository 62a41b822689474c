//! Stories of fields: what is where in contexts, sockets and structures of the kernel.

use btf::{Btf, Kind, TypeId};
use isa::Insn;
use kernel_model::{ContextLayout, PointerKind, Region, Width, context_layout, pointer_layout};

use super::facts;
use super::tell::{Teller, numbers_behind};
use crate::state::{Detail, RegKind};

/// Fields that are named at most.
const MOST_FIELDS: usize = 8;
/// Structures within one another that are looked into at most.
const NESTED: usize = 8;

/// An access to the context.
pub(super) fn context(t: &mut Teller<'_, '_>) {
    let program = t.program();
    let layout = program.ty.and_then(|ty| context_layout(ty, program.attach));
    let Some(layout) = layout else { return facts::here(t) };
    if layout.btf_args {
        tell_pointer(t);
        return facts::attached(t);
    }
    let of = format!("programs of the type `{}`", program.type_name());
    field(t, layout, &of);
}

/// An access to a socket.
pub(super) fn socket(t: &mut Teller<'_, '_>) {
    let reg = t.base().or_else(|| t.subject());
    let kind = reg.and_then(|reg| t.reg_at(t.end()?, reg)).map(|value| value.kind());
    let kind = match kind {
        Some(RegKind::SockCommon) => PointerKind::SockCommon,
        Some(RegKind::Socket) => PointerKind::Sock,
        Some(RegKind::TcpSock) => PointerKind::TcpSock,
        Some(RegKind::XdpSock) => PointerKind::XdpSock,
        Some(RegKind::FlowKeys) => PointerKind::FlowKeys,
        _ => return facts::here(t),
    };
    field(t, pointer_layout(kind), "programs with such a pointer");
}

/// What is at the place of the access, and what may be accessed instead.
fn field(t: &mut Teller<'_, '_>, layout: &'static ContextLayout, who: &str) {
    let Some(end) = t.end() else { return facts::code(t) };
    let first = |text| numbers_behind(t.message, text).next();
    let (Some(offset), Some(size)) = (first("off="), first("size=")) else { return facts::here(t) };
    let is_store =
        !matches!(t.insn_at(end), Some(Insn::Load(_) | Insn::LoadSx(_) | Insn::LoadAcquire(_)));
    let meets = |from: u32, len: u32| {
        i64::from(from) < offset + size && offset < i64::from(from) + i64::from(len)
    };
    let region = layout.regions.iter().find(|region| meets(region.offset, region.size));
    let record = layout.record;
    let name = record.and_then(|record| {
        record.fields.iter().find(|field| meets(field.offset, field.size)).map(|field| field.name)
    });
    let text = match (region, name, record) {
        (Some(region), ..) => format!("{} {}", what(region), rule(region, is_store)),
        (None, Some(name), Some(record)) => {
            format!("`{name}` of `struct {}` is not for {who}", record.name)
        }
        (None, None, Some(record)) if offset + size > i64::from(record.size) || offset < 0 => {
            format!("`struct {}` has {} bytes", record.name, record.size)
        }
        _ => format!("there is nothing at offset {offset} for {who}"),
    };
    t.say(end, text);
    tell_pointer(t);
    if region.is_none() {
        allowed(t, layout, is_store, who);
    }
}

/// The name and place of a region.
fn what(region: &Region) -> String {
    let place = format!("{} bytes from offset {} on", region.size, region.offset);
    if region.name.is_empty() {
        format!("what is there, {place},")
    } else {
        format!("`{}`, {place},", region.name)
    }
}

/// How a region may be accessed.
fn rule(region: &Region, is_store: bool) -> String {
    let width = if is_store { region.write } else { region.read };
    let Some(width) = width else {
        return match (region.read.is_some(), region.write.is_some()) {
            (true, _) => "may be read but not written".to_owned(),
            (_, true) => "may be written but not read".to_owned(),
            _ => "may not be accessed".to_owned(),
        };
    };
    let verb = if is_store { "written" } else { "read" };
    match width {
        Width::Exact => format!("is {verb} as a whole, {} bytes", region.element),
        Width::ExactWide => {
            format!("is {verb} as a whole, {} bytes or two of them", region.element)
        }
        Width::Narrow | Width::Padded | Width::Unaligned => {
            format!("is {verb} within {} bytes", region.element)
        }
        Width::First => format!("is {verb} from its beginning, 1, 2 or 4 bytes"),
        Width::Halves => format!("is {verb} by 2 or 4 bytes"),
        Width::Wide => format!("is {verb} within {} bytes or two of them", region.element),
        Width::Unbounded => format!("is {verb} aligned, by 1, 2, 4 or 8 bytes"),
    }
}

/// The fields that may be accessed.
fn allowed(t: &mut Teller<'_, '_>, layout: &ContextLayout, is_store: bool, who: &str) {
    let may = |region: &&Region| if is_store { region.write } else { region.read }.is_some();
    let regions = layout.regions.iter().filter(may).filter(|region| !region.name.is_empty());
    let mut names: Vec<&str> = regions.map(|region| region.name).collect();
    names.dedup();
    let verb = if is_store { "write" } else { "read" };
    let shown: Vec<String> =
        names.iter().take(MOST_FIELDS).map(|name| format!("`{name}`")).collect();
    let text = match (shown.len(), names.len() - shown.len()) {
        (0, _) => format!("{who} {verb} none of its fields"),
        (_, 0) => format!("{who} {verb} {}", shown.join(", ")),
        (_, more) => format!("{who} {verb} {} and {more} more", shown.join(", ")),
    };
    t.say_of(isa::Pc(0), text);
}

/// Where the pointer of the access comes from.
fn tell_pointer(t: &mut Teller<'_, '_>) {
    let Some(reg) = t.base() else { return };
    let root = t.root_of(reg).unwrap_or_default();
    t.origin_of(&root);
}

/// An access to a structure of the kernel.
pub(super) fn member(t: &mut Teller<'_, '_>) {
    let Some(end) = t.end() else { return facts::code(t) };
    let Some(reg) = t.base().or_else(|| t.subject()) else { return facts::here(t) };
    let Some(value) = t.reg_at(end, reg).copied() else { return };
    let program = t.program();
    if let Detail::Btf { id, own } = value.detail
        && let Some(btf) = program.btf_of(own)
        && let Some(offset) = accessed(t, end)
        && let Some(ty) = btf.get(id)
    {
        let offset = offset + i64::from(value.off);
        let place = u32::try_from(offset).ok();
        let text = match place.and_then(|offset| member_at(btf, id, offset)) {
            Some(name) => format!("at offset {offset} of `struct {}` is `{name}`", ty.name()),
            None => format!(
                "`struct {}` has {} bytes, and nothing at offset {offset}",
                ty.name(),
                ty.size().unwrap_or(0)
            ),
        };
        t.say(end, text);
    }
    let root = t.root_of(reg).unwrap_or_default();
    t.origin_of(&root);
}

/// The offset in the instruction of an access.
fn accessed(t: &Teller<'_, '_>, at: usize) -> Option<i64> {
    Some(match t.insn_at(at)? {
        Insn::Load(load) | Insn::LoadAcquire(load) => load.offset.0.into(),
        Insn::LoadSx(load) => load.offset.0.into(),
        Insn::Store(store) => store.offset.0.into(),
        _ => return None,
    })
}

/// The names of the members that lead to the one at an offset in bytes.
fn member_at(btf: &Btf<'_>, id: TypeId, offset: u32) -> Option<String> {
    let (mut id, mut offset) = (id, offset);
    let mut names: Vec<String> = Vec::new();
    for _ in 0..NESTED {
        let ty = btf.resolve(id)?;
        if !matches!(ty.kind(), Kind::Struct | Kind::Union) {
            break;
        }
        let found = ty.members().iter().find(|member| {
            let begin = member.bit_offset / 8;
            let size = btf.size_of(member.ty).unwrap_or(0);
            begin <= offset && u64::from(offset - begin) < size
        });
        let Some(member) = found else { break };
        if !member.is_anonymous() {
            names.push(member.name().to_owned());
        }
        offset -= member.bit_offset / 8;
        id = member.ty;
    }
    (!names.is_empty()).then(|| names.join("."))
}
