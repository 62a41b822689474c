//! Helpers over the options of TCP headers and other things of the callbacks of TCP (`sock_ops`). Orders of checks and errors
//! are those of `net/core/filter.c` in Linux 6.18.

use super::skb::low;
use super::{Table, errno, error};
use crate::context;
use crate::fault::{Origin, Stop};
use crate::machine::Machine;
use crate::memory::Lifetime;

pub(super) const TABLE: &Table = &[
    ("bpf_load_hdr_opt", bpf_load_hdr_opt),
    ("bpf_reserve_hdr_opt", bpf_reserve_hdr_opt),
    ("bpf_sock_ops_cb_flags_set", bpf_sock_ops_cb_flags_set),
    ("bpf_sock_ops_enable_tx_tstamp", bpf_sock_ops_enable_tx_tstamp),
    ("bpf_store_hdr_opt", bpf_store_hdr_opt),
];

/// `BPF_SOCK_OPS_*`
const HDR_OPT_LEN: u32 = 14;
pub(super) const WRITE_HDR_OPT: u32 = 15;
const TSTAMP_SENDMSG: u32 = 20;
/// The length of a TCP header without options, and the most bytes of options (`MAX_TCP_OPTION_SPACE`).
const HEADER: usize = 20;
const MOST_OPTIONS: u64 = 40;
/// Kinds of options: the end, nothing, and the experimental ones.
const EOL: u8 = 0;
const NOP: u8 = 1;
const EXPERIMENTAL: [u8; 2] = [254, 253];

/// `is_locked_tcp_sock_ops`: the callbacks that hold the lock of a TCP socket.
pub(super) fn is_locked(m: &Machine<'_>) -> bool {
    m.context.word("op") <= WRITE_HDR_OPT
}

/// `long bpf_sock_ops_cb_flags_set(struct bpf_sock_ops *bpf_sock, int argval)`: what of the flags is unknown.
fn bpf_sock_ops_cb_flags_set(m: &mut Machine<'_>, [_, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    if !is_locked(m) {
        return Ok(error(errno::EOPNOTSUPP));
    }
    if m.context.word("is_fullsock") == 0 {
        return Ok(error(errno::EINVAL));
    }
    let flags = low(flags);
    m.context.set_word("bpf_sock_ops_cb_flags", flags & CALLBACK_FLAGS);
    Ok((flags & !CALLBACK_FLAGS).into())
}

/// `BPF_SOCK_OPS_ALL_CB_FLAGS`
pub(super) const CALLBACK_FLAGS: u32 = 0x7f;

/// `int bpf_sock_ops_enable_tx_tstamp(struct bpf_sock_ops_kern *skops, u64 flags)`
fn bpf_sock_ops_enable_tx_tstamp(
    m: &mut Machine<'_>,
    [_, flags, ..]: [u64; 5],
) -> Result<u64, Stop> {
    const INT: u64 = 0xffff_ffff;
    Ok(match (m.context.word("op"), flags) {
        (TSTAMP_SENDMSG, 0) => 0,
        (TSTAMP_SENDMSG, _) => error(errno::EINVAL) & INT,
        _ => error(errno::EOPNOTSUPP) & INT,
    })
}

/// An option in a header, or an errno with whether the end of the options is there (`bpf_search_tcp_opt`).
fn search(options: &[u8], kind: u8, magic: &[u8]) -> Result<Vec<u8>, (i32, bool)> {
    let mut rest = options;
    loop {
        match *rest {
            [] => return Err((errno::ENOMSG, false)),
            [EOL, ..] => return Err((errno::ENOMSG, true)),
            [NOP, ref after @ ..] => rest = after,
            [found, len, ..] if len >= 2 && rest.len() >= len.into() => {
                let (option, after) = rest.split_at(len.into());
                if found == kind {
                    if magic.len() > option.len() - 2 {
                        return Err((errno::ENOMSG, false));
                    }
                    if option[2..].starts_with(magic) {
                        return Ok(option.to_vec());
                    }
                }
                rest = after;
            }
            _ => return Err((errno::EFAULT, false)),
        }
    }
}

/// The headers of the SYN: from TCP on, or from IP on. Those from the link layer on are not kept.
pub(super) fn syn(m: &Machine<'_>, from_network: bool) -> Option<Vec<u8>> {
    const IPV6: usize = 40;
    let saved = m.context.attached.value("saved_syn")?;
    let network = match saved.first()? >> 4 {
        4 => usize::from(saved.first()? & 0xf) * 4,
        _ => IPV6,
    };
    saved.get(if from_network { 0 } else { network }..).map(<[u8]>::to_vec)
}

