/* Global variables in every sort of section. */
#include "common.h"

int initialised = 42;
u64 more[4] = { 1, 2, 3, 4 };
static int hidden_from_others = 7;
__hidden int hidden = 9;
int zero;
static u64 zeros[100];
const volatile u32 constant = 5;
static const volatile u8 table[16] = { 9, 8, 7 };
int own SEC(".data.own") = 1;
const volatile u32 own_constant SEC(".rodata.own") = 2;
int *pointer_to_zero = &zero;
struct { u8 a; u32 b; u64 c; } mixed = { 1, 2, 3 };
u32 kernel_version SEC("version") = 0x061200;

SEC("socket")
int reads(void *ctx)
{
	return initialised + more[2] + hidden_from_others + hidden + zero + zeros[99] + constant + table[3] + own +
	       own_constant + mixed.b;
}

SEC("socket")
int writes(void *ctx)
{
	more[3]++;
	zeros[7] = 1;
	hidden = hidden_from_others++;
	own = 8;
	mixed.c = 5;
	bpf_trace_printk("text in a section of its own %d\n", 33, 1);
	return 0;
}
