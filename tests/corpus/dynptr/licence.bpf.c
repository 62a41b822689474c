/* Kernel functions want a GPL-compatible licence, the dynptr helpers do not. */
#include "corpus.h"

char _license[] SEC("license") = "Proprietary";
char globals[64];

SEC("tc") __accept
int helpers_without_gpl(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	char byte;

	bpf_dynptr_from_mem(globals, sizeof(globals), 0, &d);
	return bpf_dynptr_read(&byte, 1, &d, 0, 0);
}

SEC("tc") __reject("cannot call kernel function from non-GPL compatible program")
int kfunc_without_gpl(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	return bpf_dynptr_from_skb(skb, 0, &d);
}

SEC("tc") __reject("cannot call GPL-restricted function from non-GPL compatible program")
int gpl_helper_without_gpl(struct __sk_buff *skb)
{
	static const char format[] = "hello";

	return bpf_trace_printk(format, sizeof(format));
}
