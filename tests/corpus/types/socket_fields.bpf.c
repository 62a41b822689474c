/* Each field of the contexts of sockets, and of sockets themselves, by each width. */
#include "corpus.h"

GPL;

#define ACCESS(name, context, statement, field, more)					\
	__naked int name(void)								\
	{										\
		asm volatile("								\
		r0 = 1;									\
		" statement ";								\
		r0 = 1;									\
		exit;									\
		" :: __imm_const(at, offsetof(struct context, field) + more) : __clobbers);	\
	}
#define LOOKUP_LOADS(name, width, field, more) \
	ACCESS(name, bpf_sk_lookup, "r0 = *(" #width " *)(r1 + %[at])", field, more)
#define OPS_LOADS(name, width, field, more) \
	ACCESS(name, bpf_sock_ops, "r0 = *(" #width " *)(r1 + %[at])", field, more)
#define OPS_STORES(name, width, field, more) \
	ACCESS(name, bpf_sock_ops, "*(" #width " *)(r1 + %[at]) = r0", field, more)
#define MSG_LOADS(name, width, field, more) \
	ACCESS(name, sk_msg_md, "r0 = *(" #width " *)(r1 + %[at])", field, more)
#define REUSE_LOADS(name, width, field, more) \
	ACCESS(name, sk_reuseport_md, "r0 = *(" #width " *)(r1 + %[at])", field, more)
#define OF_SKB(name, width, field, more) \
	ACCESS(name, bpf_sock, "r1 = *(u64 *)(r1 + 168); if r1 == 0 goto 1f; r0 = *(" #width " *)(r1 + %[at]); 1:", field, more)
#define OF_FULL(name, width, field, more) \
	__naked int name(void)								\
	{										\
		asm volatile("								\
		r1 = *(u64 *)(r1 + 168);						\
		if r1 == 0 goto 1f;							\
		call %[bpf_sk_fullsock];						\
		if r0 == 0 goto 1f;							\
		r0 = *(" #width " *)(r0 + %[at]);					\
	1:	r0 = 1;									\
		exit;									\
		" :: __imm_const(at, offsetof(struct bpf_sock, field) + more), __imm(bpf_sk_fullsock) : __clobbers);	\
	}
#define OF_TCP(name, width, field, more) \
	__naked int name(void)								\
	{										\
		asm volatile("								\
		r1 = *(u64 *)(r1 + 168);						\
		if r1 == 0 goto 1f;							\
		call %[bpf_tcp_sock];							\
		if r0 == 0 goto 1f;							\
		r0 = *(" #width " *)(r0 + %[at]);					\
	1:	r0 = 1;									\
		exit;									\
		" :: __imm_const(at, offsetof(struct bpf_tcp_sock, field) + more), __imm(bpf_tcp_sock) : __clobbers);	\
	}

SEC("sk_lookup") __accept
LOOKUP_LOADS(lookup_socket, u64, sk, 0)
SEC("sk_lookup") __reject("invalid bpf_context access off=0 size=4")
LOOKUP_LOADS(lookup_half_of_a_socket, u32, sk, 0)
SEC("sk_lookup") __accept
LOOKUP_LOADS(lookup_byte_of_the_family, u8, family, 0)
SEC("sk_lookup") __accept
LOOKUP_LOADS(lookup_upper_half_of_the_protocol, u16, protocol, 2)
SEC("sk_lookup") __accept
LOOKUP_LOADS(lookup_port, u16, remote_port, 0)
SEC("sk_lookup") __accept
LOOKUP_LOADS(lookup_port_and_what_follows, u32, remote_port, 0)
SEC("sk_lookup") __accept
LOOKUP_LOADS(lookup_byte_of_a_port, u8, remote_port, 1)
SEC("sk_lookup") __accept
LOOKUP_LOADS(lookup_gap_behind_a_port, u16, remote_port, 2)
SEC("sk_lookup") __accept
LOOKUP_LOADS(lookup_byte_of_the_gap, u8, remote_port, 2)
SEC("sk_lookup") __accept
LOOKUP_LOADS(lookup_local_port, u32, local_port, 0)
SEC("sk_lookup") __accept
LOOKUP_LOADS(lookup_half_of_a_local_port, u16, local_port, 0)
SEC("sk_lookup") __accept
LOOKUP_LOADS(lookup_last_word_of_an_address, u32, local_ip6[3], 0)
SEC("sk_lookup") __reject("invalid bpf_context access off=56 size=8")
LOOKUP_LOADS(lookup_two_words_of_an_address, u64, local_ip6[2], 4)
SEC("sk_lookup") __accept
LOOKUP_LOADS(lookup_interface, u32, ingress_ifindex, 0)
SEC("sk_lookup") __accept
LOOKUP_LOADS(lookup_byte_of_the_interface, u8, ingress_ifindex, 3)
SEC("sk_lookup") __reject("invalid bpf_context access off=68 size=4")
LOOKUP_LOADS(lookup_behind_the_context, u32, ingress_ifindex, 4)

SEC("sockops") __accept
OPS_LOADS(ops_operation, u32, op, 0)
SEC("sockops") __reject("invalid bpf_context access off=0 size=1")
OPS_LOADS(ops_byte_of_the_operation, u8, op, 0)
SEC("sockops") __reject("invalid bpf_context access off=0 size=8")
OPS_LOADS(ops_two_fields_at_once, u64, op, 0)
SEC("sockops") __accept
OPS_LOADS(ops_arguments, u32, args[3], 0)
SEC("sockops") __accept
OPS_STORES(ops_stores_the_reply, u32, reply, 0)
SEC("sockops") __reject("invalid bpf_context access off=16 size=4")
OPS_STORES(ops_stores_a_long_reply, u32, replylong[3], 0)
SEC("sockops") __reject("invalid bpf_context access off=0 size=4")
OPS_STORES(ops_stores_the_operation, u32, op, 0)
SEC("sockops") __accept
OPS_STORES(ops_stores_the_hash, u32, sk_txhash, 0)
SEC("sockops") __reject("invalid bpf_context access off=168 size=8")
OPS_STORES(ops_stores_bytes, u64, bytes_received, 0)
SEC("sockops") __accept
OPS_LOADS(ops_bytes, u64, bytes_received, 0)
SEC("sockops") __reject("invalid bpf_context access off=176 size=4")
OPS_LOADS(ops_half_of_the_bytes, u32, bytes_acked, 0)
SEC("sockops") __accept
OPS_LOADS(ops_socket, u64, sk, 0)
SEC("sockops") __accept
OPS_LOADS(ops_packet, u64, skb_data, 0)
SEC("sockops") __accept
OPS_LOADS(ops_end_of_the_packet, u64, skb_data_end, 0)
SEC("sockops") __reject("invalid bpf_context access off=192 size=4")
OPS_LOADS(ops_half_of_the_packet, u32, skb_data, 0)
SEC("sockops") __accept
OPS_LOADS(ops_flags_of_the_segment, u32, skb_tcp_flags, 0)
SEC("sockops") __accept
OPS_LOADS(ops_byte_of_the_flags_of_the_segment, u8, skb_tcp_flags, 0)
SEC("sockops") __accept
OPS_LOADS(ops_hardware_time, u64, skb_hwtstamp, 0)
SEC("sockops") __reject("invalid bpf_context access off=216 size=4")
OPS_LOADS(ops_half_of_the_hardware_time, u32, skb_hwtstamp, 0)
SEC("sockops") __reject("invalid bpf_context access off=224 size=4")
OPS_LOADS(ops_behind_the_context, u32, skb_hwtstamp, 8)
SEC("sockops") __accept
OPS_LOADS(ops_last_hash, u32, sk_txhash, 0)

SEC("sk_msg") __accept
MSG_LOADS(message, u64, data, 0)
SEC("sk_msg") __accept
MSG_LOADS(message_end, u64, data_end, 0)
SEC("sk_msg") __reject("invalid bpf_context access off=0 size=4")
MSG_LOADS(half_of_the_message, u32, data, 0)
SEC("sk_msg") __accept
MSG_LOADS(message_size, u32, size, 0)
SEC("sk_msg") __reject("invalid bpf_context access off=68 size=1")
MSG_LOADS(byte_of_the_message_size, u8, size, 0)
SEC("sk_msg") __accept
MSG_LOADS(message_socket, u64, sk, 0)
SEC("sk_msg") __accept
MSG_LOADS(message_port, u32, remote_port, 0)
SEC("sk_msg") __reject("invalid bpf_context access off=80 size=4")
MSG_LOADS(behind_the_message, u32, sk, 8)

SEC("sk_reuseport") __accept
REUSE_LOADS(reuse_packet, u64, data, 0)
SEC("sk_reuseport") __accept
REUSE_LOADS(reuse_protocol, u32, eth_protocol, 0)
SEC("sk_reuseport") __accept
REUSE_LOADS(reuse_half_of_the_protocol, u16, eth_protocol, 0)
SEC("sk_reuseport") __reject("invalid bpf_context access off=21 size=1")
REUSE_LOADS(reuse_byte_of_the_protocol, u8, eth_protocol, 1)
SEC("sk_reuseport") __accept
REUSE_LOADS(reuse_gap_behind_the_protocol, u16, eth_protocol, 2)
SEC("sk_reuseport") __accept
REUSE_LOADS(reuse_byte_of_the_next_protocol, u8, ip_protocol, 0)
SEC("sk_reuseport") __accept
REUSE_LOADS(reuse_hash, u32, hash, 0)
SEC("sk_reuseport") __reject("invalid bpf_context access off=34 size=1")
REUSE_LOADS(reuse_byte_of_the_hash, u8, hash, 2)
SEC("sk_reuseport") __accept
REUSE_LOADS(reuse_length, u16, len, 0)
SEC("sk_reuseport") __accept
REUSE_LOADS(reuse_any, u32, bind_inany, 0)
SEC("sk_reuseport") __accept
REUSE_LOADS(reuse_socket, u64, sk, 0)
SEC("sk_reuseport") __accept
REUSE_LOADS(reuse_migrating_socket_without_migration, u64, migrating_sk, 0)

SEC("tc") __accept
OF_SKB(socket_of_skb_family, u32, family, 0)
SEC("tc") __accept
OF_SKB(socket_of_skb_half_of_the_family, u16, family, 0)
SEC("tc") __accept
OF_SKB(socket_of_skb_interface, u32, bound_dev_if, 0)
SEC("tc") __accept
OF_SKB(socket_of_skb_state, u8, state, 0)
SEC("tc") __reject("invalid sock_common access off=16 size=4")
OF_SKB(socket_of_skb_mark, u32, mark, 0)
SEC("tc") __accept
OF_SKB(socket_of_skb_port, u16, dst_port, 0)
SEC("tc") __accept
OF_SKB(socket_of_skb_port_and_what_follows, u32, dst_port, 0)
SEC("tc") __accept
OF_SKB(socket_of_skb_source_port, u32, src_port, 0)
SEC("tc") __accept
OF_SKB(socket_of_skb_address, u32, dst_ip6[3], 0)
SEC("tc") __accept
OF_SKB(socket_of_skb_queue, u16, rx_queue_mapping, 0)

SEC("tc") __accept
OF_FULL(full_socket_interface, u32, bound_dev_if, 0)
SEC("tc") __reject("R0 invalid sock access off=18 size=1")
OF_FULL(full_socket_byte_of_the_mark, u8, mark, 2)
SEC("tc") __accept
OF_FULL(full_socket_half_of_an_address, u16, src_ip4, 2)
SEC("tc") __accept
OF_FULL(full_socket_port, u16, dst_port, 0)
SEC("tc") __accept
OF_FULL(full_socket_byte_of_a_port, u8, dst_port, 1)
SEC("tc") __reject("invalid sock access off=50 size=2")
OF_FULL(full_socket_gap_behind_a_port, u16, dst_port, 2)
SEC("tc") __accept
OF_FULL(full_socket_port_and_what_follows, u32, dst_port, 0)
SEC("tc") __accept
OF_FULL(full_socket_source_port, u16, src_port, 0)
SEC("tc") __accept
OF_FULL(full_socket_queue, u32, rx_queue_mapping, 0)
SEC("tc") __reject("invalid sock access off=24 size=8")
OF_FULL(full_socket_two_words, u64, src_ip4, 0)
SEC("tc") __reject("invalid sock access off=80 size=4")
OF_FULL(full_socket_behind, u32, rx_queue_mapping, 4)
SEC("tc") __accept
OF_TCP(tcp_socket_window, u32, snd_cwnd, 0)
SEC("tc") __reject("invalid tcp_sock access off=0 size=1")
OF_TCP(tcp_socket_byte_of_the_window, u8, snd_cwnd, 0)
SEC("tc") __accept
OF_TCP(tcp_socket_bytes, u64, bytes_received, 0)
SEC("tc") __reject("invalid tcp_sock access off=80 size=4")
OF_TCP(tcp_socket_half_of_the_bytes, u32, bytes_received, 0)
SEC("tc") __accept
OF_TCP(tcp_socket_last_field, u32, icsk_retransmits, 0)
SEC("tc") __reject("invalid tcp_sock access off=112 size=4")
OF_TCP(tcp_socket_behind, u32, icsk_retransmits, 4)
