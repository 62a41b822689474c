/* Tags of arguments of global functions: which the kernel knows, which go together, and what callers may pass. */
#include "corpus.h"

GPL;
struct record { u32 first; u32 second; };
struct small { u64 only; };
typedef struct { u64 only; } unnamed;
union bpf_attr;
struct never_defined;
struct absent_in_the_kernel { u64 only; };
struct dma_chan { int number; };
struct task_struct___flavour { int pid; } __attribute__((preserve_access_index));
MAP(HASH, records, u32, struct record, 8);

#define __arg_unknown __attribute__((btf_decl_tag("arg:unknown")))
#define __arg_(name) __attribute__((btf_decl_tag("arg:" name)))

/* Weak, so that the compiler passes arguments although they are not used. */
#define GLOBAL(name, ...) __weak __noinline int name(__VA_ARGS__) { volatile int result = 0; return result; }

GLOBAL(takes_unknown_tag, struct record *record __arg_unknown)
GLOBAL(takes_number_with_pointer_tag, int number __arg_nonnull)
GLOBAL(takes_number_with_context_tag, u64 number __arg_ctx)
GLOBAL(takes_context_that_is_nonnull, struct __sk_buff *skb __arg_ctx __arg_nonnull)
GLOBAL(takes_untagged_context_that_is_nonnull, struct __sk_buff *skb __arg_nonnull)
GLOBAL(takes_trusted_and_nonnull, struct task_struct *task __arg_trusted __arg_nonnull)
GLOBAL(takes_trusted_and_untrusted, struct task_struct *task __arg_trusted __arg_untrusted)
GLOBAL(takes_untrusted_and_nullable, struct task_struct *task __arg_untrusted __arg_nullable)
GLOBAL(takes_arena_and_nonnull, void *page __arg_arena __arg_nonnull)
GLOBAL(takes_nonnull_and_nullable, struct record *record __arg_nonnull __arg_nullable)
GLOBAL(takes_nullable_alone, struct record *record __arg_nullable)
GLOBAL(takes_tag_twice, struct record *record __arg_nonnull __arg_nonnull)
GLOBAL(takes_dynptr_with_tag, struct bpf_dynptr *dynptr __arg_nonnull)
GLOBAL(takes_unknown_and_known_tag, struct record *record __arg_unknown __arg_nonnull)
GLOBAL(takes_empty_tag, struct record *record __arg_(""))
GLOBAL(takes_trusted_absent, struct absent_in_the_kernel *absent __arg_trusted)
GLOBAL(takes_trusted_unnamed, unnamed *absent __arg_trusted)
GLOBAL(takes_trusted_ambiguous, struct dma_chan *channel __arg_trusted)
GLOBAL(takes_trusted_number, int *number __arg_trusted)
GLOBAL(takes_trusted_void, void *anything __arg_trusted)
GLOBAL(takes_untrusted_absent, struct absent_in_the_kernel *absent __arg_untrusted)
GLOBAL(takes_untrusted_pointer, int **pointer __arg_untrusted)
GLOBAL(takes_untrusted_union, union bpf_attr *attributes __arg_untrusted)
GLOBAL(takes_structure_by_value, struct small small)
GLOBAL(takes_void, void *anything)
GLOBAL(takes_incomplete, struct never_defined *anything)
GLOBAL(takes_array, int (*numbers)[4])
GLOBAL(takes_function, int (*function)(int))
GLOBAL(takes_double_pointer_tagged, struct record **records __arg_nonnull)
GLOBAL(takes_context_of_xdp_by_tag, struct xdp_md *xdp __arg_ctx)
GLOBAL(takes_unnamed_context, unnamed *context __arg_ctx)
GLOBAL(takes_number_context, int *context __arg_ctx)
GLOBAL(takes_long_context, u64 *context __arg_ctx)

__noinline int reads_flavour(struct task_struct___flavour *task __arg_trusted)
{
	return task->pid;
}

__noinline int reads_nonnull(struct record *record __arg_nonnull)
{
	return record->second;
}

__noinline int reads_untrusted_task(struct task_struct *task __arg_untrusted)
{
	return task->pid;
}

