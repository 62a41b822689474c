/* Helpers about sockets and packets that the other topics leave out: conversions, options, cookies, tunnels. */
#include "corpus.h"

GPL;
MAP(SOCKMAP, sockmap, u32, u32, 4);
MAP(SOCKHASH, sockhash, u32, u32, 4);

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} sk_storage SEC(".maps");

struct inet_connection_sock { u32 icsk_rto; } __attribute__((preserve_access_index));
struct tcp_sock { struct inet_connection_sock inet_conn; u32 snd_cwnd; u32 srtt_us; } __attribute__((preserve_access_index));
struct tcp_request_sock { u32 snt_isn; } __attribute__((preserve_access_index));
struct tcp_timewait_sock { u32 tw_rcv_nxt; } __attribute__((preserve_access_index));
struct unix_sock { struct sock sk; } __attribute__((preserve_access_index));

static __always_inline struct bpf_sock *lookup(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};

	return bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
}

SEC("tc") __accept
int socket_of_udp_looked_up(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk = bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);

	if (!sk)
		return 0;
	bpf_sk_release(sk);
	return 0;
}

SEC("tc") __accept
int socket_as_the_kernels_tcp_socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = lookup(skb);
	struct tcp_sock *tcp;
	u32 window = 0;

	if (!sk)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (tcp)
		window = tcp->snd_cwnd + tcp->inet_conn.icsk_rto;
	bpf_sk_release(sk);
	return window;
}

SEC("tc") __reject("invalid mem access 'scalar'")
int kernels_tcp_socket_after_release(struct __sk_buff *skb)
{
	struct bpf_sock *sk = lookup(skb);
	struct tcp_sock *tcp;

	if (!sk)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	bpf_sk_release(sk);
	return tcp ? tcp->snd_cwnd : 0;
}

SEC("tc") __reject("invalid mem access 'ptr_or_null_'")
int kernels_tcp_socket_without_null_check(struct __sk_buff *skb)
{
	struct bpf_sock *sk = lookup(skb);
	u32 window;

	if (!sk)
		return 0;
	window = bpf_skc_to_tcp_sock(sk)->snd_cwnd;
	bpf_sk_release(sk);
	return window;
}

SEC("tc") __accept
int kernels_tcp_socket_released(struct __sk_buff *skb)
{
	struct bpf_sock *sk = lookup(skb);
	struct tcp_sock *tcp;

	if (!sk)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (tcp)
		bpf_sk_release(tcp);
	else
		bpf_sk_release(sk);
	return 0;
}

SEC("tc") __accept
int socket_as_each_kind(struct __sk_buff *skb)
{
	struct bpf_sock *sk = lookup(skb);
	struct tcp_request_sock *request;
	struct tcp_timewait_sock *waiting;
	struct tcp6_sock *tcp6;
	struct udp6_sock *udp6;
	struct unix_sock *local;
	int sum = 0;

	if (!sk)
		return 0;
	request = bpf_skc_to_tcp_request_sock(sk);
	if (request)
		sum += 32;
	waiting = bpf_skc_to_tcp_timewait_sock(sk);
	if (waiting)
		sum += 16;
	tcp6 = bpf_skc_to_tcp6_sock(sk);
	if (tcp6)
		sum += 2;
	udp6 = bpf_skc_to_udp6_sock(sk);
	if (udp6)
		sum += 4;
	local = bpf_skc_to_unix_sock(sk);
	if (local)
		sum += 8;
	if (bpf_skc_to_mptcp_sock(sk))
		sum++;
	bpf_sk_release(sk);
	return sum;
}

SEC("tc") __reject("only read is supported")
int kernels_tcp_socket_written(struct __sk_buff *skb)
{
	struct bpf_sock *sk = lookup(skb);
	struct tcp_sock *tcp;

	if (!sk)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (tcp)
		tcp->snd_cwnd = 1;
	bpf_sk_release(sk);
	return 0;
}

SEC("tc") __reject("R1 type=ctx expected=")
int packet_as_a_socket(struct __sk_buff *skb)
{
	return bpf_skc_to_tcp_sock(skb) != NULL;
}

SEC("tc") __accept
int storage_of_a_kernels_socket_deleted(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	return sk ? bpf_sk_storage_delete(&sk_storage, sk) : 0;
}

SEC("tc") __accept
int groups_of_a_socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	int sum = bpf_skb_cgroup_classid(skb) + bpf_skb_cgroup_id(skb) + bpf_skb_ancestor_cgroup_id(skb, 1);

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (sk)
		sum += sk->mark;
	return sum;
}