/// `long bpf_load_hdr_opt(struct bpf_sock_ops *skops, void *searchby_res, u32 len, u64 flags)`
fn bpf_load_hdr_opt(m: &mut Machine<'_>, [_, at, len, flags, _]: [u64; 5]) -> Result<u64, Stop> {
    /// `BPF_LOAD_HDR_OPT_TCP_SYN`
    const SYN: u64 = 1;
    if !is_locked(m) {
        return Ok(error(errno::EOPNOTSUPP));
    }
    let len = low(len) as usize;
    if len < 2 || flags & !SYN != 0 {
        return Ok(error(errno::EINVAL));
    }
    let wanted = m.memory.read(at, len)?.to_vec();
    let (kind, wanted_len) = (wanted[0], usize::from(wanted[1]));
    let is_experimental = EXPERIMENTAL.contains(&kind);
    let fits = if is_experimental { matches!(wanted_len, 4 | 6) } else { wanted_len == 0 };
    if wanted_len > len || matches!(kind, NOP | EOL) || !fits {
        return Ok(error(errno::EINVAL));
    }
    let magic = if is_experimental { &wanted[2..wanted_len] } else { &[] };
    let header = if flags & SYN != 0 {
        match syn(m, false) {
            Some(header) => header,
            None => return Ok(error(errno::ENOENT)),
        }
    } else {
        if m.context.attached.value("skb_data").is_none() || m.context.word("op") == HDR_OPT_LEN {
            return Ok(error(errno::EPERM));
        }
        context::data_bytes(m)
    };
    match search(header.get(HEADER..).unwrap_or_default(), kind, magic) {
        Err((errno, _)) => Ok(error(errno)),
        Ok(option) => {
            let kept = option.len().min(len);
            m.memory.put(at, &option[..kept])?;
            Ok(if kept < option.len() { error(errno::ENOSPC) } else { option.len() as u64 })
        }
    }
}

/// How many bytes of options can still be had: as it is said, or what the header leaves.
fn remaining(m: &Machine<'_>) -> u64 {
    let used = context::data_bytes(m).len().saturating_sub(HEADER) as u64;
    let said = m.context.attached.number("remaining_opt_len");
    said.unwrap_or(MOST_OPTIONS.saturating_sub(used))
}

fn take(m: &mut Machine<'_>, len: u64) {
    let left = remaining(m).saturating_sub(len).to_le_bytes().to_vec();
    let values = &mut m.context.attached.values;
    values.retain(|(name, _)| name != "remaining_opt_len");
    values.push(("remaining_opt_len".to_owned(), left));
}

/// `long bpf_store_hdr_opt(struct bpf_sock_ops *skops, const void *from, u32 len, u64 flags)`
fn bpf_store_hdr_opt(m: &mut Machine<'_>, [_, from, len, flags, _]: [u64; 5]) -> Result<u64, Stop> {
    if m.context.word("op") != WRITE_HDR_OPT {
        return Ok(error(errno::EPERM));
    }
    let len = low(len) as usize;
    if len < 2 || flags != 0 {
        return Ok(error(errno::EINVAL));
    }
    let new = m.memory.read(from, len)?.to_vec();
    let (kind, new_len) = (new[0], usize::from(new[1]));
    if new_len > len || matches!(kind, NOP | EOL) {
        return Ok(error(errno::EINVAL));
    }
    if new_len as u64 > remaining(m) {
        return Ok(error(errno::ENOSPC));
    }
    let is_experimental = EXPERIMENTAL.contains(&kind);
    if is_experimental && new_len < 4 {
        return Ok(error(errno::EINVAL));
    }
    let magic = if is_experimental { &new[2..4] } else { &[] };
    let mut header = context::data_bytes(m);
    match search(header.get(HEADER..).unwrap_or_default(), kind, magic) {
        Ok(_) => return Ok(error(errno::EEXIST)),
        Err((errno::ENOMSG, false)) => {}
        Err((errno::ENOMSG, true)) => return Ok(error(errno::ENOSPC)),
        Err((errno, _)) => return Ok(error(errno)),
    }
    take(m, new_len as u64);
    header.extend_from_slice(new.get(..new_len).unwrap_or_default());
    let origin = Origin::Object { name: "a TCP header".into() };
    let id = m.memory.allocate_bytes(&header, origin, false, Lifetime::Run)?;
    let death = m.death();
    if let Some(old) = m.context.data.replace(id) {
        m.memory.kill(old, death);
    }
    Ok(0)
}

/// `long bpf_reserve_hdr_opt(struct bpf_sock_ops *skops, u32 len, u64 flags)`
fn bpf_reserve_hdr_opt(m: &mut Machine<'_>, [_, len, flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    let len = u64::from(low(len));
    if m.context.word("op") != HDR_OPT_LEN {
        return Ok(error(errno::EPERM));
    }
    if flags != 0 || len < 2 {
        return Ok(error(errno::EINVAL));
    }
    if len > remaining(m) {
        return Ok(error(errno::ENOSPC));
    }
    take(m, len);
    Ok(0)
}
