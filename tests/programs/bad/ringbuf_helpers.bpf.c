// Event library in which functions take over reservations from their callers.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "../include/kfuncs.h"

struct event {
	__u64 when;
	__u32 kind;
	__u32 pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} events SEC(".maps");

struct slot {
	__u8 bytes[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

__u64 refused;

static __always_inline void fill(struct event *ev, __u32 kind)
{
	ev->when = bpf_ktime_get_ns();
	ev->kind = kind;
	ev->pid = bpf_get_current_pid_tgid() >> 32;
}

// Correct: a static function may finish what its caller began.
static __noinline int finish(struct bpf_dynptr *rec, struct event *ev)
{
	if (bpf_dynptr_write(rec, 0, ev, sizeof(*ev), 0)) {
		bpf_ringbuf_discard_dynptr(rec, 0);
		return -1;
	}
	bpf_ringbuf_submit_dynptr(rec, 0);
	return 0;
}

__noinline int finish_global(struct bpf_dynptr *rec)
{
	bpf_ringbuf_submit_dynptr(rec, BPF_RB_FORCE_WAKEUP); //~ release-in-global-function
	return 0;
}

static __noinline void give_up(struct bpf_dynptr *rec)
{
	struct bpf_dynptr twin;

	bpf_dynptr_clone(rec, &twin);
	bpf_ringbuf_discard_dynptr(&twin, 0);
}

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(on_unlink)
{
	struct bpf_dynptr rec;
	struct event ev;

	fill(&ev, 1);
	bpf_ringbuf_reserve_dynptr(&events, sizeof(ev), 0, &rec);
	if (finish(&rec, &ev))
		refused++;
	return 0;
}

SEC("kprobe/do_rmdir")
int BPF_KPROBE(on_rmdir)
{
	struct bpf_dynptr rec;
	struct event ev;

	fill(&ev, 2);
	bpf_ringbuf_reserve_dynptr(&events, sizeof(ev), 0, &rec);
	if (bpf_dynptr_write(&rec, 0, &ev, sizeof(ev), 0)) {
		bpf_ringbuf_discard_dynptr(&rec, 0);
		return 0;
	}
	finish_global(&rec);
	return 0;
}

SEC("kprobe/do_renameat2")
int BPF_KPROBE(on_rename)
{
	struct bpf_dynptr rec;

	bpf_ringbuf_reserve_dynptr(&events, sizeof(struct event), 0, &rec);
	give_up(&rec);
	if (bpf_dynptr_is_rdonly(&rec)) //~ clone-released-elsewhere
		refused++;
	return 0;
}

// One variable for two purposes, while the reservation is still open.
SEC("kprobe/do_mkdirat")
int BPF_KPROBE(on_mkdir)
{
	struct bpf_dynptr mem;
	struct slot *slot;
	__u32 zero = 0;

	slot = bpf_map_lookup_elem(&slots, &zero);
	if (!slot)
		return 0;
	bpf_ringbuf_reserve_dynptr(&events, sizeof(*slot), 0, &mem);
	if (bpf_dynptr_write(&mem, 0, slot, sizeof(*slot), 0))
		goto discard;
	bpf_dynptr_from_mem(slot, sizeof(*slot), 0, &mem); //~ referenced-dynptr-overwritten
	if (bpf_dynptr_memset(&mem, 0, sizeof(*slot), 0))
		refused++;
discard:
	bpf_ringbuf_discard_dynptr(&mem, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
