// One program per misuse of the dynptr interface: program mNN shows pattern MNN, expected.tsv has the rule and line of its finding, verdicts.tsv what Linux 6.18.44 says when it loads the program.
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


SEC("xdp.frags")
int m01(struct xdp_md *x)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_xdp(x, 0, &d);
	char *p = bpf_dynptr_slice_rdwr(&d, 40, buf, sizeof(buf));
	if (!p) return XDP_DROP;
	p[0] = 1;                       /* lost when p == buf */
	return XDP_PASS;
}


SEC("tc")
int m02(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice_rdwr(&d, 34, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	p[0] = 1;
	if (p == buf) bpf_dynptr_write(&d, 14, buf, sizeof(buf), 0);  /* 34 expected */
	return 0;
}


SEC("tc")
int m03(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice_rdwr(&d, 34, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	p[12] = 1;
	if (p == buf) bpf_dynptr_write(&d, 34, buf, 8, 0);            /* 16 expected */
	return 0;
}


SEC("tc")
int m04(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16], tmp[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice_rdwr(&d, 34, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	p[0] = 1;
	if (p == tmp) bpf_dynptr_write(&d, 34, tmp, sizeof(tmp), 0);  /* never true */
	return 0;
}


SEC("tc")
int m05(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice_rdwr(&d, 34, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	p[0] = 1;
	if (p != buf) bpf_dynptr_write(&d, 34, p, sizeof(buf), 0);
	return 0;
}


SEC("tc")
int m06(struct __sk_buff *s)
{
	struct bpf_dynptr d, e; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d); bpf_dynptr_clone(&d, &e);
	char *p = bpf_dynptr_slice_rdwr(&d, 34, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	p[0] = 1; bpf_dynptr_adjust(&d, 14, bpf_dynptr_size(&d));
	if (p == buf) bpf_dynptr_write(&d, 34, buf, sizeof(buf), 0);  /* lands at 48 */
	return 0;
}


SEC("tc")
int m07(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[4] = {};
	bpf_dynptr_from_skb(s, 0, &d);
	bpf_dynptr_write(&d, s->mark, h, sizeof(h), 0);
	return 0;
}


SEC("tc")
int m08(struct __sk_buff *s)
{
	struct bpf_dynptr d; int h[4];
	bpf_dynptr_from_skb(s, 0, &d);
	bpf_dynptr_read(h, sizeof(h), &d, s->mark, 0);
	return h[0] == 7 ? TC_ACT_SHOT : TC_ACT_OK;                   /* may be stack garbage */
}


SEC("tc")
int m09(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[4];
	bpf_dynptr_from_skb(s, 0, &d);
	if (bpf_dynptr_read(h, sizeof(h), &d, 0, 0) != sizeof(h)) return TC_ACT_SHOT; /* always */
	return 0;
}


SEC("tc")
int m10(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[8] = {1};
	bpf_dynptr_from_skb(s, 0, &d);
	bpf_dynptr_write(&d, sizeof(h), h, 0, 0);                     /* (dst, offset, src, len, flags) */
	return 0;
}


SEC("tc")
int m11(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	if (!bpf_dynptr_slice(&d, 0, buf, sizeof(buf))) return TC_ACT_SHOT;
	return buf[12];                                               /* not filled on the direct path */
}


SEC("tc")
int m12(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice_rdwr(&d, 0, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	buf[0] = 1;
	return 0;
}


SEC("tc")
int m13(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[20];
	bpf_dynptr_from_skb(s, 0, &d);
	char *a = bpf_dynptr_slice(&d, 0, buf, 14);
	char *b = bpf_dynptr_slice(&d, 14, buf, 20);                  /* overwrites what a may point to */
	if (!a || !b) return TC_ACT_SHOT;
	return a[0] + b[0];
}


SEC("tc")
int m14(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	__builtin_memset(buf, 0, sizeof(buf)); barrier();             /* p may alias buf */
	return p[3];
}

static __noinline char *get_hdr(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	return bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
}
SEC("tc")
int m15(struct __sk_buff *s)
{
	char *p = get_hdr(s);
	return p ? p[0] : 0;
}


SEC("tc")
int m16(struct __sk_buff *s)
{
	struct bpf_dynptr d; char mem[64], *buf = mem;
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));          /* 8, not 64 */
	if (!p) return TC_ACT_SHOT;
	return p[7];
}


SEC("tc")
int m17(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[8];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, 16);
	return 0;
}


SEC("tc")
int m18(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[64];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, 14);
	if (!p) return TC_ACT_SHOT;
	return p[14];
}


SEC("tc")
int m19(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[64]; u32 n = s->mark & 63; barrier_reg(n);
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, n);
	return 0;
}


