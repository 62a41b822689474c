//! Generated programs, followed and run.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::LazyLock;

use bpf_object::Linked;
use runtime::{FaultKind, Image, Machine};
use verifier::{Capabilities, Options, Verdict};

use super::corpus::Tap;
use super::generate::{Base, Bytes, Generated, generate, put};
use super::{Checker, Counts, Distortion, Graph, inputs};
use crate::replay::KERNEL;

/// Visits of a generated program that are kept.
const VISITS: usize = 20_000;
/// So many instructions the verifier follows at most, and one more before it says so.
const FOLLOWED: u32 = 1_000_001;
/// Instructions of a run.
const BUDGET: u64 = 2_000;

/// What came of a generated program.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The program.
    pub generated: Generated,
    /// What the verifier says; nothing if the program could not be assembled.
    pub verdict: Option<Verdict>,
    /// What was compared.
    pub counts: Counts,
    /// What is wrong: a violation, or a fault of a program that the verifier accepts.
    pub wrong: Option<String>,
}

/// Generates a program from bytes, and follows and runs it, `runs` times, if the verifier accepts it.
///
/// # Panics
///
/// If the verifier follows more than the kernel does.
pub fn try_one(
    linked: &mut Linked<'_>,
    bytes: &[u8],
    runs: usize,
    distortion: Option<Distortion>,
) -> Tried {
    let generated = generate(&mut Bytes::new(bytes));
    let mut tried = Tried { generated, verdict: None, counts: Counts::default(), wrong: None };
    let Some(index) = put(linked, &tried.generated) else { return tried };
    let Some(kernel) = bpf_object::vmlinux() else { return tried };
    let options = Options {
        kernel: KERNEL,
        lists_variables: false,
        capabilities: Capabilities::ALL,
        log_level: 0,
        explain: false,
        file: "generated".to_owned(),
    };
    let verified = verifier::Program::new(linked, &linked.programs[index], kernel, options);
    let (report, graph) = Graph::distorted(&verified, VISITS, distortion);
    assert!(report.stats.insns_processed <= FOLLOWED, "{}", tried.generated.text);
    let accepts = report.verdict == Verdict::Accept;
    tried.verdict = Some(report.verdict);
    if !accepts {
        return tried;
    }
    let Ok(image) = Image::new(linked, index) else { return tried };
    let checker = Rc::new(RefCell::new(Checker::new(&graph, &linked.maps)));
    let mut tap = Tap(Rc::clone(&checker));
    let seed = bytes.iter().fold(7, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(*byte));
    let mut random = fastrand::Rng::with_seed(seed);
    let options = runtime::Options { stack_fill: random.u8(..), ..runtime::Options::default() };
    let Ok(mut machine) = Machine::new(&image, &options) else { return tried };
    machine.set_trace(&mut tap);
    for _ in 0..runs {
        machine.reset();
        inputs::fill(&mut random, &verified, &mut machine);
        checker.borrow_mut().begin();
        let outcome = machine.run(&inputs::input(&mut random, &image, BUDGET));
        let violation = checker.borrow().violation.clone();
        let fault = outcome.fault.filter(|fault| !matches!(fault.kind, FaultKind::Budget(_)));
        tried.wrong = violation
            .map(|one| format!("before {}: {}", one.pc, one.what))
            .or_else(|| fault.map(|fault| format!("fault: {fault}")));
        if tried.wrong.is_some() {
            break;
        }
    }
    tried.counts = checker.borrow().counts;
    tried
}

/// An entry point for fuzzing: whatever the bytes generate, nothing is wrong.
///
/// # Panics
///
/// If something is.
pub fn fuzz_sound(bytes: &[u8]) {
    static BASE: LazyLock<Option<Base>> = LazyLock::new(Base::open);
    thread_local! {
        static LINKED: RefCell<Option<Linked<'static>>> =
            RefCell::new(BASE.as_ref().and_then(Base::link));
    }
    LINKED.with_borrow_mut(|linked| {
        let Some(linked) = linked else { return };
        let tried = try_one(linked, bytes, 3, None);
        assert_eq!(tried.wrong, None, "{}", tried.generated.text);
    });
}
