/* Calls of kernel functions as numbers of types, which loaders fill in: numbers that stand for something else. */
#include "corpus.h"

GPL;

/* An instruction by its fields, where the assembler has no words. */
#define RAW(opcode, dst, src, off, imm)	\
	((u64)(u32)(imm) << 32 | (u64)(u16)(off) << 16 | (src) << 12 | (dst) << 8 | (opcode))
#define CALLS(verdict, name, off, imm)						\
	SEC("tc") verdict							\
	__naked int name(void)							\
	{									\
		asm volatile(".8byte %[insn]; r0 = 0; exit;" :: __imm_const(insn, RAW(0x85, 0, 2, off, imm)) : __clobbers);	\
	}
#define LOADS(verdict, name, second, imm)					\
	SEC("tc") verdict							\
	__naked int name(void)							\
	{									\
		asm volatile(".8byte %[insn]; .8byte %[high]; r0 = 0; exit;"	\
			:: __imm_const(insn, RAW(0x18, 1, 3, 0, imm)), __imm_const(high, RAW(0, 0, 0, 0, second)) : __clobbers);	\
	}
extern u64 current_time(void *inode) __ksym __weak;
extern void bpf_trace_run12(void *link, u64 a, u64 b, u64 c, u64 d) __ksym __weak;
extern void msleep(unsigned int msecs) __ksym __weak;

CALLS(__reject("invalid kernel function call not eliminated in verifier pass"), number_zero, 0, 0)
CALLS(__reject("negative offset disallowed for kernel module function call"), negative_module, -1, 5)
CALLS(__reject("kfunc offset > 0 without fd_array is invalid"), module_that_was_not_given, 1, 5)
CALLS(__reject("kernel btf_id 1 is not a function"), number_of_an_integer, 0, 1)
CALLS(__reject("kernel btf_id 99999999 is not a function"), number_of_nothing, 0, 99999999)
CALLS(__reject("kernel btf_id 4294967295 is not a function"), negative_number, 0, -1)
LOADS(__reject("ldimm64 insn specifies invalid btf_id"), variable_that_is_not_there, 0, 99999999)
LOADS(__reject("pseudo btf_id 1 in ldimm64 isn't KIND_VAR or KIND_FUNC"), variable_that_is_an_integer, 0, 1)
LOADS(__reject("pseudo btf_id 0 in ldimm64 isn't KIND_VAR or KIND_FUNC"), variable_zero, 0, 0)
LOADS(__reject("invalid module BTF object FD specified."), variable_of_another_object, 77, 1)

/* fdget returns a structure, HUF_compress_internal and bpf_trace_run12 have more arguments than are taken, and
 * ZSTD_adjustCParams gets a structure. */
CALLS(__reject("The function current_time return type"), function_that_returns_a_structure, 0, 73252)
CALLS(__reject("The function fdget return type"), function_that_returns_a_word_of_a_structure, 0, 79562)
CALLS(__reject("The function bpf_trace_run12 has 13 arguments. Too many."), function_with_thirteen_arguments, 0, 66029)
CALLS(__reject("calling kernel function HUF_compress_internal is not allowed"), function_with_twelve_arguments, 0, 45190)
CALLS(__reject("with variable args is unsupported"), function_with_any_number_of_arguments, 0, 109714)
CALLS(__reject("is not allowed"), function_of_the_kernel_alone, 0, 95381)

SEC("tc") __reject("too many different kernel function calls")
__naked int calls_of_257_functions(void)
{
	asm volatile("					\
	r0 = 0;						\
	exit;						\
	.set number, 49578;				\
	.rept 257;					\
	.8byte 0x2085 | number << 32;			\
	.set number, number + 1;			\
	.endr;						\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __reject("unreachable insn")
__naked int calls_of_256_functions(void)
{
	asm volatile("					\
	r0 = 0;						\
	exit;						\
	.set number, 49578;				\
	.rept 256;					\
	.8byte 0x2085 | number << 32;			\
	.set number, number + 1;			\
	.endr;						\
	exit;						\
"	::: __clobbers);
}

SEC("tc") __accept
__naked int number_zero_behind_a_condition_that_never_holds(void)
{
	asm volatile("					\
	r0 = 0;						\
	if r0 == 0 goto 1f;				\
	.8byte %[insn];					\
1:	exit;						\
"	:: __imm_const(insn, RAW(0x85, 0, 2, 0, 0)) : __clobbers);
}

SEC("tc") __accept
__naked int forbidden_function_behind_a_condition_that_never_holds(void)
{
	asm volatile("					\
	r0 = 0;						\
	if r0 == 0 goto 1f;				\
	.8byte %[insn];					\
1:	exit;						\
"	:: __imm_const(insn, RAW(0x85, 0, 2, 0, 95381)) : __clobbers);
}

SEC("tc") __reject("BPF_CALL uses reserved fields")
__naked int call_with_a_register_field(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x85, 1, 2, 0, 95381)) : __clobbers);
}

SEC("tc") __reject("BPF_CALL uses reserved fields")
__naked int call_of_another_kind(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x85, 0, 3, 0, 1)) : __clobbers);
}

SEC("tc") __reject("unexpected __bpf_trap() due to uninitialized variable?")
int calls_the_trap(struct __sk_buff *skb)
{
	extern void __bpf_trap(void) __ksym __weak;

	if (skb->mark)
		__bpf_trap();
	return 0;
}
