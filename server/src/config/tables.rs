//! `[[packets]]` and `[[tests]]` of `bpf-analyzer.toml` as they are written.

use std::collections::BTreeMap;

use runtime::{Layout, Task};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use crate::run::tables;

/// One text or several.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a string or a list of strings is expected")]
pub(super) enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn list(&self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one.clone()],
            Self::Many(many) => many.clone(),
        }
    }
}

/// A number or its name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number or a name such as \"XDP_DROP\" is expected")]
pub(super) enum NumberOrName {
    /// A number.
    Number(i64),
    /// A name.
    Name(String),
}

/// How a packet lies in memory.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "layout")]
pub(super) struct LayoutTable {
    /// How many bytes are linear. Default: all.
    #[schemars(with = "u32")]
    pub(super) linear: Option<u32>,
    /// The lengths of the fragments behind them.
    pub(super) frags: Vec<u32>,
    /// The lengths of packets in the list of an skb, which hold the last bytes.
    pub(super) list: Vec<u32>,
    /// The packet shares its bytes with another one.
    pub(super) cloned: bool,
}

impl LayoutTable {
    pub(super) const KEYS: &'static [&'static str] = &["linear", "frags", "list", "cloned"];

    pub(super) fn layout(&self) -> Layout {
        Layout {
            linear: self.linear,
            fragments: self.frags.clone(),
            list: self.list.clone(),
            cloned: self.cloned,
        }
    }
}

/// The task that a program runs in.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "task of a test")]
pub struct TaskTable {
    /// The number of the thread. Default: 1000.
    #[schemars(with = "u32")]
    pub(super) pid: Option<u32>,
    /// The number of the process. Default: that of the thread.
    #[schemars(with = "u32")]
    pub(super) tgid: Option<u32>,
    /// The user.
    pub(super) uid: u32,
    /// The group.
    pub(super) gid: u32,
    /// The number of its control group. Default: 1, which is the root.
    #[schemars(with = "u64")]
    pub(super) cgroup: Option<u64>,
    /// The name. Default: "bpf-analyzer".
    #[schemars(with = "String")]
    pub(super) comm: Option<String>,
    /// The namespace of process numbers that it is in. Default: it is not known.
    #[schemars(with = "NamespaceTable")]
    pub(super) namespace: Option<NamespaceTable>,
}

/// A namespace of process numbers.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "namespace of a task")]
pub(super) struct NamespaceTable {
    /// The device of `/proc/self/ns/pid`.
    dev: u64,
    /// Its inode.
    ino: u64,
}

impl TaskTable {
    pub(super) const KEYS: &'static [&'static str] =
        &["pid", "tgid", "uid", "gid", "cgroup", "comm", "namespace"];

    /// The task.
    pub fn task(&self) -> Task {
        let default = Task::default();
        let pid = self.pid.or(self.tgid).unwrap_or(default.pid);
        Task {
            pid,
            tgid: self.tgid.unwrap_or(pid),
            uid: self.uid,
            gid: self.gid,
            cgroup: self.cgroup.unwrap_or(default.cgroup),
            comm: self.comm.clone().unwrap_or(default.comm),
            namespace: self.namespace.map(|namespace| (namespace.dev, namespace.ino)),
        }
    }
}

/// A packet that programs are run on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "[[packets]]")]
pub(super) struct PacketTable {
    /// What tests and `--packet` call it.
    #[schemars(with = "String")]
    pub(super) name: Spanned<String>,
    /// A template such as "tcp4:dport=443", hexadecimal digits, or a file with raw bytes, pcap or pcapng ("a.pcap#3").
    pub(super) spec: String,
    /// A pattern of the programs that it is for. Default: all.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(super) program: Option<Spanned<String>>,
    /// A pattern of the files with these programs. Default: all.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(super) file: Option<Spanned<String>>,
    /// Metadata in front of it, in hexadecimal digits.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(super) metadata: Option<Spanned<String>>,
    /// How it lies in memory. Default: all of it is linear.
    #[serde(default)]
    pub(super) layout: LayoutTable,
}

impl PacketTable {
    pub(super) const KEYS: &'static [&'static str] =
        &["name", "spec", "program", "file", "metadata", "layout"];
}

