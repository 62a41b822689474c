// clang: -mcpu=v4
/* Memory that programs and user space share: pointers cast forth and back, lists, atomics, arguments. */
#include "corpus.h"

GPL;
#define __arena __attribute__((address_space(1)))
struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__ulong(map_extra, 1ull << 44);
} arena SEC(".maps");

struct link { struct link __arena *next; u64 value; };
struct link __arena *first;
int __arena shared_counter;
struct link __arena shared_links[8];

SEC("syscall") __accept
int page_used(void *context)
{
	struct link __arena *page = (struct link __arena *)bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);

	if (!page)
		return 1;
	page->value = 7;
	page->next = NULL;
	first = page;
	return page->value;
}

SEC("syscall") __accept
int page_used_without_check(void *context)
{
	struct link __arena *page = (struct link __arena *)bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);

	page->value = 7;
	return 0;
}

SEC("syscall") __reject("addr_space_cast insn can only be used in a program that has an associated arena")
int list_walked(void *context)
{
	struct link __arena *at = first;
	u64 sum = 0;
	int i;

	for (i = 0; i < 100 && at; i++) {
		sum += at->value;
		at = at->next;
	}
	return sum;
}

SEC("syscall") __accept
int list_pushed(void *context)
{
	struct link __arena *page = (struct link __arena *)bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
	int i;

	for (i = 0; i < 64; i++) {
		page[i].next = first;
		page[i].value = i;
		first = &page[i];
	}
	return 0;
}

SEC("syscall") __accept
int page_freed(void *context)
{
	struct link __arena *page = (struct link __arena *)bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);

	if (page)
		bpf_arena_free_pages(&arena, (void *)page, 1);
	return 0;
}

SEC("syscall") __accept
int counter_added_to(void *context)
{
	__sync_fetch_and_add(&shared_counter, 1);
	return shared_counter;
}

SEC("tc") __accept
int counter_added_to_by_a_classifier(struct __sk_buff *skb)
{
	shared_counter += skb->len;
	return shared_links[skb->mark & 7].value;
}

SEC("tc") __accept
int shared_array_at_some_index(struct __sk_buff *skb)
{
	return shared_links[skb->mark & 63].value;
}

SEC("tc") __reject("addr_space_cast insn can only be used in a program that has an associated arena")
int number_as_an_address(struct __sk_buff *skb)
{
	struct link __arena *link = (void __arena *)(u64)skb->mark;

	return link->value;
}

SEC("tc") __reject("addr_space_cast insn can only be used in a program that has an associated arena")
int address_of_the_other_side_followed(struct __sk_buff *skb)
{
	struct link *link = (struct link *)first;

	return link->value;
}

SEC("tc") __accept
int addresses_compared(struct __sk_buff *skb)
{
	return first == &shared_links[1];
}

SEC("tc") __accept
int distance_of_addresses(struct __sk_buff *skb)
{
	return &shared_links[5] - &shared_links[2];
}

static __noinline u64 value_of(struct link __arena *link)
{
	return link->value;
}

SEC("tc") __accept
int address_passed_to_a_function(struct __sk_buff *skb)
{
	return value_of(&shared_links[3]);
}

__noinline u64 value_of_shared(struct link __arena *link __arg_arena)
{
	return link->value;
}

SEC("tc") __accept
int address_passed_to_a_global_function(struct __sk_buff *skb)
{
	return value_of_shared(&shared_links[3]);
}

SEC("tc") __reject("addr_space_cast insn can only be used in a program that has an associated arena")
int number_passed_to_a_global_function(struct __sk_buff *skb)
{
	return value_of_shared((void __arena *)(u64)skb->len);
}

SEC("tc") __reject("type=arena expected=fp")
int address_passed_to_a_helper(struct __sk_buff *skb)
{
	return bpf_skb_load_bytes(skb, 0, (void *)&shared_links[0], 8);
}

SEC("tc") __accept
int address_stored_into_a_map(struct __sk_buff *skb)
{
	first = &shared_links[skb->mark & 7];
	return 0;
}

SEC("tc") __accept
int exchanged_in_shared_memory(struct __sk_buff *skb)
{
	return __sync_val_compare_and_swap(&shared_counter, 1, 2) + __sync_lock_test_and_set(&shared_counter, 3);
}
