// A macro of a header that is not there: nothing can be said of the buffer it gets.
#include <vmlinux.h>
#include "missing.h"
SEC("tc")
int prog(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct ethhdr *eth, buf;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, &buf, sizeof(buf));
	if (!eth)
		return TC_ACT_SHOT;
	eth->h_proto = 0;
	WRITE_BACK(&pkt, 0, eth, buf);
	return TC_ACT_OK;
}
SEC("tc")
int prog2(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct ethhdr *eth;
	__u8 buf[14];

	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, buf, sizeof(buf));
	if (!eth)
		return TC_ACT_SHOT;
	eth->h_proto = 0;
	write_back(&pkt, 0, eth, buf);
	return TC_ACT_OK;
}
