/* Helpers of programs that observe: stacks, tasks, values per processor, texts, times, signals. */
#include "corpus.h"

GPL;
RINGBUF(ring, 4096);
MAP(PERF_EVENT_ARRAY, events, u32, u32, 4);
MAP(STACK_TRACE, stacks, u32, u64[16], 16);
MAP(PERCPU_ARRAY, scratch, u32, u64[32], 1);
MAP(HASH, counts, u32, u64, 64);

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} task_storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} cgroup_storage SEC(".maps");

extern const void linux_banner __ksym __weak;

struct branch { u64 from, to, flags; };

SEC("kprobe/do_nanosleep") __accept
int stack_into_a_map_of_stacks(struct pt_regs *regs)
{
	int id = bpf_get_stackid(regs, &stacks, BPF_F_USER_STACK);

	return id >= 0 ? id : 0;
}

SEC("kprobe/do_nanosleep") __accept
int stack_into_scratch(struct pt_regs *regs)
{
	u32 key = 0;
	u64 *trace = bpf_map_lookup_elem(&scratch, &key);
	long size;

	if (!trace)
		return 0;
	size = bpf_get_stack(regs, trace, 256, 0);
	if (size < 0)
		return 0;
	bpf_perf_event_output(regs, &events, BPF_F_CURRENT_CPU, trace, size);
	return 0;
}

SEC("kprobe/do_nanosleep") __reject("invalid access to map value, value_size=256 off=256 size=256")
int two_stacks_one_behind_the_other(struct pt_regs *regs)
{
	u32 key = 0;
	void *trace = bpf_map_lookup_elem(&scratch, &key);
	long kernel, user;

	if (!trace)
		return 0;
	kernel = bpf_get_stack(regs, trace, 256, 0);
	if (kernel < 0)
		return 0;
	user = bpf_get_stack(regs, trace + kernel, 256 - kernel, BPF_F_USER_STACK);
	if (user < 0)
		return 0;
	bpf_perf_event_output(regs, &events, BPF_F_CURRENT_CPU, trace, kernel + user);
	return 0;
}

SEC("kprobe/do_nanosleep") __reject("invalid access to map value, value_size=256 off=0 size=257")
int stack_beyond_scratch(struct pt_regs *regs)
{
	u32 key = 0;
	u64 *trace = bpf_map_lookup_elem(&scratch, &key);

	return trace ? bpf_get_stack(regs, trace, 257, 0) : 0;
}

SEC("kprobe/do_nanosleep") __reject("R5 min value is negative, either use unsigned or 'var &= const'")
int stack_sent_although_it_may_have_failed(struct pt_regs *regs)
{
	u32 key = 0;
	u64 *trace = bpf_map_lookup_elem(&scratch, &key);
	long size;

	if (!trace)
		return 0;
	size = bpf_get_stack(regs, trace, 256, 0);
	bpf_perf_event_output(regs, &events, BPF_F_CURRENT_CPU, trace, size);
	return 0;
}

SEC("kprobe/do_nanosleep") __accept
int stack_of_a_task(struct pt_regs *regs)
{
	u64 trace[8];

	return bpf_get_task_stack(bpf_get_current_task_btf(), trace, sizeof(trace), 0) > 0;
}

SEC("kprobe/do_nanosleep") __reject("R1 type=scalar expected=ptr_, trusted_ptr_, rcu_ptr_")
int stack_of_a_number(struct pt_regs *regs)
{
	u64 trace[8];

	return bpf_get_task_stack((void *)bpf_get_current_task(), trace, sizeof(trace), 0) > 0;
}

SEC("kprobe/do_nanosleep") __accept
int registers_of_the_task(struct pt_regs *regs)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *user = (void *)bpf_task_pt_regs(task);

	return user->ip != 0;
}

SEC("kprobe/do_nanosleep") __reject("only read is supported")
int registers_of_the_task_written(struct pt_regs *regs)
{
	struct pt_regs *user = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());

	user->ip = 0;
	return 0;
}

SEC("kprobe/do_nanosleep") __accept
int signals_sent(struct pt_regs *regs)
{
	return bpf_send_signal(10) + bpf_send_signal_thread(10);
}

