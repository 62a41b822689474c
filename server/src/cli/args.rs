//! The arguments of the command.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use kernel_model::Version;

/// Finds mistakes in BPF C programs that the kernel rejects, and those it does not notice.
#[derive(Debug, Parser)]
#[command(name = "bpf-analyzer", version, max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lint BPF C files and directories
    Check(CheckArgs),
    /// Serve an editor on standard input and output (Language Server Protocol)
    Lsp(LspArgs),
    /// Explain a rule
    Explain(ExplainArgs),
    /// List all rules
    Rules(RulesArgs),
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(super) struct CheckArgs {
    /// Files, directories (searched for BPF C, respecting .gitignore), or `-` for standard input
    #[arg(value_name = "PATH", default_value = ".")]
    pub(super) paths: Vec<PathBuf>,
    /// The name under which standard input is linted
    #[arg(long, value_name = "FILE")]
    pub(super) stdin_filename: Option<PathBuf>,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t = FormatName::Full)]
    pub(super) format: FormatName,
    /// The oldest kernel the programs must work on [default: the newest that is modelled]
    #[arg(long, value_name = "X.Y", value_parser = crate::kernel::parse)]
    pub(super) kernel: Option<Version>,
    /// Use this configuration instead of the nearest bpf-analyzer.toml above each file
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto)]
    pub(super) color: ColorWhen,
    /// Exit with 0 even if there are findings
    #[arg(long)]
    pub(super) exit_zero: bool,
    /// Run only these rules: names, groups or ALL, separated by commas
    #[arg(long, value_name = "RULES", value_delimiter = ',')]
    pub(super) select: Vec<String>,
    /// Do not run these rules: names, groups or ALL, separated by commas
    #[arg(long, value_name = "RULES", value_delimiter = ',')]
    pub(super) ignore: Vec<String>,
    /// Report only findings on lines changed since this git revision, from where HEAD left it
    #[arg(long, value_name = "REV")]
    pub(super) diff_base: Option<String>,
    /// Do not report the findings recorded in this file
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Record all findings in the baseline instead of reporting them
    #[arg(long, conflicts_with_all = ["fix", "diff", "diff_base"])]
    pub(super) write_baseline: bool,
    /// Apply safe fixes
    #[arg(long, group = "fixing", conflicts_with = "diff")]
    pub(super) fix: bool,
    /// With --fix or --diff: also fixes that may change what the program is meant to do
    #[arg(long, requires = "fixing")]
    pub(super) unsafe_fixes: bool,
    /// Print what --fix would change as a patch, and change nothing
    #[arg(long, group = "fixing")]
    pub(super) diff: bool,
    /// Also print how many findings each rule has
    #[arg(long)]
    pub(super) statistics: bool,
    /// Number of threads [default: one per processor]
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<NonZeroUsize>,
}

const EXIT_CODES: &str =
    "Exit codes: 0 no findings, 1 findings, 2 a usage, configuration, input or internal error.";

#[derive(Debug, Args)]
pub(super) struct LspArgs {
    /// Does nothing: standard input and output are the only way, but many editors say so
    #[arg(long, hide = true)]
    pub(super) stdio: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The rule's name
    pub(super) rule: String,
    /// How the page is printed
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub(super) format: ListFormat,
}

#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    /// How the list is printed
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub(super) format: ListFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatName {
    /// With source text, for people
    Full,
    /// One line per finding
    Concise,
    /// One JSON document
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// GitHub workflow commands
    Github,
    /// JUnit XML
    Junit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorWhen {
    /// If the output is a terminal; NO_COLOR and CLICOLOR_FORCE are respected
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
