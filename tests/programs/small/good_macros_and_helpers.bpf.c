// Macros, disguised comparisons and helpers of helpers: all of it is correct.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define ETH_HLEN 14
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86DD
#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ASSERT_RET(cond, ret)        \
	({                           \
		if (unlikely(!(cond))) \
			return (ret);  \
	})

#define PULL(pkt, off, type, buf)                                                   \
	({                                                                          \
		type *__p = bpf_dynptr_slice((pkt), (off), &(buf), sizeof(type));   \
		__p;                                                                \
	})

#define PULL_RW(pkt, off, buf)                                                      \
	({                                                                          \
		void *__p = bpf_dynptr_slice_rdwr(pkt, off, &(buf), sizeof(buf));   \
		if (!__p)                                                           \
			goto out;                                                   \
		(typeof(buf) *)__p;                                                 \
	})

#define PUSH(pkt, off, ptr, buf) \
	((void *)(ptr) == (void *)&(buf) ? bpf_dynptr_write(pkt, off, &(buf), sizeof(buf), 0) : 0)

// Statement expressions.
SEC("tc")
int statement_expressions(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct iphdr ip_buf, *ip;
	struct udphdr udp_buf, *udp;

	ASSERT_RET(!bpf_dynptr_from_skb(skb, 0, &pkt), TC_ACT_OK);
	ip = PULL(&pkt, ETH_HLEN, struct iphdr, ip_buf);
	ASSERT_RET(ip, TC_ACT_OK);
	ASSERT_RET(ip->protocol == IPPROTO_UDP, TC_ACT_OK);
	udp = PULL(&pkt, ETH_HLEN + ip->ihl * 4, struct udphdr, udp_buf);
	ASSERT_RET(udp != NULL, TC_ACT_SHOT);
	return udp->dest == bpf_htons(53) ? TC_ACT_SHOT : TC_ACT_OK;
}

// A macro that jumps, and one that is the whole write-back.
SEC("tc")
int jumping_macro(struct __sk_buff *skb)
{
	int ret = TC_ACT_OK;
	struct bpf_dynptr pkt;
	struct ethhdr buf, *eth;
	__u8 l4[8], (*p)[8];

	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = PULL_RW(&pkt, 0, buf);
	p = PULL_RW(&pkt, 34, l4);
	eth->h_source[5]++;
	(*p)[7] = 0;
	if (PUSH(&pkt, 0, eth, buf) || PUSH(&pkt, 34, p, l4))
		ret = TC_ACT_SHOT;
out:
	return ret;
}

static __always_inline bool is_copy(const void *p, const void *buf)
{
	return p == buf;
}

static __always_inline int put_back(struct bpf_dynptr *pkt, __u32 off, void *p, void *buf, __u32 len)
{
	if (!is_copy(p, buf))
		return 0;
	return bpf_dynptr_write(pkt, off, buf, len, 0);
}

static __always_inline int put_back2(struct bpf_dynptr *pkt, __u32 off, void *p, void *buf, __u32 len)
{
	return put_back(pkt, off, p, buf, len);
}

// The comparison is in one function, the write in another.
SEC("tc")
int helpers_of_helpers(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 buf[16], *p;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	p = bpf_dynptr_slice_rdwr(&pkt, 64, buf, sizeof(buf));
	if (unlikely(!p))
		return TC_ACT_OK;
	__builtin_memset(p, 0, 8);
	return put_back2(&pkt, 64, p, buf, sizeof(buf)) ? TC_ACT_SHOT : TC_ACT_OK;
}

// Through an alias of the buffer, with `likely`.
SEC("tc")
int buffer_alias(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct vlan_hdr vlan;
	void *backup = &vlan, *p;
	struct vlan_hdr *v;
	const __u32 len = sizeof(vlan);

	bpf_dynptr_from_skb(skb, 0, &pkt);
	v = p = bpf_dynptr_slice_rdwr(&pkt, ETH_HLEN, backup, len);
	if (!v)
		return TC_ACT_OK;
	v->h_vlan_TCI &= bpf_htons(0x0fff);
	if (likely(p != backup))
		return TC_ACT_OK;
	return bpf_dynptr_write(&pkt, ETH_HLEN, backup, len, 0) < 0 ? TC_ACT_SHOT : TC_ACT_OK;
}

