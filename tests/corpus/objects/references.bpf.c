/* Objects with reference counts: what is acquired is released once, on every path. */
#include "corpus.h"

GPL;
RINGBUF(ring, 4096);

struct kept { struct task_struct __kptr *task; };
MAP(ARRAY, kepts, u32, struct kept, 1);
struct kept_mask { struct bpf_cpumask __kptr *mask; };
MAP(HASH, kept_masks, u32, struct kept_mask, 4);

static __always_inline struct bpf_sock *lookup(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};

	return bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
}

SEC("tc") __accept
int socket_released(struct __sk_buff *skb)
{
	struct bpf_sock *sk = lookup(skb);

	if (sk)
		bpf_sk_release(sk);
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int socket_not_released(struct __sk_buff *skb)
{
	return lookup(skb) ? 1 : 0;
}

SEC("tc") __reject("R1 type=scalar expected=sock_common, sock, tcp_sock")
int socket_released_twice(struct __sk_buff *skb)
{
	struct bpf_sock *sk = lookup(skb);

	if (sk) {
		bpf_sk_release(sk);
		bpf_sk_release(sk);
	}
	return 0;
}

SEC("tc") __reject("expected=sock")
int socket_released_without_null_check(struct __sk_buff *skb)
{
	bpf_sk_release(lookup(skb));
	return 0;
}

SEC("tc") __reject("invalid mem access 'scalar'")
int socket_used_after_release(struct __sk_buff *skb)
{
	struct bpf_sock *sk = lookup(skb);

	if (!sk)
		return 0;
	bpf_sk_release(sk);
	return sk->family;
}

SEC("tc") __accept
int socket_fields_read(struct __sk_buff *skb)
{
	struct bpf_sock *sk = lookup(skb);
	int sum;

	if (!sk)
		return 0;
	sum = sk->family + sk->state + sk->src_port + sk->dst_port + sk->mark;
	bpf_sk_release(sk);
	return sum;
}

SEC("tc") __reject("cannot write into sock")
int socket_field_written(struct __sk_buff *skb)
{
	struct bpf_sock *sk = lookup(skb);

	if (!sk)
		return 0;
	sk->mark = 1;
	bpf_sk_release(sk);
	return 0;
}

SEC("tc") __accept
int tcp_socket_of_a_reference(struct __sk_buff *skb)
{
	struct bpf_sock *sk = lookup(skb);
	struct bpf_tcp_sock *tcp;
	int window = 0;

	if (!sk)
		return 0;
	tcp = bpf_tcp_sock(sk);
	if (tcp)
		window = tcp->snd_cwnd;
	bpf_sk_release(sk);
	return window;
}

SEC("tc") __reject("invalid mem access 'scalar'")
int tcp_socket_after_release(struct __sk_buff *skb)
{
	struct bpf_sock *sk = lookup(skb);
	struct bpf_tcp_sock *tcp;

	if (!sk)
		return 0;
	tcp = bpf_tcp_sock(sk);
	bpf_sk_release(sk);
	return tcp ? tcp->snd_cwnd : 0;
}

SEC("tc") __accept
int record_submitted_or_discarded(struct __sk_buff *skb)
{
	u64 *record = bpf_ringbuf_reserve(&ring, 8, 0);

	if (!record)
		return 0;
	*record = skb->mark;
	if (skb->len)
		bpf_ringbuf_submit(record, 0);
	else
		bpf_ringbuf_discard(record, 0);
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int record_leaked(struct __sk_buff *skb)
{
	u64 *record = bpf_ringbuf_reserve(&ring, 8, 0);

	if (!record)
		return 0;
	*record = 1;
	if (skb->len)
		bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("tc") __reject("invalid access to memory, mem_size=8 off=8 size=8")
int record_written_behind(struct __sk_buff *skb)
{
	u64 *record = bpf_ringbuf_reserve(&ring, 8, 0);

	if (!record)
		return 0;
	record[1] = 1;
	bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("tc") __reject("invalid mem access 'ringbuf_mem_or_null'")
int record_without_null_check(struct __sk_buff *skb)
{
	u64 *record = bpf_ringbuf_reserve(&ring, 8, 0);

	*record = 1;
	bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("tc") __reject("R1 must have zero offset when passed to release func or trusted arg to kfunc")
int record_submitted_from_its_middle(struct __sk_buff *skb)
{
	char *record = bpf_ringbuf_reserve(&ring, 8, 0);

	if (!record)
		return 0;
	bpf_ringbuf_submit(record + 4, 0);
	return 0;
}

SEC("tc") __reject("R2 is not a known constant")
int record_of_variable_size(struct __sk_buff *skb)
{
	void *record = bpf_ringbuf_reserve(&ring, skb->mark & 63, 0);

	if (record)
		bpf_ringbuf_discard(record, 0);
	return 0;
}

SEC("tp_btf/task_newtask") __accept
int task_acquired_and_released(unsigned long long *arguments)
{
	struct task_struct *task = bpf_task_acquire((void *)arguments[0]);

	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("tp_btf/task_newtask") __reject("Unreleased reference id=")
int task_acquired_and_leaked(unsigned long long *arguments)
{
	return bpf_task_acquire((void *)arguments[0]) ? 1 : 0;
}

SEC("tp_btf/task_newtask") __reject("release kernel function bpf_task_release expects refcounted PTR_TO_BTF_ID")
int task_released_without_acquire(unsigned long long *arguments)
{
	bpf_task_release((void *)arguments[0]);
	return 0;
}

SEC("tp_btf/task_newtask") __reject("R1 must be a rcu pointer")
int walked_task_acquired(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	task = bpf_task_acquire(task->last_wakee);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("tp_btf/task_newtask") __accept
int task_kept_in_map(unsigned long long *arguments)
{
	struct task_struct *task;
	struct kept *kept;
	u32 key = 0;

	kept = bpf_map_lookup_elem(&kepts, &key);
	if (!kept)
		return 0;
	task = bpf_task_acquire((void *)arguments[0]);
	if (!task)
		return 0;
	task = bpf_kptr_xchg(&kept->task, task);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("tp_btf/task_newtask") __reject("Unreleased reference id=")
int old_task_not_released_after_exchange(unsigned long long *arguments)
{
	struct task_struct *task;
	struct kept *kept;
	u32 key = 0;

	kept = bpf_map_lookup_elem(&kepts, &key);
	if (!kept)
		return 0;
	task = bpf_task_acquire((void *)arguments[0]);
	if (!task)
		return 0;
	bpf_kptr_xchg(&kept->task, task);
	return 0;
}

SEC("tp_btf/task_newtask") __reject("store to referenced kptr disallowed")
int kept_task_overwritten(unsigned long long *arguments)
{
	struct kept *kept;
	u32 key = 0;

	kept = bpf_map_lookup_elem(&kepts, &key);
	if (kept)
		*(volatile u64 *)&kept->task = 0;
	return 0;
}

SEC("tp_btf/task_newtask") __accept
int kept_task_read_under_rcu(unsigned long long *arguments)
{
	struct task_struct *task;
	struct kept *kept;
	int pid = 0;
	u32 key = 0;

	kept = bpf_map_lookup_elem(&kepts, &key);
	if (!kept)
		return 0;
	bpf_rcu_read_lock();
	task = kept->task;
	if (task)
		pid = task->pid;
	bpf_rcu_read_unlock();
	return pid;
}

SEC("tp_btf/task_newtask") __accept
int cpumask_created_and_released(unsigned long long *arguments)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();
	int is_set;

	if (!mask)
		return 0;
	bpf_cpumask_set_cpu(0, mask);
	is_set = bpf_cpumask_test_cpu(0, (void *)mask);
	bpf_cpumask_release(mask);
	return is_set;
}

SEC("tp_btf/task_newtask") __reject("Unreleased reference id=")
int cpumask_leaked(unsigned long long *arguments)
{
	return bpf_cpumask_create() ? 1 : 0;
}

SEC("tp_btf/task_newtask") __reject("Possibly NULL pointer passed to trusted arg1")
int cpumask_without_null_check(unsigned long long *arguments)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	bpf_cpumask_set_cpu(0, mask);
	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}

SEC("tp_btf/task_newtask") __accept
int cpumask_kept_in_map(unsigned long long *arguments)
{
	struct bpf_cpumask *mask;
	struct kept_mask *kept;
	u32 key = 0;

	kept = bpf_map_lookup_elem(&kept_masks, &key);
	if (!kept)
		return 0;
	mask = bpf_cpumask_create();
	if (!mask)
		return 0;
	mask = bpf_kptr_xchg(&kept->mask, mask);
	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}

SEC("tp_btf/task_newtask") __reject("expected pointer to STRUCT bpf_cpumask but R2 has a pointer to STRUCT cpumask")
int kernel_cpumask_changed(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	bpf_cpumask_set_cpu(0, (void *)task->cpus_ptr);
	return 0;
}

SEC("tp_btf/task_newtask") __accept
int cgroup_acquired_and_released(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];
	struct cgroup *cgroup = bpf_cgroup_acquire(task->cgroups->dfl_cgrp);

	if (cgroup)
		bpf_cgroup_release(cgroup);
	return 0;
}

SEC("syscall") __accept
int task_from_pid_released(void *context)
{
	struct task_struct *task = bpf_task_from_pid(1);
	int pid;

	if (!task)
		return 0;
	pid = task->pid;
	bpf_task_release(task);
	return pid;
}

SEC("tc") __accept
int connection_looked_up_and_released(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_ct_opts options = { .netns_id = -1, .l4proto = IPPROTO_TCP };
	struct nf_conn *connection;

	connection = bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &options, sizeof(options));
	if (connection)
		bpf_ct_release(connection);
	return options.error;
}

SEC("tc") __reject("Unreleased reference id=")
int connection_leaked(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_ct_opts options = { .netns_id = -1, .l4proto = IPPROTO_TCP };

	return bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &options, sizeof(options)) ? 1 : 0;
}
