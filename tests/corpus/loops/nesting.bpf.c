/* Loops within loops: iterators of all kinds, callbacks, breaks and returns out of the middle. */
#include "corpus.h"

GPL;
MAP(HASH, hash, u32, u64, 8);
RINGBUF(ring, 4096);
u64 table[64];
u64 total;
u8 bytes[256];

#define each_number(index, from, to)							\
	for (struct bpf_iter_num it_##index __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))),	\
	     *p_##index __attribute__((unused)) = (bpf_iter_num_new(&it_##index, (from), (to)),	\
						   (void)bpf_iter_num_destroy, (void *)0);	\
	     ({ int *next = bpf_iter_num_next(&it_##index);				\
		(next && (index = *next, index >= (from) && index < (to))); });)

SEC("tc") __reject("The sequence of 8193 jumps is too complex.")
int breaks_out_of_the_inner_one(struct __sk_buff *skb)
{
	int i, j, sum = 0;

	each_number(i, 0, 10) {
		each_number(j, 0, 20) {
			if (j == skb->mark)
				break;
			sum += j * i;
		}
		if (sum > 1000)
			break;
	}
	return sum;
}

SEC("tc") __accept
int returns_out_of_the_inner_one(struct __sk_buff *skb)
{
	int i, j;

	each_number(i, 0, 10)
		each_number(j, 0, 20)
			if (i * j == skb->mark)
				return i;
	return -1;
}

SEC("tc") __accept
int three_deep_over_a_table(struct __sk_buff *skb)
{
	int i, j, k;
	u64 sum = 0;

	each_number(i, 0, 4)
		each_number(j, 0, 4)
			each_number(k, 0, 4)
				sum += table[(i * 16 + j * 4 + k) & 63];
	return sum;
}

SEC("tc") __accept
int continues_with_the_next(struct __sk_buff *skb)
{
	int i, sum = 0;

	each_number(i, 0, 64) {
		if (table[i & 63] & 1)
			continue;
		if (table[i & 63] & 2) {
			sum += 3;
			continue;
		}
		sum++;
	}
	return sum;
}

SEC("tc") __accept
int insertion_sort(struct __sk_buff *skb)
{
	u8 values[8];
	int i, j;

	for (int n = 0; n < 8; n++)
		values[n] = bytes[(skb->mark + n) & 255];
	each_number(i, 1, 8) {
		each_number(j, 0, 8) {
			u32 at = 7 - j;
			u8 low, high;

			if (at == 0 || at > 7)
				continue;
			low = values[at - 1];
			high = values[at];
			if (low > high) {
				values[at - 1] = high;
				values[at] = low;
			}
		}
	}
	return values[0] + values[7];
}

SEC("tc") __accept
int longest_run(struct __sk_buff *skb)
{
	int i, best = 0, run = 0;
	u8 last = 0;

	each_number(i, 0, 256) {
		u8 byte = bytes[i & 255];

		run = byte == last ? run + 1 : 1;
		last = byte;
		if (run > best)
			best = run;
	}
	return best;
}

SEC("tc") __reject("invalid access to map value, value_size=776 off=776 size=1")
int index_grows_without_bound(struct __sk_buff *skb)
{
	int i, at = 0;

	each_number(i, 0, 256) {
		bytes[at] = i;
		at++;
	}
	return 0;
}

SEC("tc") __accept
int index_grows_and_is_checked(struct __sk_buff *skb)
{
	u32 at = 0;
	int i;

	each_number(i, 0, 256) {
		if (at >= sizeof(bytes))
			break;
		bytes[at] = i;
		at++;
		barrier();
	}
	return at;
}

SEC("tc") __accept
int pointer_kept_over_rounds(struct __sk_buff *skb)
{
	u64 *value = NULL;
	int i;

	each_number(i, 0, 8) {
		u32 key = i;
		u64 *found = bpf_map_lookup_elem(&hash, &key);

		if (found && (!value || *found > *value))
			value = found;
	}
	return value ? *value : 0;
}

SEC("tc") __reject("The sequence of 8193 jumps is too complex.")
int packet_pointer_over_rounds(struct __sk_buff *skb)
{
	u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	u32 sum = 0;
	int i;

	each_number(i, 0, 64) {
		if (data + 1 > end)
			break;
		sum += *data;
		data++;
	}
	return sum;
}