/// What a program is expected to do. With several files, programs or packets there is a test for each combination.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "[[tests]]")]
pub(super) struct TestTable {
    /// What it is about.
    #[serde(default)]
    pub(super) name: String,
    /// Objects, or C files, which are compiled with clang; patterns find files that are not ignored by version control.
    #[schemars(with = "OneOrMany")]
    pub(super) file: Spanned<OneOrMany>,
    /// A pattern of programs. Default: all programs of the file.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(super) program: Option<Spanned<String>>,
    /// Packets: names of `packets`, or what `--packet` takes. All packets of a capture.
    #[serde(default)]
    #[schemars(with = "OneOrMany")]
    pub(super) packet: Option<OneOrMany>,
    /// Metadata in front of the packet, in hexadecimal digits. Default: that of the packet.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(super) metadata: Option<Spanned<String>>,
    /// How the packet lies in memory. Default: as the packet says.
    #[serde(default)]
    #[schemars(with = "LayoutTable")]
    pub(super) layout: Option<LayoutTable>,
    /// The context: a table of its fields and what they point to, a list of arguments, or hexadecimal digits.
    #[serde(default)]
    pub(super) context: Value,
    /// What maps hold before: lists of `{ key, value }`, tables of variables for ".bss", ".data" and ".rodata", or a file
    /// with JSON.
    #[serde(default)]
    pub(super) maps: BTreeMap<String, Value>,
    /// Samples that user ring buffers hold before, in hexadecimal digits.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<String>>")]
    pub(super) samples: BTreeMap<String, Vec<Spanned<String>>>,
    /// The routes that `bpf_fib_lookup` knows.
    #[serde(default)]
    pub(super) routes: Vec<tables::RouteRow>,
    /// The sockets that `bpf_sk_lookup_tcp` and its like know.
    #[serde(default)]
    pub(super) sockets: Vec<tables::SocketRow>,
    /// The connections that `bpf_skb_ct_lookup` and its like know.
    #[serde(default)]
    pub(super) connections: Vec<tables::ConnectionRow>,
    /// Memory of user space; without any, what is there is not known.
    #[serde(default)]
    pub(super) user: Vec<tables::UserRow>,
    /// The task that the program runs in.
    #[serde(default)]
    pub(super) task: TaskTable,
    /// Timers, work queues and work of tasks are run after the program.
    #[serde(default)]
    pub(super) deferred: bool,
    /// What chance begins with.
    #[serde(default)]
    pub(super) seed: u64,
    /// The time in nanoseconds.
    #[serde(default)]
    pub(super) now: u64,
    /// What is expected.
    #[schemars(with = "ExpectTable")]
    pub(super) expect: Spanned<ExpectTable>,
}

impl TestTable {
    pub(super) const KEYS: &'static [&'static str] = &[
        "name",
        "file",
        "program",
        "packet",
        "metadata",
        "layout",
        "context",
        "maps",
        "samples",
        "routes",
        "sockets",
        "connections",
        "user",
        "task",
        "deferred",
        "seed",
        "now",
        "expect",
    ];
}

/// What is expected of a program. What is not said is not compared.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "expect of a test")]
pub(super) struct ExpectTable {
    /// The result: a number, or a name such as "XDP_DROP", "TC_ACT_SHOT" or "-EPERM".
    #[serde(default)]
    #[schemars(with = "NumberOrName")]
    pub(super) retval: Option<Spanned<NumberOrName>>,
    /// The packet afterwards: "unchanged"; hexadecimal digits, where ?? is any byte; or what `packet` takes.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(super) packet: Option<String>,
    /// The metadata afterwards, in hexadecimal digits, where ?? is any byte; "" for none.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(super) metadata: Option<Spanned<String>>,
    /// Fields of the context afterwards.
    #[serde(default)]
    pub(super) context: BTreeMap<String, Value>,
    /// What the context has beside its bytes afterwards, such as `optval`: hexadecimal digits, where ?? is any byte.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(super) values: BTreeMap<String, Spanned<String>>,
    /// All that the program of an iterator writes to its file.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(super) sequence: Option<String>,
    /// What maps hold afterwards: lists of `{ key, value }`, where a value can leave out fields and `absent = true` says
    /// that there is no element with the key; tables of variables.
    #[serde(default)]
    pub(super) maps: BTreeMap<String, Value>,
    /// All records that ring buffers and arrays of perf events were given, in order: hexadecimal digits, where ?? is any
    /// byte.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<String>>")]
    pub(super) records: BTreeMap<String, Vec<Spanned<String>>>,
    /// Texts that are printed, in this order; each is part of a line.
    #[serde(default)]
    pub(super) printed: Vec<String>,
    /// The interfaces that something is sent to, in order.
    #[serde(default)]
    pub(super) sent: Option<Vec<u32>>,
    /// The signals that are sent, in order.
    #[serde(default)]
    pub(super) signals: Option<Vec<u32>>,
    /// Part of what the program does wrong. Default: nothing.
    #[serde(default)]
    pub(super) fault: Option<String>,
    /// The program does the same on every layout of the packet.
    #[serde(default)]
    pub(super) layouts: bool,
    /// What the kernel's verifier says, for `bpf-analyzer verify --tests`: "accept" or "reject".
    #[serde(default)]
    pub(super) verdict: Option<VerdictName>,
    /// Part of the verifier's message.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(super) message: Option<Spanned<String>>,
}

impl ExpectTable {
    pub(super) const KEYS: &'static [&'static str] = &[
        "retval", "packet", "metadata", "context", "values", "sequence", "maps", "records",
        "printed", "sent", "signals", "fault", "layouts", "verdict", "message",
    ];
}

/// What the verifier says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerdictName {
    /// The kernel loads the program.
    Accept,
    /// It does not.
    Reject,
}
