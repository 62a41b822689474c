//! `bpf_setsockopt` and `bpf_getsockopt`: what the kernel lets programs see and set (`sol_socket_sockopt`, `sol_tcp_sockopt`,
//! `sol_ip_sockopt` and `sol_ipv6_sockopt` of `net/core/filter.c` in Linux 6.18), and what sockets make of it.

use super::header::{CALLBACK_FLAGS, is_locked, syn};
use super::skb::low;
use super::{Table, errno, error};
use crate::fault::{FaultKind, Stop};
use crate::machine::Machine;
use crate::sockets::{AF_INET, AF_INET6, CLOSE, LISTEN, Socket, SocketIndex};

pub(super) const TABLE: &Table =
    &[("bpf_getsockopt", bpf_getsockopt), ("bpf_setsockopt", bpf_setsockopt)];

/// `SOL_*`
const SOCKET: i32 = 1;
const TCP: i32 = 6;
const IP: i32 = 0;
const IPV6: i32 = 41;
/// `SO_RCVBUF`
const RCVBUF: i32 = 8;
/// `SO_BINDTODEVICE`, `TCP_CONGESTION`, `TCP_SAVED_SYN`, which are no numbers.
const BINDTODEVICE: i32 = 25;
const CONGESTION: i32 = 13;
const SAVED_SYN: i32 = 28;
/// `TCP_BPF_SYN` and `TCP_BPF_SYN_MAC`
const BPF_SYN: i32 = 1005;
const BPF_SYN_IP: i32 = 1006;
const BPF_SYN_MAC: i32 = 1007;
/// The length of names of interfaces and of congestion controls (`IFNAMSIZ`, `TCP_CA_NAME_MAX`).
const NAME: usize = 16;

/// An option that is a number.
#[derive(Clone, Copy, Debug)]
pub struct OptionRow {
    /// Its name in C.
    pub name: &'static str,
    /// Its level (`SOL_*`).
    pub level: i32,
    /// Its number.
    pub number: i32,
    accepts: Accepts,
    default: First,
    /// It can only be set.
    only_set: bool,
}

/// What a number becomes that is set.
#[derive(Clone, Copy, Debug)]
enum Accepts {
    /// Itself.
    Any,
    /// 1 if it is not 0.
    Truth,
    /// Itself, or an error outside of these limits.
    Between(i64, i64),
    /// Itself or 0, or an error outside of these limits.
    ZeroOr(i64, i64),
    /// Itself or 0, at least this.
    AtLeast(i64),
    /// Twice of it, as a buffer, at most of this and at least this.
    Buffer(i64, i64),
    /// Itself; 1 for 0, and the greatest for what is below.
    LowWater,
    /// Itself; nothing of these bits may be there.
    Without(i64),
}

/// What an option is at first.
#[derive(Clone, Copy, Debug)]
enum First {
    Number(i64),
    /// Of TCP and of others.
    OfKind(i64, i64),
    Mark,
    Priority,
    Interface,
    /// It depends on what is not known.
    Unknown,
}

const fn row(
    name: &'static str,
    level: i32,
    number: i32,
    accepts: Accepts,
    default: First,
) -> OptionRow {
    OptionRow { name, level, number, accepts, default, only_set: false }
}

/// `sysctl_wmem_max` and `sysctl_rmem_max`, `SOCK_MIN_SNDBUF` and `SOCK_MIN_RCVBUF`.
const MOST_BUFFER: i64 = 212_992;
const LEAST_SEND: i64 = 4608;
const LEAST_RECEIVE: i64 = 2304;
const MAX: i64 = i32::MAX as i64;

