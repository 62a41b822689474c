// Sets the DSCP of IPv4 and IPv6 packets from their mark by read, modify, write: the headers
// are copied to the stack, changed there and written back as a whole.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define DSCP_SHIFT 2
#define ECN_MASK 3
#define MAX_EXT 4

union l3_header {
	struct iphdr v4;
	struct ipv6hdr v6;
	__u8 version_nibble;
	__u8 raw[sizeof(struct ipv6hdr)];
};

struct mark_rule {
	__u8 dscp;
	__u8 only_proto;
	__u16 min_len;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct mark_rule);
} rules SEC(".maps");

static __always_inline __u32 l3_size(const union l3_header *hdr)
{
	return hdr->version_nibble >> 4 == 4 ? sizeof(hdr->v4) : sizeof(hdr->v6);
}

// Walks the IPv6 extension headers; returns the transport protocol or -1.
static __always_inline int transport_of(const struct bpf_dynptr *pkt, const struct ipv6hdr *ip6)
{
	__u32 off = ETH_HLEN + sizeof(*ip6);
	__u8 next = ip6->nexthdr;
	struct ipv6_opt_hdr opt;
	int n = 0;

	do {
		if (next != 0 && next != 43 && next != 60)
			return next;
		if (bpf_dynptr_read(&opt, sizeof(opt), pkt, off, 0))
			return -1;
		next = opt.nexthdr;
		off += (opt.hdrlen + 1) * 8;
	} while (++n < MAX_EXT);
	return -1;
}

static __always_inline void remark_v4(struct iphdr *ip, __u8 dscp)
{
	__be16 old = *(__be16 *)ip, new;

	ip->tos = (ip->tos & ECN_MASK) | dscp << DSCP_SHIFT;
	new = *(__be16 *)ip;
	ip->check = csum_replace2(ip->check, old, new);
}

static __always_inline void remark_v6(struct ipv6hdr *ip6, __u8 dscp)
{
	ip6->priority = dscp >> 2;
	ip6->flow_lbl[0] = (ip6->flow_lbl[0] & 0x3f) | (dscp & 3) << 6;
}

static __always_inline bool applies(const struct mark_rule *rule, int proto, __u32 len)
{
	if (rule->only_proto && rule->only_proto != proto)
		return false;
	return len >= rule->min_len;
}

SEC("tc")
int set_dscp(struct __sk_buff *skb)
{
	union l3_header hdr = {};
	struct mark_rule *rule;
	struct bpf_dynptr pkt;
	__u32 mark = skb->mark, size;

	rule = bpf_map_lookup_elem(&rules, &mark);
	if (!rule)
		return TC_ACT_OK;
	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return TC_ACT_OK;

	/* One byte tells how long the header is. */
	if (bpf_dynptr_read(&hdr, 1, &pkt, ETH_HLEN, 0))
		return TC_ACT_OK;
	size = l3_size(&hdr);
	if (bpf_dynptr_read(hdr.raw, size, &pkt, ETH_HLEN, 0))
		return TC_ACT_OK;

	switch (hdr.version_nibble >> 4) {
	case 4:
		if (!applies(rule, hdr.v4.protocol, skb->len))
			return TC_ACT_OK;
		remark_v4(&hdr.v4, rule->dscp);
		break;
	case 6:
		if (!applies(rule, transport_of(&pkt, &hdr.v6), skb->len))
			return TC_ACT_OK;
		remark_v6(&hdr.v6, rule->dscp);
		break;
	default:
		return TC_ACT_OK;
	}

	if (bpf_dynptr_write(&pkt, ETH_HLEN, &hdr, size, BPF_F_RECOMPUTE_CSUM)) {
		bpf_printk("dscp: write failed, len %u", skb->len);
		return TC_ACT_SHOT;
	}
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
