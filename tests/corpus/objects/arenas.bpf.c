// clang: -mcpu=v4
/* Pointers into an arena: arithmetic, casts, atomics, variables, functions that take them, and what may not be done. */
#include "corpus.h"

GPL;
#define __arena __attribute__((address_space(1)))
#define __arena_global __attribute__((address_space(1)))

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__ulong(map_extra, 1ull << 44);
} arena SEC(".maps");
struct node { struct node __arena *next; u64 value; };
struct holder { struct node __arena *head; u64 count; };
MAP(ARRAY, holders, u32, struct holder, 1);
MAP(HASH, hash, u32, u64, 4);
u64 __arena_global counter;
struct node __arena_global first;
u32 __arena_global numbers[100];
struct node __arena *kept;

#define alloc(pages) ((void __arena *)bpf_arena_alloc_pages(&arena, NULL, pages, -1, 0))
#define ARENA(verdict, name, ...) SEC("syscall") verdict int name(void *context) { bpf_arena_reserve_pages(&arena, NULL, 0); __VA_ARGS__; return 0; }

__weak int takes_arena(void *page __arg_arena)
{
	return *(u64 __arena *)page;
}

__weak int takes_node(struct node *node __arg_arena)
{
	struct node __arena *at = (struct node __arena *)node;

	at->value = 3;
	return at->next != NULL;
}

static __noinline u64 sums(struct node __arena *node)
{
	u64 sum = 0;

	for (int i = 0; i < 100 && node; i++) {
		sum += node->value;
		node = node->next;
	}
	return sum;
}

static __noinline struct node __arena *makes(u64 value)
{
	struct node __arena *node = alloc(1);

	if (node)
		node->value = value;
	return node;
}

ARENA(__accept, variables, counter++; first.value = counter; numbers[5] = 7)
ARENA(__accept, variable_at_any_index, u32 index = bpf_get_prandom_u32(); numbers[index] = index)
ARENA(__accept, list_built_and_summed, struct node __arena *head = NULL; for (int i = 0; i < 10; i++) { struct node __arena *node = makes(i); if (!node) break; node->next = head; head = node; } return sums(head))
ARENA(__accept, pointer_in_a_variable, kept = makes(3); if (kept) kept->value++)
ARENA(__accept, pointer_in_a_map_value, u32 key = 0; struct holder *h = bpf_map_lookup_elem(&holders, &key); if (!h) return 0; h->head = makes(1); if (h->head) h->head->value = h->count)
ARENA(__accept, atomics, __sync_fetch_and_add(&counter, 1); __sync_val_compare_and_swap(&counter, 1, 2); __sync_lock_test_and_set(&counter, 5))
ARENA(__accept, small_and_signed_loads, char __arena *at = (void __arena *)&counter; return at[0] + ((short __arena *)at)[1] + ((signed char __arena *)at)[3])
ARENA(__accept, arithmetic, u64 at = (u64)&first; at += 64; at &= ~7ull; *(u64 __arena *)at = 1)
ARENA(__accept, global_function_with_an_arena_pointer, return takes_arena((void *)&counter) + takes_node((void *)makes(1)))
ARENA(__accept, global_function_with_a_number, return takes_arena((void *)5))
ARENA(__reject("R1 is not a pointer to arena or scalar."), global_function_with_the_context, return takes_arena(context))
ARENA(__reject("R1 is not a pointer to arena or scalar."), global_function_with_the_stack, u64 number = 0; barrier(); return takes_arena(&number))
ARENA(__reject("R1 type=arena expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_"), pointer_as_memory_of_a_helper, bpf_get_current_comm((void *)&counter, 8))
ARENA(__reject("R2 type=arena expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_"), pointer_as_a_key, return bpf_map_lookup_elem(&hash, (void *)&counter) ? 1 : 0)
ARENA(__reject("arg#0 expected pointer to an iterator on stack"), pointer_as_an_iterator, bpf_iter_num_new((void *)&counter, 0, 1))
ARENA(__accept, pages_freed, void __arena *pages = alloc(3); if (pages) bpf_arena_free_pages(&arena, (void *)pages, 3))
ARENA(__accept, page_used_after_it_is_freed, u64 __arena *page = alloc(1); bpf_arena_free_pages(&arena, (void *)page, 1); *page = 1)
ARENA(__accept, pages_of_another_map, bpf_arena_alloc_pages(&hash, NULL, 1, -1, 0))
ARENA(__accept, pages_at_an_address, bpf_arena_alloc_pages(&arena, (void *)&counter, 1, -1, 0))
ARENA(__accept, string_of_the_arena, return bpf_strlen((void *)&counter))
ARENA(__accept, compared_with_each_other, struct node __arena *a = makes(1), *b = makes(2); return a == b || a < b)
ARENA(__accept, loops_over_numbers, u32 sum = 0; for (u32 i = 0; i < 100; i++) { numbers[i] = i; sum += numbers[99 - i]; } return sum)

static long visits_arena(u64 index, struct holder *holder)
{
	if (!holder->head)
		return 1;
	holder->head->value += index;
	holder->head = holder->head->next;
	return 0;
}

ARENA(__accept, walked_in_a_callback, struct holder holder = { &first }; bpf_loop(100, visits_arena, &holder, 0))

SEC("tc") __reject("program must be sleepable to call sleepable kfunc bpf_arena_alloc_pages")
int pages_where_sleeping_is_not_allowed(struct __sk_buff *skb)
{
	return bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0) ? 1 : 0;
}

SEC("tc") __accept
int arena_used_where_sleeping_is_not_allowed(struct __sk_buff *skb)
{
	counter += skb->len;
	return sums(&first);
}

SEC("kprobe/do_nanosleep") __accept
int arena_in_a_kprobe(void *context)
{
	counter++;
	return 0;
}

SEC("tp_btf/task_newtask") __accept
int kernel_pointer_stored_in_the_arena(unsigned long long *arguments)
{
	first.value = arguments[0];
	return 0;
}

SEC("syscall") __reject("addr_space_cast insn can only be used in a program that has an associated arena")
int stored_through_a_cast_without_an_arena(void *context)
{
	*(u64 __arena *)0x1000 = 1;
	return 0;
}
