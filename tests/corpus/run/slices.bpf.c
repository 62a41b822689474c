/* Dynptrs over packets of XDP, run on every layout that matters. */
#include "corpus.h"

GPL;

u32 sum, where;
int results[24];
u64 words[4];

/* Whether a slice points into the packet or to the buffer, and what it holds. */
SEC("xdp.frags") __accept
int slice_read(struct xdp_md *xdp)
{
	struct bpf_dynptr d;
	u8 buffer[16], *p;

	bpf_dynptr_from_xdp(xdp, 0, &d);
	p = bpf_dynptr_slice(&d, 60, buffer, sizeof(buffer));
	if (!p)
		return XDP_DROP;
	for (int i = 0; i < 16; i++)
		sum = sum * 31 + p[i];
	where = p == buffer ? 2 : 1;
	return XDP_PASS;
}

SEC("xdp.frags") __accept
int slice_without_buffer(struct xdp_md *xdp)
{
	struct bpf_dynptr d;
	u8 *p;

	bpf_dynptr_from_xdp(xdp, 0, &d);
	p = bpf_dynptr_slice(&d, 60, NULL, 16);
	if (!p)
		return XDP_DROP;
	sum = p[15];
	return XDP_PASS;
}

SEC("xdp.frags") __accept
int slice_rdwr_without_write_back(struct xdp_md *xdp)
{
	struct bpf_dynptr d;
	u8 buffer[16], *p;

	bpf_dynptr_from_xdp(xdp, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 60, buffer, sizeof(buffer));
	if (!p)
		return XDP_DROP;
	for (int i = 0; i < 16; i++)
		p[i] = 0xaa;
	return XDP_PASS;
}

SEC("xdp.frags") __accept
int slice_rdwr_with_write_back(struct xdp_md *xdp)
{
	struct bpf_dynptr d;
	u8 buffer[16], *p;

	bpf_dynptr_from_xdp(xdp, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 60, buffer, sizeof(buffer));
	if (!p)
		return XDP_DROP;
	for (int i = 0; i < 16; i++)
		p[i] = 0xaa;
	if (p == buffer)
		results[0] = bpf_dynptr_write(&d, 60, buffer, sizeof(buffer), 0);
	return XDP_PASS;
}

SEC("xdp.frags") __accept
int read_and_write(struct xdp_md *xdp)
{
	struct bpf_dynptr d;
	u8 bytes[8];

	bpf_dynptr_from_xdp(xdp, 0, &d);
	results[0] = bpf_dynptr_read(bytes, sizeof(bytes), &d, 28, 0);
	results[1] = bpf_dynptr_write(&d, 60, bytes, sizeof(bytes), 0);
	results[2] = bpf_dynptr_read(bytes, sizeof(bytes), &d, bpf_dynptr_size(&d) - 7, 0);
	results[3] = bpf_dynptr_read(bytes, sizeof(bytes), &d, 0, 1);
	results[4] = bpf_dynptr_write(&d, 0, bytes, sizeof(bytes), 1);
	return XDP_PASS;
}

SEC("xdp.frags") __accept
int memset_across(struct xdp_md *xdp)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_xdp(xdp, 0, &d);
	results[0] = bpf_dynptr_memset(&d, 20, 100, 0x55);
	return XDP_PASS;
}

SEC("xdp.frags") __accept
int copy_within(struct xdp_md *xdp)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_xdp(xdp, 0, &d);
	results[0] = bpf_dynptr_copy(&d, 20, &d, 100, 40);
	return XDP_PASS;
}

SEC("xdp.frags") __accept
int pull_makes_contiguous(struct xdp_md *xdp)
{
	struct bpf_dynptr d;
	u8 *p;

	bpf_dynptr_from_xdp(xdp, 0, &d);
	p = bpf_dynptr_slice(&d, 60, NULL, 16);
	results[0] = p ? 1 : 0;
	results[1] = bpf_xdp_pull_data(xdp, 80);
	p = bpf_dynptr_slice(&d, 60, NULL, 16);
	results[2] = p ? 1 : 0;
	results[3] = bpf_dynptr_size(&d);
	return XDP_PASS;
}

SEC("xdp.frags") __accept
int load_and_store_bytes(struct xdp_md *xdp)
{
	u8 bytes[8];

	results[0] = bpf_xdp_load_bytes(xdp, 60, bytes, sizeof(bytes));
	results[1] = bpf_xdp_store_bytes(xdp, 20, bytes, sizeof(bytes));
	results[2] = bpf_xdp_load_bytes(xdp, 199, bytes, sizeof(bytes));
	results[3] = bpf_xdp_get_buff_len(xdp);
	return XDP_PASS;
}

