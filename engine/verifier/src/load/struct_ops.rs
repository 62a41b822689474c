//! Operations of the kernel that programs implement.

use btf::{Btf, Kind, Type};

use crate::cx::{Check, Cx, Errno, Reject, Stop, reject};

/// What a table of operations says of some of them.
struct Rules {
    /// The structure.
    table: &'static str,
    /// The feature of the kernel model that brought it; empty if it is older than what is modelled.
    feature: &'static str,
    /// Operations that programs cannot implement (without an entry in `cfi_stubs`).
    unsupported: &'static [&'static str],
    /// Operations whose programs may sleep; others are refused if they do. `None` if the table does not look.
    sleepable: Option<&'static [&'static str]>,
    /// Operations that are given a reference to give back, so that they must not end in a tail call.
    with_reference: &'static [&'static str],
}

/// `check_member` and `cfi_stubs` of the tables in v6.18: net/ipv4/bpf_tcp_ca.c, kernel/sched/ext.c,
/// drivers/hid/bpf/hid_bpf_struct_ops.c, net/sched/bpf_qdisc.c, net/bpf/bpf_dummy_struct_ops.c.
const RULES: [Rules; 5] = [
    Rules {
        table: "tcp_congestion_ops",
        feature: "",
        unsupported: &["get_info"],
        sleepable: None,
        with_reference: &[],
    },
    Rules {
        table: "sched_ext_ops",
        feature: "sched_ext",
        unsupported: &[],
        sleepable: Some(&[
            "init_task",
            "cgroup_init",
            "cgroup_exit",
            "cgroup_prep_move",
            "cpu_online",
            "cpu_offline",
            "init",
            "exit",
        ]),
        with_reference: &[],
    },
    Rules {
        table: "hid_bpf_ops",
        feature: "hid_struct_ops",
        unsupported: &[],
        sleepable: Some(&["hid_rdesc_fixup", "hid_hw_request", "hid_hw_output_report"]),
        with_reference: &[],
    },
    Rules {
        table: "Qdisc_ops",
        feature: "qdisc",
        unsupported: &[
            "peek",
            "change",
            "attach",
            "change_tx_queue_len",
            "change_real_num_tx",
            "dump",
            "dump_stats",
            "ingress_block_set",
            "egress_block_set",
            "ingress_block_get",
            "egress_block_get",
        ],
        sleepable: None,
        with_reference: &["enqueue"],
    },
    Rules {
        table: "bpf_dummy_ops",
        feature: "dummy_struct_ops",
        unsupported: &[],
        sleepable: Some(&["test_sleepable"]),
        with_reference: &[],
    },
];

/// `check_struct_ops_btf_id`.
pub(super) fn check(cx: &Cx<'_>) -> Check {
    let program = cx.program;
    if !program.gpl {
        reject!(EINVAL, "struct ops programs must have a GPL compatible license");
    }
    let Some((id, table)) = program.target else { reject!(ENOTSUPP, "") };
    let kernel = program.kernel;
    let rules = RULES.iter().find(|rules| rules.table == table);
    if let Some(feature) = rules.and_then(|rules| kernel_model::feature(rules.feature))
        && program.lacks(feature.name)
    {
        let (number, since) = (id.0, feature.since);
        reject!(
            ENOTSUPP,
            "attach_btf_id {number} is not a supported struct: {table} was introduced in {since}"
        );
    }
    let supported = kernel.find(&format!("bpf_struct_ops_{table}"), Kind::Struct).is_some();
    let Some(ty) = kernel.get(id).filter(|_| supported) else {
        reject!(ENOTSUPP, "attach_btf_id {} is not a supported struct", id.0);
    };
    let number = program.attach_number;
    let Some(member) = ty.members().get(number as usize) else {
        reject!(EINVAL, "attach to invalid member idx {number} of struct {table}");
    };
    let name = member.name();
    if !is_operation(kernel, kernel.get(member.ty)) {
        reject!(EINVAL, "attach to invalid member {name}(@idx {number}) of struct {table}");
    }
    let Some(rules) = rules else { return Ok(()) };
    let errno = if rules.unsupported.contains(&name) {
        Some(Errno::ENOTSUPP)
    } else {
        let fits = rules.sleepable.is_none_or(|list| !program.sleepable || list.contains(&name));
        (!fits).then_some(Errno::EINVAL)
    };
    if let Some(errno) = errno {
        let message = format!("attach to unsupported member {name} of struct {table}");
        return Err(Stop::Reject(Box::new(Reject { errno, message })));
    }
    let has_tail_call = cx.subprogs.iter().any(|subprog| subprog.has_tail_call);
    if rules.with_reference.contains(&name) && has_tail_call {
        reject!(EINVAL, "program with __ref argument cannot tail call");
    }
    Ok(())
}

/// A pointer to a function (`btf_type_resolve_func_ptr`).
fn is_operation(kernel: &Btf<'_>, ty: Option<Type<'_>>) -> bool {
    let pointer = ty.and_then(|ty| kernel.resolve(ty.id())).filter(|ty| ty.kind() == Kind::Ptr);
    let target = pointer.and_then(|ty| kernel.resolve(ty.target()?));
    target.is_some_and(|ty| ty.kind() == Kind::FuncProto)
}
