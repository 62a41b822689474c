//! What comments cover, tested with a rule that finds every call of `bad`.

use std::sync::Arc;

use diagnostic::{FileReport, Finding, KernelVerdict, RuleInfo, Severity};
use syntax::Parsed;
use text::{Span, apply_edits};

use super::{Scopes, apply};
use crate::rules::{Catalogue, Rule};
use crate::selection::{Layer, RuleSet, Selector};

fn catalogue() -> Catalogue {
    let rule = |name| Rule {
        info: RuleInfo {
            name,
            group: "test",
            severity: Severity::Error,
            kernel: KernelVerdict::Accepts,
            covers: &[],
            since: None,
            fix: None,
            summary: "for tests",
            url: "",
        },
        page: "",
    };
    Catalogue::new(vec![rule("bad-call"), rule("worse-call")])
}

fn finding(rule: &'static str, span: Span) -> Finding {
    Finding {
        rule,
        severity: Severity::Error,
        kernel: KernelVerdict::Accepts,
        function: None,
        span,
        message: "found".into(),
        labels: Vec::new(),
        help: None,
        kernel_message: None,
        fixes: Vec::new(),
    }
}

/// Finds the calls of `bad` and `worse` and applies the comments.
fn lint(text: &str, ignore: &[Selector]) -> FileReport {
    let parsed = Parsed::parse(text.into());
    let calls = |word: &str, rule: &'static str| -> Vec<Finding> {
        let spans = text.match_indices(word).map(|(at, _)| {
            let offset = |value: usize| u32::try_from(value).expect("is small");
            Span::new(offset(at), offset(at + word.len()))
        });
        spans.map(|span| finding(rule, span)).collect()
    };
    let mut findings = calls("bad()", "bad-call");
    findings.extend(calls("worse()", "worse-call"));
    let unparsed_regions = parsed.unit().errors.len();
    let mut report = FileReport {
        path: "a.c".into(),
        source: Arc::clone(parsed.text()),
        findings,
        unparsed_regions,
    };
    let layer = Layer { select: Vec::new(), ignore: ignore.to_vec() };
    let rules = RuleSet::new(&catalogue(), &[&layer], &[]);
    apply(&mut report, &Scopes::of(&parsed), &rules, &catalogue());
    report.findings.sort_by_key(|finding| finding.span);
    report
}

/// The 1-based lines of findings, with their rules.
fn lines(report: &FileReport) -> Vec<(usize, &'static str)> {
    let line =
        |finding: &Finding| 1 + report.source[..finding.span.start as usize].matches('\n').count();
    report.findings.iter().map(|finding| (line(finding), finding.rule)).collect()
}

#[test]
fn a_comment_behind_code_covers_its_line() {
    let text = "void f(void)\n{\n\tbad(); // bpf-analyzer: allow(bad-call) known\n\tbad();\n}\n";
    assert_eq!(lines(&lint(text, &[])), [(4, "bad-call")]);
    let text = "void f(void)\n{\n\t/* bpf-analyzer: allow(bad-call) */ bad();\n\tbad();\n}\n";
    assert_eq!(lines(&lint(text, &[])), [(4, "bad-call")]);
}

#[test]
fn a_comment_alone_covers_the_next_statement() {
    let text = "\
void f(int x)
{
\t// bpf-analyzer: allow(bad-call)
\t// and another comment
\tg(x,
\t  bad());
\tbad();
\t// bpf-analyzer: allow(bad-call) the whole if
\tif (x) {
\t\tbad();
\t} else
\t\tbad();
\tbad();
\tswitch (x) {
\tcase 1:
\t\t// bpf-analyzer: allow(bad-call)
\t\tbad();
\t\tbad();
\t}
}
";
    assert_eq!(lines(&lint(text, &[])), [(7, "bad-call"), (13, "bad-call"), (18, "bad-call")]);
}

#[test]
fn a_comment_inside_a_statement_covers_the_next_line() {
    let text = "void f(int x)\n{\n\tg(x,\n\t  // bpf-analyzer: allow(bad-call)\n\t  bad(),\n\t  bad());\n}\n";
    assert_eq!(lines(&lint(text, &[])), [(6, "bad-call")]);
}

#[test]
fn a_comment_before_a_closing_brace_covers_its_line() {
    let text =
        "void f(void)\n{\n\tg();\n\t// bpf-analyzer: allow(bad-call)\n} // bad()\nint x = bad();\n";
    assert_eq!(lines(&lint(text, &[])), [(6, "bad-call")]);
}

