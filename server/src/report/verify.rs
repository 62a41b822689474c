//! Reports about verdicts: how the program came to be rejected, in lines of C, and what was counted.

use kernel_model::Version;

use super::{Part, Report, Source, Step, Verdict, short, thousands};
use crate::verify::{Outcome, Verdict as Said};

/// So many instructions are followed at most (`BPF_COMPLEXITY_LIMIT_INSNS`).
const INSNS: &str = "1,000,000";
/// So many bytes of stack there are (`MAX_BPF_STACK`).
const STACK: &str = "512";
/// The longest message beside a program, in characters.
const LENS: usize = 80;

/// The result in a line.
pub fn lens_of_verify(outcome: &Outcome) -> (Verdict, String) {
    match &outcome.verdict {
        Said::Accept => {
            let insns = thousands(outcome.stats.insns_processed.into());
            let stack = stack(outcome);
            (
                Verdict::Good,
                format!("accepted · {insns} of {INSNS} insns · stack {stack} of {STACK}"),
            )
        }
        Said::Reject { errno: None, message } => {
            (Verdict::Bad, format!("cannot be loaded · {}", short(message, LENS)))
        }
        Said::Reject { errno: Some(errno), message } => {
            let first = match message.lines().next().unwrap_or_default() {
                "" => format!("{}, without a message", errno_words(*errno)),
                first => short(first, LENS),
            };
            (Verdict::Bad, format!("rejected · {first}"))
        }
        Said::Unsupported(what) => {
            (Verdict::Unknown, format!("no verdict · not modelled: {}", short(what, LENS)))
        }
    }
}

/// Everything about the verdict on a program.
pub fn of_verify(outcome: &Outcome, kernel: Version, source: Source<'_>) -> Report {
    let (verdict, summary) = lens_of_verify(outcome);
    let mut parts = Vec::new();
    match &outcome.verdict {
        Said::Accept => {}
        Said::Reject { message, .. } => {
            if message.lines().count() > 1 {
                parts.push(Part::Heading("What the kernel says".to_owned()));
                parts.push(Part::Verbatim(message.clone()));
            }
            parts.push(Part::Heading("How it comes to that".to_owned()));
            parts.push(Part::Path(path(outcome, message, source)));
        }
        Said::Unsupported(what) => {
            parts.push(Part::Heading("Where that is".to_owned()));
            let at = outcome.place.as_ref().map(|place| source.at(place));
            parts.push(Part::Path(vec![Step { message: what.clone(), at }]));
        }
    }
    if outcome.help.is_some() || outcome.rule.is_some() {
        parts.push(Part::Heading("What helps".to_owned()));
        parts.extend(outcome.help.map(|help| Part::Paragraph(help.to_owned())));
        let about = |rule| format!("The rule `{rule}` of `bpf-analyzer check` is about this.");
        parts.extend(outcome.rule.map(|rule| Part::Paragraph(about(rule))));
    }
    if !outcome.notes.is_empty() {
        parts.push(Part::Heading("Accepted, but wrong".to_owned()));
        parts.push(Part::Path(outcome.notes.iter().map(|(_, told)| source.step(told)).collect()));
    }
    parts.push(Part::Heading("Counted".to_owned()));
    parts.push(Part::Facts(facts(outcome, kernel)));
    Report { title: format!("Verify {}", outcome.name), verdict, summary, parts }
}

/// What happened on the way, and at its end the rejection itself.
fn path(outcome: &Outcome, message: &str, source: Source<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = outcome.explanation.iter().map(|told| source.step(told)).collect();
    let told_at_end = outcome.explanation.last().is_some_and(|told| told.place == outcome.place);
    if !told_at_end {
        let first = message.lines().next().unwrap_or_default();
        let message = if first.is_empty() { "rejected here".to_owned() } else { first.to_owned() };
        let at = outcome.place.as_ref().map(|place| source.at(place));
        steps.push(Step { message, at });
    }
    steps
}

fn facts(outcome: &Outcome, kernel: Version) -> Vec<(String, String)> {
    let stats = &outcome.stats;
    let kind = if outcome.program_type.is_empty() { "not known" } else { outcome.program_type };
    let mut facts = vec![
        ("program", format!("{} in section {}", outcome.name, outcome.section)),
        ("type", kind.to_owned()),
        ("kernel", format!("Linux {kernel}")),
        ("instructions", format!("{} of {INSNS}", thousands(stats.insns_processed.into()))),
        (
            "states",
            format!(
                "{} in all, {} at once",
                thousands(stats.total_states.into()),
                thousands(stats.peak_states.into())
            ),
        ),
    ];
    if outcome.is_accepted() {
        facts.push(("stack", format!("{} of {STACK} bytes", stack(outcome))));
    }
    if let Said::Reject { errno: Some(errno), .. } = outcome.verdict {
        facts.push(("error", errno_words(errno)));
    }
    if let Some(insn) = outcome.insn {
        facts.push(("instruction", format!("number {insn}, from 0")));
    }
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// As the kernel's log has it: of the program, and of each function it calls.
fn stack(outcome: &Outcome) -> String {
    let depths: Vec<String> = outcome.stack_depths.iter().map(u32::to_string).collect();
    if depths.is_empty() { "0".to_owned() } else { depths.join("+") }
}

/// `-13 (EACCES)`.
fn errno_words(errno: i32) -> String {
    use verifier::Errno;
    let name = match Errno(errno) {
        Errno::EPERM => "EPERM",
        Errno::ENOENT => "ENOENT",
        Errno::ESRCH => "ESRCH",
        Errno::E2BIG => "E2BIG",
        Errno::EBADF => "EBADF",
        Errno::ENOMEM => "ENOMEM",
        Errno::EACCES => "EACCES",
        Errno::EFAULT => "EFAULT",
        Errno::EBUSY => "EBUSY",
        Errno::EEXIST => "EEXIST",
        Errno::EINVAL => "EINVAL",
        Errno::ENOSPC => "ENOSPC",
        Errno::EDOM => "EDOM",
        Errno::ERANGE => "ERANGE",
        Errno::ELOOP => "ELOOP",
        Errno::EPROTO => "EPROTO",
        Errno::EOPNOTSUPP => "EOPNOTSUPP",
        Errno::ENOTSUPP => "ENOTSUPP",
        _ => return errno.to_string(),
    };
    format!("{errno} ({name})")
}
