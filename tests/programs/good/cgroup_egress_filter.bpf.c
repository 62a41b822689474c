// Egress policy of a service's cgroup: which networks and ports its processes may reach.
// In this hook the packet starts at the IP header and can only be read.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"

#define ALLOW 1
#define DENY 0
#define TLS_PORT 443
#define TLS_HANDSHAKE 22
#define TLS_CLIENT_HELLO 1

#define NEXTHDR_TCP 6
#define NEXTHDR_UDP 17
#define NEXTHDR_FRAGMENT 44

struct lpm4_key {
	__u32 prefixlen;
	__be32 addr;
};

struct lpm6_key {
	__u32 prefixlen;
	struct in6_addr addr;
};

struct verdict {
	__u8 allow;
	__u8 log;
	__be16 only_port;
};

struct tls_record {
	__u8 type;
	__u8 version[2];
	__u8 length[2];
	__u8 msg_type;
	__u8 msg_length[3];
	__u8 client_version[2];
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lpm4_key);
	__type(value, struct verdict);
} rules4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lpm6_key);
	__type(value, struct verdict);
} rules6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} denials SEC(".maps");

struct denial {
	__u64 cgroup;
	__u32 len;
	__be16 port;
	__u8 family;
	__u8 proto;
};

static __always_inline int log_denial(struct __sk_buff *skb, __u8 family, __u8 proto, __be16 port)
{
	struct denial d = {
		.cgroup = bpf_skb_cgroup_id(skb),
		.len = skb->len,
		.port = port,
		.family = family,
		.proto = proto,
	};
	struct bpf_dynptr rec;

	bpf_ringbuf_reserve_dynptr(&denials, sizeof(d), 0, &rec);
	if (bpf_dynptr_write(&rec, 0, &d, sizeof(d), 0))
		bpf_ringbuf_discard_dynptr(&rec, 0);
	else
		bpf_ringbuf_submit_dynptr(&rec, 0);
	return DENY;
}

// Destination port, 0 for protocols without one, -1 if the packet ends too early.
static __always_inline int dest_port(const struct bpf_dynptr *pkt, __u32 off, __u8 proto)
{
	__be16 buf[2], *ports;

	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return 0;
	ports = bpf_dynptr_slice(pkt, off, buf, sizeof(buf));
	if (!ports)
		return -1;
	return ports[1];
}

static __always_inline bool is_client_hello(const struct bpf_dynptr *pkt, __u32 tcp_off)
{
	struct tls_record rec_buf, *rec;
	struct tcphdr tcp_buf, *tcp;
	bool hello = false;

	tcp = bpf_dynptr_slice(pkt, tcp_off, &tcp_buf, sizeof(tcp_buf));
	if (tcp) {
		rec = bpf_dynptr_slice(pkt, tcp_off + tcp->doff * 4, &rec_buf, sizeof(rec_buf));
		if (rec)
			hello = rec->type == TLS_HANDSHAKE && rec->msg_type == TLS_CLIENT_HELLO;
	}
	return hello;
}

static __always_inline int judge(struct __sk_buff *skb, const struct verdict *v, __u8 family,
				 __u8 proto, int port)
{
	if (!v)
		return ALLOW;
	if (v->only_port && v->only_port == port)
		return ALLOW;
	if (v->allow && !v->only_port)
		return ALLOW;
	return v->log ? log_denial(skb, family, proto, port) : DENY;
}

static __always_inline int filter4(struct __sk_buff *skb, const struct bpf_dynptr *pkt)
{
	struct lpm4_key key = { .prefixlen = 32 };
	struct iphdr *ip, buf;
	__u32 l4_off;
	__u8 proto;
	int port;

	ip = bpf_dynptr_slice(pkt, 0, &buf, sizeof(buf));
	if (!ip || ip->ihl < 5)
		return DENY;
	key.addr = ip->daddr;
	proto = ip->protocol;
	l4_off = ip->ihl * 4;
	if (ip->frag_off & bpf_htons(0x1fff))
		return ALLOW;

	port = dest_port(pkt, l4_off, proto);
	if (port < 0)
		return DENY;
	if (port == bpf_htons(TLS_PORT) && is_client_hello(pkt, l4_off))
		skb->priority = 1;
	return judge(skb, bpf_map_lookup_elem(&rules4, &key), 4, proto, port);
}

static __always_inline int filter6(struct __sk_buff *skb, const struct bpf_dynptr *pkt)
{
	struct lpm6_key key = { .prefixlen = 128 };
	__u32 off = sizeof(struct ipv6hdr);
	struct ipv6hdr *ip6, buf;
	struct frag_hdr frag;
	__u8 proto;
	int port;

	ip6 = bpf_dynptr_slice(pkt, 0, &buf, sizeof(buf));
	if (!ip6)
		return DENY;
	key.addr = ip6->daddr;
	proto = ip6->nexthdr;
	if (proto == NEXTHDR_FRAGMENT) {
		if (bpf_dynptr_read(&frag, sizeof(frag), pkt, off, 0))
			return DENY;
		proto = frag.nexthdr;
		off += sizeof(frag);
		if (frag.frag_off & bpf_htons(0xfff8))
			return ALLOW;
	}
	port = dest_port(pkt, off, proto);
	if (port < 0)
		return DENY;
	return judge(skb, bpf_map_lookup_elem(&rules6, &key), 6, proto, port);
}

SEC("cgroup_skb/egress")
int egress_policy(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;

	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return DENY;
	switch (skb->protocol) {
	case bpf_htons(0x0800):
		return filter4(skb, &pkt);
	case bpf_htons(0x86DD):
		return filter6(skb, &pkt);
	default:
		return ALLOW;
	}
}

char _license[] SEC("license") = "GPL";
