//! What both halves of the tool say to a person: findings with labels and fixes, and how they are
//! printed. Nothing here knows C or bytecode.
//!
//! A caller asks [`renderer`] for a format and feeds it one [`FileReport`] after the other, so that the
//! text of a file can be dropped as soon as its findings are written.

mod finding;
mod range;
mod render;
mod rule;

pub use finding::{Applicability, FileReport, Finding, Fix, KernelVerdict, Label, Severity};
pub use range::{Point, Range};
pub use render::{Format, Options, Renderer, Summary, UnknownFormat, render_all, renderer};
pub use rule::{RuleInfo, write_rules_json};
