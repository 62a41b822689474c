/* How loops end: counters that the verifier follows, may_goto, limits of what it follows. */
#include "corpus.h"

GPL;
struct wide { u64 words[32]; };
MAP(ARRAY, wides, u32, struct wide, 1);
u64 table[64];

#define MAY_GOTO(offset) (0x00000000000000e5ULL | (u64)(offset) << 16)
#define can_loop							\
	({								\
		__label__ out, go_on;					\
		bool result = true;					\
		asm volatile goto("may_goto %l[out]" :::: out);			\
		goto go_on;						\
	out:	result = false;						\
	go_on:;								\
		result;							\
	})

SEC("tc") __reject("BPF program is too large. Processed 1000001 insn")
int may_goto_around_a_counter(struct __sk_buff *skb)
{
	u64 sum = 0;

	for (u32 i = 0; i < 1000000 && can_loop; i++)
		sum += table[i & 63];
	return sum;
}

SEC("tc") __reject("BPF program is too large. Processed 1000001 insn")
int may_goto_in_two_loops(struct __sk_buff *skb)
{
	u64 sum = 0;

	for (u32 i = 0; i < 500 && can_loop; i++)
		for (u32 j = 0; j < 500 && can_loop; j++)
			sum += table[(i ^ j) & 63];
	return sum;
}

SEC("tc") __accept
int may_goto_without_condition(struct __sk_buff *skb)
{
	u64 *at = table, sum = 0;
	u32 index = 0;

	while (can_loop) {
		if (index >= 64)
			break;
		sum += at[index];
		index++;
		barrier();
	}
	return sum;
}

SEC("tc") __reject("invalid access to map value, value_size=512 off=512 size=8")
int may_goto_with_a_growing_index(struct __sk_buff *skb)
{
	u64 sum = 0;
	u32 index = 0;

	while (can_loop) {
		sum += table[index];
		index++;
		barrier();
	}
	return sum;
}

static __noinline u64 loops(u32 count)
{
	u64 sum = 0;

	for (u32 i = 0; i < count && can_loop; i++)
		sum += table[i & 63];
	return sum;
}

static long loops_in_callback(u64 index, u64 *sum)
{
	for (u32 i = 0; i < index && can_loop; i++)
		*sum += table[i & 63];
	return 0;
}

SEC("tc") __reject("BPF program is too large. Processed 1000001 insn")
int may_goto_in_a_function(struct __sk_buff *skb)
{
	return loops(skb->len) + loops(10);
}

SEC("tc") __reject("BPF program is too large. Processed 1000001 insn")
int may_goto_in_a_callback(struct __sk_buff *skb)
{
	u64 sum = 0;

	bpf_loop(10, loops_in_callback, &sum, 0);
	return sum;
}

SEC("tc") __reject("BPF program is too large. Processed 1000001 insn")
int may_goto_in_an_iterator(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	u64 sum = 0;

	bpf_iter_num_new(&it, 0, 10);
	while (bpf_iter_num_next(&it))
		for (u32 i = 0; i < skb->len && can_loop; i++)
			sum += table[i & 63];
	bpf_iter_num_destroy(&it);
	return sum;
}

SEC("tc") __accept
int may_goto_with_a_full_stack(struct __sk_buff *skb)
{
	volatile char bytes[480] = {};
	u64 sum = 0;

	for (u32 i = 0; i < 100 && can_loop; i++)
		sum += bytes[i & 255];
	return sum;
}

SEC("tc") __accept
int may_goto_with_more_than_a_full_stack(struct __sk_buff *skb)
{
	volatile char bytes[504] = {};
	u64 sum = 0;

	for (u32 i = 0; i < 100 && can_loop; i++)
		sum += bytes[i & 255];
	return sum;
}

SEC("tc") __accept
__naked int may_goto_to_the_next(void)
{
	asm volatile("					\
	r0 = 0;						\
	.8byte %[next];					\
	r0 += 1;					\
	exit;						\
"	:: __imm_const(next, MAY_GOTO(0)) : __clobbers);
}

SEC("tc") __reject("The sequence of 8193 jumps is too complex.")
__naked int may_goto_backwards(void)
{
	asm volatile("					\
	r0 = 0;						\
1:	r0 += 1;					\
	.8byte %[back];					\
	exit;						\
"	:: __imm_const(back, 0x00000000fffe00e5ULL) : __clobbers);
}

SEC("tc") __reject("invalid may_goto imm 0")
__naked int may_goto_with_a_register(void)
{
	asm volatile("					\
	r0 = 0;						\
	.8byte %[odd];					\
	r0 += 1;					\
	exit;						\
"	:: __imm_const(odd, 0x00000000000101e5ULL) : __clobbers);
}

SEC("tc") __reject("invalid may_goto imm 7")
__naked int may_goto_with_a_number(void)
{
	asm volatile("					\
	r0 = 0;						\
	.8byte %[odd];					\
	r0 += 1;					\
	exit;						\
"	:: __imm_const(odd, 0x00000007000100e5ULL) : __clobbers);
}