static ROWS: &[OptionRow] = &[
    row("SO_REUSEADDR", SOCKET, 2, Accepts::Truth, First::Number(0)),
    row(
        "SO_SNDBUF",
        SOCKET,
        7,
        Accepts::Buffer(MOST_BUFFER, LEAST_SEND),
        First::OfKind(16_384, MOST_BUFFER),
    ),
    row(
        "SO_RCVBUF",
        SOCKET,
        8,
        Accepts::Buffer(MOST_BUFFER, LEAST_RECEIVE),
        First::OfKind(131_072, MOST_BUFFER),
    ),
    row("SO_KEEPALIVE", SOCKET, 9, Accepts::Truth, First::Number(0)),
    row("SO_PRIORITY", SOCKET, 12, Accepts::Any, First::Priority),
    row("SO_REUSEPORT", SOCKET, 15, Accepts::Truth, First::Number(0)),
    row("SO_RCVLOWAT", SOCKET, 18, Accepts::LowWater, First::Number(1)),
    row("SO_MARK", SOCKET, 36, Accepts::Any, First::Mark),
    row("SO_MAX_PACING_RATE", SOCKET, 47, Accepts::Any, First::Number(0xffff_ffff)),
    row("SO_BINDTOIFINDEX", SOCKET, 62, Accepts::Between(0, MAX), First::Interface),
    row("SO_TXREHASH", SOCKET, 74, Accepts::Between(-1, 1), First::Number(1)),
    row("SK_BPF_CB_FLAGS", SOCKET, 1009, Accepts::Without(!1), First::Number(0)),
    row("IP_TOS", IP, 1, Accepts::Any, First::Number(0)),
    row("IPV6_TCLASS", IPV6, 67, Accepts::Between(-1, 255), First::Number(0)),
    row("IPV6_AUTOFLOWLABEL", IPV6, 70, Accepts::Truth, First::Unknown),
    row("TCP_NODELAY", TCP, 1, Accepts::Truth, First::Number(0)),
    row("TCP_MAXSEG", TCP, 2, Accepts::ZeroOr(88, 32_767), First::Unknown),
    row("TCP_KEEPIDLE", TCP, 4, Accepts::Between(1, 32_767), First::Number(7200)),
    row("TCP_KEEPINTVL", TCP, 5, Accepts::Between(1, 32_767), First::Number(75)),
    row("TCP_KEEPCNT", TCP, 6, Accepts::Between(1, 127), First::Number(9)),
    row("TCP_SYNCNT", TCP, 7, Accepts::Between(1, 127), First::Number(6)),
    row("TCP_WINDOW_CLAMP", TCP, 10, Accepts::AtLeast(LEAST_RECEIVE / 2), First::Unknown),
    row("TCP_THIN_LINEAR_TIMEOUTS", TCP, 16, Accepts::Between(0, 1), First::Number(0)),
    row("TCP_USER_TIMEOUT", TCP, 18, Accepts::Between(0, MAX), First::Number(0)),
    row("TCP_NOTSENT_LOWAT", TCP, 25, Accepts::Any, First::Number(0)),
    row("TCP_SAVE_SYN", TCP, 27, Accepts::Between(0, 2), First::Number(0)),
    row("TCP_RTO_MAX_MS", TCP, 44, Accepts::Between(1000, 120_000), First::Number(120_000)),
    OptionRow {
        only_set: true,
        ..row("TCP_BPF_IW", TCP, 1001, Accepts::Between(1, MAX), First::Unknown)
    },
    OptionRow {
        only_set: true,
        ..row("TCP_BPF_SNDCWND_CLAMP", TCP, 1002, Accepts::Between(1, MAX), First::Unknown)
    },
    // In microseconds: from one tick to 200 ms.
    row("TCP_BPF_DELACK_MAX", TCP, 1003, Accepts::Between(1, 200_000), First::Number(200_000)),
    row("TCP_BPF_RTO_MIN", TCP, 1004, Accepts::Between(1, 200_000), First::Number(200_000)),
    row(
        "TCP_BPF_SOCK_OPS_CB_FLAGS",
        TCP,
        1008,
        Accepts::Without(!(CALLBACK_FLAGS as i64)),
        First::Unknown,
    ),
];

/// The options that are numbers.
pub fn socket_options() -> &'static [OptionRow] {
    ROWS
}

/// The level and the number of an option, by its name in C.
pub fn socket_option(name: &str) -> Option<(i32, i32)> {
    if name == "TCP_CONGESTION" {
        return Some((TCP, CONGESTION));
    }
    ROWS.iter().find(|row| row.name == name).map(|row| (row.level, row.number))
}

/// The row of an option that a socket can have; an errno otherwise.
fn find(socket: &Socket, level: i32, number: i32) -> Result<OptionRow, i32> {
    let fits = match level {
        SOCKET => true,
        TCP => socket.is_tcp(),
        IP => socket.family() == AF_INET,
        IPV6 => socket.family() == AF_INET6,
        _ => false,
    };
    let row = ROWS.iter().find(|row| row.level == level && row.number == number);
    row.copied().filter(|_| fits).ok_or(errno::EINVAL)
}

