//! Maps of what is not in the model: sockets, and queues of network devices. They are empty, as a test run finds them.

use super::{Errno, Map};
use crate::fault::Stop;
use crate::helpers::errno;
use crate::memory::{Address, Memory};

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