SEC("cgroup_skb/ingress") __accept
int group_of_a_mini_socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return 1;
	return bpf_sk_cgroup_id(sk) & 1;
}

SEC("tc") __accept
int cookie_of_the_network(struct __sk_buff *skb)
{
	return bpf_get_netns_cookie(skb) + bpf_get_netns_cookie(NULL);
}

SEC("cgroup/sock_create") __accept
int cookie_of_the_network_of_a_socket(struct bpf_sock *sk)
{
	return bpf_get_netns_cookie(sk) != bpf_get_netns_cookie(NULL);
}

SEC("socket") __reject("R1 type=scalar expected=ctx")
int cookie_of_the_network_of_a_number(struct __sk_buff *skb)
{
	return bpf_get_netns_cookie((void *)(long)skb->len);
}

SEC("xdp") __accept
int cookies_of_syn(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	struct ipv6hdr *ip = data + 14;
	struct tcphdr *tcp = (void *)(ip + 1);
	s64 cookie;

	if ((void *)(tcp + 1) > end)
		return XDP_PASS;
	cookie = bpf_tcp_raw_gen_syncookie_ipv6(ip, tcp, sizeof(*tcp));
	if (cookie < 0)
		return XDP_PASS;
	return bpf_tcp_raw_check_syncookie_ipv6(ip, tcp) ? XDP_DROP : XDP_PASS;
}

SEC("xdp") __reject("invalid access to packet, off=14 size=40, R1")
int cookies_of_syn_without_check(struct xdp_md *xdp)
{
	struct ipv6hdr *ip = (void *)(long)xdp->data + 14;
	struct tcphdr *tcp = (void *)(ip + 1);

	return bpf_tcp_raw_check_syncookie_ipv6(ip, tcp);
}

SEC("xdp") __accept
int cookies_of_a_listener(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	struct iphdr *ip = data + 14;
	struct tcphdr *tcp = (void *)(ip + 1);
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;

	if ((void *)(tcp + 1) > end)
		return XDP_PASS;
	tuple.ipv4.daddr = ip->daddr;
	tuple.ipv4.dport = tcp->dest;
	sk = bpf_skc_lookup_tcp(xdp, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return XDP_PASS;
	bpf_tcp_check_syncookie(sk, ip, sizeof(*ip), tcp, sizeof(*tcp));
	bpf_tcp_gen_syncookie(sk, ip, sizeof(*ip), tcp, sizeof(*tcp));
	bpf_sk_release(sk);
	return XDP_PASS;
}

SEC("tc") __accept
int kind_of_packet_changed(struct __sk_buff *skb)
{
	bpf_set_hash_invalid(skb);
	return bpf_skb_change_type(skb, 0) + bpf_skb_ecn_set_ce(skb) + bpf_skb_set_tstamp(skb, 1, 1);
}

SEC("tc") __accept
int state_of_a_transformation(struct __sk_buff *skb)
{
	struct bpf_xfrm_state state;

	if (bpf_skb_get_xfrm_state(skb, 0, &state, sizeof(state), 0))
		return 0;
	return state.spi;
}

SEC("tc") __reject("invalid write to stack R3 off=-4 size=28")
int state_of_a_transformation_too_long(struct __sk_buff *skb)
{
	char state[4];

	return bpf_skb_get_xfrm_state(skb, 0, (void *)state, 28, 0);
}

SEC("tc") __accept
int packet_read_after_a_mark_of_congestion(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 14 > end)
		return 0;
	bpf_skb_ecn_set_ce(skb);
	return *(u8 *)data;
}

SEC("lwt_xmit") __accept
int header_pushed(struct __sk_buff *skb)
{
	struct iphdr header = { .version = 4, .ihl = 5 };

	return bpf_lwt_push_encap(skb, BPF_LWT_ENCAP_IP, &header, sizeof(header)) ? BPF_DROP : BPF_OK;
}

SEC("lwt_seg6local") __accept
int segments_changed(struct __sk_buff *skb)
{
	u32 table = 7;

	if (bpf_lwt_seg6_adjust_srh(skb, 40, 8))
		return BPF_DROP;
	return bpf_lwt_seg6_action(skb, 3, &table, sizeof(table)) ? BPF_DROP : BPF_OK;
}

SEC("lwt_seg6local") __reject("invalid mem access 'scalar'")
int packet_read_after_segments_changed(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 40 > end)
		return BPF_DROP;
	bpf_lwt_seg6_adjust_srh(skb, 40, 8);
	return *(u8 *)data ? BPF_DROP : BPF_OK;
}

