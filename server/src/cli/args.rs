//! The arguments of the command.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use kernel_model::Version;
use verifier::Capabilities;

use crate::capabilities::{CapabilityName, capabilities};
use crate::config::Config;

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
    /// Say what the kernel's verifier says about compiled programs, and why
    Verify(VerifyArgs),
    /// Run a compiled program on packets, and on every layout of them that can matter
    Run(Box<RunArgs>),
    /// Serve an editor on standard input and output (Language Server Protocol)
    Lsp(LspArgs),
    /// Explain a rule, or a message of the kernel's verifier
    Explain(ExplainArgs),
    /// List all rules
    Rules(RulesArgs),
    /// Print what completes this command in a shell
    Completions(CompletionsArgs),
    /// Write the manual pages of this command into a directory
    #[command(hide = true)]
    ManPages(ManPagesArgs),
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

#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXIT_CODES)]
pub(super) struct VerifyArgs {
    /// Objects, or C files, which are compiled with clang; with --tests also directories
    #[arg(value_name = "FILE", required_unless_present = "tests")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) testing: TestingArgs,
    /// Verify only this program; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(super) program: Vec<String>,
    /// How verdicts are printed
    #[arg(long, value_enum, default_value_t = FormatName::Full)]
    pub(super) format: FormatName,
    /// The kernel the programs are loaded into [default: the newest that is modelled]
    #[arg(long, value_name = "X.Y", value_parser = crate::kernel::parse)]
    pub(super) kernel: Option<Version>,
    /// The types of that kernel, as in /sys/kernel/btf/vmlinux [default: those of a 6.18]
    #[arg(long, value_name = "FILE")]
    pub(super) btf: Option<PathBuf>,
    /// What the loader sets for maps whose max_entries is 0 in the object
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_entries: Option<u32>,
    /// What programs in SEC("freplace") extend: an object or a C file, with the program in it if there are several
    #[arg(long, value_name = "FILE[:NAME]")]
    pub(super) target: Option<String>,
    /// Also print the verifier's log: 1, or 2 for all paths
    #[arg(long, conflicts_with = "tests", value_name = "LEVEL", num_args = 0..=1, require_equals = true, default_missing_value = "1",
          value_parser = clap::value_parser!(u32).range(1..=2))]
    pub(super) log: Option<u32>,
    /// What the loader is allowed to do, separated by commas, such as bpf,net_admin [default: everything]
    #[arg(
        long,
        value_enum,
        value_name = "NAMES",
        value_delimiter = ',',
        num_args = 1,
        ignore_case = true
    )]
    pub(super) capabilities: Option<Vec<CapabilityName>>,
    /// Load without any of these capabilities, if the system lets anybody load programs
    #[arg(long, conflicts_with = "capabilities")]
    pub(super) unprivileged: bool,
    /// Use this configuration instead of the nearest bpf-analyzer.toml above each file
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto)]
    pub(super) color: ColorWhen,
    /// Exit with 0 even if programs are rejected
    #[arg(long)]
    pub(super) exit_zero: bool,
}

impl VerifyArgs {
    /// What the loader of a file's programs may do: as is said here, or else in the configuration of the file.
    pub(super) fn capabilities(&self, config: &Config) -> Capabilities {
        if self.unprivileged {
            return Capabilities::NONE;
        }
        let named = self.capabilities.as_deref().map(capabilities);
        named.or(config.capabilities).unwrap_or(Capabilities::ALL)
    }
}

