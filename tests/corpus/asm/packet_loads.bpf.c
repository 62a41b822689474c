/* The old loads from a packet, LD_ABS and LD_IND. */
#include "corpus.h"

GPL;
struct block { char bytes[64]; };
MAP(ARRAY, blocks, u32, struct block, 1);

static __naked __attribute__((used)) void loads_and_returns_nothing(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u8 *)skb[0];				\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int loads_and_returns_a_number(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u8 *)skb[0];				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int at_a_constant(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u16 *)skb[12];				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int at_a_register(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r0 = *(u32 *)skb[r7];				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R6 !read_ok")
__naked int without_a_context(void)
{
	asm volatile("					\
	r0 = *(u16 *)skb[12];				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("at the time of BPF_LD_ABS|IND R6 != pointer to skb")
__naked int with_a_number_for_the_context(void)
{
	asm volatile("					\
	r6 = 5;						\
	r0 = *(u16 *)skb[12];				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("dereference of modified ctx ptr R6 off=4 disallowed")
__naked int with_a_context_moved(void)
{
	asm volatile("					\
	r6 = r1;					\
	r6 += 4;					\
	r0 = *(u16 *)skb[12];				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R7 !read_ok")
__naked int at_a_register_never_written(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u16 *)skb[r7];				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R1 !read_ok")
__naked int arguments_are_gone(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u16 *)skb[12];				\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int other_registers_are_kept(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = 5;						\
	r0 = *(u16 *)skb[12];				\
	r0 = *(u32 *)(r6 + 0);				\
	r0 += r7;					\
	exit;						\
"	:: : __clobbers);
}

SEC("xdp") __reject("BPF_LD_[ABS|IND] instructions not allowed for this program type")
__naked int in_a_driver(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u16 *)skb[12];				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("math between fp pointer and register with unbounded min value is not allowed")
__naked int result_of_a_byte_is_an_unknown_number(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u8 *)skb[0];				\
	r2 = r10;					\
	r2 += r0;					\
	r0 = *(u8 *)(r2 - 256);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int result_of_a_byte_masked(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u8 *)skb[0];				\
	r0 &= 255;					\
	r2 = r10;					\
	r2 += r0;					\
	r0 = *(u8 *)(r2 - 256);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int in_a_function(void)
{
	asm volatile("					\
	call loads_and_returns_a_number;		\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("LD_ABS is only allowed in functions that return 'int'.")
__naked int in_a_function_without_result(void)
{
	asm volatile("					\
	call loads_and_returns_nothing;			\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}
