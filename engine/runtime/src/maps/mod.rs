//! Maps: one type for each kind, behind [`Map`].
//!
//! The bytes of values lie in the memory of the machine, where programs can point to them; what else a map knows is its
//! own. To add a kind, write a module with a type for it and a line in [`make`].

pub(crate) mod arena;
mod array;
mod hash;
mod lpm;
mod model;
mod nested;
pub(crate) mod outside;
mod queue;
pub(crate) mod ring;
mod special;
pub(crate) mod storage;
pub(crate) mod stream;
#[cfg(test)]
mod tests;

pub use model::modelled_map;

use std::collections::VecDeque;
use std::fmt;

use bpf_object::{FunctionIndex, MapKind, Slot};

use crate::fault::{FaultKind, Origin, Stop};
use crate::image::{CODE, Image};
use crate::machine::Machine;
use crate::memory::{Address, AllocId, Lifetime, Memory, split};

/// Values of `enum bpf_map_type`.
pub(crate) mod map_type {
    pub(crate) const PERF_EVENT_ARRAY: u32 = 4;
    pub(crate) const STACK_TRACE: u32 = 7;
    pub(crate) const SOCKMAP: u32 = 15;
    pub(crate) const CGROUP_ARRAY: u32 = 8;
    pub(crate) const XSKMAP: u32 = 17;
    pub(crate) const SOCKHASH: u32 = 18;
    pub(crate) const CGROUP_STORAGE: u32 = 19;
    pub(crate) const REUSEPORT_SOCKARRAY: u32 = 20;
    pub(crate) const PERCPU_CGROUP_STORAGE: u32 = 21;
    pub(crate) const SK_STORAGE: u32 = 24;
    pub(crate) const INODE_STORAGE: u32 = 28;
    pub(crate) const TASK_STORAGE: u32 = 29;
    pub(crate) const USER_RINGBUF: u32 = 31;
    pub(crate) const CGRP_STORAGE: u32 = 32;
    pub(crate) const ARRAY: u32 = 2;
    pub(crate) const PROG_ARRAY: u32 = 3;
    pub(crate) const PERCPU_ARRAY: u32 = 6;
    pub(crate) const HASH: u32 = 1;
    pub(crate) const PERCPU_HASH: u32 = 5;
    pub(crate) const LRU_HASH: u32 = 9;
    pub(crate) const LRU_PERCPU_HASH: u32 = 10;
    pub(crate) const LPM_TRIE: u32 = 11;
    pub(crate) const ARRAY_OF_MAPS: u32 = 12;
    pub(crate) const HASH_OF_MAPS: u32 = 13;
    pub(crate) const QUEUE: u32 = 22;
    pub(crate) const STACK: u32 = 23;
    pub(crate) const RINGBUF: u32 = 27;
    pub(crate) const BLOOM_FILTER: u32 = 30;
    pub(crate) const DEVMAP: u32 = 14;
    pub(crate) const CPUMAP: u32 = 16;
    pub(crate) const DEVMAP_HASH: u32 = 25;
    pub(crate) const ARENA: u32 = 33;
}

/// `BPF_F_RDONLY_PROG`.
const READ_ONLY: u32 = 1 << 7;

/// A negative error number, or 0.
pub(crate) type Errno = i32;

/// A map of some kind. Keys and values have the sizes of the definition; the caller has seen to that.
pub(crate) trait Map: fmt::Debug + Send + Sync {
    /// The address of the value of a key, `None` if there is none.
    fn lookup(&mut self, memory: &mut Memory, key: &[u8]) -> Result<Option<Address>, Stop>;

