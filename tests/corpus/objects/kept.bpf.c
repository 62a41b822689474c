/* Objects that maps and other objects keep, and references to them in read sections. */
#include "corpus.h"

GPL;
#define bpf_obj_new(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define bpf_obj_drop(pointer) bpf_obj_drop_impl(pointer, NULL)
#define bpf_rbtree_add(root, node, less) bpf_rbtree_add_impl(root, node, less, NULL, 0)
#define bpf_refcount_acquire(pointer) ((typeof(pointer))bpf_refcount_acquire_impl(pointer, NULL))
#define push_back(head, node) bpf_list_push_back_impl(head, node, NULL, 0)
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))

struct plain { u64 a; u64 b; };
struct shared { struct bpf_rb_node node; struct bpf_list_node link; struct bpf_refcount refs; u64 value; };
struct holder { u64 value; struct plain __kptr *plain; struct task_struct __kptr *task; };
struct linked { struct bpf_list_node link; struct plain __kptr *plain; };
struct slot { struct plain __kptr *plain; struct shared __kptr *shared; struct holder __kptr *holder; u64 count; };
MAP(ARRAY, slots, u32, struct slot, 4);
MAP(HASH, hashed_slots, u32, struct slot, 4);
MAP(PERCPU_ARRAY, percpu_slots, u32, struct slot, 1);
private(a) struct bpf_spin_lock lock;
private(a) struct bpf_rb_root tree __contains(shared, node);
private(a) struct bpf_list_head list __contains(shared, link);
private(b) struct bpf_spin_lock linked_lock;
private(b) struct bpf_list_head linked_list __contains(linked, link);

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct shared, node)->value < container_of(b, struct shared, node)->value;
}

#define SLOT(section, type, verdict, name, ...)				\
	SEC(section) verdict int name(type context)			\
	{								\
		u32 key = 0;						\
		struct slot *slot = bpf_map_lookup_elem(&slots, &key);	\
									\
		if (!slot)						\
			return 0;					\
		__VA_ARGS__;						\
		return 0;						\
	}
#define TC(verdict, name, ...) SLOT("tc", struct __sk_buff *, verdict, name, __VA_ARGS__)
#define SLEEPS(verdict, name, ...) SLOT("syscall", void *, verdict, name, __VA_ARGS__)
#define NEW(type, name) struct type *name = bpf_obj_new(struct type); if (!name) return 0
#define DROP(pointer) ({ void *old = pointer; if (old) bpf_obj_drop(old); })

