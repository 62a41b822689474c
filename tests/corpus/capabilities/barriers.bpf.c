/* Barriers, and what speculative paths leave behind for the paths of the program. */
#include "corpus.h"
#include "modes.h"

GPL;
struct block { char bytes[64]; };
MAP(ARRAY, blocks, u32, struct block, 1);
MAP(HASH, hash, u32, u64, 1);
RINGBUF(ring, 4096);
struct guarded { struct bpf_spin_lock lock; u32 number; };
MAP(ARRAY, guarded, u32, struct guarded, 1);

#define LOOKUP						\
	"r6 = *(u32 *)(r1 + 0);				\
	r7 = *(u32 *)(r1 + 4);				\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;"

/* Where a barrier stands already, nothing needs to be masked: the way that is only speculative comes first. */
SEC("tc") __accept __accept_bpf
__naked int barrier_that_spares_the_mask(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 76);				\
	r3 = *(u32 *)(r1 + 80);				\
	r4 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	r4 &= 7;					\
	if r4 > 3 goto 1f;				\
	r4 = r10;					\
	if r9 != 0 goto 2f;				\
	r0 = 0;						\
	exit;						\
1:	r9 = 1;						\
2:	r2 += r4;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __accept __reject_bpf("R2 has pointer with unsupported alu operation, pointer arithmetic with it prohibited for !root")
__naked int mask_that_no_barrier_spares(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 76);				\
	r3 = *(u32 *)(r1 + 80);				\
	r4 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	r4 &= 7;					\
	if r4 > 3 goto 1f;				\
	r4 = r10;					\
	r0 = 0;						\
	exit;						\
1:	r9 = 1;						\
	r2 += r4;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

