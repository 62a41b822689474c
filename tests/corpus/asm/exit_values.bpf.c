/* What functions and callbacks give back. */
#include "corpus.h"

GPL;
struct timed { struct bpf_timer timer; u64 count; };
MAP(ARRAY, timeds, u32, struct timed, 1);
MAP(ARRAY, values, u32, u64, 4);

__noinline int gives_back_its_argument(struct __sk_buff *skb)
{
	long result;

	asm volatile("%0 = %1" : "=r"(result) : "r"(skb));
	return result;
}

__noinline int gives_back_its_stack(struct __sk_buff *skb)
{
	long result;

	asm volatile("%0 = r10" : "=r"(result));
	return result;
}

__noinline int gives_back_a_number(struct __sk_buff *skb)
{
	return read_once(skb->mark);
}

__naked int gives_back_nothing(void)
{
	asm volatile("exit;" ::: __clobbers);
}

__noinline void gives_back_void(struct __sk_buff *skb)
{
	barrier();
}

SEC("tc") __reject("At subprogram exit the register R0 is not a scalar value (ctx)")
int function_with_a_context(struct __sk_buff *skb)
{
	return gives_back_its_argument(skb);
}

SEC("tc") __reject("At subprogram exit the register R0 is not a scalar value (fp)")
int function_with_a_stack_pointer(struct __sk_buff *skb)
{
	return gives_back_its_stack(skb);
}

SEC("tc") __accept
int function_with_a_number(struct __sk_buff *skb)
{
	return gives_back_a_number(skb);
}

SEC("tc") __reject("R0 !read_ok")
int function_with_no_result(struct __sk_buff *skb)
{
	return gives_back_nothing();
}

SEC("tc") __reject("Global function gives_back_void() doesn't return scalar. Only those are supported.")
int function_of_no_result(struct __sk_buff *skb)
{
	gives_back_void(skb);
	return 0;
}

static int loop_with_a_stack_pointer(u32 index, void *context)
{
	long result;

	asm volatile("%0 = r10" : "=r"(result));
	return result;
}

static int loop_with_its_context(u32 index, void *context)
{
	long result;

	asm volatile("%0 = %1" : "=r"(result) : "r"(context));
	return result;
}

static int loop_with_a_bit(u32 index, void *context)
{
	return index & 1;
}

SEC("tc") __reject("cannot return stack pointer to the caller")
int callback_with_a_stack_pointer(struct __sk_buff *skb)
{
	return bpf_loop(4, loop_with_a_stack_pointer, NULL, 0);
}

SEC("tc") __reject("cannot return stack pointer to the caller")
int callback_with_a_pointer_of_the_caller(struct __sk_buff *skb)
{
	u64 word = 0;

	return bpf_loop(4, loop_with_its_context, &word, 0);
}

SEC("tc") __reject("R3 type=scalar expected=fp")
int callback_with_a_number_as_context(struct __sk_buff *skb)
{
	return bpf_loop(4, loop_with_a_bit, (void *)(u64)skb->mark, 0);
}

SEC("tc") __accept
int callback_with_a_bit(struct __sk_buff *skb)
{
	return bpf_loop(4, loop_with_a_bit, NULL, 0);
}

static int fires_with_a_pointer(void *map, u32 *key, struct timed *value)
{
	long result;

	asm volatile("%0 = %1" : "=r"(result) : "r"(value));
	return result;
}

static int fires_with_an_unknown_number(void *map, u32 *key, struct timed *value)
{
	return read_once(value->count);
}

static int fires_and_counts(void *map, u32 *key, struct timed *value)
{
	value->count += *key;
	return 0;
}

static int fires_and_reads_behind_the_key(void *map, u32 *key, struct timed *value)
{
	return read_once(key[1]) & 0;
}

static int fires_and_writes_the_key(void *map, u32 *key, struct timed *value)
{
	write_once(*key, 1);
	return 0;
}

#define STARTS(name, callback)							\
	int name(struct __sk_buff *skb)						\
	{									\
		u32 key = 0;							\
		struct timed *timed = bpf_map_lookup_elem(&timeds, &key);	\
										\
		if (timed) {							\
			bpf_timer_init(&timed->timer, &timeds, 0);		\
			bpf_timer_set_callback(&timed->timer, callback);	\
		}								\
		return 0;							\
	}

