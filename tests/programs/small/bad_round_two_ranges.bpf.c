// Mistakes in ranges, views, flags and checksums, and in what a packet helper leaves behind.
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
__u64 seen;

SEC("fentry/do_exit")
int beyond_value(void *ctx)
{
	struct bpf_dynptr view;
	__u32 key = 0;
	struct rec *r = bpf_map_lookup_elem(&one, &key);

	if (!r)
		return 0;
	bpf_dynptr_from_mem(r->data, sizeof(r->data), 0, &view);
	if (bpf_dynptr_write(&view, offsetof(struct rec, data) + 32, &key, sizeof(key), 0)) //~ range-beyond-dynptr
		return 1;
	return 0;
}
SEC("tc")
int upper_half(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u64 where = (__u64)skb->hash << 32;
	__u32 word;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (bpf_dynptr_read(&word, sizeof(word), &pkt, where, 0)) //~ offset-truncated
		return TC_ACT_SHOT;
	return word & 1;
}
SEC("tp/sched/sched_switch")
int size_after_failure(void *ctx)
{
	struct bpf_dynptr d;
	__u32 room;

	bpf_ringbuf_reserve_dynptr(&log_rb, 256, 0, &d);
	room = bpf_dynptr_size(&d);
	if (room < 16) //~ size-of-null-dynptr
		room = 16;
	bpf_ringbuf_discard_dynptr(&d, 0);
	return room;
}
SEC("xdp")
int checksum_flag_on_xdp(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;
	__u16 zero = 0;

	if (bpf_dynptr_from_xdp(xdp, 0, &pkt))
		return XDP_DROP;
	if (bpf_dynptr_write(&pkt, 24, &zero, sizeof(zero), BPF_F_RECOMPUTE_CSUM)) //~ unsupported-flags
		return XDP_DROP;
	return XDP_TX;
}
SEC("tc")
int ttl_only(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct iphdr buf, *ip;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	ip = bpf_dynptr_slice_rdwr(&pkt, ETH_HLEN, &buf, sizeof(buf));
	if (!ip)
		return TC_ACT_SHOT;
	ip->tos = 0x10; //~ stale-checksum
	if (ip == &buf && bpf_dynptr_write(&pkt, ETH_HLEN, &buf, sizeof(buf), 0))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}
