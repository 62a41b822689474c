/* Structures of the kernel as their types describe them: members, gaps, offsets, arguments of tracepoints. */
#include "corpus.h"

GPL;
MAP(ARRAY, words, u32, u64, 1);

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} task_storage SEC(".maps");

RINGBUF(ring, 4096);

#define walked(type, address) ((type *)bpf_rdonly_cast((void *)(address), bpf_core_type_id_kernel(type)))
#define bpf_core_type_id_kernel(type) __builtin_btf_type_id(*(type *)0, 1)

SEC("tp_btf/task_newtask") __reject("struct task_struct doesn't have field at offset 76")
int gap_between_members(unsigned long long *arguments)
{
	return *(volatile u32 *)(arguments[0] + 76);
}

SEC("tp_btf/task_newtask") __reject("func 'task_newtask' size 4 must be 8")
int half_of_a_pointer(unsigned long long *arguments)
{
	return *(volatile u32 *)arguments;
}

SEC("tp_btf/task_newtask") __accept
int half_of_a_number(unsigned long long *arguments)
{
	return *(volatile u32 *)(arguments + 1);
}

SEC("tp_btf/task_newtask") __accept
int byte_of_a_number(unsigned long long *arguments)
{
	return *(volatile u8 *)(arguments + 1);
}

SEC("tp_btf/task_newtask") __reject("func 'task_newtask' offset 12 is not multiple of 8")
int upper_half_of_a_number(unsigned long long *arguments)
{
	return *(volatile u32 *)((void *)arguments + 12);
}

SEC("tp_btf/task_newtask") __reject("invalid bpf_context access off=12 size=8")
int argument_not_aligned(unsigned long long *arguments)
{
	return *(volatile u64 *)((void *)arguments + 12);
}

SEC("tp_btf/initcall_start") __reject("func 'initcall_start' arg0 type FUNC_PROTO is not a struct")
int pointer_to_a_function(unsigned long long *arguments)
{
	return arguments[0] ? 1 : 0;
}

SEC("tp_btf/tmigr_group_set_cpu_active") __accept
int union_by_value_is_a_number(unsigned long long *arguments)
{
	return arguments[1];
}

SEC("tp_btf/initcall_finish") __accept
int number_behind_a_pointer_to_a_function(unsigned long long *arguments)
{
	return arguments[1];
}

SEC("tp_btf/initcall_level") __accept
int text_is_a_number(unsigned long long *arguments)
{
	char byte = 0;

	bpf_probe_read_kernel(&byte, 1, (void *)arguments[0]);
	return byte;
}

SEC("tp_btf/initcall_level") __reject("R1 invalid mem access 'scalar'")
int text_followed(unsigned long long *arguments)
{
	return *(char *)arguments[0];
}

SEC("tp_btf/task_newtask") __reject("R1 is ptr_task_struct invalid negative access: off=-8")
int before_the_structure(unsigned long long *arguments)
{
	return *(volatile u32 *)(arguments[0] - 8);
}

SEC("tp_btf/task_newtask") __reject("R1 is ptr_task_struct invalid variable offset: off=0, var_off=(0x0; 0x8)")
int at_an_unknown_offset(unsigned long long *arguments)
{
	return *(volatile u32 *)(arguments[0] + (arguments[1] & 8));
}

SEC("tp_btf/task_newtask") __reject("R2 is ptr_task_struct invalid negative access: off=-8")
int before_the_structure_at_an_unknown_offset(unsigned long long *arguments)
{
	return *(volatile u32 *)(arguments[0] - 8 + (arguments[1] & 8));
}

SEC("tp_btf/task_newtask") __reject("only read is supported")
int behind_the_beginning_written(unsigned long long *arguments)
{
	*(volatile u32 *)(arguments[0] + 8) = 0;
	return 0;
}

SEC("tp_btf/task_newtask") __accept
int members_of_members(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	return task->real_parent->group_leader->real_parent->tgid;
}

SEC("tp_btf/task_newtask") __accept
int element_of_an_array(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	return task->comm[3] + *(volatile u64 *)&task->comm[8];
}

SEC("tp_btf/task_newtask") __reject("cannot access ptr member nameidata with moff 1768 in struct task_struct with off 1768 size 4")
int across_the_end_of_an_array(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	return *(volatile u64 *)&task->comm[12];
}

SEC("tp_btf/task_newtask") __reject("cannot access ptr member real_parent")
int half_of_a_member_pointer(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	return *(volatile u32 *)&task->real_parent;
}

SEC("tp_btf/task_newtask") __reject("cannot access ptr member real_parent")
int upper_half_of_a_member_pointer(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	return *((volatile u32 *)&task->real_parent + 1);
}

SEC("tp_btf/task_newtask") __accept
int flexible_array_of_a_mask(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	return task->cpus_ptr->bits[0];
}

SEC("tp_btf/task_newtask") __reject("access beyond struct cpumask")
int flexible_array_of_a_mask_too_far(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	return *(volatile u64 *)((void *)task->cpus_ptr + 100000);
}

