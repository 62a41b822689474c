//! What calls do, apart from those that read and write through dynptrs ([`super::bytes`]).

use isa::{Pc, Reg as Name};

use super::api::{Api, Call};
use super::found::Effect;
use super::shadow::{By, CallResult, Dynptr, Memory, Why};
use super::{Arguments, Beyond, Shadow, table};
use crate::calls::dynptr;
use crate::cx::Cx;
use crate::program::Program;
use crate::state::{Reg, RegKind, State};

/// The number as the kernel takes it.
#[expect(clippy::cast_possible_truncation, reason = "6.18 takes offsets and lengths as 32 bits")]
pub(super) fn number(reg: &Reg) -> Option<u64> {
    reg.as_constant().map(|value| u64::from(value as u32))
}

/// Nothing bounds the number.
pub(super) fn is_unbounded(reg: &Reg) -> bool {
    reg.as_constant().is_none() && reg.num.umax >= u64::from(u32::MAX)
}

impl Beyond {
    /// A call was followed.
    pub(super) fn after_call(&mut self, cx: &Cx<'_>, state: &mut State, args: &Arguments) {
        let pc = cx.pc;
        let Some(call) = self.call_at(pc) else { return };
        if cx.aux.get(pc.index()).is_some_and(|aux| aux.steps_iterator || aux.calls_callback) {
            self.loosen(state);
        }
        self.check_dynptrs(pc, call, args);
        self.use_arguments(state, pc, call, &args.regs);
        match call.api {
            Api::FromMem | Api::FromPacket | Api::Reserve => self.construct(state, pc, call, args),
            Api::Clone => self.clone_dynptr(state, pc, args),
            Api::Release => self.release(state, pc, args),
            Api::Read => self.read(state, pc, call, args),
            Api::Write => self.write(cx, state, pc, call, args),
            Api::Slice(by) => self.slice(state, pc, by, args),
            Api::Adjust => self.adjust(cx, state, pc, call, args),
            Api::Size => self.size(pc, args),
            Api::Copy => self.copy(state, pc, call, args),
            Api::Fill => self.fill(state, pc, call, args),
            Api::Pull => self.pull(state, pc, &args.regs),
            Api::Geometry => {}
            Api::Query => self.asked(state, args),
            Api::LoadBytes => self.tries_again(state),
            Api::StoreBytes => self.store_bytes(state),
            Api::Global(subprog) => self.global(state, pc, subprog, args),
            Api::Static | Api::Other => {}
        }
        let result = self.name_result(state, pc, call);
        if call.api == Api::Geometry && result != 0 {
            self.outdate(state, pc, call, &args.regs, result);
        }
        if call.api == Api::Reserve && result != 0 {
            self.doubt(state, args, result);
        }
    }

    /// What R0 holds gets an identity, if it may be asked for.
    fn name_result(&mut self, state: &mut State, pc: Pc, call: Call) -> u32 {
        let reg = state.reg(Name::R0);
        let asked = call.is_status || reg.kind() == RegKind::MapValue;
        if !asked || reg.origin != 0 {
            return 0;
        }
        let id = self.new_id();
        state.reg_mut(Name::R0).origin = id;
        if call.is_status {
            self.edit(state).add_result(CallResult { id, pc, is_status: call.is_status });
        }
        id
    }

    /// The record may not have been reserved.
    fn doubt(&mut self, state: &mut State, args: &Arguments, result: u32) {
        let Some((_, id, _)) = dynptr::of_pointer(state, &args.regs[3]) else { return };
        let known = self.shadow(state).dynptr(id).filter(|dynptr| !dynptr.null).copied();
        if let Some(known) = known {
            self.edit(state).put_dynptr(Dynptr { doubt: Some(result), ..known });
        }
    }

    /// The program asks whether the dynptr was made.
    fn asked(&mut self, state: &mut State, args: &Arguments) {
        if let Some(dynptr) = args.dynptr.filter(|dynptr| dynptr.doubt.is_some()) {
            self.edit(state).put_dynptr(Dynptr { doubt: None, ..dynptr });
        }
    }

