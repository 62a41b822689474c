// NAT in the style of large code bases: the accesses hide in macros, and so do the mistakes.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define DROP_INVALID (-1)
#define DROP_WRITE (-2)

#define GET_HDR(hdr, pkt, off, buf)                                                                \
	do {                                                                                       \
		hdr = bpf_dynptr_slice(pkt, off, &buf, sizeof(buf));                               \
		if (!hdr)                                                                          \
			return DROP_INVALID;                                                       \
	} while (0)

#define GET_HDR_RW(hdr, pkt, off, buf) hdr = bpf_dynptr_slice_rdwr(pkt, off, &buf, sizeof(buf))

#define PUT_HDR(hdr, pkt, off, buf)                                                                \
	do {                                                                                       \
		if (hdr == &buf && bpf_dynptr_write(pkt, off, &buf, sizeof(buf), 0))               \
			return DROP_WRITE;                                                         \
	} while (0)

struct l4_ports {
	__be16 source;
	__be16 dest;
};

struct nat_rule {
	__be32 addr;
	__be16 port;
	__u16 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct l4_ports);
	__type(value, struct nat_rule);
} nat_rules SEC(".maps");

static __always_inline int rewrite_daddr(struct bpf_dynptr *pkt, __be32 addr)
{
	struct iphdr *ip, ip_buf;
	__be32 old;

	GET_HDR_RW(ip, pkt, ETH_HLEN, ip_buf);
	old = ip->daddr; //~ missing-null-check
	ip->daddr = addr;
	ip->check = csum_replace4(ip->check, old, addr);
	PUT_HDR(ip, pkt, ETH_HLEN, ip_buf);
	return 0;
}

// The offset moves on between reading and writing back.
static __always_inline int rewrite_port(struct bpf_dynptr *pkt, __u32 off, __be16 port)
{
	struct l4_ports *l4, l4_buf;

	GET_HDR_RW(l4, pkt, off, l4_buf);
	if (!l4)
		return DROP_INVALID;
	l4->dest = port;
	off += offsetof(struct udphdr, len);
	PUT_HDR(l4, pkt, off, l4_buf); //~ write-back-mismatch
	return 0;
}

static __always_inline int clear_sum(struct bpf_dynptr *pkt, __u32 off)
{
	struct udphdr *udp, udp_buf;

	GET_HDR(udp, pkt, off, udp_buf);
	if (!udp->check)
		return 0;
	udp->check = 0; //~ store-to-read-only-slice
	return 0;
}

static __always_inline int translate(struct bpf_dynptr *pkt)
{
	struct l4_ports *l4, l4_buf, key;
	struct iphdr *ip, ip_buf;
	struct nat_rule *rule;
	__u32 off;
	int ret;

	GET_HDR(ip, pkt, ETH_HLEN, ip_buf);
	if (ip->protocol != IPPROTO_UDP)
		return 0;
	off = ETH_HLEN + ip->ihl * 4;
	GET_HDR(l4, pkt, off, l4_buf);
	key = *l4;
	rule = bpf_map_lookup_elem(&nat_rules, &key);
	if (!rule)
		return 0;
	ret = clear_sum(pkt, off);
	if (ret)
		return ret;
	ret = rewrite_port(pkt, off, rule->port);
	if (ret)
		return ret;
	return rewrite_daddr(pkt, rule->addr);
}

SEC("tc")
int nat(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	return translate(&pkt) ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