TC(__accept, kept_and_taken_out, NEW(plain, p); DROP(bpf_kptr_xchg(&slot->plain, p)); DROP(bpf_kptr_xchg(&slot->plain, NULL)))
TC(__reject("R7 invalid mem access 'scalar'"), kept_and_still_used, NEW(plain, p); DROP(bpf_kptr_xchg(&slot->plain, p)); slot->count = p->a)
TC(__reject("invalid kptr access, R2 type=ptr_shared expected=ptr_plain"), another_type_kept, NEW(shared, s); DROP(bpf_kptr_xchg(&slot->plain, s)))
TC(__accept, kept_read_in_a_section, bpf_rcu_read_lock(); struct plain *p = slot->plain; if (p) slot->count = p->a; bpf_rcu_read_unlock())
TC(__accept, kept_read_without_section, struct plain *p = slot->plain; if (p) slot->count = p->a)
TC(__reject("R1 invalid mem access 'rcu_ptr_or_null_'"), kept_read_unchecked, slot->count = slot->plain->a)
TC(__accept, kept_written_in_a_section, bpf_rcu_read_lock(); struct plain *p = slot->plain; if (p) p->a = 1; bpf_rcu_read_unlock())
SLEEPS(__accept, kept_read_without_section_where_sleeping_is_allowed, struct plain *p = slot->plain; if (p) slot->count = p->a)
SLEEPS(__accept, kept_read_in_a_section_where_sleeping_is_allowed, bpf_rcu_read_lock(); struct plain *p = slot->plain; if (p) slot->count = p->a; bpf_rcu_read_unlock())
SLEEPS(__reject("only read is supported"), kept_written_where_sleeping_is_allowed, struct plain *p = slot->plain; if (p) p->a = 5)
SLEEPS(__accept, kept_and_taken_out_where_sleeping_is_allowed, NEW(plain, p); DROP(bpf_kptr_xchg(&slot->plain, p)))
TC(__reject("R1 must be referenced or trusted"), kept_read_dropped, bpf_rcu_read_lock(); DROP(slot->plain); bpf_rcu_read_unlock())
TC(__accept, shared_acquired_in_a_section, bpf_rcu_read_lock(); struct shared *s = slot->shared; if (s) { s = bpf_refcount_acquire(s); DROP(s); } bpf_rcu_read_unlock())
TC(__reject("R0 invalid mem access 'ptr_or_null_'"), shared_acquired_and_unchecked, bpf_rcu_read_lock(); struct shared *s = slot->shared; if (s) { s = bpf_refcount_acquire(s); slot->count = s->value; bpf_obj_drop(s); } bpf_rcu_read_unlock())
SLEEPS(__reject("arg#0 is neither owning or non-owning ref"), shared_acquired_where_sleeping_is_allowed, struct shared *s = slot->shared; if (s) DROP(bpf_refcount_acquire(s)))
TC(__accept, shared_kept_and_in_the_tree, NEW(shared, s); struct shared *more = bpf_refcount_acquire(s); DROP(bpf_kptr_xchg(&slot->shared, more)); bpf_spin_lock(&lock); bpf_rbtree_add(&tree, &s->node, less); bpf_spin_unlock(&lock))
TC(__accept, taken_out_and_put_into_the_list, struct shared *s = bpf_kptr_xchg(&slot->shared, NULL); if (!s) return 0; bpf_spin_lock(&lock); push_back(&list, &s->link); bpf_spin_unlock(&lock))
TC(__reject("arg#1 expected pointer to allocated object"), read_in_a_section_and_put_into_the_list, bpf_rcu_read_lock(); struct shared *s = slot->shared; if (s) { bpf_spin_lock(&lock); push_back(&list, &s->link); bpf_spin_unlock(&lock); } bpf_rcu_read_unlock())
TC(__accept, object_keeps_an_object, NEW(holder, h); struct plain *p = bpf_obj_new(struct plain); if (!p) { bpf_obj_drop(h); return 0; } DROP(bpf_kptr_xchg(&h->plain, p)); DROP(bpf_kptr_xchg(&slot->holder, h)))
TC(__accept, object_keeps_a_task, NEW(holder, h); struct task_struct *t = bpf_task_from_pid(1); if (!t) { bpf_obj_drop(h); return 0; } t = bpf_kptr_xchg(&h->task, t); if (t) bpf_task_release(t); bpf_obj_drop(h))
TC(__reject("R1 type=scalar expected=map_value, ptr_"), object_keeps_and_is_dropped_before, NEW(holder, h); NEW(plain, p); bpf_obj_drop(h); DROP(bpf_kptr_xchg(&h->plain, p)))
TC(__reject("direct access to kptr is disallowed"), kept_object_of_a_kept_object, bpf_rcu_read_lock(); struct holder *h = slot->holder; if (h) { struct plain *p = h->plain; if (p) slot->count = p->a; } bpf_rcu_read_unlock())
TC(__reject("R1 type=rcu_ptr_ expected=map_value, ptr_"), exchanged_within_a_kept_object, bpf_rcu_read_lock(); struct holder *h = slot->holder; if (h) DROP(bpf_kptr_xchg(&h->plain, NULL)); bpf_rcu_read_unlock())
TC(__accept, exchanged_within_a_listed_object, struct bpf_list_node *n; bpf_spin_lock(&linked_lock); n = bpf_list_pop_front(&linked_list); bpf_spin_unlock(&linked_lock); if (n) { struct linked *l = container_of(n, struct linked, link); DROP(bpf_kptr_xchg(&l->plain, NULL)); bpf_obj_drop(l); })
TC(__reject("function calls are not allowed while holding a lock"), exchanged_under_the_lock, struct bpf_list_node *n; bpf_spin_lock(&linked_lock); n = bpf_list_front(&linked_list); if (n) { struct linked *l = container_of(n, struct linked, link); DROP(bpf_kptr_xchg(&l->plain, NULL)); } bpf_spin_unlock(&linked_lock))
TC(__reject("direct access to kptr is disallowed"), field_of_an_object_written_directly, NEW(holder, h); *(volatile u64 *)&h->plain = 0; bpf_obj_drop(h))
TC(__reject("direct access to kptr is disallowed"), field_of_an_object_read_directly, NEW(holder, h); struct plain *p = h->plain; if (p) slot->count = p->a; bpf_obj_drop(h))
TC(__accept, slot_of_a_hash, struct slot *other = bpf_map_lookup_elem(&hashed_slots, &key); struct plain *p; if (!other) return 0; p = bpf_kptr_xchg(&slot->plain, NULL); if (p) DROP(bpf_kptr_xchg(&other->plain, p)))
TC(__accept, slot_of_this_cpu, struct slot *other = bpf_map_lookup_elem(&percpu_slots, &key); if (!other) return 0; DROP(bpf_kptr_xchg(&other->plain, NULL)))
TC(__accept, exchanged_in_a_loop, for (int i = 0; i < 4; i++) { u32 k = i; struct slot *s = bpf_map_lookup_elem(&slots, &k); if (!s) break; struct plain *p = bpf_obj_new(struct plain); if (!p) break; p->a = i; DROP(bpf_kptr_xchg(&s->plain, p)); })
TC(__reject("Unreleased reference id="), exchanged_in_a_loop_and_leaked, for (int i = 0; i < 4; i++) { u32 k = i; struct slot *s = bpf_map_lookup_elem(&slots, &k); if (!s) break; struct plain *p = bpf_obj_new(struct plain); if (!p) break; p = bpf_kptr_xchg(&s->plain, p); if (p && i != 2) bpf_obj_drop(p); })
TC(__accept, many_objects_at_once, NEW(plain, a); struct plain *b = bpf_obj_new(struct plain), *c = bpf_obj_new(struct plain); if (b && c) a->a = b->a + c->b; DROP(a); DROP(c); DROP(b))
TC(__reject("invalid kptr access, R2 type=ptr_plain expected=ptr_plain"), moved_pointer_kept, NEW(plain, p); DROP(bpf_kptr_xchg(&slot->plain, (void *)&p->b)))
TC(__accept, null_check_of_a_copy, struct plain *p = bpf_obj_new(struct plain), *copy = p; opaque(copy); if (copy) bpf_obj_drop(p))
TC(__accept, pointer_compared_with_another, NEW(plain, p); struct plain *q = bpf_obj_new(struct plain); if (q == p) slot->count++; DROP(p); DROP(q))
TC(__accept, spilled_and_filled, NEW(plain, p); struct plain *volatile kept = p; barrier(); bpf_obj_drop(kept))
TC(__reject("Unreleased reference id="), overwritten_on_the_stack, NEW(plain, p); struct plain *volatile kept = p; barrier(); kept = NULL; p = kept; opaque(p))

