/* Iterators as memory and over time: where their state may be, who may touch it, and how long elements live. */
#include "corpus.h"

GPL;
u64 total;
struct two { u64 before; struct bpf_iter_num it; u64 after; };
struct bpf_iter_num elsewhere;
MAP(ARRAY, values, u32, struct two, 1);

#define NUMBERS(verdict, name, ...) SEC("tc") verdict int name(struct __sk_buff *skb) { struct bpf_iter_num it; int *i, sum = 0; (void)i; __VA_ARGS__; return sum; }
#define TASKS(verdict, name, ...) SEC("syscall") verdict int name(void *context) { struct bpf_iter_task it; struct task_struct *task = NULL; u64 sum = 0; (void)task; __VA_ARGS__; total = sum; return 0; }

static __noinline int steps(struct bpf_iter_num *it)
{
	int *i = bpf_iter_num_next(it);

	return i ? *i : -1;
}

static __noinline int begins(struct bpf_iter_num *it, int to)
{
	return bpf_iter_num_new(it, 0, to);
}

static __noinline void ends(struct bpf_iter_num *it)
{
	bpf_iter_num_destroy(it);
}

NUMBERS(__accept, whole_life_in_functions, begins(&it, 5); sum = steps(&it) + steps(&it); ends(&it))
NUMBERS(__reject("arg#0 expected pointer to an iterator on stack"), in_a_map_value, u32 key = 0; struct two *two = bpf_map_lookup_elem(&values, &key); if (!two) return 0; bpf_iter_num_new(&two->it, 0, 5); bpf_iter_num_destroy(&two->it))
NUMBERS(__reject("arg#0 expected pointer to an iterator on stack"), in_a_global_variable, bpf_iter_num_new(&elsewhere, 0, 5); bpf_iter_num_destroy(&elsewhere))
NUMBERS(__accept, within_a_structure, struct two two = {}; barrier(); bpf_iter_num_new(&two.it, 0, 5); while ((i = bpf_iter_num_next(&two.it))) sum += *i; bpf_iter_num_destroy(&two.it); sum += two.after)
NUMBERS(__reject("expected an initialized iter_num as arg #0"), within_a_structure_at_a_wrong_place, struct two two = {}; barrier(); bpf_iter_num_new(&two.it, 0, 5); bpf_iter_num_next((void *)&two); bpf_iter_num_destroy(&two.it))
NUMBERS(__reject("cannot pass in iter at an offset=-20"), unaligned, char bytes[24]; barrier(); bpf_iter_num_new((void *)bytes + 4, 0, 5); bpf_iter_num_destroy((void *)bytes + 4))
NUMBERS(__reject("iter has to be at a constant offset"), at_a_variable_offset, struct bpf_iter_num its[2]; u64 which = skb->mark & 8; barrier(); bpf_iter_num_new((void *)its + which, 0, 5); bpf_iter_num_destroy((void *)its + which))
NUMBERS(__accept, of_two_chosen, struct bpf_iter_num other, *at = &it; opaque(at); bpf_iter_num_new(&it, 0, 5); bpf_iter_num_new(&other, 0, 3); if (skb->mark) at = &other; while ((i = bpf_iter_num_next(at))) sum += *i; bpf_iter_num_destroy(&it); bpf_iter_num_destroy(&other))
NUMBERS(__reject("invalid read from stack off -8+0 size 8"), copied, struct bpf_iter_num copy; bpf_iter_num_new(&it, 0, 5); copy = *(volatile struct bpf_iter_num *)&it; barrier(); bpf_iter_num_destroy(&copy); bpf_iter_num_destroy(&it))
NUMBERS(__reject("expected an initialized iter_num as arg #0"), half_overwritten, bpf_iter_num_new(&it, 0, 5); *(volatile u32 *)&it = 0; bpf_iter_num_destroy(&it))
NUMBERS(__reject("expected an initialized iter_num as arg #0"), passed_as_memory_of_a_helper, bpf_iter_num_new(&it, 0, 5); bpf_get_current_comm(&it, sizeof(it)); bpf_iter_num_destroy(&it))
NUMBERS(__reject("expected an initialized iter_num as arg #0"), stepped_after_destruction, bpf_iter_num_new(&it, 0, 5); bpf_iter_num_destroy(&it); bpf_iter_num_next(&it))
NUMBERS(__accept, destroyed_and_used_as_memory, bpf_iter_num_new(&it, 0, 5); bpf_iter_num_destroy(&it); *(volatile u64 *)&it = skb->mark; sum = *(volatile u64 *)&it)
NUMBERS(__accept, element_of_the_last_step_survives_the_next, int *last = NULL; bpf_iter_num_new(&it, 0, 5); i = bpf_iter_num_next(&it); if (i) { last = i; i = bpf_iter_num_next(&it); sum = *last; } bpf_iter_num_destroy(&it))
NUMBERS(__reject("cannot write into rdonly_mem"), element_written, bpf_iter_num_new(&it, 0, 5); i = bpf_iter_num_next(&it); if (i) *i = 3; bpf_iter_num_destroy(&it))
NUMBERS(__reject("invalid access to memory, mem_size=4 off=4 size=4"), element_read_behind, bpf_iter_num_new(&it, 0, 5); i = bpf_iter_num_next(&it); if (i) sum = i[1]; bpf_iter_num_destroy(&it))
NUMBERS(__accept, bounds_of_variables, bpf_iter_num_new(&it, skb->mark, skb->len); while ((i = bpf_iter_num_next(&it))) sum ^= *i; bpf_iter_num_destroy(&it))
NUMBERS(__accept, bounds_the_wrong_way, bpf_iter_num_new(&it, 10, 0); while ((i = bpf_iter_num_next(&it))) sum ^= *i; bpf_iter_num_destroy(&it))
NUMBERS(__reject("R3 is not a scalar"), bound_that_is_a_pointer, bpf_iter_num_new(&it, 0, (long)skb); bpf_iter_num_destroy(&it))
NUMBERS(__accept, created_again_in_a_loop, for (int n = 0; n < 3; n++) { bpf_iter_num_new(&it, 0, n); while ((i = bpf_iter_num_next(&it))) sum += *i; bpf_iter_num_destroy(&it); })
NUMBERS(__reject("expected an initialized iter_num as arg #0"), destroyed_in_the_loop, bpf_iter_num_new(&it, 0, 5); while ((i = bpf_iter_num_next(&it))) bpf_iter_num_destroy(&it); bpf_iter_num_destroy(&it))
NUMBERS(__accept, left_in_the_middle_on_two_ways, bpf_iter_num_new(&it, 0, 100); while ((i = bpf_iter_num_next(&it))) { if (*i == skb->mark) { sum = 1; goto out; } if (*i == skb->len) goto out; sum += *i; } sum = 7; out: bpf_iter_num_destroy(&it))
NUMBERS(__reject("Unreleased reference id="), returned_from_the_middle, bpf_iter_num_new(&it, 0, 100); while ((i = bpf_iter_num_next(&it))) if (*i == skb->mark) return 1; bpf_iter_num_destroy(&it))
NUMBERS(__accept, of_a_frame_above_in_a_callback_context, struct bpf_iter_num *at = &it; bpf_iter_num_new(&it, 0, 5); sum = steps(at); bpf_iter_num_destroy(&it))
NUMBERS(__reject("cannot pass in iter at an offset=-8"), for_a_task, bpf_iter_num_new(&it, 0, 5); bpf_iter_task_next((void *)&it); bpf_iter_num_destroy(&it))
NUMBERS(__reject("arg#0 expected pointer to an iterator on stack"), null, bpf_iter_num_new(NULL, 0, 5))
NUMBERS(__reject("arg#0 expected pointer to an iterator on stack"), context, bpf_iter_num_new((void *)skb, 0, 5))

