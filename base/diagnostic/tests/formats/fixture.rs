//! A run of two files, one clean, as the tests render it.

use diagnostic::{
    Applicability, FileReport, Finding, Fix, Format, KernelVerdict, Label, Options, RuleInfo,
    Severity, Summary, render_all,
};
use text::{Edit, Span};

/// A program with a lost write, a late check and a character wider than a byte.
pub(crate) const SOURCE: &str = "\
SEC(\"tc\")
int prog(struct __sk_buff *skb)
{
\tstruct bpf_dynptr ptr; /* größe 🐝 */
\tchar buf[16];
\t__u8 *p = bpf_dynptr_slice_rdwr(&ptr, 0, buf, sizeof(buf));
\t/* ü */ p[0] = 1;
\tif (!p)
\t\treturn TC_ACT_SHOT;
\treturn TC_ACT_OK;
}
";

pub(crate) const RULES: [RuleInfo; 2] = [
    RuleInfo {
        name: "missing-write-back",
        group: "dynptr",
        severity: Severity::Error,
        kernel: KernelVerdict::Accepts,
        covers: &["M01"],
        since: Some("6.4"),
        fix: Some(Applicability::Safe),
        summary: "What is written through a slice is lost unless written back.",
        url: "https://example.org/rules/missing-write-back",
    },
    RuleInfo {
        name: "missing-null-check",
        group: "dynptr",
        severity: Severity::Warning,
        kernel: KernelVerdict::Rejects,
        covers: &["M10", "M11"],
        since: None,
        fix: None,
        summary: "A slice that may be NULL is used.",
        url: "",
    },
];

/// The span of the `nth` (from 0) occurrence of `text` in [`SOURCE`].
pub(crate) fn span_of(text: &str, nth: usize) -> Span {
    let (start, _) = SOURCE.match_indices(text).nth(nth).expect("the text occurs in the source");
    let offset = |at: usize| u32::try_from(at).expect("a short source");
    Span::new(offset(start), offset(start + text.len()))
}

fn write_back() -> Finding {
    let insertion = span_of("\treturn TC_ACT_OK", 0).start;
    let write = "\tif (p == buf)\n\t\tbpf_dynptr_write(&ptr, 0, buf, sizeof(buf), 0);\n";
    Finding {
        rule: "missing-write-back",
        severity: Severity::Error,
        kernel: KernelVerdict::Accepts,
        function: Some("prog".to_owned()),
        span: span_of("p[0] = 1", 0),
        message: "the byte written through `p` is lost when the packet is not contiguous"
            .to_owned(),
        labels: vec![
            Label {
                span: span_of("bpf_dynptr_slice_rdwr", 0),
                message: "`p` may point to `buf` from here".to_owned(),
            },
            Label {
                span: span_of("return TC_ACT_OK", 0),
                message: "left without a write".to_owned(),
            },
        ],
        help: Some("write the buffer back with `bpf_dynptr_write`".to_owned()),
        kernel_message: None,
        fixes: vec![Fix {
            title: "write `buf` back".to_owned(),
            applicability: Applicability::Safe,
            edits: vec![Edit::insert(insertion, write)],
        }],
    }
}

fn null_check() -> Finding {
    Finding {
        rule: "missing-null-check",
        severity: Severity::Warning,
        kernel: KernelVerdict::Rejects,
        function: None,
        span: span_of("p", 5),
        message: "`p` may be NULL: 100%, sure\nreally".to_owned(),
        labels: Vec::new(),
        help: None,
        kernel_message: Some("R0 invalid mem access 'mem_or_null'".to_owned()),
        fixes: vec![Fix {
            title: "check `p` before".to_owned(),
            applicability: Applicability::Unsafe,
            edits: vec![Edit::replace(span_of("p", 5), "q")],
        }],
    }
}

pub(crate) fn reports() -> Vec<FileReport> {
    let source = SOURCE.into();
    let findings = vec![write_back(), null_check()];
    vec![
        FileReport { path: "src/a,b: c.bpf.c".to_owned(), source, findings, unparsed_regions: 0 },
        FileReport {
            path: "clean.bpf.c".to_owned(),
            source: "int x;\n".into(),
            findings: Vec::new(),
            unparsed_regions: 1,
        },
    ]
}

/// The run in a format.
pub(crate) fn rendered(format: Format, options: Options, reports: &[FileReport]) -> String {
    let findings = reports.iter().map(|report| report.findings.len()).sum();
    let summary = Summary { files: reports.len(), findings, unparsed_regions: 1, elapsed_ms: 3 };
    let mut out = Vec::new();
    render_all(format, options, &RULES, reports, &summary, &mut out).expect("writing to memory");
    String::from_utf8(out).expect("every format is UTF-8")
}
