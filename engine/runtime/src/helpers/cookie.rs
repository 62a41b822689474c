//! SYN cookies, as `net/ipv4/syncookies.c` and `net/ipv6/syncookies.c` of Linux 6.18 make and check them. The secrets, which a
//! kernel draws once, come from the seed of the run; the time is that of the run.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

use super::skb::low;
use super::{Table, errno, error};
use crate::fault::Stop;
use crate::machine::Machine;
use crate::sockets::{AF_INET6, LISTEN, SocketIndex};

pub(super) const TABLE: &Table = &[
    ("bpf_tcp_check_syncookie", bpf_tcp_check_syncookie),
    ("bpf_tcp_gen_syncookie", bpf_tcp_gen_syncookie),
    ("bpf_tcp_raw_check_syncookie_ipv4", |m, args| raw_check(m, args, Version::V4)),
    ("bpf_tcp_raw_check_syncookie_ipv6", |m, args| raw_check(m, args, Version::V6)),
    ("bpf_tcp_raw_gen_syncookie_ipv4", |m, args| raw_gen(m, args, Version::V4)),
    ("bpf_tcp_raw_gen_syncookie_ipv6", |m, args| raw_gen(m, args, Version::V6)),
];

/// The lengths of headers without options.
const TCP_HEADER: usize = 20;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
/// How a cookie is divided, and how many minutes it is good for.
const BITS: u32 = 24;
const MASK: u32 = (1 << BITS) - 1;
const MOST_AGE: u32 = 2;
const MINUTE: u64 = 60_000_000_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V4,
    V6,
}

impl Version {
    /// The segment sizes that a cookie can tell.
    fn sizes(self) -> [u16; 4] {
        match self {
            Self::V4 => [536, 1300, 1440, 1460],
            Self::V6 => [1220, 1420, 1440, 8940],
        }
    }

    /// The segment size of a SYN that says none.
    fn default_size(self) -> u16 {
        match self {
            Self::V4 => 536,
            Self::V6 => 1220,
        }
    }

    fn header(self) -> usize {
        match self {
            Self::V4 => IPV4_HEADER,
            Self::V6 => IPV6_HEADER,
        }
    }
}

/// What a cookie is about.
struct Segment {
    version: Version,
    /// Source and destination address, as they are in the header.
    addresses: Vec<u8>,
    /// Source and destination port, as they are in the header.
    ports: [u8; 4],
    sequence: u32,
    acknowledged: u32,
    /// The header with options.
    tcp: Vec<u8>,
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk());
    word.map_or(0, |word| u32::from_be_bytes(*word))
}

impl Segment {
    fn new(version: Version, ip: &[u8], tcp: &[u8]) -> Self {
        let addresses = match version {
            Version::V4 => ip.get(12..20),
            Version::V6 => ip.get(8..40),
        };
        Self {
            version,
            addresses: addresses.unwrap_or_default().to_vec(),
            ports: tcp.first_chunk().copied().unwrap_or_default(),
            sequence: word(tcp, 4),
            acknowledged: word(tcp, 8),
            tcp: tcp.to_vec(),
        }
    }

    /// `cookie_hash`
    fn hash(&self, seed: u64, count: u32, secret: u64) -> u32 {
        let key = |number: u64| mix(seed ^ mix(2 * secret + number + 1));
        let mut hasher = SipHasher24::new_with_keys(key(0), key(1));
        hasher.write(&self.addresses);
        match self.version {
            Version::V4 => {
                // The source port is in the upper half.
                let [a, b, c, d] = self.ports;
                hasher.write(&[c, d, a, b]);
                hasher.write(&count.to_le_bytes());
            }
            Version::V6 => {
                hasher.write(&count.to_le_bytes());
                hasher.write(&self.ports);
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "the lower half of the hash")]
        let hash = hasher.finish() as u32;
        hash
    }

    /// `secure_tcp_syn_cookie`
    fn cookie(&self, seed: u64, count: u32, data: u32) -> u32 {
        let second = self.hash(seed, count, 1).wrapping_add(data) & MASK;
        self.hash(seed, 0, 0)
            .wrapping_add(self.sequence)
            .wrapping_add(count << BITS)
            .wrapping_add(second)
    }

    /// The segment size that the cookie tells which is acknowledged (`check_tcp_syn_cookie`).
    fn check(&self, seed: u64, count: u32) -> Option<u16> {
        let sequence = self.sequence.wrapping_sub(1);
        let cookie = self.acknowledged.wrapping_sub(1);
        let rest = cookie.wrapping_sub(self.hash(seed, 0, 0).wrapping_add(sequence));
        let age = count.wrapping_sub(rest >> BITS) & (u32::MAX >> BITS);
        if age >= MOST_AGE {
            return None;
        }
        let data = rest.wrapping_sub(self.hash(seed, count.wrapping_sub(age), 1)) & MASK;
        self.version.sizes().get(data as usize).copied()
    }

    /// The segment size that the options say, the last one if there are several (`tcp_parse_mss_option`).
    fn segment_size(&self) -> Option<u16> {
        let (mut rest, mut size) = (self.tcp.get(TCP_HEADER..)?, None);
        loop {
            rest = match *rest {
                [1, ref after @ ..] => after,
                [0, ..] | [] | [_] => return size,
                [kind, len, ..] if len >= 2 && rest.len() >= len.into() => {
                    let (option, after) = rest.split_at(len.into());
                    if let ([_, _, high, low], 2) = (option, kind)
                        && [*high, *low] != [0, 0]
                    {
                        size = Some(u16::from_be_bytes([*high, *low]));
                    }
                    after
                }
                _ => return size,
            };
        }
    }

