//! Which fields of the kernel's structures programs of some types may write (`btf_struct_access` of
//! `struct bpf_verifier_ops`).

use btf::{Btf, Kind, TypeId};

use crate::cx::{Check, Cx, reject};
use crate::program::Program;

/// Fields of a TCP socket that congestion control may write (`bpf_tcp_ca_btf_struct_access` of
/// net/ipv4/bpf_tcp_ca.c): the structure, the path, and whether every byte of it may begin a store.
const CONGESTION: [(&str, &str, bool); 9] = [
    ("sock", "sk_pacing_rate", false),
    ("sock", "sk_pacing_status", false),
    ("inet_connection_sock", "icsk_ca_priv", true),
    ("inet_connection_sock", "icsk_ack.pending", false),
    ("tcp_sock", "snd_cwnd", false),
    ("tcp_sock", "snd_cwnd_cnt", false),
    ("tcp_sock", "snd_ssthresh", false),
    ("tcp_sock", "ecn_flags", false),
    ("tcp_sock", "app_limited", false),
];

/// Fields of a task that schedulers may write.
const SCHED: [&str; 3] = ["scx.slice", "scx.dsq_vtime", "scx.disallow"];

/// Who says what may be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rules {
    /// Nobody: nothing.
    None,
    /// Congestion control.
    Congestion,
    /// `bpf_dummy_ops`, operations for tests.
    Dummy,
    /// The connection tracker, for packets.
    Conntrack,
    /// Schedulers.
    Sched,
    /// Queueing disciplines.
    Queue,
    /// Fixes for input devices.
    Input,
    /// Operations that are not modelled.
    Unknown,
}

fn rules(program: &Program<'_>) -> Rules {
    match program.type_name() {
        "struct_ops" => match program.target {
            Some((_, "tcp_congestion_ops")) => Rules::Congestion,
            Some((_, "bpf_dummy_ops")) => Rules::Dummy,
            Some((_, "sched_ext_ops")) => Rules::Sched,
            Some((_, "Qdisc_ops")) => Rules::Queue,
            Some((_, "hid_bpf_ops")) => Rules::Input,
            _ => Rules::Unknown,
        },
        "sched_cls" | "sched_act" | "xdp" => Rules::Conntrack,
        _ => Rules::None,
    }
}

/// Programs of this type have rules of their own.
pub(super) fn has_rules(program: &Program<'_>) -> bool {
    rules(program) != Rules::None
}

/// A store to a structure of the kernel is one that is allowed.
pub(super) fn check(cx: &Cx<'_>, id: TypeId, offset: i32, size: u32) -> Check {
    let btf = cx.program.kernel;
    let name = btf.get(id).map_or("", |ty| ty.name());
    let end = i64::from(offset) + i64::from(size);
    match rules(cx.program) {
        Rules::None => reject!(EACCES, "only read is supported"),
        Rules::Unknown => cx.unsupported("stores by operations of this kind"),
        Rules::Sched => {
            // `bpf_scx_btf_struct_access` of kernel/sched/ext.c, which says nothing.
            let mut fields = SCHED.iter().filter_map(|path| extent(btf, "task_struct", path));
            let inside = |(begin, last)| i64::from(offset) >= begin && end <= last;
            if name == "task_struct" && fields.any(inside) {
                return Ok(());
            }
            reject!(EACCES, "");
        }
        Rules::Queue => check_queue(btf, name, offset, size),
        Rules::Input => check_input(btf, name, offset, size),
        Rules::Congestion => {
            if name != "tcp_sock" {
                reject!(EACCES, "only read is supported");
            }
            let mut fields = CONGESTION.iter().filter_map(|(structure, path, inside)| {
                Some((extent(btf, structure, path)?, *inside))
            });
            let field = fields.find(|((begin, end), inside)| {
                i64::from(offset) == *begin || *inside && (*begin..*end).contains(&offset.into())
            });
            check_end(name, offset, size, field.map(|((_, end), _)| end))
        }
        Rules::Dummy => {
            if name != "bpf_dummy_ops_state" {
                reject!(EACCES, "only access to bpf_dummy_ops_state is supported");
            }
            let limit = btf.get(id).and_then(|ty| ty.size()).unwrap_or(0);
            if offset < 0 || end > i64::from(limit) {
                reject!(EACCES, "write access at off {offset} with size {size}");
            }
            Ok(())
        }
        Rules::Conntrack => {
            // Without the connection tracker in the kernel, nothing is said.
            if btf.find("_nf_conntrack_btf_struct_access", Kind::Func).is_none() {
                reject!(EACCES, "");
            }
            if name != "nf_conn" && name != "nf_conn___init" {
                reject!(EACCES, "only read is supported");
            }
            let field = extent(btf, "nf_conn", "mark");
            let field = field.filter(|(begin, _)| *begin == i64::from(offset));
            check_end("nf_conn", offset, size, field.map(|(_, end)| end))
        }
    }
}

