// One hash routine for whatever a dynptr stands for: a packet, a map value, a ring buffer
// record. Shows it as static and as global function, with bpf_for and with bpf_loop.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include "../include/kfuncs.h"

#define CHUNK 16
#define MAX_CHUNKS 256
#define FNV_OFFSET 0xcbf29ce484222325ULL
#define FNV_PRIME 0x100000001b3ULL
#define JHASH_INITVAL 0xdeadbeef

struct blob {
	__u8 bytes[4096];
};

struct digest {
	__u64 fnv;
	__u32 jhash;
	__u32 size;
};

struct loop_ctx {
	const struct bpf_dynptr *mem;
	__u64 hash;
	__u32 size;
	int err;
};

struct owned_ctx {
	struct bpf_dynptr mem;
	__u32 sum;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct blob);
} blobs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct digest);
} seen SEC(".maps");

static __always_inline __u64 fnv_step(__u64 h, __u8 byte)
{
	return (h ^ byte) * FNV_PRIME;
}

static __always_inline __u64 fnv_chunk(__u64 h, const __u8 *p)
{
	int i;

	for (i = 0; i < CHUNK; i++)
		h = fnv_step(h, p[i]);
	return h;
}

static __always_inline __u32 rol32(__u32 word, unsigned int shift)
{
	return (word << shift) | (word >> (32 - shift));
}

#define jhash_mix(a, b, c)                                                                         \
	({                                                                                         \
		a -= c; a ^= rol32(c, 4); c += b;                                                  \
		b -= a; b ^= rol32(a, 6); a += c;                                                  \
		c -= b; c ^= rol32(b, 8); b += a;                                                  \
		a -= c; a ^= rol32(c, 16); c += b;                                                 \
		b -= a; b ^= rol32(a, 19); a += c;                                                 \
		c -= b; c ^= rol32(b, 4); b += a;                                                  \
	})

static __always_inline __u64 fnv_tail(const struct bpf_dynptr *mem, __u32 off, __u32 size, __u64 h)
{
	__u8 rest[CHUNK] = {};
	__u32 n = size - off;
	int i;

	if (n == 0 || n >= CHUNK)
		return h;
	if (bpf_dynptr_read(rest, n, mem, off, 0))
		return 0;
	for (i = 0; i < CHUNK; i++) {
		if (i >= n)
			break;
		h = fnv_step(h, rest[i]);
	}
	return h;
}

static __noinline __u64 fnv_dynptr(const struct bpf_dynptr *mem)
{
	__u32 size = bpf_dynptr_size(mem);
	__u64 h = FNV_OFFSET;
	__u32 off = 0;
	int i;

	bpf_for(i, 0, MAX_CHUNKS) {
		__u8 buf[CHUNK], *p;

		if (off + CHUNK > size)
			break;
		p = bpf_dynptr_slice(mem, off, buf, sizeof(buf));
		if (!p)
			return 0;
		h = fnv_chunk(h, p);
		off += CHUNK;
	}
	return fnv_tail(mem, off, size, h);
}

// Global function: verified on its own, the caller may pass any initialised dynptr.
__noinline int jhash_dynptr(const struct bpf_dynptr *mem)
{
	__u32 a, b, c, words[3], size, off;
	__u32 *w;
	int i;

	size = bpf_dynptr_size(mem);
	a = b = c = JHASH_INITVAL + size;
	off = 0;
	bpf_repeat(MAX_CHUNKS) {
		if (size - off < sizeof(words))
			break;
		w = bpf_dynptr_slice(mem, off, words, sizeof(words));
		if (!w)
			return -1;
		a += w[0];
		b += w[1];
		c += w[2];
		jhash_mix(a, b, c);
		off += sizeof(words);
	}
	for (i = 0; i < 3; i++)
		words[i] = 0;
	if (off < size && size - off < sizeof(words)) {
		if (bpf_dynptr_read(words, size - off, mem, off, 0) < 0)
			return -1;
	}
	a += words[0];
	b += words[1];
	c += words[2];
	jhash_mix(a, b, c);
	return c & 0x7fffffff;
}

static int fnv_one_chunk(__u32 index, void *data)
{
	struct loop_ctx *ctx = data;
	__u32 off = index * CHUNK;
	__u8 buf[CHUNK], *p;

	if (off + CHUNK > ctx->size)
		return 1;
	p = bpf_dynptr_slice(ctx->mem, off, buf, sizeof(buf));
	if (!p) {
		ctx->err = -1;
		return 1;
	}
	ctx->hash = fnv_chunk(ctx->hash, p);
	return 0;
}

static __always_inline __u64 fnv_dynptr_loop(const struct bpf_dynptr *mem)
{
	struct loop_ctx ctx = {
		.mem = mem,
		.hash = FNV_OFFSET,
		.size = bpf_dynptr_size(mem),
	};

	bpf_loop(MAX_CHUNKS, fnv_one_chunk, &ctx, 0);
	if (ctx.err)
		return 0;
	return fnv_tail(mem, ctx.size & ~(CHUNK - 1), ctx.size, ctx.hash);
}

static long add_chunk(__u64 index, struct owned_ctx *ctx)
{
	__u16 half[CHUNK / 2], *p;
	int i;

	p = bpf_dynptr_slice(&ctx->mem, index * sizeof(half), half, sizeof(half));
	if (!p)
		return 1;
	for (i = 0; i < CHUNK / 2; i++)
		ctx->sum += p[i];
	return 0;
}

static __always_inline void remember(__u64 fnv, int jhash, __u32 size)
{
	struct digest d = { .fnv = fnv, .jhash = jhash, .size = size };

	if (jhash >= 0)
		bpf_map_update_elem(&seen, &fnv, &d, BPF_ANY);
}

SEC("tc")
int hash_packet(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	remember(fnv_dynptr(&pkt), jhash_dynptr(&pkt), skb->len);
	return 0;
}

SEC("xdp.frags")
int hash_frame(struct xdp_md *xdp)
{
	struct bpf_dynptr frame;

	bpf_dynptr_from_xdp(xdp, 0, &frame);
	remember(fnv_dynptr_loop(&frame), jhash_dynptr(&frame), bpf_dynptr_size(&frame));
	return XDP_PASS;
}

SEC("syscall")
int hash_blob(void *args)
{
	struct owned_ctx owned = {};
	struct bpf_dynptr mem;
	struct blob *blob;
	__u32 key = 0;

	blob = bpf_map_lookup_elem(&blobs, &key);
	if (!blob)
		return -1;
	if (bpf_dynptr_from_mem(blob, sizeof(*blob), 0, &mem))
		return -1;
	remember(fnv_dynptr(&mem), jhash_dynptr(&mem), sizeof(*blob));

	bpf_dynptr_from_mem(blob->bytes, 1024, 0, &owned.mem);
	bpf_loop(1024 / CHUNK, add_chunk, &owned, 0);
	return owned.sum & 0xffff;
}

char LICENSE[] SEC("license") = "GPL";
