/* Operations of the kernel that programs implement: which members, with what arguments, results and kfuncs. */
#include "corpus.h"

GPL;
struct inet_connection_sock { struct sock *icsk_inet; u64 icsk_ca_priv[13]; } __attribute__((preserve_access_index));
struct tcp_sock { u32 snd_cwnd; u32 snd_cwnd_cnt; u32 snd_ssthresh; u32 lost_out; u32 max_window; u8 ecn_flags; } __attribute__((preserve_access_index));
struct rate_sample;
enum tcp_ca_event { CA_EVENT_TX_START };
union tcp_cc_info;
struct tcp_congestion_ops___all {
	u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, u32 ack, u32 acked);
	void (*set_state)(struct sock *sk, u8 new_state);
	void (*cwnd_event)(struct sock *sk, enum tcp_ca_event ev);
	void (*in_ack_event)(struct sock *sk, u32 flags);
	u32 (*min_tso_segs)(struct sock *sk);
	void (*cong_control)(struct sock *sk, u32 ack, int flag, const struct rate_sample *rs);
	u32 (*undo_cwnd)(struct sock *sk);
	u32 (*sndbuf_expand)(struct sock *sk);
	size_t (*get_info)(struct sock *sk, u32 ext, int *attr, union tcp_cc_info *info);
	char name[16];
	void (*init)(struct sock *sk);
	void (*release)(struct sock *sk);
} __attribute__((preserve_access_index));
extern u32 tcp_reno_ssthresh(struct sock *sk) __ksym __weak;
extern u32 tcp_reno_undo_cwnd(struct sock *sk) __ksym __weak;
extern u32 tcp_slow_start(struct tcp_sock *tp, u32 acked) __ksym __weak;
extern void tcp_cong_avoid_ai(struct tcp_sock *tp, u32 w, u32 acked) __ksym __weak;
extern void tcp_reno_cong_avoid(struct sock *sk, u32 ack, u32 acked) __ksym __weak;
extern void cubictcp_init(struct sock *sk) __ksym __weak;

#define OPERATION(verdict, name, ...)				\
	SEC("struct_ops") verdict				\
	int name(unsigned long long *arguments)			\
	{							\
		struct sock *sk = (void *)arguments[0];		\
		struct tcp_sock *tp = (void *)sk;		\
								\
		__VA_ARGS__;					\
		return 0;					\
	}
#define TABLE(table, member, program) \
	SEC(".struct_ops.link") struct tcp_congestion_ops___all table = { .member = (void *)program, .name = #table };

OPERATION(__accept, threshold_of_reno, return tcp_reno_ssthresh(sk))
TABLE(threshold, ssthresh, threshold_of_reno)
OPERATION(__accept, undo_of_reno, return tcp_reno_undo_cwnd(sk))
TABLE(undo, undo_cwnd, undo_of_reno)
OPERATION(__accept, avoidance_of_reno, tcp_reno_cong_avoid(sk, arguments[1], arguments[2]))
TABLE(avoidance, cong_avoid, avoidance_of_reno)
OPERATION(__accept, slow_start, u32 acked = tcp_slow_start(tp, arguments[2]); tcp_cong_avoid_ai(tp, tp->snd_cwnd, acked))
TABLE(slow, cong_avoid, slow_start)
OPERATION(__accept, window_written, tp->snd_cwnd = 10; tp->snd_cwnd_cnt = 0; tp->snd_ssthresh = 5)
TABLE(window, set_state, window_written)
OPERATION(__reject("no write support to tcp_sock"), lost_written, tp->lost_out = 1)
TABLE(lost, set_state, lost_written)
OPERATION(__reject("no write support to tcp_sock at off 1448"), window_written_too_wide, *(volatile u64 *)&tp->snd_cwnd = 10)
TABLE(wide, set_state, window_written_too_wide)
OPERATION(__accept, window_written_by_halves, *(volatile u16 *)&tp->snd_cwnd = 10)
TABLE(halves, set_state, window_written_by_halves)
OPERATION(__accept, flags_written, tp->ecn_flags |= 1)
TABLE(flags, set_state, flags_written)
OPERATION(__reject("attach to unsupported member get_info of struct tcp_congestion_ops"), information_given, return 0)
TABLE(information, get_info, information_given)
OPERATION(__accept, option_set, int value = 1; barrier(); bpf_setsockopt(sk, 6, 1, &value, sizeof(value)))
TABLE(option, cwnd_event, option_set)
OPERATION(__accept, option_set_while_beginning, int value = 1; barrier(); bpf_setsockopt(sk, 6, 1, &value, sizeof(value)))
TABLE(beginning, init, option_set_while_beginning)
OPERATION(__reject("program of this type cannot use helper bpf_setsockopt#49"), option_set_while_ending, int value = 1; barrier(); bpf_setsockopt(sk, 6, 1, &value, sizeof(value)))
TABLE(ending, release, option_set_while_ending)
OPERATION(__accept, cubic_begins, cubictcp_init(sk))
TABLE(cubic, init, cubic_begins)
OPERATION(__reject("func 'ssthresh' doesn't have 3-th argument"), fourth_argument_of_one, return arguments[3])
TABLE(fourth, ssthresh, fourth_argument_of_one)
OPERATION(__reject("invalid bpf_context access off=0 size=8"), context_written, arguments[0] = 0)
TABLE(context, ssthresh, context_written)
OPERATION(__accept, scalar_argument_read_by_halves, return ((u32 *)arguments)[2] + ((u16 *)arguments)[4])
TABLE(scalars, cong_avoid, scalar_argument_read_by_halves)
OPERATION(__reject("func 'ssthresh' size 4 must be 8"), pointer_argument_read_by_halves, return ((u32 *)arguments)[0])
TABLE(pointers, ssthresh, pointer_argument_read_by_halves)
OPERATION(__accept, any_result_of_a_number, return 0x12345678)
TABLE(result, ssthresh, any_result_of_a_number)
OPERATION(__accept, acknowledgement_sent, return bpf_tcp_send_ack(sk, 5))
TABLE(acknowledgement, cong_control, acknowledgement_sent)
OPERATION(__accept, storage_free, return bpf_get_prandom_u32() + bpf_ktime_get_ns() + bpf_jiffies64())
TABLE(helpers, ssthresh, storage_free)
OPERATION(__reject("program of this type cannot use helper bpf_skb_load_bytes#26"), packet_helper, return bpf_skb_load_bytes((void *)sk, 0, tp, 1))
TABLE(packet, ssthresh, packet_helper)
OPERATION(__reject("program of this type cannot use helper bpf_sk_release#86"), socket_released, bpf_sk_release((void *)sk))
TABLE(released, ssthresh, socket_released)
OPERATION(__reject("program of this type cannot use helper bpf_skc_to_tcp_sock#137"), socket_converted, struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk); if (tcp) return tcp->snd_cwnd)
TABLE(converted, ssthresh, socket_converted)

