//! What goes into a run and what comes out.

use std::net::{IpAddr, Ipv4Addr};

use crate::attached::Attached;
use crate::event::Event;
use crate::fault::Fault;
use crate::kfuncs::conntrack::Connection;
use crate::sockets::Socket;

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
    /// The routes that `bpf_fib_lookup` knows.
    pub routes: Vec<Route>,
    /// The sockets that `bpf_sk_lookup_tcp` and its like know.
    pub sockets: Vec<Socket>,
    /// The task that the program runs in.
    pub task: Task,
    /// Memory of user space: where it begins, and its bytes. What else is there is not known if there is none, and nothing
    /// if there is some.
    pub user: Vec<(u64, Vec<u8>)>,
    /// What the context has beside its bytes.
    pub attached: Attached,
    /// The connections that `bpf_skb_ct_lookup` and its like know.
    pub connections: Vec<Connection>,
}

/// A task: a thread, in a process that is its own parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The number of the thread, `task->pid`.
    pub pid: u32,
    /// The number of the process, `task->tgid`.
    pub tgid: u32,
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The name; 15 bytes of it at most are kept.
    pub comm: String,
    /// The number of its control group: 1 is the root, and others are below that.
    pub cgroup: u64,
    /// The namespace of process numbers that it is in: device and inode of `/proc/self/ns/pid`. Its own numbers are those
    /// in this namespace.
    pub namespace: Option<(u64, u64)>,
}

impl Task {
    /// The name as the kernel keeps it (`TASK_COMM_LEN`).
    pub(crate) fn name(&self) -> [u8; 16] {
        let mut name = [0; 16];
        for (to, from) in name.iter_mut().zip(self.comm.bytes().take(15)) {
            *to = from;
        }
        name
    }
}

impl Default for Task {
    fn default() -> Self {
        Self {
            pid: 1000,
            tgid: 1000,
            uid: 0,
            gid: 0,
            comm: "bpf-analyzer".to_owned(),
            cgroup: 1,
            namespace: None,
        }
    }
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where it leads to.
    pub destination: IpAddr,
    /// How many bits of that count.
    pub prefix: u8,
    /// The interface it leaves through.
    pub interface: u32,
    /// The next hop; none if the destination is a neighbour itself.
    pub gateway: Option<IpAddr>,
    /// The greatest packet; 0 if there is no limit.
    pub mtu: u16,
    /// The hardware addresses of the interface and of the next hop, if that is known.
    pub neighbour: Option<([u8; 6], [u8; 6])>,
}

impl Route {
    /// Whether it leads to an address.
    pub(crate) fn covers(&self, address: IpAddr) -> bool {
        let (own, other, bits) = match (self.destination, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (u128::from(u32::from(own)), u128::from(u32::from(other)), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => (u128::from(own), u128::from(other), 128),
            _ => return false,
        };
        let ignored = bits - u32::from(self.prefix).min(bits);
        (own ^ other).checked_shr(ignored).unwrap_or(0) == 0
    }
}

impl Default for Route {
    fn default() -> Self {
        Self {
            destination: Ipv4Addr::UNSPECIFIED.into(),
            prefix: 0,
            interface: 1,
            gateway: None,
            mtu: 0,
            neighbour: None,
        }
    }
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
            routes: Vec::new(),
            sockets: Vec::new(),
            task: Task::default(),
            user: Vec::new(),
            attached: Attached::default(),
            connections: Vec::new(),
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
    /// The context as it was before the first instruction, with what is filled in where nothing is given.
    pub context_at_start: Vec<u8>,
    /// What the context has beside its bytes, where the program may have changed it: as in [`Attached::values`].
    pub values: Vec<(String, Vec<u8>)>,
    /// What the program of an iterator has written to its file.
    pub sequence: Vec<u8>,
    /// The keys (`struct bpf_flow_keys`) that a flow dissector has found.
    pub flow_keys: Option<Vec<u8>>,
    /// What the program has printed, one text for each call: `bpf_trace_printk` and its like.
    pub printed: Vec<String>,
    /// What happened to the packet and dynptrs.
    pub events: Vec<Event>,
    /// How many instructions were executed.
    pub insns: u64,
    /// Why it ended early.
    pub fault: Option<Box<Fault>>,
}
