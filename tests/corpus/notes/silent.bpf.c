/* Correct programs that look like mistakes; nothing is to be noted of them. Not recorded of a kernel. */
#include "corpus.h"

GPL;
RINGBUF(ring, 4096);
MAP(ARRAY, scratch, u32, struct { char bytes[64]; }, 1);
MAP(HASH, verdicts, u32, u32, 16);
char globals[64];
u32 seen, sum;

SEC("tc") __accept
int written_back_behind_other_branches(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char buffer[16], *p;
	int verdict = TC_ACT_OK;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 34, buffer, sizeof(buffer));
	if (!p)
		return TC_ACT_SHOT;
	p[0] = 1;
	if (skb->mark & 1)
		__sync_fetch_and_add(&seen, 1);
	if (skb->mark == 7)
		verdict = TC_ACT_SHOT;
	else if (p == buffer && bpf_dynptr_write(&d, 34, buffer, sizeof(buffer), 0))
		verdict = TC_ACT_SHOT;
	if (skb->mark & 4)
		__sync_fetch_and_add(&sum, 1);
	return verdict;
}

/* The question is asked before the packet changes hands, and answered later. */
SEC("tc") __accept
int asked_early_and_written_late(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char buffer[16], *p;
	int is_buffer;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 34, buffer, sizeof(buffer));
	if (!p)
		return TC_ACT_SHOT;
	is_buffer = p == buffer;
	p[3] = 9;
	bpf_get_prandom_u32();
	if (is_buffer)
		bpf_dynptr_write(&d, 34, buffer, sizeof(buffer), 0);
	return TC_ACT_OK;
}

/* One comparison for either of two buffers. */
SEC("tc") __accept
int either_of_two_buffers(struct __sk_buff *skb)
{
	char one[16], other[16], *p;
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	if (skb->mark)
		p = bpf_dynptr_slice_rdwr(&d, 34, one, sizeof(one));
	else
		p = bpf_dynptr_slice_rdwr(&d, 34, other, sizeof(other));
	if (!p)
		return TC_ACT_SHOT;
	p[0] = 1;
	opaque(p);
	if (p == one)
		bpf_dynptr_write(&d, 34, one, sizeof(one), 0);
	else if (p == other)
		bpf_dynptr_write(&d, 34, other, sizeof(other), 0);
	return TC_ACT_OK;
}

/* Direct accesses prove that the bytes are in one piece. */
SEC("tc") __accept
int bytes_compared_with_the_end_of_the_packet(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct bpf_dynptr d;
	char buffer[16], *p;

	if (data + 54 > end)
		return TC_ACT_SHOT;
	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 34, buffer, sizeof(buffer));
	if (!p)
		return TC_ACT_SHOT;
	p[0] = 1;
	return TC_ACT_OK;
}

SEC("tc") __accept
int pulled_before(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char buffer[16], *p;

	if (bpf_skb_pull_data(skb, skb->len))
		return TC_ACT_SHOT;
	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 34, buffer, sizeof(buffer));
	if (!p)
		return TC_ACT_SHOT;
	p[0] = 1;
	bpf_dynptr_memset(&d, 40, 2, 0);
	return TC_ACT_OK;
}

/* An XDP frame in one piece is never copied. */
SEC("xdp") __accept
int frame_in_one_piece(struct xdp_md *xdp)
{
	struct bpf_dynptr d;
	char buffer[16], *p;

	bpf_dynptr_from_xdp(xdp, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 40, buffer, sizeof(buffer));
	if (!p)
		return XDP_DROP;
	p[0] = 1;
	return XDP_PASS;
}

/* The function that stores does not write back; its caller does. */
static __noinline int stores(char *p)
{
	if (!p)
		return -1;
	p[1] = 2;
	return 0;
}

