//! Helpers that look up sockets and routes in the tables of the input.

use std::net::IpAddr;

use super::{Table, errno, error};
use crate::attached;
use crate::fault::Stop;
use crate::input::Route;
use crate::machine::Machine;
use crate::memory::Address;
use crate::sockets::{AF_UNIX, LISTEN, NEW_SYN_RECV, Socket, TCP, TIME_WAIT, UDP};

pub(super) const TABLE: &Table = &[
    ("bpf_fib_lookup", bpf_fib_lookup),
    ("bpf_get_listener_sock", bpf_get_listener_sock),
    ("bpf_sk_fullsock", bpf_sk_fullsock),
    ("bpf_sk_lookup_tcp", |m, args| lookup(m, args, TCP)),
    ("bpf_sk_lookup_udp", |m, args| lookup(m, args, UDP)),
    // What is in the table stays there.
    ("bpf_sk_release", |_, _| Ok(0)),
    ("bpf_skc_lookup_tcp", |m, args| lookup(m, args, TCP)),
    ("bpf_skc_to_mptcp_sock", |m, [socket, ..]| {
        cast(m, socket, "struct mptcp_sock", |one| u32::from(one.protocol) == MPTCP)
    }),
    ("bpf_skc_to_tcp6_sock", |m, [socket, ..]| {
        cast(m, socket, "struct tcp6_sock", |one| {
            one.is_full() && one.is_tcp() && one.family() == AF_INET6.into()
        })
    }),
    ("bpf_skc_to_tcp_request_sock", |m, [socket, ..]| {
        cast(m, socket, "struct tcp_request_sock", |one| one.state == NEW_SYN_RECV)
    }),
    ("bpf_skc_to_tcp_sock", |m, [socket, ..]| {
        cast(m, socket, "struct tcp_sock", |one| one.is_full() && one.is_tcp())
    }),
    ("bpf_skc_to_tcp_timewait_sock", |m, [socket, ..]| {
        cast(m, socket, "struct tcp_timewait_sock", |one| one.state == TIME_WAIT)
    }),
    ("bpf_skc_to_udp6_sock", |m, [socket, ..]| {
        cast(m, socket, "struct udp6_sock", |one| {
            one.is_full() && u32::from(one.protocol) == UDP && one.family() == AF_INET6.into()
        })
    }),
    ("bpf_skc_to_unix_sock", |m, [socket, ..]| {
        cast(m, socket, "struct unix_sock", |one| one.is_full() && one.family() == AF_UNIX)
    }),
    ("bpf_tcp_sock", bpf_tcp_sock),
];

/// `IPPROTO_MPTCP`, of which the lower byte tells it apart.
const MPTCP: u32 = 262 & 0xff;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// `struct bpf_fib_lookup`: its size and where its fields are.
mod fib {
    pub(super) const SIZE: usize = 64;
    pub(super) const LENGTH: usize = 6;
    pub(super) const INTERFACE: usize = 8;
    pub(super) const METRIC: usize = 12;
    pub(super) const DESTINATION: usize = 32;
    pub(super) const VLAN: usize = 48;
    pub(super) const SOURCE_MAC: usize = 52;
    pub(super) const DESTINATION_MAC: usize = 58;
}

/// Bytes of a table or structure, at a place that is inside.
fn set(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..value.len())) {
        place.copy_from_slice(value);
    }
}

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

