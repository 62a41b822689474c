/* Atomic instructions, stores of constants and loads with signs, in each kind of memory. */
// clang: -mcpu=v4
#include "corpus.h"

GPL;
char globals[64];
const char constants[64] = { 1 };
RINGBUF(ring, 4096);
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__type(key, u32);
	__type(value, u64);
} read_only SEC(".maps");

/* r6 = the context, r1 = the beginning of a packet of which 64 bytes are there, r2 = 1 */
#define PACKET								\
	"r6 = r1;"							\
	"r2 = *(u32 *)(r1 + 80);"					\
	"r1 = *(u32 *)(r1 + 76);"					\
	"r0 = 0;"							\
	"r3 = r1;"							\
	"r3 += 64;"							\
	"if r3 > r2 goto 9f;"						\
	"r2 = 1;"
#define LEAVE "9: r0 = 0; exit;"

#define IN_A_PACKET(name, statement)					\
	__naked int name(void)						\
	{								\
		asm volatile(PACKET statement LEAVE ::: __clobbers);	\
	}

SEC("tc") __reject("BPF_ATOMIC stores into R1 pkt is not allowed")
IN_A_PACKET(added_in_a_packet, "lock *(u64 *)(r1 + 0) += r2;")
SEC("tc") __reject("BPF_ATOMIC")
IN_A_PACKET(fetched_in_a_packet, "r2 = atomic_fetch_add((u64 *)(r1 + 0), r2);")
SEC("tc") __reject("BPF_ATOMIC")
IN_A_PACKET(exchanged_in_a_packet, "r2 = xchg_64(r1 + 0, r2);")
SEC("tc") __accept
IN_A_PACKET(constant_stored_in_a_packet, "*(u64 *)(r1 + 8) = 7; *(u8 *)(r1 + 63) = 1;")
SEC("tc") __reject("invalid access to packet, off=60 size=8, R1")
IN_A_PACKET(constant_stored_across_the_end_of_a_packet, "*(u64 *)(r1 + 60) = 7;")
SEC("tc") __accept
IN_A_PACKET(signed_loads_in_a_packet, "r2 = *(s8 *)(r1 + 1); r3 = *(s16 *)(r1 + 2); r4 = *(s32 *)(r1 + 60);")

SEC("tc") __reject("BPF_ATOMIC stores into R1 ctx is not allowed")
__naked int added_in_the_context(void)
{
	asm volatile("					\
	r2 = 1;						\
	lock *(u32 *)(r1 + 8) += w2;			\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("flow_dissector") __reject("BPF_ATOMIC stores into R1 flow_keys is not allowed")
__naked int added_in_keys_of_a_flow(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r1 + 144);			\
	r2 = 1;						\
	lock *(u32 *)(r1 + 0) += w2;			\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("flow_dissector") __accept
__naked int keys_of_a_flow(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r1 + 144);			\
	*(u16 *)(r1 + 0) = 14;				\
	*(u64 *)(r1 + 0) = 14;				\
	r0 = *(s16 *)(r1 + 2);				\
	r0 = *(u32 *)(r1 + 52);				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("flow_dissector") __reject("invalid access to flow keys off=53 size=4")
__naked int keys_of_a_flow_across_the_end(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r1 + 144);			\
	r0 = *(u32 *)(r1 + 53);				\
	exit;						\
"	::: __clobbers);
}

SEC("flow_dissector") __reject("R1")
__naked int keys_of_a_flow_at_an_unknown_offset(void)
{
	asm volatile("					\
	r6 = r1;					\
	call %[bpf_get_prandom_u32];			\
	r0 &= 4;					\
	r1 = *(u64 *)(r6 + 144);			\
	r1 += r0;					\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	:: __imm(bpf_get_prandom_u32) : __clobbers);
}

SEC("flow_dissector") __reject("invalid access to flow keys off=-4 size=4")
__naked int keys_of_a_flow_before(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r1 + 144);			\
	r0 = *(u32 *)(r1 - 4);				\
	exit;						\
"	::: __clobbers);
}

SEC("flow_dissector") __accept
__naked int pointer_stored_into_keys_of_a_flow(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r1 + 144);			\
	*(u64 *)(r1 + 0) = r10;				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("BPF_ATOMIC stores into R1 sock_common is not allowed")
__naked int added_in_a_socket(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r1 + 168);			\
	r0 = 0;						\
	if r1 == 0 goto 1f;				\
	r2 = 1;						\
	lock *(u32 *)(r1 + 0) += w2;			\
1:	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("cannot write into sock_common")
__naked int constant_stored_in_a_socket(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r1 + 168);			\
	r0 = 0;						\
	if r1 == 0 goto 1f;				\
	*(u32 *)(r1 + 0) = 1;				\
1:	exit;						\
"	::: __clobbers);
}

SEC("tc") __accept
__naked int signed_load_in_a_socket(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r1 + 168);			\
	r0 = 0;						\
	if r1 == 0 goto 1f;				\
	r0 = *(s16 *)(r1 + 4);				\
