//! Helpers of hooks of control groups and others: sysctls, binding, the namespace of processes, paths.

use std::net::IpAddr;

use super::skb::{low, note};
use super::{Table, errno, error};
use crate::context;
use crate::event::{Access, Target};
use crate::fault::{FaultKind, Stop};
use crate::machine::Machine;
use crate::sockets::{AF_UNIX, CLOSE};

pub(super) const TABLE: &Table = &[
    ("bpf_bind", bpf_bind),
    ("bpf_btf_find_by_name_kind", bpf_btf_find_by_name_kind),
    ("bpf_d_path", bpf_d_path),
    ("bpf_get_ns_current_pid_tgid", bpf_get_ns_current_pid_tgid),
    ("bpf_path_d_path", bpf_path_d_path),
    ("bpf_rc_keydown", remote_control),
    ("bpf_rc_pointer_rel", remote_control),
    ("bpf_rc_repeat", remote_control),
    ("bpf_sock_addr_set_sun_path", bpf_sock_addr_set_sun_path),
    ("bpf_sysctl_get_current_value", bpf_sysctl_get_current_value),
    ("bpf_sysctl_get_name", bpf_sysctl_get_name),
    ("bpf_sysctl_get_new_value", bpf_sysctl_get_new_value),
    ("bpf_sysctl_set_new_value", bpf_sysctl_set_new_value),
];

/// A value of the sysctl that was given.
fn sysctl(m: &Machine<'_>, name: &'static str) -> Result<Vec<u8>, Stop> {
    let value = m.context.attached.value(name).map(<[u8]>::to_vec);
    value.ok_or_else(|| FaultKind::NotModelled(format!("`{name}` of a sysctl")).into())
}

