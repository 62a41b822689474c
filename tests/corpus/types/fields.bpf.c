/* Special fields in arrays, nested structures, unions and sections: where the kernel finds them. */
#include "corpus.h"

GPL;
#define bpf_obj_new(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define bpf_obj_drop(pointer) bpf_obj_drop_impl(pointer, NULL)
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))
#define push_back(head, node) bpf_list_push_back_impl(head, node, NULL, 0)

struct prefix { u32 length; u32 address; };
struct item { struct bpf_list_node node; u64 value; };
typedef struct task_struct __kptr *task_t;
struct kept_array { u64 count; struct task_struct __kptr *tasks[4]; };
struct inner { u32 a; struct task_struct __kptr *task; };
struct nested { u64 count; struct inner inner; struct { struct { struct inner deep; } middle; }; };
struct nested_array { struct inner inners[3]; };
struct in_union { union { struct task_struct __kptr *task; u64 number; }; };
struct by_name { task_t task; };
struct constant { const struct task_struct __kptr *task; struct task_struct __kptr *const other; };
struct bucket { struct bpf_spin_lock lock; struct bpf_list_head heads[2] __contains(item, node); };
struct timed { u64 a; struct { struct bpf_timer timer; u64 b; } inner; };
struct two_locks_in_depth { struct { struct bpf_spin_lock lock; u32 pad; } inner; u64 value; };
struct with_percpu { struct item2 { u64 value; } __percpu_kptr *number; };
struct untrusted { struct task_struct __kptr_untrusted *tasks[2]; };
struct many { struct task_struct __kptr *tasks[11]; };
struct mixed { struct bpf_spin_lock lock; struct bpf_timer timer; struct task_struct __kptr *task; u64 value; };

MAP(ARRAY, kept_arrays, u32, struct kept_array, 1);
MAP(ARRAY, nesteds, u32, struct nested, 1);
MAP(ARRAY, nested_arrays, u32, struct nested_array, 1);
MAP(ARRAY, unions, u32, struct in_union, 1);
MAP(ARRAY, by_names, u32, struct by_name, 1);
MAP(ARRAY, constants, u32, struct constant, 1);
MAP(ARRAY, bucket_map, u32, struct bucket, 1);
MAP(ARRAY, timeds, u32, struct timed, 1);
MAP(ARRAY, depths, u32, struct two_locks_in_depth, 1);
MAP(ARRAY, percpus, u32, struct with_percpu, 1);
MAP(ARRAY, untrusteds, u32, struct untrusted, 1);
MAP(ARRAY, manies, u32, struct many, 1);
MAP(ARRAY, mixeds, u32, struct mixed, 1);
MAP(PERCPU_ARRAY, percpu_mixeds, u32, struct mixed, 1);
MAP(LRU_HASH, lru_kept, u32, struct kept_array, 2);
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2);
	__type(key, struct prefix);
	__type(value, struct inner);
} not_kept SEC(".maps");

private(one) struct bpf_spin_lock lock;
private(one) struct bpf_list_head heads[3] __contains(item, node);
private(two) struct task_struct __kptr *task_variable;
private(two) struct task_struct __kptr *task_variables[2];
struct task_struct __kptr *task_in_bss;
struct bpf_timer timer_in_bss;
struct nested nested_in_bss;

#define USES(verdict, map, type, name, ...)					\
	SEC("tc") verdict int name(struct __sk_buff *skb)			\
	{									\
		u32 key = 0;							\
		struct type *value = bpf_map_lookup_elem(&map, &key);		\
										\
		if (!value)							\
			return 0;						\
		__VA_ARGS__;							\
		return 0;							\
	}
#define TAKE(place) ({ struct task_struct *task = bpf_kptr_xchg(place, NULL); if (task) bpf_task_release(task); })
#define TAKES(verdict, name, place) SEC("tc") verdict int name(struct __sk_buff *skb) { TAKE(place); return 0; }

