/* How much stack functions may use together, in programs with a stack of their own and without. */
#include "corpus.h"

GPL;
struct timed { struct bpf_timer timer; u64 count; };
MAP(ARRAY, timeds, u32, struct timed, 1);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} programs SEC(".maps");

#define USES(name, size, ...)						\
	static __noinline int name(u32 index)				\
	{								\
		volatile char bytes[size] = {};				\
									\
		__VA_ARGS__;						\
		return bytes[index & 31];				\
	}
USES(uses_400, 400)
USES(uses_400_twice, 400, index += uses_400(index))
USES(uses_400_thrice, 400, index += uses_400_twice(index))
USES(uses_56_below, 56, index += uses_400(index))
USES(uses_500, 500)
USES(uses_500_below_200, 200, index += uses_500(index))

__noinline int uses_400_globally(u32 index)
{
	volatile char bytes[400] = {};

	return bytes[index & 31] + uses_400(index);
}

static __noinline int recurses(u32 index)
{
	volatile char bytes[100] = {};

	if (index > 5)
		return 0;
	return recurses(index + 1) + bytes[index];
}

static __noinline int tail_calls(void *context)
{
	bpf_tail_call(context, &programs, 0);
	return 1;
}

#define PROGRAM(section, verdict, name, ...) SEC(section) verdict int name(void *context) { u32 index = bpf_get_prandom_u32(); return __VA_ARGS__; }

PROGRAM("tc", __reject("combined stack size of 3 calls is 800. Too large"), two_large_frames_in_tc, uses_400_twice(index))
PROGRAM("kprobe/do_nanosleep", __accept, two_large_frames_in_kprobe, uses_400_twice(index) & 0)
PROGRAM("kprobe/do_nanosleep", __accept, three_large_frames_in_kprobe, uses_400_thrice(index) & 0)
PROGRAM("kprobe/do_nanosleep", __accept, small_and_large_frames_in_kprobe, uses_56_below(index) & 0)
PROGRAM("kprobe/do_nanosleep", __accept, global_frame_in_kprobe, uses_400_globally(index) & 0)
PROGRAM("kprobe/do_nanosleep", __accept, full_frame_in_kprobe, uses_500_below_200(index) & 0)
PROGRAM("perf_event", __accept, two_large_frames_in_perf_event, uses_400_twice(index) & 0)
PROGRAM("raw_tp/sys_enter", __accept, two_large_frames_in_raw_tp, uses_400_twice(index) & 0)
PROGRAM("tracepoint/syscalls/sys_enter_openat", __accept, two_large_frames_in_tracepoint, uses_400_twice(index) & 0)
PROGRAM("tp_btf/task_newtask", __accept, two_large_frames_in_tracing, uses_400_twice(index) & 0)
PROGRAM("iter/task", __reject("combined stack size of 3 calls is 800. Too large"), two_large_frames_in_an_iterator, uses_400_twice(index) & 0)
PROGRAM("uprobe.s", __accept, two_large_frames_in_a_sleepable_uprobe, uses_400_twice(index) & 0)
PROGRAM("syscall", __reject("combined stack size of 3 calls is 800. Too large"), two_large_frames_in_syscall, uses_400_twice(index))
PROGRAM("xdp", __reject("combined stack size of 3 calls is 800. Too large"), two_large_frames_in_xdp, uses_400_twice(index))
PROGRAM("kprobe/do_nanosleep", __reject("the call stack of 8 frames is too deep !"), recursion_in_kprobe, recurses(index) & 0)
PROGRAM("kprobe/do_nanosleep", __reject("combined stack size of 3 calls is 800. Too large"), tail_call_with_large_frames_in_kprobe, (uses_400_twice(index) + tail_calls(context)) & 0)
PROGRAM("kprobe/do_nanosleep", __accept, sum_of_frames_beside_each_other, (uses_400(index) + uses_500(index) + uses_400(index + 1)) & 0)
PROGRAM("tc", __accept, frames_beside_each_other_in_tc, uses_400(index) + uses_500(index))
PROGRAM("tc", __accept, frames_that_just_fit, uses_56_below(index))

SEC("tc") __accept
__naked int frame_of_512_bytes(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 512) = 0;			\
	r0 = *(u64 *)(r10 - 512);			\
	exit;						\
"	::: __clobbers);
}

static int fires(void *map, u32 *key, struct timed *timed)
{
	volatile char bytes[400] = {};

	timed->count += bytes[timed->count & 255];
	return 0;
}

static int fires_deep(void *map, u32 *key, struct timed *timed)
{
	volatile char bytes[200] = {};

	timed->count += bytes[timed->count & 127] + uses_400(timed->count);
	return 0;
}

static int fires_and_loops(void *map, u32 *key, struct timed *timed)
{
	return 0;
}

SEC("tc") __accept
int callback_for_later_has_its_own_stack(struct __sk_buff *skb)
{
	volatile char bytes[400] = {};
	u32 key = 0;
	struct timed *timed = bpf_map_lookup_elem(&timeds, &key);

	if (timed)
		bpf_timer_set_callback(&timed->timer, fires);
	return bytes[skb->mark & 255];
}

SEC("tc") __reject("combined stack size of 2 calls is 608. Too large")
int callback_for_later_uses_too_much(struct __sk_buff *skb)
{
	u32 key = 0;
	struct timed *timed = bpf_map_lookup_elem(&timeds, &key);

	if (timed)
		bpf_timer_set_callback(&timed->timer, fires_deep);
	return 0;
}

SEC("tc") __accept
int callback_for_later_is_small(struct __sk_buff *skb)
{
	u32 key = 0;
	struct timed *timed = bpf_map_lookup_elem(&timeds, &key);

	return timed ? bpf_timer_set_callback(&timed->timer, fires_and_loops) : 0;
}

static int goes_on(void);

static long uses_300_in_a_loop(u64 index, void *context)
{
	volatile char bytes[300] = {};

	return bytes[index & 255] & 1;
}

SEC("tc") __reject("combined stack size of 2 calls is")
int callback_of_a_loop_shares_the_stack(struct __sk_buff *skb)
{
	volatile char bytes[300] = {};

	bpf_loop(3, uses_300_in_a_loop, NULL, 0);
	return bytes[skb->mark & 255];
}

SEC("kprobe/do_nanosleep") __accept
int callback_of_a_loop_in_kprobe(void *context)
{
	volatile char bytes[300] = {};

	bpf_loop(3, uses_300_in_a_loop, NULL, 0);
	return bytes[bpf_get_prandom_u32() & 255] & 0;
}

SEC("tc") __accept
__naked int stack_below_a_helper_that_is_inlined(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 504) = 0;			\
	r1 = 3;						\
	r2 = %[goes_on] ll;				\
	r3 = 0;						\
	r4 = 0;						\
	call %[bpf_loop];				\
	r0 = *(u64 *)(r10 - 504);			\
	exit;						\
"	:: __imm(bpf_loop), __imm_addr(goes_on) : __clobbers);
}

static __naked __attribute__((used)) int goes_on(void)
{
	asm volatile("					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}
