// Marks packets of one protocol with a locally administered source address.
//
// WRONG: the kernel refuses to load it ("invalid mem access 'scalar'").
//
// Writing to an skb may move its memory. Every slice taken before is void afterwards, whatever
// bytes were written: take a new one, or read what is needed before the write.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *ptr, __u32 offset, void *buffer,
			      __u32 buffer__szk) __ksym;

#define TC_ACT_OK 0
#define TC_ACT_SHOT 2
#define SOURCE_MAC_OFFSET 6

static __always_inline int set_source_mac(struct bpf_dynptr *pkt)
{
	__u8 mac[6] = { 0x02, 0x00, 0x00, 0x00, 0x00, 0x01 };

	return bpf_dynptr_write(pkt, SOURCE_MAC_OFFSET, mac, sizeof(mac), 0);
}

SEC("tc")
int mark_source(struct __sk_buff *skb)
{
	struct ethhdr *eth, eth_buf;
	struct bpf_dynptr pkt;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_slice(&pkt, 0, &eth_buf, sizeof(eth_buf));
	if (!eth)
		return TC_ACT_SHOT;
	if (eth->h_proto != bpf_htons(0x0800))
		return TC_ACT_OK;

	if (set_source_mac(&pkt))
		return TC_ACT_SHOT;

	/* The write above ended the life of `eth`. */
	skb->mark = eth->h_dest[5];
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
