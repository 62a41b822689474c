//! The functions of the dynptr API, with the positions of their arguments.

/// A function of the dynptr API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are those of the kernel functions without `bpf_`")]
pub enum Api {
    FromMem,
    FromSkb,
    FromXdp,
    FromSkbMeta,
    FromFile,
    Reserve,
    Clone,
    Read,
    Write,
    Data,
    Slice,
    SliceRdwr,
    Adjust,
    IsNull,
    IsReadOnly,
    Size,
    Copy,
    Memset,
    CopyIn,
    CopyInStr,
    Submit,
    Discard,
    /// Any other function that takes a dynptr.
    Other,
}

/// Positions of a function's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Args {
    pub(crate) dynptr: Option<usize>,
    pub(crate) source: Option<usize>,
    pub(crate) offset: Option<usize>,
    pub(crate) source_offset: Option<usize>,
    pub(crate) length: Option<usize>,
    pub(crate) flags: Option<usize>,
    pub(crate) memory: Option<usize>,
}

const fn args(positions: [i8; 7]) -> Args {
    const fn at(position: i8) -> Option<usize> {
        if position < 0 { None } else { Some(position.unsigned_abs() as usize) }
    }
    let [dynptr, source, offset, source_offset, length, flags, memory] = positions;
    Args {
        dynptr: at(dynptr),
        source: at(source),
        offset: at(offset),
        source_offset: at(source_offset),
        length: at(length),
        flags: at(flags),
        memory: at(memory),
    }
}

/// Name, function, positions of: dynptr, source dynptr, offset, source offset, length, flags, memory.
const TABLE: &[(&str, Api, Args)] = &[
    ("bpf_dynptr_from_mem", Api::FromMem, args([3, -1, -1, -1, 1, 2, 0])),
    ("bpf_dynptr_from_skb", Api::FromSkb, args([2, -1, -1, -1, -1, 1, -1])),
    ("bpf_dynptr_from_xdp", Api::FromXdp, args([2, -1, -1, -1, -1, 1, -1])),
    ("bpf_dynptr_from_skb_meta", Api::FromSkbMeta, args([2, -1, -1, -1, -1, 1, -1])),
    ("bpf_ringbuf_reserve_dynptr", Api::Reserve, args([3, -1, -1, -1, 1, 2, -1])),
    ("bpf_dynptr_from_file", Api::FromFile, args([2, -1, -1, -1, -1, 1, -1])),
    ("bpf_dynptr_file_discard", Api::Other, args([0, -1, -1, -1, -1, -1, -1])),
    ("bpf_dynptr_clone", Api::Clone, args([1, 0, -1, -1, -1, -1, -1])),
    ("bpf_dynptr_read", Api::Read, args([2, -1, 3, -1, 1, 4, 0])),
    ("bpf_dynptr_write", Api::Write, args([0, -1, 1, -1, 3, 4, 2])),
    ("bpf_dynptr_data", Api::Data, args([0, -1, 1, -1, 2, -1, -1])),
    ("bpf_dynptr_slice", Api::Slice, args([0, -1, 1, -1, 3, -1, 2])),
    ("bpf_dynptr_slice_rdwr", Api::SliceRdwr, args([0, -1, 1, -1, 3, -1, 2])),
    ("bpf_dynptr_adjust", Api::Adjust, args([0, -1, 1, -1, 2, -1, -1])),
    ("bpf_dynptr_is_null", Api::IsNull, args([0, -1, -1, -1, -1, -1, -1])),
    ("bpf_dynptr_is_rdonly", Api::IsReadOnly, args([0, -1, -1, -1, -1, -1, -1])),
    ("bpf_dynptr_size", Api::Size, args([0, -1, -1, -1, -1, -1, -1])),
    ("bpf_dynptr_copy", Api::Copy, args([0, 2, 1, 3, 4, -1, -1])),
    ("bpf_dynptr_memset", Api::Memset, args([0, -1, 1, -1, 2, -1, -1])),
    ("bpf_probe_read_user_dynptr", Api::CopyIn, args([0, -1, 1, -1, 2, -1, -1])),
    ("bpf_probe_read_kernel_dynptr", Api::CopyIn, args([0, -1, 1, -1, 2, -1, -1])),
    ("bpf_copy_from_user_dynptr", Api::CopyIn, args([0, -1, 1, -1, 2, -1, -1])),
    ("bpf_copy_from_user_task_dynptr", Api::CopyIn, args([0, -1, 1, -1, 2, -1, -1])),
    ("bpf_probe_read_user_str_dynptr", Api::CopyInStr, args([0, -1, 1, -1, 2, -1, -1])),
    ("bpf_probe_read_kernel_str_dynptr", Api::CopyInStr, args([0, -1, 1, -1, 2, -1, -1])),
    ("bpf_copy_from_user_str_dynptr", Api::CopyInStr, args([0, -1, 1, -1, 2, -1, -1])),
    ("bpf_copy_from_user_task_str_dynptr", Api::CopyInStr, args([0, -1, 1, -1, 2, -1, -1])),
    ("bpf_ringbuf_submit_dynptr", Api::Submit, args([0, -1, -1, -1, -1, 1, -1])),
    ("bpf_ringbuf_discard_dynptr", Api::Discard, args([0, -1, -1, -1, -1, 1, -1])),
    ("bpf_verify_pkcs7_signature", Api::Other, args([0, 1, -1, -1, -1, -1, -1])),
    ("bpf_crypto_encrypt", Api::Other, args([2, 1, -1, -1, -1, -1, -1])),
    ("bpf_crypto_decrypt", Api::Other, args([2, 1, -1, -1, -1, -1, -1])),
    ("bpf_get_file_xattr", Api::Other, args([2, -1, -1, -1, -1, -1, -1])),
    ("bpf_get_dentry_xattr", Api::Other, args([2, -1, -1, -1, -1, -1, -1])),
    ("bpf_set_dentry_xattr", Api::Other, args([2, -1, -1, -1, -1, -1, -1])),
    ("bpf_cgroup_read_xattr", Api::Other, args([2, -1, -1, -1, -1, -1, -1])),
    ("bpf_get_fsverity_digest", Api::Other, args([1, -1, -1, -1, -1, -1, -1])),
];

/// The function called `name`.
pub(crate) fn lookup(name: &str) -> Option<(Api, Args)> {
    TABLE.iter().find(|(own, _, _)| *own == name).map(|(_, api, args)| (*api, *args))
}

impl Api {
    /// Makes a dynptr.
    pub fn constructs(self) -> bool {
        matches!(
            self,
            Api::FromMem
                | Api::FromSkb
                | Api::FromXdp
                | Api::FromSkbMeta
                | Api::FromFile
                | Api::Reserve
                | Api::Clone
        )
    }

    /// Gives a reservation back.
    pub fn releases(self) -> bool {
        matches!(self, Api::Submit | Api::Discard)
    }

    /// Returns a pointer to the bytes.
    pub fn slices(self) -> bool {
        matches!(self, Api::Data | Api::Slice | Api::SliceRdwr)
    }

    /// Changes the bytes through a kfunc that the verifier does not take for a packet change.
    pub fn bulk_writes(self) -> bool {
        matches!(self, Api::Copy | Api::Memset | Api::CopyIn | Api::CopyInStr)
    }

    /// Reads or writes the bytes at an offset.
    pub fn accesses(self) -> bool {
        self.slices() || self.bulk_writes() || matches!(self, Api::Read | Api::Write)
    }
}
