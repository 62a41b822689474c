// Reports executed programs with their arguments. Records have a fixed head and a payload of
// variable size, reserved in the ring buffer as a dynptr.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "../include/kfuncs.h"

#define TASK_COMM_LEN 16
#define ARGS_MAX 1024
#define PATH_LEN 256

enum event_type {
	EVENT_EXEC = 1,
	EVENT_EXIT = 2,
};

struct event_head {
	__u32 type;
	__u32 size;
	__u64 ktime;
	__u32 pid;
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	char comm[TASK_COMM_LEN];
};

struct exit_event {
	struct event_head head;
	__s32 code;
	__u32 signal;
};

struct args_buf {
	char data[ARGS_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct args_buf);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

const volatile __u32 only_uid = (__u32)-1;
const volatile bool with_args = true;

static __always_inline void count_lost(void)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&lost, &zero);

	if (n)
		*n += 1;
}

static __always_inline void fill_head(struct event_head *head, __u32 type, __u32 size)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 id = bpf_get_current_pid_tgid();

	head->type = type;
	head->size = size;
	head->ktime = bpf_ktime_get_ns();
	head->pid = id >> 32;
	head->tid = (__u32)id;
	head->ppid = BPF_CORE_READ(task, real_parent, tgid);
	head->uid = (__u32)bpf_get_current_uid_gid();
	bpf_get_current_comm(head->comm, sizeof(head->comm));
}

static __always_inline __u32 read_args(struct args_buf *buf)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	unsigned long start, end;
	__u32 len;

	start = BPF_CORE_READ(task, mm, arg_start);
	end = BPF_CORE_READ(task, mm, arg_end);
	if (end <= start)
		return 0;
	len = end - start;
	if (len > ARGS_MAX - 1)
		len = ARGS_MAX - 1;
	if (bpf_probe_read_user(buf->data, len, (void *)start))
		return 0;
	return len;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	struct event_head head = {};
	struct args_buf *args;
	struct bpf_dynptr rec;
	__u32 zero = 0, len = 0;
	long err;

	if (only_uid != (__u32)-1 && only_uid != (__u32)bpf_get_current_uid_gid())
		return 0;
	args = bpf_map_lookup_elem(&scratch, &zero);
	if (!args)
		return 0;
	if (with_args)
		len = read_args(args);

	fill_head(&head, EVENT_EXEC, sizeof(head) + len);

	err = bpf_ringbuf_reserve_dynptr(&events, sizeof(head) + len, 0, &rec);
	if (err) {
		count_lost();
		goto discard;
	}
	err = bpf_dynptr_write(&rec, 0, &head, sizeof(head), 0);
	if (err)
		goto discard;
	if (len) {
		err = bpf_dynptr_write(&rec, sizeof(head), args->data, len & (ARGS_MAX - 1), 0);
		if (err)
			goto discard;
	}
	bpf_ringbuf_submit_dynptr(&rec, 0);
	return 0;

discard:
	bpf_ringbuf_discard_dynptr(&rec, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct exit_event *ev;
	struct bpf_dynptr rec;
	__u32 code;

	if (id >> 32 != (__u32)id)
		return 0;

	if (bpf_ringbuf_reserve_dynptr(&events, sizeof(*ev), 0, &rec)) {
		count_lost();
		bpf_ringbuf_discard_dynptr(&rec, 0);
		return 0;
	}
	ev = bpf_dynptr_data(&rec, 0, sizeof(*ev));
	if (!ev) {
		bpf_ringbuf_discard_dynptr(&rec, 0);
		return 0;
	}
	fill_head(&ev->head, EVENT_EXIT, sizeof(*ev));
	code = BPF_CORE_READ(task, exit_code);
	ev->code = code >> 8;
	ev->signal = code & 0x7f;
	bpf_ringbuf_submit_dynptr(&rec, BPF_RB_FORCE_WAKEUP);
	return 0;
}

// The path goes from user memory straight into the record, without a detour over the stack.
SEC("tp/syscalls/sys_enter_execve")
int on_execve_path(struct trace_event_raw_sys_enter *ctx)
{
	const char *path = (const char *)ctx->args[0];
	struct event_head head = {};
	struct bpf_dynptr rec;
	int n;

	fill_head(&head, EVENT_EXEC, sizeof(head) + PATH_LEN);
	bpf_ringbuf_reserve_dynptr(&events, sizeof(head) + PATH_LEN, 0, &rec);
	if (bpf_dynptr_is_null(&rec))
		goto drop;
	if (bpf_dynptr_memset(&rec, 0, sizeof(head) + PATH_LEN, 0))
		goto drop;
	if (bpf_dynptr_write(&rec, 0, &head, sizeof(head), 0))
		goto drop;
	n = bpf_probe_read_user_str_dynptr(&rec, sizeof(head), PATH_LEN, path);
	if (n < 0)
		goto drop;
	bpf_ringbuf_submit_dynptr(&rec, 0);
	return 0;
drop:
	count_lost();
	bpf_ringbuf_discard_dynptr(&rec, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
