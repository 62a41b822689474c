//! What is measured: a tree of BPF C files, half of the lines from the realistic programs of the suite, which use
//! dynptrs, and half from generated packet parsers, which do not, as in most projects.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use tests::programs;

/// A file of the tree.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Its name in the tree.
    pub(crate) name: String,
    pub(crate) text: Arc<str>,
}

/// The realistic programs, bad and good.
pub(crate) fn with_dynptrs() -> Result<Vec<Source>> {
    let paths: Vec<PathBuf> =
        ["programs/good", "programs/bad"].into_iter().flat_map(programs).collect();
    let read = |path: &PathBuf| -> Result<Source> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Source { name, text: fs::read_to_string(path)?.into() })
    };
    paths.iter().map(read).collect()
}

/// Generated parsers with at least as many lines as `other`.
pub(crate) fn without_dynptrs(other: &[Source]) -> Vec<Source> {
    let wanted = lines(other);
    let mut files: Vec<Source> = Vec::new();
    while lines(&files) < wanted {
        let number = files.len();
        files.push(Source { name: format!("parser_{number}.bpf.c"), text: parser(number).into() });
    }
    files
}

/// Lines of all files.
pub(crate) fn lines(files: &[Source]) -> usize {
    files.iter().map(|file| file.text.lines().count()).sum()
}

/// Writes `count` files in the order of `files`, over and over; each copy is a text of its own. Returns their lines.
pub(crate) fn write_tree(directory: &Path, files: &[Source], count: usize) -> Result<usize> {
    let mut written = 0;
    let headers = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/include");
    for number in 0..count {
        let file = &files[number % files.len()];
        let directory = directory.join(format!("part{}", number / 100));
        if number % 100 == 0 {
            fs::create_dir_all(&directory)?;
        }
        let path = directory.join(format!("{number:05}_{}", file.name));
        fs::write(path, format!("{}// copy {number}\n", file.text))?;
        written += file.text.lines().count() + 1;
    }
    fs::create_dir_all(directory.join("include"))?;
    for header in fs::read_dir(headers)? {
        let header = header?;
        fs::copy(header.path(), directory.join("include").join(header.file_name()))?;
    }
    Ok(written)
}

const HEAD: &str = r#"// SPDX-License-Identifier: GPL-2.0
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define MAX_HEADERS 4
#define PORTS(src, dst) (((__u32)(src) << 16) | (dst))
#ifndef ARRAY_SIZE
#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))
#endif

struct cursor {
	void *pos;
	void *end;
};

struct flow_key {
	__be32 saddr;
	__be32 daddr;
	__u32 ports;
	__u8 proto;
	__u8 pad[3];
};

struct counters {
	__u64 packets;
	__u64 bytes;
	__u64 first_seen;
};

"#;

const STEP: &str = r#"/* Walks over header @ of the packet and returns the protocol that follows it. */
static __always_inline int step_@(struct cursor *cur, struct flow_key *key, __u16 proto)
{
	switch (proto) {
	case bpf_htons(ETH_P_IP): {
		struct iphdr *iph = cur->pos;

		if ((void *)(iph + 1) > cur->end)
			return -1;
		if (iph->ihl < 5 || iph->version != 4)
			return -1;
		key->saddr = iph->saddr;
		key->daddr = iph->daddr ^ bpf_htonl(@);
		key->proto = iph->protocol;
		cur->pos += iph->ihl * 4;
		return iph->protocol;
	}
	case bpf_htons(ETH_P_IPV6): {
		struct ipv6hdr *ip6h = cur->pos;

		if ((void *)(ip6h + 1) > cur->end)
			return -1;
		key->saddr = ip6h->saddr.in6_u.u6_addr32[3];
		key->daddr = ip6h->daddr.in6_u.u6_addr32[3];
		cur->pos = ip6h + 1;
		return ip6h->nexthdr;
	}
	default:
		return -1;
	}
}

"#;

const PROGRAM: &str = r#"struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 14);
	__type(key, struct flow_key);
	__type(value, struct counters);
} flows_@ SEC(".maps");

SEC("xdp")
int count_@(struct xdp_md *ctx)
{
	struct cursor cur = {
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	struct flow_key key = {};
	struct ethhdr *eth = cur.pos;
	struct counters *known, fresh = { .packets = 1 };
	int i, next;

	if ((void *)(eth + 1) > cur.end)
		return XDP_PASS;
	cur.pos = eth + 1;
	next = step_@(&cur, &key, eth->h_proto);
	if (next < 0)
		goto out;
#pragma unroll
	for (i = 0; i < MAX_HEADERS; i++) {
		struct udphdr *udp = cur.pos;

		if (next != IPPROTO_UDP && next != IPPROTO_TCP)
			break;
		if ((void *)(udp + 1) > cur.end)
			return XDP_DROP;
		key.ports = PORTS(bpf_ntohs(udp->source), bpf_ntohs(udp->dest));
		next = key.ports & 0x8 ? IPPROTO_TCP : -1;
	}
	known = bpf_map_lookup_elem(&flows_@, &key);
	if (known) {
		__sync_fetch_and_add(&known->packets, 1);
		__sync_fetch_and_add(&known->bytes, (__u64)(cur.end - (void *)eth));
		if (known->packets > 1000000ULL && bpf_ktime_get_ns() - known->first_seen < 1000000000)
			return XDP_DROP;
	} else {
		fresh.first_seen = bpf_ktime_get_ns();
		fresh.bytes = ctx->data_end - ctx->data;
		bpf_map_update_elem(&flows_@, &key, &fresh, BPF_ANY);
	}
out:
	return XDP_PASS;
}

"#;

/// A file of one to four programs that read packets through `data` and `data_end`.
fn parser(number: usize) -> String {
    let mut text = HEAD.to_owned();
    for index in 0..=number % 4 {
        let name = format!("{number}{index}");
        text += &STEP.replace('@', &name);
        text += &PROGRAM.replace('@', &name);
    }
    let _ = writeln!(text, "char LICENSE[] SEC(\"license\") = \"GPL\";");
    text
}
