//! The names that BPF C gives a meaning no C grammar knows, as tables.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// What an identifier means to the masking rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nothing special: a name, or a keyword no rule asks for.
    Plain,
    /// `SEC(…)`.
    Section,
    /// A bare attribute.
    Attribute,
    /// An attribute with arguments; without them it is bare.
    AttributeCall,
    /// A member of a map definition.
    Map(MapMacro),
    /// A macro that heads a loop.
    Loop,
    /// `asm`.
    Asm,
    /// `typeof`.
    Typeof,
    /// `offsetof` as the grammar knows it.
    Offsetof,
    /// `sizeof` and other operators that may take a type in parentheses.
    Sizeof,
    /// `struct` and `union`.
    Record,
    /// `enum`.
    Enum,
    /// A word of a basic type: `int`, `unsigned`.
    BaseType,
    /// A typedef that every BPF program has: `u32`, `__be16`.
    Typedef,
    /// `const` and other qualifiers.
    Qualifier,
    /// A spelling of a qualifier that the grammar does not know.
    OddQualifier,
    /// A spelling of `signed` that the grammar does not know.
    OddSigned,
    /// `static` and other storage classes.
    Storage,
    /// A keyword in front of a parenthesis and a statement: `if`.
    Head,
    /// `else` and `do`: a statement follows directly.
    Before,
    /// Any other keyword of a statement: `return`.
    Statement,
    /// `case`.
    Case,
}

/// Which macro defines a member of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapMacro {
    /// `__uint` and `__ulong`.
    Uint,
    /// `__type`.
    Type,
    /// `__array`.
    Array,
}

impl Word {
    /// Whether no declaration contains this word.
    pub(crate) fn is_statement(self) -> bool {
        matches!(self, Word::Head | Word::Before | Word::Statement | Word::Case)
    }
}

/// What `name` means.
pub(crate) fn word(name: &str) -> Word {
    static WORDS: LazyLock<FxHashMap<&'static str, Word>> = LazyLock::new(|| {
        TABLES.iter().flat_map(|(word, names)| names.iter().map(|name| (*name, *word))).collect()
    });
    // Most identifiers are long or start with a letter that no table has; the hash settles the rest.
    if let Some(word) = WORDS.get(name) {
        return *word;
    }
    if name.starts_with("__arg_") {
        return Word::Attribute;
    }
    if name.starts_with("__section") {
        return Word::AttributeCall;
    }
    Word::Plain
}

/// Whether `name` is a type in every BPF program, without a declaration in sight.
pub(crate) fn is_known_type(name: &str) -> bool {
    matches!(word(name), Word::Typedef | Word::BaseType)
}

