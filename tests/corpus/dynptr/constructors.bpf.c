/* Where dynptrs come from: memory, packets, ring buffers. */
#include "corpus.h"

GPL;
struct block { char bytes[512]; };
struct locked { struct bpf_spin_lock lock; char bytes[60]; };
MAP(ARRAY, blocks, u32, struct block, 4);
MAP(ARRAY, lockeds, u32, struct locked, 1);
RINGBUF(ring, 4096);
char globals[64];
const volatile char constants[64] = { 1 };

static __always_inline void *block(void)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&blocks, &key);
}

SEC("tc") __accept
int from_mem_of_map_value(struct __sk_buff *skb)
{
	void *data = block();
	struct bpf_dynptr d;

	if (!data)
		return 0;
	return bpf_dynptr_from_mem(data, 512, 0, &d);
}

SEC("tc") __accept
int from_mem_of_map_value_variable_part(struct __sk_buff *skb)
{
	u32 offset = skb->mark & 255, size = skb->len & 255;
	char *data = block();
	struct bpf_dynptr d;

	if (!data)
		return 0;
	return bpf_dynptr_from_mem(data + offset, size, 0, &d);
}

SEC("tc") __accept
int from_mem_of_globals(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	return bpf_dynptr_from_mem(globals, sizeof(globals), 0, &d);
}

SEC("tc") __accept
int from_mem_with_any_flags(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	return bpf_dynptr_from_mem(globals, sizeof(globals), skb->mark, &d);
}

SEC("tc") __reject("Unsupported reg type fp for bpf_dynptr_from_mem data")
int from_mem_of_stack(struct __sk_buff *skb)
{
	char bytes[64];
	struct bpf_dynptr d;

	barrier();
	return bpf_dynptr_from_mem(bytes, sizeof(bytes), 0, &d);
}

SEC("tc") __reject("Unsupported reg type mem for bpf_dynptr_from_mem data")
int from_mem_of_slice(struct __sk_buff *skb)
{
	struct bpf_dynptr d, e;
	void *slice;

	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &d);
	slice = bpf_dynptr_data(&d, 0, 16);
	if (!slice)
		return 0;
	return bpf_dynptr_from_mem(slice, 16, 0, &e);
}

SEC("tc") __reject("Unsupported reg type ringbuf_mem for bpf_dynptr_from_mem data")
int from_mem_of_ringbuf_record(struct __sk_buff *skb)
{
	void *record = bpf_ringbuf_reserve(&ring, 64, 0);
	struct bpf_dynptr d;

	if (!record)
		return 0;
	bpf_dynptr_from_mem(record, 64, 0, &d);
	bpf_ringbuf_discard(record, 0);
	return 0;
}

SEC("tc") __reject("helper access to the packet is not allowed")
int from_mem_of_packet(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct bpf_dynptr d;

	if (data + 14 > end)
		return 0;
	return bpf_dynptr_from_mem(data, 14, 0, &d);
}

SEC("tc") __reject("R1 type=map_value_or_null expected=fp, pkt, pkt_meta, map_key, map_value")
int from_mem_without_null_check(struct __sk_buff *skb)
{
	u32 key = skb->mark;
	struct bpf_dynptr d;

	return bpf_dynptr_from_mem(bpf_map_lookup_elem(&blocks, &key), 64, 0, &d);
}

SEC("tc") __reject("invalid access to map value, value_size=512 off=0 size=513")
int from_mem_longer_than_value(struct __sk_buff *skb)
{
	void *data = block();
	struct bpf_dynptr d;

	if (!data)
		return 0;
	return bpf_dynptr_from_mem(data, 513, 0, &d);
}

SEC("tc") __reject("R2 unbounded memory access, use 'var &= const' or 'if (var < const)'")
int from_mem_of_unbounded_size(struct __sk_buff *skb)
{
	void *data = block();
	struct bpf_dynptr d;

	if (!data)
		return 0;
	return bpf_dynptr_from_mem(data, skb->mark, 0, &d);
}

SEC("tc") __reject("R2 min value is negative, either use unsigned or 'var &= const'")
__naked int from_mem_of_negative_size(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + %[mark]);			\
	r1 = %[globals] ll;				\
	r2 = r6;					\
	r2 <<= 32;					\
	r2 s>>= 32;					\
	if r2 s> 16 goto 1f;				\
	r3 = 0;						\
	r4 = r10;					\
	r4 += -16;					\
	call %[bpf_dynptr_from_mem];			\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_dynptr_from_mem), __imm_addr(globals),
	   __imm_const(mark, offsetof(struct __sk_buff, mark)) : __clobbers);
}

SEC("tc") __reject("write into map forbidden, value_size=64 off=0 size=64")
int from_mem_of_read_only_data(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	return bpf_dynptr_from_mem((void *)constants, sizeof(constants), 0, &d);
}

