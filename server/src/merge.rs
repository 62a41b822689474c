//! What the analysis of a text and the verifier say about one mistake is said once.
//!
//! They mean the same mistake if they speak of the same line of the same function, or if the verifier's message is what
//! the kernel says about the mistakes of that rule. What is lost in a run is the mistake of a rule if both speak of the
//! same slice. Then the finding of the rule stays, because it names the author's own variables and can be mended, and
//! says that the verifier, or the runtime, agrees.

use diagnostic::{Finding, Label};
use text::Span;

/// A finding of a check, with what is needed to recognise it among those of the analysis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The finding.
    pub finding: Finding,
    /// Who says so in which words; what nobody says is never taken for a finding of the analysis.
    pub said: Option<Said>,
    /// The rule that finds such mistakes in the text.
    pub rule: Option<&'static str>,
}

/// Whose finding it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The verifier says this, at the place where it notices.
    Verifier(String),
    /// Runs show this, at the place where the slice is made.
    Runtime(String),
}

/// The rule about what is stored in a slice and lost.
pub const LOST_STORE: &str = "missing-write-back";

/// Rules that find other reasons why that is lost.
const OTHER_REASONS: [&str; 3] =
    ["inverted-write-back", "write-back-mismatch", "wrong-buffer-compared"];

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
        let same = check.said.as_ref().and_then(|said| match said {
            Said::Verifier(said) => find(text, functions, source, check)
                .map(|place| (place, format!("the verifier agrees: {said}"))),
            Said::Runtime(said) => of_slice(text, source, check.rule?, check.finding.span)
                .map(|place| (place, format!("the runtime agrees: {said}"))),
        });
        match same {
            Some((place, message)) => {
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

/// The finding of a rule, or else of one about another reason for the same, that is about the slice made at `slice`.
pub fn of_slice(text: &str, source: &[Finding], rule: &str, slice: Span) -> Option<usize> {
    let is_there = |label: &Label| {
        let is_meant = label.span.contains_offset(slice.start);
        (is_meant || is_one_line(text, label.span.start, slice.start)).then_some(!is_meant)
    };
    let place = |finding: &Finding| finding.labels.iter().filter_map(is_there).min();
    let other = |finding: &Finding| rule == LOST_STORE && OTHER_REASONS.contains(&finding.rule);
    source
        .iter()
        .enumerate()
        .filter(|(_, finding)| finding.rule == rule || other(finding))
        .filter_map(|(index, finding)| Some((index, finding.rule != rule, place(finding)?)))
        .min_by_key(|(_, is_other, is_near)| (*is_near, *is_other))
        .map(|(index, ..)| index)
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
        Checked {
            finding: finding("verifier", word),
            said: Some(Said::Verifier("R1 invalid".to_owned())),
            rule,
        }
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
    fn what_nobody_says_agrees_with_nothing() {
        let source = [finding("unchecked", "*p = 1")];
        let run = Checked { said: None, ..verdict(Some("unchecked"), "*p = 1") };
        assert_eq!(merged(&source, &[run]).len(), 2);
        assert_eq!(merged(&source, &[]), [("unchecked", 0)]);
    }

    /// What a run says about the slice that is made at `word`.
    fn lost(word: &str) -> Checked {
        let said = Some(Said::Runtime("byte 1 differs".to_owned()));
        Checked { said, ..verdict(Some(LOST_STORE), word) }
    }

    /// A finding about the slice that is made at `word`, elsewhere.
    fn about(rule: &'static str, place: &str, slice: &str) -> Finding {
        let label = Label { span: at(slice), message: "the slice is made here".to_owned() };
        Finding { labels: vec![label], ..finding(rule, place) }
    }

    #[test]
    fn runs_agree_with_what_is_found_about_the_same_slice() {
        let source = [about(LOST_STORE, "*p = 2", "p = x")];
        let found = merge(TEXT, &functions(), &source, &[lost("p = x")]);
        assert_eq!(found.len(), 1, "the store may be in another function than the slice");
        let label =
            Label { span: at("p = x"), message: "the runtime agrees: byte 1 differs".into() };
        assert_eq!(found[0].labels.last(), Some(&label));
        let other_slice = [about(LOST_STORE, "p = x", "*p = 2")];
        let expected = [(LOST_STORE, 1), ("verifier", 0)];
        assert_eq!(merged(&other_slice, &[lost("p = x")]), expected);
        let other_rule = [about("unchecked", "*p = 2", "p = x")];
        assert_eq!(merged(&other_rule, &[lost("p = x")]).len(), 2);
    }

    #[test]
    fn runs_agree_with_the_reason_why_something_is_lost() {
        let inverted = about("inverted-write-back", "*p = 1", "p = x");
        assert_eq!(
            merged(std::slice::from_ref(&inverted), &[lost("p = x")]),
            [("inverted-write-back", 2)]
        );
        let both = [inverted, about(LOST_STORE, "*p = 2", "p = x")];
        let expected = [("inverted-write-back", 1), (LOST_STORE, 2)];
        assert_eq!(merged(&both, &[lost("p = x")]), expected);
    }

    #[test]
    fn the_rules_about_lost_stores_exist() {
        for rule in OTHER_REASONS.iter().chain([&LOST_STORE]) {
            assert!(lint_rules::rules::find(rule).is_some(), "{rule}");
        }
    }

    #[test]
    fn what_two_programs_say_of_one_place_is_said_once() {
        let source = [finding("unchecked", "*p = 1")];
        let check = verdict(None, "*p = 1");
        assert_eq!(merged(&source, &[check.clone(), check]), [("unchecked", 1)]);
    }
}
