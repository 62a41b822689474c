// Mistakes with records: reserving, releasing, copying and filling them.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#define TC_ACT_OK 0
#define TC_ACT_SHOT 2
#define ETH_HLEN 14

struct tag { __u16 kind; __u16 len; __u32 id; };
struct rec { __u64 ts; __u32 pid; __u32 len; char data[48]; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); } log_rb SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32); __type(value, struct rec); } recs SEC(".maps");

struct job { struct bpf_dynptr rec; __u32 n; };

SEC("tp/sched/sched_switch")
int leaves_in_loop(void *ctx)
{
	struct bpf_dynptr d;
	__u32 i, v;

	bpf_ringbuf_reserve_dynptr(&log_rb, 64, 0, &d);
	for (i = 0; i < 4; i++) {
		v = bpf_get_prandom_u32();
		if (bpf_dynptr_write(&d, i * 16, &v, sizeof(v), 0))
			return 1; //~ dynptr-not-released
	}
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}
static __always_inline void finish(struct job *j)
{
	bpf_ringbuf_submit_dynptr(&j->rec, 0);
}
SEC("tp/sched/sched_switch")
int finished_already(void *ctx)
{
	struct job j = {};
	struct rec r = {};

	bpf_ringbuf_reserve_dynptr(&log_rb, sizeof(r), 0, &j.rec);
	if (bpf_dynptr_write(&j.rec, 0, &r, sizeof(r), 0))
		j.n = 1;
	finish(&j);
	if (j.n)
		bpf_ringbuf_discard_dynptr(&j.rec, 0); //~ dynptr-released-twice
	return 0;
}
SEC("tp/sched/sched_switch")
int late_write(void *ctx)
{
	struct bpf_dynptr d;
	struct rec r = {};

	if (bpf_ringbuf_reserve_dynptr(&log_rb, sizeof(r), 0, &d))
		goto out;
	if (bpf_dynptr_write(&d, 0, &r, sizeof(r), 0))
		goto out;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return bpf_dynptr_write(&d, 0, &r, 8, 0); //~ dynptr-used-after-release
out:
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}
SEC("tc")
int late_read(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	struct rec *r;

	if (bpf_ringbuf_reserve_dynptr(&log_rb, sizeof(*r), 0, &d)) {
		bpf_ringbuf_discard_dynptr(&d, 0);
		return 0;
	}
	r = bpf_dynptr_slice_rdwr(&d, 0, NULL, sizeof(*r));
	if (!r) {
		bpf_ringbuf_discard_dynptr(&d, 0);
		return 0;
	}
	__builtin_memset(r, 0, sizeof(*r));
	bpf_ringbuf_submit_dynptr(&d, 0);
	return r->len; //~ slice-used-after-release
}
static __noinline int abandon(struct bpf_dynptr *d)
{
	struct bpf_dynptr other;

	bpf_dynptr_clone(d, &other);
	bpf_ringbuf_discard_dynptr(&other, 0);
	return 0;
}
SEC("tp/sched/sched_switch")
int abandoned(void *ctx)
{
	struct bpf_dynptr d;

	if (bpf_ringbuf_reserve_dynptr(&log_rb, 32, 0, &d)) {
		bpf_ringbuf_discard_dynptr(&d, 0);
		return 0;
	}
	abandon(&d);
	return bpf_dynptr_write(&d, 0, "gone", 4, 0); //~ clone-released-elsewhere
}
SEC("tp/sched/sched_switch")
int trims(void *ctx)
{
	struct bpf_dynptr d;
	struct rec r = {};

	if (bpf_ringbuf_reserve_dynptr(&log_rb, sizeof(r), 0, &d) || bpf_dynptr_write(&d, 0, &r, sizeof(r), 0) ||
	    bpf_dynptr_adjust(&d, 0, 16)) {
		bpf_ringbuf_discard_dynptr(&d, 0);
		return 0;
	}
	bpf_ringbuf_submit_dynptr(&d, 0); //~ record-not-shortened
	return 0;
}
SEC("tp/sched/sched_switch")
int reserves_again(void *ctx)
{
	struct bpf_dynptr d;

	if (bpf_ringbuf_reserve_dynptr(&log_rb, 128, 0, &d))
		bpf_ringbuf_reserve_dynptr(&log_rb, 16, 0, &d); //~ referenced-dynptr-overwritten
	bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}
