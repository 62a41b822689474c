// Diagnostics for jumbo frames: shifts payloads, marks the far end, measures the rest.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"

#define PROBE_PROTO 0x88B5
#define HEADER 64
#define SHIFT 128
#define BODY 1024
#define FAR_END 70000
#define TAG_LEN 16

struct tag {
	__u32 queue;
	__u32 ifindex;
	__u64 when;
};

static __u64 tagged;

static __always_inline bool is_probe(struct bpf_dynptr *frame)
{
	__be16 proto = 0;

	if (bpf_dynptr_read(&proto, sizeof(proto), frame, 12, 0))
		return false;
	return proto == bpf_htons(PROBE_PROTO);
}

static __always_inline void fill(struct tag *tag, struct xdp_md *xdp)
{
	tag->queue = xdp->rx_queue_index;
	tag->ifindex = xdp->ingress_ifindex;
	tag->when = bpf_ktime_get_ns();
}

// Makes room behind the header by moving the body up.
SEC("xdp.frags")
int shift_body(struct xdp_md *xdp)
{
	struct bpf_dynptr frame;

	bpf_dynptr_from_xdp(xdp, 0, &frame);
	if (!is_probe(&frame))
		return XDP_PASS;
	if (bpf_dynptr_copy(&frame, HEADER + SHIFT, &frame, HEADER, BODY)) //~ overlapping-copy
		return XDP_DROP;
	return XDP_TX;
}

SEC("xdp.frags")
int tag_far_end(struct xdp_md *xdp)
{
	struct bpf_dynptr frame;
	struct tag *tag, buf;

	bpf_dynptr_from_xdp(xdp, 0, &frame);
	if (!is_probe(&frame))
		return XDP_PASS;
	tag = bpf_dynptr_slice_rdwr(&frame, FAR_END, &buf, sizeof(buf));
	if (!tag)
		return XDP_PASS;
	fill(tag, xdp);
	if (tag == &buf && bpf_dynptr_write(&frame, FAR_END, &buf, sizeof(buf), 0)) //~ xdp-access-beyond-64k
		return XDP_DROP;
	tagged++;
	return XDP_PASS;
}

// Marks the frame and loses the mark on the way out through the shared exit.
SEC("xdp.frags")
int tag_behind_header(struct xdp_md *xdp)
{
	struct bpf_dynptr frame;
	struct tag *tag, buf;
	int action = XDP_DROP;

	bpf_dynptr_from_xdp(xdp, 0, &frame);
	if (!is_probe(&frame))
		return XDP_PASS;
	tag = bpf_dynptr_slice_rdwr(&frame, HEADER, &buf, sizeof(buf));
	if (!tag)
		goto out;
	tag->queue = xdp->rx_queue_index; //~ missing-write-back
	tag->when = bpf_ktime_get_ns();
	if (xdp->rx_queue_index == 0) {
		action = XDP_PASS;
		goto out;
	}
	if (tag == &buf && bpf_dynptr_write(&frame, HEADER, &buf, sizeof(buf), 0))
		goto out;
	action = XDP_TX;
out:
	return action;
}

char _license[] SEC("license") = "GPL";
