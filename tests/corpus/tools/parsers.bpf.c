/* Parsers of packets that go by what the packet says: options, names, headers behind headers, sums. */
#include "corpus.h"

GPL;
struct cursor { void *at; void *end; };
struct flow { u32 addresses[8]; u16 ports[2]; u8 protocol; u8 family; u16 vlan; };
MAP(LRU_HASH, flows, struct flow, u64, 1024);
MAP(ARRAY, names, u32, char[64], 1);

static __always_inline void *take(struct cursor *cursor, u32 size)
{
	void *from = cursor->at;

	if (from + size > cursor->end)
		return NULL;
	cursor->at = from + size;
	return from;
}

static __always_inline int vlans(struct cursor *cursor, u16 protocol, struct flow *flow)
{
	int i;

	for (i = 0; i < 4; i++) {
		struct vlan_hdr *vlan;

		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(0x88a8))
			break;
		vlan = take(cursor, sizeof(*vlan));
		if (!vlan)
			return -1;
		flow->vlan = bpf_ntohs(vlan->h_vlan_TCI) & 0xfff;
		protocol = vlan->h_vlan_encapsulated_proto;
	}
	return protocol;
}

static __always_inline int extensions(struct cursor *cursor, u8 next)
{
	int i;

	for (i = 0; i < 6; i++) {
		struct ipv6_opt_hdr *header;

		switch (next) {
		case 0:
		case 43:
		case 60:
			header = take(cursor, sizeof(*header));
			if (!header)
				return -1;
			next = header->nexthdr;
			if (!take(cursor, (header->hdrlen + 1) * 8 - sizeof(*header)))
				return -1;
			break;
		case 44:
			header = take(cursor, 8);
			if (!header)
				return -1;
			next = header->nexthdr;
			break;
		default:
			return next;
		}
	}
	return next;
}

static __always_inline int parse(void *data, void *end, struct flow *flow)
{
	struct cursor cursor = { data, end };
	struct ethhdr *eth = take(&cursor, sizeof(*eth));
	int protocol;
	u16 *ports;

	if (!eth)
		return -1;
	protocol = vlans(&cursor, eth->h_proto, flow);
	if (protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = take(&cursor, sizeof(*ip));

		if (!ip || ip->ihl < 5)
			return -1;
		if (!take(&cursor, ip->ihl * 4 - sizeof(*ip)))
			return -1;
		flow->addresses[0] = ip->saddr;
		flow->addresses[4] = ip->daddr;
		flow->protocol = ip->protocol;
		flow->family = AF_INET;
	} else if (protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = take(&cursor, sizeof(*ip));

		if (!ip)
			return -1;
		protocol = extensions(&cursor, ip->nexthdr);
		if (protocol < 0)
			return -1;
		memcpy(&flow->addresses[0], &ip->saddr, 16);
		memcpy(&flow->addresses[4], &ip->daddr, 16);
		flow->protocol = protocol;
		flow->family = AF_INET6;
	} else {
		return -1;
	}
	if (flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_UDP)
		return 0;
	ports = take(&cursor, 4);
	if (!ports)
		return -1;
	flow->ports[0] = ports[0];
	flow->ports[1] = ports[1];
	return 0;
}

SEC("xdp") __accept
int flow_counted(struct xdp_md *xdp)
{
	struct flow flow = {};
	u64 one = 1, *count;

	if (parse((void *)(long)xdp->data, (void *)(long)xdp->data_end, &flow) < 0)
		return XDP_PASS;
	count = bpf_map_lookup_elem(&flows, &flow);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&flows, &flow, &one, BPF_ANY);
	return XDP_PASS;
}

SEC("tc") __accept
int flow_counted_by_a_classifier(struct __sk_buff *skb)
{
	struct flow flow = {};
	u64 one = 1, *count;

	if (bpf_skb_pull_data(skb, 128))
		return TC_ACT_OK;
	if (parse((void *)(long)skb->data, (void *)(long)skb->data_end, &flow) < 0)
		return TC_ACT_OK;
	count = bpf_map_lookup_elem(&flows, &flow);
	if (count)
		*count += skb->len;
	else
		bpf_map_update_elem(&flows, &flow, &one, BPF_NOEXIST);
	return TC_ACT_OK;
}

