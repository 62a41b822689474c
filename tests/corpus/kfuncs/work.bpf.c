/* Work for later: timers, work queues and work of tasks, and the callbacks they run. */
#define bpf_task_work bpf_task_work___declared
#include "corpus.h"
#undef bpf_task_work

GPL;
struct bpf_task_work { __u64 __opaque; } __attribute__((aligned(8)));
typedef int task_callback(struct bpf_map *map, void *key, void *value);
extern int bpf_task_work_schedule_signal_impl___typed(struct task_struct *task, struct bpf_task_work *tw, void *map__map, task_callback *callback, void *aux__prog) __ksym __weak;
extern int bpf_task_work_schedule_resume_impl___typed(struct task_struct *task, struct bpf_task_work *tw, void *map__map, task_callback *callback, void *aux__prog) __ksym __weak;
struct worked { u64 before; struct bpf_wq work; u64 count; };
struct timed { struct bpf_timer timer; u64 count; };
struct tasked { struct bpf_task_work work; u64 count; };
struct item { struct bpf_wq work; u64 value; };
struct all { struct bpf_timer timer; struct bpf_wq wq; struct bpf_task_work work; u64 count; };

MAP(ARRAY, workeds, u32, struct worked, 2);
MAP(ARRAY, other_workeds, u32, struct worked, 2);
MAP(HASH, timeds, u32, struct timed, 2);
MAP(ARRAY, taskeds, u32, struct tasked, 2);
MAP(ARRAY, other_taskeds, u32, struct tasked, 2);
MAP(ARRAY, alls, u32, struct all, 2);
MAP(ARRAY, plain, u32, u64, 2);
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 64);
} untyped SEC(".maps");
struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct worked);
} inner_a SEC(".maps"), inner_b SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { &inner_a, &inner_b } };
struct inner_tasked {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct tasked);
} tasked_a SEC(".maps"), tasked_b SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner_tasked);
} outer_tasked SEC(".maps") = { .values = { &tasked_a, &tasked_b } };

#define LOOKUP(map, type, name)				\
	u32 key = 0;					\
	struct type *name = bpf_map_lookup_elem(&map, &key);	\
							\
	if (!name)					\
		return 0;
#define set_callback(work, function) bpf_wq_set_callback_impl(work, function, 0, NULL)

static int counts(void *map, int *key, void *value)
{
	((struct worked *)value)->count++;
	return 0;
}

static int sleeps(void *map, int *key, void *value)
{
	u64 word = 0;

	bpf_copy_from_user(&word, sizeof(word), (void *)word);
	return 0;
}

static int returns_one(void *map, int *key, void *value)
{
	return 1;
}

static int starts_itself_again(void *map, int *key, void *value)
{
	struct worked *worked = value;

	bpf_wq_start(&worked->work, 0);
	return 0;
}

static int sets_itself_again(void *map, int *key, void *value)
{
	struct worked *worked = value;

	bpf_wq_set_callback_impl(&worked->work, sets_itself_again, 0, NULL);
	return 0;
}

static int fires_and_starts_again(void *map, u32 *key, struct timed *timed)
{
	bpf_timer_start(&timed->timer, 1000, 0);
	timed->count++;
	return 0;
}

static int fires_and_sleeps(void *map, u32 *key, struct timed *timed)
{
	u64 word = 0;

	bpf_copy_from_user(&word, sizeof(word), (void *)word);
	return 0;
}

static int fires_and_loops(void *map, u32 *key, struct timed *timed)
{
	struct bpf_iter_num it;
	int *i;

	bpf_iter_num_new(&it, 0, 100);
	while ((i = bpf_iter_num_next(&it)))
		timed->count += *i;
	bpf_iter_num_destroy(&it);
	return 0;
}

static int fires_and_leaks(void *map, u32 *key, struct timed *timed)
{
	bpf_rcu_read_lock();
	return 0;
}

static int fires_and_reads_behind(void *map, u32 *key, struct timed *timed)
{
	return ((volatile u64 *)timed)[3] & 0;
}

static int task_works(struct bpf_map *map, void *key, void *value)
{
	((struct tasked *)value)->count++;
	return 5;
}

static int task_works_and_sleeps(struct bpf_map *map, void *key, void *value)
{
	u64 word = 0;

	bpf_copy_from_user(&word, sizeof(word), (void *)word);
	return 0;
}

#define WORKS(verdict, name, ...) \
	SEC("tc") verdict int name(struct __sk_buff *skb) { LOOKUP(workeds, worked, w) __VA_ARGS__; return 0; }

