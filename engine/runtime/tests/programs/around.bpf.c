/* What is around programs: pages of an arena, sockets of queues, user space, the task. Each program returns 0, or the number
 * of the first step that went wrong. */
/* The kernel declares these with pointers that are not those of arenas. */
#define bpf_arena_alloc_pages alloc_pages_of_kernel
#define bpf_arena_free_pages free_pages_of_kernel
#define bpf_arena_reserve_pages reserve_pages_of_kernel
#include "corpus.h"
#undef bpf_arena_alloc_pages
#undef bpf_arena_free_pages
#undef bpf_arena_reserve_pages

GPL;
#define step(number, condition) if (!(condition)) return number
#define __arena __attribute__((address_space(1)))
#define PAGE 4096

struct bpf_xdp_sock {
	u32 queue_id;
};

struct {
	__uint(type, 33 /* BPF_MAP_TYPE_ARENA */);
	__uint(map_flags, 1 << 10 /* BPF_F_MMAPABLE */);
	__uint(max_entries, 8);
} pages SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u32);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, char[16]);
} names SEC(".maps");

void __arena *bpf_arena_alloc_pages(void *p__map, void __arena *addr__ign, u32 page_cnt, int node_id,
				    u64 flags) __ksym __weak;
void bpf_arena_free_pages(void *p__map, void __arena *ptr__ign, u32 page_cnt) __ksym __weak;
int bpf_arena_reserve_pages(void *p__map, void __arena *ptr__ign, u32 page_cnt) __ksym __weak;

SEC("syscall")
int arena_pages(void *ctx)
{
	volatile u64 __arena *first, *second, *both, *lost;

	step(1, !bpf_arena_alloc_pages(&pages, 0, 9, -1, 0));
	step(2, !bpf_arena_alloc_pages(&pages, 0, 0, -1, 0));
	step(3, !bpf_arena_alloc_pages(&pages, 0, 1, -1, 1));
	first = bpf_arena_alloc_pages(&pages, 0, 1, -1, 0);
	second = bpf_arena_alloc_pages(&pages, 0, 1, -1, 0);
	step(4, first && second && (char __arena *)second - (char __arena *)first == PAGE);
	first[0] = 7;
	second[511] = 8;
	step(5, first[0] == 7 && first[1] == 0 && second[511] == 8);
	/* What is not there reads as zero, and stores to it are lost. */
	second[512] = 9;
	step(6, second[512] == 0);
	both = bpf_arena_alloc_pages(&pages, (void __arena *)(second + 1024), 2, -1, 0);
	step(7, both && both - second == 1024);
	both[0] = 10;
	step(8, both[0] == 10 && second[512] == 0);
	step(9, !bpf_arena_alloc_pages(&pages, (void __arena *)second, 1, -1, 0));
	bpf_arena_free_pages(&pages, (void __arena *)first, 1);
	step(10, first[0] == 0 && second[511] == 8 && both[0] == 10);
	both[1] = 11;
	step(11, both[1] == 11);
	step(12, bpf_arena_reserve_pages(&pages, (void __arena *)second, 1) == -16);
	step(13, bpf_arena_reserve_pages(&pages, (void __arena *)first, 1) == 0);
	step(14, bpf_arena_reserve_pages(&pages, (void __arena *)(second + 7 * 512), 1) == -22);
	lost = bpf_arena_alloc_pages(&pages, 0, 1, -1, 0);
	step(15, lost && lost - second == 512);
	return 0;
}

SEC("xdp")
int to_a_queue(struct xdp_md *ctx)
{
	u32 queue = 1;
	struct bpf_xdp_sock *socket = bpf_map_lookup_elem(&sockets, &queue);

	step(20, socket && socket->queue_id == 3);
	step(21, bpf_redirect_map(&sockets, 0, XDP_DROP) == XDP_DROP);
	step(22, bpf_redirect_map(&sockets, 1, 1 << 3) == XDP_ABORTED);
	return bpf_redirect_map(&sockets, queue, XDP_PASS);
}

