/* What arithmetic and comparisons make of bounds, in both halves; the log tells them after each instruction. */
// clang: -mcpu=v4
#include "corpus.h"

GPL;
char globals[256];

SEC("socket") __accept
__naked int additions_of_both_widths(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r7 = *(u32 *)(r1 + 8);				\
	r8 = r6;					\
	r8 += 1;					\
	r8 += r7;					\
	w9 = w6;					\
	w9 += 1;					\
	w9 += w7;					\
	r6 &= 0xff;					\
	r7 &= 0xf0;					\
	r8 = r6;					\
	r8 += r7;					\
	r8 -= 0x100;					\
	w9 = w6;					\
	w9 -= 0x100;					\
	w9 += w7;					\
	r9 += 0x7fffffff;				\
	w9 += 0x7fffffff;				\
	r9 <<= 32;					\
	r9 >>= 32;					\
	r9 -= r6;					\
	w9 -= w7;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept
__naked int multiplications_of_both_widths(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r7 = *(u32 *)(r1 + 8);				\
	r8 = r6;					\
	r8 *= r7;					\
	r8 *= 3;					\
	r6 &= 0xff;					\
	r7 &= 0xf0;					\
	r8 = r6;					\
	r8 *= r7;					\
	r8 *= -3;					\
	r8 *= r6;					\
	w9 = w6;					\
	w9 *= w7;					\
	w9 *= -5;					\
	w9 *= 0x10001;					\
	r9 = r6;					\
	r9 -= 0x80;					\
	r7 -= 0x7;					\
	r9 *= r7;					\
	w9 *= w6;					\
	r6 *= 6;					\
	r6 *= 10;					\
	r7 = 12;					\
	r7 *= r6;					\
	r6 = 0x123456789 ll;				\
	r6 *= 0x1000;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept
__naked int bits_of_both_widths(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r7 = *(u32 *)(r1 + 8);				\
	r8 = r6;					\
	r8 |= r7;					\
	r8 &= -16;					\
	r8 ^= 0x55;					\
	w8 ^= w6;					\
	w8 |= 0x80;					\
	r9 = r6;					\
	r9 &= 0x3c;					\
	r9 |= 0x41;					\
	r9 ^= 0xff;					\
	r9 ^= -1;					\
	w9 ^= -1;					\
	r7 = (s8)r7;					\
	r8 = r7;					\
	r8 &= r9;					\
	r8 = r7;					\
	r8 |= r9;					\
	r8 = r7;					\
	r8 ^= r9;					\
	w8 = w7;					\
	w8 &= w9;					\
	w8 = w7;					\
	w8 |= w9;					\
	w8 = w7;					\
	w8 ^= w9;					\
	r7 = -r7;					\
	w7 = -w7;					\
	r9 = -r9;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept
__naked int shifts_of_both_widths(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r7 = *(u32 *)(r1 + 8);				\
	r8 = r6;					\
	r8 <<= 7;					\
	r8 >>= 3;					\
	r8 s>>= 2;					\
	w8 <<= 4;					\
	w8 >>= 1;					\
	w8 s>>= 1;					\
	r8 = (s16)r7;					\
	r8 <<= 3;					\
	r8 s>>= 1;					\
	w8 s>>= 3;					\
	w8 <<= 31;					\
	w8 s>>= 31;					\
	r8 = r6;					\
	r8 <<= 63;					\
	r8 s>>= 63;					\
	r9 = r7;					\
	r9 &= 7;					\
	r8 = r6;					\
	r8 <<= r9;					\
	r8 = r6;					\
	r8 >>= r9;					\
	r8 = r6;					\
	r8 s>>= r9;					\
	w8 = w6;					\
	w8 <<= w9;					\
	w8 = w6;					\
	w8 >>= w9;					\
	r9 = 5;						\
	r8 = r6;					\
	r8 <<= r9;					\
	r8 s>>= r9;					\
	w8 = 1;						\
	w8 <<= 31;					\
	w8 s>>= 4;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept
__naked int divisions_of_both_widths(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r7 = *(u32 *)(r1 + 8);				\
	r8 = r6;					\
	r8 /= 10;					\
	r8 %%= 7;					\
	w8 = w6;					\
	w8 /= 16;					\
	w8 %%= 3;					\
	r8 = 100;					\
	r8 /= 7;					\
	r9 = 100;					\
	r9 %%= 7;					\
	r8 = r6;					\
	r8 /= r7;					\
	r8 %%= r7;					\
	r6 &= 0xff;					\
	r8 = r6;					\
	r8 /= 4;					\
	w8 = w6;					\
	w8 %%= 10;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept
__naked int signs_extended(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r7 = *(s32 *)(r1 + 8);				\
	r8 = (s8)r6;					\
	r8 = (s16)r6;					\
	r8 = (s32)r6;					\
	w8 = (s8)w6;					\
	w8 = (s16)w6;					\
	r9 = r6;					\
	r9 &= 0x7f;					\
	r8 = (s8)r9;					\
	r9 += 1;					\
	r8 = (s8)r9;					\
	r9 &= 0xff;					\
	r8 = (s16)r9;					\
	w8 = (s8)w9;					\
	r9 += 0x7f00;					\
	r8 = (s16)r9;					\
	w8 = (s16)w9;					\
	r9 |= 0x8000;					\
	r8 = (s16)r9;					\
	w8 = (s16)w9;					\
	r8 = (s32)r9;					\
	r9 = 0x80;					\
	r8 = (s8)r9;					\
	r9 = 0xffff8000 ll;				\
	r8 = (s16)r9;					\
	r8 = (s32)r9;					\
	w8 = (s16)w9;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept
__naked int bytes_swapped(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r8 = r6;					\
	r8 = be16 r8;					\
	r8 = r6;					\
	r8 = be32 r8;					\
	r8 = be64 r8;					\
	r8 = le16 r8;					\
	r8 = r6;					\
	r8 = le32 r8;					\
	r8 = bswap16 r8;				\
	r8 = r6;					\
	r8 = bswap32 r8;				\
	r8 = bswap64 r8;				\
	r8 = 0x1234;					\
	r8 = be16 r8;					\
	r8 = bswap64 r8;				\
	r8 &= 0xff;					\
	r8 = be16 r8;					\
	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept
__naked int comparisons_with_constants(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r7 = *(s32 *)(r1 + 8);				\
	if r7 s> 100 goto 1f;				\
	if r7 s< -100 goto 1f;				\
	if w7 > 100 goto 2f;				\
	if r7 == 50 goto 1f;				\
	if w7 != 7 goto 1f;				\
	goto 1f;					\
2:	if w7 s< -50 goto 3f;				\
	if r7 >= 1000 goto 1f;				\
	r0 = 7;						\
	goto 1f;					\
3:	if r7 & 1 goto 1f;				\
	if w7 & 0x80000000 goto 4f;			\
	r0 = 9;						\
	goto 1f;					\
4:	if w7 <= 0xffffff9e goto 1f;			\
	r8 = r7;					\
	r8 += 100;					\
	if r8 > 3 goto 1f;				\
1:	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept
__naked int comparisons_with_registers(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r7 = *(u32 *)(r1 + 8);				\
	r6 &= 0xff;					\
	r7 &= 0x3f;					\
	r7 += 0x20;					\
	if r6 < r7 goto 2f;				\
	if r6 == r7 goto 1f;				\
	if w6 s> w7 goto 3f;				\
	goto 1f;					\
2:	if r6 != r7 goto 4f;				\
	goto 1f;					\
3:	r8 = r6;					\
	r8 -= r7;					\
	if r8 s<= r6 goto 1f;				\
	if r8 & r7 goto 1f;				\
	goto 1f;					\
4:	r7 -= 0x40;					\
	if r6 s< r7 goto 5f;				\
	if w6 >= w7 goto 1f;				\
	if w6 & w7 goto 1f;				\
	goto 1f;					\
5:	if w7 s<= 3 goto 1f;				\
	if r6 s>= r7 goto 1f;				\
1:	r0 = 0;						\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept
__naked int halves_learn_from_each_other(void)
{
	asm volatile("					\
	call %[bpf_ktime_get_ns];			\
	r6 = r0;					\
	if w6 < 16 goto 1f;				\
	if w6 > 64 goto 1f;				\
	if r6 > 0xfffff goto 1f;			\
	r7 = r6;					\
	r7 <<= 32;					\
	r7 s>>= 32;					\
	if r6 < 17 goto 1f;				\
	r8 = r0;					\
	if r8 s< 0 goto 1f;				\
	if w8 s< -5 goto 1f;				\
	if w8 s> 5 goto 1f;				\
	if r8 > 0x100000003 goto 1f;			\
	if r8 < 0x100000001 goto 1f;			\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_ktime_get_ns) : __clobbers);
}

SEC("socket") __reject("R7 unbounded memory access, make sure to bounds check any such access")
__naked int signed_range_across_zero(void)
{
	asm volatile("					\
	call %[bpf_ktime_get_ns];			\
	r6 = r0;					\
	if r6 s< -8 goto 1f;				\
	if r6 s> 8 goto 1f;				\
	if r6 > 8 goto 2f;				\
	r7 = %[globals] ll;				\
	r7 += r6;					\
	r0 = *(u8 *)(r7 + 0);				\
	goto 1f;					\
2:	r7 = %[globals] ll;				\
	r7 += 8;					\
	r7 += r6;					\
	r0 = *(u8 *)(r7 + 0);				\
1:	r0 = 0;						\
	exit;						\
"	:: __imm(bpf_ktime_get_ns), __imm_addr(globals) : __clobbers);
}

SEC("socket") __accept
__naked int index_by_subtraction_in_the_lower_half(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	w6 -= 10;					\
	if w6 > 20 goto 1f;				\
	r7 = %[globals] ll;				\
	r7 += r6;					\
	r0 = *(u8 *)(r7 + 235);				\
1:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(globals) : __clobbers);
}

SEC("socket") __reject("invalid access to map value, value_size=256 off=256 size=1")
__naked int index_by_subtraction_in_the_lower_half_too_far(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	w6 -= 10;					\
	if w6 > 20 goto 1f;				\
	r7 = %[globals] ll;				\
	r7 += r6;					\
	r0 = *(u8 *)(r7 + 236);				\
1:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(globals) : __clobbers);
}

SEC("socket") __accept
__naked int bit_tests_narrow(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	if r6 & 0xffffff80 goto 1f;			\
	r7 = %[globals] ll;				\
	r7 += r6;					\
	r0 = *(u8 *)(r7 + 128);				\
1:	r6 = *(u32 *)(r1 + 0);				\
	r6 &= 0xf0;					\
	if r6 & 0x10 goto 2f;				\
	r8 = r6;					\
	goto 3f;					\
2:	r8 = r6;					\
3:	r6 |= 1;					\
	if r6 & 1 goto 4f;				\
	r0 = *(u8 *)(r10 + 100);			\
4:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(globals) : __clobbers);
}

SEC("socket") __accept
__naked int comparison_never_true(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r6 &= 0xff;					\
	r7 = *(u32 *)(r1 + 8);				\
	r7 &= 0xff;					\
	r7 |= 0x100;					\
	if r6 == r7 goto 1f;				\
	if r6 > r7 goto 1f;				\
	if w6 s>= w7 goto 1f;				\
	if r6 == 256 goto 1f;				\
	if w6 == -1 goto 1f;				\
	r0 = 0;						\
	exit;						\
1:	r0 = *(u8 *)(r10 + 100);			\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept
__naked int comparison_of_signed_bytes_never_true(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r6 = (s8)r6;					\
	if r6 s> 127 goto 1f;				\
	if r6 s< -128 goto 1f;				\
	if w6 s> 127 goto 1f;				\
	r7 = r6;					\
	r7 *= r7;					\
	r6 *= 2;					\
	if r6 s> 254 goto 1f;				\
	r0 = 0;						\
	exit;						\
1:	r0 = *(u8 *)(r10 + 100);			\
	exit;						\
"	::: __clobbers);
}

SEC("socket") __accept
__naked int unequal_trims_the_ends(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r6 &= 0xff;					\
	if r6 == 0 goto 1f;				\
	if r6 == 255 goto 1f;				\
	if w6 == 1 goto 1f;				\
	if w6 == 254 goto 1f;				\
	r7 = %[globals] ll;				\
	r7 += r6;					\
	r0 = *(u8 *)(r7 - 2);				\
	r0 = *(u8 *)(r7 + 2);				\
1:	r0 = 0;						\
	exit;						\
"	:: __imm_addr(globals) : __clobbers);
}

SEC("socket") __reject("R7 unbounded memory access, make sure to bounds check any such access")
__naked int pointer_minus_bounded_number(void)
{
	asm volatile("					\
	r6 = *(u32 *)(r1 + 0);				\
	r6 &= 0x1f;					\
	r7 = %[globals] ll;				\
	r7 += 31;					\
	r7 -= r6;					\
	r0 = *(u8 *)(r7 + 0);				\
	r7 -= -32;					\
	r0 = *(u8 *)(r7 + 0);				\
	r8 = r6;					\
	r8 = -r8;					\
	r7 += r8;					\
	r0 = *(u8 *)(r7 + 0);				\
	r0 = 0;						\
	exit;						\
"	:: __imm_addr(globals) : __clobbers);
}
