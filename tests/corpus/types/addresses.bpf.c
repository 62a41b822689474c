/* Socket address hooks of either family, and the fields each of them sees. */
#include "corpus.h"

GPL;

SEC("cgroup/bind6") __accept
int bind6_reads_address_and_port(struct bpf_sock_addr *addr)
{
	return addr->user_ip6[0] != 0 && addr->user_port != 0;
}

SEC("cgroup/bind6") __reject("invalid bpf_context access off=4 size=4")
int bind6_reads_ipv4_address(struct bpf_sock_addr *addr)
{
	return addr->user_ip4 & 1;
}

SEC("cgroup/bind4") __reject("invalid bpf_context access off=8 size=4")
int bind4_reads_ipv6_address(struct bpf_sock_addr *addr)
{
	return addr->user_ip6[0] & 1;
}

SEC("cgroup/sendmsg6") __accept
int sendmsg6_writes_source(struct bpf_sock_addr *addr)
{
	write_once(addr->msg_src_ip6[0], 0);
	write_once(addr->msg_src_ip6[3], bpf_htonl(1));
	return 1;
}

SEC("cgroup/sendmsg6") __reject("invalid bpf_context access off=40 size=4")
int sendmsg6_reads_ipv4_source(struct bpf_sock_addr *addr)
{
	return addr->msg_src_ip4 & 1;
}

SEC("cgroup/recvmsg6") __accept
int recvmsg6_rewrites_address(struct bpf_sock_addr *addr)
{
	write_once(addr->user_ip6[3], bpf_htonl(1));
	return 1;
}

SEC("cgroup/recvmsg6") __reject("should have been in [1, 1]")
int recvmsg6_returns_zero(struct bpf_sock_addr *addr)
{
	return 0;
}

SEC("cgroup/getsockname6") __accept
int getsockname6_reads_family(struct bpf_sock_addr *addr)
{
	return addr->family == AF_INET6 ? 1 : 1;
}

SEC("cgroup/getsockname4") __reject("should have been in [1, 1]")
int getsockname4_returns_two(struct bpf_sock_addr *addr)
{
	return 2;
}

SEC("cgroup/connect6") __reject("invalid bpf_context access off=28 size=4")
int connect6_writes_family(struct bpf_sock_addr *addr)
{
	write_once(addr->family, 1);
	return 1;
}

SEC("cgroup/connect4") __accept
int connect4_checks_socket_for_null(struct bpf_sock_addr *addr)
{
	struct bpf_sock *sk = addr->sk;

	return sk ? sk->family == AF_INET : 0;
}

SEC("cgroup/connect4") __accept
int connect4_has_a_socket_that_is_never_null(struct bpf_sock_addr *addr)
{
	return addr->sk->family & 1;
}

SEC("cgroup/connect6") __accept
int connect6_reads_two_words_at_once(struct bpf_sock_addr *addr)
{
	return *(volatile u64 *)((void *)addr + 8) & 1;
}

SEC("cgroup/connect4") __accept
int connect4_reads_half_of_an_address(struct bpf_sock_addr *addr)
{
	return *(volatile u16 *)&addr->user_ip4 & 1;
}

SEC("cgroup/connect4") __reject("invalid bpf_context access off=4 size=1")
int connect4_writes_part_of_an_address(struct bpf_sock_addr *addr)
{
	*(volatile u8 *)&addr->user_ip4 = 1;
	return 1;
}

SEC("cgroup/post_bind6") __accept
int post_bind6_reads_address(struct bpf_sock *sk)
{
	return sk->src_ip6[0] != 0;
}

SEC("cgroup/post_bind6") __reject("invalid bpf_context access off=24 size=4")
int post_bind6_reads_ipv4_address(struct bpf_sock *sk)
{
	return sk->src_ip4 & 1;
}

SEC("cgroup/post_bind4") __reject("invalid bpf_context access off=16 size=4")
int post_bind4_writes_mark(struct bpf_sock *sk)
{
	sk->mark = 1;
	return 1;
}

SEC("cgroup/connect_unix") __reject("calling kernel function bpf_dynptr_from_xdp is not allowed")
int connect_unix_makes_a_packet_dynptr(struct bpf_sock_addr *addr)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_xdp((void *)addr, 0, &d);
	return 1;
}

SEC("cgroup/connect_unix") __accept
int connect_unix_sets_path(struct bpf_sock_addr *addr)
{
	u8 path[] = "/run/other";

	bpf_sock_addr_set_sun_path(bpf_cast_to_kern_ctx(addr), path, sizeof(path) - 1);
	return 1;
}

SEC("lirc_mode2") __not_checkable
int infrared_samples(u32 *sample)
{
	return *sample & 1;
}