SEC("tc") __accept
int caller_writes_back(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char buffer[16], *p;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 34, buffer, sizeof(buffer));
	if (stores(p))
		return TC_ACT_SHOT;
	if (p == buffer)
		bpf_dynptr_write(&d, 34, buffer, sizeof(buffer), 0);
	return TC_ACT_OK;
}

/* The callee has buffer and write-back. */
static __noinline int sets_port(struct bpf_dynptr *d, u32 offset)
{
	char buffer[4], *p;

	p = bpf_dynptr_slice_rdwr(d, offset, buffer, sizeof(buffer));
	if (!p)
		return -1;
	p[2] = 1;
	p[3] = 2;
	return p == buffer ? bpf_dynptr_write(d, offset, buffer, sizeof(buffer), 0) : 0;
}

SEC("tc") __accept
int callee_writes_back(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	if (sets_port(&d, 34) || sets_port(&d, skb->mark & 63))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

/* Only the bytes that were changed are written back. */
SEC("tc") __accept
int part_written_back(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char buffer[20], *p;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 14, buffer, sizeof(buffer));
	if (!p)
		return TC_ACT_SHOT;
	p[8] -= 1;
	if (p == buffer)
		bpf_dynptr_write(&d, 14 + 8, buffer + 8, 1, 0);
	return TC_ACT_OK;
}

/* What was changed in place is overwritten by something else. */
SEC("tc") __accept
int replaced_as_a_whole(struct __sk_buff *skb)
{
	char buffer[16], header[16] = {}, *p;
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 34, buffer, sizeof(buffer));
	if (!p)
		return TC_ACT_SHOT;
	p[0] = 1;
	__builtin_memcpy(header, p, sizeof(header));
	if (bpf_dynptr_write(&d, 34, header, sizeof(header), BPF_F_RECOMPUTE_CSUM))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

/* A buffer is used again when the slice before is done with. */
SEC("tc") __accept
int buffer_used_in_turn(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char buffer[16], *p;
	int total = 0;

	bpf_dynptr_from_skb(skb, 0, &d);
	for (int i = 0; i < 4; i++) {
		p = bpf_dynptr_slice(&d, i * 16, buffer, sizeof(buffer));
		if (!p)
			break;
		total += p[0];
	}
	__builtin_memset(buffer, 0, sizeof(buffer));
	barrier();
	return total + buffer[3];
}

/* Without a buffer, NULL leads to another attempt. */
SEC("tc") __accept
int read_where_there_is_no_slice(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char copy[20], *p;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice(&d, 14, NULL, sizeof(copy));
	if (!p) {
		if (bpf_dynptr_read(copy, sizeof(copy), &d, 14, 0))
			return TC_ACT_SHOT;
		p = copy;
	}
	return p[9] == 6 ? TC_ACT_OK : TC_ACT_SHOT;
}

/* If the tail could not be cut off, the dynptr is as good as before. */
SEC("xdp.frags") __accept
int dynptr_used_after_a_failed_change(struct xdp_md *xdp)
{
	struct bpf_dynptr d;
	char bytes[4];

	bpf_dynptr_from_xdp(xdp, 0, &d);
	if (bpf_xdp_adjust_tail(xdp, -4)) {
		if (bpf_dynptr_read(bytes, sizeof(bytes), &d, 0, 0))
			return XDP_DROP;
		sum = bytes[0];
		return XDP_PASS;
	}
	bpf_dynptr_from_xdp(xdp, 0, &d);
	return bpf_dynptr_size(&d) ? XDP_PASS : XDP_DROP;
}

/* A function for dynptrs of any kind may ask for what some never have. */
static __noinline char first_byte(struct bpf_dynptr *d)
{
	char buffer[1], *p;

	p = bpf_dynptr_data(d, 0, 1);
	if (!p)
		p = bpf_dynptr_slice(d, 0, buffer, 1);
	return p ? *p : 0;
}

