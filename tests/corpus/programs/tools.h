/* Programs as tools have them: several features together, with loops, functions and state kept over rounds. */
#include "corpus.h"

GPL;

struct event { u64 time; u32 pid; u32 kind; char name[16]; u8 data[64]; u32 length; };
struct flow { u32 source; u32 destination; u16 source_port; u16 destination_port; u8 protocol; u8 pad[3]; };
struct counters { u64 packets; u64 bytes; u64 first; u64 last; u32 flags; };
struct bucket { struct bpf_spin_lock lock; u64 tokens; u64 updated; };
struct histogram { u32 slots[27]; };
struct rule { u32 address; u32 mask; u16 low; u16 high; u8 protocol; u8 action; u8 pad[2]; };
struct dns_header { u16 id; u16 flags; u16 questions; u16 answers; u16 authorities; u16 additional; };
struct options { u16 mss; u8 scale; u8 sack; u32 stamp; };

RINGBUF(events, 65536);
MAP(HASH, flows, struct flow, struct counters, 1024);
MAP(LRU_HASH, recent, u32, u64, 256);
MAP(ARRAY, buckets, u32, struct bucket, 64);
MAP(PERCPU_ARRAY, histograms, u32, struct histogram, 4);
MAP(ARRAY, rules, u32, struct rule, 32);
MAP(HASH, names, u64, u32, 64);
MAP(PERCPU_ARRAY, scratches, u32, struct event, 1);
const volatile u32 rule_count = 16;
const volatile u64 rate = 1000;
u64 dropped, passed;
u8 path[256];

static __always_inline u32 logarithm(u64 value)
{
	u32 result = 0;

	if (value >> 32) {
		result += 32;
		value >>= 32;
	}
	if (value >> 16) {
		result += 16;
		value >>= 16;
	}
	if (value >> 8) {
		result += 8;
		value >>= 8;
	}
	while (value > 1 && result < 63) {
		result++;
		value >>= 1;
	}
	return result;
}

static __noinline int parse_tcp_options(u8 *data, u8 *end, u32 length, struct options *options)
{
	u32 used = 0;

	for (int i = 0; i < 10; i++) {
		u8 kind, size;

		if (used >= length || data + 1 > end)
			return 0;
		kind = data[0];
		if (kind == 0)
			return 1;
		if (kind == 1) {
			data++;
			used++;
			continue;
		}
		if (data + 2 > end)
			return -1;
		size = data[1];
		if (size < 2 || size > 40 || data + size > end)
			return -1;
		if (kind == 2 && size == 4 && data + 4 <= end)
			options->mss = data[2] << 8 | data[3];
		else if (kind == 3 && size == 3 && data + 3 <= end)
			options->scale = data[2];
		else if (kind == 4)
			options->sack = 1;
		else if (kind == 8 && size == 10 && data + 10 <= end)
			options->stamp = data[2] << 24 | data[3] << 16 | data[4] << 8 | data[5];
		data += size;
		used += size;
	}
	return 2;
}