    /// Sets the value of a key; `flags` are `BPF_ANY`, `BPF_NOEXIST`, `BPF_EXIST` and others.
    fn update(
        &mut self,
        memory: &mut Memory,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<Errno, Stop>;

    /// Removes a key.
    fn delete(&mut self, memory: &mut Memory, key: &[u8]) -> Result<Errno, Stop>;

    /// Keys and values as user space sees them, in the order of the kernel where it has one.
    fn entries(&self, memory: &Memory) -> Vec<(Vec<u8>, Vec<u8>)>;

    /// Puts a value into a map without keys.
    fn push(&mut self, _value: &[u8], _flags: u64) -> Errno {
        -crate::helpers::errno::EOPNOTSUPP
    }

    /// The next value of a map without keys, which is taken out or stays; nothing if the map only knows that `asked` is
    /// in it.
    ///
    /// # Errors
    ///
    /// The errno, if there is none.
    fn take(&mut self, _removes: bool, _asked: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
        Err(-crate::helpers::errno::EOPNOTSUPP)
    }

    /// The ring buffer, if it is one.
    fn ring(&mut self) -> Option<&mut ring::Ring> {
        None
    }

    /// The arena, if it is one.
    fn arena(&mut self) -> Option<&mut arena::Arena> {
        None
    }

    /// The array of perf events, if it is one.
    fn events(&mut self) -> Option<&mut stream::Events> {
        None
    }

    /// The samples of user space that the program has not taken yet, if it is a ring buffer for them.
    fn waiting(&mut self) -> Option<&mut VecDeque<Vec<u8>>> {
        None
    }

    /// The map of sockets, if it is one.
    fn sockets(&mut self) -> Option<&mut outside::Sockets> {
        None
    }

    /// The records of a ring buffer in their order: whether they were submitted, and their bytes.
    fn records(&self, _memory: &Memory) -> Vec<(bool, Vec<u8>)> {
        Vec::new()
    }

    /// The run has ended: what was kept because the program might still point to it can go.
    fn end_run(&mut self, _memory: &mut Memory) {}

    /// The map as it is, to come back to. Its bytes in the memory come back by themselves.
    fn snapshot(&self) -> Box<dyn Map>;
}

/// The maps of a machine, in the order of the image's.
#[derive(Debug)]
pub(crate) struct MapTable {
    maps: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    key_size: usize,
    value_size: usize,
    kind: u32,
    /// What to do with it, or the reason why nothing can be done.
    map: Result<Box<dyn Map>, String>,
    /// As it was at first, once it may have changed.
    before: Option<Box<dyn Map>>,
    /// The programs of a program array.
    programs: Vec<(u32, FunctionIndex)>,
}

/// Makes the maps of an image, with what the object puts into them.
pub(crate) fn create(image: &Image, memory: &mut Memory) -> Result<MapTable, Stop> {
    let code = memory.allocate(0, Origin::Code, false, Lifetime::Maps)?;
    debug_assert_eq!(code, CODE);
    for map in image.maps() {
        memory.allocate(0, Origin::Map(map.name.as_str().into()), false, Lifetime::Maps)?;
    }
    // Values whose addresses are in instructions have numbers that are known beforehand.
    let mut values = Vec::new();
    for map in image.maps() {
        values.push(direct_value(map, memory)?);
    }
    for name in &image.variables {
        memory.allocate(0, Origin::Variable { name: name.clone() }, false, Lifetime::Maps)?;
    }
    let mut maps = Vec::new();
    for (map, value) in image.maps().iter().zip(values) {
        let programs = map.slots.iter().filter_map(|(index, slot)| match slot {
            Slot::Program(function) => Some((*index, *function)),
            Slot::Map(_) => None,
        });
        maps.push(Entry {
            key_size: map.definition.key_size as usize,
            value_size: map.definition.value_size as usize,
            kind: map.definition.map_type,
            map: make(image, map, value, memory)?,
            before: None,
            programs: programs.collect(),
        });
    }
    Ok(MapTable { maps })
}

/// The allocation for a map's value that instructions can point to; an empty one for other maps.
fn direct_value(map: &bpf_object::Map, memory: &mut Memory) -> Result<AllocId, Stop> {
    let definition = &map.definition;
    let origin = Origin::MapValue(map.name.as_str().into());
    let writable = definition.flags & READ_ONLY == 0;
    if definition.map_type == map_type::ARENA {
        let id = memory.allocate(arena::capacity(definition), origin, true, Lifetime::Maps)?;
        if let Some(bytes) = memory.bytes_mut(id) {
            let len = bytes.len().min(map.data.len());
            bytes[..len].copy_from_slice(&map.data[..len]);
        }
        memory.set_reach(id, map.data.len().next_multiple_of(arena::PAGE));
        return Ok(id);
    }
    if definition.map_type != map_type::ARRAY {
        return memory.allocate(0, origin, false, Lifetime::Maps);
    }
    let len = array::stride(definition).saturating_mul(definition.max_entries as usize);
    let id = memory.allocate(len, origin, writable, Lifetime::Maps)?;
    if matches!(map.kind, MapKind::Data(_) | MapKind::Config)
        && let Some(bytes) = memory.bytes_mut(id)
    {
        let len = bytes.len().min(map.data.len());
        bytes[..len].copy_from_slice(&map.data[..len]);
    }
    Ok(id)
}

/// A map of the kind that its definition says, or why there is none.
fn make(
    image: &Image,
    map: &bpf_object::Map,
    value: AllocId,
    memory: &mut Memory,
) -> Result<Result<Box<dyn Map>, String>, Stop> {
    let definition = &map.definition;
    let special = special::Special::new(image.types.as_ref(), definition);
    Ok(match definition.map_type {
        map_type::ARRAY => Ok(Box::new(array::Array::new(definition, value, special))),
        map_type::PERCPU_ARRAY => {
            // There is one processor.
            let len = array::stride(definition).saturating_mul(definition.max_entries as usize);
            let origin = Origin::MapValue(map.name.as_str().into());
            let value = memory.allocate(len, origin, true, Lifetime::Maps)?;
            Ok(Box::new(array::Array::new(definition, value, special)))
        }
        map_type::HASH
        | map_type::STACK_TRACE
        | map_type::PERCPU_HASH
        | map_type::LRU_HASH
        | map_type::LRU_PERCPU_HASH
        // What redirections go to is set from outside; which devices and processors there are is not known.
        | map_type::DEVMAP
        | map_type::DEVMAP_HASH
        | map_type::CPUMAP => {
            Ok(Box::new(hash::Hash::new(&map.name, definition, special)))
        }
        map_type::LPM_TRIE => Ok(Box::new(lpm::Lpm::new(&map.name, definition))),
        map_type::QUEUE => Ok(Box::new(queue::Queue::new(definition, queue::Order::Queue))),
        map_type::STACK => Ok(Box::new(queue::Queue::new(definition, queue::Order::Stack))),
        map_type::BLOOM_FILTER => Ok(Box::new(queue::Queue::new(definition, queue::Order::Bloom))),
        map_type::RINGBUF => Ok(Box::new(ring::Ring::new(&map.name, definition))),
        map_type::USER_RINGBUF => Ok(Box::new(stream::Samples::default())),
        map_type::PERF_EVENT_ARRAY => Ok(Box::new(stream::Events::new(definition))),
        map_type::SK_STORAGE
        | map_type::INODE_STORAGE
        | map_type::TASK_STORAGE
        | map_type::CGRP_STORAGE
        | map_type::CGROUP_STORAGE
        | map_type::PERCPU_CGROUP_STORAGE => {
            Ok(Box::new(storage::Storage::new(&map.name, definition)))
        }
        map_type::ARENA => Ok(Box::new(arena::Arena::new(definition, value, map.data.len()))),
        map_type::XSKMAP | map_type::CGROUP_ARRAY => {
            Ok(Box::new(outside::Numbered::new(&map.name, definition)))
        }
        map_type::SOCKMAP
        | map_type::SOCKHASH
        | map_type::REUSEPORT_SOCKARRAY => {
            Ok(Box::new(outside::Sockets::new(definition)))
        },
        map_type::ARRAY_OF_MAPS | map_type::HASH_OF_MAPS => {
            Ok(Box::new(nested::Nested::new(&map.slots)))
        }
        number => {
            let row = kernel_model::map_type_by_id(number);
            let kind = row.map_or_else(|| format!("type {number}"), |row| row.name.to_owned());
            Err(format!("a map of type {kind}"))
        }
    })
}

impl MapTable {
    /// The key and value size of a map.
    pub(crate) fn sizes(&self, index: usize) -> (usize, usize) {
        self.maps.get(index).map_or((0, 0), |entry| (entry.key_size, entry.value_size))
    }

