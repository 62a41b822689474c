/* Global functions are verified alone, by the types and tags of their arguments. */
#include "corpus.h"

GPL;
struct record { u32 first; u32 second; };
MAP(HASH, records, u32, struct record, 8);

__noinline int adds(int a, int b)
{
	return a + b;
}

__noinline int reads_record(struct record *record)
{
	return record ? record->second : 0;
}

__noinline int reads_record_unchecked(struct record *record)
{
	return record->second;
}

__noinline int reads_record_nonnull(struct record *record __arg_nonnull)
{
	return record->second;
}

__noinline int reads_context(struct __sk_buff *skb)
{
	return skb->len;
}

__noinline int reads_context_by_tag(void *context __arg_ctx)
{
	struct __sk_buff *skb = context;

	return skb->len;
}

__noinline int divides(u32 a, u32 b)
{
	return a / b;
}

__noinline int reads_task(struct task_struct *task __arg_trusted)
{
	return task->pid;
}

__noinline int reads_task_or_null(struct task_struct *task __arg_trusted __arg_nullable)
{
	return task ? task->pid : 0;
}

__noinline int reads_task_or_null_unchecked(struct task_struct *task __arg_trusted __arg_nullable)
{
	return task->pid;
}

__noinline void returns_nothing(struct __sk_buff *skb)
{
	skb->mark = 1;
}

__noinline u64 returns_wide(struct __sk_buff *skb)
{
	return skb->mark;
}

__noinline int takes_pointer_to_pointer(struct record **records)
{
	return records ? 1 : 0;
}

__noinline int recurses(struct __sk_buff *skb)
{
	int depth = skb->mark ? recurses(skb) : 0;

	opaque(depth);
	return depth + 1;
}

__noinline int has_a_full_stack(struct __sk_buff *skb)
{
	volatile char bytes[500] = {};

	return bytes[skb->mark & 255];
}

__noinline int indexes(u32 index)
{
	static const char bytes[16] = { 1 };

	return *(volatile const char *)(bytes + index);
}

__noinline int indexes_checked(u32 index)
{
	static const char bytes[16] = { 1 };

	return index < 16 ? *(volatile const char *)(bytes + index) : 0;
}

SEC("tc") __accept
int scalars(struct __sk_buff *skb)
{
	return adds(skb->mark, skb->len) + indexes_checked(3) + divides(skb->len, 0);
}

SEC("tc") __reject("unbounded memory access, make sure to bounds check any such access")
int argument_is_any_number_inside(struct __sk_buff *skb)
{
	return indexes(3);
}

SEC("tc") __accept
int pointer_to_record_on_stack(struct __sk_buff *skb)
{
	struct record record = { 1, 2 };

	barrier();
	return reads_record(&record);
}

SEC("tc") __accept
int null_for_a_record(struct __sk_buff *skb)
{
	return reads_record(NULL);
}

SEC("tc") __accept
int map_value_that_may_be_null_for_a_record(struct __sk_buff *skb)
{
	u32 key = skb->mark;

	return reads_record(bpf_map_lookup_elem(&records, &key));
}

SEC("tc") __reject("invalid mem access 'mem_or_null'")
int record_may_be_null_inside(struct __sk_buff *skb)
{
	struct record record = { 1, 2 };

	barrier();
	return reads_record_unchecked(&record);
}

SEC("tc") __accept
int nonnull_tag(struct __sk_buff *skb)
{
	struct record record = { 1, 2 };

	barrier();
	return reads_record_nonnull(&record);
}

SEC("tc") __reject("Caller passes invalid args into func#1 ('reads_record_nonnull')")
int null_for_a_nonnull_tag(struct __sk_buff *skb)
{
	return reads_record_nonnull(NULL);
}

SEC("tc") __reject("Caller passes invalid args into func#1 ('reads_record')")
int record_too_short(struct __sk_buff *skb)
{
	u32 key = skb->mark;
	struct record *record = bpf_map_lookup_elem(&records, &key);

	return record ? reads_record((void *)record + 4) : 0;
}

SEC("tc") __reject("Caller passes invalid args into func#1 ('reads_record')")
int number_for_a_record(struct __sk_buff *skb)
{
	return reads_record((void *)(long)skb->mark);
}

SEC("tc") __accept
int context_by_type_and_by_tag(struct __sk_buff *skb)
{
	return reads_context(skb) + reads_context_by_tag(skb);
}

SEC("tc") __reject("Caller passes invalid args into func#1 ('reads_context')")
int stack_for_a_context(struct __sk_buff *skb)
{
	struct __sk_buff copy = {};

	barrier();
	return reads_context(&copy);
}

SEC("xdp") __reject("Caller passes invalid args into func#1 ('reads_context')")
int context_of_another_program_type(struct xdp_md *xdp)
{
	return reads_context((void *)xdp);
}

SEC("tp_btf/task_newtask") __accept
int trusted_tag(unsigned long long *arguments)
{
	return reads_task((void *)arguments[0]) + reads_task_or_null(NULL);
}

SEC("tp_btf/task_newtask") __accept
int walked_pointer_passes_for_a_trusted_tag(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	return reads_task(task->last_wakee);
}

SEC("tp_btf/task_newtask") __reject("invalid mem access 'trusted_ptr_or_null_'")
int nullable_tag_not_checked(unsigned long long *arguments)
{
	return reads_task_or_null_unchecked((void *)arguments[0]);
}

SEC("tc") __reject("Global function returns_nothing() doesn't return scalar. Only those are supported.")
int void_function(struct __sk_buff *skb)
{
	returns_nothing(skb);
	return 0;
}

SEC("tc") __accept
int result_is_any_number(struct __sk_buff *skb)
{
	return returns_wide(skb);
}

SEC("tc") __accept
int pointer_to_pointer(struct __sk_buff *skb)
{
	return takes_pointer_to_pointer(NULL);
}

SEC("tc") __reject("the call stack of 8 frames is too deep")
int recursion(struct __sk_buff *skb)
{
	return recurses(skb);
}

SEC("tc") __reject("combined stack size of 2 calls is")
int stack_of_two_frames_too_large(struct __sk_buff *skb)
{
	volatile char bytes[200] = {};

	return bytes[skb->len & 127] + has_a_full_stack(skb);
}
