//! Connections that netfilter tracks: those of the input, and those that programs add during a run. Orders of checks and
//! errors are those of `net/netfilter/nf_conntrack_bpf.c` and `nf_nat_bpf.c` in Linux 6.18.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::event::{Access, Target};
use crate::fault::Stop;
use crate::helpers::skb::{low, note};
use crate::helpers::{Table, errno, error};
use crate::machine::Machine;
use crate::memory::{Address, split};
use crate::packet::kernel_object;

pub(crate) const TABLE: &Table = &[
    ("bpf_ct_change_status", change_status),
    ("bpf_ct_change_timeout", bpf_ct_change_timeout),
    ("bpf_ct_insert_entry", bpf_ct_insert_entry),
    // Connections stay to the end of the run, so that references need not be counted.
    ("bpf_ct_release", |_, _| Ok(0)),
    ("bpf_ct_set_nat_info", bpf_ct_set_nat_info),
    ("bpf_ct_set_status", change_status),
    ("bpf_ct_set_timeout", bpf_ct_set_timeout),
    ("bpf_skb_ct_alloc", alloc),
    ("bpf_skb_ct_lookup", lookup),
    ("bpf_xdp_ct_alloc", alloc),
    ("bpf_xdp_ct_lookup", lookup),
];

const INT: u64 = 0xffff_ffff;
/// Ticks of a second.
const HZ: u64 = 250;
/// `IPS_*`
const EXPECTED: u32 = 1 << 0;
const SEEN_REPLY: u32 = 1 << 1;
const ASSURED: u32 = 1 << 2;
const CONFIRMED: u32 = 1 << 3;
const SOURCE_NAT: u32 = 1 << 4;
const DESTINATION_NAT: u32 = 1 << 5;
const SEQUENCE_ADJUST: u32 = 1 << 6;
const SOURCE_NAT_DONE: u32 = 1 << 7;
const DESTINATION_NAT_DONE: u32 = 1 << 8;
const DYING: u32 = 1 << 9;
const FIXED_TIMEOUT: u32 = 1 << 10;
const TEMPLATE: u32 = 1 << 11;
const UNTRACKED: u32 = 1 << 12;
const OFFLOAD: u32 = 3 << 14;
/// `IPS_UNCHANGEABLE_MASK`
const UNCHANGEABLE: u32 = SOURCE_NAT
    | DESTINATION_NAT
    | SOURCE_NAT_DONE
    | DESTINATION_NAT_DONE
    | EXPECTED
    | CONFIRMED
    | DYING
    | SEQUENCE_ADJUST
    | TEMPLATE
    | UNTRACKED
    | OFFLOAD;

/// A connection that is tracked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// 6 for TCP, 17 for UDP.
    pub protocol: u8,
    /// Where its first packet came from.
    pub source: SocketAddr,
    /// Where its first packet went to.
    pub destination: SocketAddr,
    /// Where packets of the other direction come from and go to, if addresses are translated.
    pub reply: Option<(SocketAddr, SocketAddr)>,
    /// `IPS_*`
    pub status: u32,
    /// Its mark.
    pub mark: u32,
    /// For how long it is kept, in milliseconds.
    pub timeout: u32,
    /// Its zone.
    pub zone: u16,
}

impl Default for Connection {
    fn default() -> Self {
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        Self {
            protocol: 6,
            source: any,
            destination: any,
            reply: None,
            status: CONFIRMED,
            mark: 0,
            timeout: 0,
            zone: 0,
        }
    }
}

impl Connection {
    /// Where packets of the other direction come from and go to.
    fn answers(&self) -> (SocketAddr, SocketAddr) {
        self.reply.unwrap_or((self.destination, self.source))
    }
}

/// A connection that is known in a run.
#[derive(Clone, Debug)]
struct Tracked {
    connection: Connection,
    /// Where its `struct nf_conn` is, once it was asked for.
    address: Option<Address>,
    /// It can be found.
    inserted: bool,
}

/// The connections of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionTable(Vec<Tracked>);

impl ConnectionTable {
    /// Makes them those of the input.
    pub(crate) fn set(&mut self, connections: &[Connection]) {
        let tracked = connections.iter().cloned();
        self.0 = tracked
            .map(|connection| Tracked { connection, address: None, inserted: true })
            .collect();
    }

    /// The connection of a tuple, and in which direction it is.
    fn find(
        &self,
        protocol: u8,
        zone: u16,
        source: SocketAddr,
        destination: SocketAddr,
    ) -> Option<(usize, u8)> {
        self.0.iter().enumerate().filter(|(_, one)| one.inserted).find_map(|(index, one)| {
            let one = &one.connection;
            if one.protocol != protocol || one.zone != zone {
                return None;
            }
            match (source, destination) {
                tuple if tuple == (one.source, one.destination) => Some((index, 0)),
                tuple if tuple == one.answers() => Some((index, 1)),
                _ => None,
            }
        })
    }
}

