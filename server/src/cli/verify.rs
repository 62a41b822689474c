//! `bpf-analyzer verify`.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::bail;
use diagnostic::{FileReport, Format, Options, RuleInfo, Summary, renderer};
use kernel_model::Version;

use super::args::{FormatName, VerifyArgs};
use super::objects::{LoadError, Loaded, Objects};
use super::report::{color, format, width};
use super::{Status, complain};
use crate::compile::CLANG;
use crate::config::Config;
use crate::rules::Catalogue;
use crate::types::{KernelTypes, TypesCache};
use crate::verify::{
    Outcome, Target, VERIFIER, Verdict, VerifySettings, document, object, reports,
};
use crate::wishes::Wishes;

/// Verifies what `args` say.
pub(super) fn run(args: &VerifyArgs, catalogue: &Catalogue) -> anyhow::Result<Status> {
    if args.testing.tests {
        return super::tests::verdicts(args, catalogue);
    }
    let mut verification = Verification {
        args,
        catalogue,
        objects: Objects::new(catalogue, args.config.as_deref())?,
        types: TypesCache::default(),
        target: None,
        kernel: args.kernel.unwrap_or(Version::NEWEST_MODELLED),
        files: Vec::new(),
        status: Status::Clean,
    };
    let started = Instant::now();
    if let Some(target) = &args.target {
        verification.target = Some(read_target(&mut verification.objects, target)?);
    }
    for path in &args.paths {
        verification.file(path)?;
    }
    verification.print(started)?;
    let status = verification.status;
    Ok(if args.exit_zero && status == Status::Findings { Status::Clean } else { status })
}

struct Verification<'v> {
    args: &'v VerifyArgs,
    catalogue: &'v Catalogue,
    objects: Objects<'v>,
    types: TypesCache,
    /// The object with what extensions extend, and the program in it.
    target: Option<TargetFile>,
    kernel: Version,
    files: Vec<Verified>,
    status: Status,
}

/// What was found out about a file.
struct Verified {
    path: PathBuf,
    outcomes: Vec<Outcome>,
    reports: Vec<FileReport>,
}

