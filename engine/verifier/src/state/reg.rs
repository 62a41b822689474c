//! What is known of a register (`struct bpf_reg_state`).

use std::fmt;

use btf::TypeId;
use kernel_model::TypeFlags;

use crate::program::MapId;
use crate::scalar::Bounds;

/// The kinds of `enum bpf_reg_type`, without their flags.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RegKind {
    /// Never written.
    NotInit,
    /// A number.
    Scalar,
    /// The context of the program.
    Ctx,
    /// A map.
    ConstMapPtr,
    /// The value of a map.
    MapValue,
    /// The key of a map, in a callback.
    MapKey,
    /// A frame, which [`Reg::frame`] names.
    Stack,
    /// The metadata in front of a packet.
    PacketMeta,
    /// A packet.
    Packet,
    /// The end of a packet.
    PacketEnd,
    /// The keys of a flow dissector.
    FlowKeys,
    /// A full socket.
    Socket,
    /// A socket of any kind.
    SockCommon,
    /// A TCP socket.
    TcpSock,
    /// The buffer of a writable raw tracepoint.
    TpBuffer,
    /// An AF_XDP socket.
    XdpSock,
    /// A structure that BTF describes.
    BtfId,
    /// Memory of a known size.
    Mem,
    /// An arena.
    Arena,
    /// A buffer whose size is found out from the accesses.
    Buf,
    /// A function of the program.
    Func,
    /// A dynptr that a callback gets (`CONST_PTR_TO_DYNPTR`).
    Dynptr,
}

/// What a register holds: a kind and its flags (`enum bpf_reg_type`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RegType {
    /// The kind.
    pub kind: RegKind,
    /// What more is known of a pointer.
    pub flags: TypeFlags,
}

impl RegType {
    /// A kind without flags.
    pub const fn of(kind: RegKind) -> Self {
        Self { kind, flags: TypeFlags::NONE }
    }

    /// A kind with flags.
    pub const fn with(kind: RegKind, flags: TypeFlags) -> Self {
        Self { kind, flags }
    }

    /// It has all of these flags.
    pub const fn has(self, flags: TypeFlags) -> bool {
        self.flags.contains(flags)
    }

    /// It may be NULL.
    pub const fn may_be_null(self) -> bool {
        self.has(TypeFlags::PTR_MAYBE_NULL)
    }

    /// The same with these flags added.
    #[must_use]
    pub const fn plus(self, flags: TypeFlags) -> Self {
        Self { flags: self.flags.union(flags), ..self }
    }

    /// The same without these flags.
    #[must_use]
    pub const fn without(self, flags: TypeFlags) -> Self {
        Self { flags: TypeFlags(self.flags.0 & !flags.0), ..self }
    }
}

/// As in messages (`reg_type_str` of kernel/bpf/log.c); names of BTF types follow in the log only.
impl fmt::Display for RegType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (flag, prefix) in TYPE_PREFIXES {
            if self.has(flag) {
                f.write_str(prefix)?;
            }
        }
        f.write_str(self.kind.name())?;
        match self.kind {
            RegKind::BtfId if self.may_be_null() => f.write_str("or_null_"),
            _ if self.may_be_null() => f.write_str("_or_null"),
            _ => Ok(()),
        }
    }
}

const TYPE_PREFIXES: [(TypeFlags, &str); 7] = [
    (TypeFlags::MEM_RDONLY, "rdonly_"),
    (TypeFlags::MEM_RINGBUF, "ringbuf_"),
    (TypeFlags::MEM_USER, "user_"),
    (TypeFlags::MEM_PERCPU, "percpu_"),
    (TypeFlags::MEM_RCU, "rcu_"),
    (TypeFlags::PTR_UNTRUSTED, "untrusted_"),
    (TypeFlags::PTR_TRUSTED, "trusted_"),
];

impl RegKind {
    /// As in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotInit => "?",
            Self::Scalar => "scalar",
            Self::Ctx => "ctx",
            Self::ConstMapPtr => "map_ptr",
            Self::MapValue => "map_value",
            Self::MapKey => "map_key",
            Self::Stack => "fp",
            Self::PacketMeta => "pkt_meta",
            Self::Packet => "pkt",
            Self::PacketEnd => "pkt_end",
            Self::FlowKeys => "flow_keys",
            Self::Socket => "sock",
            Self::SockCommon => "sock_common",
            Self::TcpSock => "tcp_sock",
            Self::TpBuffer => "tp_buffer",
            Self::XdpSock => "xdp_sock",
            Self::BtfId => "ptr_",
            Self::Mem => "mem",
            Self::Arena => "arena",
            Self::Buf => "buf",
            Self::Func => "func",
            Self::Dynptr => "dynptr_ptr",
        }
    }
}

/// What is known beside type, number and identity; which, depends on the kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Detail {
    /// Nothing.
    #[default]
    None,
    /// Of a packet pointer: so many bytes from it on are known to be in the packet. [`AT_END`] and
    /// [`BEYOND_END`] are known not to be.
    Range(i32),
    /// Of `ConstMapPtr`, `MapValue`, `MapKey`: the map. `uid` tells inner maps of different lookups apart.
    Map {
        /// The map.
        map: MapId,
        /// Which lookup an inner map comes from; 0 if none.
        uid: u32,
    },
    /// Of `BtfId`: the type.
    Btf {
        /// The type, in the BTF that `own` says.
        id: TypeId,
        /// The BTF is that of the program, not the kernel's.
        own: bool,
    },
    /// Of `Mem`: its size in bytes, and the identity of the dynptr it is a slice of, or 0.
    Mem {
        /// In bytes.
        size: u32,
        /// Identity of the dynptr.
        dynptr: u32,
    },
    /// Of `Dynptr`, and of a register in a stack slot of kind [`crate::state::SlotKind::Dynptr`].
    Dynptr {
        /// What it is over.
        kind: DynptrKind,
        /// The first of the two slots.
        first: bool,
    },
    /// Of a register in a stack slot of kind [`crate::state::SlotKind::Iter`].
    Iter {
        /// `struct bpf_iter_…` in the kernel's BTF.
        id: TypeId,
        /// What the last step said.
        state: IterState,
        /// How many steps were followed.
        depth: u32,
    },
    /// Of a register in a stack slot of kind [`crate::state::SlotKind::IrqFlag`].
    Irq(IrqKind),
    /// Of `Func`: the subprogram.
    Subprog(u32),
}

