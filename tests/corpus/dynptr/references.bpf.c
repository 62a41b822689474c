/* Ring buffer records held through dynptrs: each reservation is released once on every path. */
#include "corpus.h"

GPL;
RINGBUF(ring, 4096);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} programs SEC(".maps");

SEC("tc") __accept
int released_on_every_path(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	if (bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d)) {
		bpf_ringbuf_discard_dynptr(&d, 0);
		return 0;
	}
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

SEC("tc") __reject("BPF_EXIT instruction in main prog would lead to reference leak")
int never_released(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int not_released_when_reserve_failed(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	if (bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d))
		return 0;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

SEC("tc") __reject("arg 1 is an unacquired reference")
int released_twice(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

SEC("tc") __accept
int tail_call_behind_release(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_ringbuf_discard_dynptr(&d, 0);
	bpf_tail_call(skb, &programs, 0);
	return 0;
}

SEC("tc") __reject("tail_call would lead to reference leak")
int tail_call_with_reference(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_tail_call(skb, &programs, 0);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

SEC("tc") __reject("bpf_throw would lead to reference leak")
int throw_with_reference(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	if (skb->mark)
		bpf_throw(0);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

SEC("tc") __accept
int throw_behind_release(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_ringbuf_discard_dynptr(&d, 0);
	if (skb->mark)
		bpf_throw(0);
	return 0;
}

SEC("tc") __accept
int clone_released_instead(struct __sk_buff *skb)
{
	struct bpf_dynptr d, clone;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_dynptr_clone(&d, &clone);
	bpf_ringbuf_submit_dynptr(&clone, 0);
	return 0;
}

SEC("tc") __reject("Expected an initialized dynptr as arg #0")
int original_used_after_release_of_clone(struct __sk_buff *skb)
{
	struct bpf_dynptr d, clone;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_dynptr_clone(&d, &clone);
	bpf_ringbuf_submit_dynptr(&clone, 0);
	return bpf_dynptr_size(&d);
}

SEC("tc") __reject("arg 1 is an unacquired reference")
int clone_and_original_released(struct __sk_buff *skb)
{
	struct bpf_dynptr d, clone;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_dynptr_clone(&d, &clone);
	bpf_ringbuf_submit_dynptr(&clone, 0);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

SEC("tc") __accept
int data_used_before_release(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char *data;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	data = bpf_dynptr_data(&d, 0, 8);
	if (data)
		data[0] = 1;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}

SEC("tc") __reject("invalid mem access 'scalar'")
int data_used_after_release(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char *data;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	data = bpf_dynptr_data(&d, 0, 8);
	bpf_ringbuf_submit_dynptr(&d, 0);
	if (data)
		data[0] = 1;
	return 0;
}

SEC("tc") __reject("invalid mem access 'scalar'")
int data_of_clone_used_after_release(struct __sk_buff *skb)
{
	struct bpf_dynptr d, clone;
	char *data;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_dynptr_clone(&d, &clone);
	data = bpf_dynptr_data(&clone, 0, 8);
	bpf_ringbuf_submit_dynptr(&d, 0);
	if (data)
		data[0] = 1;
	return 0;
}

SEC("tc") __reject("cannot overwrite referenced dynptr")
int store_to_referenced_dynptr(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	*(volatile u64 *)&d = 0;
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

SEC("tc") __reject("cannot overwrite referenced dynptr")
int store_to_clone_of_reference(struct __sk_buff *skb)
{
	struct bpf_dynptr d, clone;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_dynptr_clone(&d, &clone);
	*((volatile u64 *)&clone + 1) = 0;
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

static long discards(u64 index, void *context)
{
	bpf_ringbuf_discard_dynptr(context, 0);
	return 1;
}

SEC("tc") __reject("reference leak")
int released_in_loop_callback(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_loop(1, discards, &d, 0);
	return 0;
}

static long reserves_and_discards(u64 index, void *context)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}

SEC("tc") __accept
int reserved_and_released_in_loop_callback(struct __sk_buff *skb)
{
	return bpf_loop(4, reserves_and_discards, NULL, 0);
}

static __noinline void submits(struct bpf_dynptr *d)
{
	bpf_ringbuf_submit_dynptr(d, 0);
}

static __noinline void reserves(struct bpf_dynptr *d)
{
	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, d);
}

SEC("tc") __accept
int reserved_and_released_in_static_functions(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	reserves(&d);
	submits(&d);
	return 0;
}

SEC("tc") __reject("BPF_EXIT instruction in main prog would lead to reference leak")
int reserved_in_static_function_and_kept(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	reserves(&d);
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int released_through_one_of_two_pointers(struct __sk_buff *skb)
{
	struct bpf_dynptr a, b, *p;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &a);
	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &b);
	p = skb->mark ? &a : &b;
	opaque(p);
	bpf_ringbuf_discard_dynptr(p, 0);
	return 0;
}

SEC("tc") __reject("R1 type=mem expected=ringbuf_mem")
int data_submitted_as_a_plain_record(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	void *data;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	data = bpf_dynptr_data(&d, 0, 8);
	if (data)
		bpf_ringbuf_submit(data, 0);
	else
		bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}
