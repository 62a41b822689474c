//! The verifier and the runtime as each other's oracle.
//!
//! The verifier says of each instruction of a program it accepts what registers and stack may hold there; the runtime
//! executes the program and so says what they do hold. Neither knows the other. Here a run is laid beside the graph of what
//! the verifier followed ([`Graph`]), and every value must be what is known of it on a path that leads there
//! ([`Checker`]). A value that is not is a mistake in one of the two.
//!
//! # What is compared
//!
//! The run is followed through the graph: from a visit of an instruction it must be possible to go on to a visit of the
//! instruction that is executed next, so that a branch that the verifier takes for impossible must never be taken. At each
//! visit, numbers must be within bits and ranges, and pointers must point to what is said, at an offset that is allowed,
//! with what is said of the packet behind them. The same is asked of what lies on the stack.
//!
//! # Where paths are cut
//!
//! The verifier ends a path where a stored state covers it. Then the run goes on from that state's visit. Numbers that did
//! not have to be exact there may be others than those of the stored state; such numbers are *loose*, and so is what is
//! computed from them, until a value is again within what is said. Pointers are never loose, and neither is a number that
//! had to be exact. What else differs from the stored state must be dead: it must not be read before it is written. So the
//! comparison finds mistakes in bounds, in branches, in the marks of precision, in liveness and in the comparison of
//! states, as far as a run shows them.
//!
//! # What it does not find
//!
//! Too much knowledge that no run contradicts; registers that functions of the kernel read although they are dead; what
//! pointers to objects of the kernel point to; what is left to be done after a run, exceptions and programs called by tail
//! calls, which are not followed. A mistake that both make in the same way cannot be found.

mod check;
pub mod corpus;
mod distort;
mod flow;
pub mod generate;
pub mod generated;
mod graph;
pub mod inputs;
mod meaning;
mod search;

pub use check::{Checker, Counts, Violation};
pub use distort::Distortion;
pub use graph::Graph;
