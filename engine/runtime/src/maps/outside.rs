//! Maps of what is outside of programs: sockets, sockets of queues of network devices, control groups. They are empty, as a
//! test run finds them, until it is said which there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use bpf_object::Definition;

use super::{Errno, Map};
use crate::fault::{Origin, Stop};
use crate::helpers::errno;
use crate::memory::{Address, AllocId, Lifetime, Memory};
use crate::sockets::SocketIndex;

/// Sockets by keys: `sockmap`, `sockhash` and `reuseport_sockarray`. What user space puts in is the number of a socket in
/// the table of the input, from 1; programs put in sockets that they know.
#[derive(Clone, Debug)]
pub(crate) struct Sockets {
    known: BTreeMap<Vec<u8>, Member>,
    len: u32,
    /// Keys are indices of an array.
    indexed: bool,
}

/// A socket in a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// Its number in the table of the input, from 1.
    Numbered(u32),
    /// One that the program knows.
    Known(SocketIndex),
}

impl Sockets {
    pub(super) fn new(definition: &Definition) -> Self {
        let indexed = definition.map_type != super::map_type::SOCKHASH;
        Self { known: BTreeMap::new(), len: definition.max_entries, indexed }
    }

    /// The socket of a key.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Member> {
        self.known.get(key).copied()
    }

    /// Puts a socket in, in the order of `sock_map_update_common` and `sock_hash_update_common`; an errno or 0.
    pub(crate) fn put(&mut self, key: &[u8], member: Member, flags: u64) -> Errno {
        const NOEXIST: u64 = 1;
        const EXIST: u64 = 2;
        if flags > EXIST {
            return -errno::EINVAL;
        }
        if self.indexed && Numbered::index(key) >= self.len {
            return -errno::E2BIG;
        }
        match (self.known.contains_key(key), flags) {
            (true, NOEXIST) => return -errno::EEXIST,
            (false, EXIST) => return -errno::ENOENT,
            (false, _) if self.known.len() >= self.len as usize => return -errno::E2BIG,
            _ => {}
        }
        self.known.insert(key.to_vec(), member);
        0
    }
}

impl Map for Sockets {
    fn lookup(&mut self, _: &mut Memory, _: &[u8]) -> Result<Option<Address>, Stop> {
        // The structure of a socket is made by `Machine::socket_in`.
        Ok(None)
    }

    fn update(
        &mut self,
        _: &mut Memory,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<Errno, Stop> {
        match Numbered::index(value) {
            0 => Ok(-errno::EBADF),
            number => Ok(self.put(key, Member::Numbered(number), flags)),
        }
    }

    fn delete(&mut self, _: &mut Memory, key: &[u8]) -> Result<Errno, Stop> {
        match self.known.remove(key) {
            Some(_) => Ok(0),
            None if self.indexed => Ok(-errno::EINVAL),
            None => Ok(-errno::ENOENT),
        }
    }

    fn entries(&self, _: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
        // User space is told cookies, which it has given numbers of here.
        let number = |member: &Member| match member {
            Member::Numbered(number) => *number,
            Member::Known(_) => 0,
        };
        self.known
            .iter()
            .map(|(key, member)| (key.clone(), number(member).to_le_bytes().to_vec()))
            .collect()
    }

    fn sockets(&mut self) -> Option<&mut Sockets> {
        Some(self)
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