__noinline int reads_untrusted_task_far(struct task_struct *task __arg_untrusted)
{
	return task->real_parent->group_leader->pid;
}

__noinline int writes_untrusted_task(struct task_struct *task __arg_untrusted)
{
	task->pid = 1;
	return 0;
}

__noinline int reads_untrusted_bytes(u8 *bytes __arg_untrusted)
{
	return bytes[100000];
}

__noinline int reads_untrusted_void(void *memory __arg_untrusted)
{
	return *(u32 *)memory + *(u64 *)(memory - 8);
}

__noinline int writes_untrusted_number(u64 *number __arg_untrusted)
{
	*number = 1;
	return 0;
}

__noinline int passes_untrusted_to_helper(u64 *number __arg_untrusted)
{
	return bpf_map_lookup_elem(&records, number) ? 1 : 0;
}

static __noinline int static_with_tag(struct record *record __arg_nonnull)
{
	return read_once(record->second);
}

#define CALLS(verdict, name, ...) \
	SEC("tc") verdict int name(struct __sk_buff *skb) { return __VA_ARGS__; }

CALLS(__reject("arg#0 has unsupported set of tags"), unknown_tag, takes_unknown_tag(NULL))
CALLS(__reject("arg#0 has pointer tag, but is not a pointer type"), pointer_tag_on_a_number, takes_number_with_pointer_tag(1))
CALLS(__reject("arg#0 has pointer tag, but is not a pointer type"), context_tag_on_a_number, takes_number_with_context_tag(1))
CALLS(__reject("arg#0 has invalid combination of tags"), context_and_nonnull, takes_context_that_is_nonnull(skb))
CALLS(__reject("arg#0 has invalid combination of tags"), context_by_type_and_nonnull, takes_untagged_context_that_is_nonnull(skb))
CALLS(__reject("arg#0 has invalid combination of tags"), trusted_and_nonnull, takes_trusted_and_nonnull(NULL))
CALLS(__reject("R1 type=scalar expected=ptr_, trusted_ptr_, rcu_ptr_"), trusted_and_untrusted, takes_trusted_and_untrusted(NULL))
CALLS(__reject("arg#0 untrusted cannot be combined with any other tags"), untrusted_and_nullable, takes_untrusted_and_nullable(NULL))
CALLS(__reject("arg#0 arena cannot be combined with any other tags"), arena_and_nonnull, takes_arena_and_nonnull(NULL))
CALLS(__reject("arg#0 has invalid combination of tags"), nonnull_and_nullable, takes_nonnull_and_nullable(NULL))
CALLS(__reject("arg#0 has invalid combination of tags"), nullable_alone, takes_nullable_alone(NULL))
CALLS(__accept, tag_twice, takes_tag_twice(NULL))
CALLS(__reject("arg#0 has invalid combination of tags"), dynptr_and_nonnull, takes_dynptr_with_tag(NULL))
CALLS(__reject("arg#0 has unsupported set of tags"), unknown_and_known_tag, takes_unknown_and_known_tag(NULL))
CALLS(__reject("arg#0 has unsupported set of tags"), empty_tag, takes_empty_tag(NULL))
CALLS(__reject("has no matches"), trusted_structure_of_the_program, takes_trusted_absent(NULL))
CALLS(__reject("candidate matching error: -22"), trusted_structure_without_name, takes_trusted_unnamed(NULL))
CALLS(__reject("is ambiguous"), trusted_structure_that_is_there_twice, takes_trusted_ambiguous(NULL))
CALLS(__reject("R1 type=scalar expected=ptr_, trusted_ptr_, rcu_ptr_"), trusted_number, takes_trusted_number(NULL))
CALLS(__reject("arg#0 reference type('UNKNOWN (anon)') candidate matching error: -22"), trusted_void, takes_trusted_void(NULL))
CALLS(__reject("has no matches"), untrusted_structure_of_the_program, takes_untrusted_absent(NULL))
CALLS(__reject("arg#0 reference type('PTR (anon)') candidate matching error: -22"), untrusted_pointer_to_pointer, takes_untrusted_pointer(NULL))
CALLS(__reject("arg#0 reference type('FWD bpf_attr') has no matches"), untrusted_union, takes_untrusted_union(NULL))
CALLS(__reject("is not supported yet"), structure_by_value, takes_structure_by_value((struct small){ skb->mark }))
CALLS(__reject("size cannot be determined"), void_pointer, takes_void(NULL))
CALLS(__reject("size cannot be determined"), incomplete_structure, takes_incomplete(NULL))
CALLS(__accept, pointer_to_array, takes_array(NULL))
CALLS(__reject("size cannot be determined"), pointer_to_function, takes_function(NULL))
CALLS(__accept, pointer_to_pointer_nonnull, takes_double_pointer_tagged(NULL))
CALLS(__reject("arg#0 should be `struct __sk_buff *`"), context_of_xdp_by_tag, takes_context_of_xdp_by_tag((void *)skb))
CALLS(__reject("arg#0 type doesn't have a name"), unnamed_context, takes_unnamed_context((void *)skb))
CALLS(__reject("arg#0 should be `struct __sk_buff *`"), number_as_context, takes_number_context((void *)skb))
CALLS(__reject("arg#0 should be `struct __sk_buff *`"), long_as_context, takes_long_context((void *)skb))

