/* What needs CAP_PERFMON or CAP_SYS_ADMIN beside CAP_BPF: helpers, types of programs, maps. */
#include "corpus.h"
#include "modes.h"

GPL;
MAP(ARRAY, blocks, u32, u64, 1);
struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__ulong(map_extra, 1ull << 44);
} arena SEC(".maps");

SEC("tc") __accept __reject_bpf("program of this type cannot use helper bpf_trace_printk#6")
__naked int prints(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 8) = 0x21;			\
	r1 = r10;					\
	r1 += -8;					\
	r2 = 8;						\
	call %[bpf_trace_printk];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_trace_printk) : __clobbers);
}

SEC("tc") __accept __reject_bpf("program of this type cannot use helper bpf_probe_read_kernel#113")
__naked int reads_memory_of_the_kernel(void)
{
	asm volatile("					\
	r3 = r1;					\
	r1 = r10;					\
	r1 += -8;					\
	r2 = 8;						\
	call %[bpf_probe_read_kernel];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_probe_read_kernel) : __clobbers);
}

SEC("tc") __accept __reject_bpf("program of this type cannot use helper bpf_get_current_task#35")
__naked int asks_for_the_task(void)
{
	asm volatile("					\
	call %[bpf_get_current_task];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_get_current_task) : __clobbers);
}

SEC("tc") __accept __accept_bpf
__naked int asks_for_the_time(void)
{
	asm volatile("					\
	call %[bpf_ktime_get_ns];			\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_ktime_get_ns) : __clobbers);
}

SEC("tc") __accept __accept_bpf
__naked int asks_for_jiffies(void)
{
	asm volatile("					\
	call %[bpf_jiffies64];				\
	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_jiffies64) : __clobbers);
}

static int nothing(u32 index, void *context)
{
	return 0;
}

SEC("tc") __accept __accept_bpf
int loops(struct __sk_buff *skb)
{
	bpf_loop(4, nothing, 0, 0);
	return 0;
}

SEC("xdp") __accept __accept_bpf
int passes_frames(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("cgroup_skb/egress") __accept __accept_bpf
__naked int cgroup_skb_reads_the_packet(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 76);				\
	r3 = *(u32 *)(r1 + 80);				\
	r4 = r2;					\
	r4 += 1;					\
	r0 = 1;						\
	if r4 > r3 goto 1f;				\
	r5 = *(u8 *)(r2 + 0);				\
1:	exit;						\
"	::: __clobbers);
}

SEC("cgroup_skb/egress") __accept __accept_bpf
__naked int cgroup_skb_sets_the_time(void)
{
	asm volatile("					\
	r2 = 0;						\
	*(u64 *)(r1 + 152) = r2;			\
	r0 = 1;						\
	exit;						\
"	::: __clobbers);
}

SEC("sk_lookup") __accept __accept_bpf
int chooses_a_socket(struct bpf_sk_lookup *ctx)
{
	return SK_PASS;
}

SEC("syscall") __accept __accept_bpf
int runs_for_a_caller(void *ctx)
{
	return 0;
}

SEC("kprobe/do_nanosleep") __accept __reject_bpf("")
int at_a_function(void *ctx)
{
	return 0;
}

SEC("tracepoint/sched/sched_switch") __accept __reject_bpf("")
int at_a_tracepoint(void *ctx)
{
	return 0;
}

SEC("raw_tracepoint/sched_switch") __accept __reject_bpf("")
int at_a_raw_tracepoint(void *ctx)
{
	return 0;
}

SEC("perf_event") __accept __reject_bpf("")
int samples(void *ctx)
{
	return 0;
}

SEC("iter/task") __accept __reject_bpf("")
int shows_tasks(struct bpf_iter__task *ctx)
{
	return 0;
}

SEC("tc") __accept __reject_bpf("CAP_BPF and CAP_PERFMON are required to use arena")
__naked int uses_an_arena(void)
{
	asm volatile("					\
	r1 = %[arena] ll;				\
	r0 = 0;						\
	exit;						\
"	:: __imm_addr(arena) : __clobbers);
}
