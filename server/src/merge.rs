//! What the analysis of a text and the verifier say about one mistake is said once.
//!
//! They mean the same mistake if they speak of the same line of the same function, or if the verifier's message is what
//! the kernel says about the mistakes of that rule. Then the finding of the rule stays, because it names the author's
//! own variables and can be mended, and says that the verifier agrees.

use diagnostic::{Finding, Label};
use text::Span;

/// A finding of a check, with what is needed to recognise it among those of the analysis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The finding.
    pub finding: Finding,
    /// What the verifier says, if it is a finding of the verifier; others are never taken for one of the analysis.
    pub said: Option<String>,
    /// The rule that finds such mistakes in the text.
    pub rule: Option<&'static str>,
}

/// All findings, each mistake once, by their places. `functions` are the functions of `text`.
pub fn merge(
    text: &str,
    functions: &[Span],
    source: &[Finding],
    checked: &[Checked],
) -> Vec<Finding> {
    let mut merged = source.to_vec();
    let mut own = Vec::new();
    for check in checked {
        let same = check.said.as_ref().and_then(|said| {
            let place = find(text, functions, source, check)?;
            Some((place, said))
        });
        match same {
            Some((place, said)) => {
                let message = format!("the verifier agrees: {said}");
                let agreement = Label { span: check.finding.span, message };
                let labels = &mut merged[place].labels;
                for label in [agreement].iter().chain(&check.finding.labels) {
                    if !labels.contains(label) {
                        labels.push(label.clone());
                    }
                }
            }
            None => own.push(check.finding.clone()),
        }
    }
    merged.extend(own);
    merged.sort_by_key(|finding| (finding.span.start, finding.span.end));
    merged
}

/// The finding of the analysis that is about the same mistake: rather one of the rule than one of the line, and rather
/// a near one than a far one.
fn find(text: &str, functions: &[Span], source: &[Finding], check: &Checked) -> Option<usize> {
    let span = check.finding.span;
    let function = |at: u32| functions.iter().find(|function| function.contains_offset(at));
    let same_rule = |finding: &Finding| check.rule == Some(finding.rule);
    let same_line = |finding: &Finding| is_one_line(text, finding.span.start, span.start);
    source
        .iter()
        .enumerate()
        .filter(|(_, finding)| function(finding.span.start) == function(span.start))
        .filter(|(_, finding)| same_rule(finding) || same_line(finding))
        .min_by_key(|(_, finding)| (!same_rule(finding), finding.span.start.abs_diff(span.start)))
        .map(|(place, _)| place)
}

fn is_one_line(text: &str, a: u32, b: u32) -> bool {
    let between = text.get(a.min(b) as usize..a.max(b) as usize);
    between.is_some_and(|between| !between.contains('\n'))
}

#[cfg(test)]
mod tests {
    use diagnostic::{KernelVerdict, Severity};

    use super::*;

    const TEXT: &str = "int a() {\n p = x;\n *p = 1;\n}\nint b() {\n *p = 2;\n}\n";

    fn at(word: &str) -> Span {
        let start = u32::try_from(TEXT.find(word).expect("is there")).expect("is short");
        Span::new(start, start + u32::try_from(word.len()).expect("is short"))
    }

    fn functions() -> Vec<Span> {
        let (a, b) = (at("int a() {\n p = x;\n *p = 1;\n}"), at("int b() {\n *p = 2;\n}"));
        vec![a, b]
    }

    fn finding(rule: &'static str, word: &str) -> Finding {
        Finding {
            rule,
            severity: Severity::Error,
            kernel: KernelVerdict::Rejects,
            function: None,
            span: at(word),
            message: String::new(),
            labels: Vec::new(),
            help: None,
            kernel_message: None,
            fixes: Vec::new(),
        }
    }

    fn verdict(rule: Option<&'static str>, word: &str) -> Checked {
        Checked { finding: finding("verifier", word), said: Some("R1 invalid".to_owned()), rule }
    }

    /// Rules in the order of the text, with how many labels each finding has.
    fn merged(source: &[Finding], checked: &[Checked]) -> Vec<(&'static str, usize)> {
        let merged = merge(TEXT, &functions(), source, checked);
        merged.iter().map(|finding| (finding.rule, finding.labels.len())).collect()
    }

    #[test]
    fn one_line_is_one_mistake() {
        let source = [finding("unchecked", "*p = 1")];
        let found = merge(TEXT, &functions(), &source, &[verdict(None, "p = 1")]);
        assert_eq!(found.len(), 1);
        let label = Label { span: at("p = 1"), message: "the verifier agrees: R1 invalid".into() };
        assert_eq!((found[0].rule, &found[0].labels), ("unchecked", &vec![label]));
    }

    #[test]
    fn the_rule_of_the_message_is_one_mistake_in_the_same_function() {
        let source = [finding("unchecked", "p = x")];
        assert_eq!(merged(&source, &[verdict(Some("unchecked"), "*p = 1")]), [("unchecked", 1)]);
        let other = [verdict(Some("unchecked"), "*p = 2")];
        assert_eq!(merged(&source, &other), [("unchecked", 0), ("verifier", 0)]);
        let unrelated = [verdict(Some("leak"), "*p = 1")];
        assert_eq!(merged(&source, &unrelated), [("unchecked", 0), ("verifier", 0)]);
    }

    #[test]
    fn the_rule_is_stronger_than_the_line_and_near_than_far() {
        let source = [finding("unchecked", "p = x"), finding("leak", "*p = 1")];
        let check = [verdict(Some("unchecked"), "*p = 1")];
        assert_eq!(merged(&source, &check), [("unchecked", 1), ("leak", 0)]);
        let source = [finding("unchecked", "int a"), finding("unchecked", "p = x")];
        assert_eq!(merged(&source, &check), [("unchecked", 0), ("unchecked", 1)]);
    }

    #[test]
    fn only_the_verifier_agrees() {
        let source = [finding("unchecked", "*p = 1")];
        let run = Checked { said: None, ..verdict(Some("unchecked"), "*p = 1") };
        assert_eq!(merged(&source, &[run]).len(), 2);
        assert_eq!(merged(&source, &[]), [("unchecked", 0)]);
    }

    #[test]
    fn what_two_programs_say_of_one_place_is_said_once() {
        let source = [finding("unchecked", "*p = 1")];
        let check = verdict(None, "*p = 1");
        assert_eq!(merged(&source, &[check.clone(), check]), [("unchecked", 1)]);
    }
}
