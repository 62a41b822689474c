// ARP responder and TCP MSS clamp that avoid copies: first ask for the header in place, and
// only if it is not contiguous pull it into the linear part and ask again.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define ARPOP_REQUEST 1
#define ARPOP_REPLY 2
#define TCP_OPT_WINDOW 40

struct arp_eth {
	__be16 hw_type;
	__be16 proto;
	__u8 hlen;
	__u8 plen;
	__be16 op;
	__u8 sha[ETH_ALEN];
	__be32 sip;
	__u8 tha[ETH_ALEN];
	__be32 tip;
} __attribute__((packed));

struct arp_frame {
	struct ethhdr eth;
	struct arp_eth arp;
} __attribute__((packed));

struct mac {
	__u8 addr[ETH_ALEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, struct mac);
} neighbours SEC(".maps");

const volatile __u16 max_mss = 1360;

// A read-only pointer to the range, pulled into the head if need be.
#define pulled_slice(skb, ptr, off, type)                                                          \
	({                                                                                         \
		type *__p = bpf_dynptr_slice(ptr, off, NULL, sizeof(type));                        \
		if (!__p && !bpf_skb_pull_data(skb, (off) + sizeof(type)))                         \
			__p = bpf_dynptr_slice(ptr, off, NULL, sizeof(type));                      \
		__p;                                                                               \
	})

static __always_inline void build_reply(struct arp_frame *f, const struct mac *mac)
{
	__be32 ip = f->arp.tip;

	__builtin_memcpy(f->eth.h_dest, f->arp.sha, ETH_ALEN);
	__builtin_memcpy(f->eth.h_source, mac->addr, ETH_ALEN);
	f->arp.op = bpf_htons(ARPOP_REPLY);
	__builtin_memcpy(f->arp.tha, f->arp.sha, ETH_ALEN);
	__builtin_memcpy(f->arp.sha, mac->addr, ETH_ALEN);
	f->arp.tip = f->arp.sip;
	f->arp.sip = ip;
}

static __always_inline int answer_arp(struct __sk_buff *skb, struct bpf_dynptr *pkt)
{
	struct arp_frame *f;
	struct mac *mac;
	__be32 tip;

	f = bpf_dynptr_slice_rdwr(pkt, 0, NULL, sizeof(*f));
	if (!f) {
		if (bpf_skb_pull_data(skb, sizeof(*f)))
			return TC_ACT_OK;
		f = bpf_dynptr_slice_rdwr(pkt, 0, NULL, sizeof(*f));
		if (!f)
			return TC_ACT_OK;
	}
	if (f->arp.op != bpf_htons(ARPOP_REQUEST))
		return TC_ACT_OK;
	tip = f->arp.tip;
	mac = bpf_map_lookup_elem(&neighbours, &tip);
	if (!mac)
		return TC_ACT_OK;
	build_reply(f, mac);
	return bpf_redirect(skb->ifindex, 0);
}

// Offset of the MSS value in the options, 0 if there is none.
static __always_inline __u32 find_mss(const __u8 *opts, __u32 len)
{
	__u32 i = 0, n;

	for (n = 0; n < TCP_OPT_WINDOW && i < len && i <= TCP_OPT_WINDOW - 4; n++) {
		if (opts[i] == 0)
			break;
		if (opts[i] == 1) {
			i++;
			continue;
		}
		if (opts[i] == 2 && opts[i + 1] == 4)
			return i + 2;
		if (opts[i + 1] < 2)
			break;
		i += opts[i + 1];
	}
	return 0;
}

static __always_inline int clamp_mss(struct __sk_buff *skb, struct bpf_dynptr *pkt)
{
	__u8 opts[TCP_OPT_WINDOW] = {};
	__u32 tcp_off, opt_len, at;
	struct tcphdr *tcp;
	struct iphdr *ip;
	__be16 old, new;

	ip = pulled_slice(skb, pkt, ETH_HLEN, struct iphdr);
	if (!ip || ip->protocol != IPPROTO_TCP || ip->ihl < 5)
		return TC_ACT_OK;
	tcp_off = ETH_HLEN + ip->ihl * 4;
	tcp = pulled_slice(skb, pkt, tcp_off, struct tcphdr);
	if (!tcp || !tcp->syn || tcp->doff <= 5)
		return TC_ACT_OK;
	opt_len = tcp->doff * 4 - sizeof(*tcp);
	if (opt_len > sizeof(opts))
		return TC_ACT_OK;
	if (bpf_dynptr_read(opts, opt_len, pkt, tcp_off + sizeof(*tcp), 0))
		return TC_ACT_OK;

	at = find_mss(opts, opt_len);
	/* The checksum is a sum of 16-bit words, so an odd position would need swapping. */
	if (!at || at & 1 || at > sizeof(opts) - sizeof(old))
		return TC_ACT_OK;
	old = bpf_htons(opts[at] << 8 | opts[at + 1]);
	if (bpf_ntohs(old) <= max_mss)
		return TC_ACT_OK;
	new = bpf_htons(max_mss);
	if (bpf_dynptr_write(pkt, tcp_off + sizeof(*tcp) + at, &new, sizeof(new), 0))
		return TC_ACT_SHOT;
	if (bpf_l4_csum_replace(skb, tcp_off + offsetof(struct tcphdr, check), old, new,
				sizeof(new)))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

SEC("tc")
int edge(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (skb->protocol == bpf_htons(ETH_P_ARP))
		return answer_arp(skb, &pkt);
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return clamp_mss(skb, &pkt);
	return TC_ACT_OK;
}

// Everything up to the end of the TCP header is pulled up front, so no slice needs a buffer.
SEC("tc")
int count_flags(struct __sk_buff *skb)
{
	const __u32 need = ETH_HLEN + sizeof(struct iphdr) + sizeof(struct tcphdr);
	struct bpf_dynptr pkt;
	struct tcphdr *tcp;
	struct iphdr *ip;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	if (bpf_skb_pull_data(skb, need))
		return TC_ACT_OK;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	ip = bpf_dynptr_slice(&pkt, ETH_HLEN, NULL, sizeof(*ip));
	if (!ip || ip->ihl != 5 || ip->protocol != IPPROTO_TCP)
		return TC_ACT_OK;
	tcp = bpf_dynptr_slice(&pkt, ETH_HLEN + sizeof(*ip), NULL, sizeof(*tcp));
	if (!tcp)
		return TC_ACT_SHOT;
	if (tcp->urg || (tcp->syn && tcp->fin))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
