// Counts IPv6 packets by their next header.
//
// WRONG: the kernel refuses to load it ("memory, len pair leads to invalid memory access").
//
// The length given to bpf_dynptr_slice() is the number of bytes wanted and at the same time the
// size of the buffer, which is used if the bytes do not lie together in the packet.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *ptr, __u32 offset, void *buffer,
			      __u32 buffer__szk) __ksym;

#define TC_ACT_OK 0

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

SEC("tc")
int count_next_headers(struct __sk_buff *skb)
{
	__u8 hdr_buf[sizeof(struct iphdr)]; /* 20 bytes, as the IPv4 version had it */
	struct bpf_dynptr pkt;
	struct ipv6hdr *ip6;
	__u64 *count;
	__u32 key;

	if (skb->protocol != bpf_htons(0x86DD))
		return TC_ACT_OK;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	ip6 = bpf_dynptr_slice(&pkt, sizeof(struct ethhdr), hdr_buf, sizeof(*ip6));
	if (!ip6)
		return TC_ACT_OK;

	key = ip6->nexthdr;
	count = bpf_map_lookup_elem(&packets, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
