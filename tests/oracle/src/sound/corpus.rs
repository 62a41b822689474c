//! The programs of the corpus, each followed and run.

use std::cell::RefCell;
use std::rc::Rc;

use bpf_object::{Kernel, Linked, Object, link};
use runtime::{FaultKind, Image, Machine, Step, Trace};
use verifier::{Capabilities, Options, Verdict};

use super::check::ASTRAY;
use super::{Checker, Counts, Distortion, Graph, inputs};
use crate::corpus::{Corpus, Topic};
use crate::error::{Error, Result, read_bytes};
use crate::replay::KERNEL;

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Runs of each program.
    pub runs: usize,
    /// Instructions of each run.
    pub budget: u64,
    /// Visits in the graph of a program; those with more are left out.
    pub visits: usize,
    /// What chance begins with.
    pub seed: u64,
    /// A mistake made on purpose.
    pub distortion: Option<Distortion>,
}

/// What came of a program.
#[derive(Clone, Debug)]
pub struct Checked {
    /// `family/topic:program`.
    pub path: String,
    /// Why nothing could be compared.
    pub left_out: Option<&'static str>,
    /// What was compared.
    pub counts: Counts,
    /// What is wrong: a violation, or a fault of a program that the verifier accepts.
    pub wrong: Option<String>,
}

/// Lets a checker be asked between runs.
pub struct Tap<'g>(pub Rc<RefCell<Checker<'g>>>);

impl Trace for Tap<'_> {
    fn step(&mut self, step: &Step<'_>) {
        self.0.borrow_mut().step(step);
    }
}

/// Follows and runs the programs of a topic whose names the filter lets through.
///
/// # Errors
///
/// If the object cannot be read.
pub fn topic(
    corpus: &Corpus,
    topic: &Topic,
    effort: Effort,
    filter: &dyn Fn(&str) -> bool,
) -> Result<Vec<Checked>> {
    let path = corpus.object(topic);
    let failed = |what: &dyn std::fmt::Display| Error::format(&path, &what);
    let object = Object::parse(&read_bytes(&path)?).map_err(|error| failed(&error))?;
    let kernel = bpf_object::vmlinux().ok_or_else(|| failed(&"no types of the kernel"))?;
    let linked = link(&object, &Kernel::new(kernel));
    let mut all = Vec::new();
    for index in 0..linked.programs.len() {
        let path = format!("{}:{}", topic.path(), linked.programs[index].name);
        if filter(&path) {
            all.extend(program(&linked, index, path, effort));
        }
    }
    Ok(all)
}

/// Follows and runs a program; nothing if it is not accepted.
pub fn program(linked: &Linked<'_>, index: usize, path: String, effort: Effort) -> Option<Checked> {
    let options = Options {
        kernel: KERNEL,
        lists_variables: false,
        capabilities: Capabilities::ALL,
        log_level: 0,
        explain: false,
        file: "corpus".to_owned(),
    };
    let kernel = bpf_object::vmlinux()?;
    let verified = verifier::Program::new(linked, linked.programs.get(index)?, kernel, options);
    let (report, graph) = Graph::distorted(&verified, effort.visits, effort.distortion);
    if report.verdict != Verdict::Accept {
        return None;
    }
    let mut checked = Checked { path, left_out: None, counts: Counts::default(), wrong: None };
    let Ok(image) = Image::new(linked, index) else {
        checked.left_out = Some("the runtime cannot load it");
        return Some(checked);
    };
    if graph.is_cut() {
        checked.left_out = Some("too many states");
        return Some(checked);
    }
    let checker = Rc::new(RefCell::new(Checker::new(&graph, &linked.maps)));
    let mut tap = Tap(Rc::clone(&checker));
    let Ok(mut machine) = Machine::new(&image, &runtime::Options::default()) else {
        checked.left_out = Some("its maps are too large");
        return Some(checked);
    };
    machine.set_trace(&mut tap);
    // Programs of other types are given objects of the kernel, which the runtime has not.
    let has_packet = image.program_type().packet != kernel_model::Packet::None;
    let mut random = fastrand::Rng::with_seed(effort.seed);
    for _ in 0..effort.runs {
        machine.reset();
        inputs::fill(&mut random, &verified, &mut machine);
        checker.borrow_mut().begin();
        let outcome = machine.run(&inputs::input(&mut random, &image, effort.budget));
        let violation = checker
            .borrow()
            .violation
            .as_ref()
            // What is NULL in place of an object of the kernel leads where no kernel goes.
            .filter(|one| has_packet || one.what != ASTRAY)
            .map(|one| format!("before {}: {}", one.pc, one.what));
        let fault = outcome.fault.filter(|fault| has_packet && !is_beyond(&fault.kind));
        checked.wrong = violation.or_else(|| fault.map(|fault| format!("fault: {fault}")));
        if checked.wrong.is_some() {
            break;
        }
    }
    checked.counts = checker.borrow().counts;
    Some(checked)
}

/// The run ends for a reason that is none of the program's: the kernel bounds what the verifier follows, not what the
/// program takes.
fn is_beyond(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::NotModelled(_) | FaultKind::Budget(_))
}
