// Correct code that needs a second look: cleanup functions, tables of verdicts, shared scratch memory.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

// freplace takes the type of the program it replaces: slice_rdwr may well be allowed.
SEC("freplace/xdp_dispatch")
int prog_a(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;
	__u8 buf[8], *p;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	p = bpf_dynptr_slice_rdwr(&pkt, 34, buf, sizeof(buf));
	if (!p)
		return XDP_DROP;
	p[0] = 1;
	if (p == buf)
		bpf_dynptr_write(&pkt, 34, buf, sizeof(buf), 0);
	return XDP_PASS;
}

// Slices share a map value, each with a part of its own (a bump allocator).
struct parser_b { struct bpf_dynptr ptr; __u32 off; __u8 *scratch_b; __u32 used; };
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u8[1024]); } scratch_b SEC(".maps");
static void *next_b(struct parser_b *p, __u32 len)
{
	void *h;

	if (p->used + 64 > 1024)
		return NULL;
	h = bpf_dynptr_slice(&p->ptr, p->off, p->scratch + p->used, 64);
	if (!h)
		return NULL;
	p->used += 64;
	p->off += len;
	return h;
}
SEC("tc")
int prog_b(struct __sk_buff *skb)
{
	struct parser_b p = {};
	__u32 zero = 0;
	struct ethhdr *eth;
	struct iphdr *ip;

	p.scratch = bpf_map_lookup_elem(&scratch_b, &zero);
	if (!p.scratch || bpf_dynptr_from_skb(skb, 0, &p.ptr))
		return 0;
	eth = next_b(&p, sizeof(*eth));
	if (!eth)
		return 0;
	ip = next_b(&p, sizeof(*ip));
	if (!ip)
		return 0;
	return eth->h_proto && ip->ttl ? 0 : 2;
}

// The buffer is filled from the slice and changed itself: the write is needed.
SEC("tc")
int prog_c(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct ethhdr buf, *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice(&pkt, 0, &buf, sizeof(buf));
	if (!p)
		return TC_ACT_SHOT;
	if (p != &buf)
		__builtin_memcpy(&buf, p, sizeof(buf));
	buf.h_source[0] = 2;
	return bpf_dynptr_write(&pkt, 0, &buf, sizeof(buf), 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

// The record is released by a cleanup function.
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb_d SEC(".maps");
static void done_d(struct bpf_dynptr *d) { bpf_ringbuf_submit_dynptr(d, 0); }
#define __record_d __attribute__((cleanup(done_d)))
SEC("tp/a")
int prog_d(void *ctx)
{
	struct bpf_dynptr d __attribute__((cleanup(done_d)));
	__u32 v = 1;

	if (bpf_ringbuf_reserve_dynptr(&rb_d, 8, 0, &d))
		return 0;
	bpf_dynptr_write(&d, 0, &v, sizeof(v), 0);
	return 0;
}
SEC("tp/b")
int prog2_d(void *ctx)
{
	__record_d struct bpf_dynptr d;
	__u32 v = 1;

	if (bpf_ringbuf_reserve_dynptr(&rb_d, 8, 0, &d))
		return 0;
	bpf_dynptr_write(&d, 0, &v, sizeof(v), 0);
	return 0;
}

// A reservation in a struct that is returned by value (the call is inlined: no copy is made).
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb_e SEC(".maps");
struct ev_e { struct bpf_dynptr d; int err; };
static __always_inline struct ev_e ev_new_e(__u32 n)
{
	struct ev_e e = {};

	e.err = bpf_ringbuf_reserve_dynptr(&rb_e, n, 0, &e.d);
	return e;
}
static __always_inline void ev_done_e(struct ev_e *e)
{
	bpf_ringbuf_submit_dynptr(&e->d, 0);
}
SEC("tp/a")
int prog_e(void *ctx)
{
	struct ev_e e = ev_new_e(8);
	__u32 v = 1;

	if (!e.err)
		bpf_dynptr_write(&e.d, 0, &v, sizeof(v), 0);
	ev_done_e(&e);
	return 0;
}
#define with_ev_e(e, n) \
	for (struct ev_e e = ev_new_e(n), *__once = &e; __once; ev_done_e(&e), __once = NULL)
SEC("tp/b")
int prog2_e(void *ctx)
{
	__u32 v = 1;

	with_ev_e(e, 32) {
		if (!e.err)
			bpf_dynptr_write(&e.d, 0, &v, 4, 0);
	}
	return 0;
}
SEC("tp/c")
int prog3_e(void *ctx)
{
	struct bpf_dynptr d;
	__u32 v = 1;

	for (int once = (bpf_ringbuf_reserve_dynptr(&rb_e, 8, 0, &d), 1); once; bpf_ringbuf_submit_dynptr(&d, 0), once = 0)
		bpf_dynptr_write(&d, 0, &v, 4, 0);
	return 0;
}

// The error code becomes a verdict by way of IS_ERR, and of a table_f.
static int inner_f(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 buf[8], *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice_rdwr(&pkt, 40, buf, sizeof(buf));
	if (!p)
		return -134;
	p[0] = 1;
	if (p[1])
		return -134;
	if (p == buf && bpf_dynptr_write(&pkt, 40, buf, sizeof(buf), 0))
		return -134;
	return 0;
}
static __always_inline int is_error_f(int ret)
{
	return ret < 0;
}
SEC("tc")
int own_test_f(struct __sk_buff *skb)
{
	int ret = inner_f(skb);

	if (is_error_f(ret))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}
SEC("tc")
int is_err_f(struct __sk_buff *skb)
{
	int ret = inner_f(skb);

	if (IS_ERR(ret))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}
static const int verdicts_f[] = { TC_ACT_OK, TC_ACT_SHOT };
SEC("tc")
int table_f(struct __sk_buff *skb)
{
	return verdicts_f[inner_f(skb) < 0];
}

// On an error the verdict is made by a function of a header that is not there.
static int rewrite_g(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 buf[8], *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice_rdwr(&pkt, 40, buf, sizeof(buf));
	if (!p)
		return -134;
	p[0] = 1;
	if (p[1])
		return -134;
	if (p == buf && bpf_dynptr_write(&pkt, 40, buf, sizeof(buf), 0))
		return -134;
	return 0;
}
SEC("tc")
int notify_g(struct __sk_buff *skb)
{
	int ret = rewrite_g(skb);

	if (ret < 0)
		return send_drop_notify(skb, ret);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