/// `struct bpf_ct_opts`: its sizes of today and before zones, and where its fields are.
mod options {
    pub(super) const SIZE: usize = 16;
    pub(super) const OLDER: usize = 12;
    pub(super) const ERROR: u64 = 4;
    pub(super) const PROTOCOL: usize = 8;
    pub(super) const DIRECTION: u64 = 9;
    pub(super) const ZONE: usize = 10;
    pub(super) const RESERVED: std::ops::Range<usize> = 13..16;
}

/// What is looked for or made.
struct Asked {
    protocol: u8,
    zone: u16,
    source: SocketAddr,
    destination: SocketAddr,
}

/// A socket address of a tuple.
fn address(bytes: &[u8], at: usize, len: usize, port: usize) -> SocketAddr {
    let part = bytes.get(at..at + len).unwrap_or_default();
    let ip: IpAddr = match (<[u8; 4]>::try_from(part), <[u8; 16]>::try_from(part)) {
        (Ok(octets), _) => octets.into(),
        (_, Ok(octets)) => octets.into(),
        _ => Ipv4Addr::UNSPECIFIED.into(),
    };
    let port = bytes.get(port..).and_then(|rest| rest.first_chunk());
    (ip, port.map_or(0, |port| u16::from_be_bytes(*port))).into()
}

/// What the arguments ask for, or an errno.
fn asked(
    m: &Machine<'_>,
    tuple: u64,
    tuple_size: u64,
    opts: u64,
    opts_size: u64,
) -> Result<Result<Asked, i32>, Stop> {
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    const IPV4: usize = 12;
    const IPV6: usize = 36;
    let (tuple_size, size) = (low(tuple_size) as usize, low(opts_size) as usize);
    if tuple == 0 || opts == 0 || !matches!(size, options::SIZE | options::OLDER) {
        return Ok(Err(errno::EINVAL));
    }
    let opts = m.memory.read(opts, size)?.to_vec();
    let tuple = m.memory.read(tuple, tuple_size)?;
    let half = |at: usize| u16::from_le_bytes([opts[at], opts[at + 1]]);
    let zone = half(options::ZONE);
    let reserved = match opts.get(options::RESERVED) {
        Some(reserved) => reserved.iter().any(|byte| *byte != 0),
        None => zone != 0,
    };
    let namespace = i32::from_le_bytes([opts[0], opts[1], opts[2], opts[3]]);
    if reserved || namespace < -1 {
        return Ok(Err(errno::EINVAL));
    }
    let protocol = opts[options::PROTOCOL];
    if !matches!(protocol, TCP | UDP) {
        return Ok(Err(errno::EPROTO));
    }
    let len = match tuple_size {
        IPV4 => 4,
        IPV6 => 16,
        _ => return Ok(Err(errno::EAFNOSUPPORT)),
    };
    // There is no namespace but the own one, which has no number.
    if namespace >= 0 {
        return Ok(Err(errno::ENONET));
    }
    Ok(Ok(Asked {
        protocol,
        zone: if size == options::SIZE { zone } else { 0 },
        source: address(tuple, 0, len, 2 * len),
        destination: address(tuple, len, len, 2 * len + 2),
    }))
}

/// Tells the error in the options, if they reach that far, and returns NULL.
fn refuse(m: &mut Machine<'_>, opts: u64, size: u64, errno: i32) -> Result<u64, Stop> {
    let end = options::ERROR + 4;
    if opts != 0 && u64::from(low(size)) >= end {
        m.memory.put(opts.wrapping_add(options::ERROR), &(-errno).to_le_bytes())?;
    }
    Ok(0)
}

/// `struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *xdp_ctx, struct bpf_sock_tuple *bpf_tuple, u32 tuple__sz,
/// struct bpf_ct_opts *opts, u32 opts__sz)` and that of skbs
fn lookup(m: &mut Machine<'_>, [_, tuple, tuple_size, opts, size]: [u64; 5]) -> Result<u64, Stop> {
    let asked = match asked(m, tuple, tuple_size, opts, size)? {
        Ok(asked) => asked,
        Err(errno) => return refuse(m, opts, size, errno),
    };
    let Asked { protocol, zone, source, destination } = asked;
    match m.connections.find(protocol, zone, source, destination) {
        Some((index, direction)) => {
            m.memory.put(opts.wrapping_add(options::DIRECTION), &[direction])?;
            object(m, index)
        }
        None => refuse(m, opts, size, errno::ENOENT),
    }
}

