//! Compiled BPF objects: from ELF to programs, maps and types, linked against the BTF of a kernel.
//!
//! ```no_run
//! # fn load(file: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! use bpf_object::{Kernel, Object, link, vmlinux};
//!
//! let object = Object::parse(file)?;
//! let linked = link(&object, &Kernel::new(vmlinux().ok_or("no types")?));
//! for program in &linked.programs {
//!     // Instructions as the kernel takes them, but for the numbers of maps.
//!     let decoded = isa::Program::decode(&program.insns)?;
//!     for (pc, insn) in decoded.iter() {
//!         let line = linked.source_line(program, pc.index());
//!         println!("{insn:?} {line:?}");
//!     }
//! }
//! for failure in &linked.failures {
//!     println!("{}: {}", failure.name, failure.error);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! To load a program with `bpf(2)`: load `linked.object.btf` if there is any ([`btf::Btf::bytes`]); create the maps that
//! [`Program::map_references`] names and those that they hold ([`Map::slots`], [`Map::inner`]) from [`Map::definition`];
//! fill the only element of those that have [`Map::data`] and freeze the read-only ones; then [`Program::to_bytes`] gives
//! the instructions with file descriptors in place, [`Program::func_info`] and [`Program::line_info`] the records (of 8
//! and 16 bytes), [`Program::load`] the type, the flags, the attach type and, as [`Attach::Kernel`], `attach_btf_id`.
//!
//! What the result is like is libbpf's (v1.7): the same instructions but for file descriptors and addresses, the same
//! records, the same types, the same order of maps and externs. Unlike libbpf, a program that cannot be linked does not
//! concern the others, and programs in `SEC("?…")` are linked as well. `maps` sections from before libbpf 1.0 are read.
//! Not supported are jump tables (`.jumptables`) and the types of kernel modules.
//!
//! Objects are untrusted. Nothing panics on them. Opening takes memory in proportion to the file; so does linking one
//! program ([`Linker::program`]), and [`link`] stops at 16 million instructions.

mod attach;
mod btf_ext;
mod core;
mod elf;
mod error;
mod externs;
mod functions;
mod fuzz;
mod insn;
mod kernel;
mod link;
mod maps;
mod object;
mod program_btf;
mod relocs;

pub use attach::{Attach, Load};
pub use btf_ext::{FuncInfo, LineInfo};
pub use error::{CoreProblem, Error, MapProblem, Problem, StructOpsProblem};
pub use externs::{Config, ConfigType, Extern, ExternKind};
pub use fuzz::{fuzz_core, fuzz_elf};
pub use kernel::{Kernel, KernelConfig, kernel_version, vmlinux};
pub use link::{
    Failure, KernelStructOps, Linked, Linker, MapReference, Part, Program, Resolution, SourceLine,
    link,
};
pub use maps::{DataKind, Definition, Map, MapKind, Slot, StructOps};
pub use object::{Code, CodeIndex, ExternIndex, Function, FunctionIndex, MapIndex, Object};
