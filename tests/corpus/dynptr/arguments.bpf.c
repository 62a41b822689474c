/* What may be passed where a helper or a kernel function takes a dynptr. */
#include "corpus.h"

GPL;
struct block { char bytes[512]; };
struct holder { struct bpf_dynptr dynptr; };
MAP(ARRAY, blocks, u32, struct block, 4);
MAP(ARRAY, holders, u32, struct holder, 1);
RINGBUF(ring, 4096);

static __always_inline void *block(void)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&blocks, &key);
}

SEC("tc") __accept
int helper_takes_dynptr_on_stack(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char byte;

	bpf_dynptr_from_skb(skb, 0, &d);
	return bpf_dynptr_read(&byte, 1, &d, 0, 0);
}

SEC("tc") __reject("R4 type=map_value expected=fp, dynptr_ptr")
int helper_takes_no_dynptr_in_map(struct __sk_buff *skb)
{
	struct holder *holder;
	void *data = block();
	u32 key = 0;

	holder = bpf_map_lookup_elem(&holders, &key);
	if (!data || !holder)
		return 0;
	return bpf_dynptr_from_mem(data, 64, 0, &holder->dynptr);
}

SEC("tc") __reject("R3 type=scalar expected=fp, dynptr_ptr")
int helper_takes_no_null(struct __sk_buff *skb)
{
	char byte;

	return bpf_dynptr_read(&byte, 1, NULL, 0, 0);
}

SEC("tc") __accept
int kfunc_takes_dynptr_on_stack(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return bpf_dynptr_size(&d);
}

SEC("tc") __reject("arg#2 expected pointer to stack or const struct bpf_dynptr")
int kfunc_takes_no_dynptr_in_map(struct __sk_buff *skb)
{
	u32 key = 0;
	struct holder *holder = bpf_map_lookup_elem(&holders, &key);

	if (!holder)
		return 0;
	return bpf_dynptr_from_skb(skb, 0, &holder->dynptr);
}

SEC("tc") __reject("Possibly NULL pointer passed to trusted arg2")
int kfunc_takes_no_null(struct __sk_buff *skb)
{
	return bpf_dynptr_from_skb(skb, 0, NULL);
}

SEC("tc") __accept
int array_element_at_constant_index(struct __sk_buff *skb)
{
	struct bpf_dynptr d[2];

	bpf_dynptr_from_skb(skb, 0, &d[1]);
	return bpf_dynptr_size(&d[1]);
}

SEC("tc") __reject("dynptr has to be at a constant offset")
int array_element_at_variable_index(struct __sk_buff *skb)
{
	struct bpf_dynptr d[2];
	u64 index = skb->mark & 1;

	bpf_dynptr_from_skb(skb, 0, &d[0]);
	bpf_dynptr_from_skb(skb, 0, &d[1]);
	return bpf_dynptr_size((void *)d + index * 16);
}

SEC("tc") __accept
int member_of_aligned_struct(struct __sk_buff *skb)
{
	struct { u64 before; struct bpf_dynptr d; } pair;

	bpf_dynptr_from_skb(skb, 0, &pair.d);
	return bpf_dynptr_size(&pair.d);
}

