/* Trees of objects: adding, looking, removing, and the function that compares. */
#include "corpus.h"

GPL;
#define bpf_obj_new(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define bpf_obj_drop(pointer) bpf_obj_drop_impl(pointer, NULL)
#define bpf_rbtree_add(root, node, less) bpf_rbtree_add_impl(root, node, less, NULL, 0)
#define bpf_refcount_acquire(pointer) ((typeof(pointer))bpf_refcount_acquire_impl(pointer, NULL))
#define push_back(head, node) bpf_list_push_back_impl(head, node, NULL, 0)
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))

struct leaf {
	u64 key;
	struct bpf_rb_node node;
	u64 value;
};

struct shared {
	struct bpf_rb_node node;
	struct bpf_refcount refs;
	struct bpf_list_node link;
	u64 value;
};

private(a) struct bpf_spin_lock lock;
private(a) struct bpf_rb_root tree __contains(leaf, node);
private(b) struct bpf_spin_lock shared_lock;
private(b) struct bpf_rb_root shared_tree __contains(shared, node);
private(b) struct bpf_list_head shared_list __contains(shared, link);
u64 calls;

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct leaf, node)->key < container_of(b, struct leaf, node)->key;
}

static bool shared_less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct shared, node)->value < container_of(b, struct shared, node)->value;
}

static bool less_that_counts(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	calls++;
	return a < b;
}

static u64 less_that_returns_two(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return 2;
}

static bool less_that_asks_for_the_time(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return bpf_ktime_get_ns() & 1;
}

static bool less_that_enters_a_read_section(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return false;
}

static bool less_that_adds(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	struct leaf *leaf = bpf_obj_new(struct leaf);

	if (leaf)
		bpf_rbtree_add(&tree, &leaf->node, less);
	return false;
}

static bool less_that_looks(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return bpf_rbtree_first(&tree) == a;
}

static bool less_that_removes(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return bpf_rbtree_remove(&tree, a) != NULL;
}

static bool less_that_drops(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	bpf_obj_drop(container_of(a, struct leaf, node));
	return false;
}

static bool less_that_unlocks(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	bpf_spin_unlock(&lock);
	bpf_spin_lock(&lock);
	return false;
}

static bool less_that_writes(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	container_of(a, struct leaf, node)->value = 3;
	return false;
}

static bool less_that_writes_the_node(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	*(volatile u64 *)a = 3;
	return false;
}

#define ADDS(verdict, name, function)						\
	SEC("tc") verdict							\
	int name(struct __sk_buff *skb)						\
	{									\
		struct leaf *leaf = bpf_obj_new(struct leaf);			\
										\
		if (!leaf)							\
			return 0;						\
		leaf->key = skb->mark;						\
		bpf_spin_lock(&lock);						\
		bpf_rbtree_add(&tree, &leaf->node, function);			\
		bpf_spin_unlock(&lock);						\
		return 0;							\
	}

ADDS(__accept, added, less)
ADDS(__accept, comparison_counts, less_that_counts)
ADDS(__reject("At callback return the register R0 has smin=2 smax=2 should have been in [0, 1]"), comparison_returns_two, (void *)less_that_returns_two)
ADDS(__reject("function calls are not allowed while holding a lock"), comparison_asks_for_the_time, less_that_asks_for_the_time)
ADDS(__reject("function calls are not allowed while holding a lock"), comparison_enters_a_read_section, less_that_enters_a_read_section)
ADDS(__reject("function calls are not allowed while holding a lock"), comparison_adds, less_that_adds)
ADDS(__accept, comparison_looks, less_that_looks)
ADDS(__reject("bpf_rbtree_remove not allowed in rbtree cb"), comparison_removes, less_that_removes)
ADDS(__reject("function calls are not allowed while holding a lock"), comparison_drops, less_that_drops)
ADDS(__reject("can't spin_{lock,unlock} in rbtree cb"), comparison_unlocks, less_that_unlocks)
ADDS(__accept, comparison_writes, less_that_writes)
ADDS(__reject("direct access to bpf_rb_node is disallowed"), comparison_writes_the_node, less_that_writes_the_node)
ADDS(__reject("arg2 expected pointer to func"), comparison_is_nothing, NULL)
ADDS(__reject("arg2 expected pointer to func"), comparison_is_data, (void *)&calls)

SEC("tc") __accept
int walked_down(struct __sk_buff *skb)
{
	struct bpf_rb_node *node;
	u64 value = 0;

	bpf_spin_lock(&lock);
	node = bpf_rbtree_root(&tree);
	for (int i = 0; node && i < 10; i++) {
		struct leaf *leaf = container_of(node, struct leaf, node);

		if (leaf->key == skb->mark) {
			value = leaf->value;
			break;
		}
		node = skb->mark < leaf->key ? bpf_rbtree_left(&tree, node) : bpf_rbtree_right(&tree, node);
	}
	bpf_spin_unlock(&lock);
	return value;
}

