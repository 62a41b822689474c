// Socket filter that counts HTTP methods and status classes. It sees packets from the link
// layer's payload on and only reads; request lines are scanned block by block.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"

#define SCAN_BLOCK 32
#define SCAN_BLOCKS 8
#define KEEP_NOTHING 0

enum http_kind {
	HTTP_GET,
	HTTP_POST,
	HTTP_PUT,
	HTTP_OTHER,
	HTTP_1XX,
	HTTP_5XX = HTTP_1XX + 4,
	HTTP_KINDS,
};

struct http_token {
	char text[4];
};

struct line_stats {
	__u64 lines;
	__u64 bytes;
	__u64 longest;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HTTP_KINDS);
	__type(key, __u32);
	__type(value, __u64);
} kinds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct line_stats);
} lines SEC(".maps");

const volatile __u16 http_port = 80;

static __always_inline void bump(__u32 kind)
{
	__u64 *n = bpf_map_lookup_elem(&kinds, &kind);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline __u32 kind_of(const struct http_token *tok)
{
	switch (tok->text[0]) {
	case 'G':
		return tok->text[1] == 'E' && tok->text[2] == 'T' ? HTTP_GET : HTTP_OTHER;
	case 'P':
		return tok->text[1] == 'O' ? HTTP_POST : tok->text[1] == 'U' ? HTTP_PUT : HTTP_OTHER;
	default:
		return HTTP_OTHER;
	}
}

// Length of the first line, or -1 if it does not end within the scanned part.
static __noinline int first_line(const struct bpf_dynptr *pkt, __u32 off)
{
	char block[SCAN_BLOCK], *p;
	__u32 size = bpf_dynptr_size(pkt), n;
	int i, j;

	bpf_for(i, 0, SCAN_BLOCKS) {
		__u32 at = off + i * SCAN_BLOCK;

		if (at >= size)
			return -1;
		n = size - at;
		if (n > SCAN_BLOCK)
			n = SCAN_BLOCK;
		p = NULL;
		if (n == SCAN_BLOCK)
			p = bpf_dynptr_slice(pkt, at, block, sizeof(block));
		if (!p) {
			__builtin_memset(block, 0, sizeof(block));
			if (bpf_dynptr_read(block, n, pkt, at, 0))
				return -1;
			p = block;
		}
		for (j = 0; j < SCAN_BLOCK; j++)
			if (p[j] == '\n')
				return i * SCAN_BLOCK + j;
	}
	return -1;
}

static __always_inline void note_line(int len)
{
	struct line_stats *st;
	__u32 zero = 0;

	st = bpf_map_lookup_elem(&lines, &zero);
	if (!st || len < 0)
		return;
	st->lines++;
	st->bytes += len;
	if (len > st->longest)
		st->longest = len;
}

static __always_inline __u32 tcp_payload(const struct bpf_dynptr *pkt, bool *request)
{
	struct tcphdr *tcp, tcp_buf;
	struct iphdr *ip, ip_buf;
	__u32 off;

	ip = bpf_dynptr_slice(pkt, 0, &ip_buf, sizeof(ip_buf));
	if (!ip || ip->version != 4 || ip->protocol != IPPROTO_TCP)
		return 0;
	off = ip->ihl << 2;
	tcp = bpf_dynptr_slice(pkt, off, &tcp_buf, sizeof(tcp_buf));
	if (!tcp)
		return 0;
	if (tcp->dest == bpf_htons(http_port))
		*request = true;
	else if (tcp->source != bpf_htons(http_port))
		return 0;
	return off + (tcp->doff << 2);
}

SEC("socket")
int http_stats(struct __sk_buff *skb)
{
	struct http_token *tok, tok_buf;
	bool request = false;
	struct bpf_dynptr pkt;
	__u8 status = 0;
	__u32 off;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	off = tcp_payload(&pkt, &request);
	if (!off)
		return KEEP_NOTHING;

	tok = bpf_dynptr_slice(&pkt, off, &tok_buf, sizeof(tok_buf));
	if (!tok)
		return KEEP_NOTHING;
	if (request) {
		bump(kind_of(tok));
		note_line(first_line(&pkt, off));
		return KEEP_NOTHING;
	}
	if (tok->text[0] != 'H' || tok->text[1] != 'T')
		return KEEP_NOTHING;
	/* "HTTP/1.1 200": the class is the tenth character, and 0 stands for a missing one. */
	bpf_dynptr_read(&status, sizeof(status), &pkt, off + 9, 0);
	if (status >= '1' && status <= '5')
		bump(HTTP_1XX + status - '1');
	return KEEP_NOTHING;
}

char _license[] SEC("license") = "GPL";
