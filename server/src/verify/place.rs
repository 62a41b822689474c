//! Places in C that instructions come from.

use bpf_object::{Linked, Program};

/// A place in a source file, as the object says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named to the compiler.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
    /// The text of the line; empty if it was not kept.
    pub text: String,
}

impl Place {
    /// Where an instruction of a program comes from; `None` if that is not known.
    pub(super) fn of(linked: &Linked<'_>, program: &Program, insn: usize) -> Option<Self> {
        let line = linked.source_line(program, insn).filter(|line| line.line > 0)?;
        let before = (line.column as usize).saturating_sub(1);
        let before =
            (0..=before.min(line.text.len())).rev().find(|&at| line.text.is_char_boundary(at));
        let characters = line.text[..before.unwrap_or(0)].chars().count();
        Some(Self {
            file: line.file.to_owned(),
            line: line.line,
            column: u32::try_from(characters + 1).unwrap_or(1),
            text: line.text.to_owned(),
        })
    }
}
