/* Pointers that kfuncs take: acquired, trusted, in a read section, walked to; and text. */
#include "corpus.h"

GPL;
struct kept { struct task_struct __kptr *task; struct cgroup __kptr *group; struct task_struct __kptr_untrusted *loose; };
MAP(ARRAY, kepts, u32, struct kept, 1);
char text[16];
const char constant_text[8] = "user.x";
u64 any_number;

enum pid_type { PIDTYPE_PID };
extern int bpf_send_signal_task___typed(struct task_struct *task, int sig, enum pid_type type, u64 value) __ksym __weak;
#define send bpf_send_signal_task___typed

#define TASKS(verdict, name, ...)						\
	SEC("tp_btf/task_newtask") verdict					\
	int name(unsigned long long *arguments)					\
	{									\
		struct task_struct *task = (void *)arguments[0];		\
		__VA_ARGS__;							\
		return 0;							\
	}
#define KEEPS(verdict, name, ...)						\
	SEC("tp_btf/task_newtask") verdict					\
	int name(unsigned long long *arguments)					\
	{									\
		u32 key = 0;							\
		struct kept *kept = bpf_map_lookup_elem(&kepts, &key);		\
										\
		if (!kept)							\
			return 0;						\
		__VA_ARGS__;							\
		return 0;							\
	}
#define RELEASES(call) ({ struct task_struct *held = call; if (held) bpf_task_release(held); })

TASKS(__accept, signal_to_a_trusted_task, send(task, 9, 0, 0))
TASKS(__reject("R1 must be referenced or trusted"), signal_to_a_walked_task, send(task->last_wakee, 9, 0, 0))
TASKS(__reject("Possibly NULL pointer passed to trusted arg0"), signal_to_nobody, send(NULL, 9, 0, 0))
TASKS(__reject("arg#0 pointer type STRUCT task_struct must point to scalar, or struct with scalar"), signal_to_a_number, send((void *)arguments[1], 9, 0, 0))
TASKS(__reject("arg#0 pointer type STRUCT task_struct must point to scalar, or struct with scalar"), signal_to_the_context, send((void *)arguments, 9, 0, 0))
TASKS(__reject("arg#0 pointer type STRUCT task_struct must point to scalar, or struct with scalar"), signal_to_the_stack, u64 bytes[2] = {}; barrier(); send((void *)bytes, 9, 0, 0))
TASKS(__reject("R1 must be referenced or trusted"), signal_to_a_group_leader, send(task->group_leader, 9, 0, 0))
TASKS(__reject("R1 must be referenced or trusted"), signal_to_a_parent_in_a_section, bpf_rcu_read_lock(); send(task->real_parent, 9, 0, 0); bpf_rcu_read_unlock())
TASKS(__accept, parent_acquired_in_a_section, bpf_rcu_read_lock(); RELEASES(bpf_task_acquire(task->real_parent)); bpf_rcu_read_unlock())
TASKS(__reject("R1 must be a rcu pointer"), parent_acquired_behind_a_section, struct task_struct *parent; bpf_rcu_read_lock(); parent = task->real_parent; bpf_rcu_read_unlock(); RELEASES(bpf_task_acquire(parent)))
TASKS(__accept, acquired_and_acquired_again, struct task_struct *one = bpf_task_acquire(task); if (!one) return 0; RELEASES(bpf_task_acquire(one)); bpf_task_release(one))
TASKS(__reject("Unreleased reference id="), acquired_again_and_the_first_leaked, struct task_struct *one = bpf_task_acquire(task); if (!one) return 0; RELEASES(bpf_task_acquire(one)))
TASKS(__accept, acquired_and_read, struct task_struct *one = bpf_task_acquire(task); if (!one) return 0; any_number = one->pid + one->group_leader->pid; bpf_task_release(one))
TASKS(__reject("R6 invalid mem access 'scalar'"), released_and_read, struct task_struct *one = bpf_task_acquire(task); if (!one) return 0; bpf_task_release(one); any_number = one->pid)
TASKS(__reject("R1 must be referenced or trusted"), released_walked_task, struct task_struct *one = bpf_task_acquire(task); if (!one) return 0; bpf_task_release(one->group_leader); bpf_task_release(one))
TASKS(__accept, walked_from_released_task, struct task_struct *one = bpf_task_acquire(task), *leader; if (!one) return 0; leader = one->group_leader; bpf_task_release(one); any_number = leader->pid)
TASKS(__accept, under_a_group, struct cgroup *group = bpf_cgroup_from_id(1); if (!group) return 0; any_number = bpf_task_under_cgroup(task, group); bpf_cgroup_release(group))
TASKS(__accept, ancestor_of_a_group, struct cgroup *group = bpf_cgroup_from_id(1), *ancestor; if (!group) return 0; ancestor = bpf_cgroup_ancestor(group, 0); if (ancestor) bpf_cgroup_release(ancestor); bpf_cgroup_release(group))
TASKS(__reject("kernel function bpf_task_release args#0 expected pointer to STRUCT task_struct but R1 has a pointer to STRUCT cgroup"), groups_released_crosswise, struct cgroup *group = bpf_cgroup_from_id(1); if (!group) return 0; bpf_task_release((void *)group))
TASKS(__accept, task_by_number, RELEASES(bpf_task_from_pid(arguments[1])); RELEASES(bpf_task_from_vpid(-1)))
TASKS(__reject("R1 has no valid kptr"), exchanged_without_map, struct task_struct *one = bpf_task_acquire(task); if (!one) return 0; one = bpf_kptr_xchg(&any_number, one); if (one) bpf_task_release(one))
TASKS(__accept, group_of_a_task, struct cgroup *group = bpf_task_get_cgroup1(task, 0); if (group) bpf_cgroup_release(group))
TASKS(__reject("calling kernel function bpf_get_task_exe_file is not allowed"), file_of_a_task, struct file *file = bpf_get_task_exe_file(task); if (file) bpf_put_file(file))
TASKS(__accept, mask_of_a_task, any_number = bpf_cpumask_first(task->cpus_ptr) + bpf_cpumask_weight(task->cpus_ptr))
TASKS(__reject("R1 must be a rcu pointer"), mask_of_a_walked_task, any_number = bpf_cpumask_first(task->last_wakee->cpus_ptr))
TASKS(__accept, masks_combined, struct bpf_cpumask *one = bpf_cpumask_create(), *two; if (!one) return 0; two = bpf_cpumask_create(); if (!two) { bpf_cpumask_release(one); return 0; } bpf_cpumask_and(one, (void *)two, task->cpus_ptr); bpf_cpumask_copy(two, (void *)one); any_number = bpf_cpumask_any_distribute((void *)one); bpf_cpumask_release(one); bpf_cpumask_release(two))
TASKS(__accept, mask_acquired_again, struct bpf_cpumask *one = bpf_cpumask_create(), *two; if (!one) return 0; two = bpf_cpumask_acquire(one); bpf_cpumask_release(one); bpf_cpumask_release(two))

