//! What both halves of the tool say to a person: findings with labels and fixes, and how they are
//! printed. Nothing here knows C or bytecode.

mod finding;

pub use finding::{Applicability, FileReport, Finding, Fix, KernelVerdict, Label, Severity};
