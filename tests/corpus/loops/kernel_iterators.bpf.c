/* Iterators over objects of the kernel. */
#include "corpus.h"

GPL;
u64 total;

SEC("syscall") __accept
int caches_of_the_allocator(void *context)
{
	struct bpf_iter_kmem_cache it;
	int count = 0;

	bpf_iter_kmem_cache_new(&it);
	while (bpf_iter_kmem_cache_next(&it))
		count++;
	bpf_iter_kmem_cache_destroy(&it);
	return count;
}

SEC("syscall") __reject("Unreleased reference id=")
int caches_never_destroyed(void *context)
{
	struct bpf_iter_kmem_cache it;

	bpf_iter_kmem_cache_new(&it);
	return bpf_iter_kmem_cache_next(&it) ? 1 : 0;
}

SEC("syscall") __accept
int groups_below_a_group(void *context)
{
	struct cgroup_subsys_state *state;
	struct bpf_iter_css it;
	struct cgroup *group;
	int count = 0;

	group = bpf_cgroup_from_id(1);
	if (!group)
		return 0;
	bpf_rcu_read_lock();
	bpf_iter_css_new(&it, &group->self, 1);
	while ((state = bpf_iter_css_next(&it)))
		count += state->cgroup->level;
	bpf_iter_css_destroy(&it);
	bpf_rcu_read_unlock();
	bpf_cgroup_release(group);
	return count;
}

SEC("syscall") __reject("kernel func bpf_iter_css_new requires RCU critical section protection")
int groups_without_rcu(void *context)
{
	struct bpf_iter_css it;
	struct cgroup *group = bpf_cgroup_from_id(1);

	if (!group)
		return 0;
	bpf_iter_css_new(&it, &group->self, 1);
	bpf_iter_css_destroy(&it);
	bpf_cgroup_release(group);
	return 0;
}

SEC("syscall") __reject("Unreleased reference id=")
int group_released_but_not_the_iterator(void *context)
{
	struct bpf_iter_css it;
	struct cgroup *group = bpf_cgroup_from_id(1);

	if (!group)
		return 0;
	bpf_rcu_read_lock();
	bpf_iter_css_new(&it, &group->self, 1);
	bpf_rcu_read_unlock();
	bpf_cgroup_release(group);
	return 0;
}

SEC("syscall") __reject("expected an RCU CS when using bpf_iter_task_next")
int task_outlives_its_section(void *context)
{
	struct bpf_iter_task it;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, NULL, 0);
	bpf_rcu_read_unlock();
	bpf_rcu_read_lock();
	total = bpf_iter_task_next(&it) != NULL;
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tp_btf/task_newtask") __reject("expected pointer to STRUCT task_struct")
int memory_areas_of_something_else(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];
	struct bpf_iter_task_vma it;

	bpf_iter_task_vma_new(&it, (void *)task->cgroups, 0);
	bpf_iter_task_vma_destroy(&it);
	return 0;
}