/// `long bpf_sysctl_get_name(struct bpf_sysctl *ctx, char *buf, size_t buf_len, u64 flags)`
fn bpf_sysctl_get_name(
    m: &mut Machine<'_>,
    [_, to, size, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    /// `BPF_F_SYSCTL_BASE_NAME`
    const BASE: u64 = 1;
    let mut name = sysctl(m, "name")?;
    if flags & BASE != 0
        && let Some(slash) = name.iter().rposition(|byte| *byte == b'/')
    {
        name.drain(..=slash);
    }
    let place = m.memory.write(to, usize::try_from(size).unwrap_or(usize::MAX))?;
    let Some(last) = place.len().checked_sub(1) else { return Ok(error(errno::E2BIG)) };
    let kept = name.len().min(last);
    place[..kept].copy_from_slice(&name[..kept]);
    place[kept] = 0;
    Ok(if kept < name.len() { error(errno::E2BIG) } else { name.len() as u64 })
}

/// `copy_sysctl_value`
fn copy_value(m: &mut Machine<'_>, to: u64, size: u64, value: &[u8]) -> Result<u64, Stop> {
    let place = m.memory.write(to, usize::try_from(size).unwrap_or(usize::MAX))?;
    if place.is_empty() {
        return Ok(error(errno::E2BIG));
    }
    place.fill(0);
    if value.is_empty() {
        return Ok(error(errno::EINVAL));
    }
    let kept = value.len().min(place.len());
    place[..kept].copy_from_slice(&value[..kept]);
    if place.len() > value.len() {
        return Ok(value.len() as u64);
    }
    if let Some(last) = place.last_mut() {
        *last = 0;
    }
    Ok(error(errno::E2BIG))
}

/// `long bpf_sysctl_get_current_value(struct bpf_sysctl *ctx, char *buf, size_t buf_len)`
fn bpf_sysctl_get_current_value(
    m: &mut Machine<'_>,
    [_, to, size, ..]: [u64; 5],
) -> Result<u64, Stop> {
    let value = sysctl(m, "current_value")?;
    copy_value(m, to, size, &value)
}

/// `long bpf_sysctl_get_new_value(struct bpf_sysctl *ctx, char *buf, size_t buf_len)`
fn bpf_sysctl_get_new_value(m: &mut Machine<'_>, [_, to, size, ..]: [u64; 5]) -> Result<u64, Stop> {
    if m.context.word("write") == 0 {
        m.memory.write(to, usize::try_from(size).unwrap_or(usize::MAX))?.fill(0);
        return Ok(error(errno::EINVAL));
    }
    let value = sysctl(m, "new_value")?;
    copy_value(m, to, size, &value)
}

/// `long bpf_sysctl_set_new_value(struct bpf_sysctl *ctx, const char *buf, size_t buf_len)`
fn bpf_sysctl_set_new_value(
    m: &mut Machine<'_>,
    [_, from, size, ..]: [u64; 5],
) -> Result<u64, Stop> {
    /// A page without its last byte.
    const MOST: u64 = 4095;
    let is_write = m.context.word("write") != 0;
    let old = if is_write { sysctl(m, "new_value")? } else { Vec::new() };
    if old.is_empty() || size == 0 {
        return Ok(error(errno::EINVAL));
    }
    if size > MOST {
        return Ok(error(errno::E2BIG));
    }
    let new = m.memory.read(from, usize::try_from(size).unwrap_or(usize::MAX))?.to_vec();
    let values = &mut m.context.attached.values;
    if let Some((_, value)) = values.iter_mut().find(|(name, _)| name == "new_value") {
        *value = new;
    }
    Ok(0)
}

/// `long bpf_bind(struct bpf_sock_addr *ctx, struct sockaddr *addr, int addr_len)`: any address can be bound to, by a socket
/// that is not bound.
fn bpf_bind(m: &mut Machine<'_>, [_, at, len, ..]: [u64; 5]) -> Result<u64, Stop> {
    const FAMILY: usize = 2;
    const IPV4: usize = 16;
    const IPV6: usize = 24;
    let bytes = m.memory.read(at, low(len) as usize)?.to_vec();
    if bytes.len() < FAMILY {
        return Ok(error(errno::EINVAL));
    }
    let chunk = |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk().copied());
    let port = u16::from_be_bytes(chunk(2).unwrap_or([0; 2]));
    let address: IpAddr = match u16::from_le_bytes([bytes[0], bytes[1]]) {
        2 if bytes.len() >= IPV4 => {
            let octets: [u8; 4] = bytes[4..8].try_into().unwrap_or([0; 4]);
            octets.into()
        }
        10 if bytes.len() >= IPV6 => {
            let octets: [u8; 16] = bytes[8..24].try_into().unwrap_or([0; 16]);
            octets.into()
        }
        2 | 10 => return Ok(error(errno::EINVAL)),
        _ => return Ok(error(errno::EAFNOSUPPORT)),
    };
    let Some(socket) = context::socket(m)? else { return Ok(error(errno::EINVAL)) };
    let now = &m.socket(socket)?.now;
    // `__inet_bind`: a socket that is in use or bound stays so.
    if now.state != CLOSE || now.local.1 != 0 {
        return Ok(error(errno::EINVAL));
    }
    m.change_socket(socket, |socket| socket.local = (address, port))?;
    note(m, Target::Geometry, 0, 0, Access::Done);
    Ok(0)
}

/// `int bpf_sock_addr_set_sun_path(struct bpf_sock_addr_kern *sa_kern, const u8 *sun_path, u32 sun_path__sz)`
fn bpf_sock_addr_set_sun_path(
    m: &mut Machine<'_>,
    [_, from, len, ..]: [u64; 5],
) -> Result<u64, Stop> {
    /// `UNIX_PATH_MAX`
    const MOST: usize = 108;
    const INT: u64 = 0xffff_ffff;
    let path = m.memory.read(from, low(len) as usize)?.to_vec();
    let is_unix = match context::socket(m)? {
        Some(socket) => m.socket(socket)?.now.family() == AF_UNIX,
        None => false,
    };
    if !is_unix || path.is_empty() || path.len() > MOST {
        return Ok(error(errno::EINVAL) & INT);
    }
    let values = &mut m.context.attached.values;
    values.retain(|(name, _)| name != "sun_path");
    values.push(("sun_path".to_owned(), path));
    Ok(0)
}

