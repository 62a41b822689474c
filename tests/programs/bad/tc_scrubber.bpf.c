// Privacy scrubber: blanks payloads before they are mirrored. The bulk functions change the
// packet like writes do, but nobody says so.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define KEEP 64
#define BLANK 32

struct archive {
	__u8 bytes[256];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct archive);
} archives SEC(".maps");

const volatile int mirror_ifindex;

__noinline int stamp_source(const struct bpf_dynptr *pkt)
{
	__u8 local[ETH_ALEN] = { 0x02 };

	return bpf_dynptr_write(pkt, ETH_ALEN, local, sizeof(local), 0);
}

static __always_inline int archive_packet(struct bpf_dynptr *pkt, __u32 len)
{
	struct bpf_dynptr store;
	struct archive *a;
	__u32 zero = 0;

	a = bpf_map_lookup_elem(&archives, &zero);
	if (!a)
		return -1;
	bpf_dynptr_from_mem(a, sizeof(*a), 0, &store);
	bpf_dynptr_copy(&store, 0, pkt, 0, len); //~ result-ignored
	return a->bytes[12] << 8 | a->bytes[13];
}

static __always_inline int blank(struct __sk_buff *skb, struct bpf_dynptr *pkt)
{
	if (bpf_dynptr_size(pkt) < KEEP + BLANK)
		return 0;
	return bpf_dynptr_memset(pkt, KEEP, BLANK, 0); //~ write-to-shared-packet
}

SEC("tc")
int scrub(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (archive_packet(&pkt, skb->len) != ETH_P_IP)
		return TC_ACT_OK;
	if (blank(skb, &pkt))
		return TC_ACT_SHOT;
	return bpf_clone_redirect(skb, mirror_ifindex, 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

// The packet is private after the pull, but the slice is older than the memset.
SEC("tc")
int scrub_udp(struct __sk_buff *skb)
{
	struct iphdr *ip, buf;
	struct bpf_dynptr pkt;

	if (bpf_skb_pull_data(skb, 0))
		return TC_ACT_SHOT;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	ip = bpf_dynptr_slice(&pkt, ETH_HLEN, &buf, sizeof(buf));
	if (!ip || bpf_dynptr_size(&pkt) < KEEP + BLANK)
		return TC_ACT_OK;
	if (bpf_dynptr_memset(&pkt, KEEP, BLANK, 0))
		return TC_ACT_SHOT;
	if (ip->protocol != IPPROTO_UDP) //~ unnoticed-stale-slice
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

SEC("tc")
int scrub_stamp(struct __sk_buff *skb)
{
	struct ethhdr *eth, buf;
	struct bpf_dynptr pkt;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_slice(&pkt, 0, &buf, sizeof(buf));
	if (!eth)
		return TC_ACT_SHOT;
	if (stamp_source(&pkt))
		return TC_ACT_SHOT;
	skb->mark = eth->h_dest[5]; //~ unnoticed-stale-slice
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
