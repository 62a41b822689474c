// Border router that edits several layers of one skb and keeps using pointers from before.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define MAX_LABELS 4
#define LABEL_PROTO 0x8847
#define LABEL_BOTTOM bpf_htonl(1 << 8)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, __be32);
} labels SEC(".maps");

static int write_macs(struct bpf_dynptr *pkt, const __u8 *dst)
{
	__u8 mac[ETH_ALEN];

	__builtin_memcpy(mac, dst, ETH_ALEN);
	return bpf_dynptr_write(pkt, 0, mac, sizeof(mac), 0);
}

static __always_inline int learn(struct bpf_dynptr *pkt)
{
	struct ethhdr *eth, buf;
	static const __u8 gateway[ETH_ALEN] = { 2, 0, 0, 0, 0, 1 };

	eth = bpf_dynptr_slice(pkt, 0, &buf, sizeof(buf));
	if (!eth)
		return -1;
	if (write_macs(pkt, gateway))
		return -1;
	return bpf_ntohs(eth->h_proto); //~ stale-slice
}

static __always_inline int swap_labels(struct bpf_dynptr *pkt)
{
	__be32 *label = NULL, buf, new;
	__u32 off = ETH_HLEN;
	__be32 *to;
	int i;

	for (i = 0; i < MAX_LABELS; i++) {
		if (label && (*label & LABEL_BOTTOM)) //~ stale-slice
			break;
		label = bpf_dynptr_slice(pkt, off, &buf, sizeof(buf));
		if (!label)
			return -1;
		new = *label;
		to = bpf_map_lookup_elem(&labels, &new);
		if (!to)
			return -1;
		new = *to;
		if (bpf_dynptr_write(pkt, off, &new, sizeof(new), 0))
			return -1;
		off += sizeof(new);
	}
	return 0;
}

SEC("tc")
int border_in(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	int proto;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	proto = learn(&pkt);
	if (proto < 0)
		return TC_ACT_SHOT;
	if (proto == LABEL_PROTO && swap_labels(&pkt))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

// Direct access and dynptr side by side.
SEC("tc")
int border_mixed(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	__u8 marker[2] = { 0x02, 0xaa };
	struct bpf_dynptr pkt;

	if ((void *)(eth + 1) > data_end)
		return TC_ACT_OK;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (bpf_dynptr_write(&pkt, ETH_ALEN, marker, sizeof(marker), 0))
		return TC_ACT_SHOT;
	if (eth->h_proto == bpf_htons(ETH_P_ARP)) //~ stale-packet-pointer
		return TC_ACT_OK;
	return TC_ACT_UNSPEC;
}

// Copies the destination MAC over the source MAC without a stop on the stack.
SEC("tc")
int border_loop(struct __sk_buff *skb)
{
	__u8 buf[ETH_ALEN], *mac;
	struct bpf_dynptr pkt;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	mac = bpf_dynptr_slice(&pkt, 0, buf, sizeof(buf));
	if (!mac)
		return TC_ACT_SHOT;
	if (bpf_dynptr_write(&pkt, ETH_ALEN, mac, sizeof(buf), 0)) //~ write-from-own-packet
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