SEC("tc")
int m20(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	return p[0];
}


SEC("tc")
int m21(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	p[0] = 1;
	return 0;
}


SEC("cgroup_skb/egress")
int m22(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice_rdwr(&d, 0, buf, sizeof(buf));
	return 1;
}


SEC("tc")
int m23(struct __sk_buff *s)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_data(&d, 0, 14);
	if (!p) return TC_ACT_SHOT;                                   /* always taken */
	return p[0];
}


SEC("tc")
int m24(struct __sk_buff *s)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_skb(s, 0, &d);
	struct iphdr *ip = bpf_dynptr_slice(&d, 14, NULL, sizeof(*ip));
	if (!ip) return TC_ACT_SHOT;                                  /* drops valid non-linear packets */
	return ip->ttl;
}


SEC("tc")
int m25(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 34, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	if (p == buf) bpf_dynptr_write(&d, 34, buf, sizeof(buf), 0);
	return 0;
}


SEC("tc")
int m26(struct __sk_buff *s)
{
	struct bpf_dynptr d; struct val *v = mv(0);
	if (!v) return 0;
	bpf_dynptr_from_mem(v, 64, 0, &d);
	char *p = bpf_dynptr_data(&d, 60, 8);                         /* 68 > 64: always NULL */
	if (!p) return 0;
	return 0;
}


SEC("tc")
int m27(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[4]; __u64 off = ((__u64)s->mark << 32) | 2; barrier_reg(off);
	bpf_dynptr_from_skb(s, 0, &d);
	bpf_dynptr_read(h, sizeof(h), &d, off, 0);                    /* kernel sees (u32)off on 6.18 */
	return 0;
}


SEC("tc")
int m28(struct __sk_buff *s)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_skb(s, 1, &d);                                /* fails: flags */
	if (bpf_dynptr_size(&d) < 34) return TC_ACT_SHOT;             /* 0xffffffea >= 34 */
	return 0;
}


SEC("tc")
int m29(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[4];
	bpf_dynptr_from_skb(s, BPF_F_RECOMPUTE_CSUM, &d);
	return bpf_dynptr_read(h, sizeof(h), &d, 0, 0);
}


SEC("xdp")
int m30(struct xdp_md *x)
{
	struct bpf_dynptr d; char h[4] = {};
	bpf_dynptr_from_xdp(x, 0, &d);
	bpf_dynptr_write(&d, 0, h, sizeof(h), BPF_F_RECOMPUTE_CSUM);
	return XDP_PASS;
}


SEC("tc")
int m31(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[20];
	bpf_dynptr_from_skb(s, 0, &d);
	struct iphdr *ip = bpf_dynptr_slice_rdwr(&d, 14, buf, sizeof(*ip));
	if (!ip) return TC_ACT_SHOT;
	ip->ttl--;                                                    /* ip->check, skb->csum stale */
	if ((void *)ip == buf) bpf_dynptr_write(&d, 14, buf, sizeof(*ip), 0);
	return 0;
}


SEC("cgroup_skb/egress")
int m32(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[20];
	bpf_dynptr_from_skb(s, 0, &d);
	struct iphdr *ip = bpf_dynptr_slice(&d, sizeof(struct ethhdr), buf, sizeof(*ip));
	if (!ip) return 0;
	return ip->protocol == 6;
}


