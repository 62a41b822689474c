// clang: -mcpu=v4
/* Memory shared with user space: pointers into an arena. */
#include "corpus.h"

GPL;
#define __arena __attribute__((address_space(1)))

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
	__ulong(map_extra, 1ull << 44);
} arena SEC(".maps");

SEC("syscall") __accept
int page_allocated_and_freed(void *context)
{
	u64 __arena *page = (u64 __arena *)bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);

	if (!page)
		return 1;
	page[0] = 7;
	page[600] = page[0];
	bpf_arena_free_pages(&arena, (void *)page, 1);
	return 0;
}

SEC("syscall") __accept
int page_used_without_null_check(void *context)
{
	u64 __arena *page = (u64 __arena *)bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);

	return page[0];
}

SEC("syscall") __reject("arena")
int page_of_a_program_without_arena(void *context)
{
	return *(u64 __arena *)4096;
}

SEC("syscall") __reject("R1 type=scalar expected=fp")
int page_as_memory_of_a_helper(void *context)
{
	u64 __arena *page = (u64 __arena *)bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);

	return bpf_copy_from_user((void *)page, 8, NULL);
}
