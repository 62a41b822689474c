/* Open-coded iterators: numbers, bits, tasks, and what their protocol demands. */
#include "corpus.h"

GPL;
MAP(HASH, hash, u32, u64, 8);
u64 total;

SEC("tc") __accept
int numbers_summed(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	int *i, sum = 0;

	bpf_iter_num_new(&it, 0, 1000000);
	while ((i = bpf_iter_num_next(&it)))
		sum += *i;
	bpf_iter_num_destroy(&it);
	return sum;
}

SEC("tc") __reject("Unreleased reference id=")
int never_destroyed(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 10);
	while (bpf_iter_num_next(&it))
		;
	return 0;
}

SEC("tc") __reject("expected an initialized iter_num as arg #0")
int never_created(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	return bpf_iter_num_next(&it) ? 1 : 0;
}

SEC("tc") __reject("expected uninitialized iter_num as arg #0")
int created_twice(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 10);
	bpf_iter_num_new(&it, 0, 10);
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("tc") __reject("expected an initialized iter_num as arg #0")
int destroyed_twice(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 10);
	bpf_iter_num_destroy(&it);
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("tc") __reject("R0 invalid mem access 'scalar'")
int element_without_null_check(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	int value;

	bpf_iter_num_new(&it, 0, 10);
	value = *bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return value;
}

SEC("tc") __reject("invalid read from stack")
int state_read(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	u64 state;

	bpf_iter_num_new(&it, 0, 10);
	state = *(volatile u64 *)&it;
	bpf_iter_num_destroy(&it);
	return state;
}

SEC("tc") __reject("expected an initialized iter_num as arg #0")
int state_overwritten(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 10);
	*(volatile u64 *)&it = 0;
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("tc") __reject("BPF program is too large. Processed 1000001 insn")
int loop_that_ignores_the_end(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 10);
	for (;;)
		if (bpf_iter_num_next(&it))
			barrier();
	return 0;
}

SEC("tc") __accept
int nested(struct __sk_buff *skb)
{
	struct bpf_iter_num outer, inner;
	int sum = 0, *j;

	bpf_iter_num_new(&outer, 0, 10);
	while (bpf_iter_num_next(&outer)) {
		bpf_iter_num_new(&inner, 0, 20);
		while ((j = bpf_iter_num_next(&inner)))
			sum += *j;
		bpf_iter_num_destroy(&inner);
	}
	bpf_iter_num_destroy(&outer);
	return sum;
}

SEC("tc") __reject("expected an initialized iter_num as arg #0")
int nested_without_destroy(struct __sk_buff *skb)
{
	struct bpf_iter_num outer, inner;

	bpf_iter_num_new(&outer, 0, 10);
	while (bpf_iter_num_next(&outer)) {
		bpf_iter_num_new(&inner, 0, 20);
		bpf_iter_num_next(&inner);
	}
	bpf_iter_num_destroy(&inner);
	bpf_iter_num_destroy(&outer);
	return 0;
}

SEC("tc") __accept
int index_checked_against_array(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	int *i, sum = 0;
	char bytes[16] = {};

	barrier();
	bpf_iter_num_new(&it, 0, 16);
	while ((i = bpf_iter_num_next(&it))) {
		u32 index = *i;

		if (index < 16)
			sum += *(volatile char *)(bytes + index);
	}
	bpf_iter_num_destroy(&it);
	return sum;
}

SEC("tc") __reject("value -2147483648 makes fp pointer be out of bounds")
int index_not_checked_against_array(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	int *i, sum = 0;
	char bytes[16] = {};

	barrier();
	bpf_iter_num_new(&it, 0, 16);
	while ((i = bpf_iter_num_next(&it)))
		sum += *(volatile char *)(bytes + *i);
	bpf_iter_num_destroy(&it);
	return sum;
}

SEC("tc") __accept
int bits_of_a_word(struct __sk_buff *skb)
{
	struct bpf_iter_bits it;
	u64 word = 0xff;
	int *bit, sum = 0;

	bpf_iter_bits_new(&it, &word, 1);
	while ((bit = bpf_iter_bits_next(&it)))
		sum += *bit;
	bpf_iter_bits_destroy(&it);
	return sum;
}

