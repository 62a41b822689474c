// Header parser of a load balancer, split into functions that hand slices and buffers around
// without agreeing on their sizes and lifetimes.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/packet.h"

extern int bpf_dynptr_from_xdp(struct xdp_md *, __u64, struct bpf_dynptr *) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *, __u32, void *, __u32) __ksym;

struct parse_ctx {
	struct bpf_dynptr *ptr;
	__u32 off;
	__u32 hash;
};

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

static __noinline struct ethhdr *get_eth(struct parse_ctx *ctx)
{
	__u8 eth_buf[sizeof(struct ethhdr)];
	struct ethhdr *eth;

	eth = bpf_dynptr_slice(ctx->ptr, 0, eth_buf, sizeof(eth_buf));
	ctx->off = sizeof(*eth);
	return eth; //~ slice-outlives-buffer
}

static __always_inline int hash_ip6(struct parse_ctx *ctx)
{
	__u8 hdr_buf[sizeof(struct iphdr)];
	struct ipv6hdr *ip6;

	ip6 = bpf_dynptr_slice(ctx->ptr, ctx->off, hdr_buf, sizeof(*ip6)); //~ buffer-too-small
	if (!ip6)
		return -1;
	ctx->hash ^= ip6->saddr.in6_u.u6_addr32[3];
	return ip6->nexthdr;
}

static __always_inline int hash_ip4(struct parse_ctx *ctx, char *scratch)
{
	struct iphdr *ip;

	ip = bpf_dynptr_slice(ctx->ptr, ctx->off, scratch, sizeof(scratch)); //~ sizeof-pointer-length
	if (!ip)
		return -1;
	ctx->hash ^= ip->tot_len;
	return IPPROTO_IPIP;
}

static __always_inline int hash_ports(struct parse_ctx *ctx)
{
	struct iphdr ip_buf, *ip;
	__be16 *l4;

	ip = bpf_dynptr_slice(ctx->ptr, ctx->off, &ip_buf, sizeof(ip_buf));
	if (!ip || ip->ihl != 5)
		return -1;
	l4 = (__be16 *)(ip + 1);
	ctx->hash ^= l4[0]; //~ slice-out-of-bounds
	return ip->protocol;
}

SEC("xdp.frags")
int spread(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;
	struct parse_ctx ctx = { .ptr = &pkt };
	struct ethhdr *eth;
	char scratch[64];
	int proto = -1;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	eth = get_eth(&ctx);
	if (!eth)
		return XDP_DROP;
	switch (bpf_ntohs(eth->h_proto)) {
	case ETH_P_IP:
		proto = hash_ip4(&ctx, scratch);
		if (proto >= 0)
			proto = hash_ports(&ctx);
		break;
	case ETH_P_IPV6:
		proto = hash_ip6(&ctx);
		break;
	}
	if (proto < 0)
		return XDP_PASS;
	return bpf_redirect_map(&ports, ctx.hash % 64, XDP_PASS);
}

char _license[] SEC("license") = "GPL";