/// [`Detail::Range`]: the pointer is at the end of the packet (`AT_PKT_END`).
pub(crate) const AT_END: i32 = -1;
/// [`Detail::Range`]: the pointer is behind the end of the packet (`BEYOND_PKT_END`).
pub(crate) const BEYOND_END: i32 = -2;

/// What a dynptr is over (`enum bpf_dynptr_type`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DynptrKind {
    /// `BPF_DYNPTR_TYPE_INVALID`.
    Invalid,
    /// Memory of the program.
    Local,
    /// A ring buffer record.
    Ringbuf,
    /// A socket buffer.
    Skb,
    /// An XDP frame.
    Xdp,
    /// The metadata of a socket buffer.
    SkbMeta,
}

/// What the last step of an iterator said (`enum bpf_iter_state`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IterState {
    /// `BPF_ITER_STATE_INVALID`.
    Invalid,
    /// There may be more.
    Active,
    /// There is no more.
    Drained,
}

/// How interrupts were disabled (`enum irq_kfunc_class`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IrqKind {
    /// `bpf_local_irq_save`.
    Native,
    /// `bpf_res_spin_lock_irqsave`.
    Lock,
}

/// What is known of a register.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Reg {
    /// What it holds.
    pub ty: RegType,
    /// Of pointers: the known part of the offset.
    pub off: i32,
    /// More, by kind.
    pub detail: Detail,
    /// Of pointers: the unknown part of the offset. Of numbers: the number.
    pub num: Bounds,
    /// Ties together what came from one value: pointers that may be NULL, packet pointers with the same unknown
    /// offset, numbers that are equal up to [`Reg::off`] if [`ADD_CONST`] is set. 0 if none.
    pub id: u32,
    /// The reference this pointer stands for or derives from; 0 if none.
    pub ref_obj_id: u32,
    /// Of `Stack`: the frame.
    pub frame: u32,
    /// One more than the instruction that defined the upper half by a 32-bit operation; 0 (`DEF_NOT_SUBREG`) if none.
    pub subreg_def: u32,
    /// The exact value matters to what follows.
    pub precise: bool,
    /// Which call gave it, for [`crate::beyond`]; 0 if that does not matter. Copies of the value have it too; no check
    /// asks for it.
    pub origin: u32,
}

/// The bit of [`Reg::id`] of a number that differs by a constant from those with the same identity, as 64 bits
/// (`BPF_ADD_CONST64`).
pub(crate) const ADD_CONST64: u32 = 1 << 31;
/// The same of a number to which the constant was added as 32 bits (`BPF_ADD_CONST32`).
pub(crate) const ADD_CONST32: u32 = 1 << 30;
/// Both bits (`BPF_ADD_CONST`).
pub(crate) const ADD_CONST: u32 = ADD_CONST64 | ADD_CONST32;

impl Reg {
    /// A register never written.
    pub const NOT_INIT: Self = Self::new(RegType::of(RegKind::NotInit));

    const fn new(ty: RegType) -> Self {
        Self {
            ty,
            off: 0,
            detail: Detail::None,
            num: Bounds::UNKNOWN,
            id: 0,
            ref_obj_id: 0,
            frame: 0,
            subreg_def: 0,
            precise: false,
            origin: 0,
        }
    }

    /// Any number (`__mark_reg_unknown_imprecise`).
    pub const fn unknown() -> Self {
        Self::new(RegType::of(RegKind::Scalar))
    }

    /// One number (`__mark_reg_known` of a scalar).
    pub fn known(value: u64) -> Self {
        Self { num: Bounds::constant(value), ..Self::unknown() }
    }

    /// A pointer of this type with offset 0 (`mark_reg_known_zero`).
    pub fn pointer(ty: RegType) -> Self {
        Self { num: Bounds::constant(0), ..Self::new(ty) }
    }

    /// The same pointer with more details.
    #[must_use]
    pub fn with(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }

    /// The kind of what it holds.
    pub const fn kind(&self) -> RegKind {
        self.ty.kind
    }

    /// It holds a number.
    pub fn is_scalar(&self) -> bool {
        self.ty.kind == RegKind::Scalar
    }

    /// The number, if it is one and known (`register_is_const`).
    pub fn as_constant(&self) -> Option<u64> {
        if self.is_scalar() { self.num.bits.as_constant() } else { None }
    }

    /// It is known to be the number 0 (`register_is_null`).
    pub fn is_null(&self) -> bool {
        self.as_constant() == Some(0)
    }

    /// The map of a map pointer, value or key.
    pub fn map(&self) -> Option<MapId> {
        match self.detail {
            Detail::Map { map, .. } => Some(map),
            _ => None,
        }
    }

    /// The bytes known to be in the packet, from the pointer on; 0 if it is none.
    pub fn range(&self) -> i32 {
        match self.detail {
            Detail::Range(range) => range,
            _ => 0,
        }
    }
}
