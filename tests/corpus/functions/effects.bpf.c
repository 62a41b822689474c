/* What a call of a global function does to the caller: packet pointers, sleeping, memory, arguments of each kind. */
#include "corpus.h"

GPL;
struct record { u64 a; u64 b; };
struct page { char bytes[4096]; };
MAP(HASH, records, u32, struct record, 4);
MAP(PERCPU_ARRAY, percpus, u32, struct record, 1);
MAP(ARRAY, arrays, u32, u64, 4);
RINGBUF(ring, 8192);
struct record variable;
const struct record constant = { 1, 2 };

__noinline int changes_packet(struct __sk_buff *skb)
{
	return bpf_skb_pull_data(skb, 0);
}

__noinline int changes_packet_below(struct __sk_buff *skb)
{
	return changes_packet(skb) + 1;
}

__noinline int may_change_packet(struct __sk_buff *skb, u32 whether)
{
	return whether ? changes_packet(skb) : 0;
}

__noinline int reads_packet_length(struct __sk_buff *skb)
{
	return skb->len;
}

__noinline int reads(const struct record *record __arg_nonnull)
{
	return record->a + record->b;
}

__noinline int writes(struct record *record __arg_nonnull)
{
	record->a = record->b;
	record->b = 7;
	return 0;
}

__noinline int fills_page(struct page *page)
{
	if (!page)
		return 0;
	page->bytes[4095] = 1;
	return 1;
}

__noinline int takes_byte(u8 *byte)
{
	return byte ? *byte : 0;
}

__noinline int takes_dynptr(const struct bpf_dynptr *dynptr)
{
	u64 word = 0;

	bpf_dynptr_read(&word, sizeof(word), dynptr, 0, 0);
	return word;
}

__noinline int writes_dynptr(const struct bpf_dynptr *dynptr)
{
	u64 word = 1;

	return bpf_dynptr_write(dynptr, 0, &word, sizeof(word), 0);
}

__noinline int never_called_and_wrong(struct record *record)
{
	return record->a;
}

__noinline int calls_global_functions(struct record *record __arg_nonnull)
{
	return reads(record) + writes(record);
}

__noinline u64 returns_its_argument(u64 number)
{
	return number;
}

#define PACKET(verdict, name, ...)						\
	SEC("tc") verdict							\
	int name(struct __sk_buff *skb)						\
	{									\
		u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;	\
										\
		if (data + 10 > end)						\
			return 0;						\
		__VA_ARGS__;							\
		return data[5];							\
	}

PACKET(__reject("invalid mem access 'scalar'"), packet_changed, changes_packet(skb))
PACKET(__reject("invalid mem access 'scalar'"), packet_changed_below, changes_packet_below(skb))
PACKET(__reject("invalid mem access 'scalar'"), packet_changed_perhaps, may_change_packet(skb, 0))
PACKET(__accept, packet_not_changed, reads_packet_length(skb))
PACKET(__accept, packet_for_a_record, if (data + 16 <= end) return reads((void *)data))
PACKET(__reject("invalid access to packet, off=0 size=16, R1(id=0,off=0,r=10)"), packet_for_a_record_too_short, return reads((void *)data))
PACKET(__accept, packet_for_a_record_written, if (data + 16 <= end) writes((void *)data))

static long callback_changes(u64 index, struct __sk_buff **skb)
{
	changes_packet(*skb);
	return 0;
}

PACKET(__reject("invalid mem access 'scalar'"), packet_changed_in_a_callback, bpf_loop(1, callback_changes, &skb, 0))

#define RECORDS(verdict, name, ...) SEC("tc") verdict int name(struct __sk_buff *skb) { u32 key = 0; struct record *record = bpf_map_lookup_elem(&records, &key); if (!record) return 0; __VA_ARGS__; return 0; }

