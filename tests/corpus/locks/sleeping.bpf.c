/* Where nothing may sleep: functions, kfuncs and helpers that wait, in sections of every kind. */
#include "corpus.h"

GPL;
struct guarded { struct bpf_spin_lock lock; u32 count; };
MAP(ARRAY, guardeds, u32, struct guarded, 1);
MAP(HASH, hash, u32, u64, 4);
char text[16];
extern void css_rstat_flush(struct cgroup_subsys_state *css) __ksym __weak;

__noinline int sleeps_globally(u64 address)
{
	u64 word = 0;

	bpf_copy_from_user(&word, sizeof(word), (void *)address);
	return word;
}

__noinline int sleeps_in_a_kfunc(u64 address)
{
	return bpf_copy_from_user_str(text, sizeof(text), (void *)address, 0);
}

__noinline int sleeps_below(u64 address)
{
	return sleeps_globally(address) + 1;
}

__noinline int never_sleeps(u64 number)
{
	return number + 1;
}

static __noinline int sleeps_statically(u64 address)
{
	return bpf_copy_from_user_str(text, sizeof(text), (void *)address, 0);
}

static __noinline int enters(void)
{
	bpf_rcu_read_lock();
	return 0;
}

static __noinline int leaves(void)
{
	bpf_rcu_read_unlock();
	return 0;
}

__noinline int enters_globally(int number)
{
	bpf_rcu_read_lock();
	return number;
}

__noinline int disables_globally(int number)
{
	bpf_preempt_disable();
	return number;
}

__noinline int has_a_section_of_its_own(int number)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return number;
}

#define SECTION(verdict, name, begin, end, ...)		\
	SEC("syscall") verdict				\
	int name(void *context)				\
	{						\
		unsigned long flags;			\
		int result = 0;				\
							\
		(void)flags;				\
		begin;					\
		result = __VA_ARGS__;			\
		end;					\
		return result;				\
	}

#define RCU bpf_rcu_read_lock(), bpf_rcu_read_unlock()
#define PREEMPTION bpf_preempt_disable(), bpf_preempt_enable()
#define INTERRUPTS bpf_local_irq_save(&flags), bpf_local_irq_restore(&flags)
#define IN(verdict, name, section, ...) SECTION(verdict, name, section, __VA_ARGS__)

IN(__reject("global functions that may sleep are not allowed in non-sleepable context,"), rcu_global_function_sleeps, RCU, sleeps_globally(0))
IN(__reject("global functions that may sleep are not allowed in non-sleepable context,"), rcu_global_function_sleeps_in_a_kfunc, RCU, sleeps_in_a_kfunc(0))
IN(__reject("global functions that may sleep are not allowed in non-sleepable context,"), rcu_global_function_sleeps_below, RCU, sleeps_below(0))
IN(__accept, rcu_global_function_that_never_sleeps, RCU, never_sleeps(1))
IN(__reject("kernel func bpf_copy_from_user_str is sleepable within rcu_read_lock region"), rcu_kfunc_sleeps, RCU, bpf_copy_from_user_str(text, sizeof(text), NULL, 0))
IN(__reject("kernel func bpf_copy_from_user_str is sleepable within rcu_read_lock region"), rcu_static_function_sleeps, RCU, sleeps_statically(0))
IN(__reject("global functions that may sleep are not allowed in non-sleepable context,"), preemption_global_function_sleeps, PREEMPTION, sleeps_globally(0))
IN(__reject("kernel func bpf_copy_from_user_str is sleepable within non-preemptible region"), preemption_kfunc_sleeps, PREEMPTION, bpf_copy_from_user_str(text, sizeof(text), NULL, 0))
IN(__accept, preemption_global_function_that_never_sleeps, PREEMPTION, never_sleeps(1))
IN(__reject("global functions that may sleep are not allowed in non-sleepable context,"), interrupts_global_function_sleeps, INTERRUPTS, sleeps_globally(0))
IN(__reject("kernel func bpf_copy_from_user_str is sleepable within IRQ-disabled region"), interrupts_kfunc_sleeps, INTERRUPTS, bpf_copy_from_user_str(text, sizeof(text), NULL, 0))
IN(__accept, interrupts_global_function_that_never_sleeps, INTERRUPTS, never_sleeps(1))
IN(__reject("nested rcu read lock"), rcu_static_function_enters_again, RCU, enters())
IN(__accept, rcu_global_function_has_its_own_section, RCU, has_a_section_of_its_own(1))

