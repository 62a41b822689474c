/* CO-RE relocations of every kind, against the types in kernel.c. */
#include "common.h"

enum { FIELD_OFFSET = 0, FIELD_SIZE = 1, FIELD_EXISTS = 2, FIELD_SIGNED = 3, FIELD_LSHIFT = 4, FIELD_RSHIFT = 5 };
enum { TYPE_LOCAL = 0, TYPE_KERNEL = 1 };
enum { TYPE_EXISTS = 0, TYPE_SIZE = 1, TYPE_MATCHES = 2 };
enum { VALUE_EXISTS = 0, VALUE = 1 };

#define field(ptr, member, what) __builtin_preserve_field_info((ptr)->member, what)
#define type_info(type, what) __builtin_preserve_type_info(*(typeof(type) *)0, what)
#define type_id(type, what) __builtin_btf_type_id(*(typeof(type) *)0, what)
#define enumerator(type, value, what) __builtin_preserve_enum_value(*(typeof(type) *)value, what)

struct moved {
	u32 a;
	u64 b;
	u16 c[4];
} __core;

struct moved___flavour {
	u32 last;
	u32 nowhere;
} __core;

struct resized {
	u32 grown;
	u32 shrunk;
	s16 signed_grown;
	void *pointer;
} __core;

struct bits {
	u32 low : 3;
	u32 middle : 11;
	s32 negative : 5;
	u64 wide : 33;
} __core;

struct nested {
	u32 deep;
	u64 other;
	u8 flexible[1];
} __core;

struct inner {
	u8 value;
} __core;

struct outer {
	struct inner inner[4];
	struct inner *pointer;
} __core;

struct flavoured___old {
	u32 original;
} __core;

struct flavoured___new {
	u32 renamed;
} __core;

struct other_kind {
	u32 value;
} __core;

struct absent {
	u32 value;
} __core;

union choice {
	u64 long_number;
} __core;

enum colour { RED = 0, BLUE = 2, PURPLE = 7 };
enum colour___other { GREEN___x = 1 };
enum huge { HUGE_ONE = 0x1111111111ULL, HUGE_GONE = 0x2222222222ULL };

typedef struct inner inner_t;
typedef u32 (*callback_t)(struct outer *, u64);
typedef u32 (*absent_t)(struct outer *);

u64 out[64];
u32 where;

SEC("raw_tp/offsets")
int offsets(u64 *ctx)
{
	struct moved *m = (void *)ctx[0];
	struct moved___flavour *f = (void *)ctx[0];
	struct nested *n = (void *)ctx[1];
	struct outer *o = (void *)ctx[2];
	union choice *c = (void *)ctx[3];

	out[0] = field(m, a, FIELD_OFFSET);
	out[1] = field(m, b, FIELD_OFFSET);
	out[2] = field(m, c[3], FIELD_OFFSET);
	out[3] = field(f, last, FIELD_OFFSET);
	out[4] = field(n, deep, FIELD_OFFSET);
	out[5] = field(n, flexible[0], FIELD_OFFSET);
	out[6] = field(o, inner[2].value, FIELD_OFFSET);
	out[7] = field(c, long_number, FIELD_OFFSET);
	out[8] = field(o, pointer, FIELD_OFFSET);
	out[9] = field(n, other, FIELD_OFFSET);
	return 0;
}

SEC("raw_tp/sizes")
int sizes(u64 *ctx)
{
	struct moved *m = (void *)ctx[0];
	struct resized *r = (void *)ctx[1];
	struct outer *o = (void *)ctx[2];

	out[0] = field(m, a, FIELD_SIZE);
	out[1] = field(m, c, FIELD_SIZE);
	out[2] = field(r, grown, FIELD_SIZE);
	out[3] = field(r, signed_grown, FIELD_SIGNED);
	out[4] = field(r, grown, FIELD_SIGNED);
	out[5] = field(r, grown, FIELD_LSHIFT);
	out[6] = field(r, grown, FIELD_RSHIFT);
	out[7] = field(o, inner, FIELD_SIZE);
	out[8] = field(o, inner[1], FIELD_SIZE);
	return 0;
}

SEC("raw_tp/existence")
int existence(u64 *ctx)
{
	struct moved *m = (void *)ctx[0];
	struct moved___flavour *f = (void *)ctx[0];
	struct flavoured___old *old = (void *)ctx[1];
	struct flavoured___new *new = (void *)ctx[1];
	struct absent *a = (void *)ctx[2];
	struct other_kind *k = (void *)ctx[2];

	out[0] = field(m, a, FIELD_EXISTS);
	out[1] = field(f, nowhere, FIELD_EXISTS);
	out[2] = field(old, original, FIELD_EXISTS);
	out[3] = field(new, renamed, FIELD_EXISTS);
	out[4] = field(a, value, FIELD_EXISTS);
	out[5] = field(k, value, FIELD_EXISTS);
	return 0;
}

