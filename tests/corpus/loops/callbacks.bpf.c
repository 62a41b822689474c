/* Functions that helpers call back: with what, how often, and what they change for their callers. */
#include "corpus.h"

GPL;
struct prefix { u32 length; u32 address; };
struct timed { struct bpf_timer timer; u64 count; };
struct sums { u64 a; u64 b; u64 *where; };
MAP(HASH, hash, u32, u64, 8);
MAP(ARRAY, array, u32, u64, 8);
MAP(PERCPU_ARRAY, percpu_array, u32, u64, 8);
MAP(PERCPU_HASH, percpu_hash, u32, u64, 8);
MAP(LRU_HASH, lru, u32, u64, 8);
MAP(ARRAY, timeds, u32, struct timed, 1);
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 8);
	__type(key, struct prefix);
	__type(value, u64);
} trie SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} user_ring SEC(".maps");
u64 total;

static long adds(u64 index, struct sums *sums)
{
	sums->a += index;
	return 0;
}

static long counts_in_a_global(u64 index, void *context)
{
	total++;
	return 0;
}

static long stops_at_three(u64 index, struct sums *sums)
{
	sums->a = index;
	return index == 3;
}

static long sets_flag(u64 index, struct sums *sums)
{
	sums->b = 1;
	return 1;
}

static long reads_pointer_of_context(u64 index, struct sums *sums)
{
	return *sums->where > 5;
}

static long keeps_pointer_of_value(void *map, u32 *key, u64 *value, struct sums *sums)
{
	sums->where = value;
	return 0;
}

static long adds_value(void *map, u32 *key, u64 *value, struct sums *sums)
{
	sums->a += *value;
	sums->b += *key;
	return sums->a > 100;
}

static long deletes(void *map, u32 *key, u64 *value, void *context)
{
	u32 copy = *key;

	return bpf_map_delete_elem(map, &copy) ? 1 : 0;
}

static long looks_up_again(void *map, u32 *key, u64 *value, struct sums *sums)
{
	u64 *found = bpf_map_lookup_elem(map, key);

	if (found)
		sums->a += *found;
	return 0;
}

static long calls_itself(u64 index, void *context)
{
	return bpf_loop(2, calls_itself, context, 0) & 1;
}

static long writes_back_index(u64 index, u64 *slot)
{
	if (index < 8)
		slot[index] = index;
	return 0;
}

static long writes_any_index(u64 index, u64 *slot)
{
	slot[index] = index;
	return 0;
}

static long is_given_a_number(u64 index, void *context)
{
	return context == (void *)5;
}

static long reads_a_sample(struct bpf_dynptr *dynptr, struct sums *sums)
{
	u64 word = 0;

	bpf_dynptr_read(&word, sizeof(word), dynptr, 0, 0);
	sums->a += word;
	return 0;
}

static long submits_a_sample(struct bpf_dynptr *dynptr, void *context)
{
	bpf_ringbuf_submit_dynptr(dynptr, 0);
	return 0;
}

static long sees_an_area(struct task_struct *task, struct vm_area_struct *area, struct sums *sums)
{
	sums->a = area->vm_start;
	sums->b = task->pid;
	return 0;
}

static long sees_an_area_and_writes(struct task_struct *task, struct vm_area_struct *area, void *context)
{
	area->vm_start = 0;
	return 0;
}

static long sets_a_timer(u64 index, struct timed **timed)
{
	return bpf_timer_set_callback(&(*timed)->timer, (void *)counts_in_a_global) ? 1 : 0;
}

#define LOOPS(verdict, name, ...) SEC("tc") verdict int name(struct __sk_buff *skb) { struct sums sums = {}; u64 slots[8] = {}; barrier(); (void)slots; __VA_ARGS__; return sums.a; }

