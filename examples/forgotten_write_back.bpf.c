// A small XDP program that answers UDP echo requests by swapping addresses and ports.
//
// WRONG: it loads, it passes its test with small packets, and it corrupts some large ones.
//
// bpf_dynptr_slice_rdwr() returns a pointer into the packet if the bytes lie together there.
// If they are spread over fragments, it copies them to the buffer and returns the buffer: what
// is stored then stays on the stack unless the program writes it back.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

extern int bpf_dynptr_from_xdp(struct xdp_md *xdp, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *ptr, __u32 offset, void *buffer,
				   __u32 buffer__szk) __ksym;

#define ECHO_PORT 7

struct echo_headers {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

static __always_inline void swap_ends(struct echo_headers *h)
{
	__be32 addr = h->ip.saddr;
	__be16 port = h->udp.source;
	__u8 mac[6];

	__builtin_memcpy(mac, h->eth.h_source, sizeof(mac));
	__builtin_memcpy(h->eth.h_source, h->eth.h_dest, sizeof(mac));
	__builtin_memcpy(h->eth.h_dest, mac, sizeof(mac));
	h->ip.saddr = h->ip.daddr;
	h->ip.daddr = addr;
	h->udp.source = h->udp.dest;
	h->udp.dest = port;
}

SEC("xdp.frags")
int echo(struct xdp_md *xdp)
{
	struct echo_headers buf, *h;
	struct bpf_dynptr pkt;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	h = bpf_dynptr_slice_rdwr(&pkt, 0, &buf, sizeof(buf));
	if (!h)
		return XDP_PASS;
	if (h->eth.h_proto != bpf_htons(0x0800) || h->ip.ihl != 5)
		return XDP_PASS;
	if (h->ip.protocol != IPPROTO_UDP || h->udp.dest != bpf_htons(ECHO_PORT))
		return XDP_PASS;

	swap_ends(h);

	/* Missing here:
	 *	if (h == &buf && bpf_dynptr_write(&pkt, 0, &buf, sizeof(buf), 0))
	 *		return XDP_DROP;
	 */
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
