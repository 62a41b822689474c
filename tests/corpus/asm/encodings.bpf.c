/* Fields that mean nothing where they are, and opcodes that do not exist. */
#include "corpus.h"

GPL;

/* An instruction by its fields, where the assembler has no words. */
#define RAW(opcode, dst, src, off, imm)	\
	((u64)(u32)(imm) << 32 | (u64)(u16)(off) << 16 | (src) << 12 | (dst) << 8 | (opcode))

SEC("socket") __reject("unknown opcode ff")
__naked int unknown_opcode(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xff, 0, 0, 0, 0)) : __clobbers);
}

SEC("socket") __reject("Invalid insn code at line_info[0].insn_off")
__naked int empty_slot(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0, 0, 0, 0, 0)) : __clobbers);
}

SEC("socket") __reject("unknown opcode 8d")
__naked int call_of_a_register(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x8d, 1, 0, 0, 0)) : __clobbers);
}

SEC("socket") __reject("unknown opcode 0d")
__naked int jump_to_a_register(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x0d, 1, 0, 0, 0)) : __clobbers);
}

SEC("socket") __reject("unknown opcode f5")
__naked int jump_condition_that_does_not_exist(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xf5, 1, 0, 0, 0)) : __clobbers);
}

SEC("socket") __reject("BPF_LDX uses reserved fields")
__naked int load_in_a_mode_that_does_not_exist(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x41, 0, 1, 0, 0)) : __clobbers);
}

SEC("socket") __reject("unknown opcode 99")
__naked int load_of_eight_bytes_with_a_sign(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x99, 0, 10, -8, 0)) : __clobbers);
}

SEC("socket") __reject("BPF_LDX uses reserved fields")
__naked int load_with_an_immediate(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x61, 0, 1, 0, 1)) : __clobbers);
}

SEC("socket") __reject("BPF_ST uses reserved fields")
__naked int store_of_a_constant_with_a_register(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x7a, 10, 1, -8, 0)) : __clobbers);
}

SEC("socket") __reject("BPF_STX uses reserved fields")
__naked int store_of_a_register_with_an_immediate(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x7b, 10, 1, -8, 1)) : __clobbers);
}

SEC("socket") __reject("BPF_ALU uses reserved fields")
__naked int addition_of_a_register_with_an_immediate(void)
{
	asm volatile("					\
	r1 = 0;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x0f, 1, 10, 0, 1)) : __clobbers);
}

SEC("socket") __reject("BPF_ALU uses reserved fields")
__naked int addition_of_a_constant_with_a_register(void)
{
	asm volatile("					\
	r0 = 0;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x07, 0, 1, 0, 1)) : __clobbers);
}

SEC("socket") __reject("BPF_ALU uses reserved fields")
__naked int addition_with_an_offset(void)
{
	asm volatile("					\
	r0 = 0;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x07, 0, 0, 1, 1)) : __clobbers);
}

SEC("socket") __reject("BPF_ALU uses reserved fields")
__naked int division_with_an_offset_of_two(void)
{
	asm volatile("					\
	r0 = 7;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x37, 0, 0, 2, 3)) : __clobbers);
}

/* Signed division. */
SEC("socket") __accept
__naked int division_with_an_offset_of_one(void)
{
	asm volatile("					\
	r0 = 7;						\
	.8byte %[insn];					\
	exit;						\
"	:: __imm_const(insn, RAW(0x37, 0, 0, 1, -3)) : __clobbers);
}

SEC("socket") __reject("BPF_NEG uses reserved fields")
__naked int negation_with_an_immediate(void)
{
	asm volatile("					\
	r0 = 7;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x87, 0, 0, 0, 1)) : __clobbers);
}

SEC("socket") __reject("BPF_END uses reserved fields")
__naked int byte_swap_of_8_bits(void)
{
	asm volatile("					\
	r0 = 7;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xdc, 0, 0, 0, 8)) : __clobbers);
}

SEC("socket") __reject("BPF_END uses reserved fields")
__naked int byte_swap_with_a_register(void)
{
	asm volatile("					\
	r0 = 7;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xdc, 0, 1, 0, 16)) : __clobbers);
}

SEC("socket") __reject("BPF_MOV uses reserved fields")
__naked int move_of_a_constant_with_an_offset(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xb7, 0, 0, 8, 1)) : __clobbers);
}

SEC("socket") __reject("BPF_MOV uses reserved fields")
__naked int move_of_the_lower_half_with_sign_of_32_bits(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xbc, 0, 1, 32, 0)) : __clobbers);
}

SEC("socket") __reject("BPF_MOV uses reserved fields")
__naked int move_with_an_immediate(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xbf, 0, 1, 0, 5)) : __clobbers);
}

SEC("socket") __reject("addr_space_cast insn can only convert between address space 1 and 0")
__naked int cast_between_other_spaces(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xbf, 0, 1, 1, 2)) : __clobbers);
}

SEC("socket") __reject("addr_space_cast insn can only be used in a program that has an associated arena")
__naked int cast_without_an_arena(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xbf, 0, 1, 1, 1)) : __clobbers);
}

