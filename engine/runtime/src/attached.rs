//! What a context has beside its own bytes: a socket, bytes that its fields point to or that helpers give, structures of
//! the kernel.

use kernel_model::ProgramType;

use crate::fault::{FaultKind, Origin, Stop};
use crate::machine::Machine;
use crate::memory::{Address, Lifetime};
use crate::sockets::Socket;

/// What a context has beside its own bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// The socket that it is about, `ctx->sk`. Without one there is what a test run has, or what fields of the context
    /// say.
    pub socket: Option<Socket>,
    /// Bytes by name; [`attached`] tells the names. Numbers are little-endian and have eight bytes.
    pub values: Vec<(String, Vec<u8>)>,
    /// Structures of the kernel that words of the context point to: where the pointer is, and to what.
    pub objects: Vec<(u32, Object)>,
}

impl Attached {
    /// The bytes with a name.
    pub(crate) fn value(&self, name: &str) -> Option<&[u8]> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.as_slice())
    }

    /// The number with a name.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        let bytes = self.value(name)?;
        bytes.first_chunk().map(|word| u64::from_le_bytes(*word))
    }
}

/// A structure of the kernel, which programs cannot write to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// Its type in C: `struct task_struct`.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its pointers that are not just numbers: where they are, and what they point to. What those without an object point
    /// to is not known.
    pub pointers: Vec<(u32, Option<Object>)>,
    /// Where a `struct path` in it is, and what that leads to.
    pub paths: Vec<(u32, String)>,
}

/// How a value of [`Attached::values`] is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachedKind {
    /// Bytes.
    Bytes,
    /// A text, which has no zero at its end.
    Text,
    /// A number of 64 bits.
    Number,
}

/// A value that contexts can have beside their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttachedRow {
    /// Its name: that of a field, or one that no field has.
    pub name: &'static str,
    /// How it is written.
    pub kind: AttachedKind,
    /// What it is.
    pub what: &'static str,
    programs: &'static [&'static str],
}

const fn row(
    name: &'static str,
    kind: AttachedKind,
    programs: &'static [&'static str],
    what: &'static str,
) -> AttachedRow {
    AttachedRow { name, kind, what, programs }
}

/// Programs that trace.
const TRACING: &[&str] = &["kprobe", "tracepoint", "perf_event", "raw_tracepoint", "tracing"];

static ROWS: &[AttachedRow] = &[
    row("optval", AttachedKind::Bytes, &["cgroup_sockopt"], "the value of the option"),
    row("data", AttachedKind::Bytes, &["sk_msg"], "the message; a list of bytes lies apart"),
    row("data", AttachedKind::Bytes, &["sk_reuseport"], "the packet from its transport header on"),
    row("skb_data", AttachedKind::Bytes, &["sock_ops"], "the TCP header that the call is about"),
    row("saved_syn", AttachedKind::Bytes, &["sock_ops"], "the headers of the SYN from IP on"),
    row(
        "remaining_opt_len",
        AttachedKind::Number,
        &["sock_ops"],
        "the room that is left for options of TCP",
    ),
    row("name", AttachedKind::Text, &["cgroup_sysctl"], "the name: `net/ipv4/tcp_mem`"),
    row("current_value", AttachedKind::Text, &["cgroup_sysctl"], "the value as it is read"),
    row("new_value", AttachedKind::Text, &["cgroup_sysctl"], "the value that is written"),
    row("sun_path", AttachedKind::Text, &["cgroup_sock_addr"], "the path of a socket of UNIX"),
    row("buffer", AttachedKind::Bytes, &["raw_tracepoint_writable"], "what may be written to"),
    row("counter", AttachedKind::Number, TRACING, "the counter of perf events"),
    row("enabled", AttachedKind::Number, TRACING, "for how long it was enabled"),
    row("running", AttachedKind::Number, TRACING, "for how long it was running"),
    row("attach_cookie", AttachedKind::Number, TRACING, "the cookie that was set on attaching"),
    row("func_ip", AttachedKind::Number, &["kprobe", "tracing"], "where the function is"),
    row("is_return", AttachedKind::Number, &["kprobe"], "whether a session is at its second half"),
    row("session_cookie", AttachedKind::Number, &["kprobe"], "what its first half has kept"),
    row("seq_num", AttachedKind::Number, &["tracing"], "how many elements came before"),
    row("session_id", AttachedKind::Number, &["tracing"], "which reading of the iterator it is"),
];

/// What contexts of programs of a type can have beside their bytes.
pub fn attached(program: &ProgramType) -> impl Iterator<Item = &'static AttachedRow> {
    let name = program.name;
    ROWS.iter().filter(move |row| row.programs.contains(&name))
}

/// Puts an object into memory, with what it points to.
pub(crate) fn allocate(m: &mut Machine<'_>, object: &Object) -> Result<Address, Stop> {
    let origin = Origin::Object { name: object.name.as_str().into() };
    let id = m.memory.allocate_bytes(&object.bytes, origin, false, Lifetime::Run)?;
    for (at, target) in &object.pointers {
        let target = match target {
            Some(target) => allocate(m, target)?,
            None => beyond(m, &format!("what {} points to", object.name))?,
        };
        set_pointer(m, id.at(0), *at, target)?;
    }
    let paths = object.paths.iter().map(|(at, text)| (id.at((*at).into()), text.clone()));
    m.paths.extend(paths.collect::<Vec<_>>());
    Ok(id.at(0))
}

/// An address of what is not modelled.
pub(crate) fn beyond(m: &mut Machine<'_>, name: &str) -> Result<Address, Stop> {
    let origin = Origin::Beyond { name: name.into() };
    Ok(m.memory.allocate(0, origin, false, Lifetime::Run)?.at(0))
}

/// Sets a pointer in an object, which programs could not do.
pub(crate) fn set_pointer(
    m: &mut Machine<'_>,
    object: Address,
    at: u32,
    target: Address,
) -> Result<(), Stop> {
    let (id, start) = crate::memory::split(object);
    let at = usize::try_from(start + i64::from(at)).unwrap_or(usize::MAX);
    let place = m.memory.bytes_mut(id).and_then(|bytes| bytes.get_mut(at..)?.get_mut(..8));
    place
        .ok_or(FaultKind::Internal("a pointer lies outside"))?
        .copy_from_slice(&target.to_le_bytes());
    Ok(())
}
