//! Reading `bpf-analyzer.toml`, with errors that name line and column.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use diagnostic::Severity;
use kernel_model::Version;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;
use toml::de::DeValue;

use super::tables::{ExpectTable, LayoutTable, PacketTable, TaskTable, TestTable};
use super::{Clang, Config, Pattern};
use crate::capabilities::{CapabilityName, capabilities};
use crate::kernel;
use crate::rules::Catalogue;
use crate::selection::{Layer, Selector, SeverityChange};
use crate::source::plain;
use crate::spelling;

/// Settings of bpf-analyzer. Paths and patterns are relative to the directory of this file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "bpf-analyzer.toml")]
pub struct ConfigFile {
    /// The oldest kernel the programs must work on, such as "6.12". Default: the newest that is modelled.
    #[schemars(with = "String", regex(pattern = r"^[0-9]+\.[0-9]+$"))]
    kernel: Option<Spanned<String>>,
    /// Rules and groups that run, or "ALL". Default: all.
    #[schemars(with = "Vec<String>")]
    select: Vec<Spanned<String>>,
    /// Rules and groups that do not run. A rule's own name is stronger than its group.
    #[schemars(with = "Vec<String>")]
    ignore: Vec<Spanned<String>>,
    /// Severity of a rule's or group's findings instead of their own; "off" switches the rule off.
    #[schemars(with = "BTreeMap<String, SeverityName>")]
    severity: BTreeMap<Spanned<String>, SeverityName>,
    /// Rules and groups that do not run on the files matching a pattern.
    #[schemars(with = "BTreeMap<String, Vec<String>>")]
    per_file_ignores: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
    /// Patterns of files that are linted when a directory is walked although they do not look like BPF C.
    #[schemars(with = "Vec<String>")]
    include: Vec<Spanned<String>>,
    /// Patterns of files and directories that are skipped when a directory is walked.
    #[schemars(with = "Vec<String>")]
    exclude: Vec<Spanned<String>>,
    /// Directories in which headers are searched.
    header_paths: Vec<PathBuf>,
    /// The compilation database whose include directories are searched for headers. Default: the nearest
    /// compile_commands.json in the directories above a file.
    #[schemars(with = "String")]
    compile_commands: Option<PathBuf>,
    /// A file with findings that are not reported, written by `bpf-analyzer check --write-baseline`.
    #[schemars(with = "String")]
    baseline: Option<PathBuf>,
    /// The clang that compiles programs: a name such as "clang-19", which is searched in PATH, or a path. A path is
    /// refused in a file that was found beside the programs, because that file may come from anyone: it counts in a
    /// file named with --config, and in the settings of an editor, where extensions should allow it for the machine
    /// only. Default: clang, or else the newest clang-NN.
    #[schemars(with = "String")]
    clang: Option<PathBuf>,
    /// Packets with names, for tests and for `bpf-analyzer run --packet NAME`.
    #[schemars(with = "Vec<PacketTable>")]
    packets: Vec<Spanned<PacketTable>>,
    /// What programs are expected to do: `bpf-analyzer run --tests` and `bpf-analyzer verify --tests` say whether they do.
    #[schemars(with = "Vec<TestTable>")]
    tests: Vec<Spanned<TestTable>>,
    /// How programs are verified: `btf`, the types of the kernel they are for; `capabilities` of the loader, which are all
    /// by default; and `on-save`, whether editors verify what is saved, which is true by default, if clang is found and
    /// the workspace is trusted.
    #[schemars(with = "VerifyTable")]
    verify: Option<VerifyTable>,
}

/// How programs are verified, and when without being asked for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct VerifyTable {
    /// A file with the types of the kernel that programs are for, such as a copy of /sys/kernel/btf/vmlinux. Default:
    /// those of a 6.18, which come with the program.
    #[schemars(with = "String")]
    btf: Option<PathBuf>,
    /// Editors have the programs of a file verified when it is saved, if clang is found and the workspace is trusted.
    /// Default: true.
    #[schemars(with = "bool")]
    on_save: Option<bool>,
    /// What the loader of the programs is allowed to do, such as ["bpf", "net_admin"]. Default: everything.
    #[schemars(with = "Vec<CapabilityName>")]
    capabilities: Option<Vec<CapabilityName>>,
}