#[test]
fn a_comment_before_a_function_covers_it() {
    for head in [
        "// bpf-analyzer: allow(bad-call) all of it\nSEC(\"tc\")\nint f(struct __sk_buff *skb)",
        "SEC(\"tc\")\n// bpf-analyzer: allow(bad-call)\nint f(struct __sk_buff *skb)",
        "/* bpf-analyzer: allow(bad-call) */\nstatic __noinline int\nf(int x)",
        "// bpf-analyzer: allow(bad-call)\n#ifdef X\n__weak __noinline\n#endif\nint f(int x)",
    ] {
        let text =
            format!("{head}\n{{\n\tbad();\n\tg();\n\tbad();\n}}\nint g(void)\n{{\n\tbad();\n}}\n");
        let report = lint(&text, &[]);
        let last = text.matches('\n').count() - 1;
        assert_eq!(lines(&report), [(last, "bad-call")], "{text}");
    }
}

#[test]
fn a_comment_before_a_declaration_covers_it() {
    let text =
        "// bpf-analyzer: allow(bad-call)\nint x[] = {\n\t1,\n\tbad(),\n};\nint y = bad();\n";
    assert_eq!(lines(&lint(text, &[])), [(6, "bad-call")]);
}

#[test]
fn a_comment_at_the_top_covers_the_file() {
    let text = "// SPDX\n#include <x.h>\n/* bpf-analyzer: allow-file(bad-call) */\nint y = bad();\nint z = worse();\n";
    assert_eq!(lines(&lint(text, &[])), [(5, "worse-call")]);
}

#[test]
fn names_that_silence_nothing_are_found_unless_their_rule_is_off() {
    let text = "int y = bad(); // bpf-analyzer: allow(bad-call, worse-call, bad-call)\n";
    let report = lint(text, &[]);
    assert_eq!(lines(&report), [(1, "unused-suppression")]);
    let found = &report.findings[0];
    assert_eq!(found.message, "`worse-call`, `bad-call` find nothing here to allow");
    let mended = apply_edits(text, &found.fixes[0].edits).expect("fits");
    assert_eq!(mended, "int y = bad(); // bpf-analyzer: allow(bad-call)\n");
    assert_eq!(
        lines(&lint(
            "int y; // bpf-analyzer: allow(worse-call)\n",
            &[Selector::Rule("worse-call")]
        )),
        []
    );
}

#[test]
fn of_several_comments_the_narrowest_is_used() {
    let text =
        "// bpf-analyzer: allow-file(bad-call)\nint y = bad(); // bpf-analyzer: allow(bad-call)\n";
    let report = lint(text, &[]);
    assert_eq!(lines(&report), [(1, "unused-suppression")]);
    let mended = apply_edits(text, &report.findings[0].fixes[0].edits).expect("fits");
    assert_eq!(mended, "int y = bad(); // bpf-analyzer: allow(bad-call)\n");
}

#[test]
fn nothing_is_called_unused_in_a_file_that_is_not_understood() {
    let text = "int f( { ] ) } = 3;\n// bpf-analyzer: allow(bad-call)\nint x;\n";
    let report = lint(text, &[]);
    assert!(report.unparsed_regions > 0);
    assert_eq!(lines(&report), []);
}

#[test]
fn deleting_an_unused_comment_leaves_the_rest_of_the_line() {
    for (text, expected) in [
        ("int x; // bpf-analyzer: allow(bad-call)\r\nint y;\r\n", "int x;\r\nint y;\r\n"),
        ("int x;\t/* bpf-analyzer: allow(bad-call) */", "int x;"),
        ("/* bpf-analyzer: allow(bad-call) */ int x;\n", " int x;\n"),
        ("int x;\n  // bpf-analyzer: allow(bad-call)\r\nint y;\n", "int x;\nint y;\n"),
        ("int x;\n// bpf-analyzer: allow(bad-call)", "int x;\n"),
    ] {
        let report = lint(text, &[]);
        assert_eq!(report.findings.len(), 1, "{text}");
        let mended = apply_edits(text, &report.findings[0].fixes[0].edits).expect("fits");
        assert_eq!(mended, expected);
    }
}

proptest::proptest! {
    /// Any text with comments is handled, and what is found lies inside it.
    #[test]
    fn findings_lie_in_the_text(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "// bpf-analyzer: allow(bad-call)", "/* bpf-analyzer: allow-file(", "x)*/", "\n", "bad()",
            "bpf-analyzer: ", "é", "{", "}", ";", "int f(void)", "#define X \\", "\"", "//", "\r\n", "allow(,)",
        ]), 0..24)
    ) {
        let text = pieces.concat();
        for finding in lint(&text, &[]).findings {
            assert!(text.get(finding.span.range()).is_some());
            for fix in finding.fixes {
                apply_edits(&text, &fix.edits).expect("fits");
            }
        }
    }
}
