// Splits a TCP stream into length-prefixed messages and sends each to the worker its route
// byte names. Stream programs see the payload only: offset 0 is the first byte of the message.
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#ifndef MAX_MESSAGE
#define MAX_MESSAGE (64 * 1024)
#endif

#define MAGIC 0x4d51
#define FLAG_TRACE 0x01

extern int bpf_dynptr_from_skb(struct __sk_buff *, __u64, struct bpf_dynptr *) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *, __u32, void *, __u32) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *, __u32, void *, __u32) __ksym;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *) __ksym;

struct msg_head {
	__be16 magic;
	__u8 route;
	__u8 flags;
	__be32 length;
	__u8 hops;
	__u8 reserved[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} workers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} routed SEC(".maps");

// 0 asks the stream parser for more bytes, a negative value ends the stream.
SEC("sk_skb/stream_parser")
int parse_message(struct __sk_buff *skb)
{
	struct msg_head *head, buf;
	struct bpf_dynptr msg;
	__u32 total;

	if (bpf_dynptr_from_skb(skb, 0, &msg))
		return -1;
	if (bpf_dynptr_size(&msg) < sizeof(*head))
		return 0;

	head = bpf_dynptr_slice(&msg, 0, &buf, sizeof(buf));
	if (!head)
		return -1;
	if (head->magic != bpf_htons(MAGIC))
		return -1;
	total = bpf_ntohl(head->length);
	if (total < sizeof(*head) || total > MAX_MESSAGE)
		return -1;
	return total;
}

static __always_inline void count(__u32 route)
{
	__u64 *n = bpf_map_lookup_elem(&routed, &route);

	if (n)
		(*n)++;
}

// Every relay counts its hop, in the message itself.
static int add_hop(struct bpf_dynptr *msg)
{
	__u32 at = __builtin_offsetof(struct msg_head, hops);
	__u8 *hops, hop_buf;

	hops = bpf_dynptr_slice_rdwr(msg, at, &hop_buf, sizeof(hop_buf));
	if (!hops)
		return -1;
	if (++*hops > 16)
		return -1;
	if (hops == &hop_buf)
		return bpf_dynptr_write(msg, at, &hop_buf, sizeof(hop_buf), 0);
	return 0;
}

SEC("sk_skb/stream_verdict")
int route_message(struct __sk_buff *skb)
{
	struct bpf_dynptr msg;
	struct msg_head *head;
	char raw[sizeof(*head)];
	__u32 worker;

	bpf_dynptr_from_skb(skb, 0, &msg);
	head = bpf_dynptr_slice(&msg, 0, raw, sizeof(raw));
	if (!head)
		return SK_DROP;
	worker = head->route;
	if (head->flags & FLAG_TRACE)
		bpf_printk("route %u, %u bytes", worker, bpf_ntohl(head->length));

	if (add_hop(&msg))
		return SK_DROP;
	count(worker);
	return bpf_sk_redirect_map(skb, &workers, worker, 0);
}

char _license[] SEC("license") = "GPL";
int _version SEC("version") = 1;
