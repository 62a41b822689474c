//! What the verifier needs to know of kfuncs: their flags, their exact parameters, and who may call them.

use crate::function::{FunctionKind, functions};
use crate::generated::kfunc_sets::KFUNC_SETS;
use crate::{Function, ProgramType};

/// The verifier's view of a kfunc.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kfunc {
    /// The return type in C, as the kernel's BTF has it.
    pub ret: &'static str,
    /// The parameters, in order.
    pub args: &'static [KfuncArg],
    /// The flags it is registered with.
    pub flags: KfuncFlags,
    /// The set it is registered in.
    pub set: &'static KfuncSet,
    /// Whether it is in the committed BTF; if not, it belongs to a module or an option that was off.
    pub in_snapshot: bool,
    /// Where the row is known from.
    pub source: &'static str,
}

/// A parameter of a [`Kfunc`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KfuncArg {
    /// The name in the kernel, with its suffix: `buffer__szk`.
    pub name: &'static str,
    /// The type in C.
    pub c_type: &'static str,
    /// What the suffix tells the verifier.
    pub suffix: Option<KfuncSuffix>,
}

/// What the end of a parameter's name tells the verifier (Documentation/bpf/kfuncs.rst, v6.18).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum KfuncSuffix {
    /// `__sz`: the length of the memory in front of it.
    Size,
    /// `__szk`: the same, as a known constant.
    ConstSize,
    /// `__k`: a known constant, such as a local type id.
    Constant,
    /// `__ign`: not checked; the verifier may fill it in.
    Ignore,
    /// `__uninit`: an object the call initialises.
    Uninit,
    /// `__alloc`: an object the program allocated.
    Alloc,
    /// `__refcounted_kptr`: an allocated object with a reference count.
    RefcountedKptr,
    /// `__opt`: memory that may be NULL; its length is then not checked.
    Optional,
    /// `__nullable`: a pointer that may be NULL.
    Nullable,
    /// `__str`: a NUL-terminated string in a read-only map.
    ConstStr,
    /// `__map`: a map.
    Map,
    /// `__prog`: the program's own auxiliary data, filled in by the verifier.
    Prog,
    /// `__irq_flag`: a saved interrupt state on the stack.
    IrqFlag,
}

impl KfuncSuffix {
    /// Every suffix with its spelling. `__szk` comes before `__sz` only by exact match: names end with one of them.
    pub const SPELLINGS: [(&'static str, Self); 13] = [
        ("__sz", Self::Size),
        ("__szk", Self::ConstSize),
        ("__k", Self::Constant),
        ("__ign", Self::Ignore),
        ("__uninit", Self::Uninit),
        ("__alloc", Self::Alloc),
        ("__refcounted_kptr", Self::RefcountedKptr),
        ("__opt", Self::Optional),
        ("__nullable", Self::Nullable),
        ("__str", Self::ConstStr),
        ("__map", Self::Map),
        ("__prog", Self::Prog),
        ("__irq_flag", Self::IrqFlag),
    ];
}

/// A set of the `KF_` flags, with the kernel's own bits (include/linux/btf.h, v6.18).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct KfuncFlags(pub u32);

impl KfuncFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// Gives a reference that must be released.
    pub const ACQUIRE: Self = Self(1);
    /// Takes a reference.
    pub const RELEASE: Self = Self(1 << 1);
    /// May return NULL.
    pub const RET_NULL: Self = Self(1 << 2);
    /// Pointer arguments must be trusted, at offset 0 and not NULL.
    pub const TRUSTED_ARGS: Self = Self(1 << 4);
    /// Only for sleepable programs.
    pub const SLEEPABLE: Self = Self(1 << 5);
    /// Needs `CAP_SYS_BOOT`.
    pub const DESTRUCTIVE: Self = Self(1 << 6);
    /// Pointer arguments must be trusted or protected by RCU.
    pub const RCU: Self = Self(1 << 7);
    /// Makes an iterator.
    pub const ITER_NEW: Self = Self(1 << 8);
    /// Steps an iterator.
    pub const ITER_NEXT: Self = Self(1 << 9);
    /// Ends an iterator.
    pub const ITER_DESTROY: Self = Self(1 << 10);
    /// The iterator needs an RCU read section.
    pub const RCU_PROTECTED: Self = Self(1 << 11);
    /// Keeps the caller-saved registers that are no arguments.
    pub const FASTCALL: Self = Self(1 << 12);
    /// Returns a pointer into an arena.
    pub const ARENA_RET: Self = Self(1 << 13);
    /// The first argument is a pointer into an arena.
    pub const ARENA_ARG1: Self = Self(1 << 14);
    /// The second argument is a pointer into an arena.
    pub const ARENA_ARG2: Self = Self(1 << 15);