SEC("sockops") __accept
int socket_put_into_maps(struct bpf_sock_ops *ops)
{
	u32 key = 0;

	bpf_sock_map_update(ops, &sockmap, &key, 0);
	bpf_sock_hash_update(ops, &sockhash, &key, BPF_NOEXIST);
	return 1;
}

SEC("sockops") __reject("cannot pass map_type 18 into func bpf_sock_map_update#53")
int socket_put_into_the_wrong_map(struct bpf_sock_ops *ops)
{
	u32 key = 0;

	bpf_sock_map_update(ops, &sockhash, &key, 0);
	return 1;
}

SEC("cgroup/sysctl") __accept
int new_value_of_a_control(struct bpf_sysctl *control)
{
	char text[16] = {};

	if (bpf_sysctl_get_new_value(control, text, sizeof(text)) < 0)
		return 0;
	bpf_sysctl_set_new_value(control, "600", 3);
	return 1;
}

SEC("cgroup/sysctl") __accept
int number_in_a_control(struct bpf_sysctl *control)
{
	char text[64] = {};
	unsigned long number = 0;
	long length = bpf_sysctl_get_current_value(control, text, sizeof(text));

	if (length < 0 || length >= 64)
		return 0;
	if (bpf_strtoul(text, 64, 0, &number) < 0)
		return 0;
	return number & 1;
}

SEC("cgroup/setsockopt") __accept
int result_of_an_option_set(struct bpf_sockopt *option)
{
	if (bpf_get_retval() == 0)
		bpf_set_retval(-1);
	return 0;
}

SEC("cgroup/connect4") __accept
int result_of_a_connection_set(struct bpf_sock_addr *addr)
{
	return bpf_set_retval(-13) == 0;
}

SEC("cgroup_skb/ingress") __reject("bpf_set_retval#187")
int result_of_a_packet_set(struct __sk_buff *skb)
{
	bpf_set_retval(-1);
	return 1;
}

SEC("cgroup/bind4") __accept
int options_of_a_socket(struct bpf_sock_addr *addr)
{
	int one = 1;

	bpf_setsockopt(addr, 1, 15, &one, sizeof(one));
	bpf_getsockopt(addr, 1, 15, &one, sizeof(one));
	return one & 1;
}

SEC("cgroup/getsockopt") __reject("program of this type cannot use helper bpf_getsockopt#57")
int options_of_the_socket_of_an_option(struct bpf_sockopt *option)
{
	struct bpf_sock *sk = option->sk;
	int value = 0;

	if (sk)
		bpf_getsockopt(sk, 6, 1, &value, sizeof(value));
	return 1;
}

SEC("cgroup/getsockopt") __accept
int value_of_an_option_overwritten(struct bpf_sockopt *option)
{
	u8 *value = option->optval, *end = option->optval_end;

	if (value + 4 > end)
		return 0;
	value[0] = 0x55;
	*(u32 *)value = 7;
	write_once(option->optlen, 4);
	write_once(option->retval, 0);
	return 1;
}

SEC("cgroup/getsockopt") __reject("invalid access to packet, off=1 size=1, R")
int value_of_an_option_overwritten_behind_the_check(struct bpf_sockopt *option)
{
	u8 *value = option->optval, *end = option->optval_end;

	if (value + 1 > end)
		return 0;
	value[1] = 0x55;
	return 1;
}

SEC("lirc_mode2") __not_checkable
int keys_of_a_remote_control(u32 *sample)
{
	if (*sample & 0xffffff)
		bpf_rc_keydown(sample, 0x40, 0x1234, 0);
	else
		bpf_rc_repeat(sample);
	bpf_rc_pointer_rel(sample, 1, -1);
	return 0;
}

SEC("iter/tcp") __accept
int socket_of_an_iterator(void *context)
{
	struct { struct bpf_iter_meta *meta; struct sock_common *sk_common; u32 uid; } *it = context;
	struct sock_common *common = it->sk_common;
	struct tcp_sock *tcp;

	if (!common)
		return 0;
	tcp = bpf_skc_to_tcp_sock(common);
	if (!tcp)
		return 0;
	return tcp->snd_cwnd & 1;
}

SEC("iter/tcp") __accept
int options_of_a_socket_of_an_iterator(void *context)
{
	struct { struct bpf_iter_meta *meta; struct sock_common *sk_common; u32 uid; } *it = context;
	struct sock_common *common = it->sk_common;
	int value = 1;

	if (!common)
		return 0;
	bpf_setsockopt(common, 1, 2, &value, sizeof(value));
	return 0;
}
