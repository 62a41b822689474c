// Reports TCP connections through a ring buffer, the command's name included.
//
// RIGHT: one exit for all failures gives the reservation back, also if it was never granted.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define NAME_LEN 16

struct connect_event {
	__u64 when;
	__u32 pid;
	__be32 daddr;
	__be16 dport;
	__u16 family;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

SEC("kprobe/tcp_connect")
int BPF_KPROBE(on_connect, struct sock *sk)
{
	struct connect_event ev = {};
	char name[NAME_LEN] = {};
	struct bpf_dynptr rec;

	ev.when = bpf_ktime_get_ns();
	ev.pid = bpf_get_current_pid_tgid() >> 32;
	ev.daddr = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	ev.dport = BPF_CORE_READ(sk, __sk_common.skc_dport);
	ev.family = BPF_CORE_READ(sk, __sk_common.skc_family);
	bpf_get_current_comm(name, sizeof(name));

	if (bpf_ringbuf_reserve_dynptr(&events, sizeof(ev) + sizeof(name), 0, &rec))
		goto discard;

	/* Every byte that was reserved is written: the memory still has old records in it. */
	if (bpf_dynptr_write(&rec, 0, &ev, sizeof(ev), 0))
		goto discard;
	if (bpf_dynptr_write(&rec, sizeof(ev), name, sizeof(name), 0))
		goto discard;

	bpf_ringbuf_submit_dynptr(&rec, 0);
	return 0;

discard:
	bpf_ringbuf_discard_dynptr(&rec, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