SEC("cgroup_skb/egress")
int with_ethernet(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct iphdr ip;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (bpf_dynptr_read(&ip, sizeof(ip), &pkt, sizeof(struct ethhdr), 0)) //~ link-layer-offset
		return 1;
	return ip.protocol != IPPROTO_UDP;
}
SEC("tc")
int absolute_adjust(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u32 len = skb->len, word;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (bpf_dynptr_adjust(&pkt, ETH_HLEN, len))
		return TC_ACT_SHOT;
	if (bpf_dynptr_adjust(&pkt, ETH_HLEN + sizeof(struct iphdr), len)) //~ adjust-not-relative
		return TC_ACT_SHOT;
	if (bpf_dynptr_read(&word, sizeof(word), &pkt, 0, 0))
		return TC_ACT_SHOT;
	return word & 1;
}
SEC("fentry/do_exit")
int view_moved(void *ctx)
{
	struct bpf_dynptr view;
	__u32 key = 0;
	struct rec *r = bpf_map_lookup_elem(&one, &key);
	__u8 *p;

	if (!r)
		return 0;
	bpf_dynptr_from_mem(r, sizeof(*r), 0, &view);
	p = bpf_dynptr_data(&view, 0, 8);
	if (!p)
		return 0;
	if (bpf_dynptr_adjust(&view, 16, sizeof(*r)))
		return 0;
	return p[0]; //~ slice-before-adjust
}
SEC("fentry/do_exit")
int keeps_a_clone(void *ctx)
{
	struct bpf_dynptr view, backup;
	__u32 key = 0;
	struct rec *r = bpf_map_lookup_elem(&one, &key);

	if (!r)
		return 0;
	bpf_dynptr_from_mem(r, sizeof(*r), 0, &view);
	if (bpf_dynptr_clone(&view, &backup))
		return 0;
	if (bpf_dynptr_memset(&view, 0, sizeof(*r), 0))
		return 0;
	return bpf_dynptr_copy(&view, 0, &backup, 0, sizeof(*r)); //~ clone-not-copy
}
SEC("xdp")
int after_the_trim(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;

	if (bpf_dynptr_from_xdp(xdp, 0, &pkt))
		return XDP_DROP;
	if (bpf_xdp_adjust_head(xdp, ETH_HLEN))
		return XDP_DROP;
	t = bpf_dynptr_slice(&pkt, 20, &buf, sizeof(buf)); //~ outdated-dynptr
	return t && t->kind ? XDP_DROP : XDP_PASS;
}
SEC("tc")
int slice_then_store(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;
	__u8 one_byte = 1;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice(&pkt, 60, &buf, sizeof(buf));
	if (!t)
		return TC_ACT_SHOT;
	if (bpf_skb_store_bytes(skb, 70, &one_byte, 1, 0))
		return TC_ACT_SHOT;
	return t->kind; //~ stale-slice
}
SEC("tc")
int packet_pointer(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct bpf_dynptr pkt;
	__u8 b = 0;

	if ((void *)(eth + 1) > end)
		return TC_ACT_SHOT;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (bpf_dynptr_write(&pkt, 70, &b, 1, 0))
		return TC_ACT_SHOT;
	return eth->h_proto == 0; //~ stale-packet-pointer
}
__noinline int mark_it(struct bpf_dynptr *view)
{
	__u32 mark = 7;

	return bpf_dynptr_write(view, 44, &mark, sizeof(mark), 0);
}
SEC("tc")
int marks_then_reads(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice(&pkt, 60, &buf, sizeof(buf));
	if (!t)
		return TC_ACT_SHOT;
	if (mark_it(&pkt))
		return TC_ACT_SHOT;
	return t->kind; //~ unnoticed-stale-slice
}
SEC("tc")
int from_own(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 buf[6], *mac;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	mac = bpf_dynptr_slice(&pkt, 6, buf, sizeof(buf));
	if (!mac)
		return TC_ACT_SHOT;
	if (bpf_dynptr_write(&pkt, 0, mac, 6, 0)) //~ write-from-own-packet
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}
SEC("tc")
int clears(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;

	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return TC_ACT_SHOT;
	if (bpf_dynptr_memset(&pkt, 60, 4, 0)) //~ write-to-shared-packet
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}
SEC("xdp.frags")
int shifts(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;

	if (bpf_dynptr_from_xdp(xdp, 0, &pkt))
		return XDP_DROP;
	if (bpf_dynptr_copy(&pkt, 18, &pkt, 14, 1000)) //~ overlapping-copy
		return XDP_DROP;
	return XDP_PASS;
}
SEC("cgroup_skb/egress")
int writes_read_only(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 tos = 0;

	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return 1;
	if (bpf_dynptr_write(&pkt, 1, &tos, sizeof(tos), 0)) //~ write-to-read-only-dynptr
		return 0;
	return 1;
}
SEC("xdp.frags")
int far_away(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;
	__u32 word = 0;

	if (bpf_dynptr_from_xdp(xdp, 0, &pkt))
		return XDP_DROP;
	if (bpf_dynptr_write(&pkt, 1 << 17, &word, sizeof(word), 0)) //~ xdp-access-beyond-64k
		return XDP_DROP;
	return XDP_PASS;
}
SEC("tc")
int publishes(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice(&pkt, 60, &buf, sizeof(buf));
	if (!t)
		return TC_ACT_SHOT;
	seen = (__u64)t; //~ slice-address-leaked
	return TC_ACT_OK;
}
SEC("tc")
int deletes_by_slice(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u32 buf, *id;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	id = bpf_dynptr_slice(&pkt, 60, &buf, sizeof(buf));
	if (!id)
		return TC_ACT_SHOT;
	return bpf_map_delete_elem(&recs, id) ? TC_ACT_SHOT : TC_ACT_OK; //~ slice-as-map-argument
}
__noinline int kind_of(struct tag *t)
{
	return t ? t->kind : 0;
}
SEC("tc")
int to_global(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tag buf, *t;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	t = bpf_dynptr_slice(&pkt, 60, &buf, sizeof(buf));
	if (!t)
		return TC_ACT_SHOT;
	return kind_of(t); //~ read-only-slice-to-global-function
}
SEC("tc")
int meta_after_write(struct __sk_buff *skb)
{
	struct bpf_dynptr meta, pkt;
	__u32 id = 0;

	if (bpf_dynptr_from_skb_meta(skb, 0, &meta) || bpf_dynptr_from_skb(skb, 0, &pkt))
		return TC_ACT_OK;
	if (bpf_dynptr_write(&pkt, 40, &id, sizeof(id), 0))
		return TC_ACT_SHOT;
	if (bpf_dynptr_read(&id, sizeof(id), &meta, 0, 0)) //~ outdated-metadata-dynptr
		return TC_ACT_SHOT;
	return id & 1;
}
