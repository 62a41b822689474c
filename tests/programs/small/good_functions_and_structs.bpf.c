// Slices that cross functions, live in structs and arrays: all of it is correct.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define ETH_HLEN 14
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86DD
#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

static __always_inline void ip_fix(struct iphdr *ip)
{
	__u32 sum = 0;
	__u16 *w = (__u16 *)ip;

	ip->check = 0;
	for (int i = 0; i < sizeof(*ip) / 2; i++)
		sum += w[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~sum;
}

struct hdr {
	struct bpf_dynptr *pkt;
	__u32 off;
	struct iphdr *p;
	struct iphdr buf;
};

static __always_inline int hdr_get(struct hdr *h, struct bpf_dynptr *pkt, __u32 off)
{
	h->pkt = pkt;
	h->off = off;
	h->p = bpf_dynptr_slice_rdwr(pkt, off, &h->buf, sizeof(h->buf));
	return h->p ? 0 : -ENOENT;
}

static __always_inline int hdr_commit(struct hdr *h)
{
	if (h->p == &h->buf)
		return bpf_dynptr_write(h->pkt, h->off, &h->buf, sizeof(h->buf), 0);
	return 0;
}

static __always_inline void hdr_set_tos(struct hdr *h, __u8 tos)
{
	h->p->tos = tos;
	ip_fix(h->p);
}

// The slice and its buffer are members of one struct, and other functions work on it.
SEC("tc")
int through_struct(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct hdr h = {};

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (hdr_get(&h, &pkt, ETH_HLEN))
		return TC_ACT_OK;
	hdr_set_tos(&h, 0x10);
	if (hdr_commit(&h))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

struct cursor {
	struct bpf_dynptr *pkt;
	__u32 off;
};

static __noinline void *cursor_pull(struct cursor *c, void *buf, __u32 len)
{
	void *p;

	switch (len) {
	case sizeof(struct ethhdr):
		p = bpf_dynptr_slice(c->pkt, c->off, buf, sizeof(struct ethhdr));
		break;
	case sizeof(struct iphdr):
		p = bpf_dynptr_slice(c->pkt, c->off, buf, sizeof(struct iphdr));
		break;
	default:
		return NULL;
	}
	if (p)
		c->off += len;
	return p;
}

static __always_inline struct iphdr *next_ip(struct cursor *c, struct iphdr *buf)
{
	return cursor_pull(c, buf, sizeof(*buf));
}

// The slice goes back to the function that owns the buffer, two levels up.
SEC("tc")
int cursor_user(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct cursor c = { .pkt = &pkt };
	struct ethhdr *eth, eth_buf;
	struct iphdr *ip, ip_buf;

	if (bpf_dynptr_from_skb(skb, 0, &pkt) < 0)
		return TC_ACT_OK;
	eth = cursor_pull(&c, &eth_buf, sizeof(eth_buf));
	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	ip = next_ip(&c, &ip_buf);
	if (!ip)
		return TC_ACT_SHOT;
	return ip->ttl ? TC_ACT_OK : TC_ACT_SHOT;
}

struct bufs {
	__u8 eth[14];
	__u8 ip[20];
	__u8 l4[2][8];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bufs);
} scratch SEC(".maps");

// Several buffers in one map value.
SEC("tc")
int map_buffers(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct ethhdr *eth;
	struct udphdr *udp;
	struct bufs *b;
	__u32 zero = 0;

	b = bpf_map_lookup_elem(&scratch, &zero);
	if (!b)
		return TC_ACT_SHOT;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, b->eth, sizeof(b->eth));
	if (!eth)
		return TC_ACT_SHOT;
	udp = bpf_dynptr_slice_rdwr(&pkt, 34, b->l4[1], sizeof(b->l4[1]));
	if (!udp)
		return TC_ACT_SHOT;
	eth->h_dest[5] ^= 1;
	udp->source = udp->dest;
	udp->check = 0;
	if ((void *)eth == b->eth && bpf_dynptr_write(&pkt, 0, b->eth, sizeof(b->eth), 0))
		return TC_ACT_SHOT;
	if ((void *)udp == b->l4[1])
		bpf_dynptr_write(&pkt, 34, b->l4[1], sizeof(b->l4[1]), 0);
	return TC_ACT_OK;
}

