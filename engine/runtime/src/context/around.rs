//! What contexts have beside their bytes, in memory: sockets, options, headers, messages, structures of the kernel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::attached;
use crate::fault::{Origin, Stop};
use crate::image::ProgramImage;
use crate::machine::Machine;
use crate::memory::{AllocId, Lifetime};
use crate::message::Message;
use crate::packet::{self, Kind};
use crate::sockets::{AF_INET6, CLOSE, ESTABLISHED, LISTEN, Socket, SocketIndex, tcp_fields};

/// `BPF_TRACE_ITER`
pub(super) const ITERATOR: u32 = 28;
/// The most that the context of an iterator has: the file, and what it is about, which is nothing at the end.
pub(super) const ITERATOR_LEN: usize = 40;

/// Puts what is attached into memory.
pub(super) fn create(m: &mut Machine<'_>, program: &ProgramImage, id: AllocId) -> Result<(), Stop> {
    let name = program.program_type.name;
    let attached = m.context.attached.clone();
    let value = |name: &str| attached.value(name).unwrap_or_default();
    match name {
        "cgroup_sockopt" => {
            data_of(m, value("optval"), "the value of an option", true)?;
            let len = u32::try_from(value("optval").len()).unwrap_or(u32::MAX);
            if m.context.word("optlen") == 0 {
                m.context.set_word("optlen", len);
            }
        }
        "sock_ops" => {
            data_of(m, value("skb_data"), "a TCP header", false)?;
            default_len(m, "skb_len");
            // Byte 13 of the header has the flags.
            if let Some(flags) = value("skb_data").get(13)
                && m.context.word("skb_tcp_flags") == 0
            {
                m.context.set_word("skb_tcp_flags", (*flags).into());
            }
        }
        "sk_reuseport" => {
            data_of(m, value("data"), "a packet from its transport header on", false)?;
            default_len(m, "len");
        }
        "raw_tracepoint_writable" => {
            data_of(m, value("buffer"), "the buffer of a tracepoint", true)?;
        }
        "sk_msg" => {
            let parts = attached.values.iter().filter(|(name, _)| name == "data");
            let parts: Vec<&[u8]> = parts.map(|(_, bytes)| bytes.as_slice()).collect();
            m.message = Some(Message::new(m, &parts)?);
        }
        "tracing" if program.attach_type == ITERATOR => iterator(m, id)?,
        _ => {}
    }
    for (at, object) in &attached.objects {
        let object = attached::allocate(m, object)?;
        attached::set_pointer(m, id.at(0), *at, object)?;
    }
    Ok(())
}

/// A file to write to, and numbers, which the context of an iterator begins with.
fn iterator(m: &mut Machine<'_>, id: AllocId) -> Result<(), Stop> {
    let file = packet::kernel_object(m, "seq_file", &[])?;
    let number = |name, default| m.context.attached.number(name).unwrap_or(default);
    let values =
        [("seq", file), ("session_id", number("session_id", 1)), ("seq_num", number("seq_num", 0))];
    let meta = packet::kernel_object(m, "bpf_iter_meta", &values)?;
    attached::set_pointer(m, id.at(0), 0, meta)
}

fn data_of(
    m: &mut Machine<'_>,
    bytes: &[u8],
    name: &'static str,
    writable: bool,
) -> Result<(), Stop> {
    let origin = Origin::Object { name: name.into() };
    m.context.data = Some(m.memory.allocate_bytes(bytes, origin, writable, Lifetime::Run)?);
    Ok(())
}

fn default_len(m: &mut Machine<'_>, field: &str) {
    let len = m.context.data.map_or(0, |id| m.memory.len(id));
    if m.context.word(field) == 0 {
        m.context.set_word(field, len);
    }
}

/// Where the bytes begin that the context points to.
pub(super) fn data(m: &Machine<'_>) -> u64 {
    match (&m.message, m.context.data) {
        (Some(message), _) => message.data(),
        (None, Some(id)) => id.at(0),
        _ => 0,
    }
}

/// Where they end.
pub(super) fn end(m: &Machine<'_>) -> u64 {
    match (&m.message, m.context.data) {
        (Some(message), _) => message.end(&m.memory),
        (None, Some(id)) => id.at(m.memory.len(id).into()),
        _ => 0,
    }
}

/// The bytes that the context points to.
pub(crate) fn data_bytes(m: &Machine<'_>) -> Vec<u8> {
    m.context.data.and_then(|id| m.memory.bytes(id)).unwrap_or_default().to_vec()
}

