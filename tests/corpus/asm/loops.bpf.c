/* Loops: bounds, states that repeat, the limit of work. */
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

SEC("socket") __accept
__naked int counted(void)
{
	asm volatile("					\
	r6 = 0;						\
1:	r6 += 1;					\
	if r6 < 100 goto 1b;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int counted_down(void)
{
	asm volatile("					\
	r6 = 100;					\
1:	r6 += -1;					\
	if r6 != 0 goto 1b;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int counted_in_the_lower_half(void)
{
	asm volatile("					\
	w6 = 0;						\
1:	w6 += 1;					\
	if w6 s< 100 goto 1b;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int counted_on_the_stack(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 0;				\
1:	r6 = *(u64 *)(r10 - 8);				\
	r6 += 1;					\
	*(u64 *)(r10 - 8) = r6;				\
	if r6 < 100 goto 1b;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int nested(void)
{
	asm volatile("					\
	r6 = 0;						\
1:	r7 = 0;						\
2:	r7 += 1;					\
	if r7 < 20 goto 2b;				\
	r6 += 1;					\
	if r6 < 20 goto 1b;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int with_an_exit_by_chance(void)
{
	asm volatile("					\
	r6 = 0;						\
1:	call %[bpf_get_prandom_u32];			\
	if r0 == 7 goto 2f;				\
	r6 += 1;					\
	if r6 < 100 goto 1b;				\
2:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

SEC("socket") __accept
__naked int up_to_a_bounded_number(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	r7 = r0;					\
	r7 &= 63;					\
	r6 = 0;						\
1:	if r6 >= r7 goto 2f;				\
	r6 += 1;					\
	goto 1b;					\
2:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

SEC("socket") __accept
__naked int over_a_block(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r6 = 0;						\
1:	if r6 > 63 goto 9f;				\
	r1 = r0;					\
	r1 += r6;					\
	*(u8 *)(r1 + 0) = r6;				\
	r6 += 1;					\
	goto 1b;					\
" LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=64 size=1")
__naked int over_a_block_and_one_more(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r6 = 0;						\
1:	if r6 > 64 goto 9f;				\
	r1 = r0;					\
	r1 += r6;					\
	*(u8 *)(r1 + 0) = r6;				\
	r6 += 1;					\
	goto 1b;					\
" LEAVE	:: OPERANDS : __clobbers);
}

SEC("tc") __accept
__naked int over_a_packet(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + %[data]);			\
	r3 = *(u32 *)(r1 + %[data_end]);		\
	r6 = 0;						\
1:	r4 = r2;					\
	r4 += 1;					\
	if r4 > r3 goto 2f;				\
	r5 = *(u8 *)(r2 + 0);				\
	r2 += 1;					\
	r6 += 1;					\
	if r6 < 64 goto 1b;				\
2:	r0 = 0;						\
	exit;						\
"	:: __imm_const(data, offsetof(struct __sk_buff, data)),
	   __imm_const(data_end, offsetof(struct __sk_buff, data_end)) : __clobbers);
}

SEC("socket") __reject("infinite loop detected at insn")
__naked int nothing_changes(void)
{
	asm volatile("					\
	r0 = 0;						\
1:	goto 1b;					\
"	:: : __clobbers);
}

SEC("socket") __reject("infinite loop detected at insn")
__naked int counter_is_not_counted(void)
{
	asm volatile("					\
	r6 = 0;						\
	r0 = 0;						\
1:	if r6 == 5 goto 2f;				\
	r0 += 0;					\
	goto 1b;					\
2:	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("infinite loop detected at insn")
__naked int unknown_number_is_drawn_again(void)
{
	asm volatile("					\
1:	call %[bpf_get_prandom_u32];			\
	if r0 != 7 goto 1b;				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

SEC("socket") __reject("BPF program is too large. Processed 1000001 insn")
__naked int counted_beyond_the_limit(void)
{
	asm volatile("					\
	r6 = 0;						\
1:	r6 += 1;					\
	if r6 < 1000000 goto 1b;			\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("BPF program is too large. Processed 1000001 insn")
__naked int up_to_an_unknown_number(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	r6 = 0;						\
1:	r6 += 1;					\
	if r6 < r0 goto 1b;				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

/* A billion paths; what differs is never looked at again. */
SEC("socket") __accept
__naked int thirty_branches_that_meet_again(void)
{
	asm volatile("					\
	call %[bpf_get_prandom_u32];			\
	r6 = 0;						\
	.rept 30;					\
	if r0 & 1 goto +1;				\
	r6 = 1;						\
	r0 >>= 1;					\
	.endr;						\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

/* Only the count matters, and there are 13 of them. */
SEC("socket") __accept
__naked int twelve_branches_that_count(void)
{
	asm volatile(BLOCK_AND_NUMBER "r6 = 0;" "	\
	.rept 12;					\
	if r7 & 1 goto +1;				\
	r6 += 1;					\
	r7 >>= 1;					\
	.endr;						\
	r0 += r6;					\
	r0 = *(u8 *)(r0 + 0);				\
" LEAVE	:: OPERANDS : __clobbers);
}

/* At run time the jump is taken in the end. */
SEC("socket") __accept
__naked int may_go_on_for_ever(void)
{
	asm volatile("					\
	r6 = 0;						\
1:	may_goto 2f;					\
	r6 += 1;					\
	goto 1b;					\
2:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=64 size=1")
__naked int may_go_beyond_the_block(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r6 = 0;						\
1:	may_goto 9f;					\
	if r6 > 64 goto 9f;				\
	r1 = r0;					\
	r1 += r6;					\
	*(u8 *)(r1 + 0) = 1;				\
	r6 += 1;					\
	goto 1b;					\
" LEAVE	:: OPERANDS : __clobbers);
}

SEC("socket") __accept
__naked int may_go_on_inside_the_block(void)
{
	asm volatile(BLOCK_AND_NUMBER "			\
	r6 = 0;						\
1:	may_goto 9f;					\
	if r6 > 63 goto 9f;				\
	r1 = r0;					\
	r1 += r6;					\
	*(u8 *)(r1 + 0) = 1;				\
	r6 += 1;					\
	goto 1b;					\
" LEAVE	:: OPERANDS : __clobbers);
}
