/* Structures of functions for the kernel to call. */
#include "common.h"

struct op_state;

struct made_up_ops {
	u32 (*second)(struct op_state *state, u32 value);
	u32 (*first)(struct op_state *state);
	char name[16];
	u32 flags;
	void *owner;
	u64 unknown_to_the_kernel;
};

struct made_up_ops___other {
	u32 (*first)(struct op_state *state);
	u64 gone;
};

static __noinline u32 helper(u32 x) { return x * 5; }

SEC("struct_ops/first")
u32 op_first(u64 *ctx) { return helper(1); }

SEC("struct_ops.s/second")
u32 op_second(u64 *ctx) { return helper(2) + ctx[1]; }

SEC("struct_ops/gone")
u32 op_gone(u64 *ctx) { return 0; }

SEC(".struct_ops")
struct made_up_ops both = {
	.first = (void *)op_first,
	.second = (void *)op_second,
	.name = "both",
	.flags = 3,
};

SEC(".struct_ops.link")
struct made_up_ops linked = {
	.first = (void *)op_first,
	.name = "linked",
};

SEC("struct_ops/first")
u32 op_only_there(u64 *ctx) { return 1; }

/* Not created, and the kernel has no such structure: that concerns nothing that is also in a map above. */
struct unheard_of_ops {
	u32 (*first)(struct op_state *state);
	u32 (*second)(struct op_state *state);
};

SEC("?.struct_ops.link")
struct made_up_ops___other other = {
	.first = (void *)op_only_there,
};

SEC("?.struct_ops")
struct unheard_of_ops unheard_of = {
	.first = (void *)op_first,
	.second = (void *)op_gone,
};
