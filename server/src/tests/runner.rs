//! Running the tests of a file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bpf_object::{Kernel, Linked, Object, link};
use kernel_model::Packet;
use runtime::layouts::Limits;
use runtime::{Image, Input};
use serde_json::Value;

use super::collect::{case, shown};
use super::compare::{self, Wanted};
use super::{Case, CaseResult, CaseStatus, FileTests, packets_for};
use crate::config::{Config, TestSpec};
use crate::packets::packets_in;
use crate::run::context::{self, Context};
use crate::run::{Job, RunPacket, Watched, run, watch};
use crate::spelling;

/// The largest file with elements of maps that is read.
const LARGEST: u64 = 64 << 20;
/// How many callbacks there may be after a run.
const CALLBACKS: usize = 1000;

/// How tests are run.
pub struct Runner<'r> {
    /// Whether a test is wanted, by its name.
    pub wanted: &'r dyn Fn(&Case) -> bool,
    /// Only name the tests: none is run, and all pass.
    pub lists: bool,
    /// How many instructions a run may have.
    pub budget: u64,
    /// How much memory a program may take, in bytes.
    pub memory: usize,
    /// What the loader sets for maps that have no size.
    pub max_entries: Option<u32>,
    /// How many layouts are tried.
    pub max_runs: usize,
    /// For how long.
    pub max_time: Duration,
    /// Lines and branches that were executed, if they are to be counted.
    pub watched: Option<Watched>,
}

impl Runner<'_> {
    /// Runs the tests of a file with these bytes of its object.
    pub fn run(&mut self, tests: &FileTests, bytes: &[u8]) -> Vec<CaseResult> {
        let broken = |why: &str| {
            let all = tests.broken(why).into_iter();
            all.filter(|result| (self.wanted)(&result.case)).collect()
        };
        let object = match Object::parse(bytes) {
            Ok(object) => object,
            Err(error) => return broken(&error.to_string()),
        };
        let Some(types) = bpf_object::vmlinux() else {
            return broken("the types of the kernel cannot be read");
        };
        let mut linked = link(&object, &Kernel::new(types));
        if let Some(entries) = self.max_entries {
            linked.set_open_sizes(entries);
        }
        let mut file = OneFile { runner: self, tests, linked: &linked, images: BTreeMap::new() };
        let mut results = Vec::new();
        for (config, test) in tests.iter() {
            file.test(config, test, &mut results);
        }
        results
    }
}

struct OneFile<'f, 'r, 'o> {
    runner: &'f mut Runner<'r>,
    tests: &'f FileTests,
    linked: &'f Linked<'o>,
    /// Programs made ready, by name.
    images: BTreeMap<String, Result<Image, String>>,
}

impl OneFile<'_, '_, '_> {
    /// Runs a test on all programs and packets that it is about.
    fn test(&mut self, config: &Config, test: &TestSpec, results: &mut Vec<CaseResult>) {
        let path = config.path.as_deref().unwrap_or(Path::new(""));
        let base = case(test, path, self.tests.shown.clone());
        let names: Vec<String> =
            self.linked.object.programs().map(|(_, function)| function.name.clone()).collect();
        let is_meant =
            |name: &&String| test.program.as_ref().is_none_or(|glob| glob.is_match(name.as_str()));
        let programs: Vec<String> = names.iter().filter(is_meant).cloned().collect();
        if programs.is_empty() {
            let asked = test.program_text.as_deref().unwrap_or("*");
            let guess = spelling::nearest(asked, names.iter().map(String::as_str));
            let guess = spelling::did_you_mean(guess);
            let why =
                format!("no program matches `{asked}`{guess}; there are {}", names.join(", "));
            self.push(results, base, CaseStatus::Broken(why), Duration::ZERO);
            return;
        }
        for program in programs {
            let base = Case { program: program.clone(), ..base.clone() };
            self.prepare(&program);
            let packets = match self.images.get(&program) {
                Some(Ok(image)) => packets(config, test, &self.tests.path, image),
                Some(Err(why)) => Err(why.clone()),
                None => Ok(Vec::new()),
            };
            match packets {
                Ok(packets) => {
                    for packet in packets {
                        let name = packet.as_ref().map(|packet| packet.name.clone());
                        let case = Case { packet: name, ..base.clone() };
                        self.case(config, test, case, packet, results);
                    }
                }
                Err(why) => self.push(results, base, CaseStatus::Broken(why), Duration::ZERO),
            }
        }
    }

    fn push(
        &self,
        results: &mut Vec<CaseResult>,
        case: Case,
        status: CaseStatus,
        elapsed: Duration,
    ) {
        if (self.runner.wanted)(&case) {
            let status = if self.runner.lists { CaseStatus::Passed } else { status };
            results.push(CaseResult { case, status, elapsed });
        }
    }

    fn prepare(&mut self, program: &str) {
        if self.images.contains_key(program) {
            return;
        }
        let index = crate::run::choose(self.linked, Some(program));
        let image = index
            .map_err(|error| error.to_string())
            .and_then(|index| Image::new(self.linked, index).map_err(|error| error.to_string()));
        self.images.insert(program.to_owned(), image);
    }

    fn case(
        &mut self,
        config: &Config,
        test: &TestSpec,
        case: Case,
        packet: Option<RunPacket>,
        results: &mut Vec<CaseResult>,
    ) {
        if self.runner.lists || !(self.runner.wanted)(&case) {
            self.push(results, case, CaseStatus::Passed, Duration::ZERO);
            return;
        }
        let started = Instant::now();
        let status = match self.outcome(config, test, &case.program, packet) {
            Ok(status) => status,
            Err(why) => CaseStatus::Broken(why),
        };
        self.push(results, case, status, started.elapsed());
    }

    fn outcome(
        &mut self,
        config: &Config,
        test: &TestSpec,
        program: &str,
        packet: Option<RunPacket>,
    ) -> Result<CaseStatus, String> {
        let image = match self.images.get(program) {
            Some(Ok(image)) => image,
            Some(Err(why)) => return Err(why.clone()),
            None => return Err("the program is not ready".to_owned()),
        };
        let root = config.root().unwrap_or(Path::new(""));
        let packets: Vec<RunPacket> = packet.into_iter().collect();
        let job = self.runner.job(root, test, image, packets)?;
        let wanted = Wanted::new(config, root, test)?;
        let (started, limit) = (Instant::now(), self.runner.max_time);
        let report =
            run(image, &job, || started.elapsed() < limit).map_err(|error| error.to_string())?;
        if let Some(watched) = &mut self.runner.watched {
            let object = self.tests.path.display().to_string();
            watch(&object, image, self.linked, &job, None, watched)
                .map_err(|error| error.to_string())?;
        }
        if let Some(what) = report.not_modelled()
            && test.expected.fault.is_none()
        {
            return Err(format!("{what} is not modelled"));
        }
        let mismatches = compare::mismatches(image, &wanted, &report)?;
        Ok(match mismatches.is_empty() {
            true => CaseStatus::Passed,
            false => CaseStatus::Failed(mismatches),
        })
    }
}

