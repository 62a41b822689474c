//! What is wrong although the kernel accepts it.
//!
//! The kernel's verdict is not touched: this room looks on while paths are followed, and keeps what it knows of a path
//! beside the kernel's state, as a [`Shadow`] that [`crate::state::Path::shadow`] names. Registers carry as
//! [`crate::state::Reg::origin`] which call made what is in them; nothing else in the verifier asks for either.
//!
//! - [`api`] says which calls matter, [`calls`], [`bytes`] and [`checks`] what they do, [`access`] what loads and stores
//!   do, [`branch`] what comparisons tell, [`leave`] what is owed where a path ends. [`cover`] compares shadows.
//! - [`found`] keeps what was found until everything was seen that it depends on; [`table`] has a row for each kind.
//!
//! The kernel cuts paths where its own state is covered by another one, though the shadows may differ. If that happens,
//! the program is followed a second time, within bounds, and paths are only cut where shadows agree. There the length of
//! a slice without a buffer is exact, which the kernel forgets (`check_special_kfunc` asks for no precision of it): what
//! is refused then is noted as well.
//!
//! What is not seen silences: a note must be certain on the path it is given for.

mod access;
mod api;
mod branch;
mod bytes;
mod calls;
mod checks;
mod cover;
mod found;
mod leave;
mod shadow;
mod table;

use isa::{Insn, Pc, Reg as Name, Source};
use kernel_model::SkbDynptr;

pub use table::{NOTES, NoteKind};

use api::{Api, Call};
use cover::Cut;
use found::Found;
use shadow::{Alias, Buffer, By, Dynptr, Memory, Offset, Shadow, Slice};

use crate::cx::{Check, Cx, Reject, Stop};
use crate::explain::Note;
use crate::explore;
use crate::program::Program;
use crate::state::{Reg, RegKind, State, StateId};

/// So many shadows are kept; paths are given up that would make more.
const MOST_SHADOWS: usize = 1 << 16;
/// The registers that carry arguments.
const ARGUMENTS: [Name; 5] = [Name::R1, Name::R2, Name::R3, Name::R4, Name::R5];
/// The shadow of paths that were given up.
const GIVEN_UP: u32 = 1;
/// So many more instructions may be followed the second time than twice those of the first time.
const SECOND_MORE: u32 = 5_000;

/// What is known beside the kernel's states while paths are followed.
#[derive(Debug)]
pub(crate) struct Beyond {
    calls: Vec<Option<Call>>,
    shadows: Vec<Shadow>,
    found: Found,
    facts: Facts,
    last_id: u32,
    /// The shadow that the instruction made, which is no other state's yet; 0 if none.
    fresh: u32,
    doing: Doing,
    /// How many paths were left for later before the instruction.
    pending: usize,
    /// A path was cut though its shadow is not covered.
    is_incomplete: bool,
    /// This is the second time; so many instructions may be followed.
    second: Option<u32>,
    /// The slice without a buffer that the instruction accesses.
    accessed: Option<Slice>,
}

/// What does not change of the program.
#[derive(Clone, Copy, Debug)]
struct Facts {
    /// Writes to socket buffers fail.
    read_only: bool,
    /// Its XDP frames are in one piece.
    in_one_piece: bool,
    /// Packets it gets may be shared, unless something asks for the prologue that un-shares them.
    may_be_shared: bool,
    /// It writes to dynptrs with functions that do not un-share packets.
    has_bulk: bool,
    /// Packet pointers are pointers into socket buffers, which calls may move without the kernel taking notice.
    has_moving_packets: bool,
}

/// What the instruction does that is being followed.
#[derive(Clone, Debug, Default)]
enum Doing {
    #[default]
    Nothing,
    /// A call.
    Call(Box<Arguments>),
    /// A comparison with what was compared.
    Jump(Box<(Reg, Option<Reg>)>),
    /// A load from the context into a register.
    LoadOfContext(Name),
}

/// What a call is given.
#[derive(Clone, Copy, Debug)]
struct Arguments {
    /// R1 to R5.
    regs: [Reg; 5],
    /// The dynptr it works on.
    dynptr: Option<Dynptr>,
    /// The dynptr it copies from, or that was where it makes one.
    other: Option<Dynptr>,
    /// The memory it fills, or may use as a buffer, had no value.
    is_raw: bool,
}