    /// The value of `enum bpf_map_type`.
    pub(crate) fn kind(&self, index: usize) -> u32 {
        self.maps.get(index).map_or(0, |entry| entry.kind)
    }

    /// The map with this index, to be used; a fault if its kind is not modelled.
    pub(crate) fn get(&mut self, index: usize) -> Result<&mut dyn Map, Stop> {
        let entry = self.maps.get_mut(index).ok_or(FaultKind::Internal("no such map"))?;
        match &mut entry.map {
            Ok(map) => {
                if entry.before.is_none() {
                    entry.before = Some(map.snapshot());
                }
                Ok(&mut **map)
            }
            Err(what) => Err(FaultKind::NotModelled(what.clone()).into()),
        }
    }

    /// The ring buffer in which the record was reserved, if any.
    pub(crate) fn finish_record(&mut self, memory: &Memory, id: AllocId, submits: bool) -> bool {
        (0..self.maps.len()).any(|index| {
            let is_ring = self.kind(index) == map_type::RINGBUF;
            let ring = if is_ring { self.get(index).ok().and_then(|map| map.ring()) } else { None };
            ring.is_some_and(|ring| ring.finish(memory, id, submits))
        })
    }

    /// The program in a slot of a program array.
    pub(crate) fn program(&self, index: usize, slot: u32) -> Result<Option<FunctionIndex>, Stop> {
        let entry = self.maps.get(index).ok_or(FaultKind::Internal("no such map"))?;
        if entry.kind != map_type::PROG_ARRAY {
            return Ok(None);
        }
        Ok(entry.programs.iter().find(|(at, _)| *at == slot).map(|(_, function)| *function))
    }