/// Names of severities in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SeverityName {
    /// Wrong whenever the path runs, or the kernel rejects it.
    Error,
    /// Wrong on some packets, kernels or error paths.
    Warning,
    /// Waste or style.
    Info,
    /// The rule does not run.
    Off,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {}", plain(cause))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// Something in it is wrong.
    #[error("{path}:{line}:{column}: {message}")]
    Content {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: usize,
        /// 1-based column in characters.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

/// The JSON Schema of the file, for editors.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(ConfigFile)
}

/// Understands the text of the configuration file at `path`, which should be absolute.
pub fn parse(path: &Path, text: &str, catalogue: &Catalogue) -> Result<Config, ConfigError> {
    let reader = Reader { path, text, catalogue };
    reader.check_keys()?;
    let file: ConfigFile = toml::from_str(text).map_err(|error| {
        reader.error(error.span().unwrap_or_default(), error.message().to_owned())
    })?;
    reader.config(file)
}

pub(super) struct Reader<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    catalogue: &'a Catalogue,
}

/// The keys of the file.
pub(crate) const KEYS: [&str; 14] = [
    "kernel",
    "select",
    "ignore",
    "severity",
    "per-file-ignores",
    "include",
    "exclude",
    "header-paths",
    "compile-commands",
    "baseline",
    "clang",
    "packets",
    "tests",
    "verify",
];

/// The keys of tables in the file, and the tables in those.
struct Keys {
    keys: &'static [&'static str],
    tables: &'static [(&'static str, Keys)],
}

const TABLES: Keys = Keys {
    keys: &KEYS,
    tables: &[
        ("packets", Keys { keys: PacketTable::KEYS, tables: &[("layout", LAYOUT)] }),
        (
            "tests",
            Keys {
                keys: TestTable::KEYS,
                tables: &[
                    ("layout", LAYOUT),
                    ("task", Keys { keys: TaskTable::KEYS, tables: &[] }),
                    ("expect", Keys { keys: ExpectTable::KEYS, tables: &[] }),
                ],
            },
        ),
        ("verify", Keys { keys: &["btf", "on-save", "capabilities"], tables: &[] }),
    ],
};

const LAYOUT: Keys = Keys { keys: LayoutTable::KEYS, tables: &[] };

