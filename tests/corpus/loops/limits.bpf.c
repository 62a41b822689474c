/* More paths left behind than the verifier keeps, by each kind of instruction that leaves one. */
#include "corpus.h"

GPL;
struct resilient { struct bpf_res_spin_lock lock; u32 count; };
MAP(ARRAY, resilients, u32, struct resilient, 4);

/* So that the compiler knows the types of the kernel functions. */
SEC("tc") __accept
int calls_what_the_others_call(struct __sk_buff *skb)
{
	u32 key = 0;
	struct resilient *r = bpf_map_lookup_elem(&resilients, &key);

	if (r && !bpf_res_spin_lock(&r->lock))
		bpf_res_spin_unlock(&r->lock);
	return 0;
}

SEC("tc") __reject("The sequence of 8193 jumps is too complex.")
__naked int conditional_jumps(void)
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

SEC("tc") __reject("The sequence of 8193 jumps is too complex.")
__naked int may_gotos(void)
{
	asm volatile("					\
	r0 = 0;						\
1:	r0 += 1;					\
	.byte 0xe5, 0, 0xfe, 0xff, 0, 0, 0, 0;		\
	exit;						\
"	::: __clobbers);
}

static __naked __attribute__((used)) int goes_on(void)
{
	asm volatile("					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("The sequence of 8193 jumps is too complex.")
__naked int callbacks(void)
{
	asm volatile("					\
	r6 = 10000;					\
1:	r1 = 5;						\
	r2 = %[goes_on] ll;				\
	r3 = 0;						\
	r4 = 0;						\
	call %[bpf_loop];				\
	r6 += -1;					\
	if r6 != 0 goto 1b;				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_loop), __imm_addr(goes_on) : __clobbers);
}

static __naked __attribute__((used)) int loads_a_byte(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u8 *)skb[0];				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("The sequence of 8193 jumps is too complex.")
__naked int loads_of_packets_in_a_function(void)
{
	asm volatile("					\
	r7 = r1;					\
	.rept 8200;					\
	r1 = r7;					\
	call loads_a_byte;				\
	.endr;						\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("The sequence of 8193 jumps is too complex.")
__naked int locks_that_may_fail(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[resilients] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 2f;				\
	r7 = r0;					\
	r6 = 10000;					\
1:	r1 = r7;					\
	call %[bpf_res_spin_lock];			\
	if r0 != 0 goto 2f;				\
	r1 = r7;					\
	call %[bpf_res_spin_unlock];			\
	r6 += -1;					\
	if r6 != 0 goto 1b;				\
2:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(resilients), __imm(bpf_res_spin_lock), __imm(bpf_res_spin_unlock) : __clobbers);
}
