/* A kernel made up for the tests: what its types are called, and how they differ from those in core.bpf.c. */
#include "common.h"

struct moved {
	u64 new_first;
	u32 a;
	u64 b;
	u16 c[8];
	u32 last;
};

struct resized {
	u64 grown;
	u16 shrunk;
	s32 signed_grown;
	void *pointer;
};

struct bits {
	u32 skipped;
	u32 low : 3;
	u32 middle : 11;
	s32 negative : 5;
	u64 wide : 33;
};

struct nested {
	u64 before;
	union {
		struct {
			u32 pad;
			struct {
				u32 deep;
				u8 flexible[];
			};
		};
		u64 other;
	};
};

struct inner {
	u8 pad[3];
	u8 value;
};

struct outer {
	u64 before;
	struct inner inner[4];
	struct inner *pointer;
};

struct flavoured {
	u32 pad[4];
	u32 renamed;
};

struct other_kind {
	struct inner value;
};

union choice {
	u32 number;
	u64 long_number;
};

enum colour { RED = 3, GREEN = 4, BLUE = 1000 };
enum huge { HUGE_ONE = 0x123456789aULL, HUGE_TWO = 1 };

typedef struct inner inner_t;
typedef u32 (*callback_t)(struct outer *, u64);

/* Twice, as deduplication leaves it. */
struct twice {
	u64 pad;
	u32 value;
};

struct op_state {
	u32 value;
};

struct made_up_ops {
	u32 (*first)(struct op_state *state);
	u32 flags;
	u32 (*second)(struct op_state *state, u32 value);
	char name[16];
	void *owner;
};

struct common_value {
	u32 state;
};

struct bpf_struct_ops_made_up_ops {
	struct common_value common;
	struct made_up_ops data __attribute__((aligned(64)));
};

typedef void (*btf_trace_made_up)(void *data, struct outer *outer);

u64 runqueues_like;
struct outer some_variable;

int bpf_lsm_made_up(struct outer *outer) { return outer->before; }
int bpf_iter_made_up(struct outer *outer) { return outer->before; }
int attach_here(struct outer *outer, int number) { return outer->before + number; }
int kfunc_plain(struct outer *outer, u32 number) { return outer->before + number; }
int kfunc_other(struct inner *inner) { return inner->value; }
int kfunc_changed(struct inner *inner, u32 more) { return inner->value + more; }

#define KEEP(ty, name) ty *keep_##name
KEEP(struct moved, moved);
KEEP(struct resized, resized);
KEEP(struct bits, bits);
KEEP(struct nested, nested);
KEEP(struct flavoured, flavoured);
KEEP(struct other_kind, other_kind);
KEEP(union choice, choice);
KEEP(enum colour, colour);
KEEP(enum huge, huge);
KEEP(inner_t, inner_t);
KEEP(callback_t, callback_t);
KEEP(struct twice, twice);
KEEP(struct bpf_struct_ops_made_up_ops, ops);
KEEP(btf_trace_made_up, trace);
