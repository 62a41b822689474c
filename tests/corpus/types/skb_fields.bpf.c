/* Each field of __sk_buff by each width, in programs of several types. */
#include "corpus.h"

GPL;

/* Programs that load or store one thing. */
#define LOADS(name, width, field, more)							\
	__naked int name(void)								\
	{										\
		asm volatile("								\
		r0 = *(" #width " *)(r1 + %[at]);					\
		r0 = 1;									\
		exit;									\
		" :: __imm_const(at, offsetof(struct __sk_buff, field) + more) : __clobbers);	\
	}
#define STORES(name, width, field, more)						\
	__naked int name(void)								\
	{										\
		asm volatile("								\
		r0 = 1;									\
		*(" #width " *)(r1 + %[at]) = r0;					\
		exit;									\
		" :: __imm_const(at, offsetof(struct __sk_buff, field) + more) : __clobbers);	\
	}

#define HALVES(field) (*(volatile u16 *)&skb->field + *((volatile u16 *)&skb->field + 1))
#define BYTES(field) (*(volatile u8 *)&skb->field + *((volatile u8 *)&skb->field + 1) +	\
	*((volatile u8 *)&skb->field + 2) + *((volatile u8 *)&skb->field + 3))
/* Addresses and ports are loaded as a whole. */
#define WHOLE(field) read_once(skb->field)
#define ALL(field) (read_once(skb->field) + HALVES(field) + BYTES(field))

static __always_inline u32 common_fields(struct __sk_buff *skb)
{
	return ALL(len) + ALL(pkt_type) + ALL(mark) + ALL(queue_mapping) + ALL(protocol) + ALL(vlan_present) +
	       ALL(vlan_tci) + ALL(vlan_proto) + ALL(priority) + ALL(ingress_ifindex) + ALL(ifindex) + ALL(cb[0]) +
	       ALL(cb[4]) + ALL(hash) + ALL(napi_id) + ALL(gso_segs) + ALL(gso_size);
}

SEC("tc") __accept
int tc_each_field(struct __sk_buff *skb)
{
	return common_fields(skb) + ALL(tc_index) + ALL(tc_classid) + ALL(wire_len);
}

SEC("socket") __accept
int socket_each_field(struct __sk_buff *skb)
{
	return common_fields(skb) + ALL(tc_index);
}

SEC("cgroup_skb/egress") __accept
int cgroup_each_field(struct __sk_buff *skb)
{
	return (common_fields(skb) + ALL(tc_index) + WHOLE(family) + WHOLE(remote_ip4) + WHOLE(local_ip4) + WHOLE(remote_ip6[3]) +
		WHOLE(local_ip6[0]) + WHOLE(remote_port) + WHOLE(local_port)) & 1;
}

SEC("sk_skb/stream_verdict") __accept
int sk_skb_each_field(struct __sk_buff *skb)
{
	return ALL(len) + ALL(pkt_type) + ALL(queue_mapping) + ALL(protocol) + ALL(vlan_present) + ALL(vlan_tci) +
	       ALL(vlan_proto) + ALL(priority) + ALL(ingress_ifindex) + ALL(ifindex) + ALL(cb[0]) + ALL(hash) +
	       ALL(napi_id) + WHOLE(family) + WHOLE(remote_ip4) + WHOLE(local_ip4) + WHOLE(remote_ip6[3]) + WHOLE(local_ip6[0]) +
	       WHOLE(remote_port) + WHOLE(local_port) + ALL(gso_segs) + ALL(gso_size) + ALL(tc_index);
}

SEC("lwt_xmit") __accept
int lwt_each_field(struct __sk_buff *skb)
{
	return common_fields(skb) & 1 ? BPF_OK : BPF_DROP;
}

SEC("tc") __accept
LOADS(tc_time, u64, tstamp, 0)

SEC("tc") __reject("invalid bpf_context access off=152 size=4")
LOADS(tc_half_of_the_time, u32, tstamp, 0)

SEC("tc") __reject("invalid bpf_context access off=152 size=1")
LOADS(tc_byte_of_the_time, u8, tstamp, 0)

SEC("cgroup_skb/ingress") __accept
LOADS(cgroup_time, u64, tstamp, 0)

SEC("socket") __reject("invalid bpf_context access off=152 size=8")
LOADS(socket_time, u64, tstamp, 0)

SEC("tc") __accept
LOADS(tc_hardware_time, u64, hwtstamp, 0)

SEC("socket") __reject("invalid bpf_context access off=184 size=8")
LOADS(socket_hardware_time, u64, hwtstamp, 0)

SEC("tc") __reject("invalid bpf_context access off=184 size=4")
LOADS(tc_half_of_the_hardware_time, u32, hwtstamp, 0)

SEC("tc") __accept
LOADS(tc_kind_of_time, u8, tstamp_type, 0)

SEC("socket") __reject("invalid bpf_context access off=180 size=1")
LOADS(socket_kind_of_time, u8, tstamp_type, 0)

SEC("tc") __reject("invalid bpf_context access off=180 size=2")
LOADS(tc_half_at_the_kind_of_time, u16, tstamp_type, 0)

SEC("tc") __reject("invalid bpf_context access off=181 size=1")
LOADS(tc_gap_behind_the_kind_of_time, u8, tstamp_type, 1)

SEC("tc") __reject("invalid bpf_context access off=180 size=1")
STORES(tc_stores_the_kind_of_time, u8, tstamp_type, 0)

SEC("tc") __accept
STORES(tc_stores_the_time, u64, tstamp, 0)

SEC("tc") __reject("invalid bpf_context access off=152 size=4")
STORES(tc_stores_half_of_the_time, u32, tstamp, 0)

SEC("cgroup_skb/egress") __accept
STORES(cgroup_stores_the_time, u64, tstamp, 0)

SEC("lwt_xmit") __reject("invalid bpf_context access off=152 size=8")
STORES(lwt_stores_the_time, u64, tstamp, 0)

SEC("tc") __accept
STORES(tc_stores_the_priority, u32, priority, 0)

SEC("tc") __accept
STORES(tc_stores_the_index, u32, tc_index, 0)

SEC("tc") __accept
STORES(tc_stores_the_class, u32, tc_classid, 0)

SEC("tc") __accept
STORES(tc_stores_the_queue, u32, queue_mapping, 0)

SEC("tc") __accept
STORES(tc_stores_control_bytes, u32, cb[2], 0)

SEC("tc") __accept
STORES(tc_stores_a_byte_of_control, u8, cb[2], 3)

SEC("tc") __accept
STORES(tc_stores_half_a_word_of_control, u16, cb[2], 2)

SEC("tc") __reject("invalid bpf_context access off=57 size=2")
STORES(tc_stores_control_not_aligned, u16, cb[2], 1)

SEC("tc") __accept
STORES(tc_stores_two_words_of_control, u64, cb[0], 0)

SEC("tc") __accept
LOADS(tc_two_words_in_the_middle_of_control, u64, cb[2], 0)

SEC("tc") __reject("invalid bpf_context access off=64 size=8")
LOADS(tc_last_word_of_control_and_what_follows, u64, cb[4], 0)

SEC("tc") __reject("invalid bpf_context access off=68 size=4")
STORES(tc_stores_the_hash, u32, hash, 0)

SEC("socket") __accept
STORES(socket_stores_control_bytes, u32, cb[0], 0)

SEC("socket") __reject("invalid bpf_context access off=32 size=4")
STORES(socket_stores_the_priority, u32, priority, 0)

SEC("sk_skb/stream_parser") __accept
STORES(parser_stores_the_priority, u32, priority, 0)

SEC("sk_skb/stream_parser") __accept
STORES(parser_stores_the_index, u32, tc_index, 0)

SEC("sk_skb/stream_parser") __reject("invalid bpf_context access off=48 size=4")
STORES(parser_stores_control_bytes, u32, cb[0], 0)

SEC("sk_skb/stream_parser") __reject("invalid bpf_context access off=8 size=4")
STORES(parser_stores_the_mark, u32, mark, 0)

SEC("sk_skb/stream_parser") __reject("invalid bpf_context access off=140 size=4")
LOADS(parser_metadata, u32, data_meta, 0)

SEC("sk_skb/stream_parser") __reject("invalid bpf_context access off=160 size=4")
LOADS(parser_length_on_the_wire, u32, wire_len, 0)

SEC("cgroup_skb/egress") __accept
STORES(cgroup_stores_the_mark, u32, mark, 0)

SEC("cgroup_skb/egress") __accept
STORES(cgroup_stores_the_priority, u32, priority, 0)

SEC("cgroup_skb/egress") __reject("invalid bpf_context access off=44 size=4")
STORES(cgroup_stores_the_index, u32, tc_index, 0)

SEC("cgroup_skb/egress") __reject("invalid bpf_context access off=140 size=4")
LOADS(cgroup_metadata, u32, data_meta, 0)

SEC("cgroup_skb/egress") __reject("invalid bpf_context access off=160 size=4")
LOADS(cgroup_length_on_the_wire, u32, wire_len, 0)

SEC("cgroup_skb/egress") __accept
LOADS(cgroup_packet, u32, data, 0)

SEC("lwt_xmit") __accept
STORES(lwt_stores_the_priority, u32, priority, 0)

SEC("lwt_xmit") __accept
STORES(lwt_stores_control_bytes, u32, cb[0], 0)

SEC("lwt_in") __reject("invalid bpf_context access off=72 size=4")
LOADS(lwt_class, u32, tc_classid, 0)

SEC("lwt_in") __reject("invalid bpf_context access off=140 size=4")
LOADS(lwt_metadata, u32, data_meta, 0)

SEC("lwt_in") __reject("invalid bpf_context access off=160 size=4")
LOADS(lwt_length_on_the_wire, u32, wire_len, 0)

SEC("lwt_in") __reject("invalid bpf_context access off=88 size=4")
LOADS(lwt_family, u32, family, 0)

SEC("tc") __reject("invalid bpf_context access off=144 size=8")
LOADS(tc_keys_of_a_dissector, u64, flow_keys, 0)

SEC("tc") __reject("invalid bpf_context access off=168 size=4")
LOADS(tc_half_of_a_socket, u32, sk, 0)

SEC("tc") __reject("invalid bpf_context access off=168 size=8")
STORES(tc_stores_a_socket, u64, sk, 0)

SEC("tc") __reject("invalid bpf_context access off=76 size=4")
STORES(tc_stores_a_packet_pointer, u32, data, 0)

SEC("tc") __reject("invalid bpf_context access off=76 size=8")
LOADS(tc_two_packet_pointers_at_once, u64, data, 0)

SEC("tc") __reject("invalid bpf_context access off=80 size=1")
LOADS(tc_byte_of_the_end, u8, data_end, 0)

SEC("tc") __accept
LOADS(tc_signed_half, s16, mark, 0)

SEC("tc") __reject("invalid bpf_context access off=76 size=4")
LOADS(tc_signed_packet_pointer, s32, data, 0)

SEC("flow_dissector") __reject("invalid bpf_context access off=0 size=4")
LOADS(dissector_length, u32, len, 0)

SEC("flow_dissector") __accept
LOADS(dissector_keys, u64, flow_keys, 0)

SEC("flow_dissector") __reject("invalid bpf_context access off=144 size=4")
LOADS(dissector_half_of_the_keys, u32, flow_keys, 0)

SEC("flow_dissector") __accept
LOADS(dissector_packet, u32, data, 0)

SEC("flow_dissector") __reject("invalid bpf_context access off=8 size=4")
LOADS(dissector_mark, u32, mark, 0)

SEC("flow_dissector") __reject("invalid bpf_context access off=48 size=4")
STORES(dissector_stores_control_bytes, u32, cb[0], 0)

SEC("netkit/primary") __accept
STORES(netkit_stores_the_class, u32, tc_classid, 0)

SEC("action") __accept
STORES(action_stores_the_mark, u32, mark, 0)