static long steps_in_callback(u64 index, struct bpf_iter_num **it)
{
	bpf_iter_num_next(*it);
	return 0;
}

static long steps_directly(u64 index, struct bpf_iter_num *it)
{
	int *i = bpf_iter_num_next(it);

	return i ? 0 : 1;
}

NUMBERS(__accept, stepped_in_a_callback, struct bpf_iter_num *at = &it; bpf_iter_num_new(&it, 0, 5); bpf_loop(3, steps_in_callback, &at, 0); bpf_iter_num_destroy(&it))
NUMBERS(__accept, stepped_directly_in_a_callback, bpf_iter_num_new(&it, 0, 5); bpf_loop(3, steps_directly, &it, 0); bpf_iter_num_destroy(&it))

#define EACH(it, task) while ((task = bpf_iter_task_next(&it)))
TASKS(__accept, tasks_acquired, bpf_rcu_read_lock(); bpf_iter_task_new(&it, NULL, 0); EACH(it, task) { struct task_struct *held = bpf_task_acquire(task); if (held) { sum += held->pid; bpf_task_release(held); } } bpf_iter_task_destroy(&it); bpf_rcu_read_unlock())
TASKS(__accept, task_acquired_outlives_the_loop, struct task_struct *held = NULL; bpf_rcu_read_lock(); bpf_iter_task_new(&it, NULL, 0); EACH(it, task) if (task->pid == 7) { held = bpf_task_acquire(task); break; } bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); if (held) { sum = held->pid; bpf_task_release(held); })
TASKS(__reject("Possibly NULL pointer passed to trusted arg1"), task_outlives_the_loop, bpf_rcu_read_lock(); bpf_iter_task_new(&it, NULL, 0); task = bpf_iter_task_next(&it); bpf_iter_task_destroy(&it); if (task) sum += bpf_task_under_cgroup(task, NULL); bpf_rcu_read_unlock())
TASKS(__reject("Possibly NULL pointer passed to trusted arg1"), task_of_the_last_step, struct task_struct *last = NULL; bpf_rcu_read_lock(); bpf_iter_task_new(&it, NULL, 0); EACH(it, task) { if (last) sum += bpf_task_under_cgroup(last, NULL); last = task; } bpf_iter_task_destroy(&it); bpf_rcu_read_unlock())
TASKS(__accept, task_of_the_last_step_read, struct task_struct *last = NULL; bpf_rcu_read_lock(); bpf_iter_task_new(&it, NULL, 0); EACH(it, task) { if (last) sum += last->pid; last = task; } bpf_iter_task_destroy(&it); bpf_rcu_read_unlock())
TASKS(__reject("expected an RCU CS when using bpf_iter_task_next"), section_left_and_entered_in_the_loop, bpf_rcu_read_lock(); bpf_iter_task_new(&it, NULL, 0); EACH(it, task) { bpf_rcu_read_unlock(); bpf_rcu_read_lock(); sum++; } bpf_iter_task_destroy(&it); bpf_rcu_read_unlock())
TASKS(__reject("expected an RCU CS when using bpf_iter_task_destroy"), section_left_before_destruction, bpf_rcu_read_lock(); bpf_iter_task_new(&it, NULL, 0); sum = bpf_iter_task_next(&it) != NULL; bpf_rcu_read_unlock(); bpf_iter_task_destroy(&it))
TASKS(__accept, threads_of_a_known_task, struct task_struct *one = bpf_task_from_pid(1); if (!one) return 0; bpf_rcu_read_lock(); bpf_iter_task_new(&it, one, 1); EACH(it, task) sum += task->pid; bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); bpf_task_release(one))
TASKS(__reject("arg#1 is ptr_or_null_ expected ptr_ or socket"), threads_of_a_task_that_may_not_be_there, struct task_struct *one = bpf_task_from_pid(1); bpf_rcu_read_lock(); bpf_iter_task_new(&it, one, 1); bpf_iter_task_destroy(&it); bpf_rcu_read_unlock(); if (one) bpf_task_release(one))
TASKS(__accept, known_task_released_in_the_loop, struct task_struct *one = bpf_task_from_pid(1); if (!one) return 0; bpf_rcu_read_lock(); bpf_iter_task_new(&it, one, 1); bpf_task_release(one); EACH(it, task) sum += task->pid; bpf_iter_task_destroy(&it); bpf_rcu_read_unlock())

