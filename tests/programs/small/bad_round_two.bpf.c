// Mistakes in writing headers back and in choosing between slice and buffer.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#define TC_ACT_OK 0
#define TC_ACT_SHOT 2
#define ETH_HLEN 14

struct tag { __u16 kind; __u16 len; __u32 id; };
struct rec { __u64 ts; __u32 pid; __u32 len; char data[48]; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); } log_rb SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32); __type(value, struct rec); } recs SEC(".maps");

static __always_inline void set_id(struct tag *t, __u32 id)
{
	t->id = id; //~ missing-write-back
}
SEC("tc")
int lost_in_switch(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice_rdwr(&pkt, 40, &buf, sizeof(buf));
	if (!t)
		return TC_ACT_SHOT;
	switch (t->kind) {
	case 1:
		t->len = 0;
		if (t == &buf)
			return bpf_dynptr_write(&pkt, 40, &buf, sizeof(buf), 0) ? TC_ACT_SHOT : TC_ACT_OK;
		break;
	case 2:
		t->len = 1; //~ missing-write-back
		break;
	}
	return TC_ACT_OK;
}
SEC("xdp.frags")
int lost_in_callee(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;

	if (bpf_dynptr_from_xdp(xdp, 0, &pkt))
		return XDP_DROP;
	t = bpf_dynptr_slice_rdwr(&pkt, 64, &buf, sizeof(buf));
	if (!t)
		return XDP_DROP;
	set_id(t, xdp->rx_queue_index);
	return XDP_TX;
}
SEC("tc")
int one_header_further(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;
	__u32 off = 48;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice_rdwr(&pkt, off, &buf, sizeof(buf));
	if (!t)
		return TC_ACT_SHOT;
	t->id ^= 1;
	off += sizeof(*t);
	if (t == &buf && bpf_dynptr_write(&pkt, off, t, sizeof(*t), 0)) //~ write-back-mismatch
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}
SEC("tc")
int half_written(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 raw[16], *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice_rdwr(&pkt, 80, raw, sizeof(raw));
	if (!p)
		return TC_ACT_SHOT;
	__builtin_memset(p, 0, 16);
	if (p == raw)
		return bpf_dynptr_write(&pkt, 80, raw, 8, 0) ? TC_ACT_SHOT : TC_ACT_OK; //~ write-back-mismatch
	return TC_ACT_OK;
}
SEC("tc")
int compares_the_neighbour(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag one, two, *t;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice_rdwr(&pkt, 48, &one, sizeof(one));
	if (!t)
		return TC_ACT_SHOT;
	t->len = 7;
	if (t != &two) //~ wrong-buffer-compared
		return TC_ACT_OK;
	return bpf_dynptr_write(&pkt, 48, &two, sizeof(two), 0) ? TC_ACT_SHOT : TC_ACT_OK;
}
SEC("tc")
int inverted_ternary(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice_rdwr(&pkt, 48, &buf, sizeof(buf));
	if (!t)
		return TC_ACT_SHOT;
	t->len = 7;
	if (t == &buf) //~ inverted-write-back
		return TC_ACT_OK;
	return bpf_dynptr_write(&pkt, 48, &buf, sizeof(buf), 0) ? TC_ACT_SHOT : TC_ACT_OK;
}
SEC("xdp")
int adjust_unchecked(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;
	__u32 word, skip = xdp->rx_queue_index * 4;

	if (bpf_dynptr_from_xdp(xdp, 0, &pkt))
		return XDP_DROP;
	bpf_dynptr_adjust(&pkt, skip, bpf_dynptr_size(&pkt)); //~ result-ignored
	if (bpf_dynptr_read(&word, sizeof(word), &pkt, 0, 0))
		return XDP_DROP;
	return word ? XDP_PASS : XDP_DROP;
}
SEC("tc")
int read_in_vain(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag t;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	bpf_dynptr_read(&t, sizeof(t), &pkt, 60, 0); //~ read-result-ignored
	return t.kind > 4 ? TC_ACT_SHOT : TC_ACT_OK;
}
SEC("tc")
int counts_bytes(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag t = {};
	long got;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	got = bpf_dynptr_read(&t, sizeof(t), &pkt, 60, 0);
	if (got < (long)sizeof(t)) //~ status-taken-for-length
		return TC_ACT_SHOT;
	return t.kind;
}
SEC("tc")
int swapped(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag t = {};

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (bpf_dynptr_read(&t, 0, &pkt, sizeof(t), 0)) //~ zero-length-access
		return TC_ACT_SHOT;
	return t.kind;
}
SEC("tc")
int asks_the_buffer(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct { struct tag t; } scratch = {};
	struct tag *t;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice(&pkt, 60, &scratch.t, sizeof(scratch.t));
	if (!t)
		return TC_ACT_SHOT;
	return scratch.t.kind == 3 ? TC_ACT_SHOT : TC_ACT_OK; //~ buffer-instead-of-slice
}
SEC("tc")
int same_scratch(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 scratch[20] = {};
	struct tag *first, *second;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	first = bpf_dynptr_slice(&pkt, 60, scratch, sizeof(*first));
	if (!first)
		return TC_ACT_SHOT;
	second = bpf_dynptr_slice(&pkt, 60 + first->len, scratch, sizeof(*second)); //~ shared-slice-buffer
	if (!second)
		return TC_ACT_SHOT;
	return first->kind == second->kind;
}
SEC("tc")
int wipes_scratch(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;
	__u32 mark;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice(&pkt, 60, &buf, sizeof(buf));
	if (!t)
		return TC_ACT_SHOT;
	mark = t->id;
	__builtin_memset(&buf, 0, sizeof(buf)); //~ buffer-changed-under-slice
	return t->kind + mark;
}
static __noinline struct tag *find_tag(const struct bpf_dynptr *pkt, __u32 off)
{
	__u8 raw[sizeof(struct tag)];
	struct tag *t = bpf_dynptr_slice(pkt, off, raw, sizeof(raw));

	if (!t || !t->len)
		return NULL;
	return t; //~ slice-outlives-buffer
}
SEC("tc")
int uses_found(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag *t;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = find_tag(&pkt, 60);
	return t ? t->kind : TC_ACT_OK;
}
SEC("tc")
int pointer_size(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct rec store, *r = &store;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	r = bpf_dynptr_slice(&pkt, 60, r, sizeof(r)); //~ sizeof-pointer-length
	if (!r)
		return TC_ACT_SHOT;
	return r->ts & 1;
}
SEC("tc")
int too_little_room(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 room[2][8];
	struct iphdr *ip;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	ip = bpf_dynptr_slice(&pkt, ETH_HLEN, room[1], sizeof(*ip)); //~ buffer-too-small
	if (!ip)
		return TC_ACT_SHOT;
	return ip->ttl;
}
SEC("tc")
int past_the_end(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 raw[20];
	struct iphdr *ip;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	ip = bpf_dynptr_slice(&pkt, ETH_HLEN, raw, 12);
	if (!ip)
		return TC_ACT_SHOT;
	return ip->daddr & 1; //~ slice-out-of-bounds
}
SEC("tc")
int length_from_packet(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 raw[64], *p;
	__u32 n = skb->len > 64 ? 64 : skb->len;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice(&pkt, 0, raw, n); //~ non-constant-slice-length
	return p ? TC_ACT_OK : TC_ACT_SHOT;
}
SEC("tc")
int unchecked(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	return ((struct tag *)bpf_dynptr_slice(&pkt, 60, &buf, sizeof(buf)))->kind; //~ missing-null-check
}
SEC("tc")
int writes_view(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;
	__u16 *len;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice(&pkt, 60, &buf, sizeof(buf));
	if (!t)
		return TC_ACT_SHOT;
	len = &t->len;
	*len += 2; //~ store-to-read-only-slice
	return TC_ACT_OK;
}
SEC("cgroup_skb/ingress")
int no_writing_here(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice_rdwr(&pkt, 20, &buf, sizeof(buf)); //~ slice-rdwr-not-allowed
	return t && t->kind ? 1 : 0;
}
SEC("xdp")
int data_of_packet(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;
	struct ethhdr *eth;

	if (bpf_dynptr_from_xdp(xdp, 0, &pkt))
		return XDP_DROP;
	eth = bpf_dynptr_data(&pkt, 0, sizeof(*eth)); //~ dynptr-data-on-packet
	return eth ? XDP_PASS : XDP_DROP;
}
SEC("xdp.frags")
int no_buffer(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;
	struct tag *t;

	if (bpf_dynptr_from_xdp(xdp, 0, &pkt))
		return XDP_ABORTED;
	t = bpf_dynptr_slice(&pkt, 1500, NULL, sizeof(*t)); //~ null-buffer-on-fragmented-packet
	if (!t)
		return XDP_DROP;
	return t->kind ? XDP_PASS : XDP_DROP;
}
SEC("tc")
int unchanged(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;
	__u32 id;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice(&pkt, 60, &buf, sizeof(buf));
	if (!t)
		return TC_ACT_SHOT;
	id = t->id;
	if (t == &buf && bpf_dynptr_write(&pkt, 60, &buf, sizeof(buf), 0)) //~ needless-write-back
		return TC_ACT_SHOT;
	return id & 3;
}
SEC("tc")
int needless_rdwr(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;
	__u32 sum = 0;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice_rdwr(&pkt, 60, &buf, sizeof(buf)); //~ needless-slice-rdwr
	if (t)
		sum = t->id + t->len;
	return sum & 1;
}
