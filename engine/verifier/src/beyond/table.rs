//! What is noted: one row each.

/// A mistake that Linux 6.18 accepts.
#[derive(PartialEq, Eq, Debug)]
pub struct NoteKind {
    /// A name that never changes its meaning.
    pub code: &'static str,
    /// The lint rule that finds the same in C; `None` if there is none.
    pub rule: Option<&'static str>,
    /// The mistake, in a line.
    pub summary: &'static str,
    /// What to do instead.
    pub help: &'static str,
}

/// Declares the rows, a constant for each, and the list of all.
macro_rules! notes {
    ($($name:ident: $code:literal, $rule:expr, $summary:literal, $help:literal;)*) => {
        $(pub(super) static $name: NoteKind =
            NoteKind { code: $code, rule: $rule, summary: $summary, help: $help };)*

        /// Everything that may be noted of a program that is accepted, by code.
        pub static NOTES: &[&NoteKind] = &[$(&$name),*];
    };
}

notes! {
    LOST_STORE: "N01", Some("missing-write-back"),
        "what is stored through a slice is lost when the slice is its buffer",
        "after the last store, write the buffer back with `bpf_dynptr_write` if the slice is the buffer";
    OTHER_PLACE: "N02", Some("write-back-mismatch"),
        "the buffer of a slice is written back to other bytes than it was taken from",
        "write back with the dynptr, offset and length of the slice call";
    WRONG_BUFFER: "N03", Some("wrong-buffer-compared"),
        "a slice is compared with memory that is not its buffer",
        "compare with the buffer that was passed to the call";
    INVERTED: "N04", Some("inverted-write-back"),
        "a slice is written back where it is not known to be its buffer",
        "write back if the slice equals its buffer, and only then";
    UNFILLED_BUFFER: "N05", Some("buffer-instead-of-slice"),
        "the buffer of a slice is read though the slice may be elsewhere",
        "read through the pointer that the call returns";
    SHARED_BUFFER: "N06", Some("shared-slice-buffer"),
        "a slice is used after its buffer was given to another slice",
        "give each slice a buffer of its own";
    CHANGED_BUFFER: "N07", Some("buffer-changed-under-slice"),
        "a slice is used after its buffer was changed",
        "leave the buffer alone while the slice is in use";
    DEAD_BUFFER: "N08", Some("slice-outlives-buffer"),
        "a slice is used after the function returned that has its buffer",
        "let the caller own the buffer";
    STALE: "N09", Some("unnoticed-stale-slice"),
        "a slice is used after a call that may have moved the packet, or whose dynptr was made anew",
        "make the slice anew; the verifier does not see this";
    RELEASED_SLICE: "N10", Some("slice-used-after-release"),
        "a slice of a ring buffer record is used after the record was given back",
        "use the slice only before the record is submitted or discarded";
    RELEASED_DYNPTR: "N11", Some("clone-released-elsewhere"),
        "a dynptr is used after its record was given back through a clone in another function",
        "give the record back where it was reserved, or hand over the dynptr itself";
    OUTDATED: "N12", Some("outdated-dynptr"),
        "a dynptr is used after the packet's length or beginning changed",
        "make the dynptr anew after the call";
    OWN_PACKET: "N13", Some("write-from-own-packet"),
        "bytes are written to the packet that they are a slice of",
        "read the bytes into a variable with `bpf_dynptr_read` first";
    SHARED_PACKET: "N14", Some("write-to-shared-packet"),
        "a bulk function writes to a packet that may be shared with others",
        "call `bpf_skb_pull_data(skb, 0)` first and make slices anew, or use `bpf_dynptr_write`";
    DATA_OF_PACKET: "N15", Some("dynptr-data-on-packet"),
        "`bpf_dynptr_data` of a packet always returns NULL",
        "use `bpf_dynptr_slice` or `bpf_dynptr_slice_rdwr`";
    NULL_BUFFER: "N16", Some("null-buffer-on-fragmented-packet"),
        "NULL of a slice without a buffer is taken for a packet that is too short",
        "pass a buffer, or pull the bytes and make the slice again";
    BEYOND: "N17", Some("range-beyond-dynptr"),
        "a range lies beyond the end of the dynptr, so that the call always fails",
        "keep offset and length within the dynptr";
    FLAGS: "N18", Some("unsupported-flags"),
        "flags are passed that the call always refuses",
        "pass 0";
    SIZE_OF_NULL: "N19", Some("size-of-null-dynptr"),
        "the size of a dynptr that could not be made is a large number",
        "check the result of the constructor, or `bpf_dynptr_is_null`";
    READ_ONLY: "N20", Some("write-to-read-only-dynptr"),
        "a write to a packet that programs of this type may only read always fails",
        "remove it, or move it to a program of a type that may write";
    IGNORED: "N21", Some("result-ignored"),
        "the result of a call that may fail is ignored",
        "check the result";
    UNREAD: "N22", Some("read-result-ignored"),
        "bytes are used though the read may have failed that should have filled them",
        "check the result of the read";
    STATUS: "N23", Some("status-taken-for-length"),
        "a result is compared with a positive number, which it never is",
        "compare with 0: the call returns 0 or a negative error";
    EMPTY: "N24", Some("zero-length-access"),
        "a read or write of no bytes does nothing",
        "check the order of the arguments";
    OVERLAP: "N25", Some("overlapping-copy"),
        "ranges overlap that are copied in pieces",
        "copy ranges that do not overlap";
    SAME_BYTES: "N26", Some("clone-not-copy"),
        "bytes are copied onto themselves, because a clone shows the same memory",
        "copy to other memory";
    OLD_METADATA: "N27", Some("outdated-metadata-dynptr"),
        "the metadata of a packet is used after a call that may have dropped it",
        "read the metadata first, or make the dynptr anew";
    LEAKED: "N28", Some("slice-address-leaked"),
        "the address of a slice is stored where it is of no use",
        "store the bytes, not their address";
    OUT_OF_SLICE: "N29", Some("slice-out-of-bounds"),
        "a slice without a buffer is accessed beyond its length on a path that the kernel does not follow",
        "access only the bytes that were asked for on every path";
    MOVED_VIEW: "N30", None,
        "a global function moves the view of a dynptr that it was given as `const`",
        "clone the dynptr and adjust the clone";
    NOT_RELATIVE: "N31", Some("adjust-not-relative"),
        "a view is adjusted as if the numbers counted from the beginning of the memory",
        "count from the beginning of the current view; `bpf_dynptr_size` is its end";
    BEYOND_64K: "N32", Some("xdp-access-beyond-64k"),
        "bytes of an XDP frame are read or written that only slices reach",
        "use a slice; what is stored to its buffer cannot be written back";
    STALE_POINTER: "N33", Some("stale-packet-pointer"),
        "a packet pointer is used after a call that may have moved the packet",
        "load the pointers anew; the verifier does not see this";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order() {
        for (number, row) in (1..).zip(NOTES) {
            assert_eq!(row.code, format!("N{number:02}"));
            assert!(!row.summary.ends_with('.') && !row.help.is_empty(), "{}", row.code);
        }
    }
}
