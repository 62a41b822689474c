// Limits the TTL of outgoing IPv4 packets, for a network that must stay local.
//
// RIGHT: a header is changed in place, with the two steps that are easy to forget: the write
// back from the buffer, and the checksum.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *ptr, __u32 offset, void *buffer,
				   __u32 buffer__szk) __ksym;

#define TC_ACT_OK 0
#define TC_ACT_SHOT 2
#define MAX_TTL 4
#define IP_OFFSET sizeof(struct ethhdr)

SEC("tc")
int limit_ttl(struct __sk_buff *skb)
{
	struct iphdr *ip, ip_buf;
	struct bpf_dynptr pkt;
	__u16 old, new;

	if (skb->protocol != bpf_htons(0x0800))
		return TC_ACT_OK;

	/* With flags 0 this cannot fail. */
	bpf_dynptr_from_skb(skb, 0, &pkt);

	/* NULL means that the packet is too short: with a buffer, nothing else can go wrong. */
	ip = bpf_dynptr_slice_rdwr(&pkt, IP_OFFSET, &ip_buf, sizeof(ip_buf));
	if (!ip)
		return TC_ACT_SHOT;
	if (ip->ttl <= MAX_TTL)
		return TC_ACT_OK;

	/* Checksums add up 16-bit words: TTL and protocol are in the same one. */
	old = *(__u16 *)&ip->ttl;
	ip->ttl = MAX_TTL;
	new = *(__u16 *)&ip->ttl;

	/* If `ip` is the buffer, the packet still has the old header. */
	if (ip == &ip_buf && bpf_dynptr_write(&pkt, IP_OFFSET, &ip_buf, sizeof(ip_buf), 0))
		return TC_ACT_SHOT;

	if (bpf_l3_csum_replace(skb, IP_OFFSET + offsetof(struct iphdr, check), old, new,
				sizeof(new)))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