SEC("tc") __reject("bpf_spin_lock cannot be accessed directly by load/store")
int from_mem_over_spin_lock(struct __sk_buff *skb)
{
	u32 key = 0;
	struct locked *value = bpf_map_lookup_elem(&lockeds, &key);
	struct bpf_dynptr d;

	if (!value)
		return 0;
	return bpf_dynptr_from_mem(value, sizeof(*value), 0, &d);
}

SEC("tc") __accept
int from_mem_beside_spin_lock(struct __sk_buff *skb)
{
	u32 key = 0;
	struct locked *value = bpf_map_lookup_elem(&lockeds, &key);
	struct bpf_dynptr d;

	if (!value)
		return 0;
	return bpf_dynptr_from_mem(value->bytes, sizeof(value->bytes), 0, &d);
}

SEC("tc") __accept
int from_skb_of_the_context(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	return bpf_dynptr_from_skb(skb, 0, &d);
}

SEC("tc") __reject("arg#0 expected pointer to ctx, but got fp")
int from_skb_of_a_copy(struct __sk_buff *skb)
{
	struct __sk_buff copy = {};
	struct bpf_dynptr d;

	barrier();
	return bpf_dynptr_from_skb(&copy, 0, &d);
}

SEC("tc") __reject("dereference of modified ctx ptr R1 off=4 disallowed")
int from_skb_of_moved_context(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	return bpf_dynptr_from_skb((void *)skb + 4, 0, &d);
}

SEC("xdp") __accept
int from_xdp_of_the_context(struct xdp_md *xdp)
{
	struct bpf_dynptr d;

	return bpf_dynptr_from_xdp(xdp, 0, &d) ? XDP_ABORTED : XDP_PASS;
}

SEC("xdp") __reject("arg#0 expected pointer to ctx, but got fp")
int from_xdp_of_a_copy(struct xdp_md *xdp)
{
	struct xdp_md copy = {};
	struct bpf_dynptr d;

	barrier();
	return bpf_dynptr_from_xdp(&copy, 0, &d);
}

SEC("tc") __accept
int from_skb_meta_in_tc(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	return bpf_dynptr_from_skb_meta(skb, 0, &d);
}

SEC("tc") __accept
int reserve_of_variable_size(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, skb->len, 0, &d);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

SEC("tc") __reject("cannot pass map_type 2 into func bpf_ringbuf_reserve_dynptr#198")
int reserve_in_an_array(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&blocks, 8, 0, &d);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

static long ignores_sample(struct bpf_dynptr *sample, void *context)
{
	return 0;
}

SEC("tc") __reject("cannot pass map_type 27 into func bpf_user_ringbuf_drain#209")
int drain_of_a_kernel_ringbuf(struct __sk_buff *skb)
{
	return bpf_user_ringbuf_drain(&ring, ignores_sample, NULL, 0);
}

SEC("tc") __accept
int read_into_uninitialised_buffer_of_variable_length(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char buffer[64];
	u32 length = skb->mark & 63;

	bpf_dynptr_from_skb(skb, 0, &d);
	return bpf_dynptr_read(buffer, length, &d, 0, 0);
}

SEC("tc") __reject("invalid write to stack R1 off=-16 size=17")
int read_longer_than_buffer(struct __sk_buff *skb)
{
	char buffer[16];
	struct bpf_dynptr d;

	barrier();
	bpf_dynptr_from_skb(skb, 0, &d);
	return bpf_dynptr_read(buffer, 17, &d, 0, 0);
}

SEC("tc") __accept
int write_from_read_only_data(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return bpf_dynptr_write(&d, 0, (void *)constants, 16, 0);
}

SEC("tc") __accept
int write_from_slice_of_the_same_packet(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	void *slice;

	bpf_dynptr_from_skb(skb, 0, &d);
	slice = bpf_dynptr_slice(&d, 0, NULL, 14);
	if (!slice)
		return 0;
	return bpf_dynptr_write(&d, 14, slice, 14, 0);
}

SEC("tc") __reject("helper access to the packet is not allowed")
int write_from_packet(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	if (data + 14 > end)
		return 0;
	return bpf_dynptr_write(&d, 0, data, 14, 0);
}

SEC("xdp") __reject("helper access to the packet is not allowed")
int read_into_packet(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	struct bpf_dynptr d;

	bpf_dynptr_from_xdp(xdp, 0, &d);
	if (data + 14 > end)
		return XDP_DROP;
	return bpf_dynptr_read(data, 14, &d, 14, 0) ? XDP_DROP : XDP_PASS;
}

SEC("tc") __accept
int write_with_unknown_flags(struct __sk_buff *skb)
{
	char bytes[4] = {};
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return bpf_dynptr_write(&d, 0, bytes, sizeof(bytes), skb->mark);
}