static long drops_in_callback(u64 index, struct plain **p)
{
	if (*p)
		bpf_obj_drop(*p);
	*p = NULL;
	return 0;
}

static long makes_in_callback(u64 index, struct slot **slot)
{
	struct plain *p = bpf_obj_new(struct plain);

	if (!p)
		return 1;
	p->a = index;
	p = bpf_kptr_xchg(&(*slot)->plain, p);
	if (p)
		bpf_obj_drop(p);
	return 0;
}

static long leaks_in_callback(u64 index, void *context)
{
	struct plain *p = bpf_obj_new(struct plain);

	return p ? 1 : 0;
}

static long visits_slots(void *map, u32 *key, struct slot *slot, void *context)
{
	struct plain *p = bpf_kptr_xchg(&slot->plain, NULL);

	if (p)
		bpf_obj_drop(p);
	return 0;
}

TC(__reject("Unreleased reference id=2 alloc_insn=11"), dropped_in_a_callback, struct plain *p = bpf_obj_new(struct plain); bpf_loop(1, drops_in_callback, &p, 0))
TC(__accept, made_and_kept_in_a_callback, bpf_loop(5, makes_in_callback, &slot, 0))
TC(__reject("Unreleased reference id="), leaked_in_a_callback, bpf_loop(5, leaks_in_callback, NULL, 0))
TC(__accept, all_slots_emptied, bpf_for_each_map_elem(&slots, visits_slots, NULL, 0))
TC(__accept, slots_of_a_hash_emptied, bpf_for_each_map_elem(&hashed_slots, visits_slots, NULL, 0))
TC(__accept, linked_made, NEW(linked, l); bpf_spin_lock(&linked_lock); push_back(&linked_list, &l->link); bpf_spin_unlock(&linked_lock))
