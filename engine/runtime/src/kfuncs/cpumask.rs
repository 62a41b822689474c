//! Sets of processors. There is one processor, number 0; a set is as long as the kernel's, so that only its first bit
//! counts.

use btf::Kind;

use super::objects;
use crate::fault::{FaultKind, Stop};
use crate::helpers::{Table, errno, error};
use crate::machine::Machine;
use crate::memory::Address;

pub(crate) const TABLE: &Table = &[
    ("bpf_cpumask_acquire", bpf_cpumask_acquire),
    ("bpf_cpumask_and", |m, args| combine(m, args, |a, b| a & b)),
    ("bpf_cpumask_any_and_distribute", bpf_cpumask_first_and),
    ("bpf_cpumask_any_distribute", bpf_cpumask_first),
    ("bpf_cpumask_clear", |m, [mask, ..]| put(m, mask, 0)),
    ("bpf_cpumask_clear_cpu", |m, [cpu, mask, ..]| change(m, cpu, mask, false)),
    ("bpf_cpumask_copy", |m, [to, from, ..]| {
        let set = get(m, from)?;
        put(m, to, set)
    }),
    ("bpf_cpumask_create", bpf_cpumask_create),
    ("bpf_cpumask_empty", |m, [mask, ..]| Ok((get(m, mask)? == 0).into())),
    ("bpf_cpumask_equal", |m, [a, b, ..]| Ok((get(m, a)? == get(m, b)?).into())),
    ("bpf_cpumask_first", bpf_cpumask_first),
    ("bpf_cpumask_first_and", bpf_cpumask_first_and),
    ("bpf_cpumask_first_zero", |m, [mask, ..]| Ok(first(!get(m, mask)? & ALL))),
    ("bpf_cpumask_full", |m, [mask, ..]| Ok((get(m, mask)? == ALL).into())),
    ("bpf_cpumask_intersects", |m, [a, b, ..]| Ok((get(m, a)? & get(m, b)? != 0).into())),
    ("bpf_cpumask_or", |m, args| combine(m, args, |a, b| a | b)),
    ("bpf_cpumask_populate", bpf_cpumask_populate),
    ("bpf_cpumask_release", bpf_cpumask_release),
    ("bpf_cpumask_set_cpu", |m, [cpu, mask, ..]| change(m, cpu, mask, true)),
    ("bpf_cpumask_setall", |m, [mask, ..]| put(m, mask, ALL)),
    ("bpf_cpumask_subset", |m, [a, b, ..]| Ok((get(m, a)? & !get(m, b)? == 0).into())),
    ("bpf_cpumask_test_and_clear_cpu", |m, [cpu, mask, ..]| test_and(m, cpu, mask, false)),
    ("bpf_cpumask_test_and_set_cpu", |m, [cpu, mask, ..]| test_and(m, cpu, mask, true)),
    ("bpf_cpumask_test_cpu", |m, [cpu, mask, ..]| test(m, cpu, mask)),
    ("bpf_cpumask_weight", |m, [mask, ..]| Ok(get(m, mask)?.count_ones().into())),
    ("bpf_cpumask_xor", |m, args| combine(m, args, |a, b| a ^ b)),
];

/// How many processors there are, and the set of all of them.
const CPUS: u32 = 1;
const ALL: u64 = (1 << CPUS) - 1;

fn get(m: &Machine<'_>, mask: Address) -> Result<u64, Stop> {
    Ok(m.memory.read_u64(mask)? & ALL)
}

fn put(m: &mut Machine<'_>, mask: Address, set: u64) -> Result<u64, Stop> {
    m.memory.put(mask, &set.to_le_bytes())?;
    Ok(0)
}

/// The first one of a set; what is no processor if it is empty.
fn first(set: u64) -> u64 {
    set.trailing_zeros().min(CPUS).into()
}

/// The bit of a processor, if there is such a one.
fn bit(cpu: u64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, reason = "the parameter has 32 bits")]
    let cpu = cpu as u32;
    (cpu < CPUS).then(|| 1 << cpu)
}

fn combine(
    m: &mut Machine<'_>,
    [to, a, b, ..]: [u64; 5],
    with: fn(u64, u64) -> u64,
) -> Result<u64, Stop> {
    let set = with(get(m, a)?, get(m, b)?);
    put(m, to, set)?;
    // Only the result of `bpf_cpumask_and` is looked at: whether anything is left.
    Ok((set != 0).into())
}

fn change(m: &mut Machine<'_>, cpu: u64, mask: Address, set: bool) -> Result<u64, Stop> {
    let old = get(m, mask)?;
    match bit(cpu) {
        Some(bit) => put(m, mask, if set { old | bit } else { old & !bit }),
        None => Ok(0),
    }
}

fn test(m: &Machine<'_>, cpu: u64, mask: Address) -> Result<u64, Stop> {
    let set = get(m, mask)?;
    Ok(bit(cpu).is_some_and(|bit| set & bit != 0).into())
}

fn test_and(m: &mut Machine<'_>, cpu: u64, mask: Address, set: bool) -> Result<u64, Stop> {
    let old = test(m, cpu, mask)?;
    change(m, cpu, mask, set)?;
    Ok(old)
}

/// `struct bpf_cpumask *bpf_cpumask_create(void)`
fn bpf_cpumask_create(m: &mut Machine<'_>, _: [u64; 5]) -> Result<u64, Stop> {
    const NAME: &str = "struct bpf_cpumask";
    let missing = || FaultKind::NotModelled(NAME.to_owned());
    let types = bpf_object::vmlinux().ok_or_else(missing)?;
    let ty = types.find("bpf_cpumask", Kind::Struct).ok_or_else(missing)?;
    let usage = types.field(ty.id(), "usage").map_err(|_| missing())?;
    let usage = u32::try_from(usage.bit_offset / 8).map_err(|_| missing())?;
    objects::make(m, NAME, ty.size().unwrap_or(0) as usize, Some(usage))
}

/// `struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *cpumask)`
fn bpf_cpumask_acquire(m: &mut Machine<'_>, [mask, ..]: [u64; 5]) -> Result<u64, Stop> {
    objects::acquire(m, mask)
}

/// `void bpf_cpumask_release(struct bpf_cpumask *cpumask)`
fn bpf_cpumask_release(m: &mut Machine<'_>, [mask, ..]: [u64; 5]) -> Result<u64, Stop> {
    objects::release(m, mask)?;
    Ok(0)
}

/// `u32 bpf_cpumask_first(const struct cpumask *cpumask)`
fn bpf_cpumask_first(m: &mut Machine<'_>, [mask, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(first(get(m, mask)?))
}

/// `u32 bpf_cpumask_first_and(const struct cpumask *src1, const struct cpumask *src2)`
fn bpf_cpumask_first_and(m: &mut Machine<'_>, [a, b, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(first(get(m, a)? & get(m, b)?))
}

/// `int bpf_cpumask_populate(struct cpumask *cpumask, void *src, size_t src__sz)`
fn bpf_cpumask_populate(
    m: &mut Machine<'_>,
    [mask, from, size, ..]: [u64; 5],
) -> Result<u64, Stop> {
    // As long as a set of all processors is: whole words.
    if size < 8 {
        return Ok(error(errno::EACCES) & 0xffff_ffff);
    }
    let set = get(m, from)?;
    put(m, mask, set)
}
