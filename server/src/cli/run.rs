//! `bpf-analyzer run`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use bpf_object::{Kernel, Linked, Object, link};
use runtime::layouts::Limits;
use runtime::{Image, Input, Layout, Machine, PacketInput};

use super::args::{RunArgs, RunFormat};
use super::objects::{LoadError, Objects};
use super::{Status, complain};
use crate::packets::{self, hex};
use crate::rules::Catalogue;
use crate::run::{
    Job, Report, Watch, choose, document, input, lcov, run as run_job, write_coverage, write_run,
};

/// Runs what `args` say.
pub(super) fn run(args: &RunArgs, catalogue: &Catalogue) -> anyhow::Result<Status> {
    let mut objects = Objects::new(catalogue, args.config.as_deref())?;
    let path = args.file.as_path();
    let loaded = match objects.load(path) {
        Ok(loaded) => loaded,
        Err(LoadError::Command(error)) => return Err(error),
        Err(LoadError::File(error)) => return Err(error.context(path.display().to_string())),
        Err(LoadError::Rejected(findings)) => {
            for finding in findings {
                complain(format_args!("{}: {}", path.display(), finding.message));
            }
            bail!("{}: clang does not compile it", path.display());
        }
    };
    let here = || path.display().to_string();
    let object = Object::parse(&loaded.bytes).with_context(here)?;
    let types = bpf_object::vmlinux().context("the types of the kernel cannot be read")?;
    let linked = link(&object, &Kernel::new(types));
    let index = choose(&linked, args.program.as_deref()).with_context(here)?;
    let image = Image::new(&linked, index).with_context(here)?;
    let job = job(args, &image)?;
    let started = Instant::now();
    let limit = Duration::from_millis(args.max_time);
    let report = run_job(&image, &job, || started.elapsed() < limit).with_context(here)?;
    let mut out = BufWriter::new(io::stdout().lock());
    match args.format {
        RunFormat::Json => writeln!(out, "{}", document(&report))?,
        RunFormat::Full => write_run(&mut out, &report)?,
    }
    if args.trace || args.coverage || args.lcov.is_some() {
        watch(args, &image, &linked, index, &job, &mut out)?;
    }
    out.flush()?;
    if let Some(what) = report.not_modelled() {
        complain(format_args!(
            "{}: {what} is not modelled, so the run ended there",
            path.display()
        ));
        return Ok(Status::Error);
    }
    Ok(status(args, &report))
}

fn status(args: &RunArgs, report: &Report) -> Status {
    let unexpected = args.expect.is_some_and(|expected| {
        #[expect(clippy::cast_possible_truncation, reason = "programs return an int")]
        report.runs.iter().any(|run| run.outcome.retval as u32 != expected)
    });
    if unexpected {
        complain(format_args!(
            "the result is not the expected {}",
            args.expect.unwrap_or_default()
        ));
    }
    if !args.exit_zero && (unexpected || report.has_findings()) {
        Status::Findings
    } else {
        Status::Clean
    }
}

