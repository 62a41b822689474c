//! Storage that belongs to objects of the kernel: sockets, tasks, inodes, control groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use bpf_object::Definition;

use super::{Errno, Map};
use crate::fault::{Death, Origin, Stop};
use crate::helpers::errno;
use crate::memory::{Address, AllocId, Lifetime, Memory};

/// The one owner of storage that belongs to the control group of a run.
pub(crate) const GROUP: [u8; 8] = [0; 8];

/// Storage by owner: a key is the address of the owner, 8 bytes. User space has file descriptors for keys, of which there
/// are none.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    name: Arc<str>,
    values: BTreeMap<[u8; 8], AllocId>,
    value_size: usize,
    gone: Vec<AllocId>,
}

impl Storage {
    pub(super) fn new(name: &str, definition: &Definition) -> Self {
        Self {
            name: name.into(),
            values: BTreeMap::new(),
            value_size: definition.value_size as usize,
            gone: Vec::new(),
        }
    }
}

impl Map for Storage {
    fn lookup(&mut self, _: &mut Memory, key: &[u8]) -> Result<Option<Address>, Stop> {
        let owner: Option<[u8; 8]> = key.try_into().ok();
        Ok(owner.and_then(|owner| self.values.get(&owner)).map(|value| value.at(0)))
    }

    fn update(
        &mut self,
        memory: &mut Memory,
        key: &[u8],
        value: &[u8],
        _: u64,
    ) -> Result<Errno, Stop> {
        let Ok(owner) = <[u8; 8]>::try_from(key) else { return Ok(-errno::EBADF) };
        let origin = Origin::MapValue(self.name.clone());
        let id = memory.allocate(self.value_size, origin, true, Lifetime::Maps)?;
        let place = memory.bytes_mut(id).and_then(|place| place.get_mut(..value.len()));
        if let Some(place) = place {
            place.copy_from_slice(value);
        }
        self.gone.extend(self.values.insert(owner, id));
        Ok(0)
    }

    fn delete(&mut self, _: &mut Memory, key: &[u8]) -> Result<Errno, Stop> {
        let owner: Option<[u8; 8]> = key.try_into().ok();
        let removed = owner.and_then(|owner| self.values.remove(&owner));
        self.gone.extend(removed);
        Ok(if removed.is_some() { 0 } else { -errno::ENOENT })
    }

    fn entries(&self, _: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
        Vec::new()
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
