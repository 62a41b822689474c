//! What maps answer, in the order of their checks: one line for each operation on a map of two elements. The numbers are
//! those of Linux 6.18.

use bpf_object::Definition;
use btf::TypeId;

use super::special::Special;
use super::{Map, array, hash, lpm, map_type, queue, ring, storage, stream};
use crate::fault::Origin;
use crate::memory::{Lifetime, Memory};

/// One operation and what it answers.
enum Op {
    /// Key, flags, result.
    Update(u8, u64, i32),
    Delete(u8, i32),
    /// Whether the key is there.
    Lookup(u8, bool),
    /// Value, flags, result.
    Push(u8, u64, i32),
    /// Whether it is taken out, and the value or the errno.
    Take(bool, Result<u8, i32>),
}

use Op::{Delete, Lookup, Push, Take, Update};

fn definition(map_type: u32) -> Definition {
    Definition {
        map_type,
        key_size: if map_type == map_type::LPM_TRIE { 8 } else { 4 },
        value_size: 4,
        max_entries: 2,
        flags: 0,
        extra: 0,
        numa_node: 0,
        key_type: TypeId::VOID,
        value_type: TypeId::VOID,
    }
}

fn check(name: &str, memory: &mut Memory, map: &mut dyn Map, key: fn(u8) -> Vec<u8>, ops: &[Op]) {
    for (index, op) in ops.iter().enumerate() {
        let what = format!("{name}: operation {index}");
        match *op {
            Update(at, flags, expected) => {
                let result = map.update(memory, &key(at), &[at; 4], flags);
                assert_eq!(result, Ok(expected), "{what}");
            }
            Delete(at, expected) => {
                assert_eq!(map.delete(memory, &key(at)), Ok(expected), "{what}");
            }
            Lookup(at, expected) => {
                let found = map.lookup(memory, &key(at)).expect("does not fault");
                assert_eq!(found.is_some(), expected, "{what}");
            }
            Push(value, flags, expected) => {
                assert_eq!(map.push(&[value; 4], flags), expected, "{what}");
            }
            Take(removes, expected) => {
                let taken =
                    map.take(removes, &[0; 4]).map(|value| value.map_or(0, |value| value[0]));
                assert_eq!(taken, expected, "{what}");
            }
        }
    }
}

fn plain(key: u8) -> Vec<u8> {
    u32::from(key).to_le_bytes().to_vec()
}

#[test]
fn elements_of_maps_with_keys() {
    let mut memory = Memory::new(1 << 20);
    let hash = |kind| hash::Hash::new("m", &definition(kind), Special::default());
    let origin = Origin::MapValue("m".into());
    let values = memory.allocate(16, origin, true, Lifetime::Maps).expect("fits");
    let array = array::Array::new(&definition(map_type::ARRAY), values, Special::default());
    let table: [(&str, Box<dyn Map>, &[Op]); 5] = [
        (
            "array",
            Box::new(array),
            &[
                Lookup(1, true),
                Lookup(2, false),
                Update(1, 0, 0),
                Update(1, 2, 0),
                Update(1, 1, -17),
                Update(2, 1, -7),
                Update(2, 3, -22),
                Update(1, 4, -22),
                Update(1, 8, -22),
                Delete(1, -22),
            ],
        ),
        (
            "hash",
            Box::new(hash(map_type::HASH)),
            &[
                Lookup(1, false),
                Update(1, 2, -2),
                Update(1, 1, 0),
                Update(1, 1, -17),
                Update(1, 2, 0),
                Update(1, 3, -22),
                Update(1, 4, -22),
                Update(2, 0, 0),
                Update(3, 0, -7),
                Update(2, 0, 0),
                Delete(2, 0),
                Delete(2, -2),
                Update(3, 0, 0),
            ],
        ),
        (
            "percpu hash",
            Box::new(hash(map_type::PERCPU_HASH)),
            &[Update(1, 4, -22), Update(1, 2, -2), Update(1, 0, 0)],
        ),
        (
            "lru hash",
            Box::new(hash(map_type::LRU_HASH)),
            &[
                Update(1, 0, 0),
                Update(2, 0, 0),
                Lookup(1, true),
                Update(3, 0, 0),
                Lookup(2, false),
                Lookup(1, true),
                Update(1, 1, -17),
            ],
        ),
        (
            "ring buffer",
            Box::new(ring::Ring::new("m", &definition(map_type::RINGBUF))),
            &[Update(1, 0, -524), Delete(1, -524), Push(1, 0, -95)],
        ),
    ];
    for (name, mut map, ops) in table {
        check(name, &mut memory, &mut *map, plain, ops);
    }
    let mut events = stream::Events::new(&definition(map_type::PERF_EVENT_ARRAY));
    check(
        "perf events",
        &mut memory,
        &mut events,
        plain,
        &[Update(2, 0, -7), Update(1, 0, 0), Delete(0, -2), Delete(1, 0), Delete(1, -2)],
    );
}