SEC("tc") __accept
int one_function_for_all_kinds(struct __sk_buff *skb)
{
	struct bpf_dynptr d, e;

	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &e);
	return first_byte(&d) + first_byte(&e);
}

/* A loop over memory that ends where there is no more of it. */
SEC("tc") __accept
int until_there_is_no_more(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	int total = 0;

	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &d);
	for (u32 at = 0; at < 128; at += 32) {
		char *p = bpf_dynptr_data(&d, at, 32);

		if (!p)
			break;
		total += p[0];
	}
	return total;
}

/* The verdict is looked up, and a function without answer drops the packet. */
SEC("tc") __accept
int verdict_of_a_map(struct __sk_buff *skb)
{
	char buffer[16], *p;
	struct bpf_dynptr d;
	u32 key = 0, *verdict;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 34, buffer, sizeof(buffer));
	if (!p)
		return TC_ACT_SHOT;
	p[0] = 1;
	if (p == buffer && bpf_dynptr_write(&d, 34, buffer, sizeof(buffer), 0))
		return TC_ACT_SHOT;
	verdict = bpf_map_lookup_elem(&verdicts, &key);
	return verdict ? *verdict : TC_ACT_SHOT;
}

/* The buffer is a value of a map, which is looked up twice. */
SEC("tc") __accept
int buffer_looked_up_again(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char *buffer, *p;
	u32 key = 0;

	bpf_dynptr_from_skb(skb, 0, &d);
	buffer = bpf_map_lookup_elem(&scratch, &key);
	if (!buffer)
		return TC_ACT_SHOT;
	p = bpf_dynptr_slice_rdwr(&d, 34, buffer, 64);
	if (!p)
		return TC_ACT_SHOT;
	p[0] = 1;
	key = 0;
	buffer = bpf_map_lookup_elem(&scratch, &key);
	if (buffer && p == buffer)
		bpf_dynptr_write(&d, 34, buffer, 64, 0);
	return buffer ? TC_ACT_OK : TC_ACT_SHOT;
}

/* Slices and records that were released before they are made anew. */
SEC("tc") __accept
int records_in_turn(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char *p;

	for (int i = 0; i < 3; i++) {
		if (bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &d)) {
			bpf_ringbuf_discard_dynptr(&d, 0);
			break;
		}
		p = bpf_dynptr_slice_rdwr(&d, 0, NULL, 16);
		if (p)
			p[0] = i;
		bpf_ringbuf_submit_dynptr(&d, 0);
	}
	return TC_ACT_OK;
}

/* Whether something was stored is remembered across a loop. */
SEC("tc") __accept
int stored_or_not_across_a_loop(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	struct bpf_dynptr d;
	char buffer[16], *p;
	int stored = 0;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 34, buffer, sizeof(buffer));
	if (!p)
		return TC_ACT_SHOT;
	bpf_iter_num_new(&it, 0, 8);
	while (bpf_iter_num_next(&it)) {
		if (skb->mark & 1) {
			p[0] = 1;
			stored = 1;
		}
	}
	bpf_iter_num_destroy(&it);
	if (stored && p == buffer && bpf_dynptr_write(&d, 34, buffer, sizeof(buffer), 0))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

/* The buffer is put to another use, byte by byte. */
SEC("tc") __accept
int buffer_filled_byte_by_byte(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char buffer[16], *p;
	u32 at = skb->mark & 15;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 34, buffer, sizeof(buffer));
	if (!p)
		return TC_ACT_SHOT;
	sum += p[0];
	opaque(at);
	at &= 15;
	buffer[at] = 1;
	if (bpf_dynptr_write(&d, 34, buffer, sizeof(buffer), 0))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

/* A result that does not matter. */
SEC("tc") __accept
int failure_does_not_matter(struct __sk_buff *skb)
{
	char bytes[4] = {};
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	(void)bpf_dynptr_write(&d, skb->mark, bytes, sizeof(bytes), 0);
	return TC_ACT_OK;
}
