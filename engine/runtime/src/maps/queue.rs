//! Maps without keys: queues, stacks, and bloom filters, which here are never wrong.

use std::collections::VecDeque;

use bpf_object::Definition;

use super::{Errno, Map};
use crate::fault::Stop;
use crate::helpers::errno;
use crate::memory::{Address, Memory};

/// `BPF_EXIST`: the oldest value makes room.
const EXIST: u64 = 2;

/// In which order values leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The first one first.
    Queue,
    /// The last one first.
    Stack,
    /// They stay; one can only ask whether they are there.
    Bloom,
}

/// A map without keys.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    order: Order,
    values: VecDeque<Vec<u8>>,
    most: usize,
}

impl Queue {
    pub(super) fn new(definition: &Definition, order: Order) -> Self {
        Self { order, values: VecDeque::new(), most: definition.max_entries as usize }
    }
}

impl Map for Queue {
    fn lookup(&mut self, _: &mut Memory, _: &[u8]) -> Result<Option<Address>, Stop> {
        Ok(None)
    }

    fn update(
        &mut self,
        _: &mut Memory,
        _: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<Errno, Stop> {
        Ok(self.push(value, flags))
    }

    fn delete(&mut self, _: &mut Memory, _: &[u8]) -> Result<Errno, Stop> {
        Ok(-errno::EINVAL)
    }

    fn push(&mut self, value: &[u8], flags: u64) -> Errno {
        if self.order == Order::Bloom {
            if flags != 0 {
                return -errno::EINVAL;
            }
            self.values.push_back(value.to_vec());
            return 0;
        }
        if flags & !EXIST != 0 {
            return -errno::EINVAL;
        }
        if self.values.len() >= self.most {
            if flags & EXIST == 0 {
                return -errno::E2BIG;
            }
            self.values.pop_front();
        }
        self.values.push_back(value.to_vec());
        0
    }

    fn take(&mut self, removes: bool, asked: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
        match (self.order, removes) {
            (Order::Bloom, true) => Err(-errno::EOPNOTSUPP),
            (Order::Bloom, false) if self.values.iter().any(|value| value == asked) => Ok(None),
            (Order::Bloom, false) => Err(-errno::ENOENT),
            (Order::Queue, true) => self.values.pop_front().map(Some).ok_or(-errno::ENOENT),
            (Order::Stack, true) => self.values.pop_back().map(Some).ok_or(-errno::ENOENT),
            (Order::Queue, false) => self.values.front().cloned().map(Some).ok_or(-errno::ENOENT),
            (Order::Stack, false) => self.values.back().cloned().map(Some).ok_or(-errno::ENOENT),
        }
    }

    fn entries(&self, _: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
        if self.order == Order::Bloom {
            return Vec::new();
        }
        self.values.iter().map(|value| (Vec::new(), value.clone())).collect()
    }

    fn snapshot(&self) -> Box<dyn Map> {
        Box::new(self.clone())
    }
}
