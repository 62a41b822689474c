/* Programs that replace functions of another object. */
#include "corpus.h"

GPL;

SEC("freplace/decides")
int replaces(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("freplace/decides")
int reads_packet(struct __sk_buff *skb)
{
	char *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	return data + 14 <= end ? data[13] : 0;
}

SEC("freplace/decides")
int reads_behind_packet(struct __sk_buff *skb)
{
	char *data = (void *)(long)skb->data;

	return data[13];
}

SEC("freplace/decides")
int changes_packet(struct __sk_buff *skb)
{
	return bpf_skb_pull_data(skb, 64);
}

SEC("freplace/pulls")
long changes_packet_as_well(struct __sk_buff *skb)
{
	return bpf_skb_pull_data(skb, 128);
}

SEC("freplace/decides")
long returns_more(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("freplace/decides")
void returns_nothing(struct __sk_buff *skb)
{
}

SEC("freplace/adds")
int takes_less(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("freplace/adds")
int takes_a_long(struct __sk_buff *skb, long number)
{
	return number;
}

SEC("freplace/adds")
int takes_a_number(struct __sk_buff *skb, int number)
{
	return number;
}

SEC("freplace/decides")
int takes_another_context(struct xdp_md *ctx)
{
	return 0;
}

SEC("freplace/hidden")
int replaces_what_is_hidden(struct __sk_buff *skb, long ignored)
{
	return 0;
}

SEC("freplace/nothing")
int replaces_nothing(struct __sk_buff *skb)
{
	return 0;
}

SEC("freplace/decides")
int calls_helper_of_others(struct __sk_buff *skb)
{
	return bpf_get_retval();
}
