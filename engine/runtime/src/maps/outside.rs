//! Maps of what is not in the model: sockets, sockets of queues of network devices, control groups. They are empty, as a test
//! run finds them; for the latter two it can be said which there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use bpf_object::Definition;

use super::{Errno, Map};
use crate::fault::{Origin, Stop};
use crate::helpers::errno;
use crate::memory::{Address, AllocId, Lifetime, Memory};

/// A map in which nothing is found.
#[derive(Clone, Debug)]
pub(super) struct Outside;

impl Map for Outside {
    fn lookup(&mut self, _: &mut Memory, _: &[u8]) -> Result<Option<Address>, Stop> {
        Ok(None)
    }

    fn update(&mut self, _: &mut Memory, _: &[u8], _: &[u8], _: u64) -> Result<Errno, Stop> {
        // What user space gives is a file descriptor, and there is none of a socket.
        Ok(-errno::EBADF)
    }

    fn delete(&mut self, _: &mut Memory, _: &[u8]) -> Result<Errno, Stop> {
        Ok(-errno::ENOENT)
    }

    fn entries(&self, _: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
        Vec::new()
    }

    fn snapshot(&self) -> Box<dyn Map> {
        Box::new(self.clone())
    }
}

/// An array of what user space names with file descriptors and the model with numbers: sockets of `AF_XDP` by the queues
/// that they are bound to, which is what programs can read of them (`struct bpf_xdp_sock`), and control groups by their
/// identifiers.
#[derive(Clone, Debug)]
pub(super) struct Numbered {
    name: Arc<str>,
    known: BTreeMap<u32, AllocId>,
    len: u32,
}

impl Numbered {
    pub(super) fn new(name: &str, definition: &Definition) -> Self {
        Self { name: name.into(), known: BTreeMap::new(), len: definition.max_entries }
    }

    fn index(key: &[u8]) -> u32 {
        key.first_chunk().map_or(u32::MAX, |key| u32::from_le_bytes(*key))
    }
}

impl Map for Numbered {
    fn lookup(&mut self, _: &mut Memory, key: &[u8]) -> Result<Option<Address>, Stop> {
        Ok(self.known.get(&Self::index(key)).map(|one| one.at(0)))
    }

    fn update(
        &mut self,
        memory: &mut Memory,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<Errno, Stop> {
        const NOEXIST: u64 = 1;
        const EXIST: u64 = 2;
        // The order is that of `xsk_map_update_elem`.
        let index = Self::index(key);
        let known = self.known.contains_key(&index);
        if flags > EXIST {
            return Ok(-errno::EINVAL);
        }
        if index >= self.len {
            return Ok(-errno::E2BIG);
        }
        match (known, flags) {
            (true, NOEXIST) => return Ok(-errno::EEXIST),
            (false, EXIST) => return Ok(-errno::ENOENT),
            _ => {}
        }
        let origin = Origin::Object { name: format!("an element of map {}", self.name).into() };
        let id = memory.allocate_bytes(value, origin, false, Lifetime::Maps)?;
        self.known.insert(index, id);
        Ok(0)
    }

    fn delete(&mut self, _: &mut Memory, key: &[u8]) -> Result<Errno, Stop> {
        let index = Self::index(key);
        if index >= self.len {
            return Ok(-errno::EINVAL);
        }
        self.known.remove(&index);
        Ok(0)
    }

    fn entries(&self, memory: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
        let bytes = |id: &AllocId| memory.bytes(*id).unwrap_or_default().to_vec();
        self.known.iter().map(|(key, id)| (key.to_le_bytes().to_vec(), bytes(id))).collect()
    }

    fn snapshot(&self) -> Box<dyn Map> {
        Box::new(self.clone())
    }
}
