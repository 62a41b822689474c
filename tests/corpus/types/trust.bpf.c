/* Which pointers that are read out of structures may be passed on, and which may be NULL: trusted, under RCU, or neither. */
#include "corpus.h"

GPL;

struct inode { unsigned long i_ino; } __attribute__((preserve_access_index));
struct path___walked { struct dentry *dentry; } __attribute__((preserve_access_index));
struct file___walked { struct inode *f_inode; struct path___walked f_path; const struct cred *f_cred; u32 f_flags; void *private_data; } __attribute__((preserve_access_index));
struct linux_binprm { struct file___walked *file; struct vm_area_struct___walked *vma; const char *interp; } __attribute__((preserve_access_index));
struct vm_area_struct___walked { struct mm_struct___walked *vm_mm; struct file___walked *vm_file; unsigned long vm_start; } __attribute__((preserve_access_index));
struct mm_struct___walked { struct file___walked *exe_file; unsigned long start_code; } __attribute__((preserve_access_index));
struct nsproxy { int pad; } __attribute__((preserve_access_index));
struct cred { u32 uid; } __attribute__((preserve_access_index));
struct task_struct___walked {
	struct task_struct *real_parent, *parent, *group_leader, *last_wakee;
	const struct cpumask *cpus_ptr;
	struct css_set *cgroups;
	struct mm_struct___walked *mm;
	const struct cred *cred;
	struct nsproxy *nsproxy;
} __attribute__((preserve_access_index));
struct cgroup___walked { struct cgroup *dom_cgrp; struct cgroup *ancestors[]; } __attribute__((preserve_access_index));
struct possible_net { struct net *net; };
struct net { u32 hash_mix; } __attribute__((preserve_access_index));
struct in_device { struct net_device *dev; } __attribute__((preserve_access_index));
struct net_device___walked { char name[16]; struct in_device *ip_ptr; unsigned char *dev_addr; } __attribute__((preserve_access_index));

#define TASK struct task_struct___walked *task = (void *)arguments[0]
#define COUNTS(mask) bpf_cpumask_weight((void *)(mask))

/* The cpumask of a task is trusted as the task is. */
SEC("tp_btf/task_newtask") __accept
int mask_of_a_trusted_task(unsigned long long *arguments)
{
	TASK;

	return COUNTS(task->cpus_ptr);
}

SEC("tp_btf/task_newtask") __accept
int mask_of_a_walked_parent(unsigned long long *arguments)
{
	TASK;

	return COUNTS(task->real_parent->cpus_ptr);
}

SEC("tp_btf/task_newtask") __reject("R1 must be")
int mask_of_a_walked_wakee(unsigned long long *arguments)
{
	TASK;

	return COUNTS(task->last_wakee->cpus_ptr);
}

SEC("tp_btf/task_newtask") __accept
int parent_acquired(unsigned long long *arguments)
{
	TASK;
	struct task_struct *parent = bpf_task_acquire(task->real_parent);

	if (parent)
		bpf_task_release(parent);
	return 0;
}

SEC("tp_btf/task_newtask") __reject("R1 must be a rcu pointer")
int other_parent_acquired(unsigned long long *arguments)
{
	TASK;
	struct task_struct *parent = bpf_task_acquire(task->parent);

	if (parent)
		bpf_task_release(parent);
	return 0;
}

SEC("tp_btf/task_newtask") __accept
int leader_acquired(unsigned long long *arguments)
{
	TASK;
	struct task_struct *leader = bpf_task_acquire(task->group_leader);

	if (leader)
		bpf_task_release(leader);
	return 0;
}

SEC("tp_btf/task_newtask") __accept
int parent_of_a_parent_acquired(unsigned long long *arguments)
{
	TASK;
	struct task_struct *parent = bpf_task_acquire(task->real_parent->real_parent);

	if (parent)
		bpf_task_release(parent);
	return 0;
}

SEC("iter.s/task") __reject("R1 must be a rcu pointer")
int parent_acquired_while_sleeping(void *context)
{
	struct bpf_iter__task *it = context;
	struct task_struct *task = it->task, *parent;

	if (!task)
		return 0;
	parent = bpf_task_acquire(task->real_parent);
	if (parent)
		bpf_task_release(parent);
	return 0;
}

