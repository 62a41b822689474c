// Encrypts the payload of a UDP tunnel between two gateways. Keys are installed by a syscall
// program, the crypto context is kept in a map and used under RCU.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define TUNNEL_PORT 7777
#define CELL 64
#define SIV_LEN 16

extern struct bpf_crypto_ctx *bpf_crypto_ctx_create(const struct bpf_crypto_params *params,
						    u32 params__sz, int *err) __ksym;
extern struct bpf_crypto_ctx *bpf_crypto_ctx_acquire(struct bpf_crypto_ctx *ctx) __ksym;
extern void bpf_crypto_ctx_release(struct bpf_crypto_ctx *ctx) __ksym;
extern int bpf_crypto_encrypt(struct bpf_crypto_ctx *ctx, const struct bpf_dynptr *src,
			      const struct bpf_dynptr *dst,
			      const struct bpf_dynptr *siv__nullable) __ksym;
extern int bpf_crypto_decrypt(struct bpf_crypto_ctx *ctx, const struct bpf_dynptr *src,
			      const struct bpf_dynptr *dst,
			      const struct bpf_dynptr *siv__nullable) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

struct ctx_slot {
	struct bpf_crypto_ctx __kptr * ctx;
};

struct cell {
	__u8 plain[CELL];
	__u8 sealed[CELL];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ctx_slot);
} contexts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cell);
} cells SEC(".maps");

const volatile __u8 key_bytes[32];
__u64 failures;

SEC("syscall")
int install_key(void *unused)
{
	struct bpf_crypto_params params = { .type = "skcipher", .algo = "ecb(aes)", .key_len = 32 };
	struct bpf_crypto_ctx *ctx, *old;
	struct ctx_slot *slot;
	__u32 zero = 0;
	int err, i;

	for (i = 0; i < sizeof(key_bytes); i++)
		params.key[i] = key_bytes[i];
	ctx = bpf_crypto_ctx_create(&params, sizeof(params), &err);
	if (!ctx)
		return err;
	slot = bpf_map_lookup_elem(&contexts, &zero);
	if (!slot) {
		bpf_crypto_ctx_release(ctx);
		return -1;
	}
	old = bpf_kptr_xchg(&slot->ctx, ctx);
	if (old)
		bpf_crypto_ctx_release(old);
	return 0;
}

// Offset of the UDP payload if the packet belongs to the tunnel, 0 otherwise.
static __always_inline __u32 tunnel_payload(const struct bpf_dynptr *pkt)
{
	struct udphdr *udp, udp_buf;
	struct iphdr *ip, ip_buf;
	__u32 off;

	ip = bpf_dynptr_slice(pkt, ETH_HLEN, &ip_buf, sizeof(ip_buf));
	if (!ip || ip->protocol != IPPROTO_UDP || ip->ihl < 5)
		return 0;
	off = ETH_HLEN + ip->ihl * 4;
	udp = bpf_dynptr_slice(pkt, off, &udp_buf, sizeof(udp_buf));
	if (!udp || udp->dest != bpf_htons(TUNNEL_PORT))
		return 0;
	/* The gateways send without UDP checksum, since the payload changes underway. */
	if (udp->check)
		return 0;
	return off + sizeof(*udp);
}

static __always_inline int transform(struct bpf_dynptr *src, struct bpf_dynptr *dst, bool seal)
{
	struct bpf_crypto_ctx *ctx;
	struct ctx_slot *slot;
	__u32 zero = 0;
	int err = -2;

	slot = bpf_map_lookup_elem(&contexts, &zero);
	if (!slot)
		return err;
	bpf_rcu_read_lock();
	ctx = slot->ctx;
	if (ctx) {
		if (seal)
			err = bpf_crypto_encrypt(ctx, src, dst, NULL);
		else
			err = bpf_crypto_decrypt(ctx, src, dst, NULL);
	}
	bpf_rcu_read_unlock();
	return err;
}

static __always_inline int crypt_cell(struct __sk_buff *skb, bool seal)
{
	struct bpf_dynptr pkt, in, out;
	struct cell *cell;
	__u32 zero = 0, off;

	if (bpf_dynptr_from_skb(skb, 0, &pkt))
		return TC_ACT_SHOT;
	off = tunnel_payload(&pkt);
	if (!off)
		return TC_ACT_OK;
	cell = bpf_map_lookup_elem(&cells, &zero);
	if (!cell)
		return TC_ACT_SHOT;

	/* The cipher wants contiguous memory, which a packet need not be: work on a copy. */
	if (bpf_dynptr_read(cell->plain, sizeof(cell->plain), &pkt, off, 0))
		return TC_ACT_SHOT;
	bpf_dynptr_from_mem(cell->plain, sizeof(cell->plain), 0, &in);
	bpf_dynptr_from_mem(cell->sealed, sizeof(cell->sealed), 0, &out);
	if (transform(&in, &out, seal)) {
		__sync_fetch_and_add(&failures, 1);
		return TC_ACT_SHOT;
	}
	if (bpf_dynptr_write(&pkt, off, cell->sealed, sizeof(cell->sealed), BPF_F_RECOMPUTE_CSUM))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

SEC("tc")
int seal_egress(struct __sk_buff *skb)
{
	return crypt_cell(skb, true);
}

SEC("tc")
int open_ingress(struct __sk_buff *skb)
{
	return crypt_cell(skb, false);
}

char _license[] SEC("license") = "GPL";