/// Begins to look on, if that was asked for and the program has dynptrs.
pub(crate) fn begin(cx: &mut Cx<'_>) {
    if !cx.program.options.explain || cx.trace.is_some() || cx.beyond.is_some() {
        return;
    }
    let Some(calls) = api::calls(cx) else { return };
    let ty = cx.program.ty;
    let is_any = |fits: fn(Api) -> bool| calls.iter().flatten().any(|call| fits(call.api));
    let has_bulk = is_any(|api| matches!(api, Api::Copy | Api::Fill));
    let is_xdp = ty.is_some_and(|ty| ty.name == "xdp");
    let facts = Facts {
        read_only: ty.is_some_and(|ty| ty.skb_dynptr == SkbDynptr::ReadOnly),
        in_one_piece: !cx.program.xdp_frags,
        may_be_shared: ty.is_some_and(|ty| ty.uncloned_by_prologue),
        has_bulk,
        has_moving_packets: !is_xdp && (has_bulk || is_any(|api| matches!(api, Api::Global(_)))),
    };
    let shadows = vec![Shadow::default(), Shadow { dead: true, ..Shadow::default() }];
    cx.beyond = Some(Box::new(Beyond {
        calls,
        shadows,
        found: Found::default(),
        facts,
        last_id: 0,
        fresh: 0,
        doing: Doing::Nothing,
        pending: 0,
        is_incomplete: false,
        second: None,
        accessed: None,
    }));
}

/// An instruction is about to be followed.
pub(crate) fn before(cx: &mut Cx<'_>, state: &mut State) -> Check {
    let Some(mut beyond) = cx.beyond.take() else { return Ok(()) };
    let checked = beyond.before(cx, state);
    cx.beyond = Some(beyond);
    checked
}

/// The instruction was followed; the path goes on at `next`.
pub(crate) fn after(cx: &mut Cx<'_>, state: &mut State, next: Option<Pc>) {
    if let Some(mut beyond) = cx.beyond.take() {
        beyond.after(cx, state, next);
        cx.beyond = Some(beyond);
    }
}

/// The kernel would cut a path because its state is covered by a stored one; whether it is to be cut.
pub(crate) fn may_cut(cx: &mut Cx<'_>, stored: StateId, state: &State) -> bool {
    let Some(mut beyond) = cx.beyond.take() else { return true };
    let old = cx.explored.state(stored).path.shadow;
    if old != state.path.shadow {
        let old = beyond.shadows.get(old as usize).unwrap_or(&beyond.shadows[GIVEN_UP as usize]);
        let is_covered =
            Cut::new(cx, state, stored, beyond.facts).covers(beyond.shadow(state), old);
        beyond.is_incomplete |= !is_covered;
        let cuts = is_covered || beyond.second.is_none();
        cx.beyond = Some(beyond);
        return cuts;
    }
    cx.beyond = Some(beyond);
    true
}

/// What was found in a program that was accepted; it may be followed once more.
pub(crate) fn finish(program: &Program<'_>, mut beyond: Beyond, processed: u32) -> Vec<Note> {
    if beyond.is_incomplete {
        let limit = processed.saturating_mul(2).saturating_add(SECOND_MORE);
        beyond.second = Some(limit);
        beyond.shadows.truncate(2);
        let mut cx = Cx::new(program);
        cx.log.level = 0;
        cx.beyond = Some(Box::new(beyond));
        let checked = crate::load::check(&mut cx, &mut false);
        let Some(again) = cx.beyond.take() else { return Vec::new() };
        beyond = *again;
        if let Err(Stop::Reject(reject)) = checked {
            beyond.refused(cx.pc, &reject);
        }
    }
    beyond.found.finish(program)
}

impl Beyond {
    fn shadow(&self, state: &State) -> &Shadow {
        let index = state.path.shadow as usize;
        self.shadows.get(index).unwrap_or(&self.shadows[GIVEN_UP as usize])
    }

