/* What comparisons say about a number, shown by using it as an index. */
#include "corpus.h"

GPL;
struct block { char bytes[64]; };
MAP(ARRAY, blocks, u32, struct block, 1);

/* r7 becomes a number nobody knows, r0 the address of a block of 64 bytes; without one, on to label 9. */
#define BLOCK_AND_NUMBER			\
	"call %[bpf_get_prandom_u32];"		\
	"r7 = r0;"				\
	"*(u32 *)(r10 - 4) = 0;"		\
	"r2 = r10;"				\
	"r2 += -4;"				\
	"r1 = %[blocks] ll;"			\
	"call %[bpf_map_lookup_elem];"		\
	"if r0 == 0 goto 9f;"
/* Reads a byte of the block at r7. */
#define READ_AT_NUMBER				\
	"r0 += r7;"				\
	"r0 = *(u8 *)(r0 + 0);"
#define LEAVE					\
	"9: r0 = 0;"				\
	"exit;"
#define OPERANDS				\
	__imm(bpf_get_prandom_u32), __imm(bpf_map_lookup_elem), __imm_addr(blocks)

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int unknown_index(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r6 = 0;						\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int unsigned_upper_bound(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	if r7 > 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=64 size=1")
__naked int unsigned_upper_bound_off_by_one(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	if r7 > 64 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int unsigned_strict_upper_bound(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	if r7 < 64 goto 1f;				\
	goto 9f;					\
1:							\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int signed_upper_bound_only(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	if r7 s> 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int signed_bounds_on_both_sides(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	if r7 s> 63 goto 9f;				\
	if r7 s< 0 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("R0 min value is negative, either use unsigned index or do a if (index >=0) check.")
__naked int signed_lower_bound_of_minus_one(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	if r7 s> 63 goto 9f;				\
	if r7 s< -1 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int lower_half_bounded_only(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	if w7 > 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int lower_half_bounded_and_upper_half_zero(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	w7 = w7;					\
	if w7 > 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int signed_bounds_of_the_lower_half(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	w7 = w7;					\
	if w7 s> 63 goto 9f;				\
	if w7 s< 0 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

/* As an unsigned number it may have bit 31. */
SEC("socket") __reject("R0 unbounded memory access, make sure to bounds check any such access")
__naked int signed_bound_of_the_lower_half_from_above_only(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	w7 = w7;					\
	if w7 s> 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int equal_to_a_constant(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	if r7 != 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=64 size=1")
__naked int equal_to_a_constant_outside(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	if r7 != 64 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int no_bits_above(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	if r7 & -64 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int no_bits_above_in_the_lower_half(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	if w7 & -64 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int some_bits_above(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	if r7 & -64 goto 1f;				\
	goto 9f;					\
1:							\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int not_more_than_a_bounded_number(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r6 = r0;					\
	call %[bpf_get_prandom_u32];			\
	if r0 > 63 goto 9f;				\
	if r7 > r0 goto 9f;				\
	r0 = r6;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int not_less_than_a_bounded_number(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r6 = r0;					\
	call %[bpf_get_prandom_u32];			\
	if r0 > 63 goto 9f;				\
	if r7 < r0 goto 9f;				\
	r0 = r6;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int equal_to_a_bounded_number(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r6 = r0;					\
	call %[bpf_get_prandom_u32];			\
	if r0 > 63 goto 9f;				\
	if r7 != r0 goto 9f;				\
	r0 = r6;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int copy_is_bounded_with_the_original(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r8 = r7;					\
	if r8 > 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int copy_of_the_lower_half_says_nothing(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	w8 = w7;					\
	if r8 > 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int copy_of_a_small_number_by_its_lower_half(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	w7 = w7;					\
	w8 = w7;					\
	if r8 > 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int copy_that_was_masked_says_nothing(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r8 = r7;					\
	r8 &= 1023;					\
	if r8 > 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int copy_on_the_stack_is_bounded_too(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	*(u64 *)(r10 - 16) = r7;			\
	if r7 > 63 goto 9f;				\
	r7 = *(u64 *)(r10 - 16);			\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int sum_is_bounded_with_its_summand(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r8 = r7;					\
	r7 += 1;					\
	if r8 > 62 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=64 size=1")
__naked int sum_is_bounded_with_its_summand_off_by_one(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r8 = r7;					\
	r7 += 1;					\
	if r8 > 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

/* r7 may be -1. */
SEC("socket") __reject("R0 min value is negative, either use unsigned index or do a if (index >=0) check.")
__naked int summand_is_bounded_with_the_sum(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r8 = r7;					\
	r8 += 1;					\
	if r8 > 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int sum_of_two_constants_is_forgotten(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r8 = r7;					\
	r7 += 1;					\
	r7 += 1;					\
	if r8 > 61 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

/* The load is never looked at. */
SEC("socket") __accept
__naked int branch_decided_by_a_constant(void)
{
	asm volatile("					\
	r2 = 1;						\
	if r2 == 1 goto 1f;				\
	r2 = *(u64 *)(r2 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int branch_decided_by_bounds(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 0);				\
	r2 &= 7;					\
	if r2 < 8 goto 1f;				\
	r2 = *(u64 *)(r2 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int branch_decided_by_known_bits(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 0);				\
	r2 |= 4;					\
	if r2 & 4 goto 1f;				\
	r2 = *(u64 *)(r2 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R2 invalid mem access 'scalar'")
__naked int branch_not_decided(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 0);				\
	r2 &= 7;					\
	if r2 < 7 goto 1f;				\
	r2 = *(u64 *)(r2 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}
