/* What programs keep in maps and do later. Each program returns 0, or the number of the first step that went wrong. */
#include "corpus.h"

GPL;
#define bpf_obj_new(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define bpf_obj_drop(pointer) bpf_obj_drop_impl(pointer, NULL)
#define step(number, condition) if (!(condition)) return number
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))

struct item {
	struct bpf_refcount refs;
	struct bpf_list_node node;
	struct bpf_rb_node leaf;
	u64 value;
};

struct element {
	struct bpf_spin_lock lock;
	struct bpf_timer timer;
	struct bpf_wq work;
	struct item __kptr *item;
	u64 count;
};
MAP(ARRAY, elements, u32, struct element, 2);
MAP(HASH, by_key, u32, struct element, 2);
MAP(PERF_EVENT_ARRAY, samples, u32, u32, 1);

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} of_task SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} from_user SEC(".maps");

private(A) struct bpf_spin_lock lock;
private(A) struct bpf_list_head list __contains(item, node);
private(A) struct bpf_rb_root tree __contains(item, leaf);

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct item, leaf)->value < container_of(b, struct item, leaf)->value;
}

static struct item *item_of(u64 value)
{
	struct item *item = bpf_obj_new(struct item);

	if (item)
		item->value = value;
	return item;
}

SEC("tc")
int list_keeps_its_order(struct __sk_buff *skb)
{
	struct bpf_list_node *node;
	u64 seen = 0;

	for (int i = 1; i <= 3; i++) {
		struct item *item = item_of(i);
		step(1, item);
		if (i == 3)
			bpf_list_push_front_impl(&list, &item->node, NULL, 0);
		else
			bpf_list_push_back_impl(&list, &item->node, NULL, 0);
	}
	for (int i = 0; i < 3; i++) {
		node = bpf_list_pop_front(&list);
		step(2, node);
		struct item *item = container_of(node, struct item, node);
		seen = seen * 10 + item->value;
		bpf_obj_drop(item);
	}
	step(3, seen == 312);
	step(4, !bpf_list_pop_back(&list));
	return 0;
}

SEC("tc")
int tree_is_in_order(struct __sk_buff *skb)
{
	u64 seen = 0;

	for (int i = 0; i < 5; i++) {
		struct item *item = item_of((i * 3) % 5);
		step(1, item);
		step(2, !bpf_rbtree_add_impl(&tree, &item->leaf, less, NULL, 0));
	}
	/* 0 to 4 in the order 0, 3, 1, 4, 2: balanced, 1 is at the top. */
	struct bpf_rb_node *top = bpf_rbtree_root(&tree);
	step(3, top && container_of(top, struct item, leaf)->value == 1);
	step(4, container_of(bpf_rbtree_left(&tree, top), struct item, leaf)->value == 0);
	step(5, container_of(bpf_rbtree_right(&tree, top), struct item, leaf)->value == 3);
	for (int i = 0; i < 5; i++) {
		struct bpf_rb_node *first = bpf_rbtree_first(&tree);
		step(6, first);
		first = bpf_rbtree_remove(&tree, first);
		step(7, first);
		step(8, !bpf_rbtree_remove(&tree, first));
		struct item *item = container_of(first, struct item, leaf);
		seen = seen * 10 + item->value;
		bpf_obj_drop(item);
	}
	step(9, seen == 1234);
	step(10, !bpf_rbtree_first(&tree) && !bpf_rbtree_root(&tree));
	return 0;
}

SEC("tc")
int node_is_in_one_place(struct __sk_buff *skb)
{
	struct item *item = item_of(7);
	step(1, item);
	struct item *other = bpf_refcount_acquire_impl(item, NULL);
	step(2, other == item);
	step(3, !bpf_list_push_back_impl(&list, &item->node, NULL, 0));
	/* The refusal takes the reference. */
	step(4, bpf_list_push_back_impl(&list, &other->node, NULL, 0) == -22);
	struct bpf_list_node *node = bpf_list_pop_back(&list);
	step(5, node);
	bpf_obj_drop(container_of(node, struct item, node));
	return 0;
}

SEC("tc")
int use_after_drop(struct __sk_buff *skb)
{
	struct plain { u64 value; } *plain = bpf_obj_new(struct plain);
	step(1, plain);
	bpf_obj_drop(plain);
	return plain->value;
}

SEC("tc")
int pointer_stays_over_an_update(struct __sk_buff *skb)
{
	u32 key = 0;
	struct element *element = bpf_map_lookup_elem(&elements, &key);
	struct element other = {};
	step(1, element);
	struct item *old = bpf_kptr_xchg(&element->item, item_of(5));
	if (old) {
		/* The second run finds what the first one has left. */
		step(2, old->value == 5 && element->count == 9);
		bpf_obj_drop(old);
	}
	other.count = 9;
	step(3, !bpf_map_update_elem(&elements, &key, &other, BPF_ANY));
	step(4, element->item && element->count == 9);
	step(5, !bpf_map_update_elem(&elements, &key, &other, BPF_F_LOCK));
	step(6, bpf_map_update_elem(&elements, &key, &other, BPF_NOEXIST) == -17);
	step(7, bpf_map_update_elem(&by_key, &key, &other, BPF_EXIST) == (old ? 0 : -2));
	step(8, bpf_map_update_elem(&by_key, &key, &other, 3) == -22);
	step(9, !bpf_map_update_elem(&by_key, &key, &other, BPF_F_LOCK));
	struct element *before = bpf_map_lookup_elem(&by_key, &key);
	step(10, before);
	other.count = 10;
	step(11, !bpf_map_update_elem(&by_key, &key, &other, BPF_F_LOCK | BPF_EXIST));
	step(12, before->count == 10 && before == bpf_map_lookup_elem(&by_key, &key));
	if (old)
		step(13, !bpf_map_delete_elem(&by_key, &key) && !bpf_map_lookup_elem(&by_key, &key));
	return 0;
}