SEC("raw_tp/sys_enter")
int text_of_user_space(struct bpf_raw_tracepoint_args *ctx)
{
	char name[8] = "???????";
	const char *text = (const char *)ctx->args[0];
	u32 key = 0;
	char *kept = bpf_map_lookup_elem(&names, &key);

	step(1, kept);
	step(2, bpf_probe_read_user_str(name, sizeof(name), text) == 6 && name[0] == 'h' && name[5] == 0);
	step(3, bpf_probe_read_user_str(name, 3, text) == 3 && name[1] == 'e' && name[2] == 0);
	step(4, bpf_probe_read_user(name, 4, text + 1) == 0 && name[3] == 'o');
	step(5, bpf_probe_read_user(name, 8, text) == -14 && name[0] == 0);
	step(6, bpf_probe_read_user(name, 1, text + 100) == -14);
	step(7, bpf_probe_read_user(name, 1, 0) == -14);
	step(8, bpf_probe_write_user((void *)text, "J", 1) == 0);
	step(9, bpf_probe_read_user_str(kept, 16, text) == 6 && kept[0] == 'J');
	return 0;
}

SEC("raw_tp/sys_enter")
int task_around(struct bpf_raw_tracepoint_args *ctx)
{
	char name[16];

	step(1, bpf_get_current_pid_tgid() == ((u64)7 << 32 | 8));
	step(2, bpf_get_current_uid_gid() == ((u64)2 << 32 | 1));
	step(3, bpf_get_current_comm(name, sizeof(name)) == 0 && name[0] == 's' && name[2] == 0);
	step(4, bpf_get_current_cgroup_id() == 42);
	step(5, bpf_get_current_ancestor_cgroup_id(0) == 1 && bpf_get_current_ancestor_cgroup_id(1) == 42);
	step(6, bpf_get_current_ancestor_cgroup_id(2) == 0);
	step(7, bpf_send_signal(65) == -22 && bpf_send_signal(9) == 0);
	return 0;
}

SEC("tc")
int mtu_of_devices(struct __sk_buff *skb)
{
	u32 len = 0;

	step(1, bpf_check_mtu(skb, 0, &len, 0, 2) == -22);
	step(2, bpf_check_mtu(skb, 0, &len, 4, 1) == -22);
	step(3, bpf_check_mtu(skb, 9, &len, 0, 0) == -19 && len == 0);
	step(4, bpf_check_mtu(skb, 0, &len, 0, 0) == 0 && len == 65536);
	len = 65537;
	step(5, bpf_check_mtu(skb, 1, &len, 0, 0) == 1 && len == 65536);
	step(6, bpf_check_mtu(skb, 1, &len, 1, 0) == 1 && bpf_check_mtu(skb, 1, &len, -1, 0) == 0);
	step(7, bpf_skb_cgroup_id(skb) == 42 && bpf_skb_ancestor_cgroup_id(skb, 1) == 42);
	step(8, bpf_get_socket_uid(skb) == 0);
	return 0;
}

SEC("fexit/tcp_v4_connect")
int arguments(u64 *ctx)
{
	u64 value = 0;

	step(1, bpf_get_func_arg_cnt(ctx) == 3);
	step(2, bpf_get_func_arg(ctx, 1, &value) == 0 && value == 20);
	step(3, bpf_get_func_arg(ctx, 3, &value) == -22);
	step(4, bpf_get_func_ret(ctx, &value) == 0 && (int)value == -111);
	return 0;
}

SEC("fentry/tcp_v4_connect")
int arguments_at_entry(u64 *ctx)
{
	u64 value = 0;

	step(1, bpf_get_func_arg_cnt(ctx) == 3);
	step(2, bpf_get_func_ret(ctx, &value) == -95);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 3);
	__type(key, u32);
	__type(value, u32);
} groups SEC(".maps");

SEC("raw_tp/sys_enter")
int under_a_group(struct bpf_raw_tracepoint_args *ctx)
{
	step(1, bpf_current_task_under_cgroup(&groups, 0) == 1);
	step(2, bpf_current_task_under_cgroup(&groups, 1) == 0);
	step(3, bpf_current_task_under_cgroup(&groups, 2) == -11);
	step(4, bpf_current_task_under_cgroup(&groups, 3) == -7);
	return 0;
}

SEC("tc")
int kinds_of_sockets(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *listening, *connected;
	int result = 0;

	tuple.ipv4.daddr = 0x0200000a;
	tuple.ipv4.dport = __builtin_bswap16(80);
	listening = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), -1, 0);
	step(1, listening);
	if (!bpf_tcp_sock(listening) || bpf_get_listener_sock(listening) != listening)
		result = 2;
	bpf_sk_release(listening);
	tuple.ipv4.saddr = 0x0100000a;
	tuple.ipv4.sport = __builtin_bswap16(1000);
	connected = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), -1, 0);
	step(3, connected);
	if (!bpf_tcp_sock(connected) || bpf_get_listener_sock(connected))
		result = 4;
	bpf_sk_release(connected);
	return result;
}
