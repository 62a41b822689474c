//! What C, libbpf and the kernel's basic headers define without being asked: scalar type names, and
//! macros whose meaning the analysis knows better than their bodies would tell.

use crate::Ty;

/// A type written in the words of C alone (`unsigned long long`), in any order.
pub(crate) fn base_type(words: &str) -> Option<Ty> {
    let (mut longs, mut short, mut char, mut int, mut signed, mut unsigned) =
        (0, false, false, false, false, false);
    for word in words.split_ascii_whitespace() {
        match word {
            "long" => longs += 1,
            "short" => short = true,
            "char" => char = true,
            "int" => int = true,
            "signed" | "__signed__" | "__signed" => signed = true,
            "unsigned" => unsigned = true,
            "void" => return Some(Ty::Void),
            "_Bool" => return Some(Ty::Bool),
            "float" | "double" | "_Float16" => return Some(Ty::Float),
            "__int128" => return Some(Ty::Int { bits: 128, signed: !words.contains("unsigned") }),
            _ => return None,
        }
    }
    let bits = match (longs, short, char) {
        (0, false, true) => 8,
        (0, true, false) => 16,
        (0, false, false) if int || signed || unsigned => 32,
        (1 | 2, false, false) => 64,
        _ => return None,
    };
    Some(Ty::Int { bits, signed: !unsigned })
}

/// Scalar typedefs of the kernel's and the C library's headers on an LP64 target: width and sign.
const SCALARS: &[(&str, u8, bool)] = &[
    ("__be16", 16, false),
    ("__be32", 32, false),
    ("__be64", 64, false),
    ("__kernel_size_t", 64, false),
    ("__kernel_ssize_t", 64, true),
    ("__le16", 16, false),
    ("__le32", 32, false),
    ("__le64", 64, false),
    ("__poll_t", 32, false),
    ("__s16", 16, true),
    ("__s32", 32, true),
    ("__s64", 64, true),
    ("__s8", 8, true),
    ("__sum16", 16, false),
    ("__u16", 16, false),
    ("__u32", 32, false),
    ("__u64", 64, false),
    ("__u8", 8, false),
    ("__wsum", 32, false),
    ("be16", 16, false),
    ("be32", 32, false),
    ("be64", 64, false),
    ("dev_t", 32, false),
    ("gfp_t", 32, false),
    ("gid_t", 32, false),
    ("ino_t", 64, false),
    ("int16_t", 16, true),
    ("int32_t", 32, true),
    ("int64_t", 64, true),
    ("int8_t", 8, true),
    ("intptr_t", 64, true),
    ("loff_t", 64, true),
    ("off_t", 64, true),
    ("pid_t", 32, true),
    ("ptrdiff_t", 64, true),
    ("s16", 16, true),
    ("s32", 32, true),
    ("s64", 64, true),
    ("s8", 8, true),
    ("sa_family_t", 16, false),
    ("sector_t", 64, false),
    ("size_t", 64, false),
    ("ssize_t", 64, true),
    ("time64_t", 64, true),
    ("time_t", 64, true),
    ("u16", 16, false),
    ("u32", 32, false),
    ("u64", 64, false),
    ("u8", 8, false),
    ("u_char", 8, false),
    ("u_int", 32, false),
    ("u_int16_t", 16, false),
    ("u_int32_t", 32, false),
    ("u_int64_t", 64, false),
    ("u_int8_t", 8, false),
    ("u_long", 64, false),
    ("u_short", 16, false),
    ("uid_t", 32, false),
    ("uint", 32, false),
    ("uint16_t", 16, false),
    ("uint32_t", 32, false),
    ("uint64_t", 64, false),
    ("uint8_t", 8, false),
    ("uintptr_t", 64, false),
    ("ulong", 64, false),
    ("umode_t", 16, false),
    ("ushort", 16, false),
];

/// The type behind a well-known typedef name.
pub(crate) fn scalar_typedef(name: &str) -> Option<Ty> {
    if name == "bool" {
        return Some(Ty::Bool);
    }
    let index = SCALARS.binary_search_by(|row| row.0.cmp(name)).ok()?;
    let (_, bits, signed) = SCALARS[index];
    Some(Ty::Int { bits, signed })
}

