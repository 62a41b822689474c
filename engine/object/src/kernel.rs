//! The kernel that an object is linked against.

use std::sync::OnceLock;

use btf::Btf;
use rustc_hash::FxHashMap;

/// What linking needs to know of a kernel.
#[derive(Clone, Debug)]
pub struct Kernel<'k> {
    /// Its types.
    pub btf: &'k Btf<'k>,
    /// Its version as `KERNEL_VERSION(a, b, c)` encodes it: the value of `LINUX_KERNEL_VERSION`.
    pub version: u32,
    /// Its configuration. Without one, values are assumed, see [`crate::Linked::assumed`].
    pub config: Option<KernelConfig>,
    /// The addresses of its symbols. Without them, strong ones are assumed to be somewhere, and weak ones not to exist.
    pub symbols: Option<FxHashMap<String, u64>>,
}

/// The types of the kernel 6.18 that come with the program, opened at the first call. `None` if they cannot be read,
/// which a test rules out.
pub fn vmlinux() -> Option<&'static Btf<'static>> {
    static TYPES: OnceLock<Option<Btf<'static>>> = OnceLock::new();
    TYPES.get_or_init(|| Btf::parse(kernel_model::vmlinux_btf()).ok()).as_ref()
}

impl<'k> Kernel<'k> {
    /// The kernel 6.18 with these types.
    pub fn new(btf: &'k Btf<'k>) -> Self {
        Kernel { btf, version: kernel_version(6, 18, 0), config: None, symbols: None }
    }
}

/// `KERNEL_VERSION(major, minor, patch)`.
pub fn kernel_version(major: u32, minor: u32, patch: u32) -> u32 {
    major << 16 | minor << 8 | patch.min(255)
}

/// The configuration a kernel was built with.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct KernelConfig {
    values: FxHashMap<String, String>,
}

impl KernelConfig {
    /// Reads a file such as `/boot/config-6.18.0`: lines of the form `CONFIG_X=y`. Others are skipped.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.trim_end().split_once('='));
        let lines = lines.filter(|(name, value)| name.starts_with("CONFIG_") && !value.is_empty());
        let mut values = FxHashMap::default();
        for (name, value) in lines {
            values.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
        KernelConfig { values }
    }

    /// The value of an option as it stands in the file.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
}

/// Values of an ordinary kernel for x86-64 that programs ask for.
const USUAL: [(&str, &str); 12] = [
    ("CONFIG_64BIT", "y"),
    ("CONFIG_BPF", "y"),
    ("CONFIG_BPF_JIT", "y"),
    ("CONFIG_BPF_SYSCALL", "y"),
    ("CONFIG_CGROUPS", "y"),
    ("CONFIG_DEBUG_INFO_BTF", "y"),
    ("CONFIG_HZ", "250"),
    ("CONFIG_NET", "y"),
    ("CONFIG_NR_CPUS", "8192"),
    ("CONFIG_PREEMPT_DYNAMIC", "y"),
    ("CONFIG_SMP", "y"),
    ("CONFIG_X86_64", "y"),
];

/// What an option usually is.
pub(crate) fn usual(name: &str) -> Option<&'static str> {
    USUAL.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}
