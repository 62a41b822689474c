//! How rejections of the corpus are explained: what is told, and figures over all.

use std::fmt;

use bpf_object::{Kernel, Object, link};
use verifier::Verdict;

use crate::corpus::Corpus;
use crate::error::{Error, Result, read_bytes};
use crate::replay::Comparison;

/// The explanation of a rejection.
#[derive(Clone, Debug)]
pub struct Explained {
    /// `family/topic:program`.
    pub path: String,
    /// The first line of the kernel's.
    pub message: String,
    /// What happened where: the line with its text, or the instruction if the object has no lines.
    pub labels: Vec<(String, String)>,
    /// What would help.
    pub help: Option<&'static str>,
    /// The lint rule that covers the mistake.
    pub rule: Option<&'static str>,
    /// The message has a row in the table of messages.
    pub is_known: bool,
}

/// How many rejections have what.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Figures {
    /// Rejections.
    pub rejected: usize,
    /// Those with labels.
    pub labels: usize,
    /// Those with labels at two places or more.
    pub several: usize,
    /// Those with a help.
    pub help: usize,
    /// Those with a lint rule.
    pub rule: usize,
    /// Those whose message is in the table.
    pub known: usize,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rejected, labels, several, help, rule, known } = self;
        write!(
            f,
            "{rejected} rejections: {labels} with labels, {several} of them with two or more; {help} with a help; \
             {rule} name a lint rule; {known} messages are in the table"
        )
    }
}

/// The explanations of all that is rejected.
///
/// # Errors
///
/// If an object cannot be read.
pub fn all(corpus: &Corpus, comparisons: &[Comparison]) -> Result<Vec<Explained>> {
    let mut found = Vec::new();
    let mut groups = comparisons.chunk_by(|a, b| a.topic == b.topic);
    groups.try_for_each(|group| -> Result<()> {
        let Some(first) = group.first() else { return Ok(()) };
        let path = corpus.object(&first.topic);
        let failed = |what: &dyn fmt::Display| Error::format(&path, &what);
        let object = Object::parse(&read_bytes(&path)?).map_err(|error| failed(&error))?;
        let kernel = bpf_object::vmlinux().ok_or_else(|| failed(&"no types of the kernel"))?;
        let linked = link(&object, &Kernel::new(kernel));
        let program = |name: &str| linked.programs.iter().find(|program| program.name == name);
        let place = |one: &Comparison, pc: isa::Pc| {
            let line =
                program(&one.name).and_then(|program| linked.source_line(program, pc.index()));
            line.map_or_else(
                || format!("insn {pc}"),
                |line| format!("insn {pc}, line {} `{}`", line.line, line.text.trim()),
            )
        };
        found.extend(group.iter().filter_map(|one| explained(one, |pc| place(one, pc))));
        Ok(())
    })?;
    Ok(found)
}

fn explained(one: &Comparison, place: impl Fn(isa::Pc) -> String) -> Option<Explained> {
    let report = one.report.as_ref()?;
    let Verdict::Reject(reject) = &report.verdict else { return None };
    let message = reject.message.lines().next().unwrap_or_default().to_owned();
    let explanation = report.explanation.clone().unwrap_or_default();
    let labels = explanation.labels.into_iter().map(|label| (place(label.pc), label.message));
    Some(Explained {
        path: one.path(),
        labels: labels.collect(),
        help: explanation.help,
        rule: explanation.rule,
        is_known: kernel_model::message(&message).is_some(),
        message,
    })
}

/// Figures over explanations.
pub fn figures(all: &[Explained]) -> Figures {
    let count = |is: &dyn Fn(&Explained) -> bool| all.iter().filter(|one| is(one)).count();
    Figures {
        rejected: all.len(),
        labels: count(&|one| !one.labels.is_empty()),
        several: count(&|one| one.labels.len() > 1),
        help: count(&|one| one.help.is_some()),
        rule: count(&|one| one.rule.is_some()),
        known: count(&|one| one.is_known),
    }
}