SEC("tc") __accept
int first_removed_and_its_value_read(struct __sk_buff *skb)
{
	struct bpf_rb_node *node;
	struct leaf *leaf;
	u64 value;

	bpf_spin_lock(&lock);
	node = bpf_rbtree_first(&tree);
	if (!node) {
		bpf_spin_unlock(&lock);
		return 1;
	}
	leaf = container_of(node, struct leaf, node);
	value = leaf->value;
	node = bpf_rbtree_remove(&tree, node);
	bpf_spin_unlock(&lock);
	if (!node)
		return 1;
	leaf = container_of(node, struct leaf, node);
	value += leaf->key;
	bpf_obj_drop(leaf);
	return value;
}

SEC("tc") __accept
int removed_twice(struct __sk_buff *skb)
{
	struct bpf_rb_node *node, *first, *second;

	bpf_spin_lock(&lock);
	node = bpf_rbtree_first(&tree);
	if (!node) {
		bpf_spin_unlock(&lock);
		return 1;
	}
	first = bpf_rbtree_remove(&tree, node);
	second = bpf_rbtree_remove(&tree, node);
	bpf_spin_unlock(&lock);
	if (first)
		bpf_obj_drop(container_of(first, struct leaf, node));
	if (second)
		bpf_obj_drop(container_of(second, struct leaf, node));
	return 0;
}

SEC("tc") __reject("dereference of modified ptr_or_null_ ptr R2 off=8 disallowed")
int removed_without_null_check(struct __sk_buff *skb)
{
	struct bpf_rb_node *node;

	bpf_spin_lock(&lock);
	node = bpf_rbtree_remove(&tree, bpf_rbtree_first(&tree));
	bpf_spin_unlock(&lock);
	if (node)
		bpf_obj_drop(container_of(node, struct leaf, node));
	return 0;
}

SEC("tc") __accept
int left_of_an_owned_node(struct __sk_buff *skb)
{
	struct leaf *leaf = bpf_obj_new(struct leaf);

	if (!leaf)
		return 0;
	bpf_spin_lock(&lock);
	bpf_rbtree_left(&tree, &leaf->node);
	bpf_spin_unlock(&lock);
	bpf_obj_drop(leaf);
	return 0;
}

SEC("tc") __reject("bpf_spin_lock at off=0 must be held for bpf_rb_root")
int first_without_lock(struct __sk_buff *skb)
{
	return bpf_rbtree_first(&tree) ? 1 : 0;
}

SEC("tc") __accept
int shared_between_tree_and_list(struct __sk_buff *skb)
{
	struct shared *first = bpf_obj_new(struct shared), *second;

	if (!first)
		return 0;
	second = bpf_refcount_acquire(first);
	bpf_spin_lock(&shared_lock);
	bpf_rbtree_add(&shared_tree, &first->node, shared_less);
	push_back(&shared_list, &second->link);
	bpf_spin_unlock(&shared_lock);
	return 0;
}

SEC("tc") __accept
int reference_taken_while_in_the_tree(struct __sk_buff *skb)
{
	struct shared *first = bpf_obj_new(struct shared), *second;

	if (!first)
		return 0;
	bpf_spin_lock(&shared_lock);
	bpf_rbtree_add(&shared_tree, &first->node, shared_less);
	second = bpf_refcount_acquire(first);
	bpf_spin_unlock(&shared_lock);
	if (second)
		bpf_obj_drop(second);
	return 0;
}

SEC("tc") __reject("arg#0 is neither owning or non-owning ref")
int reference_taken_behind_the_lock(struct __sk_buff *skb)
{
	struct shared *first = bpf_obj_new(struct shared), *second;

	if (!first)
		return 0;
	bpf_spin_lock(&shared_lock);
	bpf_rbtree_add(&shared_tree, &first->node, shared_less);
	bpf_spin_unlock(&shared_lock);
	second = bpf_refcount_acquire(first);
	if (second)
		bpf_obj_drop(second);
	return 0;
}

SEC("tc") __accept
int removed_from_the_tree_and_the_list(struct __sk_buff *skb)
{
	struct bpf_list_node *link;
	struct bpf_rb_node *node;
	struct shared *shared;

	bpf_spin_lock(&shared_lock);
	link = bpf_list_pop_front(&shared_list);
	if (!link) {
		bpf_spin_unlock(&shared_lock);
		return 0;
	}
	shared = container_of(link, struct shared, link);
	node = bpf_rbtree_remove(&shared_tree, &shared->node);
	bpf_spin_unlock(&shared_lock);
	bpf_obj_drop(shared);
	if (node)
		bpf_obj_drop(container_of(node, struct shared, node));
	return 0;
}

SEC("tc") __reject("arg#0 is neither owning or non-owning ref")
int reference_count_of_the_stack(struct __sk_buff *skb)
{
	struct shared shared = {}, *second;

	barrier();
	second = bpf_refcount_acquire(&shared);
	if (second)
		bpf_obj_drop(second);
	return 0;
}

SEC("tc") __accept
int reference_count_of_a_node(struct __sk_buff *skb)
{
	struct shared *first = bpf_obj_new(struct shared);
	void *second;

	if (!first)
		return 0;
	second = bpf_refcount_acquire_impl(&first->link, NULL);
	bpf_obj_drop(first);
	if (second)
		bpf_obj_drop(second);
	return 0;
}
