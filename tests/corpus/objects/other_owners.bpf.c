/* Lists and trees whose nodes are of another kind, or lie elsewhere, than what is put into them. */
#include "corpus.h"

GPL;
#define bpf_obj_new(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))

struct item {
	u64 value;
	struct bpf_list_node first;
	struct bpf_list_node second;
	struct bpf_rb_node leaf;
	/* Objects with nodes of both kinds are shared. */
	struct bpf_refcount refs;
};

struct other {
	struct bpf_list_node node;
	u64 value;
};

struct guarded { struct bpf_spin_lock lock; struct bpf_list_head lists[2] __contains(other, node); };
struct outer { u64 count; struct guarded guarded; };
MAP(ARRAY, outers, u32, struct outer, 1);

private(a) struct bpf_spin_lock lock;
private(a) struct bpf_list_head firsts __contains(item, first);
private(a) struct bpf_list_head seconds __contains(item, second);
private(a) struct bpf_list_head others __contains(other, node);
private(a) struct bpf_rb_root leaves __contains(item, leaf);

/* A tc program with an allocated item. */
#define WITH_ITEM(name, body)						\
	int name(struct __sk_buff *skb)					\
	{								\
		struct item *item = bpf_obj_new(struct item);		\
									\
		if (!item)						\
			return 0;					\
		bpf_spin_lock(&lock);					\
		body							\
		bpf_spin_unlock(&lock);					\
		return 0;						\
	}

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct item, leaf)->value < container_of(b, struct item, leaf)->value;
}

SEC("tc") __accept
WITH_ITEM(pushed_by_its_first_node, { bpf_list_push_front_impl(&firsts, &item->first, NULL, 0); })

SEC("tc") __accept
WITH_ITEM(pushed_by_its_second_node, { bpf_list_push_back_impl(&seconds, &item->second, NULL, 0); })

SEC("tc") __reject("arg#1 offset=32, but expected bpf_list_node at offset=8 in struct item")
WITH_ITEM(pushed_by_the_wrong_node, { bpf_list_push_front_impl(&firsts, &item->second, NULL, 0); })

SEC("tc") __reject("operation on bpf_list_head expects arg#1 bpf_list_node at offset=0 in struct other")
WITH_ITEM(pushed_onto_a_list_of_others, { bpf_list_push_front_impl(&others, &item->first, NULL, 0); })

SEC("tc") __reject("bpf_list_node not found at offset=0")
WITH_ITEM(pushed_by_its_value, { bpf_list_push_front_impl(&firsts, (void *)item, NULL, 0); })

SEC("tc") __accept
WITH_ITEM(added_to_the_tree, { bpf_rbtree_add_impl(&leaves, &item->leaf, less, NULL, 0); })

SEC("tc") __reject("bpf_rb_node not found at offset=8")
WITH_ITEM(added_to_the_tree_by_a_node_of_a_list, { bpf_rbtree_add_impl(&leaves, (void *)&item->first, less, NULL, 0); })

SEC("tc") __reject("bpf_list_head not found at offset=56")
WITH_ITEM(pushed_onto_a_tree, { bpf_list_push_front_impl((void *)&leaves, &item->first, NULL, 0); })

SEC("tc") __reject("bpf_list_head not found at offset=16")
WITH_ITEM(pushed_beside_a_list, { bpf_list_push_front_impl((void *)&firsts + 8, &item->first, NULL, 0); })

SEC("tc") __reject("arg#1 expected pointer to allocated object")
WITH_ITEM(pushed_twice, {
	bpf_list_push_front_impl(&firsts, &item->first, NULL, 0);
	bpf_list_push_front_impl(&seconds, &item->second, NULL, 0);
})

SEC("tc") __accept
int lists_nested_in_an_array(struct __sk_buff *skb)
{
	struct other *other;
	struct bpf_list_node *node;
	struct outer *outer;
	u32 key = 0;

	outer = bpf_map_lookup_elem(&outers, &key);
	if (!outer)
		return 0;
	other = bpf_obj_new(struct other);
	if (!other)
		return 0;
	bpf_spin_lock(&outer->guarded.lock);
	bpf_list_push_front_impl(&outer->guarded.lists[1], &other->node, NULL, 0);
	node = bpf_list_pop_front(&outer->guarded.lists[0]);
	outer->count++;
	bpf_spin_unlock(&outer->guarded.lock);
	if (node)
		bpf_obj_drop_impl(container_of(node, struct other, node), NULL);
	return 0;
}

SEC("tc") __reject("R1 doesn't have constant offset. bpf_list_head has to be at the constant offset")
int list_nested_at_an_unknown_index(struct __sk_buff *skb)
{
	struct bpf_list_node *node;
	struct outer *outer;
	u32 key = 0;

	outer = bpf_map_lookup_elem(&outers, &key);
	if (!outer)
		return 0;
	bpf_spin_lock(&outer->guarded.lock);
	node = bpf_list_pop_front(&outer->guarded.lists[skb->mark & 1]);
	bpf_spin_unlock(&outer->guarded.lock);
	if (node)
		bpf_obj_drop_impl(container_of(node, struct other, node), NULL);
	return 0;
}

SEC("tc") __reject("held lock and object are not in the same allocation")
int list_popped_under_another_lock(struct __sk_buff *skb)
{
	struct bpf_list_node *node;
	struct outer *outer;
	u32 key = 0;

	outer = bpf_map_lookup_elem(&outers, &key);
	if (!outer)
		return 0;
	bpf_spin_lock(&lock);
	node = bpf_list_pop_front(&outer->guarded.lists[0]);
	bpf_spin_unlock(&lock);
	if (node)
		bpf_obj_drop_impl(container_of(node, struct other, node), NULL);
	return 0;
}

SEC("tc") __accept
int peeked_under_the_lock(struct __sk_buff *skb)
{
	struct bpf_list_node *node;
	int value = 0;

	bpf_spin_lock(&lock);
	node = bpf_list_front(&others);
	if (node)
		value = container_of(node, struct other, node)->value;
	bpf_spin_unlock(&lock);
	return value;
}

SEC("tc") __reject("R6 invalid mem access 'scalar'")
int peeked_and_read_behind_the_lock(struct __sk_buff *skb)
{
	struct bpf_list_node *node;

	bpf_spin_lock(&lock);
	node = bpf_list_front(&others);
	bpf_spin_unlock(&lock);
	return node ? container_of(node, struct other, node)->value : 0;
}

SEC("tc") __accept
int tree_walked_by_hand(struct __sk_buff *skb)
{
	struct bpf_rb_node *node;
	int i, sum = 0;

	bpf_spin_lock(&lock);
	node = bpf_rbtree_root(&leaves);
	for (i = 0; i < 8 && node; i++) {
		struct item *item = container_of(node, struct item, leaf);

		sum += item->value;
		node = item->value > skb->mark ? bpf_rbtree_left(&leaves, node) : bpf_rbtree_right(&leaves, node);
	}
	bpf_spin_unlock(&lock);
	return sum;
}