SEC("tc")
int m33(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[4]; u32 len = s->len;
	bpf_dynptr_from_skb(s, 0, &d);
	bpf_dynptr_adjust(&d, 14, len);
	bpf_dynptr_adjust(&d, 34, len);                               /* relative; end > size: -ERANGE */
	bpf_dynptr_read(h, sizeof(h), &d, 0, 0);                      /* still at 14 */
	return 0;
}


SEC("tc")
int m34(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[4];
	bpf_dynptr_from_skb(s, 0, &d);
	bpf_dynptr_adjust(&d, s->mark, s->len);                       /* may fail */
	bpf_dynptr_read(h, sizeof(h), &d, 0, 0);
	return 0;
}


SEC("tc")
int m35(struct __sk_buff *s)
{
	struct bpf_dynptr d; struct val *v = mv(0);
	if (!v) return 0;
	bpf_dynptr_from_mem(v, 64, 0, &d);
	char *p = bpf_dynptr_data(&d, 0, 16);
	if (!p) return 0;
	bpf_dynptr_adjust(&d, 16, 64);
	return p[0];                                                  /* byte 0, not byte 16 */
}


SEC("tc")
int m36(struct __sk_buff *s)
{
	struct bpf_dynptr d, saved; struct val *v = mv(0);
	if (!v) return 0;
	bpf_dynptr_from_mem(v, 64, 0, &d);
	bpf_dynptr_clone(&d, &saved);                                 /* same memory */
	bpf_dynptr_memset(&d, 0, 64, 0);
	return bpf_dynptr_copy(&d, 0, &saved, 0, 64);                 /* restores nothing */
}


SEC("xdp")
int m37(struct xdp_md *x)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_xdp(x, 0, &d);
	bpf_xdp_adjust_tail(x, -20);
	char *p = bpf_dynptr_slice(&d, bpf_dynptr_size(&d) - 16, buf, sizeof(buf));
	if (!p) return XDP_DROP;
	return p[0] ? XDP_PASS : XDP_DROP;                            /* uninitialised buf */
}


SEC("tc")
int m38(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16], h[4] = {};
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	bpf_dynptr_write(&d, 40, h, sizeof(h), 0);
	return p[0];
}


SEC("tc")
int m39(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	bpf_skb_pull_data(s, 0);
	return p[0];
}


SEC("tc")
int m40(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[4] = {}; char *q = (void *)(long)s->data;
	bpf_dynptr_from_skb(s, 0, &d);
	if (q + 16 > (char *)(long)s->data_end) return TC_ACT_OK;
	bpf_dynptr_write(&d, 0, h, sizeof(h), 0);
	return q[0];
}


SEC("tc")
int m41(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	bpf_dynptr_memset(&d, 0, 64, 0);
	return p[0];
}

__noinline int set_mark(const struct bpf_dynptr *p) { char h[4] = {}; return bpf_dynptr_write(p, 40, h, sizeof(h), 0); }
SEC("tc")
int m42(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	set_mark(&d);
	return p[0];
}


SEC("tc")
int m43(struct __sk_buff *s)
{
	struct bpf_dynptr d; struct val *v = mv(0), *w = mv(1);
	if (!v || !w) return 0;
	bpf_dynptr_from_mem(v, 64, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, NULL, 16);
	if (!p) return 0;
	bpf_dynptr_from_mem(w, 64, 0, &d);
	return p[0];                                                  /* still v */
}


SEC("tc")
int m44(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	return bpf_dynptr_write(&d, 32, p, sizeof(buf), 0);
}


SEC("tc")
int m45(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[8] = {};
	bpf_ringbuf_reserve_dynptr(&rb, 64, 0, &d);
	if (bpf_dynptr_write(&d, 0, h, sizeof(h), 0)) return TC_ACT_OK;   /* leak */
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}


SEC("tc")
int m46(struct __sk_buff *s)
{
	struct bpf_dynptr d;
	if (bpf_ringbuf_reserve_dynptr(&rb, 64, 0, &d)) return TC_ACT_OK;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}


SEC("tc")
int m47(struct __sk_buff *s)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 64, 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}


