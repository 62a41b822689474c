// Accounts bytes and packets per flow. Understands up to two VLAN tags, IPv4, IPv6 with
// extension headers, TCP and UDP; of a SYN it also keeps the announced MSS and window scale.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define MAX_VLANS 2
#define MAX_EXT_HDRS 6
#define MAX_TCP_OPT_LEN 40

#define NEXTHDR_HOP 0
#define NEXTHDR_ROUTING 43
#define NEXTHDR_FRAGMENT 44
#define NEXTHDR_ICMP 58
#define NEXTHDR_NONE 59
#define NEXTHDR_DEST 60

#define TCPOPT_EOL 0
#define TCPOPT_NOP 1
#define TCPOPT_MSS 2
#define TCPOPT_WSCALE 3

enum parse_result {
	PARSE_OK,
	PARSE_TRUNCATED,
	PARSE_UNKNOWN,
};

struct flow_key {
	union {
		__be32 v4;
		struct in6_addr v6;
	} src, dst;
	__be16 sport;
	__be16 dport;
	__u16 vlan;
	__u8 family;
	__u8 proto;
};

struct flow_counters {
	__u64 packets;
	__u64 bytes;
	__u16 mss;
	__u8 wscale;
	__u8 flags_seen;
	__u32 pad;
};

struct l2_info {
	enum parse_result result;
	__u32 offset;
	__u16 proto;
	__u16 vlan;
};

struct tcp_opts {
	__u16 mss;
	__u8 wscale;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow_key);
	__type(value, struct flow_counters);
} flows SEC(".maps");

static __always_inline struct l2_info parse_l2(const struct bpf_dynptr *pkt)
{
	struct l2_info l2 = { .result = PARSE_TRUNCATED };
	struct vlan_hdr *vlan, vlan_buf;
	struct ethhdr *eth, eth_buf;
	int i;

	eth = bpf_dynptr_slice(pkt, 0, &eth_buf, sizeof(eth_buf));
	if (!eth)
		return l2;

	l2.offset = sizeof(*eth);
	l2.proto = bpf_ntohs(eth->h_proto);

	for (i = 0; i < MAX_VLANS; i++) {
		if (l2.proto != ETH_P_8021Q && l2.proto != ETH_P_8021AD)
			break;
		vlan = bpf_dynptr_slice(pkt, l2.offset, &vlan_buf, sizeof(vlan_buf));
		if (!vlan)
			return l2;
		l2.vlan = bpf_ntohs(vlan->h_vlan_TCI) & 0xfff;
		l2.proto = bpf_ntohs(vlan->h_vlan_encapsulated_proto);
		l2.offset += sizeof(*vlan);
	}

	l2.result = PARSE_OK;
	return l2;
}

// Skips the IPv6 extension headers that precede the transport header.
static __always_inline enum parse_result skip_ext_hdrs(const struct bpf_dynptr *pkt,
						       __u32 *off, __u8 *nexthdr)
{
	struct ipv6_opt_hdr *opt, opt_buf;
	struct frag_hdr *frag, frag_buf;
	int i;

	for (i = 0; i < MAX_EXT_HDRS; i++) {
		switch (*nexthdr) {
		case NEXTHDR_HOP:
		case NEXTHDR_ROUTING:
		case NEXTHDR_DEST:
			opt = bpf_dynptr_slice(pkt, *off, &opt_buf, sizeof(opt_buf));
			if (!opt)
				return PARSE_TRUNCATED;
			*nexthdr = opt->nexthdr;
			*off += (opt->hdrlen + 1) << 3;
			break;
		case NEXTHDR_FRAGMENT:
			frag = bpf_dynptr_slice(pkt, *off, &frag_buf, sizeof(frag_buf));
			if (!frag)
				return PARSE_TRUNCATED;
			if (frag->frag_off & bpf_htons(0xfff8))
				return PARSE_UNKNOWN;
			*nexthdr = frag->nexthdr;
			*off += sizeof(*frag);
			break;
		case NEXTHDR_NONE:
			return PARSE_UNKNOWN;
		default:
			return PARSE_OK;
		}
	}
	return PARSE_UNKNOWN;
}

static __noinline enum parse_result parse_tcp_opts(const struct bpf_dynptr *pkt, __u32 off,
						   __u32 len, struct tcp_opts *out)
{
	__u8 raw[MAX_TCP_OPT_LEN] = {};
	__u32 pos = 0;
	int i;

	if (!out || len > sizeof(raw))
		return PARSE_UNKNOWN;
	if (bpf_dynptr_read(raw, len, pkt, off, 0))
		return PARSE_TRUNCATED;

	for (i = 0; i < MAX_TCP_OPT_LEN; i++) {
		__u8 kind, size;

		if (pos >= len || pos > sizeof(raw) - 4)
			break;
		kind = raw[pos];
		if (kind == TCPOPT_EOL)
			break;
		if (kind == TCPOPT_NOP) {
			pos++;
			continue;
		}
		size = raw[pos + 1];
		if (size < 2)
			return PARSE_UNKNOWN;
		if (kind == TCPOPT_MSS && size == 4)
			out->mss = raw[pos + 2] << 8 | raw[pos + 3];
		else if (kind == TCPOPT_WSCALE && size == 3)
			out->wscale = raw[pos + 2];
		pos += size;
	}
	return PARSE_OK;
}