/* What a speculative path makes of an instruction stays. */
SEC("socket") __accept __reject_bpf("same insn cannot be used with different pointers")
__naked int pointer_of_another_kind_on_the_other_way(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	*(u64 *)(r10 - 8) = 0;				\
	r9 = 0;						\
	if r6 > 3 goto 1f;				\
	r2 = r1;					\
	if r9 != 0 goto 2f;				\
	r0 = 0;						\
	exit;						\
1:	r2 = r10;					\
	r2 += -8;					\
2:	r0 = *(u32 *)(r2 + 0);				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int pointer_of_another_kind_on_the_other_way_later(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	*(u64 *)(r10 - 8) = 0;				\
	r9 = 0;						\
	if r6 > 3 goto 1f;				\
	r2 = r10;					\
	r2 += -8;					\
	goto 2f;					\
1:	r2 = r1;					\
	if r9 != 0 goto 2f;				\
	r0 = 0;						\
	exit;						\
2:	r0 = *(u32 *)(r2 + 0);				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

/* Numbers on speculative paths count. */
SEC("socket") __accept __reject_bpf("R8 tried to add from different maps, paths or scalars, pointer arithmetic with it prohibited for !root")
__naked int number_on_the_other_way_only(void)
{
	asm volatile(LOOKUP "				\
	r7 &= 7;					\
	r9 = 0;						\
	r8 = r0;					\
	if r6 > 3 goto 1f;				\
	r8 = 5;						\
	if r9 != 0 goto 2f;				\
	goto 9f;					\
1:	r9 = 1;						\
2:	r8 += r7;					\
	r1 = *(u8 *)(r8 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int pointer_on_the_other_way_only(void)
{
	asm volatile(LOOKUP "				\
	r7 &= 7;					\
	r9 = 0;						\
	r8 = 5;						\
	if r6 > 3 goto 1f;				\
	r8 = r0;					\
	if r9 != 0 goto 2f;				\
	goto 9f;					\
1:	r9 = 1;						\
2:	r8 += r7;					\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int pointer_stored_where_nothing_was(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = r1;				\
	r2 = *(u64 *)(r10 - 8);				\
	r0 = *(u32 *)(r2 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int pointer_stored_over_a_number(void)
{
	asm volatile("					\
	r2 = 7;						\
	*(u64 *)(r10 - 8) = r2;				\
	*(u64 *)(r10 - 8) = r1;				\
	r2 = *(u64 *)(r10 - 8);				\
	r0 = *(u32 *)(r2 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int number_stored_over_a_pointer(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = r1;				\
	r2 = 7;						\
	*(u64 *)(r10 - 8) = r2;				\
	r0 = *(u64 *)(r10 - 8);				\
	exit;						\
"	:: : __clobbers);
}

/* Behind a store of a pointer stands a barrier, which ends speculative paths. */
SEC("socket") __accept __accept_bpf
__naked int store_behind_a_barrier_on_the_other_way(void)
{
	asm volatile("					\
	r9 = 0;						\
	r6 = *(u32 *)(r1 + 0);				\
	if r9 == 0 goto 1f;				\
	*(u64 *)(r10 - 8) = r1;				\
	r2 = *(u64 *)(r10 - 8);				\
	r0 = *(u32 *)(r6 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int store_of_a_number_on_the_other_way(void)
{
	asm volatile("					\
	r9 = 0;						\
	r6 = *(u32 *)(r1 + 0);				\
	*(u64 *)(r10 - 8) = r6;				\
	if r9 == 0 goto 1f;				\
	*(u64 *)(r10 - 8) = r6;				\
	r2 = *(u64 *)(r10 - 8);				\
	r0 = *(u32 *)(r2 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

/* The barrier behind the store keeps the loop from being followed. */
SEC("socket") __accept __accept_bpf
__naked int first_store_on_the_other_way(void)
{
	asm volatile("					\
	r9 = 0;						\
	r6 = *(u32 *)(r1 + 0);				\
	if r9 == 0 goto 1f;				\
	*(u64 *)(r10 - 8) = r6;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

/* Which bytes of a slot are looked at for a barrier: those that are stored. */
SEC("socket") __accept __accept_bpf
__naked int lower_half_stored_over_a_number(void)
{
	asm volatile("					\
	r9 = 0;						\
	r6 = *(u32 *)(r1 + 0);				\
	*(u32 *)(r10 - 4) = r6;				\
	*(u32 *)(r10 - 8) = r6;				\
	if r9 == 0 goto 1f;				\
	*(u32 *)(r10 - 8) = r6;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int upper_half_stored_beside_a_number(void)
{
	asm volatile("					\
	r9 = 0;						\
	r6 = *(u32 *)(r1 + 0);				\
	*(u32 *)(r10 - 4) = r6;				\
	*(u32 *)(r10 - 8) = r6;				\
	if r9 == 0 goto 1f;				\
	*(u32 *)(r10 - 4) = r6;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int upper_half_stored_over_nothing(void)
{
	asm volatile("					\
	r9 = 0;						\
	r6 = *(u32 *)(r1 + 0);				\
	*(u32 *)(r10 - 8) = r6;				\
	if r9 == 0 goto 1f;				\
	*(u32 *)(r10 - 4) = r6;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int byte_stored_over_a_number(void)
{
	asm volatile("					\
	r9 = 0;						\
	r6 = *(u32 *)(r1 + 0);				\
	*(u32 *)(r10 - 4) = r6;				\
	*(u32 *)(r10 - 8) = r6;				\
	if r9 == 0 goto 1f;				\
	*(u8 *)(r10 - 5) = r6;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int byte_stored_beside_a_number(void)
{
	asm volatile("					\
	r9 = 0;						\
	r6 = *(u32 *)(r1 + 0);				\
	*(u32 *)(r10 - 4) = r6;				\
	*(u32 *)(r10 - 8) = r6;				\
	if r9 == 0 goto 1f;				\
	*(u8 *)(r10 - 1) = r6;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int constant_stored_over_a_number(void)
{
	asm volatile("					\
	r9 = 0;						\
	r6 = *(u32 *)(r1 + 0);				\
	*(u32 *)(r10 - 4) = r6;				\
	*(u32 *)(r10 - 8) = r6;				\
	if r9 == 0 goto 1f;				\
	*(u32 *)(r10 - 8) = 3;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int lower_half_stored_over_bytes(void)
{
	asm volatile("					\
	r9 = 0;						\
	r6 = *(u32 *)(r1 + 0);				\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -8;					\
	r4 = 4;						\
	call %[bpf_skb_load_bytes];			\
	if r9 == 0 goto 1f;				\
	*(u32 *)(r10 - 8) = r6;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_skb_load_bytes) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int whole_stored_over_bytes_and_nothing(void)
{
	asm volatile("					\
	r9 = 0;						\
	r6 = *(u32 *)(r1 + 0);				\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -8;					\
	r4 = 4;						\
	call %[bpf_skb_load_bytes];			\
	if r9 == 0 goto 1f;				\
	*(u64 *)(r10 - 8) = r6;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_skb_load_bytes) : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int whole_stored_over_bytes(void)
{
	asm volatile("					\
	r9 = 0;						\
	r6 = *(u32 *)(r1 + 0);				\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -8;					\
	r4 = 8;						\
	call %[bpf_skb_load_bytes];			\
	if r9 == 0 goto 1f;				\
	*(u64 *)(r10 - 8) = r6;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_skb_load_bytes) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int pointer_stored_over_bytes(void)
{
	asm volatile("					\
	r9 = 0;						\
	r6 = *(u32 *)(r1 + 0);				\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -8;					\
	r4 = 8;						\
	call %[bpf_skb_load_bytes];			\
	if r9 == 0 goto 1f;				\
	*(u64 *)(r10 - 8) = r10;			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_skb_load_bytes) : __clobbers);
}
