/* The stack slots a dynptr lives in: only helpers may look at them, a store destroys it. */
#include "corpus.h"

GPL;
MAP(HASH, hash, u64, struct { u64 words[2]; }, 4);
RINGBUF(ring, 4096);

SEC("tc") __reject("invalid read from stack off -16+0 size 4")
__naked int load_from_live_dynptr(void)
{
	asm volatile("					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -16;					\
	call %[bpf_dynptr_from_skb];			\
	r0 = *(u32 *)(r10 - 16);			\
	exit;						\
"	:: __imm(bpf_dynptr_from_skb) : __clobbers);
}

SEC("tc") __reject("invalid read from stack off -8+0 size 8")
__naked int load_from_second_slot(void)
{
	asm volatile("					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -16;					\
	call %[bpf_dynptr_from_skb];			\
	r0 = *(u64 *)(r10 - 8);				\
	exit;						\
"	:: __imm(bpf_dynptr_from_skb) : __clobbers);
}

SEC("tc") __accept
__naked int load_beside_live_dynptr(void)
{
	asm volatile("					\
	r2 = 0;						\
	*(u64 *)(r10 - 24) = r2;			\
	r3 = r10;					\
	r3 += -16;					\
	call %[bpf_dynptr_from_skb];			\
	r0 = *(u64 *)(r10 - 24);			\
	exit;						\
"	:: __imm(bpf_dynptr_from_skb) : __clobbers);
}

SEC("tc") __reject("invalid read from stack R2 var_off (0x0; 0x3f)+")
__naked int variable_load_may_hit_dynptr(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + %[mark]);			\
	r6 &= 63;					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -16;					\
	call %[bpf_dynptr_from_skb];			\
	r2 = r10;					\
	r2 += -80;					\
	r2 += r6;					\
	r0 = *(u8 *)(r2 + 16);				\
	exit;						\
"	:: __imm(bpf_dynptr_from_skb), __imm_const(mark, offsetof(struct __sk_buff, mark)) : __clobbers);
}

SEC("tc") __reject("invalid read from stack R3 off -16+0 size 16")
int helper_reads_dynptr(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	u64 key = 0;

	bpf_dynptr_from_skb(skb, 0, &d);
	return bpf_map_update_elem(&hash, &key, &d, 0);
}

SEC("tc") __reject("potential write to dynptr at off=-16 disallowed")
int helper_writes_dynptr(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_skb_load_bytes(skb, 0, &d, sizeof(d));
	return bpf_dynptr_size(&d);
}

SEC("tc") __accept
int helper_writes_slots_before_construction(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_skb_load_bytes(skb, 0, &d, sizeof(d));
	bpf_dynptr_from_skb(skb, 0, &d);
	return bpf_dynptr_size(&d);
}

SEC("tc") __reject("Expected an initialized dynptr as arg #0")
int store_destroys(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	*(volatile u8 *)&d = 0;
	return bpf_dynptr_size(&d);
}

SEC("tc") __reject("Expected an initialized dynptr as arg #0")
int store_to_second_slot_destroys(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	*((volatile u8 *)&d + 15) = 0;
	return bpf_dynptr_size(&d);
}

SEC("tc") __accept
int store_then_no_more_use(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	*(volatile u64 *)&d = 1;
	return *(volatile u64 *)&d;
}

SEC("tc") __reject("Expected an initialized dynptr as arg #0")
__naked int variable_store_destroys(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + %[mark]);			\
	r6 &= 15;					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -16;					\
	call %[bpf_dynptr_from_skb];			\
	r2 = r10;					\
	r2 += -24;					\
	r2 += r6;					\
	r1 = 0;						\
	*(u8 *)(r2 + 0) = r1;				\
	r1 = r10;					\
	r1 += -16;					\
	call %[bpf_dynptr_size];			\
	exit;						\
"	:: __imm(bpf_dynptr_from_skb), __imm(bpf_dynptr_size),
	   __imm_const(mark, offsetof(struct __sk_buff, mark)) : __clobbers);
}

SEC("tc") __reject("cannot overwrite referenced dynptr")
__naked int variable_store_may_hit_reference(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + %[mark]);			\
	r6 &= 15;					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	r4 = r10;					\
	r4 += -16;					\
	call %[bpf_ringbuf_reserve_dynptr];		\
	r2 = r10;					\
	r2 += -24;					\
	r2 += r6;					\
	r1 = 0;						\
	*(u8 *)(r2 + 0) = r1;				\
	r1 = r10;					\
	r1 += -16;					\
	r2 = 0;						\
	call %[bpf_ringbuf_discard_dynptr];		\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_ringbuf_reserve_dynptr), __imm(bpf_ringbuf_discard_dynptr), __imm_addr(ring),
	   __imm_const(mark, offsetof(struct __sk_buff, mark)) : __clobbers);
}

SEC("tc") __reject("Expected an initialized dynptr as arg #0")
__naked int overlapping_constructor_destroys_the_first(void)
{
	asm volatile("					\
	r6 = r1;					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -24;					\
	call %[bpf_dynptr_from_skb];			\
	r1 = r6;					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -16;					\
	call %[bpf_dynptr_from_skb];			\
	r1 = r10;					\
	r1 += -24;					\
	call %[bpf_dynptr_size];			\
	exit;						\
"	:: __imm(bpf_dynptr_from_skb), __imm(bpf_dynptr_size) : __clobbers);
}

SEC("tc") __accept
__naked int overlapping_constructor_makes_the_second(void)
{
	asm volatile("					\
	r6 = r1;					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -24;					\
	call %[bpf_dynptr_from_skb];			\
	r1 = r6;					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -16;					\
	call %[bpf_dynptr_from_skb];			\
	r1 = r10;					\
	r1 += -16;					\
	call %[bpf_dynptr_size];			\
	exit;						\
"	:: __imm(bpf_dynptr_from_skb), __imm(bpf_dynptr_size) : __clobbers);
}

SEC("tc") __reject("cannot overwrite referenced dynptr")
__naked int overlapping_constructor_over_reference(void)
{
	asm volatile("					\
	r6 = r1;					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	r4 = r10;					\
	r4 += -24;					\
	call %[bpf_ringbuf_reserve_dynptr];		\
	r1 = r6;					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -16;					\
	call %[bpf_dynptr_from_skb];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_ringbuf_reserve_dynptr), __imm(bpf_dynptr_from_skb), __imm_addr(ring) : __clobbers);
}

SEC("tc") __accept
__naked int load_after_release(void)
{
	asm volatile("					\
	r1 = %[ring] ll;				\
	r2 = 8;						\
	r3 = 0;						\
	r4 = r10;					\
	r4 += -16;					\
	call %[bpf_ringbuf_reserve_dynptr];		\
	r1 = r10;					\
	r1 += -16;					\
	r2 = 0;						\
	call %[bpf_ringbuf_discard_dynptr];		\
	r0 = *(u64 *)(r10 - 16);			\
	exit;						\
"	:: __imm(bpf_ringbuf_reserve_dynptr), __imm(bpf_ringbuf_discard_dynptr), __imm_addr(ring) : __clobbers);
}
