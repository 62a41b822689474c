/* Resilient locks: taken in order, given back in the reverse order, with and without interrupts. */
#include "corpus.h"

GPL;
#define bpf_obj_new(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define bpf_obj_drop(pointer) bpf_obj_drop_impl(pointer, NULL)
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))

struct resilient { struct bpf_res_spin_lock lock; u32 count; };
struct pair { u64 first; struct bpf_res_spin_lock lock; };
struct both { struct bpf_spin_lock lock; struct bpf_res_spin_lock resilient; };
struct guarded { struct bpf_spin_lock lock; u32 count; };
struct item { struct bpf_list_node node; u64 value; };
struct object { struct bpf_res_spin_lock lock; u64 value; };
struct owner { struct bpf_res_spin_lock lock; struct bpf_list_head items __contains(item, node); };
MAP(ARRAY, resilients, u32, struct resilient, 4);
MAP(HASH, pairs, u32, struct pair, 4);
MAP(ARRAY, guardeds, u32, struct guarded, 1);
MAP(ARRAY, plain, u32, u64, 1);
private(a) struct bpf_res_spin_lock first_lock;
private(b) struct bpf_res_spin_lock second_lock;
private(c) struct bpf_spin_lock spin_lock;
private(d) struct bpf_res_spin_lock list_lock;
private(d) struct bpf_list_head list __contains(item, node);

static __noinline int takes(struct bpf_res_spin_lock *lock)
{
	return bpf_res_spin_lock(lock);
}

__noinline int counts_globally(int number)
{
	return number + 1;
}

SEC("tc") __accept
int two_locks_nested(struct __sk_buff *skb)
{
	if (bpf_res_spin_lock(&first_lock))
		return 1;
	if (bpf_res_spin_lock(&second_lock)) {
		bpf_res_spin_unlock(&first_lock);
		return 1;
	}
	bpf_res_spin_unlock(&second_lock);
	bpf_res_spin_unlock(&first_lock);
	return 0;
}

SEC("tc") __reject("bpf_res_spin_unlock cannot be out of order")
int two_locks_out_of_order(struct __sk_buff *skb)
{
	if (bpf_res_spin_lock(&first_lock))
		return 1;
	if (bpf_res_spin_lock(&second_lock)) {
		bpf_res_spin_unlock(&first_lock);
		return 1;
	}
	bpf_res_spin_unlock(&first_lock);
	bpf_res_spin_unlock(&second_lock);
	return 0;
}

SEC("tc") __reject("Acquiring the same lock again, AA deadlock detected")
int same_lock_twice(struct __sk_buff *skb)
{
	if (bpf_res_spin_lock(&first_lock))
		return 1;
	if (!bpf_res_spin_lock(&first_lock))
		bpf_res_spin_unlock(&first_lock);
	bpf_res_spin_unlock(&first_lock);
	return 0;
}

SEC("tc") __accept
int same_value_looked_up_twice(struct __sk_buff *skb)
{
	u32 key = 0;
	struct resilient *one = bpf_map_lookup_elem(&resilients, &key), *other;

	if (!one)
		return 0;
	other = bpf_map_lookup_elem(&resilients, &key);
	if (!other)
		return 0;
	if (bpf_res_spin_lock(&one->lock))
		return 0;
	if (!bpf_res_spin_lock(&other->lock))
		bpf_res_spin_unlock(&other->lock);
	bpf_res_spin_unlock(&one->lock);
	return 0;
}

SEC("tc") __reject("function calls are not allowed while holding a lock")
int helper_called_under_the_lock(struct __sk_buff *skb)
{
	if (bpf_res_spin_lock(&first_lock))
		return 1;
	skb->mark = bpf_ktime_get_ns();
	bpf_res_spin_unlock(&first_lock);
	return 0;
}

SEC("tc") __reject("global function calls are not allowed while holding a lock")
int global_function_called_under_the_lock(struct __sk_buff *skb)
{
	if (bpf_res_spin_lock(&first_lock))
		return 1;
	skb->mark = counts_globally(1);
	bpf_res_spin_unlock(&first_lock);
	return 0;
}

SEC("tc") __accept
int taken_in_a_function(struct __sk_buff *skb)
{
	if (takes(&first_lock))
		return 1;
	bpf_res_spin_unlock(&first_lock);
	return 0;
}

