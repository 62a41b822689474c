/* Contexts of hooks of sockets, control groups and iterators, and the helpers that belong to them. Each program returns 0, or
 * the number of the first step that went wrong; where only some results are allowed, it is kept in `failed`. */
#include "corpus.h"

GPL;
#define step(number, condition) if (!(condition)) return number
#define check(number, condition) if (!(condition)) { failed = number; return 1; }
#define SOL_SOCKET 1
#define SOL_TCP 6
#define SO_SNDBUF 7
#define SO_MARK 36
#define TCP_CONGESTION 13
#define TCP_NODELAY 1
#define TCP_KEEPIDLE 4
#define TCP_BPF_SYN 1005
#define EINVAL 22

int failed;

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} by_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 4);
	__type(key, u64);
	__type(value, u64);
} by_key SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} group SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, u32);
	__type(value, u32);
} open SEC(".maps");

SEC("syscall")
int fills_open_map(void *ctx)
{
	u32 key = 1;

	return bpf_map_update_elem(&open, &key, &key, 0) != 0;
}

struct sockaddr_in {
	u16 family;
	u16 port;
	u32 address;
	u64 zero;
};

SEC("cgroup/connect4")
int connects(struct bpf_sock_addr *ctx)
{
	struct sockaddr_in from = { .family = AF_INET, .address = bpf_htonl(0x7f000001) };
	int value = 3000, len;
	char name[16];

	check(1, ctx->user_ip4 == bpf_htonl(0x0a000002) && ctx->user_port == bpf_htons(80));
	check(2, ctx->sk->family == AF_INET && ctx->sk->protocol == IPPROTO_TCP && ctx->sk->state == 7);
	check(3, bpf_getsockopt(ctx, SOL_TCP, TCP_KEEPIDLE, &value, sizeof(value)) == 0 && value == 7200);
	value = 3000;
	check(4, bpf_setsockopt(ctx, SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)) == 0);
	check(5, bpf_getsockopt(ctx, SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)) == 0 && value == 6000);
	check(6, bpf_getsockopt(ctx, SOL_TCP, TCP_CONGESTION, name, sizeof(name)) == 0 && name[0] == 'c');
	check(7, bpf_setsockopt(ctx, SOL_TCP, TCP_CONGESTION, "reno", 5) == 0);
	check(8, bpf_getsockopt(ctx, SOL_TCP, TCP_CONGESTION, name, 3) == 0 && name[0] == 'r' && name[1] == 'e' && !name[2]);
	value = 7;
	check(9, bpf_setsockopt(ctx, SOL_SOCKET, SO_MARK, &value, sizeof(value)) == 0 && ctx->sk->mark == 7);
	check(10, bpf_setsockopt(ctx, SOL_SOCKET, 99, &value, sizeof(value)) == -EINVAL);
	check(11, bpf_getsockopt(ctx, SOL_SOCKET, 99, &value, sizeof(value)) == -EINVAL && value == 0);
	check(12, bpf_getsockopt(ctx, 41, 67, &value, sizeof(value)) == -EINVAL);
	check(13, bpf_bind(ctx, (void *)&from, 2) == -EINVAL);
	check(14, bpf_bind(ctx, (void *)&from, sizeof(from)) == 0);
	check(15, ctx->sk->src_ip4 == bpf_htonl(0x7f000001));
	check(16, bpf_get_socket_cookie(ctx) == 1);
	ctx->user_port = bpf_htons(443);
	return 1;
}

SEC("sockops")
int calls_back(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct bpf_tcp_sock *tcp;
	u32 index = 1, last = 9;
	u64 key = 7;

	check(1, ctx->op == 4 && ctx->remote_port == bpf_htonl(443) && ctx->local_port == 1000);
	if (!sk)
		return 0;
	check(2, sk->state == 1 && sk->dst_port == bpf_htons(443));
	tcp = bpf_tcp_sock(sk);
	if (!tcp)
		return 0;
	check(3, tcp->snd_cwnd == 10 && tcp->mss_cache == 1448 && tcp->bytes_acked == 1ULL << 33);
	check(4, bpf_sock_ops_cb_flags_set(ctx, 0x81) == 0x80 && ctx->bpf_sock_ops_cb_flags == 1);
	check(5, bpf_sock_map_update(ctx, &by_index, &last, 0) == -7);
	check(6, bpf_sock_map_update(ctx, &by_index, &index, 2) == -2);
	check(7, bpf_sock_map_update(ctx, &by_index, &index, 0) == 0);
	check(8, bpf_sock_map_update(ctx, &by_index, &index, 1) == -17);
	check(9, bpf_sock_hash_update(ctx, &by_key, &key, 0) == 0);
	ctx->reply = 5;
	return 1;
}

