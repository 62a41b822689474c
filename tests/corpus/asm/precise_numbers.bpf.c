/* How far back a number is followed when its exact value matters: through moves, the stack, calls, callbacks. */
// clang: -mcpu=v4
#include "corpus.h"

GPL;
MAP(ARRAY, array, u32, u64[8], 4);
char globals[256];

/* r6 becomes 0 or 8, over two paths that meet again. */
#define TWO "r6 = 0; call %[bpf_get_prandom_u32]; if r0 == 0 goto 1f; r6 = 8; 1:"
/* An access at the index in a register, which makes it precise. */
#define AT(reg) "r3 = %[globals] ll; r3 += " #reg "; r0 = *(u8 *)(r3 + 0);"
#define PROGRAM(name, body)								\
	__naked int name(void)								\
	{										\
		asm volatile(body "							\
		r0 = 0;									\
		exit;									\
		" :: __imm(bpf_get_prandom_u32), __imm(bpf_ktime_get_ns), __imm_addr(globals), __imm_addr(array),	\
		__imm(bpf_map_lookup_elem), __imm(bpf_loop), __imm_addr(keeps), __imm_addr(stores_into_its_context),	\
		__imm(bpf_get_smp_processor_id), __imm(bpf_ringbuf_reserve) : __clobbers);	\
	}

static __naked __noinline __attribute__((used)) void keeps(void)
{
	asm volatile("r0 = 0; exit;" ::: __clobbers);
}

static __naked __noinline __attribute__((used)) void stores_into_its_context(void)
{
	asm volatile("*(u64 *)(r2 + 0) = 4; r0 = 0; exit;" ::: __clobbers);
}

static __naked __noinline __attribute__((used)) void doubles(void)
{
	asm volatile("r0 = r1; r0 += r1; exit;" ::: __clobbers);
}

static __naked __noinline __attribute__((used)) void gives_a_constant(void)
{
	asm volatile("r6 = 5; r0 = r6; exit;" ::: __clobbers);
}

static __naked __noinline __attribute__((used)) void gives_one_of_two(void)
{
	asm volatile("r6 = 5; if r1 == 0 goto 1f; r6 = 9; 1: r0 = r6; exit;" ::: __clobbers);
}

static __naked __noinline __attribute__((used)) void stores_through_its_argument(void)
{
	asm volatile("*(u64 *)(r1 + 0) = r2; r0 = 0; exit;" ::: __clobbers);
}

static __naked __noinline __attribute__((used)) void loads_through_its_argument(void)
{
	asm volatile("r0 = *(u64 *)(r1 + 0); exit;" ::: __clobbers);
}

static __naked __noinline __attribute__((used)) void loads_at_its_argument(void)
{
	asm volatile("					\
	r3 = %[globals] ll;				\
	r3 += r1;					\
	r0 = *(u8 *)(r3 + 0);				\
	exit;						\
	" :: __imm_addr(globals) : __clobbers);
}

static __naked __noinline __attribute__((used)) void doubles_of_doubles(void)
{
	asm volatile("call doubles; r1 = r0; call doubles; exit;" ::: __clobbers);
}

