// Loops, gotos and control flow around slices: all of it is correct.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define ETH_HLEN 14
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86DD
#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

static __always_inline void ip_fix(struct iphdr *ip)
{
	__u32 sum = 0;
	__u16 *w = (__u16 *)ip;

	ip->check = 0;
	for (int i = 0; i < sizeof(*ip) / 2; i++)
		sum += w[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~sum;
}

// A loop that leaves with break and goes on with continue; one buffer serves each turn.
SEC("tc")
int count_tlvs(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u32 off = ETH_HLEN + 20, found = 0;
	struct { __u8 type; __u8 len; } buf, *tlv;

	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return TC_ACT_OK;
	for (int i = 0; i < 16; i++) {
		tlv = bpf_dynptr_slice(&pkt, off, &buf, sizeof(buf));
		if (!tlv)
			break;
		if (tlv->type == 1) {
			off++;
			continue;
		}
		if (tlv->len < 2)
			break;
		found++;
		off += tlv->len;
	}
	return found > 3 ? TC_ACT_SHOT : TC_ACT_OK;
}

// The assignment is the condition of the loop.
SEC("tc")
int sum_words(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u32 off = 0, sum = 0, buf, *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	while ((p = bpf_dynptr_slice(&pkt, off, &buf, sizeof(buf)))) {
		sum += *p;
		off += sizeof(buf);
		if (off >= 64)
			break;
	}
	skb->mark = sum;
	return TC_ACT_OK;
}

// Write-back at the end of each turn of the loop.
SEC("tc")
int clear_options(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 buf[4], *p;
	int i;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	bpf_for(i, 0, 10) {
		p = bpf_dynptr_slice_rdwr(&pkt, 54 + i * 4, buf, sizeof(buf));
		if (!p)
			break;
		if (p[0] != 0x44)
			continue;
		p[0] = p[1] = p[2] = p[3] = 1;
		if (p == buf && bpf_dynptr_write(&pkt, 54 + i * 4, buf, sizeof(buf), 0))
			return TC_ACT_SHOT;
	}
	return TC_ACT_OK;
}

// Two labels deep, one common exit with the write-back.
SEC("tc")
int goto_chain(struct __sk_buff *skb)
{
	int ret = TC_ACT_SHOT;
	struct bpf_dynptr pkt;
	struct iphdr *ip, buf;

	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		goto out;
	ip = bpf_dynptr_slice_rdwr(&pkt, ETH_HLEN, &buf, sizeof(buf));
	if (!ip)
		goto out;
	if (ip->protocol == IPPROTO_ICMP)
		goto pass;
	ip->tos = 0;
	ip->id = bpf_htons(1);
	ip_fix(ip);
	if (ip == &buf)
		goto write;
	goto pass;
write:
	if (bpf_dynptr_write(&pkt, ETH_HLEN, &buf, sizeof(buf), 0))
		goto out;
pass:
	ret = TC_ACT_OK;
out:
	return ret;
}

// The result of the comparison waits in a flag.
SEC("tc")
int copied_flag(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 buf[8];
	__u8 *p;
	bool copied;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice_rdwr(&pkt, 42, buf, sizeof(buf));
	if (!p)
		return TC_ACT_OK;
	copied = p == buf;
	p[3] = 7;
	if (copied)
		bpf_dynptr_write(&pkt, 42, buf, sizeof(buf), 0);
	return TC_ACT_OK;
}

// Comparison turned round: the direct case leaves early.
SEC("tc")
int direct_leaves(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 buf[8], *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice_rdwr(&pkt, 42, buf, sizeof(buf));
	if (!p)
		return TC_ACT_OK;
	p[3] = 7;
	if (p != buf)
		return TC_ACT_OK;
	return bpf_dynptr_write(&pkt, 42, buf, sizeof(buf), 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

// Nested switch; some cases drop while the slice is dirty.
SEC("tc")
int nested_switch(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct iphdr *ip, buf;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	ip = bpf_dynptr_slice_rdwr(&pkt, ETH_HLEN, &buf, sizeof(buf));
	if (!ip)
		return TC_ACT_OK;
	ip->tos |= 4;
	ip_fix(ip);
	switch (ip->version) {
	case 4:
		switch (ip->protocol) {
		case IPPROTO_TCP:
		case IPPROTO_UDP:
			break;
		case IPPROTO_ICMP:
			ip->id = 0;
			ip_fix(ip);
			break;
		default:
			return TC_ACT_SHOT;
		}
		break;
	default:
		return TC_ACT_SHOT;
	}
	if (ip == &buf)
		bpf_dynptr_write(&pkt, ETH_HLEN, &buf, sizeof(buf), 0);
	return TC_ACT_OK;
}

// A second attempt after pulling the packet up.
SEC("tc")
int retry_after_pull(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tcphdr *tcp;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	for (int attempt = 0; attempt < 2; attempt++) {
		tcp = bpf_dynptr_slice(&pkt, 34, NULL, sizeof(*tcp));
		if (tcp)
			return tcp->rst ? TC_ACT_SHOT : TC_ACT_OK;
		if (bpf_skb_pull_data(skb, 34 + sizeof(*tcp)))
			return TC_ACT_OK;
	}
	return TC_ACT_OK;
}

// Conditional expressions and the comma.
SEC("tc")
int expressions(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct iphdr *ip, buf;
	__u8 ttl, tos;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	ip = bpf_dynptr_slice(&pkt, ETH_HLEN, &buf, sizeof(buf));
	ttl = ip ? ip->ttl : 0;
	tos = (ip && ip->version == 4) ? ip->tos : 0;
	if (!ip || ip->ihl < 5)
		return TC_ACT_SHOT;
	return ttl > 1 && tos == 0 ? TC_ACT_OK : (skb->mark = tos, TC_ACT_SHOT);
}

// The check is the assignment, on both sides of a logical operator.
SEC("tc")
int two_assignments(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct ethhdr *eth, eth_buf;
	struct iphdr *ip, ip_buf;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (!(eth = bpf_dynptr_slice(&pkt, 0, &eth_buf, sizeof(eth_buf))) ||
	    !(ip = bpf_dynptr_slice(&pkt, sizeof(*eth), &ip_buf, sizeof(ip_buf))))
		return TC_ACT_SHOT;
	return eth->h_proto == bpf_htons(ETH_P_IP) && ip->ttl ? TC_ACT_OK : TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