SEC("tc") __accept
int record_made_in_each_round(struct __sk_buff *skb)
{
	int i;

	each_number(i, 0, 8) {
		u64 *record = bpf_ringbuf_reserve(&ring, 8, 0);

		if (!record)
			break;
		*record = i;
		if (i & 1)
			bpf_ringbuf_submit(record, 0);
		else
			bpf_ringbuf_discard(record, 0);
	}
	return 0;
}

SEC("tc") __reject("Unreleased reference id=")
int record_of_one_path_leaks_in_a_loop(struct __sk_buff *skb)
{
	int i;

	each_number(i, 0, 8) {
		u64 *record = bpf_ringbuf_reserve(&ring, 8, 0);

		if (!record)
			break;
		*record = i;
		if (i & 1)
			bpf_ringbuf_submit(record, 0);
	}
	return 0;
}

static __noinline int sums(int to)
{
	int i, sum = 0;

	each_number(i, 0, to)
		sum += i;
	return sum;
}

static __noinline int finds(struct bpf_iter_num *it)
{
	int *i;

	while ((i = bpf_iter_num_next(it)))
		if (*i == 5)
			return 1;
	return 0;
}

SEC("tc") __accept
int function_with_a_loop_called_in_a_loop(struct __sk_buff *skb)
{
	int i, sum = 0;

	each_number(i, 0, 5)
		sum += sums(i + skb->mark);
	return sum;
}

SEC("tc") __accept
int iterator_passed_to_a_function(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	int found;

	bpf_iter_num_new(&it, 0, 10);
	found = finds(&it);
	found += finds(&it);
	bpf_iter_num_destroy(&it);
	return found;
}

static long adds_in_callback(u64 index, u64 *sum)
{
	int i;

	each_number(i, 0, 8)
		*sum += i * index;
	return 0;
}

static long loops_again(u64 index, u64 *sum)
{
	bpf_loop(index & 7, adds_in_callback, sum, 0);
	return *sum > 100;
}

static long visits(void *map, u32 *key, u64 *value, u64 *sum)
{
	bpf_loop(3, loops_again, sum, 0);
	*value += *sum;
	return 0;
}

SEC("tc") __accept
int iterator_in_a_callback(struct __sk_buff *skb)
{
	u64 sum = 0;

	bpf_loop(8, adds_in_callback, &sum, 0);
	return sum;
}

SEC("tc") __accept
int callbacks_in_callbacks_in_callbacks(struct __sk_buff *skb)
{
	u64 sum = 0;

	bpf_for_each_map_elem(&hash, visits, &sum, 0);
	return sum;
}

SEC("tc") __accept
int callbacks_in_an_iterator(struct __sk_buff *skb)
{
	u64 sum = 0;
	int i;

	each_number(i, 0, 4)
		bpf_loop(i, adds_in_callback, &sum, 0);
	return sum;
}

SEC("tc") __reject("BPF program is too large. Processed 1000001 insn")
int bits_and_numbers(struct __sk_buff *skb)
{
	struct bpf_iter_bits it;
	u64 words[4] = { skb->mark, 1, 2, 3 };
	int *bit, i, sum = 0;

	bpf_iter_bits_new(&it, words, 4);
	while ((bit = bpf_iter_bits_next(&it))) {
		each_number(i, 0, 3)
			sum += *bit & 7;
		if (sum > 1000)
			break;
	}
	bpf_iter_bits_destroy(&it);
	return sum;
}

SEC("syscall") __accept
int tasks_and_their_areas(void *context)
{
	struct bpf_iter_task tasks;
	struct task_struct *task;
	u64 size = 0;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&tasks, NULL, 0);
	while ((task = bpf_iter_task_next(&tasks))) {
		struct bpf_iter_task_vma areas;
		struct vm_area_struct *area;

		bpf_iter_task_vma_new(&areas, task, 0);
		while ((area = bpf_iter_task_vma_next(&areas))) {
			size += area->vm_end - area->vm_start;
			if (size > 1 << 20)
				break;
		}
		bpf_iter_task_vma_destroy(&areas);
	}
	bpf_iter_task_destroy(&tasks);
	bpf_rcu_read_unlock();
	total = size;
	return 0;
}

