//! Contexts of hooks of sockets, control groups, iterators and events, and their helpers. The programs are in
//! `programs/hooks.bpf.c`, check their own steps and return the first one that went wrong, or keep it in `failed`.

mod common;

use std::net::SocketAddr;

use bpf_object::{Linked, vmlinux};
use btf::Kind;
use runtime::{
    Attached, Connection, EventAccess, Input, Machine, Outcome, PacketInput, Socket, Task,
};

const OBJECT: &[u8] = include_bytes!("programs/hooks.bpf.o");

/// Calls `test` with a machine for a program.
fn with<T>(program: &str, test: impl FnOnce(&mut Machine<'_>, &Linked<'_>) -> T) -> T {
    common::with(OBJECT, program, test)
}

/// Runs a program that returns `wanted`.
fn passes(program: &str, input: &Input, wanted: u64) -> Outcome {
    with(program, |machine, linked| passes_on(machine, linked, input, wanted))
}

fn passes_on(
    machine: &mut Machine<'_>,
    linked: &Linked<'_>,
    input: &Input,
    wanted: u64,
) -> Outcome {
    let outcome = machine.run(input);
    assert_eq!(outcome.fault, None);
    let failed = linked.maps.iter().position(|map| map.name == ".bss").expect("is there");
    let failed = machine.map_entries(failed).expect("is modelled");
    assert_eq!(failed[0].1[..4], [0; 4], "a step");
    assert_eq!(outcome.retval, wanted);
    outcome
}

/// The context of a program of a type, with these fields.
fn context(program_type: &str, fields: &[(&str, &[u8])]) -> Vec<u8> {
    let program_type = kernel_model::program_type(program_type).expect("is a type");
    let layout = kernel_model::context_layout(program_type, None).expect("has a layout");
    let record = layout.record.expect("has a structure");
    let mut bytes = vec![0; record.size as usize];
    for (name, value) in fields {
        let mut known = record.fields.iter();
        let field = known.find(|field| field.name == *name).expect("is a field");
        let at = field.offset as usize;
        bytes[at..at + value.len()].copy_from_slice(value);
    }
    bytes
}

fn word(value: u32) -> [u8; 4] {
    value.to_le_bytes()
}

fn attached(values: &[(&str, &[u8])]) -> Attached {
    let values = values.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()));
    Attached { values: values.collect(), ..Attached::default() }
}

fn number(value: u64) -> [u8; 8] {
    value.to_le_bytes()
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("is an address")
}

fn socket(protocol: u8, local: &str, remote: Option<&str>, state: u32) -> Socket {
    let pair = |text| {
        let address = address(text);
        (address.ip(), address.port())
    };
    Socket { protocol, local: pair(local), remote: remote.map(pair), state, ..Socket::default() }
}

#[test]
fn options_of_a_socket_are_set_before_it_connects() {
    let context = context(
        "cgroup_sock_addr",
        &[
            ("user_family", &word(2)),
            ("user_ip4", &[10, 0, 0, 2]),
            ("user_port", &[0, 80, 0, 0]),
            ("family", &word(2)),
            ("type", &word(1)),
            ("protocol", &word(6)),
        ],
    );
    let outcome = passes("connects", &Input { context, ..Input::default() }, 1);
    assert_eq!(outcome.context[24..28], [1, 187, 0, 0], "the port is another");
}

#[test]
fn callbacks_of_tcp_see_its_numbers_and_put_it_into_maps() {
    let context = context(
        "sock_ops",
        &[
            ("op", &word(4)),
            ("family", &word(2)),
            ("remote_ip4", &[10, 0, 0, 2]),
            ("local_ip4", &[10, 0, 0, 1]),
            ("remote_port", &[0, 0, 1, 187]),
            ("local_port", &word(1000)),
            ("is_fullsock", &word(1)),
            ("state", &word(1)),
            ("snd_cwnd", &word(10)),
            ("mss_cache", &word(1448)),
            ("bytes_acked", &number(1 << 33)),
        ],
    );
    let outcome = passes("calls_back", &Input { context, ..Input::default() }, 1);
    assert_eq!(outcome.context[4..8], word(5), "the reply");
}

