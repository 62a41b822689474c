//! Locks and interrupts. Nobody else is there to wait for, and nothing interrupts.

use crate::fault::Stop;
use crate::helpers::Table;
use crate::machine::Machine;

pub(crate) const TABLE: &Table = &[
    ("bpf_local_irq_restore", nothing),
    ("bpf_local_irq_save", |m, [flags, ..]| save(m, flags)),
    ("bpf_res_spin_lock", nothing),
    ("bpf_res_spin_lock_irqsave", |m, [_, flags, ..]| save(m, flags)),
    ("bpf_res_spin_unlock", nothing),
    ("bpf_res_spin_unlock_irqrestore", nothing),
];

fn nothing(_: &mut Machine<'_>, _: [u64; 5]) -> Result<u64, Stop> {
    Ok(0)
}

/// Keeps the state of interrupts, which nobody can look at.
fn save(m: &mut Machine<'_>, flags: u64) -> Result<u64, Stop> {
    m.memory.put(flags, &[0; 8])?;
    Ok(0)
}
