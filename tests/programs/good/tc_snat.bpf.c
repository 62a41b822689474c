// Source NAT for a container host: traffic from local endpoints leaves with the node's
// address and a port from its pool; replies are turned back on the way in.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define NAT_PORT_MIN 32768
#define NAT_PORT_TRIES 16

enum drop_reason {
	DROP_INVALID = -1,
	DROP_NO_PORT = -2,
	DROP_WRITE = -3,
	DROP_CSUM = -4,
};

#define IS_DROP(code) ((code) < 0)

#define RETURN_IF_DROP(expr)                                                                       \
	do {                                                                                       \
		int __code = (expr);                                                               \
		if (IS_DROP(__code))                                                               \
			return __code;                                                             \
	} while (0)

struct nat_key {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u8 proto;
	__u8 dir;
	__u16 pad;
};

struct nat_entry {
	__be32 to_addr;
	__be16 to_port;
	__u16 pad;
	__u64 last_used;
};

struct l4_ports {
	__be16 source;
	__be16 dest;
};

struct nat_ctx {
	struct __sk_buff *skb;
	struct bpf_dynptr *pkt;
	struct nat_key key;
	__u32 l4_off;
	__u32 csum_off;
	__u64 csum_flags;
};

const volatile __be32 node_addr;
const volatile __be32 pod_cidr;
const volatile __be32 pod_mask;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 131072);
	__type(key, struct nat_key);
	__type(value, struct nat_entry);
} nat_table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} drop_counters SEC(".maps");

static __always_inline void count_drop(int reason)
{
	__u32 key = -reason;
	__u64 *cnt = bpf_map_lookup_elem(&drop_counters, &key);

	if (cnt)
		(*cnt)++;
}

static __always_inline int load_tuple(struct nat_ctx *ctx)
{
	struct l4_ports *ports, ports_buf;
	struct iphdr *ip, ip_buf;

	ip = bpf_dynptr_slice(ctx->pkt, ETH_HLEN, &ip_buf, sizeof(ip_buf));
	if (!ip)
		return DROP_INVALID;
	if (ip->version != 4 || ip->ihl < 5)
		return DROP_INVALID;
	/* Only the first fragment has ports; the others are left alone. */
	if (ipv4_is_fragment(ip))
		return 0;

	switch (ip->protocol) {
	case IPPROTO_TCP:
		ctx->csum_off = offsetof(struct tcphdr, check);
		ctx->csum_flags = BPF_F_PSEUDO_HDR;
		break;
	case IPPROTO_UDP:
		ctx->csum_off = offsetof(struct udphdr, check);
		ctx->csum_flags = BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0;
		break;
	default:
		return 0;
	}

	ctx->key.proto = ip->protocol;
	ctx->key.saddr = ip->saddr;
	ctx->key.daddr = ip->daddr;
	ctx->l4_off = ETH_HLEN + ip->ihl * 4;

	ports = bpf_dynptr_slice(ctx->pkt, ctx->l4_off, &ports_buf, sizeof(ports_buf));
	if (!ports)
		return DROP_INVALID;
	ctx->key.sport = ports->source;
	ctx->key.dport = ports->dest;
	return 1;
}

// Rewrites the 32-bit address at `field` of the IP header and the two checksums over it.
static __always_inline int rewrite_addr(struct nat_ctx *ctx, bool source, __be32 new_addr)
{
	__u8 ip_buf[sizeof(struct iphdr)];
	struct iphdr *ip;
	__be32 old_addr;

	ip = bpf_dynptr_slice_rdwr(ctx->pkt, ETH_HLEN, ip_buf, sizeof(ip_buf));
	if (!ip)
		return DROP_INVALID;
	if (source) {
		old_addr = ip->saddr;
		ip->saddr = new_addr;
	} else {
		old_addr = ip->daddr;
		ip->daddr = new_addr;
	}
	if ((void *)ip == ip_buf) {
		if (bpf_dynptr_write(ctx->pkt, ETH_HLEN, ip_buf, sizeof(ip_buf), 0))
			return DROP_WRITE;
	}

	if (bpf_l4_csum_replace(ctx->skb, ctx->l4_off + ctx->csum_off, old_addr, new_addr,
				ctx->csum_flags | sizeof(new_addr)))
		return DROP_CSUM;
	if (bpf_l3_csum_replace(ctx->skb, ETH_HLEN + offsetof(struct iphdr, check), old_addr,
				new_addr, sizeof(new_addr)))
		return DROP_CSUM;
	return 0;
}

