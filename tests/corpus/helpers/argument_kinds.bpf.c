/* What helpers ask of single arguments: texts, sockets, maps of sockets, locks, what is released. */
#include "corpus.h"

GPL;
MAP(SOCKMAP, sockmap, u32, u32, 4);
MAP(SOCKHASH, sockhash, u32, u32, 4);
MAP(QUEUE, wrong_key_queue, u32, u32, 4);
MAP(HASH, hash, u32, u64, 4);

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u64);
} sk_storage SEC(".maps");

const char endless[8] SEC(".rodata.endless") = { 'e', 'n', 'd', 'l', 'e', 's', 's', '!' };
const char word[8] SEC(".rodata.word") = "word";
char changed[8] = "word";

struct leaf { struct bpf_rb_node node; u64 value; };
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))
private(tree) struct bpf_spin_lock lock;
private(tree) struct bpf_rb_root tree __contains(leaf, node);
private(other) struct bpf_spin_lock other_lock;

SEC("tc") __accept
int text_compared_with_a_constant(struct __sk_buff *skb)
{
	return bpf_strncmp(changed, 4, word);
}

SEC("tc") __reject("string is not zero-terminated")
int text_compared_with_an_endless_one(struct __sk_buff *skb)
{
	return bpf_strncmp(changed, 4, endless);
}

SEC("tc") __reject("does not point to a readonly map'")
int text_compared_with_a_changeable_one(struct __sk_buff *skb)
{
	return bpf_strncmp(word, 4, changed);
}

SEC("tc") __reject("R3 is not a constant address'")
int text_compared_with_an_unknown_part(struct __sk_buff *skb)
{
	return bpf_strncmp(changed, 4, word + (skb->mark & 3));
}

SEC("tc") __accept
int text_compared_with_its_rest(struct __sk_buff *skb)
{
	return bpf_strncmp(changed, 4, word + 2);
}

SEC("tc") __reject("invalid access to map value, value_size=8 off=8 size=0")
int text_compared_with_what_is_behind(struct __sk_buff *skb)
{
	return bpf_strncmp(changed, 4, word + 8);
}

SEC("tc") __reject("R3 type=fp expected=map_value")
int text_compared_with_one_on_the_stack(struct __sk_buff *skb)
{
	char text[8] = "word";

	barrier();
	return bpf_strncmp(changed, 4, text);
}

SEC("tc") __reject("R3 type=scalar expected=map_value")
int text_compared_with_nothing(struct __sk_buff *skb)
{
	return bpf_strncmp(changed, 4, NULL);
}

SEC("tc") __reject("invalid access to map value, value_size=8 off=0 size=9")
int too_long_text_compared_with_an_endless_one(struct __sk_buff *skb)
{
	return bpf_strncmp(changed, 9, endless);
}

SEC("tc") __reject("string is not zero-terminated")
int endless_format(struct __sk_buff *skb)
{
	char text[16];

	return bpf_snprintf(text, sizeof(text), endless, NULL, 0);
}

SEC("tc") __reject("R3 is not a constant address'")
int format_at_an_unknown_offset(struct __sk_buff *skb)
{
	char text[16];

	return bpf_snprintf(text, sizeof(text), word + (skb->mark & 3), NULL, 0);
}

SEC("tc") __accept
int text_written(struct __sk_buff *skb)
{
	static const char format[] = "%d %s %p %lx%%";
	u64 data[4] = { 1, (u64)word, 2, 3 };
	char text[16];

	return bpf_snprintf(text, sizeof(text), format, data, sizeof(data));
}

SEC("tc") __reject("Invalid format string")
int text_written_with_too_few_numbers(struct __sk_buff *skb)
{
	static const char format[] = "%d %d";
	u64 data[1] = { 1 };
	char text[16];

	return bpf_snprintf(text, sizeof(text), format, data, sizeof(data));
}

SEC("tc") __accept
int text_written_with_too_many_numbers(struct __sk_buff *skb)
{
	static const char format[] = "%d";
	u64 data[2] = { 1, 2 };
	char text[16];

	return bpf_snprintf(text, sizeof(text), format, data, sizeof(data));
}

SEC("tc") __accept
int no_text_written_only_counted(struct __sk_buff *skb)
{
	static const char format[] = "%d";
	u64 data[1] = { 1 };

	return bpf_snprintf(NULL, 0, format, data, sizeof(data));
}

SEC("sk_skb/stream_verdict") __reject("invalid arg_type for sockmap/sockhash")
int map_of_sockets_popped(struct __sk_buff *skb)
{
	u64 value = 0;

	return bpf_map_pop_elem(&sockmap, &value);
}

SEC("sk_skb/stream_verdict") __reject("invalid arg_type for sockmap/sockhash")
int hash_of_sockets_peeked(struct __sk_buff *skb)
{
	u64 value = 0;

	return bpf_map_peek_elem(&sockhash, &value);
}

SEC("sk_skb/stream_verdict") __reject("cannot pass map_type 1 into func bpf_map_pop_elem#88")
int hash_popped(struct __sk_buff *skb)
{
	u64 value = 0;

	return bpf_map_pop_elem(&hash, &value);
}

