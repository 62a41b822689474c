/* Accesses to the context: fields, sizes, offsets. */
#include "corpus.h"

GPL;

SEC("tc") __accept
__naked int whole_field(void)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 + %[mark]);			\
	exit;						\
"	:: __imm_const(mark, offsetof(struct __sk_buff, mark)) : __clobbers);
}

SEC("tc") __accept
__naked int lowest_byte_of_a_field(void)
{
	asm volatile("					\
	r0 = *(u8 *)(r1 + %[mark]);			\
	exit;						\
"	:: __imm_const(mark, offsetof(struct __sk_buff, mark)) : __clobbers);
}

SEC("tc") __accept
__naked int upper_half_of_a_field(void)
{
	asm volatile("					\
	r0 = *(u16 *)(r1 + %[mark] + 2);		\
	exit;						\
"	:: __imm_const(mark, offsetof(struct __sk_buff, mark)) : __clobbers);
}

SEC("tc") __reject("invalid bpf_context access off=9 size=2")
__naked int half_across_bytes_of_a_field(void)
{
	asm volatile("					\
	r0 = *(u16 *)(r1 + %[mark] + 1);		\
	exit;						\
"	:: __imm_const(mark, offsetof(struct __sk_buff, mark)) : __clobbers);
}

SEC("tc") __reject("invalid bpf_context access off=8 size=8")
__naked int two_fields_at_once(void)
{
	asm volatile("					\
	r0 = *(u64 *)(r1 + %[mark]);			\
	exit;						\
"	:: __imm_const(mark, offsetof(struct __sk_buff, mark)) : __clobbers);
}

SEC("tc") __reject("invalid bpf_context access off=192 size=4")
__naked int behind_the_context(void)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 + 192);			\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __reject("invalid bpf_context access off=-4 size=4")
__naked int before_the_context(void)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 - 4);				\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __accept
__naked int two_control_words_at_once(void)
{
	asm volatile("					\
	r0 = *(u64 *)(r1 + %[cb0]);			\
	exit;						\
"	:: __imm_const(cb0, offsetof(struct __sk_buff, cb[0])) : __clobbers);
}

SEC("tc") __reject("invalid bpf_context access off=52 size=8")
__naked int two_control_words_not_aligned(void)
{
	asm volatile("					\
	r0 = *(u64 *)(r1 + %[cb1]);			\
	exit;						\
"	:: __imm_const(cb1, offsetof(struct __sk_buff, cb[1])) : __clobbers);
}

SEC("tc") __accept
__naked int store_of_the_mark(void)
{
	asm volatile("					\
	r0 = 7;						\
	*(u32 *)(r1 + %[mark]) = r0;			\
	exit;						\
"	:: __imm_const(mark, offsetof(struct __sk_buff, mark)) : __clobbers);
}

SEC("tc") __accept
__naked int store_of_a_constant(void)
{
	asm volatile("					\
	*(u32 *)(r1 + %[mark]) = 7;			\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(mark, offsetof(struct __sk_buff, mark)) : __clobbers);
}

SEC("tc") __reject("invalid bpf_context access off=8 size=2")
__naked int store_of_half_the_mark(void)
{
	asm volatile("					\
	*(u16 *)(r1 + %[mark]) = 7;			\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(mark, offsetof(struct __sk_buff, mark)) : __clobbers);
}

SEC("tc") __reject("invalid bpf_context access off=0 size=4")
__naked int store_of_the_length(void)
{
	asm volatile("					\
	*(u32 *)(r1 + %[len]) = 7;			\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(len, offsetof(struct __sk_buff, len)) : __clobbers);
}

SEC("socket") __reject("invalid bpf_context access off=76 size=4")
__naked int packet_pointer_for_a_socket_filter(void)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 + %[data]);			\
	exit;						\
"	:: __imm_const(data, offsetof(struct __sk_buff, data)) : __clobbers);
}

SEC("tc") __reject("invalid bpf_context access off=76 size=2")
__naked int half_of_a_packet_pointer(void)
{
	asm volatile("					\
	r0 = *(u16 *)(r1 + %[data]);			\
	exit;						\
"	:: __imm_const(data, offsetof(struct __sk_buff, data)) : __clobbers);
}

SEC("xdp") __accept
__naked int queue_of_a_driver(void)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 + %[rx_queue_index]);		\
	exit;						\
"	:: __imm_const(rx_queue_index, offsetof(struct xdp_md, rx_queue_index)) : __clobbers);
}

SEC("xdp") __reject("invalid bpf_context access off=16 size=4")
__naked int store_of_the_queue_of_a_driver(void)
{
	asm volatile("					\
	*(u32 *)(r1 + %[rx_queue_index]) = 0;		\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(rx_queue_index, offsetof(struct xdp_md, rx_queue_index)) : __clobbers);
}

SEC("tc") __reject("dereference of modified ctx ptr R1 off=8 disallowed")
__naked int pointer_moved(void)
{
	asm volatile("					\
	r1 += 8;					\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __accept
__naked int pointer_moved_forth_and_back(void)
{
	asm volatile("					\
	r1 += 8;					\
	r1 += -8;					\
	r0 = *(u32 *)(r1 + 8);				\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __reject("variable ctx access var_off=")
__naked int pointer_moved_by_an_unknown(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 0);				\
	r2 &= 4;					\
	r1 += r2;					\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __reject("dereference of modified ctx ptr R1 off=8 disallowed")
__naked int pointer_moved_and_passed_to_a_helper(void)
{
	asm volatile("					\
	r1 += 8;					\
	r2 = 14;					\
	call %[bpf_skb_pull_data];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_skb_pull_data) : __clobbers);
}
