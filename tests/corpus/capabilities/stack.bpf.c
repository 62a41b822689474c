/* The stack of a program whose loader has no CAP_PERFMON: offsets are known, and bytes were written before they are read. */
#include "corpus.h"
#include "modes.h"

GPL;
MAP(HASH, numbers, u64, u64, 4);
MAP(ARRAY, counters, u32, u64, 4);

SEC("socket") __accept __reject_bpf("invalid read from stack R10 off=-8 size=8")
__naked int read_below_what_was_written(void)
{
	asm volatile("					\
	r0 = *(u64 *)(r10 - 8);				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int read_after_it_was_written(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 3;				\
	r0 = *(u64 *)(r10 - 8);				\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("invalid read from stack off -8+0 size 8")
__naked int read_above_what_was_written(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 16) = 3;				\
	r0 = *(u64 *)(r10 - 8);				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

/* Four bytes of a register leave the other four as they were. */
SEC("socket") __accept __reject_bpf("invalid read from stack off -8+4 size 8")
__naked int half_written_and_read_whole(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 0);				\
	*(u32 *)(r10 - 8) = r2;				\
	r0 = *(u64 *)(r10 - 8);				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("invalid read from stack off -8+4 size 8")
__naked int half_a_constant_written_and_read_whole(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 8) = 7;				\
	r0 = *(u64 *)(r10 - 8);				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int both_halves_written_and_read_whole(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 0);				\
	*(u32 *)(r10 - 8) = r2;				\
	*(u32 *)(r10 - 4) = r2;				\
	r0 = *(u64 *)(r10 - 8);				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("invalid read from stack off -8+4 size 8")
__naked int written_on_one_way_only(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 0);				\
	*(u32 *)(r10 - 8) = 1;				\
	if r2 > 9 goto 1f;				\
	*(u32 *)(r10 - 4) = 1;				\
1:	r0 = *(u64 *)(r10 - 8);				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

/* To a helper, a slot with half a number is a whole one. */
SEC("socket") __accept __accept_bpf
__naked int half_a_key_written(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 8) = 7;				\
	r1 = %[numbers] ll;				\
	r2 = r10;					\
	r2 += -8;					\
	call %[bpf_map_lookup_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(numbers) : __clobbers);
}

SEC("socket") __accept __reject_bpf("invalid read from stack R3 off=-16 size=8")
__naked int value_never_written(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 7;				\
	r1 = %[numbers] ll;				\
	r2 = r10;					\
	r2 += -8;					\
	r3 = r10;					\
	r3 += -16;					\
	r4 = 0;						\
	call %[bpf_map_update_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_update_elem), __imm_addr(numbers) : __clobbers);
}

/* A helper that fills memory may be given memory that was not written. */
SEC("tc") __accept __accept_bpf
__naked int filled_by_a_helper(void)
{
	asm volatile("					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -16;					\
	r4 = 16;					\
	call %[bpf_skb_load_bytes];			\
	r0 = *(u64 *)(r10 - 16);			\
	r0 = *(u64 *)(r10 - 8);				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_skb_load_bytes) : __clobbers);
}

/* If it may fill less, memory that may be left as it was must have been written. */
SEC("tc") __accept __reject_bpf("invalid read from stack R3 off -16+0 size 16")
__naked int filled_in_part_by_a_helper(void)
{
	asm volatile("					\
	r4 = *(u32 *)(r1 + 0);				\
	r4 &= 15;					\
	r4 += 1;					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -16;					\
	call %[bpf_skb_load_bytes];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_skb_load_bytes) : __clobbers);
}

SEC("tc") __accept __accept_bpf
__naked int filled_in_part_after_it_was_written(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 0;				\
	*(u64 *)(r10 - 16) = 0;				\
	r4 = *(u32 *)(r1 + 0);				\
	r4 &= 15;					\
	r4 += 1;					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -16;					\
	call %[bpf_skb_load_bytes];			\
	r0 = *(u64 *)(r10 - 16);			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_skb_load_bytes) : __clobbers);
}

SEC("socket") __accept __reject_bpf("attempt to corrupt spilled pointer on stack")
__naked int pointer_overwritten_by_a_byte(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = r1;				\
	*(u8 *)(r10 - 3) = 0;				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("attempt to corrupt spilled pointer on stack")
__naked int pointer_overwritten_by_half_a_register(void)
{
	asm volatile("					\
	r2 = 1;						\
	*(u64 *)(r10 - 8) = r1;				\
	*(u32 *)(r10 - 8) = r2;				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int pointer_overwritten_whole(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = r1;				\
	*(u64 *)(r10 - 8) = 0;				\
	r0 = *(u64 *)(r10 - 8);				\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int number_overwritten_by_a_byte(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 0);				\
	*(u64 *)(r10 - 8) = r2;				\
	*(u8 *)(r10 - 3) = 0;				\
	r0 = *(u64 *)(r10 - 8);				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R2 stack pointer arithmetic goes out of range, prohibited for !root; off=-520")
__naked int pointer_moved_below_the_frame(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 += -520;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int pointer_moved_to_the_bottom(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 += -512;					\
	*(u64 *)(r2 + 0) = 0;				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R2 stack pointer arithmetic goes out of range, prohibited for !root; off=0")
__naked int pointer_moved_to_the_top(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 += -8;					\
	r2 += 8;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R2 variable stack access prohibited for !root, var_off=(0x0; 0x18) off=-32")
__naked int pointer_moved_by_an_unknown_number(void)
{
	asm volatile("					\
	r3 = *(u32 *)(r1 + 0);				\
	r3 &= 24;					\
	r2 = r10;					\
	r2 += -32;					\
	r2 += r3;					\
	*(u64 *)(r2 + 0) = 0;				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

/* What the compiler makes of an index into a local array. */
SEC("tc") __accept __reject_bpf("variable stack access prohibited for !root")
int local_array_with_an_unknown_index(struct __sk_buff *skb)
{
	volatile u32 counts[8] = {};

	counts[skb->len & 7] = 1;
	return counts[3];
}

/* The same in a map of one element. */
SEC("tc") __accept __accept_bpf
int array_in_a_map_with_an_unknown_index(struct __sk_buff *skb)
{
	u32 key = skb->len & 3;
	u64 *counter = bpf_map_lookup_elem(&counters, &key);

	if (counter)
		*counter += 1;
	return 0;
}

static __noinline int sum(u32 *numbers)
{
	return numbers[0] + numbers[1];
}

/* A frame of a caller is read like one's own. */
SEC("tc") __accept __accept_bpf
int array_of_the_caller_written(struct __sk_buff *skb)
{
	u32 numbers[2] = { skb->len, 1 };

	return sum(numbers) & 1;
}

SEC("tc") __accept __reject_bpf("invalid read from stack")
int array_of_the_caller_written_in_part(struct __sk_buff *skb)
{
	u32 numbers[2];

	numbers[0] = skb->len;
	opaque(skb);
	return sum(numbers) & 1;
}
