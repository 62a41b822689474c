// A packet inspector that treats dynptrs like ordinary structs: it copies them, keeps them in
// maps and builds them over its stack.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

struct inspector {
	__u32 verdict;
	struct bpf_dynptr pkt;
	__u8 proto;
};

struct parked {
	__u64 when;
	struct bpf_dynptr pkt;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct parked);
} parking SEC(".maps");

struct table {
	__u8 bytes[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct table);
} tables SEC(".maps");

static __always_inline int first_byte(struct bpf_dynptr *p)
{
	__u8 byte;

	if (bpf_dynptr_read(&byte, 1, p, 0, 0))
		return -1;
	return byte;
}

// No case of the switch covers every mark.
SEC("tc")
int inspect_by_mark(struct __sk_buff *skb)
{
	struct bpf_dynptr p;
	struct table *t;
	__u32 zero = 0;

	switch (skb->mark) {
	case 1:
		t = bpf_map_lookup_elem(&tables, &zero);
		if (!t)
			return TC_ACT_OK;
		bpf_dynptr_from_mem(t, sizeof(*t), 0, &p);
		break;
	case 2:
		bpf_dynptr_from_skb(skb, 0, &p);
		break;
	}
	if (bpf_dynptr_size(&p) < ETH_HLEN) //~ uninitialised-dynptr
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

SEC("tc")
int inspect_copy(struct __sk_buff *skb)
{
	struct inspector a = {};
	struct bpf_dynptr work;
	int byte;

	bpf_dynptr_from_skb(skb, 0, &a.pkt);
	work = a.pkt; //~ dynptr-copied
	byte = first_byte(&work);
	return byte < 0 ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int park(struct __sk_buff *skb)
{
	struct parked p = {};
	__u32 zero = 0;

	p.when = bpf_ktime_get_ns();
	bpf_dynptr_from_skb(skb, 0, &p.pkt);
	bpf_map_update_elem(&parking, &zero, &p, BPF_ANY); //~ dynptr-copied
	return TC_ACT_OK;
}

SEC("tc")
int park_in_place(struct __sk_buff *skb)
{
	struct parked *p;
	__u32 zero = 0;

	p = bpf_map_lookup_elem(&parking, &zero);
	if (!p)
		return TC_ACT_OK;
	bpf_dynptr_from_skb(skb, 0, &p->pkt); //~ dynptr-not-on-stack
	p->when = bpf_ktime_get_ns();
	return TC_ACT_OK;
}

SEC("tc")
int inspect_header_copy(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt, view;
	__u8 hdr[ETH_HLEN];

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (bpf_dynptr_read(hdr, sizeof(hdr), &pkt, 0, 0))
		return TC_ACT_OK;
	bpf_dynptr_from_mem(hdr, sizeof(hdr), 0, &view); //~ dynptr-from-stack-memory
	return first_byte(&view) & 1 ? TC_ACT_SHOT : TC_ACT_OK;
}

// The reset of the struct comes after the constructor.
SEC("tc")
int inspect_reset(struct __sk_buff *skb)
{
	struct inspector a;

	bpf_dynptr_from_skb(skb, 0, &a.pkt);
	__builtin_memset(&a, 0, sizeof(a)); //~ dynptr-overwritten
	if (first_byte(&a.pkt) < 0)
		a.verdict = TC_ACT_SHOT;
	return a.verdict;
}

char _license[] SEC("license") = "GPL";
