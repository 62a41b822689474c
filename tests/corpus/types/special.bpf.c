/* Types of programs that need something beside themselves, and the rarer ones on packets and sockets. */
#include "corpus.h"

GPL;

__noinline int replaceable(struct __sk_buff *skb)
{
	volatile int result = skb->mark;

	return result;
}

SEC("tc") __accept
int calls_replaceable_function(struct __sk_buff *skb)
{
	return replaceable(skb);
}

SEC("freplace/replaceable") __not_checkable
int replaces_function(struct __sk_buff *skb)
{
	return skb->len;
}

/* Loading such a program registers nothing; only creating the map of the structure would. */
SEC("struct_ops") __accept
int dummy_test_1(unsigned long long *arguments)
{
	struct bpf_dummy_ops_state *state = (void *)arguments[0];

	if (!state)
		return 1;
	state->val = 7;
	return state->val;
}

SEC("struct_ops") __reject("invalid bpf_context access off=8 size=8")
int dummy_test_1_has_one_argument(unsigned long long *arguments)
{
	return arguments[1];
}

SEC("struct_ops") __accept
int dummy_test_2(unsigned long long *arguments)
{
	return arguments[1] + arguments[4];
}

SEC("struct_ops.s") __reject("program of this type cannot use helper bpf_copy_from_user#148")
int dummy_test_sleepable_copies_from_user(unsigned long long *arguments)
{
	u32 word = 0;

	bpf_copy_from_user(&word, sizeof(word), NULL);
	return word;
}

SEC("struct_ops") __accept
int congestion_control_reads_socket(unsigned long long *arguments)
{
	struct sock *sk = (void *)arguments[0];

	return sk->__sk_common.skc_family;
}

SEC("struct_ops") __reject("no write support to tcp_sock at off 16")
int congestion_control_writes_family(unsigned long long *arguments)
{
	struct sock *sk = (void *)arguments[0];

	sk->__sk_common.skc_family = 1;
	return 0;
}

SEC(".struct_ops.link")
struct bpf_dummy_ops dummy = {
	.test_1 = (void *)dummy_test_1,
	.test_2 = (void *)dummy_test_2,
	.test_sleepable = (void *)dummy_test_sleepable_copies_from_user,
};

SEC(".struct_ops.link")
struct bpf_dummy_ops dummy_too_far = {
	.test_1 = (void *)dummy_test_1_has_one_argument,
};

SEC(".struct_ops.link")
struct tcp_congestion_ops congestion = {
	.ssthresh = (void *)congestion_control_reads_socket,
	.undo_cwnd = (void *)congestion_control_writes_family,
	.name = "corpus",
};

SEC("lsm.s/file_open") __not_checkable
int sleepable_lsm_allows(unsigned long long *arguments)
{
	return 0;
}

SEC("lsm_cgroup/socket_bind") __not_checkable
int cgroup_lsm_allows(unsigned long long *arguments)
{
	return 1;
}

SEC("netkit/primary") __accept
int netkit_reads_context(struct __sk_buff *skb)
{
	return skb->mark ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("netkit/peer") __accept
int netkit_writes_packet(struct __sk_buff *skb)
{
	char *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 14 <= end)
		data[0] = 0;
	return TC_ACT_OK;
}

SEC("lwt_out") __accept
int lwt_out_reads_packet(struct __sk_buff *skb)
{
	char *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	return data + 20 <= end && data[0] ? BPF_OK : BPF_DROP;
}

SEC("lwt_out") __reject("cannot write into packet")
int lwt_out_writes_packet(struct __sk_buff *skb)
{
	char *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 20 <= end)
		data[0] = 0;
	return BPF_OK;
}

SEC("lwt_seg6local") __accept
int seg6local_stores_bytes(struct __sk_buff *skb)
{
	char byte = 0;

	return bpf_lwt_seg6_store_bytes(skb, 48, &byte, 1) ? BPF_DROP : BPF_OK;
}

