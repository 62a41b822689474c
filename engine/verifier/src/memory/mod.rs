//! Accesses to memory: which are allowed, and what they give.

mod arguments;
mod btf_pointer;
mod by_call;
mod constant;
mod context;
mod field_search;
mod fields;
mod insn;
mod map_value;
mod own_types;
mod packet;
mod region;
mod stack;
mod stack_range;
#[cfg(test)]
mod tests;
mod walk;
mod writes;

use domains::Tnum;
use isa::{Insn, Pc, Reg};
use kernel_model::TypeFlags;

use crate::cx::{Check, Cx, Next, reject};
use crate::program::Program;
use crate::scalar::Bounds;
use crate::state::{self, Detail, RegKind, State};

pub(crate) use arguments::references;
pub(crate) use constant::Variables;
pub(crate) use context::{Arguments, Layout};
pub(crate) use map_value::is_frozen;

/// A pointer into the value of a map points to a byte of it (`check_map_access` of one byte).
pub(crate) fn check_map_pointer(cx: &Cx<'_>, reg: Reg, pointer: &state::Reg) -> Check {
    map_value::check_by_call(cx.program, reg, pointer, 1, false)
}

use by_call::mem_size;
use map_value::definition;
use region::Span;

/// The special fields of a structure (`struct btf_record`).
#[derive(Clone, PartialEq, Debug, Default)]
pub struct FieldRecord {
    /// The fields, by offset.
    pub fields: Vec<SpecialField>,
    /// Why the kernel refuses to create a map with such values, as an errno. Loaders then create it without types, so
    /// that it has no special fields.
    pub error: Option<i32>,
}

/// A special field (`struct btf_field`).
#[derive(Clone, PartialEq, Debug)]
pub struct SpecialField {
    /// What it is.
    pub kind: FieldKind,
    /// Its place in bytes.
    pub offset: u32,
    /// Its size in bytes.
    pub size: u32,
}

/// What a special field is (`enum btf_field_type`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FieldKind {
    /// `struct bpf_spin_lock`.
    SpinLock,
    /// `struct bpf_res_spin_lock`.
    ResSpinLock,
    /// `struct bpf_timer`.
    Timer,
    /// `struct bpf_wq`.
    Workqueue,
    /// `struct bpf_task_work`.
    TaskWork,
    /// A pointer that is not trusted.
    KptrUntrusted(Pointee),
    /// A pointer with a reference.
    KptrRef(Pointee),
    /// A pointer to per-CPU memory with a reference.
    KptrPercpu(Pointee),
    /// A pointer to user memory.
    Uptr(Pointee),
    /// `struct bpf_list_head` of these.
    ListHead(GraphRoot),
    /// `struct bpf_list_node`.
    ListNode,
    /// `struct bpf_rb_root` of these.
    RbRoot(GraphRoot),
    /// `struct bpf_rb_node`.
    RbNode,
    /// `struct bpf_refcount`.
    Refcount,
}

/// What a kptr points to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pointee {
    /// The type.
    pub id: btf::TypeId,
    /// It is a type of the program, not of the kernel.
    pub own: bool,
}

/// What a list or tree holds (`struct btf_field_graph_root`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct GraphRoot {
    /// The type of the objects, in the BTF of the program.
    pub object: btf::TypeId,
    /// The place of the node in them, in bytes.
    pub node_offset: u32,
}

/// The special fields of all structures of a program that have any (`struct_meta_tab`), by type.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct StructRecords {
    /// The records.
    pub records: Vec<(btf::TypeId, FieldRecord)>,
    /// Why the kernel refuses the types of the program, as an errno.
    pub error: Option<i32>,
}

impl StructRecords {
    /// The special fields of a structure (`btf_find_struct_meta`).
    pub fn of(&self, id: btf::TypeId) -> Option<&FieldRecord> {
        let index = self.records.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.records.get(index).map(|(_, record)| record)
    }
}

impl FieldRecord {
    /// It has a field of such a kind (`btf_record_has_field`).
    pub fn has(&self, is: impl Fn(FieldKind) -> bool) -> bool {
        self.fields.iter().any(|field| is(field.kind))
    }

