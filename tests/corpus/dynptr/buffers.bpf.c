/* The buffer that bpf_dynptr_slice and bpf_dynptr_slice_rdwr copy to when the bytes are not contiguous. */
#include "corpus.h"

GPL;
struct block { char bytes[512]; };
MAP(ARRAY, blocks, u32, struct block, 4);
char globals[64];
const volatile char constants[64] = { 1 };

#define WITH_SKB(name, body)			\
	int name(struct __sk_buff *skb)		\
	{					\
		struct bpf_dynptr d;		\
		char *p = NULL;			\
						\
		bpf_dynptr_from_skb(skb, 0, &d);\
		body				\
		return p ? p[0] : 0;		\
	}

SEC("tc") __accept
WITH_SKB(no_buffer, {
	p = bpf_dynptr_slice(&d, 0, NULL, 1500);
})

SEC("tc") __reject("R3 type=scalar expected=fp")
WITH_SKB(buffer_is_a_number, {
	p = bpf_dynptr_slice(&d, 0, (void *)8, 16);
})

SEC("tc") __accept
WITH_SKB(stack_uninitialised, {
	char buffer[16];

	p = bpf_dynptr_slice(&d, 0, buffer, sizeof(buffer));
})

SEC("tc") __reject("invalid read from stack R3 off -24+8 size 9")
__naked int stack_too_small(void)
{
	asm volatile("					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -16;					\
	call %[bpf_dynptr_from_skb];			\
	r1 = r10;					\
	r1 += -16;					\
	r2 = 0;						\
	r3 = r10;					\
	r3 += -24;					\
	r4 = 9;						\
	call %[bpf_dynptr_slice];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_dynptr_from_skb), __imm(bpf_dynptr_slice) : __clobbers);
}

SEC("tc") __reject("invalid read from stack R3 off -16+0 size 16")
WITH_SKB(buffer_is_the_dynptr, {
	p = bpf_dynptr_slice(&d, 0, &d, 16);
})

SEC("tc") __accept
WITH_SKB(map_value_of_just_that_size, {
	u32 key = 0;
	void *value = bpf_map_lookup_elem(&blocks, &key);

	if (!value)
		return 0;
	p = bpf_dynptr_slice(&d, 0, value, 512);
})

SEC("tc") __reject("invalid access to map value, value_size=512 off=0 size=513")
WITH_SKB(map_value_too_small, {
	u32 key = 0;
	void *value = bpf_map_lookup_elem(&blocks, &key);

	if (!value)
		return 0;
	p = bpf_dynptr_slice(&d, 0, value, 513);
})

SEC("tc") __accept
WITH_SKB(map_value_not_checked_for_null, {
	u32 key = skb->mark;
	void *value = bpf_map_lookup_elem(&blocks, &key);

	p = bpf_dynptr_slice(&d, 0, value, 512);
})

SEC("tc") __accept
WITH_SKB(global_variable, {
	p = bpf_dynptr_slice(&d, 0, globals, sizeof(globals));
})

SEC("tc") __reject("write into map forbidden, value_size=64 off=0 size=64")
WITH_SKB(read_only_global_variable, {
	p = bpf_dynptr_slice(&d, 0, (void *)constants, sizeof(constants));
})

SEC("tc") __accept
WITH_SKB(slice_rdwr_as_buffer, {
	char *other = bpf_dynptr_slice_rdwr(&d, 32, NULL, 16);

	if (!other)
		return 0;
	p = bpf_dynptr_slice(&d, 0, other, 16);
})

SEC("tc") __reject("R3 cannot write into rdonly_mem")
WITH_SKB(slice_as_buffer, {
	char *other = bpf_dynptr_slice(&d, 32, NULL, 16);

	if (!other)
		return 0;
	p = bpf_dynptr_slice(&d, 0, other, 16);
})

SEC("tc") __accept
WITH_SKB(packet_as_buffer, {
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;

	if (data + 16 > end)
		return 0;
	p = bpf_dynptr_slice(&d, 0, data, 16);
})

SEC("tc") __reject("invalid access to packet, off=0 size=16")
WITH_SKB(packet_not_long_enough, {
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;

	if (data + 15 > end)
		return 0;
	p = bpf_dynptr_slice(&d, 0, data, 16);
})

SEC("tc") __accept
WITH_SKB(buffer_counts_as_written, {
	char buffer[16];

	p = bpf_dynptr_slice(&d, 0, buffer, sizeof(buffer));
	if (p)
		return buffer[15];
})

SEC("tc") __reject("arg#2 arg#3 memory, len pair leads to invalid memory access")
WITH_SKB(huge_length_with_a_buffer, {
	p = bpf_dynptr_slice(&d, 0, globals, 0xfffffff0);
})

SEC("tc") __reject("arg#2 arg#3 memory, len pair leads to invalid memory access")
WITH_SKB(size_is_checked_before_constancy, {
	u32 length = skb->mark & 127;

	p = bpf_dynptr_slice(&d, 0, globals, length);
})
