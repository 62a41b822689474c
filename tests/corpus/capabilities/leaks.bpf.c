/* Where addresses may go, which without CAP_PERFMON is nowhere. */
// clang: -mcpu=v4
#include "corpus.h"
#include "modes.h"

GPL;
struct block { char bytes[64]; };
MAP(ARRAY, blocks, u32, struct block, 1);
MAP(HASH, addresses, u64, u64, 4);
MAP(HASH, numbers, u32, u64, 4);
RINGBUF(ring, 4096);

#define LOOKUP						\
	"*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[blocks] ll;				\
	call %[bpf_map_lookup_elem];			\
	if r0 == 0 goto 9f;"

SEC("socket") __accept __reject_bpf("R10 leaks addr into map")
__naked int stored_into_a_map_value(void)
{
	asm volatile(LOOKUP "				\
	*(u64 *)(r0 + 0) = r10;				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int number_stored_into_a_map_value(void)
{
	asm volatile(LOOKUP "				\
	r1 = 7;						\
	*(u64 *)(r0 + 0) = r1;				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

/* The lower half of an address is one. */
SEC("socket") __accept __reject_bpf("R10 leaks addr into map")
__naked int half_stored_into_a_map_value(void)
{
	asm volatile(LOOKUP "				\
	*(u32 *)(r0 + 0) = r10;				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R1 leaks addr into ctx")
__naked int stored_into_the_context(void)
{
	asm volatile("					\
	*(u32 *)(r1 + 48) = r1;				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int number_stored_into_the_context(void)
{
	asm volatile("					\
	r2 = 5;						\
	*(u32 *)(r1 + 48) = r2;				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __accept __reject_bpf("R1 leaks addr into packet")
__naked int stored_into_the_packet(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 76);				\
	r3 = *(u32 *)(r1 + 80);				\
	r4 = r2;					\
	r4 += 14;					\
	if r4 > r3 goto 9f;				\
	*(u64 *)(r2 + 0) = r1;				\
9:	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __accept __accept_bpf
__naked int number_stored_into_the_packet(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 76);				\
	r3 = *(u32 *)(r1 + 80);				\
	r4 = r2;					\
	r4 += 14;					\
	if r4 > r3 goto 9f;				\
	r5 = 1;						\
	*(u64 *)(r2 + 0) = r5;				\
9:	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R10 leaks addr into mem")
__naked int stored_into_a_record(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	call %[bpf_ringbuf_reserve];			\
	if r0 == 0 goto 9f;				\
	*(u64 *)(r0 + 0) = r10;				\
	r1 = r0;					\
	r2 = 0;						\
	call %[bpf_ringbuf_submit];			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_ringbuf_reserve), __imm(bpf_ringbuf_submit), __imm_addr(ring) : __clobbers);
}

SEC("flow_dissector") __accept __reject_bpf("R1 leaks addr into flow keys")
__naked int stored_into_flow_keys(void)
{
	asm volatile("					\
	r2 = *(u64 *)(r1 + 144);			\
	*(u32 *)(r2 + 16) = r1;				\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

/* Spilling is no leak: the frame is nobody else's. */
SEC("socket") __accept __accept_bpf
__naked int spilled_and_filled(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = r1;				\
	r1 = *(u64 *)(r10 - 8);				\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R10 leaks addr into mem")
__naked int added_to_a_map_value(void)
{
	asm volatile(LOOKUP "				\
	lock *(u64 *)(r0 + 0) += r10;			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R1 leaks addr into mem")
__naked int exchanged_for_a_map_value(void)
{
	asm volatile(LOOKUP "				\
	r1 = r10;					\
	r1 = xchg_64(r0 + 0, r1);			\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

/* An operation on a spilled pointer gives it away. */
SEC("socket") __accept __reject_bpf("leaking pointer from stack off -8")
__naked int number_added_to_a_spilled_pointer(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = r1;				\
	r2 = 1;						\
	lock *(u64 *)(r10 - 8) += r2;			\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int number_added_to_a_spilled_number(void)
{
	asm volatile("					\
	r2 = 1;						\
	*(u64 *)(r10 - 8) = r2;				\
	lock *(u64 *)(r10 - 8) += r2;			\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

/* A helper that reads the stack finds no spilled pointers in it. */
SEC("socket") __accept __reject_bpf("invalid read from stack R3 off -16+0 size 8")
__naked int spilled_pointer_put_into_a_map(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	*(u64 *)(r10 - 16) = r1;			\
	r1 = %[addresses] ll;				\
	r2 = r10;					\
	r2 += -8;					\
	r3 = r10;					\
	r3 += -16;					\
	r4 = 0;						\
	call %[bpf_map_update_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_update_elem), __imm_addr(addresses) : __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int spilled_number_put_into_a_map(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	*(u64 *)(r10 - 8) = 1;				\
	*(u64 *)(r10 - 16) = r6;			\
	r1 = %[addresses] ll;				\
	r2 = r10;					\
	r2 += -8;					\
	r3 = r10;					\
	r3 += -16;					\
	r4 = 0;						\
	call %[bpf_map_update_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_update_elem), __imm_addr(addresses) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R4 leaks addr into helper function")
__naked int passed_as_a_number(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 1;				\
	*(u64 *)(r10 - 16) = 2;				\
	r1 = %[addresses] ll;				\
	r2 = r10;					\
	r2 += -8;					\
	r3 = r10;					\
	r3 += -16;					\
	r4 = r10;					\
	call %[bpf_map_update_elem];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_update_elem), __imm_addr(addresses) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R0 leaks addr as return value")
__naked int returned(void)
{
	asm volatile("					\
	r0 = r1;					\
	exit;						\
"	::: __clobbers);
}

static __naked __attribute__((used)) int gives_its_argument_back(void)
{
	asm volatile("					\
	r0 = r1;					\
	exit;						\
"	::: __clobbers);
}

/* Between functions of a program, addresses are not seen by others. */
SEC("socket") __accept __accept_bpf
__naked int returned_by_a_function(void)
{
	asm volatile("					\
	call gives_its_argument_back;			\
	r0 = *(u32 *)(r0 + 0);				\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R10 partial copy of pointer")
__naked int lower_half_copied(void)
{
	asm volatile("					\
	w2 = w10;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R1 sign-extension part of pointer")
__naked int byte_copied_with_sign(void)
{
	asm volatile("					\
	r2 = (s8)r1;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R1 partial copy of pointer")
__naked int byte_copied_into_a_half_with_sign(void)
{
	asm volatile("					\
	w2 = (s8)w1;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __accept_bpf
__naked int number_copied_in_parts(void)
{
	asm volatile("					\
	r1 = *(u32 *)(r1 + 0);				\
	w2 = w1;					\
	r2 = (s8)r1;					\
	w2 = (s8)w1;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R1 pointer arithmetic prohibited")
__naked int negated(void)
{
	asm volatile("					\
	r1 = -r1;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R1 pointer arithmetic prohibited")
__naked int swapped(void)
{
	asm volatile("					\
	r1 = be64 r1;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R2 pointer -= pointer prohibited")
__naked int subtracted_from_another(void)
{
	asm volatile("					\
	r2 = r10;					\
	r2 -= r1;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

/* The distance of two places in a packet is as secret as any. */
SEC("tc") __accept __reject_bpf("R3 pointer -= pointer prohibited")
__naked int length_of_the_packet(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 76);				\
	r3 = *(u32 *)(r1 + 80);				\
	r3 -= r2;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R2 32-bit pointer arithmetic prohibited")
__naked int lower_half_subtracted_from(void)
{
	asm volatile("					\
	r2 = r10;					\
	w2 -= 1;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R1 pointer comparison prohibited")
__naked int compared_with_a_number(void)
{
	asm volatile("					\
	r0 = 0;						\
	if r1 == 5 goto 1f;				\
	r0 = 1;						\
1:	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R10 pointer comparison prohibited")
__naked int compared_with_another(void)
{
	asm volatile("					\
	r0 = 0;						\
	if r1 > r10 goto 1f;				\
	r0 = 1;						\
1:	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R1 pointer comparison prohibited")
__naked int bits_tested(void)
{
	asm volatile("					\
	r0 = 0;						\
	if r1 & 8 goto 1f;				\
	r0 = 1;						\
1:	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R1 pointer comparison prohibited")
__naked int context_compared_with_null(void)
{
	asm volatile("					\
	r0 = 0;						\
	if r1 == 0 goto 1f;				\
	r0 = *(u32 *)(r1 + 0);				\
1:	exit;						\
"	::: __clobbers);
}

/* The value of an array at a known index is never NULL, which nobody learns by asking. */
SEC("socket") __accept __accept_bpf
__naked int value_compared_with_null(void)
{
	asm volatile(LOOKUP "				\
	if r0 != 0 goto 9f;				\
	r1 = 0;						\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(blocks) : __clobbers);
}

SEC("socket") __accept __reject_bpf("R1 pointer comparison prohibited")
__naked int less_than_null(void)
{
	asm volatile("					\
	r0 = 0;						\
	if r1 s< 0 goto 1f;				\
	r0 = 1;						\
1:	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept __reject_bpf("R0 pointer comparison prohibited")
__naked int lower_half_compared_with_null(void)
{
	asm volatile("					\
	*(u32 *)(r10 - 4) = 0;				\
	r2 = r10;					\
	r2 += -4;					\
	r1 = %[numbers] ll;				\
	call %[bpf_map_lookup_elem];			\
	if w0 == 0 goto 9f;				\
	r1 = 0;						\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_map_lookup_elem), __imm_addr(numbers) : __clobbers);
}

/* Ends of packets are for being compared. */
SEC("tc") __accept __accept_bpf
__naked int places_in_a_packet_compared(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 76);				\
	r3 = *(u32 *)(r1 + 80);				\
	r4 = *(u32 *)(r1 + 140);			\
	r0 = 0;						\
	if r2 > r3 goto 1f;				\
	r5 = r4;					\
	r5 += 4;					\
	if r5 > r2 goto 1f;				\
	r0 = *(u8 *)(r4 + 0);				\
1:	exit;						\
"	::: __clobbers);
}

SEC("tc") __accept __reject_bpf("R2 pointer comparison prohibited")
__naked int places_in_a_packet_tested_for_equality(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 76);				\
	r3 = *(u32 *)(r1 + 80);				\
	r0 = 0;						\
	if r2 == r3 goto 1f;				\
	r0 = 1;						\
1:	exit;						\
"	::: __clobbers);
}

/* Structures of the kernel hold addresses. */
SEC("socket") __accept __reject_bpf("'struct bpf_ringbuf_map' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN")
__naked int map_read_as_a_structure(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r0 = *(u32 *)(r1 + %[max_entries]);		\
	exit;						\
"	:: __imm_addr(ring), __imm_const(max_entries, offsetof(struct bpf_map, max_entries)) : __clobbers);
}

SEC("tc") __accept __reject_bpf("'struct sk_buff' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN")
int packet_read_as_a_structure(struct __sk_buff *skb)
{
	struct sk_buff *kernel = bpf_cast_to_kern_ctx(skb);

	return kernel->len;
}

SEC("tc") __accept __accept_bpf
int packet_cast_and_not_read(struct __sk_buff *skb)
{
	return bpf_cast_to_kern_ctx(skb) ? 0 : 1;
}

/* What is known of a socket goes through the kernel's own copy of its fields. */
SEC("tc") __accept __accept_bpf
int socket_read_by_its_fields(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	return sk ? sk->family : 0;
}

/* Nothing remains of a pointer that has become invalid. */
SEC("tc") __reject("R6 invalid mem access 'scalar'") __reject_bpf("R6 !read_ok")
__naked int packet_pointer_after_a_change(void)
{
	asm volatile("					\
	r7 = r1;					\
	r6 = *(u32 *)(r1 + 76);				\
	r2 = *(u32 *)(r1 + 80);				\
	r3 = r6;					\
	r3 += 14;					\
	if r3 > r2 goto 9f;				\
	r2 = 0;						\
	call %[bpf_skb_pull_data];			\
	r0 = *(u8 *)(r6 + 0);				\
9:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_skb_pull_data) : __clobbers);
}

SEC("tc") __accept __reject_bpf("R6 !read_ok")
__naked int packet_pointer_copied_after_a_change(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 76);				\
	r2 = 0;						\
	call %[bpf_skb_pull_data];			\
	r1 = r6;					\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_skb_pull_data) : __clobbers);
}
