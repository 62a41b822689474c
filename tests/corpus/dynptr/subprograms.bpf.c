/* Dynptrs as arguments of static functions, global functions and callbacks. */
#include "corpus.h"

GPL;
RINGBUF(ring, 4096);
struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} user_ring SEC(".maps");
char globals[64];

static __noinline void constructs(struct __sk_buff *skb, struct bpf_dynptr *d)
{
	bpf_dynptr_from_skb(skb, 0, d);
}

static __noinline int sizes(struct bpf_dynptr *d)
{
	return bpf_dynptr_size(d);
}

__noinline int sizes_globally(const struct bpf_dynptr *d)
{
	return bpf_dynptr_size(d);
}

__noinline int adjusts_globally(const struct bpf_dynptr *d)
{
	return bpf_dynptr_adjust(d, 1, 2);
}

__noinline int slices_globally(const struct bpf_dynptr *d)
{
	char *p = bpf_dynptr_slice(d, 0, NULL, 8);

	return p ? p[7] : 0;
}

__noinline int slices_for_writing_globally(const struct bpf_dynptr *d)
{
	char *p = bpf_dynptr_slice_rdwr(d, 0, NULL, 8);

	if (p)
		p[0] = 1;
	return 0;
}

__noinline int takes_data_globally(const struct bpf_dynptr *d)
{
	char *p = bpf_dynptr_data(d, 0, 8);

	if (p)
		p[0] = 1;
	return 0;
}

SEC("tc") __accept
int static_function_constructs(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	constructs(skb, &d);
	return bpf_dynptr_size(&d);
}

SEC("tc") __reject("Expected an initialized dynptr as arg #0")
int static_function_of_uninitialised(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	return sizes(&d);
}

SEC("tc") __accept
int global_function_of_packet(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return sizes_globally(&d);
}

SEC("tc") __reject("Caller passes invalid args into func#1 ('sizes_globally')")
int global_function_of_uninitialised(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	return sizes_globally(&d);
}

SEC("tc") __reject("Caller passes invalid args into func#1 ('sizes_globally')")
int global_function_of_null(struct __sk_buff *skb)
{
	return sizes_globally(NULL);
}

SEC("tc") __accept
int global_function_of_record(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	int size;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	size = sizes_globally(&d);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return size;
}

SEC("tc") __accept
int global_function_may_adjust_const_dynptr(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return adjusts_globally(&d);
}

SEC("tc") __accept
int global_function_may_slice(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return slices_globally(&d) + takes_data_globally(&d);
}

SEC("tc") __accept
int global_function_may_slice_for_writing_in_tc(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return slices_for_writing_globally(&d);
}

SEC("socket") __reject("the prog does not allow writes to packet data")
int global_function_may_not_slice_for_writing_in_socket(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return slices_for_writing_globally(&d);
}

static __noinline char *slices_its_own(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return bpf_dynptr_slice(&d, 0, NULL, 8);
}

SEC("tc") __accept
int slice_outlives_frame_of_its_dynptr(struct __sk_buff *skb)
{
	char *p = slices_its_own(skb);

	return p ? p[0] : 0;
}

static long reads_sample(struct bpf_dynptr *sample, void *context)
{
	char bytes[4];

	return bpf_dynptr_read(bytes, sizeof(bytes), sample, 0, 0) != 0;
}

static long returns_two(struct bpf_dynptr *sample, void *context)
{
	return 2;
}

static long submits_sample(struct bpf_dynptr *sample, void *context)
{
	bpf_ringbuf_submit_dynptr(sample, 0);
	return 0;
}

static long passes_sample_on(struct bpf_dynptr *sample, void *context)
{
	sizes(sample);
	return sizes_globally(sample) != 0;
}

static long loads_from_sample(struct bpf_dynptr *sample, void *context)
{
	return *(volatile long *)sample != 0;
}

SEC("tc") __accept
int callback_reads_sample(struct __sk_buff *skb)
{
	return bpf_user_ringbuf_drain(&user_ring, reads_sample, NULL, 0);
}

SEC("tc") __accept
int callback_passes_sample_on(struct __sk_buff *skb)
{
	return bpf_user_ringbuf_drain(&user_ring, passes_sample_on, NULL, 0);
}

SEC("tc") __reject("At callback return the register R0 has smin=2 smax=2 should have been in [0, 1]")
int callback_returns_two(struct __sk_buff *skb)
{
	return bpf_user_ringbuf_drain(&user_ring, returns_two, NULL, 0);
}

SEC("tc") __reject("cannot release unowned const bpf_dynptr")
int callback_releases_sample(struct __sk_buff *skb)
{
	return bpf_user_ringbuf_drain(&user_ring, submits_sample, NULL, 0);
}

SEC("tc") __reject("invalid mem access 'dynptr_ptr'")
int callback_dereferences_sample(struct __sk_buff *skb)
{
	return bpf_user_ringbuf_drain(&user_ring, loads_from_sample, NULL, 0);
}

static long slices_in_loop(u64 index, struct bpf_dynptr *d)
{
	char *p = bpf_dynptr_slice(d, 0, NULL, 8);

	return p ? p[0] & 1 : 1;
}

SEC("tc") __accept
int loop_callback_slices_dynptr_of_caller(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(skb, 0, &d);
	return bpf_loop(4, slices_in_loop, &d, 0);
}