SEC("xdp") __accept
int classifies_flows(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	struct ethhdr *eth = data;
	struct flow flow = {};
	struct counters *counters, fresh = {};
	struct options options = {};
	struct iphdr *ip;
	u64 now = bpf_ktime_get_ns();
	u16 protocol;
	u32 header;

	if ((void *)(eth + 1) > end)
		return XDP_DROP;
	protocol = eth->h_proto;
	data = eth + 1;
	for (int i = 0; i < 2; i++) {
		struct vlan_hdr *vlan = data;

		if (protocol != bpf_htons(ETH_P_8021Q))
			break;
		if ((void *)(vlan + 1) > end)
			return XDP_DROP;
		protocol = vlan->h_vlan_encapsulated_proto;
		data = vlan + 1;
	}
	if (protocol != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	ip = data;
	if ((void *)(ip + 1) > end)
		return XDP_DROP;
	header = ip->ihl * 4;
	if (header < sizeof(*ip))
		return XDP_DROP;
	flow.source = ip->saddr;
	flow.destination = ip->daddr;
	flow.protocol = ip->protocol;
	data += header;
	if (ip->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = data;
		u32 length;

		if ((void *)(tcp + 1) > end)
			return XDP_DROP;
		flow.source_port = tcp->source;
		flow.destination_port = tcp->dest;
		fresh.flags = tcp->syn | tcp->ack << 1 | tcp->fin << 2 | tcp->rst << 3;
		length = tcp->doff * 4;
		if (length > sizeof(*tcp) && data + length <= end)
			fresh.flags |= parse_tcp_options(data + sizeof(*tcp), end, length - sizeof(*tcp), &options) << 8;
	} else if (ip->protocol == IPPROTO_UDP) {
		struct udphdr *udp = data;

		if ((void *)(udp + 1) > end)
			return XDP_DROP;
		flow.source_port = udp->source;
		flow.destination_port = udp->dest;
	}
	counters = bpf_map_lookup_elem(&flows, &flow);
	if (counters) {
		__sync_fetch_and_add(&counters->packets, 1);
		__sync_fetch_and_add(&counters->bytes, end - (void *)eth);
		counters->last = now;
		counters->flags |= fresh.flags;
		return counters->packets > 1000000 ? XDP_DROP : XDP_PASS;
	}
	fresh.packets = 1;
	fresh.bytes = xdp->data_end - xdp->data;
	fresh.first = fresh.last = now;
	fresh.flags |= options.sack << 4;
	bpf_map_update_elem(&flows, &flow, &fresh, BPF_NOEXIST);
	return XDP_PASS;
}

static __noinline int matches(const struct rule *rule, const struct flow *flow)
{
	if (rule->protocol && rule->protocol != flow->protocol)
		return 0;
	if ((flow->source & rule->mask) != (rule->address & rule->mask))
		return 0;
	return flow->destination_port >= rule->low && flow->destination_port <= rule->high;
}

SEC("tc") __accept
int filters_by_rules(struct __sk_buff *skb)
{
	struct flow flow = { .source = skb->hash, .destination_port = skb->priority, .protocol = skb->mark };
	int action = TC_ACT_OK;

	for (u32 i = 0; i < rule_count && i < 32; i++) {
		u32 key = i;
		struct rule *rule = bpf_map_lookup_elem(&rules, &key);

		if (!rule)
			break;
		if (!matches(rule, &flow))
			continue;
		if (rule->action == 1) {
			action = TC_ACT_SHOT;
			break;
		}
		if (rule->action == 2)
			skb->mark = i;
	}
	if (action == TC_ACT_SHOT)
		__sync_fetch_and_add(&dropped, 1);
	else
		__sync_fetch_and_add(&passed, 1);
	return action;
}

SEC("tc") __accept
int limits_the_rate(struct __sk_buff *skb)
{
	u32 key = skb->hash & 63;
	struct bucket *bucket = bpf_map_lookup_elem(&buckets, &key);
	u64 now = bpf_ktime_get_ns(), passed_time, fresh;
	int action = TC_ACT_OK;

	if (!bucket)
		return TC_ACT_OK;
	bpf_spin_lock(&bucket->lock);
	passed_time = now - bucket->updated;
	fresh = passed_time * rate / 1000000000;
	if (fresh) {
		bucket->tokens += fresh;
		if (bucket->tokens > rate)
			bucket->tokens = rate;
		bucket->updated = now;
	}
	if (bucket->tokens)
		bucket->tokens--;
	else
		action = TC_ACT_SHOT;
	bpf_spin_unlock(&bucket->lock);
	return action;
}

static __noinline u32 hash_name(u8 *name, u32 length)
{
	u32 hash = 5381;

	for (u32 i = 0; i < 64; i++) {
		if (i >= length)
			break;
		hash = hash * 33 + name[i];
	}
	return hash;
}

SEC("tc") __accept
int follows_names_of_dns(struct __sk_buff *skb)
{
	struct dns_header header;
	u32 offset = sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr);
	u8 name[64] = {};
	u64 hash = 0;
	u32 *verdict, at = 0;

	if (bpf_skb_load_bytes(skb, offset, &header, sizeof(header)) || header.questions != bpf_htons(1))
		return TC_ACT_OK;
	offset += sizeof(header);
	for (int label = 0; label < 8; label++) {
		u8 length;

		if (bpf_skb_load_bytes(skb, offset, &length, 1))
			return TC_ACT_OK;
		if (!length || length > 63)
			break;
		if (at + 1 < sizeof(name) && length < sizeof(name)) {
			u32 take = (length & 15) + 1;

			at &= 47;
			barrier();
			bpf_skb_load_bytes(skb, offset + 1, name + at, take);
			at += take;
		}
		offset += length + 1;
	}
	hash = hash_name(name, at);
	verdict = bpf_map_lookup_elem(&names, &hash);
	return verdict && *verdict ? TC_ACT_SHOT : TC_ACT_OK;
}

