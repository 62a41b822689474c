/* Pointers that are moved, masked against speculation without CAP_PERFMON: which arithmetic can be masked. */
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

/* r6 and r7 are unknown numbers. */
SEC("socket") __accept __accept_bpf
__naked int index_with_a_mask(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 31;					\
	r0 += r6;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int index_below_a_limit(void)
{
	asm volatile(LOOKUP "				\
	if r6 > 31 goto 9f;				\
	r0 += r6;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

/* A pointer that is not used may be anywhere, unless a processor may use it. */
SEC("socket") __accept __reject_bpf("R0 pointer arithmetic of map value goes out of range, prohibited for !root")
__naked int index_beyond_the_value(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 127;					\
	r0 += r6;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R0 pointer arithmetic of map value goes out of range, prohibited for !root")
__naked int one_past_the_end(void)
{
	asm volatile(LOOKUP "				\
	r0 += 64;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int last_byte(void)
{
	asm volatile(LOOKUP "				\
	r0 += 63;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R6 has unknown scalar with mixed signed bounds, pointer arithmetic with it prohibited for !root")
__naked int index_of_either_sign(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 15;					\
	r6 += -8;					\
	r0 += 16;					\
	r0 += r6;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

/* The known part of an offset is looked at alone. */
SEC("socket") __accept __reject_bpf("R0 pointer arithmetic of map value goes out of range, prohibited for !root")
__naked int index_below_zero(void)
{
	asm volatile(LOOKUP "				\
	r6 |= -8;					\
	r0 += 16;					\
	r0 += r6;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R6 has unknown scalar with mixed signed bounds, pointer arithmetic with it prohibited for !root")
__naked int index_of_zero_or_below(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 7;					\
	r6 = -r6;					\
	r0 += 16;					\
	r0 += r6;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R0 pointer arithmetic of map value goes out of range, prohibited for !root")
__naked int index_subtracted(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 7;					\
	r0 += 16;					\
	r0 -= r6;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int index_below_zero_subtracted(void)
{
	asm volatile(LOOKUP "				\
	r6 |= -8;					\
	r0 += 16;					\
	r0 -= r6;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R6 has unknown scalar with mixed signed bounds, pointer arithmetic with it prohibited for !root")
__naked int index_of_either_sign_subtracted(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 15;					\
	r6 += -8;					\
	r0 += 16;					\
	r0 -= r6;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R0 pointer arithmetic of map value goes out of range, prohibited for !root")
__naked int index_subtracted_too_far(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 7;					\
	r0 += 4;					\
	r0 -= r6;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int pointer_added_to_an_index(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 31;					\
	r6 += r0;					\
	r1 = *(u8 *)(r6 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R6 has unknown scalar with mixed signed bounds, pointer arithmetic with it prohibited for !root")
__naked int pointer_added_to_an_index_of_either_sign(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 15;					\
	r6 += -8;					\
	r0 += 16;					\
	r6 += r0;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("R6 tried to subtract pointer from scalar") __reject_bpf("R6 tried to subtract pointer from scalar")
__naked int pointer_subtracted_from_an_index(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 31;					\
	r6 -= r0;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int two_indices(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 31;					\
	r7 &= 31;					\
	r0 += r6;					\
	r0 += r7;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int two_indices_one_after_the_other(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 31;					\
	r7 &= 31;					\
	r8 = r0;					\
	r8 += r6;					\
	r1 = *(u8 *)(r8 + 0);				\
	r0 += r7;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

/* Numbers are masked in no way, as long as they are numbers on all paths. */
SEC("socket") __accept __accept_bpf
__naked int sum_of_two_indices(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 31;					\
	r7 &= 31;					\
	r6 += r7;					\
	r0 += r6;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int constant_in_a_register(void)
{
	asm volatile(LOOKUP "				\
	r6 = 8;						\
	r0 += r6;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int constant_below_zero_in_a_register(void)
{
	asm volatile(LOOKUP "				\
	r6 = -8;					\
	r0 += 16;					\
	r0 += r6;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int constant_subtracted(void)
{
	asm volatile(LOOKUP "				\
	r6 = 8;						\
	r0 += 16;					\
	r0 -= r6;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R0 tried to add from different maps, paths or scalars, pointer arithmetic with it prohibited for !root")
__naked int another_mask_on_each_path(void)
{
	asm volatile(LOOKUP "				\
	r8 = r7;					\
	if r6 > 9 goto 1f;				\
	r8 &= 7;					\
	goto 2f;					\
1:	r8 &= 15;					\
2:	r0 += r8;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int the_same_mask_on_each_path(void)
{
	asm volatile(LOOKUP "				\
	r8 = r7;					\
	if r6 > 9 goto 1f;				\
	r8 &= 7;					\
	goto 2f;					\
1:	r8 &= 7;					\
2:	r0 += r8;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int stack_pointer_and_a_constant(void)
{
	asm volatile("					\
	r2 = r10;					\
	r3 = -8;					\
	r2 += r3;					\
	*(u64 *)(r2 + 0) = 0;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int constant_and_a_stack_pointer(void)
{
	asm volatile("					\
	r2 = -8;					\
	r2 += r10;					\
	*(u64 *)(r2 + 0) = 0;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("R2 tried to add beyond pointer bounds, pointer arithmetic with it prohibited for !root")
__naked int bottom_of_the_stack_and_a_constant(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 += -512;					\
	r3 = 8;						\
	r2 += r3;					\
	*(u64 *)(r2 + 0) = 0;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int bottom_of_the_stack_and_an_immediate(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 += -512;					\
	r2 += 8;					\
	*(u64 *)(r2 + 0) = 0;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int near_the_bottom_of_the_stack(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 += -504;					\
	r3 = 8;						\
	r2 += r3;					\
	*(u64 *)(r2 + 0) = 0;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int to_the_bottom_of_the_stack(void)
{
	asm volatile("					\
	r2 = r10;					\
	r3 = -512;					\
	r2 += r3;					\
	*(u64 *)(r2 + 0) = 0;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("R2 stack pointer arithmetic goes out of range, prohibited for !root; off=-520")
__naked int stack_pointer_and_a_constant_too_far(void)
{
	asm volatile("					\
	r2 = r10;					\
	r3 = -520;					\
	r2 += r3;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("R3 has unknown scalar with mixed signed bounds, pointer arithmetic with it prohibited for !root")
__naked int stack_pointer_and_an_index_of_either_sign(void)
{
	asm volatile("					\
	r3 = *(u32 *)(r1 + 0);				\
	r3 &= 15;					\
	r3 += -8;					\
	r2 = r10;					\
	r2 += -32;					\
	r2 += r3;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("R1 has pointer with unsupported alu operation, pointer arithmetic with it prohibited for !root")
__naked int context_and_a_constant(void)
{
	asm volatile("					\
	r3 = 0;						\
	r1 += r3;					\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int context_and_an_immediate(void)
{
	asm volatile("					\
	r1 += 0;					\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __accept __reject_bpf("R2 has pointer with unsupported alu operation, pointer arithmetic with it prohibited for !root")
__naked int packet_and_an_index(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 76);				\
	r3 = *(u32 *)(r1 + 80);				\
	r4 = *(u32 *)(r1 + 0);				\
	r4 &= 15;					\
	r2 += r4;					\
	r5 = r2;					\
	r5 += 1;					\
	if r5 > r3 goto 9f;				\
	r0 = *(u8 *)(r2 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __accept __reject_bpf("R2 has pointer with unsupported alu operation, pointer arithmetic with it prohibited for !root")
__naked int packet_and_a_constant(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 76);				\
	r3 = *(u32 *)(r1 + 80);				\
	r4 = *(u32 *)(r1 + 0);				\
	r4 = 14;					\
	r2 += r4;					\
	if r2 > r3 goto 9f;				\
9:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __accept __accept_bpf
__naked int packet_and_an_immediate(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 76);				\
	r3 = *(u32 *)(r1 + 80);				\
	r4 = *(u32 *)(r1 + 0);				\
	r2 += 14;					\
	if r2 > r3 goto 9f;				\
	r0 = *(u8 *)(r2 - 1);				\
9:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __accept __reject_bpf("R2 has pointer with unsupported alu operation, pointer arithmetic with it prohibited for !root")
__naked int index_and_a_packet(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 76);				\
	r3 = *(u32 *)(r1 + 80);				\
	r4 = *(u32 *)(r1 + 0);				\
	r4 &= 15;					\
	r4 += r2;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("R0 has pointer with unsupported alu operation, pointer arithmetic with it prohibited for !root")
__naked int record_and_an_index(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r1 = %[ring] ll;				\
	r2 = 16;					\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	r7 = r0;					\
	r6 &= 15;					\
	r0 += r6;					\
	*(u8 *)(r0 + 0) = 1;				\
	r1 = r7;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_ringbuf_reserve), __imm(bpf_ringbuf_submit), __imm_addr(ring) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int record_and_an_immediate(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r1 = %[ring] ll;				\
	r2 = 16;					\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	r7 = r0;					\
	r0 += 15;					\
	*(u8 *)(r0 + 0) = 1;				\
	r1 = r7;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_ringbuf_reserve), __imm(bpf_ringbuf_submit), __imm_addr(ring) : __clobbers);
}
