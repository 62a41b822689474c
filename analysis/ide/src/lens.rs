//! A line over each program.

use diagnostic::{Finding, Severity};
use text::Span;

use crate::File;

/// What is shown over a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lens {
    /// The program's name in the text.
    pub span: Span,
    /// What is shown.
    pub title: String,
}

/// One lens for each program: how many of the `findings` are in it.
pub fn lenses(file: &File<'_>, findings: &[Finding]) -> Vec<Lens> {
    let functions = file.sema.functions();
    let programs = file.sema.programs().iter();
    let functions = programs.filter_map(|program| functions.get(program.function));
    let lens = functions.map(|function| {
        let own =
            findings.iter().filter(|finding| function.span.contains_offset(finding.span.start));
        Lens { span: function.name_span, title: title(own) }
    });
    lens.collect()
}

fn title<'f>(findings: impl Iterator<Item = &'f Finding>) -> String {
    let mut counts = [0usize; 3];
    for finding in findings {
        counts[finding.severity as usize] += 1;
    }
    let words = [
        (counts[Severity::Error as usize], "error", "errors"),
        (counts[Severity::Warning as usize], "warning", "warnings"),
        (counts[Severity::Info as usize], "note", "notes"),
    ];
    let said: Vec<String> = words
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if *count == 1 { one } else { many }))
        .collect();
    if said.is_empty() { "no findings".to_owned() } else { said.join(", ") }
}

#[cfg(test)]
mod tests {
    use kernel_model::Version;
    use lint_rules::Lint;

    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn each_program_says_how_many_findings_it_has() {
        let fixture = Fixture::new(
            "SEC(\"tc\") int good(struct __sk_buff *s) { return 0; }\n\
             static int helper(void) { return 0; }\n\
             SEC(\"tc\") int bad(struct __sk_buff *s) {\n\
             struct bpf_dynptr d; char b[4], *p;\n\
             bpf_dynptr_from_skb(s, 0, &d);\n\
             p = bpf_dynptr_slice_rdwr(&d, 40, b, 4);\n\
             if (!p) return 0;\n\
             *p = 1; return 0; }\n",
        );
        let titles = fixture.ask(|file, _| {
            let lint = Lint { kernel: Version::default() };
            let findings = lint_rules::check(file.parsed, &sema::Headers::default(), &lint);
            assert!(!findings.is_empty(), "the write-back is missing");
            let titles = lenses(file, &findings)
                .into_iter()
                .map(|lens| format!("{}: {}", lens.span.text(file.text()), lens.title));
            titles.collect::<Vec<_>>()
        });
        assert_eq!(titles, ["good: no findings", "bad: 1 error"]);
    }
}
