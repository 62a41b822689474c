/* Helpers that change packets: their length, their tags, their checksums. */
#include "corpus.h"

GPL;

int results[8];

SEC("tc") __accept
int vlan_pushed(struct __sk_buff *skb)
{
	results[0] = bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 42);
	results[1] = skb->vlan_present;
	results[2] = skb->vlan_tci;
	results[3] = skb->len;
	return TC_ACT_OK;
}

SEC("tc") __accept
int vlan_pushed_twice_and_popped(struct __sk_buff *skb)
{
	results[0] = bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 42);
	results[1] = bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 43);
	results[2] = skb->len;
	results[3] = bpf_skb_vlan_pop(skb);
	results[4] = skb->vlan_tci;
	results[5] = skb->len;
	return TC_ACT_OK;
}

SEC("tc") __accept
int tail_changed(struct __sk_buff *skb)
{
	results[0] = bpf_skb_change_tail(skb, skb->len + 20, 0);
	results[1] = skb->len;
	results[2] = bpf_skb_change_tail(skb, 60, 0);
	results[3] = skb->len;
	results[4] = bpf_skb_change_tail(skb, 10, 0);
	results[5] = bpf_skb_change_tail(skb, 100, 1);
	return TC_ACT_OK;
}

SEC("tc") __accept
int head_changed(struct __sk_buff *skb)
{
	results[0] = bpf_skb_change_head(skb, 14, 0);
	results[1] = skb->len;
	return TC_ACT_OK;
}

SEC("tc") __accept
int room_made_behind_ethernet(struct __sk_buff *skb)
{
	results[0] = bpf_skb_adjust_room(skb, 8, BPF_ADJ_ROOM_MAC, 0);
	results[1] = skb->len;
	return TC_ACT_OK;
}

SEC("tc") __accept
int address_rewritten_with_checksums(struct __sk_buff *skb)
{
	u32 old = bpf_htonl(0xc0000201), new = bpf_htonl(0x0a000001);

	results[0] = bpf_l4_csum_replace(skb, 14 + 20 + 6, old, new, BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 | 4);
	results[1] = bpf_l3_csum_replace(skb, 14 + 10, old, new, 4);
	results[2] = bpf_skb_store_bytes(skb, 14 + 12, &new, sizeof(new), 0);
	return TC_ACT_OK;
}

SEC("tc") __accept
int differences_of_checksums(struct __sk_buff *skb)
{
	u32 from[2] = { 0x01020304, 0x05060708 }, to[2] = { 0x11121314, 0xf5060708 };

	results[0] = bpf_csum_diff(from, sizeof(from), to, sizeof(to), 0);
	results[1] = bpf_csum_diff(NULL, 0, to, sizeof(to), 0);
	results[2] = bpf_csum_diff(from, sizeof(from), NULL, 0, 0);
	results[3] = bpf_csum_diff(from, sizeof(from), to, 4, 0xffff);
	return TC_ACT_OK;
}

SEC("tc") __accept
int bytes_stored(struct __sk_buff *skb)
{
	u8 bytes[4] = { 1, 2, 3, 4 };

	results[0] = bpf_skb_store_bytes(skb, 20, bytes, sizeof(bytes), 0);
	results[1] = bpf_skb_store_bytes(skb, skb->len - 3, bytes, sizeof(bytes), 0);
	results[2] = bpf_skb_store_bytes(skb, 20, bytes, sizeof(bytes), 8);
	results[3] = bpf_skb_load_bytes(skb, skb->len - 4, bytes, sizeof(bytes));
	results[4] = bytes[3];
	results[5] = bpf_skb_load_bytes(skb, skb->len, bytes, sizeof(bytes));
	results[6] = bytes[3];
	return TC_ACT_OK;
}

SEC("xdp") __accept
int xdp_head_moved(struct xdp_md *xdp)
{
	u8 *data, *end;

	results[0] = bpf_xdp_adjust_head(xdp, -4);
	data = (void *)(long)xdp->data;
	end = (void *)(long)xdp->data_end;
	if (data + 4 > end)
		return XDP_ABORTED;
	data[0] = 0xee;
	data[3] = 0xff;
	results[1] = bpf_xdp_adjust_head(xdp, 2);
	results[2] = bpf_xdp_adjust_head(xdp, -4000);
	results[3] = bpf_xdp_adjust_head(xdp, 4000);
	return XDP_PASS;
}

SEC("xdp.frags") __accept
int xdp_tail_moved(struct xdp_md *xdp)
{
	results[0] = bpf_xdp_adjust_tail(xdp, -50);
	results[1] = bpf_xdp_get_buff_len(xdp);
	results[2] = bpf_xdp_adjust_tail(xdp, 20);
	results[3] = bpf_xdp_get_buff_len(xdp);
	results[4] = bpf_xdp_adjust_tail(xdp, -10000);
	return XDP_PASS;
}

SEC("xdp") __accept
int xdp_metadata_written(struct xdp_md *xdp)
{
	u32 *meta;

	results[0] = bpf_xdp_adjust_meta(xdp, -4);
	meta = (void *)(long)xdp->data_meta;
	if ((void *)(meta + 1) > (void *)(long)xdp->data)
		return XDP_ABORTED;
	results[1] = *meta = 0x12345678;
	results[2] = bpf_xdp_adjust_meta(xdp, -3);
	return XDP_PASS;
}

SEC("xdp") __accept
int xdp_metadata_read(struct xdp_md *xdp)
{
	u32 *meta = (void *)(long)xdp->data_meta;

	if ((void *)(meta + 1) > (void *)(long)xdp->data)
		return XDP_DROP;
	results[0] = *meta;
	return XDP_PASS;
}
