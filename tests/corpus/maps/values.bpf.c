/* Loads, stores and helper arguments inside map values; constness; special fields. */
#include "corpus.h"

GPL;
struct record { u32 first; char bytes[28]; };
MAP(HASH, records, u32, struct record, 8);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__type(key, u32);
	__type(value, struct record);
} read_only SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_WRONLY_PROG);
	__type(key, u32);
	__type(value, struct record);
} write_only SEC(".maps");

struct timed { u64 before; struct bpf_timer timer; u64 after; };
MAP(ARRAY, timeds, u32, struct timed, 1);

struct guarded { u64 before; struct bpf_spin_lock lock; u32 after; };
MAP(ARRAY, guardeds, u32, struct guarded, 1);

const volatile u32 limit = 16;
u32 counter;
static u32 table[16];

/* A tc program with a checked map value `r`. */
#define WITH_RECORD(name, body)					\
	int name(struct __sk_buff *skb)				\
	{							\
		u32 key = skb->mark;				\
		struct record *r;				\
								\
		r = bpf_map_lookup_elem(&records, &key);	\
		if (!r)						\
			return 0;				\
		body						\
	}

SEC("tc") __accept
WITH_RECORD(last_byte, { return r->bytes[27]; })

SEC("tc") __reject("invalid access to map value, value_size=32 off=32 size=1")
WITH_RECORD(byte_behind, { return r->bytes[28]; })

SEC("tc") __reject("invalid access to map value, value_size=32 off=-1 size=1")
WITH_RECORD(byte_before, { return *((char *)r - 1); })

SEC("tc") __reject("invalid access to map value, value_size=32 off=29 size=4")
WITH_RECORD(word_across_the_end, { return *(volatile u32 *)(r->bytes + 25); })

SEC("tc") __accept
WITH_RECORD(index_masked, { return r->bytes[skb->len & 15]; })

SEC("tc") __accept
WITH_RECORD(index_compared, {
	u32 index = skb->len;

	return index < sizeof(r->bytes) ? r->bytes[index] : 0;
})

SEC("tc") __reject("max value is outside of the allowed memory range")
WITH_RECORD(index_masked_too_widely, { return r->bytes[skb->len & 31]; })

SEC("tc") __reject("unbounded memory access, make sure to bounds check any such access")
WITH_RECORD(index_not_bounded, { return r->bytes[(u64)skb->len]; })

SEC("tc") __reject("value -2147483648 makes map_value pointer be out of bounds")
WITH_RECORD(index_signed, {
	long index = (int)skb->len;

	opaque(index);
	return index < 28 ? r->bytes[index] : 0;
})

SEC("tc") __accept
WITH_RECORD(index_spilled_and_filled, {
	volatile u64 index = skb->len;
	u64 copy = index;

	return copy < 28 ? r->bytes[copy] : 0;
})

SEC("tc") __accept
WITH_RECORD(helper_fills_value, { return bpf_skb_load_bytes(skb, 0, r->bytes, sizeof(r->bytes)); })

SEC("tc") __reject("invalid access to map value, value_size=32 off=4 size=29")
WITH_RECORD(helper_fills_more_than_value, { return bpf_skb_load_bytes(skb, 0, r->bytes, 29); })

SEC("tc") __accept
WITH_RECORD(value_as_key, { return bpf_map_delete_elem(&records, r->bytes); })

SEC("tc") __reject("invalid access to map value, value_size=32 off=30 size=4")
WITH_RECORD(value_as_key_across_the_end, { return bpf_map_delete_elem(&records, r->bytes + 26); })

SEC("tc") __accept
WITH_RECORD(pointer_compared_with_null_only, { return r != NULL; })

SEC("tc") __reject("R0 pointer arithmetic with <<= operator prohibited")
WITH_RECORD(pointer_shifted, {
	asm volatile("r0 = %0; r0 <<= 1" :: "r"(r) : "r0");
	return 0;
})

