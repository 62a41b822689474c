/* As many programs as a large object has, against the types of a real kernel. Measured, and compared with libbpf. */
#include "common.h"

struct mm_struct { u64 total_vm; } __core;
struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct mm_struct *mm;
	struct task_struct *real_parent;
	u32 flags;
} __core;
struct net_device { int ifindex; u32 mtu; } __core;
struct sock;
struct sk_buff {
	u32 len;
	u32 data_len;
	u16 protocol;
	u32 hash;
	struct net_device *dev;
	unsigned char *head;
	unsigned char *data;
} __core;

enum bpf_func_id___x { BPF_FUNC_ktime_get_ns___x = 5 };

struct bpf_dynptr { u64 opaque[2]; } __attribute__((aligned(8)));
struct __sk_buff { u32 len; };
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *ptr, u64 offset, void *buffer, u64 size) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern int CONFIG_HZ __kconfig __weak;
extern u32 LINUX_KERNEL_VERSION __kconfig;

struct event { u64 when; u32 pid; u32 parent; char comm[16]; };

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct event);
} events SEC(".maps");

struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

const volatile u32 sample = 3;
u64 seen, dropped;

static __noinline void count(u32 key)
{
	u64 *value = bpf_map_lookup_elem(&counters, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
	else
		dropped++;
}

static __noinline int remember(struct task_struct *task)
{
	struct event event = {};
	u32 key = task->pid;

	event.when = bpf_ktime_get_ns();
	event.pid = task->pid;
	event.parent = task->real_parent->tgid;
	if (__builtin_preserve_field_info(task->mm, 2))
		event.when += task->mm->total_vm;
	return bpf_map_update_elem(&events, &key, &event, 0);
}

__noinline int sampled(u32 key)
{
	seen++;
	count(key & 255);
	return sample && key % sample == 0;
}

#define TRACE(number)                                                                          \
	SEC("tp_btf/sched_switch")                                                             \
	int trace_##number(u64 *ctx)                                                           \
	{                                                                                      \
		struct task_struct *task = (void *)ctx[1];                                     \
                                                                                               \
		if (!sampled(task->pid + number))                                              \
			return 0;                                                              \
		if (task->flags & number || task->tgid == LINUX_KERNEL_VERSION + CONFIG_HZ)    \
			return remember(task->real_parent);                                    \
		return remember(task) + (int)task->comm[number & 15];                          \
	}

#define FILTER(number)                                                                         \
	SEC("tc")                                                                              \
	int filter_##number(struct __sk_buff *skb)                                             \
	{                                                                                      \
		struct bpf_dynptr ptr;                                                         \
		u8 buffer[number + 4] = {};                                                    \
		u8 *bytes;                                                                     \
                                                                                               \
		if (bpf_dynptr_from_skb(skb, 0, &ptr))                                         \
			return 0;                                                              \
		bytes = bpf_dynptr_slice(&ptr, number, buffer, sizeof(buffer));                \
		if (!bytes)                                                                    \
			return 0;                                                              \
		bpf_rcu_read_lock();                                                           \
		count(bytes[number] + number);                                                 \
		bpf_rcu_read_unlock();                                                         \
		return sampled(bytes[1]);                                                      \
	}

#define NETWORK(number)                                                                        \
	SEC("raw_tp/netif_receive_skb")                                                        \
	int network_##number(u64 *ctx)                                                         \
	{                                                                                      \
		struct sk_buff *skb = (void *)ctx[0];                                          \
		u64 sum = __builtin_preserve_field_info(skb->len, 0) + number;                 \
                                                                                               \
		sum += __builtin_preserve_field_info(skb->data_len, 0);                        \
		sum += __builtin_preserve_field_info(skb->protocol, 1);                        \
		sum += __builtin_preserve_field_info(skb->dev->mtu, 0);                        \
		sum += __builtin_preserve_type_info(*(struct net_device *)0, 1);               \
		sum += __builtin_preserve_enum_value(                                          \
			*(enum bpf_func_id___x *)BPF_FUNC_ktime_get_ns___x, 1);                \
		seen += sum;                                                                   \
		return sampled(sum);                                                           \
	}

#define SEVEN(M, n) M(n##0) M(n##1) M(n##2) M(n##3) M(n##4) M(n##5) M(n##6)
SEVEN(TRACE, 1) SEVEN(TRACE, 2) SEVEN(TRACE, 3)
SEVEN(FILTER, 1) SEVEN(FILTER, 2) SEVEN(FILTER, 3) SEVEN(FILTER, 4)
SEVEN(NETWORK, 1) SEVEN(NETWORK, 2) SEVEN(NETWORK, 3)