    /// The field that begins at an offset (`btf_record_find`).
    pub fn at(&self, offset: u64) -> Option<&SpecialField> {
        self.fields.iter().find(|field| u64::from(field.offset) == offset)
    }
}

impl FieldKind {
    /// The kernel's name (`btf_field_type_name`).
    pub fn name(self) -> &'static str {
        match self {
            Self::SpinLock => "bpf_spin_lock",
            Self::ResSpinLock => "bpf_res_spin_lock",
            Self::Timer => "bpf_timer",
            Self::Workqueue => "bpf_wq",
            Self::TaskWork => "bpf_task_work",
            Self::KptrUntrusted(_) | Self::KptrRef(_) => "kptr",
            Self::KptrPercpu(_) => "percpu_kptr",
            Self::Uptr(_) => "uptr",
            Self::ListHead(_) => "bpf_list_head",
            Self::ListNode => "bpf_list_node",
            Self::RbRoot(_) => "bpf_rb_root",
            Self::RbNode => "bpf_rb_node",
            Self::Refcount => "bpf_refcount",
        }
    }
}

/// The special fields of what a register points to (`reg_btf_record`).
pub(crate) fn record_of<'a>(program: &'a Program<'a>, reg: &state::Reg) -> Option<&'a FieldRecord> {
    match (reg.kind(), reg.detail) {
        (RegKind::MapValue, Detail::Map { map, .. }) => program.record(map),
        (RegKind::BtfId, Detail::Btf { id, own: true }) => program.records.of(id),
        _ => None,
    }
}

/// What an access does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Access {
    /// It reads.
    Read,
    /// It writes.
    Write,
}

/// A load, store, packet load or atomic operation, and loads of 64-bit constants and addresses
/// (`check_load_mem`, `check_store_reg`, `check_atomic`, `check_ld_abs`, `check_ld_imm`). Packet loads in functions may
/// go on elsewhere.
pub(crate) fn access(cx: &mut Cx<'_>, state: &mut State, pc: Pc, insn: &Insn) -> Check<Next> {
    insn::access(cx, state, pc, insn)
}

/// A helper or kfunc accesses `size` bytes from a pointer on (`check_helper_mem_access`).
///
/// `raw` says that the memory may be uninitialised and is filled (`meta->raw_mode`); if it is on the stack, the result
/// is `(frame, offset, size)` of what the caller has to mark as written after its other arguments were checked.
pub(crate) fn helper_access(
    cx: &mut Cx<'_>,
    state: &mut State,
    reg: Reg,
    size: u32,
    access: Access,
    zero_allowed: bool,
    raw: bool,
) -> Check<Option<RawStack>> {
    by_call::access(cx, state, reg, size, stack_range::ByCall { access, zero_allowed, raw })
}

/// Uninitialised stack that a call fills.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RawStack {
    /// The register it was passed in.
    pub reg: Reg,
    /// Offset from the frame pointer of that frame.
    pub offset: i32,
    /// In bytes.
    pub size: u32,
}

/// An access of `size` bytes at `reg + offset` by an instruction or, with `value` as `None`, by a call that fills or
/// reads memory (`check_mem_access`). A load puts what it gives into `value`.
#[expect(clippy::too_many_arguments, reason = "as many questions as an access has")]
pub(crate) fn mem_access(
    cx: &mut Cx<'_>,
    state: &mut State,
    pc: Pc,
    reg: Reg,
    offset: i32,
    size: u32,
    access: Access,
    value: Option<Reg>,
    strict_alignment_once: bool,
    sign_extends: bool,
) -> Check {
    let signed = sign_extends;
    let request = Request { size, access, value, signed, ..Request::new(state, pc, reg) };
    access_memory(cx, state, request, offset, strict_alignment_once)
}

/// An access, with what is known of the pointer.
#[derive(Clone, Copy, Debug)]
struct Request {
    /// The instruction.
    pc: Pc,
    /// The register with the pointer.
    reg: Reg,
    /// What is known of it.
    pointer: state::Reg,
    /// The known offset: of the instruction and of the pointer.
    offset: i32,
    /// How many bytes.
    size: u32,
    /// What is done.
    access: Access,
    /// The register that is stored, or that takes what is loaded.
    value: Option<Reg>,
    /// The constant that is stored instead of a register.
    constant: Option<u64>,
    /// What is loaded has a sign.
    signed: bool,
}