RECORDS(__accept, map_value, return reads(record) + writes(record))
RECORDS(__accept, map_value_through_two, return calls_global_functions(record))
RECORDS(__reject("invalid access to map value, value_size=16 off=8 size=16"), second_half_of_a_value, return reads((void *)&record->b))
RECORDS(__accept, variable_of_the_program, return reads(&variable) + writes(&variable))
RECORDS(__accept, constant_of_the_program_read, return reads(&constant))
RECORDS(__reject("write into map forbidden, value_size=16 off=0 size=16"), constant_of_the_program_written, void *where = (void *)&constant; opaque(where); return writes(where))
RECORDS(__accept, record_on_the_stack, struct record own = { 1, 2 }; barrier(); reads(&own); return own.a)
RECORDS(__accept, number_on_the_stack_known_before, struct record own = { 1, 2 }; u64 slots[3] = {}; barrier(); writes(&own); return slots[own.a & 1])
RECORDS(__reject("math between fp pointer and register with unbounded min value is not allowed"), index_from_a_record_that_was_passed, u64 slots[4] = {}; struct record own = { 1, 2 }; barrier(); writes(&own); return *(volatile u64 *)(slots + own.a))
RECORDS(__accept, pointer_on_the_stack_overwritten, struct record own = { (u64)record, 2 }; barrier(); writes(&own); return own.a)
RECORDS(__reject("invalid mem access 'scalar'"), pointer_on_the_stack_used_after, struct record *own[2] = { record, record }; barrier(); writes((void *)own); return own[0]->a)
RECORDS(__accept, byte_of_anything, u8 byte = 1; barrier(); return takes_byte(&byte) + takes_byte((void *)&record->b) + takes_byte(NULL))
RECORDS(__reject("R1 type=scalar expected=fp"), number_for_a_pointer, return takes_byte((void *)(long)skb->mark))
RECORDS(__accept, large_record_of_a_ring, struct page *page = bpf_ringbuf_reserve(&ring, sizeof(*page), 0); if (!page) return 0; fills_page(page); bpf_ringbuf_submit(page, 0))
RECORDS(__reject("invalid access to map value, value_size=16 off=0 size=4096"), large_record_for_a_small_value, return fills_page((void *)record))
RECORDS(__accept, record_of_this_cpu, struct record *own = bpf_map_lookup_elem(&percpus, &key); if (own) writes(own))
RECORDS(__accept, argument_kept_in_the_caller, u32 mark = skb->mark & 7; u64 slots[8] = {}; barrier(); returns_its_argument(mark); return slots[mark])
RECORDS(__accept, result_that_the_compiler_takes_for_the_argument, u64 mark = skb->mark & 7; u64 slots[8] = {}; barrier(); mark = returns_its_argument(mark); opaque(mark); return *(volatile u64 *)(slots + mark))
RECORDS(__accept, dynptr_of_memory, struct bpf_dynptr dynptr; bpf_dynptr_from_mem(&variable, sizeof(variable), 0, &dynptr); return takes_dynptr(&dynptr) + writes_dynptr(&dynptr))
RECORDS(__reject("Expected an initialized dynptr as arg #0"), dynptr_that_is_none, u64 dynptr[2] = {}; barrier(); return takes_dynptr((void *)dynptr))
RECORDS(__reject("R1 type=ctx expected=fp"), context_for_a_record, return reads((void *)skb))
RECORDS(__reject("R1 type=map_ptr expected=fp"), map_for_a_record, return reads((void *)&records))

SEC("tp_btf/task_newtask") __reject("access beyond the end of member flags (mend:8) in struct thread_info with off 0 size 16")
int task_for_a_record(unsigned long long *arguments)
{
	return reads((void *)arguments[0]);
}

__noinline int sleeps(u64 address)
{
	u64 word = 0;

	bpf_copy_from_user(&word, sizeof(word), (void *)address);
	return word;
}

SEC("syscall") __accept
int sleeping_function_in_a_sleepable_program(void *context)
{
	return sleeps(0);
}

SEC("tc") __reject("global functions that may sleep are not allowed in non-sleepable context,")
int sleeping_function_elsewhere(struct __sk_buff *skb)
{
	return sleeps(0);
}

static long callback_sleeps(u64 index, void *context)
{
	sleeps(index);
	return 0;
}

SEC("syscall") __accept
int sleeping_function_in_a_callback(void *context)
{
	return bpf_loop(2, callback_sleeps, NULL, 0);
}
