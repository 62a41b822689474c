//! What programs keep in maps and do later. The programs are in `programs/kept.bpf.c`, check their own steps and return the
//! first one that went wrong; the expectations there are those of Linux 6.18.

mod common;

use bpf_object::Linked;
use runtime::{FaultKind, Input, Machine, Outcome, PacketInput};

const OBJECT: &[u8] = include_bytes!("programs/kept.bpf.o");

/// Calls `test` with a machine for a program.
fn with<T>(program: &str, test: impl FnOnce(&mut Machine<'_>, &Linked<'_>) -> T) -> T {
    common::with(OBJECT, program, test)
}

fn run(machine: &mut Machine<'_>) -> Outcome {
    let packet = PacketInput { bytes: (0..64).collect(), ..PacketInput::default() };
    machine.run(&Input { packet: Some(packet), now: 500, ..Input::default() })
}

fn map(linked: &Linked<'_>, name: &str) -> usize {
    linked.maps.iter().position(|map| map.name == name).expect("is there")
}

/// The fields of an element that user space sees: `item` and `count`.
fn element(machine: &Machine<'_>, map: usize, index: usize) -> [u64; 2] {
    let entries = machine.map_entries(map).expect("is modelled");
    let (words, _) = entries[index].1.as_chunks::<8>();
    [words[words.len() - 2], words[words.len() - 1]].map(u64::from_le_bytes)
}

#[test]
fn every_step_goes_right() {
    // The second run finds what the first one has left, the third one finds nothing.
    for program in [
        "list_keeps_its_order",
        "tree_is_in_order",
        "node_is_in_one_place",
        "pointer_stays_over_an_update",
        "storage_of_the_task",
        "processors",
    ] {
        with(program, |machine, _| {
            for again in [false, false, true] {
                if again {
                    machine.reset();
                }
                let outcome = run(machine);
                assert_eq!((outcome.fault, outcome.retval), (None, 0), "{program}");
            }
        });
    }
}

#[test]
fn an_object_ends_when_it_is_dropped() {
    let fault = with("use_after_drop", |machine, _| run(machine)).fault.expect("is a fault");
    assert!(matches!(fault.kind, FaultKind::Dead { .. }), "{fault}");
    assert!(fault.to_string().contains("ended by bpf_obj_drop_impl"), "{fault}");
    assert!(fault.to_string().contains("struct plain from bpf_obj_new_impl at line"), "{fault}");
}

#[test]
fn user_space_does_not_see_pointers() {
    with("pointer_stays_over_an_update", |machine, linked| {
        run(machine);
        assert_eq!(element(machine, map(linked, "elements"), 0), [0, 9]);
        assert_eq!(element(machine, map(linked, "by_key"), 0), [0, 10]);
    });
}

#[test]
fn timers_and_work_come_after_the_run() {
    with("timer_and_work", |machine, linked| {
        let elements = map(linked, "elements");
        let outcome = run(machine);
        assert_eq!((outcome.fault, outcome.retval), (None, 0));
        assert_eq!(element(machine, elements, 1), [0, 0]);
        // The work is first, and only once; the timer starts itself again until the number is large enough.
        for count in [5, 52, 522] {
            assert_eq!(machine.run_deferred(1).calls, 1);
            assert_eq!(element(machine, elements, 1), [0, count]);
        }
        assert_eq!(machine.run_deferred(9).calls, 0);
        machine.reset();
        assert_eq!(machine.run_deferred(9).calls, 0);
        assert_eq!(run(machine).retval, 0);
        assert_eq!(machine.run_deferred(9).calls, 3);
    });
}

#[test]
fn samples_are_preset_and_kept() {
    with("samples_both_ways", |machine, linked| {
        let (from_user, samples) = (map(linked, "from_user"), map(linked, "samples"));
        for value in [2_u32, 3, 1] {
            assert!(machine.put_sample(from_user, &value.to_le_bytes()));
        }
        assert!(!machine.put_sample(samples, &[0]));
        machine.set_map_entry(samples, &[0; 4], &[0; 4]).expect("is an event");
        machine.keep_maps();
        for _ in 0..2 {
            let outcome = run(machine);
            assert_eq!((outcome.fault, outcome.retval), (None, 0));
            // The sum, and the first two bytes of the packet.
            assert_eq!(machine.map_records(samples), [(true, vec![6, 0, 0, 0, 0, 1])]);
            machine.reset();
            assert_eq!(machine.map_records(samples), []);
        }
    });
}
