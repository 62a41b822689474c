/* A map cannot keep what the kernel does not know to give back: it refuses the types of the whole object. */
#include "corpus.h"

GPL;
struct connection { struct nf_conn __kptr *kept; u64 count; };
struct loose { struct nf_conn __kptr_untrusted *kept; u64 count; };
MAP(HASH, connections, u32, struct connection, 8);
MAP(HASH, looses, u32, struct loose, 8);
MAP(HASH, plain, u32, u64, 8);

SEC("tc") __reject("map 'connections' has to have BTF in order to use bpf_kptr_xchg")
int connection_kept(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_ct_opts options = { .netns_id = -1, .l4proto = IPPROTO_TCP };
	struct connection *c;
	struct nf_conn *ct;
	u32 key = 0;

	c = bpf_map_lookup_elem(&connections, &key);
	if (!c)
		return 0;
	ct = bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &options, sizeof(options));
	if (!ct)
		return 0;
	ct = bpf_kptr_xchg(&c->kept, ct);
	if (ct)
		bpf_ct_release(ct);
	return 0;
}

SEC("tc") __reject("R1 invalid mem access 'scalar'")
int loose_pointer_read(struct __sk_buff *skb)
{
	u32 key = 0;
	struct loose *c = bpf_map_lookup_elem(&looses, &key);
	struct nf_conn *ct;

	if (!c)
		return 0;
	ct = c->kept;
	return ct ? ct->status : 0;
}

SEC("tc") __accept
int plain_map_beside_it(struct __sk_buff *skb)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&plain, &key) ? 1 : 0;
}
