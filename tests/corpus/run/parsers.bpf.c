/* Parsers, run on packets of each kind. */
#include "corpus.h"

GPL;

u16 source_port, destination_port;
u32 depth, kind_of_last_option, length_of_options, header_sum;
u8 protocol;

struct cursor { void *at, *end; };

static __always_inline void *take(struct cursor *c, u32 length)
{
	void *at = c->at;

	if (at + length > c->end)
		return NULL;
	c->at = at + length;
	return at;
}

static __always_inline int parse(struct cursor *c)
{
	struct ethhdr *eth = take(c, sizeof(*eth));
	u16 proto;
	u8 next;

	if (!eth)
		return -1;
	proto = eth->h_proto;
	for (int i = 0; i < 2; i++) {
		struct vlan_hdr *vlan;

		if (proto != bpf_htons(ETH_P_8021Q))
			break;
		vlan = take(c, sizeof(*vlan));
		if (!vlan)
			return -2;
		proto = vlan->h_vlan_encapsulated_proto;
		depth++;
	}
	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = take(c, sizeof(*ip));

		if (!ip || ip->ihl < 5 || !take(c, (ip->ihl - 5) * 4))
			return -3;
		next = ip->protocol;
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = take(c, sizeof(*ip6));

		if (!ip6)
			return -4;
		next = ip6->nexthdr;
		for (int i = 0; i < 4 && (next == 0 || next == 43 || next == 60); i++) {
			struct ipv6_opt_hdr *option = take(c, 8);

			if (!option || !take(c, option->hdrlen * 8))
				return -5;
			next = option->nexthdr;
			depth++;
		}
	} else {
		return -6;
	}
	protocol = next;
	return next;
}

SEC("xdp") __accept
int ports_of_any_packet(struct xdp_md *xdp)
{
	struct cursor c = { (void *)(long)xdp->data, (void *)(long)xdp->data_end };
	struct udphdr *ports;
	int next = parse(&c);

	if (next != IPPROTO_TCP && next != IPPROTO_UDP)
		return XDP_PASS;
	ports = take(&c, sizeof(*ports));
	if (!ports)
		return XDP_ABORTED;
	source_port = bpf_ntohs(ports->source);
	destination_port = bpf_ntohs(ports->dest);
	return destination_port == 53 ? XDP_DROP : XDP_PASS;
}

SEC("xdp") __accept
int options_of_tcp(struct xdp_md *xdp)
{
	struct cursor c = { (void *)(long)xdp->data, (void *)(long)xdp->data_end };
	struct tcphdr *tcp;
	u32 length;

	if (parse(&c) != IPPROTO_TCP)
		return XDP_PASS;
	tcp = take(&c, sizeof(*tcp));
	if (!tcp || tcp->doff < 5)
		return XDP_ABORTED;
	length = tcp->doff * 4 - 20;
	length_of_options = length;
	for (int i = 0; i < 8; i++) {
		u8 *kind = take(&c, 1), *size;

		if (!kind || !length || *kind == 0)
			break;
		kind_of_last_option = *kind;
		length--;
		if (*kind == 1)
			continue;
		size = take(&c, 1);
		if (!size || *size < 2 || *size > 40 || !take(&c, *size - 2))
			return XDP_ABORTED;
		length -= *size - 1;
	}
	return XDP_PASS;
}

SEC("tc") __accept
int checksum_of_the_ip_header(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	u16 *words = data + sizeof(*eth);
	u32 sum = 0;

	if (data + sizeof(*eth) + sizeof(struct iphdr) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	for (int i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	header_sum = sum;
	return sum == 0xffff ? TC_ACT_OK : TC_ACT_SHOT;
}

SEC("tc") __accept
int bytes_loaded_by_helper(struct __sk_buff *skb)
{
	struct iphdr ip = {};

	if (bpf_skb_load_bytes(skb, sizeof(struct ethhdr), &ip, sizeof(ip)))
		return TC_ACT_SHOT;
	protocol = ip.protocol;
	return ip.version;
}

SEC("socket") __accept
int socket_filter_begins_behind_ethernet(struct __sk_buff *skb)
{
	u8 first = 0;

	bpf_skb_load_bytes(skb, 0, &first, 1);
	protocol = first;
	return skb->len;
}

SEC("cgroup_skb/egress") __accept
int cgroup_skb_begins_behind_ethernet(struct __sk_buff *skb)
{
	struct iphdr *ip = (void *)(long)skb->data;

	if ((void *)(ip + 1) > (void *)(long)skb->data_end)
		return 0;
	protocol = ip->protocol;
	return ip->protocol == IPPROTO_UDP;
}

SEC("lwt_xmit") __accept
int lwt_begins_behind_ethernet(struct __sk_buff *skb)
{
	u8 *data = (void *)(long)skb->data;

	if ((void *)(data + 1) > (void *)(long)skb->data_end)
		return BPF_DROP;
	protocol = data[0];
	return BPF_OK;
}

SEC("flow_dissector") __accept
int flow_of_udp(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct bpf_flow_keys *keys = skb->flow_keys;
	u64 offset = keys->nhoff;
	struct udphdr *udp;
	struct iphdr *ip;

	if (offset > 64)
		return BPF_DROP;
	ip = data + offset;
	udp = (void *)(ip + 1);
	if (keys->n_proto != bpf_htons(ETH_P_IP) || (void *)(udp + 1) > end)
		return BPF_DROP;
	keys->addr_proto = ETH_P_IP;
	keys->ipv4_src = ip->saddr;
	keys->ipv4_dst = ip->daddr;
	keys->ip_proto = ip->protocol;
	keys->thoff = offset + sizeof(*ip);
	keys->sport = udp->source;
	keys->dport = udp->dest;
	return BPF_OK;
}

SEC("socket") __accept
__naked int legacy_loads(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u16 *)skb[0];				\
	r7 = r0;					\
	r2 = 2;						\
	r0 = *(u8 *)skb[r2];				\
	r7 <<= 8;					\
	r0 |= r7;					\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept
__naked int legacy_load_behind_the_end(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u32 *)skb[4000];				\
	r0 = 7;						\
	exit;						\
"	::: __clobbers);
}
