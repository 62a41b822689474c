// Correct programs in a second set of styles; nothing is reported here.
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
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct rec); } one SEC(".maps");
struct job { struct bpf_dynptr rec; __u32 n; };

SEC("tc")
int each_case_writes(struct __sk_buff *skb)
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
		break;
	case 2:
		t->len = 1;
		break;
	default:
		return TC_ACT_OK;
	}
	if (t == &buf && bpf_dynptr_write(&pkt, 40, &buf, sizeof(buf), 0))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}
static __always_inline int put_tag(const struct bpf_dynptr *pkt, __u32 off, __u32 id)
{
	struct tag buf, *t = bpf_dynptr_slice_rdwr(pkt, off, &buf, sizeof(buf));

	if (!t)
		return -1;
	t->id = id;
	return t == &buf ? bpf_dynptr_write(pkt, off, &buf, sizeof(buf), 0) : 0;
}
SEC("xdp.frags")
int writes_in_callee(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;

	if (bpf_dynptr_from_xdp(xdp, 0, &pkt))
		return XDP_DROP;
	return put_tag(&pkt, 64, xdp->rx_queue_index) ? XDP_DROP : XDP_TX;
}
SEC("tc")
int offset_moves_later(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;
	__u32 off = 48, at;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice_rdwr(&pkt, off, &buf, sizeof(buf));
	if (!t)
		return TC_ACT_SHOT;
	t->id ^= 1;
	at = off;
	off += sizeof(*t);
	if (t == &buf && bpf_dynptr_write(&pkt, at, t, sizeof(*t), 0))
		return TC_ACT_SHOT;
	return off & 1;
}
SEC("tc")
int only_the_changed_half(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 raw[16], *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice_rdwr(&pkt, 80, raw, sizeof(raw));
	if (!p)
		return TC_ACT_SHOT;
	__builtin_memset(p, 0, 8);
	if (p == raw && bpf_dynptr_write(&pkt, 80, raw, 8, 0))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}
