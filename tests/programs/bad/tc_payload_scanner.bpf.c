// Scans payloads for a marker and stamps it. The verifier refuses all of these.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define STEP 8
#define MAX_STEPS 32
#define MARKER 0xfeedface

struct marker {
	__be32 magic;
	__be32 stamp;
};

__u64 hits;

static __always_inline __u32 header_len(const struct bpf_dynptr *pkt)
{
	__u8 buf[sizeof(struct iphdr)];
	struct iphdr *ip;

	ip = bpf_dynptr_slice(pkt, ETH_HLEN, buf, sizeof(buf));
	return ETH_HLEN + ip->ihl * 4; //~ missing-null-check
}

static __always_inline int checksum_options(const struct bpf_dynptr *pkt, __u32 len)
{
	__u8 opts[40], *p;

	if (len <= sizeof(struct iphdr) || len > 60)
		return 0;
	p = bpf_dynptr_slice(pkt, ETH_HLEN + sizeof(struct iphdr), opts, len - sizeof(struct iphdr)); //~ non-constant-slice-length
	if (!p)
		return -1;
	return p[0];
}

static __always_inline int stamp_markers(const struct bpf_dynptr *pkt, __u32 off)
{
	struct marker *m, *found, buf;
	int i;

	for (i = 0; i < MAX_STEPS; i++, off += STEP) {
		m = bpf_dynptr_slice(pkt, off, &buf, sizeof(buf));
		if (!m)
			break;
		if (m->magic != bpf_htonl(MARKER))
			continue;
		found = m;
		found->stamp = bpf_htonl(i); //~ store-to-read-only-slice
		__sync_fetch_and_add(&hits, 1);
	}
	return i;
}

static __always_inline __u32 sum_trailer(const struct bpf_dynptr *pkt)
{
	__u32 size = bpf_dynptr_size(pkt), sum = 0;
	__u8 chunk[STEP], *p;
	int i = 0;

	while (i < 4) {
		p = bpf_dynptr_slice(pkt, size - (i + 1) * STEP, chunk, sizeof(chunk));
		sum += p[0]; //~ missing-null-check
		i++;
	}
	return sum;
}

SEC("tc")
int scan(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u32 hdr;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	hdr = header_len(&pkt);
	if (checksum_options(&pkt, hdr - ETH_HLEN) < 0)
		return TC_ACT_OK;
	if (stamp_markers(&pkt, hdr) == MAX_STEPS)
		skb->mark = sum_trailer(&pkt);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
