//! The formats that programs read: JSON, GitHub, `JUnit`, the list of rules.

use diagnostic::{Format, Options, Severity, write_rules_json};
use quick_junit::Report;
use serde_json::{Value, json};

use crate::fixture::{RULES, rendered, reports, span_of};

fn as_json(text: &str) -> Value {
    serde_json::from_str(text).expect("one JSON document")
}

#[test]
fn json_is_the_public_document() {
    let text = rendered(Format::Json, Options::default(), &reports());
    let document = as_json(&text);
    let point =
        |line: u32, column: u32, byte: u32| json!({"line": line, "column": column, "byte": byte});
    let range = |line, from, to, byte| json!({"start": point(line, from, byte), "end": point(line, to, byte + to - from)});
    let expected = json!({
        "version": 1,
        "findings": [
            {
                "rule": "missing-write-back",
                "severity": "error",
                "kernel": "accepts",
                "file": "src/a,b: c.bpf.c",
                "function": "prog",
                "range": range(7, 10, 18, 173),
                "message": "the byte written through `p` is lost when the packet is not contiguous",
                "labels": [
                    {"range": range(6, 12, 33, 113), "message": "`p` may point to `buf` from here"},
                    {"range": range(10, 2, 18, 215), "message": "left without a write"},
                ],
                "help": "write the buffer back with `bpf_dynptr_write`",
                "kernel_message": null,
                "fixes": [{
                    "title": "write `buf` back",
                    "applicability": "safe",
                    "edits": [{
                        "range": range(10, 1, 1, 214),
                        "text": "\tif (p == buf)\n\t\tbpf_dynptr_write(&ptr, 0, buf, sizeof(buf), 0);\n",
                    }],
                }],
            },
            {
                "rule": "missing-null-check",
                "severity": "warning",
                "kernel": "rejects",
                "file": "src/a,b: c.bpf.c",
                "function": null,
                "range": range(6, 13, 14, 114),
                "message": "`p` may be NULL: 100%, sure\nreally",
                "labels": [],
                "help": null,
                "kernel_message": "R0 invalid mem access 'mem_or_null'",
                "fixes": [{
                    "title": "check `p` before",
                    "applicability": "unsafe",
                    "edits": [{"range": range(6, 13, 14, 114), "text": "q"}],
                }],
            },
        ],
        "summary": {"files": 2, "findings": 2, "unparsed_regions": 1, "elapsed_ms": 3},
    });
    assert_eq!(document, expected);
}

/// Readers of a stream and of a diff rely on the order of the keys.
#[test]
fn json_keys_come_in_their_documented_order() {
    let text = rendered(Format::Json, Options::default(), &reports());
    let mut rest = text.as_str();
    for key in [
        "version",
        "findings",
        "rule",
        "severity",
        "kernel",
        "file",
        "function",
        "range",
        "start",
        "line",
        "column",
        "byte",
        "end",
        "message",
        "labels",
        "help",
        "kernel_message",
        "fixes",
        "title",
        "applicability",
        "edits",
        "summary",
        "files",
        "findings",
        "unparsed_regions",
        "elapsed_ms",
    ] {
        let at = rest
            .find(&format!("\"{key}\":"))
            .unwrap_or_else(|| panic!("`{key}` is missing in {rest}"));
        rest = &rest[at + 1..];
    }
}

#[test]
fn json_of_a_clean_run_is_empty() {
    let text = rendered(Format::Json, Options::default(), &reports()[1..]);
    let summary = json!({"files": 1, "findings": 0, "unparsed_regions": 1, "elapsed_ms": 3});
    assert_eq!(as_json(&text), json!({"version": 1, "findings": [], "summary": summary}));
}

#[test]
fn rules_are_listed_as_json() {
    let mut out = Vec::new();
    write_rules_json(&RULES, &mut out).expect("writing to memory");
    let text = String::from_utf8(out).expect("UTF-8");
    insta::assert_snapshot!(text.trim_end(), @r#"{"version":1,"rules":[{"name":"missing-write-back","group":"dynptr","severity":"error","kernel":"accepts","covers":["M01"],"since":"6.4","fix":"safe","summary":"What is written through a slice is lost unless written back."},{"name":"missing-null-check","group":"dynptr","severity":"warning","kernel":"rejects","covers":["M10","M11"],"since":null,"fix":null,"summary":"A slice that may be NULL is used."}]}"#);
}

#[test]
fn github_commands_are_escaped() {
    let mut reports = reports();
    let several_lines = &mut reports[0].findings[0];
    several_lines.span.end = span_of("if (!p)", 0).end;
    several_lines.severity = Severity::Info;
    insta::assert_snapshot!(rendered(Format::Github, Options::default(), &reports), @r"
    ::notice file=src/a%2Cb%3A c.bpf.c,line=7,endLine=8,title=bpf-analyzer (missing-write-back)::the byte written through `p` is lost when the packet is not contiguous%0Ahelp: write the buffer back with `bpf_dynptr_write`
    ::warning file=src/a%2Cb%3A c.bpf.c,line=6,endLine=6,col=13,endColumn=14,title=bpf-analyzer (missing-null-check)::`p` may be NULL: 100%25, sure%0Areally%0Athe kernel rejects this: R0 invalid mem access 'mem_or_null'
    ");
}

#[test]
fn junit_has_a_suite_per_file() {
    let mut reports = reports();
    reports[0].findings[1].message = "a < b && \"c\" \u{1} ]]>".to_owned();
    let text = rendered(Format::Junit, Options::default(), &reports);
    insta::assert_snapshot!(text, @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="bpf-analyzer" tests="3" skipped="0" failures="2" errors="0">
        <testsuite name="src/a,b: c.bpf.c" tests="2" skipped="0" errors="0" failures="2">
            <testcase name="missing-write-back at 7:10" classname="src/a,b: c.bpf.c" file="src/a,b: c.bpf.c" line="7">
                <failure message="the byte written through `p` is lost when the packet is not contiguous" type="error">src/a,b: c.bpf.c:7:10: the byte written through `p` is lost when the packet is not contiguous
    src/a,b: c.bpf.c:6:12: `p` may point to `buf` from here
    src/a,b: c.bpf.c:10:2: left without a write
    help: write the buffer back with `bpf_dynptr_write`</failure>
            </testcase>
            <testcase name="missing-null-check at 6:13" classname="src/a,b: c.bpf.c" file="src/a,b: c.bpf.c" line="6">
                <failure message="a &lt; b &amp;&amp; &quot;c&quot;  ]]&gt;" type="warning">src/a,b: c.bpf.c:6:13: a &lt; b &amp;&amp; &quot;c&quot;  ]]&gt;
    the kernel rejects this: R0 invalid mem access &apos;mem_or_null&apos;</failure>
            </testcase>
        </testsuite>
        <testsuite name="clean.bpf.c" tests="1" skipped="0" errors="0" failures="0">
            <testcase name="no findings" classname="clean.bpf.c"/>
        </testsuite>
    </testsuites>
    "#);
    let report = Report::deserialize_from_str(&text).expect("XML that reads back");
    assert_eq!((report.tests, report.failures), (3, 2));
}

#[test]
fn format_names_read_back() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    let error = "xml".parse::<Format>().expect_err("no such format");
    assert_eq!(
        error.to_string(),
        "unknown format `xml`; expected full, concise, json, sarif, github or junit"
    );
}
