//! Programs at the network layer see packets without the link-layer header.

use diagnostic::{Applicability, KernelVerdict, Severity};
use flow::observe::Api;
use kernel_model::DataStarts;
use text::Edit;
use crate::fixes;
use crate::{Rule, RuleCx};

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "link-layer-offset",
    group: "dynptr",
    severity: Severity::Error,
    kernel: KernelVerdict::Accepts,
    covers: &["M32"],
    since: Some("6.4"),
    fix: Some(Applicability::Unsafe),
    page: include_str!("link_layer_offset.md"),
    check,
};

/// Bytes of an Ethernet header.
const ETHERNET: i128 = 14;

fn check(cx: &mut RuleCx<'_>) {
    for (observation, call) in cx.calls() {
        let network = observation.program.filter(|program| program.data_starts == DataStarts::NetworkLayer);
        let (Some(program), true) = (network, call.api.accesses()) else { continue };
        let position = if call.api == Api::Read { 3 } else { 1 };
        let Some(argument) = call.call.args.get(position).copied() else { continue };
        let text = cx.quote(argument);
        let named = text.contains("ethhdr") || text.contains("ETH_HLEN");
        let constant = call.offset.and_then(domains::Scalar::as_constant);
        let header = call.result_record.as_deref().is_some_and(|record| matches!(record, "iphdr" | "ipv6hdr"));
        if !(named && constant.is_some() || header && constant == Some(ETHERNET)) {
            continue;
        }
        let edits = if constant == Some(ETHERNET) { vec![Edit::replace(argument, "0")] } else { Vec::new() };
        cx.report(observation, format!("{} programs see no Ethernet header: offset 0 is the network header", program.title))
            .at(argument)
            .help("leave the Ethernet header out of the offset")
            .fix(fixes::doubtful("use offset 0", edits))
            .emit();
    }
}
