//! The types of a kernel that is modelled, as a compressed BTF.

use std::sync::OnceLock;

/// The compressed file; `data/snapshot.toml` says what it is and where it comes from.
static COMPRESSED: &[u8] = include_bytes!("../data/vmlinux-6.18.btf.lz4");

/// A BTF of a kernel that comes with the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The release it was taken from: `6.18.44`.
    pub kernel: &'static str,
    /// The machine it was built for: `x86_64`.
    pub architecture: &'static str,
    /// `/proc/kallsyms` of that kernel has its variables (`CONFIG_KALLSYMS_ALL`), as programs need that refer to them.
    pub lists_variables: bool,
    /// Its length in bytes when it is not compressed.
    pub bytes: usize,
    /// The SHA-256 of the bytes, in hexadecimal.
    pub sha256: &'static str,
    /// Where it was taken from.
    pub source: &'static str,
}

/// The BTF of a Linux 6.18 for x86-64, in the kernel's own format (magic `0xeb9f`, little-endian).
///
/// It is decompressed at the first call, in a few milliseconds, and kept. A build of the kernel has only what its
/// configuration asked for: types and kfuncs of modules and of options that were off are not in it. It also holds
/// the verifier's lists of fields that can be trusted, as structures named `task_struct__safe_rcu`,
/// `file__safe_trusted`, `sk_buff__safe_rcu_or_null`, and so on.
pub fn vmlinux_btf() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    // The file is part of the program, and a test decompresses it; an empty BTF is what a reader refuses.
    BYTES.get_or_init(|| lz4_flex::decompress_size_prepended(COMPRESSED).unwrap_or_default())
}