SEC("kprobe/do_nanosleep") __accept
int cookie_of_the_attachment(struct pt_regs *regs)
{
	return bpf_get_attach_cookie(regs);
}

SEC("perf_event") __accept
int cookie_of_the_event(struct bpf_perf_event_data *event)
{
	return bpf_get_attach_cookie(event);
}

SEC("raw_tp/sys_enter") __accept
int cookie_of_the_raw_tracepoint(void *context)
{
	return bpf_get_attach_cookie(context);
}

SEC("kprobe/do_nanosleep") __accept
int branches_of_the_processor(struct pt_regs *regs)
{
	struct branch branches[4];

	return bpf_get_branch_snapshot(branches, sizeof(branches), 0) > 0;
}

SEC("perf_event") __accept
int branches_of_the_event(struct bpf_perf_event_data *event)
{
	struct branch branches[4];

	return bpf_read_branch_records(event, branches, sizeof(branches), 0) > 0;
}

SEC("perf_event") __accept
int branches_of_the_event_only_counted(struct bpf_perf_event_data *event)
{
	return bpf_read_branch_records(event, NULL, 0, 1);
}

SEC("kprobe/do_nanosleep") __reject("program of this type cannot use helper bpf_read_branch_records#119")
int branches_of_no_event(struct pt_regs *regs)
{
	return bpf_read_branch_records((void *)regs, NULL, 0, 1);
}

SEC("perf_event") __accept
int counter_of_the_event(struct bpf_perf_event_data *event)
{
	struct bpf_perf_event_value value = {};

	bpf_perf_prog_read_value(event, &value, sizeof(value));
	return value.counter != 0;
}

SEC("kprobe/do_nanosleep") __accept
int counter_of_another_event(struct pt_regs *regs)
{
	struct bpf_perf_event_value value = {};

	bpf_perf_event_read_value(&events, BPF_F_CURRENT_CPU, &value, sizeof(value));
	return value.running != 0;
}

SEC("kprobe/do_nanosleep") __reject("R3 type=scalar expected=fp")
int counter_of_another_event_into_nothing(struct pt_regs *regs)
{
	return bpf_perf_event_read_value(&events, 0, NULL, sizeof(struct bpf_perf_event_value));
}

SEC("kprobe/do_nanosleep") __accept
int numbers_in_the_namespace(struct pt_regs *regs)
{
	struct bpf_pidns_info ids = {};

	bpf_get_ns_current_pid_tgid(4, 0xeffffffc, &ids, sizeof(ids));
	return ids.tgid;
}

SEC("kprobe/do_nanosleep") __accept
int ancestor_of_the_group(struct pt_regs *regs)
{
	return bpf_get_current_ancestor_cgroup_id(2) != bpf_get_current_cgroup_id();
}

SEC("kprobe/do_nanosleep") __accept
int text_of_the_kernel_and_text_of_user(struct pt_regs *regs)
{
	char text[64];
	long length = bpf_probe_read_kernel_str(text, sizeof(text), (void *)regs->di);

	if (length < 1 || length > 64)
		return 0;
	bpf_ringbuf_output(&ring, text, length, 0);
	return bpf_probe_read_user_str(text, sizeof(text), (void *)regs->si);
}

SEC("kprobe/do_nanosleep") __accept
int length_of_a_text_is_an_index(struct pt_regs *regs)
{
	char text[64];
	long length = bpf_probe_read_kernel_str(text, sizeof(text), (void *)regs->di);

	if (length < 1)
		return 0;
	text[length - 1] = '.';
	return text[0];
}

SEC("kprobe/do_nanosleep") __reject("invalid variable-offset write to stack")
int length_of_a_text_is_an_index_too_far(struct pt_regs *regs)
{
	char text[64];
	long length = bpf_probe_read_kernel_str(text, sizeof(text), (void *)regs->di);

	if (length < 0)
		return 0;
	barrier();
	text[length] = '.';
	barrier();
	return text[0];
}

