//! Functions of the kernel that programs are attached to: their prototypes, and which may be changed or sleep.

use btf::{Btf, Kind, Type, TypeId};

use crate::cx::{Check, reject};
use crate::program::Program;

/// How many arguments a function may have (`MAX_BPF_FUNC_ARGS`).
const MOST_ARGUMENTS: usize = 12;

/// How long a structure may be that is passed by value.
const LONGEST_ARGUMENT: u32 = 16;

/// The prototype is one that trampolines can pass on (`btf_distill_func_proto` of kernel/bpf/btf.c).
pub(super) fn check_prototype(program: &Program<'_>, name: &str) -> Check {
    let Some(proto) = program.attach_proto() else { reject!(EINVAL, "") };
    check_prototype_of(program.kernel, proto, name)
}

/// The same of any function.
pub(super) fn check_prototype_of(kernel: &Btf<'_>, proto: Type<'_>, name: &str) -> Check {
    let params = proto.params();
    if params.len() > MOST_ARGUMENTS {
        reject!(EINVAL, "The function {name} has {} arguments. Too many.", params.len());
    }
    let result = proto.target().unwrap_or(TypeId::VOID);
    match size(kernel, result) {
        Ok(_) if !is_struct(kernel, result) => {}
        _ => {
            let kind = kind_name(kernel, result);
            reject!(EINVAL, "The function {name} return type {kind} is unsupported.");
        }
    }
    for (index, param) in params.iter().enumerate() {
        if index + 1 == params.len() && param.ty == TypeId::VOID {
            reject!(EINVAL, "The function {name} with variable args is unsupported.");
        }
        match size(kernel, param.ty) {
            Ok(0) => reject!(EINVAL, "The function {name} has malformed void argument."),
            Ok(size) if size <= LONGEST_ARGUMENT => {}
            _ => {
                let kind = kind_name(kernel, param.ty);
                reject!(EINVAL, "The function {name} arg{index} type {kind} is unsupported.");
            }
        }
    }
    Ok(())
}

/// How many bytes an argument has; 0 for `void` (`__get_type_size`).
fn size(kernel: &Btf<'_>, id: TypeId) -> Result<u32, ()> {
    if id == TypeId::VOID {
        return Ok(0);
    }
    let ty = kernel.resolve(id).ok_or(())?;
    match ty.kind() {
        Kind::Ptr => Ok(8),
        Kind::Int | Kind::Struct | Kind::Union => ty.size().ok_or(()),
        kind if kind.is_enum() => ty.size().ok_or(()),
        _ => Err(()),
    }
}

fn is_struct(kernel: &Btf<'_>, id: TypeId) -> bool {
    kernel.resolve(id).is_some_and(|ty| ty.kind().is_composite())
}

/// The kind as the kernel prints it (`btf_type_str`).
pub(super) fn kind_name(kernel: &Btf<'_>, id: TypeId) -> &'static str {
    let kind = kernel.resolve(id).as_ref().map(Type::kind);
    match kind {
        Some(Kind::Int) => "INT",
        Some(Kind::Ptr) => "PTR",
        Some(Kind::Array) => "ARRAY",
        Some(Kind::Struct) => "STRUCT",
        Some(Kind::Union) => "UNION",
        Some(Kind::Enum) => "ENUM",
        Some(Kind::Enum64) => "ENUM64",
        Some(Kind::Fwd) => "FWD",
        Some(Kind::Func) => "FUNC",
        Some(Kind::FuncProto) => "FUNC_PROTO",
        Some(Kind::Float) => "FLOAT",
        _ => "UNKNOWN",
    }
}

/// Functions that no tracing program may be attached to (`btf_id_deny`).
const DENIED: [&str; 8] = [
    "migrate_disable",
    "migrate_enable",
    "___migrate_enable",
    "rcu_read_unlock_strict",
    "preempt_count_add",
    "preempt_count_sub",
    "__rcu_read_lock",
    "__rcu_read_unlock",
];

pub(super) fn is_denied(name: &str) -> bool {
    DENIED.contains(&name)
}

/// Functions made for tests of BPF whose results programs may decide on and whose programs may sleep
/// (`bpf_test_modify_return_ids` of net/bpf/test_run.c).
const FOR_TESTS: [&str; 3] =
    ["bpf_modify_return_test", "bpf_modify_return_test2", "bpf_fentry_test1"];

/// The same of which programs may not sleep.
const FOR_TESTS_ATOMIC: [&str; 1] = ["bpf_fentry_test10"];

/// Functions other than system calls whose failure may be injected (`ALLOW_ERROR_INJECTION`) in an ordinary kernel.
const INJECTABLE: [&str; 12] = [
    "__filemap_add_folio",
    "should_fail_alloc_page",
    "should_failslab",
    "should_fail_bio",
    "open_ctree",
    "btrfs_should_cancel_balance",
    "btrfs_search_slot",
    "io_ctl_init",
    "xfs_trans_alloc",
    "nmi_handle",
    "btrfs_cow_block",
    "setup_bdev_super",
];

/// Functions whose failure may be injected but in which programs may not sleep (`btf_non_sleepable_error_inject`).
const ATOMIC: [&str; 3] = ["__filemap_add_folio", "should_fail_alloc_page", "should_failslab"];

/// The function is in the kernel's list of functions that may be made to fail. All system calls are.
fn is_injectable(name: &str) -> bool {
    let is_syscall = ["__x64_sys_", "__ia32_sys_", "__se_sys_", "__arm64_sys_", "__s390x_sys_"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    is_syscall || INJECTABLE.contains(&name)
}

/// Sleepable programs may be attached to the function.
pub(super) fn may_sleep(name: &str) -> bool {
    is_injectable(name) && !ATOMIC.contains(&name) || FOR_TESTS.contains(&name)
}

/// Programs may decide on what the function returns (`check_attach_modify_return`).
pub(super) fn is_modifiable(name: &str) -> bool {
    name.starts_with("security_")
        || is_injectable(name)
        || FOR_TESTS.contains(&name)
        || FOR_TESTS_ATOMIC.contains(&name)
}