#[test]
fn prefixes() {
    let mut memory = Memory::new(1 << 20);
    let mut trie = lpm::Lpm::new("m", &definition(map_type::LPM_TRIE));
    // The key is the length of the prefix; the bits behind it are ones.
    let key = |bits: u8| [u32::from(bits).to_le_bytes(), [0xff; 4]].concat();
    check(
        "trie",
        &mut memory,
        &mut trie,
        key,
        &[
            Lookup(32, false),
            Update(8, 2, -2),
            Update(33, 0, -22),
            Update(8, 3, -22),
            Update(8, 1, 0),
            Update(8, 1, -17),
            Update(8, 2, 0),
            Lookup(32, true),
            Lookup(8, true),
            Lookup(7, false),
            Lookup(33, false),
            Update(16, 0, 0),
            Update(24, 0, -28),
            Update(16, 0, 0),
            Delete(24, -2),
            Delete(33, -22),
            Delete(16, 0),
        ],
    );
}

#[test]
fn values_of_maps_without_keys() {
    let mut memory = Memory::new(1 << 20);
    let make = |kind, order| queue::Queue::new(&definition(kind), order);
    let full = [Push(1, 1, -22), Push(1, 0, 0), Push(2, 0, 0), Push(3, 0, -7), Push(3, 2, 0)];
    let mut queue = make(map_type::QUEUE, queue::Order::Queue);
    check("queue", &mut memory, &mut queue, plain, &full);
    check(
        "queue",
        &mut memory,
        &mut queue,
        plain,
        &[
            Take(false, Ok(2)),
            Take(true, Ok(2)),
            Take(true, Ok(3)),
            Take(true, Err(-2)),
            Take(false, Err(-2)),
            Delete(0, -22),
        ],
    );
    let mut stack = make(map_type::STACK, queue::Order::Stack);
    check("stack", &mut memory, &mut stack, plain, &full);
    check("stack", &mut memory, &mut stack, plain, &[Take(false, Ok(3)), Take(true, Ok(3))]);
    let mut bloom = make(map_type::BLOOM_FILTER, queue::Order::Bloom);
    check(
        "bloom filter",
        &mut memory,
        &mut bloom,
        plain,
        &[
            Take(false, Err(-2)),
            Push(0, 2, -22),
            Push(0, 0, 0),
            Take(false, Ok(0)),
            Take(true, Err(-95)),
        ],
    );
}

#[test]
fn storage_belongs_to_addresses() {
    let mut memory = Memory::new(1 << 20);
    let mut storage = storage::Storage::new("m", &definition(map_type::TASK_STORAGE));
    let key = |owner: u8| u64::from(owner).to_le_bytes().to_vec();
    let ops = [Lookup(1, false), Update(1, 0, 0), Lookup(1, true), Delete(1, 0), Delete(1, -2)];
    check("storage", &mut memory, &mut storage, key, &ops);
    // User space has no addresses.
    check("storage", &mut memory, &mut storage, plain, &[Update(1, 0, -9)]);
}

#[test]
fn samples_end_when_nothing_fits_any_more() {
    let mut events = stream::Events::new(&definition(map_type::PERF_EVENT_ARRAY));
    assert_eq!(events.output(vec![0; 64 * 4096]), -28);
    assert_eq!(events.output(vec![0; 64 * 4096 - 12]), 0);
    assert_eq!(events.output(Vec::new()), -28);
}

#[test]
fn the_table_of_kinds_says_what_can_be_made() {
    let program = kernel_model::program_type("xdp").expect("is a type");
    let image = crate::Image::of_instructions(program, &[], &[]);
    let bytes = include_bytes!("../../tests/programs/kept.bpf.o");
    let object = bpf_object::Object::parse(bytes).expect("is well-formed");
    let mut map = object.maps.first().expect("there is one").clone();
    for kind in kernel_model::map_types() {
        map.definition = Definition { max_entries: 4096, ..definition(kind.id) };
        let mut memory = Memory::new(64 << 20);
        let value = super::direct_value(&map, &mut memory).expect("fits");
        let made = super::make(&image, &map, value, &mut memory).expect("fits");
        // Program arrays are not looked into by programs.
        let is_modelled = made.is_ok() || kind.id == map_type::PROG_ARRAY;
        assert_eq!(super::modelled_map(kind.id).is_some(), is_modelled, "{}", kind.name);
    }
}
