//! Maps that carry samples between the program and user space: arrays of perf events, out of the program, and ring buffers
//! of user space, into it.

use std::collections::{BTreeSet, VecDeque};

use bpf_object::Definition;

use super::{Errno, Map};
use crate::fault::Stop;
use crate::helpers::errno;
use crate::memory::{Address, Memory};

/// How many bytes of samples an array of perf events takes before nothing fits any more, as there is nobody who reads them:
/// 64 pages.
const ROOM: usize = 64 * 4096;
/// What comes before each sample (`struct perf_event_header`, and its length).
const HEADER: usize = 12;

/// An array of perf events. An element that user space has set is an event that takes samples.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    len: u32,
    open: BTreeSet<u32>,
    samples: Vec<Vec<u8>>,
    room: usize,
}

impl Events {
    pub(super) fn new(definition: &Definition) -> Self {
        // None stands for as many as there are processors.
        Self {
            len: definition.max_entries.max(1),
            open: BTreeSet::new(),
            samples: Vec::new(),
            room: ROOM,
        }
    }

    /// Whether there is an event at an index, in the order of `__bpf_perf_event_output`.
    pub(crate) fn check(&self, index: u32) -> Errno {
        match index {
            index if index >= self.len => -errno::E2BIG,
            index if !self.open.contains(&index) => -errno::ENOENT,
            _ => 0,
        }
    }

    /// Keeps a sample, if there is room; an errno otherwise.
    pub(crate) fn output(&mut self, sample: Vec<u8>) -> Errno {
        let size = sample.len().saturating_add(HEADER).next_multiple_of(8);
        let Some(rest) = self.room.checked_sub(size) else { return -errno::ENOSPC };
        self.room = rest;
        self.samples.push(sample);
        0
    }
}

impl Map for Events {
    fn lookup(&mut self, _: &mut Memory, _: &[u8]) -> Result<Option<Address>, Stop> {
        Ok(None)
    }

    fn update(&mut self, _: &mut Memory, key: &[u8], _: &[u8], flags: u64) -> Result<Errno, Stop> {
        let index = key.first_chunk().map_or(u32::MAX, |key| u32::from_le_bytes(*key));
        if flags != 0 {
            return Ok(-errno::EINVAL);
        }
        if index >= self.len {
            return Ok(-errno::E2BIG);
        }
        self.open.insert(index);
        Ok(0)
    }

    fn delete(&mut self, _: &mut Memory, key: &[u8]) -> Result<Errno, Stop> {
        let index = key.first_chunk().map_or(u32::MAX, |key| u32::from_le_bytes(*key));
        if index >= self.len {
            return Ok(-errno::E2BIG);
        }
        Ok(if self.open.remove(&index) { 0 } else { -errno::ENOENT })
    }

    fn entries(&self, _: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
        Vec::new()
    }

    fn records(&self, _: &Memory) -> Vec<(bool, Vec<u8>)> {
        self.samples.iter().map(|sample| (true, sample.clone())).collect()
    }

    fn events(&mut self) -> Option<&mut Events> {
        Some(self)
    }

    fn snapshot(&self) -> Box<dyn Map> {
        Box::new(self.clone())
    }
}

/// A ring buffer that user space writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    waiting: VecDeque<Vec<u8>>,
}

impl Map for Samples {
    fn lookup(&mut self, _: &mut Memory, _: &[u8]) -> Result<Option<Address>, Stop> {
        Ok(None)
    }

    fn update(&mut self, _: &mut Memory, _: &[u8], _: &[u8], _: u64) -> Result<Errno, Stop> {
        Ok(-errno::ENOTSUPP)
    }

    fn delete(&mut self, _: &mut Memory, _: &[u8]) -> Result<Errno, Stop> {
        Ok(-errno::ENOTSUPP)
    }

    fn entries(&self, _: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
        Vec::new()
    }

    fn waiting(&mut self) -> Option<&mut VecDeque<Vec<u8>>> {
        Some(&mut self.waiting)
    }

    fn snapshot(&self) -> Box<dyn Map> {
        Box::new(self.clone())
    }
}
