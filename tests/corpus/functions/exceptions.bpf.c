/* Exceptions: where they may be thrown, what is held then, and functions that handle them. */
#include "corpus.h"

GPL;
#define bpf_obj_new(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define bpf_obj_drop(pointer) bpf_obj_drop_impl(pointer, NULL)
#define __exception_cb(name) __attribute__((btf_decl_tag("exception_callback:" #name)))

struct item { u64 value; };
struct guarded { struct bpf_spin_lock lock; u32 count; };
MAP(ARRAY, guardeds, u32, struct guarded, 1);
MAP(HASH, hash, u32, u64, 4);
RINGBUF(ring, 4096);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} programs SEC(".maps");

__noinline int handles(u64 cookie)
{
	return cookie ? TC_ACT_SHOT : TC_ACT_OK;
}

__noinline int handles_with_helpers(u64 cookie)
{
	u32 key = cookie;
	u64 *value = bpf_map_lookup_elem(&hash, &key);

	return value ? *value & 1 : bpf_get_prandom_u32() & 1;
}

__noinline int handles_and_throws(u64 cookie)
{
	bpf_throw(cookie);
	return 0;
}

__noinline int handles_two_numbers(u64 cookie, u64 more)
{
	return cookie + more;
}

__noinline int handles_context(struct __sk_buff *skb)
{
	return 0;
}

__noinline int handles_nothing(void)
{
	return 0;
}

__noinline int handles_small(u32 cookie)
{
	return cookie & 1;
}

__noinline int handles_out_of_range(u64 cookie)
{
	return cookie + 5;
}

static __noinline int could_call_another_program(u64 cookie)
{
	u64 bit = cookie & 1;

	opaque(bit);
	if (bit > 1)
		bpf_tail_call((void *)cookie, &programs, 0);
	return 0;
}

__noinline int handles_by_tail_call(u64 cookie)
{
	return could_call_another_program(cookie);
}

static __noinline int throws_sometimes(struct __sk_buff *skb)
{
	if (skb->mark == 3)
		bpf_throw(skb->mark);
	return skb->len;
}

__noinline int throws_globally(struct __sk_buff *skb)
{
	if (skb->mark == 3)
		bpf_throw(0);
	return skb->len;
}

__noinline int always_throws(u64 cookie)
{
	bpf_throw(cookie);
	return 0;
}

static __noinline int throws_two_deep(struct __sk_buff *skb)
{
	return throws_sometimes(skb) + 1;
}

SEC("tc") __accept __exception_cb(handles_with_helpers)
int handler_calls_helpers(struct __sk_buff *skb)
{
	return throws_sometimes(skb) & 1;
}

SEC("tc") __reject("bpf_throw kfunc (insn 10) cannot be called from callback subprog 2") __exception_cb(handles_and_throws)
int handler_throws(struct __sk_buff *skb)
{
	return throws_sometimes(skb) & 1;
}

SEC("tc") __reject("exception cb only supports single integer argument") __exception_cb(handles_two_numbers)
int handler_of_two_numbers(struct __sk_buff *skb)
{
	return throws_sometimes(skb) & 1;
}

SEC("tc") __reject("exception cb only supports single integer argument") __exception_cb(handles_context)
int handler_of_the_context(struct __sk_buff *skb)
{
	return throws_sometimes(skb) & 1;
}

SEC("tc") __reject("exception cb only supports single integer argument") __exception_cb(handles_nothing)
int handler_of_nothing(struct __sk_buff *skb)
{
	return throws_sometimes(skb) & 1;
}

SEC("tc") __accept __exception_cb(handles_small)
int handler_of_a_small_number(struct __sk_buff *skb)
{
	return throws_sometimes(skb) & 1;
}

SEC("cgroup_skb/ingress") __reject("At program exit the register R0 has smin=0 smax=4294967295 should have been in [0, 1]") __exception_cb(handles_out_of_range)
int handler_result_out_of_range(struct __sk_buff *skb)
{
	return throws_sometimes(skb) & 1;
}

SEC("cgroup_skb/ingress") __accept __exception_cb(handles_small)
int handler_result_in_range_and_cookie_out_of_it(struct __sk_buff *skb)
{
	if (skb->mark)
		bpf_throw(77);
	return 1;
}

SEC("tc") __reject("cannot tail call within exception cb") __exception_cb(handles_by_tail_call)
int handler_could_do_a_tail_call(struct __sk_buff *skb)
{
	return throws_sometimes(skb) & 1;
}

SEC("tc") __reject("multiple exception callback tags for main subprog") __exception_cb(handles) __exception_cb(handles_small)
int two_handlers(struct __sk_buff *skb)
{
	return throws_sometimes(skb) & 1;
}

SEC("tc") __reject("cannot call exception cb directly") __exception_cb(handles)
int handler_called_directly(struct __sk_buff *skb)
{
	return throws_sometimes(skb) + handles(skb->mark);
}

