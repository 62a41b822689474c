/* Variables of the kernel. Their addresses are asked for when a program is loaded. */
#include "corpus.h"

GPL;

struct rq {
	int running;
} __attribute__((preserve_access_index));

/* The kernel has both in its types, and knows the address of neither: it lists its functions only. */
extern const struct rq runqueues __ksym;
extern const int cpu_number __ksym;

SEC("raw_tp/sched_switch") __reject("ldimm64 failed to find the address for kernel symbol 'runqueues'.")
int variable_of_each_cpu(struct bpf_raw_tracepoint_args *ctx)
{
	const struct rq *queue = bpf_per_cpu_ptr(&runqueues, 0);

	return queue ? 1 : 0;
}

SEC("raw_tp/sched_switch") __reject("ldimm64 failed to find the address for kernel symbol 'cpu_number'.")
int variable_of_this_cpu(struct bpf_raw_tracepoint_args *ctx)
{
	return *(const int *)bpf_this_cpu_ptr(&cpu_number);
}

SEC("raw_tp/sched_switch") __accept
int helper_in_their_place(struct bpf_raw_tracepoint_args *ctx)
{
	return bpf_get_smp_processor_id();
}