SEC("tc") __accept
PROGRAM(through_moves, TWO "r7 = r6; r8 = r7; r8 += 3;" AT(r8))
SEC("tc") __accept
PROGRAM(through_a_sum, TWO "r7 = 4; r7 += r6; r7 -= 1;" AT(r7))
SEC("tc") __accept
PROGRAM(through_halves, TWO "w7 = w6; w7 += 3; w8 = w7;" AT(r8))
SEC("tc") __accept
PROGRAM(through_signs, TWO "r7 = (s8)r6; w8 = (s16)w7;" AT(r8))
SEC("tc") __accept
PROGRAM(through_a_swap, TWO "r7 = r6; r7 = be16 r7; r7 = bswap16 r7; r7 &= 255;" AT(r7))
SEC("tc") __accept
PROGRAM(through_a_negation, TWO "r7 = r6; r7 = -r7; r7 += 8;" AT(r7))
SEC("tc") __accept
PROGRAM(through_the_stack, TWO "*(u64 *)(r10 - 8) = r6; r7 = *(u64 *)(r10 - 8);" AT(r7))
SEC("tc") __accept
PROGRAM(through_the_stack_by_another_register, TWO "r8 = r10; r8 += -16; *(u64 *)(r8 + 8) = r6; r7 = *(u64 *)(r10 - 8);" AT(r7))
SEC("tc") __accept
PROGRAM(through_the_stack_filled_by_another_register, TWO "*(u64 *)(r10 - 8) = r6; r8 = r10; r8 += -16; r7 = *(u64 *)(r8 + 8);" AT(r7))
SEC("tc") __accept
PROGRAM(through_half_a_slot, TWO "*(u32 *)(r10 - 8) = r6; r7 = *(u32 *)(r10 - 8);" AT(r7))
SEC("tc") __accept
PROGRAM(through_a_byte_of_a_slot, TWO "*(u64 *)(r10 - 8) = r6; r7 = *(u8 *)(r10 - 8);" AT(r7))
SEC("tc") __accept
PROGRAM(through_a_constant_in_a_slot, "call %[bpf_get_prandom_u32]; *(u64 *)(r10 - 8) = 0; if r0 == 0 goto 1f; *(u64 *)(r10 - 8) = 9; 1: r7 = *(u64 *)(r10 - 8);" AT(r7))
SEC("tc") __accept
PROGRAM(over_a_call_in_a_kept_register, TWO "call keeps;" AT(r6))
SEC("tc") __accept
PROGRAM(over_a_helper_in_a_kept_register, TWO "call %[bpf_get_smp_processor_id];" AT(r6))
SEC("tc") __accept
PROGRAM(over_a_call_on_the_stack, TWO "*(u64 *)(r10 - 8) = r6; call keeps; r7 = *(u64 *)(r10 - 8);" AT(r7))
SEC("tc") __accept
PROGRAM(into_an_argument, TWO "r1 = r6; call loads_at_its_argument;")
SEC("tc") __accept
PROGRAM(out_of_a_result, TWO "r1 = r6; call doubles; r7 = r0;" AT(r7))
SEC("tc") __accept
PROGRAM(out_of_a_constant_result, TWO "call gives_a_constant; r7 = r0; r7 += r6;" AT(r7))
SEC("tc") __accept
PROGRAM(out_of_one_of_two_results, "call %[bpf_get_prandom_u32]; r1 = r0; call gives_one_of_two; r7 = r0;" AT(r7))
SEC("tc") __accept
PROGRAM(out_of_calls_within_calls, TWO "r1 = r6; call doubles_of_doubles; r7 = r0;" AT(r7))
SEC("tc") __accept
PROGRAM(stored_by_a_function, TWO "r1 = r10; r1 += -8; r2 = r6; call stores_through_its_argument; r7 = *(u64 *)(r10 - 8);" AT(r7))
SEC("tc") __accept
PROGRAM(loaded_by_a_function, TWO "*(u64 *)(r10 - 8) = r6; r1 = r10; r1 += -8; call loads_through_its_argument; r7 = r0;" AT(r7))
SEC("tc") __accept
PROGRAM(over_a_loop_in_a_kept_register, TWO "r1 = 3; r2 = %[keeps] ll; r3 = 0; r4 = 0; call %[bpf_loop];" AT(r6))
SEC("tc") __accept
PROGRAM(over_a_loop_on_the_stack, TWO "*(u64 *)(r10 - 8) = r6; r1 = 3; r2 = %[keeps] ll; r3 = 0; r4 = 0; call %[bpf_loop]; r7 = *(u64 *)(r10 - 8);" AT(r7))
SEC("tc") __accept
PROGRAM(stored_by_a_callback, TWO "*(u64 *)(r10 - 8) = r6; r1 = 3; r2 = %[stores_into_its_context] ll; r3 = r10; r3 += -8; r4 = 0; call %[bpf_loop]; r7 = *(u64 *)(r10 - 8);" AT(r7))
SEC("tc") __accept
PROGRAM(number_of_rounds, TWO "r1 = r6; r2 = %[keeps] ll; r3 = 0; r4 = 0; call %[bpf_loop];")
SEC("tc") __accept
PROGRAM(over_an_addition_in_memory, TWO "*(u64 *)(r10 - 8) = r6; r1 = 1; lock *(u64 *)(r10 - 8) += r1; r7 = *(u64 *)(r10 - 8); r7 &= 255;" AT(r7))
SEC("tc") __accept
PROGRAM(over_an_exchange_in_memory, TWO "*(u64 *)(r10 - 8) = 0; r6 = xchg_64(r10 - 8, r6); r6 &= 255;" AT(r6))
SEC("tc") __accept
PROGRAM(in_a_comparison_of_two, TWO "r7 = 16; if r6 > r7 goto 2f;" AT(r6) "2:")
SEC("tc") __accept
PROGRAM(in_a_comparison_that_is_decided, TWO "r7 = 16; if r6 < r7 goto 2f; r0 = *(u8 *)(r10 + 8); 2:")
SEC("tc") __accept
PROGRAM(linked_with_a_copy, "call %[bpf_get_prandom_u32]; r0 &= 255; r6 = r0; r7 = r0; if r6 > 100 goto 1f;" AT(r7) "1:")
SEC("tc") __accept
PROGRAM(linked_with_a_sum, "call %[bpf_get_prandom_u32]; w6 = w0; r7 = r6; r7 += 50; r8 = r6; r8 += 20; if r6 > 100 goto 1f;" AT(r7) AT(r8) "1:")
SEC("tc") __accept
PROGRAM(linked_over_the_stack, "call %[bpf_get_prandom_u32]; w6 = w0; *(u64 *)(r10 - 8) = r6; r7 = r6; *(u64 *)(r10 - 16) = r7; if r6 > 100 goto 1f; r8 = *(u64 *)(r10 - 16);" AT(r8) "1:")
SEC("tc") __accept
PROGRAM(link_broken_by_arithmetic, "call %[bpf_get_prandom_u32]; w6 = w0; r7 = r6; r7 *= 2; if r6 > 100 goto 1f; if r7 > 200 goto 1f;" AT(r7) "1:")
SEC("tc") __reject("R0 invalid mem access 'map_value_or_null'")
PROGRAM(key_of_an_array, "call %[bpf_get_prandom_u32]; r6 = 1; if r0 == 0 goto 1f; r6 = 3; 1: *(u32 *)(r10 - 4) = w6; r2 = r10; r2 += -4; r1 = %[array] ll; call %[bpf_map_lookup_elem]; r0 = *(u64 *)(r0 + 0);")
SEC("tc") __accept
PROGRAM(twice_over_the_same_path, TWO AT(r6) "r7 = r6; r7 += 1;" AT(r7) "r8 = r7; r8 += r6;" AT(r8))
SEC("tc") __accept
PROGRAM(many_paths_that_meet, "r7 = 0; r8 = 4; 2: r6 = 0; call %[bpf_get_prandom_u32]; if r0 == 0 goto 1f; r6 = 8; 1: r7 += r6; r8 += -1; if r8 != 0 goto 2b;" AT(r7))
SEC("tc") __accept
PROGRAM(many_paths_that_meet_and_do_not_matter, "r7 = 0; r8 = 40; 2: r6 = 0; call %[bpf_get_prandom_u32]; if r0 == 0 goto 1f; r6 = 8; 1: r7 = r6; r8 += -1; if r8 != 0 goto 2b;" AT(r7))
SEC("tc") __accept
PROGRAM(counted_in_halves, "w6 = 0; 1: w6 += 1; if w6 < 30 goto 1b;" AT(r6))
SEC("tc") __accept
PROGRAM(counted_down_signed, "r6 = 30; 1: r6 += -3; if r6 s> 0 goto 1b;" AT(r6))
SEC("tc") __accept
PROGRAM(counted_on_the_stack, "*(u64 *)(r10 - 8) = 0; 1: r6 = *(u64 *)(r10 - 8); r6 += 2; *(u64 *)(r10 - 8) = r6; if r6 < 60 goto 1b;" AT(r6))
SEC("tc") __accept
PROGRAM(counted_in_half_a_slot, "*(u32 *)(r10 - 8) = 0; 1: w6 = *(u32 *)(r10 - 8); w6 += 2; *(u32 *)(r10 - 8) = w6; if w6 < 60 goto 1b;" AT(r6))
SEC("tc") __accept
PROGRAM(counted_in_a_loop_with_calls, "r6 = 0; 1: r1 = r6; call doubles; r7 = r0;" AT(r7) "r6 += 1; if r6 < 20 goto 1b;")
SEC("tc") __accept
PROGRAM(counted_with_two_counters, "r6 = 0; r7 = 50; 1: r6 += 1; r7 -= 1; if r6 < r7 goto 1b;" AT(r6) AT(r7))
SEC("tc") __accept
PROGRAM(nested_counters, "r6 = 0; 1: r7 = 0; 2: r8 = r6; r8 *= 8; r8 += r7;" AT(r8) "r7 += 1; if r7 < 8 goto 2b; r6 += 1; if r6 < 8 goto 1b;")