/// Fields of queues and of packets in them (`bpf_qdisc_btf_struct_access` of net/sched/bpf_qdisc.c).
fn check_queue(btf: &Btf<'_>, name: &str, offset: i32, size: u32) -> Check {
    let at = i64::from(offset);
    let begins = |(begin, _): &(i64, i64)| *begin == at;
    let inside = |(begin, end): &(i64, i64)| (*begin..*end).contains(&at);
    let field = match name {
        "sk_buff" => {
            let private = extent(btf, "sk_buff", "cb").zip(extent(btf, "qdisc_skb_cb", "data"));
            let private = private.map(|((cb, _), (begin, end))| (cb + begin, cb + end));
            let time = extent(btf, "sk_buff", "tstamp").filter(begins);
            time.or(private.filter(inside))
        }
        "Qdisc" => {
            let one = |path| extent(btf, "Qdisc", path);
            let first = one("limit").filter(begins).or(one("q.qlen").filter(begins));
            first.or(one("qstats").filter(inside))
        }
        _ => reject!(EACCES, "only read is supported"),
    };
    check_end(name, offset, size, field.map(|(_, end)| end))
}

/// Fields of input devices, of which the last byte of texts stays (`hid_bpf_ops_btf_struct_access` of
/// drivers/hid/bpf/hid_bpf_struct_ops.c): the structure, the field, and whether it is a text.
const INPUT: [(&str, &str, bool); 5] = [
    ("hid_bpf_ctx", "retval", false),
    ("hid_device", "name", true),
    ("hid_device", "uniq", true),
    ("hid_device", "phys", true),
    ("hid_device", "quirks", false),
];

fn check_input(btf: &Btf<'_>, name: &str, offset: i32, size: u32) -> Check {
    let mut fields = INPUT.iter().filter(|(structure, ..)| *structure == name).peekable();
    if fields.peek().is_none() {
        reject!(EACCES, "write access to this struct is not supported");
    }
    let (at, end) = (i64::from(offset), i64::from(offset) + i64::from(size));
    let whole = btf.find(name, Kind::Struct).and_then(|ty| ty.size()).unwrap_or(0);
    if end > i64::from(whole) {
        reject!(EACCES, "write access for struct {name} at off {offset} with size {size}");
    }
    let may_write = fields.any(|(structure, path, is_text)| {
        let field = extent(btf, structure, path);
        field.is_some_and(|(begin, last)| at >= begin && end <= last - i64::from(*is_text))
    });
    if !may_write {
        reject!(
            EACCES,
            "write access at off {offset} with size {size} on read-only part of {name}"
        );
    }
    Ok(())
}

/// The first byte of a field, and the one behind its last.
fn extent(btf: &Btf<'_>, structure: &str, path: &str) -> Option<(i64, i64)> {
    let structure = btf.find(structure, Kind::Struct)?;
    let field = btf.field(structure.id(), path).ok()?;
    let begin = i64::try_from(field.bit_offset / 8).ok()?;
    let bits = i64::from(field.bitfield);
    let size = match bits {
        0 => i64::try_from(btf.size_of(field.ty).ok()?).ok()?,
        bits => (bits + 7) / 8,
    };
    Some((begin, begin + size))
}

fn check_end(name: &str, offset: i32, size: u32, field_end: Option<i64>) -> Check {
    let Some(field_end) = field_end else {
        reject!(EACCES, "no write support to {name} at off {offset}");
    };
    if i64::from(offset) + i64::from(size) > field_end {
        reject!(
            EACCES,
            "write access at off {offset} with size {size} beyond the member of {name} ended at {field_end}"
        );
    }
    Ok(())
}