    /// The shadow of the state, to be changed.
    fn edit(&mut self, state: &mut State) -> &mut Shadow {
        let index = state.path.shadow;
        if index != self.fresh || index == 0 {
            let is_full = self.shadows.len() >= MOST_SHADOWS;
            let copy = self.shadow(state).clone();
            state.path.shadow = match u32::try_from(self.shadows.len()) {
                Ok(next) if !copy.dead && !is_full => next,
                _ => GIVEN_UP,
            };
            if state.path.shadow != GIVEN_UP {
                self.shadows.push(copy);
                self.fresh = state.path.shadow;
            }
        }
        // What is put into the shadow of paths that were given up is never asked for.
        let index = state.path.shadow as usize;
        let known = if index < self.shadows.len() { index } else { GIVEN_UP as usize };
        &mut self.shadows[known]
    }

    /// The path cannot be.
    fn give_up(state: &mut State) {
        state.path.shadow = GIVEN_UP;
    }

    fn new_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    fn call_at(&self, pc: Pc) -> Option<Call> {
        *self.calls.get(pc.index())?
    }

    fn before(&mut self, cx: &mut Cx<'_>, state: &mut State) -> Check {
        self.doing = Doing::Nothing;
        self.fresh = 0;
        self.pending = cx.explored.pending.len();
        if self.second.is_some_and(|limit| cx.explored.stats.insns_processed > limit) {
            return cx.unsupported("this long a program, for notes");
        }
        if cx.prev_pc.is_none() {
            self.enter_root(state);
        }
        if state.path.shadow == GIVEN_UP {
            return Ok(());
        }
        let (pc, program) = (cx.pc, cx.program);
        let Some(insn) = program.insn(pc) else { return Ok(()) };
        match insn {
            Insn::Call(_) => self.before_call(cx, state)?,
            Insn::Jump(jump) => {
                let rhs = match jump.rhs {
                    Source::Reg(reg) => Some(*state.reg(reg)),
                    Source::Imm(_) => None,
                };
                let lhs = *state.reg(jump.lhs);
                let is_packet = |reg: &Reg| reg.kind() == RegKind::Packet;
                if lhs.origin != 0
                    || rhs.is_some_and(|rhs| rhs.origin != 0)
                    || is_packet(&lhs)
                    || rhs.as_ref().is_some_and(is_packet)
                {
                    self.doing = Doing::Jump(Box::new((lhs, rhs)));
                }
            }
            Insn::Load(load) | Insn::LoadAcquire(load) => {
                self.load(state, pc, load.base, load.offset.0, load.size.bytes());
                if self.facts.has_moving_packets && state.reg(load.base).kind() == RegKind::Ctx {
                    self.doing = Doing::LoadOfContext(load.dst);
                }
            }
            Insn::LoadSx(load) => {
                self.load(state, pc, load.base, load.offset.0, load.size.size().bytes());
            }
            Insn::Store(store) => {
                let stored = match store.src {
                    Source::Reg(reg) => Some(reg),
                    Source::Imm(_) => None,
                };
                self.store(state, pc, store.base, store.offset.0, store.size.bytes(), stored);
            }
            Insn::StoreRelease(store) => {
                self.store(
                    state,
                    pc,
                    store.base,
                    store.offset.0,
                    store.size.bytes(),
                    Some(store.src),
                );
            }
            Insn::Atomic(atomic) => {
                self.store(state, pc, atomic.base, atomic.offset.0, 8, None);
            }
            Insn::Exit => self.leave(cx, state, pc),
            Insn::MayGoto(_) => self.loosen(state),
            Insn::Alu(_)
            | Insn::Mov(_)
            | Insn::MovSx(_)
            | Insn::Neg(_)
            | Insn::ByteSwap(_)
            | Insn::AddrSpaceCast(_)
            | Insn::LoadImm(_)
            | Insn::LoadPacket(_)
            | Insn::Goto(_)
            | Insn::GotoLong(_) => {}
        }
        Ok(())
    }

    fn after(&mut self, cx: &mut Cx<'_>, state: &mut State, next: Option<Pc>) {
        match std::mem::take(&mut self.doing) {
            Doing::Nothing => {}
            Doing::Call(args) => self.after_call(cx, state, &args),
            Doing::LoadOfContext(reg) => self.name_pointer(cx.pc, state, reg),
            Doing::Jump(both) => self.after_jump(cx, state, next, (&both.0, both.1.as_ref())),
        }
    }

