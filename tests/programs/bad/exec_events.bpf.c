// Exec tracer whose error paths forget the reservation.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "../include/kfuncs.h"

#define NAME_LEN 256

struct exec_head {
	__u64 when;
	__u32 pid;
	__u32 len;
};

struct name_buf {
	char text[NAME_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} rb SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct name_buf);
} bufs SEC(".maps");

__u64 lost;

static __always_inline void fill(struct exec_head *head, __u32 len)
{
	head->when = bpf_ktime_get_ns();
	head->pid = bpf_get_current_pid_tgid() >> 32;
	head->len = len;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old, struct linux_binprm *bprm)
{
	struct exec_head head;
	struct bpf_dynptr rec;
	struct name_buf *buf;
	__u32 zero = 0;
	long n;

	buf = bpf_map_lookup_elem(&bufs, &zero);
	if (!buf)
		return 0;
	n = bpf_probe_read_kernel_str(buf->text, sizeof(buf->text), BPF_CORE_READ(bprm, filename));
	if (n <= 0 || n > NAME_LEN)
		return 0;
	fill(&head, n);
	bpf_ringbuf_reserve_dynptr(&rb, sizeof(head) + n, 0, &rec);
	if (bpf_dynptr_write(&rec, 0, &head, sizeof(head), 0))
		goto lost;
	if (bpf_dynptr_write(&rec, sizeof(head), buf->text, n, 0))
		goto lost;
	bpf_ringbuf_submit_dynptr(&rec, 0);
	return 0;
lost:
	__sync_fetch_and_add(&lost, 1);
	return 0; //~ dynptr-not-released
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct exec_head head;
	struct bpf_dynptr rec;
	int err;

	fill(&head, 0);
	err = bpf_ringbuf_reserve_dynptr(&rb, sizeof(head), 0, &rec);
	if (err) {
		__sync_fetch_and_add(&lost, 1);
		return 0; //~ dynptr-not-released
	}
	err = bpf_dynptr_write(&rec, 0, &head, sizeof(head), 0);
	if (err)
		bpf_ringbuf_discard_dynptr(&rec, 0);
	else
		bpf_ringbuf_submit_dynptr(&rec, 0);
	return 0;
}

// Room for the name is reserved, but only the head is written.
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct exec_head head;
	struct bpf_dynptr rec;
	__u32 room = BPF_CORE_READ(task, signal, nr_threads) * 4;

	fill(&head, room);
	if (bpf_ringbuf_reserve_dynptr(&rb, sizeof(head) + room, 0, &rec))
		goto discard;
	if (bpf_dynptr_write(&rec, 0, &head, sizeof(head), 0))
		goto discard;
	bpf_ringbuf_submit_dynptr(&rec, 0); //~ record-not-filled
	return 0;
discard:
	bpf_ringbuf_discard_dynptr(&rec, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
