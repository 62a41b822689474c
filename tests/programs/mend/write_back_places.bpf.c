// Forgotten write-backs at the places where programs have them: in branches, loops and helpers, in
// front of jumps, and where the packet is used again.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

static __always_inline int set_ttl(struct bpf_dynptr *pkt, __u32 off, __u8 ttl)
{
	struct iphdr buf;
	struct iphdr *ip = bpf_dynptr_slice_rdwr(pkt, off, &buf, sizeof(buf));

	if (!ip)
		return -1;
	if (ip->ttl == ttl)
		return 0;
	ip->ttl = ttl;
	if (ip->tos) {
		ip->tos = 0;
		return 1;
	}
	ip->id = 0;
	return 0;
}

SEC("xdp.frags")
int by_protocol(struct xdp_md *xdp)
{
	struct udphdr udp_buf, *udp;
	struct iphdr ip_buf, *ip;
	struct bpf_dynptr pkt;
	__u32 off = ETH_HLEN;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	if (set_ttl(&pkt, off, 64) < 0)
		return XDP_DROP;
	ip = bpf_dynptr_slice_rdwr(&pkt, off, &ip_buf, sizeof(ip_buf));
	if (!ip)
		return XDP_PASS;
	switch (ip->protocol) {
	case IPPROTO_UDP:
		ip->frag_off = 0; // no more fragments
		break;
	case IPPROTO_TCP:
		ip->tos = 4;
		return XDP_TX;
	default:
		return XDP_PASS;
	}
	off += sizeof(*ip);
	udp = bpf_dynptr_slice_rdwr(&pkt, off, &udp_buf, sizeof(udp_buf));
	if (!udp)
		return XDP_DROP;
	for (int i = 0; i < 4; i++)
		udp->dest += i;
	return XDP_PASS;
}

SEC("xdp.frags")
int by_label(struct xdp_md *xdp)
{
	struct ethhdr buf, *eth;
	struct bpf_dynptr pkt;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, &buf, sizeof(buf));
	if (eth) {
		eth->h_dest[0] = 2;
		if (xdp->ingress_ifindex == 3)
			goto out;
		eth->h_dest[5] = 1;
	}
out:
	return XDP_PASS;
}

SEC("xdp.frags")
int by_round(struct xdp_md *xdp)
{
	struct ethhdr buf, *eth;
	struct bpf_dynptr pkt;
	int i;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	bpf_for(i, 0, 4) {
		eth = bpf_dynptr_slice_rdwr(&pkt, i * 14, &buf, sizeof(buf));
		if (!eth)
			break;
		if (eth->h_dest[0] == 4)
			continue;
		eth->h_dest[0] = 5;
	}
	return XDP_PASS;
}

// The write ends the life of all slices, so it waits for the last use of any.
SEC("tc")
int after_use(struct __sk_buff *skb)
{
	struct ethhdr eth_buf, *eth;
	struct iphdr ip_buf, *ip;
	struct bpf_dynptr pkt;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, &eth_buf, sizeof(eth_buf));
	if (!eth)
		return TC_ACT_SHOT;
	eth->h_dest[0] = 5;
	ip = bpf_dynptr_slice(&pkt, sizeof(*eth), &ip_buf, sizeof(ip_buf));
	if (!ip)
		return TC_ACT_SHOT;
	return ip->protocol == IPPROTO_UDP ? TC_ACT_OK : TC_ACT_UNSPEC;
}

SEC("tc")
int through_data(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct ethhdr *eth;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_data(&pkt, 0, sizeof(*eth));
	if (!eth)
		return TC_ACT_SHOT;
	if (eth->h_dest[0] & 1)
		eth->h_dest[0] = 2;
	return TC_ACT_OK;
}