SEC("tc") __accept
__naked int endless_loop_with_may_goto(void)
{
	asm volatile("					\
	r0 = 0;						\
1:	.8byte %[out];					\
	goto 1b;					\
	exit;						\
"	:: __imm_const(out, MAY_GOTO(1)) : __clobbers);
}

SEC("tc") __accept
__naked int counter_that_must_be_exact_with_may_goto(void)
{
	asm volatile("					\
	r6 = 0;						\
	r0 = 0;						\
1:	.8byte %[out];					\
	r6 += 1;					\
	if r6 < 1000 goto 1b;				\
	r1 = r6;					\
	r1 &= 7;					\
	r2 = r10;					\
	r2 += -8;					\
	*(u64 *)(r10 - 8) = 0;				\
	r2 += r1;					\
	r0 = *(u8 *)(r2 + 0);				\
	exit;						\
"	:: __imm_const(out, MAY_GOTO(2)) : __clobbers);
}

SEC("tc") __reject("The sequence of 8193 jumps is too complex.")
__naked int too_many_branches_left_behind(void)
{
	asm volatile("					\
	r6 = 10000;					\
1:	call %[bpf_get_prandom_u32];			\
	if r0 == 0 goto 2f;				\
	r6 += -1;					\
	if r6 != 0 goto 1b;				\
2:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

SEC("tc") __accept
__naked int branches_that_come_back(void)
{
	asm volatile("					\
	r6 = 1000;					\
1:	call %[bpf_get_prandom_u32];			\
	if r0 == 0 goto 2f;				\
	r7 = 1;						\
	goto 3f;					\
2:	r7 = 2;						\
3:	r6 += -1;					\
	if r6 != 0 goto 1b;				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

SEC("tc") __reject("BPF program is too large.")
__naked int branches_that_differ_in_each_round(void)
{
	asm volatile("					\
	r6 = 40;					\
	r7 = 0;						\
	r8 = 0;						\
1:	call %[bpf_get_prandom_u32];			\
	r7 <<= 1;					\
	if r0 == 0 goto 2f;				\
	r7 |= 1;					\
2:	r6 += -1;					\
	if r6 != 0 goto 1b;				\
	r0 = 0;						\
	if r7 == 12345 goto 3f;				\
	exit;						\
3:	r0 = 1;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

SEC("tc") __accept
int bounded_by_two_variables(struct __sk_buff *skb)
{
	u32 low = skb->mark & 15, high = skb->len & 31, sum = 0;

	for (u32 i = low; i < high; i++) {
		opaque(sum);
		sum += table[i];
	}
	return sum;
}

SEC("tc") __accept
int counts_down_to_zero(struct __sk_buff *skb)
{
	u64 sum = 0;

	for (int i = skb->mark & 63; i >= 0; i--) {
		opaque(sum);
		sum += table[i];
	}
	return sum;
}

SEC("tc") __reject("invalid access to map value, value_size=512 off=512 size=8")
int steps_of_a_variable(struct __sk_buff *skb)
{
	u32 step = (skb->mark & 7) + 1, sum = 0;

	for (u32 i = 0; i < 64; i += step) {
		opaque(sum);
		sum += table[i];
	}
	return sum;
}

SEC("tc") __accept
int shifts_until_zero(struct __sk_buff *skb)
{
	u32 value = skb->mark, bits = 0;

	for (int i = 0; i < 32; i++) {
		if (!value)
			break;
		bits += value & 1;
		value >>= 1;
		opaque(value);
	}
	return bits;
}

SEC("tc") __accept
int spills_in_each_round(struct __sk_buff *skb)
{
	volatile u64 slots[4] = {};

	for (u32 i = 0; i < 32; i++) {
		slots[i & 3] = slots[(i + 1) & 3] + i;
		barrier();
	}
	return slots[0];
}

SEC("tc") __accept
int offsets_of_a_map_value_in_steps(struct __sk_buff *skb)
{
	u32 key = 0;
	struct wide *wide = bpf_map_lookup_elem(&wides, &key);
	u64 sum = 0, *at;

	if (!wide)
		return 0;
	at = wide->words;
	for (int i = 0; i < 32; i++) {
		opaque(sum);
		sum += *at++;
	}
	return sum;
}

SEC("tc") __reject("invalid access to map value")
int offsets_of_a_map_value_one_too_far(struct __sk_buff *skb)
{
	u32 key = 0;
	struct wide *wide = bpf_map_lookup_elem(&wides, &key);
	u64 sum = 0, *at;

	if (!wide)
		return 0;
	at = wide->words;
	for (int i = 0; i < 33; i++) {
		opaque(at);
		sum += *at++;
	}
	return sum;
}

static __noinline int halves(int number)
{
	return number >> 1;
}

SEC("tc") __accept
int call_in_each_round(struct __sk_buff *skb)
{
	int number = skb->mark, rounds = 0;

	for (int i = 0; i < 20; i++) {
		number = halves(number);
		if (!number)
			break;
		rounds++;
	}
	return rounds;
}
