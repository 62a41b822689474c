//! Which kinds of maps are modelled, and how far, for people.

use super::map_type;

/// Kinds of maps, in the order of their numbers, each with what is particular about it here.
const MODELS: &[(u32, &str)] = &[
    (map_type::HASH, "elements are in the order of their keys"),
    (map_type::ARRAY, ""),
    (map_type::PROG_ARRAY, "what the object puts into it"),
    (map_type::PERF_EVENT_ARRAY, "samples are kept for elements that are set; 256 KiB of them"),
    (map_type::PERCPU_HASH, "one processor"),
    (map_type::PERCPU_ARRAY, "one processor"),
    (map_type::STACK_TRACE, "stacks hold what frames there are"),
    (map_type::CGROUP_ARRAY, "elements that are set: a value is the number of a control group"),
    (map_type::LRU_HASH, "the one used longest ago goes first"),
    (map_type::LRU_PERCPU_HASH, "one processor"),
    (map_type::LPM_TRIE, ""),
    (map_type::ARRAY_OF_MAPS, "what the object puts into it"),
    (map_type::HASH_OF_MAPS, "what the object puts into it"),
    (map_type::DEVMAP, "elements that are set; redirections are told with their interface"),
    (
        map_type::SOCKMAP,
        "elements that are set: a value is the number of a row of the sockets that are given",
    ),
    (map_type::CPUMAP, "elements that are set; redirections are told"),
    (map_type::XSKMAP, "elements that are set: a value is the queue of a socket"),
    (
        map_type::SOCKHASH,
        "elements that are set: a value is the number of a row of the sockets that are given",
    ),
    (map_type::CGROUP_STORAGE, "one control group"),
    (
        map_type::REUSEPORT_SOCKARRAY,
        "elements that are set: a value is the number of a row of the sockets that are given",
    ),
    (map_type::PERCPU_CGROUP_STORAGE, "one control group, one processor"),
    (map_type::QUEUE, ""),
    (map_type::STACK, ""),
    (map_type::SK_STORAGE, ""),
    (map_type::DEVMAP_HASH, "elements that are set; redirections are told with their interface"),
    (map_type::RINGBUF, "nobody reads: it fills up"),
    (map_type::INODE_STORAGE, ""),
    (map_type::TASK_STORAGE, ""),
    (map_type::BLOOM_FILTER, "exact, without false positives"),
    (map_type::USER_RINGBUF, "samples that are given beforehand"),
    (map_type::CGRP_STORAGE, ""),
    (map_type::ARENA, "4 MiB of pages at most can be had"),
];

/// What is particular about a kind of map in the model, by its number in `enum bpf_map_type`; `None` if it is not modelled.
pub fn modelled_map(number: u32) -> Option<&'static str> {
    MODELS.iter().find(|(known, _)| *known == number).map(|(_, how)| *how)
}
