/* Where the kernel accepts more than is sound; none of this is run. */
#include "corpus.h"

GPL;

SEC("tc") __accept
int buffer_believed_to_keep_its_zero(struct __sk_buff *skb)
{
	char bytes[4] = {}, buffer[8];
	struct bpf_dynptr d;
	u64 index;
	char *p;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, buffer, sizeof(buffer));
	if (!p)
		return 0;
	*(volatile u64 *)buffer = 0;
	/* If `p` is the buffer, the index is not 0. */
	p[0] = 100;
	index = *(volatile u64 *)buffer;
	return *(volatile char *)(bytes + index);
}

SEC("tc") __reject("math between fp pointer and register with unbounded min value is not allowed")
int buffer_read_from_kernel_is_unknown(struct __sk_buff *skb)
{
	char bytes[4] = {}, buffer[8];
	u64 index;

	*(volatile u64 *)buffer = 0;
	bpf_skb_load_bytes(skb, 0, buffer, sizeof(buffer));
	index = *(volatile u64 *)buffer;
	return *(volatile char *)(bytes + index);
}

static __noinline char *slices_into_its_own_buffer(struct bpf_dynptr *d)
{
	char buffer[8];

	return bpf_dynptr_slice(d, 0, buffer, sizeof(buffer));
}

SEC("tc") __accept
int slice_in_a_buffer_of_a_frame_that_is_gone(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char *p;

	bpf_dynptr_from_skb(skb, 0, &d);
	p = slices_into_its_own_buffer(&d);
	return p ? p[0] : 0;
}
