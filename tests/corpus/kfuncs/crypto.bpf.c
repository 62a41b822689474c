/* Functions of the kernel that work on dynptrs: encryption, attributes of files. */
#include "corpus.h"

GPL;
struct kept { struct bpf_crypto_ctx __kptr *crypto; };
MAP(ARRAY, kepts, u32, struct kept, 1);
char plain[16], secret[16], attribute[32];

SEC("syscall") __accept
int context_created_and_kept(void *context)
{
	struct bpf_crypto_params parameters = { .type = "skcipher", .algo = "ecb(aes)", .key_len = 16 };
	struct bpf_crypto_ctx *crypto;
	struct kept *kept;
	int error = 0;
	u32 key = 0;

	kept = bpf_map_lookup_elem(&kepts, &key);
	if (!kept)
		return 0;
	crypto = bpf_crypto_ctx_create(&parameters, sizeof(parameters), &error);
	if (!crypto)
		return error;
	crypto = bpf_kptr_xchg(&kept->crypto, crypto);
	if (crypto)
		bpf_crypto_ctx_release(crypto);
	return 0;
}

SEC("syscall") __reject("Unreleased reference id=")
int context_created_and_leaked(void *context)
{
	struct bpf_crypto_params parameters = { .type = "skcipher", .algo = "ecb(aes)", .key_len = 16 };
	int error = 0;

	return bpf_crypto_ctx_create(&parameters, sizeof(parameters), &error) ? 0 : error;
}

SEC("tc") __reject("calling kernel function bpf_crypto_ctx_create is not allowed")
int context_created_in_tc(struct __sk_buff *skb)
{
	struct bpf_crypto_params parameters = { .type = "skcipher" };
	struct bpf_crypto_ctx *crypto;
	int error = 0;

	crypto = bpf_crypto_ctx_create(&parameters, sizeof(parameters), &error);
	if (crypto)
		bpf_crypto_ctx_release(crypto);
	return 0;
}

#define ENCRYPTS(name, type, result, first, second)			\
	int name(type *context)						\
	{								\
		struct bpf_dynptr from, to;				\
		struct bpf_crypto_ctx *crypto;				\
		struct kept *kept;					\
		int error = 0;						\
		u32 key = 0;						\
									\
		kept = bpf_map_lookup_elem(&kepts, &key);		\
		if (!kept)						\
			return result;					\
		bpf_dynptr_from_mem(plain, sizeof(plain), 0, &from);	\
		bpf_dynptr_from_mem(secret, sizeof(secret), 0, &to);	\
		bpf_rcu_read_lock();					\
		crypto = kept->crypto;					\
		if (crypto)						\
			error = bpf_crypto_encrypt(crypto, first, second, NULL);	\
		bpf_rcu_read_unlock();					\
		return error ? result : 0;				\
	}

SEC("tc") __accept
ENCRYPTS(encrypted_in_tc, struct __sk_buff, 0, &from, &to)

SEC("xdp") __accept
ENCRYPTS(encrypted_in_xdp, struct xdp_md, XDP_PASS, &from, &to)

SEC("socket") __reject("calling kernel function bpf_crypto_encrypt is not allowed")
ENCRYPTS(encrypted_in_socket_filter, struct __sk_buff, 0, &from, &to)

SEC("tc") __reject("Possibly NULL pointer passed to trusted arg1")
ENCRYPTS(encrypted_from_nowhere, struct __sk_buff, 0, NULL, &to)

SEC("tc") __reject("arg#1 expected pointer to stack or const struct bpf_dynptr")
ENCRYPTS(encrypted_from_a_buffer, struct __sk_buff, 0, (void *)plain, &to)

SEC("tp_btf/task_newtask") __accept
int attribute_of_a_group(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];
	struct bpf_dynptr value;

	bpf_dynptr_from_mem(attribute, sizeof(attribute), 0, &value);
	return bpf_cgroup_read_xattr(task->cgroups->dfl_cgrp, "user.name", &value);
}

SEC("tp_btf/task_newtask") __reject("R2 does not point to a readonly map")
int attribute_of_a_name_that_changes(unsigned long long *arguments)
{
	struct task_struct *task = (void *)arguments[0];
	struct bpf_dynptr value;

	bpf_dynptr_from_mem(attribute, sizeof(attribute), 0, &value);
	return bpf_cgroup_read_xattr(task->cgroups->dfl_cgrp, attribute, &value);
}
