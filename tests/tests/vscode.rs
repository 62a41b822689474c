//! The extension in VS Code. One run of `vsix/test.mjs` builds the package, installs it and uses it in a page of
//! Chromium; each test here is a part of what it did. Needs node, npm and Chromium, which `.ci/test` installs.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tests::places::SHIPPED_BUT_SLOW;

/// What the run reported, or why there is nothing.
static REPORT: OnceLock<Result<Vec<Check>, String>> = OnceLock::new();

/// Something that was tried in the editor.
#[derive(Debug)]
struct Check {
    part: String,
    name: String,
    error: Option<String>,
}

/// The parts of the run, with the least number of checks in each.
const PARTS: [(&str, usize); 8] = [
    ("package", 2),
    ("findings", 14),
    ("fixes", 5),
    ("settings", 7),
    ("workspace", 3),
    ("quick checks", 16),
    ("trouble", 8),
    ("restricted mode", 4),
];

fn run() -> Result<Vec<Check>, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut node = Command::new("node");
    // What cargo sets for tests is not meant for the programs that are started.
    node.arg("vsix/test.mjs").current_dir(&root).env_remove("LD_LIBRARY_PATH");
    node.envs(SHIPPED_BUT_SLOW);
    let status = node.stdin(Stdio::null()).status();
    let status = status.map_err(|error| {
        format!("node cannot be run ({error}); on Debian: apt-get install nodejs npm")
    })?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), Into::into);
    let path = target.join("e2e/vscode/report.json");
    let text = std::fs::read_to_string(&path).map_err(|error| {
        format!("vsix/test.mjs ended with {status} and left no {}: {error}", path.display())
    })?;
    let report: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let checks = report["checks"].as_array().into_iter().flatten().map(|check| Check {
        part: text(&check["part"]).unwrap_or_default(),
        name: text(&check["name"]).unwrap_or_default(),
        error: text(&check["error"]),
    });
    Ok(checks.collect())
}

fn checks() -> &'static [Check] {
    match REPORT.get_or_init(run) {
        Ok(checks) => checks,
        Err(message) => panic!("{message}"),
    }
}

/// All checks of a part went well, and none of them is missing.
fn passes(part: &str) {
    let own: Vec<&Check> = checks().iter().filter(|check| check.part == part).collect();
    let failed: Vec<String> = own
        .iter()
        .filter_map(|check| Some(format!("{}: {}", check.name, check.error.as_ref()?)))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    let expected = PARTS.iter().find(|(name, _)| *name == part).map_or(1, |(_, count)| *count);
    assert!(own.len() >= expected, "{part}: {} checks of {expected} ran", own.len());
}

#[test]
fn the_package_is_complete() {
    passes("package");
}

#[test]
fn findings_are_shown_and_explained() {
    passes("findings");
}

#[test]
fn findings_are_mended() {
    passes("fixes");
}

#[test]
fn settings_count_at_once() {
    passes("settings");
}

#[test]
fn the_workspace_is_checked() {
    passes("workspace");
}

#[test]
fn programs_are_verified_and_run() {
    passes("quick checks");
}

#[test]
fn trouble_with_the_server_is_overcome_or_told() {
    passes("trouble");
}

#[test]
fn restricted_mode_runs_nothing_of_the_folder() {
    passes("restricted mode");
}

#[test]
fn every_check_belongs_to_a_part() {
    let lost = checks().iter().filter(|check| !PARTS.iter().any(|(part, _)| *part == check.part));
    assert_eq!(lost.map(|check| check.name.as_str()).collect::<Vec<_>>(), [] as [&str; 0]);
}
