// Lightweight tunnel on a route: adds a GRE header towards the overlay's gateway and copies
// the inner DSCP to the outer header. The packet starts at the IP header.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86DD
#define GRE_KEY bpf_htons(0x2000)
#define DSCP_MASK 0xfc

struct gre_key_hdr {
	__be16 flags;
	__be16 protocol;
	__be32 key;
};

struct outer_hdrs {
	struct iphdr ip;
	struct gre_key_hdr gre;
};

struct gateway {
	__be32 local;
	__be32 remote;
	__u32 vni;
	__u32 mtu;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct gateway);
} gateways SEC(".maps");

static __always_inline __u16 header_csum(const struct iphdr *ip)
{
	__s64 sum = bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

// DSCP of the inner packet, or -1 if it is neither IPv4 nor IPv6.
static __noinline int inner_dscp(struct bpf_dynptr *pkt, __be16 proto)
{
	__u8 buf[sizeof(struct ipv6hdr)];

	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = bpf_dynptr_slice(pkt, 0, buf, sizeof(*ip));

		return ip ? ip->tos & DSCP_MASK : -1;
	}
	if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = bpf_dynptr_slice(pkt, 0, buf, sizeof(*ip6));

		if (!ip6)
			return -1;
		return (ip6->priority << 4 | ip6->flow_lbl[0] >> 4) & DSCP_MASK;
	}
	return -1;
}

static __always_inline void build_outer(struct outer_hdrs *hdr, const struct gateway *gw,
					__be16 proto, __u32 inner_len, __u8 dscp)
{
	__builtin_memset(hdr, 0, sizeof(*hdr));
	hdr->ip.version = 4;
	hdr->ip.ihl = 5;
	hdr->ip.tos = dscp;
	hdr->ip.ttl = 64;
	hdr->ip.frag_off = bpf_htons(0x4000);
	hdr->ip.protocol = IPPROTO_GRE;
	hdr->ip.tot_len = bpf_htons(inner_len + sizeof(*hdr));
	hdr->ip.saddr = gw->local;
	hdr->ip.daddr = gw->remote;
	hdr->ip.check = header_csum(&hdr->ip);
	hdr->gre.flags = GRE_KEY;
	hdr->gre.protocol = proto;
	hdr->gre.key = bpf_htonl(gw->vni);
}

SEC("lwt_xmit")
int overlay_xmit(struct __sk_buff *skb)
{
	__u32 realm = bpf_get_route_realm(skb);
	struct outer_hdrs outer;
	struct gateway *gw;
	struct bpf_dynptr pkt;
	int dscp;

	gw = bpf_map_lookup_elem(&gateways, &realm);
	if (!gw)
		return BPF_OK;
	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return BPF_DROP;
	if (bpf_dynptr_size(&pkt) + sizeof(outer) > gw->mtu)
		return BPF_DROP;
	dscp = inner_dscp(&pkt, skb->protocol);
	if (dscp < 0)
		return BPF_DROP;

	build_outer(&outer, gw, skb->protocol, skb->len, dscp);
	if (bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, &outer, sizeof(outer)))
		return BPF_DROP;
	return BPF_LWT_REROUTE;
}

// Pins the DSCP of everything that leaves through the route, in place.
SEC("lwt_xmit")
int remark_xmit(struct __sk_buff *skb)
{
	struct iphdr ip_buf, *ip;
	struct bpf_dynptr pkt;
	__u16 old, new;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return BPF_OK;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	ip = bpf_dynptr_slice_rdwr(&pkt, 0, &ip_buf, sizeof(ip_buf));
	if (!ip)
		return BPF_DROP;

	old = *(__u16 *)ip;
	ip->tos = (ip->tos & ~DSCP_MASK) | (skb->priority << 2 & DSCP_MASK);
	new = *(__u16 *)ip;
	if (ip == &ip_buf && bpf_dynptr_write(&pkt, 0, &ip_buf, sizeof(ip_buf), 0))
		return BPF_DROP;
	if (bpf_l3_csum_replace(skb, offsetof(struct iphdr, check), old, new, sizeof(new)))
		return BPF_DROP;
	return BPF_OK;
}

char _license[] SEC("license") = "GPL";
