//! Any text, any spans, any width: every format stays total and keeps its syntax.

use diagnostic::{FileReport, Format, Label, Options};
use proptest::prelude::*;
use quick_junit::Report;
use text::{Edit, Span};

use crate::fixture::{rendered, reports};
use crate::sarif::validated;

/// Text as no compiler likes it.
fn hostile_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z(){};\t ]{0,30}",
        3 => prop_oneof![Just("\n"), Just("\r\n"), Just("\r"), Just("\n\n\n"), Just("\u{2028}")].prop_map(String::from),
        2 => prop_oneof![Just("ü"), Just("🐝"), Just("e\u{301}"), Just("\0"), Just("\u{feff}"), Just("\x1b[31m"), Just("\u{202e}"), Just("::error::"), Just("]]>")]
            .prop_map(String::from),
        1 => (0_usize..3000).prop_map(|n| "w€".repeat(n)),
        1 => (0_usize..120).prop_map(|n| "\n".repeat(n)),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

fn any_span() -> impl Strategy<Value = Span> {
    prop_oneof![
        (0_u32..200, 0_u32..200).prop_map(|(start, end)| Span::new(start, end)),
        (0_u32..9000, 0_u32..50).prop_map(|(start, length)| Span::new(start, start + length)),
        (any::<u32>(), any::<u32>()).prop_map(|(start, end)| Span::new(start, end)),
    ]
}

fn hostile_report() -> impl Strategy<Value = FileReport> {
    let texts = (hostile_text(), hostile_text(), hostile_text());
    let spans = (any_span(), prop::collection::vec(any_span(), 0..4), any_span());
    (texts, spans).prop_map(|((source, message, path), (span, labels, edit))| {
        let mut report = reports().swap_remove(0);
        let label = |span| Label { span, message: message.clone() };
        let finding = &mut report.findings[0];
        finding.span = span;
        finding.labels = labels.into_iter().map(label).collect();
        finding.fixes[0].edits = vec![Edit::replace(edit, message.clone())];
        finding.help = Some(message.clone());
        finding.kernel_message = Some(message.clone());
        finding.message = message;
        report.path = path;
        report.source = source.into();
        report
    })
}

proptest! {
    #[test]
    fn every_format_survives(report in hostile_report(), width in 0_usize..400) {
        let count = report.findings.len();
        let reports = [report];
        let render = |format| rendered(format, Options { color: false, width }, &reports);
        let full = render(Format::Full);
        prop_assert!(!full.contains('\x1b') && !full.contains('\0'), "{full:?}");
        prop_assert!(full.lines().count() < 400, "{full}");
        let concise = render(Format::Concise);
        prop_assert_eq!(concise.chars().filter(|c| c.is_control()).count(), count, "{:?}", concise);
        let github = render(Format::Github);
        prop_assert_eq!(github.split_terminator('\n').filter(|line| line.starts_with("::")).count(), count);
        prop_assert_eq!(github.split_terminator('\n').count(), count);
        let json: serde_json::Value = serde_json::from_str(&render(Format::Json)).expect("JSON");
        prop_assert_eq!(&json["findings"][0]["message"], &reports[0].findings[0].message);
        prop_assert_eq!(json["findings"].as_array().map(Vec::len), Some(count));
        prop_assert_eq!(validated(&render(Format::Sarif)).err(), None);
        prop_assert!(Report::deserialize_from_str(&render(Format::Junit)).is_ok_and(|report| report.tests == count));
    }
}

#[test]
fn ends_of_a_text_can_be_marked() {
    for (source, offset) in
        [("", 0), ("", 9), ("a", 1), ("a\n", 2), ("a\r\n", 2), ("a\r\n", 3), ("\0", 1), ("🐝", 2)]
    {
        let mut reports = reports();
        reports[0].source = source.into();
        for finding in &mut reports[0].findings {
            finding.span = Span::empty(offset);
            finding.labels.clear();
        }
        let text = rendered(Format::Full, Options::default(), &reports);
        assert_eq!(text.matches('^').count(), 2, "{source:?} at {offset}: {text}");
    }
}
