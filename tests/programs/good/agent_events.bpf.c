// Security agent: file opens, deletions and connections go to user space as one event stream.
// The reservation is held in a context struct and submitted by a cleanup function when the
// block that fills it ends.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>
#include "../include/kfuncs.h"

#define statfunc static __always_inline
#define MAX_NAME 256
#define AF_INET 2
#define AF_INET6 10

enum agent_event_id {
	EV_OPEN = 1,
	EV_UNLINK,
	EV_CONNECT,
};

struct agent_event {
	__u32 id;
	__u32 tgid;
	__u64 cgroup;
	__u64 when;
};

struct connect_event {
	struct agent_event base;
	__u8 addr[16];
	__be16 port;
	__u16 family;
	__u32 pad;
};

struct name_event {
	struct agent_event base;
	__u32 flags;
	__u32 name_len;
};

/* One record under construction. */
struct rec_ctx {
	struct bpf_dynptr dptr;
	bool ok;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} stream SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} watched_cgroups SEC(".maps");

__u64 dropped;

statfunc void rec_end(struct rec_ctx *rec)
{
	if (rec->ok) {
		bpf_ringbuf_submit_dynptr(&rec->dptr, 0);
	} else {
		__sync_fetch_and_add(&dropped, 1);
		bpf_ringbuf_discard_dynptr(&rec->dptr, 0);
	}
}

/* A block with a record of `len` bytes; it goes out at the end of the block if `rec.ok`. */
#define with_record(rec, len)                                                                      \
	for (struct rec_ctx rec __attribute__((cleanup(rec_end))) = {}, *__once = &rec;            \
	     __once && (bpf_ringbuf_reserve_dynptr(&stream, len, 0, &rec.dptr) || 1); __once = NULL)

struct identity {
	__u64 cgroup;
	__u32 tgid;
	__u32 interesting;
};

statfunc struct identity who(void)
{
	struct identity id = {};

	id.cgroup = bpf_get_current_cgroup_id();
	id.tgid = bpf_get_current_pid_tgid() >> 32;
	if (bpf_map_lookup_elem(&watched_cgroups, &id.cgroup))
		id.interesting = 1;
	return id;
}

statfunc void fill_base(struct agent_event *ev, __u32 id, const struct identity *me)
{
	ev->id = id;
	ev->tgid = me->tgid;
	ev->cgroup = me->cgroup;
	ev->when = bpf_ktime_get_boot_ns();
}

statfunc int emit_name(__u32 event, const struct identity *me, const unsigned char *name,
		       __u32 len, __u32 flags)
{
	struct name_event ev = {};
	struct bpf_dynptr rec;
	int err;

	if (len > MAX_NAME)
		len = MAX_NAME;
	fill_base(&ev.base, event, me);
	ev.flags = flags;
	ev.name_len = len;

	err = bpf_ringbuf_reserve_dynptr(&stream, sizeof(ev) + len, 0, &rec);
	if (err)
		goto discard;
	err = bpf_dynptr_write(&rec, 0, &ev, sizeof(ev), 0);
	if (err)
		goto discard;
	err = bpf_probe_read_kernel_dynptr(&rec, sizeof(ev), len, name);
	if (err)
		goto discard;
	bpf_ringbuf_submit_dynptr(&rec, 0);
	return 0;
discard:
	bpf_ringbuf_discard_dynptr(&rec, 0);
	__sync_fetch_and_add(&dropped, 1);
	return err;
}

SEC("kprobe/security_file_open")
int BPF_KPROBE(agent_open, struct file *file)
{
	struct identity me = who();
	const unsigned char *name;
	__u32 len;

	if (!me.interesting)
		return 0;
	name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
	len = BPF_CORE_READ(file, f_path.dentry, d_name.len);
	emit_name(EV_OPEN, &me, name, len, BPF_CORE_READ(file, f_flags));
	return 0;
}

SEC("kprobe/security_path_unlink")
int BPF_KPROBE(agent_unlink, const struct path *dir, struct dentry *dentry)
{
	struct identity me = who();

	if (!me.interesting)
		return 0;
	emit_name(EV_UNLINK, &me, BPF_CORE_READ(dentry, d_name.name),
		  BPF_CORE_READ(dentry, d_name.len), 0);
	return 0;
}

statfunc int fill_connect(struct connect_event *ev, const struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	__builtin_memset(ev->addr, 0, sizeof(ev->addr));
	switch (family) {
	case AF_INET:
		BPF_CORE_READ_INTO((__be32 *)ev->addr, sk, __sk_common.skc_daddr);
		break;
	case AF_INET6:
		BPF_CORE_READ_INTO((struct in6_addr *)ev->addr, sk, __sk_common.skc_v6_daddr);
		break;
	default:
		return -1;
	}
	ev->port = BPF_CORE_READ(sk, __sk_common.skc_dport);
	ev->family = family;
	ev->pad = 0;
	return 0;
}

SEC("fexit/tcp_connect")
int BPF_PROG(agent_connect, struct sock *sk, int ret)
{
	struct identity me = who();
	struct connect_event *ev;

	if (ret || !me.interesting)
		return 0;
	with_record(rec, sizeof(*ev)) {
		ev = bpf_dynptr_data(&rec.dptr, 0, sizeof(*ev));
		if (!ev)
			break;
		if (fill_connect(ev, sk))
			break;
		fill_base(&ev->base, EV_CONNECT, &me);
		rec.ok = true;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
