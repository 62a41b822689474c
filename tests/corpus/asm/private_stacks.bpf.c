/* How deep stacks may be, in programs that have one for each function and in those that have not. */
#include "corpus.h"

GPL;
MAP(ARRAY, values, u32, u64, 4);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} programs SEC(".maps");

/* A function that uses so much stack, and may call another one with the same argument. */
#define USES(name, bytes, next)						\
	static __naked __noinline __attribute__((used)) void name(void)	\
	{								\
		asm volatile("						\
		*(u64 *)(r10 - " #bytes ") = r1;			\
		" next "						\
		r0 = 0;							\
		exit;							\
		" ::: __clobbers);					\
	}

USES(uses_32, 32, "")
USES(uses_256, 256, "")
USES(uses_264, 264, "")
USES(uses_512, 512, "")
USES(uses_512_and_512, 512, "call uses_512;")
USES(uses_512_three_times, 512, "call uses_512_and_512;")
USES(uses_512_four_times, 512, "call uses_512_three_times;")
USES(uses_264_and_32, 264, "call uses_32;")
USES(uses_520, 520, "")

#define PROGRAM(name, bytes, next)					\
	__naked int name(void)						\
	{								\
		asm volatile("						\
		*(u64 *)(r10 - " #bytes ") = 0;				\
		" next "						\
		r0 = 0;							\
		exit;							\
		" ::: __clobbers);					\
	}

SEC("tc") __accept
PROGRAM(tc_256_and_256, 256, "call uses_256;")
SEC("tc") __reject("combined stack size of 2 calls is 528. Too large")
PROGRAM(tc_256_and_264, 256, "call uses_264;")
SEC("tc") __reject("combined stack size of 2 calls is 528. Too large")
PROGRAM(tc_256_and_264_and_32, 256, "call uses_264_and_32;")
SEC("tc") __accept
PROGRAM(tc_256_and_256_twice_in_turn, 256, "call uses_256; r1 = 0; call uses_256;")
SEC("tc") __reject("combined stack size of 2 calls is 544. Too large")
PROGRAM(tc_512_and_a_little, 512, "call uses_32;")
SEC("tc") __reject("invalid write to stack R10 off=-520 size=8")
PROGRAM(tc_520, 520, "")

SEC("kprobe/do_nanosleep") __accept
PROGRAM(kprobe_256_and_264, 256, "call uses_264;")
SEC("kprobe/do_nanosleep") __accept
PROGRAM(kprobe_512_five_times, 512, "call uses_512_four_times;")
SEC("kprobe/do_nanosleep") __reject("invalid write to stack R10 off=-520 size=8")
PROGRAM(kprobe_512_and_520, 512, "r1 = 0; call uses_520;")
SEC("perf_event") __accept
PROGRAM(perf_event_512_and_512, 512, "call uses_512;")
SEC("tracepoint/syscalls/sys_enter_nanosleep") __accept
PROGRAM(tracepoint_512_and_512, 512, "call uses_512;")
SEC("raw_tp/sys_enter") __accept
PROGRAM(raw_tp_512_and_512, 512, "call uses_512;")
SEC("tp_btf/task_newtask") __accept
PROGRAM(tp_btf_512_and_512, 512, "call uses_512;")
SEC("iter/task") __reject("combined stack size of 2 calls is")
PROGRAM(iter_512_and_512, 512, "call uses_512;")
SEC("xdp") __reject("combined stack size of 2 calls is")
PROGRAM(xdp_512_and_512, 512, "call uses_512;")
SEC("syscall") __reject("combined stack size of 2 calls is")
PROGRAM(syscall_512_and_512, 512, "call uses_512;")

static int takes_much(u32 index, u64 *context)
{
	u64 words[50];
	int i;

	for (i = 0; i < 50; i++)
		write_once(words[i], *context);
	return read_once(words[index & 31]) & 1;
}

static long visits_with_much(void *map, u32 *key, u64 *value, u64 *context)
{
	u64 words[50];
	int i;

	for (i = 0; i < 50; i++)
		write_once(words[i], *value);
	return read_once(words[*key & 31]) & 1;
}

#define LOOPS(name, kind)							\
	int name(kind *context)							\
	{									\
		u64 words[20];							\
		int i;								\
										\
		for (i = 0; i < 20; i++)					\
			write_once(words[i], i);				\
		bpf_loop(3, takes_much, &words[1], 0);				\
		return read_once(words[7]) & 1;					\
	}

SEC("tc") __reject("combined stack size of 2 calls is")
LOOPS(tc_loop_with_much, struct __sk_buff)
SEC("kprobe/do_nanosleep") __accept
LOOPS(kprobe_loop_with_much, struct pt_regs)

SEC("kprobe/do_nanosleep") __accept
int kprobe_visits_with_much(struct pt_regs *regs)
{
	u64 words[20];
	int i;

	for (i = 0; i < 20; i++)
		write_once(words[i], i);
	return bpf_for_each_map_elem(&values, visits_with_much, words, 0);
}

static __noinline int continues_elsewhere(struct pt_regs *regs)
{
	u64 words[30];
	int i;

	for (i = 0; i < 30; i++)
		write_once(words[i], i);
	bpf_tail_call(regs, &programs, 0);
	return read_once(words[3]);
}

static __noinline int continues_elsewhere_with_little(struct pt_regs *regs)
{
	bpf_tail_call(regs, &programs, 0);
	return 1;
}

SEC("kprobe/do_nanosleep") __accept
int kprobe_function_continues_elsewhere(struct pt_regs *regs)
{
	return continues_elsewhere(regs);
}

SEC("kprobe/do_nanosleep") __reject("tail_calls are not allowed when call stack of previous frames is")
int kprobe_function_continues_elsewhere_behind_much(struct pt_regs *regs)
{
	u64 words[40];
	int i;

	for (i = 0; i < 40; i++)
		write_once(words[i], i);
	return continues_elsewhere_with_little(regs) + read_once(words[3]);
}

SEC("kprobe/do_nanosleep") __accept
int kprobe_function_continues_elsewhere_behind_little(struct pt_regs *regs)
{
	u64 words[20];
	int i;

	for (i = 0; i < 20; i++)
		write_once(words[i], i);
	return continues_elsewhere_with_little(regs) + read_once(words[3]);
}