SEC("syscall") __reject("sleepable helper bpf_copy_from_user#148 in IRQ-disabled region")
int helper_sleeps_without_interrupts(void *context)
{
	unsigned long flags;
	u64 word = 0;

	bpf_local_irq_save(&flags);
	bpf_copy_from_user(&word, sizeof(word), NULL);
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("syscall") __accept
int entered_and_left_in_functions(void *context)
{
	enters();
	leaves();
	return sleeps_statically(0);
}

SEC("syscall") __reject("BPF_EXIT instruction in main prog cannot be used inside bpf_rcu_read_lock-ed region")
int entered_in_a_function_and_not_left(void *context)
{
	enters();
	return 0;
}

SEC("syscall") __reject("unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)")
int entered_in_a_global_function(void *context)
{
	enters_globally(1);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall") __reject("unmatched attempt to enable preemption (kernel function bpf_preempt_enable)")
int preemption_disabled_in_a_global_function(void *context)
{
	disables_globally(1);
	bpf_preempt_enable();
	return 0;
}

SEC("tc") __accept
int preemption_disabled_twice(struct __sk_buff *skb)
{
	bpf_preempt_disable();
	bpf_preempt_disable();
	bpf_preempt_enable();
	bpf_preempt_enable();
	return 0;
}

SEC("tc") __reject("cannot be used inside bpf_preempt_disable-ed region")
int preemption_enabled_once_of_twice(struct __sk_buff *skb)
{
	bpf_preempt_disable();
	bpf_preempt_disable();
	bpf_preempt_enable();
	return 0;
}

SEC("syscall") __reject("bpf_spin_lock-ed region")
int all_sections_at_once(void *context)
{
	u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guardeds, &key);
	unsigned long flags;

	if (!g)
		return 0;
	bpf_rcu_read_lock();
	bpf_preempt_disable();
	bpf_local_irq_save(&flags);
	bpf_spin_lock(&g->lock);
	return 0;
}

SEC("syscall") __accept
int all_sections_left_in_turn(void *context)
{
	u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guardeds, &key);
	unsigned long flags;

	if (!g)
		return 0;
	bpf_rcu_read_lock();
	bpf_preempt_disable();
	bpf_local_irq_save(&flags);
	bpf_spin_lock(&g->lock);
	g->count++;
	bpf_spin_unlock(&g->lock);
	bpf_rcu_read_unlock();
	bpf_preempt_enable();
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("syscall") __reject("expected uninitialized irq flag as arg#0")
int interrupts_saved_twice_in_one_variable(void *context)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("syscall") __reject("arg#0 doesn't point to an irq flag on stack")
int interrupts_saved_in_a_global_variable(void *context)
{
	bpf_local_irq_save((unsigned long *)text);
	bpf_local_irq_restore((unsigned long *)text);
	return 0;
}

SEC("syscall") __reject("expected an initialized irq flag as arg#0")
int interrupts_flag_overwritten(void *context)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	write_once(flags, 0);
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("syscall") __reject("invalid read from stack")
int interrupts_flag_read(void *context)
{
	unsigned long flags, copy;

	bpf_local_irq_save(&flags);
	copy = read_once(flags);
	bpf_local_irq_restore(&flags);
	return copy;
}

SEC("syscall") __reject("cannot pass in irq_flag at an offset=-12")
int interrupts_flag_unaligned(void *context)
{
	char bytes[16];
	unsigned long *flags = (void *)bytes + 4;

	barrier();
	bpf_local_irq_save(flags);
	bpf_local_irq_restore(flags);
	return 0;
}

static __noinline void saves(unsigned long *flags)
{
	bpf_local_irq_save(flags);
}

static __noinline void restores(unsigned long *flags)
{
	bpf_local_irq_restore(flags);
}

SEC("syscall") __accept
int interrupts_saved_and_restored_in_functions(void *context)
{
	unsigned long flags;

	saves(&flags);
	restores(&flags);
	return 0;
}

SEC("syscall") __reject("cannot restore irq state out of order, expected id=4 acquired at insn_idx=15")
int interrupts_saved_in_a_loop(void *context)
{
	unsigned long flags[4];

	for (u32 i = 0; i < 4; i++)
		bpf_local_irq_save(&flags[i]);
	for (u32 i = 0; i < 4; i++)
		bpf_local_irq_restore(&flags[i]);
	return 0;
}

SEC("syscall") __accept
int interrupts_saved_in_a_loop_and_restored_backwards(void *context)
{
	unsigned long flags[4];

	for (u32 i = 0; i < 4; i++)
		bpf_local_irq_save(&flags[i]);
	for (u32 i = 4; i-- > 0;)
		bpf_local_irq_restore(&flags[i]);
	return 0;
}

SEC("tp_btf/task_newtask") __reject("program must be sleepable to call sleepable kfunc css_rstat_flush")
int kfunc_that_sleeps_in_a_tracepoint(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	css_rstat_flush(&task->cgroups->dfl_cgrp->self);
	return 0;
}
