#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

#ifndef __weak
#define __weak __attribute__((weak))
#endif

#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

#if __has_attribute(btf_type_tag)
#define __vmlinux_tag(tag) __attribute__((btf_type_tag(tag)))
#else
#define __vmlinux_tag(tag)
#endif

#if __STDC_VERSION__ < 202311L
typedef _Bool bool;
#endif

struct list {
	struct list *next;
	struct list *prev;
};

typedef unsigned short __Poly8_t;

struct inner {
	__Poly8_t a;
	int b;
};

struct outer {
	struct list list;
	struct inner inner;
};

struct second;

struct first {
	int (*call)(struct second *it, ...);
};

struct second {
	struct first first;
};

struct bits {
	int a: 3;
	int b: 29;
	long: 8;
	unsigned char c: 2;
	long unsigned int d;
};

struct crossing {
	int a: 20;
	int b: 28;
} __attribute__((packed));

struct packed {
	unsigned char a;
	int b;
} __attribute__((packed));

struct aligned {
	int a;
	long: 32;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	int b;
	long: 32;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
};

struct page {
	int a;
	unsigned char __pad_4[4092];
};

struct empty {};

struct overlapping {
	unsigned char __opaque[4];
};

union large {
	int a;
} __attribute__((aligned(64)));

union odd {
	int a;
	unsigned char b[5];
} __attribute__((packed));

struct nested {
	struct {
		union {
			int u;
			short int s;
		};
		int x;
	};
	union {
		int u;
		short int s;
	} named;
	short int table[2][3];
	short int (*to_table)[2][3];
	int rest[0];
};

struct qualified {
	const int *volatile a;
	struct list __vmlinux_tag("user") *restrict b;
	int *_while;
};

typedef int (*call_t)(struct second *it, ...);

typedef int (*(*returns_call_t)(void))(struct second *it, ...);

typedef struct {
	int counter;
} atomic_t;

typedef struct list *__builtin_va_list___2;

struct list___2 {
	int other;
};

union list___3 {
	int u;
};

union hidden;

typedef union hidden *hidden_t;

enum colour {
	RED = -1,
	GREEN = 7,
};

enum _unsigned {
	MOST = 4294967295,
};

enum wide {
	HUGE = 18446744069414584321ULL,
	RED___2 = 1,
};

enum lowest {
	LEAST = (-9223372036854775807LL - 1),
	LOW = -5000000000LL,
};

enum narrow {
	SMALL = 1,
} __attribute__((mode(DI)));

enum tiny {
	TINY = 1,
} __attribute__((mode(QI)));

enum {
	ALONE = 2,
};

struct enums {
	enum {
		USED = 3,
	} a;
	unsigned int b;
	unsigned int c;
};

#ifndef BPF_NO_KFUNC_PROTOTYPES
extern union hidden *kf_a(struct list *p, int) __weak __ksym __bpf_fastcall;
extern union hidden *kf_b(struct list *p, int) __weak __ksym;
#endif

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#undef __vmlinux_tag

#endif
