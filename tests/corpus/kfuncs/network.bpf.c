/* Kernel functions of the network: connections, transforms, metadata, sockets, packets. */
#define bpf_xfrm_state_opts bpf_xfrm_state_opts___declared
#include "corpus.h"
#undef bpf_xfrm_state_opts

GPL;
struct bpf_xfrm_state_opts { s32 error; s32 netns_id; u32 mark; u32 address[4]; u32 spi; u8 proto; u16 family; };
struct bpf_tcp_req_attrs { u32 rcv_tsval; u32 rcv_tsecr; u16 mss; u8 rcv_wscale; u8 snd_wscale; u8 ecn_ok; u8 wscale_ok; u8 sack_ok; u8 tstamp_ok; u8 usec_ts_ok; u8 reserved[3]; };
extern int bpf_sk_assign_tcp_reqsk(struct __sk_buff *s, struct sock *sk, struct bpf_tcp_req_attrs *attrs, int attrs__sz) __ksym __weak;
enum nf_nat_manip_type { NF_NAT_MANIP_SRC, NF_NAT_MANIP_DST };
union nf_inet_addr { u32 all[4]; };
extern int bpf_ct_set_nat_info___typed(struct nf_conn___init *nfct, union nf_inet_addr *addr, int port, enum nf_nat_manip_type manip) __ksym __weak;

#define TUPLE struct bpf_sock_tuple tuple = {}; struct bpf_ct_opts options = { .netns_id = -1, .l4proto = IPPROTO_TCP };
#define lookup(skb) bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &options, sizeof(options))
#define allocate(skb) bpf_skb_ct_alloc(skb, &tuple, sizeof(tuple.ipv4), &options, sizeof(options))
#define TC(verdict, name, ...) SEC("tc") verdict int name(struct __sk_buff *skb) { TUPLE __VA_ARGS__; return 0; }
#define HELD struct nf_conn *ct = lookup(skb); if (!ct) return 0;
#define FRESH struct nf_conn___init *ct = allocate(skb); if (!ct) return 0;
#define INSERT { struct nf_conn *in = bpf_ct_insert_entry(ct); if (in) bpf_ct_release(in); }

TC(__accept, connection_changed, HELD bpf_ct_change_timeout(ct, 1000); bpf_ct_change_status(ct, 1 << 1); bpf_ct_release(ct))
TC(__accept, connection_read, HELD skb->mark = ct->status; bpf_ct_release(ct))
TC(__accept, connection_marked, HELD *(volatile u32 *)&ct->status; bpf_ct_release(ct))
TC(__reject("no write support to nf_conn at off 128"), connection_status_written, HELD ct->status = 1; bpf_ct_release(ct))
TC(__reject("R7 invalid mem access 'scalar'"), connection_read_after_release, HELD bpf_ct_release(ct); skb->mark = ct->status)
TC(__reject("max struct nesting depth exceeded"), connection_released_twice, HELD bpf_ct_release(ct); bpf_ct_release(ct))
TC(__reject("kernel function bpf_ct_insert_entry args#0 expected pointer to STRUCT nf_conn___init but R1 has a pointer to STRUCT nf_conn"), connection_inserted_again, HELD struct nf_conn *in = bpf_ct_insert_entry((void *)ct); if (in) bpf_ct_release(in))
TC(__reject("kernel function bpf_ct_release args#0 expected pointer to STRUCT nf_conn but R1 has a pointer to STRUCT nf_conn___init"), new_connection_released, FRESH bpf_ct_release((void *)ct))
TC(__reject("kernel function bpf_ct_change_timeout args#0 expected pointer to STRUCT nf_conn but R1 has a pointer to STRUCT nf_conn___init"), new_connection_changed_like_an_old_one, FRESH bpf_ct_change_timeout((void *)ct, 1); INSERT)
TC(__accept, new_connection_set_up, FRESH bpf_ct_set_timeout(ct, 100); bpf_ct_set_status(ct, 8); INSERT)
TC(__reject("max struct nesting depth exceeded"), new_connection_used_after_insertion, FRESH INSERT bpf_ct_set_status(ct, 8))
TC(__reject("Unreleased reference id="), inserted_connection_leaked, FRESH bpf_ct_insert_entry(ct))
TC(__accept, new_connection_translated, FRESH union nf_inet_addr address = {}; barrier(); bpf_ct_set_nat_info___typed(ct, &address, 80, NF_NAT_MANIP_SRC); INSERT)
TC(__accept, translation_of_short_memory, FRESH u32 address = 0; barrier(); bpf_ct_set_nat_info___typed(ct, (void *)&address, 80, 0); INSERT)
TC(__reject("Possibly NULL pointer passed to trusted arg1"), translation_of_nothing, FRESH bpf_ct_set_nat_info___typed(ct, NULL, 80, 0); INSERT)
TC(__accept, options_of_variable_length, HELD bpf_ct_release(ct); ct = bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &options, skb->mark & 15); if (ct) bpf_ct_release(ct))
TC(__accept, tuple_of_variable_length, struct nf_conn *ct = bpf_skb_ct_lookup(skb, &tuple, skb->mark & 15, &options, sizeof(options)); if (ct) bpf_ct_release(ct))
TC(__reject("R2 type=scalar expected=fp"), tuple_of_null, struct nf_conn *ct = bpf_skb_ct_lookup(skb, NULL, 12, &options, sizeof(options)); if (ct) bpf_ct_release(ct))
TC(__reject("dereference of modified ctx ptr R1 off=8 disallowed"), context_moved, struct nf_conn *ct = bpf_skb_ct_lookup((void *)skb + 8, &tuple, 12, &options, sizeof(options)); if (ct) bpf_ct_release(ct))
TC(__reject("R1 type=ctx expected=fp"), function_of_xdp_in_tc, struct nf_conn *ct = bpf_xdp_ct_lookup((void *)skb, &tuple, 12, &options, sizeof(options)); if (ct) bpf_ct_release(ct))
TC(__accept, two_connections, HELD struct nf_conn *other = lookup(skb); bpf_ct_release(ct); if (other) bpf_ct_release(other))

