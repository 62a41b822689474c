// Answers blocked DNS names with REFUSED straight from the driver. Queries may arrive in
// frames that are spread over fragments, so every access has a buffer to fall back on.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define DNS_PORT 53
#define DNS_MAX_LABELS 16
#define DNS_NAME_LEN 64
#define DNS_CHUNK 16

#define DNS_QR 0x8000
#define DNS_OPCODE 0x7800
#define DNS_RA 0x0080
#define DNS_RCODE_REFUSED 5

struct dnshdr {
	__be16 id;
	__be16 flags;
	__be16 qdcount;
	__be16 ancount;
	__be16 nscount;
	__be16 arcount;
};

/* All headers of a plain IPv4 query, so that one slice covers them. */
struct query_hdrs {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	struct dnshdr dns;
} __attribute__((packed));

struct name_key {
	__u8 name[DNS_NAME_LEN];
};

struct name_policy {
	__u64 hits;
	__u8 blocked;
	__u8 pad[7];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 100000);
	__type(key, struct name_key);
	__type(value, struct name_policy);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct name_key);
} name_scratch SEC(".maps");

static __always_inline __u8 to_lower(__u8 c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

// Copies the query name in lower case; returns its length in the packet or a negative error.
static __noinline int read_name(struct bpf_dynptr *pkt, __u32 off, struct name_key *key)
{
	__u8 chunk[DNS_CHUNK], *p;
	__u32 len = 0, left = 0, rest;
	int i, j;

	for (i = 0; i < DNS_NAME_LEN / DNS_CHUNK; i++) {
		p = bpf_dynptr_slice(pkt, off, chunk, sizeof(chunk));
		if (!p) {
			/* The last chunk is shorter than a slice: read what is there. */
			rest = bpf_dynptr_size(pkt) - off;
			if (rest > sizeof(chunk))
				return -1;
			__builtin_memset(chunk, 0, sizeof(chunk));
			if (bpf_dynptr_read(chunk, rest, pkt, off, 0))
				return -1;
			p = chunk;
		}
		off += DNS_CHUNK;
		for (j = 0; j < DNS_CHUNK; j++) {
			__u8 c = p[j];

			if (left == 0) {
				if (c == 0)
					return len;
				if (c & 0xc0)
					return -1;
				left = c;
				c = '.';
			} else {
				left--;
				c = to_lower(c);
			}
			if (len >= DNS_NAME_LEN - 1)
				return -1;
			key->name[len & (DNS_NAME_LEN - 1)] = c;
			len++;
		}
	}
	return -1;
}

// Turns a query into its own refusal. The IPv4 checksum is unaffected by the swap of the
// addresses and UDP over IPv4 may go without one.
static __always_inline void make_refusal(struct query_hdrs *q)
{
	__be16 port = q->udp.source;
	__be32 addr = q->ip.saddr;

	mac_swap(&q->eth);
	q->ip.saddr = q->ip.daddr;
	q->ip.daddr = addr;
	q->udp.source = q->udp.dest;
	q->udp.dest = port;
	q->udp.check = 0;
	q->dns.flags |= bpf_htons(DNS_QR | DNS_RA | DNS_RCODE_REFUSED);
}

static __always_inline bool is_plain_query(const struct query_hdrs *q)
{
	if (q->eth.h_proto != bpf_htons(ETH_P_IP))
		return false;
	if (q->ip.version != 4 || q->ip.ihl != 5 || q->ip.protocol != IPPROTO_UDP)
		return false;
	if (ipv4_is_fragment(&q->ip))
		return false;
	if (q->udp.dest != bpf_htons(DNS_PORT))
		return false;
	if (q->dns.flags & bpf_htons(DNS_QR | DNS_OPCODE))
		return false;
	return q->dns.qdcount == bpf_htons(1);
}

static __always_inline int refuse(struct bpf_dynptr *pkt)
{
	char raw[sizeof(struct query_hdrs)];
	struct query_hdrs *q;
	int err;

	q = bpf_dynptr_slice_rdwr(pkt, 0, raw, sizeof(raw));
	if (!q)
		return XDP_ABORTED;

	make_refusal(q);

	if ((char *)q == raw) {
		err = bpf_dynptr_write(pkt, 0, raw, sizeof(raw), 0);
		if (err < 0)
			return XDP_ABORTED;
	}
	return XDP_TX;
}

SEC("xdp.frags")
int dns_filter(struct xdp_md *ctx)
{
	char raw[sizeof(struct query_hdrs)];
	struct name_policy *policy;
	struct query_hdrs *q;
	struct name_key *key;
	struct bpf_dynptr pkt;
	__u32 zero = 0;
	int len;

	if (bpf_dynptr_from_xdp(ctx, 0, &pkt))
		return XDP_PASS;

	q = bpf_dynptr_slice(&pkt, 0, raw, sizeof(raw));
	if (!q || !is_plain_query(q))
		return XDP_PASS;

	key = bpf_map_lookup_elem(&name_scratch, &zero);
	if (!key)
		return XDP_PASS;
	__builtin_memset(key, 0, sizeof(*key));
	len = read_name(&pkt, sizeof(*q), key);
	if (len <= 0)
		return XDP_PASS;

	policy = bpf_map_lookup_elem(&names, key);
	if (!policy)
		return XDP_PASS;
	__sync_fetch_and_add(&policy->hits, 1);
	if (!policy->blocked)
		return XDP_PASS;
	return refuse(&pkt);
}

char LICENSE[] SEC("license") = "GPL";
