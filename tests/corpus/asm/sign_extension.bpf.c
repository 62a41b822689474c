/* Instructions of version 4 that look at signs. */
// clang: -mcpu=v4
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

SEC("socket") __reject("R0 min value is negative, either use unsigned index or do a if (index >=0) check.")
__naked int move_of_a_signed_byte(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 = (s8)r7;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int move_of_a_small_signed_byte(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	r7 = (s8)r7;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int move_of_a_signed_byte_and_mask(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 = (s8)r7;					\
	r7 &= 63;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

/* The upper half is zero, and bit 31 may be set. */
SEC("socket") __reject("R0 unbounded memory access, make sure to bounds check any such access")
__naked int move_of_a_signed_byte_to_32_bits(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	w7 = (s8)w7;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int move_of_a_signed_word_with_bounds(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 = (s32)r7;					\
	if r7 s< 0 goto 9f;				\
	if r7 s> 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("R0 min value is negative, either use unsigned index or do a if (index >=0) check.")
__naked int move_of_a_signed_half_and_shift(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 = (s16)r7;					\
	r7 s>>= 10;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("R0 min value is negative, either use unsigned index or do a if (index >=0) check.")
__naked int load_of_a_signed_byte(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 = *(s8 *)(r0 + 0);				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("R0 min value is negative, either use unsigned index or do a if (index >=0) check.")
__naked int load_of_a_signed_byte_and_shift(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 = *(s8 *)(r0 + 0);				\
	r7 s>>= 2;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int load_of_a_signed_byte_compared(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 = *(s8 *)(r0 + 0);				\
	if r7 s< 0 goto 9f;				\
	if r7 s> 63 goto 9f;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=62 size=4")
__naked int load_of_a_signed_word_beyond_the_value(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 = *(s32 *)(r0 + 62);				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int signed_division(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	r7 s/= 2;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int signed_remainder_and_mask(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 s%%= -7;					\
	r7 &= 63;					\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("R0 unbounded memory access, make sure to bounds check any such access")
__naked int unconditional_byte_swap(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	r7 = bswap64 r7;				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("div by zero")
__naked int signed_division_by_the_constant_zero(void)
{
	asm volatile("					\
	r0 = 1;						\
	r0 s/= 0;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int load_of_a_signed_field_of_the_context(void)
{
	asm volatile("					\
	r0 = *(s32 *)(r1 + %[mark]);			\
	exit;						\
"	:: __imm_const(mark, offsetof(struct __sk_buff, mark)) : __clobbers);
}

SEC("tc") __reject("invalid bpf_context access off=76 size=4")
__naked int load_of_a_packet_pointer_with_a_sign(void)
{
	asm volatile("					\
	r0 = *(s32 *)(r1 + %[data]);			\
	exit;						\
"	:: __imm_const(data, offsetof(struct __sk_buff, data)) : __clobbers);
}

SEC("socket") __accept
__naked int long_jump(void)
{
	asm volatile("					\
	gotol 1f;					\
2:	exit;						\
1:	r0 = 0;						\
	gotol 2b;					\
"	:: : __clobbers);
}
