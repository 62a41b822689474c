//! A long document, half of it about dynptrs, and what is typed into it.

use ropey::Rope;
use serde_json::{Value, json};

const HEAD: &str = r#"// SPDX-License-Identifier: GPL-2.0
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

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
};

extern int bpf_dynptr_from_skb(struct __sk_buff *s, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 offset, void *buffer, __u32 size) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u32 offset, void *buffer, __u32 size) __ksym;

"#;

/// One program in front of which a reader counts flows, and one that rewrites headers through slices.
const PART: &str = r#"struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 14);
	__type(key, struct flow_key);
	__type(value, struct counters);
} flows_@ SEC(".maps");

/* Walks over one header of the packet and returns the protocol that follows it. */
static __always_inline int step_@(void **pos, void *end, struct flow_key *key, __u16 proto)
{
	switch (proto) {
	case bpf_htons(ETH_P_IP): {
		struct iphdr *iph = *pos;

		if ((void *)(iph + 1) > end)
			return -1;
		if (iph->ihl < 5 || iph->version != 4)
			return -1;
		key->saddr = iph->saddr;
		key->daddr = iph->daddr ^ bpf_htonl(@);
		key->proto = iph->protocol;
		*pos += iph->ihl * 4;
		return iph->protocol;
	}
	case bpf_htons(ETH_P_IPV6): {
		struct ipv6hdr *ip6h = *pos;

		if ((void *)(ip6h + 1) > end)
			return -1;
		*pos = ip6h + 1;
		return ip6h->nexthdr;
	}
	default:
		return -1;
	}
}

SEC("xdp")
int count_@(struct xdp_md *ctx)
{
	void *pos = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct counters *known, fresh = { .packets = 1 };
	struct flow_key key = {};
	struct ethhdr *eth = pos;

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	pos = eth + 1;
	if (step_@(&pos, end, &key, eth->h_proto) < 0)
		return XDP_PASS;
	known = bpf_map_lookup_elem(&flows_@, &key);
	if (known) {
		__sync_fetch_and_add(&known->packets, 1);
		__sync_fetch_and_add(&known->bytes, (__u64)(end - (void *)eth));
	} else {
		bpf_map_update_elem(&flows_@, &key, &fresh, BPF_ANY);
	}
	return XDP_PASS;
}

/* Finds the transport header; the result is its offset. */
static int transport_@(struct bpf_dynptr *packet, struct flow_key *key)
{
	struct iphdr *iph, space;

	iph = bpf_dynptr_slice(packet, sizeof(struct ethhdr), &space, sizeof(space));
	if (!iph)
		return -1;
	key->saddr = iph->saddr;
	key->daddr = iph->daddr;
	key->proto = iph->protocol;
	return sizeof(struct ethhdr) + iph->ihl * 4;
}

SEC("tc")
int rewrite_@(struct __sk_buff *skb)
{
	struct flow_key key = {};
	struct bpf_dynptr packet;
	struct udphdr *udp, space;
	int offset;

	if (bpf_dynptr_from_skb(skb, 0, &packet))
		return TC_ACT_OK;
	offset = transport_@(&packet, &key);
	if (offset < 0 || key.proto != IPPROTO_UDP)
		return TC_ACT_OK;
	udp = bpf_dynptr_slice_rdwr(&packet, offset, &space, sizeof(space));
	if (!udp)
		return TC_ACT_SHOT;
	if (udp->dest == bpf_htons(53 + @))
		udp->dest = bpf_htons(5353);
	else if (udp->source == bpf_htons(5353))
		udp->source = bpf_htons(53 + @);
	else
		return TC_ACT_OK;
	if (udp == &space)
		bpf_dynptr_write(&packet, offset, &space, sizeof(space), 0);
	return TC_ACT_OK;
}

"#;

/// What is typed, at the beginning of a line inside a function.
const STATEMENTS: [&str; 6] = [
    "if (key.proto == IPPROTO_TCP) return 1;\n",
    "bpf_printk(\"proto %d\", key.proto);\n",
    "bpf_dynptr_write(&packet, 0, &key, sizeof(key), 0);\n",
    "/* was: return 0; */\n",
    "for (int i = 0; i < 4; i++) { key.ports += i; }\n",
    "__u8 *p = bpf_dynptr_slice_rdwr(&packet, 20, &space, 8);\n",
];

/// Numbers that are the same in each run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap_or(0)
    }
}

/// The text as the editor has it.
pub(crate) struct Document {
    original: String,
    rope: Rope,
}

impl Document {
    /// A text of about that many lines.
    pub(crate) fn of_lines(lines: usize) -> Self {
        Self::numbered(lines, 0)
    }

    /// The same with other names and numbers.
    pub(crate) fn numbered(lines: usize, number: usize) -> Self {
        let mut original = HEAD.to_owned();
        let mut index = number * 1_000;
        while original.lines().count() < lines {
            original += &PART.replace('@', &index.to_string());
            index += 1;
        }
        original += "char LICENSE[] SEC(\"license\") = \"GPL\";\n";
        Self { rope: Rope::from_str(&original), original }
    }

    /// The text as it was in the beginning.
    pub(crate) fn text(&self) -> &str {
        &self.original
    }

    /// A place in it.
    pub(crate) fn position(&self, random: &mut Random) -> Value {
        self.place(random.below(self.rope.len_chars()))
    }

    /// A statement typed inside a function, character by character, and taken back in one piece.
    pub(crate) fn typing(&mut self, random: &mut Random) -> Vec<Value> {
        let lines: Vec<usize> = (0..self.rope.len_lines())
            .filter(|line| self.rope.line(*line).chars().next() == Some('\t'))
            .filter(|line| self.rope.line(*line).chars().any(|c| c == ';'))
            .collect();
        let line = lines[random.below(lines.len())];
        let start = self.rope.line_to_char(line + 1);
        let statement = STATEMENTS[random.below(STATEMENTS.len())];
        let mut edits = Vec::new();
        for (index, character) in statement.chars().enumerate() {
            edits.push(self.edit(start + index, start + index, &character.to_string()));
        }
        edits.push(self.edit(start, start + statement.chars().count(), ""));
        edits
    }

    /// A character inserted, taken out or replaced anywhere.
    pub(crate) fn random_edit(&mut self, random: &mut Random) -> Value {
        const CHARACTERS: &[u8] = b"abcxyz0189_ \t\n;,(){}[]<>=+-*/&|!?:.#\"'";
        let at = random.below(self.rope.len_chars());
        let character = char::from(CHARACTERS[random.below(CHARACTERS.len())]).to_string();
        match random.below(3) {
            0 => self.edit(at, at, &character),
            1 => self.edit(at, at + 1, ""),
            _ => self.edit(at, at + 1, &character),
        }
    }

    fn edit(&mut self, start: usize, end: usize, text: &str) -> Value {
        let range = json!({ "start": self.place(start), "end": self.place(end) });
        self.rope.remove(start..end);
        self.rope.insert(start, text);
        json!({ "range": range, "text": text })
    }

    fn place(&self, at: usize) -> Value {
        let line = self.rope.char_to_line(at);
        json!({ "line": line, "character": at - self.rope.line_to_char(line) })
    }
}