SEC("xdp") __accept
int connection_of_xdp(struct xdp_md *xdp)
{
	TUPLE
	struct nf_conn___init *fresh;
	struct nf_conn *ct = bpf_xdp_ct_lookup(xdp, &tuple, sizeof(tuple.ipv4), &options, sizeof(options));

	if (ct) {
		bpf_ct_change_timeout(ct, 30);
		bpf_ct_release(ct);
		return XDP_PASS;
	}
	fresh = bpf_xdp_ct_alloc(xdp, &tuple, sizeof(tuple.ipv4), &options, sizeof(options));
	if (!fresh)
		return XDP_DROP;
	bpf_ct_set_timeout(fresh, 10);
	ct = bpf_ct_insert_entry(fresh);
	if (!ct)
		return XDP_DROP;
	bpf_ct_release(ct);
	return XDP_PASS;
}

SEC("xdp") __accept
int transform_state_of_xdp(struct xdp_md *xdp)
{
	struct bpf_xfrm_state_opts options = { .netns_id = -1, .family = AF_INET };
	struct xfrm_state *state;

	state = bpf_xdp_get_xfrm_state(xdp, (void *)&options, sizeof(options));
	if (state)
		bpf_xdp_xfrm_state_release(state);
	return XDP_PASS;
}

SEC("xdp") __reject("Unreleased reference id=")
int transform_state_leaked(struct xdp_md *xdp)
{
	struct bpf_xfrm_state_opts options = { .netns_id = -1, .family = AF_INET };

	return bpf_xdp_get_xfrm_state(xdp, (void *)&options, sizeof(options)) ? XDP_PASS : XDP_DROP;
}

SEC("xdp") __accept
int packet_made_linear(struct xdp_md *xdp)
{
	u8 *data, *end;

	if (bpf_xdp_pull_data(xdp, 64))
		return XDP_DROP;
	data = (void *)(long)xdp->data;
	end = (void *)(long)xdp->data_end;
	return data + 64 <= end && data[63] ? XDP_PASS : XDP_DROP;
}

SEC("xdp") __reject("invalid mem access 'scalar'")
int packet_pointer_after_it_is_made_linear(struct xdp_md *xdp)
{
	u8 *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;

	if (data + 64 > end)
		return XDP_DROP;
	bpf_xdp_pull_data(xdp, 64);
	return data[0] ? XDP_PASS : XDP_DROP;
}

SEC("tc") __reject("Possibly NULL pointer passed to trusted arg1")
int socket_from_a_cookie(struct __sk_buff *skb)
{
	struct bpf_tcp_req_attrs attributes = { .mss = 1460 };
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;
	int result = 0;

	sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), -1, 0);
	if (!sk)
		return 0;
	if (sk->state == 10)
		result = bpf_sk_assign_tcp_reqsk(skb, (void *)bpf_skc_to_tcp_sock(sk), &attributes, sizeof(attributes));
	bpf_sk_release(sk);
	return result;
}

SEC("tc") __accept
int socket_from_a_cookie_checked(struct __sk_buff *skb)
{
	struct bpf_tcp_req_attrs attributes = { .mss = 1460 };
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;
	struct sock *tcp;
	int result = 0;

	sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), -1, 0);
	if (!sk)
		return 0;
	tcp = (void *)bpf_skc_to_tcp_sock(sk);
	if (tcp)
		result = bpf_sk_assign_tcp_reqsk(skb, tcp, &attributes, sizeof(attributes));
	bpf_sk_release(sk);
	return result;
}

SEC("sockops") __reject("arg#0 pointer type STRUCT bpf_sock_ops_kern must point to scalar, or struct with scalar")
int timestamps_by_the_context(struct bpf_sock_ops *ops)
{
	return bpf_sock_ops_enable_tx_tstamp(ops, 0) ? 0 : 1;
}