/// A header of TCP with the SYN flag and these options.
fn header(options: &[u8]) -> Vec<u8> {
    let words = u8::try_from(5 + options.len() / 4).expect("is short");
    let mut bytes = vec![0x30, 0x39, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, words << 4, 2];
    bytes.resize(20, 0);
    bytes.extend_from_slice(options);
    bytes
}

#[test]
fn options_of_headers_are_found_written_and_reserved() {
    let ops = |op| context("sock_ops", &[("op", &word(op)), ("is_fullsock", &word(1))]);
    let written = Input {
        context: ops(15),
        attached: attached(&[("skb_data", &header(&[2, 4, 5, 0xb4]))]),
        ..Input::default()
    };
    let outcome = passes("writes_options", &written, 1);
    let (name, bytes) = &outcome.values[0];
    assert_eq!((name.as_str(), &bytes[24..]), ("skb_data", [253, 4, 0xab, 0xcd].as_slice()));
    let mut syn = vec![0x45; 20];
    syn.extend(header(&[4, 2, 1, 1]));
    let reserved = Input {
        context: ops(14),
        attached: attached(&[("remaining_opt_len", &number(12)), ("saved_syn", &syn)]),
        ..Input::default()
    };
    passes("reserves_options", &reserved, 1);
}

#[test]
fn a_message_is_pulled_pushed_and_popped() {
    let context = context("sk_msg", &[("remote_port", &[0, 0, 1, 187])]);
    let parts: [(&str, &[u8]); 3] = [("data", b"abcd"), ("data", b"efg"), ("data", b"hij")];
    let sockets = vec![socket(6, "10.0.0.1:80", Some("10.0.0.2:1000"), 1)];
    let input = Input { context, attached: attached(&parts), sockets, ..Input::default() };
    with("changes_message", |machine, linked| {
        let map = linked.maps.iter().position(|map| map.name == "by_index").expect("is there");
        machine.set_map_entry(map, &word(2), &number(1)).expect("is taken");
        assert_eq!(machine.set_map_entry(map, &word(1), &number(0)), Err(-9));
        let outcome = passes_on(machine, linked, &input, 1);
        assert_eq!(outcome.values, [("data".to_owned(), b"axj".to_vec())]);
        let sent = outcome.events.iter().filter(|event| event.result == EventAccess::Sent(1));
        assert_eq!(sent.count(), 1);
    });
}

#[test]
fn sockets_are_chosen_from_maps() {
    let sockets = vec![
        socket(6, "10.0.0.1:80", Some("10.0.0.2:1000"), 1),
        socket(6, "0.0.0.0:80", None, 10),
        socket(17, "0.0.0.0:53", None, 7),
    ];
    let fill = |machine: &mut Machine<'_>, linked: &Linked<'_>, name: &str, rows: &[(u32, u64)]| {
        let map = linked.maps.iter().position(|map| map.name == name).expect("is there");
        for (key, value) in rows {
            machine.set_map_entry(map, &word(*key), &number(*value)).expect("is taken");
        }
    };
    with("selects", |machine, linked| {
        fill(machine, linked, "group", &[(1, 3), (3, 2)]);
        let context = context("sk_reuseport", &[("ip_protocol", &word(17))]);
        let attached = attached(&[("data", &[0, 53, 0x30, 0x39, 0, 8, 0, 0])]);
        let input = Input { context, attached, sockets: sockets.clone(), ..Input::default() };
        let outcome = passes_on(machine, linked, &input, 1);
        assert_eq!(outcome.events[0].result, EventAccess::Sent(3));
    });
    with("dispatches", |machine, linked| {
        fill(machine, linked, "by_index", &[(0, 1), (1, 2)]);
        let fields: [(&str, &[u8]); 3] =
            [("family", &word(2)), ("protocol", &word(6)), ("local_port", &word(8080))];
        let context = context("sk_lookup", &fields);
        let input = Input { context, sockets: sockets.clone(), ..Input::default() };
        let outcome = passes_on(machine, linked, &input, 1);
        assert_eq!(outcome.events[0].result, EventAccess::Sent(2));
    });
}

