//! Whether what was found out from a stored state holds for another one (`states_equal`).

use super::idmap::IdMap;
use super::visit::frame_pc;
use crate::cx::InsnAux;
use crate::state::{Detail, Frame, RefKind, Reg, RegKind, SlotKind, StackSlot, State, StateId};

use super::store::Explored;

/// How alike states must be (`enum exact_level`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Level {
    /// The new one must be no wider where the old one must be exact.
    NotExact,
    /// They must be the same.
    Exact,
    /// The new one must be no wider.
    RangeWithin,
}

/// What a comparison depends on, beside the states.
struct Comparison<'a> {
    ids: &'a mut IdMap,
    level: Level,
    /// Uninitialised stack may be read.
    allows_uninit: bool,
    /// Numbers must be the same (`explore_alu_limits`).
    strict_numbers: bool,
}

/// Whether a stored state covers another.
pub(super) fn covers(
    explored: &mut Explored,
    aux: &[InsnAux],
    (last_id, allows_uninit): (u32, bool),
    (old, new): (StateId, &State),
    level: Level,
) -> bool {
    let mut ids = std::mem::take(&mut explored.ids);
    ids.reset(last_id);
    let strict_numbers = explored.strict_numbers;
    let mut comparison = Comparison { ids: &mut ids, level, allows_uninit, strict_numbers };
    let covers = comparison.states(aux, explored.state(old), new);
    explored.ids = ids;
    covers
}

impl Comparison<'_> {
    fn states(&mut self, aux: &[InsnAux], old: &State, new: &State) -> bool {
        if old.frames.len() != new.frames.len()
            || old.speculative && !new.speculative
            || old.in_sleepable != new.in_sleepable
            || !self.refs(old, new)
        {
            return false;
        }
        old.frames.iter().zip(&new.frames).enumerate().all(|(number, (old_frame, new_frame))| {
            let pc = frame_pc(old, number);
            let live = aux.get(pc.index()).map_or(u16::MAX, |aux| aux.live_regs);
            old_frame.callsite == new_frame.callsite && self.frames(old_frame, new_frame, live)
        })
    }

    /// `refsafe`
    fn refs(&mut self, old: &State, new: &State) -> bool {
        old.refs.len() == new.refs.len()
            && old.active_locks == new.active_locks
            && old.active_preempt_locks == new.active_preempt_locks
            && old.active_rcu_locks == new.active_rcu_locks
            && self.ids.matches(old.active_irq_id, new.active_irq_id)
            && self.ids.matches(old.active_lock_id, new.active_lock_id)
            && old.active_lock_ptr == new.active_lock_ptr
            && old.refs.iter().zip(&new.refs).all(|(old, new)| {
                let is_lock = match old.kind {
                    RefKind::Ptr | RefKind::Irq => false,
                    RefKind::Lock | RefKind::ResLock | RefKind::ResLockIrq => true,
                };
                self.ids.matches(old.id, new.id)
                    && old.kind == new.kind
                    && (!is_lock || old.owner == new.owner)
            })
    }

    /// `func_states_equal`
    fn frames(&mut self, old: &Frame, new: &Frame, live: u16) -> bool {
        old.callback_depth <= new.callback_depth
            && old
                .regs
                .iter()
                .zip(&new.regs)
                .enumerate()
                .all(|(number, (old, new))| live >> number & 1 == 0 || self.regs(old, new))
            && self.stacks(old, new)
    }

    /// `regsafe`
    fn regs(&mut self, old: &Reg, new: &Reg) -> bool {
        if self.level == Level::Exact {
            return self.regs_exact(old, new);
        }
        if old.kind() == RegKind::NotInit
            && (self.level == Level::NotExact || new.kind() == RegKind::NotInit)
        {
            return true;
        }
        if old.ty != new.ty {
            return false;
        }
        match old.kind() {
            RegKind::Scalar => self.scalars(old, new),
            RegKind::MapKey
            | RegKind::MapValue
            | RegKind::Mem
            | RegKind::Buf
            | RegKind::TpBuffer => {
                old.off == new.off
                    && old.detail == new.detail
                    && covers_number(old, new)
                    && self.ids.matches(old.id, new.id)
                    && self.ids.matches(old.ref_obj_id, new.ref_obj_id)
            }
            RegKind::Packet | RegKind::PacketMeta => {
                let (old_range, new_range) = (old.range(), new.range());
                let is_range_safe = if old_range < 0 || new_range < 0 {
                    old_range == new_range
                } else {
                    old_range <= new_range
                };
                is_range_safe
                    && old.off == new.off
                    && self.ids.matches(old.id, new.id)
                    && covers_number(old, new)
            }
            RegKind::Stack => self.regs_exact(old, new) && old.frame == new.frame,
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
            | RegKind::Dynptr => self.regs_exact(old, new),
        }
    }

    fn scalars(&mut self, old: &Reg, new: &Reg) -> bool {
        use crate::state::ADD_CONST;
        if self.strict_numbers {
            return is_same(old, new) && self.ids.matches_scalars(old.id, new.id);
        }
        if !old.precise && self.level == Level::NotExact {
            return true;
        }
        // A number that was linked with none does not mind what the other is linked with. Otherwise both are at a distance
        // from what they are linked with or none is, and the sums are of the same width (`regsafe` of 6.18.44).
        let (old_sum, new_sum) = (old.id & ADD_CONST, new.id & ADD_CONST);
        if old.id != 0 && old_sum != new_sum || old_sum != 0 && old.off != new.off {
            return false;
        }
        self.ids.matches_scalars(old.id, new.id) && covers_number(old, new)
    }

    /// `regs_exact`
    fn regs_exact(&mut self, old: &Reg, new: &Reg) -> bool {
        is_same(old, new)
            && self.ids.matches(old.id, new.id)
            && self.ids.matches(old.ref_obj_id, new.ref_obj_id)
    }

    /// `stacksafe`
    fn stacks(&mut self, old: &Frame, new: &Frame) -> bool {
        for (index, old) in old.stack.iter().enumerate() {
            let Some(new) = new.stack.get(index) else {
                if self.level == Level::Exact || old.kinds.iter().any(|kind| self.is_used(*kind)) {
                    return false;
                }
                continue;
            };
            if !self.slots(old, new) {
                return false;
            }
        }
        true
    }

    /// The byte of a stored state matters.
    fn is_used(&self, kind: SlotKind) -> bool {
        match kind {
            SlotKind::Invalid => false,
            SlotKind::Misc => !self.allows_uninit,
            SlotKind::Spill
            | SlotKind::Zero
            | SlotKind::Dynptr
            | SlotKind::Iter
            | SlotKind::IrqFlag => true,
        }
    }

    fn slots(&mut self, old: &StackSlot, new: &StackSlot) -> bool {
        if self.level == Level::Exact && old.kinds != new.kinds {
            return false;
        }
        if !old.kinds.iter().any(|kind| self.is_used(*kind)) {
            return true;
        }
        if let (Some(old), Some(new)) = (self.as_scalar(old), self.as_scalar(new)) {
            return self.regs(&old, &new);
        }
        let are_kinds_safe = old.kinds.iter().zip(&new.kinds).all(|(old, new)| {
            !self.is_used(*old) || old == new || (*old, *new) == (SlotKind::Misc, SlotKind::Zero)
        });
        // What the whole slot is matters only if the byte that tells it is the same in both.
        are_kinds_safe && (old.kind() != new.kind() || self.contents(old, new))
    }

    fn contents(&mut self, old: &StackSlot, new: &StackSlot) -> bool {
        let (kind, old, new) = (old.kind(), &old.spilled, &new.spilled);
        match kind {
            SlotKind::Spill => self.regs(old, new),
            SlotKind::Dynptr => {
                old.detail == new.detail && self.ids.matches(old.ref_obj_id, new.ref_obj_id)
            }
            SlotKind::Iter => {
                let step = |reg: &Reg| match reg.detail {
                    Detail::Iter { id, state, .. } => Some((id, state)),
                    _ => None,
                };
                // What protects the iterator is not compared.
                step(old) == step(new) && self.ids.matches(old.ref_obj_id, new.ref_obj_id)
            }
            SlotKind::IrqFlag => {
                self.ids.matches(old.ref_obj_id, new.ref_obj_id) && old.detail == new.detail
            }
            SlotKind::Misc | SlotKind::Zero | SlotKind::Invalid => true,
        }
    }

    /// What a load of the slot gives, if that is a number (`scalar_reg_for_stack`).
    fn as_scalar(&self, slot: &StackSlot) -> Option<Reg> {
        if slot.kinds[0] == SlotKind::Spill && slot.is_spilled_scalar() {
            return Some(slot.spilled);
        }
        let is_any = |kind: &SlotKind| match kind {
            SlotKind::Misc => true,
            SlotKind::Invalid => self.allows_uninit,
            _ => false,
        };
        slot.kinds.iter().all(is_any).then(Reg::unknown)
    }
}

