//! Helpers that put sockets into maps, send something to them, and choose the one that a packet is for. Orders of checks and
//! errors are those of `net/core/filter.c` and `net/core/sock_map.c` in Linux 6.18. What is sent to a socket is told with
//! its number in the table of the input.

use super::skb::{low, note};
use super::{Table, errno, error};
use crate::context;
use crate::event::{Access, Target};
use crate::fault::Stop;
use crate::machine::Machine;
use crate::maps::map_type::REUSEPORT_SOCKARRAY;
use crate::maps::outside::Member;
use crate::sockets::{AF_INET, CLOSE, ESTABLISHED, LISTEN, Socket, SocketIndex, UDP};

pub(super) const TABLE: &Table = &[
    ("bpf_msg_redirect_hash", bpf_msg_redirect),
    ("bpf_msg_redirect_map", bpf_msg_redirect),
    ("bpf_sk_assign", bpf_sk_assign),
    ("bpf_sk_redirect_hash", bpf_sk_redirect),
    ("bpf_sk_redirect_map", bpf_sk_redirect),
    ("bpf_sk_select_reuseport", bpf_sk_select_reuseport),
    ("bpf_sock_destroy", bpf_sock_destroy),
    ("bpf_sock_hash_update", bpf_sock_map_update),
    ("bpf_sock_map_update", bpf_sock_map_update),
];

/// `BPF_F_INGRESS`
const INGRESS: u64 = 1;
/// `SK_DROP` and `SK_PASS`
const DROP: u64 = 0;
const PASS: u64 = 1;

impl Machine<'_> {
    /// The socket that a map has for a key.
    pub(crate) fn socket_in(
        &mut self,
        map: usize,
        key: &[u8],
    ) -> Result<Option<SocketIndex>, Stop> {
        let Some(sockets) = self.maps.get(map)?.sockets() else {
            return Err(self.wrong_argument(1, "a map of sockets"));
        };
        match sockets.get(key) {
            None => Ok(None),
            // After a reset a socket may not be known any more.
            Some(Member::Known(index)) => Ok(self.socket(index).is_ok().then_some(index)),
            Some(Member::Numbered(number)) => {
                let index = usize::try_from(number).unwrap_or(usize::MAX).wrapping_sub(1);
                let Some(socket) = self.sockets.get(index).cloned() else { return Ok(None) };
                self.know_socket(socket).map(Some)
            }
        }
    }

    /// Puts a socket into a map, as programs do (`sock_map_update_elem`).
    pub(crate) fn put_socket(
        &mut self,
        map: usize,
        key: &[u8],
        socket: SocketIndex,
        flags: u64,
    ) -> Result<u64, Stop> {
        let now = &self.socket(socket)?.now;
        // `sock_map_sk_state_allowed`
        let allowed = !now.is_tcp() || matches!(now.state, ESTABLISHED | LISTEN);
        if !allowed {
            return Ok(error(errno::EOPNOTSUPP));
        }
        let Some(sockets) = self.maps.get(map)?.sockets() else {
            return Err(self.wrong_argument(1, "a map of sockets"));
        };
        let result = sockets.put(key, Member::Known(socket), flags);
        Ok(i64::from(result).cast_unsigned())
    }

    /// The socket that a map has for the key at an address.
    fn socket_for(
        &mut self,
        map: u64,
        key: u64,
        by_number: bool,
    ) -> Result<Option<SocketIndex>, Stop> {
        let map = self.map_at(map, 1)?;
        let key = if by_number {
            low(key).to_le_bytes().to_vec()
        } else {
            self.memory.read(key, self.maps.sizes(map).0)?.to_vec()
        };
        self.socket_in(map, &key)
    }

    fn sends_to(&mut self, socket: SocketIndex) {
        let number = self.number_of(socket);
        note(self, Target::Geometry, 0, 0, Access::Sent(number));
    }
}

/// Keys of arrays are numbers, those of tables are in memory.
fn by_number(m: &Machine<'_>) -> bool {
    !m.callee().contains("_hash")
}

/// `sock_map_redirect_allowed`
fn can_be_sent_to(socket: &Socket) -> bool {
    if socket.is_tcp() { socket.state != LISTEN } else { socket.state == ESTABLISHED }
}

/// `long bpf_sk_redirect_map(struct sk_buff *skb, struct bpf_map *map, u32 key, u64 flags)` and that of hash tables
fn bpf_sk_redirect(m: &mut Machine<'_>, [_, map, key, flags, _]: [u64; 5]) -> Result<u64, Stop> {
    m.map_at(map, 1)?;
    if flags & !INGRESS != 0 {
        return Ok(DROP);
    }
    let by_number = by_number(m);
    let found = m.socket_for(map, key, by_number)?;
    match found {
        Some(index) if can_be_sent_to(&m.socket(index)?.now) => {
            m.sends_to(index);
            Ok(PASS)
        }
        _ => Ok(DROP),
    }
}

/// `long bpf_msg_redirect_map(struct sk_msg_buff *msg, struct bpf_map *map, u32 key, u64 flags)` and that of hash tables
fn bpf_msg_redirect(m: &mut Machine<'_>, [_, map, key, flags, _]: [u64; 5]) -> Result<u64, Stop> {
    m.map_at(map, 1)?;
    if flags & !INGRESS != 0 {
        return Ok(DROP);
    }
    let by_number = by_number(m);
    let Some(index) = m.socket_for(map, key, by_number)? else { return Ok(DROP) };
    let now = &m.socket(index)?.now;
    if !can_be_sent_to(now) || (flags & INGRESS == 0 && !now.is_tcp()) {
        return Ok(DROP);
    }
    m.sends_to(index);
    Ok(PASS)
}

