//! Suppression comments: `// bpf-analyzer: allow(rule-a, rule-b) reason` silences findings of its line,
//! of the next statement or of the next function, `allow-file(…)` those of the whole file. Comments that
//! name unknown rules or silence nothing are findings themselves.

mod comments;
mod scopes;

use diagnostic::{Applicability, FileReport, Finding, Fix, KernelVerdict, Severity};
use text::{Edit, Span};

pub use scopes::Scopes;

use crate::rules::{Catalogue, UNKNOWN_SUPPRESSION, UNUSED_SUPPRESSION};
use crate::selection::RuleSet;
use crate::verify;
use comments::{Comments, Directive, DirectiveKind};

/// Removes the findings that comments of the file allow, and adds those about the comments themselves.
pub fn apply(report: &mut FileReport, scopes: &Scopes, rules: &RuleSet, catalogue: &Catalogue) {
    let text = std::sync::Arc::clone(&report.source);
    let comments = Comments::read(&text, scopes.comments());
    if comments.directives.is_empty() {
        return;
    }
    let mut judge =
        Judge { text: &text, comments: &comments, scopes, catalogue, allows: Vec::new() };
    let mut about_comments = judge.collect();
    report.findings.retain(|finding| !judge.allowed(finding, None));
    // A file that could not be parsed as a whole may lack the findings that were allowed.
    if report.unparsed_regions == 0 {
        about_comments.extend(judge.unused(rules, |name| !is_about_comments(name)));
    }
    about_comments.retain(|(comment, finding)| {
        rules.contains(finding.rule) && !judge.allowed(finding, Some(*comment))
    });
    if report.unparsed_regions == 0 && rules.contains(UNUSED_SUPPRESSION) {
        about_comments.extend(judge.unused(rules, is_about_comments));
    }
    report.findings.extend(about_comments.into_iter().map(|(_, mut finding)| {
        finding.severity = rules.severity(finding.rule).unwrap_or(finding.severity);
        finding
    }));
}

/// Which findings the comments of a text allow, by rule and place. Of the comments themselves nothing is said.
pub fn allowed(
    text: &str,
    scopes: &Scopes,
    catalogue: &Catalogue,
    findings: &[(&str, Span)],
) -> Vec<bool> {
    let comments = Comments::read(text, scopes.comments());
    let mut judge = Judge { text, comments: &comments, scopes, catalogue, allows: Vec::new() };
    judge.collect();
    findings.iter().map(|(rule, span)| judge.allows_at(rule, *span, None)).collect()
}

fn is_about_comments(rule: &str) -> bool {
    rule == UNKNOWN_SUPPRESSION || rule == UNUSED_SUPPRESSION
}

/// Index of a comment among the directives.
type CommentIndex = usize;

struct Judge<'a> {
    text: &'a str,
    comments: &'a Comments<'a>,
    scopes: &'a Scopes,
    catalogue: &'a Catalogue,
    allows: Vec<Allow>,
}

/// One known name in one comment.
struct Allow {
    comment: CommentIndex,
    rule: &'static str,
    name: Span,
    reach: Reach,
    used: bool,
}

#[derive(Clone, Copy)]
enum Reach {
    /// Findings that touch the line of this span.
    Line(Span),
    /// Findings that start in this span.
    Scope(Span),
    File,
}

impl Reach {
    fn covers(self, finding: Span) -> bool {
        match self {
            Reach::Line(line) => finding.start <= line.end && line.start <= finding.end,
            Reach::Scope(scope) => scope.contains_offset(finding.start) || scope.contains(finding),
            Reach::File => true,
        }
    }

    fn width(self) -> u32 {
        match self {
            Reach::Line(_) => 0,
            Reach::Scope(span) => span.len().saturating_add(1),
            Reach::File => u32::MAX,
        }
    }
}

