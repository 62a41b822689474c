//! The verifier's prototypes of helpers: what `struct bpf_func_proto` says, and who gets which.

use crate::{AttachType, ProgramSet, ProgramType};

/// One prototype of a helper. Most helpers have one; some have another one for some program types.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HelperProto {
    /// What each argument register must hold, from R1 on.
    pub args: &'static [Arg],
    /// What R0 holds after the call.
    pub ret: Ret,
    /// Whether the program must have a licence that is compatible with the GPL.
    pub gpl_only: bool,
    /// Whether arguments may point into the packet, if the program may access it directly.
    pub pkt_access: bool,
    /// Whether the call is refused where the program must not sleep.
    pub might_sleep: bool,
    /// Whether the call keeps the caller-saved registers that are no arguments (`bpf_fastcall`).
    pub allow_fastcall: bool,
    /// The kernel's name of a further test (`allowed` in the kernel's structure).
    pub allowed: Option<&'static str>,
    /// What the loader needs beside what the type of the program asks for.
    pub capability: Capability,
    /// The program types that get this prototype with every attach type.
    pub programs: ProgramSet,
    /// The program types that get it with some attach types only.
    pub attached: &'static [(&'static str, AttachType)],
    /// If not empty: only programs for one of these BTF functions (iterators, LSM hooks) or `struct_ops` types.
    pub hooks: &'static [&'static str],
    /// Where the row is known from.
    pub source: &'static str,
}

impl HelperProto {
    /// Whether a program of this type and attach type may get the prototype, if [`Self::hooks`] allows it too.
    ///
    /// Without an attach type the answer is whether any attach type of the program type gets it.
    pub fn is_for(&self, program: &ProgramType, attach: Option<AttachType>) -> bool {
        self.programs.contains(program)
            || self.attached.iter().any(|(name, with)| {
                *name == program.name && attach.is_none_or(|attach| attach == *with)
            })
    }
}

/// What an argument register must hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arg {
    /// The kind, without the flags.
    pub base: ArgBase,
    /// What more is known of a pointer.
    pub flags: TypeFlags,
    /// The BTF structure a pointer must point to, without `struct`.
    pub btf: Option<&'static str>,
    /// The length in bytes of memory of fixed size ([`TypeFlags::MEM_FIXED_SIZE`]).
    pub size: Option<u32>,
}

/// What R0 holds after a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ret {
    /// The kind, without the flags.
    pub base: RetBase,
    /// What more is known of a pointer.
    pub flags: TypeFlags,
    /// The BTF structure the pointer points to, without `struct`.
    pub btf: Option<&'static str>,
}

/// The kinds of `enum bpf_arg_type`, without their flags.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ArgBase {
    /// A map that is known while verifying.
    ConstMapPtr,
    /// Memory of the map's key size.
    PtrToMapKey,
    /// Memory of the map's value size.
    PtrToMapValue,
    /// Memory whose length the next argument gives, or of fixed size.
    PtrToMem,
    /// A pointer into an arena.
    PtrToArena,
    /// The length of the memory in front of it, at least 1.
    ConstSize,
    /// The length of the memory in front of it, which may be 0.
    ConstSizeOrZero,
    /// The context of the program.
    PtrToCtx,
    /// Any initialised register.
    Anything,
    /// A `struct bpf_spin_lock`.
    PtrToSpinLock,
    /// A socket of any kind, as a socket pointer of the verifier.
    PtrToSockCommon,
    /// A full socket.
    PtrToSocket,
    /// A kernel structure that BTF describes.
    PtrToBtfId,
    /// Memory reserved in a ring buffer.
    PtrToRingbufMem,
    /// A known number of bytes to allocate.
    ConstAllocSizeOrZero,
    /// A socket of any kind, as a socket pointer of the verifier or as a BTF pointer.
    PtrToBtfIdSockCommon,
    /// A per-CPU variable of the kernel.
    PtrToPercpuBtfId,
    /// A function of the program.
    PtrToFunc,
    /// A place on the stack.
    PtrToStack,
    /// A NUL-terminated string in a read-only map.
    PtrToConstStr,
    /// A `struct bpf_timer` in a map value.
    PtrToTimer,
    /// A kptr field of a map value or allocated object.
    KptrXchgDest,
    /// A dynptr.
    PtrToDynptr,
}

/// The kinds of `enum bpf_return_type`, without their flags.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RetBase {
    /// A number.
    Integer,
    /// Nothing.
    Void,
    /// The value of a map.
    PtrToMapValue,
    /// A full socket.
    PtrToSocket,
    /// A TCP socket.
    PtrToTcpSock,
    /// A socket of any kind.
    PtrToSockCommon,
    /// Memory of a length that the call knows.
    PtrToMem,
    /// Memory or a kernel structure, depending on the per-CPU variable.
    PtrToMemOrBtfId,
    /// A kernel structure that BTF describes.
    PtrToBtfId,
}

