//! Program types: their context, how they see the packet and what their result means.

use crate::generated::programs::PROGRAM_TYPES;

/// A program type, as in `enum bpf_prog_type`.
#[derive(PartialEq, Eq, Debug)]
pub struct ProgramType {
    /// The kernel's name in lower case without the prefix, as `bpftool` prints it: `sched_cls`.
    pub name: &'static str,
    /// The name people use: `tc`.
    pub title: &'static str,
    /// The structure the context argument points to: `__sk_buff`. Empty if there is no fixed one.
    pub context: &'static str,
    /// What kind of packet the program has, if any.
    pub packet: Packet,
    /// Whether the program may write packet bytes directly (the kernel's `may_access_direct_pkt_data`),
    /// which `bpf_dynptr_slice_rdwr` asks for as well, whatever its dynptr is of.
    pub packet_write: bool,
    /// What lies at offset 0 of the packet.
    pub data_starts: DataStarts,
    /// What `bpf_dynptr_from_skb` gives.
    pub skb_dynptr: SkbDynptr,
    /// Whether a call to `bpf_dynptr_slice_rdwr` makes the kernel un-clone the packet at entry.
    pub uncloned_by_prologue: bool,
    /// Results with which the packet is not delivered.
    pub drop_codes: &'static [ReturnCode],
    /// Results with which the packet goes on; the first is the usual one.
    pub pass_codes: &'static [ReturnCode],
    /// What to return when an error ends the program early, as C text.
    pub error_return: &'static str,
    /// The fields a program may name in its context.
    pub context_fields: &'static [ContextField],
    /// Where the row is known from.
    pub source: &'static str,
}

/// A result with a meaning: the C text, and its value.
pub type ReturnCode = (&'static str, i64);

/// What kind of packet a program has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Packet {
    /// No packet.
    None,
    /// A socket buffer.
    Skb,
    /// An XDP frame.
    Xdp,
}

/// What lies at offset 0 of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DataStarts {
    /// The link-layer header, such as Ethernet.
    LinkLayer,
    /// The network-layer header.
    NetworkLayer,
    /// The transport payload.
    Payload,
    /// It depends on where the program is attached.
    Varies,
    /// There is no packet.
    None,
}

/// What `bpf_dynptr_from_skb` gives in a program type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SkbDynptr {
    /// A dynptr that can be written.
    ReadWrite,
    /// A dynptr whose writes fail at run time.
    ReadOnly,
    /// The call is rejected.
    NotAllowed,
}

/// A field of a context structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ContextField {
    /// The name in C.
    pub name: &'static str,
    /// The type in C; an array has its length behind it, as in `__u32[5]`.
    pub c_type: &'static str,
}

/// The program type called `name` in the kernel.
pub fn program_type(name: &str) -> Option<&'static ProgramType> {
    PROGRAM_TYPES.iter().find(|row| row.name == name)
}

/// All program types, in the order of `enum bpf_prog_type`.
pub fn program_types() -> &'static [ProgramType] {
    &PROGRAM_TYPES
}