SEC("syscall") __reject("R2 must be referenced or trusted")
int groups_and_their_tasks(void *context)
{
	struct bpf_iter_css groups;
	struct cgroup_subsys_state *state;
	struct cgroup *root = bpf_cgroup_from_id(1);
	u64 count = 0;

	if (!root)
		return 0;
	bpf_rcu_read_lock();
	bpf_iter_css_new(&groups, &root->self, 1);
	while ((state = bpf_iter_css_next(&groups))) {
		struct bpf_iter_css_task tasks;
		struct task_struct *task;

		bpf_iter_css_task_new(&tasks, state, 0);
		while ((task = bpf_iter_css_task_next(&tasks)))
			count += task->pid > 1;
		bpf_iter_css_task_destroy(&tasks);
	}
	bpf_iter_css_destroy(&groups);
	bpf_rcu_read_unlock();
	bpf_cgroup_release(root);
	total = count;
	return 0;
}

SEC("tp_btf/task_newtask") __reject("css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs")
int tasks_of_a_group_in_a_tracepoint(unsigned long long *arguments)
{
	struct bpf_iter_css_task tasks;
	struct cgroup *root = bpf_cgroup_from_id(1);

	if (!root)
		return 0;
	bpf_iter_css_task_new(&tasks, &root->self, 0);
	bpf_iter_css_task_destroy(&tasks);
	bpf_cgroup_release(root);
	return 0;
}

SEC("iter/task") __accept
int tasks_of_a_group_in_an_iterator(struct bpf_iter__task *context)
{
	struct bpf_iter_css_task tasks;
	struct cgroup *root = bpf_cgroup_from_id(1);
	u64 count = 0;

	if (!root)
		return 0;
	bpf_iter_css_task_new(&tasks, &root->self, 0);
	while (bpf_iter_css_task_next(&tasks))
		count++;
	bpf_iter_css_task_destroy(&tasks);
	bpf_cgroup_release(root);
	total = count;
	return 0;
}

SEC("iter/task") __accept
int threads_of_each_task(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task, *thread;
	struct bpf_iter_task threads;
	u64 count = 0;

	if (!task)
		return 0;
	bpf_iter_task_new(&threads, task, 1);
	while ((thread = bpf_iter_task_next(&threads)))
		count += thread->tgid == task->tgid;
	bpf_iter_task_destroy(&threads);
	total = count;
	return 0;
}

SEC("tc") __accept
int one_variable_for_two_loops(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	int *i, sum = 0;

	bpf_iter_num_new(&it, 0, 10);
	while ((i = bpf_iter_num_next(&it)))
		sum += *i;
	bpf_iter_num_destroy(&it);
	bpf_iter_num_new(&it, 5, skb->len);
	while ((i = bpf_iter_num_next(&it)))
		sum -= *i;
	bpf_iter_num_destroy(&it);
	return sum;
}

SEC("tc") __accept
int created_under_a_condition(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	int *i, sum = 0;

	if (skb->mark)
		bpf_iter_num_new(&it, 0, 10);
	else
		bpf_iter_num_new(&it, 10, 20);
	while ((i = bpf_iter_num_next(&it)))
		sum += *i;
	bpf_iter_num_destroy(&it);
	return sum;
}

SEC("tc") __reject("expected an initialized iter_num")
int created_on_one_path_only(struct __sk_buff *skb)
{
	struct bpf_iter_num it;

	if (skb->mark)
		bpf_iter_num_new(&it, 0, 10);
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("tc") __accept
int element_kept_behind_the_loop(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	int *i, last = 0;

	bpf_iter_num_new(&it, 0, 10);
	i = bpf_iter_num_next(&it);
	if (i)
		last = *i;
	bpf_iter_num_destroy(&it);
	return last;
}

SEC("tc") __reject("invalid mem access 'scalar'")
int element_used_behind_destruction(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	int *i;

	bpf_iter_num_new(&it, 0, 10);
	i = bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return i ? *(volatile int *)i : 0;
}
