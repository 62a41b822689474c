/* Static functions, tail calls, exceptions. */
#include "corpus.h"

GPL;

int target_of_tail_call(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int (void *));
} programs SEC(".maps") = { .values = { [1] = (void *)&target_of_tail_call } };
MAP(HASH, hash, u32, u64, 8);

SEC("tc") __accept
int target_of_tail_call(struct __sk_buff *skb)
{
	return TC_ACT_SHOT;
}

SEC("tc") __accept
int tail_call_at_constant_index(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, 1);
	return TC_ACT_OK;
}

SEC("tc") __accept
int tail_call_at_variable_index(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, skb->mark);
	return TC_ACT_OK;
}

SEC("tc") __reject("expected prog array map for tail call")
int tail_call_through_a_hash(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &hash, 1);
	return TC_ACT_OK;
}

SEC("tc") __reject("cannot pass map_type 3 into func bpf_map_lookup_elem#1")
int lookup_in_a_program_array(struct __sk_buff *skb)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&programs, &key) ? 1 : 0;
}

SEC("tc") __reject("R1 type=fp expected=ctx")
int tail_call_without_context(struct __sk_buff *skb)
{
	u64 copy = 0;

	barrier();
	bpf_tail_call(&copy, &programs, 1);
	return TC_ACT_OK;
}

static __noinline int reads(const u64 *number)
{
	return *number;
}

static __noinline int writes(u64 *number)
{
	*number = 7;
	return 0;
}

static __noinline u64 *points_into_own_frame(void)
{
	u64 number = 1, *pointer = &number;

	barrier();
	opaque(pointer);
	return pointer;
}

SEC("tc") __accept
int static_function_reads_and_writes_frame_of_caller(struct __sk_buff *skb)
{
	u64 number = skb->mark;

	writes(&number);
	return reads(&number);
}

SEC("tc") __reject("cannot return stack pointer to the caller")
int static_function_returns_its_frame(struct __sk_buff *skb)
{
	return *points_into_own_frame();
}

SEC("tc") __reject("R6 !read_ok")
__naked int callee_saved_register_not_visible_in_callee(void)
{
	asm volatile("					\
	r6 = 1;						\
	call reads_r6;					\
	exit;						\
"	::: __clobbers);
}

static __naked __noinline __attribute__((used)) void reads_r6(void)
{
	asm volatile("					\
	r0 = r6;					\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __accept
__naked int callee_saved_register_survives_call(void)
{
	asm volatile("					\
	r6 = 1;						\
	call clobbers_r6;				\
	r0 = r6;					\
	exit;						\
"	::: __clobbers);
}

static __naked __noinline __attribute__((used)) void clobbers_r6(void)
{
	asm volatile("					\
	r6 = 2;						\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("R1 !read_ok")
__naked int argument_register_lost_after_call(void)
{
	asm volatile("					\
	r6 = r1;					\
	call clobbers_r6;				\
	r0 = r1;					\
	exit;						\
"	::: __clobbers);
}

#define FRAME(name, next)				\
	static __noinline int name(struct __sk_buff *skb)	\
	{						\
		return next(skb) + skb->mark;		\
	}

static __noinline int leaf(struct __sk_buff *skb)
{
	return skb->len;
}
FRAME(depth_7, leaf)
FRAME(depth_6, depth_7)
FRAME(depth_5, depth_6)
FRAME(depth_4, depth_5)
FRAME(depth_3, depth_4)
FRAME(depth_2, depth_3)
FRAME(depth_1, depth_2)

SEC("tc") __accept
int eight_frames(struct __sk_buff *skb)
{
	return depth_2(skb);
}

SEC("tc") __reject("the call stack of 9 frames is too deep")
int nine_frames(struct __sk_buff *skb)
{
	return depth_1(skb);
}

SEC("tc") __accept
int exception_thrown(struct __sk_buff *skb)
{
	if (skb->mark)
		bpf_throw(3);
	return 0;
}

static __noinline int throws(struct __sk_buff *skb)
{
	if (skb->mark)
		bpf_throw(skb->mark);
	return 0;
}

SEC("tc") __accept
int exception_thrown_in_callee(struct __sk_buff *skb)
{
	return throws(skb);
}

static long throws_in_loop(u64 index, void *context)
{
	bpf_throw(0);
	return 0;
}

SEC("tc") __reject("cannot be called from callback subprog")
int exception_thrown_in_loop_callback(struct __sk_buff *skb)
{
	return bpf_loop(4, throws_in_loop, NULL, 0);
}

SEC("cgroup_skb/ingress") __reject("At program exit the register R1 has smin=5 smax=5 should have been in [0, 1]")
int exception_with_a_result_out_of_range(struct __sk_buff *skb)
{
	if (skb->mark)
		bpf_throw(5);
	return 1;
}

__noinline int handles(u64 cookie)
{
	return cookie ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc") __accept
__attribute__((btf_decl_tag("exception_callback:handles")))
int exception_callback(struct __sk_buff *skb)
{
	if (skb->mark)
		bpf_throw(1);
	return 0;
}