impl OptionRow {
    /// The number that it becomes.
    fn accept(self, value: i32) -> Result<i64, i32> {
        let value = i64::from(value);
        let inside = |low, high| (low..=high).contains(&value);
        match self.accepts {
            Accepts::Any => Ok(value),
            Accepts::Truth => Ok((value != 0).into()),
            Accepts::Between(low, high) if inside(low, high) => Ok(value),
            Accepts::ZeroOr(low, high) if value == 0 || inside(low, high) => Ok(value),
            Accepts::Between(..) | Accepts::ZeroOr(..) => Err(errno::EINVAL),
            Accepts::AtLeast(least) => Ok(if value == 0 { 0 } else { value.max(least) }),
            // The kernel compares as unsigned numbers.
            Accepts::Buffer(most, least) => {
                let value = if value < 0 { most } else { value.min(most) };
                Ok((value * 2).max(least))
            }
            Accepts::LowWater => Ok(if value < 0 { MAX } else { value.max(1) }),
            Accepts::Without(bits) if value & bits == 0 => Ok(value),
            Accepts::Without(_) => Err(errno::EINVAL),
        }
    }

    /// What it is, if it has not been set.
    fn first(self, socket: &Socket) -> Option<i64> {
        Some(match self.default {
            First::Number(number) => number,
            First::OfKind(tcp, other) => {
                if socket.is_tcp() {
                    tcp
                } else {
                    other
                }
            }
            First::Mark => socket.mark.into(),
            First::Priority => socket.priority.into(),
            First::Interface => socket.interface.into(),
            First::Unknown => return None,
        })
    }
}

/// The socket that an argument is or has, if it has its lock; or an errno.
fn locked(m: &mut Machine<'_>, socket: u64) -> Result<Result<SocketIndex, i32>, Stop> {
    if m.context.program_type() == "sock_ops" && !is_locked(m) {
        return Ok(Err(errno::EOPNOTSUPP));
    }
    Ok(match m.socket_or_own(socket, 0)? {
        Some(index) if m.socket(index)?.now.is_full() => Ok(index),
        _ => Err(errno::EINVAL),
    })
}

/// `long bpf_setsockopt(void *bpf_socket, int level, int optname, void *optval, int optlen)`
fn bpf_setsockopt(
    m: &mut Machine<'_>,
    [socket, level, number, at, len]: [u64; 5],
) -> Result<u64, Stop> {
    let (level, number) = (low(level).cast_signed(), low(number).cast_signed());
    let value = m.memory.read(at, low(len) as usize)?.to_vec();
    let index = match locked(m, socket)? {
        Ok(index) => index,
        Err(errno) => return Ok(error(errno)),
    };
    let now = m.socket(index)?.now.clone();
    let result = match (level, number) {
        (SOCKET, BINDTODEVICE) => bind_to_device(m, index, &value)?,
        (TCP, CONGESTION) if now.is_tcp() => set_congestion(m, index, &value)?,
        _ => match set(&now, level, number, &value) {
            Ok(changed) => {
                m.change_socket(index, |socket| *socket = changed)?;
                0
            }
            Err(errno) => errno,
        },
    };
    if result == 0 && (level, number) == (TCP, 1008) {
        let flags = value.first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
        m.context.set_word("bpf_sock_ops_cb_flags", flags);
    }
    Ok(if result == 0 { 0 } else { error(result) })
}

/// A socket with an option that is a number, set.
fn set(socket: &Socket, level: i32, number: i32, value: &[u8]) -> Result<Socket, i32> {
    let row = find(socket, level, number)?;
    let value: [u8; 4] = value.try_into().map_err(|_| errno::EINVAL)?;
    let kept = row.accept(i32::from_le_bytes(value))?;
    // A socket that is open has a window.
    if row.name == "TCP_WINDOW_CLAMP" && kept == 0 && socket.state != CLOSE {
        return Err(errno::EINVAL);
    }
    let mut socket = socket.clone();
    #[expect(clippy::cast_possible_truncation, reason = "an option has 32 bits")]
    let word = as_kept(&mut socket, row, kept as i32);
    match row.default {
        First::Mark => socket.mark = word.cast_unsigned(),
        First::Priority => socket.priority = word.cast_unsigned(),
        First::Interface => socket.interface = word.cast_unsigned(),
        _ => {}
    }
    socket.options.insert((level, number), word.to_le_bytes().to_vec());
    Ok(socket)
}