SEC("tc") __reject("cannot be used inside bpf_spin_lock-ed region")
int never_given_back(struct __sk_buff *skb)
{
	return bpf_res_spin_lock(&first_lock) ? 1 : 0;
}

SEC("tc") __reject("bpf_res_spin_unlock of different lock")
int another_one_given_back(struct __sk_buff *skb)
{
	if (bpf_res_spin_lock(&first_lock))
		return 1;
	bpf_res_spin_unlock(&second_lock);
	return 0;
}

SEC("tc") __accept
int resilient_lock_under_a_plain_one(struct __sk_buff *skb)
{
	bpf_spin_lock(&spin_lock);
	if (!bpf_res_spin_lock(&first_lock))
		bpf_res_spin_unlock(&first_lock);
	bpf_spin_unlock(&spin_lock);
	return 0;
}

SEC("tc") __reject("function calls are not allowed while holding a lock")
int plain_lock_under_a_resilient_one(struct __sk_buff *skb)
{
	if (bpf_res_spin_lock(&first_lock))
		return 1;
	bpf_spin_lock(&spin_lock);
	bpf_spin_unlock(&spin_lock);
	bpf_res_spin_unlock(&first_lock);
	return 0;
}

SEC("tc") __reject("map '.data.a' has no valid bpf_spin_lock")
int plain_lock_given_back_as_resilient(struct __sk_buff *skb)
{
	if (bpf_res_spin_lock(&first_lock))
		return 1;
	bpf_spin_unlock((void *)&first_lock);
	return 0;
}

SEC("tc") __accept
int with_interrupts(struct __sk_buff *skb)
{
	unsigned long flags;

	if (bpf_res_spin_lock_irqsave(&first_lock, &flags))
		return 1;
	bpf_res_spin_unlock_irqrestore(&first_lock, &flags);
	return 0;
}

SEC("tc") __accept
int with_interrupts_nested(struct __sk_buff *skb)
{
	unsigned long flags, more;

	if (bpf_res_spin_lock_irqsave(&first_lock, &flags))
		return 1;
	if (!bpf_res_spin_lock_irqsave(&second_lock, &more))
		bpf_res_spin_unlock_irqrestore(&second_lock, &more);
	bpf_res_spin_unlock_irqrestore(&first_lock, &flags);
	return 0;
}

SEC("tc") __reject("cannot restore irq state out of order, expected id=2 acquired at insn_idx=12")
int with_flags_of_the_other_lock(struct __sk_buff *skb)
{
	unsigned long flags, more;

	if (bpf_res_spin_lock_irqsave(&first_lock, &flags))
		return 1;
	if (!bpf_res_spin_lock_irqsave(&second_lock, &more))
		bpf_res_spin_unlock_irqrestore(&second_lock, &flags);
	bpf_res_spin_unlock_irqrestore(&first_lock, &more);
	return 0;
}

SEC("tc") __reject("expected an initialized irq flag as arg#0")
int flags_used_although_the_lock_failed(struct __sk_buff *skb)
{
	unsigned long flags;

	if (!bpf_res_spin_lock_irqsave(&first_lock, &flags))
		bpf_res_spin_unlock_irqrestore(&first_lock, &flags);
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("tc") __reject("bpf_res_spin_unlock of different lock")
int saved_alone_and_restored_with_the_lock(struct __sk_buff *skb)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	if (!bpf_res_spin_lock(&first_lock))
		bpf_res_spin_unlock_irqrestore(&first_lock, &flags);
	return 0;
}

SEC("tc") __reject("function calls are not allowed while holding a lock")
int saved_with_the_lock_and_restored_alone(struct __sk_buff *skb)
{
	unsigned long flags;

	if (bpf_res_spin_lock_irqsave(&first_lock, &flags))
		return 1;
	bpf_local_irq_restore(&flags);
	bpf_res_spin_unlock(&first_lock);
	return 0;
}

SEC("tc") __reject("bpf_res_spin_unlock of different lock")
int taken_with_interrupts_and_given_back_without(struct __sk_buff *skb)
{
	unsigned long flags;

	if (bpf_res_spin_lock_irqsave(&first_lock, &flags))
		return 1;
	bpf_res_spin_unlock(&first_lock);
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("tc") __reject("expected uninitialized irq flag as arg#1")
int flags_in_use_for_the_lock(struct __sk_buff *skb)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	if (!bpf_res_spin_lock_irqsave(&first_lock, &flags))
		bpf_res_spin_unlock_irqrestore(&first_lock, &flags);
	return 0;
}

