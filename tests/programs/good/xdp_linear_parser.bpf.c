/* SPDX-License-Identifier: GPL-2.0 */
/* Parser in the manner of the XDP tutorials: a cursor walks the headers, each step returns the
 * type of the next one. The program does not ask for fragments, so every frame is linear and
 * slices need no buffer. */
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/icmpv6.h>
#include <linux/icmp.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define VLAN_MAX_DEPTH 2
#define VLAN_VID_MASK 0x0fff

extern int bpf_dynptr_from_xdp(struct xdp_md *x, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *ptr, __u32 offset,
			      void *buffer, __u32 buffer__szk) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *ptr, __u32 offset,
				   void *buffer, __u32 buffer__szk) __ksym;

struct hdr_cursor {
	struct bpf_dynptr *dynptr;
	__u32 pos;
};

struct collect_vlans {
	__u16 id[VLAN_MAX_DEPTH];
};

struct vlan_hdr {
	__be16 h_vlan_TCI;
	__be16 h_vlan_encapsulated_proto;
};

struct datarec {
	__u64 rx_packets;
	__u64 rx_bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDP_REDIRECT + 1);
	__type(key, __u32);
	__type(value, struct datarec);
} xdp_stats_map SEC(".maps");

static __always_inline int proto_is_vlan(__u16 h_proto)
{
	return !!(h_proto == bpf_htons(ETH_P_8021Q) || h_proto == bpf_htons(ETH_P_8021AD));
}

static __always_inline int parse_ethhdr_vlan(struct hdr_cursor *nh, struct ethhdr **ethhdr,
					     struct collect_vlans *vlans)
{
	struct ethhdr *eth = bpf_dynptr_slice(nh->dynptr, nh->pos, NULL, sizeof(*eth));
	struct vlan_hdr *vlh;
	__u16 h_proto;
	int i;

	if (!eth)
		return -1;
	nh->pos += sizeof(*eth);
	*ethhdr = eth;
	h_proto = eth->h_proto;

	#pragma unroll
	for (i = 0; i < VLAN_MAX_DEPTH; i++) {
		if (!proto_is_vlan(h_proto))
			break;
		vlh = bpf_dynptr_slice(nh->dynptr, nh->pos, NULL, sizeof(*vlh));
		if (!vlh)
			break;
		h_proto = vlh->h_vlan_encapsulated_proto;
		if (vlans)
			vlans->id[i] = bpf_ntohs(vlh->h_vlan_TCI) & VLAN_VID_MASK;
		nh->pos += sizeof(*vlh);
	}
	return h_proto; /* network byte order */
}

static __always_inline int parse_ip6hdr(struct hdr_cursor *nh, struct ipv6hdr **ip6hdr)
{
	struct ipv6hdr *ip6h;

	ip6h = bpf_dynptr_slice(nh->dynptr, nh->pos, NULL, sizeof(struct ipv6hdr));
	if (!ip6h)
		return -1;
	nh->pos += sizeof(struct ipv6hdr);
	*ip6hdr = ip6h;
	return ip6h->nexthdr;
}

static __always_inline int parse_iphdr(struct hdr_cursor *nh, struct iphdr **iphdr)
{
	struct iphdr *iph;
	int hdrsize;

	iph = bpf_dynptr_slice(nh->dynptr, nh->pos, NULL, sizeof(struct iphdr));
	if (!iph)
		return -1;
	hdrsize = iph->ihl * 4;
	if (hdrsize < sizeof(*iph))
		return -1;
	nh->pos += hdrsize;
	*iphdr = iph;
	return iph->protocol;
}

static __always_inline int parse_icmp6(struct hdr_cursor *nh, __u16 *seq)
{
	struct icmp6hdr *icmp6h;

	icmp6h = bpf_dynptr_slice(nh->dynptr, nh->pos, NULL, sizeof(*icmp6h));
	if (!icmp6h)
		return -1;
	nh->pos += sizeof(*icmp6h);
	*seq = bpf_ntohs(icmp6h->icmp6_sequence);
	return icmp6h->icmp6_type;
}

static __always_inline int parse_icmp(struct hdr_cursor *nh, __u16 *seq)
{
	struct icmphdr *icmph = bpf_dynptr_slice(nh->dynptr, nh->pos, NULL, sizeof(*icmph));

	if (icmph) {
		nh->pos += sizeof(*icmph);
		*seq = bpf_ntohs(icmph->un.echo.sequence);
		return icmph->type;
	}
	return -1;
}

static __always_inline __u32 xdp_stats_record_action(struct xdp_md *ctx, __u32 action)
{
	struct datarec *rec;

	if (action > XDP_REDIRECT)
		return XDP_ABORTED;
	rec = bpf_map_lookup_elem(&xdp_stats_map, &action);
	if (!rec)
		return XDP_ABORTED;
	rec->rx_packets++;
	rec->rx_bytes += ctx->data_end - ctx->data;
	return action;
}

/* Drops every echo request with an even sequence number. */
SEC("xdp")
int xdp_parser_func(struct xdp_md *ctx)
{
	struct collect_vlans vlans = {};
	struct bpf_dynptr ptr;
	struct hdr_cursor nh = { .dynptr = &ptr };
	__u32 action = XDP_PASS;
	struct ipv6hdr *ip6h;
	struct ethhdr *eth;
	struct iphdr *iph;
	__u16 seq = 1;
	int nh_type;

	bpf_dynptr_from_xdp(ctx, 0, &ptr);
	nh_type = parse_ethhdr_vlan(&nh, &eth, &vlans);
	if (nh_type == bpf_htons(ETH_P_IPV6)) {
		if (parse_ip6hdr(&nh, &ip6h) != IPPROTO_ICMPV6)
			goto out;
		if (parse_icmp6(&nh, &seq) != ICMPV6_ECHO_REQUEST)
			goto out;
	} else if (nh_type == bpf_htons(ETH_P_IP)) {
		if (parse_iphdr(&nh, &iph) != IPPROTO_ICMP)
			goto out;
		if (parse_icmp(&nh, &seq) != ICMP_ECHO)
			goto out;
	} else {
		goto out;
	}
	if (seq % 2 == 0)
		action = XDP_DROP;
out:
	return xdp_stats_record_action(ctx, action);
}

/* Takes the outer VLAN tag off. */
SEC("xdp")
int xdp_vlan_pop(struct xdp_md *ctx)
{
	struct ethhdr eth_cpy, *eth;
	struct bpf_dynptr ptr;
	struct vlan_hdr *vlh;

	bpf_dynptr_from_xdp(ctx, 0, &ptr);
	eth = bpf_dynptr_slice(&ptr, 0, NULL, sizeof(*eth));
	if (!eth || !proto_is_vlan(eth->h_proto))
		return XDP_PASS;
	vlh = bpf_dynptr_slice(&ptr, sizeof(*eth), NULL, sizeof(*vlh));
	if (!vlh)
		return XDP_PASS;
	__builtin_memcpy(&eth_cpy, eth, sizeof(eth_cpy));
	eth_cpy.h_proto = vlh->h_vlan_encapsulated_proto;

	if (bpf_xdp_adjust_head(ctx, (int)sizeof(*vlh)))
		return XDP_ABORTED;
	bpf_dynptr_from_xdp(ctx, 0, &ptr);
	eth = bpf_dynptr_slice_rdwr(&ptr, 0, NULL, sizeof(*eth));
	if (!eth)
		return XDP_ABORTED;
	__builtin_memcpy(eth, &eth_cpy, sizeof(*eth));
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
