/* Jumps, ends of programs, code that is never reached. */
#include "corpus.h"

GPL;

/* An instruction by its fields, where the assembler has no words. */
#define RAW(opcode, dst, src, off, imm)	\
	((u64)(u32)(imm) << 32 | (u64)(u16)(off) << 16 | (src) << 12 | (dst) << 8 | (opcode))

SEC("socket") __reject("jump out of range from insn 1 to 102")
__naked int jump_behind_the_program(void)
{
	asm volatile("					\
	r0 = 0;						\
	goto +100;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("jump out of range from insn 1 to -4")
__naked int jump_before_the_program(void)
{
	asm volatile("					\
	r0 = 0;						\
	goto -6;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("jump out of range from insn 1 to 3")
__naked int conditional_jump_behind_the_program(void)
{
	asm volatile("					\
	r0 = 0;						\
	if r0 == 1 goto +1;				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("last insn is not an exit or jmp")
__naked int end_without_exit(void)
{
	asm volatile("					\
	r0 = 0;						\
"	:: : __clobbers);
}

SEC("socket") __reject("last insn is not an exit or jmp")
__naked int end_with_a_conditional_jump(void)
{
	asm volatile("					\
	r0 = 0;						\
1:	r0 += 1;					\
	if r0 < 5 goto 1b;				\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int end_with_a_jump(void)
{
	asm volatile("					\
	goto 1f;					\
2:	exit;						\
1:	r0 = 0;						\
	goto 2b;					\
"	:: : __clobbers);
}

SEC("socket") __reject("unreachable insn 2")
__naked int code_behind_the_exit(void)
{
	asm volatile("					\
	r0 = 0;						\
	exit;						\
	r0 = 1;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("unreachable insn 1")
__naked int code_behind_a_jump(void)
{
	asm volatile("					\
	goto 1f;					\
	r2 = 5;						\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

/* Reachable in the graph, dead by its values: r5 is never read. */
SEC("socket") __accept
__naked int code_behind_a_jump_that_is_never_taken(void)
{
	asm volatile("					\
	r0 = 0;						\
	if r0 == 0 goto 1f;				\
	r0 = r5;					\
1:	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("jump into the middle of ldimm64 insn 2")
__naked int jump_into_a_constant(void)
{
	asm volatile("					\
	r0 = 0;						\
	if r1 == 0 goto +1;				\
	r2 = 5 ll;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int jump_over_a_constant(void)
{
	asm volatile("					\
	r0 = 0;						\
	if r1 == 0 goto +2;				\
	r2 = 5 ll;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int jump_to_the_next_instruction(void)
{
	asm volatile("					\
	r0 = 0;						\
	goto +0;					\
	if r0 == 5 goto +0;				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int two_exits(void)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 + 0);				\
	if r0 > 5 goto 1f;				\
	exit;						\
1:	r0 = 5;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int constant_of_64_bits(void)
{
	asm volatile("					\
	r0 = 0x123456789abcdef0 ll;			\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int comparison_with_itself(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 0);				\
	if r2 == r2 goto 1f;				\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int exit_through_a_chain_of_jumps(void)
{
	asm volatile("					\
	r0 = 0;						\
	goto 1f;					\
2:	goto 3f;					\
1:	goto 2b;					\
3:	exit;						\
"	:: : __clobbers);
}
