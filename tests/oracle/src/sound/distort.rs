//! Mistakes made on purpose, to see that the comparison finds them: what the verifier says is changed before it is kept.

use verifier::{Bounds, Detail, RegKind, State};

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distortion {
    /// Numbers that are not known are said to be smaller than the greatest they can be: a bound is off by one.
    UpperBound,
    /// The same of the least they can be.
    LowerBound,
    /// The lowest bit that is not known is said to be 0.
    KnownBit,
    /// Pointers are said to be a byte further.
    Offset,
    /// One more byte is said to be in the packet behind a pointer.
    Range,
    /// Frames are mixed up: pointers into the stack are said to point into the outermost frame.
    Frame,
    /// Of two ways out of a branch, the one that was left for later is not followed.
    Branch,
}

impl Distortion {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::UpperBound,
        Self::LowerBound,
        Self::KnownBit,
        Self::Offset,
        Self::Range,
        Self::Frame,
        Self::Branch,
    ];

    /// The state with the mistake.
    pub(super) fn of(self, state: &State) -> State {
        let mut state = state.clone();
        let is_inner = state.frames.len() > 1;
        for frame in &mut state.frames {
            for reg in &mut frame.regs[..10] {
                if reg.is_scalar() && reg.as_constant().is_none() {
                    self.number(&mut reg.num);
                } else if self == Self::Offset
                    && matches!(reg.kind(), RegKind::Stack | RegKind::MapValue | RegKind::Packet)
                {
                    reg.off += 1;
                } else if let (Self::Range, Detail::Range(range @ 1..)) = (self, &mut reg.detail) {
                    *range += 1;
                } else if self == Self::Frame && is_inner {
                    reg.frame = 0;
                }
            }
        }
        state
    }

    fn number(self, num: &mut Bounds) {
        match self {
            Self::UpperBound if num.umax > num.umin => num.umax -= 1,
            Self::LowerBound if num.umax > num.umin => num.umin += 1,
            Self::KnownBit => {
                let (value, mask) = (num.bits.value(), num.bits.mask());
                num.bits = domains::Tnum::new(value, mask & mask.wrapping_sub(1));
            }
            _ => {}
        }
    }
}