static __always_inline int rewrite_port(struct nat_ctx *ctx, bool source, __be16 new_port)
{
	struct l4_ports *ports, ports_buf;
	__be16 old_port;

	ports = bpf_dynptr_slice_rdwr(ctx->pkt, ctx->l4_off, &ports_buf, sizeof(ports_buf));
	if (!ports)
		return DROP_INVALID;
	if (source) {
		old_port = ports->source;
		ports->source = new_port;
	} else {
		old_port = ports->dest;
		ports->dest = new_port;
	}
	if (ports == &ports_buf &&
	    bpf_dynptr_write(ctx->pkt, ctx->l4_off, &ports_buf, sizeof(ports_buf), 0))
		return DROP_WRITE;

	if (bpf_l4_csum_replace(ctx->skb, ctx->l4_off + ctx->csum_off, old_port, new_port,
				(ctx->csum_flags & BPF_F_MARK_MANGLED_0) | sizeof(new_port)))
		return DROP_CSUM;
	return 0;
}

static __always_inline int new_mapping(struct nat_ctx *ctx, struct nat_entry *out)
{
	struct nat_entry back = {};
	struct nat_key rkey = {};
	int i;

	rkey.saddr = ctx->key.daddr;
	rkey.sport = ctx->key.dport;
	rkey.daddr = node_addr;
	rkey.proto = ctx->key.proto;
	rkey.dir = 1;

	back.to_addr = ctx->key.saddr;
	back.to_port = ctx->key.sport;
	back.last_used = bpf_ktime_get_ns();

	for (i = 0; i < NAT_PORT_TRIES; i++) {
		__u16 port = NAT_PORT_MIN + (bpf_get_prandom_u32() & 0x7fff);

		rkey.dport = bpf_htons(port);
		if (bpf_map_update_elem(&nat_table, &rkey, &back, BPF_NOEXIST))
			continue;
		out->to_addr = node_addr;
		out->to_port = rkey.dport;
		out->last_used = back.last_used;
		return bpf_map_update_elem(&nat_table, &ctx->key, out, BPF_ANY) ? DROP_NO_PORT : 0;
	}
	return DROP_NO_PORT;
}

static __always_inline int snat_egress(struct nat_ctx *ctx)
{
	struct nat_entry *entry, fresh = {};
	int ret;

	ret = load_tuple(ctx);
	if (ret <= 0)
		return ret;
	if ((ctx->key.saddr & pod_mask) != pod_cidr || (ctx->key.daddr & pod_mask) == pod_cidr)
		return 0;

	entry = bpf_map_lookup_elem(&nat_table, &ctx->key);
	if (entry) {
		entry->last_used = bpf_ktime_get_ns();
		fresh = *entry;
	} else {
		RETURN_IF_DROP(new_mapping(ctx, &fresh));
	}
	RETURN_IF_DROP(rewrite_port(ctx, true, fresh.to_port));
	return rewrite_addr(ctx, true, fresh.to_addr);
}

static __always_inline int snat_ingress(struct nat_ctx *ctx)
{
	struct nat_entry *entry;
	__be16 port;
	__be32 addr;
	int ret;

	ctx->key.dir = 1;
	ret = load_tuple(ctx);
	if (ret <= 0)
		return ret;
	entry = bpf_map_lookup_elem(&nat_table, &ctx->key);
	if (!entry)
		return 0;
	addr = entry->to_addr;
	port = entry->to_port;
	RETURN_IF_DROP(rewrite_port(ctx, false, port));
	RETURN_IF_DROP(rewrite_addr(ctx, false, addr));
	return 0;
}

SEC("tc")
int nat_to_netdev(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct nat_ctx ctx = { .skb = skb, .pkt = &pkt };
	int ret;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	ret = snat_egress(&ctx);
	if (IS_DROP(ret)) {
		count_drop(ret);
		return TC_ACT_SHOT;
	}
	return TC_ACT_OK;
}

SEC("tc")
int nat_from_netdev(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct nat_ctx ctx = { .skb = skb, .pkt = &pkt };
	int ret;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	ret = snat_ingress(&ctx);
	if (IS_DROP(ret)) {
		count_drop(ret);
		return TC_ACT_SHOT;
	}
	return TC_ACT_OK;
}

char __license[] SEC("license") = "GPL";
