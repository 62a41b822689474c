//! Reports as they are shown. The snapshots are there to be read.

use std::path::Path;
use std::sync::Arc;

use kernel_model::Version;
use runtime::layouts::{Cause, Divergence, What};
use runtime::{Event, EventAccess, Layout, Location, Outcome as Ran, Target};

use super::*;
use crate::run::{Report as RunReport, Shown};
use crate::verify::{Outcome, Place, Told, Verdict as Said};

const PATH: &str = "/w/count.bpf.c";

const TEXT: &str = "\
SEC(\"xdp\")
int count(struct xdp_md *ctx)
{
	u64 *value = bpf_map_lookup_elem(&packets, &(u32){ 0 });
	if (ctx->ingress_ifindex > 1 && \"<not & 'quoted'>\"[0])
		*value += 1;
	return XDP_PASS;
}
";

fn place(line: u32) -> Option<Place> {
    let text = TEXT.lines().nth(line as usize - 1).expect("is there").to_owned();
    Some(Place { file: PATH.to_owned(), line, column: 2, text })
}

fn told(line: u32, message: &str) -> Told {
    Told { message: message.to_owned(), place: place(line) }
}

fn outcome(verdict: Said) -> Outcome {
    Outcome {
        name: "count".to_owned(),
        section: "xdp".to_owned(),
        program_type: "xdp",
        verdict,
        insn: None,
        place: place(1),
        explanation: Vec::new(),
        help: None,
        rule: None,
        also: Vec::new(),
        notes: Vec::new(),
        stats: verifier::Stats {
            insns_processed: 1054,
            max_states_per_insn: 1,
            total_states: 3,
            peak_states: 2,
        },
        stack_depths: vec![64, 8],
        elapsed: std::time::Duration::ZERO,
        log: String::new(),
    }
}

fn verified(outcome: &Outcome) -> Report {
    let source = Source::new(Path::new(PATH), TEXT);
    of_verify(outcome, Version::NEWEST_MODELLED, source)
}

fn rejected() -> Report {
    let header = Place { file: "/w/inc/maps.h".to_owned(), line: 9, column: 1, text: "x".into() };
    verified(&Outcome {
        insn: Some(17),
        place: place(6),
        explanation: vec![
            Told { message: "the map is made here".to_owned(), place: Some(header) },
            told(
                4,
                "the value may be NULL from here on, because bpf_map_lookup_elem() gives NULL for a \
                     key that the map does not have",
            ),
            told(5, "this branch is taken"),
            told(6, "it is followed without a check"),
        ],
        help: Some("check it for NULL before it is used"),
        rule: Some("missing-null-check"),
        ..outcome(Said::Reject {
            errno: Some(-13),
            message: "R0 invalid mem access 'map_value_or_null'\nand more".to_owned(),
        })
    })
}

#[test]
fn an_accepted_program() {
    let report = verified(&outcome(Said::Accept));
    assert_eq!(report.summary, "accepted · 1,054 of 1,000,000 insns · stack 64+8 of 512");
    insta::assert_snapshot!("accepted", report.text());
}

#[test]
fn a_rejected_program() {
    let report = rejected();
    assert_eq!(report.summary, "rejected · R0 invalid mem access 'map_value_or_null'");
    insta::assert_snapshot!("rejected", format!("{}\n{}", report.text(), report.html()));
}

#[test]
fn what_is_not_modelled() {
    let report = verified(&Outcome { place: place(6), ..outcome(Said::Unsupported("x".into())) });
    assert_eq!(report.verdict, Verdict::Unknown);
    assert!(report.text().contains("count.bpf.c:6: x"), "{}", report.text());
    let refused = Said::Reject { errno: None, message: "no such map".to_owned() };
    assert_eq!(verified(&outcome(refused)).summary, "cannot be loaded · no such map");
    let silent = Said::Reject { errno: Some(-7), message: String::new() };
    let report = verified(&outcome(silent));
    assert_eq!(report.summary, "rejected · -7 (E2BIG), without a message");
}

fn location(line: u32) -> Location {
    Location { program: "count".into(), insn: 3, file: PATH.into(), line, column: 2 }
}

fn shown(layout: Layout, changed: &[usize], access: EventAccess) -> Shown {
    let bytes: Vec<u8> = (0..154_u8).collect();
    let mut after = bytes.clone();
    for at in changed {
        after[*at] = 0xff;
    }
    let event = |offset, line| Event {
        function: "bpf_dynptr_slice_rdwr".into(),
        target: Target::Packet,
        offset,
        len: 4,
        result: access,
        at: location(line),
    };
    Shown {
        packet: Some("tcp4:len=100".to_owned()),
        bytes,
        layout: layout.clone(),
        outcome: Ran {
            retval: 2,
            packet: Some(after),
            metadata: Vec::new(),
            layout,
            context_at_start: Vec::new(),
            values: Vec::new(),
            sequence: Vec::new(),
            context: Vec::new(),
            flow_keys: None,
            printed: vec!["seen <1>".to_owned()],
            events: vec![event(40, 4), event(120, 6)],
            insns: 31,
            fault: None,
        },
        deferred: None,
        maps: vec![("packets".to_owned(), serde_json::json!([{ "key": 0, "value": 1 }]))],
        kept: Vec::new(),
    }
}

fn ran(runs: Vec<Shown>, divergences: Vec<Divergence>) -> RunReport {
    RunReport {
        program: "count".to_owned(),
        attach_type: None,
        program_type: xdp(),
        runs,
        divergences,
        allowed: Vec::new(),
        count: 24,
        cut_off: false,
    }
}

fn xdp() -> &'static kernel_model::ProgramType {
    kernel_model::section("xdp").expect("is known").program_type
}

