//! Hints shown inside the text: program types, and what slices show.

use text::Span;

use crate::{File, describe, views};

/// Which hints are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HintOptions {
    /// The type of a program, behind its section.
    pub program_types: bool,
    /// Length and origin of a slice, behind the call that makes it.
    pub slices: bool,
}

impl Default for HintOptions {
    fn default() -> Self {
        Self { program_types: true, slices: true }
    }
}

/// A hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Where it is shown.
    pub offset: u32,
    /// What it says.
    pub label: String,
}

/// The hints in `range`, by position.
pub fn hints(file: &File<'_>, range: Span, options: HintOptions) -> Vec<Hint> {
    let mut hints = Vec::new();
    if options.program_types {
        for program in file.sema.programs() {
            let Some(info) = &program.info else { continue };
            let mut label = describe::program_type(info.program_type);
            if info.sleepable {
                label.push_str(", sleepable");
            }
            hints.push(Hint { offset: section_end(file.text(), program.section_span), label });
        }
    }
    if options.slices {
        for slice in views::slice_calls(file) {
            let label = views::extent(file, slice.call).replace('`', "");
            hints.push(Hint { offset: slice.call.call.span.end, label });
        }
    }
    hints.retain(|hint| range.start <= hint.offset && hint.offset <= range.end);
    hints.sort_by_key(|hint| hint.offset);
    hints
}

/// Behind the parenthesis that closes `SEC(`.
fn section_end(text: &str, string: Span) -> u32 {
    let behind = text.get(string.end as usize..).unwrap_or("");
    string.end + u32::from(behind.starts_with(')'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    const PROGRAM: &str = "SEC(\"lsm.s/file_open\") int a(void *c) { return 0; }\n\
         SEC(\"xdp\") int b(struct xdp_md *x) {\n\
         struct bpf_dynptr d; struct ethhdr buf, *e; __u32 n = x->data;\n\
         bpf_dynptr_from_xdp(x, 0, &d);\n\
         e = bpf_dynptr_slice(&d, n, &buf, sizeof(buf));\n\
         return e ? 1 : 2; }\n";

    fn shown(options: HintOptions) -> Vec<String> {
        let all = Span::new(0, u32::MAX);
        Fixture::new(PROGRAM).ask(|file, _| {
            let shown = hints(file, all, options).into_iter().map(|hint| {
                let before = Span::new(hint.offset - 1, hint.offset).text(file.text());
                format!("{before} {}", hint.label)
            });
            shown.collect()
        })
    }

    #[test]
    fn each_kind_can_be_switched_off() {
        let all = ") lsm, sleepable|) xdp|) 14 bytes of d at n";
        assert_eq!(shown(HintOptions::default()).join("|"), all);
        let only = |program_types, slices| shown(HintOptions { program_types, slices }).join("|");
        assert_eq!(only(false, true), ") 14 bytes of d at n");
        assert_eq!(only(true, false), ") lsm, sleepable|) xdp");
    }

    #[test]
    fn only_the_range_asked_for_is_answered() {
        let first_line = Span::new(0, 30);
        let hints =
            Fixture::new(PROGRAM).ask(|file, _| hints(file, first_line, HintOptions::default()));
        assert_eq!(hints.len(), 1);
    }
}
