// Packet capture: matching frames are copied to a ring buffer with bpf_dynptr_copy, cut to the
// capture length, padded to whole blocks and, on request, with their payload blanked.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define BLOCK 64
#define ROUND_UP(x, to) (((x) + (to) - 1) / (to) * (to))

struct capture_head {
	__u64 when;
	__u32 caplen;
	__u32 len;
	__u32 ifindex;
	__u32 rxq;
};

struct capture_filter {
	__be32 addr;
	__be32 mask;
	__u32 snaplen;
	__u8 blank_payload;
	__u8 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} captures SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct capture_filter);
} filter_map SEC(".maps");

__u64 captured;
__u64 missed;

static __always_inline bool wanted(struct bpf_dynptr *frame, const struct capture_filter *filter,
				   __u32 *payload)
{
	struct ethhdr *eth, eth_buf;
	struct iphdr *ip, ip_buf;

	eth = bpf_dynptr_slice(frame, 0, &eth_buf, sizeof(eth_buf));
	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP))
		return false;
	ip = bpf_dynptr_slice(frame, sizeof(*eth), &ip_buf, sizeof(ip_buf));
	if (!ip)
		return false;
	*payload = sizeof(*eth) + ip->ihl * 4 + sizeof(struct udphdr);
	return ((ip->saddr ^ filter->addr) & filter->mask) == 0 ||
	       ((ip->daddr ^ filter->addr) & filter->mask) == 0;
}

// Reserves, fills and sends one record. Whatever fails, the record is given back.
static __noinline int capture(struct xdp_md *xdp, struct bpf_dynptr *frame, __u32 snaplen,
			      __u32 blank_from)
{
	struct capture_head head = {};
	__u32 room, at, len, caplen;
	struct bpf_dynptr rec;
	int err;

	len = bpf_dynptr_size(frame);
	caplen = len < snaplen ? len : snaplen;
	room = ROUND_UP(caplen, BLOCK);

	head.when = bpf_ktime_get_ns();
	head.len = len;
	head.caplen = caplen;
	head.ifindex = xdp->ingress_ifindex;
	head.rxq = xdp->rx_queue_index;

	err = bpf_ringbuf_reserve_dynptr(&captures, sizeof(head) + room, 0, &rec);
	if (err)
		goto out;
	err = bpf_dynptr_write(&rec, 0, &head, sizeof(head), 0);
	if (err)
		goto out;
	err = bpf_dynptr_copy(&rec, sizeof(head), frame, 0, caplen);
	if (err)
		goto out;
	if (caplen < room) {
		err = bpf_dynptr_memset(&rec, sizeof(head) + caplen, room - caplen, 0);
		if (err)
			goto out;
	}
	if (blank_from && blank_from < caplen) {
		at = sizeof(head) + blank_from;
		err = bpf_dynptr_memset(&rec, at, caplen - blank_from, 0);
	}
out:
	if (err)
		bpf_ringbuf_discard_dynptr(&rec, 0);
	else
		bpf_ringbuf_submit_dynptr(&rec, 0);
	return err;
}

SEC("xdp.frags")
int xdp_capture(struct xdp_md *xdp)
{
	struct capture_filter *filter;
	struct bpf_dynptr frame;
	__u32 zero = 0, payload;

	filter = bpf_map_lookup_elem(&filter_map, &zero);
	if (!filter || !filter->snaplen)
		return XDP_PASS;
	if (bpf_dynptr_from_xdp(xdp, 0, &frame))
		return XDP_PASS;
	if (!wanted(&frame, filter, &payload))
		return XDP_PASS;
	if (!filter->blank_payload)
		payload = 0;

	if (capture(xdp, &frame, filter->snaplen, payload))
		__sync_fetch_and_add(&missed, 1);
	else
		__sync_fetch_and_add(&captured, 1);
	return XDP_PASS;
}

// Turns test frames around with an empty body. Frames of XDP are never shared, so they may be
// changed in place by the bulk functions.
SEC("xdp.frags")
int xdp_reflect(struct xdp_md *xdp)
{
	const __u32 body = ETH_HLEN + 16;
	struct ethhdr *eth, eth_buf;
	struct bpf_dynptr frame;
	__u32 size;

	bpf_dynptr_from_xdp(xdp, 0, &frame);
	size = bpf_dynptr_size(&frame);
	eth = bpf_dynptr_slice_rdwr(&frame, 0, &eth_buf, sizeof(eth_buf));
	if (!eth)
		return XDP_ABORTED;
	if (eth->h_proto != bpf_htons(0x88B5))
		return XDP_PASS;
	mac_swap(eth);
	if (eth == &eth_buf && bpf_dynptr_write(&frame, 0, &eth_buf, sizeof(eth_buf), 0))
		return XDP_ABORTED;
	if (size > body && bpf_dynptr_memset(&frame, body, size - body, 0))
		return XDP_ABORTED;
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
