//! Names of what programs return.

use kernel_model::ProgramType;

use crate::spelling;

/// Prefixes of the names, with the program types that return them.
const FAMILIES: [(&str, &[&str]); 7] = [
    ("XDP_", &["xdp"]),
    ("TC_ACT_", &["sched_cls", "sched_act"]),
    ("NF_", &["netfilter"]),
    ("SK_", &["sk_skb", "sk_msg", "sk_lookup", "sk_reuseport"]),
    ("BPF_OK", &["lwt_in", "lwt_out", "lwt_xmit", "lwt_seg6local", "flow_dissector"]),
    ("BPF_DROP", &["lwt_in", "lwt_out", "lwt_xmit", "lwt_seg6local", "flow_dissector"]),
    ("BPF_REDIRECT", &["lwt_xmit"]),
];

/// What belongs to these families.
const NAMES: [&str; 30] = [
    "XDP_ABORTED",
    "XDP_DROP",
    "XDP_PASS",
    "XDP_TX",
    "XDP_REDIRECT",
    "TC_ACT_UNSPEC",
    "TC_ACT_OK",
    "TC_ACT_RECLASSIFY",
    "TC_ACT_SHOT",
    "TC_ACT_PIPE",
    "TC_ACT_STOLEN",
    "TC_ACT_QUEUED",
    "TC_ACT_REPEAT",
    "TC_ACT_REDIRECT",
    "TC_ACT_TRAP",
    "NF_DROP",
    "NF_ACCEPT",
    "NF_STOLEN",
    "NF_QUEUE",
    "NF_REPEAT",
    "SK_DROP",
    "SK_PASS",
    "BPF_OK",
    "BPF_DROP",
    "BPF_REDIRECT",
    "BPF_LWT_REROUTE",
    "BPF_FLOW_DISSECTOR_CONTINUE",
    "-EPERM",
    "-EACCES",
    "-EINVAL",
];

/// `enum tcx_action_base`, whose numbers are those of `TC_ACT_*`.
const TCX: [(&str, i64); 4] =
    [("TCX_NEXT", -1), ("TCX_PASS", 0), ("TCX_DROP", 2), ("TCX_REDIRECT", 7)];

/// Numbers of errors (`asm-generic/errno-base.h` and `errno.h`).
const ERRNOS: [(&str, i64); 21] = [
    ("EPERM", 1),
    ("ENOENT", 2),
    ("ESRCH", 3),
    ("EINTR", 4),
    ("EIO", 5),
    ("E2BIG", 7),
    ("EBADF", 9),
    ("EAGAIN", 11),
    ("ENOMEM", 12),
    ("EACCES", 13),
    ("EFAULT", 14),
    ("EBUSY", 16),
    ("EEXIST", 17),
    ("ENODEV", 19),
    ("EINVAL", 22),
    ("ENOSPC", 28),
    ("ERANGE", 34),
    ("ENOSYS", 38),
    ("EPROTO", 71),
    ("EOPNOTSUPP", 95),
    ("ECONNREFUSED", 111),
];

/// The number that a name stands for: a constant of the kernel, or an error with a minus in front.
pub fn parse(name: &str) -> Option<i64> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    match name.strip_prefix('-') {
        Some(error) => ERRNOS.iter().find(|(known, _)| *known == error).map(|(_, value)| -value),
        None => {
            let tcx = TCX.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            tcx.or_else(|| kernel_model::constant(name))
        }
    }
}

/// The name that is most like one that is unknown.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    let lower: Vec<String> = NAMES.iter().map(|name| name.to_lowercase()).collect();
    let found = spelling::nearest(name, lower.iter().map(String::as_str))?;
    NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(found))
}

/// The name of a result of a program, if it has one.
pub fn name(program: &ProgramType, value: u32) -> Option<&'static str> {
    let wanted = i64::from(value.cast_signed());
    NAMES.into_iter().find(|name| {
        let family = FAMILIES.iter().find(|(prefix, _)| name.starts_with(prefix));
        family.is_some_and(|(_, programs)| programs.contains(&program.name))
            && kernel_model::constant(name) == Some(wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbers_and_back() {
        let program = |name| kernel_model::program_type(name).expect("is known");
        assert_eq!(name(program("xdp"), 1), Some("XDP_DROP"));
        assert_eq!(name(program("sched_cls"), u32::MAX), Some("TC_ACT_UNSPEC"));
        assert_eq!(name(program("kprobe"), 0), None);
        assert_eq!(parse("TC_ACT_SHOT"), Some(2));
        assert_eq!(parse("-EPERM"), Some(-1));
        assert_eq!(parse("-7"), Some(-7));
        assert_eq!(parse("TCX_NEXT"), Some(-1));
        assert_eq!(parse("XDP_DORP"), None);
        for one in NAMES {
            assert!(parse(one).is_some(), "{one}");
        }
        for (_, programs) in FAMILIES {
            for one in programs {
                assert!(kernel_model::program_type(one).is_some(), "{one}");
            }
        }
    }
}
