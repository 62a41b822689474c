// clang: -mcpu=v4
/* Instructions whose result one looks up: each program leaves what it computed in `result`. */
#include "corpus.h"

GPL;

u64 result;

#define COMPUTES(name, code)				\
	SEC("tc") __accept				\
	__naked int name(void)				\
	{						\
		asm volatile("				\
		r6 = *(u32 *)(r1 + %[mark]);		\
		r7 = *(u32 *)(r1 + %[priority]);	\
		r0 = 0;					\
		" code "				\
		r1 = %[result] ll;			\
		*(u64 *)(r1 + 0) = r0;			\
		exit;					\
	"	:: __imm_addr(result), __imm_const(mark, offsetof(struct __sk_buff, mark)),	\
		   __imm_const(priority, offsetof(struct __sk_buff, priority)) : __clobbers);	\
	}

COMPUTES(unsigned_quotient, "r0 = r6; r0 <<= 32; r0 |= 5; r0 /= r7;")
COMPUTES(unsigned_remainder, "r0 = r6; r0 <<= 32; r0 |= 5; r0 %%= r7;")
COMPUTES(unsigned_quotient_of_words, "r0 = -1; w0 /= w7;")
COMPUTES(unsigned_remainder_of_words, "r0 = -1; w0 %%= w7;")
COMPUTES(signed_quotient, "r0 = r6; r0 = -r0; r0 s/= r7;")
COMPUTES(signed_remainder, "r0 = r6; r0 = -r0; r0 s%%= r7;")
COMPUTES(signed_quotient_of_words, "w0 = w6; w0 = -w0; w0 s/= w7;")
COMPUTES(signed_remainder_of_words, "w0 = w6; w0 = -w0; w0 s%%= w7;")
COMPUTES(least_number_divided_by_minus_one, "r0 = 0x8000000000000000 ll; r2 = -1; r0 s/= r2;")
COMPUTES(least_number_modulo_minus_one, "r0 = 0x8000000000000000 ll; r2 = -1; r0 s%%= r2;")
COMPUTES(least_word_divided_by_minus_one, "w0 = 0x80000000; w2 = -1; w0 s/= w2;")
COMPUTES(shift_left_by_register, "r0 = 1; r0 <<= r6;")
COMPUTES(shift_right_by_register, "r0 = -1; r0 >>= r6;")
COMPUTES(arithmetic_shift_by_register, "r0 = -1000; r0 s>>= r6;")
COMPUTES(shift_of_words_by_register, "r0 = -1; w0 <<= w6;")
COMPUTES(arithmetic_shift_of_words, "r0 = -1000; w0 s>>= w6;")
COMPUTES(words_are_zero_extended, "r0 = -1; w0 += 1; r2 = -1; w2 += -1; r0 += r2;")
COMPUTES(moved_word_is_zero_extended, "r0 = -1; w0 = w0;")
COMPUTES(moved_with_sign_8, "r6 |= 0x180; r0 = (s8)r6;")
COMPUTES(moved_with_sign_16, "r6 |= 0x8000; r0 = (s16)r6;")
COMPUTES(moved_with_sign_32, "r2 = 0xfffffff0 ll; r0 = (s32)r2;")
COMPUTES(moved_word_with_sign_8, "r6 |= 0x180; w0 = (s8)w6;")
COMPUTES(loaded_with_sign, "r2 = -2; *(u8 *)(r10 - 8) = r2; r0 = *(s8 *)(r10 - 8);")
COMPUTES(loaded_half_with_sign, "r2 = 0x8001; *(u16 *)(r10 - 8) = r2; r0 = *(s16 *)(r10 - 8);")
COMPUTES(loaded_word_with_sign, "w2 = 0x80000001; *(u32 *)(r10 - 8) = r2; r0 = *(s32 *)(r10 - 8);")
COMPUTES(loaded_word_without_sign, "w2 = 0x80000001; *(u32 *)(r10 - 8) = r2; r0 = *(u32 *)(r10 - 8);")
COMPUTES(big_endian_16, "r0 = 0x1122334455667788 ll; r0 = be16 r0;")
COMPUTES(big_endian_32, "r0 = 0x1122334455667788 ll; r0 = be32 r0;")
COMPUTES(big_endian_64, "r0 = 0x1122334455667788 ll; r0 = be64 r0;")
COMPUTES(little_endian_16, "r0 = 0x1122334455667788 ll; r0 = le16 r0;")
COMPUTES(little_endian_32, "r0 = 0x1122334455667788 ll; r0 = le32 r0;")
COMPUTES(swapped_16, "r0 = 0x1122334455667788 ll; r0 = bswap16 r0;")
COMPUTES(swapped_32, "r0 = 0x1122334455667788 ll; r0 = bswap32 r0;")
COMPUTES(swapped_64, "r0 = 0x1122334455667788 ll; r0 = bswap64 r0;")
COMPUTES(product_wraps, "r0 = 0x123456789abcdef ll; r0 *= r0;")
COMPUTES(product_of_words_wraps, "r0 = 0x89abcdef ll; w0 *= w0;")
COMPUTES(immediate_is_sign_extended, "r0 = 0; r0 |= -2; r2 = 1; r2 &= -1; r0 += r2;")
COMPUTES(immediate_of_words_is_not, "w0 = -2;")
COMPUTES(negated, "r0 = r6; r0 = -r0; w2 = w6; w2 = -w2; r0 ^= r2;")
COMPUTES(signed_and_unsigned_comparison,
	 "r2 = -1; if r2 > 5 goto 1f; r0 |= 1; 1: if r2 s> 5 goto 2f; r0 |= 2; 2: if r2 s< 0 goto 3f; r0 |= 4; 3:")
COMPUTES(comparison_of_words,
	 "r2 = 0x100000005 ll; if w2 == 5 goto 1f; r0 |= 1; 1: if r2 == 5 goto 2f; r0 |= 2; 2:")
COMPUTES(tested_bits,
	 "r2 = 0x100000000 ll; if w2 & 1 goto 1f; r0 |= 1; 1: if r6 & 4 goto 2f; r0 |= 2; 2:")
COMPUTES(long_jump, "if r6 == 1 goto 2f; gotol 1f; 2: r0 = 1; 1: r0 += 2;")
COMPUTES(stored_immediate, "*(u64 *)(r10 - 8) = -2; *(u16 *)(r10 - 8) = 0x1234; r0 = *(u64 *)(r10 - 8);")
COMPUTES(fetched_and_added_word,
	 "r2 = -1; *(u64 *)(r10 - 8) = r2; w3 = 2; w3 = atomic_fetch_add((u32 *)(r10 - 8), w3); r0 = *(u64 *)(r10 - 8); r0 += r3;")
COMPUTES(exchanged_word,
	 "r2 = -1; *(u64 *)(r10 - 8) = r2; w3 = 2; w3 = xchg32_32(r10 - 8, w3); r0 = *(u64 *)(r10 - 8); r0 += r3;")
COMPUTES(compared_and_exchanged_word,
	 "r2 = 7; *(u64 *)(r10 - 8) = r2; w0 = 7; w3 = 9; w0 = cmpxchg32_32(r10 - 8, w0, w3); r2 = *(u64 *)(r10 - 8); r0 <<= 8; r0 |= r2;")
COMPUTES(compared_and_not_exchanged,
	 "r2 = 7; *(u64 *)(r10 - 8) = r2; r0 = 8; r3 = 9; r0 = cmpxchg_64(r10 - 8, r0, r3); r2 = *(u64 *)(r10 - 8); r0 <<= 8; r0 |= r2;")