/// `struct nf_conn___init *bpf_xdp_ct_alloc(…)`, with the arguments of [`lookup`], and that of skbs
fn alloc(m: &mut Machine<'_>, [_, tuple, tuple_size, opts, size]: [u64; 5]) -> Result<u64, Stop> {
    /// Of an entry that is not told how long to stay.
    const TIMEOUT: u32 = 10_000;
    let asked = match asked(m, tuple, tuple_size, opts, size)? {
        Ok(asked) => asked,
        Err(errno) => return refuse(m, opts, size, errno),
    };
    let Asked { protocol, zone, source, destination } = asked;
    let connection = Connection {
        protocol,
        zone,
        source,
        destination,
        status: 0,
        timeout: TIMEOUT,
        ..Connection::default()
    };
    m.connections.0.push(Tracked { connection, address: None, inserted: false });
    object(m, m.connections.0.len() - 1)
}

/// Milliseconds in ticks (`msecs_to_jiffies`).
fn ticks(milliseconds: u32) -> u32 {
    u32::try_from((u64::from(milliseconds) * HZ).div_ceil(1000)).unwrap_or(u32::MAX)
}

/// The ticks of now, of which there are 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is kept")]
fn now(m: &Machine<'_>) -> u32 {
    (m.now / (1_000_000_000 / HZ)) as u32
}

/// The `struct nf_conn` of a connection, of which programs can write the mark.
fn object(m: &mut Machine<'_>, index: usize) -> Result<Address, Stop> {
    let Some(tracked) = m.connections.0.get(index).cloned() else { return Ok(0) };
    if let Some(address) = tracked.address {
        return Ok(address);
    }
    let one = &tracked.connection;
    let since = if one.status & CONFIRMED != 0 { now(m) } else { 0 };
    let mut values: Vec<(String, u64)> = vec![
        ("status".to_owned(), one.status.into()),
        ("mark".to_owned(), one.mark.into()),
        ("timeout".to_owned(), since.wrapping_add(ticks(one.timeout)).into()),
        ("zone.id".to_owned(), one.zone.into()),
    ];
    let reply = one.answers();
    for (way, (source, destination)) in [(one.source, one.destination), reply].iter().enumerate() {
        let path = |rest: &str| format!("tuplehash[{way}].tuple.{rest}");
        let family = if source.is_ipv6() { 10 } else { 2 };
        values.push((path("src.l3num"), family));
        values.push((path("dst.protonum"), one.protocol.into()));
        values.push((path("dst.dir"), way as u64));
        for (end, at) in [("src", source), ("dst", destination)] {
            values.push((path(&format!("{end}.u.all")), at.port().swap_bytes().into()));
            let octets = match at.ip() {
                IpAddr::V4(ip) => ip.octets().to_vec(),
                IpAddr::V6(ip) => ip.octets().to_vec(),
            };
            for (word, bytes) in octets.as_chunks::<4>().0.iter().enumerate() {
                let value = u32::from_le_bytes(*bytes).into();
                values.push((path(&format!("{end}.u3.all[{word}]")), value));
            }
        }
    }
    let values: Vec<(&str, u64)> =
        values.iter().map(|(path, value)| (path.as_str(), *value)).collect();
    let address = kernel_object(m, "nf_conn", &values)?;
    m.memory.make_writable(split(address).0);
    if let Some(tracked) = m.connections.0.get_mut(index) {
        tracked.address = Some(address);
    }
    Ok(address)
}

/// The place of the connection that an argument is.
fn place(m: &Machine<'_>, address: Address) -> Result<usize, Stop> {
    let found = m.connections.0.iter().position(|one| one.address == Some(address));
    found.ok_or_else(|| m.wrong_argument(0, "a connection"))
}

/// Changes what a connection has in memory.
fn set(m: &mut Machine<'_>, address: Address, path: &str, value: u32) -> Result<(), Stop> {
    let at = crate::packet::kernel_offset("nf_conn", path)?;
    m.memory.put(address.wrapping_add(at), &value.to_le_bytes())
}

fn get(m: &Machine<'_>, address: Address, path: &str) -> Result<u32, Stop> {
    let at = crate::packet::kernel_offset("nf_conn", path)?;
    m.memory.read_u32(address.wrapping_add(at))
}

/// `__nf_ct_set_timeout`
fn set_timeout(m: &mut Machine<'_>, address: Address, milliseconds: u64) -> Result<(), Stop> {
    let status = get(m, address, "status")?;
    let since = if status & CONFIRMED != 0 { now(m) } else { 0 };
    set(m, address, "timeout", since.wrapping_add(ticks(low(milliseconds))))
}

