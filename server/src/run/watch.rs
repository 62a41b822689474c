//! Watching runs: a trace in words, and coverage.

use bpf_object::Linked;
use runtime::{Image, Step, Trace};

use super::coverage::Counter;
use super::trace::Teller;
use super::{Coverage, Job, RunError};

/// What is kept of runs that were watched.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// The runs line by line, with what each line reads and writes.
    pub trace: String,
    /// Lines and branches.
    pub coverage: Coverage,
}

struct Watch<'i> {
    counter: Counter,
    teller: Option<Teller<'i>>,
}

impl Trace for Watch<'_> {
    fn begin(&mut self) {
        self.counter.begin();
        if let Some(teller) = &mut self.teller {
            teller.begin();
        }
    }

    fn step(&mut self, step: &Step<'_>) {
        self.counter.step(step);
        if let Some(teller) = &mut self.teller {
            teller.step(step);
        }
    }

    fn end(&mut self, result: u64) {
        if let Some(teller) = &mut self.teller {
            teller.end(result);
        }
    }
}

/// Runs a program on each packet of a job once more and adds what is seen to `watched`: the trace, if so many lines of it
/// are wanted, and coverage. `object` tells objects apart whose programs have the same names.
///
/// # Errors
///
/// If the machine cannot be made, or a map does not take its elements.
pub fn watch(
    object: &str,
    image: &Image,
    linked: &Linked<'_>,
    job: &Job,
    trace: Option<usize>,
    watched: &mut Watched,
) -> Result<(), RunError> {
    let mut watch = Watch {
        counter: Counter::new(image),
        teller: trace.map(|most| Teller::new(image, linked, most)),
    };
    let mut machine = super::machine(image, job)?;
    machine.set_trace(&mut watch);
    for (_, input) in job.inputs() {
        machine.reset();
        let outcome = machine.run(&input);
        if let Some(most) = job.deferred.filter(|_| outcome.fault.is_none()) {
            machine.run_deferred(most);
        }
    }
    drop(machine);
    watched.coverage.add(object, image, linked, &watch.counter);
    if let Some(teller) = watch.teller {
        watched.trace.push_str(&teller.told);
    }
    Ok(())
}
