/* Programs that may sleep, and what they may not do. */
#include "corpus.h"

GPL;
MAP(HASH, hash, u32, u64, 8);
MAP(PERCPU_HASH, percpu_hash, u32, u64, 8);
MAP(STACK_TRACE, stacks, u32, struct { u64 frames[16]; }, 8);
struct guarded { struct bpf_spin_lock lock; u32 count; };
MAP(HASH, guardeds, u32, struct guarded, 1);
struct kept { struct task_struct __kptr *task; };
MAP(HASH, kepts, u32, struct kept, 1);

SEC("uprobe.s") __accept
int sleepable_uprobe_uses_hash(void *regs)
{
	u32 key = 0;
	u64 *value = bpf_map_lookup_elem(&hash, &key);

	return value ? *value : 0;
}

SEC("uprobe.s") __accept
int sleepable_uprobe_uses_percpu_hash(void *regs)
{
	u32 key = 0;
	u64 *value = bpf_map_lookup_elem(&percpu_hash, &key);

	return value ? *value : 0;
}

SEC("uprobe.s") __reject("Sleepable programs can only use")
int sleepable_uprobe_uses_stack_map(void *regs)
{
	return bpf_get_stackid(regs, &stacks, 0);
}

SEC("syscall") __accept
int syscall_uses_lock(void *context)
{
	u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guardeds, &key);

	if (!g)
		return 0;
	bpf_spin_lock(&g->lock);
	g->count++;
	bpf_spin_unlock(&g->lock);
	return 0;
}

SEC("syscall") __accept
int syscall_calls_system(void *context)
{
	u64 attributes[8] = {};

	return bpf_sys_bpf(0xffff, attributes, sizeof(attributes));
}

SEC("tc") __reject("program of this type cannot use helper bpf_sys_bpf#166")
int tc_calls_system(struct __sk_buff *skb)
{
	u64 attributes[8] = {};

	return bpf_sys_bpf(0xffff, attributes, sizeof(attributes));
}

SEC("syscall") __reject("invalid mem access 'untrusted_ptr_or_null_'")
int kept_pointer_without_null_check(void *context)
{
	u32 key = 0;
	struct kept *kept = bpf_map_lookup_elem(&kepts, &key);

	return kept ? kept->task->pid : 0;
}

SEC("syscall") __reject("R1 must be a rcu pointer")
int kept_pointer_is_not_trusted_outside_rcu(void *context)
{
	u32 key = 0;
	struct kept *kept = bpf_map_lookup_elem(&kepts, &key);
	struct task_struct *task = kept ? kept->task : NULL;

	if (!task)
		return 0;
	task = bpf_task_acquire(task);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("syscall") __accept
int kept_pointer_acquired_under_rcu(void *context)
{
	u32 key = 0;
	struct kept *kept = bpf_map_lookup_elem(&kepts, &key);
	struct task_struct *task;

	if (!kept)
		return 0;
	bpf_rcu_read_lock();
	task = kept->task;
	if (task) {
		task = bpf_task_acquire(task);
		if (task)
			bpf_task_release(task);
	}
	bpf_rcu_read_unlock();
	return 0;
}
