// Commands from user space: a daemon posts records to a user ring buffer, a kprobe on the
// scheduler's rebalancing drains it and applies them to the map the cgroup hook reads.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"

#define CMD_VERSION 3
#define MAX_PORTS 16

enum cmd_op {
	CMD_ADD = 1,
	CMD_DEL,
	CMD_STOP,
};

struct cmd_head {
	__u16 version;
	__u16 op;
	__u32 payload;
};

struct policy_key {
	__u64 cgroup;
	__u16 port;
	__u16 pad[3];
};

struct policy_val {
	__u64 since;
	__u32 mark;
	__u32 generation;
};

struct cmd_add {
	__u64 cgroup;
	__u32 mark;
	__u16 port_count;
	__u16 pad;
};

struct drain_state {
	__u32 generation;
	__u32 applied;
	__u32 rejected;
	__u32 stop;
};

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 256 * 1024);
} commands SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct policy_key);
	__type(value, struct policy_val);
} policies SEC(".maps");

__u64 drained_total;
__u64 rejected_total;
__u32 generation;

static int apply_add(const struct bpf_dynptr *sample, __u32 off, struct drain_state *st)
{
	struct policy_val val = {};
	struct policy_key key = {};
	const struct cmd_add *add;
	__u32 i, n;

	add = bpf_dynptr_data(sample, off, sizeof(*add));
	if (!add)
		return -1;
	n = add->port_count;
	if (n > MAX_PORTS)
		return -1;
	key.cgroup = add->cgroup;
	val.mark = add->mark;
	val.generation = st->generation;
	val.since = bpf_ktime_get_ns();

	off += sizeof(*add);
	for (i = 0; i < MAX_PORTS; i++) {
		__be16 port;

		if (i >= n)
			break;
		if (bpf_dynptr_read(&port, sizeof(port), sample, off + i * sizeof(port), 0))
			return -1;
		key.port = bpf_ntohs(port);
		if (bpf_map_update_elem(&policies, &key, &val, BPF_ANY))
			return -1;
	}
	return 0;
}

static int apply_del(const struct bpf_dynptr *sample, __u32 off)
{
	struct policy_key key;

	if (bpf_dynptr_read(&key, sizeof(key), sample, off, 0) < 0)
		return -1;
	return bpf_map_delete_elem(&policies, &key);
}

static long on_command(struct bpf_dynptr *sample, void *context)
{
	struct drain_state *st = context;
	struct cmd_head head;
	int err;

	if (bpf_dynptr_read(&head, sizeof(head), sample, 0, 0)) {
		st->rejected++;
		return 0;
	}
	if (head.version != CMD_VERSION || head.payload > bpf_dynptr_size(sample)) {
		st->rejected++;
		return 0;
	}

	switch (head.op) {
	case CMD_ADD:
		err = apply_add(sample, sizeof(head), st);
		break;
	case CMD_DEL:
		err = apply_del(sample, sizeof(head));
		break;
	case CMD_STOP:
		st->stop = 1;
		return 1;
	default:
		err = -1;
	}
	if (err)
		st->rejected++;
	else
		st->applied++;
	return 0;
}

SEC("kprobe/run_rebalance_domains")
int BPF_KPROBE(drain_on_tick)
{
	struct drain_state st = {};
	long n;

	st.generation = __sync_fetch_and_add(&generation, 1);
	n = bpf_user_ringbuf_drain(&commands, on_command, &st, BPF_RB_NO_WAKEUP);
	if (n < 0)
		return 0;
	__sync_fetch_and_add(&drained_total, n);
	__sync_fetch_and_add(&rejected_total, st.rejected);
	return 0;
}

SEC("cgroup_skb/egress")
int mark_by_policy(struct __sk_buff *skb)
{
	struct policy_key key = {};
	struct policy_val *val;
	struct bpf_dynptr pkt;
	__be16 ports[2] = {};
	struct iphdr ip = {};

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (bpf_dynptr_read(&ip, sizeof(ip), &pkt, 0, 0) || ip.version != 4)
		return 1;
	if (bpf_dynptr_read(ports, sizeof(ports), &pkt, ip.ihl * 4, 0))
		return 1;
	key.cgroup = bpf_skb_cgroup_id(skb);
	key.port = bpf_ntohs(ports[1]);
	val = bpf_map_lookup_elem(&policies, &key);
	if (val)
		skb->mark = val->mark;
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