SEC("sockops")
int writes_options(struct bpf_sock_ops *ctx)
{
	unsigned char mss[4] = { 2 }, own[4] = { 253, 4, 0xab, 0xcd }, same[2] = { 4, 2 }, found[4] = { 253, 4, 0xab, 0xcd };
	unsigned char syn[20];
	void *data = ctx->skb_data, *end = ctx->skb_data_end;

	check(1, ctx->skb_len == 24 && ctx->skb_tcp_flags == 2 && end - data == 24);
	check(2, bpf_load_hdr_opt(ctx, mss, sizeof(mss), 0) == 4 && mss[2] == 5 && mss[3] == 0xb4);
	check(3, bpf_load_hdr_opt(ctx, found, sizeof(found), 0) == -42);
	check(4, bpf_store_hdr_opt(ctx, mss, sizeof(mss), 0) == -17);
	check(5, bpf_store_hdr_opt(ctx, own, sizeof(own), 0) == 0);
	check(6, bpf_load_hdr_opt(ctx, found, sizeof(found), 0) == 4);
	check(7, bpf_store_hdr_opt(ctx, own, sizeof(own), 0) == -17);
	check(8, bpf_reserve_hdr_opt(ctx, 4, 0) == -1);
	data = ctx->skb_data;
	end = ctx->skb_data_end;
	check(9, end - data == 28);
	check(10, data + 28 <= end && ((unsigned char *)data)[24] == 253);
	check(11, bpf_load_hdr_opt(ctx, same, sizeof(same), 1) == -22);
	same[1] = 0;
	check(12, bpf_load_hdr_opt(ctx, same, sizeof(same), 1) == -2);
	check(13, bpf_getsockopt(ctx, SOL_TCP, TCP_BPF_SYN, syn, sizeof(syn)) == -2);
	return 1;
}

SEC("sockops")
int reserves_options(struct bpf_sock_ops *ctx)
{
	unsigned char syn[20], sack[2] = { 4 };

	check(1, bpf_reserve_hdr_opt(ctx, 1, 0) == -22);
	check(2, bpf_reserve_hdr_opt(ctx, 8, 0) == 0 && bpf_reserve_hdr_opt(ctx, 8, 0) == -28);
	check(3, bpf_getsockopt(ctx, SOL_TCP, TCP_BPF_SYN, syn, sizeof(syn)) == -28 && syn[3] == 80);
	check(4, bpf_load_hdr_opt(ctx, sack, sizeof(sack), 1) == 2 && sack[1] == 2);
	return 1;
}

SEC("sk_msg")
int changes_message(struct sk_msg_md *ctx)
{
	char *data = ctx->data, *end = ctx->data_end;

	check(1, ctx->size == 10 && end - data == 4 && ctx->remote_port == bpf_htonl(443));
	check(2, bpf_msg_pull_data(ctx, 4, 4, 0) == -EINVAL && bpf_msg_pull_data(ctx, 2, 11, 0) == -EINVAL);
	check(3, bpf_msg_pull_data(ctx, 2, 8, 0) == 0);
	data = ctx->data;
	end = ctx->data_end;
	check(4, end - data == 6 && data + 6 <= end && data[0] == 'c' && data[5] == 'h');
	check(5, bpf_msg_push_data(ctx, 11, 2, 0) == -EINVAL && bpf_msg_push_data(ctx, 1, 2, 0) == 0);
	check(6, ctx->size == 12);
	check(7, bpf_msg_pull_data(ctx, 0, 12, 0) == 0);
	data = ctx->data;
	end = ctx->data_end;
	if (data + 12 > end)
		return 0;
	check(8, data[0] == 'a' && data[1] == 0 && data[3] == 'b' && data[11] == 'j');
	data[1] = 'x';
	check(9, bpf_msg_pop_data(ctx, 2, 11, 0) == -EINVAL && bpf_msg_pop_data(ctx, 2, 9, 0) == 0);
	check(10, ctx->size == 3 && bpf_msg_pop_data(ctx, 0, 3, 1) == -EINVAL);
	bpf_msg_apply_bytes(ctx, 100);
	check(11, bpf_msg_redirect_map(ctx, &by_index, 0, 0) == 0);
	return bpf_msg_redirect_map(ctx, &by_index, 2, 0);
}