SEC("tp_btf/task_newtask") __accept
int arithmetic_on_an_address(unsigned long long *arguments)
{
	u64 difference = arguments[0] - 16;

	return difference != 0;
}

SEC("tp_btf/task_newtask") __reject("R2 is of type mm_struct but task_struct is expected")
int storage_of_another_structure(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];
	struct mm_struct *mm = task->mm;

	if (!mm)
		return 0;
	return bpf_task_storage_get(&task_storage, (void *)mm, NULL, 0) ? 1 : 0;
}

SEC("tp_btf/task_newtask") __accept
int storage_of_the_current_task(unsigned long long *arguments)
{
	u64 *value = bpf_task_storage_get(&task_storage, bpf_get_current_task_btf(), NULL, 0);

	return value ? *value : 0;
}

SEC("tp_btf/task_newtask") __reject("bpf_probe_read_kernel() may write into memory pointed by R1 type=trusted_ptr_")
int structure_as_memory_to_write(unsigned long long *arguments)
{
	return bpf_probe_read_kernel((void *)arguments[0], 8, NULL);
}

SEC("tp_btf/task_newtask") __accept
int structure_as_memory_to_read(unsigned long long *arguments)
{
	return bpf_ringbuf_output(&ring, (void *)arguments[0], 8, 0);
}

SEC("tp_btf/task_newtask") __reject("access beyond struct task_struct at off 0 size 1000000")
int structure_as_memory_to_read_too_far(unsigned long long *arguments)
{
	return bpf_ringbuf_output(&ring, (void *)arguments[0], 1000000, 0);
}

SEC("kprobe/do_nanosleep") __accept
int number_cast_to_a_structure(struct pt_regs *regs)
{
	struct task_struct *task = walked(struct task_struct, regs->di);

	return task->pid + task->real_parent->pid + task->cgroups->dfl_cgrp->level;
}

SEC("kprobe/do_nanosleep") __reject("access beyond struct task_struct at off 100000 size 4")
int number_cast_to_a_structure_too_far(struct pt_regs *regs)
{
	struct task_struct *task = walked(struct task_struct, regs->di);

	return *(volatile u32 *)((void *)task + 100000);
}

SEC("kprobe/do_nanosleep") __reject("struct task_struct doesn't have field at offset 76")
int number_cast_to_a_structure_in_a_gap(struct pt_regs *regs)
{
	struct task_struct *task = walked(struct task_struct, regs->di);

	return *(volatile u32 *)((void *)task + 76);
}

SEC("kprobe/do_nanosleep") __reject("only read is supported")
int number_cast_to_a_structure_written(struct pt_regs *regs)
{
	struct task_struct *task = walked(struct task_struct, regs->di);

	task->pid = 0;
	return 0;
}

SEC("kprobe/do_nanosleep") __accept
int number_cast_to_no_structure(struct pt_regs *regs)
{
	int *number = bpf_rdonly_cast((void *)regs->di, 0);

	return *number + number[1000000];
}

SEC("kprobe/do_nanosleep") __reject("cannot write into rdonly_untrusted_mem")
int number_cast_to_no_structure_written(struct pt_regs *regs)
{
	int *number = bpf_rdonly_cast((void *)regs->di, 0);

	*number = 1;
	return 0;
}

SEC("kprobe/do_nanosleep") __accept
int loop_over_a_list_of_cast_structures(struct pt_regs *regs)
{
	struct task_struct *task = walked(struct task_struct, bpf_get_current_task());
	int i, sum = 0;

	for (i = 0; i < 8 && task; i++) {
		sum += task->pid;
		task = task->real_parent;
	}
	return sum;
}

SEC("tp_btf/sched_switch") __accept
int boolean_and_two_tasks(unsigned long long *arguments)
{
	struct task_struct *before = (void *)arguments[1], *after = (void *)arguments[2];

	return (bool)arguments[0] + before->pid - after->pid;
}

SEC("tp_btf/sched_switch") __accept
int two_paths_to_one_load(unsigned long long *arguments)
{
	struct task_struct *before = (void *)arguments[1], *after = (void *)arguments[2];
	struct task_struct *chosen = after;

	opaque(before);
	opaque(chosen);
	if (arguments[0])
		chosen = before;
	return chosen->pid;
}

SEC("tp_btf/sched_switch") __accept
int load_of_two_kinds_of_trust(unsigned long long *arguments)
{
	struct task_struct *before = (void *)arguments[1], *after = (void *)arguments[2];
	struct task_struct *chosen = arguments[0] ? before->last_wakee : after;

	barrier();
	return *(volatile int *)&chosen->pid;
}

SEC("tp_btf/sched_process_exec") __accept
int compared_with_null_and_walked(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	if (task->real_parent && task->mm)
		return task->real_parent->tgid;
	return 0;
}

SEC("tp_btf/sched_process_exec") __accept
int spilled_and_walked(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];
	struct task_struct *volatile kept = task;
	u32 key = 0;

	bpf_map_update_elem(&words, &key, &key, 0);
	return kept->pid;
}
