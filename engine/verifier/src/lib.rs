//! Predicts what Linux says about a program: the kernel's verdict without the kernel.
//!
//! A program is verified as the kernel does it: along all paths, with the same knowledge of registers and stack, and
//! with the same cuts, so that verdict, first message and counts are the same. What is not modelled is a verdict of its
//! own; nothing is accepted by default.
//!
//! Facts about the kernel are from v6.18; a function named in a comment is one of `kernel/bpf/verifier.c` unless another
//! file is named.

mod beyond;
mod calls;
mod capabilities;
mod cfg;
mod cx;
mod explain;
mod explore;
mod load;
mod log;
mod memory;
mod observe;
mod program;
mod scalar;
mod state;
#[cfg(test)]
mod testing;

pub use beyond::{NOTES, NoteKind};
pub use capabilities::Capabilities;
pub use cx::{Errno, GoOn, Reject};
pub use explain::{Explanation, Label, Note};
pub use explore::Stats;
pub use memory::{FieldKind, FieldRecord, GraphRoot, Pointee, SpecialField, StructRecords};
pub use observe::{Observer, Seen, Visit};
pub use program::{Extension, MapFacts, MapId, Options, Program};
pub use scalar::Bounds;
pub use state::{
    Detail, DynptrKind, Frame, IrqKind, IterState, LockOwner, RefKind, Reference, Reg, RegKind,
    RegType, SlotKind, StackSlot, State,
};

/// What the kernel says about a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It loads.
    Accept,
    /// It does not.
    Reject(Reject),
    /// It cannot be told, because this is not modelled.
    Unsupported(String),
}

/// The outcome of a verification.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The kernel's verdict.
    pub verdict: Verdict,
    /// What was counted.
    pub stats: Stats,
    /// Bytes of stack that the program and each of its subprograms use, in their order.
    pub stack_depths: Vec<u32>,
    /// The log at the level asked for, in the kernel's format, with the kernel's closing lines but for the time.
    pub log: String,
    /// The instruction at which the program was rejected, or that is not modelled; `None` before any was followed.
    pub pc: Option<isa::Pc>,
    /// How a rejection came about, if it was asked for.
    pub explanation: Option<Explanation>,
    /// What is wrong although the kernel accepts it.
    pub notes: Vec<Note>,
    /// Functions that are refused as well, if explanations were asked for. The kernel, which stops at the first refusal,
    /// would get to them next, if they are called.
    pub also: Vec<Refused>,
}

/// A function of a program that is refused by itself, beside the function that the verdict is about.
#[derive(Clone, PartialEq, Debug)]
pub struct Refused {
    /// Its name.
    pub function: String,
    /// What the kernel would say.
    pub reject: Reject,
    /// The instruction.
    pub pc: isa::Pc,
    /// How it comes about.
    pub explanation: Explanation,
}

/// Verifies a program as the kernel does when it is loaded.
pub fn verify(program: &Program<'_>) -> Report {
    uninterrupted(load::verify(program, None, None))
}

/// As [`verify`], as long as `go_on` says so, which is asked every few hundred instructions; `None` once it says no.
pub fn verify_while<'a>(program: &'a Program<'a>, go_on: &'a GoOn<'a>) -> Option<Report> {
    load::verify(program, None, Some(go_on))
}

/// As [`verify`], with an observer that sees what is known before each instruction that is followed, and where paths end.
pub fn verify_observed<'a>(program: &'a Program<'a>, observer: &'a mut Observer<'a>) -> Report {
    uninterrupted(load::verify(program, Some(observer), None))
}

/// The report of a verification that nothing can stop.
fn uninterrupted(report: Option<Report>) -> Report {
    report.unwrap_or_else(|| Report {
        verdict: Verdict::Unsupported("an interruption".to_owned()),
        stats: Stats::default(),
        stack_depths: Vec::new(),
        log: String::new(),
        pc: None,
        explanation: None,
        notes: Vec::new(),
        also: Vec::new(),
    })
}