static __noinline int copy_name(char *to, const char *from, u32 size)
{
	u32 i;

	for (i = 0; i < 16 && i < size; i++) {
		char c = from[i];

		to[i] = c;
		if (!c)
			break;
	}
	return i;
}

SEC("tp_btf/task_newtask") __accept
int reports_tasks(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0], *parent;
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	u64 start, *seen;
	u32 pid;

	if (!event)
		return 0;
	event->time = bpf_ktime_get_ns();
	event->pid = pid = task->tgid;
	event->kind = arguments[1] & 0xff;
	event->length = copy_name(event->name, task->comm, sizeof(event->name));
	parent = task->real_parent;
	for (int depth = 0; depth < 8; depth++) {
		if (!parent || parent->pid <= 1)
			break;
		event->data[depth] = parent->tgid;
		parent = parent->real_parent;
	}
	seen = bpf_map_lookup_elem(&recent, &pid);
	start = seen ? *seen : 0;
	if (start && event->time - start < 1000000) {
		bpf_ringbuf_discard(event, BPF_RB_NO_WAKEUP);
		return 0;
	}
	bpf_map_update_elem(&recent, &pid, &event->time, BPF_ANY);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("kprobe/do_nanosleep") __accept
int measures_time(struct pt_regs *regs)
{
	u32 pid = bpf_get_current_pid_tgid(), key = 0, slot;
	u64 now = bpf_ktime_get_ns(), *start = bpf_map_lookup_elem(&recent, &pid);
	struct histogram *histogram;

	if (!start) {
		bpf_map_update_elem(&recent, &pid, &now, BPF_ANY);
		return 0;
	}
	slot = logarithm((now - *start) / 1000);
	bpf_map_delete_elem(&recent, &pid);
	histogram = bpf_map_lookup_elem(&histograms, &key);
	if (!histogram)
		return 0;
	if (slot >= 27)
		slot = 26;
	histogram->slots[slot]++;
	return 0;
}

SEC("kprobe/do_nanosleep") __accept
int collects_a_path(struct pt_regs *regs)
{
	u32 key = 0, used = 0;
	struct event *scratch = bpf_map_lookup_elem(&scratches, &key);
	u64 address = regs->di;

	if (!scratch)
		return 0;
	for (int i = 0; i < 8; i++) {
		long size;

		opaque(used);
		if (used > sizeof(scratch->data) - 16)
			break;
		size = bpf_probe_read_kernel_str(scratch->data + used, 16, (void *)address);
		if (size <= 0)
			break;
		used += size;
		address += 256;
	}
	scratch->length = used;
	bpf_ringbuf_output(&events, scratch, sizeof(*scratch), 0);
	return 0;
}

static long counts_flags(void *map, struct flow *flow, struct counters *counters, u64 *sum)
{
	if (counters->flags & 1)
		sum[0]++;
	if (counters->last - counters->first > 1000000000)
		sum[1] += counters->bytes;
	return 0;
}

SEC("syscall") __accept
int sums_flows(void *context)
{
	u64 sums[2] = {};

	bpf_for_each_map_elem(&flows, counts_flags, sums, 0);
	dropped = sums[0];
	passed = sums[1];
	return 0;
}

static __noinline u32 checksum(u8 *bytes, u32 length)
{
	u32 sum = 0;

	for (u32 i = 0; i + 1 < length && i < 254; i += 2)
		sum += bytes[i] << 8 | bytes[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static __noinline int decode(u8 c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

SEC("syscall") __accept
int decodes_text(void *context)
{
	u8 out[48];
	u32 used = 0;

	for (u32 i = 0; i < 64; i += 4) {
		int a = decode(path[i]), b = decode(path[i + 1]), c = decode(path[i + 2]), d = decode(path[i + 3]);

		if (a < 0 || b < 0 || c < 0 || d < 0)
			break;
		if (used > 45)
			break;
		out[used] = a << 2 | b >> 4;
		out[used + 1] = b << 4 | c >> 2;
		out[used + 2] = c << 6 | d;
		used += 3;
	}
	return checksum(path, used) + out[0];
}
