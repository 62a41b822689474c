/* The stack at offsets that are not constant, and what calls read of it. */
#include "corpus.h"

GPL;
MAP(HASH, hash, u64, u64, 4);
char globals[64];


SEC("tc") __reject("invalid unbounded variable-offset read from stack R3")
__naked int load_at_an_unbounded_offset(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	w0 = w0;					\
	r3 = r10;					\
	r3 += -8;					\
	r3 += r0;					\
	r0 = *(u8 *)(r3 + 0);				\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

SEC("tc") __reject("invalid unbounded variable-offset write to stack R3")
__naked int store_at_an_unbounded_offset(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	w0 = w0;					\
	r3 = r10;					\
	r3 += -8;					\
	r3 += r0;					\
	*(u8 *)(r3 + 0) = 1;				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

SEC("tc") __reject("invalid unbounded variable-offset")
__naked int key_at_an_unbounded_offset(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	w0 = w0;					\
	r2 = r10;					\
	r2 += -8;					\
	r2 += r0;					\
	r1 = %[hash] ll;				\
	call %[bpf_map_lookup_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32), __imm_addr(hash), __imm(bpf_map_lookup_elem) : __clobbers);
}

SEC("tc") __reject("invalid variable-offset")
__naked int key_at_an_offset_too_far_up(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	r0 &= 8;					\
	r2 = r10;					\
	r2 += -8;					\
	r2 += r0;					\
	r1 = %[hash] ll;				\
	call %[bpf_map_lookup_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32), __imm_addr(hash), __imm(bpf_map_lookup_elem) : __clobbers);
}

SEC("tc") __accept
__naked int key_at_one_of_two_offsets(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	r0 &= 8;					\
	*(u64 *)(r10 - 8) = 1;				\
	*(u64 *)(r10 - 16) = 2;				\
	r2 = r10;					\
	r2 += -16;					\
	r2 += r0;					\
	r1 = %[hash] ll;				\
	call %[bpf_map_lookup_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32), __imm_addr(hash), __imm(bpf_map_lookup_elem) : __clobbers);
}

SEC("tc") __accept
__naked int key_at_one_of_two_offsets_of_which_one_was_never_stored(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	r0 &= 8;					\
	*(u64 *)(r10 - 8) = 1;				\
	r2 = r10;					\
	r2 += -16;					\
	r2 += r0;					\
	r1 = %[hash] ll;				\
	call %[bpf_map_lookup_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32), __imm_addr(hash), __imm(bpf_map_lookup_elem) : __clobbers);
}

