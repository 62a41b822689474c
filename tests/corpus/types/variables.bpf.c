/* Variables of the kernel. The kernel of the recordings does not know where they are. */
#include "corpus.h"

GPL;

struct rq { unsigned int nr_running; } __attribute__((preserve_access_index));
extern const struct rq runqueues __ksym;
extern const int bpf_prog_active __ksym;
extern const struct rq runqueues_of_nobody __ksym __weak;

SEC("kprobe/do_nanosleep") __reject("ldimm64 failed to find the address for kernel symbol 'runqueues'.")
int of_each_processor(struct pt_regs *regs)
{
	const struct rq *other = bpf_per_cpu_ptr(&runqueues, 1);
	const struct rq *own = bpf_this_cpu_ptr(&runqueues);

	return own->nr_running + (other ? other->nr_running : 0);
}

SEC("kprobe/do_nanosleep") __reject("ldimm64 failed to find the address for kernel symbol 'bpf_prog_active'.")
int number_of_each_processor_written(struct pt_regs *regs)
{
	int *own = bpf_this_cpu_ptr(&bpf_prog_active);

	*own = 0;
	return 0;
}

SEC("kprobe/do_nanosleep") __accept
int that_is_not_there(struct pt_regs *regs)
{
	const struct rq *own;

	if (!&runqueues_of_nobody)
		return 0;
	own = bpf_this_cpu_ptr(&runqueues_of_nobody);
	return own->nr_running;
}

SEC("kprobe/do_nanosleep") __reject("R1 type=scalar expected=percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_")
int that_is_not_there_without_check(struct pt_regs *regs)
{
	const struct rq *own = bpf_this_cpu_ptr(&runqueues_of_nobody);

	return own->nr_running;
}
