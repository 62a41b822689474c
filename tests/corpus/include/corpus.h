/* What every program of the corpus includes: sections, maps, the verdict an author expects, kernel declarations. */
#pragma once

#include "types.h"
#include "contexts.h"
#include "kernel.h"
#include "helpers.h"
#include "kfuncs.h"
#include "constants.h"

#define SEC(name) __attribute__((section(name), used))
#define __noinline __attribute__((noinline))
#define __always_inline inline __attribute__((always_inline))
#define __hidden __attribute__((visibility("hidden")))

/* What the author expects of Linux 6.18; compared with the recording. The text is part of one line of the message. */
#define __accept __attribute__((btf_decl_tag("expect:accept")))
#define __reject(text) __attribute__((btf_decl_tag("expect:reject:" text)))
#define __not_checkable __attribute__((btf_decl_tag("expect:not-checkable")))

/* Maps: members of a struct in section ".maps" whose types carry the numbers. */
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name
#define __ulong_of(name, value, number) enum { __long_value_##number = value } name
#define __ulong_at(name, value, number) __ulong_of(name, value, number)
#define __ulong(name, value) __ulong_at(name, value, __COUNTER__)
#define __array(name, value) typeof(value) *name[]
#define MAP(kind, name, key_type, value_type, entries) \
	struct { \
		__uint(type, BPF_MAP_TYPE_##kind); \
		__uint(max_entries, entries); \
		__type(key, key_type); \
		__type(value, value_type); \
	} name SEC(".maps")
#define RINGBUF(name, bytes) \
	struct { \
		__uint(type, BPF_MAP_TYPE_RINGBUF); \
		__uint(max_entries, bytes); \
	} name SEC(".maps")

/* Qualifiers of values that maps own, and tags of arguments of global functions. */
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define __contains(record, member) __attribute__((btf_decl_tag("contains:" #record ":" #member)))
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#define __arg_untrusted __attribute__((btf_decl_tag("arg:untrusted")))
#define __arg_arena __attribute__((btf_decl_tag("arg:arena")))

/* Assembler programs. The operands are named like the C objects: `call %[bpf_ktime_get_ns]`, `r1 = %[hash] ll`. */
#define __naked __attribute__((naked, noinline))
#define __imm(name) [name] "i"(name)
#define __imm_addr(name) [name] "i"(&name)
#define __imm_const(name, value) [name] "i"(value)
#define __clobbers "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "memory"

/* Keep the compiler from knowing a value, or from keeping one in a register. */
#define opaque(x) asm volatile("" : "+r"(x))
#define barrier() asm volatile("" ::: "memory")
/* A load or store that is made just so: not merged with its neighbours, not left out. */
#define read_once(lvalue) (*(const volatile typeof(lvalue) *)&(lvalue))
#define write_once(lvalue, value) (*(volatile typeof(lvalue) *)&(lvalue) = (value))

#define offsetof(type, member) __builtin_offsetof(type, member)
#define container_of(pointer, type, member) ((type *)((void *)(pointer) - offsetof(type, member)))
#define memcpy(to, from, size) __builtin_memcpy(to, from, size)
#define memset(to, byte, size) __builtin_memset(to, byte, size)

#define GPL char _license[] SEC("license") = "GPL"