WORKS(__accept, initialised_set_and_started, bpf_wq_init(&w->work, &workeds, 0); set_callback(&w->work, counts); bpf_wq_start(&w->work, 0))
WORKS(__accept, started_before_it_is_initialised, bpf_wq_start(&w->work, 0); bpf_wq_init(&w->work, &workeds, 0))
WORKS(__accept, callback_sleeps, set_callback(&w->work, sleeps))
WORKS(__reject("should have been in [0, 0]"), callback_returns_one, set_callback(&w->work, returns_one))
WORKS(__accept, callback_starts_itself_again, set_callback(&w->work, starts_itself_again))
WORKS(__accept, callback_sets_itself_again, set_callback(&w->work, sets_itself_again))
WORKS(__reject("workqueue pointer in R1 map_uid="), another_map, bpf_wq_init(&w->work, &other_workeds, 0))
WORKS(__reject("pointer in R2 isn't map pointer"), no_map, bpf_wq_init(&w->work, &key, 0))
WORKS(__reject("off 0 doesn't point to 'struct bpf_wq' that is at 8"), wrong_offset, bpf_wq_start((void *)w, 0))
WORKS(__reject("doesn't point to a map value"), work_on_the_stack, u64 bytes[2] = {}; barrier(); bpf_wq_start((void *)bytes, 0))
WORKS(__reject("expected pointer to func"), callback_is_data, set_callback(&w->work, (void *)&key))
WORKS(__accept, flags_are_a_pointer, bpf_wq_start(&w->work, (u64)w))
WORKS(__accept, set_in_a_loop, for (int i = 0; i < 5; i++) set_callback(&w->work, counts))
WORKS(__reject("bpf_wq cannot be accessed directly by load/store"), work_written_directly, *(volatile u64 *)&w->work = 0)
WORKS(__accept, two_callbacks, if (skb->mark) set_callback(&w->work, counts); else set_callback(&w->work, sleeps))

SEC("tc") __reject("doesn't have constant offset")
int work_at_a_variable_offset(struct __sk_buff *skb)
{
	u64 offset = skb->mark & 8;
	LOOKUP(workeds, worked, w)

	opaque(offset);
	return bpf_wq_start((void *)w + offset, 0);
}

SEC("tc") __reject("map 'plain' has no valid bpf_wq")
int work_in_a_plain_value(struct __sk_buff *skb)
{
	u32 key = 0;
	u64 *value = bpf_map_lookup_elem(&plain, &key);

	return value ? bpf_wq_start((void *)value, 0) : 0;
}

SEC("tc") __reject("map 'untyped' has to have BTF in order to use bpf_wq")
int work_in_an_untyped_value(struct __sk_buff *skb)
{
	u32 key = 0;
	u64 *value = bpf_map_lookup_elem(&untyped, &key);

	return value ? bpf_wq_start((void *)value, 0) : 0;
}

SEC("tc") __reject("workqueue pointer in R1 map_uid=")
int work_of_one_inner_map_and_another(struct __sk_buff *skb)
{
	u32 key = 0, other = 1;
	void *one = bpf_map_lookup_elem(&outer, &key), *two;
	struct worked *w;

	if (!one)
		return 0;
	two = bpf_map_lookup_elem(&outer, &other);
	if (!two)
		return 0;
	w = bpf_map_lookup_elem(one, &key);
	return w ? bpf_wq_init(&w->work, two, 0) : 0;
}

SEC("tc") __accept
int work_of_one_inner_map(struct __sk_buff *skb)
{
	u32 key = 0;
	void *one = bpf_map_lookup_elem(&outer, &key);
	struct worked *w;

	if (!one)
		return 0;
	w = bpf_map_lookup_elem(one, &key);
	return w ? bpf_wq_init(&w->work, one, 0) : 0;
}

SEC("tp_btf/task_newtask") __accept
int work_in_a_tracepoint(unsigned long long *arguments)
{
	LOOKUP(workeds, worked, w)
	return bpf_wq_start(&w->work, 0);
}

SEC("syscall") __accept
int work_in_syscall(void *context)
{
	LOOKUP(workeds, worked, w)
	return bpf_wq_init(&w->work, &workeds, 0) || set_callback(&w->work, sleeps) || bpf_wq_start(&w->work, 0);
}

#define TIMES(verdict, name, ...) \
	SEC("tc") verdict int name(struct __sk_buff *skb) { LOOKUP(timeds, timed, t) __VA_ARGS__; return 0; }

TIMES(__accept, timer_starts_again, bpf_timer_set_callback(&t->timer, fires_and_starts_again))
TIMES(__reject("helper call might sleep in a non-sleepable prog"), timer_sleeps, bpf_timer_set_callback(&t->timer, fires_and_sleeps))
TIMES(__accept, timer_loops, bpf_timer_set_callback(&t->timer, fires_and_loops))
TIMES(__reject("bpf_rcu_read_lock-ed region"), timer_leaks, bpf_timer_set_callback(&t->timer, fires_and_leaks))
TIMES(__reject("invalid access to map value"), timer_reads_behind_its_value, bpf_timer_set_callback(&t->timer, fires_and_reads_behind))
TIMES(__accept, timer_set_under_a_condition_in_a_loop, for (int i = 0; i < 9; i++) if (skb->mark == i) bpf_timer_set_callback(&t->timer, fires_and_loops))
TIMES(__reject("The sequence of 8193 jumps is too complex for async cb."), timer_set_too_often, for (u32 i = 0; i < 9000; i++) bpf_timer_set_callback(&t->timer, fires_and_starts_again))

