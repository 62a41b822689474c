/* Helpers on packets: loads, stores, checksums, geometry, tunnels, sockets. */
#include "corpus.h"

GPL;

SEC("tc") __accept
int load_and_store_bytes(struct __sk_buff *skb)
{
	char bytes[16];

	bpf_skb_load_bytes(skb, 0, bytes, sizeof(bytes));
	bpf_skb_load_bytes_relative(skb, 0, bytes, 8, BPF_HDR_START_NET);
	return bpf_skb_store_bytes(skb, 0, bytes, sizeof(bytes), BPF_F_RECOMPUTE_CSUM);
}

SEC("tc") __reject("invalid write to stack R3 off=-16 size=17")
__naked int load_more_than_buffer(void)
{
	asm volatile("					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -16;					\
	r4 = 17;					\
	call %[bpf_skb_load_bytes];			\
	exit;						\
"	:: __imm(bpf_skb_load_bytes) : __clobbers);
}

SEC("tc") __reject("R4 invalid zero-sized read: u64=[0,15]")
int load_perhaps_nothing(struct __sk_buff *skb)
{
	char bytes[16];
	u64 length = skb->mark & 15;

	return bpf_skb_load_bytes(skb, 0, bytes, length);
}

SEC("tc") __accept
int load_of_bounded_length(struct __sk_buff *skb)
{
	char bytes[16];
	u64 length = (skb->mark & 7) + 1;

	return bpf_skb_load_bytes(skb, 0, bytes, length);
}

SEC("tc") __reject("R4 invalid zero-sized read: u64=[0,4294967295]")
int load_of_unbounded_length(struct __sk_buff *skb)
{
	char bytes[16];

	return bpf_skb_load_bytes(skb, 0, bytes, skb->mark);
}

SEC("socket") __reject("program of this type cannot use helper bpf_skb_store_bytes#9")
int store_bytes_in_socket_filter(struct __sk_buff *skb)
{
	char bytes[4] = {};

	return bpf_skb_store_bytes(skb, 0, bytes, sizeof(bytes), 0);
}

SEC("xdp") __reject("program of this type cannot use helper bpf_skb_load_bytes#26")
int skb_load_bytes_in_xdp(struct xdp_md *xdp)
{
	char bytes[4];

	return bpf_skb_load_bytes((void *)xdp, 0, bytes, sizeof(bytes)) ? XDP_DROP : XDP_PASS;
}

SEC("tc") __accept
int checksums(struct __sk_buff *skb)
{
	u32 from = 1, to = 2;
	long difference = bpf_csum_diff(&from, sizeof(from), &to, sizeof(to), 0);

	bpf_l3_csum_replace(skb, 24, 0, difference, 0);
	bpf_l4_csum_replace(skb, 50, 0, difference, BPF_F_PSEUDO_HDR);
	bpf_csum_update(skb, difference);
	return bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY);
}

SEC("tc") __reject("invalid read from stack")
__naked int checksum_of_more_than_the_frame(void)
{
	asm volatile("					\
	r1 = r10;					\
	r1 += -8;					\
	r2 = 16;					\
	r3 = 0;						\
	r4 = 0;						\
	r5 = 0;						\
	call %[bpf_csum_diff];				\
	exit;						\
"	:: __imm(bpf_csum_diff) : __clobbers);
}

SEC("tc") __accept
int geometry(struct __sk_buff *skb)
{
	bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 1);
	bpf_skb_vlan_pop(skb);
	bpf_skb_change_tail(skb, 100, 0);
	bpf_skb_change_head(skb, 14, 0);
	bpf_skb_adjust_room(skb, 20, BPF_ADJ_ROOM_MAC, 0);
	bpf_skb_change_proto(skb, bpf_htons(ETH_P_IPV6), 0);
	return bpf_skb_pull_data(skb, 0);
}

SEC("xdp.frags") __accept
int xdp_geometry(struct xdp_md *xdp)
{
	char bytes[16];

	bpf_xdp_adjust_head(xdp, -4);
	bpf_xdp_adjust_tail(xdp, 4);
	bpf_xdp_adjust_meta(xdp, -4);
	bpf_xdp_load_bytes(xdp, 0, bytes, sizeof(bytes));
	bpf_xdp_store_bytes(xdp, 0, bytes, sizeof(bytes));
	return bpf_xdp_get_buff_len(xdp) > 64 ? XDP_PASS : XDP_DROP;
}

SEC("cgroup_skb/egress") __reject("program of this type cannot use helper bpf_skb_change_tail#38")
int geometry_in_cgroup_skb(struct __sk_buff *skb)
{
	return bpf_skb_change_tail(skb, 100, 0) & 1;
}

