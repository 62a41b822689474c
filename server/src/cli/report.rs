//! Where findings and errors go while files are linted: the renderer, the progress bar, the counts.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use diagnostic::{FileReport, Format, Options, Renderer, RuleInfo, Summary, renderer};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::{CheckArgs, ColorWhen, FormatName};
use super::{Status, complain};
use crate::baseline::Stale;
use crate::session::{Checked, FixMode, Session};

/// Fewer files than this are linted before a progress bar could be read.
const FILES_WORTH_A_BAR: usize = 100;

/// Prints what a run says, as it says it.
pub(super) struct Reporter<'r> {
    renderer: Box<dyn Renderer + 'r>,
    out: BufWriter<Output>,
    bar: ProgressBar,
    format: Format,
    fix: FixMode,
    statistics: bool,
    started: Instant,
    counts: BTreeMap<&'static str, usize>,
    summary: Summary,
    fixed: usize,
    fixed_files: usize,
    /// Findings that a baseline knows.
    known: usize,
    stale: Vec<Stale>,
    /// What became of baselines, one line each.
    recorded: String,
    status: Status,
    /// The first failure to print; nothing is printed behind it.
    stuck: Option<io::Error>,
}

/// Standard output, or standard error if that is taken by mended text.
enum Output {
    Out(io::Stdout),
    Err(io::Stderr),
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Output::Out(out) => out.write(bytes),
            Output::Err(err) => err.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Output::Out(out) => out.flush(),
            Output::Err(err) => err.flush(),
        }
    }
}

impl<'r> Reporter<'r> {
    /// Prints as `args` say about a run over `files` files.
    pub(super) fn new(
        args: &CheckArgs,
        session: &Session<'_>,
        rules: &'r [RuleInfo],
        files: usize,
    ) -> Self {
        let stdin = args.paths.iter().any(|path| path == Path::new("-"));
        let fixes_stdin = stdin && matches!(session.overrides.fix, FixMode::Write(_));
        let output =
            if fixes_stdin { Output::Err(io::stderr()) } else { Output::Out(io::stdout()) };
        let color = match &output {
            Output::Out(out) => color(args.color, out),
            Output::Err(err) => color(args.color, err),
        };
        let options = Options { color, width: width() };
        let format = format(args.format);
        Self {
            renderer: renderer(format, options, rules),
            out: BufWriter::new(output),
            bar: bar(files),
            format,
            fix: session.overrides.fix,
            statistics: args.statistics,
            started: Instant::now(),
            counts: BTreeMap::new(),
            summary: Summary::default(),
            fixed: 0,
            fixed_files: 0,
            known: 0,
            stale: Vec::new(),
            recorded: String::new(),
            status: Status::Clean,
            stuck: None,
        }
    }

    /// Starts the document.
    pub(super) fn begin(&mut self) {
        if !self.only_patches() {
            self.print(|renderer, out| renderer.begin(out));
        }
    }

    /// A file was linted.
    pub(super) fn checked(&mut self, checked: Checked) {
        let Checked { report, left_out, fixed, patch } = checked;
        self.known += left_out.known;
        self.stale.extend(left_out.stale);
        self.count(&report);
        self.fixed += fixed;
        self.fixed_files += usize::from(fixed > 0);
        if self.only_patches() {
            self.print(|_, out| out.write_all(patch.as_bytes()));
        } else {
            self.print(|renderer, out| renderer.file(&report, out));
        }
        self.bar.inc(1);
    }

    /// A baseline was written.
    pub(super) fn recorded(&mut self, path: &Path, findings: usize, files: usize) {
        let (findings, files) = (plural(findings, "finding"), plural(files, "file"));
        self.recorded.push_str(&format!("{}: {findings} in {files}\n", path.display()));
    }

    /// Baselines know findings that are gone.
    pub(super) fn stale(&mut self, stale: Vec<Stale>) {
        self.stale.extend(stale);
    }

    /// A file was not linted because it is not BPF C.
    pub(super) fn skipped(&mut self) {
        self.bar.inc(1);
    }

    /// A file could not be linted.
    pub(super) fn failed(&mut self, path: &Path, cause: &dyn Display) {
        self.status = Status::Error;
        self.bar.suspend(|| complain(format_args!("{}: {cause}", path.display())));
        self.bar.inc(1);
    }

