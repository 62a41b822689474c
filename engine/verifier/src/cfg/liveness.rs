//! Which stack slots are read later, per chain of calls (kernel/bpf/liveness.c).
//!
//! While paths are followed, accesses are noted for the instruction that makes them; from time to time the notes are
//! carried backwards. Slots are bits: bit `i` is the slot at `fp-8*(i+1)`. What an instruction may read only grows, what
//! it surely overwrites only shrinks, as more paths lead through it.

use std::fmt::Write as _;

use isa::Pc;
use rustc_hash::FxHashMap;

use super::{Subprog, successors};
use crate::cx::Cx;
use crate::log::Log;
use crate::state::State;

/// As many frames as there may be (`MAX_CALL_FRAMES`).
const MAX_FRAMES: usize = 8;

/// What is read and written of stacks, by chain of calls.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    instances: Vec<Instance>,
    by_chain: FxHashMap<Chain, usize>,
    /// The function that runs, with the chain of calls that led to it.
    current: Option<usize>,
    /// What the instruction at `insn` overwrites, by frame.
    written: [u64; MAX_FRAMES],
    insn: Pc,
}

/// The calls that led to a function, and its beginning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Chain {
    /// The calls, outermost first, then the beginning of the function.
    sites: [Pc; MAX_FRAMES],
    /// How many calls there are.
    depth: usize,
}

/// A function reached by a chain of calls.
#[derive(Debug)]
struct Instance {
    chain: Chain,
    /// The beginnings of the functions on the way.
    starts: [Pc; MAX_FRAMES],
    /// How many instructions the function has.
    len: usize,
    /// Notes have come that were not carried backwards yet.
    updated: bool,
    /// An instruction overwrites less than was thought.
    fewer_writes: bool,
    /// The notes, by frame and instruction; frames that are not accessed have none.
    frames: [Vec<Masks>; MAX_FRAMES],
    /// It is noted what the instruction overwrites.
    visited: Vec<bool>,
}

/// Slots, for an instruction.
#[derive(Clone, Copy, Debug, Default)]
struct Masks {
    /// It may read these.
    may_read: u64,
    /// It surely overwrites these.
    must_write: u64,
    /// It or what follows in the function surely overwrites these.
    must_write_later: u64,
    /// It or what follows may read these.
    live_before: u64,
}

impl Instance {
    fn start(&self) -> Pc {
        self.starts[self.chain.depth]
    }

    fn relative(&self, pc: Pc) -> usize {
        pc.index().wrapping_sub(self.start().index())
    }

    fn masks(&self, frame: usize, pc: Pc) -> Option<&Masks> {
        self.frames.get(frame)?.get(self.relative(pc))
    }

    /// The notes of a frame, made if there are none.
    fn masks_mut(&mut self, frame: usize, pc: Pc) -> Option<&mut Masks> {
        let (len, place) = (self.len, self.relative(pc));
        let masks = self.frames.get_mut(frame)?;
        if masks.is_empty() {
            masks.resize(len, Masks::default());
        }
        masks.get_mut(place)
    }

    /// `mark_stack_read`
    fn read(&mut self, frame: usize, pc: Pc, slots: u64) {
        let Some(masks) = self.masks_mut(frame, pc) else { return };
        let reads = masks.may_read | slots;
        let tells_more = reads != masks.may_read && reads | masks.live_before != masks.live_before;
        masks.may_read = reads;
        self.updated |= tells_more;
    }

    /// `commit_stack_write_marks`
    fn write(&mut self, pc: Pc, written: &[u64; MAX_FRAMES]) {
        let place = self.relative(pc);
        let Some(&visited) = self.visited.get(place) else { return };
        for (frame, &slots) in written.iter().enumerate().take(self.chain.depth + 1) {
            if slots == 0 && !visited {
                continue;
            }
            let Some(masks) = self.masks_mut(frame, pc) else { continue };
            // The kernel keeps this in 32 bits, so that lower slots are not counted from the second visit on.
            let before = masks.must_write & u64::from(u32::MAX);
            let slots = if visited { slots & before } else { slots };
            let (changed, fewer) = (before != slots, before & !slots != 0);
            if changed {
                masks.must_write = slots;
            }
            self.updated |= changed;
            self.fewer_writes |= fewer;
        }
        self.visited[place] = true;
    }

    fn is_live(&self, pc: Pc, frame: u32, slot: u32) -> bool {
        let bit = 1_u64.checked_shl(slot).unwrap_or(0);
        self.masks(frame as usize, pc).is_some_and(|masks| masks.live_before & bit != 0)
    }
}

impl Liveness {
    /// The function of a frame of the state, with the chain of calls to it (`lookup_instance`).
    fn instance(&mut self, subprogs: &[Subprog], state: &State, frame: usize) -> usize {
        let mut sites = [Pc(0); MAX_FRAMES];
        let mut starts = [Pc(0); MAX_FRAMES];
        for (index, of) in state.frames.iter().enumerate().take((frame + 1).min(MAX_FRAMES)) {
            starts[index] = subprogs.get(of.subprog as usize).map_or(Pc(0), |sub| sub.start);
            let callee = state.frames.get(index + 1);
            sites[index] = callee.and_then(|callee| callee.callsite).unwrap_or(starts[index]);
        }
        let depth = frame.min(MAX_FRAMES - 1);
        self.of_chain(subprogs, sites, starts, depth)
    }

