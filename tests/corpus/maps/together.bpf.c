/* Maps that one program uses together, and maps that programs of a type may not use. */
#include "corpus.h"

GPL;
struct guarded { struct bpf_spin_lock lock; u32 count; };
struct timed { struct bpf_timer timer; u64 count; };
struct worked { struct bpf_wq work; u64 count; };
struct item { struct bpf_list_node node; u64 value; };
struct leaf { struct bpf_rb_node node; u64 value; };
struct listed { struct bpf_spin_lock lock; struct bpf_list_head items __contains(item, node); };
struct planted { struct bpf_spin_lock lock; struct bpf_rb_root root __contains(leaf, node); };
struct kept { struct item __kptr *item; };

#define ARENA(name)						\
	struct {						\
		__uint(type, BPF_MAP_TYPE_ARENA);		\
		__uint(map_flags, BPF_F_MMAPABLE);		\
		__uint(max_entries, 2);				\
		__ulong(map_extra, 1ull << 44);			\
	} name SEC(".maps")
#define STORAGE(kind, name)					\
	struct {						\
		__uint(type, BPF_MAP_TYPE_##kind);		\
		__type(key, u64);				\
		__type(value, u32);				\
	} name SEC(".maps")

ARENA(arena);
STORAGE(CGROUP_STORAGE, first_storage);
STORAGE(CGROUP_STORAGE, second_storage);
STORAGE(PERCPU_CGROUP_STORAGE, percpu_storage);
MAP(ARRAY, guardeds, u32, struct guarded, 1);
MAP(ARRAY, timeds, u32, struct timed, 1);
MAP(ARRAY, workeds, u32, struct worked, 1);
MAP(ARRAY, listeds, u32, struct listed, 1);
MAP(ARRAY, planteds, u32, struct planted, 1);
MAP(ARRAY, kepts, u32, struct kept, 1);

/* Otherwise the types of what lists and trees hold would be missing, and all types of the object be refused. */
SEC("tc") __accept
int what_lists_and_trees_hold(struct __sk_buff *skb)
{
	void *item = bpf_obj_new_impl(__builtin_btf_type_id(*(struct item *)0, 0), NULL), *leaf;

	if (!item)
		return 0;
	bpf_obj_drop_impl(item, NULL);
	leaf = bpf_obj_new_impl(__builtin_btf_type_id(*(struct leaf *)0, 0), NULL);
	if (leaf)
		bpf_obj_drop_impl(leaf, NULL);
	return 0;
}

#define LOOKUP(map) ({ u32 key = 0; bpf_map_lookup_elem(&map, &key) ? 1 : 0; })
#define USES(section, verdict, name, map) SEC(section) verdict int name(void *context) { return LOOKUP(map) & 0; }

USES("socket", __reject("socket filter progs cannot use bpf_spin_lock yet"), lock_in_socket_filter, guardeds)
USES("socket", __accept, timer_in_socket_filter, timeds)
USES("socket", __accept, work_in_socket_filter, workeds)
USES("socket", __reject("socket filter progs cannot use bpf_spin_lock yet"), list_in_socket_filter, listeds)
USES("socket", __accept, kept_object_in_socket_filter, kepts)
USES("kprobe/do_nanosleep", __reject("tracing progs cannot use bpf_spin_lock yet"), lock_in_kprobe, guardeds)
USES("kprobe/do_nanosleep", __reject("tracing progs cannot use bpf_timer yet"), timer_in_kprobe, timeds)
USES("kprobe/do_nanosleep", __reject("tracing progs cannot use bpf_wq yet"), work_in_kprobe, workeds)
USES("kprobe/do_nanosleep", __reject("tracing progs cannot use bpf_{list_head,rb_root} yet"), list_in_kprobe, listeds)
USES("kprobe/do_nanosleep", __reject("tracing progs cannot use bpf_{list_head,rb_root} yet"), tree_in_kprobe, planteds)
USES("kprobe/do_nanosleep", __accept, kept_object_in_kprobe, kepts)
USES("tracepoint/syscalls/sys_enter_openat", __reject("tracing progs cannot use bpf_wq yet"), work_in_tracepoint, workeds)
USES("perf_event", __reject("tracing progs cannot use bpf_wq yet"), work_in_perf_event, workeds)
USES("raw_tp/sys_enter", __reject("tracing progs cannot use bpf_timer yet"), timer_in_raw_tracepoint, timeds)
USES("tp_btf/task_newtask", __accept, lock_in_tracing, guardeds)
USES("tp_btf/task_newtask", __accept, timer_in_tracing, timeds)
USES("tp_btf/task_newtask", __accept, list_in_tracing, listeds)
USES("iter/task", __accept, lock_in_iterator, guardeds)
USES("syscall", __accept, lock_in_syscall, guardeds)
USES("xdp", __accept, list_in_xdp, listeds)
USES("cgroup/sysctl", __accept, lock_in_sysctl, guardeds)
USES("flow_dissector", __accept, timer_in_flow_dissector, timeds)

SEC("syscall") __accept
int one_arena_twice(void *context)
{
	bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
	bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
	return 0;
}

SEC("cgroup_skb/egress") __accept
int storage_of_each_kind(struct __sk_buff *skb)
{
	u32 *one = bpf_get_local_storage(&first_storage, 0), *two = bpf_get_local_storage(&percpu_storage, 0);

	return (*one + *two) & 1;
}

SEC("cgroup_skb/egress") __reject("only one cgroup storage of each type is allowed")
int two_storages_of_a_kind(struct __sk_buff *skb)
{
	u32 *one = bpf_get_local_storage(&first_storage, 0), *two = bpf_get_local_storage(&second_storage, 0);

	return (*one + *two) & 1;
}

SEC("tc") __reject("program of this type cannot use helper bpf_get_local_storage#81")
int storage_in_tc(struct __sk_buff *skb)
{
	u32 *one = bpf_get_local_storage(&first_storage, 0);

	return *one & 1;
}

#define DECLARE(n) MAP(ARRAY, map_##n, u32, u64, 1);
#define USE(n) "r1 = map_" #n " ll;"
#define EIGHT(a, X) X(a##0) X(a##1) X(a##2) X(a##3) X(a##4) X(a##5) X(a##6) X(a##7)
#define SEVEN_EIGHTS(X) EIGHT(1, X) EIGHT(2, X) EIGHT(3, X) EIGHT(4, X) EIGHT(5, X) EIGHT(6, X) EIGHT(7, X)
SEVEN_EIGHTS(DECLARE) EIGHT(8, DECLARE) DECLARE(91)

SEC("tc") __accept
__naked int sixty_four_maps(void)
{
	asm volatile(SEVEN_EIGHTS(USE) EIGHT(8, USE) "r0 = 0; exit;" ::: __clobbers);
}

SEC("tc") __reject("The total number of maps per program has reached the limit of 64")
__naked int sixty_five_maps(void)
{
	asm volatile(SEVEN_EIGHTS(USE) EIGHT(8, USE) USE(91) "r0 = 0; exit;" ::: __clobbers);
}