SEC("tc") __reject("At async callback return the register R0 is not a known value (map_value)")
int timer_with_a_pointer(struct __sk_buff *skb)
{
	u32 key = 0;
	struct timed *timed = bpf_map_lookup_elem(&timeds, &key);

	if (timed) {
		bpf_timer_init(&timed->timer, &timeds, 0);
		bpf_timer_set_callback(&timed->timer, fires_with_a_pointer);
	}
	return 0;
}

SEC("tc") __reject("At async callback return the register R0 has")
STARTS(timer_with_an_unknown_number, fires_with_an_unknown_number)

SEC("tc") __accept
STARTS(timer_counts, fires_and_counts)

SEC("tc") __reject("invalid access to map key, key_size=4 off=4 size=4")
STARTS(timer_reads_behind_the_key, fires_and_reads_behind_the_key)

SEC("tc") __reject("write to change key R")
STARTS(timer_writes_the_key, fires_and_writes_the_key)

static long visit_and_return_the_value(void *map, u32 *key, u64 *value, void *context)
{
	return (long)value;
}

static long visit_and_return_the_key(void *map, u32 *key, u64 *value, void *context)
{
	return (long)key;
}

static long visit_and_return_what_is_there(void *map, u32 *key, u64 *value, void *context)
{
	return *value;
}

static long visit_behind_the_key(void *map, u32 *key, u64 *value, void *context)
{
	return read_once(key[1]) & 0;
}

static long visit_before_the_key(void *map, u32 *key, u64 *value, void *context)
{
	return read_once(key[-1]) & 0;
}

static long visit_bytes_of_the_key(void *map, u32 *key, u64 *value, void *context)
{
	return ((volatile u8 *)key)[3] & 0;
}

static long visit_an_unknown_byte_of_the_key(void *map, u32 *key, u64 *value, void *context)
{
	return ((volatile u8 *)key)[*value & 3] & 0;
}

static long visit_an_unknown_byte_behind_the_key(void *map, u32 *key, u64 *value, void *context)
{
	return ((volatile u8 *)key)[*value & 7] & 0;
}

static long visit_and_print_the_key(void *map, u32 *key, u64 *value, void *context)
{
	return bpf_map_update_elem(&values, key, value, 0) & 0;
}

static long visit_and_pass_too_much_of_the_key(void *map, u32 *key, u64 *value, void *context)
{
	return bpf_map_update_elem(&values, key, key, 0) & 0;
}

#define VISITS(name, callback)							\
	int name(struct __sk_buff *skb)						\
	{									\
		return bpf_for_each_map_elem(&values, callback, NULL, 0);	\
	}

SEC("tc") __reject("invalid access to map key, key_size=4 off=4 size=4")
int visitor_reads_behind_the_key(struct __sk_buff *skb)
{
	return bpf_for_each_map_elem(&values, visit_behind_the_key, NULL, 0);
}

SEC("tc") __reject("invalid access to map key, key_size=4 off=-4 size=4")
VISITS(visitor_reads_before_the_key, visit_before_the_key)

SEC("tc") __accept
VISITS(visitor_reads_bytes_of_the_key, visit_bytes_of_the_key)

SEC("tc") __accept
VISITS(visitor_reads_an_unknown_byte_of_the_key, visit_an_unknown_byte_of_the_key)

SEC("tc") __reject("invalid access to map key, key_size=4 off=7 size=1")
VISITS(visitor_reads_an_unknown_byte_behind_the_key, visit_an_unknown_byte_behind_the_key)

SEC("tc") __accept
VISITS(visitor_passes_the_key, visit_and_print_the_key)

SEC("tc") __reject("invalid access to map key, key_size=4 off=0 size=8")
VISITS(visitor_passes_too_much_of_the_key, visit_and_pass_too_much_of_the_key)

SEC("tc") __reject("R0 not a scalar value")
VISITS(visitor_returns_the_value, visit_and_return_the_value)

SEC("tc") __reject("R0 not a scalar value")
int visitor_returns_the_key(struct __sk_buff *skb)
{
	return bpf_for_each_map_elem(&values, visit_and_return_the_key, NULL, 0);
}

SEC("tc") __reject("At callback return the register R0 has")
VISITS(visitor_returns_what_is_there, visit_and_return_what_is_there)