1:	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("write into map forbidden")
__naked int added_in_a_constant(void)
{
	asm volatile("					\
	r1 = %[constants] ll;				\
	r2 = 1;						\
	lock *(u64 *)(r1 + 0) += r2;			\
	r0 = 0;						\
	exit;						\
"	:: __imm_addr(constants) : __clobbers);
}

SEC("tc") __accept
__naked int loads_of_a_constant(void)
{
	asm volatile("					\
	r1 = %[constants] ll;				\
	r0 = *(u8 *)(r1 + 0);				\
	if r0 != 1 goto 1f;				\
	r0 = *(s8 *)(r1 + 0);				\
	if r0 != 1 goto 1f;				\
	r0 = *(u64 *)(r1 + 0);				\
	if r0 != 1 goto 1f;				\
	r0 = *(s32 *)(r1 + 4);				\
	if r0 != 0 goto 1f;				\
	exit;						\
1:	r0 = *(u8 *)(r10 + 100);			\
	exit;						\
"	:: __imm_addr(constants) : __clobbers);
}

SEC("tc") __accept
__naked int acquiring_load_of_a_constant(void)
{
	asm volatile("					\
	r1 = %[constants] ll;				\
	.8byte %[load_acquire];				\
	r0 = 0;						\
	exit;						\
"	:: __imm_addr(constants), __imm_const(load_acquire, 0x00000100000010dbULL) : __clobbers);
}

SEC("tc") __accept
__naked int record_of_a_ring(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 16;					\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 1f;				\
	*(u64 *)(r0 + 0) = 0;				\
	r2 = 1;						\
	lock *(u64 *)(r0 + 0) += r2;			\
	w2 = atomic_fetch_or((u32 *)(r0 + 8), w2);	\
	r3 = *(s8 *)(r0 + 15);				\
	r1 = r0;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
1:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve), __imm(bpf_ringbuf_submit) : __clobbers);
}

SEC("tc") __reject("invalid access to memory, mem_size=16 off=16 size=4")
__naked int behind_a_record_of_a_ring(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 16;					\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 1f;				\
	r2 = 1;						\
	lock *(u32 *)(r0 + 16) += w2;			\
	r1 = r0;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
1:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(ring), __imm(bpf_ringbuf_reserve), __imm(bpf_ringbuf_submit) : __clobbers);
}

SEC("tp_btf/task_newtask") __reject("only read is supported")
__naked int added_in_a_task(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r1 + 0);				\
	r2 = 1;						\
	lock *(u32 *)(r1 + 0) += w2;			\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("tp_btf/task_newtask") __reject("only read is supported")
__naked int constant_stored_in_a_task(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r1 + 0);				\
	*(u32 *)(r1 + 40) = 1;				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("tp_btf/task_newtask") __accept
__naked int signed_load_in_a_task(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r1 + 0);				\
	r0 = *(s32 *)(r1 + 1264);			\
	r0 = *(s8 *)(r1 + 1264);			\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __accept
__naked int spilled_pointer_added_to(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = r1;				\
	r2 = 1;						\
	lock *(u64 *)(r10 - 8) += r2;			\
	r0 = *(u64 *)(r10 - 8);				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("R1 invalid mem access 'scalar'")
__naked int spilled_pointer_added_to_and_followed(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = r1;				\
	r2 = 0;						\
	lock *(u64 *)(r10 - 8) += r2;			\
	r1 = *(u64 *)(r10 - 8);				\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __accept
__naked int pointer_exchanged_with_the_stack(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 0;				\
	r1 = xchg_64(r10 - 8, r1);			\
	r0 = r1;					\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("R1 invalid mem access 'scalar'")
__naked int pointer_exchanged_with_the_stack_and_back(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 0;				\
	r1 = xchg_64(r10 - 8, r1);			\
	r1 = 0;						\
	r1 = xchg_64(r10 - 8, r1);			\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __accept
__naked int known_word_exchanged(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 5;				\
	r1 = 7;						\
	r1 = xchg_64(r10 - 8, r1);			\
	r2 = *(u64 *)(r10 - 8);				\
	r0 = 5;						\
	r3 = 9;						\
	r0 = cmpxchg_64(r10 - 8, r0, r3);		\
	r2 = *(u64 *)(r10 - 8);				\
	w1 = 3;						\
	w1 = atomic_fetch_xor((u32 *)(r10 - 8), w1);	\
	r2 = *(u64 *)(r10 - 8);				\
	w0 = 3;						\
	w0 = cmpxchg32_32(r10 - 4, w0, w3);		\
	r2 = *(u64 *)(r10 - 8);				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("!read_ok")
__naked int compared_with_a_register_never_written(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 5;				\
	r3 = 9;						\
	r0 = cmpxchg_64(r10 - 8, r0, r3);		\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __accept
__naked int pointer_compared_and_exchanged(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 5;				\
	r0 = r10;					\
	r3 = r1;					\
	r0 = cmpxchg_64(r10 - 8, r0, r3);		\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __accept
__naked int pointer_added_to_a_map_value(void)
{
	asm volatile("					\
	r2 = %[globals] ll;				\
	lock *(u64 *)(r2 + 0) += r1;			\
	r0 = 0;						\
	exit;						\
"	:: __imm_addr(globals) : __clobbers);
}
