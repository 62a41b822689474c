/* A program with functions that others replace. */
#include "corpus.h"

GPL;

__noinline int decides(struct __sk_buff *skb)
{
	volatile int mark = skb->mark;

	return mark;
}

__noinline int adds(struct __sk_buff *skb, int number)
{
	volatile int sum = skb->len + number;

	return sum;
}

__noinline long pulls(struct __sk_buff *skb)
{
	return bpf_skb_pull_data(skb, 64);
}

static __noinline int hidden(struct __sk_buff *skb, long ignored)
{
	volatile int hash = skb->hash;

	return hash;
}

SEC("tc")
int dispatches(struct __sk_buff *skb)
{
	return decides(skb) + adds(skb, 3) + pulls(skb) + hidden(skb, (long)skb);
}
