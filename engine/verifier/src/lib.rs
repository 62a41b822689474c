//! Predicts what Linux says about a program: the kernel's verdict without the kernel.
//!
//! A program is verified as the kernel does it: along all paths, with the same knowledge of registers and stack, and
//! with the same cuts, so that verdict, first message and counts are the same. What is not modelled is a verdict of its
//! own; nothing is accepted by default.
//!
//! Facts about the kernel are from v6.18; a function named in a comment is one of `kernel/bpf/verifier.c` unless another
//! file is named.

#![allow(dead_code, unused_imports, unused_macros, reason = "rooms are being filled")]

mod calls;
mod cfg;
mod cx;
mod explain;
mod explore;
mod load;
mod log;
mod memory;
mod program;
mod scalar;
mod state;

pub use cx::{Errno, Reject};
pub use explain::Note;
pub use explore::Stats;
pub use memory::{FieldKind, FieldRecord, GraphRoot, Pointee, SpecialField, StructRecords};
pub use program::{MapFacts, MapId, Options, Program};
pub use scalar::Bounds;
pub use state::{
    Detail, DynptrKind, Frame, IrqKind, IterState, LockOwner, RefKind, Reference, Reg, RegKind,
    RegType, SlotKind, StackSlot, State,
};

/// What the kernel says about a program.
#[derive(Clone, PartialEq, Debug)]
pub enum Verdict {
    /// It loads.
    Accept,
    /// It does not.
    Reject(Reject),
    /// It cannot be told, because this is not modelled.
    Unsupported(String),
}
