/* Pointers between functions: into frames above and below, to what was looked up or acquired, out of functions. */
#include "corpus.h"

GPL;
#define bpf_obj_new(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define bpf_obj_drop(pointer) bpf_obj_drop_impl(pointer, NULL)
struct item { u64 value; };
struct guarded { struct bpf_spin_lock lock; u32 count; };
struct place { u64 *where; u64 count; };
MAP(HASH, hash, u32, u64, 4);
MAP(ARRAY, guardeds, u32, struct guarded, 1);
RINGBUF(ring, 4096);

static __noinline u64 *looks_up(u32 key)
{
	return bpf_map_lookup_elem(&hash, &key);
}

static __noinline u64 *looks_up_or_falls_back(u32 key, u64 *other)
{
	u64 *value = bpf_map_lookup_elem(&hash, &key);

	return value ? value : other;
}

static __noinline u8 *begins(struct __sk_buff *skb)
{
	return (void *)(long)skb->data;
}

static __noinline struct item *makes(u64 value)
{
	struct item *item = bpf_obj_new(struct item);

	if (item)
		item->value = value;
	return item;
}

static __noinline void drops(struct item *item)
{
	bpf_obj_drop(item);
}

static __noinline int checks(u8 *data, u8 *end)
{
	return data + 20 <= end;
}

static __noinline int reads_checked(u8 *data, u8 *end)
{
	if (data + 20 > end)
		return -1;
	return data[19];
}

static __noinline void stores(struct place *place, u64 *where)
{
	place->where = where;
	place->count++;
}

static __noinline void stores_its_own(struct place *place)
{
	u64 own = 5;

	barrier();
	place->where = &own;
}

static __noinline u64 loads(struct place *place)
{
	return *place->where + place->count;
}

static __noinline void zeroes(u64 *words, u32 count)
{
	for (u32 i = 0; i < count && i < 8; i++)
		write_once(words[i], 0);
}

static __noinline u64 sums(const u64 *words, u32 count)
{
	u64 sum = 0;

	for (u32 i = 0; i < count; i++)
		sum += words[i];
	return sum;
}

static __noinline int deepest(u64 **pointer)
{
	**pointer += 1;
	return **pointer;
}

static __noinline int middle(u64 *number)
{
	u64 *copy = number;

	barrier();
	return deepest(&copy);
}

SEC("tc") __accept
int value_out_of_a_function(struct __sk_buff *skb)
{
	u64 *value = looks_up(skb->mark);

	return value ? *value : 0;
}

SEC("tc") __reject("invalid mem access 'map_value_or_null'")
int value_out_of_a_function_unchecked(struct __sk_buff *skb)
{
	return *looks_up(skb->mark);
}

SEC("tc") __reject("cannot return stack pointer to the caller")
int value_or_own_number(struct __sk_buff *skb)
{
	u64 own = 3;

	barrier();
	return *looks_up_or_falls_back(skb->mark, &own);
}

SEC("tc") __accept
int packet_pointer_out_of_a_function(struct __sk_buff *skb)
{
	u8 *data = begins(skb);

	return data + 10 <= (u8 *)(long)skb->data_end ? data[9] : 0;
}

SEC("tc") __accept
int packet_checked_in_a_function(struct __sk_buff *skb)
{
	u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	return checks(data, end) ? data[19] : 0;
}

SEC("tc") __accept
int packet_read_in_a_function(struct __sk_buff *skb)
{
	u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	return reads_checked(data, end);
}

SEC("tc") __accept
int object_out_of_one_function_into_another(struct __sk_buff *skb)
{
	struct item *item = makes(skb->mark);

	if (item)
		drops(item);
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int object_out_of_a_function_leaked(struct __sk_buff *skb)
{
	return makes(skb->mark) ? 1 : 0;
}

SEC("tc") __reject("invalid mem access 'scalar'")
int object_used_after_a_function_dropped_it(struct __sk_buff *skb)
{
	struct item *item = makes(skb->mark);

	if (!item)
		return 0;
	drops(item);
	return item->value;
}

SEC("tc") __reject("cannot spill pointers to stack into stack frame of the caller")
int pointer_stored_in_the_frame_of_the_caller(struct __sk_buff *skb)
{
	struct place place = {};
	u64 number = skb->mark;

	barrier();
	stores(&place, &number);
	return loads(&place);
}

SEC("tc") __reject("cannot spill pointers to stack into stack frame of the caller")
int pointer_into_a_frame_that_is_gone(struct __sk_buff *skb)
{
	struct place place = {};

	barrier();
	stores_its_own(&place);
	return loads(&place);
}

SEC("tc") __accept
int frame_zeroed_by_a_function(struct __sk_buff *skb)
{
	u64 words[8];

	zeroes(words, 8);
	return sums(words, 8);
}

SEC("tc") __accept
int frame_zeroed_in_part(struct __sk_buff *skb)
{
	u64 words[8];

	zeroes(words, 4);
	return sums(words, 8);
}

SEC("tc") __reject("invalid read from stack R1 off=0 size=8")
int frame_summed_beyond_its_end(struct __sk_buff *skb)
{
	u64 words[8];

	zeroes(words, 8);
	return sums(words, skb->mark & 15);
}

SEC("tc") __accept
int pointer_to_a_pointer_two_frames_up(struct __sk_buff *skb)
{
	u64 number = skb->mark;

	barrier();
	return middle(&number) + number;
}

static __noinline int locks(struct guarded *g)
{
	bpf_spin_lock(&g->lock);
	g->count++;
	return 0;
}

static __noinline int unlocks(struct guarded *g)
{
	bpf_spin_unlock(&g->lock);
	return 0;
}

SEC("tc") __accept
int lock_taken_and_given_back_in_functions(struct __sk_buff *skb)
{
	u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guardeds, &key);

	if (!g)
		return 0;
	locks(g);
	unlocks(g);
	return 0;
}

SEC("tc") __reject("bpf_spin_lock-ed region")
int lock_taken_in_a_function_and_kept(struct __sk_buff *skb)
{
	u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guardeds, &key);

	return g ? locks(g) : 0;
}

static __noinline u64 *reserves(void)
{
	return bpf_ringbuf_reserve(&ring, 16, 0);
}

static __noinline int fills(u64 *record, u32 index)
{
	if (index > 1)
		return -1;
	record[index] = index;
	return 0;
}

SEC("tc") __accept
int record_filled_in_functions(struct __sk_buff *skb)
{
	u64 *record = reserves();

	if (!record)
		return 0;
	fills(record, 0);
	if (fills(record, skb->mark)) {
		bpf_ringbuf_discard(record, 0);
		return 0;
	}
	bpf_ringbuf_submit(record, 0);
	return 0;
}

static __noinline int many(u32 a, u64 *b, struct __sk_buff *c, u8 *d, u64 e)
{
	*b += a + e;
	return c->len + *d;
}

SEC("tc") __accept
int five_arguments_of_five_kinds(struct __sk_buff *skb)
{
	u64 number = 0;
	u8 byte = 1;

	barrier();
	return many(1, &number, skb, &byte, skb->mark) + number;
}

static __noinline int chooses(u64 *number, u32 which)
{
	u64 own = 0, *at = which ? number : &own;

	*at += 1;
	return own;
}

SEC("tc") __accept
int pointer_into_one_of_two_frames(struct __sk_buff *skb)
{
	u64 number = 0;

	barrier();
	return chooses(&number, skb->mark) + number;
}