SEC("tc") __accept __exception_cb(handles)
int handler_without_anything_thrown(struct __sk_buff *skb)
{
	return 0;
}

SEC("tc") __accept
int thrown_two_frames_deep(struct __sk_buff *skb)
{
	return throws_two_deep(skb) & 1;
}

SEC("tc") __accept
int thrown_in_a_global_function(struct __sk_buff *skb)
{
	return throws_globally(skb) & 1;
}

SEC("tc") __accept
int call_that_never_returns(struct __sk_buff *skb)
{
	always_throws(skb->mark);
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int thrown_while_an_object_is_held(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	if (skb->mark)
		bpf_throw(1);
	bpf_obj_drop(item);
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int callee_throws_while_an_object_is_held(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	throws_sometimes(skb);
	bpf_obj_drop(item);
	return 0;
}

SEC("tc") __accept
int global_function_that_may_throw_while_an_object_is_held(struct __sk_buff *skb)
{
	struct item *item = bpf_obj_new(struct item);

	if (!item)
		return 0;
	throws_globally(skb);
	bpf_obj_drop(item);
	return 0;
}

SEC("tc") __reject("function calls are not allowed while holding a lock")
int thrown_under_a_lock(struct __sk_buff *skb)
{
	u32 key = 0;
	struct guarded *g = bpf_map_lookup_elem(&guardeds, &key);

	if (!g)
		return 0;
	bpf_spin_lock(&g->lock);
	bpf_throw(1);
	bpf_spin_unlock(&g->lock);
	return 0;
}

SEC("tc") __reject("bpf_rcu_read_lock-ed region")
int thrown_in_a_read_section(struct __sk_buff *skb)
{
	bpf_rcu_read_lock();
	if (skb->mark)
		bpf_throw(1);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tc") __reject("bpf_rcu_read_lock-ed region")
int callee_throws_in_a_read_section(struct __sk_buff *skb)
{
	bpf_rcu_read_lock();
	throws_two_deep(skb);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tc") __reject("bpf_preempt_disable-ed region")
int thrown_without_preemption(struct __sk_buff *skb)
{
	bpf_preempt_disable();
	throws_sometimes(skb);
	bpf_preempt_enable();
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int thrown_within_an_iterator(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 10);
	while (bpf_iter_num_next(&it))
		throws_sometimes(skb);
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int thrown_with_a_record(struct __sk_buff *skb)
{
	u64 *record = bpf_ringbuf_reserve(&ring, 8, 0);

	if (!record)
		return 0;
	if (skb->mark)
		bpf_throw(2);
	bpf_ringbuf_submit(record, 0);
	return 0;
}

static long callback_calls_thrower(u64 index, struct __sk_buff **context)
{
	throws_sometimes(*context);
	return 0;
}

SEC("tc") __reject("cannot be called from callback subprog")
int thrown_below_a_callback(struct __sk_buff *skb)
{
	return bpf_loop(2, callback_calls_thrower, &skb, 0);
}

SEC("tc") __reject("R1 is not a scalar")
__naked int thrown_without_number(void)
{
	asm volatile("					\
	call clobbers_argument;				\
	call %[bpf_throw];				\
	exit;						\
"	:: __imm(bpf_throw) : __clobbers);
}

static __naked __noinline __attribute__((used)) int clobbers_argument(void)
{
	asm volatile("					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __accept
__naked int nothing_behind_the_throw(void)
{
	asm volatile("					\
	r1 = 0;						\
	call %[bpf_throw];				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_throw) : __clobbers);
}

SEC("tc") __reject("last insn is not an exit or jmp")
__naked int ends_with_a_throw(void)
{
	asm volatile("					\
	r1 = 0;						\
	call %[bpf_throw];				\
"	:: __imm(bpf_throw) : __clobbers);
}

SEC("tc") __reject("R1 is not a scalar")
int pointer_thrown(struct __sk_buff *skb)
{
	bpf_throw((u64)skb);
	return 0;
}

SEC("xdp") __accept
int thrown_in_xdp(struct xdp_md *xdp)
{
	if (xdp->ingress_ifindex)
		bpf_throw(XDP_DROP);
	return XDP_PASS;
}

SEC("socket") __reject("calling kernel function bpf_throw is not allowed")
int thrown_in_a_socket_filter(struct __sk_buff *skb)
{
	bpf_throw(0);
	return 0;
}

SEC("tp_btf/task_newtask") __accept
int thrown_number_of_tracing(unsigned long long *arguments)
{
	if (arguments[1])
		bpf_throw(1);
	return 0;
}

SEC("syscall") __accept
int thrown_in_syscall(void *context)
{
	if (bpf_get_prandom_u32())
		bpf_throw(-1);
	return 0;
}
