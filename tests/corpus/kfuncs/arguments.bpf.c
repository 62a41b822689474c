/* What kfuncs take: pointers with trust and without, constants, strings, types, memory. */
#include "corpus.h"

GPL;
#define bpf_obj_new(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define bpf_obj_drop(pointer) bpf_obj_drop_impl(pointer, NULL)
#define bpf_percpu_obj_new(type) ((type *)bpf_percpu_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define bpf_percpu_obj_drop(pointer) bpf_percpu_obj_drop_impl(pointer, NULL)
#define KERNEL_TYPE(type) __builtin_btf_type_id(*(type *)0, 1)

struct number { u64 value; };
struct large { char bytes[600]; };
struct huge { char bytes[5000]; };
struct with_pointer { u64 value; void *pointer; };
struct with_union { u64 value; union { u32 a; u64 b; }; };
struct with_array { u32 values[8]; struct number numbers[2]; };
struct with_lock { struct bpf_spin_lock lock; u64 value; };
struct with_kptr { struct task_struct __kptr *task; };
struct with_node { struct bpf_list_node node; u64 value; };
struct deep { struct { struct { struct { struct { struct { u64 value; } e; } d; } c; } b; } a; };
struct empty {};
typedef struct number number_t;
typedef u64 plain_t;
struct kept { struct number __percpu_kptr *number; struct number __kptr *local; };
MAP(ARRAY, kepts, u32, struct kept, 1);
MAP(HASH, hash, u32, u64, 4);
char text[16];
const char constant_text[8] = "user.x";
u64 any_number;
extern int _printk(const char *fmt, ...) __ksym __weak;
extern int bpf_fentry_test1(int a) __ksym __weak;
extern void schedule(void) __ksym __weak;
extern long long ktime_get_real_seconds(void) __ksym __weak;

SEC("tc") __reject("The function _printk with variable args is unsupported.")
int function_with_variable_arguments(struct __sk_buff *skb)
{
	return _printk("");
}

SEC("tc") __reject("calling kernel function schedule is not allowed")
int function_that_is_no_kfunc(struct __sk_buff *skb)
{
	schedule();
	return 0;
}

SEC("tc") __reject("calling kernel function ktime_get_real_seconds is not allowed")
int exported_function_that_is_no_kfunc(struct __sk_buff *skb)
{
	return ktime_get_real_seconds();
}

SEC("tc") __reject("calling kernel function bpf_fentry_test1 is not allowed")
int function_of_the_kernels_own_tests(struct __sk_buff *skb)
{
	return bpf_fentry_test1(1);
}

#define NEWS(verdict, name, type) 					\
	SEC("tc") verdict int name(struct __sk_buff *skb)		\
	{								\
		void *object = bpf_obj_new(type);			\
									\
		if (object)						\
			bpf_obj_drop(object);				\
		return 0;						\
	}
#define PER_CPU(verdict, name, type)					\
	SEC("tc") verdict int name(struct __sk_buff *skb)		\
	{								\
		void *object = bpf_percpu_obj_new(type);		\
									\
		if (object)						\
			bpf_percpu_obj_drop(object);			\
		return 0;						\
	}

NEWS(__accept, object_of_numbers, struct number)
NEWS(__reject("bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct"), object_of_a_named_type, number_t)
NEWS(__reject("bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct"), object_of_a_plain_number, plain_t)
NEWS(__reject("bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct"), object_of_a_basic_type, u32)
NEWS(__reject("bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct"), object_of_a_pointer, void *)
NEWS(__accept, object_with_a_pointer, struct with_pointer)
NEWS(__accept, object_with_a_union, struct with_union)
NEWS(__accept, object_with_a_kptr, struct with_kptr)
NEWS(__accept, large_object, struct large)
NEWS(__accept, huge_object, struct huge)
NEWS(__accept, empty_object, struct empty)
PER_CPU(__accept, per_cpu_of_numbers, struct number)
PER_CPU(__reject("bpf_percpu_obj_new type ID argument must be of a struct of scalars"), per_cpu_of_arrays, struct with_array)
PER_CPU(__reject("bpf_percpu_obj_new type size (600) is greater than 512"), per_cpu_of_600_bytes, struct large)
PER_CPU(__reject("bpf_percpu_obj_new type ID argument must be of a struct of scalars"), per_cpu_with_a_pointer, struct with_pointer)
PER_CPU(__accept, per_cpu_with_a_union, struct with_union)
PER_CPU(__reject("bpf_percpu_obj_new type ID argument must not contain special fields"), per_cpu_with_a_lock, struct with_lock)
PER_CPU(__reject("bpf_percpu_obj_new type ID argument must be of a struct of scalars"), per_cpu_with_a_kptr, struct with_kptr)
PER_CPU(__reject("bpf_percpu_obj_new type ID argument must not contain special fields"), per_cpu_with_a_node, struct with_node)
PER_CPU(__reject("max struct nesting depth exceeded"), per_cpu_of_deep_structures, struct deep)
PER_CPU(__reject("bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct"), per_cpu_of_a_basic_type, u64)

SEC("tc") __reject("R1 must be a known constant")
int object_of_a_type_that_varies(struct __sk_buff *skb)
{
	void *object = bpf_obj_new_impl(skb->mark, NULL);

	if (object)
		bpf_obj_drop(object);
	return 0;
}

