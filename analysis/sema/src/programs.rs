//! Programs: the functions of a file that stand in a section of their own.

use kernel_model::SectionInfo;
use text::Span;

use crate::Sema;

/// A function with a section.
#[derive(Clone, Debug)]
pub struct Program {
    /// Position in [`Sema::functions`].
    pub function: usize,
    /// The string of `SEC("…")`.
    pub section_text: String,
    /// Where the string stands, with its quotes.
    pub section_span: Span,
    /// What the section says about the program; nothing if it is not a section that libbpf knows.
    pub info: Option<SectionInfo>,
}

pub(crate) fn collect(sema: &Sema) -> Vec<Program> {
    let functions = sema.index.functions.iter().zip(&sema.index.fronts).enumerate();
    let with_section = functions.filter_map(|(position, (function, front))| {
        let in_front = Span::new(*front, function.name_span().start);
        let (section_text, section_span) = sema.section_at(&function.attrs(), in_front)?;
        let info = kernel_model::section(&section_text);
        Some(Program { function: position, section_text, section_span, info })
    });
    with_section.collect()
}

impl Sema {
    /// The string of the `SEC("…")` of `function`.
    pub fn section_of(&self, function: &str) -> Option<&str> {
        self.program_of(function).map(|program| program.section_text.as_str())
    }

    /// The programs that are `function` or call it, directly or not, in the order of the text.
    pub fn programs_reaching(&self, function: &str) -> Vec<&Program> {
        let reaches = |program: &&Program| {
            self.index.functions.get(program.function).is_some_and(|candidate| {
                let candidate = candidate.origin();
                candidate.name == function || self.reaches(&candidate.name, |name| name == function)
            })
        };
        self.programs().iter().filter(reaches).collect()
    }
}
