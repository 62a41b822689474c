/* Fields of map values that hold pointers of the kernel: how they are loaded, stored, exchanged and passed. */
#include "corpus.h"

GPL;
RINGBUF(ring, 4096);

struct holder {
	u64 before;
	struct task_struct __kptr *owned;
	struct task_struct __kptr_untrusted *seen;
	u64 after;
};
MAP(ARRAY, holders, u32, struct holder, 4);
MAP(ARRAY, plain, u32, u64, 4);

struct page_of_user { u64 first; u64 second; };
/* Its type is complete in the object only if something of it is there. */
struct page_of_user page_of_the_program;
struct shared { u64 count; struct page_of_user __attribute__((btf_type_tag("uptr"))) *page; };
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct shared);
} shareds SEC(".maps");

/* A program with a checked map value `h` and a task `task`. */
#define WITH_HOLDER(name, body)						\
	int name(unsigned long long *arguments)				\
	{								\
		struct task_struct *task = (void *)arguments[0];	\
		u32 key = 0;						\
		struct holder *h;					\
									\
		opaque(key);						\
		h = bpf_map_lookup_elem(&holders, &key);		\
		if (!h)							\
			return 0;					\
		body							\
		return 0;						\
	}

SEC("tp_btf/task_newtask") __accept
WITH_HOLDER(seen_stored, { h->seen = task; })

SEC("tp_btf/task_newtask") __accept
WITH_HOLDER(seen_stored_and_read, {
	write_once(h->seen, task);
	task = read_once(h->seen);
	if (task)
		return task->pid;
})

SEC("tp_btf/task_newtask") __reject("invalid mem access 'untrusted_ptr_or_null_'")
WITH_HOLDER(seen_read_without_null_check, { return h->seen->pid; })

SEC("tp_btf/task_newtask") __accept
WITH_HOLDER(seen_cleared, { h->seen = NULL; })

SEC("tp_btf/task_newtask") __reject("BPF_ST imm must be 0 when storing to kptr at off=16")
WITH_HOLDER(seen_set_to_a_constant, { asm volatile("*(u64 *)(%0 + 16) = 1" :: "r"(h) : "memory"); })

SEC("tp_btf/task_newtask") __reject("invalid kptr access, R")
WITH_HOLDER(seen_set_to_a_number, { *(volatile u64 *)&h->seen = arguments[1]; })

SEC("tp_btf/task_newtask") __reject("invalid kptr access, R")
WITH_HOLDER(seen_set_to_the_middle_of_a_task, { *(volatile u64 *)&h->seen = arguments[0] + 8; })

SEC("tp_btf/task_newtask") __reject("invalid kptr access, R")
WITH_HOLDER(seen_set_to_another_structure, { *(volatile u64 *)&h->seen = (u64)task->mm; })

SEC("tp_btf/task_newtask") __reject("invalid kptr access, R")
WITH_HOLDER(seen_set_to_a_map_value, { *(volatile u64 *)&h->seen = (u64)h; })

SEC("tp_btf/task_newtask") __accept
WITH_HOLDER(seen_set_to_a_walked_task, { h->seen = task->real_parent; })

SEC("tp_btf/task_newtask") __reject("kptr access misaligned expected=16 off=20")
WITH_HOLDER(upper_half_read, { return *((volatile u32 *)&h->seen + 1); })

SEC("tp_btf/task_newtask") __reject("kptr access size must be BPF_DW")
WITH_HOLDER(lower_half_read, { return *(volatile u32 *)&h->seen; })

SEC("tp_btf/task_newtask") __reject("kptr access size must be BPF_DW")
WITH_HOLDER(byte_written, { *(volatile u8 *)&h->owned = 0; })

SEC("tp_btf/task_newtask") __reject("kptr access cannot have variable offset")
WITH_HOLDER(read_at_an_unknown_offset, { return *(volatile u64 *)((void *)h + 8 + (arguments[1] & 8)) != 0; })

SEC("tp_btf/task_newtask") __accept
WITH_HOLDER(read_beside_at_an_unknown_offset, { return *(volatile u32 *)((void *)h + (arguments[1] & 4)); })

SEC("tp_btf/task_newtask") __reject("kptr in map can only be accessed using BPF_MEM instruction mode")
WITH_HOLDER(added_to, { __sync_fetch_and_add((u64 *)&h->seen, 1); })

SEC("tp_btf/task_newtask") __reject("store to referenced kptr disallowed")
WITH_HOLDER(owned_stored, { h->owned = task; })

SEC("tp_btf/task_newtask") __reject("kptr cannot be accessed indirectly by helper")
WITH_HOLDER(passed_to_a_helper, { bpf_ringbuf_output(&ring, h, sizeof(*h), 0); })

SEC("tp_btf/task_newtask") __reject("kptr cannot be accessed indirectly by helper")
WITH_HOLDER(filled_by_a_helper, { bpf_probe_read_kernel(&h->owned, 8, task); })

SEC("tp_btf/task_newtask") __accept
WITH_HOLDER(word_before_passed_to_a_helper, { bpf_ringbuf_output(&ring, h, 8, 0); })

SEC("tp_btf/task_newtask") __accept
WITH_HOLDER(word_behind_passed_to_a_helper, { bpf_ringbuf_output(&ring, &h->after, 8, 0); })