SEC("tc") __reject("cannot pass in dynptr at an offset=-28")
__naked int slot_not_aligned(void)
{
	asm volatile("					\
	r3 = r10;					\
	r3 += -28;					\
	r2 = 0;						\
	call %[bpf_dynptr_from_skb];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_dynptr_from_skb) : __clobbers);
}

SEC("tc") __accept
__naked int slots_at_the_top_of_the_stack(void)
{
	asm volatile("					\
	r3 = r10;					\
	r3 += -16;					\
	r2 = 0;						\
	call %[bpf_dynptr_from_skb];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_dynptr_from_skb) : __clobbers);
}

SEC("tc") __reject("cannot pass in dynptr at an offset=-8")
__naked int second_slot_would_be_outside(void)
{
	asm volatile("					\
	r3 = r10;					\
	r3 += -8;					\
	r2 = 0;						\
	call %[bpf_dynptr_from_skb];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_dynptr_from_skb) : __clobbers);
}

SEC("tc") __reject("Expected an initialized dynptr as arg #0")
__naked int second_slot_is_no_dynptr(void)
{
	asm volatile("					\
	r3 = r10;					\
	r3 += -24;					\
	r2 = 0;						\
	call %[bpf_dynptr_from_skb];			\
	r1 = r10;					\
	r1 += -16;					\
	call %[bpf_dynptr_size];			\
	exit;						\
"	:: __imm(bpf_dynptr_from_skb), __imm(bpf_dynptr_size) : __clobbers);
}

SEC("tc") __accept
__naked int first_slot_is_the_dynptr(void)
{
	asm volatile("					\
	r3 = r10;					\
	r3 += -24;					\
	r2 = 0;						\
	call %[bpf_dynptr_from_skb];			\
	r1 = r10;					\
	r1 += -24;					\
	call %[bpf_dynptr_size];			\
	exit;						\
"	:: __imm(bpf_dynptr_from_skb), __imm(bpf_dynptr_size) : __clobbers);
}

SEC("tc") __accept
int constructor_over_unreferenced_dynptr(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_dynptr_from_skb(skb, 0, &d);
	return bpf_dynptr_size(&d);
}

__noinline int constructs_into_argument(const struct bpf_dynptr *p)
{
	void *data = block();

	if (!data)
		return 0;
	return bpf_dynptr_from_mem(data, 64, 0, (void *)p);
}

SEC("tc") __reject("Dynptr has to be an uninitialized dynptr")
int constructor_over_const_dynptr(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return constructs_into_argument(&d);
}

SEC("tc") __accept
int failed_constructor_initialises(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 1, &d);
	return bpf_dynptr_size(&d) == (u32)-22;
}

SEC("tc") __reject("Expected an initialized dynptr as arg #2")
int read_of_uninitialised(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char byte;

	return bpf_dynptr_read(&byte, 1, &d, 0, 0);
}

SEC("tc") __reject("Expected an initialized dynptr as arg #0")
int initialised_on_one_path_only(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	if (skb->mark)
		bpf_dynptr_from_skb(skb, 0, &d);
	return bpf_dynptr_size(&d);
}

SEC("tc") __accept
int another_type_on_each_path(struct __sk_buff *skb)
{
	void *data = block();
	struct bpf_dynptr d;

	if (!data)
		return 0;
	if (skb->mark)
		bpf_dynptr_from_skb(skb, 0, &d);
	else
		bpf_dynptr_from_mem(data, 64, 0, &d);
	return bpf_dynptr_size(&d);
}

SEC("tc") __accept
int one_of_two_chosen_at_run_time(struct __sk_buff *skb)
{
	struct bpf_dynptr a, b, *p;

	bpf_dynptr_from_skb(skb, 0, &a);
	bpf_dynptr_from_skb(skb, 0, &b);
	p = skb->mark ? &a : &b;
	opaque(p);
	return bpf_dynptr_size(p);
}

SEC("tc") __reject("cannot overwrite referenced dynptr")
int constructor_over_referenced_dynptr(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

SEC("tc") __reject("cannot overwrite referenced dynptr")
int clone_of_reference_over_itself(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_dynptr_clone(&d, &d);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

SEC("tc") __accept
int slots_used_again_after_release(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_ringbuf_discard_dynptr(&d, 0);
	bpf_dynptr_from_skb(skb, 0, &d);
	return bpf_dynptr_size(&d);
}

SEC("tc") __accept
int clone_over_itself_without_reference(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_dynptr_clone(&d, &d);
	return bpf_dynptr_size(&d);
}

SEC("tc") __accept
int release_of_a_reference(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

SEC("tc") __reject("arg 1 is an unacquired reference")
int release_without_a_reference(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

SEC("tc") __reject("arg 1 is an unacquired reference")
int release_of_uninitialised(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

__noinline int submits_argument(const struct bpf_dynptr *p)
{
	bpf_ringbuf_submit_dynptr((void *)p, 0);
	return 0;
}

SEC("tc") __reject("cannot release unowned const bpf_dynptr")
int release_of_const_dynptr(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return submits_argument(&d);
}

__noinline int sizes_argument(const struct bpf_dynptr *p)
{
	return bpf_dynptr_size(p);
}

SEC("tc") __accept
int const_dynptr_at_its_beginning(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return sizes_argument(&d);
}

__noinline int sizes_argument_plus_8(const struct bpf_dynptr *p)
{
	return bpf_dynptr_size((void *)p + 8);
}

SEC("tc") __reject("dereference of modified dynptr_ptr ptr R1 off=8 disallowed")
int const_dynptr_with_offset(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return sizes_argument_plus_8(&d);
}

__noinline int loads_from_argument(const struct bpf_dynptr *p)
{
	return *(volatile int *)p;
}

SEC("tc") __reject("R1 invalid mem access 'dynptr_ptr'")
int const_dynptr_dereferenced(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return loads_from_argument(&d);
}

__noinline int clones_argument(const struct bpf_dynptr *p)
{
	struct bpf_dynptr copy;

	bpf_dynptr_clone(p, &copy);
	return bpf_dynptr_size(&copy);
}

SEC("tc") __accept
int const_dynptr_cloned(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return clones_argument(&d);
}

__noinline int clones_into_argument(const struct bpf_dynptr *p)
{
	return bpf_dynptr_clone(p, (void *)p);
}

SEC("tc") __reject("misconfigured dynptr helper type flags")
int const_dynptr_as_clone_target(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return clones_into_argument(&d);
}