impl Reader<'_> {
    /// Unknown keys are looked for before anything else, so that each gets a guess at what was meant.
    fn check_keys(&self) -> Result<(), ConfigError> {
        let Ok(table) = toml::de::DeTable::parse(self.text) else { return Ok(()) };
        let mut unknown = Vec::new();
        unknown_keys(table.get_ref(), &TABLES, "", &mut unknown);
        unknown.sort_by_key(|(span, _)| span.start);
        match unknown.into_iter().next() {
            Some((span, message)) => Err(self.error(span, message)),
            None => Ok(()),
        }
    }

    fn config(&self, file: ConfigFile) -> Result<Config, ConfigError> {
        let root = self.path.parent().unwrap_or(Path::new(""));
        let severity = file.severity.iter().map(|(name, severity)| {
            let change = match severity {
                SeverityName::Error => SeverityChange::To(Severity::Error),
                SeverityName::Warning => SeverityChange::To(Severity::Warning),
                SeverityName::Info => SeverityChange::To(Severity::Info),
                SeverityName::Off => SeverityChange::Off,
            };
            Ok((self.selector(name)?, change))
        });
        let per_file_ignores = file
            .per_file_ignores
            .iter()
            .map(|(glob, names)| Ok((self.pattern(glob)?, self.selectors(names)?)));
        Ok(Config {
            path: Some(self.path.to_owned()),
            kernel: file.kernel.as_ref().map(|kernel| self.kernel(kernel)).transpose()?,
            rules: Layer {
                select: self.selectors(&file.select)?,
                ignore: self.selectors(&file.ignore)?,
            },
            severity: severity.collect::<Result<_, _>>()?,
            per_file_ignores: per_file_ignores.collect::<Result<_, _>>()?,
            include: self.patterns(&file.include)?,
            exclude: self.patterns(&file.exclude)?,
            header_paths: file.header_paths.iter().map(|dir| root.join(dir)).collect(),
            compile_commands: file.compile_commands.map(|path| root.join(path)),
            baseline: file.baseline.map(|path| root.join(path)),
            packets: self.packets(&file.packets)?,
            tests: self.tests(&file.tests)?,
            verify_on_save: file.verify.as_ref().and_then(|verify| verify.on_save),
            btf: file
                .verify
                .as_ref()
                .and_then(|verify| verify.btf.as_ref())
                .map(|path| root.join(path)),
            capabilities: file
                .verify
                .and_then(|verify| verify.capabilities)
                .map(|names| capabilities(&names)),
            clang: file.clang.map(|clang| {
                let is_name = clang.components().count() == 1 && clang.is_relative();
                let program = if is_name { clang } else { root.join(clang) };
                Clang { program, trusted: true }
            }),
        })
    }

    fn kernel(&self, version: &Spanned<String>) -> Result<Version, ConfigError> {
        kernel::parse(version.get_ref())
            .map_err(|error| self.error(version.span(), error.to_string()))
    }

    fn selectors(&self, names: &[Spanned<String>]) -> Result<Vec<Selector>, ConfigError> {
        names.iter().map(|name| self.selector(name)).collect()
    }

    fn selector(&self, name: &Spanned<String>) -> Result<Selector, ConfigError> {
        Selector::parse(name.get_ref(), self.catalogue)
            .map_err(|error| self.error(name.span(), error.to_string()))
    }

    fn patterns(&self, globs: &[Spanned<String>]) -> Result<Vec<Pattern>, ConfigError> {
        globs.iter().map(|glob| self.pattern(glob)).collect()
    }

    pub(super) fn pattern(&self, glob: &Spanned<String>) -> Result<Pattern, ConfigError> {
        Pattern::new(glob.get_ref()).map_err(|error| self.error(glob.span(), error.to_string()))
    }

    pub(super) fn error(&self, span: Range<usize>, message: String) -> ConfigError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        ConfigError::Content {
            path: self.path.to_owned(),
            line: 1 + before.matches('\n').count(),
            column: 1 + before[line_start..].chars().count(),
            message,
        }
    }
}

