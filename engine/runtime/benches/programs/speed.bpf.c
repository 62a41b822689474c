// The programs that the speed of the interpreter is measured with. Each is there twice with the same body: for XDP, and for
// runtimes that pass a structure with the two ends of a buffer.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#define LEN 1500

struct xdp_md {
	u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

struct buffer {
	u64 data, data_end;
};

#define BOTH(name, least)                                              \
	SEC("xdp") int name(struct xdp_md *xdp)                        \
	{                                                              \
		u8 *data = (void *)(long)xdp->data;                    \
		u8 *end = (void *)(long)xdp->data_end;                 \
                                                                       \
		if (data + (least) > end)                              \
			return 0;                                      \
		return body_##name(data, end);                         \
	}                                                              \
	SEC("raw/" #name) u64 raw_##name(struct buffer *buffer)        \
	{                                                              \
		u8 *data = (void *)buffer->data;                       \
		u8 *end = (void *)buffer->data_end;                    \
                                                                       \
		if (data + (least) > end)                              \
			return 0;                                      \
		return body_##name(data, end);                         \
	}

INLINE u32 body_fnv(u8 *data, u8 *end)
{
	u64 hash = 0xcbf29ce484222325;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < LEN; i++) {
		if (data + i + 1 > end)
			break;
		hash = (hash ^ data[i]) * 0x100000001b3;
	}
	return hash ^ hash >> 32;
}
BOTH(fnv, LEN)

#define ROL(word, by) ((word) << (by) | (word) >> (32 - (by)))

INLINE u32 word_at(u8 *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (u32)at[3] << 24;
}

INLINE u32 body_jhash(u8 *data, u8 *end)
{
	u32 a = 0xdeadbeef + LEN, b = a, c = a;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < LEN; i += 12) {
		u8 *at = data + i;

		if (at + 12 > end)
			break;
		a += *(u32 *)at;
		b += *(u32 *)(at + 4);
		c += *(u32 *)(at + 8);
		a -= c, a ^= ROL(c, 4), c += b;
		b -= a, b ^= ROL(a, 6), a += c;
		c -= b, c ^= ROL(b, 8), b += a;
		a -= c, a ^= ROL(c, 16), c += b;
		b -= a, b ^= ROL(a, 19), a += c;
		c -= b, c ^= ROL(b, 4), b += a;
	}
	return c;
}
BOTH(jhash, LEN)

INLINE u16 half_at(u8 *at)
{
	return at[0] << 8 | at[1];
}

// Ethernet, tags, IPv6 with extension headers, TCP with options: ports, addresses and the timestamp, mixed.
INLINE u32 body_parse(u8 *data, u8 *end)
{
	u8 *at = data + 14, *stop;
	u16 type = half_at(data + 12);
	u32 mix = 0;
	u8 next;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 2 && type == 0x8100; i++) {
		if (at + 4 > end)
			return 1;
		mix = mix * 31 + (half_at(at) & 0xfff);
		type = half_at(at + 2);
		at += 4;
	}
	if (type != 0x86dd || at + 40 > end)
		return 2;
#pragma clang loop unroll(disable)
	for (int i = 8; i < 40; i += 4)
		mix = mix * 31 + word_at(at + i);
	next = at[6];
	at += 40;
#pragma clang loop unroll(disable)
	for (int i = 0; i < 4 && (next == 0 || next == 43 || next == 60); i++) {
		if (at + 8 > end)
			return 3;
		next = at[0];
		at += (at[1] + 1) * 8;
	}
	if (next != 6 || at + 20 > end)
		return 4;
	mix = mix * 31 + half_at(at);
	mix = mix * 31 + half_at(at + 2);
	stop = at + (at[12] >> 4) * 4;
	at += 20;
	if (stop > end)
		return 5;
#pragma clang loop unroll(disable)
	for (int i = 0; i < 20; i++) {
		if (at + 2 > end || at >= stop || at[0] == 0)
			break;
		if (at[0] == 1) {
			at++;
			continue;
		}
		mix = mix * 31 + at[0];
		if (at[1] < 2)
			return 6;
		if (at[0] == 8 && at + 10 <= end)
			mix = mix * 31 + word_at(at + 2);
		at += at[1];
	}
	return mix;
}
BOTH(parse, 64)

SEC("license") char licence[] = "GPL";
