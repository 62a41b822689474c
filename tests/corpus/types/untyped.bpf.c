/* The kernel refuses types in which an argument of a function has no name, as of naked functions. Loaders go on
 * without types, so that what needs them is refused, and global functions are followed like static ones. */
#include "corpus.h"

GPL;
struct guarded { struct bpf_spin_lock lock; u32 count; };
struct number { u64 value; };
MAP(ARRAY, guardeds, u32, struct guarded, 1);
MAP(HASH, hash, u32, u64, 4);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} programs SEC(".maps");
u64 variable;
const u64 constant = 5;

SEC("tc") __accept
__naked int has_an_argument_without_a_name(struct __sk_buff *skb)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	::: __clobbers);
}

__noinline int adds(u32 a, u32 b)
{
	return a + b;
}

__noinline int indexes(u32 index)
{
	static const char bytes[16] = { 1 };

	return *(volatile const char *)(bytes + index);
}

__noinline void returns_nothing(struct __sk_buff *skb)
{
	skb->mark = 1;
}

static __noinline int calls_another_program(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, 0);
	return 1;
}

static long goes_on(u64 index, void *context)
{
	return 0;
}

SEC("tc") __accept
int global_function_is_followed(struct __sk_buff *skb)
{
	return adds(skb->mark, 1) + indexes(3);
}

SEC("tc") __accept
int function_without_result(struct __sk_buff *skb)
{
	returns_nothing(skb);
	return 0;
}

SEC("tc") __reject("tail_call is not allowed in subprogs without BTF")
int tail_call_in_a_function(struct __sk_buff *skb)
{
	return calls_another_program(skb);
}

SEC("tc") __accept
int tail_call_of_the_program(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &programs, 0);
	return 0;
}

static __naked __noinline __attribute__((used)) int loads_a_byte(void)
{
	asm volatile("					\
	r6 = r1;					\
	r0 = *(u8 *)skb[0];				\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("LD_ABS is not allowed in subprogs without BTF")
__naked int packet_load_in_a_function(void)
{
	asm volatile("					\
	call loads_a_byte;				\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("missing btf func_info")
int callback(struct __sk_buff *skb)
{
	return bpf_loop(10, goes_on, NULL, 0);
}

SEC("tc") __reject("map 'guardeds' has to have BTF in order to use bpf_spin_lock")
int lock_in_a_map(struct __sk_buff *skb)
{
	u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guardeds, &key);

	if (!g)
		return 0;
	bpf_spin_lock(&g->lock);
	g->count++;
	bpf_spin_unlock(&g->lock);
	return 0;
}

SEC("tc") __accept
int lock_written_directly(struct __sk_buff *skb)
{
	u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guardeds, &key);

	if (g)
		*(volatile u32 *)&g->lock = 1;
	return 0;
}

SEC("tc") __accept
int variables_and_constants(struct __sk_buff *skb)
{
	variable += constant;
	return variable;
}

SEC("tc") __reject("bpf_obj_new/bpf_percpu_obj_new requires prog BTF")
int object_of_its_own(struct __sk_buff *skb)
{
	void *object = bpf_obj_new_impl(__builtin_btf_type_id(*(struct number *)0, 0), NULL);

	if (object)
		bpf_obj_drop_impl(object, NULL);
	return 0;
}

SEC("tc") __accept
int kernel_function(struct __sk_buff *skb)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tp_btf/task_newtask") __accept
int walks_types_of_the_kernel(unsigned long long *arguments)
{
	return ((struct task_struct *)arguments[0])->group_leader->pid;
}

SEC("tc") __accept
int exception(struct __sk_buff *skb)
{
	if (skb->mark)
		bpf_throw(1);
	return 0;
}