SEC("tc") __reject("local type ID argument must be in range [0, U32_MAX]")
int object_of_a_type_beyond_all(struct __sk_buff *skb)
{
	void *object = bpf_obj_new_impl(1ull << 40, NULL);

	if (object)
		bpf_obj_drop(object);
	return 0;
}

SEC("tc") __reject("bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct")
int object_of_a_type_that_is_not_there(struct __sk_buff *skb)
{
	void *object = bpf_obj_new_impl(100000, NULL);

	if (object)
		bpf_obj_drop(object);
	return 0;
}

SEC("tc") __reject("arg#0 expected for bpf_obj_drop_impl()")
int object_dropped_as_per_cpu(struct __sk_buff *skb)
{
	struct number *number = bpf_obj_new(struct number);

	if (number)
		bpf_percpu_obj_drop(number);
	return 0;
}

SEC("tc") __reject("arg#0 expected for bpf_percpu_obj_drop_impl()")
int per_cpu_object_dropped_as_object(struct __sk_buff *skb)
{
	struct number *number = bpf_percpu_obj_new(struct number);

	if (number)
		bpf_obj_drop(number);
	return 0;
}

SEC("tc") __reject("R0 is ptr_number access percpu memory: off=0")
int per_cpu_object_read_directly(struct __sk_buff *skb)
{
	struct number *number = bpf_percpu_obj_new(struct number);
	u64 value;

	if (!number)
		return 0;
	value = read_once(number->value);
	bpf_percpu_obj_drop(number);
	return value;
}

SEC("tc") __reject("R1 type=percpu_ptr_ expected=percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_")
int per_cpu_object_of_this_cpu(struct __sk_buff *skb)
{
	struct number *number = bpf_percpu_obj_new(struct number), *mine;

	if (!number)
		return 0;
	mine = bpf_this_cpu_ptr(number);
	mine->value = 3;
	mine = bpf_per_cpu_ptr(number, 0);
	if (mine)
		mine->value++;
	bpf_percpu_obj_drop(number);
	return 0;
}

SEC("tc") __accept
int per_cpu_object_kept(struct __sk_buff *skb)
{
	u32 key = 0;
	struct kept *kept = bpf_map_lookup_elem(&kepts, &key);
	struct number *number, *mine;

	if (!kept)
		return 0;
	number = bpf_percpu_obj_new(struct number);
	if (!number)
		return 0;
	number = bpf_kptr_xchg(&kept->number, number);
	if (number)
		bpf_percpu_obj_drop(number);
	number = kept->number;
	if (!number)
		return 0;
	mine = bpf_per_cpu_ptr(number, 0);
	return mine ? mine->value : 0;
}

SEC("tc") __reject("invalid kptr access, R2 type=percpu_ptr_ expected=ptr_number")
int per_cpu_object_kept_as_local(struct __sk_buff *skb)
{
	u32 key = 0;
	struct kept *kept = bpf_map_lookup_elem(&kepts, &key);
	struct number *number;

	if (!kept)
		return 0;
	number = bpf_percpu_obj_new(struct number);
	if (!number)
		return 0;
	number = bpf_kptr_xchg(&kept->local, number);
	if (number)
		bpf_obj_drop(number);
	return 0;
}

SEC("tc") __reject("R1 must be referenced or trusted")
int drop_of_a_map_value(struct __sk_buff *skb)
{
	u32 key = 0;
	u64 *value = bpf_map_lookup_elem(&hash, &key);

	if (value)
		bpf_obj_drop(value);
	return 0;
}

SEC("tc") __reject("arg#0 expected pointer to allocated object")
int drop_of_a_task(struct __sk_buff *skb)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (task)
		bpf_obj_drop(task);
	return 0;
}

SEC("tc") __reject("Possibly NULL pointer passed to trusted arg0")
int drop_of_nothing(struct __sk_buff *skb)
{
	bpf_obj_drop(NULL);
	return 0;
}

SEC("tc") __reject("R1 must have zero offset when passed to release func")
int drop_of_the_middle(struct __sk_buff *skb)
{
	struct with_array *object = bpf_obj_new(struct with_array);

	if (object)
		bpf_obj_drop(&object->numbers);
	return 0;
}

#define CASTS(verdict, name, ...) \
	SEC("tp_btf/task_newtask") verdict int name(unsigned long long *arguments) { return __VA_ARGS__; }

CASTS(__reject("Unknown type ID 99999999 passed to kfunc bpf_rdonly_cast"), cast_to_a_type_that_is_not_there, *(int *)bpf_rdonly_cast((void *)arguments[0], 99999999))
CASTS(__reject("kfunc bpf_rdonly_cast type ID argument must be of a struct or void"), cast_to_a_number, *(int *)bpf_rdonly_cast((void *)arguments[0], KERNEL_TYPE(int)))
CASTS(__accept, cast_to_bytes, *(int *)bpf_rdonly_cast((void *)arguments[0], 0))
CASTS(__accept, cast_to_bytes_far_away, ((int *)bpf_rdonly_cast((void *)arguments[0], 0))[-100])
CASTS(__reject("R2 must be a known constant"), cast_to_a_type_that_varies, *(int *)bpf_rdonly_cast((void *)arguments[0], arguments[1]))
CASTS(__accept, cast_of_the_context, ((struct task_struct *)bpf_rdonly_cast(arguments, KERNEL_TYPE(struct task_struct)))->pid)
CASTS(__accept, cast_of_a_cast, ((struct task_struct *)bpf_rdonly_cast(bpf_rdonly_cast((void *)7, 0), KERNEL_TYPE(struct task_struct)))->group_leader->pid)
