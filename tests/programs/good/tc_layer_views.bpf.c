// Every layer gets a view of its own: the packet's dynptr is cloned and the clone cut down to
// the payload of the layer, so that each parser counts from zero and cannot leave its part.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define DHCP_SERVER 67
#define DHCP_CLIENT 68
#define DHCP_COOKIE 0x63825363
#define DHCP_OPT_PAD 0
#define DHCP_OPT_TYPE 53
#define DHCP_OPT_END 255
#define DHCP_MAX_OPTS 24
#define DHCP_OFFER 2
#define DHCP_ACK 5

struct dhcp_fixed {
	__u8 op, htype, hlen, hops;
	__be32 xid;
	__be16 secs, flags;
	__be32 ciaddr, yiaddr, siaddr, giaddr;
	__u8 chaddr[16];
	__u8 names[192];
	__be32 cookie;
};

struct layers {
	struct bpf_dynptr frame;
	struct bpf_dynptr net;
	struct bpf_dynptr app;
	__be32 saddr;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __be32);
	__type(value, __u64);
} trusted_servers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dhcp_fixed);
} dhcp_scratch SEC(".maps");

// The part of `from` behind its first `skip` bytes, as a view of its own.
static __always_inline int sub_view(const struct bpf_dynptr *from, struct bpf_dynptr *view,
				    __u32 skip)
{
	int err;

	err = bpf_dynptr_clone(from, view);
	if (err)
		return err;
	return bpf_dynptr_adjust(view, skip, bpf_dynptr_size(view));
}

static __always_inline int open_net(struct layers *l)
{
	struct ethhdr *eth, buf;

	eth = bpf_dynptr_slice(&l->frame, 0, &buf, sizeof(buf));
	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP))
		return -1;
	return sub_view(&l->frame, &l->net, sizeof(*eth));
}

static __always_inline int open_app(struct layers *l)
{
	struct udphdr *udp, udp_buf;
	struct iphdr *ip, ip_buf;
	__u32 hdrs, total;

	ip = bpf_dynptr_slice(&l->net, 0, &ip_buf, sizeof(ip_buf));
	if (!ip || ip->protocol != IPPROTO_UDP || ipv4_is_fragment(ip))
		return -1;
	hdrs = ip->ihl * 4 + sizeof(*udp);
	total = bpf_ntohs(ip->tot_len);
	l->saddr = ip->saddr;
	udp = bpf_dynptr_slice(&l->net, ip->ihl * 4, &udp_buf, sizeof(udp_buf));
	if (!udp || udp->source != bpf_htons(DHCP_SERVER) || udp->dest != bpf_htons(DHCP_CLIENT))
		return -1;

	/* Short frames are padded: the view ends where IP says the packet ends. */
	if (bpf_dynptr_clone(&l->net, &l->app))
		return -1;
	if (bpf_dynptr_adjust(&l->app, hdrs, total))
		return -1;
	return 0;
}

// Advances the view over the options until the message type; 0 if there is none.
static __noinline int message_type(struct bpf_dynptr *opts)
{
	__u8 *opt, buf[3];
	__u32 step;
	int i;

	for (i = 0; i < DHCP_MAX_OPTS; i++) {
		opt = bpf_dynptr_slice(opts, 0, buf, sizeof(buf));
		if (!opt || opt[0] == DHCP_OPT_END)
			return 0;
		if (opt[0] == DHCP_OPT_TYPE)
			return opt[2];
		step = opt[0] == DHCP_OPT_PAD ? 1 : 2 + opt[1];
		if (bpf_dynptr_adjust(opts, step, bpf_dynptr_size(opts)))
			return 0;
	}
	return 0;
}

static __always_inline int check_offer(struct layers *l)
{
	struct dhcp_fixed *fixed, *scratch;
	struct bpf_dynptr opts;
	__u32 zero = 0;
	__u64 *seen;
	int type;

	scratch = bpf_map_lookup_elem(&dhcp_scratch, &zero);
	if (!scratch)
		return TC_ACT_OK;
	fixed = bpf_dynptr_slice(&l->app, 0, scratch, sizeof(*scratch));
	if (!fixed || fixed->cookie != bpf_htonl(DHCP_COOKIE))
		return TC_ACT_OK;
	if (sub_view(&l->app, &opts, sizeof(*fixed)))
		return TC_ACT_OK;
	type = message_type(&opts);
	if (type != DHCP_OFFER && type != DHCP_ACK)
		return TC_ACT_OK;

	seen = bpf_map_lookup_elem(&trusted_servers, &l->saddr);
	if (!seen)
		return TC_ACT_SHOT;
	__sync_fetch_and_add(seen, 1);
	return TC_ACT_OK;
}

SEC("tc")
int dhcp_snoop(struct __sk_buff *skb)
{
	struct layers l = {};

	bpf_dynptr_from_skb(skb, 0, &l.frame);
	if (open_net(&l))
		return TC_ACT_OK;
	if (open_app(&l))
		return TC_ACT_OK;
	return check_offer(&l);
}

// Two headers kept at once: the Ethernet slice stays valid while the view moves on.
SEC("tc")
int mac_matches_arp(struct __sk_buff *skb)
{
	struct ethhdr *eth, eth_buf;
	struct bpf_dynptr pkt;
	__u8 arp_buf[28], *arp;
	int i;

	if (skb->protocol != bpf_htons(ETH_P_ARP))
		return TC_ACT_OK;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_slice(&pkt, 0, &eth_buf, sizeof(eth_buf));
	if (bpf_dynptr_adjust(&pkt, sizeof(eth_buf), bpf_dynptr_size(&pkt)))
		return TC_ACT_OK;
	arp = bpf_dynptr_slice(&pkt, 0, arp_buf, sizeof(arp_buf));
	if (!eth || !arp)
		return TC_ACT_OK;
	for (i = 0; i < ETH_ALEN; i++)
		if (eth->h_source[i] != arp[8 + i])
			return TC_ACT_SHOT;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
