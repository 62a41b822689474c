/* Contexts and return values of programs on packets and sockets. */
#include "corpus.h"

GPL;

SEC("tc") __accept
int tc_reads_context(struct __sk_buff *skb)
{
	return skb->len + skb->pkt_type + skb->mark + skb->queue_mapping + skb->protocol + skb->vlan_present +
	       skb->vlan_tci + skb->vlan_proto + skb->priority + skb->ingress_ifindex + skb->ifindex + skb->tc_index +
	       skb->hash + skb->tc_classid + skb->napi_id + skb->tstamp + skb->wire_len + skb->gso_segs +
	       skb->gso_size + skb->tstamp_type + skb->hwtstamp + skb->cb[0] + skb->cb[4];
}

SEC("tc") __accept
int tc_writes_context(struct __sk_buff *skb)
{
	write_once(skb->mark, 1);
	write_once(skb->priority, 2);
	write_once(skb->tc_index, 3);
	write_once(skb->cb[0], 4);
	write_once(skb->cb[4], 5);
	write_once(skb->tc_classid, 6);
	write_once(skb->tstamp, 7);
	write_once(skb->queue_mapping, 8);
	return TC_ACT_OK;
}

SEC("tc") __reject("invalid bpf_context access off=0 size=4")
int tc_writes_len(struct __sk_buff *skb)
{
	skb->len = 1;
	return TC_ACT_OK;
}

SEC("tc") __reject("invalid bpf_context access off=28 size=4")
int tc_writes_vlan_proto(struct __sk_buff *skb)
{
	skb->vlan_proto = 1;
	return TC_ACT_OK;
}

SEC("tc") __reject("invalid bpf_context access off=88 size=4")
int tc_reads_family(struct __sk_buff *skb)
{
	return skb->family;
}

SEC("tc") __accept
int tc_reads_part_of_a_field(struct __sk_buff *skb)
{
	return *(u8 *)&skb->mark + *((u8 *)&skb->len + 1) + *(u16 *)&skb->protocol;
}

SEC("tc") __reject("invalid bpf_context access off=8 size=1")
int tc_writes_part_of_a_field(struct __sk_buff *skb)
{
	*(volatile u8 *)&skb->mark = 1;
	return TC_ACT_OK;
}

SEC("tc") __reject("invalid bpf_context access off=8 size=8")
int tc_reads_two_fields_at_once(struct __sk_buff *skb)
{
	return *(volatile u64 *)&skb->mark;
}

SEC("tc") __reject("invalid bpf_context access off=192")
int tc_reads_behind_the_context(struct __sk_buff *skb)
{
	return *(volatile u32 *)((void *)skb + 192);
}

SEC("tc") __reject("invalid bpf_context access off=9 size=4")
int tc_reads_misaligned(struct __sk_buff *skb)
{
	return *(volatile u32 *)((void *)skb + 9);
}

SEC("tc") __accept
int tc_returns_anything(struct __sk_buff *skb)
{
	return skb->mark;
}

SEC("tc") __reject("variable ctx access var_off=(0x0; 0x4) disallowed")
__naked int tc_reads_at_variable_offset(void)
{
	asm volatile("					\
	r2 = *(u32 *)(r1 + 8);				\
	r2 &= 4;					\
	r1 += r2;					\
	r0 = *(u32 *)(r1 + 0);				\
	exit;						\
"	::: __clobbers);
}

SEC("action") __accept
int action_reads_context(struct __sk_buff *skb)
{
	return skb->mark ? TC_ACT_OK : TC_ACT_SHOT;
}

SEC("tcx/ingress") __accept
int tcx_reads_family_of_socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	return sk ? sk->family : -1;
}

SEC("tcx/ingress") __reject("invalid sock_common access off=16 size=4")
int tcx_reads_mark_of_unknown_socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	return sk ? sk->mark : -1;
}

SEC("tcx/egress") __accept
int tcx_reads_mark_of_full_socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return -1;
	sk = bpf_sk_fullsock(sk);
	return sk ? sk->mark : -1;
}

SEC("tc") __reject("invalid mem access 'sock_common_or_null'")
int tc_reads_socket_without_null_check(struct __sk_buff *skb)
{
	return skb->sk->family;
}

SEC("socket") __accept
int socket_reads_context(struct __sk_buff *skb)
{
	return skb->len + skb->protocol + skb->mark + skb->cb[1] + skb->ifindex;
}

SEC("socket") __accept
int socket_writes_cb(struct __sk_buff *skb)
{
	skb->cb[0] = 1;
	return 0;
}

SEC("socket") __reject("invalid bpf_context access off=8 size=4")
int socket_writes_mark(struct __sk_buff *skb)
{
	skb->mark = 1;
	return 0;
}

SEC("socket") __reject("invalid bpf_context access off=76 size=4")
int socket_reads_packet_pointer(struct __sk_buff *skb)
{
	return *(u8 *)(long)skb->data;
}

SEC("cgroup_skb/ingress") __accept
int cgroup_skb_reads_context(struct __sk_buff *skb)
{
	return (skb->len + skb->family + skb->remote_ip4 + skb->local_port + skb->mark) & 1;
}

SEC("cgroup_skb/ingress") __accept
int cgroup_skb_writes_mark(struct __sk_buff *skb)
{
	skb->mark = 1;
	return 1;
}

SEC("cgroup_skb/ingress") __reject("At program exit the register R0 has smin=2 smax=2 should have been in [0, 1]")
int cgroup_skb_ingress_returns_two(struct __sk_buff *skb)
{
	return 2;
}

SEC("cgroup_skb/egress") __accept
int cgroup_skb_egress_returns_three(struct __sk_buff *skb)
{
	return 3;
}

