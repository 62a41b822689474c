/* Map definitions of every form. */
#include "common.h"

struct value {
	u32 lock;
	u64 counter;
};

struct bpf_spin_lock { u32 val; };
struct bpf_timer { u64 opaque[2]; } __attribute__((aligned(8)));
struct task_like;
#define __kptr __attribute__((btf_type_tag("kptr")))

struct special {
	struct bpf_spin_lock lock;
	struct bpf_timer timer;
	struct task_like __kptr *task;
	u32 data[4];
};

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 128);
	__type(key, u32);
	__type(value, struct value);
	__uint(map_flags, 1);
	__uint(numa_node, 3);
	__uint(pinning, 1);
} plain SEC(".maps");

struct {
	__uint(type, MAP_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 24);
	__uint(max_entries, 2);
} sizes SEC(".maps");

struct {
	__uint(type, MAP_BLOOM_FILTER);
	__uint(value_size, 8);
	__uint(max_entries, 100);
	__uint(map_extra, 5);
} bloom SEC(".maps");

struct {
	__uint(type, MAP_RINGBUF);
	__uint(max_entries, 5000);
} ring SEC(".maps");

struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct special);
} special SEC(".maps");

struct inner_map {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
	__uint(type, MAP_ARRAY_OF_MAPS);
	__uint(max_entries, 5);
	__type(key, u32);
	__array(values, struct inner_map);
} outer_array SEC(".maps") = {
	.values = { [1] = &inner_a, [3] = &inner_b },
};

struct {
	__uint(type, MAP_HASH_OF_MAPS);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__array(values, struct {
		__uint(type, MAP_LRU_HASH);
		__uint(max_entries, 16);
		__type(key, u64);
		__type(value, struct value);
	});
} outer_hash SEC(".maps");

int tail_a(void *ctx);
int tail_b(void *ctx);

struct {
	__uint(type, MAP_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int(void *));
} tails SEC(".maps") = {
	.values = { [0] = (void *)&tail_a, [2] = (void *)&tail_b },
};

SEC("socket")
int tail_a(void *ctx) { return 1; }

SEC("socket")
int tail_b(void *ctx) { return 2; }

SEC("socket")
int uses_maps(void *ctx)
{
	u32 key = 1;
	u64 wide = 2;
	struct value *value = bpf_map_lookup_elem(&plain, &key);
	void *inner = bpf_map_lookup_elem(&outer_array, &key);

	if (value)
		__sync_fetch_and_add(&value->counter, 1);
	if (inner)
		bpf_map_update_elem(inner, &key, &wide, 0);
	bpf_map_lookup_elem(&sizes, &key);
	bpf_map_lookup_elem(&special, &key);
	bpf_map_lookup_elem(&outer_hash, &key);
	bpf_map_lookup_elem(&bloom, &wide);
	bpf_tail_call(ctx, &tails, 2);
	return (long)&ring;
}
