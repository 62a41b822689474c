/* Where iterators and flags of interrupts may lie. */
#include "corpus.h"

GPL;
struct iterators { struct bpf_iter_num it; struct bpf_iter_num other; };
MAP(ARRAY, values, u32, struct iterators, 1);

SEC("tc") __reject("arg#0 expected pointer to an iterator on stack")
int in_a_map_value(struct __sk_buff *skb)
{
	u32 key = 0;
	struct iterators *value = bpf_map_lookup_elem(&values, &key);

	return value ? bpf_iter_num_new(&value->it, 0, 3) : 0;
}

SEC("tc") __reject("arg#0 expected pointer to an iterator on stack")
int nowhere(struct __sk_buff *skb)
{
	return bpf_iter_num_new(NULL, 0, 3);
}

SEC("tc") __reject("iter has to be at a constant offset")
int at_an_unknown_index(struct __sk_buff *skb)
{
	struct bpf_iter_num it[2];

	bpf_iter_num_new(&it[skb->mark & 1], 0, 3);
	return 0;
}

SEC("tc") __reject("cannot pass in iter at an offset=")
int across_two_slots(struct __sk_buff *skb)
{
	struct bpf_iter_num it[2];

	bpf_iter_num_new((void *)it + 4, 0, 3);
	return 0;
}

SEC("tc") __accept
int two_in_an_array(struct __sk_buff *skb)
{
	struct bpf_iter_num it[2];
	int *a, *b, sum = 0;

	bpf_iter_num_new(&it[0], 0, 3);
	while ((a = bpf_iter_num_next(&it[0]))) {
		bpf_iter_num_new(&it[1], 0, *a & 7);
		while ((b = bpf_iter_num_next(&it[1])))
			sum += *a * *b;
		bpf_iter_num_destroy(&it[1]);
	}
	bpf_iter_num_destroy(&it[0]);
	return sum;
}

SEC("tc") __reject("invalid write to stack R1 off=0 size=8")
int above_the_stack(struct __sk_buff *skb)
{
	struct bpf_iter_num *it;

	asm volatile("%0 = r10" : "=r"(it));
	return bpf_iter_num_new(it, 0, 3);
}

SEC("tc") __reject("invalid write to stack R1 off=-520 size=8")
int below_the_stack(struct __sk_buff *skb)
{
	struct bpf_iter_num *it;

	asm volatile("%0 = r10; %0 += -520" : "=r"(it));
	return bpf_iter_num_new(it, 0, 3);
}

SEC("tc") __reject("expected an initialized iter_num as arg #0")
int next_of_another_kind(struct __sk_buff *skb)
{
	struct bpf_iter_bits it;
	u64 word = 1;

	bpf_iter_bits_new(&it, &word, 1);
	bpf_iter_num_next((void *)&it);
	bpf_iter_bits_destroy(&it);
	return 0;
}

SEC("tc") __reject("irq_flag has to be at a constant offset")
int flag_at_an_unknown_index(struct __sk_buff *skb)
{
	unsigned long flags[2];

	bpf_local_irq_save(&flags[skb->mark & 1]);
	return 0;
}

SEC("tc") __reject("cannot pass in irq_flag at an offset=")
int flag_across_two_slots(struct __sk_buff *skb)
{
	unsigned long flags[2];

	bpf_local_irq_save((void *)flags + 4);
	return 0;
}

SEC("tc") __reject("arg#0 doesn't point to an irq flag on stack")
int flag_in_a_map_value(struct __sk_buff *skb)
{
	u32 key = 0;
	unsigned long *value = bpf_map_lookup_elem(&values, &key);

	if (value)
		bpf_local_irq_save(value);
	return 0;
}

SEC("tc") __accept
int two_flags_in_an_array(struct __sk_buff *skb)
{
	unsigned long flags[2];

	bpf_local_irq_save(&flags[0]);
	bpf_local_irq_save(&flags[1]);
	bpf_local_irq_restore(&flags[1]);
	bpf_local_irq_restore(&flags[0]);
	return 0;
}

SEC("tc") __reject("invalid read from stack off -8+0 size 8")
int flag_read_in_its_section(struct __sk_buff *skb)
{
	unsigned long flags;
	u64 read;

	bpf_local_irq_save(&flags);
	asm volatile("%0 = *(u64 *)(%1 + 0)" : "=r"(read) : "r"(&flags) : "memory");
	bpf_local_irq_restore(&flags);
	return read;
}

SEC("tc") __reject("expected an initialized irq flag as arg#0")
int flag_overwritten_in_its_section(struct __sk_buff *skb)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	write_once(flags, 0);
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("tc") __reject("expected an initialized iter_num as arg #0")
int iterator_overwritten(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 3);
	write_once(it.__opaque[0], 0);
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("tc") __reject("invalid read from stack off -8+0 size 8")
int iterator_read(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	u64 read;

	bpf_iter_num_new(&it, 0, 3);
	read = read_once(it.__opaque[0]);
	bpf_iter_num_destroy(&it);
	return read;
}

SEC("tc") __accept
int iterator_place_used_again(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 3);
	bpf_iter_num_destroy(&it);
	write_once(it.__opaque[0], skb->mark);
	return read_once(it.__opaque[0]);
}

SEC("tc") __accept
int iterator_place_used_before(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	write_once(it.__opaque[0], skb->mark);
	bpf_iter_num_new(&it, 0, 3);
	bpf_iter_num_destroy(&it);
	return 0;
}