SEC("cgroup_skb/egress") __reject("should have been in [0, 3]")
int cgroup_skb_egress_returns_four(struct __sk_buff *skb)
{
	return 4;
}

SEC("cgroup_skb/ingress") __reject("invalid bpf_context access off=72 size=4")
int cgroup_skb_reads_tc_classid(struct __sk_buff *skb)
{
	return skb->tc_classid & 1;
}

SEC("xdp") __accept
int xdp_reads_context(struct xdp_md *xdp)
{
	return xdp->ingress_ifindex + xdp->rx_queue_index == 7 ? XDP_DROP : XDP_PASS;
}

SEC("xdp") __accept
int xdp_returns_anything(struct xdp_md *xdp)
{
	return xdp->ingress_ifindex;
}

SEC("xdp") __reject("invalid bpf_context access off=12 size=4")
int xdp_writes_context(struct xdp_md *xdp)
{
	xdp->ingress_ifindex = 1;
	return XDP_PASS;
}

SEC("xdp") __reject("invalid bpf_context access off=20 size=4")
int xdp_reads_egress_ifindex(struct xdp_md *xdp)
{
	return xdp->egress_ifindex;
}

SEC("xdp/devmap") __accept
int xdp_devmap_reads_egress_ifindex(struct xdp_md *xdp)
{
	return xdp->egress_ifindex ? XDP_PASS : XDP_DROP;
}

SEC("xdp/cpumap") __accept
int xdp_cpumap_passes(struct xdp_md *xdp)
{
	return XDP_PASS;
}

SEC("lwt_in") __accept
int lwt_in_reads_context(struct __sk_buff *skb)
{
	return skb->len + skb->mark ? BPF_OK : BPF_DROP;
}

SEC("lwt_in") __reject("invalid bpf_context access off=152 size=8")
int lwt_in_reads_tstamp(struct __sk_buff *skb)
{
	return skb->tstamp;
}

SEC("lwt_xmit") __accept
int lwt_xmit_writes_mark(struct __sk_buff *skb)
{
	write_once(skb->mark, 1);
	write_once(skb->priority, 2);
	return BPF_OK;
}

SEC("sk_skb/stream_verdict") __accept
int sk_skb_reads_context(struct __sk_buff *skb)
{
	skb->priority = 1;
	return skb->len + skb->family + skb->remote_port ? SK_PASS : SK_DROP;
}

SEC("sk_skb/stream_verdict") __reject("invalid bpf_context access off=8 size=4")
int sk_skb_reads_mark(struct __sk_buff *skb)
{
	return skb->mark;
}

SEC("sk_skb/stream_parser") __accept
int sk_skb_parser_returns_length(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("sk_msg") __accept
int sk_msg_reads_context(struct sk_msg_md *msg)
{
	char *data = msg->data, *end = msg->data_end;

	if (data + 4 > end)
		return SK_DROP;
	return msg->size + msg->family + data[3] ? SK_PASS : SK_DROP;
}

SEC("sk_msg") __reject("invalid bpf_context access off=16 size=4")
int sk_msg_writes_context(struct sk_msg_md *msg)
{
	msg->family = 1;
	return SK_PASS;
}

SEC("sk_reuseport") __accept
int sk_reuseport_reads_context(struct sk_reuseport_md *reuse)
{
	return reuse->len + reuse->hash + reuse->ip_protocol + reuse->bind_inany ? SK_PASS : SK_DROP;
}

SEC("sk_reuseport") __reject("invalid bpf_context access off=16 size=4")
int sk_reuseport_writes_context(struct sk_reuseport_md *reuse)
{
	reuse->len = 1;
	return SK_PASS;
}

SEC("sk_lookup") __accept
int sk_lookup_reads_context(struct bpf_sk_lookup *lookup)
{
	return lookup->family + lookup->protocol + lookup->local_port + lookup->remote_port + lookup->remote_ip4 ?
	       SK_PASS : SK_DROP;
}

SEC("sk_lookup") __reject("should have been in [0, 1]")
int sk_lookup_returns_two(struct bpf_sk_lookup *lookup)
{
	return 2;
}

SEC("sk_lookup") __reject("invalid bpf_context access off=36 size=4")
int sk_lookup_writes_context(struct bpf_sk_lookup *lookup)
{
	*(volatile u32 *)((void *)lookup + 36) = 1;
	return SK_PASS;
}

SEC("flow_dissector") __accept
int flow_dissector_writes_keys(struct __sk_buff *skb)
{
	struct bpf_flow_keys *keys = skb->flow_keys;

	keys->thoff = keys->nhoff + 20;
	keys->ip_proto = IPPROTO_TCP;
	return BPF_OK;
}

SEC("flow_dissector") __reject("invalid bpf_context access off=0 size=4")
int flow_dissector_reads_len(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("flow_dissector") __reject("invalid access to flow keys off=56 size=4")
int flow_dissector_writes_behind_keys(struct __sk_buff *skb)
{
	struct bpf_flow_keys *keys = skb->flow_keys;

	*(volatile u32 *)((void *)keys + 56) = 1;
	return BPF_OK;
}

SEC("netfilter") __accept
int netfilter_reads_hook_state(struct bpf_nf_ctx *context)
{
	return context->state->hook + context->skb->len ? NF_ACCEPT : NF_DROP;
}

SEC("netfilter") __reject("should have been in [0, 1]")
int netfilter_returns_two(struct bpf_nf_ctx *context)
{
	return 2;
}

SEC("netfilter") __reject("only read is supported")
int netfilter_writes_skb(struct bpf_nf_ctx *context)
{
	context->skb->len = 1;
	return NF_ACCEPT;
}