// Parts of one big buffer, told apart by offsets.
SEC("tc")
int split_buffer(struct __sk_buff *skb)
{
	__u8 buf[sizeof(struct ethhdr) + sizeof(struct iphdr)];
	struct bpf_dynptr pkt;
	struct ethhdr *eth;
	struct iphdr *ip;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, buf, sizeof(*eth));
	ip = bpf_dynptr_slice_rdwr(&pkt, sizeof(*eth), buf + sizeof(*eth), sizeof(*ip));
	if (!eth || !ip)
		return TC_ACT_SHOT;
	eth->h_source[0] = 2;
	ip->id = 0;
	ip_fix(ip);
	if ((void *)eth == (void *)buf)
		bpf_dynptr_write(&pkt, 0, buf, sizeof(*eth), 0);
	if ((void *)ip == (void *)(buf + sizeof(*eth)))
		bpf_dynptr_write(&pkt, sizeof(*eth), buf + sizeof(*eth), sizeof(*ip), 0);
	return TC_ACT_OK;
}

// One element of an array of buffers for each turn.
SEC("tc")
int buffer_array(struct __sk_buff *skb)
{
	__u32 bufs[3], *p[3], sum = 0;
	struct bpf_dynptr pkt;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	for (int i = 0; i < 3; i++) {
		p[i] = bpf_dynptr_slice(&pkt, 26 + i * 4, &bufs[i], sizeof(bufs[i]));
		if (!p[i])
			return TC_ACT_OK;
	}
	for (int i = 0; i < 3; i++)
		sum += *p[i];
	skb->mark = sum;
	return TC_ACT_OK;
}

static __u8 global_buf[64];

// A global buffer.
SEC("xdp.frags")
int global_buffer(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;
	__u8 *p;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	p = bpf_dynptr_slice_rdwr(&pkt, 100, global_buf, sizeof(global_buf));
	if (!p)
		return XDP_PASS;
	p[0] = 1;
	if (p == global_buf)
		bpf_dynptr_write(&pkt, 100, global_buf, sizeof(global_buf), 0);
	return XDP_PASS;
}

union l3 {
	struct iphdr v4;
	struct ipv6hdr v6;
};

// A union holds whichever header comes.
SEC("tc")
int union_buffer(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	union l3 buf;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = bpf_dynptr_slice(&pkt, ETH_HLEN, &buf.v4, sizeof(buf.v4));

		if (!ip)
			return TC_ACT_SHOT;
		return ip->ttl ? TC_ACT_OK : TC_ACT_SHOT;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = bpf_dynptr_slice(&pkt, ETH_HLEN, &buf, sizeof(buf.v6));

		if (!ip6)
			return TC_ACT_SHOT;
		return ip6->hop_limit ? TC_ACT_OK : TC_ACT_SHOT;
	}
	return TC_ACT_OK;
}

// An array of dynptrs, a clone for the payload.
SEC("tc")
int dynptr_array(struct __sk_buff *skb)
{
	struct bpf_dynptr d[2];
	__u32 *w, buf;

	bpf_dynptr_from_skb(skb, 0, &d[0]);
	if (bpf_dynptr_clone(&d[0], &d[1]))
		return TC_ACT_OK;
	if (bpf_dynptr_adjust(&d[1], 54, bpf_dynptr_size(&d[1])))
		return TC_ACT_OK;
	w = bpf_dynptr_slice(&d[1], 0, &buf, sizeof(buf));
	if (!w)
		return TC_ACT_OK;
	skb->mark = *w;
	return bpf_dynptr_size(&d[0]) > 1000 ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
