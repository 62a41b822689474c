/* What programs ask the kernel. Each program returns 0, or the number of the first step that went wrong. */
#include "corpus.h"

GPL;
#define step(number, condition) if (!(condition)) return number

SEC("tc")
int routes(struct __sk_buff *skb)
{
	struct bpf_fib_lookup ask = { .family = 2, .ifindex = 1, .tot_len = 100, .ipv4_dst = 0x0702000a };

	step(1, bpf_fib_lookup(skb, &ask, sizeof(ask) - 1, 0) == -22);
	step(2, bpf_fib_lookup(skb, &ask, sizeof(ask), 0x40) == -22);
	step(3, bpf_fib_lookup(skb, &ask, sizeof(ask), 0) == 0);
	step(4, ask.ifindex == 5 && ask.ipv4_dst == 0x0100000a && ask.tot_len == 1500);
	step(5, ask.smac[0] == 2 && ask.dmac[5] == 9);
	ask.ipv4_dst = 0x0703000a;
	step(6, bpf_fib_lookup(skb, &ask, sizeof(ask), 0) == 7);
	step(7, bpf_fib_lookup(skb, &ask, sizeof(ask), 4) == 0 && ask.ifindex == 6);
	ask.ipv4_dst = 0x0703000b;
	step(8, bpf_fib_lookup(skb, &ask, sizeof(ask), 0) == 4);
	ask.ipv4_dst = 0x0702000a;
	ask.tot_len = 1501;
	step(9, bpf_fib_lookup(skb, &ask, sizeof(ask), 0) == 8 && ask.tot_len == 1500);
	ask.family = 3;
	step(10, bpf_fib_lookup(skb, &ask, sizeof(ask), 0) == -97);
	ask.family = 10;
	ask.ifindex = 0;
	step(11, bpf_fib_lookup(skb, &ask, sizeof(ask), 0) == -19);
	return 0;
}

static u64 port_of(struct __sk_buff *skb, u16 from, u16 to, u64 namespace)
{
	struct bpf_sock_tuple tuple = {};
	u64 found = 0;

	tuple.ipv4.saddr = 0x0100000a;
	tuple.ipv4.daddr = 0x0200000a;
	tuple.ipv4.sport = __builtin_bswap16(from);
	tuple.ipv4.dport = __builtin_bswap16(to);
	struct bpf_sock *sock = bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), namespace, 0);
	if (sock) {
		found = (u64)sock->state << 32 | sock->src_port << 16 | __builtin_bswap16(sock->dst_port);
		bpf_sk_release(sock);
	}
	return found;
}

SEC("tc")
int sockets(struct __sk_buff *skb)
{
	step(1, port_of(skb, 1000, 80, -1) == (1ULL << 32 | 80 << 16 | 1000));
	step(2, port_of(skb, 1001, 80, -1) == (10ULL << 32 | 80 << 16));
	step(3, port_of(skb, 1000, 81, -1) == 0);
	step(4, port_of(skb, 1000, 80, 0) == 0);
	return 0;
}

SEC("tc")
int prints(struct __sk_buff *skb)
{
	static const char numbers[] = "%d|%5u|0x%llx";
	static const char refused[] = "%#llx";
	static const char texts[] = "%pI4 %s";
	static const char text[] = "end";
	u32 address = 0x0100000a;
	u64 arguments[] = { (u64)&address, (u64)text };

	step(1, bpf_trace_printk(numbers, sizeof(numbers), -1, 7, 255) == 13);
	step(2, bpf_trace_vprintk(texts, sizeof(texts), arguments, sizeof(arguments)) == 12);
	step(3, bpf_trace_vprintk(texts, sizeof(texts), arguments, 7) == -22);
	/* Not among the flags that the kernel takes. */
	step(4, bpf_trace_printk(refused, sizeof(refused), 255) == -22);
	return 0;
}
