//! What the kernel and libbpf define, as rows of data: helpers and kfuncs with the linter's roles and the
//! verifier's prototypes, program and attach types, contexts, map types, ELF section names, constants, what came
//! with which release, C declarations of packet headers, and what the verifier says; and the BTF of a kernel.
//!
//! The rows are written as TOML under `data/`, each with its source, and become the committed Rust under
//! `src/generated/` by `cargo xtask codegen`. The crate only answers questions about them; it reads no file and
//! knows neither C syntax nor the format of a BTF.

mod attach;
mod constant;
mod context;
mod feature;
mod function;
mod generated;
mod kfunc;
mod map;
mod message;
mod program;
mod proto;
mod record;
mod section;
mod snapshot;
mod target;
mod version;

pub use attach::{AttachType, ProgramSet};
pub use constant::{Constant, constant, constants};
pub use context::{
    Access, ContextField, ContextLayout, FieldValue, PointerKind, Record, Region, Width,
    context_layout, context_layouts, pointer_layout,
};
pub use feature::{Feature, FeatureGroup, feature, features};
pub use function::{Function, FunctionKind, Param, Returns, Role, function, functions, helper};
pub use generated::snapshot::SNAPSHOT;
pub use kfunc::{
    Kfunc, KfuncArg, KfuncFilter, KfuncFlags, KfuncHook, KfuncSet, KfuncSuffix, kfunc, kfunc_sets,
    kfuncs,
};
pub use map::{
    DirectValue, LookupResult, MapField, MapType, SizeRule, Step, map_type, map_type_by_id,
    map_types,
};
pub use message::{
    Example, Message, MessageCase, MessageFamily, Story, message, message_by_anchor,
    message_families, messages, sentence,
};
pub use program::{
    DataStarts, Packet, ProgramType, ReturnCheck, ReturnCode, ReturnRule, SkbDynptr, Sleepable,
    program_type, program_types, return_check,
};
pub use proto::{Arg, ArgBase, Capability, HelperProto, Ret, RetBase, TypeFlags};
pub use record::{RECORDS, records};
pub use section::{SectionForm, SectionInfo, SectionRow, section, sections};
pub use snapshot::{Snapshot, vmlinux_btf};
pub use target::{
    Callback, CallbackArg, IteratorArg, IteratorValue, KernelIterator, LsmHook, LsmReturn,
    LsmSockopt, TracepointArg, callback, callbacks, d_path_target, kernel_iterator,
    kernel_iterators, lsm_hook, lsm_hooks, never_returns, tracepoint_arg,
};
pub use version::{ParseVersionError, Version};