impl Verification<'_> {
    /// Verifies a file; what is wrong with it is said, and does not concern the others.
    fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        match self.objects.load(path) {
            Ok(Loaded { bytes, source, config }) => {
                self.kernel =
                    self.args.kernel.or(config.kernel).unwrap_or(Version::NEWEST_MODELLED);
                let types = self.args.btf.as_deref().or(config.btf.as_deref());
                let types = self.types.get(types)?;
                self.object(path, &bytes, source.as_ref(), &config, &types);
            }
            Err(LoadError::Command(error)) => return Err(error),
            Err(LoadError::File(error)) => self.failed(path, &error),
            Err(LoadError::Rejected(findings)) => {
                let source = crate::source::read(path).unwrap_or_else(|_| Arc::from(""));
                let shown = path.display().to_string();
                let report = FileReport { path: shown, source, findings, unparsed_regions: 0 };
                let reports = vec![report];
                self.files.push(Verified { path: path.to_owned(), outcomes: Vec::new(), reports });
                self.status = self.status.max(Status::Findings);
            }
        }
        Ok(())
    }

    fn object(
        &mut self,
        path: &Path,
        bytes: &[u8],
        source: Option<&Arc<str>>,
        config: &Config,
        types: &KernelTypes,
    ) {
        let settings = VerifySettings {
            kernel: self.kernel,
            types,
            capabilities: self.args.capabilities(config),
            log_level: self.args.log.unwrap_or(0),
            programs: &self.args.program,
            file: path.file_name().and_then(|name| name.to_str()).unwrap_or_default(),
            max_entries: self.args.max_entries,
            target: self
                .target
                .as_ref()
                .map(|(bytes, program)| Target { bytes, program: program.as_deref() }),
        };
        match object(bytes, &settings) {
            Ok(mut outcomes) => {
                let path = path.to_owned();
                let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
                let catalogue = self.catalogue;
                let wishes =
                    Wishes { catalogue, config, layer: None, path: &absolute, text: source };
                wishes.apply(&mut outcomes);
                if !outcomes.iter().all(Outcome::is_accepted) {
                    self.status = self.status.max(Status::Findings);
                }
                let main = source.map(|text| (path.as_path(), text));
                let reports = reports(&path, &outcomes, main);
                if !reports.is_empty() {
                    self.status = self.status.max(Status::Findings);
                }
                self.files.push(Verified { path, outcomes, reports });
            }
            Err(error) => self.failed(path, &error),
        }
    }

    fn failed(&mut self, path: &Path, error: &dyn std::fmt::Display) {
        self.status = Status::Error;
        complain(format_args!("{}: {error:#}", path.display()));
    }

    fn print(&self, started: Instant) -> anyhow::Result<()> {
        let mut out = BufWriter::new(io::stdout().lock());
        if self.args.format == FormatName::Json {
            let programs = self.files.iter();
            let programs = programs.flat_map(|file| {
                file.outcomes.iter().map(|outcome| (file.path.as_path(), outcome))
            });
            let programs: Vec<(&Path, &Outcome)> = programs.collect();
            writeln!(out, "{}", document(self.kernel, &programs)?)?;
            for report in self.files.iter().filter(|file| file.outcomes.is_empty()) {
                for finding in report.reports.iter().flat_map(|report| &report.findings) {
                    complain(format_args!("{}: {}", report.path.display(), finding.message));
                }
            }
            out.flush()?;
            return Ok(());
        }
        let format = format(self.args.format);
        let is_for_people = matches!(format, Format::Full | Format::Concise);
        let rules: Vec<RuleInfo> =
            self.catalogue.rules().copied().chain([VERIFIER, CLANG]).collect();
        let options = Options { color: color(self.args.color, &io::stdout()), width: width() };
        let mut renderer = renderer(format, options, &rules);
        let mut summary = Summary { files: self.files.len(), ..Summary::default() };
        renderer.begin(&mut out)?;
        for file in &self.files {
            if is_for_people {
                write_logs(&mut out, file)?;
            }
            for report in &file.reports {
                summary.findings += report.findings.len();
                renderer.file(report, &mut out)?;
            }
            if format == Format::Full {
                write_verdicts(&mut out, file)?;
            }
        }
        summary.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        renderer.finish(&summary, &mut out)?;
        out.flush()?;
        Ok(())
    }
}

fn write_logs(out: &mut dyn Write, file: &Verified) -> io::Result<()> {
    for outcome in file.outcomes.iter().filter(|outcome| !outcome.log.is_empty()) {
        writeln!(out, "log of `{}`:\n{}", outcome.name, outcome.log)?;
    }
    Ok(())
}

/// One line for each program.
fn write_verdicts(out: &mut dyn Write, file: &Verified) -> io::Result<()> {
    let width = file.outcomes.iter().map(|outcome| outcome.name.chars().count()).max().unwrap_or(0);
    for outcome in &file.outcomes {
        let verdict = match &outcome.verdict {
            Verdict::Accept => "accepted",
            Verdict::Reject { .. } => "rejected",
            Verdict::Unsupported(_) => "unknown",
        };
        let kind = if outcome.program_type.is_empty() { "?" } else { outcome.program_type };
        let insns = outcome.stats.insns_processed;
        // Names come from the object, which may be anybody's.
        let name = outcome.name.replace(char::is_control, "\u{fffd}");
        writeln!(out, "{verdict}  {name:width$}  {kind:<16} {insns:>7} instructions followed")?;
    }
    if !file.outcomes.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

/// The bytes of an object whose programs are extended, and the name of the program.
pub(super) type TargetFile = (Vec<u8>, Option<String>);

/// Reads what extensions extend: `FILE`, or `FILE:PROGRAM`.
pub(super) fn read_target(objects: &mut Objects<'_>, text: &str) -> anyhow::Result<TargetFile> {
    let (path, program) = match text.rsplit_once(':') {
        Some((path, program)) if !Path::new(text).exists() => (path, Some(program.to_owned())),
        _ => (text, None),
    };
    match objects.load(Path::new(path)) {
        Ok(Loaded { bytes, .. }) => Ok((bytes, program)),
        Err(LoadError::Command(error) | LoadError::File(error)) => {
            Err(error.context(path.to_owned()))
        }
        Err(LoadError::Rejected(_)) => bail!("{path}: clang does not compile it"),
    }
}
