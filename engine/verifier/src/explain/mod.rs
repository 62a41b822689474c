//! What happened on the path, told in lines of C.

use isa::Pc;

/// Something the kernel accepts that is wrong all the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// Where.
    pub pc: Pc,
    /// The lint rule that covers it.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
}