impl Request {
    fn new(state: &State, pc: Pc, reg: Reg) -> Self {
        let pointer = *state.reg(reg);
        let (access, value) = (Access::Read, None);
        Self { pc, reg, pointer, offset: 0, size: 0, access, value, constant: None, signed: false }
    }

    /// The size as the kernel counts it.
    fn length(&self) -> i32 {
        self.size.cast_signed()
    }

    /// The access to memory of so many bytes.
    fn span(&self, limit: u32) -> Span {
        Span { offset: self.offset, size: self.length(), limit, zero_allowed: false }
    }

    /// The register that is stored.
    fn stored<'s>(&self, state: &'s State) -> Option<&'s state::Reg> {
        self.value.filter(|_| self.access == Access::Write).map(|value| state.reg(value))
    }
}

/// `check_mem_access`, with the offset of the instruction.
fn access_memory(
    cx: &mut Cx<'_>,
    state: &mut State,
    mut request: Request,
    offset: i32,
    strict: bool,
) -> Check {
    region::check_alignment(&request, offset, strict)?;
    request.offset = offset.wrapping_add(request.pointer.off);
    let request = &request;
    let ty = request.pointer.ty;
    let plain = ty.flags == TypeFlags::NONE;
    match ty.kind {
        RegKind::Stack if plain => stack::access(cx, state, request)?,
        RegKind::MapValue if plain => map_value::value(cx, state, request)?,
        RegKind::MapKey if plain => map_value::key(cx, state, request)?,
        RegKind::Mem if !ty.may_be_null() => memory(cx, state, request)?,
        RegKind::Ctx if plain => context::access(cx, state, request)?,
        RegKind::Packet | RegKind::PacketMeta if plain => packet::access(cx, state, request)?,
        RegKind::FlowKeys if plain => packet::flow_keys(cx, state, request)?,
        RegKind::Socket | RegKind::SockCommon | RegKind::TcpSock | RegKind::XdpSock if plain => {
            packet::socket(cx, state, request)?;
        }
        RegKind::TpBuffer if plain => {
            let size = request.length();
            region::check_buffer(
                "tracepoint",
                request.reg,
                &request.pointer,
                request.offset,
                size,
            )?;
            load_unknown(cx, state, request);
        }
        RegKind::BtfId if !ty.may_be_null() => btf_pointer::access(cx, state, request)?,
        RegKind::ConstMapPtr if plain => btf_pointer::map(cx, state, request)?,
        RegKind::Buf if !ty.may_be_null() => buffer(cx, state, request)?,
        RegKind::Arena if plain => load_unknown(cx, state, request),
        _ => reject!(EACCES, "R{} invalid mem access '{ty}'", request.reg.number()),
    }
    if let (Access::Read, Some(value), 1..8) = (request.access, request.value, request.size) {
        let reg = state.reg_mut(value);
        if reg.is_scalar() {
            narrow(reg, request.size, request.signed);
        }
    }
    Ok(())
}

/// A load of less than a register fills the rest (`coerce_reg_to_size`, `coerce_reg_to_size_sx`).
fn narrow(reg: &mut state::Reg, size: u32, signed: bool) {
    if signed {
        reg.num.sign_extend(size);
    } else if reg.num == Bounds::UNKNOWN {
        reg.num = narrow_bounds(size);
    } else {
        reg.num.truncate(size);
    }
}

/// Any number of 1, 2 or 4 bytes.
fn narrow_bounds(size: u32) -> Bounds {
    let most = u64::MAX >> (64 - 8 * size);
    let half = u32::MAX >> (32 - 8 * size);
    let signed = half.cast_signed();
    Bounds {
        bits: Tnum::new(0, most),
        smin: 0,
        smax: most.cast_signed(),
        umin: 0,
        umax: most,
        s32_min: if signed < 0 { i32::MIN } else { 0 },
        s32_max: if signed < 0 { i32::MAX } else { signed },
        u32_min: 0,
        u32_max: half,
    }
}

