/* What the kernel provides: configuration, functions, variables. */
#include "common.h"

enum libbpf_tristate { TRI_NO = 0, TRI_YES = 1, TRI_MODULE = 2 };
struct outer { u64 something; };
struct inner { u8 something; };

extern bool CONFIG_MADE_BOOL __kconfig;
extern enum libbpf_tristate CONFIG_MADE_TRISTATE __kconfig;
extern char CONFIG_MADE_CHAR __kconfig;
extern int CONFIG_MADE_NUMBER __kconfig;
extern u64 CONFIG_MADE_LONG __kconfig;
extern u16 CONFIG_MADE_SHORT __kconfig;
extern char CONFIG_MADE_TEXT[12] __kconfig;
extern u32 CONFIG_MADE_ABSENT __kconfig __weak;
extern u32 LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig;
extern u32 LINUX_UNHEARD_OF __kconfig __weak;

extern int kfunc_plain(struct outer *outer, u32) __ksym;
extern int kfunc_other___flavour(struct inner *inner) __ksym __weak;
extern int kfunc_absent(struct inner *inner) __ksym __weak;
extern int kfunc_changed(struct inner *inner) __ksym __weak;
extern const struct outer some_variable __ksym;
extern const u64 variable_absent __ksym __weak;
extern const void vfs_read __ksym;
extern const void symbol_absent __ksym __weak;

u64 out[16];

SEC("socket")
int configuration(void *ctx)
{
	out[0] = CONFIG_MADE_BOOL;
	out[1] = CONFIG_MADE_TRISTATE;
	out[2] = CONFIG_MADE_CHAR;
	out[3] = CONFIG_MADE_NUMBER;
	out[4] = CONFIG_MADE_LONG;
	out[5] = CONFIG_MADE_SHORT;
	out[6] = CONFIG_MADE_TEXT[2];
	out[7] = CONFIG_MADE_ABSENT;
	out[8] = LINUX_KERNEL_VERSION;
	out[9] = LINUX_HAS_BPF_COOKIE;
	out[10] = LINUX_UNHEARD_OF;
	return 0;
}

SEC("tc")
int functions(void *ctx)
{
	int sum = kfunc_plain(ctx, 3);

	if (kfunc_other___flavour)
		sum += kfunc_other___flavour(ctx);
	if (kfunc_absent)
		sum += kfunc_absent(ctx);
	if (kfunc_changed)
		sum += kfunc_changed(ctx);
	return sum;
}

SEC("raw_tp/x")
int variables(void *ctx)
{
	out[0] = (u64)&some_variable;
	out[1] = (u64)&variable_absent;
	out[2] = (u64)&vfs_read;
	out[3] = (u64)&symbol_absent;
	return 0;
}
