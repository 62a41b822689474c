/* Atomic instructions: on what memory, with what registers, and what is known of the result. */
#include "corpus.h"

GPL;
struct block { char bytes[64]; };
MAP(ARRAY, blocks, u32, struct block, 1);

/* An instruction by its fields, where the assembler has no words. */
#define RAW(opcode, dst, src, off, imm)	\
	((u64)(u32)(imm) << 32 | (u64)(u16)(off) << 16 | (src) << 12 | (dst) << 8 | (opcode))

SEC("socket") __accept
__naked int add_on_the_stack(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	r1 = 2;						\
	lock *(u64 *)(r10 - 8) += r1;			\
	r0 = *(u64 *)(r10 - 8);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int fetch_and_add_on_the_stack(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	r1 = 2;						\
	r1 = atomic_fetch_add((u64 *)(r10 - 8), r1);	\
	r0 = r1;					\
	exit;						\
"	:: : __clobbers);
}

/* The old value is 0 at run time. */
SEC("socket") __accept
__naked int old_value_of_a_known_word_is_known(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 0;				\
	r1 = 0;						\
	w1 = atomic_fetch_or((u32 *)(r10 - 8), w1);	\
	r1 &= 511;					\
	r2 = r10;					\
	r2 += -8;					\
	r2 += r1;					\
	r0 = *(u8 *)(r2 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int exchange_of_a_word_clears_the_upper_half(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = -1;				\
	r1 = -1;					\
	w1 = xchg32_32(r10 - 8, w1);			\
	r1 >>= 32;					\
	if r1 == 0 goto 1f;				\
	r1 = *(u8 *)(r1 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int compare_and_exchange(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	r0 = 1;						\
	r1 = 5;						\
	r0 = cmpxchg_64(r10 - 8, r0, r1);		\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R0 !read_ok")
__naked int compare_with_nothing(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	r1 = 5;						\
	r0 = cmpxchg_64(r10 - 8, r0, r1);		\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R2 !read_ok")
__naked int add_of_nothing(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	lock *(u64 *)(r10 - 8) += r2;			\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int each_operation(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	r1 = 2;						\
	lock *(u64 *)(r10 - 8) |= r1;			\
	lock *(u64 *)(r10 - 8) &= r1;			\
	lock *(u64 *)(r10 - 8) ^= r1;			\
	r1 = atomic_fetch_or((u64 *)(r10 - 8), r1);	\
	r1 = atomic_fetch_and((u64 *)(r10 - 8), r1);	\
	r1 = atomic_fetch_xor((u64 *)(r10 - 8), r1);	\
	r1 = xchg_64(r10 - 8, r1);			\
	w1 = atomic_fetch_add((u32 *)(r10 - 8), w1);	\
	r0 = 0;						\
	w0 = cmpxchg32_32(r10 - 8, w0, w1);		\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int in_a_map_value(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r1 = 1;						\
	lock *(u64 *)(r0 + 56) += r1;			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=64 off=64 size=8")
__naked int across_the_end_of_a_map_value(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r1 = 1;						\
	lock *(u64 *)(r0 + 64) += r1;			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

/* Other accesses need no alignment here. */
SEC("socket") __reject("misaligned value access off")
__naked int not_aligned_in_a_map_value(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r1 = 1;						\
	lock *(u64 *)(r0 + 4) += r1;			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __reject("misaligned stack access off")
__naked int not_aligned_on_the_stack(void)
{
	asm volatile("					\
	r1 = 1;						\
	lock *(u64 *)(r10 - 12) += r1;			\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("invalid read from stack R10 off=-520 size=8")
__naked int below_the_stack(void)
{
	asm volatile("					\
	r1 = 1;						\
	lock *(u64 *)(r10 - 520) += r1;			\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __reject("BPF_ATOMIC stores into R1 ctx is not allowed")
__naked int in_the_context(void)
{
	asm volatile("					\
	r2 = 1;						\
	lock *(u32 *)(r1 + 8) += r2;			\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __reject("BPF_ATOMIC stores into R2 pkt is not allowed")
__naked int in_a_packet(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + %[data]);			\
	r3 = *(u32 *)(r1 + %[data_end]);		\
	r4 = r2;					\
	r4 += 8;					\
	if r4 > r3 goto 1f;				\
	r4 = 1;						\
	lock *(u64 *)(r2 + 0) += r4;			\
1:	r0 = 0;						\
	exit;						\
"	:: __imm_const(data, offsetof(struct __sk_buff, data)),
	   __imm_const(data_end, offsetof(struct __sk_buff, data_end)) : __clobbers);
}

SEC("socket") __reject("R3 invalid mem access 'scalar'")
__naked int on_a_pointer_on_the_stack(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = r1;				\
	r2 = 0;						\
	lock *(u64 *)(r10 - 8) += r2;			\
	r3 = *(u64 *)(r10 - 8);				\
	r0 = *(u32 *)(r3 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R2 invalid mem access 'scalar'")
__naked int through_a_number(void)
{
	asm volatile("					\
	r2 = 8;						\
	r3 = 1;						\
	lock *(u64 *)(r2 + 0) += r3;			\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("invalid atomic operand size")
__naked int add_of_a_byte(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	r1 = 2;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xd3, 10, 1, -8, 0x00)) : __clobbers);
}

SEC("socket") __reject("invalid atomic operand size")
__naked int add_of_a_half(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	r1 = 2;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xcb, 10, 1, -8, 0x01)) : __clobbers);
}

SEC("socket") __reject("BPF_ATOMIC uses invalid atomic opcode 10")
__naked int no_operation(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	r1 = 2;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xdb, 10, 1, -8, 0x10)) : __clobbers);
}

SEC("socket") __reject("BPF_ATOMIC uses invalid atomic opcode e0")
__naked int exchange_without_fetch(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	r1 = 2;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xdb, 10, 1, -8, 0xe0)) : __clobbers);
}

SEC("socket") __accept
__naked int load_acquire(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	r1 = 2;						\
	.8byte %[insn];					\
	exit;						\
"	:: __imm_const(insn, RAW(0xdb, 0, 10, -8, 0x100)) : __clobbers);
}

SEC("socket") __accept
__naked int load_acquire_of_a_byte(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	r1 = 2;						\
	.8byte %[insn];					\
	exit;						\
"	:: __imm_const(insn, RAW(0xd3, 0, 10, -8, 0x100)) : __clobbers);
}

SEC("socket") __reject("BPF_ATOMIC loads from R1 ctx is not allowed")
__naked int load_acquire_from_the_context(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	exit;						\
"	:: __imm_const(insn, RAW(0xc3, 0, 1, 8, 0x100)) : __clobbers);
}

SEC("socket") __accept
__naked int store_release(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	r1 = 2;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xc3, 10, 1, -8, 0x110)) : __clobbers);
}

SEC("tc") __reject("BPF_ATOMIC stores into R1 ctx is not allowed")
__naked int store_release_into_the_context(void)
{
	asm volatile("					\
	r2 = 1;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xc3, 1, 2, 8, 0x110)) : __clobbers);
}