SEC("tc") __accept
int tag_of_a_static_function(struct __sk_buff *skb)
{
	struct record record = { 1, 2 };

	barrier();
	return static_with_tag(&record);
}

SEC("tc") __reject("arg#0 is expected to be non-NULL")
int value_that_may_be_null_for_nonnull(struct __sk_buff *skb)
{
	u32 key = skb->mark;

	return reads_nonnull(bpf_map_lookup_elem(&records, &key));
}

SEC("tc") __accept
int value_checked_for_nonnull(struct __sk_buff *skb)
{
	u32 key = skb->mark;
	struct record *record = bpf_map_lookup_elem(&records, &key);

	return record ? reads_nonnull(record) : 0;
}

SEC("tc") __accept
int record_on_stack_half_written(struct __sk_buff *skb)
{
	struct record record;

	write_once(record.first, 1);
	return reads_nonnull(&record);
}

SEC("tc") __accept
int packet_bytes_for_a_record(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	return data + sizeof(struct record) <= end ? reads_nonnull(data) : 0;
}

SEC("tc") __reject("invalid access to packet")
int packet_bytes_not_checked(struct __sk_buff *skb)
{
	return reads_nonnull((void *)(long)skb->data);
}

SEC("tp_btf/task_newtask") __accept
int flavour_of_a_structure(unsigned long long *arguments)
{
	return reads_flavour((void *)arguments[0]);
}

SEC("tp_btf/task_newtask") __reject("Caller passes invalid args into func#1")
int null_for_trusted(unsigned long long *arguments)
{
	return reads_flavour(NULL);
}

SEC("tp_btf/task_newtask") __reject("Caller passes invalid args into func#1")
int another_structure_for_trusted(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	return reads_flavour((void *)task->cgroups);
}

SEC("tp_btf/task_newtask") __accept
int anything_for_untrusted(unsigned long long *arguments)
{
	u64 number = 1;

	barrier();
	return reads_untrusted_task((void *)arguments[0]) + reads_untrusted_task(NULL) +
	       reads_untrusted_task((void *)arguments[1]) + reads_untrusted_task((void *)&number);
}

SEC("tp_btf/task_newtask") __accept
int walks_from_untrusted(unsigned long long *arguments)
{
	return reads_untrusted_task_far((void *)arguments[0]);
}

SEC("tp_btf/task_newtask") __reject("only read is supported")
int write_through_untrusted(unsigned long long *arguments)
{
	return writes_untrusted_task((void *)arguments[0]);
}

SEC("tc") __accept
int untrusted_memory_has_no_end(struct __sk_buff *skb)
{
	return reads_untrusted_bytes((void *)(long)skb->mark) + reads_untrusted_void(skb);
}

SEC("tc") __accept
int write_to_untrusted_memory(struct __sk_buff *skb)
{
	return writes_untrusted_number(NULL);
}

SEC("tc") __reject("R2 type=rdonly_untrusted_mem expected=fp")
int untrusted_memory_as_key(struct __sk_buff *skb)
{
	return passes_untrusted_to_helper(NULL);
}
