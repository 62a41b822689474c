/* Paths that meet again with other stacks: what is still read keeps them apart, what is not does not. */
// clang: -mcpu=v4
#include "corpus.h"

GPL;
MAP(HASH, hash, u64, u64, 4);
char globals[64];

#define PROGRAM(name, body)								\
	__naked int name(void)								\
	{										\
		asm volatile(body "							\
		r0 = 0;									\
		exit;									\
		" :: __imm(bpf_get_prandom_u32), __imm_addr(globals), __imm_addr(hash), __imm(bpf_map_lookup_elem),	\
		__imm(bpf_loop), __imm_addr(loads_its_context), __imm_addr(stores_into_its_context), __imm_addr(leaves_its_context)	\
		: __clobbers);								\
	}
#define ONE_OF_TWO(one, other) "call %[bpf_get_prandom_u32]; if r0 == 0 goto 1f;" one "goto 2f; 1:" other "2:"
#define FUNCTION static __naked __noinline __attribute__((used)) void

FUNCTION loads_its_argument(void) { asm volatile("r0 = *(u64 *)(r1 + 0); exit;" ::: __clobbers); }
FUNCTION stores_its_argument(void) { asm volatile("*(u64 *)(r1 + 0) = 1; r0 = 0; exit;" ::: __clobbers); }
FUNCTION leaves_its_argument(void) { asm volatile("r0 = 0; exit;" ::: __clobbers); }
FUNCTION perhaps_loads_its_argument(void) { asm volatile("r0 = 0; if r2 == 0 goto 1f; r0 = *(u64 *)(r1 + 0); 1: exit;" ::: __clobbers); }
FUNCTION perhaps_stores_its_argument(void) { asm volatile("if r2 == 0 goto 1f; *(u64 *)(r1 + 0) = 1; 1: r0 = 0; exit;" ::: __clobbers); }
FUNCTION passes_its_argument_on(void) { asm volatile("call loads_its_argument; exit;" ::: __clobbers); }
FUNCTION stores_and_loads(void) { asm volatile("*(u64 *)(r1 + 0) = 1; r0 = *(u64 *)(r1 + 0); exit;" ::: __clobbers); }
FUNCTION loads_its_context(void) { asm volatile("r0 = *(u64 *)(r2 + 0); r0 = 0; exit;" ::: __clobbers); }
FUNCTION stores_into_its_context(void) { asm volatile("*(u64 *)(r2 + 0) = 1; r0 = 0; exit;" ::: __clobbers); }
FUNCTION leaves_its_context(void) { asm volatile("r0 = 0; exit;" ::: __clobbers); }

#define SPILLS ONE_OF_TWO("*(u64 *)(r10 - 8) = 1;", "*(u64 *)(r10 - 8) = 2;")
#define KINDS ONE_OF_TWO("*(u64 *)(r10 - 8) = r10;", "*(u64 *)(r10 - 8) = 2;")
#define PARTS ONE_OF_TWO("*(u64 *)(r10 - 8) = 0;", "*(u8 *)(r10 - 8) = 0;")