SEC("tc") __accept
int value_as_map_update_source(struct __sk_buff *skb)
{
	u32 key = 1;
	struct record copy = {};

	return bpf_map_update_elem(&records, &key, &copy, BPF_NOEXIST);
}

SEC("tc") __reject("invalid read from stack R3 off=-8 size=32")
__naked int update_source_too_short(void)
{
	asm volatile("					\
	r1 = 0;						\
	*(u64 *)(r10 - 8) = r1;				\
	r1 = %[records] ll;				\
	r2 = r10;					\
	r2 += -8;					\
	r3 = r2;					\
	r4 = 0;						\
	call %[bpf_map_update_elem];			\
	exit;						\
"	:: __imm(bpf_map_update_elem), __imm_addr(records) : __clobbers);
}

SEC("tc") __accept
int read_only_map_read(struct __sk_buff *skb)
{
	u32 key = 0;
	struct record *r = bpf_map_lookup_elem(&read_only, &key);

	return r ? r->first : 0;
}

SEC("tc") __reject("write into map forbidden, value_size=32 off=0 size=4")
int read_only_map_written(struct __sk_buff *skb)
{
	u32 key = 0;
	struct record *r = bpf_map_lookup_elem(&read_only, &key);

	if (r)
		r->first = 1;
	return 0;
}

SEC("tc") __reject("write into map forbidden")
int read_only_map_updated(struct __sk_buff *skb)
{
	u32 key = 0;
	struct record copy = {};

	return bpf_map_update_elem(&read_only, &key, &copy, 0);
}

SEC("tc") __accept
int write_only_map_updated(struct __sk_buff *skb)
{
	u32 key = 0;
	struct record copy = {};

	return bpf_map_update_elem(&write_only, &key, &copy, 0);
}

SEC("tc") __reject("read from map forbidden, value_size=32 off=0 size=4")
int write_only_map_read(struct __sk_buff *skb)
{
	u32 key = 0;
	struct record *r = bpf_map_lookup_elem(&write_only, &key);

	return r ? r->first : 0;
}

SEC("tc") __accept
int timer_beside(struct __sk_buff *skb)
{
	u32 key = 0;
	struct timed *t = bpf_map_lookup_elem(&timeds, &key);

	if (t)
		t->before = t->after;
	return 0;
}

SEC("tc") __reject("bpf_timer cannot be accessed directly by load/store")
int timer_loaded(struct __sk_buff *skb)
{
	u32 key = 0;
	struct timed *t = bpf_map_lookup_elem(&timeds, &key);

	return t ? *(volatile u64 *)&t->timer : 0;
}

SEC("tc") __reject("bpf_spin_lock cannot be accessed directly by load/store")
int spin_lock_stored_to(struct __sk_buff *skb)
{
	u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guardeds, &key);

	if (g)
		*(volatile u32 *)&g->lock = 1;
	return 0;
}

SEC("tc") __reject("bpf_spin_lock cannot be accessed directly by load/store")
int spin_lock_passed_as_memory(struct __sk_buff *skb)
{
	u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guardeds, &key);

	return g ? bpf_skb_load_bytes(skb, 0, g, 12) : 0;
}

SEC("tc") __accept
int globals_read_and_written(struct __sk_buff *skb)
{
	u32 index = skb->mark;

	counter++;
	if (index < 16)
		table[index] = counter;
	return table[skb->len & 15];
}

SEC("tc") __reject("write into map forbidden")
int constant_written(struct __sk_buff *skb)
{
	*(volatile u32 *)&limit = 1;
	return 0;
}

SEC("tc") __accept
int frozen_constant_prunes_branch(struct __sk_buff *skb)
{
	u32 key = skb->mark;
	struct record *r = bpf_map_lookup_elem(&records, &key);

	/* Never followed, since the verifier knows the value of `limit`. */
	if (limit > 16)
		return r->first;
	return 0;
}

SEC("tc") __reject("invalid access to map value, value_size=")
int global_array_out_of_bounds(struct __sk_buff *skb)
{
	u32 index = 1000;

	opaque(index);
	return *(volatile u32 *)((void *)table + index * 4);
}
