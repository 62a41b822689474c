/* What bpf_dynptr_data, bpf_dynptr_slice and bpf_dynptr_slice_rdwr return, and what that may be used for. */
#include "corpus.h"

GPL;
struct block { char bytes[512]; };
MAP(ARRAY, blocks, u32, struct block, 4);
MAP(HASH, hash, u64, u64, 4);
RINGBUF(ring, 4096);
char globals[64];

/* A program with a dynptr `d` over the packet of a tc program. */
#define WITH_SKB(name, body)			\
	int name(struct __sk_buff *skb)		\
	{					\
		struct bpf_dynptr d;		\
		char buffer[16];		\
		char *p;			\
						\
		bpf_dynptr_from_skb(skb, 0, &d);\
		(void)buffer, (void)p;		\
		body				\
	}

SEC("tc") __accept
WITH_SKB(slice_checked_for_null, {
	p = bpf_dynptr_slice(&d, 0, buffer, sizeof(buffer));
	return p ? p[0] : 0;
})

SEC("tc") __reject("R0 invalid mem access 'rdonly_mem_or_null'")
WITH_SKB(slice_not_checked_for_null, {
	p = bpf_dynptr_slice(&d, 0, buffer, sizeof(buffer));
	return p[0];
})

SEC("tc") __reject("R0 invalid mem access 'mem_or_null'")
WITH_SKB(slice_rdwr_not_checked_for_null, {
	p = bpf_dynptr_slice_rdwr(&d, 0, buffer, sizeof(buffer));
	return p[0];
})

SEC("tc") __reject("R0 invalid mem access 'mem_or_null'")
WITH_SKB(data_not_checked_for_null, {
	p = bpf_dynptr_data(&d, 0, 16);
	return p[0];
})

SEC("tc") __accept
WITH_SKB(arithmetic_behind_null_check, {
	p = bpf_dynptr_slice(&d, 0, buffer, sizeof(buffer));
	if (!p)
		return 0;
	p += skb->mark & 15;
	return *p;
})

SEC("tc") __reject("pointer arithmetic on rdonly_mem_or_null prohibited, null-check it first")
WITH_SKB(arithmetic_before_null_check, {
	p = bpf_dynptr_slice(&d, 0, buffer, sizeof(buffer));
	p += 4;
	opaque(p);
	return p ? 1 : 0;
})

SEC("tc") __accept
WITH_SKB(last_byte_of_slice, {
	p = bpf_dynptr_slice(&d, 0, NULL, 8);
	return p ? p[7] : 0;
})

SEC("tc") __reject("invalid access to memory, mem_size=8 off=8 size=1")
WITH_SKB(byte_behind_slice, {
	p = bpf_dynptr_slice(&d, 0, NULL, 8);
	return p ? p[8] : 0;
})

SEC("tc") __reject("invalid access to memory, mem_size=8 off=-1 size=1")
WITH_SKB(byte_before_slice, {
	p = bpf_dynptr_slice(&d, 0, NULL, 8);
	return p ? p[-1] : 0;
})

SEC("tc") __reject("max value is outside of the allowed memory range")
WITH_SKB(index_bounded_too_widely, {
	p = bpf_dynptr_slice(&d, 0, NULL, 8);
	return p ? p[skb->mark & 15] : 0;
})

SEC("tc") __reject("unbounded memory access, make sure to bounds check any such access")
WITH_SKB(index_not_bounded, {
	u64 index = skb->mark;

	p = bpf_dynptr_slice(&d, 0, NULL, 8);
	return p ? p[index] : 0;
})

SEC("tc") __accept
WITH_SKB(store_through_slice_rdwr, {
	p = bpf_dynptr_slice_rdwr(&d, 0, buffer, sizeof(buffer));
	if (!p)
		return 0;
	p[0] = 1;
	if (p == buffer)
		bpf_dynptr_write(&d, 0, buffer, sizeof(buffer), 0);
	return 0;
})