const TABLES: &[(Word, &[&str])] = &[
    (Word::Section, &["SEC", "__section"]),
    (
        Word::Attribute,
        &[
            "__always_inline",
            "__always_unused",
            "__arena",
            "__arena_global",
            "__auto_inline",
            "__bitwise",
            "__bpf_kfunc",
            "__bpf_fastcall",
            "__cold",
            "__force",
            "__free_percpu",
            "__hidden",
            "__hot",
            "__inline_never",
            "__internal",
            "__iomem",
            "__kconfig",
            "__kernel",
            "__kptr",
            "__kptr_ref",
            "__kptr_untrusted",
            "__ksym",
            "__maybe_unused",
            "__naked",
            "__no_sanitize_address",
            "__noclone",
            "__noinline",
            "__noreturn",
            "__nullable",
            "__packed",
            "__percpu",
            "__percpu_kptr",
            "__private",
            "__pure",
            "__rcu",
            "__read_mostly",
            "__randomize_layout",
            "__ro_after_init",
            "__sk_storage",
            "__uptr",
            "__unused",
            "__used",
            "__user",
            "__visible",
            "__weak",
            "__must_check",
            "noinline",
            "__attribute_const__",
            "__flatten",
            "__noinline_for_stack",
            "__uninit",
            "__nocfi",
            "notrace",
            "always_inline",
            "__ctx_local",
            "__static_inline",
            "__no_inline",
            "statfunc",
            "__unroll",
            "__section_license",
            "__section_maps",
            "__section_maps_btf",
            "__section_entry",
            "__overloadable",
            // Marks of the kernel's test runner.
            "__success",
            "__failure",
            "__success_unpriv",
            "__failure_unpriv",
            "__jited_unpriv",
            "__load_if_JITed",
            "__auxiliary",
            "__auxiliary_unpriv",
            "__arch_x86_64",
            "__arch_arm64",
            "__arch_riscv64",
            "__arch_s390x",
            "__not_supported",
        ],
    ),
    (
        Word::AttributeCall,
        &[
            "__attribute__",
            "__attribute",
            "__aligned",
            "__aligned_u64_attr",
            "__alloc_size",
            "__assume_aligned",
            "__cleanup",
            "__contains",
            "__counted_by",
            "__counted_by_be",
            "__counted_by_le",
            "__diag_push",
            "__diag_pop",
            "__diag_ignore_all",
            "__declspec",
            "__free",
            "__guarded_by",
            "__no_sanitize",
            "__nonnull",
            "__no_context_analysis",
            "__printf",
            "__scanf",
            "__section_tail",
            "__alias",
            "__btf_type_tag",
            "__btf_decl_tag",
            "__attr_nonnull",
            "_Pragma",
            "__preserve_access_index",
            "preserve_access_index",
            // Marks of the kernel's test runner.
            "__msg",
            "__msg_unpriv",
            "__not_msg",
            "__not_msg_unpriv",
            "__retval",
            "__retval_unpriv",
            "__flag",
            "__description",
            "__log_level",
            "__arch",
            "__xlated",
            "__xlated_unpriv",
            "__jited",
            "__btf_path",
            "__btf_func_path",
            "__linear_size",
            "__caps_unpriv",
            "__load_mode",
            "__log_buf",
            "__stderr",
            "__stdout",
            "__stderr_unpriv",
            "__stdout_unpriv",
            "__regex",
            "__regex_unpriv",
        ],
    ),
    (Word::Map(MapMacro::Uint), &["__uint", "__ulong"]),
    (Word::Map(MapMacro::Type), &["__type"]),
    (Word::Map(MapMacro::Array), &["__array"]),
    (
        Word::Loop,
        &[
            "bpf_for",
            "bpf_for_each",
            "bpf_repeat",
            "bpf_arena_for_each",
            "arena_for",
            "list_for_each_entry",
        ],
    ),
    (Word::Asm, &["asm", "__asm__", "__asm"]),
    (Word::Typeof, &["typeof", "__typeof__", "__typeof", "typeof_unqual", "__typeof_unqual__"]),
    (Word::Offsetof, &["offsetof"]),
    (
        Word::Sizeof,
        &["sizeof", "_Alignof", "__alignof__", "__alignof", "alignof", "_alignof", "_Generic"],
    ),
    (Word::Record, &["struct", "union"]),
    (Word::Enum, &["enum"]),
    (
        Word::BaseType,
        &[
            "void",
            "char",
            "short",
            "int",
            "long",
            "signed",
            "unsigned",
            "float",
            "double",
            "_Bool",
            "bool",
            "__int128",
            "__int128_t",
            "__uint128_t",
            "_Float16",
            "__auto_type",
            "_Complex",
        ],
    ),
    (
        Word::Typedef,
        &[
            "u8",
            "u16",
            "u32",
            "u64",
            "s8",
            "s16",
            "s32",
            "s64",
            "__u8",
            "__u16",
            "__u32",
            "__u64",
            "__s8",
            "__s16",
            "__s32",
            "__s64",
            "__u128",
            "__s128",
            "u128",
            "s128",
            "__be16",
            "__be32",
            "__be64",
            "__le16",
            "__le32",
            "__le64",
            "__sum16",
            "__wsum",
            "be16",
            "be32",
            "be64",
            "size_t",
            "ssize_t",
            "ptrdiff_t",
            "intptr_t",
            "uintptr_t",
            "uint8_t",
            "uint16_t",
            "uint32_t",
            "uint64_t",
            "int8_t",
            "int16_t",
            "int32_t",
            "int64_t",
            "u_int8_t",
            "u_int16_t",
            "u_int32_t",
            "u_int64_t",
            "uint",
            "ulong",
            "ushort",
            "uchar",
            "u_char",
            "u_short",
            "u_int",
            "u_long",
            "loff_t",
            "off_t",
            "pid_t",
            "uid_t",
            "gid_t",
            "dev_t",
            "ino_t",
            "mode_t",
            "umode_t",
            "sector_t",
            "ktime_t",
            "gfp_t",
            "fmode_t",
            "socklen_t",
            "sa_family_t",
            "kuid_t",
            "kgid_t",
            "kernel_ulong_t",
            "__kernel_size_t",
            "dma_addr_t",
            "phys_addr_t",
            "time_t",
            "clock_t",
            "time64_t",
            "cpumask_t",
            "spinlock_t",
            "atomic_t",
            "atomic64_t",
            "arena_spinlock_t",
            "va_list",
            "__builtin_va_list",
            "bpf_list_head_t",
        ],
    ),
    (Word::Qualifier, &["const", "volatile", "restrict", "__restrict__", "_Atomic", "constexpr"]),
    (Word::OddQualifier, &["__const", "__const__", "__volatile", "__volatile__", "__restrict"]),
    (Word::OddSigned, &["__signed", "__signed__"]),
    (
        Word::Storage,
        &[
            "static",
            "extern",
            "typedef",
            "inline",
            "__inline",
            "__inline__",
            "__forceinline",
            "register",
            "auto",
            "_Thread_local",
            "__thread",
            "thread_local",
            "_Noreturn",
            "__extension__",
            "noreturn",
        ],
    ),
    (Word::Head, &["if", "while", "for", "switch"]),
    (Word::Before, &["else", "do"]),
    (Word::Statement, &["return", "goto", "break", "continue", "default"]),
    (Word::Case, &["case"]),
];
