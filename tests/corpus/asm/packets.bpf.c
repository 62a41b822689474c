/* Bounds of packets: which comparisons with the end help, and what they say. */
#include "corpus.h"

GPL;

/* r2 is the beginning of the packet, r3 its end. */
#define PACKET					\
	"r2 = *(u32 *)(r1 + %[data]);"		\
	"r3 = *(u32 *)(r1 + %[data_end]);"
#define OPERANDS				\
	__imm_const(data, offsetof(struct __sk_buff, data)),	\
	__imm_const(data_end, offsetof(struct __sk_buff, data_end))
#define XDP_OPERANDS				\
	__imm_const(data, offsetof(struct xdp_md, data)),	\
	__imm_const(data_end, offsetof(struct xdp_md, data_end)),	\
	__imm_const(data_meta, offsetof(struct xdp_md, data_meta))

SEC("tc") __reject("invalid access to packet, off=0 size=1, R2(id=")
__naked int behind_no_check(void)
{
	asm volatile(PACKET "				\
	r0 = *(u8 *)(r2 + 0);				\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __accept
__naked int last_byte_checked(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 14;					\
	if r4 > r3 goto 1f;				\
	r0 = *(u8 *)(r2 + 13);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __reject("invalid access to packet, off=14 size=1, R2(id=")
__naked int byte_behind_the_checked(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 14;					\
	if r4 > r3 goto 1f;				\
	r0 = *(u8 *)(r2 + 14);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __reject("invalid access to packet, off=12 size=4, R2(id=")
__naked int word_across_the_checked(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 14;					\
	if r4 > r3 goto 1f;				\
	r0 = *(u32 *)(r2 + 12);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __accept
__naked int end_less_than_pointer(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 14;					\
	if r3 < r4 goto 1f;				\
	r0 = *(u8 *)(r2 + 13);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __accept
__naked int pointer_not_above_end(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 14;					\
	if r4 <= r3 goto 2f;				\
	goto 1f;					\
2:							\
	r0 = *(u8 *)(r2 + 13);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __accept
__naked int end_not_below_pointer(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 14;					\
	if r3 >= r4 goto 2f;				\
	goto 1f;					\
2:							\
	r0 = *(u8 *)(r2 + 13);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

/* Strictly below: the byte at the pointer is inside too. */
SEC("tc") __accept
__naked int pointer_below_end(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 13;					\
	if r4 < r3 goto 2f;				\
	goto 1f;					\
2:							\
	r0 = *(u8 *)(r2 + 13);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __accept
__naked int pointer_not_below_end_is_left(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 13;					\
	if r4 >= r3 goto 1f;				\
	r0 = *(u8 *)(r2 + 13);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __accept
__naked int end_above_pointer(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 13;					\
	if r3 > r4 goto 2f;				\
	goto 1f;					\
2:							\
	r0 = *(u8 *)(r2 + 13);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __reject("invalid access to packet, off=13 size=1, R2(id=")
__naked int pointer_not_above_end_says_one_less(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 13;					\
	if r4 > r3 goto 1f;				\
	r0 = *(u8 *)(r2 + 13);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __reject("invalid access to packet, off=0 size=1, R2(id=")
__naked int in_the_wrong_branch(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 14;					\
	if r4 > r3 goto 1f;				\
	r0 = 0;						\
	exit;						\
1:	r0 = *(u8 *)(r2 + 0);				\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __reject("invalid access to packet, off=0 size=1, R2(id=")
__naked int equality_with_the_end_says_nothing(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 14;					\
	if r4 != r3 goto 1f;				\
	r0 = *(u8 *)(r2 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __reject("invalid access to packet, off=0 size=1, R2(id=")
__naked int length_instead_of_the_end(void)
{
	asm volatile(PACKET "				\
	r4 = *(u32 *)(r1 + 0);				\
	if r4 < 14 goto 1f;				\
	r0 = *(u8 *)(r2 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __reject("invalid access to packet, off=-1 size=1, R2(id=")
__naked int before_the_beginning(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 14;					\
	if r4 > r3 goto 1f;				\
	r0 = *(u8 *)(r2 - 1);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __accept
__naked int pointer_moved_forth_and_back(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 14;					\
	if r4 > r3 goto 1f;				\
	r4 -= 14;					\
	r0 = *(u8 *)(r4 + 13);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

/* What lies before a checked byte is checked with it. */
SEC("tc") __accept
__naked int pointer_moved_before_the_check_counts(void)
{
	asm volatile(PACKET "				\
	r2 += 14;					\
	r4 = r2;					\
	r4 += 4;					\
	if r4 > r3 goto 1f;				\
	r0 = *(u32 *)(r2 - 14);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __accept
__naked int variable_offset_checked_itself(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 1;					\
	if r4 > r3 goto 1f;				\
	r5 = *(u8 *)(r2 + 0);				\
	r5 &= 60;					\
	r2 += r5;					\
	r4 = r2;					\
	r4 += 4;					\
	if r4 > r3 goto 1f;				\
	r0 = *(u32 *)(r2 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __reject("invalid access to packet, off=0 size=1, R2(id=")
__naked int variable_offset_not_checked(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 1;					\
	if r4 > r3 goto 1f;				\
	r5 = *(u8 *)(r2 + 0);				\
	r2 += r5;					\
	r0 = *(u8 *)(r2 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

/* Equal sums are not known to be equal. */
SEC("tc") __reject("invalid access to packet, off=0 size=4, R4(id=")
__naked int variable_offset_checked_on_another_sum(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 1;					\
	if r4 > r3 goto 1f;				\
	r5 = *(u8 *)(r2 + 0);				\
	r5 &= 60;					\
	r4 = r2;					\
	r4 += r5;					\
	r2 += r5;					\
	r2 += 4;					\
	if r2 > r3 goto 1f;				\
	r0 = *(u32 *)(r4 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __reject("invalid access to packet, off=0 size=4, R2(id=")
__naked int variable_offset_beyond_64_kilobytes(void)
{
	asm volatile(PACKET "				\
	r5 = *(u32 *)(r1 + 0);				\
	r2 += r5;					\
	r4 = r2;					\
	r4 += 4;					\
	if r4 > r3 goto 1f;				\
	r0 = *(u32 *)(r2 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __accept
__naked int variable_offset_below_64_kilobytes(void)
{
	asm volatile(PACKET "				\
	r5 = *(u32 *)(r1 + 0);				\
	r5 &= 32767;					\
	r2 += r5;					\
	r4 = r2;					\
	r4 += 4;					\
	if r4 > r3 goto 1f;				\
	r0 = *(u32 *)(r2 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __reject("R2 min value is negative")
__naked int variable_offset_that_may_be_negative(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 1;					\
	if r4 > r3 goto 1f;				\
	r5 = *(u8 *)(r2 + 0);				\
	r5 += -8;					\
	r2 += r5;					\
	r4 = r2;					\
	r4 += 4;					\
	if r4 > r3 goto 1f;				\
	r0 = *(u32 *)(r2 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __reject("R3 pointer arithmetic on pkt_end prohibited")
__naked int end_moved(void)
{
	asm volatile(PACKET "				\
	r3 += -1;					\
	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __reject("R3 invalid mem access 'pkt_end'")
__naked int end_followed(void)
{
	asm volatile(PACKET "				\
	r0 = *(u8 *)(r3 - 1);				\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __accept
__naked int store_by_a_classifier(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 14;					\
	if r4 > r3 goto 1f;				\
	*(u8 *)(r2 + 0) = 0;				\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("cgroup_skb/ingress") __reject("cannot write into packet")
__naked int store_by_a_cgroup_filter(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 14;					\
	if r4 > r3 goto 1f;				\
	*(u8 *)(r2 + 0) = 0;				\
1:	r0 = 1;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __accept
__naked int not_aligned(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 14;					\
	if r4 > r3 goto 1f;				\
	r0 = *(u64 *)(r2 + 3);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS : __clobbers);
}

SEC("tc") __reject("R7 invalid mem access 'scalar'")
__naked int pointer_kept_across_a_call_that_may_move_the_packet(void)
{
	asm volatile(PACKET "				\
	r6 = r1;					\
	r7 = r2;					\
	r2 += 14;					\
	if r2 > r3 goto 1f;				\
	r1 = r6;					\
	r2 = 64;					\
	call %[bpf_skb_pull_data];			\
	r0 = *(u8 *)(r7 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS, __imm(bpf_skb_pull_data) : __clobbers);
}

SEC("tc") __accept
__naked int pointer_loaded_again_after_the_call(void)
{
	asm volatile("					\
	r6 = r1;					\
	r2 = 14;					\
	call %[bpf_skb_pull_data];			\
	r1 = r6;					\
	r2 = *(u32 *)(r1 + %[data]);			\
	r3 = *(u32 *)(r1 + %[data_end]);		\
	r4 = r2;					\
	r4 += 14;					\
	if r4 > r3 goto 1f;				\
	r0 = *(u8 *)(r2 + 13);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: OPERANDS, __imm(bpf_skb_pull_data) : __clobbers);
}

SEC("xdp") __accept
__naked int of_a_driver(void)
{
	asm volatile(PACKET "				\
	r4 = r2;					\
	r4 += 14;					\
	if r4 > r3 goto 1f;				\
	r0 = *(u8 *)(r2 + 13);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: XDP_OPERANDS : __clobbers);
}

SEC("xdp") __accept
__naked int metadata_of_a_driver(void)
{
	asm volatile(PACKET "				\
	r4 = *(u32 *)(r1 + %[data_meta]);		\
	r5 = r4;					\
	r5 += 4;					\
	if r5 > r2 goto 1f;				\
	r0 = *(u32 *)(r4 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: XDP_OPERANDS : __clobbers);
}

SEC("xdp") __reject("invalid access to packet, off=0 size=4, R4(id=")
__naked int metadata_compared_with_the_end(void)
{
	asm volatile(PACKET "				\
	r4 = *(u32 *)(r1 + %[data_meta]);		\
	r5 = r4;					\
	r5 += 4;					\
	if r5 > r3 goto 1f;				\
	r0 = *(u32 *)(r4 + 0);				\
	exit;						\
1:	r0 = 0;						\
	exit;						\
"	:: XDP_OPERANDS : __clobbers);
}