SEC("tc") __accept
int views(struct __sk_buff *skb)
{
	struct bpf_dynptr d, e;
	u8 byte = 0;

	results[0] = bpf_dynptr_from_skb(skb, 0, &d);
	results[1] = bpf_dynptr_size(&d);
	results[2] = bpf_dynptr_is_null(&d);
	results[3] = bpf_dynptr_is_rdonly(&d);
	results[4] = bpf_dynptr_adjust(&d, 14, 100);
	results[5] = bpf_dynptr_size(&d);
	results[6] = bpf_dynptr_adjust(&d, 10, 5);
	results[7] = bpf_dynptr_adjust(&d, 0, 87);
	results[8] = bpf_dynptr_clone(&d, &e);
	results[9] = bpf_dynptr_adjust(&e, 86, 86);
	results[10] = bpf_dynptr_size(&e);
	results[11] = bpf_dynptr_size(&d);
	results[12] = bpf_dynptr_read(&byte, 1, &d, 85, 0);
	results[13] = byte;
	results[14] = bpf_dynptr_read(&byte, 1, &d, 86, 0);
	results[15] = bpf_dynptr_read(&byte, 0, &d, 86, 0);
	results[16] = bpf_dynptr_from_skb(skb, 1, &e);
	results[17] = bpf_dynptr_size(&e);
	results[18] = bpf_dynptr_is_null(&e);
	results[19] = bpf_dynptr_is_rdonly(&e);
	results[20] = bpf_dynptr_adjust(&e, 0, 0);
	results[21] = bpf_dynptr_read(&byte, 1, &e, 0, 0);
	results[22] = bpf_dynptr_data(&d, 0, 1) ? 1 : 0;
	results[23] = bpf_dynptr_write(&e, 0, &byte, 1, 0);
	return TC_ACT_OK;
}

SEC("tc") __accept
int memory(struct __sk_buff *skb)
{
	struct bpf_dynptr d, e;
	u64 word = 0, *p;

	results[0] = bpf_dynptr_from_mem(words, sizeof(words), 0, &d);
	word = 0x1122334455667788;
	results[1] = bpf_dynptr_write(&d, 4, &word, sizeof(word), 0);
	results[2] = bpf_dynptr_write(&d, 25, &word, sizeof(word), 0);
	results[3] = bpf_dynptr_write(&d, 0, &word, sizeof(word), 1);
	p = bpf_dynptr_data(&d, 24, 8);
	results[4] = p ? 1 : 0;
	if (p)
		*p = 42;
	p = bpf_dynptr_data(&d, 25, 8);
	results[5] = p ? 1 : 0;
	p = bpf_dynptr_slice(&d, 24, NULL, 8);
	results[6] = p ? *p : -1;
	results[7] = bpf_dynptr_from_mem(words, sizeof(words), 1, &e);
	results[8] = bpf_dynptr_copy(&d, 16, &d, 4, 8);
	results[9] = bpf_dynptr_memset(&d, 31, 2, 1);
	results[10] = bpf_dynptr_memset(&d, 12, 3, 9);
	results[11] = bpf_dynptr_copy(&e, 0, &d, 0, 0);
	results[12] = bpf_dynptr_memset(&e, 0, 1, 0);
	return TC_ACT_OK;
}

SEC("cgroup_skb/egress") __accept
int read_only_packet(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	u8 byte = 7, *p;

	bpf_dynptr_from_skb(skb, 0, &d);
	results[0] = bpf_dynptr_is_rdonly(&d);
	results[1] = bpf_dynptr_write(&d, 0, &byte, 1, 0);
	results[2] = bpf_dynptr_size(&d);
	p = bpf_dynptr_slice(&d, 0, NULL, 1);
	results[3] = p ? *p : -1;
	results[4] = bpf_dynptr_memset(&d, 0, 1, 0);
	return 1;
}

SEC("tc") __accept
int writes_with_flags(struct __sk_buff *skb)
{
	u8 bytes[4] = { 1, 2, 3, 4 };
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	results[0] = bpf_dynptr_write(&d, 40, bytes, sizeof(bytes), BPF_F_RECOMPUTE_CSUM);
	results[1] = bpf_dynptr_write(&d, 44, bytes, sizeof(bytes), BPF_F_INVALIDATE_HASH);
	results[2] = bpf_dynptr_write(&d, 48, bytes, sizeof(bytes), 4);
	results[3] = bpf_dynptr_write(&d, skb->len, bytes, sizeof(bytes), 0);
	results[4] = bpf_dynptr_write(&d, skb->len - 4, bytes, sizeof(bytes), 0);
	return TC_ACT_OK;
}

SEC("tc") __accept
int shrunk_packet_seen_through_an_old_dynptr(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	u8 bytes[8] = {};

	bpf_dynptr_from_skb(skb, 0, &d);
	results[0] = bpf_skb_change_tail(skb, 100, 0);
	results[1] = bpf_dynptr_size(&d);
	results[2] = bpf_dynptr_read(bytes, sizeof(bytes), &d, 92, 0);
	results[3] = bpf_dynptr_read(bytes, sizeof(bytes), &d, 100, 0);
	results[4] = bpf_dynptr_write(&d, 100, bytes, sizeof(bytes), 0);
	return TC_ACT_OK;
}