SEC("iter.s/task") __accept
int parent_acquired_under_rcu(void *context)
{
	struct bpf_iter__task *it = context;
	struct task_struct *task = it->task, *parent;

	if (!task)
		return 0;
	bpf_rcu_read_lock();
	parent = bpf_task_acquire(task->real_parent);
	bpf_rcu_read_unlock();
	if (parent)
		bpf_task_release(parent);
	return 0;
}

SEC("iter.s/task") __reject("R1 must be a rcu pointer")
int parent_acquired_behind_rcu(void *context)
{
	struct bpf_iter__task *it = context;
	struct task_struct *task = it->task, *parent;

	if (!task)
		return 0;
	bpf_rcu_read_lock();
	parent = task->real_parent;
	bpf_rcu_read_unlock();
	parent = bpf_task_acquire(parent);
	if (parent)
		bpf_task_release(parent);
	return 0;
}

SEC("iter.s/task") __accept
int parent_read_behind_rcu(void *context)
{
	struct bpf_iter__task *it = context;
	struct task_struct *task = it->task, *parent;

	if (!task)
		return 0;
	bpf_rcu_read_lock();
	parent = task->real_parent;
	bpf_rcu_read_unlock();
	return parent->pid & 1;
}

SEC("tp_btf/cgroup_mkdir") __accept
int group_acquired(unsigned long long *arguments)
{
	struct cgroup *group = bpf_cgroup_acquire((void *)arguments[0]);

	if (group)
		bpf_cgroup_release(group);
	return 0;
}

SEC("tp_btf/cgroup_mkdir") __reject("R1 must be a rcu pointer")
int domain_of_a_group_acquired(unsigned long long *arguments)
{
	struct cgroup___walked *walked = (void *)arguments[0];
	struct cgroup *group = bpf_cgroup_acquire(walked->dom_cgrp);

	if (group)
		bpf_cgroup_release(group);
	return 0;
}

SEC("tp_btf/cgroup_mkdir") __accept
int ancestor_of_a_group_acquired(unsigned long long *arguments)
{
	struct cgroup *group = bpf_cgroup_ancestor((void *)arguments[0], 1);

	if (group)
		bpf_cgroup_release(group);
	return 0;
}

SEC("tp_btf/cgroup_mkdir") __reject("struct cgroup doesn't have field at offset 2232")
int ancestor_in_an_array_acquired(unsigned long long *arguments)
{
	struct cgroup___walked *walked = (void *)arguments[0];
	struct cgroup *group = bpf_cgroup_acquire(walked->ancestors[1]);

	if (group)
		bpf_cgroup_release(group);
	return 0;
}

SEC("tp_btf/cgroup_mkdir") __reject("struct cgroup doesn't have field at offset 2232")
int ancestor_in_an_array_read(unsigned long long *arguments)
{
	struct cgroup___walked *walked = (void *)arguments[0];

	return walked->ancestors[1]->level;
}

SEC("tp_btf/task_newtask") __reject("R1 must be")
int group_of_a_task_of_a_walked_wakee(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];
	struct cgroup *group = bpf_cgroup_acquire(task->last_wakee->cgroups->dfl_cgrp);

	if (group)
		bpf_cgroup_release(group);
	return 0;
}

SEC("tp_btf/sched_process_exec") __accept
int file_of_a_new_program(unsigned long long *arguments)
{
	struct linux_binprm *program = (void *)arguments[2];

	return program->file->f_inode->i_ino & 1;
}

SEC("tp_btf/sched_process_exec") __accept
int area_of_a_new_program(unsigned long long *arguments)
{
	struct linux_binprm *program = (void *)arguments[2];

	return program->vma->vm_mm->exe_file->f_flags & 1;
}

SEC("tp_btf/sched_process_exec") __accept
int text_of_a_new_program_read(unsigned long long *arguments)
{
	struct linux_binprm *program = (void *)arguments[2];

	return program->interp[0];
}

SEC("tp_btf/sched_process_exec") __accept
int text_of_a_new_program_copied(unsigned long long *arguments)
{
	struct linux_binprm *program = (void *)arguments[2];
	char text[16];

	return bpf_probe_read_kernel_str(text, sizeof(text), program->interp);
}

