/* Calling functions of the kernel: which, from where, with what. */
#include "corpus.h"

GPL;
char text[16];

SEC("tc") __reject("calling kernel function bpf_sock_destroy is not allowed")
int kfunc_of_tracing_in_tc(struct __sk_buff *skb)
{
	return bpf_sock_destroy((void *)skb);
}

SEC("xdp") __reject("metadata kfuncs require device-bound program")
int xdp_metadata_functions(struct xdp_md *xdp)
{
	u64 timestamp = 0;
	u32 hash = 0;
	int kind = 0;

	bpf_xdp_metadata_rx_timestamp(xdp, &timestamp);
	bpf_xdp_metadata_rx_hash(xdp, &hash, &kind);
	return hash + timestamp ? XDP_PASS : XDP_DROP;
}

SEC("tc") __accept
int strings(struct __sk_buff *skb)
{
	static const char name[] = "eth0";

	return bpf_strlen(text) + bpf_strcmp(text, name) + bpf_strchr(text, 'e') + bpf_strstr(text, name);
}

SEC("tc") __accept
int context_cast_to_the_kernels(struct __sk_buff *skb)
{
	struct sk_buff *kernel_skb = bpf_cast_to_kern_ctx(skb);

	return kernel_skb->len + kernel_skb->data_len;
}

SEC("tc") __reject("cannot access ptr member")
int context_cast_and_walked_too_far(struct __sk_buff *skb)
{
	struct sk_buff *kernel_skb = bpf_cast_to_kern_ctx(skb);

	return *(volatile u8 *)((char *)kernel_skb + 0) + *(volatile u8 *)((char *)kernel_skb + 100000);
}

SEC("tp_btf/task_newtask") __accept
int number_cast_to_a_type(unsigned long long *arguments)
{
	struct task_struct *task;

	task = bpf_rdonly_cast((void *)arguments[1], __builtin_btf_type_id(*(struct task_struct *)0, 1));
	return task->pid;
}

SEC("tp_btf/task_newtask") __reject("only read is supported")
int number_cast_and_written(unsigned long long *arguments)
{
	struct task_struct *task;

	task = bpf_rdonly_cast((void *)arguments[1], __builtin_btf_type_id(*(struct task_struct *)0, 1));
	task->pid = 1;
	return 0;
}

extern int bpf_function_that_may_be_there(int number) __ksym __weak;

SEC("tc") __accept
int missing_weak_function_behind_a_test(struct __sk_buff *skb)
{
	return bpf_function_that_may_be_there ? bpf_function_that_may_be_there(1) : 0;
}

SEC("tc") __reject("invalid func unknown#2002000004")
int missing_weak_function_called(struct __sk_buff *skb)
{
	return bpf_function_that_may_be_there(1);
}

SEC("tc") __accept
int packet_shrunk_for_connection_tracking(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_ct_opts options = { .netns_id = -1, .l4proto = IPPROTO_TCP };
	struct nf_conn___init *fresh;
	struct nf_conn *inserted;

	fresh = bpf_skb_ct_alloc(skb, &tuple, sizeof(tuple.ipv4), &options, sizeof(options));
	if (!fresh)
		return 0;
	bpf_ct_set_timeout(fresh, 10);
	inserted = bpf_ct_insert_entry(fresh);
	if (inserted)
		bpf_ct_release(inserted);
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int connection_allocated_and_leaked(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_ct_opts options = { .netns_id = -1, .l4proto = IPPROTO_TCP };

	return bpf_skb_ct_alloc(skb, &tuple, sizeof(tuple.ipv4), &options, sizeof(options)) ? 1 : 0;
}

SEC("tc") __reject("arg#3 arg#4 memory, len pair leads to invalid memory access")
int options_longer_than_their_buffer(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_ct_opts options = {};
	struct nf_conn *connection;

	connection = bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &options, 600);
	if (connection)
		bpf_ct_release(connection);
	return 0;
}
