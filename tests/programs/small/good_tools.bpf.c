// Shapes of real tools: encapsulation, logs, statistics. All of it is correct.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define ETH_HLEN 14
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86DD
#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

struct ctx {
	struct xdp_md *xdp;
	struct bpf_dynptr pkt;
	struct ethhdr *eth;
	struct ethhdr eth_buf;
	union {
		struct iphdr v4;
		struct ipv6hdr v6;
	} l3_buf;
	union {
		struct iphdr *v4;
		struct ipv6hdr *v6;
	} l3;
	__u32 off;
	bool l3_dirty;
};

static __always_inline int parse(struct ctx *c)
{
	c->eth = bpf_dynptr_slice_rdwr(&c->pkt, 0, &c->eth_buf, sizeof(c->eth_buf));
	if (!c->eth)
		return -1;
	c->off = sizeof(struct ethhdr);
	if (c->eth->h_proto == bpf_htons(ETH_P_IP)) {
		c->l3.v4 = bpf_dynptr_slice(&c->pkt, c->off, &c->l3_buf.v4, sizeof(c->l3_buf.v4));
		return c->l3.v4 ? 4 : -1;
	}
	if (c->eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		c->l3.v6 = bpf_dynptr_slice_rdwr(&c->pkt, c->off, &c->l3_buf.v6, sizeof(c->l3_buf.v6));
		return c->l3.v6 ? 6 : -1;
	}
	return 0;
}

static __always_inline int commit(struct ctx *c, int family)
{
	if (c->eth == &c->eth_buf &&
	    bpf_dynptr_write(&c->pkt, 0, &c->eth_buf, sizeof(c->eth_buf), 0))
		return -1;
	if (family == 6 && c->l3_dirty && c->l3.v6 == &c->l3_buf.v6)
		return bpf_dynptr_write(&c->pkt, c->off, &c->l3_buf.v6, sizeof(c->l3_buf.v6), 0);
	return 0;
}

// One context with everything in it, as large programs have.
SEC("xdp.frags")
int big_context(struct xdp_md *xdp)
{
	struct ctx c = { .xdp = xdp };
	int family;

	if (bpf_dynptr_from_xdp(xdp, 0, &c.pkt))
		return XDP_PASS;
	family = parse(&c);
	if (family <= 0)
		return XDP_PASS;
	if (family == 6) {
		if (c.l3.v6->hop_limit <= 1)
			return XDP_DROP;
		c.l3.v6->hop_limit--;
		c.l3_dirty = true;
	}
	c.eth->h_dest[5] ^= 1;
	return commit(&c, family) ? XDP_ABORTED : XDP_TX;
}

// Room for a header is made first; the dynptr is made after that.
SEC("xdp")
int encapsulate(struct xdp_md *xdp)
{
	struct ethhdr *eth, buf, old;
	struct bpf_dynptr pkt;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	if (bpf_dynptr_read(&old, sizeof(old), &pkt, 0, 0))
		return XDP_PASS;
	if (bpf_xdp_adjust_head(xdp, -4))
		return XDP_DROP;
	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, &buf, sizeof(buf));
	if (!eth)
		return XDP_DROP;
	*eth = old;
	eth->h_proto = bpf_htons(0x8100);
	if (eth == &buf)
		bpf_dynptr_write(&pkt, 0, &buf, sizeof(buf), 0);
	return XDP_PASS;
}

struct stats {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, struct stats);
} flows SEC(".maps");

// The key is a copy of what the slice shows.
SEC("cgroup_skb/ingress")
int account(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct iphdr *ip, buf;
	struct stats *s, fresh = { 1, skb->len };
	__be32 key;

	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return 1;
	ip = bpf_dynptr_slice(&pkt, 0, &buf, sizeof(buf));
	if (!ip)
		return 1;
	key = ip->saddr;
	s = bpf_map_lookup_elem(&flows, &key);
	if (!s) {
		bpf_map_update_elem(&flows, &key, &fresh, BPF_NOEXIST);
		return 1;
	}
	__sync_fetch_and_add(&s->packets, 1);
	__sync_fetch_and_add(&s->bytes, skb->len);
	return 1;
}

struct timed {
	struct bpf_timer timer;
	char log[128];
	__u32 used;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct timed);
} timed SEC(".maps");

// A local dynptr over part of a map value, in the callback of a timer.
static int on_timer(void *map, __u32 *key, struct timed *t)
{
	struct bpf_dynptr log;
	__u64 now = bpf_ktime_get_ns();
	char *p;

	if (bpf_dynptr_from_mem(t->log, sizeof(t->log), 0, &log))
		return 0;
	if (bpf_dynptr_write(&log, t->used, &now, sizeof(now), 0))
		t->used = 0;
	else
		t->used += sizeof(now);
	p = bpf_dynptr_data(&log, 0, 8);
	if (p)
		p[0] = 1;
	bpf_timer_start(&t->timer, 1000, 0);
	return 0;
}

SEC("tc")
int arm(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct timed *t = bpf_map_lookup_elem(&timed, &zero);

	if (t) {
		bpf_timer_init(&t->timer, &timed, 1);
		bpf_timer_set_callback(&t->timer, on_timer);
		bpf_timer_start(&t->timer, 0, 0);
	}
	return TC_ACT_OK;
}

// A global function with a dynptr of the caller.
__noinline int hash_packet(struct bpf_dynptr *pkt)
{
	__u32 buf[4], *w, h = 0;

	for (int i = 0; i < 4; i++) {
		w = bpf_dynptr_slice(pkt, i * sizeof(buf), buf, sizeof(buf));
		if (!w)
			break;
		h = h * 31 + w[0] + w[1] + w[2] + w[3];
	}
	return h;
}

SEC("tc")
int balance(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;

	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return TC_ACT_OK;
	skb->queue_mapping = hash_packet(&pkt) & 7;
	return TC_ACT_OK;
}

// Views that shrink from the front.
SEC("tc")
int layered_views(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt, rest;
	struct iphdr *ip, ip_buf;
	__u8 *l4, l4_buf[8];
	__u32 hlen;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (bpf_dynptr_adjust(&pkt, ETH_HLEN, bpf_dynptr_size(&pkt)))
		return TC_ACT_OK;
	ip = bpf_dynptr_slice(&pkt, 0, &ip_buf, sizeof(ip_buf));
	if (!ip)
		return TC_ACT_OK;
	hlen = ip->ihl * 4;
	if (bpf_dynptr_clone(&pkt, &rest) || bpf_dynptr_adjust(&rest, hlen, bpf_dynptr_size(&rest)))
		return TC_ACT_OK;
	l4 = bpf_dynptr_slice_rdwr(&rest, 0, l4_buf, sizeof(l4_buf));
	if (!l4)
		return TC_ACT_OK;
	if (ip->protocol != IPPROTO_UDP)
		return TC_ACT_OK;
	l4[6] = l4[7] = 0;
	if (l4 == l4_buf && bpf_dynptr_write(&rest, 0, l4_buf, sizeof(l4_buf), 0))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

// The whole of a small packet copied to a ring buffer record, dynptr to dynptr.
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} capture SEC(".maps");

SEC("tc")
int mirror(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt, rec;
	__u32 len;

	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return TC_ACT_OK;
	len = bpf_dynptr_size(&pkt);
	if (len > 512)
		len = 512;
	if (bpf_ringbuf_reserve_dynptr(&capture, len, 0, &rec) ||
	    bpf_dynptr_copy(&rec, 0, &pkt, 0, len))
		bpf_ringbuf_discard_dynptr(&rec, 0);
	else
		bpf_ringbuf_submit_dynptr(&rec, 0);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