KEEPS(__accept, kept_task_read_without_section, any_number = kept->task ? kept->task->pid : 0)
KEEPS(__accept, kept_task_acquired_in_a_section, bpf_rcu_read_lock(); struct task_struct *task = kept->task; if (task) RELEASES(bpf_task_acquire(task)); bpf_rcu_read_unlock())
KEEPS(__reject("Possibly NULL pointer passed to trusted arg0"), kept_task_acquired_unchecked, bpf_rcu_read_lock(); RELEASES(bpf_task_acquire(kept->task)); bpf_rcu_read_unlock())
KEEPS(__accept, kept_task_acquired_without_section, struct task_struct *task = kept->task; if (task) RELEASES(bpf_task_acquire(task)))
KEEPS(__accept, kept_task_taken_out, RELEASES(bpf_kptr_xchg(&kept->task, NULL)))
KEEPS(__reject("Unreleased reference id="), kept_task_taken_out_and_leaked, bpf_kptr_xchg(&kept->task, NULL))
KEEPS(__reject("invalid kptr access, R2 type=ptr_cgroup expected=ptr_task_struct"), group_put_where_a_task_is_kept, struct cgroup *group = bpf_cgroup_from_id(1); if (!group) return 0; group = bpf_kptr_xchg(&kept->task, group); if (group) bpf_cgroup_release(group))
KEEPS(__reject("off=16 kptr isn't referenced kptr"), task_put_where_a_loose_one_is_kept, RELEASES(bpf_kptr_xchg(&kept->loose, NULL)))
KEEPS(__accept, loose_task_stored, kept->loose = (void *)arguments[0])
KEEPS(__accept, loose_task_read, struct task_struct *task = kept->loose; if (task) any_number = task->pid)
KEEPS(__reject("R1 must be a rcu pointer"), loose_task_acquired, struct task_struct *task = kept->loose; bpf_rcu_read_lock(); if (task) RELEASES(bpf_task_acquire(task)); bpf_rcu_read_unlock())
KEEPS(__reject("R1 doesn't have constant offset. kptr has to be at the constant offset"), kept_at_a_variable_offset, u64 offset = arguments[1] & 8; RELEASES(bpf_kptr_xchg((void *)kept + offset, NULL)))
KEEPS(__reject("off=4 doesn't point to kptr"), kept_at_a_wrong_offset, RELEASES(bpf_kptr_xchg((void *)kept + 4, NULL)))
KEEPS(__reject("R2 type=scalar expected=ptr_, trusted_ptr_, rcu_ptr_"), number_put_where_a_task_is_kept, RELEASES(bpf_kptr_xchg(&kept->task, (void *)5)))
KEEPS(__reject("R2 must be referenced when passed to release function"), trusted_task_put_without_acquiring, RELEASES(bpf_kptr_xchg(&kept->task, (void *)arguments[0])))
KEEPS(__reject("kptr access size must be BPF_DW"), kept_task_partly_read, any_number = *(volatile u32 *)&kept->task)
KEEPS(__reject("kptr in map can only be accessed using BPF_MEM instruction mode"), kept_task_changed_atomically, __sync_fetch_and_add((u64 *)&kept->task, 1))
KEEPS(__accept, task_from_one_place_to_another, struct task_struct *task = bpf_kptr_xchg(&kept->task, NULL); if (!task) return 0; RELEASES(bpf_kptr_xchg(&kept->task, task)))

