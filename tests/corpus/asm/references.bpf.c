/* What is acquired must be released, once, on every path. */
#include "corpus.h"

GPL;
RINGBUF(ring, 4096);

SEC("socket") __accept
__naked int record_submitted(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	*(u64 *)(r0 + 0) = 1;				\
	r6 = r0;					\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve),
	   __imm(bpf_ringbuf_submit) : __clobbers);
}

SEC("socket") __accept
__naked int record_discarded(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	r1 = r0;					\
	r2 = 0;						\
	call %[bpf_ringbuf_discard];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve),
	   __imm(bpf_ringbuf_discard) : __clobbers);
}

SEC("socket") __reject("Unreleased reference id=")
__naked int record_forgotten(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve) : __clobbers);
}

SEC("socket") __reject("Unreleased reference id=")
__naked int record_forgotten_after_the_check(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	*(u64 *)(r0 + 0) = 1;				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve) : __clobbers);
}

SEC("socket") __reject("Unreleased reference id=")
__naked int record_forgotten_on_one_path(void)
{
	asm volatile("					\
	r7 = *(u32 *)(r1 + 0);				\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	if r7 > 100 goto 9f;				\
	r6 = r0;					\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve),
	   __imm(bpf_ringbuf_submit) : __clobbers);
}

SEC("socket") __accept
__naked int record_submitted_on_both_paths(void)
{
	asm volatile("					\
	r7 = *(u32 *)(r1 + 0);				\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	r6 = r0;					\
	if r7 > 100 goto 1f;				\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
	goto 9f;					\
1:	*(u64 *)(r6 + 0) = 2;				\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve),
	   __imm(bpf_ringbuf_submit) : __clobbers);
}

SEC("socket") __reject("R1 type=ringbuf_mem_or_null expected=ringbuf_mem")
__naked int record_submitted_without_check(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	r6 = r0;					\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve),
	   __imm(bpf_ringbuf_submit) : __clobbers);
}

SEC("socket") __reject("R1 type=scalar expected=ringbuf_mem")
__naked int record_submitted_twice(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	r6 = r0;					\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve),
	   __imm(bpf_ringbuf_submit) : __clobbers);
}

SEC("socket") __reject("R6 invalid mem access 'scalar'")
__naked int record_used_after_submission(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	r6 = r0;					\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
	*(u64 *)(r6 + 0) = 1;				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve),
	   __imm(bpf_ringbuf_submit) : __clobbers);
}

SEC("socket") __reject("R7 invalid mem access 'scalar'")
__naked int copy_of_record_used_after_submission(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	r6 = r0;					\
	r7 = r0;					\
	r7 += 4;					\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
	*(u32 *)(r7 + 0) = 1;				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve),
	   __imm(bpf_ringbuf_submit) : __clobbers);
}

SEC("socket") __reject("R1 must have zero offset when passed to release func")
__naked int record_submitted_from_its_middle(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	r6 = r0;					\
	r6 += 4;					\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve),
	   __imm(bpf_ringbuf_submit) : __clobbers);
}

SEC("socket") __reject("invalid access to memory, mem_size=8 off=8 size=8")
__naked int store_behind_the_record(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	r6 = r0;					\
	*(u64 *)(r0 + 8) = 1;				\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve),
	   __imm(bpf_ringbuf_submit) : __clobbers);
}

SEC("socket") __accept
__naked int record_on_the_stack_and_back(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	*(u64 *)(r10 - 8) = r0;				\
	if r0 == 0 goto 9f;				\
	r6 = *(u64 *)(r10 - 8);				\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve),
	   __imm(bpf_ringbuf_submit) : __clobbers);
}

SEC("socket") __accept
__naked int two_records(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	r6 = r0;					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	r7 = r0;					\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
	if r7 == 0 goto 9f;				\
	r6 = r7;					\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve),
	   __imm(bpf_ringbuf_submit) : __clobbers);
}

SEC("socket") __reject("Unreleased reference id=")
__naked int second_of_two_records_forgotten(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	r6 = r0;					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve),
	   __imm(bpf_ringbuf_submit) : __clobbers);
}

/* The load may end the program. */
SEC("socket") __reject("Unreleased reference id=")
__naked int packet_load_with_a_record(void)
{
	asm volatile("					\
	r6 = r1;					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	r7 = r0;					\
	r0 = *(u8 *)skb[0];				\
	r6 = r7;					\
	r1 = r6;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve),
	   __imm(bpf_ringbuf_submit) : __clobbers);
}

SEC("tc") __accept
__naked int socket_released(void)
{
	asm volatile("					\
	r2 = 0;						\
	*(u64 *)(r10 - 8) = r2;				\
	*(u64 *)(r10 - 16) = r2;			\
	r2 = r10;					\
	r2 += -16;					\
	r3 = 12;					\
	r4 = -1;					\
	r5 = 0;						\
	call %[bpf_sk_lookup_tcp];			\
	if r0 == 0 goto 9f;				\
	r6 = *(u32 *)(r0 + 4);				\
	r1 = r0;					\
	call %[bpf_sk_release];				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_sk_lookup_tcp), __imm(bpf_sk_release) : __clobbers);
}

SEC("tc") __reject("Unreleased reference id=")
__naked int socket_forgotten(void)
{
	asm volatile("					\
	r2 = 0;						\
	*(u64 *)(r10 - 8) = r2;				\
	*(u64 *)(r10 - 16) = r2;			\
	r2 = r10;					\
	r2 += -16;					\
	r3 = 12;					\
	r4 = -1;					\
	r5 = 0;						\
	call %[bpf_sk_lookup_tcp];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_sk_lookup_tcp) : __clobbers);
}

SEC("tc") __reject("R0 invalid mem access 'sock_or_null'")
__naked int socket_read_without_check(void)
{
	asm volatile("					\
	r2 = 0;						\
	*(u64 *)(r10 - 8) = r2;				\
	*(u64 *)(r10 - 16) = r2;			\
	r2 = r10;					\
	r2 += -16;					\
	r3 = 12;					\
	r4 = -1;					\
	r5 = 0;						\
	call %[bpf_sk_lookup_tcp];			\
	r6 = *(u32 *)(r0 + 4);				\
	r1 = r0;					\
	call %[bpf_sk_release];				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_sk_lookup_tcp), __imm(bpf_sk_release) : __clobbers);
}

SEC("tc") __reject("R6 invalid mem access 'scalar'")
__naked int socket_read_after_release(void)
{
	asm volatile("					\
	r2 = 0;						\
	*(u64 *)(r10 - 8) = r2;				\
	*(u64 *)(r10 - 16) = r2;			\
	r2 = r10;					\
	r2 += -16;					\
	r3 = 12;					\
	r4 = -1;					\
	r5 = 0;						\
	call %[bpf_sk_lookup_tcp];			\
	if r0 == 0 goto 9f;				\
	r6 = r0;					\
	r1 = r0;					\
	call %[bpf_sk_release];				\
	r0 = *(u32 *)(r6 + 4);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_sk_lookup_tcp), __imm(bpf_sk_release) : __clobbers);
}
