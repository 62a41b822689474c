//! Helpers that call the program back or leave it: `bpf_loop`, `bpf_tail_call`.

use super::{Table, errno, error};
use crate::fault::Stop;
use crate::machine::Machine;

pub(super) const TABLE: &Table = &[("bpf_loop", bpf_loop), ("bpf_tail_call", bpf_tail_call)];

/// The most rounds of `bpf_loop` (`BPF_MAX_LOOPS`).
const MAX_LOOPS: u32 = 1 << 23;
/// The most tail calls of a run (`MAX_TAIL_CALL_CNT`).
const MAX_TAIL_CALLS: u32 = 33;

/// `long bpf_loop(u32 nr_loops, void *callback_fn, void *callback_ctx, u64 flags)`
fn bpf_loop(
    m: &mut Machine<'_>,
    [rounds, callback, context, flags, _]: [u64; 5],
) -> Result<u64, Stop> {
    if flags != 0 {
        return Ok(error(errno::EINVAL));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the parameter has 32 bits")]
    let rounds = rounds as u32;
    if rounds > MAX_LOOPS {
        // The verifier puts the loop into the program, where the error is a move of 32 bits (`inline_bpf_loop`).
        return Ok(error(errno::E2BIG) & 0xffff_ffff);
    }
    for round in 0..rounds {
        let stop = m.call_back(callback, [round.into(), context, 0, 0, 0])?;
        if stop != 0 {
            return Ok(u64::from(round) + 1);
        }
    }
    Ok(rounds.into())
}

/// `long bpf_tail_call(void *ctx, struct bpf_map *prog_array_map, u32 index)`
///
/// Goes on behind the call, with an arbitrary result, if there is no such program or there were too many calls.
fn bpf_tail_call(m: &mut Machine<'_>, [_, map, index, _, _]: [u64; 5]) -> Result<u64, Stop> {
    let map = m.map_at(map, 1)?;
    #[expect(clippy::cast_possible_truncation, reason = "the parameter has 32 bits")]
    let program = m.maps.program(map, index as u32)?;
    let Some(function) = program else { return Ok(error(errno::ENOENT)) };
    if m.tail_calls >= MAX_TAIL_CALLS {
        return Ok(error(errno::ENOENT));
    }
    let target = m.image.programs.iter().find(|program| program.function == function);
    let Some(target) = target else { return Ok(error(errno::ENOENT)) };
    m.tail_calls += 1;
    Err(Stop::TailCall(target.start))
}
