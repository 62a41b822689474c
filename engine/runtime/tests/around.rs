//! What is around programs: pages of an arena, sockets of queues, user space, the task, devices. The programs are in
//! `programs/around.bpf.c`, check their own steps and return the first one that went wrong.

mod common;

use bpf_object::Linked;
use runtime::{EventAccess, FaultKind, Input, Machine, Outcome, PacketInput, Socket, Target, Task};

const OBJECT: &[u8] = include_bytes!("programs/around.bpf.o");

/// Calls `test` with a machine for a program.
fn with<T>(program: &str, test: impl FnOnce(&mut Machine<'_>, &Linked<'_>) -> T) -> T {
    common::with(OBJECT, program, test)
}

fn run(program: &str, input: &Input) -> Outcome {
    with(program, |machine, _| machine.run(input))
}

fn task() -> Task {
    Task { pid: 8, tgid: 7, uid: 1, gid: 2, comm: "sh".to_owned(), cgroup: 42, namespace: None }
}

fn words(words: &[i64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn pages_of_an_arena_come_and_go() {
    with("arena_pages", |machine, linked| {
        let arena = linked.maps.iter().position(|map| map.name == "pages").expect("is there");
        for _ in 0..2 {
            let outcome = machine.run(&Input::default());
            assert_eq!((outcome.fault, outcome.retval), (None, 0));
            let pages = machine.map_entries(arena).expect("is modelled");
            let numbers: Vec<u8> = pages.iter().map(|(number, _)| number[0]).collect();
            assert_eq!(numbers, [1, 2, 3, 4]);
            assert!(pages.iter().all(|(_, page)| page.len() == 4096));
            machine.reset();
            assert_eq!(machine.map_entries(arena), Some(Vec::new()));
        }
    });
}

#[test]
fn a_packet_goes_to_the_socket_of_a_queue() {
    with("to_a_queue", |machine, linked| {
        let packet = PacketInput { bytes: vec![0; 64], ..PacketInput::default() };
        let input = Input { packet: Some(packet), ..Input::default() };
        assert_eq!(machine.run(&input).retval, 20);
        let sockets = linked.maps.iter().position(|map| map.name == "sockets").expect("is there");
        machine.set_map_entry(sockets, &[1, 0, 0, 0], &[3, 0, 0, 0]).expect("is taken");
        assert_eq!(machine.set_map_entry(sockets, &[4, 0, 0, 0], &[3, 0, 0, 0]), Err(-7));
        let outcome = machine.run(&input);
        assert_eq!((outcome.fault, outcome.retval), (None, 4));
        let sent = outcome.events.iter().map(|event| event.result).collect::<Vec<_>>();
        assert_eq!(sent, [EventAccess::Sent(3)]);
    });
}

#[test]
fn user_space_is_what_is_given() {
    let context = words(&[0x1_0000, 0]);
    let user = vec![(0x1_0000, b"hello\0".to_vec())];
    let outcome =
        run("text_of_user_space", &Input { context: context.clone(), user, ..Input::default() });
    assert_eq!((outcome.fault, outcome.retval), (None, 0));
    let unknown = run("text_of_user_space", &Input { context, ..Input::default() });
    let fault = unknown.fault.expect("is not known");
    assert_eq!(fault.kind, FaultKind::NotModelled("memory of user space".to_owned()));
}

#[test]
fn a_task_is_what_is_given() {
    let outcome = run("task_around", &Input { task: task(), ..Input::default() });
    assert_eq!((outcome.fault, outcome.retval), (None, 0));
    let signals: Vec<_> =
        outcome.events.iter().filter(|event| event.target == Target::Task).collect();
    assert_eq!(signals.len(), 1);
    assert_eq!(signals[0].result, EventAccess::Sent(9));
}

#[test]
fn there_is_the_loopback_device() {
    let packet = PacketInput { bytes: vec![0; 64], ..PacketInput::default() };
    let input = Input { packet: Some(packet), task: task(), ..Input::default() };
    let outcome = run("mtu_of_devices", &input);
    assert_eq!((outcome.fault, outcome.retval), (None, 0));
}

#[test]
fn arguments_are_those_of_the_context() {
    let context = words(&[10, 20, 30, -111]);
    let outcome = run("arguments", &Input { context, ..Input::default() });
    assert_eq!((outcome.fault, outcome.retval), (None, 0));
    let context = words(&[10, 20, 30]);
    let outcome = run("arguments_at_entry", &Input { context, ..Input::default() });
    assert_eq!((outcome.fault, outcome.retval), (None, 0));
    let unknown = run("arguments", &Input::default()).fault.expect("is not known");
    assert!(matches!(unknown.kind, FaultKind::NotModelled(_)), "{unknown}");
}

#[test]
fn control_groups_are_those_of_the_map() {
    with("under_a_group", |machine, linked| {
        let groups = linked.maps.iter().position(|map| map.name == "groups").expect("is there");
        machine.set_map_entry(groups, &[0; 4], &[42, 0, 0, 0]).expect("is taken");
        machine.set_map_entry(groups, &[1, 0, 0, 0], &[43, 0, 0, 0]).expect("is taken");
        let outcome = machine.run(&Input { task: task(), ..Input::default() });
        assert_eq!((outcome.fault, outcome.retval), (None, 0));
    });
}

#[test]
fn sockets_are_of_kinds() {
    let listening = Socket {
        protocol: 6,
        local: ([0; 4].into(), 80),
        remote: None,
        state: 10,
        ..Socket::default()
    };
    let connected = Socket {
        local: ([10, 0, 0, 2].into(), 80),
        remote: Some(([10, 0, 0, 1].into(), 1000)),
        state: 1,
        ..listening.clone()
    };
    let packet = PacketInput { bytes: vec![0; 64], ..PacketInput::default() };
    let sockets = vec![listening, connected];
    let input = Input { packet: Some(packet), sockets, ..Input::default() };
    let outcome = run("kinds_of_sockets", &input);
    assert_eq!((outcome.fault, outcome.retval), (None, 0));
}