__noinline int give_back(struct bpf_dynptr *d)
{
	bpf_ringbuf_discard_dynptr(d, 0); //~ release-in-global-function
	return 0;
}
SEC("tp/sched/sched_switch")
int made_on_one_path(struct trace_event_raw_sched_switch *ctx)
{
	struct bpf_dynptr view;
	__u32 key = 0, v;
	struct rec *r = bpf_map_lookup_elem(&recs, &key);

	if (r && bpf_dynptr_from_mem(r, sizeof(*r), 0, &view))
		return 0;
	if (bpf_dynptr_read(&v, sizeof(v), &view, 0, 0)) //~ uninitialised-dynptr
		return 0;
	return v;
}
SEC("tc")
int by_assignment(struct __sk_buff *skb)
{
	struct job j;
	struct bpf_dynptr pkt;
	__u32 v;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	j.rec = pkt; //~ dynptr-copied
	if (bpf_dynptr_read(&v, sizeof(v), &pkt, 0, 0))
		return TC_ACT_SHOT;
	return v & 1;
}
static struct bpf_dynptr shared;
SEC("tc")
int global_dynptr(struct __sk_buff *skb)
{
	return bpf_dynptr_from_skb(skb, 0, &shared) ? TC_ACT_SHOT : TC_ACT_OK; //~ dynptr-not-on-stack
}
SEC("tp/sched/sched_switch")
int over_local(void *ctx)
{
	struct bpf_dynptr view;
	struct rec r = {};
	__u32 v;

	if (bpf_dynptr_from_mem(r.data, sizeof(r.data), 0, &view)) //~ dynptr-from-stack-memory
		return 0;
	return bpf_dynptr_read(&v, sizeof(v), &view, 0, 0);
}
SEC("tc")
int clears_handle(struct __sk_buff *skb)
{
	struct bpf_dynptr pkt;

	bpf_dynptr_from_skb(skb, 0, &pkt);
	__builtin_memset(&pkt, 0, sizeof(pkt)); //~ dynptr-overwritten
	return bpf_dynptr_size(&pkt) > 64;
}
SEC("tc")
int partly_filled(struct __sk_buff *skb)
{
	struct bpf_dynptr d;
	__u32 n = skb->len, head = 1;

	if (bpf_ringbuf_reserve_dynptr(&log_rb, n, 0, &d) || bpf_dynptr_write(&d, 0, &head, sizeof(head), 0)) {
		bpf_ringbuf_discard_dynptr(&d, 0);
		return TC_ACT_OK;
	}
	bpf_ringbuf_submit_dynptr(&d, 0); //~ record-not-filled
	return TC_ACT_OK;
}
SEC("fentry.s/do_exit")
int string_length(void *ctx)
{
	struct bpf_dynptr view;
	__u32 key = 0;
	struct rec *r = bpf_map_lookup_elem(&recs, &key);

	if (!r)
		return 0;
	bpf_dynptr_from_mem(r->data, sizeof(r->data), 0, &view);
	if (bpf_probe_read_user_str_dynptr(&view, 0, 32, ctx)) //~ length-taken-for-status
		return 1;
	return 0;
}
SEC("fentry/do_exit")
int deleted_below(void *ctx)
{
	struct bpf_dynptr view;
	__u32 key = 3;
	struct rec *r = bpf_map_lookup_elem(&recs, &key);

	if (!r)
		return 0;
	bpf_dynptr_from_mem(r, sizeof(*r), 0, &view);
	bpf_map_delete_elem(&recs, &key);
	return bpf_dynptr_write(&view, 0, &key, sizeof(key), 0); //~ dynptr-over-deleted-element
}
SEC("fentry.s/do_exit")
int too_new(struct file *file)
{
	struct bpf_dynptr contents;

	bpf_dynptr_from_file(file, 0, &contents); //~ not-in-target-kernel
	bpf_dynptr_file_discard(&contents); //~ not-in-target-kernel
	return 0;
}