SEC("tc") __reject("R0 cannot write into rdonly_mem")
WITH_SKB(store_through_slice, {
	p = bpf_dynptr_slice(&d, 0, buffer, sizeof(buffer));
	if (p)
		p[0] = 1;
	return 0;
})

SEC("tc") __reject("R0 cannot write into rdonly_mem")
int store_through_slice_of_memory(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char *p;

	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &d);
	p = bpf_dynptr_slice(&d, 0, NULL, 8);
	if (p)
		p[0] = 1;
	return 0;
}

SEC("tc") __accept
int store_through_data(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char *p;

	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	if (p)
		p[7] = 1;
	return 0;
}

SEC("socket") __accept
WITH_SKB(slice_where_packets_are_read_only, {
	p = bpf_dynptr_slice(&d, 0, buffer, sizeof(buffer));
	return p ? p[0] : 0;
})

SEC("socket") __reject("the prog does not allow writes to packet data")
WITH_SKB(slice_rdwr_where_packets_are_read_only, {
	p = bpf_dynptr_slice_rdwr(&d, 0, buffer, sizeof(buffer));
	return p ? p[0] : 0;
})

SEC("raw_tp/sys_enter") __reject("the prog does not allow writes to packet data")
int slice_rdwr_of_memory_in_tracing(void *context)
{
	struct bpf_dynptr d;
	char buffer[16];
	char *p;

	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, buffer, sizeof(buffer));
	return p ? p[0] : 0;
}

SEC("tc") __accept
WITH_SKB(length_known_after_branch, {
	u32 length = skb->mark;

	if (length != 8)
		return 0;
	p = bpf_dynptr_slice(&d, 0, NULL, length);
	return p ? p[7] : 0;
})

SEC("tc") __reject("R4 must be a known constant")
WITH_SKB(slice_of_variable_length, {
	u32 length = skb->mark & 15;

	p = bpf_dynptr_slice(&d, 0, buffer, length);
	return p ? 1 : 0;
})

SEC("tc") __reject("R3 is not a known constant'")
WITH_SKB(data_of_variable_length, {
	u32 length = skb->mark & 15;

	p = bpf_dynptr_data(&d, 0, length);
	return p ? 1 : 0;
})

SEC("tc") __accept
WITH_SKB(data_of_constant_length, {
	p = bpf_dynptr_data(&d, 0, 8);
	return p ? p[7] : 0;
})

SEC("tc") __accept
WITH_SKB(slice_of_no_bytes, {
	p = bpf_dynptr_slice(&d, 0, NULL, 0);
	return p ? 1 : 0;
})

SEC("tc") __reject("invalid access to memory, mem_size=0 off=0 size=1")
WITH_SKB(load_from_slice_of_no_bytes, {
	p = bpf_dynptr_slice(&d, 0, NULL, 0);
	return p ? p[0] : 0;
})

SEC("tc") __accept
WITH_SKB(slice_of_four_gigabytes, {
	p = bpf_dynptr_slice(&d, 0, NULL, 0xffffffff);
	return p ? p[1000] : 0;
})

SEC("tc") __reject("math between rdonly_mem pointer and 4294967280 is not allowed")
WITH_SKB(huge_index, {
	p = bpf_dynptr_slice(&d, 0, NULL, 0xffffffff);
	if (!p)
		return 0;
	asm volatile("%0 += %1" : "+r"(p) : "r"(0xfffffff0ULL));
	return *p;
})

SEC("tc") __accept
WITH_SKB(offset_may_be_anything, {
	p = bpf_dynptr_slice(&d, skb->mark, buffer, sizeof(buffer));
	return p ? p[0] : 0;
})

