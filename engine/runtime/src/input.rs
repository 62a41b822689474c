//! What goes into a run and what comes out.

use crate::event::Event;
use crate::fault::Fault;

/// Limits of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many bytes the memory of the program may take, about: maps, packet, stack.
    pub memory: usize,
    /// How many events are kept of a run.
    pub events: usize,
    /// What is on the stack at first.
    pub stack_fill: u8,
}

impl Default for Options {
    fn default() -> Self {
        Self { memory: 64 << 20, events: 4096, stack_fill: 0 }
    }
}

/// What a program is run on. Defaults are those of `BPF_PROG_TEST_RUN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The packet, for programs that have one: an Ethernet frame, which programs that begin at the network layer see
    /// without its header.
    pub packet: Option<PacketInput>,
    /// The context: the structure of the user-space interface for packets (`__sk_buff`, `xdp_md`), where fields that
    /// describe the bytes of the packet do not count; what programs of other types are given. Missing bytes are 0.
    pub context: Vec<u8>,
    /// How many instructions may be executed.
    pub budget: u64,
    /// What chance begins with.
    pub seed: u64,
    /// The time in nanoseconds.
    pub now: u64,
    /// What slices of dynptrs give.
    pub slices: Slices,
}

/// What slices of packets give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Slices {
    /// What the layout of the packet asks for.
    #[default]
    AsLaidOut,
    /// A copy in the caller's buffer, whenever there is one that is long enough.
    Buffer,
    /// What the layout asks for; if that is the bytes themselves, the caller's buffer is filled with a pattern, so that a
    /// program that reads it instead of the slice does something else.
    Poisoned,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            packet: None,
            context: Vec::new(),
            budget: 10_000_000,
            seed: 0,
            now: 0,
            slices: Slices::AsLaidOut,
        }
    }
}

/// A packet and how it lies in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PacketInput {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The metadata in front of it.
    pub metadata: Vec<u8>,
    /// Where they are.
    pub layout: Layout,
}

/// How a packet lies in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Layout {
    /// How many bytes are in the linear part; all if `None`.
    pub linear: Option<u32>,
    /// The lengths of the fragments behind it. What is left over becomes more fragments, of 4,096 bytes at most.
    pub fragments: Vec<u32>,
    /// The lengths of packets in the list of an skb, which hold the last bytes.
    pub list: Vec<u32>,
    /// The skb shares its bytes with another one.
    pub cloned: bool,
}

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The result, R0; programs that return an `int` mean its lower half.
    pub retval: u64,
    /// The bytes of the packet afterwards, as the program saw it.
    pub packet: Option<Vec<u8>>,
    /// The metadata in front of it.
    pub metadata: Vec<u8>,
    /// How it lies in memory.
    pub layout: Layout,
    /// The context afterwards, as in [`Input::context`].
    pub context: Vec<u8>,
    /// The keys (`struct bpf_flow_keys`) that a flow dissector has found.
    pub flow_keys: Option<Vec<u8>>,
    /// What happened to the packet and dynptrs.
    pub events: Vec<Event>,
    /// How many instructions were executed.
    pub insns: u64,
    /// Why it ended early.
    pub fault: Option<Box<Fault>>,
}
