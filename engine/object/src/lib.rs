//! Compiled BPF objects: from ELF to programs, maps and types, linked against the BTF of a kernel.

mod attach;
mod btf_ext;
mod core;
mod elf;
mod error;
mod externs;
mod functions;
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
pub use insn::RawInsn;
pub use kernel::{Kernel, KernelConfig, kernel_version};
pub use link::{
    Failure, KernelStructOps, Linked, Linker, MapReference, Part, Program, Resolution, SourceLine,
    link,
};
pub use maps::{DataKind, Definition, Map, MapKind, Slot, StructOps};
pub use object::{Code, CodeIndex, ExternIndex, Function, FunctionIndex, MapIndex, Object};