    /// A cookie, with the segment size above it.
    fn generate(&self, m: &Machine<'_>, size: u16) -> u64 {
        let sizes = self.version.sizes();
        let index = sizes.iter().rposition(|known| size >= *known).unwrap_or(0);
        let data = u32::try_from(index).unwrap_or(0);
        let cookie = self.cookie(m.seed, minutes(m), data);
        u64::from(cookie) | u64::from(sizes[index]) << 32
    }
}

/// `tcp_cookie_time`
fn minutes(m: &Machine<'_>) -> u32 {
    u32::try_from(m.now / MINUTE).unwrap_or(u32::MAX)
}

/// A step of splitmix64.
fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The length of a TCP header, as it says.
fn said(tcp: &[u8]) -> usize {
    tcp.get(12).map_or(0, |byte| usize::from(byte >> 4) * 4)
}

/// `s64 bpf_tcp_raw_gen_syncookie_ipv4(struct iphdr *iph, struct tcphdr *th, u32 th_len)` and that of IPv6
fn raw_gen(
    m: &mut Machine<'_>,
    [ip, tcp, len, ..]: [u64; 5],
    version: Version,
) -> Result<u64, Stop> {
    let ip = m.memory.read(ip, version.header())?.to_vec();
    let tcp = m.memory.read(tcp, low(len) as usize)?;
    if tcp.len() < TCP_HEADER || tcp.len() != said(tcp) {
        return Ok(error(errno::EINVAL));
    }
    let segment = Segment::new(version, &ip, tcp);
    let size = segment.segment_size().unwrap_or(version.default_size());
    Ok(segment.generate(m, size))
}

/// `long bpf_tcp_raw_check_syncookie_ipv4(struct iphdr *iph, struct tcphdr *th)` and that of IPv6
fn raw_check(m: &mut Machine<'_>, [ip, tcp, ..]: [u64; 5], version: Version) -> Result<u64, Stop> {
    let ip = m.memory.read(ip, version.header())?.to_vec();
    let segment = Segment::new(version, &ip, m.memory.read(tcp, TCP_HEADER)?);
    Ok(match segment.check(m.seed, minutes(m)) {
        Some(_) => 0,
        None => error(errno::EACCES),
    })
}

/// The version of the header, if the socket takes it; or an errno.
fn version(m: &Machine<'_>, socket: SocketIndex, ip: &[u8]) -> Result<Result<Version, i32>, Stop> {
    let is_ipv6 = m.socket(socket)?.now.family() == AF_INET6;
    Ok(match ip.first().map_or(0, |byte| byte >> 4) {
        // A socket of IPv6 takes IPv4 as well.
        4 => Ok(Version::V4),
        6 if ip.len() < IPV6_HEADER || !is_ipv6 => Err(errno::EINVAL),
        6 => Ok(Version::V6),
        _ => Err(errno::EPROTONOSUPPORT),
    })
}

/// `long bpf_tcp_check_syncookie(void *sk, void *iph, u32 iph_len, struct tcphdr *th, u32 th_len)`
fn bpf_tcp_check_syncookie(
    m: &mut Machine<'_>,
    [socket, ip, ip_len, tcp, len]: [u64; 5],
) -> Result<u64, Stop> {
    let ip = m.memory.read(ip, low(ip_len) as usize)?.to_vec();
    let tcp = m.memory.read(tcp, low(len) as usize)?.to_vec();
    if tcp.len() < TCP_HEADER {
        return Ok(error(errno::EINVAL));
    }
    let index = m.socket_at(socket, 0)?;
    let now = &m.socket(index)?.now;
    if !now.is_tcp() || now.state != LISTEN {
        return Ok(error(errno::EINVAL));
    }
    let flags = tcp[13];
    if flags & ACK == 0 || flags & (RST | SYN) != 0 {
        return Ok(error(errno::ENOENT));
    }
    if ip.len() < IPV4_HEADER {
        return Ok(error(errno::EINVAL));
    }
    // `tcp_synq_no_recent_overflow`
    if !now.flooded {
        return Ok(error(errno::ENOENT));
    }
    let version = match version(m, index, &ip)? {
        Ok(version) => version,
        Err(errno) => return Ok(error(errno)),
    };
    let valid = Segment::new(version, &ip, &tcp).check(m.seed, minutes(m)).is_some();
    Ok(if valid { 0 } else { error(errno::ENOENT) })
}

/// `s64 bpf_tcp_gen_syncookie(void *sk, void *iph, u32 iph_len, struct tcphdr *th, u32 th_len)`
fn bpf_tcp_gen_syncookie(
    m: &mut Machine<'_>,
    [socket, ip, ip_len, tcp, len]: [u64; 5],
) -> Result<u64, Stop> {
    let ip = m.memory.read(ip, low(ip_len) as usize)?.to_vec();
    let tcp = m.memory.read(tcp, low(len) as usize)?.to_vec();
    if tcp.len() < TCP_HEADER || tcp.len() != said(&tcp) {
        return Ok(error(errno::EINVAL));
    }
    let index = m.socket_at(socket, 0)?;
    let now = &m.socket(index)?.now;
    let is_flooded = now.flooded;
    if !now.is_tcp() || now.state != LISTEN {
        return Ok(error(errno::EINVAL));
    }
    if tcp[13] & (SYN | ACK | FIN | RST) != SYN || ip.len() < IPV4_HEADER {
        return Ok(error(errno::EINVAL));
    }
    let version = match version(m, index, &ip)? {
        Ok(version) => version,
        Err(errno) => return Ok(error(errno)),
    };
    // `tcp_get_syncookie_mss`: there are cookies when the queue of connections is full.
    if !is_flooded {
        return Ok(error(errno::ENOENT));
    }
    let segment = Segment::new(version, &ip, &tcp);
    let size = segment.segment_size().unwrap_or(version.default_size());
    Ok(segment.generate(m, size))
}