fn job(args: &RunArgs, image: &Image) -> anyhow::Result<Job> {
    let program_type = image.program_type();
    let mut found = Vec::new();
    for spec in &args.packet {
        found.extend(packets::packets(spec)?);
    }
    let has_packet = program_type.packet != kernel_model::Packet::None;
    if !has_packet && !found.is_empty() {
        bail!("programs of type {} are not run on packets; see --context", program_type.name);
    }
    if has_packet && found.is_empty() {
        bail!(
            "programs of type {} are run on packets; say on which with --packet: tcp4, a file, hexadecimal digits",
            program_type.name
        );
    }
    let metadata = match &args.metadata {
        Some(digits) => {
            hex(digits).ok_or_else(|| anyhow!("--metadata {digits}: no hexadecimal digits"))?
        }
        None => Vec::new(),
    };
    let layout = Layout {
        linear: args.linear,
        fragments: args.frags.clone(),
        cloned: args.cloned,
        ..Layout::default()
    };
    let context = match &args.context {
        Some(text) => {
            let value = json_of(text)?;
            input::context(program_type, &value).map_err(|why| anyhow!("--context: {why}"))?
        }
        None => Vec::new(),
    };
    let mut maps = Vec::new();
    for map in &args.map {
        let (name, file) =
            map.split_once('=').ok_or_else(|| anyhow!("--map {map}: NAME=FILE is needed"))?;
        let text = fs::read_to_string(file).with_context(|| file.to_owned())?;
        let value = serde_json::from_str(&text).with_context(|| file.to_owned())?;
        maps.push((name.to_owned(), value));
    }
    let packet = has_packet.then(|| PacketInput { layout, metadata, ..PacketInput::default() });
    Ok(Job {
        packets: found,
        input: Input { packet, context, budget: args.budget, seed: args.seed, ..Input::default() },
        maps,
        options: runtime::Options {
            memory: args.memory.saturating_mul(1 << 20),
            ..Default::default()
        },
        layouts: args.layouts.then(|| Limits { runs: args.max_runs, ..Limits::default() }),
    })
}

/// JSON in the text itself, or in the file of that name.
fn json_of(text: &str) -> anyhow::Result<serde_json::Value> {
    if hex(text).is_some() {
        return Ok(serde_json::Value::String(text.to_owned()));
    }
    if text.starts_with(['{', '[']) {
        return serde_json::from_str(text).context("--context");
    }
    let read = fs::read_to_string(text).with_context(|| text.to_owned())?;
    serde_json::from_str(&read).with_context(|| text.to_owned())
}

/// Runs once more on each packet, watched.
fn watch(
    args: &RunArgs,
    image: &Image,
    linked: &Linked<'_>,
    index: usize,
    job: &Job,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (known, texts) = lines(linked, index);
    let mut all = Watch::new(args.trace, texts.clone());
    let mut inputs: Vec<Input> = Vec::new();
    for packet in &job.packets {
        let mut input = job.input.clone();
        input.packet.get_or_insert_default().bytes.clone_from(&packet.bytes);
        inputs.push(input);
    }
    if inputs.is_empty() {
        inputs.push(job.input.clone());
    }
    let mut machine = Machine::new(image, &job.options).map_err(|fault| anyhow!("{fault}"))?;
    for (name, elements) in &job.maps {
        input::fill(&mut machine, image, name, elements)?;
    }
    machine.keep_maps();
    machine.set_trace(&mut all);
    for input in &inputs {
        machine.reset();
        machine.run(input);
    }
    drop(machine);
    if args.trace {
        write!(out, "{}", all.told)?;
    }
    if args.coverage {
        let text_of = |file: &str, line: u32| {
            texts.get(&(file.to_owned(), line)).cloned().unwrap_or_default()
        };
        write_coverage(out, &all, &known, &text_of)?;
    }
    if let Some(path) = &args.lcov {
        fs::write(path, lcov(&all, &known)).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// The lines by file.
type Lines = BTreeMap<String, Vec<u32>>;
/// The text of lines.
type Texts = BTreeMap<(String, u32), String>;

/// The lines of a program that have code, by file, and their text.
fn lines(linked: &Linked<'_>, index: usize) -> (Lines, Texts) {
    let mut known: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    let mut texts = Texts::new();
    if let Some(program) = linked.programs.get(index) {
        for insn in 0..program.insns.len() {
            let Some(line) = linked.source_line(program, insn).filter(|line| line.line > 0) else {
                continue;
            };
            known.entry(line.file.to_owned()).or_default().insert(line.line);
            texts.insert((line.file.to_owned(), line.line), line.text.to_owned());
        }
    }
    (known.into_iter().map(|(file, lines)| (file, lines.into_iter().collect())).collect(), texts)
}