SEC("tc")
int m48(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[8] = {};
	bpf_ringbuf_reserve_dynptr(&rb, 64, 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	bpf_dynptr_write(&d, 0, h, sizeof(h), 0);
	return 0;
}


SEC("tc")
int m49(struct __sk_buff *s)
{
	struct bpf_dynptr d; char *p;
	bpf_ringbuf_reserve_dynptr(&rb, 64, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, NULL, 16);
	if (!p) { bpf_ringbuf_discard_dynptr(&d, 0); return 0; }
	bpf_ringbuf_submit_dynptr(&d, 0);
	p[0] = 1;                                                     /* races with the consumer */
	return 0;
}

static __noinline int drop_it(struct bpf_dynptr *p) { struct bpf_dynptr c; bpf_dynptr_clone(p, &c); bpf_ringbuf_discard_dynptr(&c, 0); return 0; }
SEC("tc")
int m50(struct __sk_buff *s)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 64, 0, &d);
	drop_it(&d);
	return bpf_dynptr_size(&d);                                   /* released record */
}


SEC("tc")
int m51(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[8] = {};
	bpf_ringbuf_reserve_dynptr(&rb, 64, 0, &d);
	bpf_dynptr_write(&d, 0, h, sizeof(h), 0);
	bpf_dynptr_adjust(&d, 0, 8);
	bpf_ringbuf_submit_dynptr(&d, 0);                             /* 64 bytes go out */
	return 0;
}


SEC("tc")
int m52(struct __sk_buff *s)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 64, 0, &d);
	bpf_dynptr_from_skb(s, 0, &d);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

__noinline int finish(struct bpf_dynptr *p) { bpf_ringbuf_submit_dynptr(p, 0); return 0; }
SEC("tc")
int m53(struct __sk_buff *s)
{
	struct bpf_dynptr d;
	bpf_ringbuf_reserve_dynptr(&rb, 64, 0, &d);
	finish(&d);
	return 0;
}


SEC("tc")
int m54(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[4];
	if (s->mark) bpf_dynptr_from_skb(s, 0, &d);
	bpf_dynptr_read(h, sizeof(h), &d, 0, 0);
	return 0;
}


SEC("tc")
int m55(struct __sk_buff *s)
{
	struct bpf_dynptr d, e;
	bpf_dynptr_from_skb(s, 0, &d);
	e = d; barrier_mem(e);
	return bpf_dynptr_size(&e);
}


SEC("tc")
int m56(struct __sk_buff *s)
{
	struct bpf_dynptr d; u32 k = 0;
	bpf_dynptr_from_skb(s, 0, &d);
	bpf_map_update_elem(&dmap, &k, &d, 0);
	return 0;
}


SEC("tc")
int m57(struct __sk_buff *s)
{
	struct dm *m = bpf_map_lookup_elem(&dmap, &(u32){0});
	if (!m) return 0;
	bpf_dynptr_from_skb(s, 0, &m->d);
	return 0;
}


SEC("tc")
int m58(struct __sk_buff *s)
{
	struct bpf_dynptr d; char b[16] = {};
	bpf_dynptr_from_mem(b, sizeof(b), 0, &d);
	return 0;
}


SEC("tc")
int m59(struct __sk_buff *s)
{
	struct bpf_dynptr d; char *q = (char *)&d;
	bpf_dynptr_from_skb(s, 0, &d);
	((volatile char *)q)[9] = 0;
	return bpf_dynptr_size(&d);
}


SEC("tc")
int m60(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice_rdwr(&d, 0, buf, sizeof(buf));
	if (!p) return TC_ACT_SHOT;
	return p[12];
}


SEC("tc")
int m61(struct __sk_buff *s)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_skb(s, 0, &d);
	return bpf_dynptr_memset(&d, 42, 8, 0);
}


SEC("xdp.frags")
int m62(struct xdp_md *x)
{
	struct bpf_dynptr d;
	bpf_dynptr_from_xdp(x, 0, &d);
	bpf_dynptr_copy(&d, 100, &d, 0, 600);
	return XDP_PASS;
}


