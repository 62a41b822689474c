// Small mistakes with records, callbacks, views and packets, one in each function.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define ETH_HLEN 14
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86DD
#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

struct event {
	__u32 pid;
	__u32 len;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 1 << 16);
} commands SEC(".maps");

__u32 limit;

// A write that fails in the loop leaves without releasing.
SEC("tp/syscalls/sys_enter_write")
int leak_in_loop(struct trace_event_raw_sys_enter *ctx)
{
	struct bpf_dynptr rec;
	__u64 word = 0;

	if (bpf_ringbuf_reserve_dynptr(&events, 64, 0, &rec)) {
		bpf_ringbuf_discard_dynptr(&rec, 0);
		return 0;
	}
	for (int i = 0; i < 8; i++) {
		if (bpf_dynptr_write(&rec, i * 8, &word, sizeof(word), 0))
			return 0; //~ dynptr-not-released
		word++;
	}
	bpf_ringbuf_submit_dynptr(&rec, 0);
	return 0;
}

// The failed reservation is not released.
SEC("tp/syscalls/sys_enter_close")
int failed_reservation(void *ctx)
{
	struct bpf_dynptr rec;
	struct event *e;

	if (bpf_ringbuf_reserve_dynptr(&events, sizeof(*e), 0, &rec))
		return 0; //~ dynptr-not-released
	e = bpf_dynptr_data(&rec, 0, sizeof(*e));
	if (!e)
		goto drop;
	e->pid = 1;
	e->len = 0;
	bpf_ringbuf_submit_dynptr(&rec, 0);
	return 0;
drop:
	bpf_ringbuf_discard_dynptr(&rec, 0);
	return 0;
}

static __always_inline int send_head(struct bpf_dynptr *rec)
{
	__u64 head = 1;

	if (bpf_dynptr_write(rec, 0, &head, sizeof(head), 0)) {
		bpf_ringbuf_discard_dynptr(rec, 0);
		return -1;
	}
	return 0;
}

// The helper has already discarded the record it could not fill.
SEC("tp/syscalls/sys_enter_dup")
int discarded_by_helper(void *ctx)
{
	struct bpf_dynptr rec;

	if (bpf_ringbuf_reserve_dynptr(&events, 8, 0, &rec))
		goto drop;
	if (send_head(&rec))
		goto drop;
	bpf_ringbuf_submit_dynptr(&rec, 0);
	return 0;
drop:
	bpf_ringbuf_discard_dynptr(&rec, 0); //~ dynptr-released-twice
	return 0;
}

// Falls through from the submit into the error path.
SEC("tp/syscalls/sys_enter_dup2")
int falls_through(void *ctx)
{
	struct bpf_dynptr rec;
	__u64 v = 2;

	if (bpf_ringbuf_reserve_dynptr(&events, 8, 0, &rec))
		goto drop;
	if (bpf_dynptr_write(&rec, 0, &v, sizeof(v), 0))
		goto drop;
	bpf_ringbuf_submit_dynptr(&rec, 0);
drop:
	bpf_ringbuf_discard_dynptr(&rec, 0); //~ dynptr-released-twice
	return 0;
}

// The second reservation takes the variable of the first, which is not released.
SEC("tp/syscalls/sys_enter_dup3")
int reserved_twice(void *ctx)
{
	struct bpf_dynptr rec;
	__u32 v = 0;

	if (bpf_ringbuf_reserve_dynptr(&events, 64, 0, &rec))
		bpf_ringbuf_reserve_dynptr(&events, 4, 0, &rec); //~ referenced-dynptr-overwritten
	bpf_dynptr_write(&rec, 0, &v, sizeof(v), 0);
	bpf_ringbuf_submit_dynptr(&rec, 0);
	return 0;
}

// The event is filled after it was handed over.
SEC("kprobe/do_exit")
int filled_late(struct pt_regs *ctx)
{
	struct bpf_dynptr rec;
	struct event *e;

	if (bpf_ringbuf_reserve_dynptr(&events, sizeof(*e), 0, &rec)) {
		bpf_ringbuf_discard_dynptr(&rec, 0);
		return 0;
	}
	e = bpf_dynptr_slice(&rec, 0, NULL, sizeof(*e));
	if (e)
		limit = e->len;
	bpf_ringbuf_discard_dynptr(&rec, 0);
	if (e)
		limit = e->pid; //~ slice-used-after-release
	return bpf_dynptr_size(&rec); //~ dynptr-used-after-release
}

struct command {
	__u32 op;
	__u32 arg;
};

// The status is compared with the number of bytes.
static long on_command(struct bpf_dynptr *cmd, void *ctx)
{
	struct command c;

	if (bpf_dynptr_read(&c, sizeof(c), cmd, 0, 0) != sizeof(c)) //~ status-taken-for-length
		return 1;
	limit = c.arg;
	return 0;
}

