/* The context as an argument of global functions, in programs of many types. */
#include "corpus.h"

GPL;
struct bpf_user_pt_regs_t_like { u64 words[21]; };
typedef struct pt_regs bpf_user_pt_regs_t;

#define GLOBAL(name, type) __weak __noinline int name(type context __arg_ctx) { volatile int result = 0; return result; }
#define BY_TYPE(name, type) __weak __noinline int name(type context) { volatile int result = 0; return result; }

GLOBAL(tag_void, void *)
GLOBAL(tag_registers, struct pt_regs *)
GLOBAL(tag_user_registers, bpf_user_pt_regs_t *)
GLOBAL(tag_const_registers, const struct pt_regs *)
GLOBAL(tag_number, u64 *)
GLOBAL(tag_half_number, u32 *)
GLOBAL(tag_raw_arguments, struct bpf_raw_tracepoint_args *)
GLOBAL(tag_perf, struct bpf_perf_event_data *)
GLOBAL(tag_iterator, struct bpf_iter__task *)
GLOBAL(tag_other_iterator, struct bpf_iter__bpf_map *)
GLOBAL(tag_skb, struct __sk_buff *)
GLOBAL(tag_xdp, struct xdp_md *)
GLOBAL(tag_other_structure, struct bpf_user_pt_regs_t_like *)
GLOBAL(tag_lookup, struct bpf_sk_lookup *)
BY_TYPE(type_registers, struct pt_regs *)
BY_TYPE(type_user_registers, bpf_user_pt_regs_t *)
BY_TYPE(type_raw_arguments, struct bpf_raw_tracepoint_args *)
BY_TYPE(type_perf, struct bpf_perf_event_data *)
BY_TYPE(type_number, u64 *)
BY_TYPE(type_iterator, struct bpf_iter__task *)

#define PROGRAM(section, verdict, name, function) \
	SEC(section) verdict int name(void *context) { return function(context) & 0; }

PROGRAM("kprobe/do_nanosleep", __accept, kprobe_void, tag_void)
PROGRAM("kprobe/do_nanosleep", __accept, kprobe_registers, tag_registers)
PROGRAM("kprobe/do_nanosleep", __accept, kprobe_user_registers, tag_user_registers)
PROGRAM("kprobe/do_nanosleep", __accept, kprobe_const_registers, tag_const_registers)
PROGRAM("kprobe/do_nanosleep", __reject("arg#0 should be `struct pt_regs *`"), kprobe_number, tag_number)
PROGRAM("kprobe/do_nanosleep", __reject("arg#0 should be `struct pt_regs *`"), kprobe_other_structure, tag_other_structure)
PROGRAM("kprobe/do_nanosleep", __accept, kprobe_registers_by_type, type_registers)
PROGRAM("kprobe/do_nanosleep", __accept, kprobe_user_registers_by_type, type_user_registers)
PROGRAM("perf_event", __accept, perf_void, tag_void)
PROGRAM("perf_event", __accept, perf_data, tag_perf)
PROGRAM("perf_event", __accept, perf_registers, tag_registers)
PROGRAM("perf_event", __accept, perf_data_by_type, type_perf)
PROGRAM("perf_event", __reject("arg#0 should be `struct bpf_perf_event_data *`"), perf_number, tag_number)
PROGRAM("raw_tp/sys_enter", __accept, raw_void, tag_void)
PROGRAM("raw_tp/sys_enter", __accept, raw_number, tag_number)
PROGRAM("raw_tp/sys_enter", __reject("arg#0 should be `struct bpf_raw_tracepoint_args *`"), raw_half_number, tag_half_number)
PROGRAM("raw_tp/sys_enter", __accept, raw_structure, tag_raw_arguments)
PROGRAM("raw_tp/sys_enter", __accept, raw_structure_by_type, type_raw_arguments)
PROGRAM("raw_tp/sys_enter", __reject("arg#0 should be `struct bpf_raw_tracepoint_args *`"), raw_registers, tag_registers)
PROGRAM("raw_tp/sys_enter", __reject("invalid bpf_context access off=7 size=1"), raw_number_by_type, type_number)
PROGRAM("tp_btf/task_newtask", __accept, tracing_void, tag_void)
PROGRAM("tp_btf/task_newtask", __accept, tracing_number, tag_number)
PROGRAM("tp_btf/task_newtask", __accept, tracing_structure, tag_raw_arguments)
PROGRAM("iter/task", __accept, iterator_context, tag_iterator)
PROGRAM("iter/task", __accept, iterator_void, tag_void)
PROGRAM("iter/task", __reject("arg#0 should be void pointer"), iterator_number, tag_number)
PROGRAM("iter/task", __accept, iterator_of_something_else, tag_other_iterator)
PROGRAM("iter/task", __reject("func 'bpf_iter_task' offset 15 is not multiple of 8"), iterator_by_type, type_iterator)
PROGRAM("tracepoint/syscalls/sys_enter_openat", __accept, tracepoint_void, tag_void)
PROGRAM("tracepoint/syscalls/sys_enter_openat", __accept, tracepoint_number, tag_number)
PROGRAM("tracepoint/syscalls/sys_enter_openat", __accept, tracepoint_registers, tag_registers)
PROGRAM("syscall", __accept, syscall_void, tag_void)
PROGRAM("syscall", __accept, syscall_structure, tag_other_structure)
PROGRAM("syscall", __accept, syscall_number, tag_number)
PROGRAM("xdp", __accept, xdp_context, tag_xdp)
PROGRAM("xdp", __accept, xdp_void, tag_void)
PROGRAM("xdp", __reject("arg#0 should be `struct xdp_md *`"), xdp_takes_skb, tag_skb)
PROGRAM("sk_lookup", __accept, lookup_context, tag_lookup)
PROGRAM("sk_lookup", __reject("arg#0 should be `struct bpf_sk_lookup *`"), lookup_takes_skb, tag_skb)
PROGRAM("cgroup/sysctl", __reject("arg#0 should be `struct bpf_sysctl *`"), sysctl_takes_skb, tag_skb)
PROGRAM("uprobe", __accept, uprobe_registers, tag_registers)
PROGRAM("uprobe.s", __accept, sleepable_uprobe_registers, tag_registers)
PROGRAM("kprobe.multi/bpf_fentry_*", __accept, multi_registers, tag_registers)

SEC("struct_ops") __accept
int operation_void(unsigned long long *context)
{
	return tag_void(context) & 0;
}

SEC("struct_ops") __accept
int operation_number(unsigned long long *context)
{
	return tag_number(context) & 0;
}

SEC("struct_ops") __reject("arg#0 should be void pointer")
int operation_structure(unsigned long long *context)
{
	return tag_other_structure((void *)context) & 0;
}

SEC(".struct_ops.link")
struct bpf_dummy_ops dummy_void = { .test_1 = (void *)operation_void };
SEC(".struct_ops.link")
struct bpf_dummy_ops dummy_number = { .test_1 = (void *)operation_number };
SEC(".struct_ops.link")
struct bpf_dummy_ops dummy_structure = { .test_1 = (void *)operation_structure };