SEC("tc") __reject("Unreleased reference id=")
int bits_never_destroyed(struct __sk_buff *skb)
{
	struct bpf_iter_bits it;
	u64 word = 0xff;

	bpf_iter_bits_new(&it, &word, 1);
	return bpf_iter_bits_next(&it) ? 1 : 0;
}

SEC("syscall") __accept
int tasks_under_rcu(void *context)
{
	struct bpf_iter_task it;
	struct task_struct *task;
	int count = 0;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, NULL, 0);
	while ((task = bpf_iter_task_next(&it)))
		count += task->pid != 0;
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	return count;
}

SEC("syscall") __reject("kernel func bpf_iter_task_new requires RCU critical section protection")
int tasks_without_rcu(void *context)
{
	struct bpf_iter_task it;

	bpf_iter_task_new(&it, NULL, 0);
	bpf_iter_task_destroy(&it);
	return 0;
}

SEC("tp_btf/task_newtask") __accept
int memory_areas_of_a_task(unsigned long long *arguments)
{
	struct bpf_iter_task_vma it;
	struct vm_area_struct *area;
	u64 size = 0;

	bpf_iter_task_vma_new(&it, (void *)arguments[0], 0);
	while ((area = bpf_iter_task_vma_next(&it)))
		size += area->vm_end - area->vm_start;
	bpf_iter_task_vma_destroy(&it);
	total = size;
	return 0;
}

static long counts(u64 index, u32 *context)
{
	*context += index;
	return 0;
}

static long returns_two(u64 index, void *context)
{
	return 2;
}

static long exceeds_its_frame(u64 index, char *context)
{
	return context[8] & 1;
}

static long visits(void *map, const u32 *key, u64 *value, u64 *context)
{
	*context += *key + *value;
	return 0;
}

static long writes_key(void *map, u32 *key, u64 *value, void *context)
{
	*key = 1;
	return 0;
}

SEC("tc") __accept
int loop_helper_with_callback(struct __sk_buff *skb)
{
	u32 sum = 0;

	bpf_loop(1000, counts, &sum, 0);
	return sum;
}

SEC("tc") __reject("At callback return the register R0 has smin=2 smax=2 should have been in [0, 1]")
int loop_callback_returns_two(struct __sk_buff *skb)
{
	return bpf_loop(10, returns_two, NULL, 0);
}

SEC("tc") __reject("invalid")
int loop_callback_exceeds_context(struct __sk_buff *skb)
{
	u64 context = 0;

	barrier();
	return bpf_loop(10, exceeds_its_frame, &context, 0);
}

SEC("tc") __reject("R2 type=map_ptr expected=func")
int loop_callback_is_no_function(struct __sk_buff *skb)
{
	return bpf_loop(10, &hash, NULL, 0);
}

SEC("tc") __accept
int for_each_element_of_a_map(struct __sk_buff *skb)
{
	u64 sum = 0;

	bpf_for_each_map_elem(&hash, visits, &sum, 0);
	return sum;
}

SEC("tc") __reject("write to change key R2 not allowed")
int for_each_callback_writes_key(struct __sk_buff *skb)
{
	return bpf_for_each_map_elem(&hash, writes_key, NULL, 0);
}

SEC("tc") __accept
int bounded_loop(struct __sk_buff *skb)
{
	u32 count = skb->mark & 31, sum = 0;

	for (u32 i = 0; i < count; i++) {
		opaque(sum);
		sum += i;
	}
	return sum;
}

SEC("tc") __reject("infinite loop detected at insn 0")
__naked int endless_loop(void)
{
	asm volatile("					\
1:	goto 1b;					\
"	::: __clobbers);
}

SEC("tc") __reject("infinite loop detected")
__naked int loop_without_progress(void)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 + 8);				\
1:	if r0 != 0 goto 1b;				\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("BPF program is too large. Processed 1000001 insn")
__naked int loop_with_too_many_rounds(void)
{
	asm volatile("					\
	r0 = 0;						\
	r1 = 0;						\
1:	r1 += 1;					\
	if r1 < 1000000 goto 1b;			\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __accept
__naked int may_goto_loop(void)
{
	asm volatile("					\
	r0 = 0;						\
1:	.8byte %[may_goto_2];				\
	r0 += 1;					\
	goto 1b;					\
	exit;						\
"	:: __imm_const(may_goto_2, 0x00000000000200e5ULL) : __clobbers);
}