SEC("sockops") __accept
int timestamps_of_sent_packets(struct bpf_sock_ops *ops)
{
	return bpf_sock_ops_enable_tx_tstamp(bpf_cast_to_kern_ctx(ops), 0) ? 0 : 1;
}

#define CASTS(section, verdict, name) \
	SEC(section) verdict int name(void *context) { return *(volatile u8 *)bpf_cast_to_kern_ctx(context) & 0; }

CASTS("xdp", __reject("cannot access ptr member data with moff 0 in struct xdp_buff with off 0 size 1"), kernel_context_of_xdp)
CASTS("socket", __reject("cannot access ptr member next with moff 0 in struct (anon) with off 0 size 1"), kernel_context_of_a_socket_filter)
CASTS("cgroup/sysctl", __reject("cannot access ptr member head with moff 0 in struct bpf_sysctl_kern with off 0 size 1"), kernel_context_of_sysctl)
CASTS("cgroup/getsockopt", __reject("cannot access ptr member sk with moff 0 in struct bpf_sockopt_kern with off 0 size 1"), kernel_context_of_sockopt)
CASTS("cgroup/dev", __accept, kernel_context_of_a_device)
CASTS("sk_lookup", __accept, kernel_context_of_a_lookup)
CASTS("sk_msg", __accept, kernel_context_of_a_message)
CASTS("sk_reuseport", __reject("cannot access ptr member skb with moff 0 in struct sk_reuseport_kern with off 0 size 1"), kernel_context_of_reuseport)
CASTS("netfilter", __reject("cannot access ptr member state with moff 0 in struct bpf_nf_ctx with off 0 size 1"), kernel_context_of_netfilter)
CASTS("flow_dissector", __reject("cannot access ptr member flow_keys with moff 0 in struct bpf_flow_dissector with off 0 size 1"), kernel_context_of_a_dissector)
CASTS("perf_event", __reject("cannot access ptr member regs with moff 0 in struct bpf_perf_event_data_kern with off 0 size 1"), kernel_context_of_a_perf_event)
CASTS("kprobe/do_nanosleep", __accept, kernel_context_of_a_kprobe)
CASTS("tracepoint/syscalls/sys_enter_openat", __reject("kern ctx type id 38 is not a struct"), kernel_context_of_a_tracepoint)
CASTS("raw_tp/sys_enter", __reject("kern ctx type id 38 is not a struct"), kernel_context_of_a_raw_tracepoint)
CASTS("tp_btf/task_newtask", __reject("kern ctx type id 108 is not a struct"), kernel_context_of_tracing)
CASTS("syscall", __reject("kern ctx type id 108 is not a struct"), kernel_context_of_syscall)
CASTS("lwt_in", __reject("cannot access ptr member next with moff 0 in struct (anon) with off 0 size 1"), kernel_context_of_lwt)

SEC("cgroup/connect_unix") __accept
int path_of_a_socket(struct bpf_sock_addr *address)
{
	u8 path[8] = "corpus";

	barrier();
	bpf_sock_addr_set_sun_path(bpf_cast_to_kern_ctx(address), path, sizeof(path));
	return 1;
}

SEC("cgroup/connect_unix") __reject("invalid read from stack R2 off=-8 size=9")
int path_of_a_socket_too_long(struct bpf_sock_addr *address)
{
	u8 path[8] = "corpus";

	barrier();
	bpf_sock_addr_set_sun_path(bpf_cast_to_kern_ctx(address), path, 9);
	return 1;
}

SEC("cgroup/connect4") __reject("arg#0 pointer type STRUCT bpf_sock_addr_kern must point to scalar, or struct with scalar")
int path_of_a_socket_by_its_context(struct bpf_sock_addr *address)
{
	u8 path[8] = "corpus";

	barrier();
	bpf_sock_addr_set_sun_path(address, path, 8);
	return 1;
}

SEC("iter/tcp") __accept
int sockets_destroyed(void *context)
{
	struct iter_context { struct bpf_iter_meta *meta; struct sock_common *sk_common; u32 uid; } *tcp = context;

	if (tcp->sk_common)
		bpf_sock_destroy(tcp->sk_common);
	return 0;
}

SEC("iter/tcp") __reject("Possibly NULL pointer passed to trusted arg0")
int sockets_destroyed_unchecked(void *context)
{
	struct iter_context { struct bpf_iter_meta *meta; struct sock_common *sk_common; u32 uid; } *tcp = context;

	bpf_sock_destroy(tcp->sk_common);
	return 0;
}

SEC("tp_btf/task_newtask") __reject("calling kernel function bpf_sock_destroy is not allowed")
int sockets_destroyed_in_a_tracepoint(unsigned long long *arguments)
{
	bpf_sock_destroy((void *)arguments[0]);
	return 0;
}
