// Per-endpoint policy with the macro habits of large code bases: header access, drops and
// trace points are macros, some of which return from the function they are used in.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define __section_entry(name) SEC(name) __attribute__((used))
#define CTX_ACT_OK TC_ACT_OK
#define CTX_ACT_DROP TC_ACT_SHOT

#define DROP_POLICY 130
#define DROP_TRUNCATED 131
#define DROP_WRITE 132
#define DROP_UNSUPPORTED 133

#define POLICY_DENY 0
#define POLICY_ALLOW 1
#define POLICY_REMARK 2

#define EVENT_DROP 1
#define EVENT_REMARK 2

/* Declares the buffer and the header pointer, or leaves the function. */
#define LOAD_HDR(type, name, dptr, off)                                                            \
	type name##_buf;                                                                           \
	type *name = bpf_dynptr_slice(dptr, off, &name##_buf, sizeof(name##_buf));                 \
	if (!name)                                                                                 \
	return -DROP_TRUNCATED

#define LOAD_HDR_RW(type, name, dptr, off)                                                         \
	type name##_buf;                                                                           \
	type *name = bpf_dynptr_slice_rdwr(dptr, off, &name##_buf, sizeof(name##_buf));            \
	if (!name)                                                                                 \
	return -DROP_TRUNCATED

/* Puts a header that was loaded for writing back where it came from. */
#define STORE_HDR(name, dptr, off)                                                                 \
	do {                                                                                       \
		if (name == &name##_buf &&                                                         \
		    bpf_dynptr_write(dptr, off, &name##_buf, sizeof(name##_buf), 0))               \
			return -DROP_WRITE;                                                        \
	} while (0)

#define TRY(expr)                                                                                  \
	({                                                                                         \
		int __ret = (expr);                                                                \
		if (__ret < 0)                                                                     \
			return __ret;                                                              \
		__ret;                                                                             \
	})

#define emit(kind, why, len)                                                                       \
	do {                                                                                       \
		struct note __n = { .type = kind, .reason = why, .bytes = len };                   \
		bpf_ringbuf_output(&notes, &__n, sizeof(__n), 0);                                  \
	} while (0)

struct note {
	__u16 type;
	__u16 reason;
	__u32 bytes;
};

struct policy_key {
	__be32 addr;
	__be16 port;
	__u8 proto;
	__u8 egress;
};

struct tuple {
	__be32 saddr, daddr;
	__be16 sport, dport;
	__u8 proto;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} notes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct policy_key);
	__type(value, __u32);
} policy SEC(".maps");

static __always_inline int extract_tuple(struct bpf_dynptr *dptr, struct tuple *t, __u32 *l4_off)
{
	struct ports {
		__be16 source, dest;
	};

	LOAD_HDR(struct iphdr, ip4, dptr, ETH_HLEN);
	if (ip4->ihl < 5 || ipv4_is_fragment(ip4))
		return -DROP_UNSUPPORTED;
	t->saddr = ip4->saddr;
	t->daddr = ip4->daddr;
	t->proto = ip4->protocol;
	*l4_off = ETH_HLEN + (ip4->ihl << 2);
	if (t->proto != IPPROTO_TCP && t->proto != IPPROTO_UDP)
		return -DROP_UNSUPPORTED;

	LOAD_HDR(struct ports, l4, dptr, *l4_off);
	t->sport = l4->source;
	t->dport = l4->dest;
	return 0;
}

static __always_inline int remark(struct bpf_dynptr *dptr, __u8 tos)
{
	__u16 old, new;

	LOAD_HDR_RW(struct iphdr, ip4, dptr, ETH_HLEN);
	old = *(__u16 *)ip4;
	ip4->tos = tos;
	new = *(__u16 *)ip4;
	ip4->check = csum_replace2(ip4->check, old, new);
	STORE_HDR(ip4, dptr, ETH_HLEN);
	return 0;
}

static __always_inline int forward_ttl(struct bpf_dynptr *dptr)
{
	LOAD_HDR_RW(struct iphdr, ip4, dptr, ETH_HLEN);
	if (ip4->ttl <= 1)
		return -DROP_UNSUPPORTED;
	ipv4_dec_ttl(ip4);
	STORE_HDR(ip4, dptr, ETH_HLEN);
	return 0;
}

static __always_inline int policy_verdict(const struct tuple *t, bool egress)
{
	struct policy_key key = {
		.addr = egress ? t->daddr : t->saddr,
		.port = t->dport,
		.proto = t->proto,
		.egress = egress,
	};
	__u32 *v;

	v = bpf_map_lookup_elem(&policy, &key);
	if (!v) {
		key.port = 0;
		v = bpf_map_lookup_elem(&policy, &key);
	}
	return v ? *v : POLICY_DENY;
}

static __always_inline int handle(struct __sk_buff *ctx, bool egress)
{
	struct bpf_dynptr dptr;
	struct tuple t = {};
	__u32 l4_off = 0;

	if (bpf_dynptr_from_skb(ctx, 0, &dptr))
		return -DROP_UNSUPPORTED;
	TRY(extract_tuple(&dptr, &t, &l4_off));

	switch (policy_verdict(&t, egress)) {
	case POLICY_ALLOW:
		break;
	case POLICY_REMARK:
		TRY(remark(&dptr, 0x20));
		emit(EVENT_REMARK, 0, ctx->len);
		break;
	case POLICY_DENY:
	default:
		return -DROP_POLICY;
	}
	return egress ? 0 : TRY(forward_ttl(&dptr));
}

__section_entry("tc")
int policy_ingress(struct __sk_buff *ctx)
{
	int ret;

	if (ctx->protocol != bpf_htons(ETH_P_IP))
		return CTX_ACT_OK;
	ret = handle(ctx, false);
	if (ret < 0) {
		emit(EVENT_DROP, -ret, ctx->len);
		return CTX_ACT_DROP;
	}
	return CTX_ACT_OK;
}

__section_entry("tc")
int policy_egress(struct __sk_buff *ctx)
{
	int ret;

	if (ctx->protocol != bpf_htons(ETH_P_IP))
		return CTX_ACT_OK;
	ret = handle(ctx, true);
	if (ret < 0) {
		emit(EVENT_DROP, -ret, ctx->len);
		return CTX_ACT_DROP;
	}
	return CTX_ACT_OK;
}

char __license[] SEC("license") = "GPL";