SEC("tc") __reject("R2 is not a scalar")
__naked int offset_is_a_pointer(void)
{
	asm volatile("					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -16;					\
	call %[bpf_dynptr_from_skb];			\
	r1 = r10;					\
	r1 += -16;					\
	r2 = r10;					\
	r3 = 0;						\
	r4 = 8;						\
	call %[bpf_dynptr_slice];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_dynptr_from_skb), __imm(bpf_dynptr_slice) : __clobbers);
}

SEC("tc") __accept
WITH_SKB(atomic_add_to_slice_rdwr, {
	u64 *counter = bpf_dynptr_slice_rdwr(&d, 0, buffer, 8);

	if (counter)
		__sync_fetch_and_add(counter, 1);
	return 0;
})

SEC("tc") __reject("R0 cannot write into rdonly_mem")
WITH_SKB(atomic_add_to_slice, {
	u64 *counter = bpf_dynptr_slice(&d, 0, buffer, 8);

	if (counter)
		__sync_fetch_and_add(counter, 1);
	return 0;
})

SEC("tc") __accept
WITH_SKB(slice_as_source_for_a_helper, {
	p = bpf_dynptr_slice(&d, 0, buffer, sizeof(buffer));
	if (!p)
		return 0;
	return bpf_ringbuf_output(&ring, p, 16, 0);
})

SEC("tc") __reject("invalid access to memory, mem_size=16 off=0 size=17")
WITH_SKB(slice_as_source_too_short, {
	p = bpf_dynptr_slice(&d, 0, buffer, sizeof(buffer));
	if (!p)
		return 0;
	return bpf_ringbuf_output(&ring, p, 17, 0);
})

SEC("tc") __accept
WITH_SKB(slice_rdwr_as_destination_of_a_helper, {
	p = bpf_dynptr_slice_rdwr(&d, 0, buffer, sizeof(buffer));
	if (!p)
		return 0;
	return bpf_skb_load_bytes(skb, 14, p, 16);
})

SEC("tc") __reject("R3 type=rdonly_mem expected=fp, pkt")
WITH_SKB(slice_as_destination_of_a_helper, {
	p = bpf_dynptr_slice(&d, 0, buffer, sizeof(buffer));
	if (!p)
		return 0;
	return bpf_skb_load_bytes(skb, 14, p, 16);
})

SEC("tc") __accept
WITH_SKB(data_as_map_key, {
	p = bpf_dynptr_data(&d, 0, 8);
	if (!p)
		return 0;
	return bpf_map_lookup_elem(&hash, p) ? 1 : 0;
})

SEC("tc") __reject("R2 type=rdonly_mem expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_")
WITH_SKB(slice_as_map_key, {
	p = bpf_dynptr_slice(&d, 0, buffer, 8);
	if (!p)
		return 0;
	return bpf_map_lookup_elem(&hash, p) ? 1 : 0;
})

SEC("tc") __reject("R2 type=mem expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_")
WITH_SKB(slice_rdwr_as_map_key, {
	p = bpf_dynptr_slice_rdwr(&d, 0, buffer, 8);
	if (!p)
		return 0;
	return bpf_map_lookup_elem(&hash, p) ? 1 : 0;
})

struct pair { u32 first, second; };

__noinline int sum_of_pair(const struct pair *pair)
{
	return pair ? pair->first + pair->second : 0;
}

SEC("tc") __accept
WITH_SKB(slice_rdwr_passed_to_global_function, {
	p = bpf_dynptr_slice_rdwr(&d, 0, buffer, 8);
	return p ? sum_of_pair((void *)p) : 0;
})

SEC("tc") __reject("Caller passes invalid args into func#1 ('sum_of_pair')")
WITH_SKB(slice_passed_to_global_function, {
	p = bpf_dynptr_slice(&d, 0, buffer, 8);
	return p ? sum_of_pair((void *)p) : 0;
})

static __noinline char *slice_of(struct bpf_dynptr *d)
{
	return bpf_dynptr_slice(d, 0, NULL, 8);
}

SEC("tc") __accept
WITH_SKB(slice_returned_from_static_function, {
	p = slice_of(&d);
	return p ? p[7] : 0;
})

SEC("tc") __reject("invalid access to memory, mem_size=8 off=8 size=1")
WITH_SKB(slice_returned_keeps_its_length, {
	p = slice_of(&d);
	return p ? p[8] : 0;
})
