//! The abstract values the analyses compute with, as mathematics: integer intervals, known bits,
//! their reduced product, and a worklist solver. Nothing here knows C, bytecode or the kernel.
//!
//! Every domain is described as a lattice: an element stands for a set of integers (its
//! *concretisation*, written γ), `leq` is implied inclusion, `join` an upper bound, and every operation is
//! *sound*: for all x ∈ γ(a), y ∈ γ(b), x ∘ y ∈ γ(a ∘ b). The empty set is never an element; where
//! it can arise the result is an `Option` and `None` is bottom.

mod comparison;
pub mod fixpoint;
mod interval;
mod scalar;
mod tnum;

pub use comparison::Comparison;
pub use interval::Interval;
pub use scalar::Scalar;
pub use tnum::Tnum;