SEC("tc") __accept
int tunnel_keys(struct __sk_buff *skb)
{
	struct bpf_tunnel_key key = {};
	char options[8] = {};

	bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0);
	bpf_skb_set_tunnel_key(skb, &key, sizeof(key), 0);
	return bpf_skb_set_tunnel_opt(skb, options, sizeof(options)) + bpf_skb_get_tunnel_opt(skb, options, sizeof(options));
}

SEC("tc") __accept
int queries(struct __sk_buff *skb)
{
	return bpf_get_hash_recalc(skb) + bpf_get_route_realm(skb) + bpf_get_cgroup_classid(skb) +
	       bpf_get_socket_cookie(skb) + bpf_get_socket_uid(skb) + bpf_skb_cgroup_id(skb) +
	       bpf_skb_ancestor_cgroup_id(skb, 1);
}

SEC("tc") __accept
int route_lookup(struct __sk_buff *skb)
{
	struct bpf_fib_lookup parameters = { .family = AF_INET, .ifindex = 1 };

	return bpf_fib_lookup(skb, &parameters, sizeof(parameters), 0);
}

SEC("tc") __reject("R3 invalid zero-sized read")
int route_lookup_of_no_length(struct __sk_buff *skb)
{
	struct bpf_fib_lookup parameters = { .family = AF_INET, .ifindex = 1 };

	return bpf_fib_lookup(skb, &parameters, 0, 0);
}

SEC("tc") __accept
int mtu_check(struct __sk_buff *skb)
{
	u32 mtu = 0;

	return bpf_check_mtu(skb, 0, &mtu, 0, 0) ? TC_ACT_SHOT : mtu;
}

SEC("tc") __reject("misaligned stack access")
__naked int mtu_check_misaligned(void)
{
	asm volatile("					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -6;					\
	r4 = 0;						\
	r5 = 0;						\
	call %[bpf_check_mtu];				\
	exit;						\
"	:: __imm(bpf_check_mtu) : __clobbers);
}

SEC("tc") __accept
int syn_cookies(struct __sk_buff *skb)
{
	struct iphdr ip = {};
	struct tcphdr tcp = {};

	return bpf_tcp_raw_gen_syncookie_ipv4(&ip, &tcp, sizeof(tcp)) +
	       bpf_tcp_raw_check_syncookie_ipv4(&ip, &tcp);
}

SEC("cgroup/connect4") __accept
int socket_options(struct bpf_sock_addr *addr)
{
	struct { u16 family; char rest[14]; } address = { .family = AF_INET };
	int value = 1;

	bpf_setsockopt(addr, 1, 2, &value, sizeof(value));
	bpf_getsockopt(addr, 1, 2, &value, sizeof(value));
	return bpf_bind(addr, (void *)&address, sizeof(address)) & 1;
}

SEC("cgroup/sysctl") __accept
int sysctl_names_and_values(struct bpf_sysctl *sysctl)
{
	char text[32] = {};
	unsigned long number = 0;

	bpf_sysctl_get_name(sysctl, text, sizeof(text), 0);
	bpf_sysctl_get_current_value(sysctl, text, sizeof(text));
	bpf_strtoul(text, sizeof(text), 0, &number);
	return number > 10;
}

SEC("sockops") __accept
int sockops_callbacks_and_options(struct bpf_sock_ops *ops)
{
	char option[4] = { (char)253, 4 };

	bpf_sock_ops_cb_flags_set(ops, 1);
	bpf_load_hdr_opt(ops, option, sizeof(option), 0);
	bpf_reserve_hdr_opt(ops, 4, 0);
	return bpf_store_hdr_opt(ops, option, sizeof(option), 0) & 1;
}

SEC("sk_msg") __accept
int message_geometry(struct sk_msg_md *msg)
{
	bpf_msg_apply_bytes(msg, 10);
	bpf_msg_cork_bytes(msg, 20);
	bpf_msg_pull_data(msg, 0, 4, 0);
	bpf_msg_push_data(msg, 0, 4, 0);
	return bpf_msg_pop_data(msg, 0, 4, 0) ? SK_DROP : SK_PASS;
}

SEC("sk_skb/stream_verdict") __reject("program of this type cannot use helper bpf_msg_pull_data#63")
int message_helper_for_a_packet(struct __sk_buff *skb)
{
	return bpf_msg_pull_data((void *)skb, 0, 4, 0) ? SK_DROP : SK_PASS;
}

SEC("sk_lookup") __accept
int socket_assigned_to_lookup(struct bpf_sk_lookup *lookup)
{
	return bpf_sk_assign(lookup, NULL, 0) ? SK_DROP : SK_PASS;
}