impl Runner<'_> {
    fn job(
        &self,
        root: &Path,
        test: &TestSpec,
        image: &Image,
        packets: Vec<RunPacket>,
    ) -> Result<Job, String> {
        let context = match &test.context {
            Value::Null => Context::default(),
            value => context::context(image, value).map_err(|why| format!("context: {why}"))?,
        };
        let mut maps = Vec::new();
        for (name, elements) in &test.maps {
            let elements = match elements {
                Value::String(file) => read_json(&root.join(file))?,
                elements => elements.clone(),
            };
            maps.push((name.clone(), elements));
        }
        let expected = &test.expected;
        let keeps = expected.maps.iter().map(|(name, _)| name);
        let keeps = keeps.chain(expected.records.iter().map(|(name, _)| name)).cloned().collect();
        let input = Input {
            context: context.bytes,
            attached: context.attached,
            budget: self.budget,
            seed: test.seed,
            now: test.now,
            routes: test.routes.clone(),
            sockets: test.sockets.clone(),
            connections: test.connections.clone(),
            task: test.task.clone(),
            user: test.user.clone(),
            ..Input::default()
        };
        Ok(Job {
            packets,
            input,
            maps,
            samples: test.samples.clone(),
            deferred: test.deferred.then_some(CALLBACKS),
            keeps,
            options: runtime::Options { memory: self.memory, ..Default::default() },
            layouts: expected.layouts.then(|| Limits { runs: self.max_runs, ..Limits::default() }),
        })
    }
}

/// What a test runs a program on: one packet after the other, or once without one.
fn packets(
    config: &Config,
    test: &TestSpec,
    file: &Path,
    image: &Image,
) -> Result<Vec<Option<RunPacket>>, String> {
    let program_type = image.program_type();
    if program_type.packet == Packet::None {
        if !test.packets.is_empty() {
            return Err(format!("programs of type {} are not run on packets", program_type.name));
        }
        return Ok(vec![None]);
    }
    let root = config.root().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    for text in &test.packets {
        found.extend(named_packet(config, root, text)?);
    }
    if test.packets.is_empty() {
        for packet in packets_for(config, file, image.name()) {
            found.extend(packet.load(root).map_err(|error| error.to_string())?);
        }
    }
    if found.is_empty() {
        return Err(format!(
            "programs of type {} are run on packets; say on which with `packet`",
            program_type.name
        ));
    }
    for packet in &mut found {
        if let Some(metadata) = &test.metadata {
            packet.input.metadata.clone_from(metadata);
        }
        if let Some(layout) = &test.layout {
            packet.input.layout.clone_from(layout);
        }
    }
    Ok(found.into_iter().map(Some).collect())
}

/// The packets that a text in a test stands for: one with that name, or what it is.
pub(super) fn named_packet(
    config: &Config,
    root: &Path,
    text: &str,
) -> Result<Vec<RunPacket>, String> {
    if let Some(packet) = config.packets.iter().find(|packet| packet.name == text) {
        return packet.load(root).map_err(|error| format!("packet {text}: {error}"));
    }
    match packets_in(root, text) {
        Ok(found) => Ok(found.into_iter().map(RunPacket::from).collect()),
        Err(error) => {
            let names = config.packets.iter().map(|packet| packet.name.as_str());
            let guess = spelling::did_you_mean(spelling::nearest(text, names));
            Err(format!("{error}{guess}"))
        }
    }
}

/// JSON in a file of bounded length.
fn read_json(path: &PathBuf) -> Result<Value, String> {
    let wrong = |why: &dyn std::fmt::Display| format!("{}: {why}", shown(path));
    // What is no file, such as a pipe, may never end.
    let meta = std::fs::metadata(path).map_err(|error| wrong(&crate::source::plain(&error)))?;
    if !meta.is_file() || meta.len() > LARGEST {
        return Err(wrong(&"is no file of at most 64 MiB"));
    }
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST).read_to_string(&mut text))
        .map_err(|error| wrong(&crate::source::plain(&error)))?;
    serde_json::from_str(&text).map_err(|error| wrong(&error))
}