    pub(crate) fn end_run(&mut self, memory: &mut Memory) {
        for entry in &mut self.maps {
            if let Ok(map) = &mut entry.map {
                map.end_run(memory);
            }
        }
    }

    /// The maps as they are now are what a reset brings back.
    pub(crate) fn keep(&mut self) {
        for entry in &mut self.maps {
            entry.before = None;
        }
    }

    /// Makes the maps as they were at first; the memory has been reset.
    pub(crate) fn reset(&mut self) {
        for entry in &mut self.maps {
            if let Some(before) = entry.before.take() {
                entry.map = Ok(before);
            }
        }
    }
}

impl Machine<'_> {
    /// The map that an argument is.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub(crate) fn map_at(&self, address: Address, argument: u8) -> Result<usize, Stop> {
        let (id, offset) = split(address);
        let index = id.index().checked_sub(1).filter(|index| *index < self.image.maps.len());
        match index {
            Some(index) if offset == 0 => Ok(index),
            _ => Err(self.wrong_argument(argument, "a map")),
        }
    }

    /// Whether a program may have changed a map since it was made or reset; not all that may have been changed were.
    pub fn may_have_changed(&self, index: usize) -> bool {
        let Some(entry) = self.maps.maps.get(index) else { return false };
        let value = Image::value_allocation(self.image.maps.len(), index);
        entry.before.is_some() || self.memory.is_dirty(value)
    }

    /// The elements of a map as user space sees them: keys and values.
    ///
    /// `None` if the map is of a kind that is not modelled, or there is no map with this index.
    pub fn map_entries(&self, index: usize) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        let entry = self.maps.maps.get(index)?;
        entry.map.as_ref().ok().map(|map| map.entries(&self.memory))
    }

    /// The records of a ring buffer in their order: whether they were submitted, and their bytes.
    pub fn map_records(&self, index: usize) -> Vec<(bool, Vec<u8>)> {
        let map = self.maps.maps.get(index).and_then(|entry| entry.map.as_ref().ok());
        map.map_or_else(Vec::new, |map| map.records(&self.memory))
    }

    /// Puts a sample into a ring buffer of user space, for the program to drain; whether the map is one.
    pub fn put_sample(&mut self, index: usize, sample: &[u8]) -> bool {
        let map = self.maps.get(index).ok();
        let waiting = map.and_then(|map| map.waiting());
        waiting.map(|waiting| waiting.push_back(sample.to_vec())).is_some()
    }

    /// Sets an element of a map, as user space would before a run; the error is negative.
    ///
    /// # Errors
    ///
    /// If the sizes are wrong, the map refuses, or is of a kind that is not modelled.
    pub fn set_map_entry(&mut self, index: usize, key: &[u8], value: &[u8]) -> Result<(), i32> {
        const EINVAL: i32 = -22;
        if self.maps.sizes(index) != (key.len(), value.len()) {
            return Err(EINVAL);
        }
        let map = self.maps.get(index).map_err(|_| EINVAL)?;
        match map.update(&mut self.memory, key, value, 0) {
            Ok(0) => Ok(()),
            Ok(error) => Err(error),
            Err(_) => Err(EINVAL),
        }
    }
}
