//! What the kernel and libbpf define, as rows of data: helpers and kfuncs, program types and their
//! contexts, ELF section names, constants, and C declarations of packet headers.
//!
//! The rows are written as TOML under `data/`, each with its source, and become the committed Rust
//! under `src/generated/` by `cargo xtask codegen`. The crate only answers questions about them; it
//! reads no file and knows no C syntax.

mod constant;
mod function;
mod generated;
mod program;
mod record;
mod section;
mod version;

pub use constant::{Constant, constant, constants};
pub use function::{Function, FunctionKind, Param, Returns, Role, function, functions};
pub use program::{
    ContextField, DataStarts, Packet, ProgramType, ReturnCode, SkbDynptr, program_type,
    program_types,
};
pub use record::{RECORDS, records};
pub use section::{SectionForm, SectionInfo, SectionRow, section, sections};
pub use version::{ParseVersionError, Version};