SEC("tc") __accept
int map_of_sockets_updated_with_a_socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	u32 key = 0;

	if (sk)
		bpf_map_update_elem(&sockmap, &key, sk, 0);
	return 0;
}

SEC("tc") __reject("R3 type=fp expected=")
int map_of_sockets_updated_with_a_number(struct __sk_buff *skb)
{
	u32 key = 0;

	return bpf_map_update_elem(&sockmap, &key, &key, 0);
}

SEC("tc") __reject("R3 type=sock_common_or_null expected=")
int map_of_sockets_updated_with_an_unchecked_socket(struct __sk_buff *skb)
{
	u32 key = 0;

	return bpf_map_update_elem(&sockmap, &key, skb->sk, 0);
}

SEC("tc") __reject("R1 must be referenced when passed to release function")
int socket_of_the_packet_released(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		bpf_sk_release(sk);
	return 0;
}

SEC("tc") __reject("R1 must be referenced when passed to release function")
int full_socket_of_the_packet_released(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (sk)
		bpf_sk_release(sk);
	return 0;
}

SEC("tc") __accept
int listener_of_the_packet_read(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (sk)
		sk = bpf_get_listener_sock(sk);
	return sk ? sk->src_port : 0;
}

SEC("tc") __accept
int listener_of_a_mini_socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		sk = bpf_get_listener_sock(sk);
	return sk ? sk->src_port : 0;
}

SEC("tc") __accept
int storage_of_a_looked_up_socket(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	struct bpf_sock *full;
	u64 *value, first = 1;

	if (!sk)
		return 0;
	full = bpf_sk_fullsock(sk);
	if (full) {
		value = bpf_sk_storage_get(&sk_storage, full, &first, BPF_SK_STORAGE_GET_F_CREATE);
		if (value)
			*value += 1;
	}
	bpf_sk_release(sk);
	return 0;
}

SEC("tc") __reject("R1 type=scalar expected=sock_common, sock, tcp_sock")
int reference_released_through_the_full_socket_and_again(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	struct bpf_sock *full;

	if (!sk)
		return 0;
	full = bpf_sk_fullsock(sk);
	if (full)
		bpf_sk_release(full);
	bpf_sk_release(sk);
	return 0;
}

SEC("tc") __accept
int reference_released_through_the_full_socket(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	struct bpf_sock *full;

	if (!sk)
		return 0;
	full = bpf_sk_fullsock(sk);
	if (full)
		bpf_sk_release(full);
	else
		bpf_sk_release(sk);
	return 0;
}

static bool less_that_locks(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	bpf_spin_lock(&other_lock);
	bpf_spin_unlock(&other_lock);
	return a < b;
}

static bool less_that_unlocks(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	bpf_spin_unlock(&lock);
	return true;
}

static bool less_by_value(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct leaf, node)->value < container_of(b, struct leaf, node)->value;
}

#define ADDS_A_LEAF(name, less)								\
	int name(struct __sk_buff *skb)							\
	{										\
		struct leaf *leaf = bpf_obj_new_impl(__builtin_btf_type_id(*(struct leaf *)0, 0), NULL);	\
											\
		if (!leaf)								\
			return 0;							\
		leaf->value = skb->mark;						\
		bpf_spin_lock(&lock);							\
		bpf_rbtree_add_impl(&tree, &leaf->node, less, NULL, 0);			\
		bpf_spin_unlock(&lock);							\
		return 0;								\
	}

SEC("tc") __accept
ADDS_A_LEAF(compared_by_value, less_by_value)

SEC("tc") __reject("function calls are not allowed while holding a lock")
ADDS_A_LEAF(compared_with_another_lock, less_that_locks)

SEC("tc") __reject("can't spin_{lock,unlock} in rbtree cb")
int compared_after_an_unlock(struct __sk_buff *skb)
{
	struct leaf *leaf = bpf_obj_new_impl(__builtin_btf_type_id(*(struct leaf *)0, 0), NULL);

	if (!leaf)
		return 0;
	bpf_spin_lock(&lock);
	bpf_rbtree_add_impl(&tree, &leaf->node, less_that_unlocks, NULL, 0);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("tp_btf/task_newtask") __reject("func bpf_get_func_ip#173 supported only for fentry/fexit/fmod_ret programs")
int address_of_a_function_in_a_tracepoint(unsigned long long *arguments)
{
	return bpf_get_func_ip(arguments) != 0;
}

SEC("kprobe/do_nanosleep") __accept
int address_of_a_function_in_a_probe(struct pt_regs *regs)
{
	return bpf_get_func_ip(regs) != 0;
}

SEC("raw_tp/sys_enter") __reject("func bpf_get_func_ip#173 not supported for program type 17")
int address_of_a_function_in_a_raw_tracepoint(void *context)
{
	return bpf_get_func_ip(context) != 0;
}

SEC("perf_event") __reject("bpf_get_func_ip#173")
int address_of_a_function_in_an_event(struct bpf_perf_event_data *event)
{
	return bpf_get_func_ip(event) != 0;
}

SEC("tracepoint/syscalls/sys_enter_nanosleep") __reject("bpf_get_func_ip#173")
int address_of_a_function_in_a_plain_tracepoint(void *context)
{
	return bpf_get_func_ip(context) != 0;
}