#define NAMES(verdict, name, ...)						\
	SEC("syscall") verdict							\
	int name(void *context)							\
	{									\
		struct cgroup *group = bpf_cgroup_from_id(1);			\
		struct bpf_dynptr value;					\
										\
		if (!group)							\
			return 0;						\
		bpf_dynptr_from_mem(text, sizeof(text), 0, &value);		\
		__VA_ARGS__;							\
		bpf_cgroup_release(group);					\
		return 0;							\
	}

NAMES(__accept, attribute_by_constant_text, bpf_cgroup_read_xattr(group, constant_text, &value))
NAMES(__accept, attribute_by_literal, bpf_cgroup_read_xattr(group, "user.x", &value))
NAMES(__reject("R2 does not point to a readonly map'"), attribute_by_variable_text, bpf_cgroup_read_xattr(group, text, &value))
NAMES(__reject("doesn't point to a const string"), attribute_by_text_on_the_stack, char name[8] = "user.x"; barrier(); bpf_cgroup_read_xattr(group, name, &value))
NAMES(__reject("Possibly NULL pointer passed to trusted arg1"), attribute_by_nothing, bpf_cgroup_read_xattr(group, NULL, &value))
NAMES(__reject("R2 is not a constant address'"), attribute_by_moved_text, u64 offset = bpf_get_prandom_u32() & 1; bpf_cgroup_read_xattr(group, constant_text + offset, &value))

SEC("tc") __accept
int text_compared_in_many_ways(struct __sk_buff *skb)
{
	return bpf_strcasecmp(text, constant_text) + bpf_strnchr(text, 8, 'x') + bpf_strrchr(constant_text, 'u') +
	       bpf_strchrnul(text, 'x') + bpf_strnlen(text, 4) + bpf_strspn(text, "abc") + bpf_strcspn(text, "abc") +
	       bpf_strnstr(text, constant_text, 4);
}

SEC("tc") __accept
int text_of_anywhere(struct __sk_buff *skb)
{
	char bytes[8] = {};

	barrier();
	return bpf_strlen(bytes) + bpf_strlen((void *)(long)skb->mark) + bpf_strlen(NULL) + bpf_strcmp((void *)skb, (void *)(long)skb->data);
}

SEC("tc") __accept
int text_never_written(struct __sk_buff *skb)
{
	register u64 nothing asm("r9");

	return bpf_strlen((void *)nothing);
}

