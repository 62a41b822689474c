/* Lists of objects: where heads may be, what becomes of nodes, and what is refused. */
#include "corpus.h"

GPL;
#define bpf_obj_new(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define bpf_obj_drop(pointer) bpf_obj_drop_impl(pointer, NULL)
#define push_front(head, node) bpf_list_push_front_impl(head, node, NULL, 0)
#define push_back(head, node) bpf_list_push_back_impl(head, node, NULL, 0)
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))

struct item {
	u64 before;
	struct bpf_list_node node;
	struct bpf_list_node second;
	u64 value;
};

struct owner {
	struct bpf_spin_lock lock;
	struct bpf_list_head items __contains(item, node);
	u64 count;
};

struct nested {
	u64 first;
	struct { struct bpf_list_node node; u64 value; } inner;
};

struct outer {
	struct bpf_list_node node;
	struct bpf_spin_lock lock;
	struct bpf_list_head items __contains(item, second);
	u64 value;
};

MAP(ARRAY, owners, u32, struct owner, 2);
MAP(HASH, owners_by_hash, u32, struct owner, 2);
MAP(LRU_HASH, owners_by_lru, u32, struct owner, 2);

private(a) struct bpf_spin_lock lock;
private(a) struct bpf_list_head items __contains(item, node);
private(a) struct bpf_list_head others __contains(item, second);
private(b) struct bpf_spin_lock outer_lock;
private(b) struct bpf_list_head outers __contains(outer, node);

SEC("tc") __accept
int head_in_a_map_value(struct __sk_buff *skb)
{
	u32 key = 0;
	struct owner *owner = bpf_map_lookup_elem(&owners, &key);
	struct bpf_list_node *node;
	struct item *item;

	if (!owner)
		return 0;
	item = bpf_obj_new(struct item);
	if (!item)
		return 0;
	item->value = 1;
	bpf_spin_lock(&owner->lock);
	push_back(&owner->items, &item->node);
	owner->count++;
	node = bpf_list_pop_front(&owner->items);
	bpf_spin_unlock(&owner->lock);
	if (node)
		bpf_obj_drop(container_of(node, struct item, node));
	return 0;
}

SEC("tc") __accept
int head_in_a_hash(struct __sk_buff *skb)
{
	u32 key = 0;
	struct owner *owner = bpf_map_lookup_elem(&owners_by_hash, &key);
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	if (!owner) {
		bpf_obj_drop(item);
		return 0;
	}
	bpf_spin_lock(&owner->lock);
	push_front(&owner->items, &item->node);
	bpf_spin_unlock(&owner->lock);
	return 0;
}

SEC("tc") __accept
int drained_in_a_loop(struct __sk_buff *skb)
{
	for (int i = 0; i < 16; i++) {
		struct bpf_list_node *node;

		bpf_spin_lock(&lock);
		node = bpf_list_pop_front(&items);
		bpf_spin_unlock(&lock);
		if (!node)
			break;
		bpf_obj_drop(container_of(node, struct item, node));
	}
	return 0;
}

SEC("tc") __accept
int drained_in_an_iterator(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	u64 sum = 0;

	bpf_iter_num_new(&it, 0, 1000);
	while (bpf_iter_num_next(&it)) {
		struct bpf_list_node *node;
		struct item *item;

		bpf_spin_lock(&lock);
		node = bpf_list_pop_back(&items);
		bpf_spin_unlock(&lock);
		if (!node)
			break;
		item = container_of(node, struct item, node);
		sum += item->value;
		bpf_obj_drop(item);
	}
	bpf_iter_num_destroy(&it);
	return sum;
}

SEC("tc") __accept
int two_nodes_of_one_object(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);
	struct bpf_list_node *node;

	if (!item)
		return 0;
	bpf_spin_lock(&lock);
	push_back(&others, &item->second);
	node = bpf_list_pop_front(&others);
	bpf_spin_unlock(&lock);
	if (!node)
		return 0;
	item = container_of(node, struct item, second);
	bpf_spin_lock(&lock);
	push_back(&items, &item->node);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("tc") __reject("arg#1 offset=32, but expected bpf_list_node at offset=8 in struct item")
