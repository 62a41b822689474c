// Rewrites service addresses in XDP with fragments. Every function treats the case that the
// header came back in the buffer, and each gets it wrong in its own way.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

struct l4_ports {
	__be16 source;
	__be16 dest;
};

struct target {
	__be32 addr;
	__be16 port;
	__u8 mac[ETH_ALEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, struct target);
} targets SEC(".maps");

static __always_inline bool set_macs(struct bpf_dynptr *pkt, const __u8 *mac)
{
	__u8 eth_buf[sizeof(struct ethhdr)];
	struct ethhdr *eth, *alias;

	eth = bpf_dynptr_slice_rdwr(pkt, 0, eth_buf, sizeof(eth_buf));
	if (!eth)
		return false;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return true;
	alias = eth;
	__builtin_memcpy(alias->h_source, alias->h_dest, ETH_ALEN); //~ missing-write-back
	__builtin_memcpy(alias->h_dest, mac, ETH_ALEN);
	return true;
}

static __always_inline int set_daddr(struct bpf_dynptr *pkt, __be32 addr)
{
	struct iphdr ip_buf, other_buf, *ip;
	__be32 old;

	__builtin_memset(&other_buf, 0, sizeof(other_buf));
	ip = bpf_dynptr_slice_rdwr(pkt, ETH_HLEN, &ip_buf, sizeof(ip_buf));
	if (!ip)
		return -1;
	old = ip->daddr;
	ip->daddr = addr;
	ip->check = csum_replace4(ip->check, old, addr);
	if (ip == &other_buf) { //~ wrong-buffer-compared
		if (bpf_dynptr_write(pkt, ETH_HLEN, &ip_buf, sizeof(ip_buf), 0))
			return -1;
	}
	return 0;
}

static __always_inline int set_port(struct bpf_dynptr *pkt, __u32 off, __be16 port)
{
	struct l4_ports *l4, buf;

	l4 = bpf_dynptr_slice_rdwr(pkt, off, &buf, sizeof(buf));
	if (!l4)
		return -1;
	l4->dest = port;
	off += sizeof(*l4);
	if (l4 == &buf)
		return bpf_dynptr_write(pkt, off, &buf, sizeof(buf), 0); //~ write-back-mismatch
	return 0;
}

static __always_inline int clear_check(struct bpf_dynptr *pkt, __u32 off)
{
	struct udphdr *udp, buf;

	udp = bpf_dynptr_slice_rdwr(pkt, off, &buf, sizeof(buf));
	if (!udp)
		return -1;
	udp->check = 0;
	if (udp == &buf) //~ inverted-write-back
		return 0;
	else
		return bpf_dynptr_write(pkt, off, udp, sizeof(buf), 0);
}

SEC("xdp.frags")
int rewrite(struct xdp_md *xdp)
{
	struct iphdr *ip, ip_buf;
	struct bpf_dynptr pkt;
	struct target *to;
	__be32 vip;
	__u32 off;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	ip = bpf_dynptr_slice(&pkt, ETH_HLEN, &ip_buf, sizeof(ip_buf));
	if (!ip || ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	vip = ip->daddr;
	off = ETH_HLEN + ip->ihl * 4;
	to = bpf_map_lookup_elem(&targets, &vip);
	if (!to)
		return XDP_PASS;

	if (!set_macs(&pkt, to->mac))
		return XDP_DROP;
	if (set_daddr(&pkt, to->addr))
		return XDP_DROP;
	if (set_port(&pkt, off, to->port))
		return XDP_DROP;
	if (clear_check(&pkt, off))
		return XDP_DROP;
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
