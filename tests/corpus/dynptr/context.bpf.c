/* Where dynptr functions may be called: locks, sleeping, program types, loops, pruning. */
#include "corpus.h"

GPL;
struct locked { struct bpf_spin_lock lock; u32 value; };
MAP(ARRAY, lockeds, u32, struct locked, 1);
RINGBUF(ring, 4096);
char globals[64];

static __always_inline struct locked *locked(void)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&lockeds, &key);
}

SEC("tc") __reject("function calls are not allowed while holding a lock")
int kfunc_under_spin_lock(struct __sk_buff *skb)
{
	struct locked *value = locked();
	struct bpf_dynptr d;

	if (!value)
		return 0;
	bpf_spin_lock(&value->lock);
	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_spin_unlock(&value->lock);
	return 0;
}

SEC("tc") __reject("function calls are not allowed while holding a lock")
int helper_under_spin_lock(struct __sk_buff *skb)
{
	struct locked *value = locked();
	struct bpf_dynptr d;
	char byte;

	if (!value)
		return 0;
	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_spin_lock(&value->lock);
	bpf_dynptr_read(&byte, 1, &d, 0, 0);
	bpf_spin_unlock(&value->lock);
	return 0;
}

SEC("tc") __accept
int read_beside_spin_lock(struct __sk_buff *skb)
{
	struct locked *value = locked();
	struct bpf_dynptr d;
	u32 word = 0;

	if (!value)
		return 0;
	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_dynptr_read(&word, sizeof(word), &d, 0, 0);
	bpf_spin_lock(&value->lock);
	value->value = word;
	bpf_spin_unlock(&value->lock);
	return 0;
}

SEC("syscall") __accept
int copy_from_user_where_sleeping_is_allowed(void *context)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &d);
	return bpf_copy_from_user_dynptr(&d, 0, 8, NULL);
}

SEC("kprobe/do_nanosleep") __reject("program must be sleepable to call sleepable kfunc bpf_copy_from_user_dynptr")
int copy_from_user_where_sleeping_is_not_allowed(void *context)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &d);
	return bpf_copy_from_user_dynptr(&d, 0, 8, NULL);
}

SEC("kprobe/do_nanosleep") __accept
int probe_read_where_sleeping_is_not_allowed(void *context)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &d);
	bpf_probe_read_kernel_dynptr(&d, 0, 8, context);
	bpf_probe_read_user_str_dynptr(&d, 0, 8, context);
	return 0;
}

SEC("xdp") __reject("calling kernel function bpf_dynptr_from_skb is not allowed")
int from_skb_in_xdp(struct xdp_md *xdp)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb((void *)xdp, 0, &d);
	return XDP_PASS;
}

SEC("tc") __reject("calling kernel function bpf_dynptr_from_xdp is not allowed")
int from_xdp_in_tc(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_xdp((void *)skb, 0, &d);
	return 0;
}

SEC("cgroup_skb/egress") __reject("calling kernel function bpf_dynptr_from_skb_meta is not allowed")
int from_skb_meta_in_cgroup_skb(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb_meta(skb, 0, &d);
	return 1;
}

SEC("tracepoint/syscalls/sys_enter_nanosleep") __reject("arg#0 pointer type STRUCT __sk_buff must point to scalar, or struct with scalar")
int from_skb_in_tracepoint(void *context)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(context, 0, &d);
	return 0;
}

SEC("cgroup_skb/egress") __accept
int from_skb_in_cgroup_skb(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char byte = 1;

	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_dynptr_write(&d, 0, &byte, 1, 0);
	return 1;
}

SEC("sk_skb/stream_verdict") __accept
int slice_rdwr_in_sk_skb(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char *p;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, NULL, 8);
	if (p)
		p[0] = 1;
	return SK_PASS;
}

SEC("lwt_xmit") __accept
int slice_rdwr_in_lwt_xmit(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char *p;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, NULL, 8);
	if (p)
		p[0] = 1;
	return BPF_OK;
}

