/* What the author expects of Linux 6.18 if the loader has CAP_BPF and CAP_NET_ADMIN, but not CAP_PERFMON; compared with
 * the recordings of that mode. Beside the expectation for root, which every program has. */
#pragma once

#define __accept_bpf __attribute__((btf_decl_tag("expect-bpf:accept")))
#define __reject_bpf(text) __attribute__((btf_decl_tag("expect-bpf:reject:" text)))