/// What a function-like macro or compiler builtin means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Reverses the bytes of a number of this many bytes.
    Swap(u8),
    /// Leaves a number of this many bytes as it is, because the target is little-endian.
    Keep(u8),
    /// Is its first argument: `likely`, `READ_ONCE`.
    First,
    /// Assigns: `WRITE_ONCE`.
    Second,
    /// Follows an access path through its arguments: `BPF_CORE_READ(a, b, c)` reads `a->b->c`.
    ReadPath,
    /// `container_of(pointer, type, member)`: a pointer to the type.
    ContainerOf,
    /// `bpf_core_cast(pointer, type)`: a pointer to the type.
    CastTo,
    /// A single bit.
    Bit,
    /// Bits from the second argument up to the first.
    BitRange,
    /// The number of elements of an array.
    ArrayLength,
    /// The smaller of two.
    Min,
    /// The larger of two.
    Max,
    /// An `int` that depends on the running kernel or the compiler.
    OpaqueInt,
}

/// Names whose meaning is fixed, sorted.
const KNOWN: &[(&str, Known)] = &[
    ("ARRAY_SIZE", Known::ArrayLength),
    ("BIT", Known::Bit),
    ("BIT_ULL", Known::Bit),
    ("BPF_CORE_READ", Known::ReadPath),
    ("BPF_CORE_READ_INTO", Known::OpaqueInt),
    ("BPF_CORE_READ_STR_INTO", Known::OpaqueInt),
    ("BPF_CORE_READ_USER", Known::ReadPath),
    ("BPF_PROBE_READ", Known::ReadPath),
    ("BPF_PROBE_READ_INTO", Known::OpaqueInt),
    ("BPF_PROBE_READ_USER", Known::ReadPath),
    ("GENMASK", Known::BitRange),
    ("GENMASK_ULL", Known::BitRange),
    ("MAX", Known::Max),
    ("MIN", Known::Min),
    ("READ_ONCE", Known::First),
    ("WRITE_ONCE", Known::Second),
    ("___bpf_swab16", Known::Swap(2)),
    ("___bpf_swab32", Known::Swap(4)),
    ("___bpf_swab64", Known::Swap(8)),
    ("___constant_swab16", Known::Swap(2)),
    ("___constant_swab32", Known::Swap(4)),
    ("___constant_swab64", Known::Swap(8)),
    ("__be16_to_cpu", Known::Swap(2)),
    ("__be32_to_cpu", Known::Swap(4)),
    ("__be64_to_cpu", Known::Swap(8)),
    ("__bpf_be64_to_cpu", Known::Swap(8)),
    ("__bpf_constant_htonl", Known::Swap(4)),
    ("__bpf_constant_htons", Known::Swap(2)),
    ("__bpf_constant_ntohl", Known::Swap(4)),
    ("__bpf_constant_ntohs", Known::Swap(2)),
    ("__bpf_cpu_to_be64", Known::Swap(8)),
    ("__bpf_htonl", Known::Swap(4)),
    ("__bpf_htons", Known::Swap(2)),
    ("__bpf_ntohl", Known::Swap(4)),
    ("__bpf_ntohs", Known::Swap(2)),
    ("__builtin_bswap16", Known::Swap(2)),
    ("__builtin_bswap32", Known::Swap(4)),
    ("__builtin_bswap64", Known::Swap(8)),
    ("__builtin_expect", Known::First),
    ("__constant_be16_to_cpu", Known::Swap(2)),
    ("__constant_be32_to_cpu", Known::Swap(4)),
    ("__constant_be64_to_cpu", Known::Swap(8)),
    ("__constant_cpu_to_be16", Known::Swap(2)),
    ("__constant_cpu_to_be32", Known::Swap(4)),
    ("__constant_cpu_to_be64", Known::Swap(8)),
    ("__constant_htonl", Known::Swap(4)),
    ("__constant_htons", Known::Swap(2)),
    ("__constant_ntohl", Known::Swap(4)),
    ("__constant_ntohs", Known::Swap(2)),
    ("__cpu_to_be16", Known::Swap(2)),
    ("__cpu_to_be32", Known::Swap(4)),
    ("__cpu_to_be64", Known::Swap(8)),
    ("__cpu_to_le16", Known::Keep(2)),
    ("__cpu_to_le32", Known::Keep(4)),
    ("__cpu_to_le64", Known::Keep(8)),
    ("__le16_to_cpu", Known::Keep(2)),
    ("__le32_to_cpu", Known::Keep(4)),
    ("__le64_to_cpu", Known::Keep(8)),
    ("array_size", Known::ArrayLength),
    ("be16_to_cpu", Known::Swap(2)),
    ("be32_to_cpu", Known::Swap(4)),
    ("be64_to_cpu", Known::Swap(8)),
    ("bpf_be64_to_cpu", Known::Swap(8)),
    ("bpf_core_cast", Known::CastTo),
    ("bpf_core_enum_value_exists", Known::OpaqueInt),
    ("bpf_core_field_exists", Known::OpaqueInt),
    ("bpf_core_read", Known::OpaqueInt),
    ("bpf_core_read_str", Known::OpaqueInt),
    ("bpf_core_read_user", Known::OpaqueInt),
    ("bpf_core_type_exists", Known::OpaqueInt),
    ("bpf_core_type_matches", Known::OpaqueInt),
    ("bpf_cpu_to_be64", Known::Swap(8)),
    ("bpf_htonl", Known::Swap(4)),
    ("bpf_htons", Known::Swap(2)),
    ("bpf_ntohl", Known::Swap(4)),
    ("bpf_ntohs", Known::Swap(2)),
    ("bpf_printk", Known::OpaqueInt),
    ("container_of", Known::ContainerOf),
    ("cpu_to_be16", Known::Swap(2)),
    ("cpu_to_be32", Known::Swap(4)),
    ("cpu_to_be64", Known::Swap(8)),
    ("cpu_to_le16", Known::Keep(2)),
    ("cpu_to_le32", Known::Keep(4)),
    ("cpu_to_le64", Known::Keep(8)),
    ("htonl", Known::Swap(4)),
    ("htons", Known::Swap(2)),
    ("le16_to_cpu", Known::Keep(2)),
    ("le32_to_cpu", Known::Keep(4)),
    ("le64_to_cpu", Known::Keep(8)),
    ("likely", Known::First),
    ("max", Known::Max),
    ("min", Known::Min),
    ("ntohl", Known::Swap(4)),
    ("ntohs", Known::Swap(2)),
    ("unlikely", Known::First),
];

