//! Runs compiled BPF programs in this process, on packets that are modelled.
//!
//! ```no_run
//! # fn run(linked: &bpf_object::Linked<'_>, frame: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
//! use runtime::{Image, Input, Machine, Options, PacketInput, Slices};
//!
//! let image = Image::new(linked, 0)?;
//! let mut machine = Machine::new(&image, &Options::default())?;
//! let packet = PacketInput { bytes: frame, ..PacketInput::default() };
//! let outcome = machine.run(&Input { packet: Some(packet), ..Input::default() });
//! match outcome.fault {
//!     Some(fault) => println!("{fault}"),
//!     None => println!("{}", outcome.retval),
//! }
//! machine.reset(); // maps as they were at first
//! # Ok(())
//! # }
//! ```
//!
//! [`Image`] is a program predecoded, with all it can reach; it is immutable. [`Machine`] adds memory, maps and a stack and
//! runs the image on an [`Input`] as often as wanted. Objects are untrusted: nothing panics, instructions and memory are
//! bounded, and what a kernel would refuse or what is not modelled ends the run with a [`Fault`] that says where and why.
//!
//! # How to add a helper or kfunc
//!
//! 1. Write a function in a module of [`helpers`] (or `kfuncs`), named like the row of the kernel model, of the type
//!    `fn(&mut Machine<'_>, [u64; 5]) -> Result<u64, Stop>`. The arguments are registers: cut them to the widths of the
//!    prototype. Take memory with `m.memory.read`, `write`, `read_u32` …, which fault as the program would; maps with
//!    `m.map_at`; call the program with `m.call_back`. Errors that the kernel returns are results
//!    (`Ok(error(errno::EINVAL))`); an `Err` ends the run, so it is for what the verifier would have refused and for
//!    what is not modelled.
//! 2. Add a line to the module's `TABLE`; a new module's table goes into `FAMILIES` in `helpers/mod.rs`.
//! 3. What the call allocates has an [`Origin`] and a lifetime; what it ends is ended with `m.memory.kill(id, m.death())`,
//!    so that a later fault can name the call. Accesses to the packet or through dynptrs are recorded with `m.record`.
//!
//! Nothing else: images look the name up, and a test compares the names with the model's. What is left out has a line in
//! `absent`, which says why.

mod absent;
mod arena;
mod attached;
mod checksum;
mod context;
mod deferred;
mod dynptr;
mod event;
mod fault;
mod fuzz;
mod helpers;
mod image;
mod input;
mod interp;
mod kfuncs;
pub mod layouts;
mod machine;
mod maps;
mod memory;
mod message;
mod op;
mod packet;
mod slow;
mod sockets;
mod source;
mod trace;

pub use absent::absent;
pub use attached::{Attached, AttachedKind, AttachedRow, Object, attached};
pub use deferred::DeferredOutcome;
pub use event::{Access as EventAccess, Event, Target};
pub use fault::{
    Access, Death, Fault, FaultKind, Given, Location, Origin, PointerNote, Site, Stop,
};
pub use fuzz::fuzz_run;
pub use helpers::modelled;
pub use helpers::option::{OptionRow, socket_option, socket_options};
pub use image::{Image, LoadError};
pub use input::{Input, Layout, Options, Outcome, PacketInput, Route, Slices, Task};
pub use kfuncs::conntrack::Connection;
pub use machine::{Machine, run};
pub use maps::modelled_map;
pub use memory::{Address, AllocId, Lifetime, Memory, split};
pub use op::OpIndex;
pub use sockets::{Socket, tcp_fields};
pub use trace::{Accessed, Coverage, Operation, PacketPlace, Place, Step, Trace};