SEC("tp_btf/kfree_skb") __reject("invalid mem access 'trusted_ptr_or_null_'")
int socket_of_a_freed_packet_may_be_null(unsigned long long *arguments)
{
	struct sock *sk = (void *)arguments[3];

	return sk->__sk_common.skc_family;
}

SEC("tp_btf/kfree_skb") __accept
int socket_of_a_freed_packet_checked(unsigned long long *arguments)
{
	struct sock *sk = (void *)arguments[3];

	return sk ? sk->__sk_common.skc_family : 0;
}

SEC("tp_btf/kfree_skb") __reject("invalid mem access")
int socket_in_a_freed_packet_may_be_null(unsigned long long *arguments)
{
	struct sk_buff *skb = (void *)arguments[0];

	return skb->sk->__sk_common.skc_family;
}

SEC("tp_btf/kfree_skb") __accept
int socket_in_a_freed_packet_checked(unsigned long long *arguments)
{
	struct sk_buff *skb = (void *)arguments[0];
	struct sock *sk = skb->sk;

	return sk ? sk->__sk_common.skc_family : 0;
}

SEC("tp_btf/sched_pi_setprio") __reject("invalid mem access 'trusted_ptr_or_null_'")
int second_task_may_be_null(unsigned long long *arguments)
{
	struct task_struct *second = (void *)arguments[1];

	return second->pid;
}

SEC("tp_btf/sched_pi_setprio") __accept
int second_task_checked(unsigned long long *arguments)
{
	struct task_struct *second = (void *)arguments[1];

	return second ? second->pid : 0;
}

SEC("tp_btf/tcp_send_reset") __reject("R1 invalid mem access 'trusted_ptr_or_null_'")
int socket_of_a_reset_may_be_null(unsigned long long *arguments)
{
	struct sock *sk = (void *)arguments[0];

	return sk->__sk_common.skc_family;
}

SEC("tp_btf/xdp_exception") __accept
int device_of_an_exception(unsigned long long *arguments)
{
	struct net_device___walked *device = (void *)arguments[0];

	return device->name[2] + *(volatile u64 *)&device->name[8];
}

SEC("tp_btf/xdp_exception") __accept
int address_of_a_device_followed(unsigned long long *arguments)
{
	struct net_device___walked *device = (void *)arguments[0];

	return device->dev_addr[0];
}

SEC("tp_btf/xdp_exception") __accept
int part_of_a_device(unsigned long long *arguments)
{
	struct net_device___walked *device = (void *)arguments[0];

	return device->ip_ptr->dev->ifindex;
}

SEC("iter/task_file") __accept
int file_of_an_iterator(u64 *context)
{
	struct task_struct *task = (void *)context[1];
	struct file___walked *file = (void *)context[3];

	if (!task || !file)
		return 0;
	return (file->f_flags + (u32)context[2] + task->pid) & 1;
}

SEC("iter/task_file") __reject("invalid mem access")
int file_of_an_iterator_without_null_check(u64 *context)
{
	struct file___walked *file = (void *)context[3];

	return file->f_flags & 1;
}

SEC("iter/task_vma") __accept
int area_of_an_iterator(u64 *context)
{
	struct vm_area_struct___walked *vma = (void *)context[2];

	if (!vma)
		return 0;
	return vma->vm_file && vma->vm_mm ? vma->vm_file->f_inode->i_ino & 1 : 0;
}

SEC("iter/cgroup") __accept
int group_of_an_iterator(u64 *context)
{
	struct cgroup *group = (void *)context[1];

	if (!group)
		return 1;
	group = bpf_cgroup_acquire(group);
	if (group)
		bpf_cgroup_release(group);
	return 0;
}

SEC("iter/cgroup") __accept
int half_of_a_meta_is_not_read(u64 *context)
{
	struct bpf_iter_meta *meta = (void *)context[0];

	return (meta->session_id + meta->seq_num) & 1;
}

SEC("iter/cgroup") __reject("func 'bpf_iter_cgroup' size 4 must be 8")
int half_of_a_group_of_an_iterator(u32 *context)
{
	return read_once(context[2]) & 1;
}