impl Judge<'_> {
    /// Reads all comments into `allows`; returns what is wrong with them, with the comment's index.
    fn collect(&mut self) -> Vec<(CommentIndex, Finding)> {
        let mut wrong = Vec::new();
        for (index, directive) in self.comments.directives.iter().enumerate() {
            let (names, reach) = match &directive.kind {
                DirectiveKind::Allow(names) => (names, self.reach(directive.span)),
                DirectiveKind::AllowFile(names) => {
                    if self.scopes.first_item().is_some_and(|first| first < directive.span.start) {
                        wrong.push((index, self.misplaced(directive)));
                        continue;
                    }
                    (names, Reach::File)
                }
                DirectiveKind::Malformed(message) => {
                    wrong.push((index, self.not_understood(directive, message)));
                    continue;
                }
            };
            for (name, span) in names {
                match self.catalogue.require(name) {
                    Ok(rule) => self.allows.push(Allow {
                        comment: index,
                        rule: rule.info.name,
                        name: *span,
                        reach,
                        used: false,
                    }),
                    Err(unknown) => wrong.push((index, self.unknown(*span, &unknown))),
                }
            }
        }
        wrong
    }

    /// What an `allow` comment speaks of: its line if there is code on it, else what comes next.
    fn reach(&self, comment: Span) -> Reach {
        let line = self.line_of(comment.start);
        let code = self.comments.skip_blank(self.text, line.start);
        let behind = self.comments.skip_blank(self.text, comment.end);
        if code < comment.start || behind < self.line_of(comment.end).end {
            return Reach::Line(line);
        }
        match self.comments.next_code(self.text, comment.end) {
            Some(next) => match self.scopes.starting_at(self.text, next) {
                Some(scope) => Reach::Scope(scope.cover(Span::empty(next))),
                None => Reach::Line(self.line_of(next)),
            },
            None => Reach::Line(line),
        }
    }

    /// Whether a comment, not `except`, allows the finding; remembers that the comment was of use. Of
    /// several the narrowest counts.
    fn allowed(&mut self, finding: &Finding, except: Option<CommentIndex>) -> bool {
        self.allows_at(finding.rule, finding.span, except)
    }

    fn allows_at(&mut self, rule: &str, span: Span, except: Option<CommentIndex>) -> bool {
        let fitting = self.allows.iter_mut().filter(|allow| {
            allow.rule == rule && Some(allow.comment) != except && allow.reach.covers(span)
        });
        let narrowest = fitting.min_by_key(|allow| allow.reach.width());
        narrowest.map(|allow| allow.used = true).is_some()
    }

    /// One finding per comment with names of running rules, chosen by `which`, that silenced nothing. A rule that notes
    /// of the verifier and divergences of runs have, too, may be allowed because of them, which are not known here.
    fn unused(
        &self,
        rules: &RuleSet,
        which: impl Fn(&str) -> bool,
    ) -> Vec<(CommentIndex, Finding)> {
        let idle = |allow: &Allow| {
            !allow.used
                && rules.contains(allow.rule)
                && which(allow.rule)
                && !verify::has_notes(allow.rule)
        };
        let mut findings = Vec::new();
        for (index, directive) in self.comments.directives.iter().enumerate() {
            let of_comment = || self.allows.iter().filter(|allow| allow.comment == index);
            let unused: Vec<&Allow> = of_comment().filter(|allow| idle(allow)).collect();
            if !unused.is_empty() {
                findings.push((index, self.unused_in(directive, &unused)));
            }
        }
        findings
    }

    fn unused_in(&self, directive: &Directive, unused: &[&Allow]) -> Finding {
        let names = match &directive.kind {
            DirectiveKind::Allow(names) | DirectiveKind::AllowFile(names) => names.as_slice(),
            DirectiveKind::Malformed(_) => &[],
        };
        let quoted: Vec<String> = unused.iter().map(|allow| format!("`{}`", allow.rule)).collect();
        let verb = if unused.len() == 1 { "finds" } else { "find" };
        let all = unused.len() == names.len();
        let (title, edits) = if all {
            ("delete the comment".to_owned(), vec![self.delete_comment(directive.span)])
        } else {
            let is_unused = |span: Span| unused.iter().any(|allow| allow.name == span);
            (format!("delete {}", quoted.join(", ")), delete_names(names, is_unused))
        };
        Finding {
            message: format!("{} {verb} nothing here to allow", quoted.join(", ")),
            help: Some(
                "delete what is not needed, so that it does not hide a later mistake".to_owned(),
            ),
            fixes: vec![Fix { title, applicability: Applicability::Safe, edits }],
            ..self.finding(
                UNUSED_SUPPRESSION,
                Severity::Info,
                if all { directive.span } else { unused[0].name },
            )
        }
    }

    /// Deletes a comment with its line if nothing else stands on it, else with the blanks before it.
    fn delete_comment(&self, comment: Span) -> Edit {
        let line = self.line_of(comment.start);
        let before = Span::new(line.start, comment.start).text(self.text);
        let line_end = self.line_of(comment.end).end;
        let behind = Span::new(comment.end, line_end).text(self.text);
        let span = match (before.trim().is_empty(), behind.trim().is_empty()) {
            (true, true) => {
                let newline =
                    u32::from(self.text.as_bytes().get(line_end as usize) == Some(&b'\n'));
                Span::new(line.start, line_end + newline)
            }
            (_, true) => {
                let kept = before.trim_end().len();
                let carriage_return = u32::from(behind.ends_with('\r'));
                let start = line.start + u32::try_from(kept).unwrap_or(u32::MAX);
                Span::new(start, line_end - carriage_return)
            }
            (_, false) => comment,
        };
        Edit::replace(span, "")
    }

    fn unknown(&self, name: Span, unknown: &crate::rules::UnknownRule) -> Finding {
        let fixes = unknown.suggestion.map(|suggestion| Fix {
            title: format!("allow `{suggestion}`"),
            applicability: Applicability::Unsafe,
            edits: vec![Edit::replace(name, suggestion)],
        });
        Finding {
            message: unknown.to_string(),
            help: Some("`bpf-analyzer rules` lists the names".to_owned()),
            fixes: fixes.into_iter().collect(),
            ..self.finding(UNKNOWN_SUPPRESSION, Severity::Warning, name)
        }
    }

    fn not_understood(&self, directive: &Directive, message: &str) -> Finding {
        Finding {
            message: message.to_owned(),
            help: Some(
                "write `allow(rule, …)` or `allow-file(rule, …)`, then the reason".to_owned(),
            ),
            ..self.finding(UNKNOWN_SUPPRESSION, Severity::Warning, directive.span)
        }
    }

    fn misplaced(&self, directive: &Directive) -> Finding {
        Finding {
            message: "`allow-file` has no effect behind the first declaration".to_owned(),
            help: Some("move the comment to the top of the file, or use `allow`".to_owned()),
            ..self.finding(UNKNOWN_SUPPRESSION, Severity::Warning, directive.span)
        }
    }

    fn finding(&self, rule: &'static str, severity: Severity, span: Span) -> Finding {
        Finding {
            rule,
            severity,
            kernel: KernelVerdict::Accepts,
            function: self.scopes.function_at(span.start).map(str::to_owned),
            span,
            message: String::new(),
            labels: Vec::new(),
            help: None,
            kernel_message: None,
            fixes: Vec::new(),
        }
    }

    /// The line around `offset` without its newline.
    fn line_of(&self, offset: u32) -> Span {
        let at = (offset as usize).min(self.text.len());
        let bytes = self.text.as_bytes();
        let start =
            bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let end =
            bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |n| at + n);
        let offset = |value| u32::try_from(value).unwrap_or(u32::MAX);
        Span::new(offset(start), offset(end))
    }
}

/// Deletes the chosen names of a list, each with the comma that parts it from a name that stays. Some
/// name must stay.
fn delete_names(names: &[(String, Span)], chosen: impl Fn(Span) -> bool) -> Vec<Edit> {
    let first_kept = names.iter().position(|(_, span)| !chosen(*span)).unwrap_or(0);
    let mut edits = Vec::new();
    for (index, (_, span)) in names.iter().enumerate() {
        if chosen(*span) {
            let deleted = if index < first_kept {
                Span::new(span.start, names[index + 1].1.start)
            } else {
                Span::new(names[index - 1].1.end, span.end)
            };
            edits.push(Edit::replace(deleted, ""));
        }
    }
    edits
}

#[cfg(test)]
mod tests;
