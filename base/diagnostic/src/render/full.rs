//! The format for people at a terminal: the source with marks, as compilers print it.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Snippet};
use text::{LineColumn, LineIndex, Span};

use super::excerpt::{Excerpt, excerpts};
use super::{Options, Renderer, Summary, one_line};
use crate::{Applicability, FileReport, Finding, KernelVerdict, Severity};

/// The narrowest and the widest terminal that is laid out for.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=200;

/// The renderer, with what the last lines tell.
pub(super) struct Full {
    layout: annotate_snippets::Renderer,
    /// Rules whose page was pointed to.
    explained: HashSet<&'static str>,
    errors: usize,
    warnings: usize,
    infos: usize,
}

impl Full {
    pub(super) fn new(options: Options) -> Self {
        let layout = if options.color {
            annotate_snippets::Renderer::styled()
        } else {
            annotate_snippets::Renderer::plain()
        };
        let width = options.width.clamp(*WIDTHS.start(), *WIDTHS.end());
        Self {
            layout: layout.term_width(width),
            explained: HashSet::new(),
            errors: 0,
            warnings: 0,
            infos: 0,
        }
    }

    fn count(&mut self, severity: Severity) {
        match severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Info => self.infos += 1,
        }
    }

    /// A finding as it is printed, without a line end behind it.
    fn finding(&mut self, path: &str, index: &LineIndex, finding: &Finding) -> String {
        let level = match finding.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Info => Level::INFO,
        };
        let spans: Vec<Span> = std::iter::once(finding.span)
            .chain(finding.labels.iter().map(|label| label.span))
            .collect();
        let excerpts = excerpts(index, &spans);
        let title = level.primary_title(one_line(&finding.message)).id(finding.rule);
        let mut group = Group::with_title(title);
        for excerpt in &excerpts {
            group = show(group, path, index, finding, &spans, excerpt);
        }
        group = remarks(group, finding);
        if self.explained.insert(finding.rule) {
            let page = format!("bpf-analyzer explain {}", finding.rule);
            group = group.element(Level::NOTE.with_name("explain").message(page));
        }
        self.layout.render(&[group])
    }
}

/// Adds an excerpt with its marks. The snippet derives the column of its heading from its own text, so
/// one whose lines lost their beginning gets a heading of its own.
fn show<'a>(
    mut group: Group<'a>,
    path: &'a str,
    index: &LineIndex,
    finding: &'a Finding,
    spans: &[Span],
    excerpt: &'a Excerpt,
) -> Group<'a> {
    let mut snippet = Snippet::source(&excerpt.text).line_start(excerpt.first_line);
    if excerpt.is_cut {
        let named = excerpt.marks.iter().map(|(number, _)| *number).min().unwrap_or(0);
        let LineColumn { line, column } = index.line_column(spans[named].start);
        group = group.element(Origin::path(path).line(line as usize).char_column(column as usize));
    } else {
        snippet = snippet.path(path);
    }
    for (number, range) in &excerpt.marks {
        let label = number.checked_sub(1).and_then(|number| finding.labels.get(number));
        snippet = snippet.annotation(match label {
            None => AnnotationKind::Primary.span(range.clone()),
            Some(label) => {
                let message = one_line(&label.message);
                AnnotationKind::Context.span(range.clone()).label(message)
            }
        });
    }
    group.element(snippet)
}

/// Adds what the kernel says, the help and the fixes.
fn remarks<'a>(group: Group<'a>, finding: &'a Finding) -> Group<'a> {
    let kernel = match (finding.kernel, &finding.kernel_message) {
        (KernelVerdict::Accepts, _) => "the kernel accepts this".to_owned(),
        (KernelVerdict::Rejects, Some(text)) if !finding.message.contains(text.as_str()) => {
            format!("the kernel rejects this: {}", one_line(text))
        }
        (KernelVerdict::Rejects, _) => "the kernel rejects this".to_owned(),
    };
    let group = group.element(Level::NOTE.message(kernel));
    let help = finding.help.as_ref().map(|help| Level::HELP.message(one_line(help)));
    let fixes = finding.fixes.iter().map(|fix| {
        let option = match fix.applicability {
            Applicability::Safe => "--fix",
            Applicability::Unsafe => "--fix --unsafe-fixes",
        };
        let offer = format!("{} (`{option}` does it)", one_line(&fix.title));
        Level::HELP.with_name("fix").message(offer)
    });
    group.elements(help).elements(fixes)
}

/// `1 file`, `2 files`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

impl Renderer for Full {
    fn begin(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn file(&mut self, report: &FileReport, out: &mut dyn Write) -> io::Result<()> {
        if report.findings.is_empty() {
            return Ok(());
        }
        let index = LineIndex::new(Arc::clone(&report.source));
        let path = one_line(&report.path);
        for finding in &report.findings {
            self.count(finding.severity);
            let text = self.finding(&path, &index, finding);
            writeln!(out, "{text}\n")?;
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let counts = [(self.errors, "error"), (self.warnings, "warning"), (self.infos, "info")];
        let found: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| counted(*count, what))
            .collect();
        let found = if found.is_empty() { "no findings".to_owned() } else { found.join(", ") };
        let mut line = format!("{found} in {}", counted(summary.files, "file"));
        if summary.unparsed_regions > 0 {
            let regions = counted(summary.unparsed_regions, "region");
            // Writing to a string cannot fail.
            let _ = write!(line, "; {regions} could not be parsed and went unchecked");
        }
        writeln!(out, "{line}")
    }
}