SEC("struct_ops") __accept
int pointer_for_a_result(unsigned long long *arguments)
{
	return (long)arguments;
}
TABLE(pointer, ssthresh, pointer_for_a_result)

SEC("struct_ops.s") __accept
int may_not_sleep(unsigned long long *arguments)
{
	return 0;
}
TABLE(sleepy, ssthresh, may_not_sleep)

SEC("struct_ops.s") __reject("attach to unsupported member test_1 of struct bpf_dummy_ops")
int dummy_may_not_sleep(unsigned long long *arguments)
{
	return 0;
}
SEC(".struct_ops.link") struct bpf_dummy_ops dummy_sleepy = { .test_1 = (void *)dummy_may_not_sleep };

SEC("struct_ops.s") __accept
int dummy_sleeps(unsigned long long *arguments)
{
	struct bpf_dummy_ops_state *state = (void *)arguments[0];
	char text[8];

	return state ? bpf_copy_from_user_str(text, sizeof(text), (void *)(long)state->val, 0) : 0;
}
SEC(".struct_ops.link") struct bpf_dummy_ops dummy_sleeping = { .test_sleepable = (void *)dummy_sleeps };

SEC("struct_ops") __reject("invalid mem access")
int dummy_state_unchecked(unsigned long long *arguments)
{
	struct bpf_dummy_ops_state *state = (void *)arguments[0];

	return state->val;
}
SEC(".struct_ops.link") struct bpf_dummy_ops dummy_unchecked = { .test_1 = (void *)dummy_state_unchecked };

SEC("struct_ops") __reject("write access at off 4 with size 4")
int dummy_state_written_behind(unsigned long long *arguments)
{
	struct bpf_dummy_ops_state *state = (void *)arguments[0];

	if (state)
		(&state->val)[1] = 1;
	return 0;
}
SEC(".struct_ops.link") struct bpf_dummy_ops dummy_behind = { .test_1 = (void *)dummy_state_written_behind };

SEC("struct_ops") __accept
int dummy_arguments_of_all_sizes(unsigned long long *arguments)
{
	struct bpf_dummy_ops_state *state = (void *)arguments[0];

	return (int)arguments[1] + (u16)arguments[2] + (char)arguments[3] + arguments[4];
}
SEC(".struct_ops.link") struct bpf_dummy_ops dummy_sizes = { .test_2 = (void *)dummy_arguments_of_all_sizes };

SEC("struct_ops") __accept
int dummy_state_that_is_never_null_in_the_second(unsigned long long *arguments)
{
	struct bpf_dummy_ops_state *state = (void *)arguments[0];

	return state->val;
}
SEC(".struct_ops.link") struct bpf_dummy_ops dummy_second = { .test_2 = (void *)dummy_state_that_is_never_null_in_the_second };

static __noinline int reads_state(struct bpf_dummy_ops_state *state)
{
	return state->val;
}

static long adds_state(u64 index, struct bpf_dummy_ops_state **state)
{
	(*state)->val += index;
	return 0;
}

SEC("struct_ops") __reject("program of this type cannot use helper bpf_loop#181")
int dummy_state_passed_around(unsigned long long *arguments)
{
	struct bpf_dummy_ops_state *state = (void *)arguments[0];

	if (!state)
		return 0;
	bpf_loop(5, adds_state, &state, 0);
	return reads_state(state);
}
SEC(".struct_ops.link") struct bpf_dummy_ops dummy_around = { .test_1 = (void *)dummy_state_passed_around };

SEC("struct_ops/test_1") __accept
int one_program_in_two_tables(unsigned long long *arguments)
{
	return 0;
}
SEC(".struct_ops.link") struct bpf_dummy_ops dummy_one = { .test_1 = (void *)one_program_in_two_tables };
SEC(".struct_ops.link") struct bpf_dummy_ops dummy_two = { .test_1 = (void *)one_program_in_two_tables };

SEC("?struct_ops") __accept
int one_program_in_two_members(unsigned long long *arguments)
{
	return 0;
}
SEC("?.struct_ops.link") struct bpf_dummy_ops dummy_both = { .test_1 = (void *)one_program_in_two_members, .test_2 = (void *)one_program_in_two_members };