SEC("tc") __reject("variable offset stack pointer cannot be passed into helper function")
__naked int addition_at_an_unknown_slot(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	r0 &= 8;					\
	*(u64 *)(r10 - 8) = 1;				\
	*(u64 *)(r10 - 16) = 2;				\
	r2 = r10;					\
	r2 += -16;					\
	r2 += r0;					\
	r1 = 1;						\
	lock *(u64 *)(r2 + 0) += r1;			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

SEC("tc") __reject("variable offset stack pointer cannot be passed into helper function; var_off=(0x0; 0x8) off=-16 size=8")
__naked int fetched_addition_at_an_unknown_slot(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	r0 &= 8;					\
	*(u64 *)(r10 - 8) = 1;				\
	*(u64 *)(r10 - 16) = 2;				\
	r2 = r10;					\
	r2 += -16;					\
	r2 += r0;					\
	r1 = 1;						\
	r1 = atomic_fetch_add((u64 *)(r2 + 0), r1);	\
	r0 = r1;					\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

SEC("tc") __reject("misaligned stack access")
__naked int load_at_an_unknown_byte_of_eight(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	r0 &= 4;					\
	*(u64 *)(r10 - 8) = 1;				\
	*(u64 *)(r10 - 16) = 2;				\
	r2 = r10;					\
	r2 += -16;					\
	r2 += r0;					\
	r0 = *(u64 *)(r2 + 0);				\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

SEC("tc") __reject("R3 unbounded memory access, make sure to bounds check any such access")
__naked int spilled_zeros_at_an_unknown_word_are_forgotten(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	r0 &= 12;					\
	*(u64 *)(r10 - 8) = 0;				\
	*(u64 *)(r10 - 16) = 0;				\
	r2 = r10;					\
	r2 += -16;					\
	r2 += r0;					\
	r1 = *(u32 *)(r2 + 0);				\
	r3 = %[globals] ll;				\
	r3 += 63;					\
	r3 += r1;					\
	r0 = *(u8 *)(r3 + 0);				\
	exit;						\
"	:: __imm(bpf_get_prandom_u32), __imm_addr(globals) : __clobbers);
}

SEC("tc") __reject("R3 unbounded memory access, make sure to bounds check any such access")
__naked int spilled_zero_and_one_at_an_unknown_word(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	r0 &= 12;					\
	*(u64 *)(r10 - 8) = 0;				\
	*(u64 *)(r10 - 16) = 1;				\
	r2 = r10;					\
	r2 += -16;					\
	r2 += r0;					\
	r1 = *(u32 *)(r2 + 0);				\
	r3 = %[globals] ll;				\
	r3 += 63;					\
	r3 += r1;					\
	r0 = *(u8 *)(r3 + 0);				\
	exit;						\
"	:: __imm(bpf_get_prandom_u32), __imm_addr(globals) : __clobbers);
}

SEC("tc") __accept
__naked int zeros_stored_at_an_unknown_byte_stay_zero(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	r0 &= 7;					\
	*(u64 *)(r10 - 8) = 0;				\
	r2 = r10;					\
	r2 += -8;					\
	r2 += r0;					\
	*(u8 *)(r2 + 0) = 0;				\
	r1 = *(u64 *)(r10 - 8);				\
	r3 = %[globals] ll;				\
	r3 += 63;					\
	r3 += r1;					\
	r0 = *(u8 *)(r3 + 0);				\
	exit;						\
"	:: __imm(bpf_get_prandom_u32), __imm_addr(globals) : __clobbers);
}

SEC("tc") __reject("math between fp pointer and -2147483648 is not allowed")
__naked int pointer_moved_very_far_down(void)
{
	asm volatile("					\
	r3 = r10;					\
	r2 = -2147483648;				\
	r3 += r2;					\
	r0 = *(u8 *)(r3 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __reject("fp pointer offset 1073741822 is not allowed")
__naked int pointer_moved_far_twice(void)
{
	asm volatile("					\
	r3 = r10;					\
	r3 += 0x1fffffff;				\
	r3 += 0x1fffffff;				\
	r0 = *(u8 *)(r3 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __reject("invalid read from stack")
__naked int pointer_moved_far_once(void)
{
	asm volatile("					\
	r3 = r10;					\
	r3 += 0x1fffffff;				\
	r0 = *(u8 *)(r3 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __reject("map_value pointer offset 1073741822 is not allowed")
__naked int pointer_into_a_value_moved_far_twice(void)
{
	asm volatile("					\
	r3 = %[globals] ll;				\
	r3 += 0x1fffffff;				\
	r3 += 0x1fffffff;				\
	r0 = *(u8 *)(r3 + 0);				\
	exit;						\
"	:: __imm_addr(globals) : __clobbers);
}

SEC("tc") __reject("ctx pointer offset -1073741822 is not allowed")
__naked int context_moved_far_down_twice(void)
{
	asm volatile("					\
	r1 += -0x1fffffff;				\
	r1 += -0x1fffffff;				\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __reject("negative offset ctx ptr R1 off=-4 disallowed")
__naked int context_moved_down(void)
{
	asm volatile("					\
	r1 += -4;					\
	r0 = *(u32 *)(r1 + 4);				\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __reject("negative offset ctx ptr R1 off=-4 disallowed")
__naked int context_moved_down_and_passed(void)
{
	asm volatile("					\
	r1 += -4;					\
	r2 = 14;					\
	call %[bpf_skb_pull_data];			\
	exit;						\
"	:: __imm(bpf_skb_pull_data) : __clobbers);
}

SEC("tc") __reject("math between ctx pointer and register with unbounded min value is not allowed")
__naked int context_moved_by_a_signed_number(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 8);				\
	r2 = (s32)r2;					\
	r2 <<= 32;					\
	r1 += r2;					\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __reject("negative offset ctx ptr R1 off=-4 disallowed")
__naked int context_moved_down_and_then_by_an_unknown(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 8);				\
	r2 &= 4;					\
	r1 += -4;					\
	r1 += r2;					\
	r0 = *(u32 *)(r1 + 4);				\
	exit;						\
"	:: : __clobbers);
}
