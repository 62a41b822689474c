// Access control by service port, ported from direct packet access. Every shortcut taken here
// is accepted by the kernel.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

struct access_rule {
	__u32 allow;
	__u32 seen;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __be16);
	__type(value, struct access_rule);
} rules SEC(".maps");

static __always_inline int l3_proto(struct bpf_dynptr *pkt, __be16 *proto)
{
	struct ethhdr *eth;

	eth = bpf_dynptr_data(pkt, 0, sizeof(*eth)); //~ dynptr-data-on-packet
	if (!eth)
		return -1;
	*proto = eth->h_proto;
	return 0;
}

static __always_inline int l4_offset(struct bpf_dynptr *pkt, __u32 *off, __u8 *proto)
{
	struct iphdr *ip;

	ip = bpf_dynptr_slice(pkt, ETH_HLEN, NULL, sizeof(*ip)); //~ null-buffer-on-fragmented-packet
	if (!ip)
		return TC_ACT_SHOT;
	*off = ETH_HLEN + ip->ihl * 4;
	*proto = ip->protocol;
	return TC_ACT_OK;
}

static __always_inline int dest_port(struct bpf_dynptr *pkt, __u32 off, __be16 *port)
{
	struct udphdr *udp, buf;

	udp = bpf_dynptr_slice(pkt, off, &buf, sizeof(buf));
	if (!udp)
		return -1;
	*port = udp->dest;
	if (udp == &buf) {
		if (bpf_dynptr_write(pkt, off, &buf, sizeof(buf), 0)) //~ needless-write-back
			return -1;
	}
	return 0;
}

static __always_inline bool is_reset(struct bpf_dynptr *pkt, __u32 off)
{
	char raw[sizeof(struct tcphdr)];
	struct tcphdr *tcp;

	tcp = bpf_dynptr_slice_rdwr(pkt, off, raw, sizeof(raw)); //~ needless-slice-rdwr
	if (!tcp)
		return false;
	return tcp->rst;
}

SEC("tc")
int access(struct __sk_buff *skb)
{
	struct access_rule *rule;
	struct bpf_dynptr pkt;
	__be16 l3 = 0, port = 0;
	__u8 proto = 0;
	__u32 off = 0;
	int ret;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (l3_proto(&pkt, &l3) || l3 != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	ret = l4_offset(&pkt, &off, &proto);
	if (ret != TC_ACT_OK)
		return ret;
	if (proto == IPPROTO_TCP && is_reset(&pkt, off))
		return TC_ACT_OK;
	if (dest_port(&pkt, off, &port))
		return TC_ACT_SHOT;
	rule = bpf_map_lookup_elem(&rules, &port);
	if (!rule)
		return TC_ACT_OK;
	__sync_fetch_and_add(&rule->seen, 1);
	return rule->allow ? TC_ACT_OK : TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