/// `void bpf_ct_set_timeout(struct nf_conn___init *nfct, u32 timeout)`
fn bpf_ct_set_timeout(m: &mut Machine<'_>, [address, timeout, ..]: [u64; 5]) -> Result<u64, Stop> {
    place(m, address)?;
    set_timeout(m, address, timeout)?;
    Ok(0)
}

/// `int bpf_ct_change_timeout(struct nf_conn *nfct, u32 timeout)`
fn bpf_ct_change_timeout(
    m: &mut Machine<'_>,
    [address, timeout, ..]: [u64; 5],
) -> Result<u64, Stop> {
    const ETIME: i32 = 62;
    place(m, address)?;
    let status = get(m, address, "status")?;
    if status & FIXED_TIMEOUT != 0 {
        return Ok(error(errno::EPERM) & INT);
    }
    set_timeout(m, address, timeout)?;
    Ok(if status & DYING != 0 { error(ETIME) & INT } else { 0 })
}

/// `int bpf_ct_set_status(const struct nf_conn___init *nfct, u32 status)` and `bpf_ct_change_status`
fn change_status(m: &mut Machine<'_>, [address, status, ..]: [u64; 5]) -> Result<u64, Stop> {
    place(m, address)?;
    let (old, new) = (get(m, address, "status")?, low(status));
    let cleared = (old ^ new) & !new;
    if (old ^ new) & (EXPECTED | CONFIRMED | DYING) != 0 || cleared & (SEEN_REPLY | ASSURED) != 0 {
        return Ok(error(errno::EBUSY) & INT);
    }
    set(m, address, "status", old | (new & !UNCHANGEABLE))?;
    Ok(0)
}

/// `struct nf_conn *bpf_ct_insert_entry(struct nf_conn___init *nfct)`
fn bpf_ct_insert_entry(m: &mut Machine<'_>, [address, ..]: [u64; 5]) -> Result<u64, Stop> {
    let index = place(m, address)?;
    let status = get(m, address, "status")?;
    if status & CONFIRMED == 0 {
        let timeout = get(m, address, "timeout")?;
        set(m, address, "timeout", timeout.wrapping_add(now(m)))?;
    }
    let Some(tracked) = m.connections.0.get(index) else { return Ok(0) };
    let one = &tracked.connection;
    let (from, to) = one.answers();
    let taken = m.connections.find(one.protocol, one.zone, one.source, one.destination).is_some()
        || m.connections.find(one.protocol, one.zone, from, to).is_some();
    if taken {
        let death = m.death();
        m.memory.kill(split(address).0, death);
        note(m, Target::Geometry, 0, 0, Access::Null);
        return Ok(0);
    }
    if let Some(tracked) = m.connections.0.get_mut(index) {
        tracked.inserted = true;
    }
    set(m, address, "status", status | CONFIRMED)?;
    note(m, Target::Geometry, 0, 0, Access::Done);
    Ok(address)
}

/// `int bpf_ct_set_nat_info(struct nf_conn___init *nfct, union nf_inet_addr *addr, int port, enum nf_nat_manip_type manip)`:
/// the address is taken as it is, and a port of 0 stays what it was.
fn bpf_ct_set_nat_info(
    m: &mut Machine<'_>,
    [address, to, port, kind, _]: [u64; 5],
) -> Result<u64, Stop> {
    /// `NF_NAT_MANIP_SRC`
    const SOURCE: u32 = 0;
    let index = place(m, address)?;
    let port = low(port).cast_signed();
    if port < 0 {
        return Ok(error(errno::EINVAL) & INT);
    }
    let bytes = m.memory.read(to, 16)?.to_vec();
    let port = u16::try_from(port & 0xffff).unwrap_or(0);
    let Some(tracked) = m.connections.0.get_mut(index) else { return Ok(0) };
    let one = &mut tracked.connection;
    let (mut from, mut back) = one.answers();
    let (end, bit, done) = match low(kind) {
        SOURCE => (&mut back, SOURCE_NAT, SOURCE_NAT_DONE),
        _ => (&mut from, DESTINATION_NAT, DESTINATION_NAT_DONE),
    };
    let old = *end;
    let len = if old.is_ipv6() { 16 } else { 4 };
    end.set_ip(self::address(&bytes, 0, len, 0).ip());
    if port != 0 {
        end.set_port(port);
    }
    let changed = if *end == old { 0 } else { bit };
    one.reply = Some((from, back));
    let status = get(m, address, "status")?;
    set(m, address, "status", status | changed | done)?;
    Ok(0)
}
