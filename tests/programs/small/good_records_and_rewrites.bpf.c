// Ring buffer records, callbacks and XDP rewriting: all of it is correct.
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

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, char[256]);
} heap SEC(".maps");

__u64 dropped;
__u32 limit;
bool paused;

enum verdict {
	V_OK = 0,
	V_NOSPC = -1,
	V_WRITE = -2,
};

static __noinline enum verdict emit_head(struct bpf_dynptr *rec, __u32 len)
{
	struct event e = { .len = len };

	e.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(e.comm, sizeof(e.comm));
	if (bpf_dynptr_write(rec, 0, &e, sizeof(e), 0) < 0)
		return V_WRITE;
	return V_OK;
}

// Chunks written in a loop; every way out releases the record.
SEC("tp/syscalls/sys_enter_write")
int chunks(struct trace_event_raw_sys_enter *ctx)
{
	__u32 len = ctx->args[2], zero = 0, off;
	const char *src = (const char *)ctx->args[1];
	enum verdict v = V_OK;
	struct bpf_dynptr rec;
	char *tmp;

	tmp = bpf_map_lookup_elem(&heap, &zero);
	if (!tmp)
		return 0;
	if (len > 1024)
		len = 1024;
	if (bpf_ringbuf_reserve_dynptr(&events, sizeof(struct event) + len, 0, &rec)) {
		v = V_NOSPC;
		goto discard;
	}
	v = emit_head(&rec, len);
	if (v != V_OK)
		goto discard;
	for (off = 0; off < 1024; off += 256) {
		__u32 n = len - off;

		if (off >= len)
			break;
		if (n > 256)
			n = 256;
		if (bpf_probe_read_user(tmp, n, src + off))
			goto discard;
		if (bpf_dynptr_write(&rec, sizeof(struct event) + off, tmp, n, 0))
			goto discard;
	}
	bpf_ringbuf_submit_dynptr(&rec, 0);
	return 0;
discard:
	bpf_ringbuf_discard_dynptr(&rec, 0);
	if (v == V_NOSPC)
		__sync_fetch_and_add(&dropped, 1);
	return 0;
}

// One flag decides between submit and discard.
SEC("tp/syscalls/sys_enter_close")
int submit_or_discard(void *ctx)
{
	struct bpf_dynptr rec;
	struct event *e;
	bool ok = false;

	if (!bpf_ringbuf_reserve_dynptr(&events, sizeof(*e), 0, &rec)) {
		e = bpf_dynptr_data(&rec, 0, sizeof(*e));
		if (e) {
			e->pid = bpf_get_current_pid_tgid() >> 32;
			e->len = 0;
			ok = bpf_get_current_comm(e->comm, sizeof(e->comm)) == 0;
		}
	}
	if (ok)
		bpf_ringbuf_submit_dynptr(&rec, 0);
	else
		bpf_ringbuf_discard_dynptr(&rec, 0);
	return 0;
}

static __always_inline void finish(struct bpf_dynptr *rec, int err)
{
	if (err) {
		bpf_ringbuf_discard_dynptr(rec, 0);
		return;
	}
	bpf_ringbuf_submit_dynptr(rec, BPF_RB_NO_WAKEUP);
}

#define WITH_RECORD(rec, size)                                                  \
	struct bpf_dynptr rec;                                                  \
	int rec##_err = bpf_ringbuf_reserve_dynptr(&events, size, 0, &rec)

// Release in a helper, reservation in a macro.
SEC("kprobe/do_exit")
int macro_record(struct pt_regs *ctx)
{
	__u32 code = PT_REGS_PARM1(ctx);

	WITH_RECORD(rec, 8);
	if (!rec_err)
		rec_err = bpf_dynptr_write(&rec, 0, &code, sizeof(code), 0);
	finish(&rec, rec_err);
	return 0;
}

struct command {
	__u32 op;
	__u32 arg;
};

// Commands of user space; 1 stops, 0 goes on.
static long on_command(struct bpf_dynptr *cmd, void *ctx)
{
	int *handled = ctx;
	struct command c, *cp;
	__u32 value;

	if (bpf_dynptr_read(&c, sizeof(c), cmd, 0, 0))
		return 1;
	switch (c.op) {
	case 0:
		paused = c.arg;
		break;
	case 1:
		if (bpf_dynptr_read(&value, sizeof(value), cmd, sizeof(c), 0) < 0)
			return 0;
		limit = value;
		break;
	case 2:
		cp = bpf_dynptr_data(cmd, 0, sizeof(*cp));
		if (!cp)
			return 0;
		limit = cp->arg;
		break;
	default:
		return 0;
	}
	(*handled)++;
	return 0;
}

SEC("syscall")
int run_commands(void *ctx)
{
	int handled = 0;
	long n;

	n = bpf_user_ringbuf_drain(&commands, on_command, &handled, BPF_RB_NO_WAKEUP);
	return n < 0 ? n : handled;
}

struct walk {
	struct bpf_dynptr pkt;
	__u32 sum;
	__u32 off;
};

