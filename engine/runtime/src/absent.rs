//! What is not modelled, and why. A helper or kfunc of the kernel model is in one of the tables of `helpers`, or here; a test
//! sees to that.

/// What it would take, and names, in which a `*` stands for anything.
const ABSENT: &[(&str, &[&str])] = &[
    ("the scheduler, which calls programs of its own", &["scx_bpf_*", "bpf_iter_scx_dsq_*"]),
    (
        "congestion control of TCP, which calls programs of its own",
        &["bbr_*", "cubictcp_*", "dctcp_*", "tcp_*", "bpf_tcp_send_ack"],
    ),
    (
        "queueing disciplines, which call programs of their own",
        &["bpf_qdisc_*", "bpf_kfree_skb", "bpf_skb_get_hash"],
    ),
    ("devices for human input, which call programs of their own", &["hid_bpf_*"]),
    ("ciphers and keys of the kernel", &["bpf_crypto_*", "bpf_key_put", "bpf_lookup_*_key"]),
    ("signatures and measurements of files", &["bpf_verify_pkcs7_signature", "bpf_ima_*"]),
    (
        "digests and extended attributes of files and groups",
        &[
            "bpf_get_fsverity_digest",
            "bpf_get_dentry_xattr",
            "bpf_get_file_xattr",
            "bpf_set_dentry_xattr",
            "bpf_remove_dentry_xattr",
            "bpf_cgroup_read_xattr",
        ],
    ),
    ("the contents of files", &["bpf_dynptr_from_file", "bpf_dynptr_file_discard"]),
    ("files that are sockets", &["bpf_sock_from_file"]),
    ("the address space of a task", &["bpf_find_vma", "bpf_iter_task_vma_*"]),
    ("more control groups and tasks than one", &["bpf_iter_css_*", "css_rstat_*"]),
    (
        "buffers and caches of the kernel",
        &["bpf_iter_dmabuf_*", "bpf_iter_kmem_cache_*", "bpf_get_kmem_cache"],
    ),
    ("the text of values of the kernel's types", &["bpf_snprintf_btf", "bpf_seq_printf_btf"]),
    ("packets of programs that trace", &["bpf_skb_output", "bpf_xdp_output"]),
    ("segment routing", &["bpf_lwt_seg6_*"]),
    ("tables of flows of netfilter", &["bpf_xdp_flow_lookup"]),
    ("requests for connections", &["bpf_sk_assign_tcp_reqsk"]),
    ("addresses of the kernel", &["bpf_kallsyms_lookup_name"]),
    ("the system calls of a loader", &["bpf_sys_bpf", "bpf_sys_close"]),
    ("programs that are being executed", &["bpf_bprm_opts_set"]),
    (
        "a function of the kernel for its own tests",
        &["bpf_fentry_test1", "bpf_kfunc_call_*", "bpf_modify_return_test*"],
    ),
    ("it is never called", &["__bpf_trap"]),
];

/// Whether a name is one, or one of those, that a row of the table names.
fn is_named(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => pattern == name,
    }
}

/// What a helper or kfunc needs that is not modelled, if that is why it is not.
pub fn absent(name: &str) -> Option<&'static str> {
    let mut rows = ABSENT.iter();
    let row = rows.find(|(_, names)| names.iter().any(|pattern| is_named(pattern, name)));
    row.map(|(why, _)| *why).filter(|_| crate::helpers::find(name).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_modelled_or_has_a_reason() {
        for function in kernel_model::functions() {
            let name = function.name;
            let modelled = crate::helpers::find(name).is_some();
            assert_ne!(modelled, absent(name).is_some(), "{name}");
        }
    }

    #[test]
    fn reasons_are_for_functions_that_there_are() {
        for pattern in ABSENT.iter().flat_map(|(_, names)| *names) {
            let mut names = kernel_model::functions().map(|function| function.name);
            assert!(names.any(|name| is_named(pattern, name)), "{pattern}");
        }
    }
}
