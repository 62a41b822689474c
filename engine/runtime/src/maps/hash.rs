//! Hash tables, with one value for each key or, as there is one processor, per processor.

use std::collections::BTreeMap;
use std::sync::Arc;

use bpf_object::Definition;

use super::{Errno, Map};
use crate::fault::{Death, Origin, Stop};
use crate::helpers::errno;
use crate::memory::{Address, AllocId, Lifetime, Memory};

/// `BPF_NOEXIST`, `BPF_EXIST`, `BPF_F_LOCK`
const NOEXIST: u64 = 1;
const EXIST: u64 = 2;
const LOCK: u64 = 4;

/// A hash table. Elements are in the order of their keys; a kernel has no order to rely on.
#[derive(Clone, Debug)]
pub(super) struct Hash {
    name: Arc<str>,
    values: BTreeMap<Vec<u8>, AllocId>,
    value_size: usize,
    most: usize,
    /// Of tables that forget: keys, the one used longest ago first.
    order: Option<Vec<Vec<u8>>>,
    /// Values that are gone, to which the program may still point.
    gone: Vec<AllocId>,
}

impl Hash {
    pub(super) fn new(name: &str, definition: &Definition, forgets: bool) -> Self {
        Self {
            name: name.into(),
            values: BTreeMap::new(),
            value_size: definition.value_size as usize,
            most: definition.max_entries as usize,
            order: forgets.then(Vec::new),
            gone: Vec::new(),
        }
    }

    /// The key was used last.
    fn touch(&mut self, key: &[u8]) {
        if let Some(order) = &mut self.order {
            order.retain(|known| known != key);
            order.push(key.to_vec());
        }
    }

    fn remove(&mut self, key: &[u8]) -> bool {
        if let Some(order) = &mut self.order {
            order.retain(|known| known != key);
        }
        let removed = self.values.remove(key);
        self.gone.extend(removed);
        removed.is_some()
    }
}

impl Map for Hash {
    fn lookup(&mut self, _: &mut Memory, key: &[u8]) -> Result<Option<Address>, Stop> {
        let value = self.values.get(key).map(|value| value.at(0));
        if value.is_some() {
            self.touch(key);
        }
        Ok(value)
    }

    fn update(
        &mut self,
        memory: &mut Memory,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<Errno, Stop> {
        // The order is that of `htab_map_update_elem`.
        if flags & !LOCK > EXIST {
            return Ok(-errno::EINVAL);
        }
        let known = self.values.get(key).copied();
        match (known, flags & !LOCK) {
            (Some(_), NOEXIST) => return Ok(-errno::EEXIST),
            (None, EXIST) => return Ok(-errno::ENOENT),
            _ => {}
        }
        if let Some(known) = known {
            self.gone.push(known);
        } else if self.values.len() >= self.most {
            let oldest = self.order.as_ref().and_then(|order| order.first().cloned());
            let Some(oldest) = oldest else { return Ok(-errno::E2BIG) };
            self.remove(&oldest);
        }
        let mut bytes = value.to_vec();
        bytes.resize(self.value_size.next_multiple_of(8), 0);
        let origin = Origin::MapValue(self.name.clone());
        let id = memory.allocate_bytes(&bytes, origin, true, Lifetime::Maps)?;
        self.values.insert(key.to_vec(), id);
        self.touch(key);
        Ok(0)
    }

    fn delete(&mut self, _: &mut Memory, key: &[u8]) -> Result<Errno, Stop> {
        Ok(if self.remove(key) { 0 } else { -errno::ENOENT })
    }

    fn entries(&self, memory: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
        let entry = |(key, value): (&Vec<u8>, &AllocId)| {
            let bytes = memory.bytes(*value).unwrap_or_default();
            (key.clone(), bytes.get(..self.value_size).unwrap_or(bytes).to_vec())
        };
        self.values.iter().map(entry).collect()
    }

    fn end_run(&mut self, memory: &mut Memory) {
        for id in self.gone.drain(..) {
            memory.release(id, Death::RunEnded);
        }
    }

    fn snapshot(&self) -> Box<dyn Map> {
        Box::new(self.clone())
    }
}
