// Hands the result of XDP classification over to tc in the packet's metadata area: XDP stores
// it in front of the frame, tc reads it back, acts on it and leaves a trace for later hooks.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define META_MAGIC 0xc1a5

enum traffic_class {
	CLASS_DEFAULT,
	CLASS_CONTROL,
	CLASS_BULK,
	CLASS_SUSPECT,
};

struct pkt_meta {
	__u16 magic;
	__u8 class;
	__u8 hops;
	__u32 mark;
	__u64 stamp;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u16);
	__type(value, __u32);
} port_class SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} class_ns SEC(".maps");

static __always_inline __u32 classify(struct bpf_dynptr *frame)
{
	__u8 hdrs[sizeof(struct iphdr)];
	__be16 ports[2];
	struct iphdr *ip;
	__u16 dport;
	__u32 *class;

	ip = bpf_dynptr_slice(frame, ETH_HLEN, hdrs, sizeof(hdrs));
	if (!ip || ip->version != 4)
		return CLASS_DEFAULT;
	if (ip->ihl > 5)
		return CLASS_SUSPECT;
	if (bpf_dynptr_read(ports, sizeof(ports), frame, ETH_HLEN + sizeof(*ip), 0))
		return CLASS_SUSPECT;
	dport = bpf_ntohs(ports[1]);
	class = bpf_map_lookup_elem(&port_class, &dport);
	return class ? *class : CLASS_DEFAULT;
}

SEC("xdp")
int xdp_classify(struct xdp_md *xdp)
{
	struct bpf_dynptr frame;
	struct pkt_meta *meta;
	void *data;

	if (bpf_xdp_adjust_meta(xdp, -(int)sizeof(*meta)))
		return XDP_PASS;

	data = (void *)(long)xdp->data;
	meta = (void *)(long)xdp->data_meta;
	if ((void *)(meta + 1) > data)
		return XDP_PASS;

	bpf_dynptr_from_xdp(xdp, 0, &frame);
	meta->magic = META_MAGIC;
	meta->class = classify(&frame);
	meta->hops = 0;
	meta->mark = 0;
	meta->stamp = bpf_ktime_get_ns();
	return XDP_PASS;
}

static __always_inline int spend(const struct pkt_meta *meta)
{
	__u32 key = meta->class & 3;
	__u64 *ns;

	ns = bpf_map_lookup_elem(&class_ns, &key);
	if (!ns)
		return -1;
	*ns += bpf_ktime_get_ns() - meta->stamp;
	return 0;
}

SEC("tc")
int tc_apply_class(struct __sk_buff *skb)
{
	struct pkt_meta meta = {};
	struct bpf_dynptr md;

	if (bpf_dynptr_from_skb_meta(skb, 0, &md))
		return TC_ACT_OK;
	if (bpf_dynptr_size(&md) < sizeof(meta))
		return TC_ACT_OK;
	if (bpf_dynptr_read(&meta, sizeof(meta), &md, 0, 0))
		return TC_ACT_OK;
	if (meta.magic != META_MAGIC)
		return TC_ACT_OK;
	if (spend(&meta))
		return TC_ACT_OK;

	switch (meta.class) {
	case CLASS_CONTROL:
		skb->priority = 7;
		break;
	case CLASS_BULK:
		skb->priority = 1;
		break;
	case CLASS_SUSPECT:
		return TC_ACT_SHOT;
	}
	return TC_ACT_OK;
}

// A later hook on the same packet: counts itself in the metadata and paints the MAC address.
// The metadata is dealt with first, because writing to the packet may drop it.
SEC("tc")
int tc_trace_hop(struct __sk_buff *skb)
{
	struct bpf_dynptr md, pkt;
	struct pkt_meta *meta;
	__u8 mac[ETH_ALEN];
	__u32 hop;

	bpf_dynptr_from_skb_meta(skb, 0, &md);
	if (bpf_dynptr_is_rdonly(&md))
		return TC_ACT_OK;
	meta = bpf_dynptr_slice_rdwr(&md, 0, NULL, sizeof(*meta));
	if (!meta)
		return TC_ACT_OK;
	if (meta->magic != META_MAGIC)
		return TC_ACT_OK;
	hop = ++meta->hops;
	meta->mark = skb->mark;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (bpf_dynptr_read(mac, sizeof(mac), &pkt, 0, 0))
		return TC_ACT_OK;
	mac[ETH_ALEN - 1] = hop;
	if (bpf_dynptr_write(&pkt, 0, mac, sizeof(mac), 0))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