// Used although the read may have failed.
static long on_command_blind(struct bpf_dynptr *cmd, void *ctx)
{
	struct command c;

	bpf_dynptr_read(&c, sizeof(c), cmd, 0, 0); //~ read-result-ignored
	switch (c.op) {
	case 1:
		limit = c.arg;
		break;
	}
	return 0;
}

SEC("syscall")
int run_commands(void *ctx)
{
	bpf_user_ringbuf_drain(&commands, on_command, NULL, 0);
	return bpf_user_ringbuf_drain(&commands, on_command_blind, NULL, 0);
}

struct walk {
	struct bpf_dynptr pkt;
	__u32 sum;
};

static long walk_step(__u32 i, void *data)
{
	struct walk *w = data;
	__u32 buf, *p;

	p = bpf_dynptr_slice(&w->pkt, i * 4, &buf, sizeof(buf));
	w->sum += *p; //~ missing-null-check
	return 0;
}

SEC("tc")
int callback_context(struct __sk_buff *skb)
{
	struct walk w = {};

	if (bpf_dynptr_from_skb(skb, 0, &w.pkt))
		return TC_ACT_OK;
	bpf_loop(8, walk_step, &w, 0);
	skb->mark = w.sum;
	return TC_ACT_OK;
}

// The next program sees the packet without the changes.
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} jmp SEC(".maps");

SEC("xdp.frags")
int tail_before_write(struct xdp_md *xdp)
{
	struct ethhdr *eth, buf;
	struct bpf_dynptr pkt;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, &buf, sizeof(buf));
	if (!eth)
		return XDP_DROP;
	eth->h_source[0] = 2; //~ missing-write-back
	bpf_tail_call(xdp, &jmp, 1);
	if (eth == &buf)
		bpf_dynptr_write(&pkt, 0, &buf, sizeof(buf), 0);
	return XDP_PASS;
}

// A second store behind the write-back.
SEC("xdp.frags")
int store_after_write(struct xdp_md *xdp)
{
	struct ethhdr *eth, buf;
	struct bpf_dynptr pkt;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, &buf, sizeof(buf));
	if (!eth)
		return XDP_DROP;
	eth->h_source[0] = 2;
	if (eth == &buf && bpf_dynptr_write(&pkt, 0, &buf, sizeof(buf), 0))
		return XDP_DROP;
	eth->h_dest[0] = 2; //~ missing-write-back
	return XDP_TX;
}

// The program removed the bytes that the slice of the old dynptr shows.
SEC("xdp")
int popped(struct xdp_md *xdp)
{
	struct bpf_dynptr pkt;
	struct iphdr *ip, buf;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	if (bpf_xdp_adjust_head(xdp, 4))
		return XDP_DROP;
	ip = bpf_dynptr_slice(&pkt, ETH_HLEN, &buf, sizeof(buf)); //~ outdated-dynptr
	return ip && ip->ttl ? XDP_PASS : XDP_DROP;
}

// The header was taken before the pull.
SEC("tc")
int pulled_between(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct iphdr *ip, buf;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	ip = bpf_dynptr_slice(&pkt, ETH_HLEN, &buf, sizeof(buf));
	if (!ip || bpf_skb_pull_data(skb, 0))
		return TC_ACT_SHOT;
	return ip->ttl ? TC_ACT_OK : TC_ACT_SHOT; //~ stale-slice
}

// The dynptr of one branch only.
SEC("tc")
int half_initialised(struct __sk_buff *skb)
{
	struct bpf_dynptr d[2];

	bpf_dynptr_from_skb(skb, 0, &d[0]);
	if (skb->mark)
		bpf_dynptr_clone(&d[0], &d[1]);
	return bpf_dynptr_size(&d[1]) > 100 ? TC_ACT_SHOT : TC_ACT_OK; //~ uninitialised-dynptr
}

// The index may be one past the slice.
SEC("tc")
int one_past(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 buf[8], *p, sum = 0;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice(&pkt, 42, buf, sizeof(buf));
	if (!p)
		return TC_ACT_OK;
	for (int i = 0; i <= 8; i++)
		sum += p[i]; //~ slice-out-of-bounds
	return sum ? TC_ACT_OK : TC_ACT_SHOT;
}

// A read-only slice, written to by a function.
static __always_inline void wipe(__u8 *p)
{
	p[0] = 0; //~ store-to-read-only-slice
}

SEC("tc")
int wiped(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 buf[8], *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice(&pkt, 42, buf, sizeof(buf));
	if (p)
		wipe(p);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
