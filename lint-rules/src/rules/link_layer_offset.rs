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
        let network =
            observation.program.filter(|program| program.data_starts == DataStarts::NetworkLayer);
        let (Some(program), true) = (network, call.api.accesses()) else { continue };
        let position = if call.api == Api::Read { 3 } else { 1 };
        let Some(argument) = call.call.args.get(position).copied() else { continue };
        let text = cx.quote(argument);
        let named = text.contains("ethhdr") || text.contains("ETH_HLEN");
        let constant = call.offset.and_then(domains::Scalar::as_constant);
        let header = call
            .result_record
            .as_deref()
            .is_some_and(|record| matches!(record, "iphdr" | "ipv6hdr"));
        if !(named && constant.is_some() || header && constant == Some(ETHERNET)) {
            continue;
        }
        let offset = if constant == Some(ETHERNET) { Some("0") } else { without_ethernet(&text) };
        let edits: Vec<Edit> = offset
            .and_then(|offset| cx.replace_argument(&call.call, position, offset))
            .into_iter()
            .collect();
        cx.report(
            observation,
            format!(
                "{} programs see no Ethernet header: offset 0 is the network header",
                program.title
            ),
        )
        .at(argument)
        .help("leave the Ethernet header out of the offset")
        .fix(fixes::doubtful("count from the network header", edits))
        .emit();
    }
}

/// How the size of an Ethernet header is written.
const ETHERNET_SIZES: &[&str] = &["sizeof(struct ethhdr)", "ETH_HLEN"];

/// An offset without the Ethernet header in its sum.
fn without_ethernet(offset: &str) -> Option<&str> {
    ETHERNET_SIZES.iter().find_map(|size| {
        let first = offset.strip_prefix(size).and_then(|rest| rest.trim_start().strip_prefix('+'));
        let last = || offset.strip_suffix(size).and_then(|rest| rest.trim_end().strip_suffix('+'));
        first.or_else(last).map(str::trim)
    })
}