#[derive(Debug, Args)]
#[command(after_help = RUN_EXIT_CODES)]
pub(super) struct RunArgs {
    /// An object, or a C file, which is compiled with clang; with --tests any number of files and directories
    #[arg(value_name = "FILE", required_unless_present = "tests")]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) testing: TestingArgs,
    /// The program to run, if there are several
    #[arg(long, value_name = "NAME")]
    pub(super) program: Option<String>,
    /// A packet: the name of one in bpf-analyzer.toml; hexadecimal digits; a file with raw bytes; a pcap or pcapng file,
    /// with #N for the N-th packet; or a template such as tcp4, udp6:dport=53,len=100 or vlan+ipv6+tcp; may be given
    /// several times [default: those of bpf-analyzer.toml for the program]
    #[arg(long, conflicts_with = "tests", value_name = "SPEC")]
    pub(super) packet: Vec<String>,
    /// The context: a JSON object with its fields and what they point to, a list of arguments, hexadecimal digits, or a file
    /// with JSON
    #[arg(long, conflicts_with = "tests", value_name = "JSON")]
    pub(super) context: Option<String>,
    /// Elements that a map holds at first, as JSON: [{"key": 1, "value": 2}, …]; for .bss, .data and .rodata
    /// {"variable": 1, …}
    #[arg(long, conflicts_with = "tests", value_name = "NAME=FILE")]
    pub(super) map: Vec<String>,
    /// A sample that a user ring buffer holds at first: hexadecimal digits or a file; may be given several times
    #[arg(long, conflicts_with = "tests", value_name = "NAME=SAMPLE")]
    pub(super) sample: Vec<String>,
    /// The routes that bpf_fib_lookup knows, as JSON
    #[arg(long, conflicts_with = "tests", value_name = "FILE")]
    pub(super) routes: Option<PathBuf>,
    /// The sockets that bpf_sk_lookup_tcp and its like know, as JSON
    #[arg(long, conflicts_with = "tests", value_name = "FILE")]
    pub(super) sockets: Option<PathBuf>,
    /// The connections that bpf_skb_ct_lookup and its like know, as JSON
    #[arg(long, conflicts_with = "tests", value_name = "FILE")]
    pub(super) connections: Option<PathBuf>,
    /// Memory of user space, as JSON: [{"at": 65536, "text": "/etc/passwd"}, …]
    #[arg(long, conflicts_with = "tests", value_name = "FILE")]
    pub(super) user: Option<PathBuf>,
    /// The task that the program runs in: {"pid": 1, "tgid": 1, "uid": 0, "gid": 0, "cgroup": 1, "comm": "name", "namespace": {"dev": 4, "ino": 4026531836}}, or a file with it
    #[arg(long, conflicts_with = "tests", value_name = "JSON")]
    pub(super) task: Option<String>,
    /// The time that the program sees, in nanoseconds
    #[arg(long, conflicts_with = "tests", value_name = "NS", default_value_t = 0)]
    pub(super) now: u64,
    /// After the program also run its timers, work queues and works of tasks, in the order of their time: so many calls
    /// at most
    #[arg(long, conflicts_with = "tests", value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "1000")]
    pub(super) deferred: Option<usize>,
    /// Also run on every layout that can matter, and report what depends on it
    #[arg(long, conflicts_with = "tests")]
    pub(super) layouts: bool,
    /// With --layouts: how many runs at most
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub(super) max_runs: usize,
    /// With --layouts: for how many milliseconds
    #[arg(long, value_name = "MS", default_value_t = 2000)]
    pub(super) max_time: u64,
    /// How many bytes of the packet are linear [default: all]
    #[arg(long, conflicts_with = "tests", value_name = "BYTES")]
    pub(super) linear: Option<u32>,
    /// The lengths of the fragments behind them, separated by commas
    #[arg(long, conflicts_with = "tests", value_name = "BYTES", value_delimiter = ',')]
    pub(super) frags: Vec<u32>,
    /// The packet shares its bytes with another one
    #[arg(long, conflicts_with = "tests")]
    pub(super) cloned: bool,
    /// Metadata in front of the packet, in hexadecimal digits
    #[arg(long, conflicts_with = "tests", value_name = "HEX")]
    pub(super) metadata: Option<String>,
    /// What the loader sets for maps whose max_entries is 0 in the object
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_entries: Option<u32>,
    /// How many instructions may be executed
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    pub(super) budget: u64,
    /// How much memory maps, packet and stack may take, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64)]
    pub(super) memory: usize,
    /// What chance begins with
    #[arg(long, conflicts_with = "tests", value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
    /// The result that is expected of every run: a number, or a name such as XDP_DROP
    #[arg(long, conflicts_with = "tests", value_name = "N", value_parser = expected_result, allow_hyphen_values = true)]
    pub(super) expect: Option<ExpectedResult>,
    /// Print each line that is executed, and what it reads and writes (with --format json on standard error)
    #[arg(long, conflicts_with = "tests")]
    pub(super) trace: bool,
    /// With --trace: how many lines are printed of each packet's
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(super) max_trace: usize,
    /// Print how often each line was executed (with --format json on standard error)
    #[arg(long)]
    pub(super) coverage: bool,
    /// Write coverage of lines and branches to this file, for lcov
    #[arg(long, value_name = "FILE")]
    pub(super) lcov: Option<PathBuf>,
    /// How runs are printed
    #[arg(long, value_enum, default_value_t = RunFormat::Full)]
    pub(super) format: RunFormat,
    /// Use this configuration instead of the nearest bpf-analyzer.toml above the file
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Exit with 0 even if something depends on the layout, or faults
    #[arg(long)]
    pub(super) exit_zero: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RunFormat {
    /// For people
    Full,
    /// One JSON document
    Json,
    /// With --tests: GitHub workflow commands
    Github,
    /// With --tests: JUnit XML
    Junit,
}

/// Running tests instead of single programs.
#[derive(Debug, Args)]
pub(super) struct TestingArgs {
    /// Run the tests of bpf-analyzer.toml: of the nearest one above each FILE, and of those in directories [default: .]
    #[arg(long)]
    pub(super) tests: bool,
    /// With --tests: only those with this in their name FILE::PROGRAM::TEST[PACKET]; may be given several times
    #[arg(long, value_name = "TEXT", requires = "tests")]
    pub(super) test: Vec<String>,
    /// With --tests: only print the names
    #[arg(long, requires = "tests")]
    pub(super) list: bool,
}

/// A result that is expected.
#[derive(Clone, Debug)]
pub(super) struct ExpectedResult {
    /// As it was written.
    pub(super) text: String,
    pub(super) value: u32,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "programs return an int"
)]
fn expected_result(text: &str) -> Result<ExpectedResult, String> {
    let value =
        crate::run::retval::parse(text).ok_or("neither a number nor the name of a result")?;
    Ok(ExpectedResult { text: text.to_owned(), value: value as u32 })
}

const RUN_EXIT_CODES: &str = "Exit codes: 0 the program ran, 1 it faulted, depends on the layout or has another result \
     than expected, 2 something is not modelled, or a usage, configuration, input or internal error. With --tests: 0 all \
     tests pass, 1 one fails, 2 one cannot be run.";

const VERIFY_EXIT_CODES: &str = "Exit codes: 0 all programs are accepted, 1 one is not or has a finding, \
     2 a usage, configuration, input or internal error.";

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
    /// The rule's name, or a message of the kernel's verifier
    #[arg(value_name = "RULE|MESSAGE")]
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

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManPagesArgs {
    /// The directory, which exists
    pub(super) directory: PathBuf,
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
