/* Functions of the program: registers, frames, stack depth. */
#include "corpus.h"

GPL;

static __naked __attribute__((used)) int doubles(void)
{
	asm volatile("					\
	r0 = r1;					\
	r0 += r1;					\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int returns_without_value(void)
{
	asm volatile("					\
	r1 = 0;						\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int reads_r6(void)
{
	asm volatile("					\
	r0 = r6;					\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int changes_r6(void)
{
	asm volatile("					\
	r6 = 9;						\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int stores_five(void)
{
	asm volatile("					\
	*(u64 *)(r1 + 0) = 5;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int stores_its_stack_pointer(void)
{
	asm volatile("					\
	r2 = r10;					\
	*(u64 *)(r1 + 0) = r2;				\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int returns_its_stack_pointer(void)
{
	asm volatile("					\
	r0 = r10;					\
	r0 += -8;					\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int returns_its_argument(void)
{
	asm volatile("					\
	r0 = r1;					\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int uses_256_bytes(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 256) = 0;			\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int uses_272_bytes(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 272) = 0;			\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int reads_length_of_context(void)
{
	asm volatile("					\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int calls_itself(void)
{
	asm volatile("					\
	call calls_itself;				\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int level_seven(void)
{
	asm volatile("					\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int level_six(void)
{
	asm volatile("					\
	call level_seven;				\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int level_five(void)
{
	asm volatile("					\
	call level_six;					\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int level_four(void)
{
	asm volatile("					\
	call level_five;				\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int level_three(void)
{
	asm volatile("					\
	call level_four;				\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int level_two(void)
{
	asm volatile("					\
	call level_three;				\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int level_one(void)
{
	asm volatile("					\
	call level_two;					\
	exit;						\
"	:: : __clobbers);
}

static __naked __attribute__((used)) int level_zero(void)
{
	asm volatile("					\
	call level_one;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int result_of_a_function(void)
{
	asm volatile("					\
	r1 = 21;					\
	call doubles;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int argument_is_bounded_in_the_function(void)
{
	asm volatile("					\
	r1 = *(u32 *)(r1 + 0);				\
	r1 &= 3;					\
	call doubles;					\
	r1 = r10;					\
	r1 += -8;					\
	r1 += r0;					\
	*(u64 *)(r10 - 8) = 0;				\
	r0 = *(u8 *)(r1 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R1 !read_ok")
__naked int arguments_are_gone(void)
{
	asm volatile("					\
	r1 = 21;					\
	call doubles;					\
	r0 = r1;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R0 !read_ok")
__naked int result_was_never_set(void)
{
	asm volatile("					\
	call returns_without_value;			\
	r0 += 1;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R6 !read_ok")
__naked int registers_of_the_caller_are_not_those_of_the_function(void)
{
	asm volatile("					\
	r6 = 5;						\
	call reads_r6;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int registers_of_the_caller_are_kept(void)
{
	asm volatile("					\
	r6 = r1;					\
	call changes_r6;				\
	r0 = *(u32 *)(r6 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int context_is_passed_on(void)
{
	asm volatile("					\
	call reads_length_of_context;			\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("R1 invalid mem access 'scalar'")
__naked int number_is_passed_as_context(void)
{
	asm volatile("					\
	r1 = 5;						\
	call reads_length_of_context;			\
	exit;						\
"	:: : __clobbers);
}

/* What was stored is known after the call. */
SEC("socket") __accept
__naked int function_stores_into_the_stack_of_the_caller(void)
{
	asm volatile("					\
	r1 = r10;					\
	r1 += -8;					\
	call stores_five;				\
	r0 = *(u64 *)(r10 - 8);				\
	if r0 == 5 goto 1f;				\
	r0 = *(u8 *)(r0 + 0);				\
1:	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("cannot spill pointers to stack into stack frame of the caller")
__naked int function_stores_its_stack_pointer_into_the_caller(void)
{
	asm volatile("					\
	r1 = r10;					\
	r1 += -8;					\
	call stores_its_stack_pointer;			\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("cannot return stack pointer to the caller")
__naked int function_returns_its_stack_pointer(void)
{
	asm volatile("					\
	call returns_its_stack_pointer;			\
	r0 = 0;						\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int function_returns_the_context(void)
{
	asm volatile("					\
	call returns_its_argument;			\
	r0 = *(u32 *)(r0 + 0);				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int stack_of_both_fits(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 256) = 0;			\
	call uses_256_bytes;				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("combined stack size of 2 calls is")
__naked int stack_of_both_is_too_deep(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 256) = 0;			\
	call uses_272_bytes;				\
	exit;						\
"	:: : __clobbers);
}

/* They are never on the stack together. */
SEC("socket") __accept
__naked int stack_of_functions_called_in_turn(void)
{
	asm volatile("					\
	*(u64 *)(r10 - 128) = 0;			\
	call uses_256_bytes;				\
	call uses_272_bytes;				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __accept
__naked int eight_frames(void)
{
	asm volatile("					\
	call level_one;					\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("the call stack of 9 frames is too deep")
__naked int nine_frames(void)
{
	asm volatile("					\
	call level_zero;				\
	exit;						\
"	:: : __clobbers);
}

SEC("socket") __reject("the call stack of 9 frames is too deep")
__naked int recursion(void)
{
	asm volatile("					\
	call calls_itself;				\
	exit;						\
"	:: : __clobbers);
}
