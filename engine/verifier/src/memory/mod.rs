//! Accesses to memory: which are allowed, and what they give.

use isa::{Insn, Pc, Reg};

use crate::cx::{Check, Cx};
use crate::program::Program;
use crate::state::{self, Detail, RegKind, State};

/// The special fields of a structure (`struct btf_record`).
#[derive(Clone, PartialEq, Debug, Default)]
pub struct FieldRecord {
    /// The fields, by offset.
    pub fields: Vec<SpecialField>,
    /// Why the kernel refuses to create a map with such values, as an errno.
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
    /// Finds them all (`btf_parse_struct_metas` of kernel/bpf/btf.c).
    pub fn parse(_program: &btf::Btf<'_>, _kernel: &btf::Btf<'_>) -> Self {
        Self::default()
    }

    /// The special fields of a structure (`btf_find_struct_meta`).
    pub fn of(&self, id: btf::TypeId) -> Option<&FieldRecord> {
        let index = self.records.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.records.get(index).map(|(_, record)| record)
    }
}

impl FieldRecord {
    /// The special fields of the values of a map, and whether the kernel takes them there
    /// (`map_check_btf` of kernel/bpf/syscall.c).
    pub fn of_map(
        _program: &btf::Btf<'_>,
        _kernel: &btf::Btf<'_>,
        _records: &StructRecords,
        _definition: &bpf_object::Definition,
    ) -> Self {
        Self::default()
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
/// (`check_load_mem`, `check_store_reg`, `check_atomic`, `check_ld_abs`, `check_ld_imm`).
pub(crate) fn access(cx: &mut Cx<'_>, _state: &mut State, _pc: Pc, insn: &Insn) -> Check {
    cx.unsupported(format!("{insn:?}"))
}

/// A helper or kfunc accesses `size` bytes from a pointer on (`check_helper_mem_access`).
///
/// `raw` says that the memory may be uninitialised and is filled (`meta->raw_mode`); if it is on the stack, the result
/// is `(frame, offset, size)` of what the caller has to mark as written after its other arguments were checked.
pub(crate) fn helper_access(
    cx: &mut Cx<'_>,
    _state: &mut State,
    reg: Reg,
    _size: u32,
    _access: Access,
    _zero_allowed: bool,
    _raw: bool,
) -> Check<Option<RawStack>> {
    cx.unsupported(format!("memory of {reg:?}"))
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
    _state: &mut State,
    pc: Pc,
    reg: Reg,
    offset: i32,
    _size: u32,
    _access: Access,
    _value: Option<Reg>,
    _strict_alignment_once: bool,
    _sign_extends: bool,
) -> Check {
    cx.unsupported(format!("an access through {reg:?} + {offset} at {pc}"))
}

/// The pointer is as it was given: with no unknown offset and, unless `fixed_ok`, no known one
/// (`check_ptr_off_reg`, `__check_ptr_off_reg`).
pub(crate) fn ptr_off_reg(cx: &mut Cx<'_>, _state: &State, reg: Reg, _fixed_ok: bool) -> Check {
    cx.unsupported(format!("the offset of {reg:?}"))
}

/// A pointer to `have` at `offset` is a pointer to `need`, because they are the same or because `need` is what `have`
/// has there; with `strict` not if it is only its first member (`btf_struct_ids_match` of kernel/bpf/btf.c).
pub(crate) fn ids_match(
    _program: &Program<'_>,
    _have: Pointee,
    _offset: i32,
    _need: Pointee,
    _strict: bool,
) -> bool {
    false
}

/// An RCU read section or what does as well is open (`in_rcu_cs`).
pub(crate) fn in_rcu_section(cx: &Cx<'_>, state: &State) -> bool {
    state.active_rcu_locks > 0
        || state.active_locks > 0
        || !(cx.program.sleepable || state.in_sleepable)
}

/// The pointer in `reg` may be kept in the field (`map_kptr_match_type`).
pub(crate) fn kptr_matches(
    cx: &mut Cx<'_>,
    _state: &mut State,
    field: &SpecialField,
    reg: Reg,
) -> Check {
    cx.unsupported(format!("{reg:?} for {field:?}"))
}

/// The alignment of an access of `size` bytes at `reg + offset` (`check_ptr_alignment`).
pub(crate) fn check_alignment(
    cx: &mut Cx<'_>,
    _state: &State,
    reg: Reg,
    _offset: i32,
    _size: u32,
    _strict_once: bool,
) -> Check {
    cx.unsupported(format!("alignment of {reg:?}"))
}
