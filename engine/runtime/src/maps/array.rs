//! Arrays, with one value for each index or, as there is one processor, per processor.

use bpf_object::Definition;

use super::{Errno, Map};
use crate::fault::Stop;
use crate::helpers::errno;
use crate::memory::{Address, AllocId, Memory};

/// `BPF_NOEXIST`.
const NOEXIST: u64 = 1;
/// The greatest flag that says whether the key may be there: `BPF_EXIST`.
const EXIST: u64 = 2;

/// An array.
#[derive(Clone, Debug)]
pub(super) struct Array {
    values: AllocId,
    value_size: usize,
    stride: usize,
    len: u32,
}

/// The distance of values: their size, rounded up to 8 bytes.
pub(super) fn stride(definition: &Definition) -> usize {
    (definition.value_size as usize).next_multiple_of(8)
}

impl Array {
    pub(super) fn new(definition: &Definition, values: AllocId) -> Self {
        Self {
            values,
            value_size: definition.value_size as usize,
            stride: stride(definition),
            len: definition.max_entries,
        }
    }

    fn place(&self, key: &[u8]) -> Option<Address> {
        let index = u32::from_le_bytes(*key.first_chunk()?);
        let at = (index as usize).checked_mul(self.stride)?;
        (index < self.len).then(|| self.values.at(i64::try_from(at).unwrap_or(i64::MAX)))
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
        if flags > EXIST {
            return Ok(-errno::EINVAL);
        }
        let Some(place) = self.place(key) else { return Ok(-errno::E2BIG) };
        if flags == NOEXIST {
            return Ok(-errno::EEXIST);
        }
        memory.put(place, value)?;
        Ok(0)
    }

    fn delete(&mut self, _: &mut Memory, _: &[u8]) -> Result<Errno, Stop> {
        Ok(-errno::EINVAL)
    }

    fn entries(&self, memory: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
        let bytes = memory.bytes(self.values).unwrap_or_default();
        let values = bytes.chunks(self.stride.max(1)).take(self.len as usize).zip(0_u32..);
        let entry = |(value, index): (&[u8], u32)| {
            (index.to_le_bytes().to_vec(), value.get(..self.value_size).unwrap_or(value).to_vec())
        };
        values.map(entry).collect()
    }

    fn snapshot(&self) -> Box<dyn Map> {
        Box::new(self.clone())
    }
}
