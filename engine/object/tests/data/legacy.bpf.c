/* Maps as before BTF. */
#include "common.h"

struct bpf_map_def {
	u32 type, key_size, value_size, max_entries, map_flags;
};

struct bpf_map_def SEC("maps") old_hash = { MAP_HASH, 4, 8, 16, 1 };
struct bpf_map_def SEC("maps") old_array = { MAP_ARRAY, 4, 64, 2, 0 };

SEC("socket")
int uses_old(void *ctx)
{
	u32 key = 0;

	bpf_map_lookup_elem(&old_hash, &key);
	return bpf_map_lookup_elem(&old_array, &key) != 0;
}