/// What is attached as it is afterwards, where programs can change it.
pub(crate) fn values(m: &Machine<'_>) -> Vec<(String, Vec<u8>)> {
    if let Some(message) = &m.message {
        return vec![("data".to_owned(), message.bytes(&m.memory))];
    }
    let changing = match m.context.program_type {
        "cgroup_sockopt" => "optval",
        "sock_ops" => "skb_data",
        "cgroup_sysctl" => "new_value",
        "cgroup_sock_addr" => "sun_path",
        "raw_tracepoint_writable" => "buffer",
        _ => return Vec::new(),
    };
    let Some(known) = m.context.attached.value(changing) else { return Vec::new() };
    let bytes = m.context.data.and_then(|id| m.memory.bytes(id)).unwrap_or(known);
    vec![(changing.to_owned(), bytes.to_vec())]
}

/// The socket that the context is about, if there is one.
pub(crate) fn socket(m: &mut Machine<'_>) -> Result<Option<SocketIndex>, Stop> {
    if let Some(known) = m.context.socket {
        return Ok(known);
    }
    let given = m.context.attached.socket.clone();
    let given = match given.or_else(|| own_socket(m)) {
        Some(socket) => Some(m.know_socket(socket)?),
        None => None,
    };
    m.context.socket = Some(given);
    Ok(given)
}

/// Makes another socket that of the context, or none.
pub(crate) fn set_socket(m: &mut Machine<'_>, socket: Option<SocketIndex>) {
    m.context.socket = Some(socket);
}

/// The socket that there is without one that was given: that of a test run, or what fields of the context say.
fn own_socket(m: &Machine<'_>) -> Option<Socket> {
    let context = &m.context;
    if m.packet.as_ref().is_some_and(|packet| packet.kind == Kind::Skb) {
        // `BPF_PROG_TEST_RUN` makes one of no protocol, with the addresses of the packet.
        let family = context.word("family");
        let (local, remote) = addresses(m, family);
        return Some(Socket {
            protocol: 0,
            local: (local, 0),
            remote: Some((remote, 0)),
            family: Some(family),
            ..Socket::default()
        });
    }
    let known = Socket::default();
    Some(match context.program_type {
        "cgroup_sock_addr" => {
            let family = context.word("family");
            Socket {
                protocol: context.field::<1>("protocol")[0],
                family: Some(family),
                kind: Some(context.word("type")),
                local: (unspecified(family), 0),
                ..known
            }
        }
        "cgroup_sockopt" => known,
        "sk_msg" => connected(m, ESTABLISHED),
        "sock_ops" if context.word("is_fullsock") != 0 => {
            let state = context.word("state");
            Socket {
                // The context has the same fields.
                tcp: tcp_fields()
                    .iter()
                    .filter(|field| context.has(field.name))
                    .map(|field| {
                        let value = match field.size {
                            8 => u64::from_le_bytes(context.field(field.name)),
                            _ => context.word(field.name).into(),
                        };
                        (field.name.to_owned(), value)
                    })
                    .collect(),
                ..connected(m, if state == 0 { CLOSE } else { state })
            }
        }
        "sk_reuseport" => {
            let protocol = context.field::<1>("ip_protocol")[0];
            let state = if protocol == 17 { CLOSE } else { LISTEN };
            Socket { protocol, state, ..known }
        }
        _ => return None,
    })
}

fn unspecified(family: u32) -> IpAddr {
    if family == AF_INET6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
}

/// The addresses of a context: the own one, and the other.
fn addresses(m: &Machine<'_>, family: u32) -> (IpAddr, IpAddr) {
    let context = &m.context;
    if family == AF_INET6 {
        (context.field::<16>("local_ip6").into(), context.field::<16>("remote_ip6").into())
    } else {
        (context.field::<4>("local_ip4").into(), context.field::<4>("remote_ip4").into())
    }
}

/// A socket of TCP with the addresses and ports of the context.
fn connected(m: &Machine<'_>, state: u32) -> Socket {
    let context = &m.context;
    let family = context.word("family");
    let (local, remote) = addresses(m, family);
    // The port of the other side is in the order of the network, in the upper half of a little-endian word.
    let port = u16::from_be_bytes([
        context.field::<4>("remote_port")[2],
        context.field::<4>("remote_port")[3],
    ]);
    let own = u16::try_from(context.word("local_port")).unwrap_or(0);
    Socket { local: (local, own), remote: Some((remote, port)), state, ..Socket::default() }
}
