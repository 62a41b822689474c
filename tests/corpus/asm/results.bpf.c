/* What programs of each type may return. */
#include "corpus.h"

GPL;

SEC("socket") __accept
__naked int socket_filter_with_any_number(void)
{
	asm volatile("					\
	r0 = 4096;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int socket_filter_with_an_unknown_number(void)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("tc") __accept
__naked int classifier_with_any_number(void)
{
	asm volatile("					\
	r0 = -1;					\
	exit;						\
"	:: : __clobbers);
}

SEC("xdp") __accept
__naked int driver_with_any_number(void)
{
	asm volatile("					\
	r0 = 77;					\
	exit;						\
"	:: : __clobbers);
}

SEC("cgroup_skb/ingress") __accept
__naked int cgroup_filter_that_passes(void)
{
	asm volatile("					\
	r0 = 1;						\
	exit;						\
"	:: : __clobbers);
}

SEC("cgroup_skb/ingress") __accept
__naked int cgroup_filter_with_one_bit(void)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 + 0);				\
	r0 &= 1;					\
	exit;						\
"	:: : __clobbers);
}

SEC("cgroup_skb/ingress") __reject("At program exit the register R0 has smin=2 smax=2 should have been in [0, 1]")
__naked int cgroup_filter_with_two(void)
{
	asm volatile("					\
	r0 = 2;						\
	exit;						\
"	:: : __clobbers);
}

SEC("cgroup_skb/ingress") __reject("should have been in [0, 1]")
__naked int cgroup_filter_with_an_unknown_number(void)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	:: : __clobbers);
}

/* Two bits here: the second one is a notice of congestion. */
SEC("cgroup_skb/egress") __accept
__naked int cgroup_filter_of_what_leaves_with_three(void)
{
	asm volatile("					\
	r0 = 3;						\
	exit;						\
"	:: : __clobbers);
}

SEC("cgroup_skb/egress") __reject("At program exit the register R0 has smin=4 smax=4 should have been in [0, 3]")
__naked int cgroup_filter_of_what_leaves_with_four(void)
{
	asm volatile("					\
	r0 = 4;						\
	exit;						\
"	:: : __clobbers);
}

SEC("cgroup_skb/ingress") __reject("At program exit the register R0 is not a known value (ctx)")
__naked int cgroup_filter_with_a_pointer(void)
{
	asm volatile("					\
	r0 = r1;					\
	exit;						\
"	:: : __clobbers);
}

SEC("sk_lookup") __accept
__naked int socket_lookup_that_passes(void)
{
	asm volatile("					\
	r0 = 1;						\
	exit;						\
"	:: : __clobbers);
}

SEC("sk_lookup") __reject("At program exit the register R0 has smin=2 smax=2 should have been in [0, 1]")
__naked int socket_lookup_with_two(void)
{
	asm volatile("					\
	r0 = 2;						\
	exit;						\
"	:: : __clobbers);
}

SEC("raw_tp") __accept
__naked int raw_tracepoint_with_any_number(void)
{
	asm volatile("					\
	r0 = 5;						\
	exit;						\
"	:: : __clobbers);
}

/* Allowed to who may see addresses. */
SEC("socket") __accept
__naked int socket_filter_with_a_pointer(void)
{
	asm volatile("					\
	r0 = r1;					\
	exit;						\
"	:: : __clobbers);
}

SEC("cgroup_skb/ingress") __accept
__naked int bounds_on_both_sides_of_a_branch(void)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 + 0);				\
	if r0 < 2 goto 1f;				\
	r0 = 0;						\
1:							\
	exit;						\
"	:: : __clobbers);
}
