/* What arithmetic does to the bounds of a number, shown by using it as an index. */
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

SEC("socket") __accept
__naked int and_with_63(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=64 size=1")
__naked int and_with_64(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 64;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int and_of_the_lower_half(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	w7 &= 63;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int or_into_free_bits(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 32;					\
	r7 |= 31;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=65 size=1")
__naked int or_reaches_outside(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 64;					\
	r7 |= 1;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int xor_stays_inside(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	r7 ^= 21;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=64 size=1")
__naked int xor_moves_outside(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	r7 ^= 64;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int shift_right_by_58(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 >>= 58;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=127 size=1")
__naked int shift_right_by_57(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 >>= 57;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("R0 min value is negative, either use unsigned index or do a if (index >=0) check.")
__naked int arithmetic_shift_keeps_the_sign(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 s>>= 58;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int arithmetic_shift_of_a_small_number(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 127;					\
	r7 s>>= 1;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int shift_left_to_56(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 7;					\
	r7 <<= 3;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=112 size=1")
__naked int shift_left_to_112(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 7;					\
	r7 <<= 4;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int shift_left_and_right_clears_the_top(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 <<= 58;					\
	r7 >>= 58;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

/* Only constant counts are followed. */
SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int shift_by_an_unknown_count(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r6 = r0;					\
	call %[bpf_get_prandom_u32];			\
	r0 &= 1;					\
	r7 &= 1;					\
	r7 <<= r0;					\
	r0 = r6;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int shift_by_a_known_register(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r8 = 58;					\
	r7 >>= r8;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int multiply_to_63(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 7;					\
	r7 *= 9;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=70 size=1")
__naked int multiply_to_70(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 7;					\
	r7 *= 10;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int multiply_beyond_32_bits(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	w7 = w7;					\
	r8 = r7;					\
	r7 *= r8;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int subtract_from_the_maximum(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 31;					\
	r8 = 31;					\
	r8 -= r7;					\
	r7 = r8;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("R0 min value is negative, either use unsigned index or do a if (index >=0) check.")
__naked int subtract_below_zero(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 31;					\
	r7 -= 16;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("makes map_value pointer be out of bounds")
__naked int subtract_below_zero_in_the_lower_half(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 31;					\
	w7 -= 64;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int add_up_to_63(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 31;					\
	r7 += 32;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=64 size=1")
__naked int add_up_to_64(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 31;					\
	r7 += 33;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int negate_and_add(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 31;					\
	r7 = -r7;					\
	r7 += 31;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("R0 min value is negative, either use unsigned index or do a if (index >=0) check.")
__naked int negate_only(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 31;					\
	r7 = -r7;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

/* Bounds do not survive a division. */
SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int divide_by_a_constant(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 1023;					\
	r7 /= 16;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int divide_and_compare(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 /= 16;					\
	if r7 > 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

/* Bounds do not come from a remainder. */
SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int remainder_of_a_constant(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 %%= 64;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int remainder_and_mask(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 %%= 64;					\
	r7 &= 63;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int divide_the_lower_half(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	w7 &= 1023;					\
	w7 /= 16;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int divide_by_a_register_that_may_be_zero(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r8 = r7;					\
	r7 /= r8;					\
	r7 &= 63;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

/* Bounds do not survive a change of byte order, not even to the same one. */
SEC("socket") __reject("invalid access to map value, value_size=64 off=16128 size=1")
__naked int byte_swap_of_a_small_number(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	r7 = be16 r7;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int byte_swap_and_mask(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 = be16 r7;					\
	r7 &= 63;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int little_endian_of_a_small_number(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	r7 = le16 r7;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("div by zero")
__naked int division_by_the_constant_zero(void)
{
	asm volatile("					\
	r0 = 1;						\
	r0 /= 0;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("div by zero")
__naked int remainder_of_the_constant_zero(void)
{
	asm volatile("					\
	r0 = 1;						\
	w0 %%= 0;					\
	exit;						\
"	:: : __clobbers);
}

/* The result is 0. */
SEC("socket") __accept
__naked int division_by_a_register_that_is_zero(void)
{
	asm volatile("					\
	r0 = 1;						\
	r1 = 0;						\
	r0 /= r1;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("invalid shift 64")
__naked int shift_by_the_width(void)
{
	asm volatile("					\
	r0 = 1;						\
	r0 <<= 64;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("invalid shift 32")
__naked int shift_of_the_lower_half_by_its_width(void)
{
	asm volatile("					\
	r0 = 1;						\
	w0 >>= 32;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("invalid shift -1")
__naked int shift_by_a_negative_count(void)
{
	asm volatile("					\
	r0 = 1;						\
	r0 s>>= -1;					\
	exit;						\
"	:: : __clobbers);
}
