/* Which arithmetic pointers allow, and what is no pointer. */
#include "corpus.h"

GPL;
struct block { char bytes[64]; };
MAP(HASH, blocks, u32, struct block, 1);

SEC("socket") __reject("R1 pointer += pointer prohibited")
__naked int adds_two_pointers(void)
{
	asm volatile("					\
	r1 += r10;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

/* The difference is an unknown number; allowed to who may see addresses. */
SEC("socket") __accept
__naked int subtracts_two_pointers(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 -= r1;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R2 tried to subtract pointer from scalar")
__naked int subtracts_a_pointer_from_a_number(void)
{
	asm volatile("					\
	r2 = 1;						\
	r2 -= r10;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int adds_a_pointer_to_a_number(void)
{
	asm volatile("					\
	r2 = -8;					\
	r2 += r10;					\
	*(u64 *)(r2 + 0) = 0;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R2 subtraction from stack pointer prohibited")
__naked int subtracts_from_the_stack_pointer(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 -= 8;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int adds_a_negative_number_to_the_stack_pointer(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 += -8;					\
	*(u64 *)(r2 + 0) = 0;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R2 pointer arithmetic with *= operator prohibited")
__naked int multiplies_a_pointer(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 *= 2;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R2 pointer arithmetic with <<= operator prohibited")
__naked int shifts_a_pointer(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 <<= 1;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R2 bitwise operator &= on pointer prohibited")
__naked int masks_a_pointer(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 &= -8;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R2 32-bit pointer arithmetic prohibited")
__naked int adds_in_the_lower_half(void)
{
	asm volatile("					\
	r2 = r10;					\
	w2 += 1;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R2 invalid mem access 'scalar'")
__naked int follows_the_lower_half_of_a_pointer(void)
{
	asm volatile("					\
	w2 = w10;					\
	r0 = *(u8 *)(r2 - 1);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("math between fp pointer and 536870912 is not allowed")
__naked int adds_too_much(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 += 0x20000000;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R2 invalid mem access 'scalar'")
__naked int follows_a_number(void)
{
	asm volatile("					\
	r2 = 0;						\
	r0 = *(u64 *)(r2 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R2 invalid mem access 'scalar'")
__naked int stores_through_a_number(void)
{
	asm volatile("					\
	r2 = 4096;					\
	*(u64 *)(r2 + 0) = 0;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R1 pointer arithmetic on map_ptr prohibited")
__naked int adds_to_a_map(void)
{
	asm volatile("					\
	r1 = %[blocks] ll;				\
	r1 += 8;					\
	r0 = 0;						\
	exit;						\
"	:: __imm_addr(blocks) : __clobbers);
}

/* Fields of the map itself can only be read. */
SEC("socket") __reject("only read from bpf_htab is supported")
__naked int stores_into_a_map(void)
{
	asm volatile("					\
	r1 = %[blocks] ll;				\
	*(u32 *)(r1 + 0) = 0;				\
	r0 = 0;						\
	exit;						\
"	:: __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("R0 pointer arithmetic on map_value_or_null prohibited, null-check it first")
__naked int adds_before_the_null_check(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	r0 += 1;					\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("R0 invalid mem access 'map_value_or_null'")
__naked int follows_before_the_null_check(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	r0 = *(u8 *)(r0 + 0);				\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("R0 invalid mem access 'scalar'")
__naked int follows_in_the_null_branch(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 != 0 goto 1f;				\
	r0 = *(u8 *)(r0 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept
__naked int checks_a_copy_for_null(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	r6 = r0;					\
	if r6 == 0 goto 1f;				\
	r0 = *(u8 *)(r0 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("R0 invalid mem access 'map_value_or_null'")
__naked int checks_the_lower_half_for_null(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if w0 == 0 goto 1f;				\
	r0 = *(u8 *)(r0 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("R6 invalid mem access 'map_value_or_null'")
__naked int checks_one_of_two_lookups(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	r6 = r0;					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 1f;				\
	r0 = *(u8 *)(r6 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("same insn cannot be used with different pointers")
__naked int uses_one_load_for_two_kinds_of_pointers(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 0);				\
	*(u64 *)(r10 - 8) = 0;				\
	if r2 == 0 goto 1f;				\
	r1 = r10;					\
	r1 += -8;					\
1:	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int uses_one_load_for_two_places_on_the_stack(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 0);				\
	*(u64 *)(r10 - 8) = 0;				\
	*(u64 *)(r10 - 16) = 0;				\
	r1 = r10;					\
	r1 += -8;					\
	if r2 == 0 goto 1f;				\
	r1 += -8;					\
1:	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	:: : __clobbers);
}
