/* What a speculative path goes past, and what ends it: each program has a loop without end behind dead code, which is
 * refused unless a barrier stops the processor before. */
#include "corpus.h"
#include "modes.h"

GPL;
struct block { char bytes[64]; };
struct guarded { struct bpf_spin_lock lock; u32 number; };
MAP(HASH, blocks, u32, struct block, 1);
MAP(ARRAY, guarded, u32, struct guarded, 1);
RINGBUF(ring, 4096);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4);
} programs SEC(".maps");

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int nothing(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r0 = 1;						\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int packet_load(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r0 = *(u8 *)skb[0];				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int packet_load_without_the_context(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r6 = 1;						\
	r0 = *(u8 *)skb[0];				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int load_from_the_context(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r0 = *(u32 *)(r6 + 4);				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int load_beside_the_context(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r0 = *(u32 *)(r6 + 2000);			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int load_from_a_map_value(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 1f;				\
	r8 = r0;					\
	if r9 == 0 goto 1f;				\
	r1 = *(u64 *)(r8 + 56);				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int load_behind_a_map_value(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 1f;				\
	r8 = r0;					\
	if r9 == 0 goto 1f;				\
	r1 = *(u64 *)(r8 + 64);				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int masked_index(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 1f;				\
	r8 = r0;					\
	if r9 == 0 goto 1f;				\
	r7 &= 31;					\
	r8 += r7;					\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

/* What cannot be masked is refused on the way of the program only. */
SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int index_of_either_sign(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 1f;				\
	r8 = r0;					\
	if r9 == 0 goto 1f;				\
	r7 &= 31;					\
	r7 += -8;					\
	r8 += r7;					\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int pointer_moved_too_far(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r8 = r10;					\
	r8 += -520;					\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int pointer_compared(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	if r6 == 5 goto 2f;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int pointer_copied_in_part(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	w1 = w6;					\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int pointer_spilled(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	*(u64 *)(r10 - 8) = r6;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int number_added_in_memory(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 1f;				\
	r8 = r0;					\
	if r9 == 0 goto 1f;				\
	r1 = 1;						\
	lock *(u64 *)(r8 + 0) += r1;			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int number_added_on_the_stack(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	*(u64 *)(r10 - 8) = 1;				\
	if r9 == 0 goto 1f;				\
	r1 = 1;						\
	lock *(u64 *)(r10 - 8) += r1;			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int number_exchanged_on_the_stack(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	*(u64 *)(r10 - 8) = 1;				\
	if r9 == 0 goto 1f;				\
	r1 = 1;						\
	r1 = xchg_64(r10 - 8, r1);			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __accept __reject_bpf("infinite loop detected at insn")
__naked int locked(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[guarded] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 1f;				\
	r8 = r0;					\
	if r9 == 0 goto 1f;				\
	r1 = r8;					\
	call %[bpf_spin_lock];				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm(bpf_spin_lock), __imm_addr(guarded) : __clobbers);
}

SEC("tc") __accept __accept_bpf
__naked int locked_twice(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[guarded] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 1f;				\
	r8 = r0;					\
	if r9 == 0 goto 1f;				\
	r1 = r8;					\
	call %[bpf_spin_lock];				\
	r1 = r8;					\
	call %[bpf_spin_lock];				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm(bpf_spin_lock), __imm_addr(guarded) : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int record_reserved(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_ringbuf_reserve), __imm_addr(ring) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int record_released_unchecked(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	r1 = r0;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_ringbuf_reserve), __imm(bpf_ringbuf_submit), __imm_addr(ring) : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int branch_that_is_open(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = r7;					\
	if r1 > 5 goto 1f;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

/* A processor may be wrong more than once. */
SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int branch_that_is_known(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = 1;						\
	if r1 == 1 goto 1f;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int division_by_zero(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = 0;						\
	r7 /= r1;					\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int shift_too_far(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = 77;					\
	r7 <<= r1;					\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}
