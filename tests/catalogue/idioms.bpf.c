// One program per correct use that looks suspicious: program tNN shows idiom TNN. All load on Linux 6.18.44; none deserves a finding.
#include "catalogue.h"
#define TC_ACT_OK 0
#define TC_ACT_SHOT 2
#define XDP_DROP 1
#define XDP_PASS 2
#ifndef barrier
#define barrier() asm volatile("" ::: "memory")
#endif
#ifndef NULL
#define NULL ((void*)0)
#endif
struct dm { struct bpf_dynptr d; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, struct dm); } dmap SEC(".maps");


SEC("tc")
int t01(struct __sk_buff *s)
{
	struct bpf_dynptr d; struct ethhdr hb, *eth;
	bpf_dynptr_from_skb(s, 0, &d);
	eth = bpf_dynptr_slice_rdwr(&d, 0, &hb, sizeof(hb));
	if (!eth) return TC_ACT_SHOT;
	eth->h_proto = 0;
	if (eth == &hb && bpf_dynptr_write(&d, 0, &hb, sizeof(hb), 0)) return TC_ACT_SHOT;
	return 0;
}


SEC("tc")
int t02(struct __sk_buff *s)
{
	struct bpf_dynptr d; struct ethhdr h;
	bpf_dynptr_from_skb(s, 0, &d);
	if (bpf_dynptr_read(&h, sizeof(h), &d, 0, 0)) return TC_ACT_SHOT;
	h.h_proto = 0;
	if (bpf_dynptr_write(&d, 0, &h, sizeof(h), BPF_F_RECOMPUTE_CSUM)) return TC_ACT_SHOT;
	return 0;
}


SEC("xdp.frags")
int t03(struct xdp_md *x)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_xdp(x, 0, &d);
	char *p = bpf_dynptr_slice_rdwr(&d, 40, buf, sizeof(buf));
	if (!p) return XDP_DROP;
	p[0] = 1;
	return XDP_DROP;
}


SEC("xdp")
int t04(struct xdp_md *x)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_xdp(x, 0, &d);
	struct ethhdr *eth = bpf_dynptr_slice(&d, 0, NULL, sizeof(*eth));
	if (!eth) return XDP_DROP;
	return eth->h_proto ? XDP_PASS : XDP_DROP;
}


SEC("tc")
int t05(struct __sk_buff *s)
{
	struct bpf_dynptr d;
	if (bpf_skb_pull_data(s, 54)) return TC_ACT_SHOT;
	bpf_dynptr_from_skb(s, 0, &d);
	struct tcphdr *th = bpf_dynptr_slice(&d, 34, NULL, sizeof(*th));
	if (!th) return TC_ACT_SHOT;
	return th->doff;
}


SEC("tc")
int t06(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[4];
	bpf_dynptr_from_skb(s, 0, &d);
	if (bpf_dynptr_read(h, sizeof(h), &d, 0, 0)) return TC_ACT_SHOT;
	return 0;
}


SEC("tc")
int t07(struct __sk_buff *s)
{
	struct bpf_dynptr d; int n = 0;
	for (int i = 0; i < 4; i++) { bpf_dynptr_from_skb(s, 0, &d); bpf_dynptr_adjust(&d, i, 20); n += bpf_dynptr_size(&d); }
	return n;
}


SEC("xdp")
int t08(struct xdp_md *x)
{
	struct bpf_dynptr d; char buf[16], h[4] = {};
	bpf_dynptr_from_xdp(x, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	if (!p) return XDP_DROP;
	bpf_dynptr_write(&d, 20, h, sizeof(h), 0);
	return p[0] ? XDP_PASS : XDP_DROP;
}


SEC("tc")
int t09(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	bpf_skb_pull_data(s, 0);
	char *p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	return p[0];
}


SEC("tc")
int t10(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16], h[4] = {};
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	bpf_dynptr_write(&d, 40, h, sizeof(h), 0);
	p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	return p[0];
}


SEC("tc")
int t11(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[64];
	bpf_dynptr_from_skb(s, 0, &d);
	struct ethhdr *eth = bpf_dynptr_slice(&d, 0, buf, sizeof(*eth));
	if (!eth) return TC_ACT_SHOT;
	return eth->h_dest[0];
}


SEC("tc")
int t12(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[8] = {}; 
	bpf_ringbuf_reserve_dynptr(&rb, 64, 0, &d);
	if (bpf_dynptr_write(&d, 0, h, sizeof(h), 0)) goto drop;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return TC_ACT_OK;
	drop:
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}


SEC("tc")
int t13(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[8] = {};
	bpf_ringbuf_reserve_dynptr(&rb, 64, 0, &d);
	bpf_dynptr_write(&d, 0, h, sizeof(h), 0);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

static __noinline int send_it(struct bpf_dynptr *p) { char h[8] = {}; bpf_dynptr_write(p, 0, h, sizeof(h), 0); bpf_ringbuf_submit_dynptr(p, 0); return 0; }
SEC("tc")
int t14(struct __sk_buff *s)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 64, 0, &d);
	send_it(&d);
	return 0;
}

