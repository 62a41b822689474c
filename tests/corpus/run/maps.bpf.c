/* Maps as programs leave them. */
#include "corpus.h"

GPL;
MAP(HASH, by_protocol, u16, u64, 3);
MAP(ARRAY, array, u32, u32, 4);
MAP(PERCPU_ARRAY, per_cpu, u32, u64, 2);
MAP(PERCPU_HASH, per_cpu_hash, u32, u64, 2);
MAP(LRU_HASH, recent, u32, u32, 2);

struct prefix { u32 length; u8 address[4]; };
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 8);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, u32);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 2);
	__type(value, u32);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 2);
	__type(value, u32);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__type(value, u32);
} bloom SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u32);
} inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 3);
	__type(key, u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { &inner_a, &inner_b } };

struct guarded { struct bpf_spin_lock lock; u32 count; };
MAP(ARRAY, guardeds, u32, struct guarded, 1);
RINGBUF(ring, 4096);

long results[16];
u32 initialised = 7, visited;
const volatile u32 factor = 3;

SEC("tc") __accept
int counts_by_protocol(struct __sk_buff *skb)
{
	u16 key = skb->protocol;
	u64 *counter = bpf_map_lookup_elem(&by_protocol, &key), one = 1;

	if (counter)
		__sync_fetch_and_add(counter, skb->len);
	else
		return bpf_map_update_elem(&by_protocol, &key, &one, BPF_NOEXIST);
	return TC_ACT_OK;
}

SEC("tc") __accept
int errors_of_hash(struct __sk_buff *skb)
{
	u64 value = 1;
	u16 key = 1;

	results[0] = bpf_map_update_elem(&by_protocol, &key, &value, BPF_EXIST);
	results[1] = bpf_map_update_elem(&by_protocol, &key, &value, BPF_ANY);
	results[2] = bpf_map_update_elem(&by_protocol, &key, &value, BPF_NOEXIST);
	results[3] = bpf_map_update_elem(&by_protocol, &key, &value, 77);
	key = 2;
	results[4] = bpf_map_delete_elem(&by_protocol, &key);
	results[5] = bpf_map_update_elem(&by_protocol, &key, &value, BPF_ANY);
	key = 3;
	results[6] = bpf_map_update_elem(&by_protocol, &key, &value, BPF_ANY);
	key = 4;
	results[7] = bpf_map_update_elem(&by_protocol, &key, &value, BPF_ANY);
	key = 1;
	results[8] = bpf_map_delete_elem(&by_protocol, &key);
	results[9] = bpf_map_lookup_elem(&by_protocol, &key) ? 1 : 0;
	return TC_ACT_OK;
}

SEC("tc") __accept
int errors_of_array(struct __sk_buff *skb)
{
	u32 key = 3, value = 9;

	results[0] = bpf_map_update_elem(&array, &key, &value, BPF_ANY);
	results[1] = bpf_map_update_elem(&array, &key, &value, BPF_NOEXIST);
	results[2] = bpf_map_delete_elem(&array, &key);
	key = 4;
	results[3] = bpf_map_update_elem(&array, &key, &value, BPF_ANY);
	results[4] = bpf_map_lookup_elem(&array, &key) ? 1 : 0;
	return TC_ACT_OK;
}

SEC("tc") __accept
int values_per_cpu(struct __sk_buff *skb)
{
	u32 key = 1;
	u64 *value = bpf_map_lookup_elem(&per_cpu, &key), first = 5;

	if (value)
		*value += 10;
	bpf_map_update_elem(&per_cpu_hash, &key, &first, BPF_ANY);
	value = bpf_map_lookup_elem(&per_cpu_hash, &key);
	if (value)
		*value += 1;
	return TC_ACT_OK;
}

SEC("tc") __accept
int longest_prefix(struct __sk_buff *skb)
{
	struct prefix key = { 32, { 192, 0, 2, 1 } };
	u32 *value = bpf_map_lookup_elem(&routes, &key);

	results[0] = value ? *value : -1;
	key.address[2] = 3;
	value = bpf_map_lookup_elem(&routes, &key);
	results[1] = value ? *value : -1;
	key.address[0] = 10;
	value = bpf_map_lookup_elem(&routes, &key);
	results[2] = value ? *value : -1;
	return TC_ACT_OK;
}

