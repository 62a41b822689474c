//! Locks and interrupts. Nobody else holds a lock and nothing interrupts, so that there is nothing to wait for; but a
//! program that takes a resilient lock it holds is told so, as in Linux 6.18 (`check_deadlock_AA`).

use crate::fault::Stop;
use crate::helpers::{Table, errno, error};
use crate::machine::Machine;

pub(crate) const TABLE: &Table = &[
    ("bpf_local_irq_restore", nothing),
    ("bpf_local_irq_save", bpf_local_irq_save),
    ("bpf_res_spin_lock", bpf_res_spin_lock),
    ("bpf_res_spin_lock_irqsave", bpf_res_spin_lock_irqsave),
    ("bpf_res_spin_unlock", bpf_res_spin_unlock),
    ("bpf_res_spin_unlock_irqrestore", bpf_res_spin_unlock),
];

fn nothing(_: &mut Machine<'_>, _: [u64; 5]) -> Result<u64, Stop> {
    Ok(0)
}

/// `void bpf_local_irq_save(unsigned long *flags__irq_flag)`
///
/// Keeps the state of interrupts, which nobody can look at.
fn bpf_local_irq_save(m: &mut Machine<'_>, [flags, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.memory.put(flags, &[0; 8])?;
    Ok(0)
}

/// `int bpf_res_spin_lock(struct bpf_res_spin_lock *lock)`
///
/// The verifier compares registers, not addresses: a program can get here with two pointers to one lock.
fn bpf_res_spin_lock(m: &mut Machine<'_>, [lock, ..]: [u64; 5]) -> Result<u64, Stop> {
    if m.held.contains(&lock) {
        return Ok(error(errno::EDEADLK) & 0xffff_ffff);
    }
    m.held.push(lock);
    Ok(0)
}

/// `int bpf_res_spin_lock_irqsave(struct bpf_res_spin_lock *lock, unsigned long *flags__irq_flag)`
fn bpf_res_spin_lock_irqsave(
    m: &mut Machine<'_>,
    [lock, flags, ..]: [u64; 5],
) -> Result<u64, Stop> {
    let result = bpf_res_spin_lock(m, [lock, 0, 0, 0, 0])?;
    if result == 0 {
        m.memory.put(flags, &[0; 8])?;
    }
    Ok(result)
}

/// `void bpf_res_spin_unlock(struct bpf_res_spin_lock *lock)` and its like, which also gives interrupts back
fn bpf_res_spin_unlock(m: &mut Machine<'_>, [lock, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.held.retain(|held| *held != lock);
    Ok(0)
}