SEC("raw_tp/bitfields")
int bitfields(u64 *ctx)
{
	struct bits *b = (void *)ctx[0];

	out[0] = field(b, low, FIELD_OFFSET);
	out[1] = field(b, low, FIELD_SIZE);
	out[2] = field(b, low, FIELD_LSHIFT);
	out[3] = field(b, low, FIELD_RSHIFT);
	out[4] = field(b, middle, FIELD_LSHIFT);
	out[5] = field(b, negative, FIELD_SIGNED);
	out[6] = field(b, negative, FIELD_LSHIFT);
	out[7] = field(b, wide, FIELD_OFFSET);
	out[8] = field(b, wide, FIELD_SIZE);
	out[9] = field(b, wide, FIELD_LSHIFT);
	out[10] = field(b, wide, FIELD_RSHIFT);
	return 0;
}

SEC("raw_tp/types")
int types(u64 *ctx)
{
	out[0] = type_info(struct moved, TYPE_EXISTS);
	out[1] = type_info(struct moved, TYPE_SIZE);
	out[2] = type_info(struct absent, TYPE_EXISTS);
	out[3] = type_info(struct absent, TYPE_SIZE);
	out[4] = type_info(union choice, TYPE_SIZE);
	out[5] = type_info(inner_t, TYPE_EXISTS);
	out[6] = type_info(callback_t, TYPE_EXISTS);
	out[7] = type_info(absent_t, TYPE_EXISTS);
	out[8] = type_info(enum colour, TYPE_SIZE);
	out[9] = type_id(struct moved, TYPE_LOCAL);
	out[10] = type_id(struct moved, TYPE_KERNEL);
	out[11] = type_id(struct absent, TYPE_KERNEL);
	out[12] = type_info(enum huge, TYPE_EXISTS);
#if __clang_major__ >= 15
	out[13] = type_info(struct inner, TYPE_MATCHES);
	out[14] = type_info(struct moved, TYPE_MATCHES);
	out[15] = type_info(struct resized, TYPE_MATCHES);
	out[16] = type_info(callback_t, TYPE_MATCHES);
	out[17] = type_info(struct outer, TYPE_MATCHES);
	out[18] = type_info(enum colour, TYPE_MATCHES);
	out[19] = type_info(union choice, TYPE_MATCHES);
#endif
	return 0;
}

SEC("raw_tp/enumerators")
int enumerators(u64 *ctx)
{
	out[0] = enumerator(enum colour, RED, VALUE);
	out[1] = enumerator(enum colour, BLUE, VALUE);
	out[2] = enumerator(enum colour, BLUE, VALUE_EXISTS);
	out[3] = enumerator(enum colour, PURPLE, VALUE_EXISTS);
	out[4] = enumerator(enum colour___other, GREEN___x, VALUE);
#if __clang_major__ >= 15
	out[5] = enumerator(enum huge, HUGE_ONE, VALUE);
	out[6] = enumerator(enum huge, HUGE_GONE, VALUE_EXISTS);
#endif
	return 0;
}

/* Loads and stores whose offsets and sizes change. */
SEC("tp_btf/made_up")
int accesses(u64 *ctx)
{
	struct moved *m = (void *)ctx[1];
	struct resized *r = (void *)ctx[1];
	struct outer *o = (void *)ctx[1];
	struct nested *n = (void *)ctx[1];

	out[0] = m->a;
	out[1] = m->b;
	out[2] = m->c[where & 3];
	out[3] = r->grown;
	out[4] = r->shrunk;
	out[5] = (u64)r->pointer;
	out[6] = o->inner[3].value;
	out[7] = o->pointer->value;
	out[8] = n->deep;
	return 0;
}

/* What cannot be relocated becomes a call that no kernel has. */
SEC("tp_btf/made_up")
int poisoned(u64 *ctx)
{
	struct moved___flavour *f = (void *)ctx[1];
	struct resized *r = (void *)ctx[1];
	struct absent *a = (void *)ctx[1];

	out[0] = f->nowhere;
	out[1] = r->signed_grown;
	out[2] = a->value;
	out[3] = enumerator(enum colour, PURPLE, VALUE);
	return 0;
}
