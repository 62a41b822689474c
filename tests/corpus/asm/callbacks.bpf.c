/* Functions that a helper calls back. */
#include "corpus.h"

GPL;
struct block { char bytes[64]; };
MAP(ARRAY, blocks, u32, struct block, 1);

static __naked __attribute__((used)) int goes_on(void)
{
	asm volatile("					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int stops(void)
{
	asm volatile("					\
	r0 = 1;						\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int returns_two(void)
{
	asm volatile("					\
	r0 = 2;						\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int returns_its_index(void)
{
	asm volatile("					\
	r0 = r1;					\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int returns_the_lowest_bit_of_its_index(void)
{
	asm volatile("					\
	r0 = r1;					\
	r0 &= 1;					\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int reads_r6_of_the_caller(void)
{
	asm volatile("					\
	r0 = r6;					\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int counts(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r2 + 0);				\
	r1 += 1;					\
	*(u64 *)(r2 + 0) = r1;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int stores_behind_its_context(void)
{
	asm volatile("					\
	*(u64 *)(r2 + 8) = 0;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

__naked int global_function(void)
{
	asm volatile("					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int reads_the_value(void)
{
	asm volatile("					\
	r0 = *(u64 *)(r3 + 56);				\
	r0 &= 1;					\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int reads_behind_the_value(void)
{
	asm volatile("					\
	r0 = *(u64 *)(r3 + 64);				\
	r0 &= 1;					\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int stores_into_the_key(void)
{
	asm volatile("					\
	*(u32 *)(r2 + 0) = 0;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int loop_that_goes_on(void)
{
	asm volatile("					\
	r3 = 0;						\
	r1 = 10;					\
	r2 = %[goes_on] ll;				\
	r4 = 0;						\
	call %[bpf_loop];				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_loop), __imm_addr(goes_on) : __clobbers);
}

SEC("socket") __accept
__naked int loop_that_stops(void)
{
	asm volatile("					\
	r3 = 0;						\
	r1 = 10;					\
	r2 = %[stops] ll;				\
	r4 = 0;						\
	call %[bpf_loop];				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_loop), __imm_addr(stops) : __clobbers);
}

SEC("socket") __accept
__naked int loop_that_may_stop(void)
{
	asm volatile("					\
	r3 = 0;						\
	r1 = 10;					\
	r2 = %[returns_the_lowest_bit_of_its_index] ll;	\
	r4 = 0;						\
	call %[bpf_loop];				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_loop), __imm_addr(returns_the_lowest_bit_of_its_index) : __clobbers);
}

SEC("socket") __reject("At callback return the register R0 has smin=2 smax=2 should have been in [0, 1]")
__naked int loop_with_a_result_of_two(void)
{
	asm volatile("					\
	r3 = 0;						\
	r1 = 10;					\
	r2 = %[returns_two] ll;				\
	r4 = 0;						\
	call %[bpf_loop];				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_loop), __imm_addr(returns_two) : __clobbers);
}

SEC("socket") __reject("should have been in [0, 1]")
__naked int loop_with_an_unknown_result(void)
{
	asm volatile("					\
	r3 = 0;						\
	r1 = 10;					\
	r2 = %[returns_its_index] ll;			\
	r4 = 0;						\
	call %[bpf_loop];				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_loop), __imm_addr(returns_its_index) : __clobbers);
}

SEC("socket") __reject("R6 !read_ok")
__naked int loop_that_reads_a_register_of_the_caller(void)
{
	asm volatile("					\
	r6 = 1;						\
	r3 = 0;						\
	r1 = 10;					\
	r2 = %[reads_r6_of_the_caller] ll;		\
	r4 = 0;						\
	call %[bpf_loop];				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_loop), __imm_addr(reads_r6_of_the_caller) : __clobbers);
}

SEC("socket") __accept
__naked int loop_that_counts_on_the_stack_of_the_caller(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 0;				\
	r3 = r10;					\
	r3 += -8;					\
	r1 = 10;					\
	r2 = %[counts] ll;				\
	r4 = 0;						\
	call %[bpf_loop];				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_loop), __imm_addr(counts) : __clobbers);
}

SEC("socket") __reject("R0 invalid mem access 'scalar'")
__naked int loop_count_is_not_known_afterwards(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	*(u64 *)(r10 - 8) = 0;				\
	r3 = r10;					\
	r3 += -8;					\
	r1 = r6;					\
	r2 = %[counts] ll;				\
	r4 = 0;						\
	call %[bpf_loop];				\
	r0 = *(u64 *)(r10 - 8);				\
	if r0 < 11 goto 1f;				\
	r0 = *(u8 *)(r0 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_loop), __imm_addr(counts) : __clobbers);
}

SEC("socket") __reject("invalid write to stack R2 off=0 size=8")
__naked int loop_that_stores_outside_of_the_stack(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 0;				\
	r3 = r10;					\
	r3 += -8;					\
	r1 = 10;					\
	r2 = %[stores_behind_its_context] ll;		\
	r4 = 0;						\
	call %[bpf_loop];				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_loop), __imm_addr(stores_behind_its_context) : __clobbers);
}

SEC("socket") __reject("callback function not static")
__naked int loop_over_a_global_function(void)
{
	asm volatile("					\
	r3 = 0;						\
	r1 = 10;					\
	r2 = %[global_function] ll;			\
	r4 = 0;						\
	call %[bpf_loop];				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_loop), __imm_addr(global_function) : __clobbers);
}

SEC("socket") __accept
__naked int loop_of_an_unknown_number_of_rounds(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	*(u64 *)(r10 - 8) = 0;				\
	r3 = r10;					\
	r3 += -8;					\
	r1 = r6;					\
	r2 = %[counts] ll;				\
	r4 = 0;						\
	call %[bpf_loop];				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_loop), __imm_addr(counts) : __clobbers);
}

SEC("socket") __accept
__naked int loop_keeps_registers_of_the_caller(void)
{
	asm volatile("					\
	r6 = r1;					\
	r3 = 0;						\
	r1 = 10;					\
	r2 = %[goes_on] ll;				\
	r4 = 0;						\
	call %[bpf_loop];				\
	r0 = *(u32 *)(r6 + 0);				\
	exit;						\
"	:: __imm(bpf_loop), __imm_addr(goes_on) : __clobbers);
}

SEC("socket") __accept
__naked int each_value_is_read(void)
{
	asm volatile("					\
	r1 = %[blocks] ll;				\
	r2 = %[reads_the_value] ll;			\
	r3 = 0;						\
	r4 = 0;						\
	call %[bpf_for_each_map_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_for_each_map_elem), __imm_addr(blocks), __imm_addr(reads_the_value) : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=64 size=8")
__naked int each_value_is_read_beyond_its_end(void)
{
	asm volatile("					\
	r1 = %[blocks] ll;				\
	r2 = %[reads_behind_the_value] ll;		\
	r3 = 0;						\
	r4 = 0;						\
	call %[bpf_for_each_map_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_for_each_map_elem), __imm_addr(blocks), __imm_addr(reads_behind_the_value) : __clobbers);
}

SEC("socket") __reject("write to change key R2 not allowed")
__naked int each_key_is_overwritten(void)
{
	asm volatile("					\
	r1 = %[blocks] ll;				\
	r2 = %[stores_into_the_key] ll;			\
	r3 = 0;						\
	r4 = 0;						\
	call %[bpf_for_each_map_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_for_each_map_elem), __imm_addr(blocks), __imm_addr(stores_into_the_key) : __clobbers);
}