SEC("xdp")
int adjust_or_drop(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;
	__u32 word, skip = xdp->rx_queue_index * 4;

	if (bpf_dynptr_from_xdp(xdp, 0, &pkt) || bpf_dynptr_adjust(&pkt, skip, bpf_dynptr_size(&pkt)))
		return XDP_DROP;
	return bpf_dynptr_read(&word, sizeof(word), &pkt, 0, 0) || !word ? XDP_DROP : XDP_PASS;
}
SEC("tc")
int status_kept(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag t;
	long err;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	err = bpf_dynptr_read(&t, sizeof(t), &pkt, 60, 0);
	if (!err)
		err = t.kind > 4 ? -1 : 0;
	return err ? TC_ACT_SHOT : TC_ACT_OK;
}
SEC("tc")
int two_scratches(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 scratch[2][sizeof(struct tag)];
	struct tag *first, *second;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	first = bpf_dynptr_slice(&pkt, 60, scratch[0], sizeof(*first));
	if (!first)
		return TC_ACT_SHOT;
	second = bpf_dynptr_slice(&pkt, 60 + first->len, scratch[1], sizeof(*second));
	return second && first->kind == second->kind;
}
SEC("tc")
int scratch_after_use(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;
	__u32 sum;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice(&pkt, 60, &buf, sizeof(buf));
	if (!t)
		return TC_ACT_SHOT;
	sum = t->id + t->kind;
	__builtin_memset(&buf, 0, sizeof(buf));
	t = bpf_dynptr_slice(&pkt, 68, &buf, sizeof(buf));
	return t ? (t->kind + sum) & 1 : TC_ACT_SHOT;
}
static __noinline struct tag *find_tag(const struct bpf_dynptr *pkt, __u32 off, struct tag *room)
{
	struct tag *t = bpf_dynptr_slice(pkt, off, room, sizeof(*room));

	return t && t->len ? t : NULL;
}
SEC("tc")
int room_of_the_caller(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag room, *t;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if ((t = find_tag(&pkt, 60, &room)) != NULL)
		return t->kind & 1;
	return TC_ACT_OK;
}
SEC("tc")
int falls_back(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag copy, *t;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice(&pkt, 200, NULL, sizeof(*t));
	if (!t) {
		if (bpf_dynptr_read(&copy, sizeof(copy), &pkt, 200, 0))
			return TC_ACT_OK;
		t = &copy;
	}
	return t->kind ? TC_ACT_SHOT : TC_ACT_OK;
}
SEC("cgroup_skb/egress")
int starts_at_ip(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct iphdr ip;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (bpf_dynptr_read(&ip, sizeof(ip), &pkt, 0, 0))
		return 1;
	return ip.protocol != IPPROTO_UDP;
}
SEC("tc")
int relative_adjusts(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u32 word;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (bpf_dynptr_adjust(&pkt, ETH_HLEN, bpf_dynptr_size(&pkt)))
		return TC_ACT_SHOT;
	if (bpf_dynptr_adjust(&pkt, sizeof(struct iphdr), bpf_dynptr_size(&pkt)))
		return TC_ACT_SHOT;
	return bpf_dynptr_read(&word, sizeof(word), &pkt, 0, 0) ? TC_ACT_SHOT : word & 1;
}
SEC("xdp")
int renews_after_trim(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;

	if (bpf_dynptr_from_xdp(xdp, 0, &pkt))
		return XDP_DROP;
	if (bpf_dynptr_size(&pkt) < 34 || bpf_xdp_adjust_head(xdp, ETH_HLEN))
		return XDP_DROP;
	if (bpf_dynptr_from_xdp(xdp, 0, &pkt))
		return XDP_DROP;
	t = bpf_dynptr_slice(&pkt, 20, &buf, sizeof(buf));
	return t && t->kind ? XDP_DROP : XDP_PASS;
}
SEC("tc")
int slices_again(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;
	__u8 byte;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice(&pkt, 60, &buf, sizeof(buf));
	if (!t)
		return TC_ACT_SHOT;
	byte = t->kind;
	if (bpf_skb_store_bytes(skb, 70, &byte, 1, 0))
		return TC_ACT_SHOT;
	t = bpf_dynptr_slice(&pkt, 60, &buf, sizeof(buf));
	return t ? t->kind & 1 : TC_ACT_SHOT;
}
SEC("tc")
int copies_address_first(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 buf[6], mac[6], *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice(&pkt, 6, buf, sizeof(buf));
	if (!p)
		return TC_ACT_SHOT;
	__builtin_memcpy(mac, p, sizeof(mac));
	return bpf_dynptr_write(&pkt, 0, mac, sizeof(mac), 0) ? TC_ACT_SHOT : TC_ACT_OK;
}
SEC("tc")
int key_in_a_local(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u32 buf, id, *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice(&pkt, 60, &buf, sizeof(buf));
	if (!p)
		return TC_ACT_SHOT;
	id = *p;
	return bpf_map_delete_elem(&recs, &id) ? TC_ACT_SHOT : TC_ACT_OK;
}
static __always_inline void finish(struct job *j, bool keep)
{
	if (keep)
		bpf_ringbuf_submit_dynptr(&j->rec, 0);
	else
		bpf_ringbuf_discard_dynptr(&j->rec, 0);
}
SEC("tp/sched/sched_switch")
int finished_once(void *ctx)
{
	struct rec r = {};
	struct job j = {};
	long err;

	err = bpf_ringbuf_reserve_dynptr(&log_rb, sizeof(r), 0, &j.rec);
	if (!err)
		err = bpf_dynptr_write(&j.rec, 0, &r, sizeof(r), 0);
	finish(&j, !err);
	return 0;
}
SEC("tp/sched/sched_switch")
int loop_with_exit(void *ctx)
{
	struct bpf_dynptr d;
	__u32 i, v;

	if (bpf_ringbuf_reserve_dynptr(&log_rb, 64, 0, &d))
		goto out;
	for (i = 0; i < 16; i++) {
		v = bpf_get_prandom_u32();
		if (bpf_dynptr_write(&d, i * sizeof(v), &v, sizeof(v), 0))
			goto out;
	}
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
out:
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}
SEC("fentry.s/do_exit")
int string_is_long(void *ctx)
{
	struct bpf_dynptr view;
	__u32 key = 0;
	struct rec *r = bpf_map_lookup_elem(&one, &key);
	int n;

	if (!r)
		return 0;
	bpf_dynptr_from_mem(r->data, sizeof(r->data), 0, &view);
	n = bpf_probe_read_user_str_dynptr(&view, 0, 32, ctx);
	if (n <= 0)
		return 1;
	r->len = n;
	return 0;
}
