// Service proxy on a node's uplink: connections to a virtual address are turned to a backend,
// answers are turned back. Everything happens in XDP, also for frames in several fragments.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"
#include "../include/proxy.h"

#define MAX_BACKENDS 16

struct backend {
	__be32 addr;
	__be16 port;
	__u8 mac[ETH_ALEN];
};

struct service {
	struct backend backends[MAX_BACKENDS];
	__u32 count;
	__u32 next;
};

struct vip {
	__be32 addr;
	__be16 port;
	__u16 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct vip);
	__type(value, struct service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, struct backend);
} forward SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, struct backend);
} reverse SEC(".maps");

static __always_inline struct backend *choose(const struct flow *flow)
{
	struct vip key = { .addr = flow->server, .port = flow->server_port };
	struct service *svc;
	struct backend *be;
	__u32 i;

	be = bpf_map_lookup_elem(&forward, flow);
	if (be)
		return be;
	svc = bpf_map_lookup_elem(&services, &key);
	if (!svc || !svc->count)
		return NULL;
	i = __sync_fetch_and_add(&svc->next, 1) % svc->count;
	if (i >= MAX_BACKENDS)
		return NULL;
	return &svc->backends[i];
}

static __always_inline int remember(const struct flow *flow, const struct backend *be)
{
	struct flow back = {
		.client = be->addr,
		.server = flow->client,
		.client_port = be->port,
		.server_port = flow->client_port,
	};
	struct backend origin = { .addr = flow->server, .port = flow->server_port };

	if (bpf_map_update_elem(&forward, flow, be, BPF_ANY))
		return -1;
	return bpf_map_update_elem(&reverse, &back, &origin, BPF_ANY);
}

// The Ethernet header is another slice with a buffer of its own; the slice of the IP and TCP
// headers may stay in use meanwhile, because writes to a frame do not end slices in XDP.
static __always_inline int set_dest_mac(struct bpf_dynptr *pkt, const __u8 *mac)
{
	__u8 eth_buf[ETH_HLEN];
	struct ethhdr *eth;

	eth = bpf_dynptr_slice_rdwr(pkt, 0, eth_buf, sizeof(eth_buf));
	if (!eth)
		return -1;
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, mac, ETH_ALEN);
	if ((__u8 *)eth == eth_buf)
		return bpf_dynptr_write(pkt, 0, eth_buf, sizeof(eth_buf), 0);
	return 0;
}

SEC("xdp.frags")
int proxy_in(struct xdp_md *xdp)
{
	struct proxy_hdrs buf, *h;
	struct backend be, *found;
	struct flow flow = {};
	struct bpf_dynptr pkt;
	void *start;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	if (proxy_flow(&pkt, &flow))
		return XDP_PASS;
	found = choose(&flow);
	if (!found)
		return XDP_PASS;
	be = *found;
	if (remember(&flow, &be))
		return XDP_DROP;

	start = bpf_dynptr_slice_rdwr(&pkt, ETH_HLEN, &buf, sizeof(buf));
	if (!start)
		return XDP_DROP;
	h = start;
	proxy_set_dest(h, be.addr, be.port);
	if (set_dest_mac(&pkt, be.mac))
		return XDP_DROP;
	ipv4_dec_ttl(&h->ip);
	if (start == &buf && bpf_dynptr_write(&pkt, ETH_HLEN, start, sizeof(buf), 0))
		return XDP_DROP;
	return XDP_TX;
}

SEC("xdp.frags")
int proxy_out(struct xdp_md *xdp)
{
	struct proxy_hdrs buf, *h;
	struct flow flow = {};
	struct backend *origin;
	struct bpf_dynptr pkt;

	bpf_dynptr_from_xdp(xdp, 0, &pkt);
	if (proxy_flow(&pkt, &flow))
		return XDP_PASS;
	origin = bpf_map_lookup_elem(&reverse, &flow);
	if (!origin)
		return XDP_PASS;

	h = bpf_dynptr_slice_rdwr(&pkt, ETH_HLEN, &buf, sizeof(buf));
	if (h == &buf) {
		/* Here the buffer is the header. */
		proxy_set_source(&buf, origin->addr, origin->port);
		if (bpf_dynptr_write(&pkt, ETH_HLEN, &buf, sizeof(buf), 0))
			return XDP_DROP;
		return XDP_PASS;
	}
	if (!h)
		return XDP_DROP;
	proxy_set_source(h, origin->addr, origin->port);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
