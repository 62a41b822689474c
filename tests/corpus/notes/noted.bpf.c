/* Mistakes that the kernel accepts, where it cuts the path short, or where they are far from their cause. Each program
 * says which notes it has. Not recorded of a kernel. */
#include "corpus.h"

#define __notes(codes) __attribute__((btf_decl_tag("notes:" codes)))

GPL;
RINGBUF(ring, 4096);
char globals[64];
u32 seen;

/* The kernel leaves the second way at the first one's state. */
SEC("tc") __accept __notes("N01")
int lost_where_the_kernel_does_not_look(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char buffer[16], *p;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 34, buffer, sizeof(buffer));
	if (!p)
		return TC_ACT_SHOT;
	if (skb->mark & 1) {
		p[0] = 1;
		if (p == buffer)
			bpf_dynptr_write(&d, 34, buffer, sizeof(buffer), 0);
	} else {
		p[1] = 1;
	}
	for (int i = 0; i < 4; i++)
		__sync_fetch_and_add(&seen, skb->mark);
	return TC_ACT_OK;
}

static __noinline char *slice_of(struct bpf_dynptr *d, char *buffer)
{
	return bpf_dynptr_slice_rdwr(d, 34, buffer, 16);
}

SEC("tc") __accept __notes("N01")
int slice_of_a_callee_lost(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char buffer[16], *p;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = slice_of(&d, buffer);
	if (!p)
		return TC_ACT_SHOT;
	p[0] = 1;
	return TC_ACT_OK;
}

/* Each round loses what the one before stored. */
SEC("xdp.frags") __accept __notes("N01")
int lost_in_each_round(struct xdp_md *xdp)
{
	struct bpf_dynptr d;
	char buffer[16], *p;

	bpf_dynptr_from_xdp(xdp, 0, &d);
	for (int i = 0; i < 3; i++) {
		p = bpf_dynptr_slice_rdwr(&d, i * 16, buffer, sizeof(buffer));
		if (!p)
			return XDP_DROP;
		p[0] = 1;
	}
	return XDP_PASS;
}

SEC("tc") __accept __notes("N02")
int written_back_behind_the_place_it_was_taken_from(struct __sk_buff *skb)
{
	u32 offset = skb->mark & 63;
	struct bpf_dynptr d, e;
	char buffer[16], *p;

	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_dynptr_clone(&d, &e);
	if (bpf_dynptr_adjust(&e, 4, 100))
		return TC_ACT_SHOT;
	p = bpf_dynptr_slice_rdwr(&d, offset, buffer, sizeof(buffer));
	if (!p)
		return TC_ACT_SHOT;
	p[0] = 1;
	if (p == buffer)
		bpf_dynptr_write(&e, offset, buffer, sizeof(buffer), 0);
	return TC_ACT_OK;
}

SEC("tc") __accept __notes("N04")
int written_back_without_asking(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char buffer[16], *p;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 34, buffer, sizeof(buffer));
	if (!p)
		return TC_ACT_SHOT;
	p[0] = 1;
	if (bpf_dynptr_write(&d, 34, buffer, sizeof(buffer), 0))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

/* Two global functions, of which the inner one writes. */
__noinline int writes_deep(const struct bpf_dynptr *d)
{
	char bytes[4] = {};

	return bpf_dynptr_write(d, 40, bytes, sizeof(bytes), 0);
}

__noinline int passes_on(const struct bpf_dynptr *d)
{
	return writes_deep(d);
}

SEC("tc") __accept __notes("N09")
int stale_by_a_function_of_a_function(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char buffer[16], *p;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice(&d, 0, buffer, sizeof(buffer));
	if (!p)
		return TC_ACT_SHOT;
	passes_on(&d);
	return p[0];
}

/* The other dynptr is over memory, so that the packet stays where it is. */
SEC("tc") __accept
int other_memory_by_a_function_of_a_function(struct __sk_buff *skb)
{
	struct bpf_dynptr d, e;
	char buffer[16], *p;

	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &e);
	p = bpf_dynptr_slice(&d, 0, buffer, sizeof(buffer));
	if (!p)
		return TC_ACT_SHOT;
	passes_on(&e);
	return p[0];
}

static __noinline int gives_up(struct bpf_dynptr *d)
{
	struct bpf_dynptr clone;

	bpf_dynptr_clone(d, &clone);
	bpf_ringbuf_discard_dynptr(&clone, 0);
	return 0;
}

SEC("tc") __accept __notes("N11")
int asked_after_it_was_given_up(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &d);
	gives_up(&d);
	return bpf_dynptr_is_rdonly(&d);
}

SEC("xdp.frags") __accept __notes("N12")
int size_of_a_frame_that_was_cut(struct xdp_md *xdp)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_xdp(xdp, 0, &d);
	if (bpf_xdp_adjust_head(xdp, 14))
		return XDP_DROP;
	return bpf_dynptr_size(&d) > 40 ? XDP_PASS : XDP_DROP;
}

SEC("tc") __accept __notes("N31")
int end_counted_from_the_beginning(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &d);
	if (bpf_dynptr_adjust(&d, 16, 64) || bpf_dynptr_adjust(&d, 16, 64))
		return TC_ACT_SHOT;
	return bpf_dynptr_size(&d);
}

SEC("tc") __accept __notes("N19")
int size_of_a_record_that_may_be_none(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	u32 size;

	bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &d);
	size = bpf_dynptr_size(&d);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return size;
}

SEC("tc") __accept __notes("N01")
int lost_in_a_loop(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	struct bpf_dynptr d;
	char buffer[16], *p;
	int *i;

	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_iter_num_new(&it, 0, 8);
	while ((i = bpf_iter_num_next(&it))) {
		p = bpf_dynptr_slice_rdwr(&d, *i * 16, buffer, sizeof(buffer));
		if (!p)
			break;
		p[0] = 1;
	}
	bpf_iter_num_destroy(&it);
	return TC_ACT_OK;
}
