/* Pointers that are moved on several paths: without CAP_PERFMON, an instruction is masked in one way. */
#include "corpus.h"
#include "modes.h"

GPL;
struct block { char bytes[64]; };
MAP(HASH, blocks, u32, struct block, 1);
struct word { u64 number; };
MAP(ARRAY, words, u32, struct word, 1);
RINGBUF(ring, 4096);

#define LOOKUP						\
	"r6 = *(u32 *)(r1 + 0);				\
	r7 = *(u32 *)(r1 + 4);				\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;"

SEC("socket") __accept __reject_bpf("R0 tried to add from different maps, paths or scalars, pointer arithmetic with it prohibited for !root")
__naked int another_constant_on_each_path(void)
{
	asm volatile(LOOKUP "				\
	r8 = 8;						\
	if r6 > 9 goto 1f;				\
	r8 = 16;					\
1:	r0 += r8;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int the_same_constant_on_each_path(void)
{
	asm volatile(LOOKUP "				\
	r8 = 8;						\
	if r6 > 9 goto 1f;				\
	r8 = 8;						\
1:	r0 += r8;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R0 tried to add from different maps, paths or scalars, pointer arithmetic with it prohibited for !root")
__naked int a_constant_of_another_sign_on_each_path(void)
{
	asm volatile(LOOKUP "				\
	r0 += 16;					\
	r8 = 8;						\
	if r6 > 9 goto 1f;				\
	r8 = -8;					\
1:	r0 += r8;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R0 tried to add from different maps, paths or scalars, pointer arithmetic with it prohibited for !root")
__naked int a_constant_or_an_index(void)
{
	asm volatile(LOOKUP "				\
	r8 = 7;						\
	if r6 > 9 goto 1f;				\
	r8 = r7;					\
	r8 &= 7;					\
1:	r0 += r8;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int index_on_one_path_only(void)
{
	asm volatile(LOOKUP "				\
	r8 = r7;					\
	r8 &= 7;					\
	if r6 > 9 goto 1f;				\
	r8 = 0;						\
	r0 += 8;					\
	goto 2f;					\
1:	r0 += r8;					\
2:	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

/* What counts is how far the pointer is moved, not where it is. */
SEC("socket") __accept __accept_bpf
__naked int another_place_on_each_path(void)
{
	asm volatile(LOOKUP "				\
	r7 &= 7;					\
	r8 = r0;					\
	if r6 > 9 goto 1f;				\
	r8 += 8;					\
1:	r8 += r7;					\
	r1 = *(u8 *)(r8 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R0 pointer arithmetic of map value goes out of range, prohibited for !root")
__naked int moved_forth_or_back(void)
{
	asm volatile(LOOKUP "				\
	r0 += 32;					\
	r7 &= 7;					\
	if r6 > 9 goto 1f;				\
	r7 |= -8;					\
1:	r0 += r7;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R8 tried to add from different maps, paths or scalars, pointer arithmetic with it prohibited for !root")
__naked int pointer_or_number(void)
{
	asm volatile(LOOKUP "				\
	r7 &= 7;					\
	r8 = r0;					\
	if r6 > 9 goto 1f;				\
	r8 = 5;						\
1:	r8 += r7;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R8 tried to add from different maps, paths or scalars, pointer arithmetic with it prohibited for !root")
__naked int number_or_pointer(void)
{
	asm volatile(LOOKUP "				\
	r7 &= 7;					\
	r8 = 5;						\
	if r6 > 9 goto 1f;				\
	r8 = r0;					\
1:	r8 += r7;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int number_on_both_paths(void)
{
	asm volatile(LOOKUP "				\
	r7 &= 7;					\
	r8 = r0;					\
	if r6 > 9 goto 1f;				\
	r8 = 5;						\
1:	r9 = 1;						\
	r9 += r7;					\
	r9 -= r6;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

/* Whatever it points to. */
SEC("socket") __accept __accept_bpf
__naked int map_value_or_stack_with_a_constant(void)
{
	asm volatile(LOOKUP "				\
	r7 = 8;						\
	r8 = r0;					\
	if r6 > 9 goto 1f;				\
	r8 = r10;					\
	r8 += -16;					\
1:	r8 += r7;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R8 variable stack access prohibited for !root")
__naked int map_value_or_packet_end(void)
{
	asm volatile(LOOKUP "				\
	r7 &= 7;					\
	r8 = r0;					\
	if r6 > 9 goto 1f;				\
	r8 = r10;					\
1:	r8 += r7;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

/* It is the other operand that is masked. */
SEC("socket") __accept __reject_bpf("R8 tried to add from different maps, paths or scalars, pointer arithmetic with it prohibited for !root")
__naked int pointer_in_the_other_operand(void)
{
	asm volatile(LOOKUP "				\
	r7 &= 7;					\
	r8 = r0;					\
	if r6 > 9 goto 1f;				\
	r8 = r7;					\
	r7 = r0;					\
1:	r8 += r7;					\
	r1 = *(u8 *)(r8 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int values_of_two_sizes(void)
{
	asm volatile(LOOKUP "				\
	r8 = r0;					\
	*(u32 *)(r10 - 8) = 0;				\
	r2 = r10;					\
	r2 += -8;					\
	r1 = %[words] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r7 &= 7;					\
	if r6 > 9 goto 1f;				\
	r0 = r8;					\
1:	r0 += r7;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks), __imm_addr(words) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int in_a_loop_by_a_constant_step(void)
{
	asm volatile(LOOKUP "				\
	r7 = r0;					\
	r8 = 0;						\
1:	r7 += 8;					\
	r1 = *(u64 *)(r7 - 8);				\
	r8 += 1;					\
	if r8 < 7 goto 1b;				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int in_a_loop_by_a_step_in_a_register(void)
{
	asm volatile(LOOKUP "				\
	r7 = r0;					\
	r8 = 0;						\
	r9 = 8;						\
1:	r7 += r9;					\
	r1 = *(u64 *)(r7 - 8);				\
	r8 += 1;					\
	if r8 < 7 goto 1b;				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R7 tried to add from different maps, paths or scalars, pointer arithmetic with it prohibited for !root")
__naked int in_a_loop_by_its_counter(void)
{
	asm volatile(LOOKUP "				\
	r8 = 0;						\
1:	r7 = r0;					\
	r7 += r8;					\
	r1 = *(u64 *)(r7 + 0);				\
	r8 += 8;					\
	if r8 < 56 goto 1b;				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

/* When the counter has reached its end, the other way goes on with any number, again and again. */
SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int in_a_loop_that_does_not_depend_on_its_counter(void)
{
	asm volatile(LOOKUP "				\
	r8 = 0;						\
1:	r9 = r6;					\
	r9 += r8;					\
	r9 &= 31;					\
	r7 = r0;					\
	r7 += r9;					\
	r1 = *(u8 *)(r7 + 0);				\
	r8 += 1;					\
	if r8 < 4 goto 1b;				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R0 tried to add from different maps, paths or scalars, pointer arithmetic with it prohibited for !root")
__naked int four_ways_to_an_index(void)
{
	asm volatile(LOOKUP "				\
	r7 &= 15;					\
	r8 = 0;						\
	if r6 & 1 goto 1f;				\
	r8 += 1;					\
1:	if r6 & 2 goto 2f;				\
	r8 += 2;					\
2:	r0 += r7;					\
	r1 = *(u8 *)(r0 + 0);				\
	r0 += r8;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

/* While an index is masked, states with other numbers do not end paths. */
SEC("socket") __accept __accept_bpf
__naked int four_ways_past_an_index(void)
{
	asm volatile(LOOKUP "				\
	r7 &= 15;					\
	r8 = 0;						\
	if r6 & 1 goto 1f;				\
	r8 += 1;					\
1:	if r6 & 2 goto 2f;				\
	r8 += 2;					\
2:	r0 += r7;					\
	r1 = *(u8 *)(r0 + 0);				\
	r8 &= 15;					\
	if r8 > 2 goto 9f;				\
	r1 = *(u8 *)(r0 + 1);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}