int wrong_node_of_two(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	bpf_spin_lock(&lock);
	push_back(&items, &item->second);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("tc") __reject("bpf_list_node not found at offset=0")
int object_instead_of_its_node(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	bpf_spin_lock(&lock);
	push_back(&items, (void *)item);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("tc") __reject("operation on bpf_list_head expects arg#1 bpf_list_node at offset=8 in struct item")
int object_of_another_type(struct __sk_buff *skb)
{
	struct outer *outer = bpf_obj_new(struct outer);

	if (!outer)
		return 0;
	bpf_spin_lock(&lock);
	push_back(&items, &outer->node);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("tc") __reject("arg#1 expected pointer to allocated object")
int pushed_twice(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	bpf_spin_lock(&lock);
	push_back(&items, &item->node);
	push_back(&others, &item->second);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("tc") __reject("function calls are not allowed while holding a lock")
int dropped_after_push(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	bpf_spin_lock(&lock);
	push_back(&items, &item->node);
	bpf_obj_drop(item);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("tc") __accept
int front_and_back_looked_at(struct __sk_buff *skb)
{
	struct bpf_list_node *node;
	u64 value = 0;

	bpf_spin_lock(&lock);
	node = bpf_list_front(&items);
	if (node)
		value = container_of(node, struct item, node)->value;
	node = bpf_list_back(&items);
	if (node)
		container_of(node, struct item, node)->value = value;
	bpf_spin_unlock(&lock);
	return value;
}

SEC("tc") __reject("invalid mem access 'scalar'")
int front_used_behind_the_lock(struct __sk_buff *skb)
{
	struct bpf_list_node *node;

	bpf_spin_lock(&lock);
	node = bpf_list_front(&items);
	bpf_spin_unlock(&lock);
	return node ? container_of(node, struct item, node)->value : 0;
}

SEC("tc") __reject("function calls are not allowed while holding a lock")
int front_dropped(struct __sk_buff *skb)
{
	struct bpf_list_node *node;

	bpf_spin_lock(&lock);
	node = bpf_list_front(&items);
	if (node)
		bpf_obj_drop(container_of(node, struct item, node));
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("tc") __reject("arg#1 expected pointer to allocated object")
int front_pushed_again(struct __sk_buff *skb)
{
	struct bpf_list_node *node;

	bpf_spin_lock(&lock);
	node = bpf_list_front(&items);
	if (node)
		push_back(&items, node);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("tc") __reject("bpf_spin_lock at off=0 must be held for bpf_list_head")
int front_without_lock(struct __sk_buff *skb)
{
	return bpf_list_front(&items) ? 1 : 0;
}

SEC("tc") __reject("held lock and object are not in the same allocation")
int lock_of_another_value(struct __sk_buff *skb)
{
	u32 first_key = 0, second_key = 1;
	struct owner *first = bpf_map_lookup_elem(&owners, &first_key), *second;
	struct bpf_list_node *node;

	if (!first)
		return 0;
	second = bpf_map_lookup_elem(&owners, &second_key);
	if (!second)
		return 0;
	bpf_spin_lock(&first->lock);
	node = bpf_list_pop_front(&second->items);
	bpf_spin_unlock(&first->lock);
	if (node)
		bpf_obj_drop(container_of(node, struct item, node));
	return 0;
}

SEC("tc") __accept
int list_within_an_object(struct __sk_buff *skb)
{
	struct outer *outer = bpf_obj_new(struct outer);
	struct item *item;

	if (!outer)
		return 0;
	item = bpf_obj_new(struct item);
	if (!item) {
		bpf_obj_drop(outer);
		return 0;
	}
	bpf_spin_lock(&outer->lock);
	push_front(&outer->items, &item->second);
	bpf_spin_unlock(&outer->lock);
	bpf_spin_lock(&outer_lock);
	push_front(&outers, &outer->node);
	bpf_spin_unlock(&outer_lock);
	return 0;
}

SEC("tc") __reject("arg#0 expected pointer to map value or allocated object")
int inner_list_of_a_pushed_object(struct __sk_buff *skb)
{
	struct outer *outer = bpf_obj_new(struct outer);
	struct bpf_list_node *node;

	if (!outer)
		return 0;
	bpf_spin_lock(&outer_lock);
	push_front(&outers, &outer->node);
	node = bpf_list_pop_front(&outer->items);
	bpf_spin_unlock(&outer_lock);
	if (node)
		bpf_obj_drop(container_of(node, struct item, second));
	return 0;
}

SEC("tc") __reject("R1 doesn't have constant offset. bpf_list_head has to be at the constant offset")
int head_at_a_variable_offset(struct __sk_buff *skb)
{
	struct bpf_list_node *node;
	u64 offset = skb->mark & 16;

	opaque(offset);
	bpf_spin_lock(&lock);
	node = bpf_list_pop_front((void *)&items + offset);
	bpf_spin_unlock(&lock);
	if (node)
		bpf_obj_drop(container_of(node, struct item, node));
	return 0;
}

SEC("tc") __reject("bpf_list_head not found at offset=")
int lock_for_a_head(struct __sk_buff *skb)
{
	struct bpf_list_node *node;

	bpf_spin_lock(&lock);
	node = bpf_list_pop_front((void *)&lock);
	bpf_spin_unlock(&lock);
	if (node)
		bpf_obj_drop(container_of(node, struct item, node));
	return 0;
}

SEC("tc") __reject("arg#0 expected pointer to map value or allocated object")
int stack_for_a_head(struct __sk_buff *skb)
{
	struct bpf_list_head head = {};
	struct bpf_list_node *node;

	barrier();
	node = bpf_list_pop_front(&head);
	return node ? 1 : 0;
}

SEC("tc") __reject("arg#1 expected pointer to allocated object")
int stack_for_a_node(struct __sk_buff *skb)
{
	struct bpf_list_node node = {};

	barrier();
	bpf_spin_lock(&lock);
	push_back(&items, &node);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("tc") __reject("arg#1 expected pointer to allocated object")
int null_for_a_node(struct __sk_buff *skb)
{
	bpf_spin_lock(&lock);
	push_back(&items, NULL);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("kprobe/do_nanosleep") __reject("tracing progs cannot use bpf_{list_head,rb_root} yet")
int list_in_kprobe(void *context)
{
	u32 key = 0;
	struct owner *owner = bpf_map_lookup_elem(&owners, &key);

	return owner ? owner->count : 0;
}

SEC("socket") __reject("socket filter progs cannot use bpf_spin_lock yet")
int list_in_a_socket_filter(struct __sk_buff *skb)
{
	return bpf_list_front(&items) ? 1 : 0;
}

SEC("xdp") __accept
int list_in_xdp(struct xdp_md *xdp)
{
	struct bpf_list_node *node;

	bpf_spin_lock(&lock);
	node = bpf_list_pop_front(&items);
	bpf_spin_unlock(&lock);
	if (node)
		bpf_obj_drop(container_of(node, struct item, node));
	return XDP_PASS;
}

SEC("tc") __accept
int list_in_an_lru(struct __sk_buff *skb)
{
	u32 key = 0;
	struct owner *owner = bpf_map_lookup_elem(&owners_by_lru, &key);

	return owner ? owner->count : 0;
}
