/* Maps themselves: what is read of them, which of several is meant, maps within maps. */
#include "corpus.h"

GPL;
struct bpf_map___walked { u32 id; u32 max_entries; u32 key_size; u32 value_size; u32 map_flags; char name[16]; } __attribute__((preserve_access_index));
struct bpf_array { struct bpf_map map; u32 elem_size; u32 index_mask; } __attribute__((preserve_access_index));

struct timed { struct bpf_timer timer; u64 count; };
struct locked { struct bpf_spin_lock lock; u32 count; };
MAP(ARRAY, array, u32, u64, 4);
MAP(ARRAY, other_array, u32, u64, 8);
MAP(ARRAY, short_array, u32, u32, 8);
MAP(HASH, hash, u32, u64, 4);
MAP(PERCPU_ARRAY, per_cpu, u32, u64, 4);
MAP(PERCPU_HASH, per_cpu_hash, u32, u64, 4);

struct inner_timed { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, struct timed); };
struct inner_timed inner_timed_a SEC(".maps"), inner_timed_b SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner_timed);
} outer_timed SEC(".maps") = { .values = { &inner_timed_a, &inner_timed_b } };

struct inner_locked { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, u32); __type(value, struct locked); };
struct inner_locked inner_locked_a SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner_locked);
} outer_locked SEC(".maps") = { .values = { &inner_locked_a } };

SEC("tc") __accept
int entries_of_a_map(struct __sk_buff *skb)
{
	struct bpf_map___walked *map = (void *)&array;

	return map->max_entries + map->key_size + map->value_size + map->map_flags;
}

SEC("tc") __accept
int entries_of_a_hash(struct __sk_buff *skb)
{
	return ((struct bpf_map___walked *)&hash)->max_entries;
}

SEC("tc") __accept
int element_size_of_an_array(struct __sk_buff *skb)
{
	return ((struct bpf_array *)&array)->elem_size;
}

SEC("tc") __reject("only read from bpf_array is supported")
int entries_of_a_map_written(struct __sk_buff *skb)
{
	((struct bpf_map___walked *)&array)->max_entries = 1;
	return 0;
}

SEC("tc") __reject("R1 pointer arithmetic on map_ptr prohibited")
int behind_a_map(struct __sk_buff *skb)
{
	return *(volatile u32 *)((void *)&array + 100000);
}

SEC("tc") __reject("R1 is bpf_array invalid negative access: off=-4")
int before_a_map(struct __sk_buff *skb)
{
	return *(volatile u32 *)((void *)&array - 4);
}

SEC("tc") __reject("R")
int somewhere_in_a_map(struct __sk_buff *skb)
{
	return *(volatile u32 *)((void *)&array + (skb->mark & 4));
}

SEC("tc") __accept
int half_of_the_operations_of_a_map(struct __sk_buff *skb)
{
	return *(volatile u32 *)&array;
}

SEC("tc") __accept
int one_of_two_arrays(struct __sk_buff *skb)
{
	void *map = skb->mark ? (void *)&array : (void *)&other_array;
	u32 key = skb->len;
	u64 *value = bpf_map_lookup_elem(map, &key);

	return value ? *value : 0;
}

SEC("tc") __reject("invalid access to map value, value_size=4 off=0 size=8")
int one_of_two_arrays_of_which_one_is_short(struct __sk_buff *skb)
{
	void *map = skb->mark ? (void *)&array : (void *)&short_array;
	u32 key = skb->len;
	u64 *value = bpf_map_lookup_elem(map, &key);

	return value ? *value : 0;
}

SEC("tc") __accept
int an_array_or_a_hash(struct __sk_buff *skb)
{
	void *map = skb->mark ? (void *)&array : (void *)&hash;
	u32 key = skb->len;
	u64 *value = bpf_map_lookup_elem(map, &key);

	return value ? *value : 0;
}

SEC("tc") __accept
int map_compared_with_another(struct __sk_buff *skb)
{
	void *map = skb->mark ? (void *)&array : (void *)&hash;

	opaque(map);
	return map == &array;
}

SEC("tc") __reject("R1 type=map_value expected=map_ptr")
int value_as_a_map(struct __sk_buff *skb)
{
	u32 key = 0;
	void *value;

	opaque(key);
	value = bpf_map_lookup_elem(&array, &key);
	if (!value)
		return 0;
	return bpf_map_lookup_elem(value, &key) ? 1 : 0;
}

SEC("tc") __accept
int timer_of_an_inner_map(struct __sk_buff *skb)
{
	u32 key = 0;
	void *inner = bpf_map_lookup_elem(&outer_timed, &key);
	struct timed *timed;

	if (!inner)
		return 0;
	timed = bpf_map_lookup_elem(inner, &key);
	if (!timed)
		return 0;
	return bpf_timer_init(&timed->timer, inner, 0);
}

