/* Contexts that are passed in, and what comes back of them. */
#include "corpus.h"

GPL;

u64 seen[16];

SEC("tc") __accept
int skb_fields(struct __sk_buff *skb)
{
	seen[0] = skb->mark;
	seen[1] = skb->priority;
	seen[2] = skb->ifindex;
	seen[3] = skb->ingress_ifindex;
	seen[4] = skb->cb[0];
	seen[5] = skb->cb[4];
	seen[6] = skb->tstamp;
	seen[7] = skb->wire_len;
	seen[8] = skb->gso_segs;
	seen[9] = skb->gso_size;
	seen[10] = skb->len;
	seen[11] = skb->protocol;
	seen[12] = skb->pkt_type;
	seen[13] = skb->vlan_present;
	seen[14] = skb->hwtstamp;
	return TC_ACT_OK;
}

SEC("tc") __accept
int skb_fields_changed(struct __sk_buff *skb)
{
	write_once(skb->mark, skb->mark + 1);
	write_once(skb->priority, 9);
	write_once(skb->cb[1], 0x11);
	write_once(skb->cb[3], 0x33);
	write_once(skb->tc_index, 4);
	write_once(skb->tstamp, 1000);
	return TC_ACT_OK;
}

SEC("raw_tp/sys_enter") __accept
int raw_tp_arguments(struct bpf_raw_tracepoint_args *context)
{
	seen[0] = context->args[0];
	seen[1] = context->args[1];
	return context->args[0] + context->args[1];
}

SEC("syscall") __accept
int syscall_context(u64 *context)
{
	seen[0] = context[0];
	context[1] = context[0] + 1;
	return 5;
}

SEC("sk_lookup") __accept
int sk_lookup_fields(struct bpf_sk_lookup *lookup)
{
	seen[0] = lookup->family;
	seen[1] = lookup->protocol;
	seen[2] = lookup->local_port;
	seen[3] = lookup->remote_ip4;
	seen[4] = lookup->ingress_ifindex;
	return lookup->local_port == 80 ? SK_PASS : SK_DROP;
}

SEC("netfilter") __accept
int netfilter_hook(struct bpf_nf_ctx *context)
{
	struct bpf_dynptr d;
	u8 byte = 0;

	bpf_dynptr_from_skb((void *)context->skb, 0, &d);
	seen[0] = bpf_dynptr_size(&d);
	seen[1] = context->skb->len;
	seen[2] = context->state->pf;
	bpf_dynptr_read(&byte, 1, &d, 0, 0);
	seen[3] = byte;
	return NF_ACCEPT;
}

SEC("xdp") __accept
int xdp_fields(struct xdp_md *xdp)
{
	seen[0] = xdp->ingress_ifindex;
	seen[1] = xdp->rx_queue_index;
	seen[2] = xdp->data_end - xdp->data;
	seen[3] = xdp->data - xdp->data_meta;
	return XDP_PASS;
}
