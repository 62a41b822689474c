/* What generated programs are put into: maps, functions of the kernel, and functions with types to borrow. */
#include "corpus.h"

GPL;

struct words {
	u64 word[8];
};

MAP(HASH, table, u32, struct words, 8);
MAP(ARRAY, slots, u32, struct words, 4);
MAP(PERCPU_ARRAY, local, u32, struct words, 2);
RINGBUF(ring, 4096);

struct words variable;
const volatile u64 constants[4] = { 3, 5, 7, 1 };

/* The types of functions with two numbers, and of callbacks of bpf_loop. */
static __noinline u64 computes(u64 a, u64 b)
{
	opaque(a);
	return a + b;
}

static long on_round(u32 round, void *context)
{
	*(u64 *)context += round;
	return 0;
}

/* Everything that is generated refers to. */
static __always_inline int uses(void *context, struct bpf_dynptr *dynptr)
{
	struct bpf_iter_num it;
	u64 sum = 0;
	u32 key = 0;

	bpf_map_lookup_elem(&table, &key);
	bpf_map_lookup_elem(&slots, &key);
	bpf_map_lookup_elem(&local, &key);
	bpf_ringbuf_output(&ring, &key, sizeof(key), 0);
	bpf_loop(4, on_round, &sum, 0);
	bpf_dynptr_slice(dynptr, 0, 0, 4);
	bpf_dynptr_slice_rdwr(dynptr, 0, 0, 4);
	bpf_iter_num_new(&it, 0, 4);
	while (bpf_iter_num_next(&it))
		sum++;
	bpf_iter_num_destroy(&it);
	return computes(sum, variable.word[0]) + constants[sum & 3];
}

SEC("tc")
int frame(struct __sk_buff *skb)
{
	struct bpf_dynptr dynptr;

	bpf_dynptr_from_skb(skb, 0, &dynptr);
	return uses(skb, &dynptr);
}

SEC("xdp")
int raw(struct xdp_md *xdp)
{
	struct bpf_dynptr dynptr;

	bpf_dynptr_from_xdp(xdp, 0, &dynptr);
	return uses(xdp, &dynptr);
}