SEC("tc") __reject("timer pointer in R1 map_uid=")
int timer_of_one_inner_map_with_another(struct __sk_buff *skb)
{
	u32 key = 0, one = 1;
	void *inner = bpf_map_lookup_elem(&outer_timed, &key);
	void *other = bpf_map_lookup_elem(&outer_timed, &one);
	struct timed *timed;

	if (!inner || !other)
		return 0;
	timed = bpf_map_lookup_elem(inner, &key);
	if (!timed)
		return 0;
	return bpf_timer_init(&timed->timer, other, 0);
}

SEC("tc") __accept
int lock_of_an_inner_map(struct __sk_buff *skb)
{
	u32 key = 0;
	void *inner = bpf_map_lookup_elem(&outer_locked, &key);
	struct locked *locked;

	if (!inner)
		return 0;
	locked = bpf_map_lookup_elem(inner, &key);
	if (!locked)
		return 0;
	bpf_spin_lock(&locked->lock);
	locked->count++;
	bpf_spin_unlock(&locked->lock);
	return 0;
}

SEC("tc") __reject("bpf_spin_unlock of different lock")
int lock_of_one_value_of_an_inner_map_and_of_another(struct __sk_buff *skb)
{
	u32 key = 0, one = 1;
	void *inner = bpf_map_lookup_elem(&outer_locked, &key);
	struct locked *locked, *other;

	if (!inner)
		return 0;
	locked = bpf_map_lookup_elem(inner, &key);
	other = bpf_map_lookup_elem(inner, &one);
	if (!locked || !other)
		return 0;
	bpf_spin_lock(&locked->lock);
	bpf_spin_unlock(&other->lock);
	return 0;
}

SEC("tc") __reject("R1 type=map_value_or_null expected=map_ptr")
int inner_map_without_null_check(struct __sk_buff *skb)
{
	u32 key = 0;
	void *inner = bpf_map_lookup_elem(&outer_locked, &key);

	return bpf_map_lookup_elem(inner, &key) ? 1 : 0;
}

SEC("tc") __accept
int value_of_another_processor(struct __sk_buff *skb)
{
	u32 key = 1;
	u64 *value = bpf_map_lookup_percpu_elem(&per_cpu, &key, 0);

	return value ? *value : 0;
}

SEC("tc") __accept
int value_of_another_processor_in_a_hash(struct __sk_buff *skb)
{
	u32 key = skb->mark;
	u64 *value = bpf_map_lookup_percpu_elem(&per_cpu_hash, &key, skb->len);

	if (value)
		*value += 1;
	return 0;
}

SEC("tc") __reject("cannot pass map_type 2 into func bpf_map_lookup_percpu_elem#195")
int value_of_another_processor_in_an_array(struct __sk_buff *skb)
{
	u32 key = 1;

	return bpf_map_lookup_percpu_elem(&array, &key, 0) ? 1 : 0;
}

SEC("tc") __reject("invalid mem access 'map_value_or_null'")
int value_of_another_processor_without_null_check(struct __sk_buff *skb)
{
	u32 key = 1;

	return *(u64 *)bpf_map_lookup_percpu_elem(&per_cpu, &key, 0);
}

SEC("tc") __reject("R0 invalid mem access 'map_value_or_null'")
int constant_key_in_a_percpu_array(struct __sk_buff *skb)
{
	u32 key = 3;

	return *(u64 *)bpf_map_lookup_elem(&per_cpu, &key);
}

SEC("tc") __reject("invalid mem access 'map_value_or_null'")
int constant_key_behind_a_percpu_array(struct __sk_buff *skb)
{
	u32 key = 4;

	return *(u64 *)bpf_map_lookup_elem(&per_cpu, &key);
}

SEC("tc") __reject("invalid mem access 'map_value_or_null'")
int bounded_key_in_an_array(struct __sk_buff *skb)
{
	u32 key = skb->mark & 3;

	return *(u64 *)bpf_map_lookup_elem(&array, &key);
}

static __noinline u64 value_at(u32 key)
{
	return *(u64 *)bpf_map_lookup_elem(&array, &key);
}

SEC("tc") __reject("R0 invalid mem access 'map_value_or_null'")
int constant_keys_in_a_function(struct __sk_buff *skb)
{
	return value_at(0) + value_at(3);
}

SEC("tc") __reject("invalid mem access 'map_value_or_null'")
int constant_key_and_another_in_a_function(struct __sk_buff *skb)
{
	return value_at(0) + value_at(4);
}

SEC("tc") __accept
int key_in_a_global_variable_is_not_constant(struct __sk_buff *skb)
{
	static u32 key = 1;
	u64 *value = bpf_map_lookup_elem(&array, &key);

	return value ? *value : 0;
}

SEC("tc") __reject("invalid mem access 'map_value_or_null'")
int key_among_constants_is_unknown(struct __sk_buff *skb)
{
	static const volatile u32 key = 1;

	return *(u64 *)bpf_map_lookup_elem(&array, (void *)&key);
}