SEC("tp_btf/task_newtask") __accept
WITH_HOLDER(updated_from_the_stack, {
	struct holder fresh = { .before = 1 };

	bpf_map_update_elem(&holders, &key, &fresh, 0);
})

SEC("tp_btf/task_newtask") __reject("kptr cannot be accessed indirectly by helper")
WITH_HOLDER(updated_from_itself, { bpf_map_update_elem(&holders, &key, h, 0); })

SEC("tp_btf/task_newtask") __reject("off=16 kptr isn't referenced kptr")
WITH_HOLDER(seen_exchanged, {
	task = bpf_kptr_xchg(&h->seen, NULL);
	if (task)
		bpf_task_release(task);
})

SEC("tp_btf/task_newtask") __reject("off=0 doesn't point to kptr")
WITH_HOLDER(word_exchanged, {
	task = bpf_kptr_xchg(&h->before, NULL);
	if (task)
		bpf_task_release(task);
})

SEC("tp_btf/task_newtask") __reject("R1 has no valid kptr")
int value_without_kptr_exchanged(unsigned long long *arguments)
{
	u32 key = 0;
	u64 *value = bpf_map_lookup_elem(&plain, &key);

	return value && bpf_kptr_xchg(value, NULL) ? 1 : 0;
}

SEC("tp_btf/task_newtask") __reject("R1 doesn't have constant offset. kptr has to be at the constant offset")
WITH_HOLDER(exchanged_at_an_unknown_offset, { bpf_kptr_xchg((void *)h + (arguments[1] & 8), NULL); })

SEC("tp_btf/task_newtask") __reject("R1 type=fp expected=")
int stack_exchanged(unsigned long long *arguments)
{
	void *slot = NULL;

	return bpf_kptr_xchg(&slot, NULL) ? 1 : 0;
}

SEC("tp_btf/task_newtask") __reject("R2 must be referenced when passed to release function")
WITH_HOLDER(borrowed_task_exchanged, {
	task = bpf_kptr_xchg(&h->owned, task);
	if (task)
		bpf_task_release(task);
})

SEC("tp_btf/task_newtask") __reject("Possibly NULL pointer passed to helper arg2")
WITH_HOLDER(unchecked_task_exchanged, {
	task = bpf_kptr_xchg(&h->owned, bpf_task_acquire(task));
	if (task)
		bpf_task_release(task);
})

SEC("tp_btf/task_newtask") __accept
WITH_HOLDER(cleared_by_exchange, {
	task = bpf_kptr_xchg(&h->owned, NULL);
	if (task)
		bpf_task_release(task);
})

SEC("tp_btf/task_newtask") __reject("Unreleased reference id=")
WITH_HOLDER(result_of_an_exchange_dropped, { bpf_kptr_xchg(&h->owned, NULL); })

SEC("tp_btf/task_newtask") __accept
WITH_HOLDER(moved_from_one_value_to_another, {
	struct holder *other;
	u32 one = 1;

	opaque(one);
	other = bpf_map_lookup_elem(&holders, &one);
	if (!other)
		return 0;
	task = bpf_kptr_xchg(&h->owned, NULL);
	if (!task)
		return 0;
	task = bpf_kptr_xchg(&other->owned, task);
	if (task)
		bpf_task_release(task);
})

SEC("tp_btf/task_newtask") __reject("R")
WITH_HOLDER(cpumask_exchanged_for_a_task, {
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return 0;
	task = bpf_kptr_xchg(&h->owned, mask);
	if (task)
		bpf_task_release(task);
})

SEC("tp_btf/task_newtask") __accept
int page_of_user_read_and_written(unsigned long long *arguments)
{
	struct shared *shared = bpf_task_storage_get(&shareds, bpf_get_current_task_btf(), NULL, 0);
	struct page_of_user *page;

	if (!shared)
		return 0;
	page = shared->page;
	if (!page)
		return 0;
	page->second = page->first + 1;
	return page->second;
}

SEC("tp_btf/task_newtask") __reject("invalid mem access 'mem_or_null'")
int page_of_user_without_null_check(unsigned long long *arguments)
{
	struct shared *shared = bpf_task_storage_get(&shareds, bpf_get_current_task_btf(), NULL, 0);

	return shared ? shared->page->first : 0;
}

SEC("tp_btf/task_newtask") __reject("invalid access to memory, mem_size=16 off=16 size=8")
int page_of_user_read_behind(unsigned long long *arguments)
{
	struct shared *shared = bpf_task_storage_get(&shareds, bpf_get_current_task_btf(), NULL, 0);
	struct page_of_user *page;

	if (!shared)
		return 0;
	page = shared->page;
	return page ? page[1].first : 0;
}

SEC("tp_btf/task_newtask") __reject("store to uptr disallowed")
int page_of_user_replaced(unsigned long long *arguments)
{
	struct shared *shared = bpf_task_storage_get(&shareds, bpf_get_current_task_btf(), NULL, 0);

	if (shared)
		*(volatile u64 *)&shared->page = 0;
	return 0;
}

SEC("tp_btf/task_newtask") __reject("uptr access misaligned expected=8 off=12")
int half_of_a_page_pointer_of_user_read(unsigned long long *arguments)
{
	struct shared *shared = bpf_task_storage_get(&shareds, bpf_get_current_task_btf(), NULL, 0);

	return shared ? *((volatile u32 *)&shared->page + 1) : 0;
}
