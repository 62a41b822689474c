/* Registers that were never written, and the frame pointer. */
#include "corpus.h"

GPL;

SEC("socket") __reject("R2 !read_ok")
__naked int reads_register_never_written(void)
{
	asm volatile("					\
	r0 = r2;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R0 !read_ok")
__naked int returns_nothing(void)
{
	asm volatile("					\
	r1 = 0;						\
	exit;						\
"	:: : __clobbers);
}

/* The instruction reads, whatever it computes. */
SEC("socket") __reject("R2 !read_ok")
__naked int clears_by_xor_of_itself(void)
{
	asm volatile("					\
	r2 ^= r2;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R3 !read_ok")
__naked int adds_to_register_never_written(void)
{
	asm volatile("					\
	r3 += 1;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R4 !read_ok")
__naked int compares_register_never_written(void)
{
	asm volatile("					\
	r0 = 0;						\
	if r4 == 0 goto 1f;				\
1:	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R5 !read_ok")
__naked int stores_register_never_written(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = r5;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R1 !read_ok")
__naked int arguments_are_gone_after_a_call(void)
{
	asm volatile("					\
	call %[bpf_ktime_get_ns];			\
	r0 = r1;					\
	exit;						\
"	:: __imm(bpf_ktime_get_ns) : __clobbers);
}

SEC("socket") __accept
__naked int other_registers_survive_a_call(void)
{
	asm volatile("					\
	r6 = 5;						\
	call %[bpf_ktime_get_ns];			\
	r0 = r6;					\
	exit;						\
"	:: __imm(bpf_ktime_get_ns) : __clobbers);
}

SEC("socket") __reject("R2 !read_ok")
__naked int written_on_one_path(void)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 + 0);				\
	if r0 == 0 goto 1f;				\
	r2 = 1;						\
1:	r0 = r2;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int written_on_both_paths(void)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 + 0);				\
	if r0 == 0 goto 1f;				\
	r2 = 1;						\
	goto 2f;					\
1:	r2 = 2;						\
2:	r0 = r2;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("frame pointer is read only")
__naked int writes_the_frame_pointer(void)
{
	asm volatile("					\
	r10 = 0;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("frame pointer is read only")
__naked int adds_to_the_frame_pointer(void)
{
	asm volatile("					\
	r10 += -8;					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("frame pointer is read only")
__naked int loads_into_the_frame_pointer(void)
{
	asm volatile("					\
	r10 = *(u64 *)(r10 - 8);			\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int moves_the_lower_half(void)
{
	asm volatile("					\
	r2 = 0x100000005 ll;				\
	w0 = w2;					\
	exit;						\
"	:: : __clobbers);
}
