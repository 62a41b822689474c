/* References to what the made-up kernel does not have, or has with another type; all else is linked. */
#include "common.h"

struct outer { u64 something; };
struct inner { u8 something; };

extern int kfunc_missing(struct inner *inner) __ksym;
extern int kfunc_changed(struct inner *inner) __ksym;
extern int CONFIG_MISSING __kconfig;
extern bool CONFIG_MADE_TRISTATE __kconfig;
extern const void symbol_missing __ksym;
extern const u32 some_variable __ksym;
int undeclared(void *ctx);

SEC("tc")
int missing_function(void *ctx) { return kfunc_missing(ctx); }

SEC("tc")
int changed_function(void *ctx) { return kfunc_changed(ctx); }

SEC("tc")
int missing_option(void *ctx) { return CONFIG_MISSING; }

SEC("tc")
int wrong_option(void *ctx) { return CONFIG_MADE_TRISTATE; }

SEC("tc")
int missing_symbol(void *ctx) { return (long)&symbol_missing; }

SEC("tc")
int wrong_variable(void *ctx) { return some_variable; }

static __noinline int through_a_subprogram(void *ctx) { return kfunc_missing(ctx) + 1; }

SEC("tc")
int indirectly(void *ctx) { return through_a_subprogram(ctx); }

SEC("tc")
int undeclared_function(void *ctx) { return undeclared(ctx); }

SEC("tc")
int fine(void *ctx) { return 0; }
