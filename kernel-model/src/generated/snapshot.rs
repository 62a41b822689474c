//! What the committed BTF is. Written by `cargo xtask codegen` from `data/snapshot.toml`; do not edit.

use crate::Snapshot;

/// The BTF that [`crate::vmlinux_btf`] gives.
pub const SNAPSHOT: Snapshot = Snapshot {
    kernel: "6.18.44",
    architecture: "x86_64",
    lists_variables: false,
    bytes: 5516713,
    sha256: "309e2b4c8d95a3d2460836bc4e776ed15b0a28ab8f1c21d8f1d8e910122ab9b9",
    source: "/sys/kernel/btf/vmlinux of a stable 6.18.44 built with BTF, netfilter, XFRM, MPTCP and BPF LSM, without modules, sched_ext and CONFIG_KALLSYMS_ALL",
};