SEC("sk_reuseport")
int selects(struct sk_reuseport_md *ctx)
{
	u32 other = 3, chosen = 1, none = 0;
	unsigned char *data = ctx->data;

	check(1, ctx->len == 8 && ctx->ip_protocol == IPPROTO_UDP && ctx->sk->protocol == IPPROTO_UDP);
	check(2, data + 8 <= (unsigned char *)ctx->data_end && data[1] == 53);
	check(3, bpf_sk_select_reuseport(ctx, &group, &none, 0) == -2);
	check(4, bpf_sk_select_reuseport(ctx, &group, &other, 0) == -91);
	return bpf_sk_select_reuseport(ctx, &group, &chosen, 0) == 0;
}

SEC("sk_lookup")
int dispatches(struct bpf_sk_lookup *ctx)
{
	u32 connected = 0, waiting = 1;
	struct bpf_sock *sk;
	long err;

	check(1, !ctx->sk && ctx->local_port == 8080);
	sk = bpf_map_lookup_elem(&by_index, &connected);
	if (!sk)
		return 0;
	err = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	check(2, err == -94);
	sk = bpf_map_lookup_elem(&by_index, &waiting);
	if (!sk)
		return 0;
	err = bpf_sk_assign(ctx, sk, 4);
	if (err == -EINVAL)
		err = bpf_sk_assign(ctx, sk, 0);
	if (!err && bpf_sk_assign(ctx, sk, 0) != -17)
		err = 1;
	bpf_sk_release(sk);
	check(3, err == 0);
	check(4, ctx->sk && ctx->sk->src_port == 80);
	return 1;
}

SEC("cgroup/setsockopt")
int sets_option(struct bpf_sockopt *ctx)
{
	char *value = ctx->optval;

	check(1, ctx->level == SOL_TCP && ctx->optlen == 4 && ctx->sk->protocol == IPPROTO_TCP);
	check(2, value + 4 <= (char *)ctx->optval_end && value[0] == 7);
	value[0] = 9;
	ctx->optlen = 1;
	check(3, bpf_get_netns_cookie(ctx) == 1);
	return 1;
}

SEC("cgroup/sysctl")
int writes_sysctl(struct bpf_sysctl *ctx)
{
	char text[16];

	check(1, ctx->write == 1 && bpf_sysctl_get_name(ctx, text, sizeof(text), 0) == 12 && text[4] == 'i');
	check(2, bpf_sysctl_get_name(ctx, text, sizeof(text), 1) == 3 && text[0] == 't' && text[3] == 0);
	check(3, bpf_sysctl_get_name(ctx, text, 5, 0) == -7 && text[3] == '/' && text[4] == 0);
	check(4, bpf_sysctl_get_current_value(ctx, text, sizeof(text)) == 4 && text[0] == '6' && text[4] == 0);
	check(5, bpf_sysctl_get_new_value(ctx, text, 3) == -7 && text[0] == '7' && text[2] == 0);
	check(6, bpf_sysctl_set_new_value(ctx, "800", 3) == 0);
	check(7, bpf_sysctl_get_new_value(ctx, text, sizeof(text)) == 3 && text[0] == '8');
	return 1;
}

SEC("iter/task")
int shows_tasks(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	u64 values[2];

	if (!task) {
		bpf_seq_write(seq, "end\n", 4);
		return 0;
	}
	values[0] = task->pid;
	values[1] = (u64)task->comm;
	if (bpf_seq_printf(seq, "%d %s\n", 7, values, sizeof(values)))
		return 1;
	return ctx->meta->seq_num == 0 ? 0 : 1;
}

SEC("perf_event")
int samples(struct bpf_perf_event_data *ctx)
{
	struct bpf_perf_event_value value = {};
	char entries[24];

	step(1, ctx->sample_period == 100 && ctx->addr == 0x1000);
	step(2, bpf_perf_prog_read_value(ctx, &value, sizeof(value)) == 0 && value.counter == 5 && value.running == 8);
	step(3, bpf_perf_prog_read_value(ctx, &value, 8) == -EINVAL && value.counter == 0);
	step(4, bpf_read_branch_records(ctx, entries, sizeof(entries), 0) == -2);
	step(5, bpf_get_attach_cookie(ctx) == 77);
	return 0;
}