/// What a socket makes of a number that is allowed.
fn as_kept(socket: &mut Socket, row: OptionRow, value: i32) -> i32 {
    /// The bits of congestion, which streams have for themselves.
    const CONGESTION_BITS: i32 = 3;
    /// `ip_tos2prio`, by two bits of the type of service.
    const PRIORITIES: [u32; 4] = [0, 2, 6, 4];
    /// Half of the most that TCP receives at once (`sysctl_tcp_rmem`), which bounds what it waits for.
    const MOST_WAITED: i32 = 3_145_728;
    let of_stream = |value: i32| if socket.is_tcp() { value & !CONGESTION_BITS } else { value };
    match row.name {
        "IP_TOS" => {
            let service = of_stream(value) & 0xff;
            socket.priority = PRIORITIES[(service >> 3 & 3).cast_unsigned() as usize];
            service
        }
        "IPV6_TCLASS" => of_stream(value.max(0)),
        "SO_RCVLOWAT" if socket.is_tcp() => {
            let buffer =
                socket.options.get(&(SOCKET, RCVBUF)).and_then(|bytes| bytes.first_chunk());
            let most = buffer.map_or(MOST_WAITED, |bytes| i32::from_le_bytes(*bytes) / 2);
            value.min(most)
        }
        _ => value,
    }
}

