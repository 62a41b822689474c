// Small mistakes with slices and write-back, one in each function.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define ETH_HLEN 14
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86DD
#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

// Leaves the loop before the write-back.
SEC("tc")
int break_before_write(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 buf[4], *p;
	int i;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	bpf_for(i, 0, 10) {
		p = bpf_dynptr_slice_rdwr(&pkt, 54 + i * 4, buf, sizeof(buf));
		if (!p)
			break;
		p[0] = 1; //~ missing-write-back
		if (p[1] == 0)
			continue;
		if (p == buf && bpf_dynptr_write(&pkt, 54 + i * 4, buf, sizeof(buf), 0))
			return TC_ACT_SHOT;
	}
	return TC_ACT_OK;
}

// Only one case of the switch writes back.
SEC("tc")
int one_case_writes(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct ethhdr *eth, buf;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, &buf, sizeof(buf));
	if (!eth)
		return TC_ACT_OK;
	eth->h_source[0] |= 2; //~ missing-write-back
	switch (eth->h_proto) {
	case bpf_htons(ETH_P_IP):
		if (eth == &buf)
			bpf_dynptr_write(&pkt, 0, &buf, sizeof(buf), 0);
		break;
	case bpf_htons(ETH_P_IPV6):
		break;
	default:
		return TC_ACT_SHOT;
	}
	return TC_ACT_OK;
}

// The label stands behind the write.
SEC("tc")
int goto_over_write(struct __sk_buff *skb)
{
	int ret = TC_ACT_OK;
	struct bpf_dynptr pkt;
	__u8 buf[8], *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice_rdwr(&pkt, 42, buf, sizeof(buf));
	if (!p)
		goto out;
	p[0] = 0; //~ missing-write-back
	if (p[1])
		goto out;
	if (p == buf)
		bpf_dynptr_write(&pkt, 42, buf, sizeof(buf), 0);
out:
	return ret;
}

// The flag says the opposite.
SEC("tc")
int flag_inverted(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 buf[8], *p;
	bool direct;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice_rdwr(&pkt, 42, buf, sizeof(buf));
	if (!p)
		return TC_ACT_OK;
	direct = p != buf; //~ inverted-write-back
	p[3] = 7;
	if (direct)
		bpf_dynptr_write(&pkt, 42, buf, sizeof(buf), 0);
	return TC_ACT_OK;
}

struct hdr {
	struct bpf_dynptr *pkt;
	__u32 off;
	struct ethhdr *p;
	struct ethhdr buf;
};

static __always_inline int hdr_get(struct hdr *h, struct bpf_dynptr *pkt, __u32 off)
{
	h->pkt = pkt;
	h->off = off;
	h->p = bpf_dynptr_slice_rdwr(pkt, off, &h->buf, sizeof(h->buf));
	return h->p ? 0 : -ENOENT;
}

static __always_inline int hdr_commit(struct hdr *h)
{
	if (h->p == &h->buf)
		return bpf_dynptr_write(h->pkt, h->off, &h->buf, sizeof(h->buf), 0);
	return 0;
}

static __always_inline void hdr_local(struct hdr *h)
{
	h->p->h_source[0] |= 2; //~ missing-write-back
}

// Nobody commits.
SEC("tc")
int struct_not_committed(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct hdr h = {};

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (hdr_get(&h, &pkt, 0))
		return TC_ACT_OK;
	hdr_local(&h);
	return TC_ACT_OK;
}

// The store comes after the commit.
SEC("tc")
int stored_after_commit(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct hdr h = {};

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (hdr_get(&h, &pkt, 0))
		return TC_ACT_OK;
	if (hdr_commit(&h))
		return TC_ACT_SHOT;
	h.p->h_proto = 0; //~ stale-slice
	return TC_ACT_OK;
}

// The offset has moved when the struct is committed.
SEC("tc")
int struct_offset_moved(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct hdr h = {};

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (hdr_get(&h, &pkt, 0))
		return TC_ACT_OK;
	h.p->h_dest[0] = 2;
	h.off += sizeof(struct ethhdr);
	if (h.p == &h.buf)
		bpf_dynptr_write(h.pkt, h.off, &h.buf, sizeof(h.buf), 0); //~ write-back-mismatch
	return TC_ACT_OK;
}

