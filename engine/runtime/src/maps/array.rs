//! Arrays, with one value for each index or, as there is one processor, per processor.

use bpf_object::Definition;

use super::special::Special;
use super::{Errno, Map};
use crate::fault::{FaultKind, Stop};
use crate::helpers::errno;
use crate::memory::{Address, AllocId, Memory};

/// `BPF_NOEXIST`.
const NOEXIST: u64 = 1;
/// The greatest flag that says whether the key may be there: `BPF_EXIST`.
const EXIST: u64 = 2;
/// `BPF_F_LOCK`
const LOCK: u64 = 4;

/// An array.
#[derive(Clone, Debug)]
pub(super) struct Array {
    values: AllocId,
    value_size: usize,
    stride: usize,
    len: u32,
    special: Special,
}

/// The distance of values: their size, rounded up to 8 bytes.
pub(super) fn stride(definition: &Definition) -> usize {
    (definition.value_size as usize).next_multiple_of(8)
}

impl Array {
    pub(super) fn new(definition: &Definition, values: AllocId, special: Special) -> Self {
        Self {
            values,
            value_size: definition.value_size as usize,
            stride: stride(definition),
            len: definition.max_entries,
            special,
        }
    }

    fn place(&self, key: &[u8]) -> Option<Address> {
        let index = u32::from_le_bytes(*key.first_chunk()?);
        let at = (index as usize).checked_mul(self.stride)?;
        (index < self.len).then(|| self.values.at(i64::try_from(at).unwrap_or(i64::MAX)))
    }
}

impl Array {
    /// The bytes of an element, which user space may change where programs may not.
    fn value<'m>(&self, memory: &'m mut Memory, place: Address) -> Result<&'m mut [u8], Stop> {
        let at = usize::try_from(place.wrapping_sub(self.values.at(0))).unwrap_or(usize::MAX);
        let bytes = memory.bytes_mut(self.values).and_then(|bytes| bytes.get_mut(at..));
        let value = bytes.and_then(|rest| rest.get_mut(..self.value_size));
        value.ok_or(FaultKind::Internal("an array is too short").into())
    }
}

impl Map for Array {
    fn lookup(&mut self, _: &mut Memory, key: &[u8]) -> Result<Option<Address>, Stop> {
        Ok(self.place(key))
    }

    fn update(
        &mut self,
        memory: &mut Memory,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<Errno, Stop> {
        // The order is that of `array_map_update_elem`.
        if flags & !LOCK > EXIST {
            return Ok(-errno::EINVAL);
        }
        let Some(place) = self.place(key) else { return Ok(-errno::E2BIG) };
        if flags & NOEXIST != 0 {
            return Ok(-errno::EEXIST);
        }
        if flags & LOCK != 0 && !self.special.has_lock {
            return Ok(-errno::EINVAL);
        }
        self.special.copy(self.value(memory, place)?, value);
        Ok(0)
    }

    fn delete(&mut self, _: &mut Memory, _: &[u8]) -> Result<Errno, Stop> {
        Ok(-errno::EINVAL)
    }

    fn entries(&self, memory: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
        let bytes = memory.bytes(self.values).unwrap_or_default();
        let values = bytes.chunks(self.stride.max(1)).take(self.len as usize).zip(0_u32..);
        let entry = |(value, index): (&[u8], u32)| {
            let value = value.get(..self.value_size).unwrap_or(value).to_vec();
            (index.to_le_bytes().to_vec(), self.special.hide(value))
        };
        values.map(entry).collect()
    }

    fn snapshot(&self) -> Box<dyn Map> {
        Box::new(self.clone())
    }
}
