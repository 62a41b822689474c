//! `features.toml`: what came with which release.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::write::{array, camel, header, joined, version};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeatureTable {
    source: String,
    group: Vec<GroupRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupRow {
    name: String,
    feature: Vec<FeatureRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureRow {
    name: String,
    since: String,
    what: String,
    #[serde(default)]
    commit: String,
    source: Option<String>,
}

pub(super) fn render(table: &FeatureTable) -> Result<String> {
    let mut out = header(
        "What came with which release",
        "features.toml",
        "use crate::{Feature, FeatureGroup, Version};",
    );
    let length = table.group.iter().map(|group| group.feature.len()).sum();
    array(&mut out, "FEATURES", "Feature", length);
    for group in &table.group {
        for row in &group.feature {
            let since = version(&row.since).with_context(|| format!("feature {}", row.name))?;
            let digits = row.commit.chars().all(|c| c.is_ascii_hexdigit());
            ensure!(digits && matches!(row.commit.len(), 0 | 12), "{}: no commit", row.name);
            writeln!(
                out,
                "Feature {{ name: {:?}, since: {since}, what: {:?}, group: FeatureGroup::{}, commit: {:?}, \
                 source: {:?} }},",
                row.name,
                row.what,
                camel(&group.name),
                row.commit,
                joined(&table.source, row.source.as_deref()),
            )?;
        }
    }
    out += "];\n";
    Ok(out)
}
