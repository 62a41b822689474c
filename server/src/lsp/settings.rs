//! Settings that come from the editor. They have the names of the configuration file and are stronger.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::analysis::CATALOGUE;
use crate::config::{self, Config, ConfigError, FILE_NAME};
use crate::focus::Focus;
use crate::session::{FixMode, Overrides};

/// The section of the editor's settings that is ours.
pub(super) const SECTION: &str = "bpf-analyzer";

/// Whether a value holds no settings at all: what clients send that have none for this server.
pub(super) fn says_nothing(value: &Value) -> bool {
    let ours = value.get(SECTION).unwrap_or(value);
    ours.is_null()
        || ours.as_object().is_some_and(Map::is_empty)
        || ours.as_array().is_some_and(Vec::is_empty)
}

/// What the editor wants.
#[derive(Clone, Debug)]
pub(super) struct EditorSettings {
    /// Keys of the configuration file.
    config: Config,
    /// Kernel and rules, which replace those of configuration files.
    pub(super) overrides: Arc<Overrides>,
    /// Baselines of configuration files.
    pub(super) focus: Focus,
    /// Which hints are shown inside the text.
    pub(super) hints: ide::HintOptions,
    /// Whether each program says how many findings it has.
    pub(super) lenses: bool,
    /// Whether programs are verified when a file is saved, if its configuration does not forbid it.
    pub(super) verify_on_save: bool,
}

impl Default for EditorSettings {
    fn default() -> Self {
        Self::of(Config::default(), ide::HintOptions::default(), true)
    }
}

impl EditorSettings {
    fn of(config: Config, hints: ide::HintOptions, lenses: bool) -> Self {
        let overrides =
            Overrides { kernel: config.kernel, rules: config.rules.clone(), fix: FixMode::Offer };
        let verify_on_save = config.verify_on_save.unwrap_or(true);
        let (overrides, focus) = (Arc::new(overrides), Focus::default());
        Self { config, overrides, focus, hints, lenses, verify_on_save }
    }

    /// Reads settings as editors send them: our section, or an object with our section in it; anything else
    /// means no settings. Paths are relative to `root`.
    pub(super) fn read(value: &Value, root: &Path) -> Result<Self, ConfigError> {
        let section = value.get(SECTION).unwrap_or(value);
        let Some(section) = section.as_object() else { return Ok(Self::default()) };
        let flag =
            |path: &str| Value::Object(section.clone()).pointer(path).and_then(Value::as_bool);
        let hints = ide::HintOptions {
            program_types: flag("/inlayHints/programTypes").unwrap_or(true),
            slices: flag("/inlayHints/slices").unwrap_or(true),
        };
        let config = config::parse(&root.join(FILE_NAME), &as_toml(section), &CATALOGUE)?;
        let config = Config { path: None, ..config };
        Ok(Self::of(config, hints, flag("/codeLens/enable").unwrap_or(true)))
    }

    /// The configuration of a file with the editor's settings on top.
    pub(super) fn over(&self, file: &Arc<Config>) -> Arc<Config> {
        let own = &self.config;
        if own.severity.is_empty()
            && own.per_file_ignores.is_empty()
            && own.include.is_empty()
            && own.exclude.is_empty()
            && own.header_paths.is_empty()
            && own.compile_commands.is_none()
            && own.clang.is_none()
            && own.baseline.is_none()
            && own.btf.is_none()
        {
            return Arc::clone(file);
        }
        let mut merged = Config::clone(file);
        // The first that fits counts.
        merged.severity.splice(0..0, own.severity.iter().copied());
        merged.per_file_ignores.extend(own.per_file_ignores.iter().cloned());
        merged.include.extend(own.include.iter().cloned());
        merged.exclude.extend(own.exclude.iter().cloned());
        merged.header_paths.extend(own.header_paths.iter().cloned());
        merged.compile_commands = own.compile_commands.clone().or(merged.compile_commands);
        merged.baseline = own.baseline.clone().or(merged.baseline);
        merged.btf = own.btf.clone().or(merged.btf);
        merged.clang = own.clang.clone().or(merged.clang);
        Arc::new(merged)
    }
}

/// The settings that the configuration file has too, as it would say them. Editors write `headerPaths` where
/// the file has `header-paths`; null and empty strings mean that nothing is set.
fn as_toml(section: &Map<String, Value>) -> String {
    let mut table = toml::Table::new();
    for (name, value) in section {
        let name = kebab(name);
        let unset = value.is_null() || value.as_str().is_some_and(str::is_empty);
        // Tests and their packets are a matter of the file.
        let is_setting =
            config::KEYS.contains(&name.as_str()) && name != "packets" && name != "tests";
        if is_setting
            && !unset
            && let Ok(value) =
                toml::Value::try_from(if name == VERIFY { kebabs(value) } else { value.clone() })
        {
            table.insert(name, value);
        }
    }
    table.to_string()
}

/// The settings within this one are written in two ways as well.
const VERIFY: &str = "verify";

/// An object with its names as the configuration file has them.
fn kebabs(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let is_set = |value: &Value| !value.is_null() && value != "";
            let fields = object.iter().filter(|(_, value)| is_set(value));
            fields.map(|(name, value)| (kebab(name), value.clone())).collect()
        }
        other => other.clone(),
    }
}

fn kebab(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use diagnostic::Severity;
    use kernel_model::Version;
    use serde_json::json;

    use super::*;
    use crate::selection::{Selector, SeverityChange};

    fn read(value: &Value) -> Result<EditorSettings, String> {
        EditorSettings::read(value, Path::new("/w")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_keys_are_those_of_the_configuration_file() {
        let settings = read(&json!({
            "bpf-analyzer": {
                "kernel": "6.12",
                "ignore": ["stale-slice"],
                "headerPaths": ["inc"],
                "compile-commands": null,
                "severity": {"missing-write-back": "info"},
                "server": {"path": "/x"},
                "inlayHints": {"slices": false},
                "verify": {"onSave": false, "btf": "kernel.btf"},
            }
        }))
        .expect("is valid");
        assert_eq!(settings.overrides.kernel, Some(Version::new(6, 12)));
        assert_eq!(settings.overrides.rules.ignore, [Selector::Rule("stale-slice")]);
        assert!(settings.hints.program_types && !settings.hints.slices && settings.lenses);
        assert!(!settings.verify_on_save);
        let merged = settings.over(&Arc::default());
        assert_eq!(merged.header_paths, [Path::new("/w/inc")]);
        assert_eq!(merged.btf.as_deref(), Some(Path::new("/w/kernel.btf")));
        let changed = (Selector::Rule("missing-write-back"), SeverityChange::To(Severity::Info));
        assert_eq!(merged.severity, [changed]);
    }

    #[test]
    fn what_is_no_object_means_no_settings() {
        for value in [json!(null), json!([null]), json!({ "bpf-analyzer": null }), json!(1)] {
            let settings = read(&value).expect("is ignored");
            assert_eq!(settings.overrides.kernel, None);
        }
    }

    #[test]
    fn mistakes_are_told() {
        let error = read(&json!({ "kernel": "6" })).expect_err("is no version");
        assert!(error.contains("`6` is not a kernel version"), "{error}");
        let error = read(&json!({ "ignore": ["stale-slise"] })).expect_err("is no rule");
        assert!(error.contains("did you mean `stale-slice`"), "{error}");
    }
}
