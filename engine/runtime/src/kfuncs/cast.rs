//! Kfuncs that only change what a pointer is taken for.

use crate::context;
use crate::fault::Stop;
use crate::helpers::Table;
use crate::machine::Machine;

pub(crate) const TABLE: &Table =
    &[("bpf_cast_to_kern_ctx", bpf_cast_to_kern_ctx), ("bpf_rdonly_cast", bpf_rdonly_cast)];

/// `void *bpf_cast_to_kern_ctx(void *obj)`
fn bpf_cast_to_kern_ctx(m: &mut Machine<'_>, [context, ..]: [u64; 5]) -> Result<u64, Stop> {
    context::kernel(m, context)
}

/// `void *bpf_rdonly_cast(const void *obj__ign, u32 btf_id__k)`
fn bpf_rdonly_cast(_: &mut Machine<'_>, [object, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(object)
}
