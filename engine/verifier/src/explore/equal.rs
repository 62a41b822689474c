//! Whether a state is at least as safe as one that was found safe (`states_equal`).

use super::idmap::IdMap;
use crate::cx::Cx;
use crate::state::{
    ADD_CONST, Detail, Frame, RefKind, Reg, RegKind, SlotKind, StackSlot, State, StateId,
};

/// How alike states must be (`enum exact_level`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exact {
    /// Numbers count only where they matter.
    Not,
    /// Everything must be the same.
    Yes,
    /// Numbers must lie within those of the other, whether or not they matter.
    Within,
}

/// Whether the stored state covers the other one.
pub(super) fn covers(cx: &mut Cx<'_>, old: StateId, new: &State, exact: Exact) -> bool {
    let mut ids = std::mem::take(&mut cx.explored.ids);
    ids.reset(cx.last_id);
    let comparison = Comparison { cx, exact, uninit_is_misc: cx.program.options.privileged };
    let result = comparison.states(cx.explored.state(old), new, &mut ids);
    cx.explored.ids = ids;
    result
}

struct Comparison<'c, 'a> {
    cx: &'c Cx<'a>,
    exact: Exact,
    /// Bytes never written may be read (`allow_uninit_stack`).
    uninit_is_misc: bool,
}

impl Comparison<'_, '_> {
    fn states(&self, old: &State, new: &State, ids: &mut IdMap) -> bool {
        old.frames.len() == new.frames.len()
            && (!old.speculative || new.speculative)
            && old.in_sleepable == new.in_sleepable
            && references(old, new, ids)
            && old.frames.iter().zip(&new.frames).enumerate().all(|(index, (old_frame, frame))| {
                let pc = old.frame_pc(index);
                let live = self.cx.aux.get(pc.index()).map_or(u16::MAX, |aux| aux.live_regs);
                old_frame.callsite == frame.callsite && self.frames(old_frame, frame, live, ids)
            })
    }

    fn frames(&self, old: &Frame, new: &Frame, live: u16, ids: &mut IdMap) -> bool {
        if old.callback_depth > new.callback_depth {
            return false;
        }
        let regs = old.regs.iter().zip(&new.regs).enumerate();
        let mut regs = regs.filter(|(number, _)| live >> number & 1 != 0);
        regs.all(|(_, (old, new))| self.reg(old, new, ids)) && self.stack(old, new, ids)
    }

    /// `regsafe`
    fn reg(&self, old: &Reg, new: &Reg, ids: &mut IdMap) -> bool {
        if self.exact == Exact::Yes {
            return regs_exact(old, new, ids);
        }
        if old.kind() == RegKind::NotInit {
            return true;
        }
        if old.ty != new.ty {
            return false;
        }
        let within = || old.num.covers_ranges(&new.num) && new.num.bits.leq(old.num.bits);
        match old.kind() {
            RegKind::Scalar => {
                if !old.precise && self.exact == Exact::Not {
                    return true;
                }
                self.scalar_ids(old, new, ids) && within()
            }
            RegKind::MapKey
            | RegKind::MapValue
            | RegKind::Mem
            | RegKind::Buf
            | RegKind::TpBuffer => {
                old.off == new.off
                    && old.detail == new.detail
                    && within()
                    && ids.matches(old.id, new.id)
                    && ids.matches(old.ref_obj_id, new.ref_obj_id)
            }
            RegKind::PacketMeta | RegKind::Packet => {
                let (had, has) = (old.range(), new.range());
                let in_range = if had < 0 || has < 0 { had == has } else { had <= has };
                in_range && old.off == new.off && ids.matches(old.id, new.id) && within()
            }
            RegKind::Stack => old.frame == new.frame && regs_exact(old, new, ids),
            RegKind::Arena => true,
            RegKind::NotInit
            | RegKind::Ctx
            | RegKind::ConstMapPtr
            | RegKind::PacketEnd
            | RegKind::FlowKeys
            | RegKind::Socket
            | RegKind::SockCommon
            | RegKind::TcpSock
            | RegKind::XdpSock
            | RegKind::BtfId
            | RegKind::Func
            | RegKind::Dynptr => regs_exact(old, new, ids),
        }
    }

    /// Numbers that are linked must be linked alike, at the same distances.
    #[expect(clippy::unused_self, reason = "one of the questions about registers")]
    fn scalar_ids(&self, old: &Reg, new: &Reg, ids: &mut IdMap) -> bool {
        if old.id != 0 && (old.id ^ new.id) & ADD_CONST != 0 {
            return false;
        }
        if old.id & ADD_CONST != 0 && old.off != new.off {
            return false;
        }
        if !ids.matches_scalars(old.id, new.id) {
            return false;
        }
        // Those without a distance are known by the identity alone.
        old.id & ADD_CONST == 0 || ids.matches_scalars(old.id & !ADD_CONST, new.id & !ADD_CONST)
    }

    /// `stacksafe`
    fn stack(&self, old: &Frame, new: &Frame, ids: &mut IdMap) -> bool {
        (0..old.stack.len()).all(|slot| {
            let before = &old.stack[slot];
            match new.stack.get(slot) {
                Some(now) => self.slot(before, now, ids),
                None => self.slot_without(before),
            }
        })
    }