LOOPS(__accept, constant_count, bpf_loop(10, adds, &sums, 0))
LOOPS(__accept, count_of_zero, bpf_loop(0, adds, &sums, 0))
LOOPS(__accept, count_of_one, bpf_loop(1, adds, &sums, 0))
LOOPS(__accept, variable_count, bpf_loop(skb->mark, adds, &sums, 0))
LOOPS(__accept, count_of_a_million, bpf_loop(1 << 20, adds, &sums, 0))
LOOPS(__accept, count_too_large, return bpf_loop(1 << 24, adds, &sums, 0))
LOOPS(__accept, flags_that_are_not_zero, return bpf_loop(10, adds, &sums, 1))
LOOPS(__accept, result_is_the_number_of_rounds, return bpf_loop(10, stops_at_three, &sums, 0))
LOOPS(__accept, flag_is_not_known_behind_the_loop, bpf_loop(1, sets_flag, &sums, 0); if (!sums.b) return ((volatile u64 *)slots)[3])
LOOPS(__accept, index_set_in_the_loop, bpf_loop(1, sets_flag, &sums, 0); slots[sums.b + 7] = 1; return ((volatile u64 *)slots)[sums.b])
LOOPS(__accept, number_before_the_loop_is_forgotten, sums.a = 5; bpf_loop(1, adds, &sums, 0); if (sums.a == 5) return 1)
LOOPS(__accept, pointer_in_the_context, sums.where = slots; bpf_loop(3, reads_pointer_of_context, &sums, 0))
LOOPS(__reject("R1 invalid mem access 'scalar'"), null_in_the_context, bpf_loop(3, reads_pointer_of_context, &sums, 0))
LOOPS(__reject("R3 type=scalar expected=fp"), context_that_is_a_number, bpf_loop(3, is_given_a_number, (void *)5, 0))
LOOPS(__reject("R3 type=ctx expected=fp"), context_that_is_the_programs, bpf_loop(3, is_given_a_number, skb, 0))
LOOPS(__accept, slots_written_by_index, bpf_loop(8, writes_back_index, slots, 0); return slots[3])
LOOPS(__reject("math between fp pointer and register with unbounded min value is not allowed"), slots_written_by_any_index, bpf_loop(8, writes_any_index, slots, 0); return slots[3])
LOOPS(__reject("the call stack of 9 frames is too deep"), callback_that_calls_itself, bpf_loop(2, calls_itself, NULL, 0))
LOOPS(__accept, chosen_callback, bpf_loop(5, skb->mark ? adds : stops_at_three, &sums, 0))
LOOPS(__accept, two_loops_with_one_callback, bpf_loop(5, adds, &sums, 0); bpf_loop(6, adds, &sums, 0))
LOOPS(__accept, loop_in_a_loop_of_the_program, for (int i = 0; i < 4; i++) bpf_loop(i, adds, &sums, 0))
LOOPS(__accept, elements_of_a_hash, bpf_for_each_map_elem(&hash, adds_value, &sums, 0))
LOOPS(__accept, elements_of_an_array, bpf_for_each_map_elem(&array, adds_value, &sums, 0))
LOOPS(__accept, elements_of_this_cpu, bpf_for_each_map_elem(&percpu_array, adds_value, &sums, 0))
LOOPS(__accept, elements_of_a_hash_of_this_cpu, bpf_for_each_map_elem(&percpu_hash, adds_value, &sums, 0))
LOOPS(__accept, elements_of_an_lru, bpf_for_each_map_elem(&lru, adds_value, &sums, 0))
LOOPS(__reject("callback function not allowed for map"), elements_of_a_trie, bpf_for_each_map_elem(&trie, adds_value, &sums, 0))
LOOPS(__accept, flags_for_elements, bpf_for_each_map_elem(&hash, adds_value, &sums, 7))
LOOPS(__accept, elements_deleted, bpf_for_each_map_elem(&hash, deletes, NULL, 0))
LOOPS(__accept, elements_looked_up_again, bpf_for_each_map_elem(&hash, looks_up_again, &sums, 0))
LOOPS(__accept, pointer_to_a_value_kept, sums.where = slots; bpf_for_each_map_elem(&hash, keeps_pointer_of_value, &sums, 0); return *sums.where)
LOOPS(__reject("invalid access to map key, key_size=4 off=0 size=8"), callback_for_another_helper, bpf_for_each_map_elem(&hash, adds, &sums, 0))
LOOPS(__accept, callback_for_another_helper_that_takes_less, bpf_for_each_map_elem(&hash, counts_in_a_global, NULL, 0))
LOOPS(__accept, samples_of_the_user, bpf_user_ringbuf_drain(&user_ring, reads_a_sample, &sums, 0))
LOOPS(__reject("cannot release unowned const bpf_dynptr"), samples_given_away, bpf_user_ringbuf_drain(&user_ring, submits_a_sample, NULL, 0))
LOOPS(__accept, timer_set_in_a_callback, u32 key = 0; struct timed *t = bpf_map_lookup_elem(&timeds, &key); if (t) bpf_loop(2, sets_a_timer, &t, 0))

SEC("tp_btf/task_newtask") __accept
int area_of_a_task(unsigned long long *arguments)
{
	struct sums sums = {};

	bpf_find_vma((void *)arguments[0], arguments[1], sees_an_area, &sums, 0);
	total = sums.a;
	return 0;
}

SEC("tp_btf/task_newtask") __reject("only read is supported")
int area_of_a_task_written(unsigned long long *arguments)
{
	bpf_find_vma((void *)arguments[0], arguments[1], sees_an_area_and_writes, NULL, 0);
	return 0;
}

static __noinline int loops_below(u32 count, struct sums *sums)
{
	bpf_loop(count, adds, sums, 0);
	return sums->a > 5;
}

SEC("tc") __accept
int loop_in_a_function(struct __sk_buff *skb)
{
	struct sums sums = {};

	barrier();
	return loops_below(skb->mark, &sums) + loops_below(3, &sums);
}