fn address(bytes: &[u8], at: usize, is_ipv6: bool) -> IpAddr {
    if is_ipv6 { IpAddr::from(chunk::<16>(bytes, at)) } else { IpAddr::from(chunk::<4>(bytes, at)) }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// `struct bpf_sock *bpf_sk_lookup_tcp(void *ctx, struct bpf_sock_tuple *tuple, u32 tuple_size, u64 netns, u64 flags)` and
/// the like: what is connected to the source first, then what waits for anybody.
fn lookup(
    m: &mut Machine<'_>,
    [_, tuple, size, namespace, flags]: [u64; 5],
    protocol: u32,
) -> Result<u64, Stop> {
    const IPV4: usize = 12;
    const IPV6: usize = 36;
    let size = (size & 0xffff_ffff) as usize;
    let tuple = m.memory.read(tuple, size)?.to_vec();
    // There is no namespace but the own one, which has no number.
    let own = namespace & 0x8000_0000 != 0;
    if !matches!(size, IPV4 | IPV6) || flags != 0 || !own {
        return Ok(0);
    }
    let len = if size == IPV6 { 16 } else { 4 };
    let port = |at| u16::from_be_bytes(chunk(&tuple, at));
    let remote = (address(&tuple, 0, size == IPV6), port(2 * len));
    let local = (address(&tuple, len, size == IPV6), port(2 * len + 2));
    let fits = |socket: &&Socket| {
        let (at, port) = socket.local;
        let wildcard = at.is_unspecified() && at.is_ipv4() == local.0.is_ipv4();
        u32::from(socket.protocol) == protocol && port == local.1 && (at == local.0 || wildcard)
    };
    let mut sockets = m.sockets.iter().filter(fits);
    let connected = sockets.clone().find(|socket| socket.remote == Some(remote));
    let found = connected.or_else(|| sockets.find(|socket| socket.remote.is_none()));
    match found.cloned() {
        Some(socket) => {
            let index = m.know_socket(socket)?;
            Ok(m.socket(index)?.address)
        }
        None => Ok(0),
    }
}

/// `struct bpf_sock *bpf_sk_fullsock(struct bpf_sock *sk)`
fn bpf_sk_fullsock(m: &mut Machine<'_>, [socket, ..]: [u64; 5]) -> Result<u64, Stop> {
    let index = m.socket_at(socket, 0)?;
    Ok(if m.socket(index)?.now.is_full() { socket } else { 0 })
}

/// `struct bpf_sock *bpf_get_listener_sock(struct bpf_sock *sk)`
fn bpf_get_listener_sock(m: &mut Machine<'_>, [socket, ..]: [u64; 5]) -> Result<u64, Stop> {
    let index = m.socket_at(socket, 0)?;
    Ok(if m.socket(index)?.now.state == LISTEN { socket } else { 0 })
}

/// `struct bpf_tcp_sock *bpf_tcp_sock(struct bpf_sock *sk)`
fn bpf_tcp_sock(m: &mut Machine<'_>, [socket, ..]: [u64; 5]) -> Result<u64, Stop> {
    let index = m.socket_at(socket, 0)?;
    let now = &m.socket(index)?.now;
    if now.is_full() && now.is_tcp() { m.tcp_socket(index) } else { Ok(0) }
}

/// `bpf_skc_to_*`: the kernel's own structure of a socket, if it is of that kind; what is in it is not modelled.
fn cast(
    m: &mut Machine<'_>,
    socket: Address,
    name: &'static str,
    fits: fn(&Socket) -> bool,
) -> Result<u64, Stop> {
    // Pointers of the kernel's own types are given as they are.
    if socket == 0 {
        return Ok(0);
    }
    let index = m.socket_at(socket, 0)?;
    if fits(&m.socket(index)?.now) { attached::beyond(m, name) } else { Ok(0) }
}

/// `long bpf_fib_lookup(void *ctx, struct bpf_fib_lookup *params, int plen, u32 flags)`
fn bpf_fib_lookup(m: &mut Machine<'_>, [_, at, size, flags, _]: [u64; 5]) -> Result<u64, Stop> {
    /// `BPF_FIB_LOOKUP_*` and `BPF_FIB_LOOKUP_SKIP_NEIGH`
    const FLAGS: u64 = 0x3f;
    const SKIP_NEIGHBOUR: u64 = 1 << 2;
    /// `BPF_FIB_LKUP_RET_SUCCESS`, `BPF_FIB_LKUP_RET_NOT_FWDED`, `BPF_FIB_LKUP_RET_NO_NEIGH`,
    /// `BPF_FIB_LKUP_RET_FRAG_NEEDED`
    const SUCCESS: u64 = 0;
    const NOT_FORWARDED: u64 = 4;
    const NO_NEIGHBOUR: u64 = 7;
    const FRAGMENTATION_NEEDED: u64 = 8;
    let size = (size & 0xffff_ffff) as usize;
    if size < fib::SIZE || flags & 0xffff_ffff & !FLAGS != 0 {
        return Ok(error(errno::EINVAL));
    }
    let mut params = m.memory.read(at, fib::SIZE)?.to_vec();
    let is_ipv6 = match params.first() {
        Some(&AF_INET) => false,
        Some(&AF_INET6) => true,
        _ => return Ok(error(errno::EAFNOSUPPORT)),
    };
    if chunk(&params, fib::INTERFACE) == [0; 4] {
        return Ok(error(errno::ENODEV));
    }
    let to = address(&params, fib::DESTINATION, is_ipv6);
    let fits = m.routes.iter().filter(|route| route.covers(to));
    let Some(route) = fits.max_by_key(|route| route.prefix).cloned() else {
        return Ok(NOT_FORWARDED);
    };
    let Route { interface, gateway, mtu, neighbour, .. } = route;
    let len = u16::from_le_bytes(chunk(&params, fib::LENGTH));
    let result = if len > 0 && mtu > 0 && len > mtu {
        set(&mut params, fib::LENGTH, &mtu.to_le_bytes());
        FRAGMENTATION_NEEDED
    } else {
        set(&mut params, fib::INTERFACE, &interface.to_le_bytes());
        set(&mut params, fib::METRIC, &[0; 4]);
        if let Some(gateway) = gateway.filter(|gateway| gateway.is_ipv6() == is_ipv6) {
            set(&mut params, fib::DESTINATION, &octets(gateway));
        }
        let skips = flags & SKIP_NEIGHBOUR != 0;
        if let Some((own, other)) = neighbour.filter(|_| !skips) {
            set(&mut params, fib::SOURCE_MAC, &own);
            set(&mut params, fib::DESTINATION_MAC, &other);
        }
        if skips || neighbour.is_some() {
            set(&mut params, fib::VLAN, &[0; 4]);
            if len > 0 && mtu > 0 {
                set(&mut params, fib::LENGTH, &mtu.to_le_bytes());
            }
            SUCCESS
        } else {
            NO_NEIGHBOUR
        }
    };
    m.memory.put(at, &params)?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_cover_what_begins_like_them() {
        let route = |to: &str, prefix| Route {
            destination: to.parse().expect("is an address"),
            prefix,
            ..Route::default()
        };
        for (to, prefix, address, expected) in [
            ("10.0.0.0", 8, "10.1.2.3", true),
            ("10.0.0.0", 8, "11.1.2.3", false),
            ("10.1.2.3", 32, "10.1.2.3", true),
            ("10.1.2.2", 31, "10.1.2.3", true),
            ("10.1.2.2", 32, "10.1.2.3", false),
            ("0.0.0.0", 0, "10.1.2.3", true),
            ("0.0.0.0", 0, "::1", false),
            ("2001:db8::", 33, "2001:db8:7fff::1", true),
            ("2001:db8::", 33, "2001:db8:8000::1", false),
            ("::", 200, "::", true),
        ] {
            let address = address.parse().expect("is an address");
            assert_eq!(route(to, prefix).covers(address), expected, "{to}/{prefix} {address}");
        }
    }
}