SEC("kprobe/do_nanosleep") __accept
int structure_as_text(struct pt_regs *regs)
{
	struct btf_ptr pointer = { .ptr = (void *)regs->di, .type_id = __builtin_btf_type_id(*(struct task_struct *)0, 1) };
	char text[128];

	return bpf_snprintf_btf(text, sizeof(text), &pointer, sizeof(pointer), 0) > 0;
}

SEC("kprobe/do_nanosleep") __accept
int text_traced_with_many_numbers(struct pt_regs *regs)
{
	static const char format[] = "%d %d %d %lu";
	u64 data[4] = { 1, 2, 3, regs->di };

	return bpf_trace_vprintk(format, sizeof(format), data, sizeof(data));
}

SEC("kprobe/do_nanosleep") __accept
int text_traced_without_numbers(struct pt_regs *regs)
{
	static const char format[] = "here";

	return bpf_trace_vprintk(format, sizeof(format), NULL, 0);
}

SEC("kprobe/do_nanosleep") __reject("R1 type=scalar expected=percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_")
int variable_at_a_number(struct pt_regs *regs)
{
	return *(int *)bpf_this_cpu_ptr((void *)regs->di);
}

SEC("kprobe/do_nanosleep") __accept
int address_of_a_symbol_without_type(struct pt_regs *regs)
{
	return &linux_banner != NULL;
}

static long vma_found(struct task_struct *task, struct vm_area_struct *vma, void *context)
{
	*(u64 *)context = vma->vm_end - vma->vm_start;
	return 0;
}

static long vma_written(struct task_struct *task, struct vm_area_struct *vma, void *context)
{
	vma->vm_start = 0;
	return 0;
}

static long vma_found_with_two(struct task_struct *task, struct vm_area_struct *vma, void *context)
{
	return 2;
}

SEC("kprobe/do_nanosleep") __accept
int area_of_memory(struct pt_regs *regs)
{
	u64 size = 0;

	bpf_find_vma(bpf_get_current_task_btf(), regs->ip, vma_found, &size, 0);
	return size != 0;
}

SEC("kprobe/do_nanosleep") __reject("only read is supported")
int area_of_memory_written(struct pt_regs *regs)
{
	return bpf_find_vma(bpf_get_current_task_btf(), regs->ip, vma_written, NULL, 0);
}

SEC("kprobe/do_nanosleep") __reject("At callback return the register R0 has smin=2 smax=2 should have been in [0, 1]")
int area_of_memory_with_a_result_of_two(struct pt_regs *regs)
{
	return bpf_find_vma(bpf_get_current_task_btf(), regs->ip, vma_found_with_two, NULL, 0);
}

SEC("tp_btf/task_newtask") __accept
int storage_of_the_task_deleted(unsigned long long *arguments)
{
	return bpf_task_storage_delete(&task_storage, (void *)arguments[0]);
}

SEC("tp_btf/task_newtask") __accept
int storage_of_the_group_deleted(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	return bpf_cgrp_storage_delete(&cgroup_storage, task->cgroups->dfl_cgrp);
}

