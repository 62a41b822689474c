/* Objects that programs allocate, and the lists and trees that own them. */
#include "corpus.h"

GPL;
#define bpf_obj_new(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define bpf_obj_drop(pointer) bpf_obj_drop_impl(pointer, NULL)
#define bpf_list_push_front(head, node) bpf_list_push_front_impl(head, node, NULL, 0)
#define bpf_rbtree_add(root, node, less) bpf_rbtree_add_impl(root, node, less, NULL, 0)
#define bpf_refcount_acquire(pointer) ((typeof(pointer))bpf_refcount_acquire_impl(pointer, NULL))
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))

struct item {
	struct bpf_list_node node;
	u64 value;
};

struct leaf {
	struct bpf_rb_node node;
	u64 value;
};

struct shared {
	struct bpf_refcount refs;
	u64 value;
};

struct stash { struct item __kptr *item; };
MAP(ARRAY, stashes, u32, struct stash, 1);

private(list) struct bpf_spin_lock list_lock;
private(list) struct bpf_list_head list __contains(item, node);
private(tree) struct bpf_spin_lock tree_lock;
private(tree) struct bpf_rb_root tree __contains(leaf, node);

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct leaf, node)->value < container_of(b, struct leaf, node)->value;
}

SEC("tc") __accept
int allocated_and_dropped(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	item->value = skb->mark;
	bpf_obj_drop(item);
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int allocated_and_leaked(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (item)
		item->value = 1;
	return 0;
}

SEC("tc") __reject("invalid mem access 'ptr_or_null_'")
int used_without_null_check(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	item->value = 1;
	bpf_obj_drop(item);
	return 0;
}

SEC("tc") __reject("invalid mem access 'scalar'")
int used_after_drop(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	bpf_obj_drop(item);
	return item->value;
}

SEC("tc") __reject("direct access to bpf_list_node is disallowed")
int node_written_directly(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	*(volatile u64 *)&item->node = 1;
	bpf_obj_drop(item);
	return 0;
}

SEC("tc") __accept
int pushed_and_popped(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);
	struct bpf_list_node *node;

	if (!item)
		return 0;
	bpf_spin_lock(&list_lock);
	bpf_list_push_front(&list, &item->node);
	node = bpf_list_pop_back(&list);
	bpf_spin_unlock(&list_lock);
	if (node)
		bpf_obj_drop(container_of(node, struct item, node));
	return 0;
}

SEC("tc") __reject("bpf_spin_lock at off=")
int pushed_without_lock(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	bpf_list_push_front(&list, &item->node);
	return 0;
}

SEC("tc") __reject("bpf_spin_lock at off=")
int pushed_under_another_lock(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	bpf_spin_lock(&tree_lock);
	bpf_list_push_front(&list, &item->node);
	bpf_spin_unlock(&tree_lock);
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int popped_and_leaked(struct __sk_buff *skb)
{
	struct bpf_list_node *node;

	bpf_spin_lock(&list_lock);
	node = bpf_list_pop_front(&list);
	bpf_spin_unlock(&list_lock);
	return node ? 1 : 0;
}

SEC("tc") __accept
int value_read_after_push_under_the_lock(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);
	u64 value;

	if (!item)
		return 0;
	bpf_spin_lock(&list_lock);
	bpf_list_push_front(&list, &item->node);
	value = item->value;
	bpf_spin_unlock(&list_lock);
	return value;
}

SEC("tc") __reject("invalid mem access 'scalar'")
int value_read_after_unlock(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	bpf_spin_lock(&list_lock);
	bpf_list_push_front(&list, &item->node);
	bpf_spin_unlock(&list_lock);
	return item->value;
}

SEC("tc") __accept
int added_to_tree_and_removed(struct __sk_buff *skb)
{
	struct leaf *leaf = bpf_obj_new(struct leaf);
	struct bpf_rb_node *node;

	if (!leaf)
		return 0;
	leaf->value = skb->mark;
	bpf_spin_lock(&tree_lock);
	bpf_rbtree_add(&tree, &leaf->node, less);
	node = bpf_rbtree_first(&tree);
	if (!node) {
		bpf_spin_unlock(&tree_lock);
		return 0;
	}
	node = bpf_rbtree_remove(&tree, node);
	bpf_spin_unlock(&tree_lock);
	if (node)
		bpf_obj_drop(container_of(node, struct leaf, node));
	return 0;
}

SEC("tc") __accept
int owned_node_removed_from_tree(struct __sk_buff *skb)
{
	struct leaf *leaf = bpf_obj_new(struct leaf);
	struct bpf_rb_node *node;

	if (!leaf)
		return 0;
	bpf_spin_lock(&tree_lock);
	node = bpf_rbtree_remove(&tree, &leaf->node);
	bpf_spin_unlock(&tree_lock);
	if (node)
		bpf_obj_drop(container_of(node, struct leaf, node));
	bpf_obj_drop(leaf);
	return 0;
}

SEC("tc") __reject("bpf_rb_node not found at offset=0")
int item_added_to_tree(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	bpf_spin_lock(&tree_lock);
	bpf_rbtree_add(&tree, (void *)&item->node, less);
	bpf_spin_unlock(&tree_lock);
	return 0;
}

SEC("tc") __accept
int reference_count_taken_twice(struct __sk_buff *skb)
{
	struct shared *first = bpf_obj_new(struct shared), *second;

	if (!first)
		return 0;
	second = bpf_refcount_acquire(first);
	second->value = 1;
	bpf_obj_drop(first);
	bpf_obj_drop(second);
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int second_reference_leaked(struct __sk_buff *skb)
{
	struct shared *first = bpf_obj_new(struct shared), *second;

	if (!first)
		return 0;
	second = bpf_refcount_acquire(first);
	second->value = 1;
	bpf_obj_drop(first);
	return 0;
}

SEC("tc") __reject("arg#0 doesn't point to a type with bpf_refcount field")
int reference_count_of_an_item_without_one(struct __sk_buff *skb)
{
	struct item *first = bpf_obj_new(struct item), *second;

	if (!first)
		return 0;
	second = bpf_refcount_acquire(first);
	bpf_obj_drop(first);
	bpf_obj_drop(second);
	return 0;
}

SEC("tc") __accept
int item_stashed_in_map(struct __sk_buff *skb)
{
	struct stash *stash;
	struct item *item;
	u32 key = 0;

	stash = bpf_map_lookup_elem(&stashes, &key);
	if (!stash)
		return 0;
	item = bpf_obj_new(struct item);
	if (!item)
		return 0;
	item = bpf_kptr_xchg(&stash->item, item);
	if (item)
		bpf_obj_drop(item);
	return 0;
}

SEC("tc") __reject("function calls are not allowed while holding a lock")
int non_owning_reference_stashed(struct __sk_buff *skb)
{
	struct stash *stash;
	struct item *item;
	u32 key = 0;

	stash = bpf_map_lookup_elem(&stashes, &key);
	if (!stash)
		return 0;
	item = bpf_obj_new(struct item);
	if (!item)
		return 0;
	bpf_spin_lock(&list_lock);
	bpf_list_push_front(&list, &item->node);
	bpf_kptr_xchg(&stash->item, item);
	bpf_spin_unlock(&list_lock);
	return 0;
}