SEC("tc") __accept
int queue_and_stack(struct __sk_buff *skb)
{
	u32 value = 0;

	for (u32 i = 1; i <= 3; i++) {
		u32 pushed = i;

		results[i] = bpf_map_push_elem(&queue, &pushed, 0);
		results[i + 3] = bpf_map_push_elem(&stack, &pushed, BPF_EXIST);
	}
	results[7] = bpf_map_pop_elem(&queue, &value);
	results[8] = value;
	results[9] = bpf_map_peek_elem(&queue, &value);
	results[10] = value;
	results[11] = bpf_map_pop_elem(&stack, &value);
	results[12] = value;
	bpf_map_pop_elem(&queue, &value);
	results[13] = bpf_map_pop_elem(&queue, &value);
	results[14] = value;
	return TC_ACT_OK;
}

SEC("tc") __accept
int bloom_filter(struct __sk_buff *skb)
{
	u32 value = 5;

	results[0] = bpf_map_push_elem(&bloom, &value, 0);
	results[1] = bpf_map_peek_elem(&bloom, &value);
	return TC_ACT_OK;
}

SEC("tc") __accept
int map_in_map(struct __sk_buff *skb)
{
	u32 key = 1, value = 77;
	void *map = bpf_map_lookup_elem(&outer, &key);

	if (!map)
		return TC_ACT_SHOT;
	results[0] = bpf_map_update_elem(map, &key, &value, 0);
	key = 2;
	results[1] = bpf_map_lookup_elem(&outer, &key) ? 1 : 0;
	key = 1;
	map = bpf_map_lookup_elem(&inner_b, &key);
	results[2] = map ? *(u32 *)map : -1;
	return TC_ACT_OK;
}

static long adds(void *map, u32 *key, u32 *value, u32 *limit)
{
	visited += *key * 100 + *value;
	return *key == *limit;
}

SEC("tc") __accept
int each_element(struct __sk_buff *skb)
{
	u32 limit = skb->mark;

	results[0] = bpf_for_each_map_elem(&array, adds, &limit, 0);
	return TC_ACT_OK;
}

SEC("tc") __accept
int variables(struct __sk_buff *skb)
{
	initialised *= factor;
	visited = initialised + factor;
	return visited;
}

SEC("tc") __accept
int counts_under_lock(struct __sk_buff *skb)
{
	u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guardeds, &key);

	if (!g)
		return TC_ACT_SHOT;
	bpf_spin_lock(&g->lock);
	g->count += 2;
	bpf_spin_unlock(&g->lock);
	return g->count;
}

SEC("tc") __accept
int records(struct __sk_buff *skb)
{
	u64 *record = bpf_ringbuf_reserve(&ring, 8, 0), word = 1;
	struct bpf_dynptr d;

	if (record) {
		*record = 7;
		bpf_ringbuf_submit(record, 0);
	}
	results[0] = bpf_ringbuf_query(&ring, 0);
	results[1] = bpf_ringbuf_output(&ring, &word, sizeof(word), 0);
	results[2] = bpf_ringbuf_query(&ring, 0);
	results[3] = bpf_ringbuf_query(&ring, 1);
	results[4] = bpf_ringbuf_reserve_dynptr(&ring, 20, 0, &d);
	results[5] = bpf_dynptr_size(&d);
	results[6] = bpf_dynptr_write(&d, 16, &word, 4, 0);
	bpf_ringbuf_discard_dynptr(&d, 0);
	results[7] = bpf_ringbuf_query(&ring, 0);
	results[8] = bpf_ringbuf_reserve_dynptr(&ring, 5000, 0, &d);
	bpf_ringbuf_discard_dynptr(&d, 0);
	record = bpf_ringbuf_reserve(&ring, 4096, 0);
	results[9] = record ? 1 : 0;
	if (record)
		bpf_ringbuf_discard(record, 0);
	return TC_ACT_OK;
}
