/* Paths that a processor takes though the program does not: what is wrong on them alone is stopped by a barrier. */
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

SEC("socket") __accept __accept_bpf
__naked int number_followed_in_dead_code(void)
{
	asm volatile("					\
	r1 = 0;						\
	if r1 == 0 goto 1f;				\
	r0 = *(u64 *)(r1 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int number_followed_on_the_way_of_a_jump(void)
{
	asm volatile("					\
	r1 = 1;						\
	if r1 == 0 goto 1f;				\
	r0 = 0;						\
	exit;						\
1:	r0 = *(u64 *)(r1 + 0);				\
	exit;						\
"	:: : __clobbers);
}

/* The barrier stands where both ways have met. */
SEC("socket") __accept __accept_bpf
__naked int number_followed_behind_live_code(void)
{
	asm volatile("					\
	r1 = 1;						\
	r0 = 0;						\
	if r1 == 0 goto 1f;				\
	r1 = r10;					\
	*(u64 *)(r10 - 8) = 0;				\
1:	r0 = *(u64 *)(r1 - 8);				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int register_never_written_in_dead_code(void)
{
	asm volatile("					\
	r1 = 0;						\
	if r1 == 0 goto 1f;				\
	r0 = r5;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int exit_without_a_result_in_dead_code(void)
{
	asm volatile("					\
	r1 = 0;						\
	if r1 == 0 goto 1f;				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int call_with_wrong_arguments_in_dead_code(void)
{
	asm volatile("					\
	r1 = 0;						\
	if r1 == 0 goto 1f;				\
	r1 = 5;						\
	r2 = 5;						\
	call %[bpf_map_lookup_elem];			\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int helper_of_others_in_dead_code(void)
{
	asm volatile("					\
	r1 = 0;						\
	if r1 == 0 goto 1f;				\
	call %[bpf_xdp_adjust_head];			\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_xdp_adjust_head) : __clobbers);
}

/* A barrier would not end it. */
SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int loop_without_end_in_dead_code(void)
{
	asm volatile("					\
	r1 = 0;						\
	if r1 == 0 goto 2f;				\
	r2 = 0;						\
1:	r3 = r2;					\
	goto 1b;					\
2:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int counting_loop(void)
{
	asm volatile("					\
	r2 = 0;						\
1:	r2 += 1;					\
	if r2 < 5 goto 1b;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

/* A barrier in the loop, here behind the store of a pointer, keeps it from being followed again and again. */
SEC("socket") __accept __accept_bpf
__naked int counting_loop_with_a_store(void)
{
	asm volatile("					\
	r2 = 0;						\
1:	r2 += 1;					\
	*(u64 *)(r10 - 8) = r1;				\
	if r2 < 5 goto 1b;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int counting_loop_in_dead_code(void)
{
	asm volatile("					\
	r1 = 0;						\
	if r1 == 0 goto 2f;				\
	r2 = 0;						\
1:	r2 += 1;					\
	if r2 < 5 goto 1b;				\
2:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int known_by_a_32_bit_jump(void)
{
	asm volatile("					\
	r1 = 0;						\
	if w1 == 0 goto 1f;				\
	r0 = *(u64 *)(r1 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int known_by_bits(void)
{
	asm volatile("					\
	r1 = 4;						\
	if r1 & 4 goto 1f;				\
	r0 = *(u64 *)(r1 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int known_by_sign(void)
{
	asm volatile("					\
	r1 = -4;					\
	if r1 s< 0 goto 1f;				\
	r0 = *(u64 *)(r1 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int known_by_a_range(void)
{
	asm volatile("					\
	r1 = *(u32 *)(r1 + 0);				\
	r1 &= 7;					\
	if r1 < 8 goto 1f;				\
	r0 = *(u64 *)(r1 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int known_of_two_registers(void)
{
	asm volatile("					\
	r1 = *(u32 *)(r1 + 0);				\
	r1 &= 7;					\
	r2 = 9;						\
	if r1 < r2 goto 1f;				\
	r0 = *(u64 *)(r1 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int known_to_be_no_null_pointer(void)
{
	asm volatile(LOOKUP "				\
	if r0 != 0 goto 1f;				\
	r1 = *(u32 *)(r0 + 0);				\
1:	r1 = *(u32 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

/* On the other way, r2 is any number. */
SEC("socket") __accept __accept_bpf
__naked int nothing_known_of_what_was_compared(void)
{
	asm volatile("					\
	r2 = 3;						\
	r3 = r10;					\
	*(u64 *)(r10 - 8) = 0;				\
	if r2 == 3 goto 1f;				\
	r3 += -8;					\
	r2 &= 7;					\
	r3 += r2;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

/* A packet that was too short once is so again, but a processor may guess otherwise. */
SEC("tc") __accept __accept_bpf
__naked int known_of_a_packet(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 76);				\
	r3 = *(u32 *)(r1 + 80);				\
	r4 = r2;					\
	r4 += 14;					\
	r0 = 0;						\
	if r4 > r3 goto 1f;				\
	r0 = *(u8 *)(r2 + 0);				\
	exit;						\
1:	if r4 > r3 goto 2f;				\
	r0 = *(u8 *)(r2 + 0);				\
2:	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int record_forgotten_on_the_other_way(void)
{
	asm volatile("					\
	r6 = 1;						\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	if r6 == 0 goto 9f;				\
	r1 = r0;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_ringbuf_reserve), __imm(bpf_ringbuf_submit), __imm_addr(ring) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int record_submitted_twice_on_the_other_way(void)
{
	asm volatile("					\
	r6 = 1;						\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	r7 = r0;					\
	r1 = r0;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
	if r6 == 1 goto 9f;				\
	r1 = r7;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_ringbuf_reserve), __imm(bpf_ringbuf_submit), __imm_addr(ring) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int value_used_without_a_null_check_on_the_other_way(void)
{
	asm volatile(LOOKUP "				\
	r1 = *(u64 *)(r0 + 0);				\
	r8 = 1;						\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[hash] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r8 == 1 goto 9f;				\
	r1 = *(u64 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks), __imm_addr(hash) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int index_without_a_limit_on_the_other_way(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 31;					\
	if r6 < 32 goto 1f;				\
	r0 += r6;					\
	r1 = *(u8 *)(r0 + 0);				\
1:	r0 = 0;						\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

/* A masked addition may add nothing. */
SEC("socket") __accept __accept_bpf
__naked int index_left_out_by_the_mask(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 7;					\
	r6 += 8;					\
	r0 += r6;					\
	r1 = *(u8 *)(r0 - 8);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int index_left_out_before_a_store(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 7;					\
	r6 += 8;					\
	r0 += r6;					\
	*(u8 *)(r0 - 8) = 1;				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int index_left_out_before_an_addition(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 7;					\
	r6 += 8;					\
	r0 += r6;					\
	r0 += -8;					\
	r1 = *(u8 *)(r0 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int pointer_left_out_by_the_mask(void)
{
	asm volatile(LOOKUP "				\
	r6 &= 7;					\
	r6 += r0;					\
	r1 = *(u8 *)(r6 + 0);				\
	if r1 > 9 goto 1f;				\
	r1 = *(u8 *)(r6 + 1);				\
1:	r0 = 0;						\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("tc") __accept __accept_bpf
__naked int unlocked_twice_on_the_other_way(void)
{
	asm volatile(LOOKUP "				\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[guarded] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r6 = r0;					\
	r7 = 1;						\
	r1 = r0;					\
	call %[bpf_spin_lock];				\
	r1 = r6;					\
	call %[bpf_spin_unlock];			\
	if r7 == 1 goto 9f;				\
	r1 = r6;					\
	call %[bpf_spin_unlock];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks), __imm_addr(guarded), __imm(bpf_spin_lock), __imm(bpf_spin_unlock) : __clobbers);
}

SEC("tc") __accept __accept_bpf
__naked int left_locked_on_the_other_way(void)
{
	asm volatile(LOOKUP "				\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[guarded] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;				\
	r6 = r0;					\
	r7 = 1;						\
	r1 = r0;					\
	call %[bpf_spin_lock];				\
	if r7 == 0 goto 9f;				\
	r1 = r6;					\
	call %[bpf_spin_unlock];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks), __imm_addr(guarded), __imm(bpf_spin_lock), __imm(bpf_spin_unlock) : __clobbers);
}

static __naked __attribute__((used)) int follows_its_argument(void)
{
	asm volatile("					\
	r0 = *(u64 *)(r1 + 0);				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int function_called_in_dead_code(void)
{
	asm volatile("					\
	r1 = 0;						\
	r6 = 0;						\
	if r6 == 0 goto 1f;				\
	call follows_its_argument;			\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

__noinline __naked int as_large_as_a_frame(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 512) = 0;			\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

static __naked __attribute__((used)) int static_as_large_as_a_frame(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 512) = 0;			\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

/* Frames that are used on speculative paths count. */
SEC("socket") __accept __reject_bpf("combined stack size of 2 calls is")
__naked int large_frame_in_dead_code(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 0;				\
	r6 = 0;						\
	if r6 == 0 goto 1f;				\
	call static_as_large_as_a_frame;		\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

__noinline int global_that_is_refused(int number)
{
	return *(int *)(long)number;
}

/* A global function that only a speculative path calls is verified, and must be right. */
SEC("socket") __accept __reject_bpf("R1 invalid mem access 'scalar'")
__naked int global_function_called_in_dead_code(void)
{
	asm volatile("					\
	r1 = 0;						\
	r6 = 0;						\
	if r6 == 0 goto 1f;				\
	call global_that_is_refused;			\
1:	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

static int stops(u32 index, void *context)
{
	return 1;
}

SEC("tc") __accept __accept_bpf
int loop_called_on_the_other_way(struct __sk_buff *skb)
{
	u32 none = 0;
	u32 length = skb->len;

	opaque(none);
	if ((length & 7) > 8)
		bpf_loop(length, stops, NULL, 0);
	return 0;
}

SEC("tc") __accept __accept_bpf
int iterator_stepped_beside_an_index(struct __sk_buff *skb)
{
	u32 key = 0, sum = 0;
	struct block *block = bpf_map_lookup_elem(&blocks, &key);
	struct bpf_iter_num it;
	int *step;

	if (!block)
		return 0;
	bpf_iter_num_new(&it, 0, 8);
	while ((step = bpf_iter_num_next(&it)))
		sum += block->bytes[(*step + skb->len) & 63];
	bpf_iter_num_destroy(&it);
	return sum & 1;
}