/// Everything but identities and marks is the same.
pub(super) fn is_same(old: &Reg, new: &Reg) -> bool {
    old.ty == new.ty && old.off == new.off && old.detail == new.detail && old.num == new.num
}

/// The ranges and bits of the old number cover those of the new one (`range_within` and `tnum_in`).
fn covers_number(old: &Reg, new: &Reg) -> bool {
    old.num.covers_ranges(&new.num) && new.num.bits.leq(old.num.bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{ADD_CONST32, ADD_CONST64};

    #[test]
    fn precise_numbers_must_be_linked_alike() {
        let number = |id, off| Reg { id, off, precise: true, ..Reg::unknown() };
        for (old, new, expected) in [
            ((0, 0), (5, 0), true),
            ((0, 0), (5 | ADD_CONST64, 4), true),
            ((3, 0), (5, 0), true),
            ((3, 0), (0, 0), true),
            ((3, 0), (5 | ADD_CONST64, 4), false),
            ((3 | ADD_CONST64, 4), (5 | ADD_CONST64, 4), true),
            ((3 | ADD_CONST64, 4), (5 | ADD_CONST64, 8), false),
            // Sums of 32 bits have no upper half.
            ((3 | ADD_CONST64, 4), (5 | ADD_CONST32, 4), false),
            ((3 | ADD_CONST32, 4), (5 | ADD_CONST64, 4), false),
            ((3 | ADD_CONST32, 4), (5 | ADD_CONST32, 4), true),
        ] {
            let mut ids = IdMap::default();
            ids.reset(10);
            let mut comparison = Comparison {
                ids: &mut ids,
                level: Level::NotExact,
                allows_uninit: true,
                strict_numbers: false,
            };
            let found = comparison.regs(&number(old.0, old.1), &number(new.0, new.1));
            assert_eq!(found, expected, "{old:?} {new:?}");
        }
    }
}