// Only if something was changed.
SEC("tc")
int dirty_flag(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct ethhdr *eth, buf;
	bool dirty = false;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, &buf, sizeof(buf));
	if (!eth)
		return TC_ACT_OK;
	if (skb->mark & 1) {
		eth->h_source[0] |= 2;
		dirty = true;
	}
	if (skb->mark & 2) {
		eth->h_dest[0] |= 2;
		dirty = true;
	}
	if (dirty && eth == &buf)
		bpf_dynptr_write(&pkt, 0, &buf, sizeof(buf), 0);
	return TC_ACT_OK;
}

// The slice comes back by an output parameter, the status is the result.
static __always_inline int load(struct bpf_dynptr *pkt, __u32 off, struct tcphdr **out,
				struct tcphdr *buf)
{
	*out = bpf_dynptr_slice(pkt, off, buf, sizeof(*buf));
	if (!*out)
		return -ENODATA;
	return 0;
}

SEC("tc")
int out_parameter(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct tcphdr *tcp, buf;
	int err;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	err = load(&pkt, 34, &tcp, &buf);
	if (err)
		return err == -ENODATA ? TC_ACT_OK : TC_ACT_SHOT;
	return tcp->syn ? TC_ACT_SHOT : TC_ACT_OK;
}

// Directly if possible, else by reading and writing.
SEC("tc")
int with_fallback(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct ethhdr *eth, copy;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	eth = bpf_dynptr_slice_rdwr(&pkt, 0, NULL, sizeof(*eth));
	if (eth) {
		eth->h_source[0] |= 2;
		return TC_ACT_OK;
	}
	if (bpf_dynptr_read(&copy, sizeof(copy), &pkt, 0, 0))
		return TC_ACT_OK;
	copy.h_source[0] |= 2;
	if (bpf_dynptr_write(&pkt, 0, &copy, sizeof(copy), 0))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

// do … while with a retry on the same buffer.
SEC("tc")
int do_while(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	__u8 *p, buf[2], type = 0;
	__u32 off = 54;
	int n = 0;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	do {
		p = bpf_dynptr_slice(&pkt, off, buf, sizeof(buf));
		if (!p)
			return TC_ACT_OK;
		type = p[0];
		off += p[1] ?: 1;
	} while (type != 0 && ++n < 10);
	return type ? TC_ACT_SHOT : TC_ACT_OK;
}

struct layer {
	__u32 off;
	__u32 len;
	void *p;
	__u8 buf[40];
};

// A table of layers; each row has its own buffer.
SEC("tc")
int layer_table(struct __sk_buff *skb)
{
	struct layer layers[2] = { { .off = 0 }, { .off = ETH_HLEN } };
	struct bpf_dynptr pkt;
	struct ethhdr *eth;
	struct iphdr *ip;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	layers[0].p = bpf_dynptr_slice_rdwr(&pkt, layers[0].off, layers[0].buf, sizeof(*eth));
	layers[1].p = bpf_dynptr_slice(&pkt, layers[1].off, layers[1].buf, sizeof(*ip));
	eth = layers[0].p;
	ip = layers[1].p;
	if (!eth || !ip)
		return TC_ACT_OK;
	if (ip->ttl == 0)
		return TC_ACT_SHOT;
	eth->h_dest[0] = 2;
	if (layers[0].p == layers[0].buf)
		bpf_dynptr_write(&pkt, layers[0].off, layers[0].buf, sizeof(*eth), 0);
	return TC_ACT_OK;
}

// A function per protocol, chosen by a switch, each with buffers of its own.
static __noinline int on_tcp(struct bpf_dynptr *pkt, __u32 off)
{
	struct tcphdr *tcp, buf;

	tcp = bpf_dynptr_slice(pkt, off, &buf, sizeof(buf));
	return tcp ? tcp->rst : -1;
}

static __noinline int on_udp(struct bpf_dynptr *pkt, __u32 off)
{
	__be16 ports[2], *p;

	p = bpf_dynptr_slice(pkt, off, ports, sizeof(ports));
	return p ? p[1] == bpf_htons(53) : -1;
}

SEC("freplace/dispatch")
int dispatch(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;
	struct iphdr buf, *ip;
	int ret = 0;

	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return TC_ACT_OK;
	ip = bpf_dynptr_slice(&pkt, ETH_HLEN, &buf, sizeof(buf));
	if (!ip)
		return TC_ACT_OK;
	switch (ip->protocol) {
	case IPPROTO_TCP:
		ret = on_tcp(&pkt, ETH_HLEN + (ip->ihl << 2));
		break;
	case IPPROTO_UDP:
		ret = on_udp(&pkt, ETH_HLEN + (ip->ihl << 2));
		break;
	}
	if (ret < 0)
		return TC_ACT_SHOT;
	return ret ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
