// Samples network events into ring buffer records and touches them after they are gone.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define RECORD_LEN 128

struct sample_head {
	__u64 when;
	__u32 len;
	__u32 mark;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} samples SEC(".maps");

__u64 sent, failed;

static __always_inline void describe(struct sample_head *head, struct __sk_buff *skb)
{
	head->when = bpf_ktime_get_ns();
	head->len = skb->len;
	head->mark = skb->mark;
}

// The cleanup label is reached on success, too.
SEC("tc")
int sample_len(struct __sk_buff *skb)
{
	struct sample_head head;
	struct bpf_dynptr rec;

	describe(&head, skb);
	if (bpf_ringbuf_reserve_dynptr(&samples, sizeof(head), 0, &rec))
		goto out;
	if (bpf_dynptr_write(&rec, 0, &head, sizeof(head), 0))
		goto out;
	bpf_ringbuf_submit_dynptr(&rec, 0);
	sent++;
out:
	bpf_ringbuf_discard_dynptr(&rec, 0); //~ dynptr-released-twice
	return TC_ACT_OK;
}

SEC("tc")
int sample_mark(struct __sk_buff *skb)
{
	struct sample_head head;
	struct bpf_dynptr rec;

	describe(&head, skb);
	bpf_ringbuf_reserve_dynptr(&samples, sizeof(head), 0, &rec);
	if (bpf_dynptr_write(&rec, 0, &head, sizeof(head), 0)) {
		failed++;
		bpf_ringbuf_discard_dynptr(&rec, 0);
		return TC_ACT_OK;
	}
	bpf_ringbuf_submit_dynptr(&rec, BPF_RB_NO_WAKEUP);
	sent += bpf_dynptr_size(&rec); //~ dynptr-used-after-release
	return TC_ACT_OK;
}

// The late store races with the reader.
SEC("tc")
int sample_slot(struct __sk_buff *skb)
{
	struct sample_head *head;
	struct bpf_dynptr rec;

	bpf_ringbuf_reserve_dynptr(&samples, sizeof(*head), 0, &rec);
	head = bpf_dynptr_slice_rdwr(&rec, 0, NULL, sizeof(*head));
	if (!head) {
		bpf_ringbuf_discard_dynptr(&rec, 0);
		return TC_ACT_OK;
	}
	describe(head, skb);
	bpf_ringbuf_submit_dynptr(&rec, 0);
	head->mark = TC_ACT_OK; //~ slice-used-after-release
	return TC_ACT_OK;
}

// Reserves for the worst case and hopes to send less.
SEC("tc")
int sample_payload(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt, rec;
	__u32 n = skb->len;
	int err;

	if (n > RECORD_LEN)
		n = RECORD_LEN;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	err = bpf_ringbuf_reserve_dynptr(&samples, RECORD_LEN, 0, &rec);
	if (err)
		goto discard;
	err = bpf_dynptr_copy(&rec, 0, &pkt, 0, n);
	if (err)
		goto discard;
	err = bpf_dynptr_adjust(&rec, 0, n);
	if (err)
		goto discard;
	bpf_ringbuf_submit_dynptr(&rec, 0); //~ record-not-shortened
	return TC_ACT_OK;
discard:
	bpf_ringbuf_discard_dynptr(&rec, 0);
	return TC_ACT_OK;
}

// A full ring buffer leaves a null dynptr, whose size is a huge number.
SEC("tc")
int sample_fit(struct __sk_buff *skb)
{
	struct sample_head head;
	struct bpf_dynptr rec;

	describe(&head, skb);
	bpf_ringbuf_reserve_dynptr(&samples, sizeof(head), 0, &rec);
	if (bpf_dynptr_size(&rec) >= sizeof(head)) //~ size-of-null-dynptr
		sent++;
	if (bpf_dynptr_write(&rec, 0, &head, sizeof(head), 0))
		bpf_ringbuf_discard_dynptr(&rec, 0);
	else
		bpf_ringbuf_submit_dynptr(&rec, 0);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