    /// Dynptrs that are used must be good.
    fn check_dynptrs(&mut self, pc: Pc, call: Call, args: &Arguments) {
        let other = args.other.filter(|_| call.api == Api::Copy);
        for dynptr in [args.dynptr, other].into_iter().flatten() {
            if let Some(released) = dynptr.released {
                let text = || "the dynptr is used although its record was given back".to_owned();
                let labels = [(released, "the record is given back here, through a clone")];
                self.found.note(&table::RELEASED_DYNPTR, pc, text, dynptr.made, &labels);
            }
            let Some((since, _)) = dynptr.outdated else { continue };
            let made = dynptr.made.map(|made| (made, "the dynptr is made here"));
            let labels: Vec<(Pc, &str)> =
                made.into_iter().chain([(since, "this changes the packet")]).collect();
            if dynptr.memory == Memory::Meta {
                if matches!(call.api, Api::Read | Api::Slice(_) | Api::Size) {
                    let text = || {
                        "the metadata may have been dropped, but not its size in the dynptr"
                            .to_owned()
                    };
                    self.found.note(&table::OLD_METADATA, pc, text, dynptr.made, &labels);
                }
            } else if !matches!(call.api, Api::Clone | Api::Query) {
                let text = || {
                    format!(
                        "`{}` works on the packet as it was when the dynptr was made",
                        call.name
                    )
                };
                self.found.note(&table::OUTDATED, pc, text, dynptr.made, &labels);
            }
        }
    }

    /// Slices among the arguments are used, and memory among them may be filled.
    fn use_arguments(&mut self, state: &mut State, pc: Pc, call: Call, args: &[Reg; 5]) {
        if matches!(call.api, Api::Static) {
            return;
        }
        for (index, reg) in args.iter().enumerate().take(call.count.into()) {
            let fills =
                call.fills >> index & 1 != 0 && matches!(call.api, Api::Other | Api::LoadBytes);
            if matches!(reg.kind(), RegKind::Mem | RegKind::Packet) && reg.origin != 0 {
                self.use_slice(state, pc, reg);
                if fills {
                    self.note_store(state, pc, reg.origin, u32::MAX);
                }
            } else if let (RegKind::Stack | RegKind::MapValue, Some(at)) =
                (reg.kind(), super::shadow::place_in(reg))
            {
                if fills {
                    let length = args.get(index + 1).and_then(number).unwrap_or(1).min(512);
                    let to = at + i64::try_from(length).unwrap_or(0);
                    self.filled(state, pc, reg, at, to);
                } else if matches!(call.api, Api::Other | Api::Global(_)) {
                    self.hand_over(state, reg, at);
                }
            }
        }
    }

    /// Whoever gets memory may do with it what a write-back does, or fill it.
    fn hand_over(&mut self, state: &mut State, reg: &Reg, at: i64) {
        let place = super::shadow::Buffer::of(reg);
        let touches =
            |slice: &super::Slice| super::access::overlaps_buffer(slice, place, (at, at + 1));
        let unread = |one: &super::shadow::Unread| {
            reg.kind() == RegKind::Stack && one.frame == reg.frame && one.from <= at && at < one.to
        };
        let shadow = self.shadow(state);
        if !shadow.slices.iter().any(touches) && !shadow.unread.iter().any(unread) {
            return;
        }
        let shadow = self.edit(state);
        shadow.unread.retain(|one| !unread(one));
        for slice in shadow.slices.iter_mut().filter(|slice| touches(slice)) {
            slice.refilled = true;
            slice.dirty = None;
        }
    }

    fn construct(&mut self, state: &mut State, pc: Pc, call: Call, args: &Arguments) {
        let regs = &args.regs;
        let Some(made) = call.api.makes() else { return };
        let Some((kind, id, reference)) = dynptr::of_pointer(state, &regs[made.index() - 1]) else {
            return;
        };
        let mut new = Dynptr::new(id, Memory::of(kind, reference), Some(pc));
        new.start = Some(0);
        let flags = match call.api {
            Api::FromMem => {
                if let (Some(map), Some(at)) = (regs[0].map(), super::shadow::place_in(&regs[0])) {
                    new.memory = Memory::Map { map, value: regs[0].origin, at };
                }
                new.size = number(&regs[1]);
                &regs[2]
            }
            Api::Reserve => {
                new.size = number(&regs[1]);
                &regs[2]
            }
            _ => &regs[1],
        };
        if let Some(flags) = flags.as_constant().filter(|flags| *flags != 0) {
            new.null = true;
            new.size = None;
            let text = || format!("`{}` has no flags, and fails with {flags:#x}", call.name);
            self.found.note(&table::FLAGS, pc, text, Some(pc), &[]);
        }
        self.remake(state, pc, args.other, new);
    }

    /// A dynptr is made where another one may have been.
    fn remake(&mut self, state: &mut State, pc: Pc, former: Option<Dynptr>, new: Dynptr) {
        let shadow = self.edit(state);
        if let Some(former) = former.filter(|former| former.memory != new.memory) {
            for slice in &mut shadow.slices {
                if slice.dynptr == former.id && slice.by != By::Data {
                    slice.stale.get_or_insert((pc, Why::Remade));
                }
            }
        }
        shadow.put_dynptr(new);
    }

