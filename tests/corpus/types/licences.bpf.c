/* Without a compatible licence. */
#include "corpus.h"

char _license[] SEC("license") = "Proprietary";

SEC("struct_ops") __reject("struct ops programs must have a GPL compatible license")
int operation(unsigned long long *arguments)
{
	return 0;
}
SEC(".struct_ops.link") struct bpf_dummy_ops dummy = { .test_1 = (void *)operation };

SEC("tc") __accept
int time_alone(struct __sk_buff *skb)
{
	return bpf_ktime_get_ns() & 1;
}

SEC("tc") __reject("cannot call kernel function from non-GPL compatible program")
int kernel_function(struct __sk_buff *skb)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}

SEC("kprobe/do_nanosleep") __reject("cannot call GPL-restricted function from non-GPL compatible program")
int memory_of_the_kernel(void *context)
{
	u64 word = 0;

	return bpf_probe_read_kernel(&word, sizeof(word), context);
}

SEC("tp_btf/task_newtask") __accept
int tracing_alone(unsigned long long *arguments)
{
	return 0;
}

SEC("tp_btf/task_newtask") __reject("Cannot access kernel 'struct task_struct' from non-GPL compatible program")
int tracing_walks(unsigned long long *arguments)
{
	return ((struct task_struct *)arguments[0])->pid;
}



SEC("cgroup/getsockopt") __accept
int unlicensed_sockopt(struct bpf_sockopt *options)
{
	return 1;
}

SEC("iter/task") __accept
int unlicensed_iterator(struct bpf_iter__task *context)
{
	return 0;
}
