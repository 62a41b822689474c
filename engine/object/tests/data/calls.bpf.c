/* Subprograms: static, global and hidden ones, shared by programs, callbacks, and an exception callback. */
#include "common.h"

u64 total;

static __noinline int leaf(u32 x) { return total + x * 3; }
__noinline int global_leaf(u32 x) { total += x; return x & 7; }
__hidden __noinline int hidden_leaf(u32 x) { total ^= x; return x | 1; }
static __noinline int middle(u32 x) { return leaf(x) + global_leaf(x); }
__noinline int global_middle(u32 x) { return middle(x + 1) ^ hidden_leaf(x); }
static __noinline int never_called_alone(u32 x) { return leaf(x) - 5; }

static int callback(u32 index, u64 *ctx) { *ctx += leaf(index); return 0; }
int global_callback(u32 index, void *ctx) { total += index; return 0; }

__noinline int on_exception(u64 cookie) { return cookie + 1; }
__noinline int not_the_callback(u64 cookie) { return cookie; }

SEC("socket")
int no_calls(void *ctx) { return 0; }

SEC("socket")
int one_call(void *ctx) { return leaf(total); }

SEC("socket")
int all_calls(void *ctx) { return global_middle(total) + never_called_alone(total) + middle(2); }

SEC("?socket")
int not_loaded(void *ctx) { return never_called_alone(1) + hidden_leaf(2); }

SEC("socket")
int callbacks(void *ctx)
{
	u64 sum = 0;

	bpf_loop(10, callback, &sum, 0);
	bpf_loop(10, global_callback, 0, 0);
	return sum + leaf(1);
}

SEC("socket")
__attribute__((btf_decl_tag("exception_callback:on_exception")))
int throws(void *ctx) { return leaf(3); }
