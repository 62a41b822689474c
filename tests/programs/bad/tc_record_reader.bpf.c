// Reads length-prefixed records of a lab protocol by bpf_dynptr_read and misunderstands what
// the functions return.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define LAB_PROTO 0x88B5
#define MAX_RECORDS 8

struct record_head {
	__be16 type;
	__be16 length;
};

struct gauge {
	__be32 id;
	__be32 value;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u32);
} gauges SEC(".maps");

static __always_inline int store_gauge(const struct bpf_dynptr *pkt, __u32 off)
{
	struct gauge g;
	__u32 id, value;

	bpf_dynptr_read(&g, sizeof(g), pkt, off, 0); //~ read-result-ignored
	id = bpf_ntohl(g.id);
	value = bpf_ntohl(g.value);
	return bpf_map_update_elem(&gauges, &id, &value, BPF_ANY);
}

static __always_inline int next_record(const struct bpf_dynptr *pkt, __u32 *off, __u16 *type)
{
	struct record_head head;

	if (bpf_dynptr_read(&head, sizeof(head), pkt, *off, 0) != sizeof(head)) //~ status-taken-for-length
		return -1;
	*type = bpf_ntohs(head.type);
	*off += sizeof(head) + bpf_ntohs(head.length);
	return 0;
}

static __always_inline int mark_seen(const struct bpf_dynptr *pkt, __u32 off)
{
	struct record_head head = { .type = bpf_htons(0xffff), .length = 0 };

	return bpf_dynptr_write(pkt, off + sizeof(head), &head, 0, 0); //~ zero-length-access
}

SEC("tc")
int read_records(struct __sk_buff *skb)
{
	__u32 off = 0, start;
	struct bpf_dynptr pkt;
	__u16 type = 0;
	int i;

	if (skb->protocol != bpf_htons(LAB_PROTO))
		return TC_ACT_OK;
	bpf_dynptr_from_skb(skb, 0, &pkt);

	/* The protocol has a preamble whose length is in the mark. */
	bpf_dynptr_adjust(&pkt, ETH_HLEN + skb->mark, skb->len); //~ result-ignored

	for (i = 0; i < MAX_RECORDS; i++) {
		start = off;
		if (next_record(&pkt, &off, &type))
			break;
		switch (type) {
		case 1:
			if (store_gauge(&pkt, start + sizeof(struct record_head)))
				return TC_ACT_OK;
			break;
		case 2:
			if (mark_seen(&pkt, start))
				return TC_ACT_SHOT;
			break;
		default:
			return TC_ACT_OK;
		}
	}
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
