// Missing checks and releases in functions of all kinds: the exits must suit the function.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

struct event {
	__u64 when;
	__u64 what;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

__u64 seen;

static bool is_multicast(struct bpf_dynptr *pkt)
{
	struct ethhdr buf, *eth;

	eth = bpf_dynptr_slice(pkt, 0, &buf, sizeof(buf));
	return eth->h_dest[0] & 1;
}

static void note(struct bpf_dynptr *pkt)
{
	struct ethhdr buf, *eth = bpf_dynptr_slice(pkt, 0, &buf, sizeof(buf));
	int first = 1;
	int second = 2;

	seen += eth->h_dest[0] * first + second;
}

static struct iphdr *ipv4(struct bpf_dynptr *pkt, struct iphdr *buf)
{
	struct iphdr *ip = bpf_dynptr_slice(pkt, ETH_HLEN, buf, sizeof(*buf));

	if (ip->version != 4)
		return NULL;
	return ip;
}

static int count(__u32 index, void *context)
{
	struct bpf_dynptr *pkt = context;
	struct ethhdr buf, *eth;

	eth = bpf_dynptr_slice(pkt, index * 14, &buf, sizeof(buf));
	if (eth->h_dest[0])
		return 1;
	return 0;
}

SEC("tc")
int checks(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct iphdr buf;
	__u32 mark;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (is_multicast(&pkt))
		note(&pkt);
	if (!ipv4(&pkt, &buf))
		return TC_ACT_SHOT;
	if (skb->mark)
		bpf_dynptr_read(&mark, sizeof(mark), &pkt, skb->mark, 0);
	else
		mark = 0;
	bpf_loop(4, count, &pkt, 0);
	return mark ? TC_ACT_OK : TC_ACT_SHOT;
}

SEC("tp_btf/sys_enter")
int releases(void *ctx)
{
	struct bpf_dynptr rec;
	struct event *ev;
	int err;

	err = bpf_ringbuf_reserve_dynptr(&events, sizeof(*ev), 0, &rec);
	if (err < 0)
		return 1;
	else if (err == 5)
		return 2;
	ev = bpf_dynptr_data(&rec, 0, sizeof(*ev));
	ev->when = bpf_ktime_get_ns();
	switch (ev->what) {
	case 2: return 0;
	}
	if (ev->what == 3) { return 0; }
	for (int i = 0; i < 3; i++)
		if (ev->what == i) // known
			return 3;
	if (ev->what == 9) return 9;
	return ev->what;
}

SEC("tc")
int held(struct __sk_buff *skb)
{
	struct bpf_dynptr rec, pkt;
	struct ethhdr buf, *eth;

	bpf_ringbuf_reserve_dynptr(&events, 8, 0, &rec);
	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_slice(&pkt, 0, &buf, sizeof(buf));
	bpf_dynptr_write(&rec, 0, &eth->h_dest, sizeof(eth->h_dest), 0);
	bpf_ringbuf_submit_dynptr(&rec, 0);
	return TC_ACT_OK;
}

SEC("tp/sched/sched_switch")
void falls_off(void *ctx)
{
	struct bpf_dynptr rec;

	bpf_ringbuf_reserve_dynptr(&events, 8, 0, &rec);
}
