/* Contexts and return values of programs that observe the kernel, and of those that user space calls. */
#include "corpus.h"

GPL;

SEC("kprobe/do_nanosleep") __accept
int kprobe_reads_registers(struct pt_regs *regs)
{
	return regs->di + regs->ip;
}

SEC("kprobe/do_nanosleep") __reject("invalid bpf_context access off=112 size=8")
int kprobe_writes_registers(struct pt_regs *regs)
{
	regs->di = 1;
	return 0;
}

SEC("kprobe/do_nanosleep") __reject("invalid bpf_context access off=168 size=8")
int kprobe_reads_behind_registers(struct pt_regs *regs)
{
	return *(volatile u64 *)((void *)regs + 168);
}

SEC("kprobe/do_nanosleep") __accept
int kprobe_reads_half_a_register(struct pt_regs *regs)
{
	return *(volatile u32 *)&regs->di;
}

SEC("kprobe/do_nanosleep") __accept
int kprobe_reads_a_byte_of_a_register(struct pt_regs *regs)
{
	return *((volatile u8 *)regs + 1);
}

SEC("kretprobe/do_nanosleep") __accept
int kretprobe_reads_result(struct pt_regs *regs)
{
	return regs->ax;
}

SEC("uprobe") __accept
int uprobe_reads_registers(struct pt_regs *regs)
{
	return regs->si;
}

SEC("tracepoint/syscalls/sys_enter_nanosleep") __accept
int tracepoint_reads_arguments(u64 *arguments)
{
	return arguments[2];
}

SEC("tracepoint/syscalls/sys_enter_nanosleep") __reject("invalid bpf_context access off=16 size=8")
int tracepoint_writes_arguments(u64 *arguments)
{
	arguments[2] = 1;
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_nanosleep") __reject("invalid bpf_context access off=0 size=8")
int tracepoint_reads_common_fields(u64 *arguments)
{
	return *(volatile u64 *)arguments;
}

SEC("tracepoint/syscalls/sys_enter_nanosleep") __reject("invalid bpf_context access off=8192 size=8")
int tracepoint_reads_behind_arguments(u64 *arguments)
{
	return arguments[1024];
}

SEC("raw_tp/sys_enter") __accept
int raw_tp_reads_arguments(struct bpf_raw_tracepoint_args *context)
{
	return context->args[0] + context->args[11];
}

SEC("raw_tp/sys_enter") __reject("invalid bpf_context access off=96 size=8")
int raw_tp_reads_thirteenth_argument(struct bpf_raw_tracepoint_args *context)
{
	return context->args[12];
}

SEC("raw_tp/sys_enter") __reject("invalid bpf_context access off=0 size=8")
int raw_tp_writes_arguments(struct bpf_raw_tracepoint_args *context)
{
	context->args[0] = 1;
	return 0;
}

SEC("raw_tp/sys_enter") __reject("invalid mem access 'scalar'")
int raw_tp_dereferences_an_argument(struct bpf_raw_tracepoint_args *context)
{
	return *(int *)context->args[0];
}

SEC("raw_tp.w/nbd_send_request") __accept
int raw_tp_writable_reads_arguments(struct bpf_raw_tracepoint_args *context)
{
	return context->args[0];
}

SEC("tp_btf/task_newtask") __accept
int tp_btf_reads_task(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	return task->pid + task->real_parent->pid;
}

SEC("tp_btf/task_newtask") __reject("only read is supported")
int tp_btf_writes_task(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	task->pid = 1;
	return 0;
}

SEC("tp_btf/task_newtask") __reject("func 'task_newtask' doesn't have 3-th argument")
int tp_btf_reads_argument_that_is_not_there(unsigned long long *arguments)
{
	return arguments[2];
}

SEC("tp_btf/task_newtask") __reject("access beyond struct task_struct at off 1000000 size 4")
int tp_btf_reads_behind_task(unsigned long long *arguments)
{
	return *(int *)(arguments[0] + 1000000);
}

SEC("perf_event") __accept
int perf_event_reads_context(struct bpf_perf_event_data *event)
{
	return event->sample_period + event->addr + event->regs.ip;
}

SEC("perf_event") __reject("invalid bpf_context access off=168 size=8")
int perf_event_writes_context(struct bpf_perf_event_data *event)
{
	event->sample_period = 1;
	return 0;
}

SEC("iter/task") __accept
int iter_task_reads_task(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;

	return task ? task->pid & 1 : 0;
}

SEC("iter/task") __reject("invalid mem access 'trusted_ptr_or_null_'")
int iter_task_reads_task_without_null_check(struct bpf_iter__task *context)
{
	return context->task->pid & 1;
}

SEC("iter/task") __reject("should have been in [0, 1]")
int iter_task_returns_two(struct bpf_iter__task *context)
{
	return 2;
}

SEC("syscall") __accept
int syscall_writes_context(u64 *context)
{
	context[0] = context[1] + 1;
	return 0;
}

SEC("syscall") __reject("variable ctx access var_off=(0x0; 0x1c) disallowed")
int syscall_reads_context_at_variable_offset(u32 *context)
{
	u64 index = context[0] & 7;

	return context[index];
}

SEC("syscall") __reject("dereference of modified ctx ptr R1 off=65532 disallowed")
int syscall_reads_behind_context(u64 *context)
{
	return *(volatile u64 *)((void *)context + 65532);
}

SEC("fentry/bpf_fentry_test1") __not_checkable
int fentry_reads_argument(unsigned long long *arguments)
{
	return 0;
}

SEC("fexit/bpf_fentry_test1") __not_checkable
int fexit_reads_result(unsigned long long *arguments)
{
	return 0;
}

SEC("fmod_ret/bpf_modify_return_test") __not_checkable
int fmod_ret_returns_an_error(unsigned long long *arguments)
{
	return -1;
}

SEC("lsm/file_open") __not_checkable
int lsm_allows(unsigned long long *arguments)
{
	return 0;
}
