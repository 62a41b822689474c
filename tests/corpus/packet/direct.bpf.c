/* Packet pointers in tc and xdp: data, data_end, data_meta. */
#include "corpus.h"

GPL;

#define TC(name, body)							\
	int name(struct __sk_buff *skb)					\
	{								\
		char *data = (void *)(long)skb->data;			\
		char *end = (void *)(long)skb->data_end;		\
		body							\
		return TC_ACT_OK;					\
	}

#define XDP(name, body)							\
	int name(struct xdp_md *xdp)					\
	{								\
		char *data = (void *)(long)xdp->data;			\
		char *end = (void *)(long)xdp->data_end;		\
		body							\
		return XDP_PASS;					\
	}

SEC("tc") __accept
TC(checked_bytes, { if (data + 14 <= end) return data[13]; })

SEC("tc") __reject("invalid access to packet, off=14 size=1, R")
TC(byte_behind_checked, { if (data + 14 <= end) return data[14]; })

SEC("tc") __reject("invalid access to packet, off=0 size=1, R")
TC(not_checked, { (void)end; return data[0]; })

SEC("tc") __reject("invalid access to packet")
TC(checked_the_wrong_way_round, { if (data + 14 > end) return data[0]; })

SEC("tc") __accept
TC(strictly_below_end_gives_one_more, { if (data + 13 < end) return data[13]; })

SEC("tc") __accept
TC(written_in_tc, { if (data + 14 <= end) data[0] = 1; })

SEC("tc") __reject("invalid access to packet, off=-1 size=1")
TC(byte_before_packet, { if (data + 14 <= end) return data[-1]; })

SEC("tc") __accept
TC(bounded_variable_offset, {
	u64 offset = skb->mark & 63;
	char *p = data + offset;

	if (p + 4 <= end)
		return p[3];
})

SEC("tc") __reject("invalid access to packet, off=4 size=1")
TC(variable_offset_checked_too_short, {
	u64 offset = skb->mark & 63;
	char *p = data + offset;

	if (p + 4 <= end)
		return p[4];
})

SEC("tc") __reject("invalid access to packet")
TC(unbounded_variable_offset, {
	char *p = data + (u64)skb->mark;

	if (p + 4 <= end)
		return p[3];
})

SEC("tc") __reject("invalid access to packet")
TC(another_pointer_checked, {
	u64 offset = skb->mark & 63;
	char *checked = data + offset;
	char *other = data + (skb->len & 63);

	if (checked + 4 <= end)
		return other[0];
})

SEC("tc") __accept
TC(header_length_from_packet, {
	struct iphdr *ip = (void *)data + 14;
	char *udp;

	if ((void *)(ip + 1) > (void *)end || ip->ihl < 5)
		return TC_ACT_SHOT;
	udp = (void *)ip + ip->ihl * 4;
	if (udp + 8 <= end)
		return udp[7];
})

SEC("tc") __accept
TC(stale_pointers_loaded_again, {
	if (bpf_skb_pull_data(skb, 64))
		return TC_ACT_SHOT;
	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	if (data + 64 <= end)
		return data[63];
})

SEC("tc") __reject("invalid mem access 'scalar'")
TC(stale_pointer, {
	if (data + 64 > end)
		return TC_ACT_SHOT;
	bpf_skb_pull_data(skb, 64);
	return data[63];
})

SEC("tc") __reject("R1 pointer arithmetic on pkt_end prohibited")
TC(arithmetic_on_end, {
	asm volatile("r1 = %0; r1 += 1" :: "r"(end) : "r1");
	(void)data;
})

SEC("tc") __reject("invalid mem access 'pkt_end'")
TC(load_from_end, { (void)data; return end[0]; })

SEC("tc") __accept
TC(packet_as_helper_memory, {
	if (data + 16 <= end)
		return bpf_csum_diff(NULL, 0, (void *)data, 16, 0);
})

SEC("tc") __reject("invalid access to packet, off=0 size=20")
TC(packet_as_helper_memory_too_short, {
	if (data + 16 <= end)
		return bpf_csum_diff(NULL, 0, (void *)data, 20, 0);
})

SEC("xdp") __accept
XDP(xdp_checked_and_written, { if (data + 14 <= end) data[0] = data[6]; })

SEC("xdp") __reject("invalid access to packet, off=0 size=1, R")
XDP(xdp_not_checked, { (void)end; return data[0]; })

SEC("xdp") __accept
XDP(xdp_metadata, {
	char *meta = (void *)(long)xdp->data_meta;

	(void)end;
	if (meta + 4 <= data)
		return meta[3] & 1;
})

SEC("xdp") __reject("invalid access to packet, off=0 size=1")
XDP(xdp_metadata_checked_against_end, {
	char *meta = (void *)(long)xdp->data_meta;

	(void)data;
	if (meta + 4 <= end)
		return meta[0] & 1;
})

SEC("tc") __accept
TC(tc_metadata, {
	char *meta = (void *)(long)skb->data_meta;

	(void)end;
	if (meta + 4 <= data)
		return meta[3];
})

SEC("xdp") __reject("invalid mem access 'scalar'")
XDP(xdp_stale_after_adjust_head, {
	if (data + 14 > end)
		return XDP_DROP;
	bpf_xdp_adjust_head(xdp, 4);
	return data[0] & 1;
})

SEC("xdp") __reject("invalid mem access 'scalar'")
XDP(xdp_stale_after_adjust_meta, {
	if (data + 14 > end)
		return XDP_DROP;
	bpf_xdp_adjust_meta(xdp, -4);
	return data[0] & 1;
})

SEC("xdp") __accept
XDP(xdp_loop_over_bytes, {
	int sum = 0;

	for (int i = 0; i < 32; i++) {
		if (data + i + 1 > end)
			break;
		sum += data[i];
	}
	return sum & 1;
})

SEC("xdp") __reject("invalid access to packet")
XDP(xdp_loop_without_check, {
	int sum = 0;

	if (data + 16 > end)
		return XDP_DROP;
	for (int i = 0; i < 17; i++) {
		opaque(i);
		sum += data[i];
	}
	return sum & 1;
})

SEC("lwt_in") __accept
TC(lwt_in_reads_packet, { if (data + 20 <= end) return data[19] & 1; })

SEC("lwt_in") __reject("cannot write into packet")
TC(lwt_in_writes_packet, { if (data + 20 <= end) data[0] = 1; })

SEC("cgroup_skb/egress") __reject("cannot write into packet")
int cgroup_skb_writes_packet(struct __sk_buff *skb)
{
	char *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 20 <= end)
		data[0] = 1;
	return 1;
}

SEC("flow_dissector") __accept
TC(flow_dissector_reads_packet, { if (data + 14 <= end) return data[12] ? BPF_OK : BPF_DROP; })

SEC("socket") __accept
__naked int legacy_load_absolute(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u16 *)skb[12];				\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __reject("at the time of BPF_LD_ABS|IND R6 != pointer to skb")
__naked int legacy_load_without_context(void)
{
	asm volatile("					\
	r6 = 0;						\
	r0 = *(u16 *)skb[12];				\
	exit;						\
"	::: __clobbers);
}

SEC("xdp") __reject("BPF_LD_[ABS|IND] instructions not allowed for this program type")
__naked int legacy_load_in_xdp(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u16 *)skb[12];				\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __reject("R1 !read_ok")
__naked int legacy_load_clobbers_registers(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u16 *)skb[12];				\
	r0 = r1;					\
	exit;						\
"	::: __clobbers);
}