#[test]
fn values_of_options_and_sysctls_are_changed() {
    let fields = context("cgroup_sockopt", &[("level", &word(6)), ("optname", &word(1))]);
    let given = attached(&[("optval", &[7, 0, 0, 0])]);
    let input = Input { context: fields, attached: given, ..Input::default() };
    let outcome = passes("sets_option", &input, 1);
    assert_eq!(outcome.values, [("optval".to_owned(), vec![9, 0, 0, 0])]);
    assert_eq!(outcome.context[32..36], word(1), "the length");
    let given = [("name", "net/ipv4/ttl"), ("current_value", "600\n"), ("new_value", "700\n")];
    let given = given.map(|(name, text)| (name, text.as_bytes()));
    let input = Input {
        context: context("cgroup_sysctl", &[("write", &word(1))]),
        attached: attached(&given),
        ..Input::default()
    };
    let outcome = passes("writes_sysctl", &input, 1);
    assert_eq!(outcome.values, [("new_value".to_owned(), b"800".to_vec())]);
}

#[test]
fn an_iterator_writes_what_it_is_given() {
    let types = vmlinux().expect("there are types");
    let ty = types.find("task_struct", Kind::Struct).expect("is there");
    let mut bytes = vec![0; ty.size().expect("is known") as usize];
    for (name, value) in [("pid", [9, 0, 0, 0]), ("comm", *b"sh\0\0")] {
        let field = types.field(ty.id(), name).expect("is a field");
        let at = usize::try_from(field.bit_offset / 8).expect("is small");
        bytes[at..at + 4].copy_from_slice(&value);
    }
    let task =
        runtime::Object { name: "struct task_struct".to_owned(), bytes, ..Default::default() };
    let attached = Attached { objects: vec![(8, task)], ..Attached::default() };
    let input = Input { context: vec![0; 16], attached, ..Input::default() };
    assert_eq!(passes("shows_tasks", &input, 0).sequence, b"9 sh\n");
    assert_eq!(passes("shows_tasks", &Input::default(), 0).sequence, b"end\n");
}

#[test]
fn paths_are_what_is_given() {
    let types = vmlinux().expect("there are types");
    let ty = types.find("file", Kind::Struct).expect("is there");
    let field = types.field(ty.id(), "f_path").expect("is a field");
    let at = u32::try_from(field.bit_offset / 8).expect("is small");
    let file = runtime::Object {
        name: "struct file".to_owned(),
        bytes: vec![0; ty.size().expect("is known") as usize],
        paths: vec![(at, "/etc/passwd".to_owned())],
        ..Default::default()
    };
    let attached = Attached { objects: vec![(0, file)], ..Attached::default() };
    passes("opens", &Input { context: vec![0; 8], attached, ..Input::default() }, 0);
    let unknown = with("opens", |machine, _| machine.run(&Input::default()).fault);
    assert!(unknown.is_some(), "without a file");
}

#[test]
fn samples_have_counters_and_cookies() {
    let fields: [(&str, &[u8]); 2] = [("sample_period", &number(100)), ("addr", &number(0x1000))];
    let values = [("counter", 5), ("enabled", 9), ("running", 8), ("attach_cookie", 77)];
    let values = values.map(|(name, value)| (name, number(value)));
    let values: Vec<(&str, &[u8])> =
        values.iter().map(|(name, value)| (*name, value.as_slice())).collect();
    let input = Input {
        context: context("perf_event", &fields),
        attached: attached(&values),
        ..Input::default()
    };
    passes("samples", &input, 0);
}

/// An Ethernet frame with headers of IPv4 and TCP.
fn frame() -> PacketInput {
    let mut bytes = vec![0; 12];
    bytes.extend([8, 0, 0x45, 0, 0, 44, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend(header(&[2, 4, 5, 0xb0]));
    PacketInput { bytes, ..PacketInput::default() }
}

#[test]
fn packets_have_a_socket_cookies_and_connections() {
    let input = Input { packet: Some(frame()), seed: 3, now: 90_000_000_000, ..Input::default() };
    passes("own_socket", &input, 0);
    passes("syn_cookies", &input, 0);
    let connection = Connection {
        source: address("10.0.0.1:1000"),
        destination: address("10.0.0.2:80"),
        ..Connection::default()
    };
    passes("beside_packet", &input, 0);
    passes("pushes_header", &input, 0);
    passes("tracked", &Input { connections: vec![connection], ..input }, 0);
}

#[test]
fn a_task_has_a_namespace_and_a_group() {
    let task = Task { pid: 8, tgid: 7, cgroup: 42, namespace: Some((4, 5)), ..Task::default() };
    passes("task_and_group", &Input { task, ..Input::default() }, 0);
}