#define GROUPS(verdict, name, ...) SEC("syscall") verdict int name(void *context) { struct bpf_iter_css it; struct cgroup_subsys_state *css; struct cgroup *root = bpf_cgroup_from_id(1); u64 sum = 0; if (!root) return 0; bpf_rcu_read_lock(); bpf_iter_css_new(&it, &root->self, 1); while ((css = bpf_iter_css_next(&it))) { __VA_ARGS__; } bpf_iter_css_destroy(&it); bpf_rcu_read_unlock(); bpf_cgroup_release(root); total = sum; return 0; }
GROUPS(__accept, groups_acquired, struct cgroup *group = bpf_cgroup_acquire(css->cgroup); if (group) { sum += group->level; bpf_cgroup_release(group); })
GROUPS(__reject("access beyond struct cgroup_subsys_state at off 216 size 4"), groups_cast, struct cgroup *group = (void *)css; sum += group->level)
GROUPS(__reject("cannot access ptr member cgroup with moff 0 in struct cgroup_subsys_state with off 0 size 1"), groups_cast_and_acquired, struct cgroup *group = bpf_cgroup_acquire((void *)css); if (group) bpf_cgroup_release(group))
GROUPS(__accept, first_group_only, sum = css->cgroup->level; break)
GROUPS(__reject("kernel func bpf_copy_from_user_str is sleepable within rcu_read_lock region"), groups_sleeping, char text[8]; bpf_copy_from_user_str(text, sizeof(text), NULL, 0))
GROUPS(__reject("only read is supported"), groups_written, css->cgroup = NULL)

SEC("syscall") __accept
int bits_of_memory(void *context)
{
	struct bpf_iter_bits it;
	u64 words[2] = { 1, 2 };
	int *bit, sum = 0;

	bpf_iter_bits_new(&it, words, 2);
	while ((bit = bpf_iter_bits_next(&it)))
		sum += *bit;
	bpf_iter_bits_destroy(&it);
	bpf_iter_bits_new(&it, (void *)words + 1, 100);
	while ((bit = bpf_iter_bits_next(&it)))
		sum += *bit;
	bpf_iter_bits_destroy(&it);
	return sum;
}

SEC("syscall") __reject("R1 is not a scalar")
int caches_and_their_addresses(void *context)
{
	struct bpf_iter_kmem_cache it;
	struct kmem_cache *cache;
	int count = 0;

	bpf_iter_kmem_cache_new(&it);
	while ((cache = bpf_iter_kmem_cache_next(&it))) {
		count++;
		if (cache == bpf_get_kmem_cache((u64)&total))
			break;
	}
	bpf_iter_kmem_cache_destroy(&it);
	return count;
}

SEC("syscall") __accept
int shared_buffers(void *context)
{
	struct bpf_iter_dmabuf it;
	int count = 0;

	bpf_iter_dmabuf_new(&it);
	while (bpf_iter_dmabuf_next(&it))
		count++;
	bpf_iter_dmabuf_destroy(&it);
	return count;
}
