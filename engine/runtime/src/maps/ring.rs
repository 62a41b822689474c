//! Ring buffers. Nobody reads them during a run.

use std::sync::Arc;

use bpf_object::Definition;

use super::{Errno, Map};
use crate::fault::{Origin, Stop};
use crate::helpers::errno;
use crate::memory::{Address, AllocId, Lifetime, Memory};

/// The bytes in front of each record (`BPF_RINGBUF_HDR_SZ`).
const HEADER: u64 = 8;

/// A ring buffer.
#[derive(Clone, Debug)]
pub(crate) struct Ring {
    name: Arc<str>,
    size: u64,
    /// Where the next record begins (`producer_pos`).
    position: u64,
    records: Vec<Record>,
}

/// A record in the order of reservation.
#[derive(Clone, Debug)]
struct Record {
    id: AllocId,
    len: usize,
    /// Whether it was submitted, and its bytes then; `None` while it is reserved.
    finished: Option<(bool, Vec<u8>)>,
}

impl Ring {
    pub(super) fn new(name: &str, definition: &Definition) -> Self {
        Self {
            name: name.into(),
            size: definition.max_entries.into(),
            position: 0,
            records: Vec::new(),
        }
    }

    /// The bytes it has room for, and where the producer is.
    pub(crate) fn state(&self) -> (u64, u64) {
        (self.size, self.position)
    }

    /// A record of so many bytes, if there is room (`__bpf_ringbuf_reserve`).
    pub(crate) fn reserve(
        &mut self,
        memory: &mut Memory,
        len: u64,
    ) -> Result<Option<Address>, Stop> {
        let needed = len.saturating_add(HEADER).next_multiple_of(8);
        let end = self.position.saturating_add(needed);
        if needed > self.size || end > self.size - 1 {
            return Ok(None);
        }
        self.position = end;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let origin = Origin::RingbufRecord(self.name.clone());
        let id = memory.allocate(len, origin, true, Lifetime::Maps)?;
        self.records.push(Record { id, len, finished: None });
        Ok(Some(id.at(0)))
    }

    /// Gives a record back; whether it is one that was reserved here.
    pub(crate) fn finish(&mut self, memory: &Memory, id: AllocId, submits: bool) -> bool {
        let open =
            self.records.iter_mut().find(|record| record.id == id && record.finished.is_none());
        let Some(record) = open else { return false };
        let bytes = memory.bytes(id).unwrap_or_default();
        record.finished = Some((submits, bytes.get(..record.len).unwrap_or(bytes).to_vec()));
        true
    }
}

impl Map for Ring {
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

    fn records(&self, _: &Memory) -> Vec<(bool, Vec<u8>)> {
        self.records.iter().filter_map(|record| record.finished.clone()).collect()
    }

    fn ring(&mut self) -> Option<&mut Ring> {
        Some(self)
    }

    fn snapshot(&self) -> Box<dyn Map> {
        Box::new(self.clone())
    }
}