/// `long bpf_sock_map_update(struct bpf_sock_ops *skops, struct bpf_map *map, void *key, u64 flags)` and that of hash
/// tables
fn bpf_sock_map_update(
    m: &mut Machine<'_>,
    [_, map, key, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    /// `BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB`, `BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB`, `BPF_SOCK_OPS_TCP_LISTEN_CB`
    const FITTING: [u32; 3] = [4, 5, 11];
    let map = m.map_at(map, 1)?;
    let key = m.memory.read(key, m.maps.sizes(map).0)?.to_vec();
    let Some(socket) = context::socket(m)? else { return Ok(error(errno::EOPNOTSUPP)) };
    if !FITTING.contains(&m.context.word("op")) {
        return Ok(error(errno::EOPNOTSUPP));
    }
    m.put_socket(map, &key, socket, flags)
}

/// `long bpf_sk_select_reuseport(struct sk_reuseport_md *reuse, struct bpf_map *map, void *key, u64 flags)`
///
/// The sockets that a packet can be given to have the address of the context's, if that was given.
fn bpf_sk_select_reuseport(m: &mut Machine<'_>, [_, map, key, ..]: [u64; 5]) -> Result<u64, Stop> {
    let is_array = m.maps.kind(m.map_at(map, 1)?) == REUSEPORT_SOCKARRAY;
    let Some(index) = m.socket_for(map, key, false)? else { return Ok(error(errno::ENOENT)) };
    let selected = m.socket(index)?.now.clone();
    // Sockets that are connected are in no group.
    if selected.remote.is_some() {
        return Ok(error(if is_array { errno::ENOENT } else { errno::EINVAL }));
    }
    let was_given = m.context.attached.socket.is_some();
    if let Some(own) = context::socket(m)? {
        let own = &m.socket(own)?.now;
        if own.protocol != selected.protocol {
            return Ok(error(errno::EPROTOTYPE));
        }
        if was_given && own.family() != selected.family() {
            return Ok(error(errno::EAFNOSUPPORT));
        }
        if was_given && own.local != selected.local {
            return Ok(error(errno::EBADFD));
        }
    }
    m.sends_to(index);
    Ok(0)
}

/// `long bpf_sk_assign(void *ctx, void *sk, u64 flags)`, of packets at the ingress of a device and of lookups.
fn bpf_sk_assign(m: &mut Machine<'_>, [_, socket, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    /// `BPF_TCX_EGRESS`
    const EGRESS: u32 = 47;
    if m.context.program_type() == "sk_lookup" {
        return lookup_assign(m, socket, flags);
    }
    if socket == 0 || flags != 0 {
        return Ok(error(errno::EINVAL));
    }
    let index = m.socket_at(socket, 1)?;
    if m.image.program_at(m.pc).is_some_and(|program| program.attach_type == EGRESS) {
        return Ok(error(errno::EOPNOTSUPP));
    }
    // `sk_unhashed`: nothing finds what is bound to no port.
    if m.socket(index)?.now.local.1 == 0 {
        return Ok(error(errno::EOPNOTSUPP));
    }
    context::set_socket(m, Some(index));
    m.sends_to(index);
    Ok(0)
}

/// `bpf_sk_lookup_assign`
fn lookup_assign(m: &mut Machine<'_>, socket: u64, flags: u64) -> Result<u64, Stop> {
    /// `BPF_SK_LOOKUP_F_REPLACE`, `BPF_SK_LOOKUP_F_NO_REUSEPORT`
    const REPLACE: u64 = 1;
    const NO_REUSEPORT: u64 = 2;
    let selected = if socket == 0 { None } else { Some(m.socket_at(socket, 1)?) };
    let now = match selected {
        Some(index) => Some(m.socket(index)?.now.clone()),
        None => None,
    };
    let waits = |now: &Socket| match u32::from(now.protocol) {
        UDP => now.state != ESTABLISHED,
        _ if now.is_tcp() => now.state == LISTEN,
        _ => now.is_full(),
    };
    if now.as_ref().is_some_and(|now| !waits(now)) {
        return Ok(error(errno::ESOCKTNOSUPPORT));
    }
    if flags & !(REPLACE | NO_REUSEPORT) != 0 {
        return Ok(error(errno::EINVAL));
    }
    if let Some(now) = &now {
        if u32::from(now.protocol) != m.context.word("protocol") {
            return Ok(error(errno::EPROTOTYPE));
        }
        // Sockets of IPv6 take IPv4 as well.
        if now.family() != m.context.word("family") && now.family() == AF_INET {
            return Ok(error(errno::EAFNOSUPPORT));
        }
    }
    if context::socket(m)?.is_some() && flags & REPLACE == 0 {
        return Ok(error(errno::EEXIST));
    }
    context::set_socket(m, selected);
    if let Some(index) = selected {
        m.sends_to(index);
    }
    Ok(0)
}

/// `int bpf_sock_destroy(struct sock_common *sock)`
fn bpf_sock_destroy(m: &mut Machine<'_>, [socket, ..]: [u64; 5]) -> Result<u64, Stop> {
    const INT: u64 = 0xffff_ffff;
    let index = m.socket_at(socket, 0)?;
    let now = &m.socket(index)?.now;
    if !now.is_tcp() && u32::from(now.protocol) != UDP {
        return Ok(error(errno::EOPNOTSUPP) & INT);
    }
    m.change_socket(index, |socket| socket.state = CLOSE)?;
    note(m, Target::Geometry, 0, 0, Access::Done);
    Ok(0)
}
