// Traffic meter moved from tc to a cgroup hook. The hook starts at the IP header and may not
// change packets, which the code still believes.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define CG_OK 1
#define CG_DROP 0

struct meter {
	__u64 bytes;
	__u64 limit;
	__u8 tos;
	__u8 pad[7];
};

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, struct meter);
} meters SEC(".maps");

static __always_inline __u8 protocol_of(const struct bpf_dynptr *pkt)
{
	struct iphdr *ip, buf;

	ip = bpf_dynptr_slice(pkt, ETH_HLEN, &buf, sizeof(buf)); //~ link-layer-offset
	return ip ? ip->protocol : 0;
}

static __always_inline void set_class(const struct bpf_dynptr *pkt, __u8 tos)
{
	__u8 byte = tos;

	if (bpf_dynptr_write(pkt, 1, &byte, sizeof(byte), 0)) //~ write-to-read-only-dynptr
		bpf_printk("tos not set");
}

static __always_inline int account(struct meter *m, __u32 len)
{
	if (m->bytes + len > m->limit)
		return CG_DROP;
	__sync_fetch_and_add(&m->bytes, len);
	return CG_OK;
}

SEC("cgroup_skb/egress")
int meter_egress(struct __sk_buff *skb)
{
	struct meter *m = bpf_get_local_storage(&meters, 0);
	struct bpf_dynptr pkt;

	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return CG_OK;
	if (protocol_of(&pkt) == IPPROTO_ICMP)
		return CG_OK;
	if (m->tos)
		set_class(&pkt, m->tos);
	return account(m, skb->len);
}

SEC("cgroup_skb/ingress")
int meter_ingress(struct __sk_buff *skb)
{
	struct meter *m = bpf_get_local_storage(&meters, 0);
	__u8 buf[sizeof(struct udphdr)];
	struct bpf_dynptr pkt;
	struct udphdr *udp;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	udp = bpf_dynptr_slice_rdwr(&pkt, sizeof(struct iphdr), buf, sizeof(buf)); //~ slice-rdwr-not-allowed
	if (!udp)
		return CG_OK;
	if (udp->dest == bpf_htons(9))
		return CG_DROP;
	return account(m, skb->len);
}

char _license[] SEC("license") = "GPL";