SEC("tc")
int own_socket(struct __sk_buff *ctx)
{
	struct bpf_sock *sk = ctx->sk, *full;
	struct bpf_xfrm_state state;

	step(1, sk);
	step(2, sk->family == AF_INET && sk->src_ip4 == bpf_htonl(0x0a000001));
	full = bpf_sk_fullsock(sk);
	step(3, full);
	step(4, full->state == 7 && full->protocol == 0 && bpf_tcp_sock(full) == NULL);
	step(5, bpf_skb_get_xfrm_state(ctx, 0, &state, sizeof(state), 0) == -EINVAL);
	return 0;
}

SEC("tc")
int syn_cookies(struct __sk_buff *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + 14;
	struct tcphdr *tcp = (void *)(ip + 1);
	struct tcphdr answer = {};
	__s64 cookie;

	step(1, (void *)(tcp + 1) + 4 <= end);
	step(2, bpf_tcp_raw_gen_syncookie_ipv4(ip, tcp, sizeof(*tcp)) == -EINVAL);
	cookie = bpf_tcp_raw_gen_syncookie_ipv4(ip, tcp, sizeof(*tcp) + 4);
	step(3, cookie >> 32 == 1440);
	answer.source = tcp->source;
	answer.dest = tcp->dest;
	answer.seq = bpf_htonl(bpf_ntohl(tcp->seq) + 1);
	answer.ack_seq = bpf_htonl((u32)cookie + 1);
	step(4, bpf_tcp_raw_check_syncookie_ipv4(ip, &answer) == 0);
	answer.ack_seq = bpf_htonl((u32)cookie + 5);
	step(5, bpf_tcp_raw_check_syncookie_ipv4(ip, &answer) == -13);
	return 0;
}

/* Whether a lookup fails with an error. */
static __always_inline bool fails(struct __sk_buff *ctx, struct bpf_sock_tuple *tuple, u32 size, struct bpf_ct_opts *opts,
				  u32 opts_size, int error)
{
	struct nf_conn *found = bpf_skb_ct_lookup(ctx, tuple, size, opts, opts_size);

	if (found) {
		bpf_ct_release(found);
		return false;
	}
	return opts->error == error;
}