    fn of_chain(
        &mut self,
        subprogs: &[Subprog],
        mut sites: [Pc; MAX_FRAMES],
        starts: [Pc; MAX_FRAMES],
        depth: usize,
    ) -> usize {
        sites[depth] = starts[depth];
        sites[depth + 1..].fill(Pc(0));
        let chain = Chain { sites, depth };
        *self.by_chain.entry(chain).or_insert_with(|| {
            let index = subprogs.partition_point(|sub| sub.start <= starts[depth]);
            let subprog = index.checked_sub(1).and_then(|index| subprogs.get(index));
            let len = subprog.map_or(0, |sub| sub.end.index() - sub.start.index());
            self.instances.push(Instance {
                chain,
                starts,
                len,
                updated: false,
                fewer_writes: false,
                frames: Default::default(),
                visited: vec![false; len],
            });
            self.instances.len() - 1
        })
    }

    /// The function that runs.
    fn current(&mut self, subprogs: &[Subprog], state: &State) -> usize {
        if let Some(current) = self.current {
            return current;
        }
        let current = self.instance(subprogs, state, state.frames.len() - 1);
        self.current = Some(current);
        current
    }
}

/// An instruction begins: nothing is written by it yet (`bpf_reset_stack_write_marks`).
pub(crate) fn begin_insn(cx: &mut Cx<'_>, state: &State, pc: Pc) {
    let liveness = &mut cx.flow.liveness;
    liveness.current(&cx.subprogs, state);
    liveness.insn = pc;
    liveness.written = [0; MAX_FRAMES];
}

/// The instruction at `cx.pc` may read slots of a frame (`bpf_mark_stack_read`).
pub(crate) fn mark_read(cx: &mut Cx<'_>, state: &State, frame: u32, slots: u64) {
    let liveness = &mut cx.flow.liveness;
    let current = liveness.current(&cx.subprogs, state);
    liveness.instances[current].read(frame as usize, cx.pc, slots);
}

/// The instruction surely overwrites slots of a frame (`bpf_mark_stack_write`).
pub(crate) fn mark_write(cx: &mut Cx<'_>, frame: u32, slots: u64) {
    if let Some(written) = cx.flow.liveness.written.get_mut(frame as usize) {
        *written |= slots;
    }
}

/// The instruction ends (`bpf_commit_stack_write_marks`).
pub(crate) fn end_insn(cx: &mut Cx<'_>) {
    let liveness = &mut cx.flow.liveness;
    if let Some(current) = liveness.current {
        liveness.instances[current].write(liveness.insn, &liveness.written);
        liveness.insn = Pc(0);
    }
}

/// The frames have changed, by a call or a return (`bpf_reset_live_stack_callchain`).
pub(crate) fn frames_changed(cx: &mut Cx<'_>) {
    cx.flow.liveness.current = None;
}

/// Carries what was noted backwards in all frames of the state; before a path is left and before a frame is
/// (`bpf_update_live_stack`).
pub(crate) fn update(cx: &mut Cx<'_>, state: &State) {
    cx.flow.liveness.current = None;
    for frame in (0..state.frames.len()).rev() {
        let index = cx.flow.liveness.instance(&cx.subprogs, state, frame);
        if cx.flow.liveness.instances[index].updated {
            update_instance(cx, index);
            let instance = &mut cx.flow.liveness.instances[index];
            instance.updated = false;
            instance.fewer_writes = false;
        }
    }
}

/// Carries notes backwards until nothing changes, and on to the caller (`update_instance`).
fn update_instance(cx: &mut Cx<'_>, index: usize) {
    // Taken out while the rest of the flow is looked at.
    let mut liveness = std::mem::take(&mut cx.flow.liveness);
    let instance = &mut liveness.instances[index];
    let start = instance.start();
    if instance.fewer_writes {
        instance.frames.iter_mut().flatten().for_each(|masks| masks.must_write_later = 0);
    }
    let subprog = &cx.subprogs[super::containing(cx, start) as usize];
    let order = subprog.postorder.start as usize..subprog.postorder.end as usize;
    let mut rounds = 0;
    let mut changed = true;
    while changed {
        rounds += 1;
        changed = false;
        for frame in 0..=instance.chain.depth {
            if instance.frames[frame].is_empty() {
                continue;
            }
            for place in order.clone() {
                let Some(&pc) = cx.flow.postorder.get(place) else { break };
                changed |= update_insn(cx, instance, frame, pc);
            }
        }
    }
    if cx.log.is_verbose() {
        let chain = chain_text(&instance.chain);
        // Writing to a string cannot fail.
        let _ = writeln!(cx.log.text, "{chain} live stack update done in {rounds} iterations");
    }
    if instance.chain.depth > 0 {
        propagate(&mut liveness, &cx.subprogs, index);
    }
    cx.flow.liveness = liveness;
}