    /// A pointer into the packet was loaded, perhaps.
    fn name_pointer(&mut self, pc: Pc, state: &mut State, reg: Name) {
        if state.reg(reg).kind() != RegKind::Packet {
            return;
        }
        let id = self.new_id();
        state.reg_mut(reg).origin = id;
        let pointer = Slice {
            id,
            made: pc,
            by: By::Pointer,
            dynptr: 0,
            memory: Memory::Skb,
            offset: Offset::Unknown,
            length: 0,
            buffer: Buffer::None,
            is_raw: false,
            linear: true,
            alias: Alias::Not,
            owes_fallback: false,
            dirty: None,
            dirty_end: 0,
            stored: None,
            refilled: false,
            stale: None,
        };
        self.edit(state).add_slice(pointer);
    }

    /// The kernel forgets numbers where a loop comes round.
    fn loosen(&mut self, state: &mut State) {
        let shadow = self.shadow(state);
        if !shadow.loose && !shadow.slices.is_empty() {
            self.edit(state).loose = true;
        }
    }

    /// A global function knows its arguments by their places.
    fn enter_root(&mut self, state: &mut State) {
        if state.frame().subprog == 0 || state.frames.len() != 1 {
            return;
        }
        for (index, reg) in (0..).zip(ARGUMENTS) {
            let reg = *state.reg(reg);
            if reg.kind() == RegKind::Dynptr {
                let dynptr = Dynptr::new(reg.id, Memory::Argument(index), None);
                self.edit(state).put_dynptr(dynptr);
            }
        }
    }

    /// Arguments and what the call finds in memory.
    fn before_call(&mut self, cx: &mut Cx<'_>, state: &mut State) -> Check {
        let Some(call) = self.call_at(cx.pc) else { return Ok(()) };
        let api = call.api;
        if api == Api::Static {
            return Ok(());
        }
        let args = ARGUMENTS.map(|reg| *state.reg(reg));
        let is_raw = match api {
            Api::Read => access::is_raw(state, &args[0], &args[1]),
            Api::Slice(_) => access::is_raw(state, &args[2], &args[3]),
            _ => false,
        };
        if matches!(api, Api::Slice(By::Slice | By::SliceRdwr)) {
            let without_buffer = args[2].is_null();
            if without_buffer && !self.has_one_length(cx) {
                match self.second {
                    Some(_) => explore::mark_precise(cx, state, Name::R4)?,
                    None => self.is_incomplete = true,
                }
            }
        }
        let dynptr = |reg: Name| self.dynptr_of(state, reg);
        let other = if api == Api::Copy { Some(Name::R3) } else { api.makes() };
        let arguments = Arguments {
            regs: args,
            dynptr: api.dynptr().and_then(dynptr),
            other: other.and_then(dynptr),
            is_raw,
        };
        self.doing = Doing::Call(Box::new(arguments));
        Ok(())
    }

    /// The dynptr that a register points to.
    fn dynptr_of(&self, state: &State, reg: Name) -> Option<Dynptr> {
        let (kind, id, reference) = crate::calls::dynptr::of(state, reg)?;
        let known = self.shadow(state).dynptr(id).copied();
        Some(known.unwrap_or_else(|| Dynptr::new(id, Memory::of(kind, reference), None)))
    }

    /// R4 is a constant on all paths that lead to the instruction.
    fn has_one_length(&self, cx: &Cx<'_>) -> bool {
        access::constant_before(cx, cx.pc, Name::R4).is_some()
    }

    /// What only the second time is refused.
    fn refused(&mut self, pc: Pc, reject: &Reject) {
        let Some(slice) = self.accessed else { return };
        let first = reject.message.lines().next().unwrap_or_default();
        if first.starts_with("invalid access to memory") {
            let text = || {
                format!(
                    "the slice has {} bytes on a path that the kernel does not follow: {first}",
                    slice.length
                )
            };
            let labels = [(slice.made, "the slice is made here, without a buffer")];
            self.found.note(&table::OUT_OF_SLICE, pc, text, Some(slice.made), &labels);
        }
    }
}
