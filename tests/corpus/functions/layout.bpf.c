/* Functions, their types and their lines, as compilers and assemblers lay them out. */
#include "corpus.h"

GPL;

static __noinline __attribute__((aligned(64))) int aligned(int number)
{
	volatile int copy = number;

	return copy;
}

SEC("tc") __accept
int calls_an_aligned_function(struct __sk_buff *skb)
{
	return aligned(skb->mark);
}

/* Each number is a function of its own, two instructions long. */
#define FUNCTION(n) static __naked __noinline __attribute__((used)) int function_##n(void) { asm volatile("r0 = " #n "; exit;" ::: __clobbers); }
#define EACH(a, X) X(a##0) X(a##1) X(a##2) X(a##3) X(a##4) X(a##5) X(a##6) X(a##7)
#define EACH_8(a, X) EACH(a##0, X) EACH(a##1, X) EACH(a##2, X) EACH(a##3, X) EACH(a##4, X) EACH(a##5, X) EACH(a##6, X) EACH(a##7, X)
#define EACH_256(X) EACH_8(10, X) EACH_8(11, X) EACH_8(12, X) EACH_8(13, X)
#define CALL(n) "call function_" #n ";"
EACH_256(FUNCTION)
FUNCTION(9999)

SEC("tc") __accept
__naked int as_many_functions_as_there_may_be(void)
{
	asm volatile(
	EACH_8(10, CALL) EACH_8(11, CALL) EACH_8(12, CALL)
	EACH(130, CALL) EACH(131, CALL) EACH(132, CALL) EACH(133, CALL) EACH(134, CALL) EACH(135, CALL) EACH(136, CALL)
	CALL(1370) CALL(1371) CALL(1372) CALL(1373) CALL(1374) CALL(1375) CALL(1376)
	"exit;"	::: __clobbers);
}

SEC("tc") __reject("too many subprograms")
__naked int one_function_too_many(void)
{
	asm volatile(EACH_256(CALL) CALL(9999) "exit;" ::: __clobbers);
}

static __noinline int called_from_many_places(int number, int *out)
{
	*out = number;
	return number + 1;
}

SEC("tc") __accept
int inlined_by_hand(struct __sk_buff *skb)
{
	int out = 0, sum = 0;

	sum += called_from_many_places(1, &out);
	sum += called_from_many_places(skb->mark, &out);
	sum += called_from_many_places(out, &out);
	return sum + out;
}

struct pair { u64 a; u64 b; };

static __noinline u64 takes_a_pair(struct pair pair, u32 more)
{
	return pair.a + pair.b + more;
}

SEC("tc") __accept
int pair_in_two_registers(struct __sk_buff *skb)
{
	struct pair pair = { skb->mark, skb->len };

	return takes_a_pair(pair, 3);
}

__noinline int global_pair(struct pair pair)
{
	return pair.a + pair.b;
}

SEC("tc") __reject("is not supported yet")
int pair_to_a_global_function(struct __sk_buff *skb)
{
	struct pair pair = { skb->mark, skb->len };

	return global_pair(pair);
}


enum color { RED, GREEN };
typedef enum color color_t;
typedef const volatile color_t odd_t;

__noinline bool takes_odd_numbers(odd_t color, char small, bool flag, long wide, unsigned __int128 *big)
{
	return color == GREEN && small && flag && wide && big;
}

SEC("tc") __accept
int arguments_of_many_kinds(struct __sk_buff *skb)
{
	unsigned __int128 big = 1;

	barrier();
	return takes_odd_numbers(GREEN, 1, true, 2, &big);
}

__noinline enum color returns_an_enumeration(int number)
{
	return number & 1;
}

__noinline char returns_a_character(int number)
{
	return number;
}

__noinline void *returns_a_pointer(int number)
{
	return (void *)(long)number;
}


SEC("tc") __accept
int results_of_small_kinds(struct __sk_buff *skb)
{
	return returns_an_enumeration(skb->mark) + returns_a_character(skb->len);
}

SEC("tc") __reject("doesn't return scalar")
int result_that_is_a_pointer(struct __sk_buff *skb)
{
	return returns_a_pointer(skb->mark) ? 1 : 0;
}