/// The register holds any number (`mark_reg_unknown`).
fn set_unknown(cx: &Cx<'_>, state: &mut State, reg: Reg) {
    *state.reg_mut(reg) = cx.unknown();
}

/// If the access is a load, it gives any number.
fn load_unknown(cx: &Cx<'_>, state: &mut State, request: &Request) {
    if let (Access::Read, Some(value)) = (request.access, request.value) {
        set_unknown(cx, state, value);
    }
}

/// An access to memory of a known size by an instruction.
fn memory(cx: &mut Cx<'_>, state: &mut State, request: &Request) -> Check {
    let ty = request.pointer.ty;
    let read_only = ty.has(TypeFlags::MEM_RDONLY);
    if request.access == Access::Write && read_only {
        reject!(EACCES, "R{} cannot write into {ty}", request.reg.number());
    }
    region::check_leak(cx, request, request.stored(state), "mem")?;
    // Faults of loads from what is not trusted are caught.
    if !(read_only && ty.has(TypeFlags::PTR_UNTRUSTED)) {
        region::check(request.reg, &request.pointer, request.span(mem_size(&request.pointer)))?;
    }
    load_unknown(cx, state, request);
    Ok(())
}

/// An access to a buffer whose size is found out later, by an instruction (`check_buffer_access`).
fn buffer(cx: &mut Cx<'_>, state: &mut State, request: &Request) -> Check {
    let ty = request.pointer.ty;
    let read_only = ty.has(TypeFlags::MEM_RDONLY);
    if request.access == Access::Write && read_only {
        reject!(EACCES, "R{} cannot write into {ty}", request.reg.number());
    }
    let what = if read_only { "rdonly" } else { "rdwr" };
    region::check_buffer(what, request.reg, &request.pointer, request.offset, request.length())?;
    load_unknown(cx, state, request);
    Ok(())
}

/// The pointer is as it was given: with no unknown offset and, unless `fixed_ok`, no known one
/// (`check_ptr_off_reg`, `__check_ptr_off_reg`).
pub(crate) fn ptr_off_reg(_cx: &Cx<'_>, state: &State, reg: Reg, fixed_ok: bool) -> Check {
    region::check_unmodified(reg, state.reg(reg), fixed_ok)
}

/// A pointer to `have` at `offset` is a pointer to `need`, because they are the same or because `need` is what `have`
/// has there; with `strict` not if it is only its first member (`btf_struct_ids_match` of kernel/bpf/btf.c). If not: what
/// the kernel says while it looks, mostly nothing.
pub(crate) fn ids_match(
    program: &Program<'_>,
    have: Pointee,
    offset: i32,
    need: Pointee,
    strict: bool,
) -> Result<(), String> {
    if offset == 0 && have == need {
        return Ok(());
    }
    let Some(btf) = program.btf_of(have.own).filter(|_| !strict) else { return Err(String::new()) };
    if have.own == need.own {
        return walk::is_inside(btf, have.id, offset, need.id);
    }
    // Types of the program and of the kernel are never the same.
    walk::is_inside(btf, have.id, offset, btf::TypeId(u32::MAX))
}

/// An RCU read section or what does as well is open (`in_rcu_cs`).
pub(crate) fn in_rcu_section(cx: &Cx<'_>, state: &State) -> bool {
    state.active_rcu_locks > 0 || state.active_locks > 0 || !cx.in_sleepable(state)
}

/// The pointer in `reg` may be kept in the field (`map_kptr_match_type`).
pub(crate) fn kptr_matches(cx: &Cx<'_>, state: &State, field: &SpecialField, reg: Reg) -> Check {
    let Some(pointee) = map_value::pointee(field.kind) else {
        return cx.unsupported(format!("a pointer in {field:?}"));
    };
    map_value::check_match(cx.program, field.kind, pointee, reg, state.reg(reg))
}

/// The alignment of an access of `size` bytes at `reg + offset` (`check_ptr_alignment`).
pub(crate) fn check_alignment(
    cx: &Cx<'_>,
    state: &State,
    reg: Reg,
    offset: i32,
    size: u32,
    strict_once: bool,
) -> Check {
    let request = Request { size, ..Request::new(state, cx.pc, reg) };
    region::check_alignment(&request, offset, strict_once)
}
