/* What makes a slice unusable, and what does not although one might think so. */
#include "corpus.h"

GPL;
RINGBUF(ring, 4096);
char globals[64];
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} programs SEC(".maps");

/* A tc program with a slice `p` of its packet; what the event leaves of it is loaded at the end. */
#define SKB_SLICE(name, event)				\
	int name(struct __sk_buff *skb)			\
	{						\
		struct bpf_dynptr d;			\
		char buffer[16], bytes[8] = {};		\
		char *p;				\
							\
		bpf_dynptr_from_skb(skb, 0, &d);	\
		p = bpf_dynptr_slice(&d, 0, buffer, 16);\
		if (!p)					\
			return 0;			\
		(void)bytes;				\
		event					\
		return p[0];				\
	}

#define XDP_SLICE(name, event)				\
	int name(struct xdp_md *xdp)			\
	{						\
		struct bpf_dynptr d;			\
		char buffer[16], bytes[8] = {};		\
		char *p;				\
							\
		bpf_dynptr_from_xdp(xdp, 0, &d);	\
		p = bpf_dynptr_slice(&d, 0, buffer, 16);\
		if (!p)					\
			return XDP_DROP;		\
		(void)bytes;				\
		event					\
		return p[0] ? XDP_PASS : XDP_DROP;	\
	}

/* The same with pointers into the packet. */
#define SKB_POINTER(name, event)				\
	int name(struct __sk_buff *skb)				\
	{							\
		char *data = (void *)(long)skb->data;		\
		void *end = (void *)(long)skb->data_end;	\
		char bytes[8] = {};				\
		struct bpf_dynptr d;				\
								\
		bpf_dynptr_from_skb(skb, 0, &d);		\
		if ((void *)data + 14 > end)			\
			return 0;				\
		(void)bytes;					\
		event						\
		return data[0];					\
	}

static __noinline long pulls(struct __sk_buff *skb)
{
	return bpf_skb_pull_data(skb, 64);
}

__noinline long pulls_globally(struct __sk_buff *skb)
{
	return bpf_skb_pull_data(skb, 64);
}

static __noinline long writes(struct bpf_dynptr *d)
{
	char bytes[8] = {};

	return bpf_dynptr_write(d, 0, bytes, sizeof(bytes), 0);
}

__noinline long writes_globally(const struct bpf_dynptr *d)
{
	char bytes[8] = {};

	return bpf_dynptr_write(d, 0, bytes, sizeof(bytes), 0);
}

static long pulls_in_loop(u64 index, struct __sk_buff **skb)
{
	return bpf_skb_pull_data(*skb, 64) != 0;
}

static __noinline long calls_tail(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, 0);
	return 0;
}

SEC("tc") __reject("invalid mem access 'scalar'")
SKB_SLICE(write_kills_skb_slice, {
	bpf_dynptr_write(&d, 0, bytes, sizeof(bytes), 0);
})

SEC("tc") __reject("invalid mem access 'scalar'")
SKB_SLICE(write_of_nothing_kills_skb_slice, {
	bpf_dynptr_write(&d, 0, bytes, 0, 0);
})

SEC("tc") __reject("invalid mem access 'scalar'")
SKB_SLICE(write_through_another_dynptr_kills_skb_slice, {
	struct bpf_dynptr e;

	bpf_dynptr_from_skb(skb, 0, &e);
	bpf_dynptr_write(&e, 0, bytes, sizeof(bytes), 0);
})

SEC("tc") __reject("invalid mem access 'scalar'")
SKB_POINTER(write_kills_packet_pointer, {
	bpf_dynptr_write(&d, 0, bytes, sizeof(bytes), 0);
})

SEC("tc") __accept
SKB_SLICE(write_to_memory_keeps_skb_slice, {
	struct bpf_dynptr e;

	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &e);
	bpf_dynptr_write(&e, 0, bytes, sizeof(bytes), 0);
})

SEC("xdp") __accept
XDP_SLICE(write_keeps_xdp_slice, {
	bpf_dynptr_write(&d, 0, bytes, sizeof(bytes), 0);
})

SEC("tc") __reject("invalid mem access 'scalar'")
SKB_SLICE(pull_data_kills_skb_slice, {
	bpf_skb_pull_data(skb, 64);
})

SEC("tc") __reject("invalid mem access 'scalar'")
SKB_SLICE(store_bytes_kills_skb_slice, {
	bpf_skb_store_bytes(skb, 0, bytes, sizeof(bytes), 0);
})

SEC("tc") __reject("invalid mem access 'scalar'")
SKB_SLICE(csum_replace_kills_skb_slice, {
	bpf_l3_csum_replace(skb, 24, 1, 2, 2);
})

SEC("xdp") __reject("invalid mem access 'scalar'")
XDP_SLICE(adjust_tail_kills_xdp_slice, {
	bpf_xdp_adjust_tail(xdp, 16);
})

SEC("xdp") __reject("invalid mem access 'scalar'")
XDP_SLICE(pull_data_kills_xdp_slice, {
	bpf_xdp_pull_data(xdp, 64);
})

