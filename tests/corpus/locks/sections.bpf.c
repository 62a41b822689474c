/* Critical sections: spin locks, RCU, preemption, interrupts. */
#include "corpus.h"

GPL;
struct guarded { struct bpf_spin_lock lock; u32 count; };
struct other { u64 before; struct bpf_spin_lock lock; u32 count; };
struct resilient { struct bpf_res_spin_lock lock; u32 count; };
MAP(ARRAY, guardeds, u32, struct guarded, 1);
MAP(HASH, others, u32, struct other, 4);
MAP(ARRAY, resilients, u32, struct resilient, 1);
MAP(HASH, plain, u32, u64, 4);

#define WITH_LOCK(name, body)						\
	int name(struct __sk_buff *skb)					\
	{								\
		u32 key = 0;						\
		struct guarded *g = bpf_map_lookup_elem(&guardeds, &key);\
									\
		if (!g)							\
			return 0;					\
		body							\
		return 0;						\
	}

static __noinline void increments(struct guarded *g)
{
	g->count++;
}

static __noinline void unlocks(struct guarded *g)
{
	bpf_spin_unlock(&g->lock);
}

__noinline int increments_globally(int number)
{
	return number + 1;
}

SEC("tc") __accept
WITH_LOCK(locked_and_unlocked, {
	bpf_spin_lock(&g->lock);
	g->count++;
	bpf_spin_unlock(&g->lock);
})

SEC("tc") __reject("BPF_EXIT instruction in main prog cannot be used inside bpf_spin_lock-ed region")
WITH_LOCK(never_unlocked, {
	bpf_spin_lock(&g->lock);
	g->count++;
})

SEC("tc") __reject("bpf_spin_unlock without taking a lock")
WITH_LOCK(never_locked, { bpf_spin_unlock(&g->lock); })

SEC("tc") __reject("function calls are not allowed while holding a lock")
WITH_LOCK(locked_twice, {
	bpf_spin_lock(&g->lock);
	bpf_spin_lock(&g->lock);
	bpf_spin_unlock(&g->lock);
})

SEC("tc") __reject("bpf_spin_unlock of different lock")
WITH_LOCK(other_lock_unlocked, {
	struct other *o = bpf_map_lookup_elem(&others, &key);

	if (!o)
		return 0;
	bpf_spin_lock(&g->lock);
	bpf_spin_unlock(&o->lock);
})

SEC("tc") __reject("function calls are not allowed while holding a lock")
WITH_LOCK(helper_called_under_lock, {
	bpf_spin_lock(&g->lock);
	g->count = bpf_ktime_get_ns();
	bpf_spin_unlock(&g->lock);
})

SEC("tc") __accept
WITH_LOCK(static_function_called_under_lock, {
	bpf_spin_lock(&g->lock);
	increments(g);
	unlocks(g);
})

SEC("tc") __reject("global function calls are not allowed while holding a lock")
WITH_LOCK(global_function_called_under_lock, {
	bpf_spin_lock(&g->lock);
	g->count = increments_globally(1);
	bpf_spin_unlock(&g->lock);
})

SEC("tc") __reject("map 'plain' has no valid bpf_spin_lock")
int lock_in_map_without_one(struct __sk_buff *skb)
{
	u32 key = 0;
	struct bpf_spin_lock *lock = bpf_map_lookup_elem(&plain, &key);

	if (lock)
		bpf_spin_lock(lock);
	return 0;
}

SEC("tc") __reject("off 8 doesn't point to 'struct bpf_spin_lock' that is at 0")
WITH_LOCK(lock_at_wrong_offset, { bpf_spin_lock((void *)g + 8); })

SEC("kprobe/do_nanosleep") __reject("tracing progs cannot use bpf_spin_lock yet")
int lock_in_kprobe(void *context)
{
	u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guardeds, &key);

	if (!g)
		return 0;
	bpf_spin_lock(&g->lock);
	bpf_spin_unlock(&g->lock);
	return 0;
}

