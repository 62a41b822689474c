/* Tail calls: from functions, with what is held, and how much stack may be below. */
#include "corpus.h"

GPL;
struct guarded { struct bpf_spin_lock lock; u32 count; };
MAP(ARRAY, guardeds, u32, struct guarded, 1);
RINGBUF(ring, 4096);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} programs SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4);
} others SEC(".maps");

static __noinline int calls_another_program(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, 0);
	return 1;
}

static __noinline void calls_another_program_without_result(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, 0);
}

static __noinline long calls_another_program_with_long_result(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, 0);
	return skb->len;
}

static __noinline char calls_another_program_with_short_result(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, 0);
	return skb->len;
}

__noinline int calls_another_program_globally(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, skb->mark);
	return 1;
}

static __noinline int calls_with_a_large_stack(struct __sk_buff *skb)
{
	volatile char bytes[300] = {};

	bpf_tail_call(skb, &programs, 0);
	return bytes[skb->len & 127];
}

static __noinline int between(struct __sk_buff *skb)
{
	volatile char bytes[40] = {};

	return calls_another_program(skb) + bytes[skb->len & 31];
}

static __noinline u64 writes_back(struct __sk_buff *skb, u64 *number)
{
	*number = 7;
	bpf_tail_call(skb, &programs, 1);
	*number = 8;
	return 0;
}

SEC("tc") __accept
int from_a_static_function(struct __sk_buff *skb)
{
	return calls_another_program(skb);
}

SEC("tc") __reject("tail_call is only allowed in functions that return 'int'.")
int from_a_function_without_result(struct __sk_buff *skb)
{
	calls_another_program_without_result(skb);
	return 0;
}

SEC("tc") __accept
int from_a_function_with_long_result(struct __sk_buff *skb)
{
	return calls_another_program_with_long_result(skb);
}

SEC("tc") __accept
int from_a_function_with_short_result(struct __sk_buff *skb)
{
	return calls_another_program_with_short_result(skb);
}

SEC("tc") __accept
int from_a_global_function(struct __sk_buff *skb)
{
	return calls_another_program_globally(skb);
}

SEC("tc") __reject("tail_calls are not allowed when call stack of previous frames is")
int with_a_large_stack_below(struct __sk_buff *skb)
{
	volatile char bytes[280] = {};

	return calls_another_program(skb) + bytes[skb->len & 127];
}

SEC("tc") __accept
int with_just_enough_stack_below(struct __sk_buff *skb)
{
	volatile char bytes[200] = {};

	return calls_another_program(skb) + bytes[skb->len & 127];
}

SEC("tc") __reject("tail_calls are not allowed when call stack of previous frames is")
int with_stack_of_two_frames_below(struct __sk_buff *skb)
{
	volatile char bytes[210] = {};

	return between(skb) + bytes[skb->len & 127];
}

SEC("tc") __accept
int with_a_large_stack_of_its_own(struct __sk_buff *skb)
{
	return calls_with_a_large_stack(skb);
}

SEC("tc") __reject("tail_calls are not allowed when call stack of previous frames is")
int with_a_large_stack_below_a_global_function(struct __sk_buff *skb)
{
	volatile char bytes[280] = {};

	return calls_another_program_globally(skb) + bytes[skb->len & 127];
}

SEC("tc") __accept
int large_stack_in_main_alone(struct __sk_buff *skb)
{
	volatile char bytes[500] = {};

	bpf_tail_call(skb, &programs, 0);
	return bytes[skb->len & 255];
}

SEC("tc") __accept
int number_of_the_caller_is_written(struct __sk_buff *skb)
{
	u64 number = 1;

	writes_back(skb, &number);
	return number;
}

SEC("tc") __accept
int several_in_a_row(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, 0);
	bpf_tail_call(skb, &programs, 1);
	bpf_tail_call(skb, skb->mark ? (void *)&programs : (void *)&others, 0);
	return 0;
}

SEC("tc") __accept
int in_a_loop(struct __sk_buff *skb)
{
	for (u32 i = 0; i < 8; i++)
		bpf_tail_call(skb, &programs, i);
	return 0;
}

SEC("tc") __accept
int beyond_the_array(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, 1000);
	return 0;
}

SEC("tc") __reject("tail_call would lead to reference leak")
int with_a_record(struct __sk_buff *skb)
{
	u64 *record = bpf_ringbuf_reserve(&ring, 8, 0);

	if (!record)
		return 0;
	bpf_tail_call(skb, &programs, 0);
	bpf_ringbuf_discard(record, 0);
	return 0;
}

SEC("tc") __accept
int callee_does_it_with_a_record(struct __sk_buff *skb)
{
	u64 *record = bpf_ringbuf_reserve(&ring, 8, 0);

	if (!record)
		return 0;
	calls_another_program(skb);
	bpf_ringbuf_discard(record, 0);
	return 0;
}

SEC("tc") __reject("tail_call cannot be used inside bpf_rcu_read_lock-ed region")
int in_a_read_section(struct __sk_buff *skb)
{
	bpf_rcu_read_lock();
	bpf_tail_call(skb, &programs, 0);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tc") __reject("function calls are not allowed while holding a lock")
int under_a_lock(struct __sk_buff *skb)
{
	u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guardeds, &key);

	if (!g)
		return 0;
	bpf_spin_lock(&g->lock);
	bpf_tail_call(skb, &programs, 0);
	bpf_spin_unlock(&g->lock);
	return 0;
}

SEC("tc") __reject("tail_call cannot be used inside bpf_preempt_disable-ed region")
int without_preemption(struct __sk_buff *skb)
{
	bpf_preempt_disable();
	bpf_tail_call(skb, &programs, 0);
	bpf_preempt_enable();
	return 0;
}

static long tail_calls_in_loop(u64 index, struct __sk_buff **skb)
{
	bpf_tail_call(*skb, &programs, index);
	return 0;
}

SEC("tc") __reject("verifier bug: callback unexpected regs 1")
int in_a_callback(struct __sk_buff *skb)
{
	return bpf_loop(3, tail_calls_in_loop, &skb, 0);
}

SEC("tc") __reject("R1 type=scalar expected=ctx")
int with_a_number_for_the_context(struct __sk_buff *skb)
{
	bpf_tail_call((void *)(long)skb->mark, &programs, 0);
	return 0;
}

SEC("tc") __reject("dereference of modified ctx ptr")
int with_a_moved_context(struct __sk_buff *skb)
{
	bpf_tail_call((void *)skb + 8, &programs, 0);
	return 0;
}

SEC("tc") __accept
int with_a_pointer_for_the_index(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, (u64)skb);
	return 0;
}

SEC("struct_ops") __reject("program of this type cannot use helper bpf_tail_call#12")
int operation_may_not_call_another(unsigned long long *arguments)
{
	bpf_tail_call(arguments, &programs, 0);
	return 0;
}

SEC(".struct_ops.link")
struct bpf_dummy_ops dummy = { .test_1 = (void *)operation_may_not_call_another };

SEC("syscall") __reject("Sleepable programs can only use array, hash, ringbuf and local storage maps")
int sleepable_program_uses_the_array(void *context)
{
	bpf_tail_call(context, &programs, 0);
	return 0;
}

SEC("tp_btf/task_newtask") __accept
int tracepoint_calls_another_program(unsigned long long *arguments)
{
	bpf_tail_call(arguments, &programs, 0);
	return 0;
}
