/* Each kind of map with what may be done with it. */
#include "corpus.h"

GPL;
MAP(HASH, hash, u32, u64, 8);
MAP(LRU_HASH, lru_hash, u32, u64, 8);
MAP(PERCPU_HASH, percpu_hash, u32, u64, 8);
MAP(LRU_PERCPU_HASH, lru_percpu_hash, u32, u64, 8);
MAP(ARRAY, array, u32, u64, 8);
MAP(PERCPU_ARRAY, percpu_array, u32, u64, 8);
MAP(PERF_EVENT_ARRAY, perf_events, u32, u32, 2);
MAP(CGROUP_ARRAY, cgroups, u32, u32, 2);
MAP(STACK_TRACE, stacks, u32, struct { u64 frames[16]; }, 8);
MAP(SOCKMAP, sockmap, u32, u32, 8);
MAP(SOCKHASH, sockhash, u32, u32, 8);
MAP(DEVMAP, devmap, u32, u32, 8);
MAP(DEVMAP_HASH, devmap_hash, u32, u32, 8);
MAP(CPUMAP, cpumap, u32, u32, 2);
MAP(XSKMAP, xskmap, u32, u32, 2);
MAP(REUSEPORT_SOCKARRAY, reuseport, u32, u64, 8);
RINGBUF(ring, 4096);

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__type(value, u64);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 8);
	__type(value, u64);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__uint(map_extra, 3);
	__type(value, u64);
} bloom SEC(".maps");

struct lpm_key { u32 prefix; u32 address; };
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 8);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lpm_key);
	__type(value, u64);
} lpm SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} sk_storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} task_storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} cgrp_storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct { u64 cgroup; u32 attach_type; });
	__type(value, u64);
} cgroup_storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, struct { u64 cgroup; u32 attach_type; });
	__type(value, u64);
} percpu_cgroup_storage SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u64);
} inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner);
} array_of_maps SEC(".maps") = { .values = { &inner_a, &inner_b } };

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner);
} hash_of_maps SEC(".maps");

#define LOOKUP(map) ({ u32 key = skb->mark; u64 *value = bpf_map_lookup_elem(&map, &key); value ? *value : 0; })
#define CHANGE(map) ({							\
	u32 key = skb->mark;						\
	u64 value = 1;							\
	bpf_map_update_elem(&map, &key, &value, BPF_ANY) + bpf_map_delete_elem(&map, &key); })

SEC("tc") __accept
int hash_lookup_update_delete(struct __sk_buff *skb)
{
	return LOOKUP(hash) + CHANGE(hash);
}

SEC("tc") __accept
int lru_hash_lookup_update_delete(struct __sk_buff *skb)
{
	return LOOKUP(lru_hash) + CHANGE(lru_hash);
}

SEC("tc") __accept
int percpu_hash_lookup_update_delete(struct __sk_buff *skb)
{
	u32 key = 0;
	u64 *other = bpf_map_lookup_percpu_elem(&percpu_hash, &key, 1);

	return LOOKUP(percpu_hash) + CHANGE(percpu_hash) + LOOKUP(lru_percpu_hash) + (other ? *other : 0);
}

SEC("tc") __accept
int array_lookup_update_delete(struct __sk_buff *skb)
{
	return LOOKUP(array) + CHANGE(array) + LOOKUP(percpu_array);
}

SEC("tc") __accept
int array_value_at_key_zero_is_never_null(struct __sk_buff *skb)
{
	u32 key = 0;

	return *(u64 *)bpf_map_lookup_elem(&array, &key);
}

SEC("tc") __accept
__naked int array_value_at_spilled_constant_key_is_never_null(void)
{
	asm volatile("					\
	r1 = 7;						\
	*(u32 *)(r10 - 8) = r1;				\
	r2 = r10;					\
	r2 += -8;					\
	r1 = %[array] ll;				\
	call %[bpf_map_lookup_elem];			\
	r0 = *(u64 *)(r0 + 0);				\
	exit;						\
"	:: __imm_addr(array), __imm(bpf_map_lookup_elem) : __clobbers);
}

SEC("tc") __reject("invalid mem access 'map_value_or_null'")
__naked int array_value_at_constant_key_in_upper_half_of_slot(void)
{
	asm volatile("					\
	r1 = 7;						\
	*(u32 *)(r10 - 4) = r1;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[array] ll;				\
	call %[bpf_map_lookup_elem];			\
	r0 = *(u64 *)(r0 + 0);				\
	exit;						\
"	:: __imm_addr(array), __imm(bpf_map_lookup_elem) : __clobbers);
}

SEC("tc") __reject("invalid mem access 'map_value_or_null'")
int array_value_at_constant_key_behind_the_end(struct __sk_buff *skb)
{
	u32 key = 8;

	return *(u64 *)bpf_map_lookup_elem(&array, &key);
}

