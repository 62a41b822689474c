//! Tries of prefixes, of which the longest that fits is found.

use std::collections::BTreeMap;
use std::sync::Arc;

use bpf_object::Definition;

use super::{Errno, Map};
use crate::fault::{Death, Origin, Stop};
use crate::helpers::errno;
use crate::memory::{Address, AllocId, Lifetime, Memory};

const NOEXIST: u64 = 1;
const EXIST: u64 = 2;
/// The bytes of a key in front of the prefix.
const LENGTH: usize = 4;

/// A trie.
#[derive(Clone, Debug)]
pub(super) struct Lpm {
    name: Arc<str>,
    /// By the length of the prefix in bits and its bytes, of which those behind it are zero.
    values: BTreeMap<(u32, Vec<u8>), (Vec<u8>, AllocId)>,
    value_size: usize,
    most: usize,
    bits: u32,
    gone: Vec<AllocId>,
}

impl Lpm {
    pub(super) fn new(name: &str, definition: &Definition) -> Self {
        Self {
            name: name.into(),
            values: BTreeMap::new(),
            value_size: definition.value_size as usize,
            most: definition.max_entries as usize,
            bits: definition.key_size.saturating_sub(4).saturating_mul(8),
            gone: Vec::new(),
        }
    }

    /// The length in a key and its bytes, cut to that; `None` if it is too long.
    fn prefix(&self, key: &[u8]) -> Option<(u32, Vec<u8>)> {
        let length = u32::from_le_bytes(*key.first_chunk()?);
        (length <= self.bits).then(|| (length, cut(key.get(LENGTH..).unwrap_or_default(), length)))
    }
}

/// The bytes with nothing but zeros behind so many bits.
fn cut(bytes: &[u8], bits: u32) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, byte) in (0_u32..).zip(&mut bytes) {
        let left = bits.saturating_sub(at * 8).min(8);
        *byte &= !(0xff_u32 >> left).to_le_bytes()[0];
    }
    bytes
}

impl Map for Lpm {
    fn lookup(&mut self, _: &mut Memory, key: &[u8]) -> Result<Option<Address>, Stop> {
        let Some((length, bytes)) = self.prefix(key) else { return Ok(None) };
        let found =
            (0..=length).rev().find_map(|length| self.values.get(&(length, cut(&bytes, length))));
        Ok(found.map(|(_, value)| value.at(0)))
    }

    fn update(
        &mut self,
        memory: &mut Memory,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<Errno, Stop> {
        if flags > EXIST {
            return Ok(-errno::EINVAL);
        }
        let Some(prefix) = self.prefix(key) else { return Ok(-errno::EINVAL) };
        let known = self.values.get(&prefix).map(|(_, id)| *id);
        match (known, flags) {
            (Some(_), NOEXIST) => return Ok(-errno::EEXIST),
            (None, EXIST) => return Ok(-errno::ENOENT),
            (None, _) if self.values.len() >= self.most => return Ok(-errno::ENOSPC),
            (Some(known), _) => self.gone.push(known),
            (None, _) => {}
        }
        let origin = Origin::MapValue(self.name.clone());
        let id = memory.allocate_bytes(value, origin, true, Lifetime::Maps)?;
        self.values.insert(prefix, (key.to_vec(), id));
        Ok(0)
    }

    fn delete(&mut self, _: &mut Memory, key: &[u8]) -> Result<Errno, Stop> {
        let Some(prefix) = self.prefix(key) else { return Ok(-errno::EINVAL) };
        let removed = self.values.remove(&prefix);
        self.gone.extend(removed.as_ref().map(|(_, id)| *id));
        Ok(if removed.is_some() { 0 } else { -errno::ENOENT })
    }

    fn entries(&self, memory: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
        let bytes = |id: &AllocId| memory.bytes(*id).unwrap_or_default();
        let cut = |bytes: &[u8]| bytes.get(..self.value_size).unwrap_or(bytes).to_vec();
        self.values.values().map(|(key, id)| (key.clone(), cut(bytes(id)))).collect()
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
