// Layer 4 load balancer: picks a real server for a virtual service by consistent hashing and
// sends the packet there in an IP-in-IP tunnel. One context struct carries the parser state.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/packet.h"

extern int bpf_dynptr_from_xdp(struct xdp_md *, __u64, struct bpf_dynptr *) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *, __u32, void *, __u32) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *, __u32, void *, __u32) __ksym;

#define RING_SIZE 65537
#define MAX_VIPS 512
#define MAX_REALS 4096
#define F_HASH_SRC_ONLY (1 << 0)
#define CTRL_MAC 0

struct vip_key {
	__be32 addr;
	__be16 port;
	__u8 proto;
	__u8 pad;
};

struct vip_info {
	__u32 flags;
	__u32 index;
};

struct real_info {
	__be32 addr;
	__u32 flags;
};

struct lb_stats {
	__u64 packets;
	__u64 bytes;
};

struct lb_ctx {
	struct xdp_md *xdp;
	struct bpf_dynptr dynptr;
	struct iphdr *ip;
	struct iphdr ip_buf;
	struct vip_key vip;
	__be32 saddr;
	__be16 sport;
	__u16 ip_len;
	__u8 tos;
};

struct encap_hdr {
	struct ethhdr eth;
	struct iphdr outer;
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_VIPS);
	__type(key, struct vip_key);
	__type(value, struct vip_info);
} vips SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_VIPS * RING_SIZE);
	__type(key, __u32);
	__type(value, __u32);
} ch_rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_REALS);
	__type(key, __u32);
	__type(value, struct real_info);
} reals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u8[8]);
} ctl_array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_VIPS);
	__type(key, __u32);
	__type(value, struct lb_stats);
} stats SEC(".maps");

const volatile __be32 local_addr = 0;

static __always_inline __u32 hash_flow(const struct lb_ctx *ctx, bool src_only)
{
	__u32 h = 2166136261u;

	h = (h ^ ctx->saddr) * 16777619;
	if (!src_only)
		h = (h ^ (ctx->sport | (__u32)ctx->vip.port << 16)) * 16777619;
	h ^= h >> 15;
	return h;
}

static __always_inline int parse_ip(struct lb_ctx *ctx)
{
	struct iphdr *ip;

	ip = bpf_dynptr_slice(&ctx->dynptr, ETH_HLEN, &ctx->ip_buf, sizeof(ctx->ip_buf));
	if (!ip)
		return XDP_DROP;
	if (ip->version != 4 || ip->ihl != 5)
		return XDP_DROP;
	if (ipv4_is_fragment(ip))
		return XDP_DROP;

	ctx->ip = ip;
	ctx->saddr = ip->saddr;
	ctx->vip.addr = ip->daddr;
	ctx->vip.proto = ip->protocol;
	ctx->tos = ip->tos;
	ctx->ip_len = bpf_ntohs(ip->tot_len);
	return -1;
}

static __always_inline int parse_ports(struct lb_ctx *ctx)
{
	const __u32 off = ETH_HLEN + sizeof(struct iphdr);
	__be16 buf[2], *ports;

	if (ctx->ip->protocol != IPPROTO_TCP && ctx->ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	ports = bpf_dynptr_slice(&ctx->dynptr, off, buf, sizeof(buf));
	if (!ports)
		return XDP_DROP;
	ctx->sport = ports[0];
	ctx->vip.port = ports[1];
	return -1;
}

static __always_inline struct real_info *pick_real(const struct lb_ctx *ctx,
						   const struct vip_info *vip)
{
	__u32 slot = hash_flow(ctx, vip->flags & F_HASH_SRC_ONLY) % RING_SIZE;
	__u32 key = vip->index * RING_SIZE + slot;
	__u32 *real;

	real = bpf_map_lookup_elem(&ch_rings, &key);
	if (!real)
		return NULL;
	return bpf_map_lookup_elem(&reals, real);
}

static __always_inline void fill_outer(struct iphdr *outer, const struct lb_ctx *ctx, __be32 dst)
{
	__u16 *word = (__u16 *)outer;
	__u32 csum = 0;
	int i;

	__builtin_memset(outer, 0, sizeof(*outer));
	outer->version = 4;
	outer->ihl = 5;
	outer->tos = ctx->tos;
	outer->tot_len = bpf_htons(ctx->ip_len + sizeof(*outer));
	outer->ttl = 64;
	outer->protocol = IPPROTO_IPIP;
	outer->saddr = local_addr ^ (ctx->sport << 16);
	outer->daddr = dst;

#pragma unroll
	for (i = 0; i < (int)sizeof(*outer) / 2; i++)
		csum += word[i];
	outer->check = csum_fold(csum);
}

// Grows the frame by one IP header and writes Ethernet and outer IP in one go.
static __always_inline int encap_ipip(struct lb_ctx *ctx, const struct real_info *real)
{
	struct encap_hdr buf, *hdr;
	__u32 key = CTRL_MAC;
	struct ethhdr *eth;
	struct iphdr *iph;
	__u8 *mac;

	mac = bpf_map_lookup_elem(&ctl_array, &key);
	if (!mac)
		return XDP_DROP;
	if (bpf_xdp_adjust_head(ctx->xdp, -(int)sizeof(struct iphdr)))
		return XDP_DROP;
	if (bpf_dynptr_from_xdp(ctx->xdp, 0, &ctx->dynptr))
		return XDP_DROP;

	hdr = bpf_dynptr_slice_rdwr(&ctx->dynptr, 0, &buf, sizeof(buf));
	if (!hdr)
		return XDP_DROP;
	eth = &hdr->eth;
	/* The old Ethernet header now lies where the outer IP header goes. */
	__builtin_memcpy(eth->h_source, (__u8 *)hdr + sizeof(struct iphdr), ETH_ALEN);
	__builtin_memcpy(eth->h_dest, mac, ETH_ALEN);
	eth->h_proto = bpf_htons(ETH_P_IP);

	iph = (void *)(eth + 1);
	fill_outer(iph, ctx, real->addr);

	if (hdr == &buf && bpf_dynptr_write(&ctx->dynptr, 0, &buf, sizeof(buf), 0))
		return XDP_DROP;
	return XDP_TX;
}

SEC("xdp.frags")
int balance(struct xdp_md *xdp)
{
	struct ethhdr *eth, eth_buf;
	struct lb_ctx ctx = {};
	struct real_info *real;
	struct lb_stats *cnt;
	struct vip_info *vip;
	int action;

	ctx.xdp = xdp;
	bpf_dynptr_from_xdp(xdp, 0, &ctx.dynptr);

	eth = bpf_dynptr_slice(&ctx.dynptr, 0, &eth_buf, sizeof(eth_buf));
	if (!eth)
		return XDP_DROP;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;

	action = parse_ip(&ctx);
	if (action >= 0)
		return action;
	action = parse_ports(&ctx);
	if (action >= 0)
		return action;

	vip = bpf_map_lookup_elem(&vips, &ctx.vip);
	if (!vip)
		return XDP_PASS;
	real = pick_real(&ctx, vip);
	if (!real || !real->addr)
		return XDP_DROP;

	cnt = bpf_map_lookup_elem(&stats, &vip->index);
	if (cnt) {
		cnt->packets++;
		cnt->bytes += ctx.ip_len;
	}
	return encap_ipip(&ctx, real);
}

char _license[] SEC("license") = "GPL";
