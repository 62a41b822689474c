/* Contexts and return values of programs attached to control groups, and of sockops. */
#include "corpus.h"

GPL;

SEC("cgroup/sock_create") __accept
int sock_create_writes_mark(struct bpf_sock *sk)
{
	sk->mark = 1;
	sk->priority = 2;
	sk->bound_dev_if = 3;
	return sk->family == AF_INET && sk->type && sk->protocol;
}

SEC("cgroup/sock_create") __reject("should have been in [0, 1]")
int sock_create_returns_two(struct bpf_sock *sk)
{
	return 2;
}

SEC("cgroup/sock_create") __reject("invalid bpf_context access off=4 size=4")
int sock_create_writes_family(struct bpf_sock *sk)
{
	sk->family = 1;
	return 1;
}

SEC("cgroup/sock_create") __reject("invalid bpf_context access off=24 size=4")
int sock_create_reads_source_address(struct bpf_sock *sk)
{
	return sk->src_ip4 & 1;
}

SEC("cgroup/post_bind4") __accept
int post_bind4_reads_source_address(struct bpf_sock *sk)
{
	return sk->src_ip4 != 0 && sk->src_port != 0;
}

SEC("cgroup/post_bind4") __reject("invalid bpf_context access off=28 size=4")
int post_bind4_reads_ipv6_address(struct bpf_sock *sk)
{
	return sk->src_ip6[0] & 1;
}

SEC("cgroup/sock_release") __accept
int sock_release_reads_family(struct bpf_sock *sk)
{
	return sk->family != 0;
}

SEC("cgroup/connect4") __accept
int connect4_rewrites_destination(struct bpf_sock_addr *addr)
{
	addr->user_ip4 = bpf_htonl(0x7f000001);
	addr->user_port = bpf_htons(80);
	return 1;
}

SEC("cgroup/connect4") __reject("invalid bpf_context access off=8 size=4")
int connect4_reads_ipv6_address(struct bpf_sock_addr *addr)
{
	return addr->user_ip6[0] & 1;
}

SEC("cgroup/connect6") __accept
int connect6_reads_ipv6_address(struct bpf_sock_addr *addr)
{
	return addr->user_ip6[3] & 1;
}

SEC("cgroup/connect4") __reject("should have been in [0, 1]")
int connect4_returns_two(struct bpf_sock_addr *addr)
{
	return 2;
}

SEC("cgroup/bind4") __accept
int bind4_returns_three(struct bpf_sock_addr *addr)
{
	return 3;
}

SEC("cgroup/bind4") __reject("should have been in [0, 3]")
int bind4_returns_four(struct bpf_sock_addr *addr)
{
	return 4;
}

SEC("cgroup/recvmsg4") __accept
int recvmsg4_returns_one(struct bpf_sock_addr *addr)
{
	return 1;
}

SEC("cgroup/recvmsg4") __reject("should have been in [1, 1]")
int recvmsg4_returns_zero(struct bpf_sock_addr *addr)
{
	return 0;
}

SEC("cgroup/sendmsg4") __accept
int sendmsg4_writes_source(struct bpf_sock_addr *addr)
{
	addr->msg_src_ip4 = bpf_htonl(0x7f000001);
	return 1;
}

SEC("cgroup/connect4") __reject("invalid bpf_context access off=40 size=4")
int connect4_reads_sendmsg_source(struct bpf_sock_addr *addr)
{
	return *(volatile u32 *)&addr->msg_src_ip4 & 1;
}

SEC("cgroup/getsockopt") __accept
int getsockopt_writes_value(struct bpf_sockopt *option)
{
	char *value = option->optval, *end = option->optval_end;

	if (value + 1 > end)
		return 0;
	value[0] = 1;
	write_once(option->retval, 0);
	write_once(option->optlen, 1);
	return option->level == 1 && option->optname == 2;
}

SEC("cgroup/getsockopt") __reject("invalid bpf_context access off=24 size=4")
int getsockopt_writes_level(struct bpf_sockopt *option)
{
	option->level = 1;
	return 1;
}

SEC("cgroup/setsockopt") __accept
int setsockopt_writes_level(struct bpf_sockopt *option)
{
	write_once(option->level, 1);
	write_once(option->optname, 2);
	return 1;
}

SEC("cgroup/setsockopt") __reject("invalid bpf_context access off=36 size=4")
int setsockopt_reads_retval(struct bpf_sockopt *option)
{
	return option->retval & 1;
}

SEC("cgroup/getsockopt") __reject("should have been in [0, 1]")
int getsockopt_returns_two(struct bpf_sockopt *option)
{
	return 2;
}

SEC("cgroup/dev") __accept
int dev_reads_context(struct bpf_cgroup_dev_ctx *device)
{
	return device->major == 1 && (device->access_type & 0xffff) == 2;
}

SEC("cgroup/dev") __reject("invalid bpf_context access off=4 size=4")
int dev_writes_context(struct bpf_cgroup_dev_ctx *device)
{
	device->major = 1;
	return 1;
}

SEC("cgroup/dev") __reject("should have been in [0, 1]")
int dev_returns_anything(struct bpf_cgroup_dev_ctx *device)
{
	return device->major;
}

SEC("cgroup/sysctl") __accept
int sysctl_seeks(struct bpf_sysctl *sysctl)
{
	sysctl->file_pos = 0;
	return sysctl->write == 0;
}

SEC("cgroup/sysctl") __reject("invalid bpf_context access off=0 size=4")
int sysctl_writes_write(struct bpf_sysctl *sysctl)
{
	sysctl->write = 1;
	return 1;
}

SEC("cgroup/sysctl") __reject("should have been in [0, 1]")
int sysctl_returns_two(struct bpf_sysctl *sysctl)
{
	return 2;
}

SEC("sockops") __accept
int sockops_reads_context(struct bpf_sock_ops *ops)
{
	ops->reply = ops->op + ops->family + ops->snd_cwnd + ops->args[0];
	return 1;
}

SEC("sockops") __accept
int sockops_reads_skb_data(struct bpf_sock_ops *ops)
{
	char *data = ops->skb_data, *end = ops->skb_data_end;

	return data + 20 <= end ? data[13] & 1 : 0;
}

SEC("sockops") __accept
int sockops_writes_hash(struct bpf_sock_ops *ops)
{
	ops->sk_txhash = 1;
	return 1;
}

SEC("sockops") __reject("invalid bpf_context access off=20 size=4")
int sockops_writes_family(struct bpf_sock_ops *ops)
{
	ops->family = 1;
	return 1;
}

SEC("sockops") __reject("should have been in [0, 1]")
int sockops_returns_anything(struct bpf_sock_ops *ops)
{
	return ops->op;
}
