//! What can be wrong with assembly.

/// A place in assembly that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {kind}")]
pub struct AsmError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub kind: AsmErrorKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AsmErrorKind {
    /// Something else was expected.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What would have been right.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A character that begins nothing.
    #[error("{0:?} means nothing here")]
    Character(char),
    /// A number that does not fit.
    #[error("{number} is not within {range}")]
    Range {
        /// The number as written.
        number: String,
        /// Where it should be.
        range: &'static str,
    },
    /// A register that must be the same as another one is not.
    #[error("this must be the register {0}")]
    SameRegister(crate::Reg),
    /// A label is not defined.
    #[error("there is no label `{0}`")]
    UnknownLabel(String),
    /// A label is defined twice.
    #[error("the label `{0}` is defined twice")]
    DuplicateLabel(String),
    /// A label is too far away for the offset of the instruction.
    #[error("the label is {slots} slots away, more than {bits} bits can say")]
    TooFar {
        /// The distance.
        slots: i64,
        /// The width of the offset.
        bits: u32,
    },
    /// The opcode in front of an instruction is not that of the instruction.
    #[error("the opcode of this instruction is {actual:02x}")]
    Opcode {
        /// The right one.
        actual: u8,
    },
}
