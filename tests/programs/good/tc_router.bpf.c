// Forwards IPv4 by a FIB lookup: new MAC addresses, one hop less, out through the interface.
// Both headers are written through slices; both write-backs come at the end.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define AF_INET 2
#define MAX_HOPS_LOGGED 8

struct hop {
    __u32 ifindex;
    __u8 src[ETH_ALEN];
    __u8 dst[ETH_ALEN];
};

struct hop_note {
    __be32 daddr;
    __u32 ifindex;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, MAX_HOPS_LOGGED);
    __type(key, __u32);
    __type(value, struct hop_note);
} last_hops SEC(".maps");

__u32 cursor;

static int find_hop(struct __sk_buff *skb, const struct iphdr *ip, struct hop *hop)
{
    struct bpf_fib_lookup params = {};
    long rc;

    params.family = AF_INET;
    params.tos = ip->tos;
    params.l4_protocol = ip->protocol;
    params.tot_len = bpf_ntohs(ip->tot_len);
    params.ipv4_src = ip->saddr;
    params.ipv4_dst = ip->daddr;
    params.ifindex = skb->ingress_ifindex;

    rc = bpf_fib_lookup(skb, &params, sizeof(params), 0);
    if (rc != 0)
        return -1;
    hop->ifindex = params.ifindex;
    __builtin_memcpy(hop->src, params.smac, ETH_ALEN);
    __builtin_memcpy(hop->dst, params.dmac, ETH_ALEN);
    return 0;
}

/* The callee stores through the slice it is handed. */
static void set_macs(struct ethhdr *eth, const struct hop *hop)
{
    struct ethhdr *h = eth;

    __builtin_memcpy(h->h_dest, hop->dst, ETH_ALEN);
    __builtin_memcpy(h->h_source, hop->src, ETH_ALEN);
}

static void note_hop(__be32 daddr, __u32 ifindex)
{
    __u32 key = __sync_fetch_and_add(&cursor, 1) % MAX_HOPS_LOGGED;
    struct hop_note *e = bpf_map_lookup_elem(&last_hops, &key);

    if (!e)
        return;
    e->daddr = daddr;
    e->ifindex = ifindex;
}

static int route(struct __sk_buff *skb, struct bpf_dynptr *pkt)
{
    struct ethhdr eth_buf, *eth;
    struct iphdr ip_buf, *ip;
    struct hop hop = {};
    bool eth_copied, ip_copied;
    __be32 daddr;

    eth = bpf_dynptr_slice_rdwr(pkt, 0, &eth_buf, sizeof(eth_buf));
    ip = bpf_dynptr_slice_rdwr(pkt, ETH_HLEN, &ip_buf, sizeof(ip_buf));
    if (!eth || !ip)
        return TC_ACT_SHOT;
    if (ip->version != 4 || ip->ihl != 5)
        return TC_ACT_OK;
    if (ip->ttl <= 1)
        return TC_ACT_OK;
    if (find_hop(skb, ip, &hop))
        return TC_ACT_OK;

    daddr = ip->daddr;
    ipv4_dec_ttl(ip);
    set_macs(eth, &hop);

    /* The first write ends both slices, so note now who needs one. */
    eth_copied = eth == &eth_buf;
    ip_copied = ip == &ip_buf;
    if (eth_copied && bpf_dynptr_write(pkt, 0, &eth_buf, sizeof(eth_buf), 0))
        return TC_ACT_SHOT;
    if (ip_copied && bpf_dynptr_write(pkt, ETH_HLEN, &ip_buf, sizeof(ip_buf), 0))
        return TC_ACT_SHOT;

    note_hop(daddr, hop.ifindex);
    return bpf_redirect(hop.ifindex, 0);
}

SEC("tc/router")
int tc_router(struct __sk_buff *skb)
{
    struct bpf_dynptr pkt;

    if (skb->protocol != bpf_htons(ETH_P_IP))
        return TC_ACT_OK;
    if (bpf_dynptr_from_skb(skb, 0, &pkt) < 0)
        return TC_ACT_SHOT;
    return route(skb, &pkt);
}

/* The same with the comparisons in place: comparing an ended slice is fine, only its memory is
 * out of reach, and the data to write is in the buffer. */
SEC("tc/hairpin")
int tc_hairpin(struct __sk_buff *skb)
{
    __u8 eth_buf[sizeof(struct ethhdr)], ip_buf[sizeof(struct iphdr)];
    struct bpf_dynptr pkt;
    struct ethhdr *eth;
    struct iphdr *ip;

    if (skb->protocol != bpf_htons(ETH_P_IP))
        return TC_ACT_OK;
    bpf_dynptr_from_skb(skb, 0, &pkt);
    ip = bpf_dynptr_slice_rdwr(&pkt, ETH_HLEN, ip_buf, sizeof(ip_buf));
    if (!ip || ip->ttl <= 1)
        return TC_ACT_SHOT;
    eth = bpf_dynptr_slice_rdwr(&pkt, 0, eth_buf, sizeof(eth_buf));
    if (!eth)
        return TC_ACT_SHOT;

    mac_swap(eth);
    ipv4_dec_ttl(ip);

    if (ip == (struct iphdr *)ip_buf) {
        if (bpf_dynptr_write(&pkt, ETH_HLEN, ip_buf, sizeof(ip_buf), 0))
            return TC_ACT_SHOT;
    }
    if (eth == (struct ethhdr *)eth_buf) {
        if (bpf_dynptr_write(&pkt, 0, eth_buf, sizeof(eth_buf), 0))
            return TC_ACT_SHOT;
    }
    return bpf_redirect(skb->ifindex, 0);
}

char _license[] SEC("license") = "GPL";
