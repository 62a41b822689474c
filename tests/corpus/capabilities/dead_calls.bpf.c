/* As dead_code.bpf.c, with calls. */
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

static __naked __attribute__((used)) int returns_zero(void)
{
	asm volatile("					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

static __naked __attribute__((used)) int follows_its_argument(void)
{
	asm volatile("					\
	r0 = *(u64 *)(r1 + 0);				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

static __naked __attribute__((used)) int stores_a_pointer(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = r1;				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

static __naked __attribute__((used)) int stops_the_loop(void)
{
	asm volatile("					\
	r0 = 1;						\
	exit;						\
"	::: __clobbers);
}

static __naked __attribute__((used)) int stops_with_three(void)
{
	asm volatile("					\
	r0 = 3;						\
	exit;						\
"	::: __clobbers);
}

__noinline int global_returns_zero(int number)
{
	return number & 0;
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int helper(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	call %[bpf_get_prandom_u32];			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int helper_with_a_wrong_argument(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = 1;						\
	r2 = r10;					\
	r2 += -8;					\
	call %[bpf_map_lookup_elem];			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int helper_that_gets_an_address(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = r6;					\
	r2 = r10;					\
	r3 = r10;					\
	r3 += -8;					\
	r4 = 4;						\
	call %[bpf_skb_load_bytes];			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_skb_load_bytes) : __clobbers);
}

/* A helper writes as a store does. */
SEC("socket") __accept __accept_bpf
__naked int helper_that_fills_the_stack(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = r6;					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -8;					\
	r4 = 4;						\
	call %[bpf_skb_load_bytes];			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_skb_load_bytes) : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int helper_that_fills_bytes(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	r1 = r6;					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -8;					\
	r4 = 8;						\
	call %[bpf_skb_load_bytes];			\
	if r9 == 0 goto 1f;				\
	r1 = r6;					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -8;					\
	r4 = 8;						\
	call %[bpf_skb_load_bytes];			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_skb_load_bytes) : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int helper_that_fills_a_map_value(void)
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
	r1 = r6;					\
	r2 = 0;						\
	r3 = r8;					\
	r4 = 8;						\
	call %[bpf_skb_load_bytes];			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_skb_load_bytes), __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int function(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	call returns_zero;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int function_that_is_refused(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = 1;						\
	call follows_its_argument;			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

/* The barrier is in the function. */
SEC("socket") __accept __accept_bpf
__naked int function_that_stores_a_pointer(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = r6;					\
	call stores_a_pointer;				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int global_function(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = 1;						\
	call global_returns_zero;			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int global_function_with_a_pointer(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = r10;					\
	call global_returns_zero;			\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int loop_by_a_helper(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = 3;						\
	r2 = stops_the_loop ll;				\
	r3 = 0;						\
	r4 = 0;						\
	call %[bpf_loop];				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_loop) : __clobbers);
}

/* The path that leaves the callback out goes on. */
SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int loop_by_a_helper_with_a_wrong_result(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = 3;						\
	r2 = stops_with_three ll;			\
	r3 = 0;						\
	r4 = 0;						\
	call %[bpf_loop];				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_loop) : __clobbers);
}

SEC("socket") __accept __reject_bpf("infinite loop detected at insn")
__naked int tail_call(void)
{
	asm volatile("					\
	r6 = r1;					\
	r7 = *(u32 *)(r1 + 0);				\
	r9 = 0;						\
	if r9 == 0 goto 1f;				\
	r1 = r6;					\
	r2 = %[programs] ll;				\
	r3 = 0;						\
	call %[bpf_tail_call];				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_tail_call), __imm_addr(programs) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int tail_call_with_a_record(void)
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
	r1 = r6;					\
	r2 = %[programs] ll;				\
	r3 = 0;						\
	call %[bpf_tail_call];				\
	r2 = 0;						\
2:	r3 = r2;					\
	goto 2b;					\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_tail_call), __imm(bpf_ringbuf_reserve), __imm_addr(programs), __imm_addr(ring) : __clobbers);
}