/// A set of the flags of `enum bpf_type_flag`, with the kernel's own bits (v6.18).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct TypeFlags(pub u32);

impl TypeFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// May be NULL.
    pub const PTR_MAYBE_NULL: Self = Self(1 << 8);
    /// The call only reads the memory, or the result may only be read.
    pub const MEM_RDONLY: Self = Self(1 << 9);
    /// Memory of a ring buffer, which must be given back.
    pub const MEM_RINGBUF: Self = Self(1 << 10);
    /// Memory of a user process.
    pub const MEM_USER: Self = Self(1 << 11);
    /// Per-CPU memory.
    pub const MEM_PERCPU: Self = Self(1 << 12);
    /// The call takes the reference.
    pub const OBJ_RELEASE: Self = Self(1 << 13);
    /// Not to be trusted.
    pub const PTR_UNTRUSTED: Self = Self(1 << 14);
    /// May be uninitialised; the call fills it.
    pub const MEM_UNINIT: Self = Self(1 << 15);
    /// A dynptr over memory of the program.
    pub const DYNPTR_TYPE_LOCAL: Self = Self(1 << 16);
    /// A dynptr over a ring buffer record.
    pub const DYNPTR_TYPE_RINGBUF: Self = Self(1 << 17);
    /// Memory whose length the prototype fixes.
    pub const MEM_FIXED_SIZE: Self = Self(1 << 18);
    /// An object the program allocated.
    pub const MEM_ALLOC: Self = Self(1 << 19);
    /// Trusted.
    pub const PTR_TRUSTED: Self = Self(1 << 20);
    /// Valid in an RCU read section.
    pub const MEM_RCU: Self = Self(1 << 21);
    /// A reference that is not owned.
    pub const NON_OWN_REF: Self = Self(1 << 22);
    /// A dynptr over a socket buffer.
    pub const DYNPTR_TYPE_SKB: Self = Self(1 << 23);
    /// A dynptr over an XDP frame.
    pub const DYNPTR_TYPE_XDP: Self = Self(1 << 24);
    /// Aligned to its size.
    pub const MEM_ALIGNED: Self = Self(1 << 25);
    /// The call writes the memory.
    pub const MEM_WRITE: Self = Self(1 << 26);
    /// A dynptr over the metadata of a socket buffer.
    pub const DYNPTR_TYPE_SKB_META: Self = Self(1 << 27);

    /// Every flag with the kernel's name, by bit.
    pub const NAMES: [(&'static str, Self); 20] = [
        ("PTR_MAYBE_NULL", Self::PTR_MAYBE_NULL),
        ("MEM_RDONLY", Self::MEM_RDONLY),
        ("MEM_RINGBUF", Self::MEM_RINGBUF),
        ("MEM_USER", Self::MEM_USER),
        ("MEM_PERCPU", Self::MEM_PERCPU),
        ("OBJ_RELEASE", Self::OBJ_RELEASE),
        ("PTR_UNTRUSTED", Self::PTR_UNTRUSTED),
        ("MEM_UNINIT", Self::MEM_UNINIT),
        ("DYNPTR_TYPE_LOCAL", Self::DYNPTR_TYPE_LOCAL),
        ("DYNPTR_TYPE_RINGBUF", Self::DYNPTR_TYPE_RINGBUF),
        ("MEM_FIXED_SIZE", Self::MEM_FIXED_SIZE),
        ("MEM_ALLOC", Self::MEM_ALLOC),
        ("PTR_TRUSTED", Self::PTR_TRUSTED),
        ("MEM_RCU", Self::MEM_RCU),
        ("NON_OWN_REF", Self::NON_OWN_REF),
        ("DYNPTR_TYPE_SKB", Self::DYNPTR_TYPE_SKB),
        ("DYNPTR_TYPE_XDP", Self::DYNPTR_TYPE_XDP),
        ("MEM_ALIGNED", Self::MEM_ALIGNED),
        ("MEM_WRITE", Self::MEM_WRITE),
        ("DYNPTR_TYPE_SKB_META", Self::DYNPTR_TYPE_SKB_META),
    ];

    /// Whether all flags of `other` are in the set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags of both sets.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a loader must be allowed to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Capability {
    /// Nothing.
    None,
    /// `CAP_BPF`.
    Bpf,
    /// `CAP_PERFMON` (asked for beside `CAP_BPF`).
    Perfmon,
    /// `CAP_NET_ADMIN`.
    NetAdmin,
    /// `CAP_SYS_ADMIN`.
    SysAdmin,
}

impl Capability {
    /// The name in capabilities(7); empty if it is none.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Bpf => "CAP_BPF",
            Self::Perfmon => "CAP_PERFMON",
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::SysAdmin => "CAP_SYS_ADMIN",
        }
    }
}