SEC("lwt_in") __accept
int slice_in_lwt_in(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return bpf_dynptr_slice(&d, 0, NULL, 8) ? BPF_OK : BPF_DROP;
}

SEC("lwt_in") __reject("the prog does not allow writes to packet data")
int slice_rdwr_in_lwt_in(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_dynptr_slice_rdwr(&d, 0, NULL, 8);
	return BPF_OK;
}

SEC("netfilter") __accept
int from_skb_in_netfilter(struct bpf_nf_ctx *context)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb((void *)context->skb, 0, &d);
	return bpf_dynptr_size(&d) ? NF_ACCEPT : NF_DROP;
}

SEC("tp_btf/netif_receive_skb") __accept
int from_skb_in_tp_btf(unsigned long long *arguments)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb((void *)arguments[0], 0, &d);
	return bpf_dynptr_size(&d);
}

SEC("tc") __accept
int slice_in_each_round_of_a_loop(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char buffer[8];
	int sum = 0, i;

	bpf_dynptr_from_skb(skb, 0, &d);
	for (i = 0; i < 16; i++) {
		char *p = bpf_dynptr_slice_rdwr(&d, i * 8, buffer, sizeof(buffer));

		if (!p)
			break;
		sum += p[0]++;
		if (p == buffer)
			bpf_dynptr_write(&d, i * 8, buffer, sizeof(buffer), 0);
	}
	return sum;
}

SEC("tc") __accept
int record_in_each_round_of_an_iterator(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	struct bpf_dynptr d;

	bpf_iter_num_new(&it, 0, 100);
	while (bpf_iter_num_next(&it)) {
		bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
		bpf_ringbuf_discard_dynptr(&d, 0);
	}
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int record_kept_from_round_to_round(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	struct bpf_dynptr d;

	bpf_iter_num_new(&it, 0, 100);
	while (bpf_iter_num_next(&it))
		bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_iter_num_destroy(&it);
	return 0;
}

/* Two paths meet with slices of another length. With a buffer the length is precise, so both are followed; without
 * one it is not, and the order of the paths decides. */
#define TWO_LENGTHS(name, first, second, buffer_code)	\
	__naked int name(void)				\
	{						\
		asm volatile("				\
		r6 = *(u32 *)(r1 + %[mark]);		\
		r2 = 0;					\
		r3 = r10;				\
		r3 += -16;				\
		call %[bpf_dynptr_from_skb];		\
		r4 = " #first ";			\
		if r6 == 0 goto 1f;			\
		r4 = " #second ";			\
	1:	r1 = r10;				\
		r1 += -16;				\
		r2 = 0;					\
		" buffer_code "				\
		call %[bpf_dynptr_slice];		\
		if r0 == 0 goto 2f;			\
		r0 = *(u8 *)(r0 + 59);			\
	2:	exit;					\
	"	:: __imm(bpf_dynptr_from_skb), __imm(bpf_dynptr_slice),	\
		   __imm_const(mark, offsetof(struct __sk_buff, mark)) : __clobbers); \
	}

SEC("tc") __reject("invalid access to memory, mem_size=4 off=59 size=1")
TWO_LENGTHS(short_length_after_long_with_buffer, 4, 64, "r3 = r10; r3 += -80;")

SEC("tc") __reject("invalid access to memory, mem_size=4 off=59 size=1")
TWO_LENGTHS(long_length_after_short_with_buffer, 64, 4, "r3 = r10; r3 += -80;")

SEC("tc") __reject("invalid access to memory, mem_size=4 off=59 size=1")
TWO_LENGTHS(long_length_after_short_without_buffer, 64, 4, "r3 = 0;")

SEC("tc") __accept
TWO_LENGTHS(short_length_after_long_without_buffer, 4, 64, "r3 = 0;")

SEC("tc") __accept
TWO_LENGTHS(both_lengths_suffice, 60, 64, "r3 = r10; r3 += -80;")
