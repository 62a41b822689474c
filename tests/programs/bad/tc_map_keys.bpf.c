// Lookup tables keyed by header bytes. The slices are passed on where only ordinary memory
// will do.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define LOG_NAME_LEN 32

struct endpoint_addr {
	__be32 addr;
};

struct name_log {
	char name[LOG_NAME_LEN];
};

struct trace {
	__u64 where;
	__u64 when;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct endpoint_addr);
	__type(value, __u32);
} hosts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct name_log);
} log_names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct trace);
} traces SEC(".maps");

static const char module_name[] = "tc_map_keys";

static __always_inline int known_host(const struct bpf_dynptr *pkt)
{
	struct endpoint_addr *key, buf;
	__u32 *id;

	key = bpf_dynptr_slice(pkt, ETH_HLEN + offsetof(struct iphdr, saddr), &buf, sizeof(buf));
	if (!key)
		return -1;
	id = bpf_map_lookup_elem(&hosts, key); //~ slice-as-map-argument
	return id ? *id : 0;
}

// Global, so it is verified on its own with memory it may write.
__noinline int header_sum(const struct iphdr *ip)
{
	if (!ip)
		return -1;
	return ip->tot_len + ip->id + ip->ttl;
}

static __always_inline int sum(const struct bpf_dynptr *pkt)
{
	struct iphdr *ip, buf;

	ip = bpf_dynptr_slice(pkt, ETH_HLEN, &buf, sizeof(buf));
	if (!ip)
		return -1;
	return header_sum(ip); //~ read-only-slice-to-global-function
}

static __always_inline int trace_header(const struct bpf_dynptr *pkt)
{
	struct ethhdr *eth, buf;
	struct trace *t;
	__u32 zero = 0;

	t = bpf_map_lookup_elem(&traces, &zero);
	if (!t)
		return -1;
	eth = bpf_dynptr_slice(pkt, 0, &buf, sizeof(buf));
	if (!eth)
		return -1;
	t->when = bpf_ktime_get_ns();
	t->where = (__u64)eth; //~ slice-address-leaked
	return eth->h_dest[0] & 1;
}

static __always_inline int log_name(void)
{
	struct bpf_dynptr mem;
	struct name_log *log;
	__u32 zero = 0;

	log = bpf_map_lookup_elem(&log_names, &zero);
	if (!log)
		return -1;
	bpf_dynptr_from_mem(log, sizeof(*log), 0, &mem);
	if (bpf_probe_read_kernel_str_dynptr(&mem, 0, LOG_NAME_LEN, module_name)) //~ length-taken-for-status
		return -1;
	return 0;
}

SEC("tc")
int classify(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	bpf_dynptr_from_skb(skb, 0, &pkt);
	if (log_name() || trace_header(&pkt) < 0)
		return TC_ACT_OK;
	if (known_host(&pkt) > 0)
		return TC_ACT_OK;
	return sum(&pkt) < 0 ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