SEC("socket") __reject("BPF_JMP/JMP32 uses reserved fields")
__naked int comparison_of_a_constant_with_a_register(void)
{
	asm volatile("					\
	r0 = 0;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x15, 0, 1, 0, 0)) : __clobbers);
}

SEC("socket") __reject("BPF_JMP/JMP32 uses reserved fields")
__naked int comparison_of_a_register_with_an_immediate(void)
{
	asm volatile("					\
	r0 = 0;						\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x1d, 0, 0, 0, 1)) : __clobbers);
}

SEC("socket") __reject("BPF_JA uses reserved fields")
__naked int jump_with_an_immediate(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x05, 0, 0, 0, 1)) : __clobbers);
}

SEC("socket") __reject("BPF_JA uses reserved fields")
__naked int jump_with_a_register(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x05, 1, 0, 0, 0)) : __clobbers);
}

SEC("socket") __reject("BPF_CALL uses reserved fields")
__naked int call_with_a_destination(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0x85, 1, 0, 0, 5)) : __clobbers);
}

SEC("socket") __reject("BPF_EXIT uses reserved fields")
__naked int exit_with_an_immediate(void)
{
	asm volatile("					\
	r0 = 0;						\
	.8byte %[insn];					\
"	:: __imm_const(insn, RAW(0x95, 0, 0, 0, 1)) : __clobbers);
}

/* Nobody looks at the offset of an exit. */
SEC("socket") __accept
__naked int exit_with_an_offset(void)
{
	asm volatile("					\
	r0 = 0;						\
	.8byte %[insn];					\
"	:: __imm_const(insn, RAW(0x95, 0, 0, 1, 0)) : __clobbers);
}

SEC("socket") __reject("invalid may_goto imm 5")
__naked int may_goto_with_an_immediate(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xe5, 0, 0, 0, 5)) : __clobbers);
}

SEC("socket") __reject("R11 is invalid")
__naked int register_eleven_as_source(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xbf, 0, 11, 0, 0)) : __clobbers);
}

SEC("socket") __reject("R15 is invalid")
__naked int register_fifteen_as_destination(void)
{
	asm volatile("					\
	.8byte %[insn];					\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(insn, RAW(0xb7, 15, 0, 0, 0)) : __clobbers);
}

SEC("socket") __reject("BPF_LD_IMM64 uses reserved fields")
__naked int constant_with_an_offset(void)
{
	asm volatile("					\
	.8byte %[first];				\
	.8byte %[second];				\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(first, RAW(0x18, 1, 0, 1, 5)), __imm_const(second, RAW(0, 0, 0, 0, 0)) : __clobbers);
}

SEC("socket") __reject("invalid bpf_ld_imm64 insn")
__naked int constant_with_an_opcode_in_the_second_slot(void)
{
	asm volatile("					\
	.8byte %[first];				\
	.8byte %[second];				\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(first, RAW(0x18, 1, 0, 0, 5)), __imm_const(second, RAW(0xb7, 0, 0, 0, 0)) : __clobbers);
}

SEC("socket") __reject("invalid bpf_ld_imm64 insn")
__naked int constant_with_a_register_in_the_second_slot(void)
{
	asm volatile("					\
	.8byte %[first];				\
	.8byte %[second];				\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(first, RAW(0x18, 1, 0, 0, 5)), __imm_const(second, RAW(0, 1, 0, 0, 0)) : __clobbers);
}

SEC("socket") __reject("unrecognized bpf_ld_imm64 insn")
__naked int constant_from_a_source_that_does_not_exist(void)
{
	asm volatile("					\
	.8byte %[first];				\
	.8byte %[second];				\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(first, RAW(0x18, 1, 7, 0, 5)), __imm_const(second, RAW(0, 0, 0, 0, 0)) : __clobbers);
}

SEC("socket") __accept
__naked int constant_in_two_halves(void)
{
	asm volatile("					\
	.8byte %[first];				\
	.8byte %[second];				\
	r0 = 0;						\
	exit;						\
"	:: __imm_const(first, RAW(0x18, 1, 0, 0, 5)), __imm_const(second, RAW(0, 0, 0, 0, 7)) : __clobbers);
}

/* Looked at only when verification gets there. */
SEC("socket") __accept
__naked int reserved_field_in_dead_code(void)
{
	asm volatile("					\
	r0 = 0;						\
	if r0 == 0 goto +1;				\
	.8byte %[insn];					\
	exit;						\
"	:: __imm_const(insn, RAW(0x07, 0, 1, 0, 1)) : __clobbers);
}

/* Looked at before verification. */
SEC("socket") __reject("unknown opcode ff")
__naked int unknown_opcode_in_dead_code(void)
{
	asm volatile("					\
	r0 = 0;						\
	if r0 == 0 goto +1;				\
	.8byte %[insn];					\
	exit;						\
"	:: __imm_const(insn, RAW(0xff, 0, 0, 0, 0)) : __clobbers);
}