static long walk_step(__u32 i, void *data)
{
	struct walk *w = data;
	__u32 buf, *p;

	p = bpf_dynptr_slice(&w->pkt, w->off, &buf, sizeof(buf));
	if (!p)
		return 1;
	w->sum += *p;
	w->off += sizeof(buf);
	return 0;
}

// The dynptr travels in the context of a callback.
SEC("tc")
int callback_context(struct __sk_buff *skb)
{
	struct walk w = { .off = ETH_HLEN };

	if (bpf_dynptr_from_skb(skb, 0, &w.pkt))
		return TC_ACT_OK;
	if (bpf_loop(8, walk_step, &w, 0) < 0)
		return TC_ACT_SHOT;
	skb->mark = w.sum;
	return TC_ACT_OK;
}

static __always_inline void swap_mac(struct ethhdr *eth)
{
	__u8 t[6];

	__builtin_memcpy(t, eth->h_dest, 6);
	__builtin_memcpy(eth->h_dest, eth->h_source, 6);
	__builtin_memcpy(eth->h_source, t, 6);
}

// Two headers rewritten, two write-backs, then back out of the same port.
SEC("xdp.frags")
int echo(struct xdp_md *xdp)
{
	struct ethhdr *eth, eth_buf;
	struct iphdr *ip, ip_buf;
	struct icmphdr *icmp, icmp_buf;
	struct bpf_dynptr pkt;
	__be32 addr;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, &eth_buf, sizeof(eth_buf));
	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip = bpf_dynptr_slice_rdwr(&pkt, sizeof(*eth), &ip_buf, sizeof(ip_buf));
	if (!ip || ip->protocol != IPPROTO_ICMP || ip->ihl != 5)
		return XDP_PASS;
	icmp = bpf_dynptr_slice_rdwr(&pkt, sizeof(*eth) + sizeof(*ip), &icmp_buf, sizeof(icmp_buf));
	if (!icmp || icmp->type != 8)
		return XDP_PASS;
	swap_mac(eth);
	addr = ip->saddr;
	ip->saddr = ip->daddr;
	ip->daddr = addr;
	icmp->type = 0;
	icmp->checksum += bpf_htons(0x0800);
	if (eth == &eth_buf && bpf_dynptr_write(&pkt, 0, &eth_buf, sizeof(eth_buf), 0))
		return XDP_ABORTED;
	if (ip == &ip_buf && bpf_dynptr_write(&pkt, sizeof(*eth), &ip_buf, sizeof(ip_buf), 0))
		return XDP_ABORTED;
	if (icmp == &icmp_buf && bpf_dynptr_write(&pkt, sizeof(*eth) + sizeof(*ip), &icmp_buf, sizeof(icmp_buf), 0))
		return XDP_ABORTED;
	return XDP_TX;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} jmp SEC(".maps");

// The next program gets the packet after the write-back.
SEC("xdp.frags")
int tail(struct xdp_md *xdp)
{
	struct ethhdr *eth, buf;
	struct bpf_dynptr pkt;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, &buf, sizeof(buf));
	if (!eth)
		return XDP_DROP;
	swap_mac(eth);
	if (eth == &buf)
		bpf_dynptr_write(&pkt, 0, &buf, sizeof(buf), 0);
	bpf_tail_call(xdp, &jmp, 1);
	return XDP_DROP;
}

// The buffer goes back with the helper that stores bytes.
SEC("tc")
int store_bytes(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 buf[6], *mac;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	mac = bpf_dynptr_slice_rdwr(&pkt, 0, buf, sizeof(buf));
	if (!mac)
		return TC_ACT_SHOT;
	mac[0] = 2;
	if (mac == buf && bpf_skb_store_bytes(skb, 0, buf, sizeof(buf), 0))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

// Checksum by difference, written with the header.
SEC("tc")
int csum_diff(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct iphdr *ip, buf;
	__be32 old, new = bpf_htonl(0x0a000001);
	__s64 sum;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	ip = bpf_dynptr_slice_rdwr(&pkt, ETH_HLEN, &buf, sizeof(buf));
	if (!ip)
		return TC_ACT_SHOT;
	old = ip->saddr;
	ip->saddr = new;
	sum = bpf_csum_diff(&old, 4, &new, 4, ~ip->check & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~sum;
	barrier_var(ip);
	if ((void *)ip == &buf)
		bpf_dynptr_write(&pkt, ETH_HLEN, &buf, sizeof(buf), 0);
	return TC_ACT_OK;
}

// A size that is checked before the reads.
SEC("tc")
int sized(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	volatile __u32 n;
	__u8 tail[4];

	if (bpf_dynptr_from_skb(skb, 0, &pkt) || bpf_dynptr_is_null(&pkt))
		return TC_ACT_OK;
	n = bpf_dynptr_size(&pkt);
	if (n < sizeof(tail))
		return TC_ACT_OK;
	if (bpf_dynptr_read(tail, sizeof(tail), &pkt, n - sizeof(tail), 0) < 0)
		return TC_ACT_OK;
	return tail[3] ? TC_ACT_OK : TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