SEC("xdp") __accept
XDP_SLICE(store_bytes_keeps_xdp_slice, {
	bpf_xdp_store_bytes(xdp, 0, bytes, sizeof(bytes));
})

SEC("tc") __accept
SKB_SLICE(load_bytes_keeps_skb_slice, {
	bpf_skb_load_bytes(skb, 0, bytes, sizeof(bytes));
})

SEC("tc") __accept
SKB_SLICE(context_store_keeps_skb_slice, {
	skb->mark = 1;
})

SEC("tc") __accept
SKB_SLICE(set_hash_keeps_skb_slice, {
	bpf_set_hash(skb, 1);
})

SEC("tc") __accept
SKB_SLICE(queries_keep_skb_slice, {
	struct bpf_dynptr e;

	bpf_dynptr_clone(&d, &e);
	bpf_dynptr_adjust(&d, 1, 2);
	bpf_dynptr_size(&d);
	bpf_dynptr_read(bytes, sizeof(bytes), &d, 0, 0);
})

SEC("tc") __accept
SKB_SLICE(null_check_of_a_dead_slice, {
	bpf_skb_pull_data(skb, 64);
	return p ? 1 : 0;
})

SEC("tc") __accept
SKB_SLICE(buffer_outlives_the_slice, {
	bpf_skb_pull_data(skb, 64);
	return buffer[0];
})

SEC("tc") __reject("invalid mem access 'scalar'")
SKB_SLICE(derived_pointer_dies_too, {
	char *q = p + 4;

	opaque(q);
	bpf_skb_pull_data(skb, 64);
	return q[0];
})

SEC("tc") __reject("invalid mem access 'scalar'")
SKB_SLICE(spilled_pointer_dies_too, {
	char *volatile spilled = p;

	bpf_skb_pull_data(skb, 64);
	return spilled[0];
})

SEC("tc") __reject("invalid mem access 'scalar'")
SKB_SLICE(static_callee_kills_skb_slice, {
	pulls(skb);
})

SEC("tc") __reject("invalid mem access 'scalar'")
SKB_SLICE(global_callee_kills_skb_slice, {
	pulls_globally(skb);
})

SEC("tc") __reject("invalid mem access 'scalar'")
SKB_SLICE(loop_callback_kills_skb_slice, {
	bpf_loop(2, pulls_in_loop, &skb, 0);
})

SEC("tc") __reject("invalid mem access 'scalar'")
SKB_SLICE(write_in_static_callee_kills_skb_slice, {
	writes(&d);
})

SEC("tc") __accept
SKB_SLICE(write_in_global_callee_keeps_skb_slice, {
	writes_globally(&d);
})

SEC("tc") __accept
SKB_POINTER(write_in_global_callee_keeps_packet_pointer, {
	writes_globally(&d);
})

SEC("tc") __accept
SKB_SLICE(tail_call_keeps_skb_slice, {
	bpf_tail_call(skb, &programs, 0);
})

SEC("tc") __reject("invalid mem access 'scalar'")
SKB_SLICE(tail_call_in_static_callee_kills_skb_slice, {
	calls_tail(skb);
})

SEC("tc") __accept
SKB_SLICE(memset_keeps_skb_slice, {
	bpf_dynptr_memset(&d, 0, 8, 0);
})

SEC("tc") __accept
SKB_POINTER(copy_keeps_packet_pointer, {
	bpf_dynptr_copy(&d, 0, &d, 8, 4);
})

SEC("tc") __accept
SKB_SLICE(probe_read_keeps_skb_slice, {
	bpf_probe_read_kernel_dynptr(&d, 0, 8, skb);
})

SEC("tc") __accept
SKB_SLICE(slice_outlives_its_dynptr, {
	bpf_dynptr_from_skb(skb, 0, &d);
})

SEC("tc") __accept
SKB_SLICE(slice_outlives_overwritten_slots, {
	*(volatile u64 *)&d = 0;
})

SEC("tc") __reject("invalid mem access 'scalar'")
int data_dies_with_its_dynptr(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char *p;

	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	if (!p)
		return 0;
	bpf_dynptr_from_skb(skb, 0, &d);
	return p[0];
}

SEC("tc") __accept
int data_outlives_packet_changes(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char *p;

	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	if (!p)
		return 0;
	bpf_skb_pull_data(skb, 64);
	return p[0];
}

SEC("tc") __accept
int slice_of_record_outlives_submit(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char *p;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	p = bpf_dynptr_slice(&d, 0, NULL, 8);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return p ? p[0] : 0;
}

SEC("tc") __accept
int dynptr_outlives_packet_changes(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_skb_pull_data(skb, 64);
	return bpf_dynptr_size(&d);
}

SEC("tc") __reject("invalid mem access 'scalar'")
int meta_slice_dies_with_write(struct __sk_buff *skb)
{
	char bytes[8] = {};
	struct bpf_dynptr d;
	char *p;

	bpf_dynptr_from_skb_meta(skb, 0, &d);
	p = bpf_dynptr_slice(&d, 0, NULL, 8);
	if (!p)
		return 0;
	bpf_dynptr_write(&d, 0, bytes, sizeof(bytes), 0);
	return p[0];
}