SEC("tc") __reject("arg#0 doesn't point to map value or allocated object")
int lock_on_the_stack(struct __sk_buff *skb)
{
	struct bpf_res_spin_lock lock = {};

	barrier();
	if (!bpf_res_spin_lock(&lock))
		bpf_res_spin_unlock(&lock);
	return 0;
}

SEC("tc") __reject("map 'plain' has no valid bpf_res_spin_lock")
int lock_in_a_plain_value(struct __sk_buff *skb)
{
	u32 key = 0;
	struct bpf_res_spin_lock *lock = bpf_map_lookup_elem(&plain, &key);

	if (lock && !bpf_res_spin_lock(lock))
		bpf_res_spin_unlock(lock);
	return 0;
}

SEC("tc") __reject("off 0 doesn't point to 'struct bpf_res_spin_lock' that is at 8")
int lock_at_a_wrong_offset(struct __sk_buff *skb)
{
	u32 key = 0;
	struct pair *pair = bpf_map_lookup_elem(&pairs, &key);

	if (pair && !bpf_res_spin_lock((void *)pair))
		bpf_res_spin_unlock((void *)pair);
	return 0;
}

SEC("tc") __reject("bpf_res_spin_lock")
int lock_read_directly(struct __sk_buff *skb)
{
	u32 key = 0;
	struct pair *pair = bpf_map_lookup_elem(&pairs, &key);

	return pair ? *(volatile u32 *)&pair->lock : 0;
}

SEC("tc") __reject("local 'kptr' has no valid bpf_res_spin_lock")
int lock_in_an_object(struct __sk_buff *skb)
{
	struct object *object = bpf_obj_new(struct object);

	if (!object)
		return 0;
	if (!bpf_res_spin_lock(&object->lock)) {
		object->value = 1;
		bpf_res_spin_unlock(&object->lock);
	}
	bpf_obj_drop(object);
	return 0;
}

SEC("tc") __reject("map '.data.d' has no valid bpf_res_spin_lock")
int lock_of_a_list(struct __sk_buff *skb)
{
	struct bpf_list_node *node;

	if (bpf_res_spin_lock(&list_lock))
		return 0;
	node = bpf_list_pop_front(&list);
	bpf_res_spin_unlock(&list_lock);
	if (node)
		bpf_obj_drop(container_of(node, struct item, node));
	return 0;
}

SEC("kprobe/do_nanosleep") __reject("tracing progs cannot use bpf_spin_lock yet")
int lock_in_kprobe(void *context)
{
	u32 key = 0;
	struct resilient *r = bpf_map_lookup_elem(&resilients, &key);

	if (!r || bpf_res_spin_lock(&r->lock))
		return 0;
	r->count++;
	bpf_res_spin_unlock(&r->lock);
	return 0;
}

SEC("socket") __reject("socket filter progs cannot use bpf_spin_lock yet")
int lock_in_a_socket_filter(struct __sk_buff *skb)
{
	u32 key = 0;
	struct resilient *r = bpf_map_lookup_elem(&resilients, &key);

	if (!r || bpf_res_spin_lock(&r->lock))
		return 0;
	r->count++;
	bpf_res_spin_unlock(&r->lock);
	return 0;
}

SEC("tc") __reject("The sequence of 8193 jumps is too complex.")
int three_locks_in_a_loop(struct __sk_buff *skb)
{
	u32 total = 0;

	for (u32 key = 0; key < 3; key++) {
		struct resilient *r = bpf_map_lookup_elem(&resilients, &key);

		if (!r)
			break;
		if (bpf_res_spin_lock(&r->lock))
			continue;
		total += ++r->count;
		bpf_res_spin_unlock(&r->lock);
	}
	return total;
}

SEC("tc") __reject("bpf_res_spin_unlock without taking a lock")
int lock_result_only_tested_for_a_deadlock(struct __sk_buff *skb)
{
	int error = bpf_res_spin_lock(&first_lock);

	if (error == -35)
		return 1;
	bpf_res_spin_unlock(&first_lock);
	return 0;
}

SEC("tc") __accept
int lock_result_kept_and_tested_later(struct __sk_buff *skb)
{
	int error = bpf_res_spin_lock(&first_lock);

	skb->mark = error;
	if (error < 0)
		return 1;
	bpf_res_spin_unlock(&first_lock);
	return 0;
}
