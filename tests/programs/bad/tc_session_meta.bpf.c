// Session tracker: joins packets with the state of their session and with what XDP left in
// the metadata, at moments when both may be gone.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "../include/kfuncs.h"
#include "../include/packet.h"

#define SESSION_IDLE_NS (30ULL * 1000000000)

struct session {
	__u64 last;
	__u32 packets;
	__u32 flags;
	__u8 first[48];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct session);
} sessions SEC(".maps");

static __always_inline int relabel(struct bpf_dynptr *pkt)
{
	__u8 mac[ETH_ALEN] = { 0x02, 0, 0, 0, 0, 0x01 };

	return bpf_dynptr_write(pkt, 0, mac, sizeof(mac), 0);
}

static __always_inline int drop_session(__u32 id, struct session *s)
{
	struct bpf_dynptr state;

	if (bpf_dynptr_from_mem(s, sizeof(*s), 0, &state))
		return -1;
	if (bpf_map_delete_elem(&sessions, &id))
		return -1;
	return bpf_dynptr_memset(&state, 0, sizeof(*s), 0); //~ dynptr-over-deleted-element
}

// Where the session's cookie lies is part of its id: the upper half must not get lost.
static __always_inline int read_cookie(struct bpf_dynptr *pkt, __u32 id, __u32 *cookie)
{
	__u64 where = ((__u64)id << 32) | ETH_HLEN;

	return bpf_dynptr_read(cookie, sizeof(*cookie), pkt, where, 0); //~ offset-truncated
}

static __always_inline int touch(struct bpf_dynptr *pkt, __u32 id, __u64 now)
{
	struct session *s, fresh = {};

	s = bpf_map_lookup_elem(&sessions, &id);
	if (s && now - s->last > SESSION_IDLE_NS)
		return drop_session(id, s);
	if (s) {
		s->last = now;
		s->packets++;
		return 0;
	}
	fresh.last = now;
	fresh.packets = 1;
	if (bpf_dynptr_read(fresh.first, sizeof(fresh.first), pkt, 0, 0))
		return -1;
	return bpf_map_update_elem(&sessions, &id, &fresh, BPF_NOEXIST);
}

SEC("tc")
int track(struct __sk_buff *skb)
{
	struct bpf_dynptr meta, pkt;
	__u32 id = 0, cookie = 0;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	bpf_dynptr_from_skb_meta(skb, 0, &meta);
	if (bpf_dynptr_size(&meta) < sizeof(id))
		return TC_ACT_OK;
	if (relabel(&pkt))
		return TC_ACT_SHOT;
	if (bpf_dynptr_read(&id, sizeof(id), &meta, 0, 0)) //~ outdated-metadata-dynptr
		return TC_ACT_OK;
	if (read_cookie(&pkt, id, &cookie))
		return TC_ACT_OK;
	skb->mark = cookie;
	if (touch(&pkt, id, bpf_ktime_get_ns()))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