fn linear() -> Layout {
    Layout { linear: Some(154), ..Layout::default() }
}

#[test]
fn a_run() {
    let source = Source::new(Path::new(PATH), TEXT);
    let run = ran(vec![shown(linear(), &[41, 90], EventAccess::Direct)], Vec::new());
    let report = of_run(&run, xdp(), source);
    assert_eq!(report.summary, "2 (XDP_PASS)");
    insta::assert_snapshot!("run", format!("{}\n{}", report.text(), report.html()));
    let same = of_layouts(&run, xdp(), source);
    assert_eq!((same.summary.as_str(), same.verdict), ("0 divergences in 24", Verdict::Good));
}

#[test]
fn what_depends_on_the_layout() {
    let source = Source::new(Path::new(PATH), TEXT);
    let split = Layout { linear: Some(42), fragments: vec![88, 24], ..Layout::default() };
    let runs =
        vec![shown(linear(), &[41], EventAccess::Direct), shown(split, &[], EventAccess::Buffer)];
    let divergence = Divergence {
        between: (0, 1),
        what: What::Packet(41, 42),
        cause: Cause::LostWrite(location(4)),
        found_after: 7,
    };
    let report = of_layouts(&ran(runs, vec![divergence]), xdp(), source);
    assert_eq!((report.summary.as_str(), report.verdict), ("1 divergence", Verdict::Bad));
    insta::assert_snapshot!("layouts", format!("{}\n{}", report.text(), report.html()));
}

#[test]
fn whatever_a_program_says_is_text() {
    let evil = "</pre><script>alert(\"1\")</script>\u{1b}[2J";
    let mut run = shown(linear(), &[], EventAccess::Null);
    run.packet = Some(evil.to_owned());
    run.outcome.printed = vec![evil.to_owned()];
    run.maps = vec![(evil.to_owned(), serde_json::json!(evil))];
    let mut report = ran(vec![run], Vec::new());
    report.program = evil.to_owned();
    let html = of_run(&report, xdp(), Source::new(Path::new(PATH), TEXT)).html();
    assert!(!html.contains("<script") && !html.contains('\u{1b}'), "{html}");
    assert!(html.contains("&lt;script&gt;"), "{html}");
    let text: Arc<str> = of_run(&report, xdp(), Source::new(Path::new(PATH), TEXT)).text().into();
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn lines_are_never_longer_than_a_hundred_characters() {
    let long = "a_very_long_name_".repeat(20);
    let report = Report {
        title: long.clone(),
        verdict: Verdict::Bad,
        summary: format!("{long} {long}"),
        parts: vec![
            Part::Paragraph("word ".repeat(90)),
            Part::Facts(vec![(long[..40].to_owned(), long.clone()), ("b".into(), "c ".repeat(80))]),
            Part::Path(vec![Step {
                message: "m ".repeat(120),
                at: Some(At { file: "f.c".into(), line: 1, own: true, text: long.clone() }),
            }]),
            Part::Verbatim(long.clone()),
            Part::Heading(long),
        ],
    };
    let text = report.text();
    let longest = text.lines().map(|line| line.chars().count()).max();
    assert!(longest.is_some_and(|longest| longest <= 100), "{text}");
    assert!(text.lines().count() > 15, "{text}");
}

#[test]
fn numbers_have_commas() {
    for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
        assert_eq!(thousands(number), text);
    }
}