/// The keys of a table and those in it that do not exist, and what to say of each.
fn unknown_keys(
    table: &toml::de::DeTable<'_>,
    known: &Keys,
    within: &str,
    unknown: &mut Vec<(Range<usize>, String)>,
) {
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        if !known.keys.contains(&name) {
            let guess = spelling::nearest(name, known.keys.iter().copied());
            let guess = spelling::did_you_mean(guess);
            unknown.push((key.span(), format!("unknown key `{name}`{within}{guess}")));
            continue;
        }
        let Some((_, keys)) = known.tables.iter().find(|(table, _)| *table == name) else {
            continue;
        };
        let within = format!(" in `{name}`");
        match value.get_ref() {
            DeValue::Table(inner) => unknown_keys(inner, keys, &within, unknown),
            DeValue::Array(values) => {
                for value in values.iter() {
                    if let DeValue::Table(inner) = value.get_ref() {
                        unknown_keys(inner, keys, &within, unknown);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        parse(Path::new("/p/bpf-analyzer.toml"), text, &Catalogue::shipped())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_key_is_understood() {
        let config = read(concat!(
            "kernel = \"6.12\"\nselect = [\"ALL\"]\nignore = [\"suppression\"]\n",
            "include = [\"gen/*.inc\"]\nexclude = [\"vendor\"]\n",
            "header-paths = [\"headers\"]\ncompile-commands = \"build/cc.json\"\n",
            "clang = \"bin/clang\"\nbaseline = \"known.json\"\n",
            "[verify]\nbtf = \"kernel.btf\"\non-save = false\ncapabilities = [\"bpf\", \"net_admin\"]\n",
            "[severity]\nunused-suppression = \"off\"\nunknown-suppression = \"error\"\n",
            "[per-file-ignores]\n\"*.h\" = [\"unknown-suppression\"]\n",
        ))
        .expect("is valid");
        assert_eq!(config.kernel, Some(Version::new(6, 12)));
        assert_eq!(config.rules.select, [Selector::All]);
        assert_eq!(config.rules.ignore, [Selector::Group("suppression")]);
        assert_eq!(config.severity.len(), 2);
        assert_eq!(config.verify_on_save, Some(false));
        assert_eq!(config.btf.as_deref(), Some(Path::new("/p/kernel.btf")));
        let names = [CapabilityName::Bpf, CapabilityName::NetAdmin];
        assert_eq!(config.capabilities, Some(capabilities(&names)));
        assert!(config.severity.contains(&(
            Selector::Rule("unknown-suppression"),
            SeverityChange::To(Severity::Error)
        )));
        let ignored = |file| config.ignored_for(Path::new(file));
        assert_eq!(ignored("/p/a/b.h"), [Selector::Rule("unknown-suppression")]);
        assert_eq!(ignored("/p/a/b.c"), []);
        assert!(config.excludes(Path::new("/p/a/vendor/x/y.bpf.c")));
        assert!(!config.excludes(Path::new("/p/a/vendored.bpf.c")));
        assert!(config.includes(Path::new("/p/gen/a.inc")));
        assert!(
            !config.includes(Path::new("/p/x/gen/a.inc")),
            "a pattern with a slash is anchored"
        );
        assert_eq!(config.header_paths, [Path::new("/p/headers")]);
        assert_eq!(config.compile_commands.as_deref(), Some(Path::new("/p/build/cc.json")));
        assert_eq!(config.baseline.as_deref(), Some(Path::new("/p/known.json")));
        let program = |text| read(text).expect("is valid").clang.expect("is set").program;
        assert_eq!(program("clang = \"bin/clang\""), Path::new("/p/bin/clang"));
        assert_eq!(program("clang = \"clang-19\""), Path::new("clang-19"));
    }

    #[test]
    fn errors_name_the_place_and_the_likely_name() {
        for (text, expected) in [
            ("\nselct = []", "2:1: unknown key `selct`; did you mean `select`?"),
            ("zzz = 1", "1:1: unknown key `zzz`"),
            ("ignore = [\n  \"é\", \"unused-supression\"]", "2:3: unknown rule `é`"),
            (
                "ignore = [\"unused-supression\"]",
                "1:11: unknown rule `unused-supression`; did you mean `unused-suppression`?",
            ),
            (
                "kernel = \"6\"",
                "1:10: `6` is not a kernel version: expected two numbers such as `6.18`",
            ),
            ("kernel = 6.18", "1:10: invalid type: floating point `6.18`, expected a string"),
        ] {
            let error = read(text).expect_err("is invalid");
            assert_eq!(error, format!("/p/bpf-analyzer.toml:{expected}"), "{text}");
        }
        let error = read("[severity]\nunused-suppression = \"fatal\"").expect_err("is invalid");
        assert!(error.contains(":2:22: unknown variant `fatal`, expected one of"), "{error}");
        let error = read("exclude = [\"a[\"]").expect_err("is invalid");
        assert!(error.contains(":1:12: error parsing glob 'a['"), "{error}");
        let error = read("select = [").expect_err("is invalid");
        assert!(error.contains(":1:1"), "{error}");
    }

    #[test]
    fn the_committed_schema_is_the_one_of_this_code() {
        let committed = include_str!("../../../docs/bpf-analyzer.schema.json");
        let committed: serde_json::Value = serde_json::from_str(committed).expect("is JSON");
        assert_eq!(&committed, schema().as_value(), "run `cargo xtask codegen`");
        let described = schema();
        let keys =
            described.get("properties").and_then(|keys| keys.as_object()).expect("an object");
        let mut expected = KEYS.to_vec();
        expected.sort_unstable();
        assert_eq!(keys.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    }
}
