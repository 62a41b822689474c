//! Compares the rows with what a running kernel answered when small programs were loaded.

use std::collections::BTreeSet;

use kernel_model::{
    Access, AttachType, FieldValue, Function, ProgramType, context_layout, functions, kfunc,
    kfuncs, program_type,
};

/// `xdp` or `tracing/trace_iter`.
fn program(text: &str) -> (&'static ProgramType, Option<AttachType>) {
    let (name, attach) = match text.split_once('/') {
        Some((name, attach)) => (name, Some(attach)),
        None => (text, None),
    };
    let attach = attach.map(|name| AttachType::from_name(name).expect("an attach type"));
    (program_type(name).expect("a program type"), attach)
}

/// The lines `WORDS : REST` of a recording.
fn lines(text: &str) -> impl Iterator<Item = (Vec<&str>, &str)> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (words, rest) = line.split_once(" : ").unwrap_or((line.trim_end_matches(" :"), ""));
        (words.split_whitespace().collect(), rest)
    })
}

#[test]
fn programs_may_call_the_recorded_helpers() {
    // Compiled in for error injection, or refused by a lockdown: absent from the kernel that was asked.
    const ABSENT: [&str; 2] = ["bpf_probe_write_user", "bpf_override_return"];
    let mut count = 0;
    for (programs, rest) in lines(include_str!("recorded/helpers.txt")) {
        let mut recorded = BTreeSet::new();
        for range in rest.split_whitespace() {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            let number = |text: &str| text.parse::<u32>().expect("a number");
            recorded.extend(number(from)..=number(to));
        }
        for text in programs {
            let (program, attach) = program(text);
            let allowed = |row: &&Function| {
                let protos: Vec<_> =
                    row.protos.iter().filter(|proto| proto.is_for(program, attach)).collect();
                let open = protos.iter().filter(|proto| {
                    let hooks = proto.hooks;
                    hooks.is_empty() || hooks.contains(&"tcp_congestion_ops")
                });
                let open = open.count();
                assert!(open <= 1, "{}: {text} gets two prototypes", row.name);
                open == 1
            };
            let model: BTreeSet<_> = functions()
                .filter(|row| !ABSENT.contains(&row.name))
                .filter(allowed)
                .filter_map(Function::helper_id)
                .collect();
            assert_eq!(model, recorded, "helpers of {text}");
            count += 1;
        }
    }
    assert!(count > 50, "{count} kinds of programs were compared");
}

#[test]
fn programs_may_call_the_recorded_kfuncs() {
    let mut programs = Vec::new();
    let mut count = 0;
    for (names, rest) in lines(include_str!("recorded/kfuncs.txt")) {
        let recorded: BTreeSet<_> = rest.split_whitespace().collect();
        if names == ["programs"] {
            programs.extend(recorded);
            continue;
        }
        for name in names {
            let (_, row) = kfunc(name).unwrap_or_else(|| panic!("{name} has no row"));
            let model: BTreeSet<_> = programs
                .iter()
                .copied()
                .filter(|text| {
                    let (program, attach) = program(text);
                    row.is_for(program, attach)
                })
                .collect();
            assert_eq!(model, recorded, "programs that may call {name}");
            count += 1;
        }
    }
    assert_eq!(count, 200, "all but the three for XDP metadata");
    assert_eq!(kfuncs().filter(|(_, row)| row.in_snapshot).count(), 203);
}

/// What a recorded load gave.
fn value(name: &str) -> FieldValue {
    match name {
        "" => FieldValue::Scalar,
        "packet" => FieldValue::Packet,
        "packet_end" => FieldValue::PacketEnd,
        "packet_meta" => FieldValue::PacketMeta,
        "sock" => FieldValue::Sock,
        "sock_or_null" => FieldValue::SockOrNull,
        "sock_common_or_null" => FieldValue::SockCommonOrNull,
        "flow_keys" => FieldValue::FlowKeys,
        "tp_buffer" => FieldValue::TpBuffer,
        "sk_buff" => FieldValue::Trusted("sk_buff"),
        "nf_hook_state" => FieldValue::Trusted("nf_hook_state"),
        other => panic!("`{other}` is no value of a field"),
    }
}

/// Offset, size and value of every access in a recorded list.
fn accesses(text: &str) -> BTreeSet<(i64, u32, &str)> {
    let mut all = BTreeSet::new();
    for item in text.split_whitespace() {
        let (item, what) = item.split_once('=').unwrap_or((item, ""));
        let (offset, sizes) = item.split_once(':').expect("an offset and sizes");
        for size in sizes.chars() {
            let size = size.to_digit(10).expect("a size");
            all.insert((offset.parse().expect("an offset"), size, what));
        }
    }
    all
}

#[test]
fn contexts_are_accessed_as_recorded() {
    let mut count = 0;
    for (programs, rest) in lines(include_str!("recorded/contexts.txt")) {
        let (loads, stores) = rest.split_once('|').expect("loads and stores");
        let (loads, stores) = (accesses(loads), accesses(stores));
        for text in programs {
            let (program, attach) = program(text);
            let layout = context_layout(program, attach).expect("a layout");
            for offset in 0..264 {
                for size in [1, 2, 4, 8] {
                    let place = format!("{text}: {size} bytes at {offset}");
                    let recorded = loads.iter().find(|load| (load.0, load.1) == (offset, size));
                    let model = layout.access(offset, size, Access::Read);
                    let expected = recorded.map(|(_, _, what)| value(what));
                    assert_eq!(model.map(|region| region.value), expected, "load, {place}");
                    let model = layout.access(offset, size, Access::Write).is_some();
                    assert_eq!(model, stores.contains(&(offset, size, "")), "store, {place}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 40_000, "{count} accesses were compared");
}
