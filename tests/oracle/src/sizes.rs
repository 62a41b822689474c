//! Sizes of maps that the loaders of objects from elsewhere set before they load.

use bpf_object::Linked;

/// `BPF_MAP_TYPE_STACK_TRACE`.
const STACK_TRACE: u32 = 7;

/// Bytes of 127 frames, the most that `perf_event_max_stack` allows unless it is set.
const STACK_TRACE_VALUE: u32 = 127 * 8;

/// `BPF_MAP_TYPE_*` that have a number of entries: hash, array, program array, their variants, stack traces, and maps
/// of maps, devices, sockets and processors.
const SIZED: [u32; 20] = [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 23];

/// Sets sizes that are left open. The verdict is that of the kernel for these, so both sides need the same.
pub fn set(linked: &mut Linked<'_>) {
    for map in &mut linked.maps {
        let definition = &mut map.definition;
        if definition.map_type == STACK_TRACE && definition.value_size == 0 {
            definition.value_size = STACK_TRACE_VALUE;
        }
        if definition.max_entries == 0 && SIZED.contains(&definition.map_type) {
            definition.max_entries = 1;
        }
    }
}
