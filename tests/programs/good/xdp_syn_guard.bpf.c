/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stateless first line against SYN floods: a SYN from an unknown peer is answered with a
 * deliberately wrong acknowledgment number. A real stack resets that connection, which
 * proves the address, and tries again.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

extern int bpf_dynptr_from_xdp(struct xdp_md *xdp, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *ptr, __u32 offset, void *buffer,
                              __u32 buffer__szk) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *ptr, __u32 offset, void *buffer,
                                   __u32 buffer__szk) __ksym;

#define VERDICT_NONE (-1)
#define PEER_TTL_NS (600ULL * 1000 * 1000 * 1000)

enum counter {
    CNT_SYN,
    CNT_CHALLENGED,
    CNT_PROVEN,
    CNT_FAILED,
    CNT_MAX,
};

struct frame {
    struct ethhdr eth;
    struct iphdr ip;
    struct tcphdr tcp;
} __attribute__((packed));

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1 << 20);
    __type(key, __be32);
    __type(value, __u64);
} proven SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, CNT_MAX);
    __type(key, __u32);
    __type(value, __u64);
} counters SEC(".maps");

const volatile __u32 secret = 1;

static inline void bump(__u32 which)
{
    __u64 *cnt = bpf_map_lookup_elem(&counters, &which);

    if (cnt)
        *cnt += 1;
}

static __always_inline __u32 cookie(__be32 saddr, __be16 sport)
{
    __u32 x = saddr ^ secret ^ ((__u32)sport << 7);

    x ^= x >> 16;
    x *= 0x7feb352d;
    x ^= x >> 15;
    return x;
}

static __always_inline __u16 fold(__u64 sum)
{
    int i;

    for (i = 0; i < 4; i++)
        if (sum >> 16)
            sum = (sum & 0xffff) + (sum >> 16);
    return ~sum;
}

/* Checksums of an answer that has no IP and no TCP options. */
static __always_inline void finish_checksums(struct frame *f)
{
    __u64 sum;

    f->ip.check = 0;
    sum = bpf_csum_diff(0, 0, (__be32 *)&f->ip, sizeof(f->ip), 0);
    f->ip.check = fold(sum);

    f->tcp.check = 0;
    sum = bpf_csum_diff(0, 0, (__be32 *)&f->tcp, sizeof(f->tcp), 0);
    sum += (f->ip.saddr & 0xffff) + (f->ip.saddr >> 16);
    sum += (f->ip.daddr & 0xffff) + (f->ip.daddr >> 16);
    sum += bpf_htons(IPPROTO_TCP) + bpf_htons(sizeof(f->tcp));
    f->tcp.check = fold(sum);
}

static __always_inline void turn_around(struct frame *f)
{
    unsigned char mac[ETH_ALEN];
    __be32 addr = f->ip.saddr;
    __be16 port = f->tcp.source;

    __builtin_memcpy(mac, f->eth.h_dest, ETH_ALEN);
    __builtin_memcpy(f->eth.h_dest, f->eth.h_source, ETH_ALEN);
    __builtin_memcpy(f->eth.h_source, mac, ETH_ALEN);
    f->ip.saddr = f->ip.daddr;
    f->ip.daddr = addr;
    f->tcp.source = f->tcp.dest;
    f->tcp.dest = port;
}

/* Rewrites the SYN into the challenge and trims whatever followed the TCP header. */
static __always_inline int challenge(struct xdp_md *ctx, __u32 frame_len)
{
    struct bpf_dynptr pkt;
    struct frame buf, *f;

    if (frame_len > sizeof(buf) &&
        bpf_xdp_adjust_tail(ctx, -(int)(frame_len - sizeof(buf))))
        return XDP_DROP;
    if (bpf_dynptr_from_xdp(ctx, 0, &pkt))
        return XDP_DROP;

    f = bpf_dynptr_slice_rdwr(&pkt, 0, &buf, sizeof(buf));
    if (!f)
        return XDP_DROP;

    turn_around(f);
    f->ip.tot_len = bpf_htons(sizeof(f->ip) + sizeof(f->tcp));
    f->ip.ttl = 64;
    f->tcp.ack_seq = bpf_htonl(cookie(f->ip.daddr, f->tcp.dest));
    f->tcp.seq = 0;
    f->tcp.doff = sizeof(f->tcp) / 4;
    f->tcp.ack = 1;
    f->tcp.window = bpf_htons(1024);
    finish_checksums(f);

    if (f == &buf) {
        if (bpf_dynptr_write(&pkt, 0, f, sizeof(*f), 0) != 0)
            return XDP_DROP;
    }
    bump(CNT_CHALLENGED);
    return XDP_TX;
}

static __always_inline int check_reset(const struct frame *f)
{
    __be32 peer = f->ip.saddr;
    __u64 now;

    if (f->tcp.seq != bpf_htonl(cookie(peer, f->tcp.source))) {
        bump(CNT_FAILED);
        return XDP_DROP;
    }
    now = bpf_ktime_get_ns();
    bpf_map_update_elem(&proven, &peer, &now, BPF_ANY);
    bump(CNT_PROVEN);
    return XDP_DROP;
}

SEC("xdp.frags")
int xdp_syn_guard(struct xdp_md *ctx)
{
    struct frame buf;
    const struct frame *f;
    struct bpf_dynptr pkt;
    __u64 *seen;
    __u32 len;
    __be32 peer;

    bpf_dynptr_from_xdp(ctx, 0, &pkt);
    f = bpf_dynptr_slice(&pkt, 0, &buf, sizeof(buf));
    if (!f)
        return XDP_PASS;
    if (f->eth.h_proto != bpf_htons(ETH_P_IP) || f->ip.version != 4 || f->ip.ihl != 5)
        return XDP_PASS;
    if (f->ip.protocol != IPPROTO_TCP)
        return XDP_PASS;

    if (f->tcp.rst && !f->tcp.ack)
        return check_reset(f);
    if (!f->tcp.syn || f->tcp.ack)
        return XDP_PASS;

    bump(CNT_SYN);
    peer = f->ip.saddr;
    seen = bpf_map_lookup_elem(&proven, &peer);
    if (seen && bpf_ktime_get_ns() - *seen < PEER_TTL_NS)
        return XDP_PASS;
    len = bpf_xdp_get_buff_len(ctx);
    return challenge(ctx, len);
}

char _license[] SEC("license") = "GPL";