/// A text without what comes behind its end.
fn text(bytes: &[u8], most: usize) -> String {
    let bytes = bytes.get(..most).unwrap_or(bytes);
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// `SO_BINDTODEVICE`: there is the loopback device.
fn bind_to_device(m: &mut Machine<'_>, index: SocketIndex, value: &[u8]) -> Result<i32, Stop> {
    let interface = match text(value, NAME - 1).as_str() {
        "" => 0,
        "lo" => 1,
        _ => return Ok(errno::ENODEV),
    };
    m.change_socket(index, |socket| socket.interface = interface)?;
    Ok(0)
}

/// `TCP_CONGESTION` (`sol_tcp_sockopt_congestion`): which modules are loaded is not known, but for two.
fn set_congestion(m: &mut Machine<'_>, index: SocketIndex, value: &[u8]) -> Result<i32, Stop> {
    const BUILT_IN: [&str; 2] = ["cubic", "reno"];
    if value.len() < 2 {
        return Ok(errno::EINVAL);
    }
    let name = text(value, NAME - 1);
    if !BUILT_IN.contains(&name.as_str()) {
        return Err(FaultKind::NotModelled(format!("congestion control {name:?}")).into());
    }
    m.change_socket(index, |socket| {
        socket.options.insert((TCP, CONGESTION), name.into_bytes());
    })?;
    Ok(0)
}

/// `long bpf_getsockopt(void *bpf_socket, int level, int optname, void *optval, int optlen)`: what is not filled is zero.
fn bpf_getsockopt(
    m: &mut Machine<'_>,
    [socket, level, number, at, len]: [u64; 5],
) -> Result<u64, Stop> {
    let (level, number) = (low(level).cast_signed(), low(number).cast_signed());
    let len = low(len) as usize;
    m.memory.write(at, len)?;
    let is_callback = m.context.program_type() == "sock_ops";
    if is_callback && level == TCP && (BPF_SYN..=BPF_SYN_MAC).contains(&number) {
        if !is_locked(m) {
            return Ok(error(errno::EOPNOTSUPP));
        }
        return get_syn(m, number, at, len);
    }
    let result = match locked(m, socket)? {
        Ok(index) => get(m, index, level, number, len)?,
        Err(errno) => Err(errno),
    };
    let place = m.memory.write(at, len)?;
    place.fill(0);
    Ok(match result {
        Ok(bytes) => {
            let kept = bytes.len().min(len);
            place[..kept].copy_from_slice(&bytes[..kept]);
            0
        }
        Err(errno) => error(errno),
    })
}

/// The headers of the SYN (`bpf_sock_ops_get_syn`): how many bytes there are, or an error.
fn get_syn(m: &mut Machine<'_>, number: i32, at: u64, len: usize) -> Result<u64, Stop> {
    // The link-layer header is not among what is kept.
    let headers = if number == BPF_SYN_MAC { None } else { syn(m, number == BPF_SYN_IP) };
    let place = m.memory.write(at, len)?;
    place.fill(0);
    let Some(headers) = headers else { return Ok(error(errno::ENOENT)) };
    let kept = headers.len().min(len);
    place[..kept].copy_from_slice(&headers[..kept]);
    Ok(if kept < headers.len() { error(errno::ENOSPC) } else { headers.len() as u64 })
}

/// The value of an option, or an errno.
fn get(
    m: &Machine<'_>,
    index: SocketIndex,
    level: i32,
    number: i32,
    len: usize,
) -> Result<Result<Vec<u8>, i32>, Stop> {
    let now = &m.socket(index)?.now;
    let known = now.options.get(&(level, number));
    if (level, number) == (TCP, CONGESTION) && now.is_tcp() {
        if len < 2 {
            return Ok(Err(errno::EINVAL));
        }
        let name = known.map_or(b"cubic".as_slice(), Vec::as_slice);
        // There is a zero at the end.
        return Ok(Ok(name.get(..len.min(NAME) - 1).unwrap_or(name).to_vec()));
    }
    if (level, number) == (TCP, SAVED_SYN) && now.is_tcp() {
        return Err(FaultKind::NotModelled("TCP_SAVED_SYN".to_owned()).into());
    }
    let row = match find(now, level, number) {
        Ok(row) if len == 4 && !row.only_set => row,
        _ => return Ok(Err(errno::EINVAL)),
    };
    if row.name == "TCP_MAXSEG" {
        // Only a socket that is not connected tells what was set.
        let waits = matches!(now.state, CLOSE | LISTEN);
        let set = known.filter(|bytes| waits && bytes.iter().any(|byte| *byte != 0));
        let cached = now.tcp.get("mss_cache").map(|size| size.to_le_bytes()[..4].to_vec());
        let size = set.cloned().or(cached);
        return match size {
            Some(size) => Ok(Ok(size)),
            None => Err(FaultKind::NotModelled("TCP_MAXSEG of a socket".to_owned()).into()),
        };
    }
    if let Some(known) = known {
        return Ok(Ok(known.clone()));
    }
    if row.name == "TCP_BPF_SOCK_OPS_CB_FLAGS" {
        return Ok(Ok(m.context.word("bpf_sock_ops_cb_flags").to_le_bytes().to_vec()));
    }
    match row.first(now) {
        Some(first) => Ok(Ok(first.to_le_bytes()[..4].to_vec())),
        None => Err(FaultKind::NotModelled(format!("option {} that was not set", row.name)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_what_sockets_make_of_them() {
        let tcp = Socket::default();
        let udp = Socket { protocol: 17, ..Socket::default() };
        // Socket, option, what is set, what is then read or the errno.
        let cases: &[(&Socket, &str, i32, Result<i32, i32>)] = &[
            (&tcp, "SO_SNDBUF", 1, Ok(4608)),
            (&tcp, "SO_SNDBUF", 10_000, Ok(20_000)),
            (&tcp, "SO_RCVBUF", -1, Ok(425_984)),
            (&tcp, "SO_REUSEADDR", 7, Ok(1)),
            (&tcp, "SO_RCVLOWAT", 0, Ok(1)),
            (&tcp, "SO_RCVLOWAT", -1, Ok(3_145_728)),
            (&udp, "SO_RCVLOWAT", -1, Ok(i32::MAX)),
            (&tcp, "TCP_WINDOW_CLAMP", 1, Ok(1152)),
            (&tcp, "IP_TOS", 0x1ff, Ok(0xfc)),
            (&udp, "IP_TOS", 0x13, Ok(0x13)),
            (&tcp, "SO_TXREHASH", 2, Err(errno::EINVAL)),
            (&tcp, "TCP_KEEPIDLE", 0, Err(errno::EINVAL)),
            (&tcp, "TCP_KEEPIDLE", 10, Ok(10)),
            (&tcp, "TCP_MAXSEG", 87, Err(errno::EINVAL)),
            (&tcp, "TCP_MAXSEG", 0, Ok(0)),
            (&udp, "TCP_NODELAY", 1, Err(errno::EINVAL)),
            (&tcp, "IP_TOS", 8, Ok(8)),
            (&tcp, "IPV6_TCLASS", 8, Err(errno::EINVAL)),
            (&tcp, "TCP_BPF_SOCK_OPS_CB_FLAGS", 0x80, Err(errno::EINVAL)),
            (&tcp, "TCP_BPF_SOCK_OPS_CB_FLAGS", 0x7f, Ok(0x7f)),
        ];
        for (socket, name, value, expected) in cases {
            let (level, number) = socket_option(name).expect("is an option");
            let changed = set(socket, level, number, &value.to_le_bytes());
            let got = changed.map(|socket| {
                let bytes = &socket.options[&(level, number)];
                i32::from_le_bytes(bytes.as_slice().try_into().expect("is a number"))
            });
            assert_eq!(got, *expected, "{name} {value}");
        }
        let (level, number) = socket_option("SO_MARK").expect("is an option");
        let marked = set(&tcp, level, number, &7_u32.to_le_bytes()).expect("is allowed");
        assert_eq!(marked.mark, 7);
        let (ip, service) = socket_option("IP_TOS").expect("is an option");
        let hurried = set(&tcp, ip, service, &0x10_u32.to_le_bytes()).expect("is allowed");
        assert_eq!(hurried.priority, 6);
        assert_eq!(set(&tcp, level, number, &[0; 2]), Err(errno::EINVAL));
    }
}