SEC("iter/bpf_prog") __accept
int program_of_an_iterator(u64 *context)
{
	return context[1] ? 1 : 0;
}

SEC("iter/bpf_link") __accept
int link_of_an_iterator(u64 *context)
{
	return context[1] ? 1 : 0;
}

SEC("iter/netlink") __accept
int netlink_socket_of_an_iterator(u64 *context)
{
	struct sock *sk = (void *)context[1];

	return sk ? sk->__sk_common.skc_family & 1 : 0;
}

SEC("iter/udp") __accept
int udp_socket_of_an_iterator(u64 *context)
{
	struct sock *sk = (void *)context[1];

	return sk ? (sk->__sk_common.skc_family + (u32)context[2] + (u32)context[3]) & 1 : 0;
}

SEC("iter/unix") __accept
int local_socket_of_an_iterator(u64 *context)
{
	struct sock *sk = (void *)context[1];

	return sk ? sk->__sk_common.skc_family & 1 : 0;
}

SEC("iter/sockmap") __accept
int socket_in_a_map_of_an_iterator(u64 *context)
{
	u32 *key = (void *)context[2];
	struct sock *sk = (void *)context[3];

	return key && sk ? (*key + sk->__sk_common.skc_family) & 1 : 0;
}

SEC("iter/bpf_sk_storage_map") __accept
int storage_of_an_iterator(u64 *context)
{
	u64 *value = (void *)context[3];
	struct sock *sk = (void *)context[2];

	return value && sk ? (*value + sk->__sk_common.skc_family) & 1 : 0;
}

SEC("iter/bpf_map_elem") __accept
int value_of_an_iterator_written(u64 *context)
{
	u32 *key = (void *)context[2];
	u64 *value = (void *)context[3];

	if (!key || !value)
		return 0;
	*value += *key;
	return 0;
}

SEC("iter/bpf_map_elem") __reject("cannot write into rdonly_buf")
int key_of_an_iterator_written(u64 *context)
{
	u32 *key = (void *)context[2];

	if (key)
		*key = 1;
	return 0;
}

SEC("iter/bpf_map_elem") __reject("invalid rdonly buffer access: off=-4, size=4")
int key_of_an_iterator_read_before(u64 *context)
{
	u32 *key = (void *)context[2];

	return key ? key[-1] & 1 : 0;
}

SEC("iter/bpf_map_elem") __reject("invalid rdwr buffer access: off=-8, size=8")
int value_of_an_iterator_read_before(u64 *context)
{
	u64 *value = (void *)context[3];

	return value ? value[-1] & 1 : 0;
}

SEC("iter/bpf_map_elem") __reject("invalid variable buffer offset: off=0, var_off=(0x0; 0x8)")
int value_of_an_iterator_at_an_unknown_index(u64 *context)
{
	struct bpf_iter_meta *meta = (void *)context[0];
	u64 *value = (void *)context[3], index = meta->seq_num & 1;

	return value ? value[index] & 1 : 0;
}

SEC("iter/bpf_map_elem") __accept
int value_of_an_iterator_far_away(u64 *context)
{
	u64 *value = (void *)context[3];

	return value ? value[1000] & 1 : 0;
}

SEC("iter/bpf_map_elem") __reject("R1 invalid mem access 'buf_or_null'")
int value_of_an_iterator_without_null_check(u64 *context)
{
	return *(u64 *)context[3] & 1;
}

SEC("iter/bpf_map") __accept
int map_of_an_iterator(u64 *context)
{
	struct bpf_map *map = (void *)context[1];

	if (!map)
		return 0;
	return (map->id + bpf_map_sum_elem_count(map)) & 1;
}

SEC("iter/kmem_cache") __accept
int cache_of_an_iterator(u64 *context)
{
	return context[1] ? 0 : 1;
}

SEC("iter/ksym") __accept
int symbol_of_an_iterator(u64 *context)
{
	return context[1] ? 0 : 1;
}

SEC("iter/ipv6_route") __accept
int route_of_an_iterator(u64 *context)
{
	return context[1] ? 0 : 1;
}

SEC("iter/dmabuf") __accept
int buffer_of_an_iterator(u64 *context)
{
	return context[1] ? 0 : 1;
}
