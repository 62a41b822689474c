/* Flow of control, hashing, text: programs whose result is a number. */
#include "corpus.h"

GPL;

long results[16];
u64 total;
char text[32];

int second_of_two(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, 4);
	__array(values, int (void *));
} programs SEC(".maps") = { .values = { [1] = (void *)&second_of_two } };

static long sums(u64 index, u64 *context)
{
	*context += index;
	return index == 49;
}

SEC("tc") __accept
int sum_by_loop_helper(struct __sk_buff *skb)
{
	u64 sum = 0;

	results[0] = bpf_loop(10, sums, &sum, 0);
	results[1] = sum;
	results[2] = bpf_loop(100, sums, &sum, 0);
	results[3] = sum;
	results[4] = bpf_loop(1, sums, &sum, 1);
	results[5] = bpf_loop((1 << 23) + 1, sums, &sum, 0);
	return TC_ACT_OK;
}

SEC("tc") __accept
int sum_by_iterator(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	int *i;

	results[0] = bpf_iter_num_new(&it, -3, 5);
	while ((i = bpf_iter_num_next(&it)))
		total = total * 10 + *i;
	bpf_iter_num_destroy(&it);
	results[1] = bpf_iter_num_new(&it, 5, 5);
	results[2] = bpf_iter_num_next(&it) ? 1 : 0;
	bpf_iter_num_destroy(&it);
	results[3] = bpf_iter_num_new(&it, 5, 4);
	bpf_iter_num_destroy(&it);
	return TC_ACT_OK;
}

SEC("tc") __accept
int bits_of_words(struct __sk_buff *skb)
{
	struct bpf_iter_bits it;
	u64 words[2] = { 0x8000000000000001, 0x10 };
	int *bit;

	results[0] = bpf_iter_bits_new(&it, words, 2);
	while ((bit = bpf_iter_bits_next(&it)))
		total = total * 1000 + *bit;
	bpf_iter_bits_destroy(&it);
	return TC_ACT_OK;
}

SEC("tc") __accept
int second_of_two(struct __sk_buff *skb)
{
	results[1] = skb->mark;
	return 22;
}

SEC("tc") __accept
int first_of_two(struct __sk_buff *skb)
{
	results[0] = 1;
	skb->mark = 5;
	bpf_tail_call(skb, &programs, 0);
	results[0] = 2;
	bpf_tail_call(skb, &programs, 9);
	results[0] = 3;
	bpf_tail_call(skb, &programs, 1);
	results[0] = 4;
	return 11;
}

static __noinline u32 twice(u32 number)
{
	return number * 2;
}

__noinline int thrice(int number)
{
	return twice(number) + number;
}

SEC("tc") __accept
int calls(struct __sk_buff *skb)
{
	return thrice(skb->mark) + twice(skb->len);
}

SEC("tc") __accept
int throws(struct __sk_buff *skb)
{
	results[0] = 1;
	if (skb->mark == 1)
		bpf_throw(33);
	results[0] = 2;
	return 44;
}

SEC("xdp") __accept
int fnv_of_packet(struct xdp_md *xdp)
{
	u8 *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	u64 hash = 0xcbf29ce484222325;

	for (int i = 0; i < 200; i++) {
		if (data + i + 1 > end)
			break;
		hash = (hash ^ data[i]) * 0x100000001b3;
	}
	total = hash;
	return XDP_PASS;
}

#define ROL(word, by) ((word) << (by) | (word) >> (32 - (by)))

SEC("tc") __accept
int jenkins_of_words(struct __sk_buff *skb)
{
	u32 a = 0xdeadbeef + skb->len, b = a + skb->protocol, c = b + skb->mark;

	a -= c, a ^= ROL(c, 4), c += b;
	b -= a, b ^= ROL(a, 6), a += c;
	c -= b, c ^= ROL(b, 8), b += a;
	a -= c, a ^= ROL(c, 16), c += b;
	b -= a, b ^= ROL(a, 19), a += c;
	c -= b, c ^= ROL(b, 4), b += a;
	return c;
}

SEC("tc") __accept
int adler_through_dynptr(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	u32 a = 1, b = 0;
	u8 chunk[16];

	bpf_dynptr_from_skb(skb, 0, &d);
	for (u32 at = 0; at < 256; at += sizeof(chunk)) {
		if (bpf_dynptr_read(chunk, sizeof(chunk), &d, at, 0))
			break;
		for (int i = 0; i < 16; i++) {
			a = (a + chunk[i]) % 65521;
			b = (b + a) % 65521;
		}
	}
	return b << 16 | a;
}

SEC("tc") __accept
int text_handled(struct __sk_buff *skb)
{
	static const char format[] = "%d-%x-%s", name[] = "eth0";
	u64 arguments[3];
	char copy[8] = "-17 x";
	unsigned long number = 0;
	long signed_number = 0;

	arguments[0] = (u64)-5;
	arguments[1] = 255;
	arguments[2] = (long)name;
	results[0] = bpf_snprintf(text, sizeof(text), format, arguments, sizeof(arguments));
	results[1] = bpf_strtol(copy, sizeof(copy), 10, &signed_number);
	results[2] = signed_number;
	results[3] = bpf_strtoul(copy, sizeof(copy), 10, &number);
	results[4] = bpf_strncmp(copy, 3, name);
	results[5] = bpf_strlen(text);
	results[6] = bpf_strchr(text, 'f');
	results[7] = bpf_strcmp(text, name);
	results[8] = bpf_strstr(text, name);
	results[9] = bpf_strrchr(text, 'e');
	results[10] = bpf_strspn(text, "-5");
	return TC_ACT_OK;
}

SEC("tc") __accept
int atomics(struct __sk_buff *skb)
{
	total = 0xf0;
	results[0] = __sync_fetch_and_add(&total, 5);
	results[1] = __sync_fetch_and_or(&total, 0xf00);
	results[2] = __sync_fetch_and_and(&total, 0xff);
	results[3] = __sync_fetch_and_xor(&total, 0xffff);
	results[4] = __sync_lock_test_and_set(&total, 9);
	results[5] = __sync_val_compare_and_swap(&total, 9, 10);
	results[6] = __sync_val_compare_and_swap(&total, 9, 11);
	return total;
}
