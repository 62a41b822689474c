//! Functions of the kernel that programs are made for, and functions of the program that the kernel calls back.

use crate::generated::targets::{
    CALLBACKS, D_PATH_TARGETS, ITERATORS, LSM_HOOKS, NORETURN_TARGETS, TRACEPOINT_ARGS,
};
use crate::{AttachType, ReturnCheck};

/// A hook of the security modules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LsmHook {
    /// The name without `bpf_lsm_`: `file_open`.
    pub name: &'static str,
    /// What it returns.
    pub returns: LsmReturn,
    /// Whether sleepable programs may be attached (`bpf_lsm_is_sleepable_hook`).
    pub sleepable: bool,
    /// Whether no program may be attached (`bpf_lsm_disabled_hooks`).
    pub disabled: bool,
    /// Whether its pointer arguments are not trusted (`bpf_lsm_is_trusted`).
    pub untrusted: bool,
    /// Whether a program of a cgroup runs for the current task instead of for the socket.
    pub current: bool,
    /// Whether programs of a cgroup may get and set socket options.
    pub sockopt: LsmSockopt,
}

/// What an LSM hook returns.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LsmReturn {
    /// 0, or a negative errno.
    Int,
    /// 0 or 1.
    Bool,
    /// Nothing.
    Void,
}

/// Whether programs of an LSM hook may get and set socket options.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LsmSockopt {
    /// No.
    No,
    /// With the lock of the socket held.
    Locked,
    /// Without it.
    Unlocked,
}

impl LsmHook {
    /// What must be in R0 at the end of a program for the hook (`bpf_lsm_get_retval_range`, `check_return_code`).
    pub fn return_check(&self, attach: AttachType) -> ReturnCheck {
        let cgroup = attach == AttachType::LsmCgroup;
        match (cgroup, self.returns) {
            (true, LsmReturn::Void) => ReturnCheck::Range { min: 1, max: 1 },
            (true, _) | (false, LsmReturn::Bool) => ReturnCheck::Range { min: 0, max: 1 },
            (false, LsmReturn::Int) => ReturnCheck::Range { min: -4095, max: 0 },
            (false, LsmReturn::Void) => ReturnCheck::Any,
        }
    }
}

/// A function of the program that the kernel calls back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Callback {
    /// The helper or kfunc that takes it.
    pub function: &'static str,
    /// What is in the registers when it begins, from R1 on; the others are not initialised.
    pub args: &'static [CallbackArg],
    /// The least value it may return.
    pub min: i32,
    /// The greatest value it may return.
    pub max: i32,
    /// Whether it is verified as if called any number of times.
    pub repeated: bool,
    /// Whether it runs after the call, with nothing held.
    pub later: bool,
    /// Where the row is known from.
    pub source: &'static str,
}

/// What the verifier puts in a register of a callback.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CallbackArg {
    /// The map of the call, or the map the object lies in.
    Map,
    /// A pointer to a key of the map.
    MapKey,
    /// A pointer to a value of the map.
    MapValue,
    /// What the call was given for the callback.
    Context,
    /// Any number.
    Scalar,
    /// A dynptr of the kernel that cannot be given away (`CONST_PTR_TO_DYNPTR`).
    Dynptr,
    /// A trusted pointer to this kernel structure.
    Trusted(&'static str),
    /// A pointer to this kernel structure.
    Btf(&'static str),
    /// An allocated object, without a reference.
    Node,
}

/// An iterator over kernel objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KernelIterator {
    /// The name without `bpf_iter_`: `task`.
    pub name: &'static str,
    /// The words of the context of its programs, by their position.
    pub args: &'static [IteratorArg],
    /// Where the row is known from.
    pub source: &'static str,
}

/// A word of the context of an iterator's program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IteratorArg {
    /// The name in C.
    pub name: &'static str,
    /// What a load gives.
    pub value: IteratorValue,
}

/// What a load from the context of an iterator's program gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IteratorValue {
    /// A number.
    Scalar,
    /// A trusted pointer to this kernel structure.
    Trusted(&'static str),
    /// A trusted pointer to this kernel structure, or NULL.
    TrustedOrNull(&'static str),
    /// A pointer to this kernel structure that is not trusted, or NULL.
    OrNull(&'static str),
    /// A buffer that may be written (`PTR_TO_BUF`), or NULL.
    BufferOrNull,
    /// A buffer that may only be read, or NULL.
    RdonlyBufferOrNull,
}

/// The iterator called `name`, with or without `bpf_iter_`.
pub fn kernel_iterator(name: &str) -> Option<&'static KernelIterator> {
    let name = name.strip_prefix("bpf_iter_").unwrap_or(name);
    ITERATORS.iter().find(|row| row.name == name)
}

/// All iterators, by name.
pub fn kernel_iterators() -> &'static [KernelIterator] {
    &ITERATORS
}

/// The LSM hook called `name`, with or without `bpf_lsm_`.
pub fn lsm_hook(name: &str) -> Option<&'static LsmHook> {
    let name = name.strip_prefix("bpf_lsm_").unwrap_or(name);
    let index = LSM_HOOKS.binary_search_by(|row| row.name.cmp(name)).ok()?;
    Some(&LSM_HOOKS[index])
}

/// All LSM hooks of a kernel with every security option, by name.
pub fn lsm_hooks() -> &'static [LsmHook] {
    &LSM_HOOKS
}

/// The callback that `function` takes.
pub fn callback(function: &str) -> Option<&'static Callback> {
    CALLBACKS.iter().find(|row| row.function == function)
}

/// All callbacks.
pub fn callbacks() -> &'static [Callback] {
    &CALLBACKS
}

/// What a `tp_btf` program gets for a pointer to a structure that a tracepoint passes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TracepointArg {
    /// A trusted pointer.
    Trusted,
    /// A trusted pointer, or NULL.
    OrNull,
    /// A number, because the pointer may be an error.
    Scalar,
}

/// What a `tp_btf` program gets for the pointer argument at `index`, counted from 0 without the hidden first one.
///
/// Of tracepoints of modules that are not in the list, every pointer argument may be NULL.
pub fn tracepoint_arg(tracepoint: &str, index: u32) -> TracepointArg {
    let row = TRACEPOINT_ARGS.binary_search_by(|row| (row.0, row.1).cmp(&(tracepoint, index)));
    row.map_or(TracepointArg::Trusted, |row| TRACEPOINT_ARGS[row].2)
}

/// Whether tracing programs for this kernel function may call `bpf_d_path` (`bpf_d_path_allowed`); iterators always
/// may, and LSM programs for the hooks that may sleep.
pub fn d_path_target(function: &str) -> bool {
    D_PATH_TARGETS.contains(&function)
}

/// Whether this kernel function never returns, so that no program can be attached to its exit.
pub fn never_returns(function: &str) -> bool {
    NORETURN_TARGETS.contains(&function)
}