SEC("syscall") __reject("helper call might sleep in a non-sleepable prog")
int timer_of_a_sleepable_program_sleeps(void *context)
{
	LOOKUP(timeds, timed, t)
	return bpf_timer_set_callback(&t->timer, fires_and_sleeps);
}

#define TASKS(verdict, name, ...)						\
	SEC("tp_btf/task_newtask") verdict					\
	int name(unsigned long long *arguments)					\
	{									\
		struct task_struct *task = (void *)arguments[0];		\
		LOOKUP(taskeds, tasked, t)					\
		__VA_ARGS__;							\
		return 0;							\
	}
#define signal(task, work, map, callback) bpf_task_work_schedule_signal_impl___typed(task, (void *)(work), map, callback, NULL)
#define resume(task, work, map, callback) bpf_task_work_schedule_resume_impl___typed(task, (void *)(work), map, callback, NULL)

TASKS(__accept, task_work_scheduled, signal(task, &t->work, &taskeds, task_works))
TASKS(__accept, task_work_for_resuming, resume(task, &t->work, &taskeds, task_works_and_sleeps))
TASKS(__reject("bpf_task_work pointer in R2 map_uid=0 doesn't match map pointer in R3 map_uid=0"), task_work_of_another_map, signal(task, &t->work, &other_taskeds, task_works))
TASKS(__reject("Possibly NULL pointer passed to trusted arg2"), task_work_without_map, signal(task, &t->work, NULL, task_works))
TASKS(__reject("Possibly NULL pointer passed to trusted arg0"), task_work_of_null, signal(NULL, &t->work, &taskeds, task_works))
TASKS(__reject("arg#1 doesn't point to a map value"), task_work_on_the_stack, u64 work = 0; barrier(); signal(task, &work, &taskeds, task_works))
TASKS(__reject("off 8 doesn't point to 'struct bpf_task_work' that is at 0"), task_work_at_a_wrong_offset, signal(task, &t->count, &taskeds, task_works))
TASKS(__reject("Possibly NULL pointer passed to trusted arg3"), task_work_without_callback, signal(task, &t->work, &taskeds, NULL))
TASKS(__reject("R1 must be referenced or trusted"), task_work_of_a_walked_task, signal(task->group_leader, &t->work, &taskeds, task_works))
TASKS(__reject("R1 must be referenced or trusted"), task_work_of_an_untrusted_task, signal(task->last_wakee, &t->work, &taskeds, task_works))

SEC("tp_btf/task_newtask") __reject("bpf_task_work pointer in R2 map_uid=1 doesn't match map pointer in R3 map_uid=2")
int task_work_of_one_inner_map_and_another(unsigned long long *arguments)
{
	u32 key = 0, other = 1;
	void *one = bpf_map_lookup_elem(&outer_tasked, &key), *two;
	struct tasked *t;

	if (!one)
		return 0;
	two = bpf_map_lookup_elem(&outer_tasked, &other);
	if (!two)
		return 0;
	t = bpf_map_lookup_elem(one, &key);
	return t ? signal((void *)arguments[0], &t->work, two, task_works) : 0;
}

SEC("perf_event") __accept
int task_work_of_the_current_task(void *context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	LOOKUP(taskeds, tasked, t)

	return signal(task, &t->work, &taskeds, task_works);
}

SEC("tc") __reject("bpf_timer cannot be accessed directly by load/store")
int all_kinds_in_one_value(struct __sk_buff *skb)
{
	struct task_struct *task;
	LOOKUP(alls, all, a)

	bpf_timer_init(&a->timer, &alls, 1);
	bpf_wq_init(&a->wq, &alls, 0);
	task = bpf_task_from_pid(1);
	if (!task)
		return 0;
	signal(task, &a->work, &alls, task_works);
	bpf_task_release(task);
	a->count++;
	return 0;
}

SEC("tc") __reject("map '' has no valid bpf_wq")
int work_of_an_inner_map_without_it(struct __sk_buff *skb)
{
	u32 key = 0;
	void *one = bpf_map_lookup_elem(&outer_tasked, &key);
	struct tasked *t;

	if (!one)
		return 0;
	t = bpf_map_lookup_elem(one, &key);
	return t ? bpf_wq_start((void *)&t->count, 0) : 0;
}
