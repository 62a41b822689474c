// Netfilter hook: rate-limits new inbound connections per source prefix and refuses packets
// whose headers contradict each other. The packet starts at the network header here.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define NF_DROP 0
#define NF_ACCEPT 1
#define BURST 64
#define REFILL_NS 10000000ull

int bpf_dynptr_from_skb(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;
void *bpf_dynptr_slice(const struct bpf_dynptr *ptr, u32 offset, void *buffer,
                       u32 buffer__szk) __ksym;
u32 bpf_dynptr_size(const struct bpf_dynptr *p) __ksym;

struct rate_bucket {
    struct bpf_spin_lock lock;
    u32 tokens;
    u64 refilled;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 65536);
    __type(key, u32);
    __type(value, struct rate_bucket);
} buckets SEC(".maps");

u64 refused[4];

enum refusal { R_SHORT, R_LENGTH, R_FLAGS, R_RATE };

static int refuse(enum refusal why)
{
    __sync_fetch_and_add(&refused[why & 3], 1);
    return NF_DROP;
}

static bool take_token(u32 prefix)
{
    struct rate_bucket *b, fresh = { .tokens = BURST - 1 };
    u64 now = bpf_ktime_get_ns(), steps;
    bool ok = false;

    b = bpf_map_lookup_elem(&buckets, &prefix);
    if (!b) {
        fresh.refilled = now;
        return bpf_map_update_elem(&buckets, &prefix, &fresh, BPF_NOEXIST) == 0;
    }
    bpf_spin_lock(&b->lock);
    steps = (now - b->refilled) / REFILL_NS;
    if (steps) {
        b->tokens = b->tokens + steps > BURST ? BURST : b->tokens + steps;
        b->refilled = now;
    }
    if (b->tokens) {
        b->tokens--;
        ok = true;
    }
    bpf_spin_unlock(&b->lock);
    return ok;
}

/* A TCP segment without any flag, or with SYN and FIN together, comes from a scanner. */
static bool odd_flags(const struct tcphdr *th)
{
    if (th->syn && (th->fin || th->rst))
        return true;
    return !(th->syn || th->ack || th->rst || th->fin);
}

static int check_tcp(struct bpf_dynptr *ptr, const struct iphdr *iph, u32 off)
{
    struct tcphdr *th, th_buf;
    u32 prefix = bpf_ntohl(iph->saddr) >> 8;

    th = bpf_dynptr_slice(ptr, off, &th_buf, sizeof(th_buf));
    if (!th)
        return refuse(R_SHORT);
    if (th->doff < 5 || odd_flags(th))
        return refuse(R_FLAGS);
    if (th->syn && !th->ack && !take_token(prefix))
        return refuse(R_RATE);
    return NF_ACCEPT;
}

static int check_udp(struct bpf_dynptr *ptr, u32 off)
{
    u8 buffer[sizeof(struct udphdr)];
    struct udphdr *uh;
    u32 len;

    uh = bpf_dynptr_slice(ptr, off, buffer, sizeof(buffer));
    if (!uh)
        return refuse(R_SHORT);
    len = bpf_ntohs(uh->len);
    if (len < sizeof(*uh) || off + len > bpf_dynptr_size(ptr))
        return refuse(R_LENGTH);
    return NF_ACCEPT;
}

static int check_icmp(struct bpf_dynptr *ptr, u32 off)
{
    struct icmphdr *icmp, buf;

    icmp = bpf_dynptr_slice(ptr, off, &buf, sizeof(buf));
    if (icmp == NULL)
        return refuse(R_SHORT);
    switch (icmp->type) {
    case 0:
    case 3:
    case 8:
    case 11:
        return NF_ACCEPT;
    }
    return NF_DROP;
}

SEC("netfilter")
int guard(struct bpf_nf_ctx *ctx)
{
    struct __sk_buff *skb = (struct __sk_buff *)ctx->skb;
    u8 iph_buf[sizeof(struct iphdr)] = {};
    struct bpf_dynptr ptr;
    struct iphdr *iph;
    u32 off;

    if (ctx->state->pf != 2 /* NFPROTO_IPV4 */)
        return NF_ACCEPT;
    if (bpf_dynptr_from_skb(skb, 0, &ptr))
        return NF_DROP;

    iph = bpf_dynptr_slice(&ptr, 0, iph_buf, sizeof(iph_buf));
    if (!iph)
        return refuse(R_SHORT);
    if (iph->version != 4 || iph->ihl < 5)
        return refuse(R_LENGTH);
    if (bpf_ntohs(iph->tot_len) > bpf_dynptr_size(&ptr))
        return refuse(R_LENGTH);
    if (iph->frag_off & bpf_htons(0x1fff))
        return NF_ACCEPT;

    off = iph->ihl << 2;
    if (iph->protocol == IPPROTO_TCP)
        return check_tcp(&ptr, iph, off);
    if (iph->protocol == IPPROTO_UDP)
        return check_udp(&ptr, off);
    if (iph->protocol == IPPROTO_ICMP)
        return check_icmp(&ptr, off);
    return NF_ACCEPT;
}

char _license[] SEC("license") = "GPL";
