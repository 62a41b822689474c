//! What the loader of programs is allowed to do, by the names of capabilities(7).

use clap::ValueEnum;
use kernel_model::Capability;
use schemars::JsonSchema;
use serde::Deserialize;
use verifier::Capabilities;

/// A capability that the verifier asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum CapabilityName {
    /// CAP_BPF: most types of programs and maps, loops, functions
    #[value(alias = "cap_bpf")]
    Bpf,
    /// CAP_PERFMON: addresses may be seen, and nothing is masked against speculation; programs for tracing
    #[value(alias = "cap_perfmon")]
    Perfmon,
    /// CAP_NET_ADMIN: programs and maps for packets and sockets
    #[value(alias = "cap_net_admin")]
    NetAdmin,
    /// CAP_SYS_ADMIN: all of these
    #[value(alias = "cap_sys_admin")]
    SysAdmin,
}

/// The capabilities with these names.
pub(crate) fn capabilities(names: &[CapabilityName]) -> Capabilities {
    let capability = |name: &CapabilityName| match name {
        CapabilityName::Bpf => Capability::Bpf,
        CapabilityName::Perfmon => Capability::Perfmon,
        CapabilityName::NetAdmin => Capability::NetAdmin,
        CapabilityName::SysAdmin => Capability::SysAdmin,
    };
    names.iter().map(capability).collect()
}