SEC("tc") __accept
int resilient_lock(struct __sk_buff *skb)
{
	u32 key = 0;
	struct resilient *r = bpf_map_lookup_elem(&resilients, &key);

	if (!r || bpf_res_spin_lock(&r->lock))
		return 0;
	r->count++;
	bpf_res_spin_unlock(&r->lock);
	return 0;
}

SEC("tc") __reject("bpf_res_spin_unlock")
int resilient_unlock_although_lock_failed(struct __sk_buff *skb)
{
	u32 key = 0;
	struct resilient *r = bpf_map_lookup_elem(&resilients, &key);

	if (!r)
		return 0;
	bpf_res_spin_lock(&r->lock);
	bpf_res_spin_unlock(&r->lock);
	return 0;
}

SEC("tp_btf/task_newtask") __accept
int rcu_section(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];
	int pid;

	bpf_rcu_read_lock();
	pid = task->real_parent->pid;
	bpf_rcu_read_unlock();
	return pid;
}

SEC("tp_btf/task_newtask") __reject("BPF_EXIT instruction in main prog cannot be used inside bpf_rcu_read_lock-ed region")
int rcu_section_never_left(unsigned long long *arguments)
{
	bpf_rcu_read_lock();
	return 0;
}

SEC("tp_btf/task_newtask") __reject("unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)")
int rcu_section_never_entered(unsigned long long *arguments)
{
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tp_btf/task_newtask") __reject("nested rcu read lock (kernel function bpf_rcu_read_lock)")
int rcu_sections_nested(unsigned long long *arguments)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall") __reject("sleepable helper bpf_copy_from_user#148 in rcu_read_lock region")
int sleeping_helper_in_rcu_section(void *context)
{
	u32 word;

	bpf_rcu_read_lock();
	bpf_copy_from_user(&word, sizeof(word), NULL);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall") __accept
int sleeping_helper_behind_rcu_section(void *context)
{
	u32 word;

	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return bpf_copy_from_user(&word, sizeof(word), NULL);
}

SEC("tc") __accept
int preemption_disabled(struct __sk_buff *skb)
{
	bpf_preempt_disable();
	bpf_preempt_enable();
	return 0;
}

SEC("tc") __reject("BPF_EXIT instruction in main prog cannot be used inside bpf_preempt_disable-ed region")
int preemption_never_enabled(struct __sk_buff *skb)
{
	bpf_preempt_disable();
	return 0;
}

SEC("tc") __reject("unmatched attempt to enable preemption (kernel function bpf_preempt_enable)")
int preemption_never_disabled(struct __sk_buff *skb)
{
	bpf_preempt_enable();
	return 0;
}

SEC("syscall") __reject("sleepable helper bpf_copy_from_user#148 in non-preemptible region")
int sleeping_helper_with_preemption_disabled(void *context)
{
	u32 word;

	bpf_preempt_disable();
	bpf_copy_from_user(&word, sizeof(word), NULL);
	bpf_preempt_enable();
	return 0;
}

SEC("tc") __accept
int interrupts_disabled(struct __sk_buff *skb)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("tc") __reject("BPF_EXIT instruction in main prog cannot be used inside bpf_local_irq_save-ed region")
int interrupts_never_enabled(struct __sk_buff *skb)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	return 0;
}

SEC("tc") __reject("expected an initialized irq flag as arg#0")
int interrupts_never_disabled(struct __sk_buff *skb)
{
	unsigned long flags = 0;

	barrier();
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("tc") __reject("cannot restore irq state out of order")
int interrupts_restored_out_of_order(struct __sk_buff *skb)
{
	unsigned long first, second;

	bpf_local_irq_save(&first);
	bpf_local_irq_save(&second);
	bpf_local_irq_restore(&first);
	bpf_local_irq_restore(&second);
	return 0;
}