SEC("tc")
int tracked(struct __sk_buff *ctx)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_ct_opts opts = { .netns_id = -1, .l4proto = IPPROTO_TCP };
	struct nf_conn *found;
	struct nf_conn___init *made;

	step(1, fails(ctx, &tuple, 8, &opts, sizeof(opts), -97));
	step(2, fails(ctx, &tuple, sizeof(tuple.ipv4), &opts, 8, -EINVAL));
	opts.l4proto = 1;
	step(3, fails(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts), -71));
	opts.l4proto = IPPROTO_TCP;
	step(4, fails(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts), -2));
	tuple.ipv4.saddr = bpf_htonl(0x0a000002);
	tuple.ipv4.daddr = bpf_htonl(0x0a000001);
	tuple.ipv4.sport = bpf_htons(80);
	tuple.ipv4.dport = bpf_htons(1000);
	found = bpf_skb_ct_lookup(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	step(5, found);
	if (opts.dir != 1 || bpf_ct_change_status(found, 0) != -16 || bpf_ct_change_status(found, 0xe) != 0) {
		bpf_ct_release(found);
		return 6;
	}
	bpf_ct_release(found);
	tuple.ipv4.sport = bpf_htons(81);
	made = bpf_skb_ct_alloc(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	step(7, made);
	bpf_ct_set_timeout(made, 1000);
	bpf_ct_set_status(made, 4);
	found = bpf_ct_insert_entry(made);
	step(8, found);
	bpf_ct_release(found);
	found = bpf_skb_ct_lookup(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	step(9, found);
	bpf_ct_release(found);
	return opts.dir == 0 ? 0 : 10;
}

struct xfrm_info {
	u32 if_id;
	int link;
};

struct fou_encap {
	u16 sport;
	u16 dport;
};

int bpf_skb_set_xfrm_info(struct __sk_buff *ctx, const struct xfrm_info *from) __ksym __weak;
int bpf_skb_get_xfrm_info(struct __sk_buff *ctx, struct xfrm_info *to) __ksym __weak;
int bpf_skb_set_fou_encap(struct __sk_buff *ctx, struct fou_encap *encap, int type) __ksym __weak;
int bpf_skb_get_fou_encap(struct __sk_buff *ctx, struct fou_encap *encap) __ksym __weak;

SEC("tc")
int beside_packet(struct __sk_buff *ctx)
{
	struct bpf_tunnel_key key = { .tunnel_id = 7 };
	struct xfrm_info info = { .if_id = 3, .link = 4 }, seen = {};
	struct fou_encap ports = { .sport = 5, .dport = 6 }, known = {};

	step(1, bpf_skb_get_xfrm_info(ctx, &seen) == -EINVAL && bpf_skb_set_xfrm_info(ctx, &info) == 0);
	step(2, bpf_skb_get_xfrm_info(ctx, &seen) == 0 && seen.if_id == 3 && seen.link == 4);
	step(3, bpf_skb_set_xfrm_info(ctx, &info) == -EINVAL);
	step(4, bpf_skb_set_fou_encap(ctx, &ports, 0) == -EINVAL && bpf_skb_get_fou_encap(ctx, &known) == -EINVAL);
	step(5, bpf_skb_set_tunnel_key(ctx, &key, sizeof(key), 0) == 0 && bpf_skb_get_xfrm_info(ctx, &seen) == -EINVAL);
	step(6, bpf_skb_set_fou_encap(ctx, &ports, 0) == 0);
	step(7, bpf_skb_get_fou_encap(ctx, &known) == 0 && known.sport == 5 && known.dport == 6);
	return 0;
}

SEC("lwt_xmit")
int pushes_header(struct __sk_buff *ctx)
{
	struct iphdr outer = { .version = 4, .ihl = 5, .ttl = 64 };
	unsigned char *data;
	u32 len = ctx->len;

	step(1, bpf_lwt_push_encap(ctx, 0, &outer, sizeof(outer)) == -EINVAL);
	step(2, bpf_lwt_push_encap(ctx, 2, &outer, sizeof(outer)) == 0 && ctx->len == len + 20);
	data = (void *)(long)ctx->data;
	step(3, data + 40 <= (unsigned char *)(long)ctx->data_end);
	step(4, data[8] == 64 && *(u16 *)(data + 10) == bpf_htons(0x7aff) && data[20] == 0x45);
	return 0;
}

struct path___known {
	void *mnt;
};

struct file___with_path {
	struct path___known f_path;
} __attribute__((preserve_access_index));

SEC("lsm/file_open")
int opens(u64 *ctx)
{
	struct file___with_path *file = (void *)ctx[0];
	char text[16];

	if (bpf_d_path((void *)&file->f_path, text, 4) != -36)
		return -1;
	return bpf_d_path((void *)&file->f_path, text, sizeof(text)) == 12 && text[5] == 'p' ? 0 : -2;
}

SEC("syscall")
int task_and_group(void *ctx)
{
	struct bpf_pidns_info numbers;
	struct bpf_iter_task it;
	struct task_struct *task;
	struct cgroup *own, *root;
	int count = 0, under;

	step(1, bpf_get_ns_current_pid_tgid(4, 6, &numbers, sizeof(numbers)) == -EINVAL && numbers.pid == 0);
	step(2, bpf_get_ns_current_pid_tgid(4, 5, &numbers, sizeof(numbers)) == 0 && numbers.tgid == 7);
	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, NULL, 0);
	while ((task = bpf_iter_task_next(&it)))
		count += task->pid;
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	step(3, count == 8);
	own = bpf_cgroup_from_id(43);
	if (own) {
		bpf_cgroup_release(own);
		return 4;
	}
	own = bpf_cgroup_from_id(42);
	step(5, own);
	root = bpf_cgroup_ancestor(own, 0);
	if (!root) {
		bpf_cgroup_release(own);
		return 6;
	}
	under = bpf_task_under_cgroup(bpf_get_current_task_btf(), own) + own->level;
	bpf_rcu_read_lock();
	under += bpf_get_current_task_btf()->cgroups->dfl_cgrp->level;
	bpf_rcu_read_unlock();
	bpf_cgroup_release(root);
	bpf_cgroup_release(own);
	step(7, under == 3);
	return 0;
}
