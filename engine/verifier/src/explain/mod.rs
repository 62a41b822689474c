//! What happened on the path, told in lines of C.
//!
//! [`trace`] records the path, [`walk`] follows a register back along it, [`advice`] is a table of what the kernel's
//! messages are about, and [`tell`] puts all into words.

mod advice;
mod tell;
pub(crate) mod trace;
mod walk;
mod words;

use isa::Pc;

use crate::beyond::NoteKind;

pub(crate) use tell::explain;

/// Something the kernel accepts that is wrong all the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// Where.
    pub pc: Pc,
    /// What kind of mistake it is.
    pub kind: &'static NoteKind,
    /// What is wrong.
    pub message: String,
    /// What happened elsewhere that belongs to it.
    pub labels: Vec<Label>,
}

/// How a rejection came about.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Explanation {
    /// What happened where, in the order of the path; the last one is at the rejected instruction, if there is one.
    pub labels: Vec<Label>,
    /// What would make the kernel take the program.
    pub help: Option<&'static str>,
    /// The lint rule that finds the same mistake in C.
    pub rule: Option<&'static str>,
}

/// Something that happened at an instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// The instruction.
    pub pc: Pc,
    /// What happened there.
    pub message: String,
}