    /// The other stack ends before this slot.
    fn slot_without(&self, old: &StackSlot) -> bool {
        old.kinds.iter().all(|kind| match kind {
            SlotKind::Invalid => true,
            SlotKind::Misc => self.uninit_is_misc,
            _ => false,
        })
    }

    fn slot(&self, old: &StackSlot, new: &StackSlot, ids: &mut IdMap) -> bool {
        let plain = |kind| {
            if self.uninit_is_misc && kind == SlotKind::Misc { SlotKind::Invalid } else { kind }
        };
        let mut byte = 0;
        while byte < 8 {
            let (before, now) = (old.kinds[byte], new.kinds[byte]);
            if self.exact == Exact::Yes && plain(before) != plain(now) {
                return false;
            }
            if before == SlotKind::Invalid || (self.uninit_is_misc && before == SlotKind::Misc) {
                byte += 1;
                continue;
            }
            if let (Some(old), Some(new)) = (self.as_number(old), self.as_number(new)) {
                // The rest of the slot is the same number.
                return self.reg(&old, &new, ids);
            }
            if before == SlotKind::Misc && now == SlotKind::Zero {
                byte += 1;
                continue;
            }
            if before != now {
                return false;
            }
            if byte == 7 && !self.content(before, &old.spilled, &new.spilled, ids) {
                return false;
            }
            byte += 1;
        }
        true
    }

    /// The whole slot as a number (`scalar_reg_for_stack`).
    fn as_number(&self, slot: &StackSlot) -> Option<Reg> {
        if slot.kinds[0] == SlotKind::Spill && slot.spilled.is_scalar() {
            return Some(slot.spilled);
        }
        let is_misc = |kind: &SlotKind| {
            *kind == SlotKind::Misc || (*kind == SlotKind::Invalid && self.uninit_is_misc)
        };
        slot.kinds.iter().all(is_misc).then(Reg::unknown)
    }

    fn content(&self, kind: SlotKind, old: &Reg, new: &Reg, ids: &mut IdMap) -> bool {
        match kind {
            SlotKind::Spill => self.reg(old, new, ids),
            SlotKind::Dynptr => old.detail == new.detail && ids.matches(old.id, new.id),
            SlotKind::Iter => {
                let same = match (old.detail, new.detail) {
                    (Detail::Iter { id, state, .. }, Detail::Iter { id: now, state: is, .. }) => {
                        id == now && state == is
                    }
                    _ => false,
                };
                same && ids.matches(old.ref_obj_id, new.ref_obj_id)
            }
            SlotKind::IrqFlag => {
                ids.matches(old.ref_obj_id, new.ref_obj_id) && old.detail == new.detail
            }
            SlotKind::Misc | SlotKind::Zero | SlotKind::Invalid => true,
        }
    }
}

/// Everything is the same but for identities, which correspond (`regs_exact`).
pub(super) fn regs_exact(old: &Reg, new: &Reg, ids: &mut IdMap) -> bool {
    old.ty == new.ty
        && old.off == new.off
        && old.detail == new.detail
        && old.num == new.num
        && ids.matches(old.id, new.id)
        && ids.matches(old.ref_obj_id, new.ref_obj_id)
}

/// `refsafe`
fn references(old: &State, new: &State, ids: &mut IdMap) -> bool {
    old.refs.len() == new.refs.len()
        && old.active_locks == new.active_locks
        && old.active_preempt_locks == new.active_preempt_locks
        && old.active_rcu_locks == new.active_rcu_locks
        && ids.matches(old.active_irq_id, new.active_irq_id)
        && ids.matches(old.active_lock_id, new.active_lock_id)
        && old.active_lock_ptr == new.active_lock_ptr
        && old.refs.iter().zip(&new.refs).all(|(old, new)| {
            let owner = match old.kind {
                RefKind::Ptr | RefKind::Irq => true,
                RefKind::Lock | RefKind::ResLock | RefKind::ResLockIrq => old.owner == new.owner,
            };
            ids.matches(old.id, new.id) && old.kind == new.kind && owner
        })
}

/// The innermost frames have the same registers, so that nothing may have changed since (`states_maybe_looping`).
pub(super) fn may_loop(old: &State, new: &State) -> bool {
    let same = |(old, new): (&Reg, &Reg)| {
        old.ty == new.ty
            && old.off == new.off
            && old.detail == new.detail
            && old.num == new.num
            && old.id == new.id
            && old.ref_obj_id == new.ref_obj_id
    };
    old.frames.len() == new.frames.len() && old.frame().regs.iter().zip(&new.frame().regs).all(same)
}

/// An iterator that goes on was stepped since (`iter_active_depths_differ`).
pub(super) fn iterators_differ(old: &State, new: &State) -> bool {
    old.frames.iter().zip(&new.frames).any(|(old, new)| {
        old.stack.iter().zip(&new.stack).any(|(old, new)| {
            if old.kinds[0] != SlotKind::Iter {
                return false;
            }
            match (old.spilled.detail, new.spilled.detail) {
                (
                    Detail::Iter { state: crate::state::IterState::Active, depth, .. },
                    Detail::Iter { depth: now, .. },
                ) => depth != now,
                _ => false,
            }
        })
    })
}