    /// Whether further output would be lost.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.is_some()
    }

    /// Ends the document.
    pub(super) fn finish(mut self) -> io::Result<Status> {
        self.bar.finish_and_clear();
        self.summary.elapsed_ms =
            u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if !self.only_patches() {
            let summary = self.summary;
            self.print(|renderer, out| renderer.finish(&summary, out));
        }
        let notes = self.notes();
        if self.for_people() && !self.only_patches() {
            self.print(|_, out| out.write_all(notes.as_bytes()));
        } else {
            let _ = io::stderr().lock().write_all(notes.as_bytes());
        }
        match self.out.flush().err().or(self.stuck) {
            // A reader that went away, as `head` does, has seen what it wanted.
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(self.status),
        }
    }

    fn count(&mut self, report: &FileReport) {
        self.summary.files += 1;
        self.summary.findings += report.findings.len();
        self.summary.unparsed_regions += report.unparsed_regions;
        for finding in &report.findings {
            *self.counts.entry(finding.rule).or_insert(0) += 1;
        }
        if !report.findings.is_empty() {
            self.status = self.status.max(Status::Findings);
        }
    }

    /// What is said beside the document, one line each.
    fn notes(&self) -> String {
        let mut notes = String::new();
        let verb = match self.fix {
            FixMode::Offer => None,
            FixMode::Write(_) => Some("fixed"),
            FixMode::Diff(_) => Some("would fix"),
        };
        if let Some(verb) = verb {
            let findings = plural(self.fixed, "finding");
            let files = plural(self.fixed_files, "file");
            notes.push_str(&format!("{verb} {findings} in {files}\n"));
        }
        if self.known > 0 {
            let known = plural(self.known, "finding");
            notes.push_str(&format!("{known} known to the baseline\n"));
        }
        notes.push_str(&self.recorded);
        if !self.stale.is_empty() {
            notes.push_str(
                "no longer found, and still in the baseline; --write-baseline renews it:\n",
            );
        }
        for Stale { file, rule, text, count } in &self.stale {
            let times = if *count == 1 { String::new() } else { format!(" ({count} times)") };
            let line = format!("  {file}: {rule}: `{text}`{times}");
            // The file could hold anything, and terminals obey.
            notes.push_str(&line.replace(char::is_control, "\u{fffd}"));
            notes.push('\n');
        }
        if self.statistics {
            let mut counts: Vec<(&str, usize)> =
                self.counts.iter().map(|(r, n)| (*r, *n)).collect();
            counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            let digits = counts.first().map_or(0, |(_, count)| count.to_string().len());
            for (rule, count) in counts {
                notes.push_str(&format!("{count:digits$}  {rule}\n"));
            }
        }
        notes
    }

    /// Whether the output is a patch, in which nothing else may stand.
    fn only_patches(&self) -> bool {
        matches!(self.fix, FixMode::Diff(_))
    }

    fn for_people(&self) -> bool {
        matches!(self.format, Format::Full | Format::Concise)
    }

    /// Prints unless printing failed before. The bar is out of the way meanwhile.
    fn print(
        &mut self,
        write: impl FnOnce(&mut (dyn Renderer + 'r), &mut BufWriter<Output>) -> io::Result<()>,
    ) {
        if self.stuck.is_none() {
            let Self { renderer, out, bar, .. } = self;
            let visible = !bar.is_hidden();
            let written = bar.suspend(|| {
                write(renderer.as_mut(), out)?;
                if visible { out.flush() } else { Ok(()) }
            });
            self.stuck = written.err();
        }
    }
}

/// `3 findings`, `1 finding`.
fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

pub(super) fn format(name: FormatName) -> Format {
    match name {
        FormatName::Full => Format::Full,
        FormatName::Concise => Format::Concise,
        FormatName::Json => Format::Json,
        FormatName::Sarif => Format::Sarif,
        FormatName::Github => Format::Github,
        FormatName::Junit => Format::Junit,
    }
}

/// Whether to colour what goes there.
pub(super) fn color(when: ColorWhen, output: &impl RawStream) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => AutoStream::choice(output) != ColorChoice::Never,
    }
}

/// The width of the terminal, or the renderer's own choice without one.
pub(super) fn width() -> usize {
    let terminal = terminal_size::terminal_size_of(io::stdout());
    terminal.map_or(Options::default().width, |(columns, _)| columns.0.into())
}

fn bar(files: usize) -> ProgressBar {
    if files < FILES_WORTH_A_BAR || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar =
        ProgressBar::with_draw_target(u64::try_from(files).ok(), ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{bar:40} {pos}/{len} files, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
