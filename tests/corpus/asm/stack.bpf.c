/* The stack: what is remembered of stored values, limits, alignment, unknown offsets. */
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
__naked int pointer_survives_the_stack(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = r1;				\
	r2 = *(u64 *)(r10 - 8);				\
	r0 = *(u32 *)(r2 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("invalid size of register spill")
__naked int half_of_a_pointer_stored(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 8) = r1;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("invalid size of register fill")
__naked int half_of_a_pointer_loaded(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = r1;				\
	r0 = *(u32 *)(r10 - 8);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R2 invalid mem access 'scalar'")
__naked int pointer_with_a_byte_overwritten(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = r1;				\
	*(u8 *)(r10 - 8) = 0;				\
	r2 = *(u64 *)(r10 - 8);				\
	r0 = *(u32 *)(r2 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int pointer_beside_other_stores(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 16) = r1;			\
	*(u8 *)(r10 - 8) = 0;				\
	*(u64 *)(r10 - 24) = 0;				\
	r2 = *(u64 *)(r10 - 16);			\
	r0 = *(u32 *)(r2 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int bounds_survive_a_store_of_64_bits(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	*(u64 *)(r10 - 16) = r7;			\
	r7 = *(u64 *)(r10 - 16);			\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int bounds_survive_a_store_of_32_bits(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	*(u32 *)(r10 - 16) = r7;			\
	r7 = *(u32 *)(r10 - 16);			\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int bounds_survive_a_store_of_16_bits(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	*(u16 *)(r10 - 16) = r7;			\
	r7 = *(u16 *)(r10 - 16);			\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int bounds_survive_a_store_of_8_bits(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	*(u8 *)(r10 - 16) = r7;				\
	r7 = *(u8 *)(r10 - 16);				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("R0 unbounded memory access, make sure to bounds check any such access")
__naked int bounds_are_lost_in_the_upper_half_of_a_slot(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	*(u32 *)(r10 - 12) = r7;			\
	r7 = *(u32 *)(r10 - 12);			\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int bounds_survive_a_narrow_load_at_the_beginning(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	*(u64 *)(r10 - 16) = r7;			\
	r7 = *(u8 *)(r10 - 16);				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

/* The byte is zero, but what is known is the number as a whole. */
SEC("socket") __reject("invalid access to map value, value_size=64 off=255 size=1")
__naked int bounds_are_lost_by_a_narrow_load_in_the_middle(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	*(u64 *)(r10 - 16) = r7;			\
	r7 = *(u8 *)(r10 - 15);				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int bounds_are_lost_when_a_byte_is_overwritten(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r7 &= 63;					\
	*(u64 *)(r10 - 16) = r7;			\
	*(u8 *)(r10 - 9) = 0;				\
	r7 = *(u64 *)(r10 - 16);			\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=255 size=1")
__naked int store_truncates(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	*(u8 *)(r10 - 16) = r7;				\
	r7 = *(u8 *)(r10 - 16);				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int zero_is_zero_in_every_byte(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	*(u64 *)(r10 - 16) = 0;				\
	r7 = *(u8 *)(r10 - 11);				\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int zeros_from_two_stores_are_forgotten(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	*(u32 *)(r10 - 16) = 0;				\
	*(u32 *)(r10 - 12) = 0;				\
	r7 = *(u64 *)(r10 - 16);			\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=65535 size=1")
__naked int zeros_with_one_unknown_byte(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	*(u64 *)(r10 - 16) = 0;				\
	*(u8 *)(r10 - 15) = r7;				\
	r7 = *(u16 *)(r10 - 16);			\
" READ_AT_NUMBER LEAVE	:: OPERANDS : __clobbers);
}

/* Allowed to who may see kernel memory anyway. */
SEC("socket") __accept
__naked int load_of_what_was_never_stored(void)
{
	asm volatile("					\
	r0 = *(u64 *)(r10 - 8);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int lowest_slot(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 512) = 0;			\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("invalid write to stack R10 off=-520 size=8")
__naked int store_below_the_stack(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 520) = 0;			\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("invalid read from stack R10 off=0 size=8")
__naked int load_above_the_stack(void)
{
	asm volatile("					\
	r0 = *(u64 *)(r10 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("misaligned stack access off")
__naked int store_across_the_top(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 4) = 0;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("misaligned stack access off")
__naked int store_across_two_slots(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 10) = 0;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int store_of_a_half_in_a_slot(void)
{
	asm volatile("					\
	*(u16 *)(r10 - 10) = 1;				\
	r0 = *(u16 *)(r10 - 10);			\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int load_at_an_unknown_slot(void)
{
	asm volatile("					\
	r7 = *(u32 *)(r1 + 0);				\
	r7 &= 56;					\
	r2 = r10;					\
	r2 += -64;					\
	r2 += r7;					\
	r0 = *(u64 *)(r2 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("invalid variable-offset read from stack R2")
__naked int load_at_an_unknown_slot_too_far_up(void)
{
	asm volatile("					\
	r7 = *(u32 *)(r1 + 0);				\
	r7 &= 120;					\
	r2 = r10;					\
	r2 += -64;					\
	r2 += r7;					\
	r0 = *(u64 *)(r2 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("misaligned stack access off")
__naked int load_at_an_unknown_offset_of_a_word(void)
{
	asm volatile("					\
	r7 = *(u32 *)(r1 + 0);				\
	r7 &= 63;					\
	r2 = r10;					\
	r2 += -64;					\
	r2 += r7;					\
	r0 = *(u32 *)(r2 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int load_at_an_unknown_offset_of_a_byte(void)
{
	asm volatile("					\
	r7 = *(u32 *)(r1 + 0);				\
	r7 &= 63;					\
	r2 = r10;					\
	r2 += -64;					\
	r2 += r7;					\
	r0 = *(u8 *)(r2 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int store_at_an_unknown_slot(void)
{
	asm volatile("					\
	r7 = *(u32 *)(r1 + 0);				\
	r7 &= 56;					\
	r2 = r10;					\
	r2 += -64;					\
	r2 += r7;					\
	*(u64 *)(r2 + 0) = r7;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("invalid variable-offset write to stack R2")
__naked int store_at_an_unknown_slot_too_far_down(void)
{
	asm volatile("					\
	r7 = *(u32 *)(r1 + 0);				\
	r7 &= 56;					\
	r2 = r10;					\
	r2 += -64;					\
	r2 += r7;					\
	*(u64 *)(r2 - 456) = r7;			\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R3 invalid mem access 'scalar'")
__naked int store_at_an_unknown_slot_destroys_a_pointer(void)
{
	asm volatile("					\
	r7 = *(u32 *)(r1 + 0);				\
	r7 &= 56;					\
	r2 = r10;					\
	r2 += -64;					\
	r2 += r7;					\
	*(u64 *)(r10 - 16) = r1;			\
	*(u64 *)(r2 + 0) = r7;				\
	r3 = *(u64 *)(r10 - 16);			\
	r0 = *(u32 *)(r3 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int store_at_an_unknown_slot_elsewhere_spares_a_pointer(void)
{
	asm volatile("					\
	r7 = *(u32 *)(r1 + 0);				\
	r7 &= 8;					\
	r2 = r10;					\
	r2 += -64;					\
	r2 += r7;					\
	*(u64 *)(r10 - 16) = r1;			\
	*(u64 *)(r2 + 0) = r7;				\
	r3 = *(u64 *)(r10 - 16);			\
	r0 = *(u32 *)(r3 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("math between fp pointer and register with unbounded min value is not allowed")
__naked int stack_at_an_unbounded_offset(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	r2 = r10;					\
	r2 += r0;					\
	r0 = *(u8 *)(r2 - 64);				\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}
