// Hop limiter and relabelling bridge: flags where none exist and checksums left behind.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

struct relabel {
	__be32 from;
	__be32 to;
	__u8 max_ttl;
	__u8 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct relabel);
} relabels SEC(".maps");

static __always_inline int cap_ttl(struct bpf_dynptr *pkt, __u8 max)
{
	struct iphdr *ip, buf;

	ip = bpf_dynptr_slice_rdwr(pkt, ETH_HLEN, &buf, sizeof(buf));
	if (!ip)
		return -1;
	if (ip->ttl <= max)
		return 0;
	ip->ttl = max; //~ stale-checksum
	if (ip == &buf && bpf_dynptr_write(pkt, ETH_HLEN, &buf, sizeof(buf), 0))
		return -1;
	return 0;
}

static __always_inline int relabel_source(struct bpf_dynptr *pkt, const struct relabel *cfg)
{
	struct iphdr ip;

	if (bpf_dynptr_read(&ip, sizeof(ip), pkt, ETH_HLEN, BPF_F_INVALIDATE_HASH)) //~ unsupported-flags
		return -1;
	if (ip.saddr != cfg->from)
		return 0;
	ip.check = csum_replace4(ip.check, cfg->from, cfg->to);
	ip.saddr = cfg->to;
	return bpf_dynptr_write(pkt, ETH_HLEN, &ip, sizeof(ip),
				BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH);
}

SEC("tc")
int bridge_in(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct relabel *cfg;
	__u32 zero = 0;

	cfg = bpf_map_lookup_elem(&relabels, &zero);
	if (!cfg || skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (cap_ttl(&pkt, cfg->max_ttl))
		return TC_ACT_SHOT;
	if (relabel_source(&pkt, cfg))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

#define NO_FLAGS 0
#define STAMP_FLAGS BPF_F_RECOMPUTE_CSUM

SEC("xdp")
int bridge_stamp(struct xdp_md *xdp)
{
	struct bpf_dynptr frame;
	__be16 proto;
	__u64 now;

	bpf_dynptr_from_xdp(xdp, NO_FLAGS, &frame);
	if (bpf_dynptr_read(&proto, sizeof(proto), &frame, 12, NO_FLAGS))
		return XDP_DROP;
	if (proto != bpf_htons(0x88B5))
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	if (bpf_dynptr_write(&frame, ETH_HLEN, &now, sizeof(now), STAMP_FLAGS)) //~ unsupported-flags
		return XDP_DROP;
	return XDP_PASS;
}

SEC("tc")
int bridge_out(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 mac[ETH_ALEN];

	if (bpf_dynptr_from_skb(skb, BPF_F_INVALIDATE_HASH, &pkt)) //~ unsupported-flags
		return TC_ACT_OK;
	if (bpf_dynptr_read(mac, sizeof(mac), &pkt, 0, 0))
		return TC_ACT_OK;
	return mac[0] & 1 ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