SEC("xdp") __accept
int options_of_tcp(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	struct tcphdr *tcp = data + 34;
	u8 *option, *last;
	int i, mss = 0;

	if ((void *)(tcp + 1) > end)
		return XDP_PASS;
	option = (void *)(tcp + 1);
	last = (void *)tcp + tcp->doff * 4;
	for (i = 0; i < 6; i++) {
		u8 kind, size;

		if (option >= last || (void *)(option + 1) > end)
			break;
		kind = option[0];
		if (kind == 0)
			break;
		if (kind == 1) {
			option++;
			continue;
		}
		if ((void *)(option + 2) > end)
			break;
		size = option[1];
		if (size < 2)
			break;
		if (kind == 2 && (void *)(option + 4) <= end)
			mss = option[2] << 8 | option[3];
		option += size;
	}
	return mss ? XDP_DROP : XDP_PASS;
}

SEC("xdp") __accept
int name_of_a_query(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	u8 *at = data + 54;
	u32 key = 0, i, left = 0;
	char *name = bpf_map_lookup_elem(&names, &key);

	if (!name)
		return XDP_PASS;
	for (i = 0; i < 63; i++) {
		u8 byte;

		if ((void *)(at + 1) > end)
			return XDP_DROP;
		byte = *at++;
		if (!left) {
			if (!byte || byte > 63)
				break;
			left = byte;
			name[i] = '.';
			continue;
		}
		left--;
		if (byte >= 'A' && byte <= 'Z')
			byte |= 0x20;
		name[i] = byte;
	}
	name[i] = 0;
	return XDP_PASS;
}

SEC("xdp") __accept
int sum_of_a_header(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	u16 *word = data + 14;
	u32 sum = 0, i;

	if ((void *)(word + 10) > end)
		return XDP_PASS;
	for (i = 0; i < 10; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)~sum ? XDP_DROP : XDP_PASS;
}

SEC("xdp") __accept
int sum_of_a_packet_of_any_length(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	u16 *word = data;
	u32 sum = 0, i;

	for (i = 0; i < 750; i++) {
		if ((void *)(word + 1) > end)
			break;
		sum += *word++;
	}
	if ((void *)word + 1 <= end)
		sum += *(u8 *)word;
	return sum & 1 ? XDP_DROP : XDP_PASS;
}

SEC("xdp") __accept
int header_swapped_and_answered(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct icmphdr *icmp = (void *)(ip + 1);
	u8 address[6];
	u32 kept;

	if ((void *)(icmp + 1) > end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->protocol != IPPROTO_ICMP || icmp->type != 8)
		return XDP_PASS;
	memcpy(address, eth->h_dest, 6);
	memcpy(eth->h_dest, eth->h_source, 6);
	memcpy(eth->h_source, address, 6);
	kept = ip->saddr;
	ip->saddr = ip->daddr;
	ip->daddr = kept;
	icmp->type = 0;
	icmp->checksum += 8;
	return XDP_TX;
}

SEC("xdp") __accept
int header_put_in_front(struct xdp_md *xdp)
{
	void *data, *end;
	struct ethhdr *old, *eth;
	struct iphdr *ip;
	struct ethhdr kept;

	data = (void *)(long)xdp->data;
	end = (void *)(long)xdp->data_end;
	old = data;
	if ((void *)(old + 1) > end)
		return XDP_PASS;
	kept = *old;
	if (bpf_xdp_adjust_head(xdp, -(int)sizeof(struct iphdr)))
		return XDP_DROP;
	data = (void *)(long)xdp->data;
	end = (void *)(long)xdp->data_end;
	eth = data;
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > end)
		return XDP_DROP;
	*eth = kept;
	ip->version = 4;
	ip->ihl = 5;
	ip->protocol = 4;
	ip->tot_len = bpf_htons(end - data - sizeof(*eth));
	ip->ttl = 64;
	return XDP_TX;
}

SEC("xdp") __reject("invalid mem access 'scalar'")
int header_put_in_front_of_old_pointers(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	if (bpf_xdp_adjust_head(xdp, -20))
		return XDP_DROP;
	eth->h_proto = 0;
	return XDP_TX;
}

SEC("tc") __accept
int length_of_the_transport_header_loaded(struct __sk_buff *skb)
{
	u8 first, header[60];
	u32 length;

	if (bpf_skb_load_bytes(skb, 14, &first, 1))
		return TC_ACT_OK;
	length = (first & 15) * 4;
	if (length < 20)
		return TC_ACT_SHOT;
	if (bpf_skb_load_bytes(skb, 14, header, length))
		return TC_ACT_OK;
	return header[9] == IPPROTO_UDP ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc") __accept
int payload_searched(struct __sk_buff *skb)
{
	static const char wanted[4] = "GET ";
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	char *payload = data + 54;
	u32 i, j;

	for (i = 0; i < 32; i++) {
		if ((void *)payload + i + 4 > end)
			break;
		for (j = 0; j < 4; j++)
			if (payload[i + j] != wanted[j])
				break;
		if (j == 4)
			return TC_ACT_SHOT;
	}
	return TC_ACT_OK;
}
