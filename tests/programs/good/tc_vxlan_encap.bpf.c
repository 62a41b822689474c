// Puts frames to remote endpoints into VXLAN. Room is made first; then one large slice covers
// all outer headers, which are filled through pointers derived from one another.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#ifndef VXLAN_PORT
#define VXLAN_PORT 4789
#endif
#define VXLAN_I_FLAG bpf_htonl(1 << 27)

/* A function-like macro of the UAPI, hence not in vmlinux.h. */
#define BPF_F_ADJ_ROOM_ENCAP_L2(len) (((__u64)(len) & 0xff) << 56)

struct vxlan_hdr {
	__be32 flags;
	__be32 vni;
};

struct outer {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	struct vxlan_hdr vxlan;
	struct ethhdr inner_eth;
} __attribute__((packed));

struct endpoint {
	__be32 vtep;
	__u32 vni;
	__u8 next_hop[ETH_ALEN];
	__u16 ifindex;
};

struct mac_key {
	__u8 mac[ETH_ALEN];
	__u16 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct mac_key);
	__type(value, struct endpoint);
} endpoints SEC(".maps");

const volatile __be32 local_vtep;
const volatile __u8 local_mac[ETH_ALEN];

static __always_inline __u32 flow_entropy(struct __sk_buff *skb)
{
	return bpf_get_hash_recalc(skb) & 0x3fff;
}

static __always_inline __u16 ip_csum(const struct iphdr *ip)
{
	const __u16 *w = (const __u16 *)ip;
	__u32 sum = 0;
	int i = 0;

	do {
		sum += w[i];
	} while (++i < (int)(sizeof(*ip) / sizeof(*w)));
	return csum_fold(sum);
}

static __always_inline void fill_eth(struct ethhdr *eth, const struct endpoint *ep)
{
	int i;

	__builtin_memcpy(eth->h_dest, ep->next_hop, ETH_ALEN);
	for (i = 0; i < ETH_ALEN; i++)
		eth->h_source[i] = local_mac[i];
	eth->h_proto = bpf_htons(ETH_P_IP);
}

static __always_inline void fill_ip(struct iphdr *ip, const struct endpoint *ep, __u32 len)
{
	*(__u32 *)ip = bpf_htonl(0x45000000 | (len & 0xffff));
	ip->id = 0;
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = 64;
	ip->protocol = IPPROTO_UDP;
	ip->check = 0;
	ip->saddr = local_vtep;
	ip->daddr = ep->vtep;
	ip->check = ip_csum(ip);
}

static int write_outer(struct bpf_dynptr *pkt, const struct endpoint *ep,
		       const struct ethhdr *inner_eth, __u32 inner_len, __u16 sport)
{
	__u8 room[sizeof(struct outer)];
	struct vxlan_hdr *vxlan;
	struct ethhdr *eth;
	struct udphdr *udp;
	struct iphdr *ip;

	eth = bpf_dynptr_slice_rdwr(pkt, 0, room, sizeof(room));
	if (!eth)
		return -1;
	fill_eth(eth, ep);

	ip = (void *)(eth + 1);
	fill_ip(ip, ep, inner_len + sizeof(*ip) + sizeof(*udp) + sizeof(*vxlan));

	udp = (void *)(ip + 1);
	udp->source = bpf_htons(sport);
	udp->dest = bpf_htons(VXLAN_PORT);
	udp->len = bpf_htons(inner_len + sizeof(*udp) + sizeof(*vxlan));
	udp->check = 0;

	vxlan = (void *)(udp + 1);
	vxlan->flags = VXLAN_I_FLAG;
	vxlan->vni = bpf_htonl(ep->vni << 8);
	__builtin_memcpy(vxlan + 1, inner_eth, sizeof(*inner_eth));

	if ((void *)eth == (void *)room) {
		if (bpf_dynptr_write(pkt, 0, room, sizeof(room), 0))
			return -1;
	}
	return 0;
}

// Keeps a copy of the Ethernet header, because making room leaves it outside the tunnel.
static __always_inline struct endpoint *lookup(struct bpf_dynptr *pkt, struct ethhdr *eth)
{
	struct mac_key key = {};

	if (bpf_dynptr_read(eth, sizeof(*eth), pkt, 0, 0))
		return NULL;
	__builtin_memcpy(key.mac, eth->h_dest, sizeof(key.mac));
	return bpf_map_lookup_elem(&endpoints, &key);
}

SEC("tc")
int vxlan_encap(struct __sk_buff *skb)
{
	const __u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 |
			    BPF_F_ADJ_ROOM_ENCAP_L4_UDP |
			    BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN);
	const __u32 added = sizeof(struct outer) - ETH_HLEN;
	struct ethhdr inner_eth;
	struct endpoint *ep;
	struct bpf_dynptr pkt;
	__u32 len = skb->len;
	__u16 sport;

	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return TC_ACT_SHOT;
	ep = lookup(&pkt, &inner_eth);
	if (!ep)
		return TC_ACT_OK;
	sport = 49152 + flow_entropy(skb);

	if (bpf_skb_adjust_room(skb, added, BPF_ADJ_ROOM_MAC, flags))
		return TC_ACT_SHOT;
	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return TC_ACT_SHOT;
	if (write_outer(&pkt, ep, &inner_eth, len, sport))
		return TC_ACT_SHOT;
	return bpf_redirect(ep->ifindex, 0);
}

char _license[] SEC("license") = "GPL";
