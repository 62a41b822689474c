// Inspects application data up to a configured depth. The slice buffers are too large for the
// stack, so they live in a per-CPU scratch area.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define BLOCK_LEN 512
#define MAX_BLOCKS 8
#define PATTERN_LEN 8

struct scratch {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
	__u8 block[BLOCK_LEN];
	__u8 trailer[16];
};

struct pattern {
	__u8 bytes[PATTERN_LEN];
	__u32 action;
	__u32 hits;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pattern);
} patterns SEC(".maps");

const volatile __u32 max_blocks = 4;

static __always_inline struct scratch *get_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch_map, &zero);
}

static __always_inline int payload_offset(const struct bpf_dynptr *pkt, struct scratch *s)
{
	struct ethhdr *eth;
	struct tcphdr *tcp;
	struct iphdr *ip;
	__u32 off;

	eth = bpf_dynptr_slice(pkt, 0, &s->eth, sizeof(s->eth));
	if (!eth)
		return -1;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return 0;
	ip = bpf_dynptr_slice(pkt, sizeof(*eth), &s->ip, sizeof(s->ip));
	if (!ip)
		return -1;
	if (ip->protocol != IPPROTO_TCP || ip->ihl < 5)
		return 0;
	off = sizeof(*eth) + ip->ihl * 4;
	tcp = bpf_dynptr_slice(pkt, off, &s->tcp, sizeof(s->tcp));
	if (!tcp)
		return -1;
	return off + tcp->doff * 4;
}

static __always_inline bool matches_at(const __u8 *data, const struct pattern *pat)
{
	int i;

	for (i = 0; i < PATTERN_LEN; i++)
		if (data[i] != pat->bytes[i])
			return false;
	return true;
}

// Position of the pattern in one block, or -1.
static __noinline int search_block(const __u8 *block, struct pattern *pat)
{
	int i;

	if (!block || !pat)
		return -1;
	for (i = 0; i + PATTERN_LEN <= BLOCK_LEN; i++)
		if (matches_at(block + i, pat))
			return i;
	return -1;
}

SEC("tcx/ingress")
int inspect(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct pattern *pat;
	struct scratch *s;
	__u32 zero = 0, off;
	int start, i, pos;
	__u8 *block;

	s = get_scratch();
	if (!s)
		return TC_ACT_UNSPEC;
	pat = bpf_map_lookup_elem(&patterns, &zero);
	if (!pat)
		return TC_ACT_UNSPEC;

	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return TC_ACT_UNSPEC;
	start = payload_offset(&pkt, s);
	if (start < 0)
		return TC_ACT_SHOT;
	if (start == 0)
		return TC_ACT_UNSPEC;

	for (i = 0; i < MAX_BLOCKS; i++) {
		if (i >= max_blocks)
			break;
		off = start + i * BLOCK_LEN;
		block = bpf_dynptr_slice(&pkt, off, s->block, sizeof(s->block));
		if (!block)
			break;
		pos = search_block(block, pat);
		if (pos < 0)
			continue;

		__sync_fetch_and_add(&pat->hits, 1);
		if (pat->action == TC_ACT_SHOT)
			return TC_ACT_SHOT;
		skb->mark = pat->action;
		break;
	}
	return TC_ACT_UNSPEC;
}

// Stamps the probe frames of a lab network with the time they leave and the queue they took.
SEC("tcx/egress")
int stamp(struct __sk_buff *skb)
{
	const __u32 time_at = sizeof(struct ethhdr) + 4;
	struct bpf_dynptr pkt;
	struct scratch *s;
	__u64 *time;
	__u16 *queue;
	__u32 end;

	s = get_scratch();
	if (!s || skb->protocol != bpf_htons(0x88B5))
		return TC_ACT_UNSPEC;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	end = bpf_dynptr_size(&pkt);
	if (end < time_at + sizeof(*time) + sizeof(*queue))
		return TC_ACT_UNSPEC;

	time = bpf_dynptr_slice_rdwr(&pkt, time_at, s->block, sizeof(*time));
	if (!time)
		return TC_ACT_UNSPEC;
	*time = bpf_ktime_get_ns();
	if ((__u8 *)time == s->block && bpf_dynptr_write(&pkt, time_at, time, sizeof(*time), 0))
		return TC_ACT_SHOT;

	/* The queue number closes the frame, wherever that is. */
	queue = bpf_dynptr_slice_rdwr(&pkt, end - sizeof(*queue), s->trailer, sizeof(*queue));
	if (queue) {
		*queue = bpf_htons(skb->queue_mapping);
		if (queue == (void *)s->trailer)
			return bpf_dynptr_write(&pkt, end - sizeof(*queue), s->trailer,
						sizeof(*queue), 0) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
	}
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
