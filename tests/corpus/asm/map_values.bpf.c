/* Fixed offsets into the value of a map, and keys. */
#include "corpus.h"

GPL;
struct block { char bytes[64]; };
MAP(ARRAY, blocks, u32, struct block, 1);

SEC("socket") __accept
__naked int last_word(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r1 = *(u64 *)(r0 + 56);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=60 size=8")
__naked int across_the_end(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r1 = *(u64 *)(r0 + 60);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=-1 size=1")
__naked int before_the_beginning(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r1 = *(u8 *)(r0 - 1);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept
__naked int forth_and_back(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r0 += 64;					\
	*(u64 *)(r0 - 64) = 7;				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=-8 size=8")
__naked int back_too_far(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r0 += 56;					\
	r0 += -64;					\
	*(u64 *)(r0 + 0) = 7;				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept
__naked int not_aligned(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r1 = *(u32 *)(r0 + 1);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("math between map_value pointer and register with unbounded min value is not allowed")
__naked int two_numbers_of_which_one_is_bounded(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r1 = *(u64 *)(r0 + 0);				\
	r2 = *(u8 *)(r0 + 8);				\
	r2 &= 7;					\
	r0 += r2;					\
	r0 += r1;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept
__naked int two_bounded_numbers(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r1 = *(u8 *)(r0 + 0);				\
	r1 &= 31;					\
	r2 = *(u8 *)(r0 + 8);				\
	r2 &= 31;					\
	r0 += r2;					\
	r0 += r1;					\
	r1 = *(u8 *)(r0 + 1);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=64 size=1")
__naked int two_bounded_numbers_too_far(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r1 = *(u8 *)(r0 + 0);				\
	r1 &= 31;					\
	r2 = *(u8 *)(r0 + 8);				\
	r2 &= 31;					\
	r0 += r2;					\
	r0 += r1;					\
	r1 = *(u8 *)(r0 + 2);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("stack R2 off=-2 size=4")
__naked int key_across_the_top_of_the_stack(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -2;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept
__naked int key_in_a_map_value(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r2 = r0;					\
	r2 += 60;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=61 size=4")
__naked int key_across_the_end_of_a_map_value(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r2 = r0;					\
	r2 += 61;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("R2 type=scalar expected=fp")
__naked int key_is_a_number(void)
{
	asm volatile("					\
	r1 = %[blocks] ll;				\
	r2 = 0;						\
	call %[bpf_map_lookup_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("R1 type=scalar expected=map_ptr")
__naked int map_is_a_number(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 += -4;					\
	r1 = 0;						\
	call %[bpf_map_lookup_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}
