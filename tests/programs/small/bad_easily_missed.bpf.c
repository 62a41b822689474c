// Mistakes that are easily missed.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

// Length of bpf_dynptr_data is a variable (kernel: R3 is not a known constant).
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb_a SEC(".maps");
static __always_inline int emit_a(const void *buf, __u32 len)
{
	struct bpf_dynptr d;
	__u32 n = len;
	void *p;

	if (n >= 512)
		n = 511;
	if (bpf_ringbuf_reserve_dynptr(&rb_a, n, 0, &d)) {
		bpf_ringbuf_discard_dynptr(&d, 0);
		return 0;
	}
	p = bpf_dynptr_data(&d, 0, n); //~ non-constant-slice-length
	if (!p) {
		bpf_ringbuf_discard_dynptr(&d, 0);
		return 0;
	}
	bpf_probe_read_user(p, n, buf);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}
SEC("uprobe/x")
int prog_a(struct pt_regs *ctx)
{
	return emit_a((void *)PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx));
}
SEC("uprobe/y")
int prog2_a(struct pt_regs *ctx)
{
	struct bpf_dynptr d;
	__u32 n = PT_REGS_PARM1(ctx) & 63;
	char *p;

	bpf_ringbuf_reserve_dynptr(&rb_a, 64, 0, &d);
	p = bpf_dynptr_data(&d, 0, n); //~ non-constant-slice-length
	if (p)
		p[0] = 1;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}
SEC("tc")
int prog3_a(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	__u8 buf[64], *p;
	struct iphdr ip;

	bpf_dynptr_from_skb(skb, 0, &d);
	if (bpf_dynptr_read(&ip, sizeof(ip), &d, 14, 0))
		return 0;
	p = bpf_dynptr_slice(&d, 14, buf, ip.ihl * 4); //~ non-constant-slice-length
	return p ? p[0] : 0;
}

// The reservation leaks in an inlined function: the finding belongs to its return, not to the caller's.
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb_b SEC(".maps");
static __always_inline int emit_b(int v)
{
	struct bpf_dynptr d;

	if (bpf_ringbuf_reserve_dynptr(&rb_b, 8, 0, &d) < 0)
		return 0; //~ dynptr-not-released
	bpf_dynptr_write(&d, 0, &v, sizeof(v), 0);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return 0;
}
SEC("uprobe/x")
int prog_b(struct pt_regs *ctx)
{
	return emit_b(1);
}
SEC("uprobe/y")
int prog2_b(struct pt_regs *ctx)
{
	emit_b(1);
	emit_b(2);
	return 0;
}

// The slice is longer than what is left of the map value behind the buffer.
struct bufs_c { __u8 eth[14]; __u8 l4[8]; };
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct bufs_c); } scratch_c SEC(".maps");
SEC("tc")
int prog_c(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u32 zero = 0;
	struct tcphdr *tcp;
	struct bufs_c *b = bpf_map_lookup_elem(&scratch_c, &zero);

	if (!b)
		return 2;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	tcp = bpf_dynptr_slice(&pkt, 34, b->l4, sizeof(*tcp)); //~ buffer-too-small
	return tcp && tcp->rst ? 2 : 0;
}

// The next program of the chain gets the packet without the change.
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4); } jmp_d SEC(".maps");
SEC("xdp.frags")
int prog_d(struct xdp_md *xdp)
{
	struct ethhdr *eth, buf;
	struct bpf_dynptr pkt;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, &buf, sizeof(buf));
	if (!eth)
		return XDP_DROP;
	eth->h_source[0] = 2; //~ missing-write-back
	bpf_tail_call(xdp, &jmp_d, 1);
	return XDP_DROP;
}

// One element of an array of buffers is compared for another.
SEC("tc")
int prog_e(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 bufs_e[2][8], *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice_rdwr(&pkt, 42, bufs_e[0], sizeof(bufs_e[0]));
	if (!p)
		return 0;
	p[0] = 0;
	if (p == bufs_e[1]) //~ wrong-buffer-compared
		bpf_dynptr_write(&pkt, 42, bufs_e[1], sizeof(bufs_e[1]), 0);
	return 0;
}
struct two_e { struct ethhdr a, b; };
SEC("tc")
int prog2_e(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct two_e t;
	struct ethhdr *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice_rdwr(&pkt, 0, &t.a, sizeof(t.a));
	if (!p)
		return 0;
	p->h_proto = 0;
	if (p == &t.b) //~ wrong-buffer-compared
		bpf_dynptr_write(&pkt, 0, &t.b, sizeof(t.b), 0);
	return 0;
}

SEC("tc")
int prog2_f(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 buf[8], *p, sum = 0;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice(&pkt, 42, buf, sizeof(buf));
	if (!p)
		return 0;
	for (int i = 0; i <= 8; i++)
		sum += p[i]; //~ slice-out-of-bounds
	return sum;
}

// The buffers of both slices stand in one array: the second is not the first's write-back turned round.
SEC("tc")
int prog_g(struct __sk_buff *skb)
{
	__u8 buf[22], *a, *b;
	struct bpf_dynptr pkt;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	a = bpf_dynptr_slice_rdwr(&pkt, 0, buf, 14);
	b = bpf_dynptr_slice_rdwr(&pkt, 38, buf + 14, 8);
	if (!a || !b)
		return 2;
	a[0] = 2;
	b[0] = 0;
	if (a == buf && bpf_dynptr_write(&pkt, 0, buf, 14, 0))
		return 2;
	if (b == buf + 14)
		bpf_dynptr_write(&pkt, 38, buf, 8, 0); //~ write-back-mismatch
	return 0;
}

char _license[] SEC("license") = "GPL";