// The second write-back takes the first header's place.
SEC("tc")
int split_buffer_offset(struct __sk_buff *skb)
{
	__u8 buf[sizeof(struct ethhdr) + 8];
	struct bpf_dynptr pkt;
	struct ethhdr *eth;
	__u8 *l4;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, buf, sizeof(*eth));
	l4 = bpf_dynptr_slice_rdwr(&pkt, 38, buf + sizeof(*eth), 8);
	if (!eth || !l4)
		return TC_ACT_SHOT;
	eth->h_source[0] = 2;
	l4[0] = 0;
	if ((void *)eth == (void *)buf && bpf_dynptr_write(&pkt, 0, buf, sizeof(*eth), 0))
		return TC_ACT_SHOT;
	if (l4 == buf + sizeof(*eth))
		bpf_dynptr_write(&pkt, 38, buf, 8, 0); //~ write-back-mismatch
	return TC_ACT_OK;
}

// The halves of the buffer overlap: the offset counts words.
SEC("tc")
int overlapping_halves(struct __sk_buff *skb)
{
	__u8 buf[32];
	struct bpf_dynptr pkt;
	__u8 *a, *b;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	a = bpf_dynptr_slice(&pkt, 0, buf, 16);
	if (!a)
		return TC_ACT_OK;
	b = bpf_dynptr_slice(&pkt, 100, buf + 8, 16); //~ shared-slice-buffer
	if (!b)
		return TC_ACT_OK;
	return a[15] == b[0] ? TC_ACT_OK : TC_ACT_SHOT;
}

// The wrong element is compared.
SEC("tc")
int wrong_element(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 bufs[2][8], *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice_rdwr(&pkt, 42, bufs[0], sizeof(bufs[0]));
	if (!p)
		return TC_ACT_OK;
	p[0] = 0;
	if (p == bufs[1]) //~ wrong-buffer-compared
		bpf_dynptr_write(&pkt, 42, bufs[1], sizeof(bufs[1]), 0);
	return TC_ACT_OK;
}

// The pointer is used in the branch that found it NULL.
SEC("tc")
int ternary_reversed(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct iphdr *ip, buf;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	ip = bpf_dynptr_slice(&pkt, ETH_HLEN, &buf, sizeof(buf));
	return ip ? TC_ACT_SHOT : ip->ttl; //~ missing-null-check
}

// `||` lets the NULL through.
SEC("tc")
int or_for_and(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct ethhdr *eth, eth_buf;
	struct iphdr *ip, ip_buf;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_slice(&pkt, 0, &eth_buf, sizeof(eth_buf));
	ip = bpf_dynptr_slice(&pkt, ETH_HLEN, &ip_buf, sizeof(ip_buf));
	if (!eth && !ip)
		return TC_ACT_SHOT;
	return eth->h_proto && ip->ttl; //~ missing-null-check
}

static __always_inline __u8 *local_slice(struct bpf_dynptr *pkt)
{
	__u8 buf[8];

	return bpf_dynptr_slice(pkt, 42, buf, sizeof(buf)); //~ slice-outlives-buffer
}

SEC("tc")
int dangling(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = local_slice(&pkt);
	return p && p[0] ? TC_ACT_SHOT : TC_ACT_OK;
}

struct bufs {
	__u8 eth[14];
	__u8 l4[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bufs);
} scratch SEC(".maps");

// The member of the map value is too short, and what is read is the buffer.
SEC("tc")
int map_buffer(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tcphdr *tcp;
	struct bufs *b;
	__u32 zero = 0;

	b = bpf_map_lookup_elem(&scratch, &zero);
	if (!b)
		return TC_ACT_SHOT;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (!bpf_dynptr_slice(&pkt, 0, b->eth, sizeof(b->eth)))
		return TC_ACT_SHOT;
	if (b->eth[12] != 8) //~ buffer-instead-of-slice
		return TC_ACT_OK;
	tcp = bpf_dynptr_slice(&pkt, 34, b->l4, 30); //~ buffer-too-small
	return tcp && tcp->rst ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
