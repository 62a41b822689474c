// Samples what a process sends: per task, the first bytes of every n-th sendmsg are kept in a
// map value, together with how often the task connected. All memory is map memory, seen
// through dynptrs, so the copying loop does not care where the bytes lie.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "../include/kfuncs.h"

#define SAMPLE_LEN 2048
#define HEAD_LEN 32

struct send_sample {
	__u64 when;
	__u32 pid;
	__u32 size;
	__u32 copied;
	__u32 kind;
	__u8 data[SAMPLE_LEN];
};

struct task_state {
	__u64 sends;
	__u64 connects;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct send_sample);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct send_sample);
} blank SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_state);
} tasks SEC(".maps");

const volatile __u64 every = 64;

static __always_inline struct send_sample *sample_of(__u32 pid)
{
	struct send_sample *s, *init;
	__u32 zero = 0;

	s = bpf_map_lookup_elem(&samples, &pid);
	if (s)
		return s;
	init = bpf_map_lookup_elem(&blank, &zero);
	if (!init)
		return NULL;
	bpf_map_update_elem(&samples, &pid, init, BPF_NOEXIST);
	return bpf_map_lookup_elem(&samples, &pid);
}

static __noinline int copy_user(struct bpf_dynptr *mem, const void *from, __u32 len)
{
	__u32 room = bpf_dynptr_size(mem);

	if (len > room)
		len = room;
	if (bpf_probe_read_user_dynptr(mem, 0, len, from))
		return -1;
	return len;
}

// Recognises the protocol by the first bytes of the sample.
static __always_inline __u32 classify(struct bpf_dynptr *mem)
{
	const __u8 *p;

	p = bpf_dynptr_data(mem, 0, HEAD_LEN);
	if (!p)
		return 0;
	if (p[0] == 'G' && p[1] == 'E' && p[2] == 'T')
		return 1;
	if (p[0] == 0x16 && p[1] == 0x03)
		return 2;
	if (p[0] == 'S' && p[1] == 'S' && p[2] == 'H')
		return 3;
	return 0;
}

SEC("fentry/tcp_sendmsg")
int BPF_PROG(sample_send, struct sock *sk, struct msghdr *msg, size_t size)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_state *state;
	const void *base = NULL;
	struct bpf_dynptr mem;
	struct send_sample *s;
	__u32 pid;
	int n;

	state = bpf_task_storage_get(&tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!state || state->sends++ % every)
		return 0;
	if (msg->msg_iter.iter_type != ITER_UBUF)
		return 0;

	pid = bpf_get_current_pid_tgid() >> 32;
	s = sample_of(pid);
	if (!s)
		return 0;
	base = BPF_CORE_READ(msg, msg_iter.__ubuf_iovec.iov_base);
	bpf_dynptr_from_mem(s->data, sizeof(s->data), 0, &mem);
	n = copy_user(&mem, base, size);
	if (n < 0)
		return 0;
	s->copied = n;
	s->size = size;
	s->pid = pid;
	s->when = bpf_ktime_get_ns();
	s->kind = classify(&mem);
	return 0;
}

SEC("fexit/inet_stream_connect")
int BPF_PROG(count_connect, struct socket *sock, struct sockaddr *uaddr, int addr_len, int flags,
	     int ret)
{
	struct task_state *state;

	if (ret)
		return 0;
	state = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0,
				     BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (state)
		state->connects++;
	return 0;
}

// Forgets the bytes of a task that leaves; its counters stay for the report.
SEC("kprobe/do_exit")
int BPF_KPROBE(wipe_sample, long code)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct bpf_dynptr all;
	struct send_sample *s;

	s = bpf_map_lookup_elem(&samples, &pid);
	if (!s)
		return 0;
	if (bpf_dynptr_from_mem(s, sizeof(*s), 0, &all))
		return 0;
	if (bpf_dynptr_adjust(&all, offsetof(struct send_sample, data), sizeof(*s)))
		return 0;
	if (bpf_dynptr_memset(&all, 0, SAMPLE_LEN, 0))
		return 0;
	s->copied = 0;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
