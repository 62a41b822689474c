/* One fault each. The marks name lines in what the test expects to be told: made, ended, here. */
#include "corpus.h"

GPL;
MAP(HASH, table, u32, u64, 4);
RINGBUF(ring, 4194304);
extern void bpf_no_such_kfunc(void) __ksym __weak;


static __noinline int deeper(int depth)
{
	opaque(depth);
	depth = deeper(depth + 1) + 1; // here: too_deep
	opaque(depth);
	return depth;
}

SEC("tc")
int through_null(struct __sk_buff *skb)
{
	u32 key = 7;
	u64 *value = bpf_map_lookup_elem(&table, &key);

	return *value; // here: through_null
}

SEC("tc")
int through_a_number(struct __sk_buff *skb)
{
	return *(volatile u64 *)0x123456789abcULL; // here: through_a_number
}

SEC("tc")
int beyond_a_slice(struct __sk_buff *skb)
{
	struct bpf_dynptr packet;
	volatile u8 *slice;

	bpf_dynptr_from_skb(skb, 0, &packet);
	slice = bpf_dynptr_slice(&packet, 4, 0, 16); // made: beyond_a_slice
	if (!slice)
		return 0;
	return slice[16]; // here: beyond_a_slice
}

SEC("tc")
int beyond_a_value(struct __sk_buff *skb)
{
	u64 one = 1;
	u32 key = 0;
	u64 *value;

	bpf_map_update_elem(&table, &key, &one, 0);
	value = bpf_map_lookup_elem(&table, &key);
	if (!value)
		return 0;
	return read_once(value[1]); // here: beyond_a_value
}

SEC("tc")
int beyond_the_packet(struct __sk_buff *skb)
{
	volatile u8 *data = (void *)(long)skb->data;

	return data[64]; // here: beyond_the_packet
}

SEC("tc")
int beyond_a_record(struct __sk_buff *skb)
{
	volatile u8 *record = bpf_ringbuf_reserve(&ring, 16, 0); // made: beyond_a_record

	if (!record)
		return 0;
	record[20] = 1; // here: beyond_a_record
	bpf_ringbuf_discard((void *)record, 0);
	return 0;
}

SEC("tc")
int written_though_read_only(struct __sk_buff *skb)
{
	struct bpf_dynptr packet;
	volatile u8 *slice;

	bpf_dynptr_from_skb(skb, 0, &packet);
	slice = bpf_dynptr_slice(&packet, 0, 0, 14); // made: written_though_read_only
	if (!slice)
		return 0;
	slice[0] = 1; // here: written_though_read_only
	return 0;
}

SEC("tc")
int slice_of_a_packet_that_moved(struct __sk_buff *skb)
{
	struct bpf_dynptr packet;
	volatile u8 *slice;

	bpf_dynptr_from_skb(skb, 0, &packet);
	slice = bpf_dynptr_slice(&packet, 6, 0, 8); // made: slice_of_a_packet_that_moved
	if (!slice)
		return 0;
	bpf_skb_pull_data(skb, 0); // ended: slice_of_a_packet_that_moved
	return slice[2]; // here: slice_of_a_packet_that_moved
}

SEC("tc")
int field_that_cannot_be_written(struct __sk_buff *skb)
{
	write_once(skb->len, 5); // here: field_that_cannot_be_written
	return 0;
}

SEC("tc")
int argument_that_is_none(struct __sk_buff *skb)
{
	struct bpf_dynptr packet;
	volatile u8 *slice;

	bpf_dynptr_from_skb(skb, 0, &packet);
	slice = bpf_dynptr_slice(&packet, 0, 0, 8); // made: argument_that_is_none
	if (!slice)
		return 0;
	return bpf_skb_pull_data((void *)slice, 0); // here: argument_that_is_none
}

SEC("tc")
int not_modelled(struct __sk_buff *skb)
{
	return bpf_lwt_seg6_action(skb, 0, (void *)0, 0); // here: not_modelled
}

SEC("tc")
int no_such_function(struct __sk_buff *skb)
{
	bpf_no_such_kfunc(); // here: no_such_function
	return 0;
}

SEC("tc")
int endless(struct __sk_buff *skb)
{
	u64 count = 0;

	for (;;) // here: endless
		opaque(count);
	return count;
}

SEC("tc")
int too_deep(struct __sk_buff *skb)
{
	return deeper(0);
}

SEC("tc")
int too_much_memory(struct __sk_buff *skb)
{
	void *record = bpf_ringbuf_reserve(&ring, 2097152, 0); // here: too_much_memory

	if (record)
		bpf_ringbuf_discard(record, 0);
	return 0;
}