/// `long bpf_get_ns_current_pid_tgid(u64 dev, u64 ino, struct bpf_pidns_info *nsdata, u32 size)`
fn bpf_get_ns_current_pid_tgid(
    m: &mut Machine<'_>,
    [device, inode, to, size, _]: [u64; 5],
) -> Result<u64, Stop> {
    /// `struct bpf_pidns_info`: the numbers of thread and process.
    const SIZE: usize = 8;
    let size = low(size) as usize;
    let own = m.current.namespace;
    if size == SIZE && own.is_none() {
        return Err(FaultKind::NotModelled("the namespace of the task".to_owned()).into());
    }
    let numbers = [m.current.pid.to_le_bytes(), m.current.tgid.to_le_bytes()].concat();
    let place = m.memory.write(to, size)?;
    if size != SIZE || own != Some((device, inode)) {
        place.fill(0);
        return Ok(error(errno::EINVAL));
    }
    place.copy_from_slice(&numbers);
    Ok(0)
}

/// A path in a buffer: its length with the zero, or an errno. Without a path it is not known.
fn path(m: &mut Machine<'_>, path: u64, to: u64, size: usize) -> Result<Result<usize, i32>, Stop> {
    let known = m.paths.iter().find(|(address, _)| *address == path);
    let Some((_, text)) = known else {
        return Err(FaultKind::NotModelled("where a struct path leads to".to_owned()).into());
    };
    let text = [text.as_bytes(), &[0]].concat();
    let place = m.memory.write(to, size)?;
    match place.get_mut(..text.len()) {
        Some(front) => {
            front.copy_from_slice(&text);
            Ok(Ok(text.len()))
        }
        None => Ok(Err(errno::ENAMETOOLONG)),
    }
}

/// `long bpf_d_path(struct path *path, char *buf, u32 sz)`
fn bpf_d_path(m: &mut Machine<'_>, [at, to, size, ..]: [u64; 5]) -> Result<u64, Stop> {
    let size = low(size) as usize;
    if size == 0 {
        return Ok(0);
    }
    Ok(path(m, at, to, size)?.map_or_else(error, |len| len as u64))
}

/// `int bpf_path_d_path(struct path *path, char *buf, size_t buf__sz)`
fn bpf_path_d_path(m: &mut Machine<'_>, [at, to, size, ..]: [u64; 5]) -> Result<u64, Stop> {
    const INT: u64 = 0xffff_ffff;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if size == 0 {
        return Ok(error(errno::EINVAL) & INT);
    }
    Ok(path(m, at, to, size)?.map_or_else(|errno| error(errno) & INT, |len| len as u64))
}

/// `long bpf_btf_find_by_name_kind(char *name, int name_sz, u32 kind, int flags)`, among the types of the kernel itself.
fn bpf_btf_find_by_name_kind(
    m: &mut Machine<'_>,
    [at, size, kind, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    let name = m.memory.read(at, low(size) as usize)?.to_vec();
    let Some((0, name)) = name.split_last() else { return Ok(error(errno::EINVAL)) };
    if low(flags) != 0 || name.is_empty() {
        return Ok(error(errno::EINVAL));
    }
    let missing = || FaultKind::NotModelled("the types of the kernel".to_owned());
    let types = bpf_object::vmlinux().ok_or_else(missing)?;
    let name = String::from_utf8_lossy(name);
    let found = types.find_all(&name).find(|ty| ty.kind() as u32 == low(kind));
    Ok(found.map_or(error(errno::ENOENT), |ty| ty.id().0.into()))
}

/// Helpers of remote controls, which tell the kernel what was received.
fn remote_control(m: &mut Machine<'_>, _: [u64; 5]) -> Result<u64, Stop> {
    note(m, Target::Task, 0, 0, Access::Done);
    Ok(0)
}
