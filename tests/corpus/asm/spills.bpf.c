/* What registers are when they come back from the stack, in whole and in part. */
// clang: -mcpu=v4
#include "corpus.h"

GPL;
MAP(HASH, hash, u64, u64[8], 4);
char globals[256];

#define PROGRAM(name, body)								\
	__naked int name(void)								\
	{										\
		asm volatile(body "							\
		r0 = 0;									\
		exit;									\
		" :: __imm(bpf_get_prandom_u32), __imm(bpf_ktime_get_ns), __imm_addr(globals), __imm_addr(hash),	\
		__imm(bpf_map_lookup_elem) : __clobbers);				\
	}
/* r7 = a number of 8 bits on the stack at -8 */
#define BYTE "r7 = *(u32 *)(r1 + 0); r7 &= 255; *(u64 *)(r10 - 8) = r7;"
#define INDEX(reg) "r3 = %[globals] ll; r3 += " #reg "; r0 = *(u8 *)(r3 + 0);"

SEC("tc") __accept
PROGRAM(whole, BYTE "r2 = *(u64 *)(r10 - 8);" INDEX(r2))
SEC("tc") __accept
PROGRAM(lower_half, BYTE "r2 = *(u32 *)(r10 - 8);" INDEX(r2))
SEC("tc") __accept
PROGRAM(lowest_byte, BYTE "r2 = *(u8 *)(r10 - 8);" INDEX(r2))
SEC("tc") __accept
PROGRAM(lowest_half_word, BYTE "r2 = *(u16 *)(r10 - 8); r2 &= 255;" INDEX(r2))
SEC("tc") __reject("unbounded memory access")
PROGRAM(upper_half, BYTE "r2 = *(u32 *)(r10 - 4);" INDEX(r2))
SEC("tc") __accept
PROGRAM(signed_lower_half, BYTE "r2 = *(s32 *)(r10 - 8);" INDEX(r2))
SEC("tc") __reject("R3")
PROGRAM(signed_lowest_byte, BYTE "r2 = *(s8 *)(r10 - 8);" INDEX(r2))
SEC("tc") __accept
PROGRAM(bounded_after_the_spill, "r7 = *(u32 *)(r1 + 0); *(u64 *)(r10 - 8) = r7; if r7 > 255 goto 1f; r2 = *(u64 *)(r10 - 8);" INDEX(r2) "1:")
SEC("tc") __accept
PROGRAM(bounded_after_the_fill, "r7 = *(u32 *)(r1 + 0); *(u64 *)(r10 - 8) = r7; r2 = *(u64 *)(r10 - 8); if r2 > 255 goto 1f;" INDEX(r7) "1:")
SEC("tc") __accept
PROGRAM(bounded_in_another_slot, "r7 = *(u32 *)(r1 + 0); *(u64 *)(r10 - 8) = r7; *(u64 *)(r10 - 16) = r7; r2 = *(u64 *)(r10 - 8); if r2 > 255 goto 1f; r4 = *(u64 *)(r10 - 16);" INDEX(r4) "1:")
SEC("tc") __accept
PROGRAM(lower_half_bounded_after_the_spill, "r7 = *(u32 *)(r1 + 0); *(u32 *)(r10 - 8) = w7; if r7 > 255 goto 1f; r2 = *(u32 *)(r10 - 8);" INDEX(r2) "1:")
SEC("tc") __reject("R3 unbounded memory access")
PROGRAM(lower_half_of_64_bits_bounded_after_the_spill, "call %[bpf_ktime_get_ns]; r7 = r0; *(u32 *)(r10 - 8) = w7; if r7 > 255 goto 1f; r2 = *(u32 *)(r10 - 8);" INDEX(r2) "1:")
SEC("tc") __accept
PROGRAM(lower_half_spilled_and_bounded, "r7 = *(u32 *)(r1 + 0); *(u32 *)(r10 - 4) = w7; r2 = *(u32 *)(r10 - 4); if r2 > 255 goto 1f;" INDEX(r2) "1:")
SEC("tc") __reject("R3 unbounded memory access")
PROGRAM(upper_place_spilled_and_original_bounded, "r7 = *(u32 *)(r1 + 0); *(u32 *)(r10 - 4) = w7; if r7 > 255 goto 1f; r2 = *(u32 *)(r10 - 4);" INDEX(r2) "1:")
SEC("tc") __accept
PROGRAM(constant_stored, "*(u64 *)(r10 - 8) = 200; r2 = *(u64 *)(r10 - 8);" INDEX(r2))
SEC("tc") __accept
PROGRAM(constant_stored_in_a_half, "*(u32 *)(r10 - 8) = 200; r2 = *(u32 *)(r10 - 8);" INDEX(r2))
SEC("tc") __accept
PROGRAM(negative_constant_stored_in_a_half, "*(u32 *)(r10 - 8) = -200; r2 = *(u32 *)(r10 - 8); w2 += 210;" INDEX(r2))
SEC("tc") __accept
PROGRAM(negative_constant_stored, "*(u64 *)(r10 - 8) = -200; r2 = *(u64 *)(r10 - 8); r2 += 210;" INDEX(r2))
SEC("tc") __accept
PROGRAM(constant_stored_in_a_byte, "*(u8 *)(r10 - 8) = 200; r2 = *(u8 *)(r10 - 8);" INDEX(r2))
SEC("tc") __accept
PROGRAM(constant_stored_in_two_bytes_read_one, "*(u16 *)(r10 - 8) = 0x1234; r2 = *(u8 *)(r10 - 8);" INDEX(r2))
SEC("tc") __accept
PROGRAM(constant_in_a_register_stored_in_a_byte, "r2 = 0x1234; *(u8 *)(r10 - 8) = r2; r2 = *(u8 *)(r10 - 8);" INDEX(r2))
SEC("tc") __accept
PROGRAM(zero_bytes_are_zero, "*(u64 *)(r10 - 8) = 0; r2 = *(u8 *)(r10 - 3);" INDEX(r2))
SEC("tc") __reject("math between map_value pointer and register with unbounded min value is not allowed")
PROGRAM(zero_bytes_beside_others, "r7 = *(u32 *)(r1 + 0); *(u64 *)(r10 - 8) = 0; *(u8 *)(r10 - 8) = r7; r2 = *(u64 *)(r10 - 8);" INDEX(r2))
SEC("tc") __accept
PROGRAM(zero_half_above_an_unknown_byte, "r7 = *(u32 *)(r1 + 0); r2 = 0; *(u32 *)(r10 - 4) = r2; *(u8 *)(r10 - 5) = r2; r4 = *(u32 *)(r10 - 4);" INDEX(r4))
SEC("tc") __accept
PROGRAM(slot_never_stored, "r2 = *(u64 *)(r10 - 8); r2 &= 255;" INDEX(r2))
SEC("tc") __accept
PROGRAM(slot_stored_in_part, "*(u8 *)(r10 - 8) = 1; r2 = *(u64 *)(r10 - 8); r2 &= 255;" INDEX(r2))
SEC("tc") __accept
PROGRAM(context_spilled, "*(u64 *)(r10 - 8) = r1; r2 = *(u64 *)(r10 - 8); r0 = *(u32 *)(r2 + 0);")
SEC("tc") __reject("invalid size of register fill")
PROGRAM(context_spilled_and_lower_half_filled, "*(u64 *)(r10 - 8) = r1; r2 = *(u32 *)(r10 - 8);")
SEC("tc") __accept
PROGRAM(context_spilled_and_overwritten, "*(u64 *)(r10 - 8) = r1; *(u32 *)(r10 - 8) = 0; r2 = *(u64 *)(r10 - 8);")
SEC("tc") __reject("invalid size of register spill")
PROGRAM(half_of_a_context_spilled, "*(u32 *)(r10 - 8) = w1;")
SEC("tc") __accept
PROGRAM(value_spilled_before_its_check, "*(u64 *)(r10 - 8) = 1; r2 = r10; r2 += -8; r1 = %[hash] ll; call %[bpf_map_lookup_elem]; *(u64 *)(r10 - 16) = r0; if r0 == 0 goto 1f; r1 = *(u64 *)(r10 - 16); r0 = *(u64 *)(r1 + 56); 1:")
SEC("tc") __accept
PROGRAM(value_checked_when_filled, "*(u64 *)(r10 - 8) = 1; r2 = r10; r2 += -8; r1 = %[hash] ll; call %[bpf_map_lookup_elem]; *(u64 *)(r10 - 16) = r0; r1 = *(u64 *)(r10 - 16); if r1 == 0 goto 1f; r0 = *(u64 *)(r0 + 56); 1:")
SEC("tc") __reject("R1 invalid mem access 'map_value_or_null'")
PROGRAM(value_spilled_twice_and_replaced, "*(u64 *)(r10 - 8) = 1; r2 = r10; r2 += -8; r1 = %[hash] ll; call %[bpf_map_lookup_elem]; *(u64 *)(r10 - 16) = r0; r2 = r10; r2 += -8; r1 = %[hash] ll; call %[bpf_map_lookup_elem]; if r0 == 0 goto 1f; r1 = *(u64 *)(r10 - 16); r0 = *(u64 *)(r1 + 0); 1:")
SEC("tc") __accept
PROGRAM(pointer_with_an_unknown_offset_spilled, "r7 = *(u32 *)(r1 + 0); r7 &= 127; r3 = %[globals] ll; r3 += r7; *(u64 *)(r10 - 8) = r3; r4 = *(u64 *)(r10 - 8); r4 += 64; r0 = *(u64 *)(r4 + 56);")
SEC("tc") __accept
PROGRAM(packet_spilled_before_its_check, "r2 = *(u32 *)(r1 + 76); r3 = *(u32 *)(r1 + 80); *(u64 *)(r10 - 8) = r2; r4 = r2; r4 += 8; if r4 > r3 goto 1f; r5 = *(u64 *)(r10 - 8); r0 = *(u64 *)(r5 + 0); 1:")
SEC("tc") __accept
PROGRAM(packet_and_its_end_spilled, "r2 = *(u32 *)(r1 + 76); r3 = *(u32 *)(r1 + 80); *(u64 *)(r10 - 8) = r2; *(u64 *)(r10 - 16) = r3; r4 = *(u64 *)(r10 - 8); r4 += 8; r5 = *(u64 *)(r10 - 16); if r4 > r5 goto 1f; r0 = *(u64 *)(r2 + 0); 1:")
SEC("tc") __accept
PROGRAM(stack_pointer_spilled, "r2 = r10; r2 += -64; *(u64 *)(r10 - 8) = r2; *(u64 *)(r10 - 64) = 7; r3 = *(u64 *)(r10 - 8); r4 = *(u64 *)(r3 + 0);" INDEX(r4))
SEC("tc") __accept
PROGRAM(two_paths_one_slot, "r7 = *(u32 *)(r1 + 0); if r7 == 0 goto 1f; *(u64 *)(r10 - 8) = 3; goto 2f; 1: *(u64 *)(r10 - 8) = 200; 2: r2 = *(u64 *)(r10 - 8);" INDEX(r2))
SEC("tc") __reject("R3")
PROGRAM(two_paths_one_slot_too_far, "r7 = *(u32 *)(r1 + 0); if r7 == 0 goto 1f; *(u64 *)(r10 - 8) = 3; goto 2f; 1: *(u64 *)(r10 - 8) = 300; 2: r2 = *(u64 *)(r10 - 8);" INDEX(r2))
SEC("tc") __reject("R3 unbounded memory access, make sure to bounds check any such access")
PROGRAM(many_slots_bounded_at_once, "r7 = *(u32 *)(r1 + 0); *(u64 *)(r10 - 8) = r7; *(u64 *)(r10 - 16) = r7; *(u64 *)(r10 - 24) = r7; *(u64 *)(r10 - 32) = r7; *(u64 *)(r10 - 40) = r7; *(u64 *)(r10 - 48) = r7; *(u64 *)(r10 - 56) = r7; *(u64 *)(r10 - 64) = r7; r2 = r7; r4 = r7; r5 = r7; if r7 > 255 goto 1f; r2 = *(u64 *)(r10 - 64);" INDEX(r2) INDEX(r4) "r5 = *(u64 *)(r10 - 8);" INDEX(r5) "1:")
SEC("tc") __reject("R3 unbounded memory access, make sure to bounds check any such access")
PROGRAM(sum_spilled_and_bounded, "r7 = *(u32 *)(r1 + 0); r8 = r7; r8 += 10; *(u64 *)(r10 - 8) = r8; if r7 > 200 goto 1f; r2 = *(u64 *)(r10 - 8);" INDEX(r2) "1:")
SEC("tc") __accept
PROGRAM(summand_spilled_and_sum_bounded, "r7 = *(u32 *)(r1 + 0); *(u64 *)(r10 - 8) = r7; r8 = r7; r8 += 10; if r8 > 200 goto 1f; r2 = *(u64 *)(r10 - 8); r2 += 10;" INDEX(r2) "1:")
SEC("tc") __accept
PROGRAM(difference_and_sum_linked, "r7 = *(u32 *)(r1 + 0); r8 = r7; r8 += -5; r9 = r7; r9 += 5; if r7 < 5 goto 1f; if r9 > 250 goto 1f;" INDEX(r8) INDEX(r9) "1:")
SEC("tc") __reject("invalid read from stack R10 off=100 size=1")
PROGRAM(equal_says_so_of_all, "r7 = *(u32 *)(r1 + 0); r8 = r7; r8 += 7; *(u64 *)(r10 - 8) = r8; if r7 != 100 goto 1f; r2 = *(u64 *)(r10 - 8); if r2 == 107 goto 1f; r0 = *(u8 *)(r10 + 100); 1:")
SEC("tc") __accept
PROGRAM(copy_of_a_half_linked, "r7 = *(u32 *)(r1 + 0); w8 = w7; if w8 > 255 goto 1f;" INDEX(r7) "1:")
SEC("tc") __reject("math between map_value pointer and register with unbounded min value is not allowed")
PROGRAM(copy_of_a_half_of_64_bits, "call %[bpf_ktime_get_ns]; r7 = r0; w8 = w7; if w8 > 255 goto 1f;" INDEX(r7) "1:")
SEC("tc") __accept
PROGRAM(signed_copy_linked, "r7 = *(u32 *)(r1 + 0); r7 &= 0xff; r8 = (s16)r7; if r8 > 100 goto 1f; r3 = %[globals] ll; r3 += r7; r0 = *(u8 *)(r3 + 100); 1:")