SEC("tc")
int m63(struct __sk_buff *s)
{
	struct bpf_dynptr d, e; struct val *v = mv(0);
	if (!v) return 0;
	bpf_dynptr_from_skb(s, 0, &d); bpf_dynptr_from_mem(v, 256, 0, &e);
	bpf_dynptr_copy(&e, 0, &d, 0, s->len);                        /* -E2BIG if len > 256 */
	return 0;
}


SEC("tc")
int m64(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[8] = {};
	bpf_ringbuf_reserve_dynptr(&rb, s->len, 0, &d);
	bpf_dynptr_write(&d, 0, h, sizeof(h), 0);
	bpf_ringbuf_submit_dynptr(&d, 0);                             /* len-8 stale bytes */
	return 0;
}


SEC("cgroup_skb/egress")
int m65(struct __sk_buff *s)
{
	struct bpf_dynptr d; char h[4] = {};
	bpf_dynptr_from_skb(s, 0, &d);
	bpf_dynptr_write(&d, 0, h, sizeof(h), 0);
	return 1;
}


SEC("xdp.frags")
int m66(struct xdp_md *x)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_xdp(x, 0, &d);
	char *p = bpf_dynptr_slice_rdwr(&d, 70000, buf, sizeof(buf));
	if (!p) return XDP_DROP;
	p[0] = 1;
	if (p == buf) bpf_dynptr_write(&d, 70000, buf, sizeof(buf), 0);   /* -EFAULT */
	return XDP_PASS;
}


SEC("tc")
int m67(struct __sk_buff *s)
{
	struct bpf_dynptr d; char buf[16];
	bpf_dynptr_from_skb(s, 0, &d);
	char *p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	OUT(0, p);
	return 0;
}

static const char name[] = "GPL";
SEC("tc")
int m68(struct __sk_buff *s)
{
	struct bpf_dynptr d; struct val *v = mv(0);
	if (!v) return 0;
	bpf_dynptr_from_mem(v, 64, 0, &d);
	if (bpf_probe_read_kernel_str_dynptr(&d, 0, 16, name)) return TC_ACT_SHOT;  /* >0 on success */
	return 0;
}


SEC("tc")
int m69(struct __sk_buff *s)
{
	struct bpf_dynptr d; u32 kb, *key;
	bpf_dynptr_from_skb(s, 0, &d);
	key = bpf_dynptr_slice(&d, 26, &kb, sizeof(kb));
	if (!key) return TC_ACT_SHOT;
	return bpf_map_lookup_elem(&arr, key) != 0;
}

struct h16 { char b[16]; };
__noinline int last(const struct h16 *h) { return h ? h->b[15] : 0; }
SEC("tc")
int m70(struct __sk_buff *s)
{
	struct bpf_dynptr d; struct h16 hb, *h;
	bpf_dynptr_from_skb(s, 0, &d);
	h = bpf_dynptr_slice(&d, 0, &hb, sizeof(hb));
	if (!h) return TC_ACT_SHOT;
	return last(h);
}


SEC("tc")
int m71(struct __sk_buff *s)
{
	struct bpf_dynptr md, d; u32 mark = 0; char h[4] = {};
	bpf_dynptr_from_skb_meta(s, 0, &md); bpf_dynptr_from_skb(s, 0, &d);
	bpf_dynptr_write(&d, 0, h, sizeof(h), 0);                     /* may drop the metadata */
	bpf_dynptr_read(&mark, sizeof(mark), &md, 0, 0);              /* size is a snapshot */
	return mark;
}

struct hval { char b[64]; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, u32); __type(value, struct hval); } hmap SEC(".maps");
SEC("tc")
int m72(struct __sk_buff *s)
{
	struct bpf_dynptr d; u32 k = 0; struct hval *v = bpf_map_lookup_elem(&hmap, &k);
	if (!v) return 0;
	bpf_dynptr_from_mem(v, sizeof(*v), 0, &d);
	bpf_map_delete_elem(&hmap, &k);
	return bpf_dynptr_memset(&d, 0, sizeof(*v), 0);               /* may hit a recycled element */
}
