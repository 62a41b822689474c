//! `bpf-analyzer run`.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use bpf_object::{Kernel, Linked, Object, link};
use runtime::layouts::Limits;
use runtime::{Image, Input, Layout, PacketInput};
use serde::de::DeserializeOwned;

use super::args::{RunArgs, RunFormat};
use super::objects::{LoadError, Objects};
use super::{Status, complain, tests};
use crate::config::{Config, TaskTable};
use crate::packets::{self, hex};
use crate::rules::Catalogue;
use crate::run::context::Context;
use crate::run::{
    Job, Report, RunPacket, Watched, choose, context, document, run as run_job, tables, watch,
    write_run,
};
use crate::tests::packets_for;
use crate::wishes::Wishes;

/// Runs what `args` say.
pub(super) fn run(args: &RunArgs, catalogue: &Catalogue) -> anyhow::Result<Status> {
    if args.testing.tests {
        return tests::run(args, catalogue);
    }
    let [path] = args.paths.as_slice() else {
        bail!("one file is run at a time; with --tests there can be several");
    };
    if matches!(args.format, RunFormat::Github | RunFormat::Junit) {
        bail!("--format github and junit tell results of --tests");
    }
    let mut objects = Objects::new(catalogue, args.config.as_deref())?;
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
    let mut linked = link(&object, &Kernel::new(types));
    if let Some(entries) = args.max_entries {
        linked.set_open_sizes(entries);
    }
    let index = choose(&linked, args.program.as_deref()).with_context(here)?;
    let image = Image::new(&linked, index).with_context(here)?;
    let job = job(args, &loaded.config, path, &image)?;
    let started = Instant::now();
    let limit = Duration::from_millis(args.max_time);
    let mut report = run_job(&image, &job, || started.elapsed() < limit).with_context(here)?;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
    let wishes = Wishes {
        catalogue,
        config: &loaded.config,
        layer: None,
        path: &absolute,
        text: loaded.source.as_ref(),
    };
    let kernel = loaded.config.kernel.unwrap_or_default();
    wishes.apply_to_run(&mut report, kernel, objects.headers());
    let mut out = BufWriter::new(io::stdout().lock());
    match args.format {
        RunFormat::Json => writeln!(out, "{}", document(&report))?,
        _ => write_run(&mut out, &report)?,
    }
    if args.trace || args.coverage || args.lcov.is_some() {
        // A document stays alone.
        let mut aside: Box<dyn Write> = match args.format {
            RunFormat::Json => Box::new(io::stderr()),
            _ => Box::new(&mut out),
        };
        watch_runs(args, &image, &linked, &job, &mut aside)?;
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
    #[expect(clippy::cast_possible_truncation, reason = "programs return an int")]
    let differs =
        |expected: u32| report.runs.iter().any(|run| run.outcome.retval as u32 != expected);
    let unexpected = args.expect.as_ref().filter(|expected| differs(expected.value));
    if let Some(expected) = unexpected {
        complain(format_args!("the result is not the expected {}", expected.text));
    }
    if !args.exit_zero && (unexpected.is_some() || report.has_findings()) {
        Status::Findings
    } else {
        Status::Clean
    }
}

fn job(args: &RunArgs, config: &Config, path: &Path, image: &Image) -> anyhow::Result<Job> {
    let context = match &args.context {
        Some(text) => {
            let value = json_of(text, "--context")?;
            context::context(image, &value).map_err(|why| anyhow!("--context: {why}"))?
        }
        None => Context::default(),
    };
    let mut maps = Vec::new();
    for map in &args.map {
        let (name, file) =
            map.split_once('=').ok_or_else(|| anyhow!("--map {map}: NAME=FILE is needed"))?;
        maps.push((name.to_owned(), read_json(Path::new(file))?));
    }
    let mut samples = Vec::new();
    for sample in &args.sample {
        let (name, text) = sample
            .split_once('=')
            .ok_or_else(|| anyhow!("--sample {sample}: NAME=SAMPLE is needed"))?;
        let bytes = match hex(text) {
            Some(bytes) => bytes,
            None => fs::read(text).with_context(|| format!("--sample {text}"))?,
        };
        samples.push((name.to_owned(), bytes));
    }
    let task: Option<TaskTable> = match &args.task {
        Some(text) => Some(serde_json::from_value(json_of(text, "--task")?).context("--task")?),
        None => None,
    };
    let routes: Vec<tables::RouteRow> = rows(args.routes.as_deref())?;
    let sockets: Vec<tables::SocketRow> = rows(args.sockets.as_deref())?;
    let user: Vec<tables::UserRow> = rows(args.user.as_deref())?;
    let user = user.iter().map(tables::UserRow::memory).collect::<Result<_, _>>();
    let connections: Vec<tables::ConnectionRow> = rows(args.connections.as_deref())?;
    let connections =
        connections.iter().map(tables::ConnectionRow::connection).collect::<Result<_, _>>();
    let routes = routes.iter().map(tables::RouteRow::route).collect::<Result<_, _>>();
    let sockets = sockets.iter().map(tables::SocketRow::socket).collect::<Result<_, _>>();
    Ok(Job {
        packets: run_packets(args, config, path, image)?,
        input: Input {
            context: context.bytes,
            attached: context.attached,
            budget: args.budget,
            seed: args.seed,
            now: args.now,
            routes: routes.map_err(|why| anyhow!("--routes: {why}"))?,
            sockets: sockets.map_err(|why| anyhow!("--sockets: {why}"))?,
            connections: connections.map_err(|why| anyhow!("--connections: {why}"))?,
            user: user.map_err(|why| anyhow!("--user: {why}"))?,
            task: task.map(|task| task.task()).unwrap_or_default(),
            ..Input::default()
        },
        maps,
        samples,
        deferred: args.deferred,
        keeps: Vec::new(),
        options: runtime::Options {
            memory: args.memory.saturating_mul(1 << 20),
            ..Default::default()
        },
        layouts: args.layouts.then(|| Limits { runs: args.max_runs, ..Limits::default() }),
    })
}

/// What the program is run on: what `--packet` names, or what the configuration has for it.
fn run_packets(
    args: &RunArgs,
    config: &Config,
    path: &Path,
    image: &Image,
) -> anyhow::Result<Vec<RunPacket>> {
    let program_type = image.program_type();
    if program_type.packet == kernel_model::Packet::None {
        if !args.packet.is_empty() {
            bail!("programs of type {} are not run on packets; see --context", program_type.name);
        }
        return Ok(Vec::new());
    }
    let root = config.root().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    for spec in &args.packet {
        match config.packets.iter().find(|packet| packet.name == *spec) {
            Some(packet) => found.extend(packet.load(root)?),
            None => found.extend(packets::packets(spec)?.into_iter().map(RunPacket::from)),
        }
    }
    if args.packet.is_empty() {
        for packet in packets_for(config, path, image.name()) {
            found.extend(packet.load(root)?);
        }
    }
    if found.is_empty() {
        bail!(
            "programs of type {} are run on packets; say on which with --packet: tcp4, a file, hexadecimal digits",
            program_type.name
        );
    }
    let metadata = match &args.metadata {
        Some(digits) => {
            Some(hex(digits).ok_or_else(|| anyhow!("--metadata {digits}: no hexadecimal digits"))?)
        }
        None => None,
    };
    let layout = Layout {
        linear: args.linear,
        fragments: args.frags.clone(),
        cloned: args.cloned,
        ..Layout::default()
    };
    let layout = Some(layout).filter(|layout| *layout != Layout::default());
    for RunPacket { input, .. } in &mut found {
        let PacketInput { bytes, metadata: own, layout: own_layout } = std::mem::take(input);
        *input = PacketInput {
            bytes,
            metadata: metadata.clone().unwrap_or(own),
            layout: layout.clone().unwrap_or(own_layout),
        };
    }
    Ok(found)
}

/// JSON in the text itself, or in the file of that name.
fn json_of(text: &str, option: &'static str) -> anyhow::Result<serde_json::Value> {
    if hex(text).is_some() {
        return Ok(serde_json::Value::String(text.to_owned()));
    }
    if text.starts_with(['{', '[']) {
        return serde_json::from_str(text).context(option);
    }
    read_json(Path::new(text))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let here = || path.display().to_string();
    let text = fs::read_to_string(path).with_context(here)?;
    serde_json::from_str(&text).with_context(here)
}

/// The rows of a table in a file, if there is one.
fn rows<T: DeserializeOwned>(path: Option<&Path>) -> anyhow::Result<Vec<T>> {
    path.map_or_else(|| Ok(Vec::new()), read_json)
}

/// Runs once more on each packet, watched.
fn watch_runs(
    args: &RunArgs,
    image: &Image,
    linked: &Linked<'_>,
    job: &Job,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut watched = Watched::default();
    let trace = args.trace.then_some(args.max_trace);
    watch("", image, linked, job, trace, &mut watched)?;
    write!(out, "{}", watched.trace)?;
    if args.coverage {
        watched.coverage.write(out)?;
    }
    if let Some(path) = &args.lcov {
        fs::write(path, watched.coverage.lcov()).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