/// The fixed meaning of the macro or builtin `name`.
pub(crate) fn known(name: &str) -> Option<Known> {
    let index = KNOWN.binary_search_by(|row| row.0.cmp(name)).ok()?;
    Some(KNOWN[index].1)
}

/// Macros of libbpf and the kernel that pass a callback on to a kernel function: name and position of
/// the callback among the arguments. Functions proper are rows of the kernel model.
pub(crate) const CALLBACK_MACROS: &[(&str, usize)] =
    &[("bpf_rbtree_add", 2), ("bpf_wq_set_callback", 1)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_found() {
        assert!(SCALARS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(KNOWN.is_sorted_by(|a, b| a.0 < b.0));
        for (name, bits, signed) in SCALARS {
            assert_eq!(
                scalar_typedef(name),
                Some(Ty::Int { bits: *bits, signed: *signed }),
                "{name}"
            );
        }
        assert_eq!(scalar_typedef("bool"), Some(Ty::Bool));
        assert_eq!(known("bpf_htons"), Some(Known::Swap(2)));
        assert_eq!(known("bpf_hton"), None);
    }

    #[test]
    fn words_of_c_in_any_order() {
        let int = |bits, signed| Some(Ty::Int { bits, signed });
        let rows = [
            ("int", int(32, true)),
            ("unsigned", int(32, false)),
            ("long unsigned int", int(64, false)),
            ("unsigned long long", int(64, false)),
            ("long long int", int(64, true)),
            ("char", int(8, true)),
            ("unsigned char", int(8, false)),
            ("short int", int(16, true)),
            ("unsigned __int128", int(128, false)),
            ("void", Some(Ty::Void)),
            ("_Bool", Some(Ty::Bool)),
            ("double", Some(Ty::Float)),
            ("foo", None),
            ("", None),
            ("short long", None),
        ];
        for (words, ty) in rows {
            assert_eq!(base_type(words), ty, "{words}");
        }
    }
}