static __noinline int mk(struct __sk_buff *s, struct bpf_dynptr *p) { return bpf_dynptr_from_skb(s, 0, p); }
SEC("tc")
int t15(struct __sk_buff *s)
{
	struct bpf_dynptr d;
	mk(s, &d);
	return bpf_dynptr_size(&d);
}

struct cctx { struct bpf_dynptr d; int n; };
static int cb(u32 i, struct cctx *c) { char b[8]; char *p = bpf_dynptr_slice(&c->d, i * 8, b, sizeof(b)); if (!p) return 1; c->n += p[0]; return 0; }
SEC("tc")
int t16(struct __sk_buff *s)
{
	struct cctx c = {};
	bpf_dynptr_from_skb(s, 0, &c.d);
	bpf_loop(4, cb, &c, 0);
	return c.n;
}


SEC("tc")
int t17(struct __sk_buff *s)
{
	struct bpf_dynptr d; struct val *v = mv(0);
	if (!v) return 0;
	bpf_dynptr_from_mem(v, 64, 0, &d);
	char *p = bpf_dynptr_data(&d, 8, 16);
	if (!p) return 0;
	p[0] = 1;
	return 0;
}


SEC("tc")
int t18(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[8]; u32 off = s->mark;
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, off, buf, sizeof(buf));
	if (!p) return TC_ACT_OK;
	return p[0];
}


SEC("tc")
int t19(struct __sk_buff *s)
{
	struct bpf_dynptr d; struct ethhdr hb, *eth; struct iphdr ib, *ip;
	bpf_dynptr_from_skb(s, 0, &d);
	eth = bpf_dynptr_slice(&d, 0, &hb, sizeof(hb));
	bpf_dynptr_adjust(&d, sizeof(hb), bpf_dynptr_size(&d));
	ip = bpf_dynptr_slice(&d, 0, &ib, sizeof(ib));
	if (!eth || !ip) return TC_ACT_SHOT;
	return eth->h_proto + ip->ttl;
}


SEC("tc")
int t20(struct __sk_buff *s)
{
	struct bpf_dynptr d; struct val *scratch = mv(2);
	bpf_dynptr_from_skb(s, 0, &d);
	if (!scratch) return TC_ACT_SHOT;
	char *p = bpf_dynptr_slice_rdwr(&d, 0, scratch, sizeof(*scratch));
	if (!p) return TC_ACT_OK;
	p[0] = 1;
	if (p == (char *)scratch) bpf_dynptr_write(&d, 0, scratch, sizeof(*scratch), 0);
	return 0;
}


SEC("tc")
int t21(struct __sk_buff *s)
{
	struct bpf_dynptr d; __u16 port = 0;
	bpf_dynptr_from_skb(s, 0, &d);
	bpf_dynptr_read(&port, sizeof(port), &d, 36, 0);
	return port == 53;
}


SEC("tc")
int t22(struct __sk_buff *s)
{
	struct bpf_dynptr d; struct val *v = mv(0);
	if (!v) return 0;
	if (s->mark) bpf_dynptr_from_skb(s, 0, &d); else bpf_dynptr_from_mem(v, 64, 0, &d);
	return bpf_dynptr_size(&d);
}


SEC("tc")
int t23(struct __sk_buff *s)
{
	struct bpf_dynptr d; char b[64]; u32 n = s->mark & 63;
	bpf_dynptr_from_skb(s, 0, &d);
	if (bpf_dynptr_read(b, n, &d, 0, 0)) return TC_ACT_SHOT;
	return 0;
}

__noinline int csum8(const struct bpf_dynptr *p) { char b[8]; char *q = bpf_dynptr_slice(p, 0, b, sizeof(b)); return q ? q[0] + q[7] : -1; }
SEC("tc")
int t24(struct __sk_buff *s)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_skb(s, 0, &d);
	return csum8(&d);
}


SEC("tc")
int t25(struct __sk_buff *s)
{
	struct bpf_dynptr d = {}; barrier_mem(d);
	bpf_dynptr_from_skb(s, 0, &d);
	return bpf_dynptr_size(&d);
}


SEC("tc")
int t26(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice_rdwr(&d, 0, buf, sizeof(buf));
	if (p == buf) { buf[0] = 1; return bpf_dynptr_write(&d, 0, buf, sizeof(buf), 0); }
	if (!p) return TC_ACT_SHOT;
	p[0] = 1;
	return 0;
}

struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, struct val); } pcpu SEC(".maps");
SEC("tc")
int t27(struct __sk_buff *s)
{
	struct bpf_dynptr d; u32 k = 0; struct val *b = bpf_map_lookup_elem(&pcpu, &k);
	if (!b) return TC_ACT_OK;
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, b, sizeof(*b));
	if (!p) return TC_ACT_OK;
	return p[511];
}
