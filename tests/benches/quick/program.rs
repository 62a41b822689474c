//! A file of programs as people write them: packets are parsed within bounds, flows counted, options walked in loops.

use std::fmt::Write as _;

const HEAD: &str = r#"#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct flow { __u32 src, dst; __u16 sport, dport; };
struct stats { __u64 packets, bytes; };
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct flow);
	__type(value, struct stats);
} flows SEC(".maps");
char _license[] SEC("license") = "GPL";
"#;

const PROGRAM: &str = r#"
SEC("xdp")
int parseN(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct flow key = {};
	struct stats *stats;
	__u32 sum = N;

	if ((void *)(eth + 1) > end)
		return XDP_DROP;
	if (eth->h_proto != bpf_htons(0x0800))
		return XDP_PASS;
	struct iphdr *ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > end)
		return XDP_DROP;
	if (ip->ihl < 5 || ip->protocol != 6)
		return XDP_PASS;
	key.src = ip->saddr;
	key.dst = ip->daddr;
	struct tcphdr *tcp = (void *)ip + ip->ihl * 4;
	if ((void *)(tcp + 1) > end)
		return XDP_DROP;
	key.sport = tcp->source;
	key.dport = tcp->dest;
	for (int i = 0; i < 32; i++) {
		__u8 *option = (void *)(tcp + 1) + i;
		if ((void *)(option + 1) > end)
			break;
		if (*option == 0)
			break;
		sum += *option;
	}
	stats = bpf_map_lookup_elem(&flows, &key);
	if (!stats) {
		struct stats fresh = { .packets = 1, .bytes = end - data };

		bpf_map_update_elem(&flows, &key, &fresh, BPF_NOEXIST);
		return XDP_PASS;
	}
	stats->packets++;
	stats->bytes += end - data;
	return sum & 1 ? XDP_TX : XDP_PASS;
}
"#;

/// The last program is rejected: its lookup is not checked.
const REJECTED: &str = r#"
SEC("xdp")
int unchecked(struct xdp_md *ctx)
{
	struct flow key = {};
	struct stats *stats = bpf_map_lookup_elem(&flows, &key);

	return stats->packets ? XDP_PASS : XDP_DROP;
}
"#;

/// A file of about `lines` lines.
pub(crate) fn of_lines(lines: usize) -> String {
    let mut text = HEAD.to_owned();
    let mut number = 0;
    while text.lines().count() + PROGRAM.lines().count() + REJECTED.lines().count() <= lines {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "{}",
            PROGRAM
                .replace("parseN", &format!("parse{number}"))
                .replace("= N", &format!("= {number}"))
        );
        number += 1;
    }
    text + REJECTED
}
