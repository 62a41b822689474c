// Terminates Generic UDP Encapsulation: checks outer IP, UDP and GUE headers, removes them and
// continues with the inner packet through a fresh dynptr, since the removal moves everything.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define GUE_PORT 6080

#ifdef GUE_WITH_PRIVATE_DATA
#define GUE_MAX_HLEN 4
#else
#define GUE_MAX_HLEN 0
#endif

#define CHECK_STEP(ctx, call)                                                                      \
	if ((call) != 0)                                                                           \
		return report_drop(ctx, #call);

struct guehdr {
	__u8 hlen : 5, control : 1, version : 2;
	__u8 proto_ctype;
	__be16 flags;
};

struct decap_state {
	struct __sk_buff *skb;
	struct bpf_dynptr ptr;
	__u32 remove;
	__be32 peer;
	__u8 inner_proto;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __be32);
	__type(value, __u64);
} peers SEC(".maps");

const volatile bool debug = false;

static __always_inline int report_drop(struct decap_state *st, const char *what)
{
	if (debug)
		bpf_printk("gue: %s failed, peer %x", what, st->peer);
	return TC_ACT_SHOT;
}

static __always_inline int check_outer_ip(struct decap_state *st)
{
	struct iphdr *ip, buf;

	ip = bpf_dynptr_slice(&st->ptr, ETH_HLEN, &buf, sizeof(buf));
	if (!ip)
		return -1;
	if (ip->version != 4 || ip->ihl != 5 || ipv4_is_fragment(ip))
		return -1;
	st->peer = ip->saddr;
	st->remove = sizeof(*ip);
	return ip->protocol != IPPROTO_UDP;
}

static __always_inline int check_gue(struct decap_state *st)
{
	struct {
		struct udphdr udp;
		struct guehdr gue;
	} *hdr, buf;
	__u32 hlen;

	hdr = bpf_dynptr_slice(&st->ptr, ETH_HLEN + st->remove, &buf, sizeof(buf));
	if (!hdr)
		return -1;
	if (hdr->udp.dest != bpf_htons(GUE_PORT))
		return 1;
	if (hdr->gue.version || hdr->gue.control || hdr->gue.flags)
		return -1;
	hlen = hdr->gue.hlen << 2;
	if (hlen > GUE_MAX_HLEN)
		return -1;
	st->inner_proto = hdr->gue.proto_ctype;
	st->remove += sizeof(*hdr) + hlen;
	return 0;
}

static __always_inline int check_peer(struct decap_state *st)
{
	__u64 *bytes = bpf_map_lookup_elem(&peers, &st->peer);

	if (!bytes)
		return -1;
	__sync_fetch_and_add(bytes, st->skb->len);
	return 0;
}

static __always_inline int strip(struct decap_state *st)
{
	long err;

	err = bpf_skb_adjust_room(st->skb, -(__s32)st->remove, BPF_ADJ_ROOM_MAC,
				  BPF_F_ADJ_ROOM_DECAP_L3_IPV4);
	if (err)
		return err;
	return bpf_dynptr_from_skb(st->skb, 0, &st->ptr);
}

static __always_inline int inspect_inner(struct decap_state *st)
{
	struct iphdr *inner, buf;

	inner = bpf_dynptr_slice(&st->ptr, ETH_HLEN, &buf, sizeof(buf));
	if (!inner)
		return -1;
	if (inner->version != 4 || inner->saddr == st->peer)
		return -1;
	return 0;
}

SEC("tc")
int gue_decap(struct __sk_buff *skb)
{
	struct decap_state st = { .skb = skb };

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	bpf_dynptr_from_skb(skb, 0, &st.ptr);
	if (check_outer_ip(&st))
		return TC_ACT_OK;
	switch (check_gue(&st)) {
	case 0:
		break;
	case 1:
		return TC_ACT_OK;
	default:
		return TC_ACT_SHOT;
	}
	if (st.inner_proto != IPPROTO_IPIP)
		return report_drop(&st, "inner protocol");
	CHECK_STEP(&st, check_peer(&st))
	CHECK_STEP(&st, strip(&st))
	CHECK_STEP(&st, inspect_inner(&st))
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
