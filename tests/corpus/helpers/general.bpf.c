/* Helpers of every program: time, chance, memory of the kernel and of user space, text, timers. */
#include "corpus.h"

GPL;
struct timed { struct bpf_timer timer; u64 count; };
MAP(ARRAY, timeds, u32, struct timed, 1);
struct worked { struct bpf_wq work; u64 count; };
MAP(ARRAY, workeds, u32, struct worked, 1);
MAP(HASH, hash, u32, u64, 8);
char text[64];

SEC("tc") __accept
int time_and_chance(struct __sk_buff *skb)
{
	return bpf_ktime_get_ns() + bpf_ktime_get_boot_ns() + bpf_ktime_get_coarse_ns() + bpf_ktime_get_tai_ns() +
	       bpf_jiffies64() + bpf_get_prandom_u32() + bpf_get_smp_processor_id() + bpf_get_numa_node_id();
}

SEC("kprobe/do_nanosleep") __accept
int current_task(void *regs)
{
	char name[16];

	bpf_get_current_comm(name, sizeof(name));
	return bpf_get_current_pid_tgid() + bpf_get_current_uid_gid() + bpf_get_current_cgroup_id() + name[0];
}

SEC("kprobe/do_nanosleep") __reject("R2 invalid zero-sized read")
int current_name_into_nothing(void *regs)
{
	char name[16] = {};

	barrier();
	return bpf_get_current_comm(name, 0);
}

SEC("kprobe/do_nanosleep") __accept
int kernel_memory_probed(void *regs)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	int pid = 0;

	bpf_probe_read_kernel(&pid, sizeof(pid), &task->pid);
	return pid;
}

SEC("kprobe/do_nanosleep") __reject("invalid mem access 'scalar'")
int kernel_memory_dereferenced(void *regs)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return task->pid;
}

SEC("kprobe/do_nanosleep") __accept
int typed_task_dereferenced(void *regs)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return task->pid;
}

SEC("kprobe/do_nanosleep") __accept
int user_memory_probed(struct pt_regs *regs)
{
	char name[16];

	return bpf_probe_read_user_str(name, sizeof(name), (void *)regs->di);
}

SEC("kprobe/do_nanosleep") __reject("R2 min value is negative, either use unsigned or 'var &= const'")
int user_memory_probed_with_negative_length(struct pt_regs *regs)
{
	char name[16];
	long length = regs->si;

	if (length > 16)
		return 0;
	return bpf_probe_read_user(name, length, (void *)regs->di);
}

SEC("kprobe/do_nanosleep") __reject("helper call might sleep in a non-sleepable prog")
int user_memory_copied_without_sleeping(struct pt_regs *regs)
{
	char name[16];

	return bpf_copy_from_user(name, sizeof(name), (void *)regs->di);
}

SEC("uprobe.s") __accept
int user_memory_copied_in_sleepable_program(struct pt_regs *regs)
{
	char name[16];

	return bpf_copy_from_user(name, sizeof(name), (void *)regs->di);
}

SEC("xdp") __accept
int current_name_in_xdp(struct xdp_md *xdp)
{
	char name[16];

	return bpf_get_current_comm(name, sizeof(name)) ? XDP_DROP : XDP_PASS;
}

SEC("tc") __reject("invalid func unknown#9999")
__naked int helper_that_does_not_exist(void)
{
	asm volatile("					\
	call 9999;					\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("R1 !read_ok")
__naked int helper_with_argument_never_set(void)
{
	asm volatile("					\
	r1 = 0;						\
	call %[bpf_ktime_get_ns];			\
	call %[bpf_get_hash_recalc];			\
	exit;						\
"	:: __imm(bpf_ktime_get_ns), __imm(bpf_get_hash_recalc) : __clobbers);
}

SEC("tc") __accept
int text_printed(struct __sk_buff *skb)
{
	static const char format[] = "%d %s";
	u64 arguments[] = { 1, (long)format };

	bpf_snprintf(text, sizeof(text), format, arguments, sizeof(arguments));
	return bpf_trace_printk(format, 3, skb->mark);
}

SEC("tc") __reject("Invalid format string")
int text_with_unknown_conversion(struct __sk_buff *skb)
{
	static const char format[] = "%q";
	u64 arguments[] = { 1 };

	return bpf_snprintf(text, sizeof(text), format, arguments, sizeof(arguments));
}

SEC("tc") __reject("R3 does not point to a readonly map")
int text_format_not_constant(struct __sk_buff *skb)
{
	u64 arguments[] = { 1 };

	return bpf_snprintf(text, 32, text + 32, arguments, sizeof(arguments));
}

SEC("tc") __accept
int numbers_parsed_and_compared(struct __sk_buff *skb)
{
	static const char name[] = "eth0";
	char copy[8] = "42";
	long number = 0;

	bpf_strtol(copy, sizeof(copy), 10, &number);
	return bpf_strncmp(copy, sizeof(copy), name) + number;
}

static int fires(void *map, u32 *key, struct timed *timed)
{
	timed->count++;
	return 0;
}

static int fires_with_one(void *map, u32 *key, struct timed *timed)
{
	return 1;
}

SEC("tc") __accept
int timer_started(struct __sk_buff *skb)
{
	u32 key = 0;
	struct timed *timed = bpf_map_lookup_elem(&timeds, &key);

	if (!timed)
		return 0;
	bpf_timer_init(&timed->timer, &timeds, 1);
	bpf_timer_set_callback(&timed->timer, fires);
	bpf_timer_start(&timed->timer, 1000000000, 0);
	return bpf_timer_cancel(&timed->timer);
}

SEC("tc") __reject("should have been in [0, 0]")
int timer_callback_returns_one(struct __sk_buff *skb)
{
	u32 key = 0;
	struct timed *timed = bpf_map_lookup_elem(&timeds, &key);

	return timed ? bpf_timer_set_callback(&timed->timer, fires_with_one) : 0;
}

SEC("tc") __reject("timer pointer in R1 map_uid=")
int timer_of_another_map(struct __sk_buff *skb)
{
	u32 key = 0;
	struct timed *timed = bpf_map_lookup_elem(&timeds, &key);

	return timed ? bpf_timer_init(&timed->timer, &hash, 1) : 0;
}

SEC("kprobe/do_nanosleep") __reject("tracing progs cannot use bpf_timer yet")
int timer_in_kprobe(void *regs)
{
	u32 key = 0;
	struct timed *timed = bpf_map_lookup_elem(&timeds, &key);

	return timed ? bpf_timer_start(&timed->timer, 1, 0) : 0;
}

static int works(void *map, int *key, void *value)
{
	return 0;
}

SEC("tc") __accept
int work_queued(struct __sk_buff *skb)
{
	u32 key = 0;
	struct worked *worked = bpf_map_lookup_elem(&workeds, &key);

	if (!worked)
		return 0;
	bpf_wq_init(&worked->work, &workeds, 0);
	bpf_wq_set_callback_impl(&worked->work, works, 0, NULL);
	return bpf_wq_start(&worked->work, 0);
}