SEC("tc") __reject("invalid mem access 'map_value_or_null'")
int array_value_at_variable_key(struct __sk_buff *skb)
{
	u32 key = skb->mark & 7;

	return *(u64 *)bpf_map_lookup_elem(&array, &key);
}

SEC("tc") __reject("invalid mem access 'map_value_or_null'")
int hash_value_at_constant_key(struct __sk_buff *skb)
{
	u32 key = 7;

	return *(u64 *)bpf_map_lookup_elem(&hash, &key);
}

SEC("tc") __accept
int queue_push_pop_peek(struct __sk_buff *skb)
{
	u64 value = 1;

	bpf_map_push_elem(&queue, &value, BPF_EXIST);
	bpf_map_peek_elem(&queue, &value);
	return bpf_map_pop_elem(&queue, &value);
}

SEC("tc") __reject("invalid zero-sized read")
int queue_lookup(struct __sk_buff *skb)
{
	return LOOKUP(queue);
}

SEC("tc") __accept
int stack_push_pop(struct __sk_buff *skb)
{
	u64 value = 1;

	bpf_map_push_elem(&stack, &value, 0);
	return bpf_map_pop_elem(&stack, &value);
}

SEC("tc") __reject("cannot pass map_type 1 into func bpf_map_push_elem#87")
int hash_push(struct __sk_buff *skb)
{
	u64 value = 1;

	return bpf_map_push_elem(&hash, &value, 0);
}

SEC("tc") __accept
int bloom_filter_push_peek(struct __sk_buff *skb)
{
	u64 value = skb->mark;

	bpf_map_push_elem(&bloom, &value, 0);
	return bpf_map_peek_elem(&bloom, &value);
}

SEC("tc") __reject("cannot pass map_type 30 into func bpf_map_pop_elem#88")
int bloom_filter_pop(struct __sk_buff *skb)
{
	u64 value;

	return bpf_map_pop_elem(&bloom, &value);
}

SEC("tc") __accept
int lpm_trie_lookup_update_delete(struct __sk_buff *skb)
{
	struct lpm_key key = { 32, skb->mark };
	u64 *value = bpf_map_lookup_elem(&lpm, &key), new_value = 1;

	bpf_map_update_elem(&lpm, &key, &new_value, BPF_ANY);
	return value ? *value : bpf_map_delete_elem(&lpm, &key);
}

SEC("tc") __reject("invalid read from stack")
int lpm_trie_key_too_short(struct __sk_buff *skb)
{
	return bpf_map_lookup_elem(&lpm, &(u32){ 0 }) ? 1 : 0;
}

SEC("tc") __accept
int perf_event_output_of_packet(struct __sk_buff *skb)
{
	u64 value = 1;

	return bpf_perf_event_output(skb, &perf_events, BPF_F_CURRENT_CPU, &value, sizeof(value));
}

SEC("tc") __reject("cannot pass map_type 2 into func bpf_perf_event_output#25")
int perf_event_output_into_array(struct __sk_buff *skb)
{
	u64 value = 1;

	return bpf_perf_event_output(skb, &array, BPF_F_CURRENT_CPU, &value, sizeof(value));
}

SEC("tc") __reject("cannot pass map_type 4 into func bpf_map_lookup_elem#1")
int perf_event_array_lookup(struct __sk_buff *skb)
{
	return LOOKUP(perf_events);
}

SEC("tc") __accept
int cgroup_array_under_cgroup(struct __sk_buff *skb)
{
	return bpf_skb_under_cgroup(skb, &cgroups, 0);
}

SEC("kprobe/do_nanosleep") __accept
int stack_trace_of_kprobe(void *regs)
{
	return bpf_get_stackid(regs, &stacks, 0);
}

SEC("tc") __reject("program of this type cannot use helper bpf_get_stackid#27")
int stack_trace_of_packet(struct __sk_buff *skb)
{
	return bpf_get_stackid(skb, &stacks, 0);
}

SEC("sk_skb/stream_verdict") __accept
int sockmap_lookup_and_release(struct __sk_buff *skb)
{
	u32 key = 0;
	struct bpf_sock *sk = bpf_map_lookup_elem(&sockmap, &key);

	if (!sk)
		return SK_PASS;
	bpf_sk_release(sk);
	return SK_DROP;
}

SEC("sk_skb/stream_verdict") __reject("Unreleased reference id=")
int sockhash_lookup_without_release(struct __sk_buff *skb)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&sockhash, &key) ? SK_PASS : SK_DROP;
}

SEC("xdp") __accept
int devmap_lookup(struct xdp_md *xdp)
{
	u32 key = 0, *index = bpf_map_lookup_elem(&devmap, &key);

	return index && *index ? XDP_PASS : XDP_DROP;
}

