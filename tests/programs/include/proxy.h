// Address rewriting shared by the two ends of the service proxy.
#ifndef PROGRAMS_PROXY_H
#define PROGRAMS_PROXY_H

struct flow {
	__be32 client;
	__be32 server;
	__be16 client_port;
	__be16 server_port;
};

struct proxy_hdrs {
	struct iphdr ip;
	struct tcphdr tcp;
};

// Reads the flow of a TCP packet without IP options; 0 on success.
static __always_inline int proxy_flow(const struct bpf_dynptr *pkt, struct flow *flow)
{
	struct proxy_hdrs *h, buf;

	h = bpf_dynptr_slice(pkt, ETH_HLEN, &buf, sizeof(buf));
	if (!h)
		return -1;
	if (h->ip.version != 4 || h->ip.ihl != 5 || h->ip.protocol != IPPROTO_TCP)
		return -1;
	flow->client = h->ip.saddr;
	flow->server = h->ip.daddr;
	flow->client_port = h->tcp.source;
	flow->server_port = h->tcp.dest;
	return 0;
}

static __always_inline void proxy_fix_tcp(struct tcphdr *tcp, __be32 old_addr, __be32 new_addr,
					  __be16 old_port, __be16 new_port)
{
	tcp->check = csum_replace4(tcp->check, old_addr, new_addr);
	tcp->check = csum_replace2(tcp->check, old_port, new_port);
}

// Stores a new destination through pointers into a writable slice of both headers.
static __always_inline void proxy_set_dest(struct proxy_hdrs *h, __be32 addr, __be16 port)
{
	__be32 old_addr = h->ip.daddr;
	__be16 old_port = h->tcp.dest;

	h->ip.daddr = addr;
	h->ip.check = csum_replace4(h->ip.check, old_addr, addr);
	h->tcp.dest = port;
	proxy_fix_tcp(&h->tcp, old_addr, addr, old_port, port);
}

static __always_inline void proxy_set_source(struct proxy_hdrs *h, __be32 addr, __be16 port)
{
	__be32 old_addr = h->ip.saddr;
	__be16 old_port = h->tcp.source;

	h->ip.saddr = addr;
	h->ip.check = csum_replace4(h->ip.check, old_addr, addr);
	h->tcp.source = port;
	proxy_fix_tcp(&h->tcp, old_addr, addr, old_port, port);
}

#endif