SEC("tc") __accept
PROGRAM(never_read, SPILLS "r0 = 1; r0 = 2;")
SEC("tc") __accept
PROGRAM(read, SPILLS "r1 = *(u64 *)(r10 - 8);")
SEC("tc") __accept
PROGRAM(read_in_part, SPILLS "r1 = *(u8 *)(r10 - 8);")
SEC("tc") __accept
PROGRAM(read_and_precise, SPILLS "r1 = *(u64 *)(r10 - 8); r3 = %[globals] ll; r3 += r1; r0 = *(u8 *)(r3 + 0);")
SEC("tc") __accept
PROGRAM(overwritten_and_read, SPILLS "*(u64 *)(r10 - 8) = 7; r1 = *(u64 *)(r10 - 8);")
SEC("tc") __accept
PROGRAM(overwritten_in_part_and_read, SPILLS "*(u32 *)(r10 - 8) = 7; r1 = *(u64 *)(r10 - 8);")
SEC("tc") __accept
PROGRAM(of_two_kinds_never_read, KINDS "r0 = 1; r0 = 2;")
SEC("tc") __accept
PROGRAM(of_two_kinds_read, KINDS "r1 = *(u64 *)(r10 - 8);")
SEC("tc") __accept
PROGRAM(stored_in_part_never_read, PARTS "r0 = 1; r0 = 2;")
SEC("tc") __accept
PROGRAM(stored_in_part_read, PARTS "r1 = *(u64 *)(r10 - 8);")
SEC("tc") __accept
PROGRAM(read_by_a_helper, SPILLS "r2 = r10; r2 += -8; r1 = %[hash] ll; call %[bpf_map_lookup_elem];")
SEC("tc") __accept
PROGRAM(of_two_kinds_read_by_a_helper, KINDS "r2 = r10; r2 += -8; r1 = %[hash] ll; call %[bpf_map_lookup_elem];")
SEC("tc") __accept
PROGRAM(read_by_a_function, SPILLS "r1 = r10; r1 += -8; call loads_its_argument;")
SEC("tc") __accept
PROGRAM(read_by_a_function_of_a_function, SPILLS "r1 = r10; r1 += -8; call passes_its_argument_on;")
SEC("tc") __accept
PROGRAM(perhaps_read_by_a_function, SPILLS "call %[bpf_get_prandom_u32]; r2 = r0; r1 = r10; r1 += -8; call perhaps_loads_its_argument;")
SEC("tc") __accept
PROGRAM(stored_by_a_function_and_read, SPILLS "r1 = r10; r1 += -8; call stores_its_argument; r1 = *(u64 *)(r10 - 8);")
SEC("tc") __accept
PROGRAM(perhaps_stored_by_a_function_and_read, SPILLS "call %[bpf_get_prandom_u32]; r2 = r0; r1 = r10; r1 += -8; call perhaps_stores_its_argument; r1 = *(u64 *)(r10 - 8);")
SEC("tc") __accept
PROGRAM(stored_and_read_by_a_function, SPILLS "r1 = r10; r1 += -8; call stores_and_loads;")
SEC("tc") __accept
PROGRAM(left_by_a_function, SPILLS "r1 = r10; r1 += -8; call leaves_its_argument;")
SEC("tc") __accept
PROGRAM(left_by_a_function_and_read, SPILLS "r1 = r10; r1 += -8; call leaves_its_argument; r1 = *(u64 *)(r10 - 8);")
SEC("tc") __accept
PROGRAM(read_in_a_loop, SPILLS "r6 = 5; 3: r1 = *(u64 *)(r10 - 8); r6 += -1; if r6 != 0 goto 3b;")
SEC("tc") __accept
PROGRAM(stored_in_a_loop, SPILLS "r6 = 5; 3: *(u64 *)(r10 - 8) = r6; r6 += -1; if r6 != 0 goto 3b;")
SEC("tc") __accept
PROGRAM(read_by_a_callback, SPILLS "r1 = 5; r2 = %[loads_its_context] ll; r3 = r10; r3 += -8; r4 = 0; call %[bpf_loop];")
SEC("tc") __accept
PROGRAM(stored_by_a_callback_and_read, SPILLS "r1 = 5; r2 = %[stores_into_its_context] ll; r3 = r10; r3 += -8; r4 = 0; call %[bpf_loop]; r1 = *(u64 *)(r10 - 8);")
SEC("tc") __accept
PROGRAM(left_by_a_callback, SPILLS "r1 = 5; r2 = %[leaves_its_context] ll; r3 = r10; r3 += -8; r4 = 0; call %[bpf_loop];")
SEC("tc") __accept
PROGRAM(read_at_an_unknown_slot, ONE_OF_TWO("*(u64 *)(r10 - 8) = 1; *(u64 *)(r10 - 16) = 1;", "*(u64 *)(r10 - 8) = 2; *(u64 *)(r10 - 16) = 2;") "call %[bpf_get_prandom_u32]; r0 &= 8; r1 = r10; r1 += -16; r1 += r0; r1 = *(u64 *)(r1 + 0);")
SEC("tc") __accept
PROGRAM(stored_at_an_unknown_slot_and_read, ONE_OF_TWO("*(u64 *)(r10 - 8) = 1; *(u64 *)(r10 - 16) = 1;", "*(u64 *)(r10 - 8) = 2; *(u64 *)(r10 - 16) = 2;") "call %[bpf_get_prandom_u32]; r0 &= 8; r1 = r10; r1 += -16; r1 += r0; *(u64 *)(r1 + 0) = 3; r1 = *(u64 *)(r10 - 8);")
SEC("tc") __accept
PROGRAM(read_on_one_path_only, SPILLS "call %[bpf_get_prandom_u32]; if r0 == 0 goto 3f; r1 = *(u64 *)(r10 - 8); 3:")
SEC("tc") __accept
PROGRAM(registers_never_read, ONE_OF_TWO("r6 = 1; r7 = r10;", "r6 = 2; r7 = 3;") "r6 = 7; r7 = 8;")
SEC("tc") __accept
PROGRAM(registers_read, ONE_OF_TWO("r6 = 1; r7 = r10;", "r6 = 2; r7 = 3;") "r1 = r6; r2 = r7;")
SEC("tc") __accept
PROGRAM(twelve_slots_of_two_kinds_never_read, "r6 = 12; 3: call %[bpf_get_prandom_u32]; if r0 == 0 goto 1f; *(u64 *)(r10 - 8) = r10; *(u64 *)(r10 - 16) = 3; goto 2f; 1: *(u64 *)(r10 - 16) = r10; *(u64 *)(r10 - 8) = 4; 2: r6 += -1; if r6 != 0 goto 3b;")
SEC("tc") __accept
PROGRAM(six_slots_of_two_kinds_read, "*(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0; r6 = 6; 3: call %[bpf_get_prandom_u32]; if r0 == 0 goto 1f; *(u64 *)(r10 - 8) = r10; *(u64 *)(r10 - 16) = 3; goto 2f; 1: *(u64 *)(r10 - 16) = r10; *(u64 *)(r10 - 8) = 4; 2: r6 += -1; if r6 != 0 goto 3b; r1 = *(u64 *)(r10 - 8); r2 = *(u64 *)(r10 - 16);")
SEC("tc") __accept
PROGRAM(ids_that_differ_and_mean_the_same, ONE_OF_TWO("call %[bpf_get_prandom_u32]; w6 = w0; r7 = r6; r8 = r6;", "call %[bpf_get_prandom_u32]; w6 = w0; r7 = r6; call %[bpf_get_prandom_u32]; w8 = w0;") "if r6 > 60 goto 3f; r3 = %[globals] ll; r3 += r7; r0 = *(u8 *)(r3 + 0); 3: r0 = r8;")
SEC("tc") __reject("unbounded memory access")
PROGRAM(ids_that_differ_and_mean_something_else, ONE_OF_TWO("call %[bpf_get_prandom_u32]; w6 = w0; r7 = r6;", "call %[bpf_get_prandom_u32]; w6 = w0; call %[bpf_get_prandom_u32]; w7 = w0;") "if r6 > 60 goto 3f; r3 = %[globals] ll; r3 += r7; r0 = *(u8 *)(r3 + 0); 3:")
