//! The formats for people.

use diagnostic::{FileReport, Format, Label, Options};
use text::Span;

use crate::fixture::{rendered, reports};

#[test]
fn full_looks_like_a_compiler() {
    insta::assert_snapshot!(rendered(Format::Full, Options::default(), &reports()), @r"
    error[missing-write-back]: the byte written through `p` is lost when the packet is not contiguous
      --> src/a,b: c.bpf.c:7:10
       |
     6 |     __u8 *p = bpf_dynptr_slice_rdwr(&ptr, 0, buf, sizeof(buf));
       |               --------------------- `p` may point to `buf` from here
     7 |     /* ü */ p[0] = 1;
       |             ^^^^^^^^
    ...
    10 |     return TC_ACT_OK;
       |     ---------------- left without a write
       |
       = note: the kernel accepts this
       = help: write the buffer back with `bpf_dynptr_write`
       = fix: write `buf` back (`--fix` does it)
       = explain: bpf-analyzer explain missing-write-back

    warning[missing-null-check]: `p` may be NULL: 100%, sure really
     --> src/a,b: c.bpf.c:6:13
      |
    6 |     __u8 *p = bpf_dynptr_slice_rdwr(&ptr, 0, buf, sizeof(buf));
      |                ^
      |
      = note: the kernel rejects this: R0 invalid mem access 'mem_or_null'
      = fix: check `p` before (`--fix --unsafe-fixes` does it)
      = explain: bpf-analyzer explain missing-null-check

    1 error, 1 warning in 2 files; 1 region could not be parsed and went unchecked
    ");
}

#[test]
fn concise_is_a_line_per_finding() {
    insta::assert_snapshot!(rendered(Format::Concise, Options::default(), &reports()), @r"
    src/a,b: c.bpf.c:7:10: error[missing-write-back] the byte written through `p` is lost when the packet is not contiguous
    src/a,b: c.bpf.c:6:13: warning[missing-null-check] `p` may be NULL: 100%, sure really
    ");
}

#[test]
fn color_is_an_option() {
    for format in [Format::Full, Format::Concise] {
        let plain = rendered(format, Options::default(), &reports());
        let colored = rendered(format, Options { color: true, ..Options::default() }, &reports());
        assert!(!plain.contains('\x1b'), "{plain}");
        let mut stripped = String::new();
        for (number, part) in colored.split("\x1b[").enumerate() {
            let text = if number == 0 { part } else { part.split_once('m').expect("a colour").1 };
            stripped.push_str(text);
        }
        let without_trailing =
            |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        assert_eq!(without_trailing(&stripped), without_trailing(&plain));
        assert_ne!(colored, plain);
    }
}

#[test]
fn a_page_is_pointed_to_once() {
    let mut reports = reports();
    let again = reports[0].findings[0].clone();
    reports[0].findings.push(again);
    let text = rendered(Format::Full, Options::default(), &reports);
    assert_eq!(
        text.matches("explain: bpf-analyzer explain missing-write-back").count(),
        1,
        "{text}"
    );
}

#[test]
fn a_clean_run_says_so() {
    let clean = &reports()[1..];
    insta::assert_snapshot!(rendered(Format::Full, Options::default(), clean), @"no findings in 1 file; 1 region could not be parsed and went unchecked");
    assert_eq!(rendered(Format::Concise, Options::default(), clean), "");
}

/// A report with one finding of an otherwise small kind, marked at the given places.
fn report(source: &str, span: Span, label: Option<Span>) -> FileReport {
    let mut report = reports().swap_remove(0);
    report.path = "a.c".to_owned();
    report.source = source.into();
    report.findings.truncate(1);
    let finding = &mut report.findings[0];
    finding.span = span;
    finding.labels =
        label.map(|span| Label { span, message: "here".to_owned() }).into_iter().collect();
    finding.help = None;
    finding.fixes.clear();
    report
}

#[test]
fn places_far_apart_are_two_excerpts() {
    let source = "int x;\n".repeat(5000);
    let far = report(&source, Span::new(7 * 4000, 7 * 4000 + 3), Some(Span::new(11, 12)));
    insta::assert_snapshot!(rendered(Format::Full, Options::default(), &[far]), @r"
    error[missing-write-back]: the byte written through `p` is lost when the packet is not contiguous
        --> a.c:4001:1
         |
    4001 | int x;
         | ^^^
         |
        ::: a.c:2:5
         |
       2 | int x;
         |     - here
         |
         = note: the kernel accepts this
         = explain: bpf-analyzer explain missing-write-back

    1 error in 1 file; 1 region could not be parsed and went unchecked
    ");
}

#[test]
fn a_long_line_is_cut_and_keeps_its_column() {
    let source = format!("int y;\nint {}, mark, {};\n", "ä, ".repeat(30_000), "b, ".repeat(30_000));
    let at = u32::try_from(source.find("mark").expect("it is there")).expect("a short text");
    let text =
        rendered(Format::Full, Options::default(), &[report(&source, Span::new(at, at + 4), None)]);
    assert!(text.contains("a.c:2:90007"), "{text}");
    assert!(text.contains("mark") && text.contains("^^^^\n"), "{text}");
    assert!(text.len() < 1500, "{} bytes", text.len());
}

#[test]
fn a_mark_over_a_whole_function_shows_its_first_line() {
    let source = format!("int f(void)\n{{\n{}}}\n", "\tg();\n".repeat(100));
    let end = u32::try_from(source.len()).expect("a short text");
    let text =
        rendered(Format::Full, Options::default(), &[report(&source, Span::new(0, end), None)]);
    assert!(text.contains("1 | int f(void)\n  | ^^^^^^^^^^^"), "{text}");
    assert!(text.lines().count() < 12, "{text}");
}
