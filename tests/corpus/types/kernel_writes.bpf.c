/* Writes to structures of the kernel by the few programs that may. */
#include "corpus.h"

GPL;

struct tcp_sock {
	u32 snd_cwnd;
	u32 snd_ssthresh;
	u32 snd_cwnd_cnt;
} __attribute__((preserve_access_index));

struct inet_connection_sock {
	u64 icsk_ca_priv[13];
} __attribute__((preserve_access_index));

SEC("struct_ops") __reject("write access at off 0 with size 8")
int state_written_too_wide(unsigned long long *arguments)
{
	u64 *state = (void *)arguments[0];

	if (state)
		write_once(*state, 0);
	return 0;
}

SEC("struct_ops") __reject("write access at off 4 with size 4")
int state_written_behind(unsigned long long *arguments)
{
	u32 *state = (void *)arguments[0];

	if (state)
		write_once(state[1], 0);
	return 0;
}

SEC("struct_ops") __reject("only access to bpf_dummy_ops_state is supported")
int task_written(unsigned long long *arguments)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 0;
	task->pid = 1;
	bpf_task_release(task);
	return 0;
}

SEC("struct_ops") __accept
int byte_of_the_state_written(unsigned long long *arguments)
{
	u8 *state = (void *)arguments[0];

	if (state)
		write_once(state[1], 0);
	return 0;
}

SEC("struct_ops") __reject("R1 invalid mem access 'trusted_ptr_or_null_'")
int nullable_state_written(unsigned long long *arguments)
{
	*(volatile u32 *)arguments[0] = 0;
	return 0;
}

SEC("struct_ops") __accept
int state_added_to(unsigned long long *arguments)
{
	struct bpf_dummy_ops_state *state = (void *)arguments[0];

	if (!state)
		return 0;
	state->val += 1;
	return state->val;
}

SEC("struct_ops") __accept
int state_added_to_at_once(unsigned long long *arguments)
{
	struct bpf_dummy_ops_state *state = (void *)arguments[0];

	if (!state)
		return 0;
	__sync_fetch_and_add(&state->val, 1);
	return 0;
}

SEC(".struct_ops.link")
struct bpf_dummy_ops dummy_a = { .test_1 = (void *)state_written_too_wide, };
SEC(".struct_ops.link")
struct bpf_dummy_ops dummy_b = { .test_1 = (void *)state_written_behind, };
SEC(".struct_ops.link")
struct bpf_dummy_ops dummy_c = { .test_1 = (void *)task_written, };
SEC(".struct_ops.link")
struct bpf_dummy_ops dummy_d = { .test_1 = (void *)byte_of_the_state_written, };
SEC(".struct_ops.link")
struct bpf_dummy_ops dummy_e = { .test_1 = (void *)nullable_state_written, };
SEC(".struct_ops.link")
struct bpf_dummy_ops dummy_f = { .test_1 = (void *)state_added_to, };
SEC(".struct_ops.link")
struct bpf_dummy_ops dummy_g = { .test_1 = (void *)state_added_to_at_once, };

SEC("struct_ops") __accept
int window_written(unsigned long long *arguments)
{
	struct tcp_sock *tcp = (void *)arguments[0];

	tcp->snd_cwnd = 10;
	tcp->snd_ssthresh = tcp->snd_cwnd + 1;
	return 0;
}

SEC("struct_ops") __reject("write access at off")
int window_written_too_wide(unsigned long long *arguments)
{
	struct tcp_sock *tcp = (void *)arguments[0];

	u32 *window = &tcp->snd_cwnd;

	asm volatile("*(u64 *)(%0 + 0) = 10" :: "r"(window) : "memory");
	return 0;
}

SEC("struct_ops") __accept
int private_words_written(unsigned long long *arguments)
{
	struct inet_connection_sock *icsk = (void *)arguments[0];

	icsk->icsk_ca_priv[0] = 1;
	icsk->icsk_ca_priv[12] = icsk->icsk_ca_priv[0];
	return 0;
}

SEC("struct_ops") __reject("write access at off")
int private_words_written_across_the_end(unsigned long long *arguments)
{
	struct inet_connection_sock *icsk = (void *)arguments[0];

	u64 *last = &icsk->icsk_ca_priv[12];

	asm volatile("*(u64 *)(%0 + 4) = 1" :: "r"(last) : "memory");
	return 0;
}

SEC("struct_ops") __accept
int acknowledged_bytes(unsigned long long *arguments)
{
	struct tcp_sock *tcp = (void *)arguments[0];

	bpf_tcp_send_ack(tcp, arguments[1]);
	tcp->snd_cwnd += arguments[2];
	return 0;
}

SEC("struct_ops") __accept
int result_with_all_bits(unsigned long long *arguments)
{
	return -1;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops congestion_a = {
	.ssthresh = (void *)window_written,
	.cong_avoid = (void *)acknowledged_bytes,
	.undo_cwnd = (void *)window_written_too_wide,
	.name = "corpus_a",
};
SEC(".struct_ops.link")
struct tcp_congestion_ops congestion_b = {
	.ssthresh = (void *)private_words_written,
	.undo_cwnd = (void *)private_words_written_across_the_end,
	.name = "corpus_b",
};
SEC(".struct_ops.link")
struct tcp_congestion_ops congestion_c = {
	.ssthresh = (void *)result_with_all_bits,
	.name = "corpus_c",
};
