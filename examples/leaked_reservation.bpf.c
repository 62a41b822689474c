// Reports every new process through a ring buffer.
//
// WRONG: the kernel refuses to load it ("Unreleased reference").
//
// bpf_ringbuf_reserve_dynptr() takes a reference even when it fails. Every path out of the
// program has to give it back, with bpf_ringbuf_submit_dynptr() or bpf_ringbuf_discard_dynptr().
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct process_event {
	__u64 when;
	__u32 parent;
	__u32 child;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct process_event ev = {};
	struct bpf_dynptr rec;

	ev.when = bpf_ktime_get_ns();
	ev.parent = parent->tgid;
	ev.child = child->tgid;
	bpf_get_current_comm(ev.comm, sizeof(ev.comm));

	/* A full ring buffer is no reason to keep the reference: discard before this return. */
	if (bpf_ringbuf_reserve_dynptr(&events, sizeof(ev), 0, &rec))
		return 0;

	/* And before this one, too. */
	if (bpf_dynptr_write(&rec, 0, &ev, sizeof(ev), 0))
		return 0;

	bpf_ringbuf_submit_dynptr(&rec, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
