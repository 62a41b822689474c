/* An arena and variables in it. */
#include "common.h"

#define __arena __attribute__((address_space(1)))

struct {
	__uint(type, MAP_ARENA);
	__uint(map_flags, 1 << 10);
	__uint(max_entries, 100);
	__ulong(map_extra, 0x1ull << 44);
} arena SEC(".maps");

u64 __arena first = 1;
u64 __arena second = 2;
u32 __arena *kept;

SEC("syscall")
int touches(void *ctx)
{
	first = second + 1;
	kept = (u32 __arena *)&second;
	return (long)&arena != 0;
}