static __always_inline enum parse_result parse_l4(const struct bpf_dynptr *pkt, __u32 off,
						  struct flow_key *key, __u8 *tcp_flags,
						  struct tcp_opts *opts)
{
	struct udphdr *udp, udp_buf;
	struct tcphdr *tcp, tcp_buf;
	__u32 hdr_len;

	switch (key->proto) {
	case IPPROTO_TCP:
		tcp = bpf_dynptr_slice(pkt, off, &tcp_buf, sizeof(tcp_buf));
		if (!tcp)
			return PARSE_TRUNCATED;
		key->sport = tcp->source;
		key->dport = tcp->dest;
		*tcp_flags = ((__u8 *)tcp)[13];
		hdr_len = tcp->doff * 4;
		if (tcp->syn && hdr_len > sizeof(*tcp))
			return parse_tcp_opts(pkt, off + sizeof(*tcp),
					      hdr_len - sizeof(*tcp), opts);
		return PARSE_OK;
	case IPPROTO_UDP:
		udp = bpf_dynptr_slice(pkt, off, &udp_buf, sizeof(udp_buf));
		if (!udp)
			return PARSE_TRUNCATED;
		key->sport = udp->source;
		key->dport = udp->dest;
		return PARSE_OK;
	case IPPROTO_ICMP:
	case NEXTHDR_ICMP:
		return PARSE_OK;
	default:
		return PARSE_UNKNOWN;
	}
}

static __always_inline enum parse_result parse_l3(const struct bpf_dynptr *pkt,
						  const struct l2_info *l2, __u32 *l4_off,
						  struct flow_key *key)
{
	struct ipv6hdr *ip6, ip6_buf;
	struct iphdr *ip, ip_buf;

	*l4_off = l2->offset;
	switch (l2->proto) {
	case ETH_P_IP:
		ip = bpf_dynptr_slice(pkt, l2->offset, &ip_buf, sizeof(ip_buf));
		if (!ip)
			return PARSE_TRUNCATED;
		if (ip->ihl < 5 || ipv4_is_fragment(ip))
			return PARSE_UNKNOWN;
		key->family = 4;
		key->proto = ip->protocol;
		key->src.v4 = ip->saddr;
		key->dst.v4 = ip->daddr;
		*l4_off += ip->ihl << 2;
		return PARSE_OK;
	case ETH_P_IPV6:
		ip6 = bpf_dynptr_slice(pkt, l2->offset, &ip6_buf, sizeof(ip6_buf));
		if (!ip6)
			return PARSE_TRUNCATED;
		key->family = 6;
		key->proto = ip6->nexthdr;
		key->src.v6 = ip6->saddr;
		key->dst.v6 = ip6->daddr;
		*l4_off += sizeof(*ip6);
		return skip_ext_hdrs(pkt, l4_off, &key->proto);
	}
	return PARSE_UNKNOWN;
}

static __always_inline void account(const struct flow_key *key, __u32 len, __u8 flags,
				    const struct tcp_opts *opts)
{
	struct flow_counters *stats, fresh = {};

	stats = bpf_map_lookup_elem(&flows, key);
	if (stats) {
		__sync_fetch_and_add(&stats->packets, 1);
		__sync_fetch_and_add(&stats->bytes, len);
		stats->flags_seen |= flags;
		return;
	}
	fresh.packets = 1;
	fresh.bytes = len;
	fresh.flags_seen = flags;
	fresh.mss = opts->mss;
	fresh.wscale = opts->wscale;
	bpf_map_update_elem(&flows, key, &fresh, BPF_NOEXIST);
}

SEC("tc")
int account_flow(struct __sk_buff *skb)
{
	struct tcp_opts opts = {};
	struct flow_key key = {};
	struct bpf_dynptr pkt;
	struct l2_info l2;
	__u8 flags = 0;
	__u32 l4_off;

	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return TC_ACT_OK;

	l2 = parse_l2(&pkt);
	if (l2.result != PARSE_OK)
		return TC_ACT_OK;
	key.vlan = l2.vlan;
	if (parse_l3(&pkt, &l2, &l4_off, &key) != PARSE_OK)
		return TC_ACT_OK;
	if (parse_l4(&pkt, l4_off, &key, &flags, &opts) != PARSE_OK)
		return TC_ACT_OK;

	account(&key, skb->len, flags, &opts);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
