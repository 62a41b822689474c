// Strips trailers and tunnel headers in XDP and goes on with what it knew before.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define TRAILER_LEN 16
#define TAG_LEN 4

struct trailer {
	__be32 magic;
	__be32 seq;
	__u8 digest[8];
};

struct view {
	struct xdp_md *xdp;
	struct bpf_dynptr ptr;
};

__u64 last_seq;

static __always_inline int cut_tail(struct view *v, int n)
{
	if (bpf_xdp_adjust_tail(v->xdp, -n))
		return -1;
	return 0;
}

static __always_inline int pop_tag(struct view *v)
{
	struct ethhdr *eth, copy, buf;

	eth = bpf_dynptr_slice(&v->ptr, 0, &buf, sizeof(buf));
	if (!eth)
		return -1;
	__builtin_memcpy(&copy, eth, sizeof(copy));
	if (bpf_xdp_adjust_head(v->xdp, TAG_LEN))
		return -1;
	if (eth->h_source[0] & 1) //~ stale-slice
		return -1;
	if (bpf_dynptr_from_xdp(v->xdp, 0, &v->ptr))
		return -1;
	return bpf_dynptr_write(&v->ptr, 0, &copy, sizeof(copy), 0);
}

SEC("xdp.frags")
int trim(struct xdp_md *xdp)
{
	struct view v = { .xdp = xdp };
	struct trailer *t, buf;
	__u32 size;

	bpf_dynptr_from_xdp(xdp, 0, &v.ptr);
	size = bpf_dynptr_size(&v.ptr);
	if (size < ETH_HLEN + TRAILER_LEN)
		return XDP_PASS;
	t = bpf_dynptr_slice(&v.ptr, size - TRAILER_LEN, &buf, sizeof(buf));
	if (!t)
		return XDP_DROP;
	if (t->magic != bpf_htonl(0x7ea11e75))
		return XDP_PASS;
	last_seq = bpf_ntohl(t->seq);

	if (cut_tail(&v, TRAILER_LEN))
		return XDP_DROP;
	/* The dynptr still has the old size, so this asks for bytes that are gone. */
	t = bpf_dynptr_slice(&v.ptr, size - TRAILER_LEN, &buf, sizeof(buf)); //~ outdated-dynptr
	if (t && t->magic == bpf_htonl(0x7ea11e75))
		return XDP_DROP;
	return XDP_PASS;
}

SEC("xdp.frags")
int untag(struct xdp_md *xdp)
{
	struct view v = { .xdp = xdp };
	__be16 proto;

	bpf_dynptr_from_xdp(xdp, 0, &v.ptr);
	if (bpf_dynptr_read(&proto, sizeof(proto), &v.ptr, 12, 0))
		return XDP_DROP;
	if (proto != bpf_htons(ETH_P_8021Q))
		return XDP_PASS;
	return pop_tag(&v) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