SEC("tp_btf/task_newtask") __accept
int storage_made_from_the_stack(unsigned long long *arguments)
{
	u64 first = 7, *value;

	value = bpf_task_storage_get(&task_storage, (void *)arguments[0], &first, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}

SEC("tp_btf/task_newtask") __reject("invalid read from stack")
int storage_made_from_nothing_stored(unsigned long long *arguments)
{
	u32 first;

	asm volatile("" : "=m"(first));
	bpf_task_storage_get(&task_storage, (void *)arguments[0], (void *)&first + 4, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return 0;
}

SEC("tp_btf/kfree_skb") __accept
int packet_sent_to_user(unsigned long long *arguments)
{
	u64 data[2] = { arguments[1], 2 };

	return bpf_skb_output((void *)arguments[0], &events, BPF_F_CURRENT_CPU, data, sizeof(data));
}

SEC("tp_btf/kfree_skb") __accept
int packet_walked(unsigned long long *arguments)
{
	struct sk_buff *skb = (void *)arguments[0];

	return skb->len + skb->dev->ifindex;
}

SEC("tp_btf/task_newtask") __reject("R1 is of type task_struct but sk_buff is expected")
int task_sent_to_user_as_a_packet(unsigned long long *arguments)
{
	u64 data = 1;

	return bpf_skb_output((void *)arguments[0], &events, BPF_F_CURRENT_CPU, &data, sizeof(data));
}

SEC("iter/task") __accept
int bytes_written_to_a_file(struct bpf_iter__task *context)
{
	u64 data[2] = { 1, 2 };

	bpf_seq_write(context->meta->seq, data, sizeof(data));
	return 0;
}

SEC("iter/task") __accept
int structure_written_to_a_file(struct bpf_iter__task *context)
{
	struct btf_ptr pointer = { .ptr = context->task, .type_id = __builtin_btf_type_id(*(struct task_struct *)0, 1) };

	bpf_seq_printf_btf(context->meta->seq, &pointer, sizeof(pointer), 0);
	return 0;
}

SEC("iter/task") __accept
int nullable_task_written_to_a_file_as_bytes(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;

	if (task)
		bpf_seq_write(context->meta->seq, task, 8);
	return 0;
}

SEC("syscall") __accept
int name_of_a_symbol(void *context)
{
	char name[16] = "linux_banner";
	u64 address = 0;

	bpf_kallsyms_lookup_name(name, sizeof(name), 0, &address);
	return address != 0;
}

SEC("syscall") __reject("R4 type=scalar expected=fp")
int name_of_a_symbol_into_nothing(void *context)
{
	char name[16] = "linux_banner";

	return bpf_kallsyms_lookup_name(name, sizeof(name), 0, NULL);
}

SEC("syscall") __accept
int number_of_a_type(void *context)
{
	char name[16] = "task_struct";

	return bpf_btf_find_by_name_kind(name, sizeof(name), 4, 0) & 1;
}

SEC("syscall") __accept
int descriptor_closed(void *context)
{
	return bpf_sys_close(*(u32 *)context);
}

SEC("kprobe/do_nanosleep") __reject("program of this type cannot use helper bpf_sys_close#168")
int descriptor_closed_by_a_probe(void *context)
{
	return bpf_sys_close(3);
}

SEC("tp_btf/task_newtask") __reject("helper call is not allowed in probe")
int path_of_a_tracepoint(unsigned long long *arguments)
{
	char text[64];

	return bpf_d_path((void *)arguments[0], text, sizeof(text));
}

SEC("tp_btf/task_newtask") __reject("bpf_get_func_arg#183")
int argument_of_a_tracepoint(unsigned long long *arguments)
{
	u64 value;

	return bpf_get_func_arg(arguments, 0, &value);
}

SEC("tp_btf/task_newtask") __reject("bpf_get_func_ret#184")
int result_of_a_tracepoint(unsigned long long *arguments)
{
	u64 value;

	return bpf_get_func_ret(arguments, &value);
}

SEC("kprobe/do_nanosleep") __reject("bpf_get_func_arg_cnt#185")
int arguments_of_a_probe_counted(struct pt_regs *regs)
{
	return bpf_get_func_arg_cnt(regs);
}

SEC("kprobe/do_nanosleep") __accept
int each_time(struct pt_regs *regs)
{
	return (bpf_ktime_get_ns() + bpf_ktime_get_boot_ns() + bpf_ktime_get_tai_ns() + bpf_jiffies64()) & 1;
}

SEC("kprobe/do_nanosleep") __reject("program of this type cannot use helper bpf_ktime_get_coarse_ns#160")
int coarse_time(struct pt_regs *regs)
{
	return bpf_ktime_get_coarse_ns() & 1;
}

SEC("kprobe/do_nanosleep") __accept
int slot_made_if_it_is_not_there(struct pt_regs *regs)
{
	u32 id = bpf_get_current_pid_tgid() >> 32;
	u64 zero = 0, *count = bpf_map_lookup_elem(&counts, &id);

	if (!count) {
		bpf_map_update_elem(&counts, &id, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&counts, &id);
		if (!count)
			return 0;
	}
	__sync_fetch_and_add(count, 1);
	return 0;
}
