//! What happened on the path, told in lines of C.
//!
//! [`trace`] records the path, [`walk`] follows a register back along it, and [`tell`] tells the story that the table of
//! messages in `kernel-model` names: of a value ([`values`], [`bounds`]), of an object on the stack ([`objects`]), of what
//! was opened and acquired ([`sections`]), of a limit ([`limits`]), or of what the kernel knows beforehand ([`facts`]).

mod bounds;
mod facts;
mod fields;
mod limits;
mod objects;
mod sections;
mod tell;
#[cfg(test)]
mod tests;
pub(crate) mod trace;
mod values;
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
    /// What happened where, in the order of the path; what was there before any path comes first.
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