SEC("lwt_in") __reject("program of this type cannot use helper bpf_lwt_seg6_store_bytes#74")
int seg6_store_bytes_in_lwt_in(struct __sk_buff *skb)
{
	char byte = 0;

	return bpf_lwt_seg6_store_bytes(skb, 48, &byte, 1) ? BPF_DROP : BPF_OK;
}

SEC("sk_skb/verdict") __accept
int sk_skb_verdict_passes(struct __sk_buff *skb)
{
	return SK_PASS;
}

SEC("sk_reuseport/migrate") __accept
int reuseport_reads_migrating_socket(struct sk_reuseport_md *reuse)
{
	return reuse->migrating_sk && reuse->sk->family ? SK_PASS : SK_DROP;
}

SEC("sk_reuseport") __accept
int sk_reuseport_returns_two(struct sk_reuseport_md *reuse)
{
	return 2;
}

SEC("cgroup/connect_unix") __accept
int connect_unix_allows(struct bpf_sock_addr *addr)
{
	return addr->family != 0;
}

SEC("cgroup/getpeername4") __accept
int getpeername4_rewrites_address(struct bpf_sock_addr *addr)
{
	addr->user_ip4 = 0;
	return 1;
}

SEC("cgroup/getpeername4") __reject("should have been in [1, 1]")
int getpeername4_returns_zero(struct bpf_sock_addr *addr)
{
	return 0;
}

SEC("xdp.frags/devmap") __accept
int xdp_devmap_with_fragments(struct xdp_md *xdp)
{
	return XDP_PASS;
}

SEC("kprobe.multi/bpf_fentry_*") __accept
int kprobe_multi_reads_registers(struct pt_regs *regs)
{
	return bpf_get_func_ip(regs) ? 0 : regs->di;
}

SEC("kprobe.session/bpf_fentry_*") __accept
int kprobe_session_knows_its_return(struct pt_regs *regs)
{
	return bpf_session_is_return();
}

SEC("kprobe.session/bpf_fentry_*") __reject("should have been in [0, 1]")
int kprobe_session_returns_two(struct pt_regs *regs)
{
	return 2;
}

SEC("kprobe/bpf_fentry_test1") __reject("calling kernel function bpf_session_is_return is not allowed")
int kprobe_knows_no_return(struct pt_regs *regs)
{
	return bpf_session_is_return();
}

SEC("raw_tp/sys_enter") __accept
int raw_tp_calls_helpers_of_tracing(void *context)
{
	char name[16];

	return bpf_get_current_comm(name, sizeof(name));
}

SEC("iter.s/task") __accept
int sleepable_iterator_copies_from_user(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	u64 word = 0;

	if (task)
		bpf_copy_from_user_task(&word, sizeof(word), NULL, task, 0);
	return 0;
}

SEC("iter/task") __reject("helper call might sleep in a non-sleepable prog")
int iterator_may_not_copy_from_user(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	u64 word = 0;

	if (task)
		bpf_copy_from_user_task(&word, sizeof(word), NULL, task, 0);
	return 0;
}

SEC("iter/task") __accept
int iterator_prints(struct bpf_iter__task *context)
{
	static const char format[] = "%d\n";
	struct task_struct *task = context->task;
	u64 arguments[1] = {};

	if (task)
		arguments[0] = task->pid;
	return bpf_seq_printf(context->meta->seq, format, sizeof(format), arguments, sizeof(arguments)) & 1;
}

SEC("iter/bpf_map_elem") __accept
int iterator_over_elements_reads_value(struct bpf_iter__bpf_map_elem *context)
{
	return context->value && context->key ? 0 : 1;
}

SEC("tp_btf/no_such_tracepoint") __reject("Tracing programs must provide btf_id")
int tracepoint_that_does_not_exist(unsigned long long *arguments)
{
	return 0;
}
