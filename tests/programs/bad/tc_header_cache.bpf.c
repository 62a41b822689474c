// Flow exporter that keeps its header buffers in one context struct and mixes them up.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

struct parser {
	struct bpf_dynptr pkt;
	__u8 l2[sizeof(struct ethhdr)];
	__u8 l3[sizeof(struct iphdr)];
	__u8 l4[sizeof(struct tcphdr)];
	__u32 l4_off;
};

struct export_key {
	__u8 mac[ETH_ALEN];
	__u8 proto;
	__u8 ttl;
	__be32 daddr;
	__be16 dport;
	__be16 tot_len;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct export_key);
	__type(value, __u64);
} exported SEC(".maps");

static __always_inline int read_l2_l3(struct parser *p, struct export_key *key)
{
	struct ethhdr *eth;
	struct iphdr *ip;

	eth = bpf_dynptr_slice(&p->pkt, 0, p->l3, sizeof(*eth));
	if (!eth)
		return -1;
	ip = bpf_dynptr_slice(&p->pkt, ETH_HLEN, p->l3, sizeof(p->l3)); //~ shared-slice-buffer
	if (!ip)
		return -1;
	__builtin_memcpy(key->mac, eth->h_source, ETH_ALEN);
	key->proto = ip->protocol;
	key->daddr = ip->daddr;
	key->tot_len = ip->tot_len;
	p->l4_off = ETH_HLEN + ip->ihl * 4;
	return 0;
}

static __always_inline int read_l4(struct parser *p, struct export_key *key)
{
	struct tcphdr *tcp;

	tcp = bpf_dynptr_slice(&p->pkt, p->l4_off, p->l4, sizeof(p->l4));
	if (!tcp)
		return -1;
	if (tcp->rst)
		return -1;
	key->dport = ((struct tcphdr *)p->l4)->dest; //~ buffer-instead-of-slice
	return 0;
}

static __always_inline int read_ttl(struct parser *p, struct export_key *key)
{
	struct iphdr *ip;

	ip = bpf_dynptr_slice(&p->pkt, ETH_HLEN, p->l3, sizeof(p->l3));
	if (!ip)
		return -1;
	__builtin_memset(p->l3, 0, sizeof(p->l3)); //~ buffer-changed-under-slice
	key->ttl = ip->ttl;
	return 0;
}

// Clears the priority bits of the source MAC; the store goes to the stack in most cases.
static __always_inline int clean_source(struct parser *p)
{
	struct ethhdr *eth, eth_buf;

	eth = bpf_dynptr_slice_rdwr(&p->pkt, 0, &eth_buf, sizeof(eth_buf));
	if (!eth)
		return -1;
	if (!(eth->h_source[0] & 1))
		return 0;
	eth_buf.h_source[0] &= ~1; //~ buffer-instead-of-slice
	if (eth == &eth_buf)
		return bpf_dynptr_write(&p->pkt, 0, &eth_buf, sizeof(eth_buf), 0);
	return 0;
}

SEC("tc")
int export_flow(struct __sk_buff *skb)
{
	struct export_key key = {};
	struct parser p = {};
	__u64 *bytes, len = skb->len;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	bpf_dynptr_from_skb(skb, 0, &p.pkt);
	if (clean_source(&p))
		return TC_ACT_SHOT;
	if (read_l2_l3(&p, &key) || read_ttl(&p, &key))
		return TC_ACT_OK;
	if (key.proto == IPPROTO_TCP && read_l4(&p, &key))
		return TC_ACT_OK;

	bytes = bpf_map_lookup_elem(&exported, &key);
	if (bytes)
		*bytes += len;
	else
		bpf_map_update_elem(&exported, &key, &len, BPF_NOEXIST);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
