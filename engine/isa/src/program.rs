//! A program: instructions by slot.

use crate::decode::decode;
use crate::{DecodeError, Endian, Insn, Pc, RawInsn, ReadError};

/// The instructions of a program, addressed by slot. The second slot of an [`Insn::LoadImm`] has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    slots: Vec<Option<Insn>>,
}

impl Program {
    /// Decodes slots; the first one that is no valid instruction is an error, in the order of the slots.
    pub fn decode(slots: &[RawInsn]) -> Result<Self, DecodeError> {
        let (program, errors) = Self::decode_partial(slots);
        match errors.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(program),
        }
    }

    /// Decodes the slots that are valid and returns the errors of the others, in order. A slot with an
    /// error is left without an instruction, so that a verifier can say what the kernel says first.
    pub fn decode_partial(raw: &[RawInsn]) -> (Self, Vec<DecodeError>) {
        let mut slots = Vec::with_capacity(raw.len());
        let mut errors = Vec::new();
        while let Some(&slot) = raw.get(slots.len()) {
            match decode(slot, raw.get(slots.len() + 1).copied()) {
                Ok(insn) => push(&mut slots, insn),
                Err(kind) => {
                    errors.push(DecodeError { pc: Pc::from_index(slots.len()), raw: slot, kind });
                    slots.push(None);
                }
            }
        }
        (Self { slots }, errors)
    }

    /// Reads and decodes the bytes of a program.
    pub fn from_bytes(bytes: &[u8], endian: Endian) -> Result<Self, ReadError> {
        Ok(Self::decode(&read(bytes, endian)?)?)
    }

    /// The instruction that begins at a slot; `None` in the second slot of an instruction, where decoding
    /// failed, and outside of the program.
    pub fn get(&self, pc: Pc) -> Option<&Insn> {
        self.slots.get(pc.index())?.as_ref()
    }

    /// The slot is the second one of an [`Insn::LoadImm`].
    pub fn is_second_slot(&self, pc: Pc) -> bool {
        let first = pc.index().checked_sub(1).and_then(|first| self.slots.get(first));
        matches!(first, Some(Some(Insn::LoadImm(_))))
    }

    /// How many slots there are.
    pub fn slot_count(&self) -> usize {
        self.slots.len()
    }

    /// The instructions with their slots, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Pc, &Insn)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(index, slot)| Some((Pc::from_index(index), slot.as_ref()?)))
    }

    /// The slots of the program. A slot where decoding failed becomes zero, which is no instruction.
    pub fn encode(&self) -> Vec<RawInsn> {
        let mut raw = vec![RawInsn::default(); self.slots.len()];
        for (pc, insn) in self.iter() {
            let (first, second) = insn.encode();
            raw[pc.index()] = first;
            if let Some(second) = second {
                raw[pc.index() + 1] = second;
            }
        }
        raw
    }

    /// The bytes of the program, as [`Program::encode`].
    pub fn to_bytes(&self, endian: Endian) -> Vec<u8> {
        self.encode().into_iter().flat_map(|slot| slot.to_bytes(endian)).collect()
    }
}

impl FromIterator<Insn> for Program {
    fn from_iter<I: IntoIterator<Item = Insn>>(insns: I) -> Self {
        let mut slots = Vec::new();
        for insn in insns {
            push(&mut slots, insn);
        }
        Self { slots }
    }
}

fn push(slots: &mut Vec<Option<Insn>>, insn: Insn) {
    slots.push(Some(insn));
    if insn.slots() == 2 {
        slots.push(None);
    }
}

/// The slots in `bytes`; their fields are not looked at.
pub fn read(bytes: &[u8], endian: Endian) -> Result<Vec<RawInsn>, ReadError> {
    let (slots, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(ReadError::Length(bytes.len()));
    }
    Ok(slots.iter().map(|&slot| RawInsn::from_bytes(slot, endian)).collect())
}