static int ring(void *map, u32 *key, struct element *element)
{
	element->count = element->count * 10 + *key + 1;
	if (element->count < 100)
		bpf_timer_start(&element->timer, 1000, 0);
	return 0;
}

static int work(void *map, int *key, void *value)
{
	((struct element *)value)->count += 5;
	return 0;
}

SEC("tc")
int timer_and_work(struct __sk_buff *skb)
{
	u32 key = 1;
	struct element *element = bpf_map_lookup_elem(&elements, &key);
	step(1, element);
	step(2, bpf_timer_start(&element->timer, 0, 0) == -22);
	step(3, bpf_timer_cancel(&element->timer) == -22);
	step(4, bpf_timer_init(&element->timer, &elements, 5) == -22);
	step(5, !bpf_timer_init(&element->timer, &elements, 1));
	step(6, bpf_timer_init(&element->timer, &elements, 1) == -16);
	step(7, !bpf_timer_set_callback(&element->timer, ring));
	step(8, bpf_timer_start(&element->timer, 1000, 4) == -22);
	step(9, !bpf_timer_start(&element->timer, 1000, 0));
	step(10, bpf_timer_cancel(&element->timer) == 1);
	step(11, bpf_timer_cancel(&element->timer) == 0);
	step(12, !bpf_timer_start(&element->timer, 2000, 0));
	step(13, bpf_wq_start(&element->work, 0) == -22);
	step(14, !bpf_wq_init(&element->work, &elements, 0));
	step(15, !bpf_wq_set_callback_impl(&element->work, work, 0, NULL));
	step(16, !bpf_wq_start(&element->work, 0) && !bpf_wq_start(&element->work, 0));
	step(17, element->count == 0);
	return 0;
}

SEC("tc")
int storage_of_the_task(struct __sk_buff *skb)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 first = 40;

	step(1, task->pid == 1000 && task->group_leader == task && task->comm[4] == 'a');
	u64 *value = bpf_task_storage_get(&of_task, task, 0, 0);
	if (!value)
		value = bpf_task_storage_get(&of_task, task, &first, 1);
	step(2, value);
	(*value)++;
	step(3, value == bpf_task_storage_get(&of_task, task, &first, 1));
	step(4, !bpf_task_storage_get(&of_task, task, &first, 2));
	step(5, *value >= 41);
	if (*value < 43)
		return 0;
	step(6, !bpf_task_storage_delete(&of_task, task));
	step(7, bpf_task_storage_delete(&of_task, task) == -2);
	return 0;
}

static long count(struct bpf_dynptr *sample, void *context)
{
	u32 value = 0;

	bpf_dynptr_read(&value, sizeof(value), sample, 0, 0);
	*(u32 *)context += value;
	return value == 3;
}

SEC("tc")
int samples_both_ways(struct __sk_buff *skb)
{
	u32 sum = 0;

	step(1, bpf_user_ringbuf_drain(&from_user, count, &sum, 4) == -22);
	step(2, bpf_user_ringbuf_drain(&from_user, count, &sum, 0) == 2);
	step(3, sum == 5);
	step(4, bpf_user_ringbuf_drain(&from_user, count, &sum, 0) == 1);
	step(5, sum == 6);
	step(6, bpf_perf_event_output(skb, &samples, 1, &sum, 4) == -7);
	step(7, bpf_perf_event_output(skb, &samples, 1ULL << 52, &sum, 4) == -22);
	step(8, bpf_perf_event_output(skb, &samples, BPF_F_CURRENT_CPU | 0xfffffULL << 32, &sum, 4) == -14);
	step(9, !bpf_perf_event_output(skb, &samples, BPF_F_CURRENT_CPU | 2ULL << 32, &sum, 4));
	return 0;
}

SEC("tc")
int processors(struct __sk_buff *skb)
{
	struct bpf_cpumask *a = bpf_cpumask_create(), *b = bpf_cpumask_create();
	step(1, a && b);
	step(2, bpf_cpumask_empty((void *)a) && bpf_cpumask_first((void *)a) == 1);
	bpf_cpumask_set_cpu(0, a);
	bpf_cpumask_set_cpu(7, a);
	step(3, bpf_cpumask_weight((void *)a) == 1 && bpf_cpumask_full((void *)a));
	step(4, !bpf_cpumask_and(b, (void *)a, (void *)b));
	bpf_cpumask_or(b, (void *)a, (void *)b);
	step(5, bpf_cpumask_equal((void *)a, (void *)b) && bpf_cpumask_test_and_clear_cpu(0, b));
	step(6, !bpf_cpumask_test_cpu(0, (void *)b) && bpf_cpumask_first_zero((void *)b) == 0);
	bpf_cpumask_release(a);
	bpf_cpumask_release(b);
	return 0;
}