    fn clone_dynptr(&mut self, state: &mut State, pc: Pc, args: &Arguments) {
        let Some((_, id, _)) = dynptr::of_pointer(state, &args.regs[1]) else { return };
        let Some(source) = args.dynptr else { return };
        self.remake(state, pc, args.other, Dynptr { id, made: Some(pc), ..source });
    }

    /// A record is given back: its slices, and its clones in other functions, should not be used any more.
    fn release(&mut self, state: &mut State, pc: Pc, args: &Arguments) {
        let Some(Memory::Record(reference)) = args.dynptr.map(|dynptr| dynptr.memory) else {
            return;
        };
        if reference == 0 {
            return;
        }
        let shadow = self.edit(state);
        for slice in
            shadow.slices.iter_mut().filter(|slice| slice.memory == Memory::Record(reference))
        {
            slice.stale = Some((pc, Why::Released));
        }
        for dynptr in
            shadow.dynptrs.iter_mut().filter(|one| one.memory == Memory::Record(reference))
        {
            dynptr.released.get_or_insert(pc);
        }
        for frame in 0..state.frames.len() {
            self.release_unknown(state, pc, frame, reference);
        }
    }

    /// Dynptrs of the record that nothing is known of yet.
    fn release_unknown(&mut self, state: &mut State, pc: Pc, frame: usize, reference: u32) {
        let slots = state.frames.get(frame).map(|frame| frame.stack.clone()).unwrap_or_default();
        for slot in slots {
            let known = &slot.spilled;
            let is_dynptr = slot.kind() == crate::state::SlotKind::Dynptr;
            if is_dynptr
                && known.ref_obj_id == reference
                && self.shadow(state).dynptr(known.id).is_none()
            {
                let mut dynptr = Dynptr::new(known.id, Memory::Record(reference), None);
                dynptr.released = Some(pc);
                self.edit(state).put_dynptr(dynptr);
            }
        }
    }

    fn adjust(&mut self, cx: &Cx<'_>, state: &mut State, pc: Pc, call: Call, args: &Arguments) {
        let [_, start, end, ..] = &args.regs;
        let Some(mut dynptr) = args.dynptr else { return };
        if let Memory::Argument(index) = dynptr.memory
            && let Some(root) = state.frames.first().map(|frame| frame.subprog)
            && is_const_argument(cx.program, root, index)
        {
            let text = || {
                "the view of the caller's dynptr moves too, although the argument is `const`"
                    .to_owned()
            };
            self.found.note(&table::MOVED_VIEW, pc, text, None, &[]);
        }
        let (from, to) = (number(start), number(end));
        if dynptr.null || from.zip(to).is_some_and(|(from, to)| from > to) {
            // It fails, and nothing changes.
            self.found.fine(&table::IGNORED, pc);
            return;
        }
        match (to, dynptr.size) {
            (Some(to), Some(size)) if to > size => {
                let text = || format!("the view has {size} bytes and cannot end at {to}");
                match (dynptr.adjusted, dynptr.made) {
                    (Some(adjusted), _) => {
                        let labels = [(adjusted, "the view begins and ends anew here")];
                        self.found.note(&table::NOT_RELATIVE, pc, text, None, &labels);
                    }
                    (None, Some(made)) => {
                        let labels = [(made, "the dynptr is made here")];
                        self.found.note(&table::BEYOND, pc, text, None, &labels);
                    }
                    (None, None) => {}
                }
                return;
            }
            _ => {
                self.found.fine(&table::BEYOND, pc);
                self.found.fine(&table::NOT_RELATIVE, pc);
            }
        }
        if call.is_ignored && is_unbounded(start) {
            let text = || {
                "the result of `bpf_dynptr_adjust` is ignored: if the range is not in the view, the old view stays"
                    .to_owned()
            };
            self.found.note(&table::IGNORED, pc, text, None, &[]);
        } else {
            self.found.fine(&table::IGNORED, pc);
        }
        let signed = from.and_then(|from| i64::try_from(from).ok());
        dynptr.start = dynptr.start.zip(signed).map(|(start, from)| start + from);
        dynptr.size = to.zip(from).and_then(|(to, from)| to.checked_sub(from));
        dynptr.adjusted = Some(pc);
        self.edit(state).put_dynptr(dynptr);
    }

    fn size(&mut self, pc: Pc, args: &Arguments) {
        let is_doubtful = |dynptr: &Dynptr| dynptr.null || dynptr.doubt.is_some();
        let Some(dynptr) =
            args.dynptr.filter(|dynptr| is_doubtful(dynptr) && dynptr.released.is_none())
        else {
            return;
        };
        let text = || match dynptr.null {
            true => "the dynptr is null here, and its size 4294967274".to_owned(),
            false => "the dynptr may be null here, and its size 4294967274".to_owned(),
        };
        let made = dynptr.made.map(|made| (made, "it is not made here if the call fails"));
        let labels: Vec<(Pc, &str)> = made.into_iter().collect();
        self.found.note(&table::SIZE_OF_NULL, pc, text, dynptr.made, &labels);
    }

