//! Program types: their context, how they see the packet, what they may do and what their result means.

use crate::generated::programs::PROGRAM_TYPES;
use crate::{AttachType, Capability, ContextField, KfuncHook, Version};

/// A program type, as in `enum bpf_prog_type`.
#[derive(PartialEq, Eq, Debug)]
pub struct ProgramType {
    /// The kernel's name in lower case without the prefix, as `bpftool` prints it: `sched_cls`.
    pub name: &'static str,
    /// The number in `enum bpf_prog_type`.
    pub id: u32,
    /// The first release that has it.
    pub since: Version,
    /// The attach types a program may be made for.
    pub attach_types: &'static [AttachType],
    /// Whether the loader must name one of them (`bpf_prog_load_check_attach`).
    pub attach_required: bool,
    /// What the loader needs beside `CAP_BPF`.
    pub capabilities: &'static [Capability],
    /// Whether programs may, or must, be loaded as sleepable.
    pub sleepable: Sleepable,
    /// Whether the program may read packet bytes directly (the kernel's `may_access_direct_pkt_data`).
    pub packet_read: bool,
    /// The group of kfuncs it may call beside the common ones.
    pub kfunc_hook: Option<KfuncHook>,
    /// What must be in R0 at the end, by attach type; [`return_check`] looks it up.
    pub returns: &'static [ReturnRule],
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

/// Whether programs of a type are sleepable.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Sleepable {
    /// Never.
    Never,
    /// If the loader asks for it; some attach types and hooks refuse it.
    Optional,
    /// Always; the loader must ask for it.
    Always,
}

/// What must be in R0 at the end of a program for some attach types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReturnRule {
    /// The attach types it is about; empty for all that no rule before it is about.
    pub attach: &'static [AttachType],
    /// What is asked.
    pub check: ReturnCheck,
}

/// What the kernel's `check_return_code` asks of R0 at the end of the main program (v6.18).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReturnCheck {
    /// Nothing, beside being initialised.
    Any,
    /// A number that is certainly from `min` to `max`, as signed 64 bits.
    Range {
        /// The least value.
        min: i32,
        /// The greatest value.
        max: i32,
    },
    /// Depends on the LSM hook: -4095 to 0 as signed 32 bits, 0 or 1 for the hooks that return a bool, anything
    /// for those that return nothing.
    LsmHook,
    /// 0 or 1; exactly 1 for LSM hooks that return nothing.
    LsmCgroup,
    /// Depends on the operation: a number, nothing, or the pointer with a reference that the operation returns.
    StructOps,
    /// What the replaced function returns.
    Target,
}

/// What must be in R0 at the end of a program of this type, made for this attach type.
pub fn return_check(program: &ProgramType, attach: Option<AttachType>) -> ReturnCheck {
    let fits = |rule: &&ReturnRule| {
        rule.attach.is_empty() || attach.is_some_and(|attach| rule.attach.contains(&attach))
    };
    program.returns.iter().find(fits).map_or(ReturnCheck::Any, |rule| rule.check)
}

/// The program type called `name` in the kernel.
pub fn program_type(name: &str) -> Option<&'static ProgramType> {
    PROGRAM_TYPES.iter().find(|row| row.name == name)
}

/// All program types, in the order of `enum bpf_prog_type`.
pub fn program_types() -> &'static [ProgramType] {
    &PROGRAM_TYPES
}