/// `update_insn`; whether something changed
fn update_insn(cx: &mut Cx<'_>, instance: &mut Instance, frame: usize, pc: Pc) -> bool {
    let (mut after, mut later, mut followed) = (0, u64::MAX, false);
    for next in successors(&cx.flow, pc) {
        let next = instance.masks(frame, next).copied().unwrap_or_default();
        after |= next.live_before;
        later &= next.must_write_later;
        followed = true;
    }
    if !followed {
        return false;
    }
    let is_start = pc == instance.start();
    let chain = instance.chain;
    let Some(masks) = instance.masks_mut(frame, pc) else { return false };
    let before = after & !masks.must_write | masks.may_read;
    let later = later | masks.must_write;
    let changed = before != masks.live_before || later != masks.must_write_later;
    if changed && cx.log.is_verbose() {
        let is_printed = masks.may_read != 0
            || masks.must_write != 0
            || is_start
            || cx.aux.get(pc.index()).is_some_and(|aux| aux.prune_point);
        if is_printed {
            let place = (&chain, frame, pc);
            print_change(&mut cx.log, place, "live", masks.live_before, before);
            print_change(&mut cx.log, place, "written", masks.must_write_later, later);
        }
    }
    masks.live_before = before;
    masks.must_write_later = later;
    changed
}

/// What a function reads and overwrites of its callers' stacks, its call does (`propagate_to_outer_instance`).
fn propagate(liveness: &mut Liveness, subprogs: &[Subprog], index: usize) {
    let (chain, starts) = (liveness.instances[index].chain, liveness.instances[index].starts);
    let depth = chain.depth - 1;
    let callsite = chain.sites[depth];
    let outer = liveness.of_chain(subprogs, chain.sites, starts, depth);
    liveness.insn = callsite;
    liveness.written = [0; MAX_FRAMES];
    for frame in 0..=depth {
        let instance = &liveness.instances[index];
        let Some(entry) = instance.masks(frame, instance.start()).copied() else { continue };
        liveness.written[frame] |= entry.must_write_later;
        liveness.instances[outer].read(frame, callsite, entry.live_before);
    }
    let written = liveness.written;
    liveness.instances[outer].write(callsite, &written);
    liveness.insn = Pc(0);
}

/// Asks what is live at a state (`bpf_live_stack_query_init`).
#[derive(Debug)]
pub(crate) struct Query {
    /// The functions of the frames.
    instances: [usize; MAX_FRAMES],
    /// The innermost frame.
    depth: usize,
    pc: Pc,
}

impl Query {
    /// About a state at `pc`.
    pub(crate) fn new(cx: &mut Cx<'_>, state: &State, pc: Pc) -> Self {
        let mut instances = [0; MAX_FRAMES];
        let depth = (state.frames.len() - 1).min(MAX_FRAMES - 1);
        for (frame, instance) in instances.iter_mut().enumerate().take(depth + 1) {
            *instance = cx.flow.liveness.instance(&cx.subprogs, state, frame);
        }
        Self { instances, depth, pc }
    }

    /// Whether a slot of a frame may be read from there on (`bpf_stack_slot_alive`).
    ///
    /// Slots of callers are live if the function reads them, or if they are read after it returns. A function that is
    /// called back may be called again, so that what the call reads counts too.
    pub(crate) fn is_live(&self, cx: &Cx<'_>, frame: u32, slot: u32) -> bool {
        let instances = &cx.flow.liveness.instances;
        let innermost = &instances[self.instances[self.depth]];
        if innermost.is_live(self.pc, frame, slot) {
            return true;
        }
        (frame as usize..self.depth).any(|outer| {
            let callsite = innermost.chain.sites[outer];
            let again = cx.aux.get(callsite.index()).is_some_and(|aux| aux.calls_callback);
            let pc = if again { callsite } else { Pc(callsite.0 + 1) };
            instances[self.instances[outer]].is_live(pc, frame, slot)
        })
    }
}

fn chain_text(chain: &Chain) -> String {
    let sites: Vec<String> =
        chain.sites[..=chain.depth].iter().map(|site| site.to_string()).collect();
    format!("({})", sites.join(","))
}

/// `log_mask_change`
fn print_change(log: &mut Log, place: (&Chain, usize, Pc), what: &str, old: u64, new: u64) {
    let changed = old ^ new;
    if changed == 0 {
        return;
    }
    let (chain, frame, pc) = place;
    let mut text = format!("{} frame {frame} insn {pc} ", chain_text(chain));
    // Writing to a string cannot fail.
    if new & changed != 0 {
        let _ = write!(text, "+{what} {} ", slots_text(new & changed));
    }
    if !new & changed != 0 {
        let _ = write!(text, "-{what} {}", slots_text(!new & changed));
    }
    text.push('\n');
    log.text.push_str(&text);
}

/// `-8,-24` (`bpf_fmt_stack_mask`)
fn slots_text(slots: u64) -> String {
    let offsets: Vec<String> = (0..64)
        .filter(|bit| slots & 1 << bit != 0)
        .map(|bit: i32| (-(bit + 1) * 8).to_string())
        .collect();
    offsets.join(",")
}