USES(__accept, kept_arrays, kept_array, array_of_tasks, TAKE(&value->tasks[0]); TAKE(&value->tasks[3]))
USES(__reject("R1 doesn't have constant offset. kptr has to be at the constant offset"), kept_arrays, kept_array, array_of_tasks_at_a_variable_index, u32 index = skb->mark & 3; TAKE(&value->tasks[index]))
USES(__accept, nesteds, nested, nested_tasks, TAKE(&value->inner.task); TAKE(&value->middle.deep.task))
USES(__reject("off=8 doesn't point to kptr"), nesteds, nested, nested_number_for_a_task, TAKE((void *)&value->inner.a))
USES(__accept, nested_arrays, nested_array, array_of_structures_with_tasks, TAKE(&value->inners[2].task))
USES(__reject("R1 has no valid kptr"), unions, in_union, task_in_a_union, TAKE(&value->task))
USES(__accept, unions, in_union, number_in_a_union, value->number = 5)
USES(__reject("R1 has no valid kptr"), by_names, by_name, task_by_the_name_of_its_type, TAKE(&value->task))
USES(__reject("off=8 doesn't point to kptr"), constants, constant, constant_task, TAKE((void *)&value->task); TAKE((void *)&value->other))
USES(__accept, bucket_map, bucket, array_of_lists, struct bpf_list_node *n; bpf_spin_lock(&value->lock); n = bpf_list_pop_front(&value->heads[1]); bpf_spin_unlock(&value->lock); if (n) bpf_obj_drop(container_of(n, struct item, node)))
USES(__accept, timeds, timed, timer_in_a_nested_structure, bpf_timer_init(&value->inner.timer, &timeds, 1))
USES(__accept, depths, two_locks_in_depth, lock_in_a_nested_structure, bpf_spin_lock(&value->inner.lock); value->value++; bpf_spin_unlock(&value->inner.lock))
USES(__accept, untrusteds, untrusted, array_of_untrusted_tasks, struct task_struct *task = value->tasks[1]; if (task) skb->mark = task->pid)
USES(__accept, manies, many, eleven_tasks, TAKE(&value->tasks[10]))
USES(__accept, mixeds, mixed, fields_of_many_kinds, TAKE(&value->task); bpf_timer_init(&value->timer, &mixeds, 1); bpf_spin_lock(&value->lock); value->value++; bpf_spin_unlock(&value->lock))
USES(__reject("map 'percpu_mixeds' has to have BTF in order to use bpf_kptr_xchg"), percpu_mixeds, mixed, fields_of_many_kinds_per_cpu, TAKE(&value->task))
USES(__accept, lru_kept, kept_array, array_of_tasks_in_an_lru, TAKE(&value->tasks[1]))
SEC("tc") __reject("map 'not_kept' has to have BTF in order to use bpf_kptr_xchg")
int task_in_a_trie(struct __sk_buff *skb)
{
	struct prefix key = { 8, 1 };
	struct inner *value = bpf_map_lookup_elem(&not_kept, &key);

	if (value)
		TAKE(&value->task);
	return 0;
}

TAKES(__accept, task_in_a_section, &task_variable)
TAKES(__accept, tasks_in_a_section, &task_variables[1])
TAKES(__accept, task_in_bss_with_others, &task_in_bss)
TAKES(__accept, task_of_a_structure_in_bss, &nested_in_bss.middle.deep.task)

SEC("tc") __accept
int lists_in_a_section(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);
	struct bpf_list_node *node;

	if (!item)
		return 0;
	bpf_spin_lock(&lock);
	push_back(&heads[2], &item->node);
	node = bpf_list_pop_front(&heads[0]);
	bpf_spin_unlock(&lock);
	if (node)
		bpf_obj_drop(container_of(node, struct item, node));
	return 0;
}

SEC("tc") __accept
int timer_in_a_variable(struct __sk_buff *skb)
{
	return bpf_timer_start(&timer_in_bss, 1, 0);
}

USES(__reject("R1 has no valid kptr"), percpus, with_percpu, per_cpu_number, struct item2 *number = bpf_percpu_obj_new_impl(__builtin_btf_type_id(*(struct item2 *)0, 0), NULL); if (!number) return 0; number = bpf_kptr_xchg(&value->number, number); if (number) bpf_percpu_obj_drop_impl(number, NULL))
