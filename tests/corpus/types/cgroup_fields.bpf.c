/* Each field of the contexts of programs of control groups, and of events, by each width. */
#include "corpus.h"

GPL;

#define ACCESS(name, context, statement, field, more)					\
	__naked int name(void)								\
	{										\
		asm volatile("								\
		r0 = 1;									\
		" statement ";								\
		r0 = 1;									\
		exit;									\
		" :: __imm_const(at, offsetof(struct context, field) + more) : __clobbers);	\
	}
#define ADDR_LOADS(name, width, field, more) \
	ACCESS(name, bpf_sock_addr, "r0 = *(" #width " *)(r1 + %[at])", field, more)
#define ADDR_STORES(name, width, field, more) \
	ACCESS(name, bpf_sock_addr, "*(" #width " *)(r1 + %[at]) = r0", field, more)
#define SOCK_LOADS(name, width, field, more) \
	ACCESS(name, bpf_sock, "r0 = *(" #width " *)(r1 + %[at])", field, more)
#define SOCK_STORES(name, width, field, more) \
	ACCESS(name, bpf_sock, "*(" #width " *)(r1 + %[at]) = r0", field, more)
#define OPT_LOADS(name, width, field, more) \
	ACCESS(name, bpf_sockopt, "r0 = *(" #width " *)(r1 + %[at])", field, more)
#define OPT_STORES(name, width, field, more) \
	ACCESS(name, bpf_sockopt, "*(" #width " *)(r1 + %[at]) = r0", field, more)
#define CTL_LOADS(name, width, field, more) \
	ACCESS(name, bpf_sysctl, "r0 = *(" #width " *)(r1 + %[at])", field, more)
#define CTL_STORES(name, width, field, more) \
	ACCESS(name, bpf_sysctl, "*(" #width " *)(r1 + %[at]) = r0", field, more)
#define DEV_LOADS(name, width, field, more) \
	ACCESS(name, bpf_cgroup_dev_ctx, "r0 = *(" #width " *)(r1 + %[at])", field, more)
#define EVENT_LOADS(name, width, field, more) \
	ACCESS(name, bpf_perf_event_data, "r0 = *(" #width " *)(r1 + %[at])", field, more)
#define REGS_LOADS(name, width, field, more) \
	ACCESS(name, pt_regs, "r0 = *(" #width " *)(r1 + %[at])", field, more)
#define NUMBERS_LOADS(name, width, offset) \
	ACCESS(name, bpf_raw_tracepoint_args, "r0 = *(" #width " *)(r1 + %[at])", args, offset)

SEC("cgroup/connect4") __accept
ADDR_LOADS(family_of_user, u32, user_family, 0)
SEC("cgroup/connect4") __reject("invalid bpf_context access off=0 size=1")
ADDR_LOADS(byte_of_the_family_of_user, u8, user_family, 0)
SEC("cgroup/connect4") __accept
ADDR_LOADS(byte_of_an_address, u8, user_ip4, 3)
SEC("cgroup/connect4") __accept
ADDR_LOADS(half_of_an_address, u16, user_ip4, 2)
SEC("cgroup/connect4") __accept
ADDR_LOADS(port, u32, user_port, 0)
SEC("cgroup/connect4") __accept
ADDR_LOADS(half_of_a_port, u16, user_port, 0)
SEC("cgroup/connect4") __accept
ADDR_LOADS(byte_of_a_port, u8, user_port, 1)
SEC("cgroup/connect4") __reject("invalid bpf_context access off=24 size=8")
ADDR_LOADS(port_and_family, u64, user_port, 0)
SEC("cgroup/connect4") __accept
ADDR_LOADS(protocol, u32, protocol, 0)
SEC("cgroup/connect4") __reject("invalid bpf_context access off=36 size=2")
ADDR_LOADS(half_of_the_protocol, u16, protocol, 0)
SEC("cgroup/connect4") __accept
ADDR_LOADS(socket, u64, sk, 0)
SEC("cgroup/connect4") __reject("invalid bpf_context access off=64 size=4")
ADDR_LOADS(half_of_a_socket, u32, sk, 0)
SEC("cgroup/connect4") __accept
ADDR_STORES(port_stored, u32, user_port, 0)
SEC("cgroup/connect4") __reject("invalid bpf_context access off=24 size=2")
ADDR_STORES(half_of_a_port_stored, u16, user_port, 0)
SEC("cgroup/connect4") __reject("invalid bpf_context access off=5 size=1")
ADDR_STORES(byte_of_an_address_stored, u8, user_ip4, 1)
SEC("cgroup/connect4") __reject("invalid bpf_context access off=28 size=4")
ADDR_STORES(family_stored, u32, family, 0)
SEC("cgroup/connect4") __reject("invalid bpf_context access off=72 size=4")
ADDR_LOADS(behind_the_address, u32, sk, 8)
SEC("cgroup/connect6") __accept
ADDR_LOADS(eight_bytes_of_an_address, u64, user_ip6[0], 0)
SEC("cgroup/connect6") __accept
ADDR_LOADS(last_eight_bytes_of_an_address, u64, user_ip6[2], 0)
SEC("cgroup/connect6") __reject("invalid bpf_context access off=12 size=8")
ADDR_LOADS(middle_eight_bytes_of_an_address, u64, user_ip6[1], 0)
SEC("cgroup/connect6") __accept
ADDR_STORES(eight_bytes_of_an_address_stored, u64, user_ip6[0], 0)
SEC("cgroup/sendmsg6") __accept
ADDR_LOADS(eight_bytes_of_a_source, u64, msg_src_ip6[0], 4)
SEC("cgroup/sendmsg6") __reject("invalid bpf_context access off=59 size=1")
ADDR_STORES(byte_of_a_source_stored, u8, msg_src_ip6[3], 3)
SEC("cgroup/sendmsg4") __reject("invalid bpf_context access off=40 size=2")
ADDR_STORES(half_of_a_source_stored, u16, msg_src_ip4, 0)
SEC("cgroup/bind4") __accept
ADDR_STORES(bound_address_stored, u32, user_ip4, 0)
SEC("cgroup/getsockname6") __accept
ADDR_STORES(own_address_stored, u32, user_ip6[1], 0)
SEC("cgroup/recvmsg4") __accept
ADDR_STORES(port_of_the_sender_stored, u32, user_port, 0)
SEC("cgroup/connect_unix") __reject("invalid bpf_context access off=4 size=4")
ADDR_LOADS(address_of_a_path, u32, user_ip4, 0)
SEC("cgroup/connect_unix") __accept
ADDR_LOADS(port_of_a_path, u32, user_port, 0)

SEC("cgroup/sock_create") __accept
SOCK_LOADS(created_type, u32, type, 0)
SEC("cgroup/sock_create") __accept
SOCK_LOADS(created_byte_of_the_type, u8, type, 0)
SEC("cgroup/sock_create") __accept
SOCK_STORES(created_interface_stored, u32, bound_dev_if, 0)
SEC("cgroup/sock_create") __accept
SOCK_STORES(created_priority_stored, u32, priority, 0)
SEC("cgroup/sock_create") __reject("invalid bpf_context access off=16 size=2")
SOCK_STORES(created_half_of_the_mark_stored, u16, mark, 0)
SEC("cgroup/sock_create") __reject("invalid bpf_context access off=44 size=4")
SOCK_LOADS(created_port, u32, src_port, 0)
SEC("cgroup/sock_create") __accept
SOCK_LOADS(created_queue, u32, rx_queue_mapping, 0)
SEC("cgroup/post_bind4") __accept
SOCK_LOADS(bound_port, u32, src_port, 0)
SEC("cgroup/post_bind4") __accept
SOCK_LOADS(bound_half_of_a_port, u16, src_port, 0)
SEC("cgroup/post_bind4") __accept
SOCK_LOADS(bound_destination_port, u16, dst_port, 0)
SEC("cgroup/post_bind6") __accept
SOCK_LOADS(bound_address, u32, src_ip6[3], 0)
SEC("cgroup/post_bind6") __reject("invalid bpf_context access off=28 size=8")
SOCK_LOADS(bound_two_words_of_an_address, u64, src_ip6[0], 0)
SEC("cgroup/sock_release") __accept
SOCK_LOADS(released_mark, u32, mark, 0)
SEC("cgroup/sock_release") __accept
SOCK_STORES(released_mark_stored, u32, mark, 0)

SEC("cgroup/getsockopt") __accept
OPT_LOADS(option_socket, u64, sk, 0)
SEC("cgroup/getsockopt") __accept
OPT_LOADS(option_value, u64, optval, 0)
SEC("cgroup/getsockopt") __accept
OPT_LOADS(option_end, u64, optval_end, 0)
SEC("cgroup/getsockopt") __reject("invalid bpf_context access off=8 size=4")
OPT_LOADS(option_half_of_the_value, u32, optval, 0)
SEC("cgroup/getsockopt") __accept
OPT_LOADS(option_result, u32, retval, 0)
SEC("cgroup/getsockopt") __accept
OPT_STORES(option_result_stored, u32, retval, 0)
SEC("cgroup/getsockopt") __accept
OPT_STORES(option_length_stored, u32, optlen, 0)
SEC("cgroup/getsockopt") __reject("invalid bpf_context access off=28 size=4")
OPT_STORES(option_name_stored, u32, optname, 0)
SEC("cgroup/getsockopt") __reject("invalid bpf_context access off=24 size=1")
OPT_LOADS(option_byte_of_the_level, u8, level, 0)
SEC("cgroup/setsockopt") __accept
OPT_STORES(option_to_set_name_stored, u32, optname, 0)
SEC("cgroup/setsockopt") __reject("invalid bpf_context access off=36 size=4")
OPT_STORES(option_to_set_result_stored, u32, retval, 0)

SEC("cgroup/sysctl") __accept
CTL_LOADS(control_is_written, u32, write, 0)
SEC("cgroup/sysctl") __accept
CTL_LOADS(control_byte_of_is_written, u8, write, 0)
SEC("cgroup/sysctl") __accept
CTL_LOADS(control_half_of_the_position, u16, file_pos, 2)
SEC("cgroup/sysctl") __accept
CTL_STORES(control_position_stored, u32, file_pos, 0)
SEC("cgroup/sysctl") __reject("invalid bpf_context access off=4 size=1")
CTL_STORES(control_byte_of_the_position_stored, u8, file_pos, 0)
SEC("cgroup/sysctl") __reject("invalid bpf_context access off=0 size=8")
CTL_LOADS(control_both, u64, write, 0)
SEC("cgroup/sysctl") __reject("invalid bpf_context access off=8 size=4")
CTL_LOADS(control_behind, u32, file_pos, 4)

SEC("cgroup/dev") __accept
DEV_LOADS(device_type, u32, access_type, 0)
SEC("cgroup/dev") __accept
DEV_LOADS(device_half_of_the_type, u16, access_type, 0)
SEC("cgroup/dev") __accept
DEV_LOADS(device_upper_half_of_the_type, u16, access_type, 2)
SEC("cgroup/dev") __accept
DEV_LOADS(device_byte_of_the_type, u8, access_type, 0)
SEC("cgroup/dev") __reject("invalid bpf_context access off=4 size=2")
DEV_LOADS(device_half_of_the_number, u16, major, 0)
SEC("cgroup/dev") __reject("invalid bpf_context access off=12 size=4")
DEV_LOADS(device_behind, u32, minor, 4)

SEC("perf_event") __accept
EVENT_LOADS(event_period, u64, sample_period, 0)
SEC("perf_event") __accept
EVENT_LOADS(event_half_of_the_period, u32, sample_period, 0)
SEC("perf_event") __accept
EVENT_LOADS(event_byte_of_the_address, u8, addr, 7)
SEC("perf_event") __accept
EVENT_LOADS(event_register, u64, regs.ip, 0)
SEC("perf_event") __reject("invalid bpf_context access off=128 size=4")
EVENT_LOADS(event_half_of_a_register, u32, regs.ip, 0)
SEC("perf_event") __reject("invalid bpf_context access off=184 size=8")
EVENT_LOADS(event_behind, u64, addr, 8)
SEC("perf_event") __reject("invalid bpf_context access off=172 size=8")
EVENT_LOADS(event_across_two_fields, u64, sample_period, 4)

SEC("kprobe/do_nanosleep") __accept
REGS_LOADS(probe_half_of_a_register, u32, di, 4)
SEC("kprobe/do_nanosleep") __reject("invalid bpf_context access off=116 size=8")
REGS_LOADS(probe_across_two_registers, u64, di, 4)
SEC("kprobe/do_nanosleep") __reject("invalid bpf_context access off=166 size=4")
REGS_LOADS(probe_across_the_end, u32, ss, 6)
SEC("kprobe/do_nanosleep") __accept
REGS_LOADS(probe_signed_byte_of_a_register, s8, ss, 7)

SEC("raw_tp/sys_enter") __accept
NUMBERS_LOADS(raw_half_of_an_argument, u32, 4)
SEC("raw_tp/sys_enter") __accept
NUMBERS_LOADS(raw_byte_of_the_last_argument, u8, 95)
SEC("raw_tp/sys_enter") __reject("invalid bpf_context access off=4 size=8")
NUMBERS_LOADS(raw_across_two_arguments, u64, 4)
SEC("raw_tp.w/nbd_send_request") __accept
NUMBERS_LOADS(raw_writable_first_argument, u64, 0)
SEC("raw_tp.w/nbd_send_request") __reject("invalid bpf_context access off=0 size=4")
NUMBERS_LOADS(raw_writable_half_of_the_first_argument, u32, 0)
SEC("raw_tp.w/nbd_send_request") __accept
NUMBERS_LOADS(raw_writable_half_of_the_second_argument, u32, 8)

SEC("tracepoint/syscalls/sys_enter_nanosleep") __accept
NUMBERS_LOADS(trace_half_of_an_argument, u32, 16)
SEC("tracepoint/syscalls/sys_enter_nanosleep") __accept
NUMBERS_LOADS(trace_first_byte_behind_the_common_fields, u8, 8)
SEC("tracepoint/syscalls/sys_enter_nanosleep") __reject("invalid bpf_context access off=7 size=1")
NUMBERS_LOADS(trace_last_byte_of_the_common_fields, u8, 7)
SEC("tracepoint/syscalls/sys_enter_nanosleep") __reject("invalid bpf_context access off=18 size=4")
NUMBERS_LOADS(trace_not_aligned, u32, 18)
SEC("tracepoint/syscalls/sys_enter_nanosleep") __accept
NUMBERS_LOADS(trace_last_word, u64, 8184)
SEC("tracepoint/syscalls/sys_enter_nanosleep") __reject("invalid bpf_context access off=8188 size=8")
NUMBERS_LOADS(trace_across_the_end, u64, 8188)

SEC("syscall") __accept
NUMBERS_LOADS(syscall_byte, u8, 4091)
SEC("syscall") __reject("invalid bpf_context access off=1 size=4")
NUMBERS_LOADS(syscall_not_aligned, u32, 1)

SEC("raw_tp.w/nbd_send_request") __reject("invalid tracepoint buffer access: off=-4, size=4")
__naked int raw_writable_before_the_buffer(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r1 + 0);				\
	r0 = *(u32 *)(r1 - 4);				\
	exit;						\
"	::: __clobbers);
}

SEC("raw_tp.w/nbd_send_request") __reject("invalid variable buffer offset: off=0, var_off=(0x0; 0x4)")
__naked int raw_writable_unknown_part_of_the_buffer(void)
{
	asm volatile("					\
	r2 = *(u64 *)(r1 + 8);				\
	r2 &= 4;					\
	r1 = *(u64 *)(r1 + 0);				\
	r1 += r2;					\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	::: __clobbers);
}

SEC("raw_tp.w/nbd_send_request") __accept
__naked int raw_writable_buffer_written(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r1 + 0);				\
	*(u32 *)(r1 + 0) = 1;				\
	*(u64 *)(r1 + 8) = r1;				\
	r0 = *(u8 *)(r1 + 3);				\
	exit;						\
"	::: __clobbers);
}

SEC("raw_tp.w/nbd_send_request") __accept
__naked int raw_writable_far_into_the_buffer(void)
{
	asm volatile("					\
	r1 = *(u64 *)(r1 + 0);				\
	r0 = *(u32 *)(r1 + 30000);			\
	exit;						\
"	::: __clobbers);
}
