/* One special field too many, or at the wrong place. The kernel refuses the map, or the types of the whole object. */
#include "corpus.h"

GPL;
struct plain { u64 value; };
struct item { struct bpf_list_node node; u64 value; };

#if defined(TWO_LOCKS)
struct odd { struct bpf_spin_lock lock; struct bpf_spin_lock other; u64 value; };
/* Each is an object of its own, because one such structure can make the kernel refuse all types of an object, also
 * those of other maps. */
#elif defined(TWO_TIMERS)
struct odd { struct bpf_spin_lock lock; u32 pad; struct bpf_timer timer; struct bpf_timer other; u64 value; };
#elif defined(TWELVE_FIELDS)
struct odd { struct bpf_spin_lock lock; u64 value; struct task_struct __kptr *tasks[12]; };
#elif defined(LIST_WITHOUT_LOCK)
struct odd { struct bpf_list_head head __contains(item, node); u64 value; };
#elif defined(NODES_WITHOUT_COUNT)
struct odd { struct bpf_list_node node; struct bpf_rb_node other; u64 value; };
#elif defined(UNALIGNED)
struct odd { struct bpf_spin_lock lock; u16 pad; struct task_struct __kptr *task; u64 value; } __attribute__((packed));
#elif defined(CYCLE)
struct odd { struct bpf_spin_lock lock; struct bpf_list_node node; struct bpf_list_head head __contains(odd, node); u64 value; };
#elif defined(ARRAY_OF_LOCKS)
struct odd { struct bpf_spin_lock locks[2]; u64 value; };
#elif defined(POINTER_TO_POINTER)
struct odd { struct bpf_spin_lock lock; u64 value; struct task_struct *__kptr *task; };
#elif defined(POINTER_TO_NUMBER)
struct odd { struct bpf_spin_lock lock; u64 value; u64 __kptr *number; };
#elif defined(PER_CPU_OF_THE_KERNEL)
struct odd { struct bpf_spin_lock lock; u64 value; struct task_struct __percpu_kptr *task; };
/* Two reference counts, or locks of both kinds, make the kernel warn of a bug in itself, so that they are not shown:
 * such an object must not be loaded. */
#elif defined(LOCK_IN_A_UNION)
struct odd { union { struct bpf_spin_lock lock; u32 number; }; u64 value; };
#elif defined(NODE_OF_ANOTHER)
struct odd { struct bpf_spin_lock lock; struct bpf_list_head head __contains(plain, value); u64 value; };
#elif defined(TOO_DEEP)
struct odd { struct { struct { struct { struct { struct { struct bpf_spin_lock lock; } e; } d; } c; } b; } a; u64 value; };
#endif
MAP(ARRAY, odds, u32, struct odd, 1);
MAP(HASH, plains, u32, struct plain, 4);
struct guarded { struct bpf_spin_lock lock; u64 value; };
MAP(ARRAY, guardeds, u32, struct guarded, 1);

SEC("tc") __accept
int value_read(struct __sk_buff *skb)
{
	u32 key = 0;
	struct odd *odd = bpf_map_lookup_elem(&odds, &key);

	return odd ? odd->value : 0;
}

SEC("tc") __accept
int other_map_read(struct __sk_buff *skb)
{
	u32 key = 0;
	struct plain *plain = bpf_map_lookup_elem(&plains, &key);

	return plain ? plain->value : 0;
}

__noinline int adds(u32 a)
{
	return a + 1;
}

SEC("tc") OTHERS
int other_map_locked(struct __sk_buff *skb)
{
	u32 key = 0;
	struct guarded *guarded = bpf_map_lookup_elem(&guardeds, &key);

	if (!guarded)
		return 0;
	bpf_spin_lock(&guarded->lock);
	guarded->value++;
	bpf_spin_unlock(&guarded->lock);
	return adds(guarded->value);
}

SEC("tc") FIELDS
int first_word_written(struct __sk_buff *skb)
{
	u32 key = 0;
	struct odd *odd = bpf_map_lookup_elem(&odds, &key);

	if (odd)
		*(volatile u32 *)odd = 1;
	return 0;
}

SEC("tc") OBJECTS
int object_of_it(struct __sk_buff *skb)
{
	void *object = bpf_obj_new_impl(__builtin_btf_type_id(*(struct odd *)0, 0), NULL);

	if (object)
		bpf_obj_drop_impl(object, NULL);
	return 0;
}