SEC("xdp") __accept
int devmap_hash_lookup(struct xdp_md *xdp)
{
	u32 key = 7, *index = bpf_map_lookup_elem(&devmap_hash, &key);

	return index && *index ? XDP_PASS : XDP_DROP;
}

SEC("xdp") __reject("write into map forbidden")
int devmap_write_through_lookup(struct xdp_md *xdp)
{
	u32 key = 0, *index = bpf_map_lookup_elem(&devmap, &key);

	if (index)
		*index = 1;
	return XDP_PASS;
}

SEC("xdp") __accept
int xskmap_lookup(struct xdp_md *xdp)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&xskmap, &key) ? XDP_PASS : XDP_DROP;
}

SEC("xdp") __reject("cannot pass map_type 16 into func bpf_map_lookup_elem#1")
int cpumap_lookup(struct xdp_md *xdp)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&cpumap, &key) ? XDP_PASS : XDP_DROP;
}

SEC("sk_reuseport") __accept
int reuseport_array_select(struct sk_reuseport_md *reuse)
{
	u32 key = 0;

	return bpf_sk_select_reuseport(reuse, &reuseport, &key, 0) ? SK_DROP : SK_PASS;
}

SEC("tc") __accept
int ringbuf_output_and_query(struct __sk_buff *skb)
{
	u64 value = 1;

	bpf_ringbuf_output(&ring, &value, sizeof(value), 0);
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
}

SEC("tc") __reject("invalid zero-sized read")
int ringbuf_update(struct __sk_buff *skb)
{
	u64 value = 1;

	return bpf_map_update_elem(&ring, &value, &value, 0);
}

SEC("tc") __accept
int sk_storage_of_packet(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	u64 *value;

	if (!sk)
		return 0;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 0;
	value = bpf_sk_storage_get(&sk_storage, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	return value ? *value : 0;
}

SEC("tc") __reject("invalid mem access 'map_value_or_null'")
int sk_storage_without_null_check(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return 0;
	sk = bpf_sk_fullsock(sk);
	return sk ? *(u64 *)bpf_sk_storage_get(&sk_storage, sk, NULL, 0) : 0;
}

SEC("tp_btf/task_newtask") __accept
int task_storage_of_new_task(unsigned long long *arguments)
{
	u64 *value = bpf_task_storage_get(&task_storage, (void *)arguments[0], NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	return value ? *value : 0;
}

SEC("tp_btf/task_newtask") __reject("R2 type=scalar expected=ptr_, trusted_ptr_, rcu_ptr_")
int task_storage_of_a_number(unsigned long long *arguments)
{
	return bpf_task_storage_get(&task_storage, (void *)arguments[1], NULL, 0) ? 1 : 0;
}

SEC("tp_btf/task_newtask") __accept
int cgrp_storage_of_the_tasks_cgroup(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];
	u64 *value = bpf_cgrp_storage_get(&cgrp_storage, task->cgroups->dfl_cgrp, NULL, 0);

	return value ? *value : 0;
}

SEC("cgroup_skb/egress") __accept
int cgroup_storage_is_never_null(struct __sk_buff *skb)
{
	u64 *value = bpf_get_local_storage(&cgroup_storage, 0);

	return *value & 1;
}

SEC("cgroup_skb/egress") __accept
int percpu_cgroup_storage_is_never_null(struct __sk_buff *skb)
{
	u64 *value = bpf_get_local_storage(&percpu_cgroup_storage, 0);

	*value += 1;
	return 1;
}

SEC("tc") __reject("program of this type cannot use helper bpf_get_local_storage#81")
int cgroup_storage_in_tc(struct __sk_buff *skb)
{
	u64 *value = bpf_get_local_storage(&cgroup_storage, 0);

	return *value & 1;
}

SEC("cgroup_skb/egress") __reject("get_local_storage() doesn't support non-zero flags")
int cgroup_storage_with_flags(struct __sk_buff *skb)
{
	u64 *value = bpf_get_local_storage(&cgroup_storage, 1);

	return *value & 1;
}

SEC("tc") __accept
int array_of_maps_lookup_in_inner(struct __sk_buff *skb)
{
	u32 key = skb->mark;
	void *map = bpf_map_lookup_elem(&array_of_maps, &key);
	u64 *value;

	if (!map)
		return 0;
	value = bpf_map_lookup_elem(map, &key);
	return value ? *value : 0;
}

SEC("tc") __reject("R1 type=map_value_or_null expected=map_ptr")
int hash_of_maps_without_null_check(struct __sk_buff *skb)
{
	u32 key = 0;
	u64 *value = bpf_map_lookup_elem(bpf_map_lookup_elem(&hash_of_maps, &key), &key);

	return value ? *value : 0;
}

SEC("tc") __reject("R3 type=map_ptr expected=fp")
int hash_of_maps_update(struct __sk_buff *skb)
{
	u32 key = 0;

	return bpf_map_update_elem(&hash_of_maps, &key, &inner_a, 0);
}