    /// Every flag with the kernel's name, by bit.
    pub const NAMES: [(&'static str, Self); 15] = [
        ("ACQUIRE", Self::ACQUIRE),
        ("RELEASE", Self::RELEASE),
        ("RET_NULL", Self::RET_NULL),
        ("TRUSTED_ARGS", Self::TRUSTED_ARGS),
        ("SLEEPABLE", Self::SLEEPABLE),
        ("DESTRUCTIVE", Self::DESTRUCTIVE),
        ("RCU", Self::RCU),
        ("ITER_NEW", Self::ITER_NEW),
        ("ITER_NEXT", Self::ITER_NEXT),
        ("ITER_DESTROY", Self::ITER_DESTROY),
        ("RCU_PROTECTED", Self::RCU_PROTECTED),
        ("FASTCALL", Self::FASTCALL),
        ("ARENA_RET", Self::ARENA_RET),
        ("ARENA_ARG1", Self::ARENA_ARG1),
        ("ARENA_ARG2", Self::ARENA_ARG2),
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

/// Kfuncs that are registered together (`register_btf_kfunc_id_set`).
#[derive(PartialEq, Eq, Debug)]
pub struct KfuncSet {
    /// The kernel's name of the set.
    pub name: &'static str,
    /// The hooks whose programs may call the kfuncs. None for sets that programs may only be attached to.
    pub hooks: &'static [KfuncHook],
    /// Which of those programs may, if not all.
    pub filter: KfuncFilter,
    /// Where the row is known from.
    pub source: &'static str,
}

/// Groups of program types that share their kfuncs (`enum btf_kfunc_hook`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum KfuncHook {
    /// Every program.
    Common,
    /// `xdp`.
    Xdp,
    /// `sched_cls`.
    Tc,
    /// `struct_ops`.
    StructOps,
    /// `tracing`, `tracepoint`, `perf_event` and `lsm`.
    Tracing,
    /// `syscall`.
    Syscall,
    /// Functions that `fmod_ret` programs may be attached to; they cannot be called.
    FmodRet,
    /// The program types of cgroups, and `sock_ops`.
    Cgroup,
    /// `sched_act`.
    SchedAct,
    /// `sk_skb`.
    SkSkb,
    /// `socket_filter`.
    SocketFilter,
    /// The lightweight tunnel types.
    Lwt,
    /// `netfilter`.
    Netfilter,
    /// `kprobe`.
    Kprobe,
}

/// Which programs of a hook may call the kfuncs of a set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum KfuncFilter {
    /// All.
    All,
    /// `lsm` programs.
    Lsm,
    /// `tracing` programs made for iterators.
    TraceIter,
    /// `kprobe` programs made for sessions.
    ProbeSession,
    /// Programs for the operations of this `struct_ops` type (`sched_ext` also filters by operation).
    StructOps(&'static str),
}

impl Kfunc {
    /// Whether a program of this type, made for this attach type, may call it. Of `struct_ops` programs only the
    /// type is looked at, not the operations they are for.
    pub fn is_for(&self, program: &ProgramType, attach: Option<crate::AttachType>) -> bool {
        use crate::AttachType as A;
        let hook = self
            .set
            .hooks
            .iter()
            .any(|hook| *hook == KfuncHook::Common || program.kfunc_hook == Some(*hook))
            && !self.set.hooks.contains(&KfuncHook::FmodRet);
        hook && match self.set.filter {
            KfuncFilter::All => true,
            KfuncFilter::Lsm => program.name == "lsm",
            KfuncFilter::TraceIter => {
                program.name == "tracing" && attach.is_none_or(|attach| attach == A::TraceIter)
            }
            KfuncFilter::ProbeSession => attach.is_none_or(|attach| {
                matches!(attach, A::TraceKprobeSession | A::TraceUprobeSession)
            }),
            KfuncFilter::StructOps(_) => program.name == "struct_ops",
        }
    }
}

/// The kfunc called `name`, with its function.
pub fn kfunc(name: &str) -> Option<(&'static Function, &'static Kfunc)> {
    let function = crate::function(name)?;
    Some((function, function.kfunc.as_ref()?))
}

/// All kfuncs the verifier's view of which is known, by name.
pub fn kfuncs() -> impl Iterator<Item = (&'static Function, &'static Kfunc)> {
    functions()
        .filter(|function| function.kind == FunctionKind::Kfunc)
        .filter_map(|function| Some((function, function.kfunc.as_ref()?)))
}

/// All sets of kfuncs.
pub fn kfunc_sets() -> &'static [KfuncSet] {
    &KFUNC_SETS
}