    /// The packet is contiguous up to there, and not shared. That it may fail is left to the program.
    fn pull(&mut self, state: &mut State, pc: Pc, regs: &[Reg; 5]) {
        let shadow = self.edit(state);
        let bytes = number(&regs[1]).unwrap_or(u64::MAX);
        shadow.linear = shadow.linear.max(bytes);
        shadow.private = true;
        forget_fallbacks(shadow);
        outdate_metadata(shadow, pc);
    }

    fn store_bytes(&mut self, state: &mut State) {
        let shadow = self.edit(state);
        shadow.private = true;
        for slice in &mut shadow.slices {
            slice.dirty = None;
        }
        shadow.lost.clear();
    }

    /// Something else is tried where a slice is NULL.
    pub(super) fn tries_again(&mut self, state: &mut State) {
        if self.shadow(state).slices.iter().any(|slice| slice.owes_fallback) {
            forget_fallbacks(self.edit(state));
        }
    }

    /// Dynptrs describe the packet as it was.
    fn outdate(&mut self, state: &mut State, pc: Pc, call: Call, regs: &[Reg; 5], result: u32) {
        // Dynptrs made before are still right as far as they go, if only the end moves away.
        let grows = match call.name {
            "bpf_xdp_adjust_tail" => regs[1].num.s32_min >= 0 || regs[1].as_constant().is_none(),
            "bpf_skb_change_tail" => true,
            _ => false,
        };
        if grows {
            return;
        }
        for dynptr in &mut self.edit(state).dynptrs {
            if dynptr.memory.is_packet() {
                dynptr.outdated.get_or_insert((pc, result));
            }
        }
    }

    /// A global function was called, which is followed alone.
    fn global(&mut self, state: &mut State, pc: Pc, subprog: u32, args: &Arguments) {
        let root = state.frames.first().map_or(0, |frame| frame.subprog);
        let mut packets = 0;
        if root != 0 {
            self.found.passes(root, subprog, None);
        }
        for (index, reg) in (0_u8..).zip(&args.regs) {
            let Some((kind, id, reference)) = dynptr::of_pointer(state, reg) else { continue };
            let known = self.shadow(state).dynptr(id).map(|known| known.memory);
            match known.unwrap_or_else(|| Memory::of(kind, reference)) {
                Memory::Skb => packets |= 1 << index,
                Memory::Argument(own) if root != 0 => {
                    self.found.passes(root, subprog, Some((own, index)));
                }
                _ => {}
            }
        }
        let is_of_skb = |memory| matches!(memory, Memory::Skb | Memory::Meta);
        if !self.shadow(state).slices.iter().any(|slice| is_of_skb(slice.memory)) {
            return;
        }
        for slice in &mut self.edit(state).slices {
            if is_of_skb(slice.memory) {
                slice.stale.get_or_insert((pc, Why::Global { subprog, arguments: packets }));
            }
        }
    }

    /// The function that is followed alone writes to memory.
    pub(super) fn has_effect(&mut self, state: &State, memory: Memory) {
        let root = state.frames.first().map_or(0, |frame| frame.subprog);
        match memory {
            _ if root == 0 => {}
            Memory::Skb | Memory::Meta => self.found.effect(root, Effect::Packet),
            Memory::Argument(index) => self.found.effect(root, Effect::Argument(index)),
            _ => {}
        }
    }
}

fn forget_fallbacks(shadow: &mut Shadow) {
    for slice in &mut shadow.slices {
        slice.owes_fallback = false;
    }
}

/// What makes the packet private may drop its metadata.
pub(super) fn outdate_metadata(shadow: &mut Shadow, pc: Pc) {
    for dynptr in shadow.dynptrs.iter_mut().filter(|dynptr| dynptr.memory == Memory::Meta) {
        dynptr.outdated.get_or_insert((pc, 0));
    }
}

/// The argument of the function is a pointer to something `const`.
fn is_const_argument(program: &Program<'_>, subprog: u32, index: u8) -> bool {
    let find = || {
        let btf = program.btf?;
        let function = btf.get(program.functions.get(subprog as usize)?.ty)?;
        let proto = btf.get(function.target()?)?;
        let pointer = btf.get(proto.params().get(usize::from(index))?.ty)?;
        Some(btf.get(pointer.target()?)?.kind() == btf::Kind::Const)
    };
    find().unwrap_or(false)
}
