//! Maps that hold maps, as the object fills them. Programs can only look them up.

use bpf_object::Slot;

use super::{Errno, Map};
use crate::fault::Stop;
use crate::helpers::errno;
use crate::image::Image;
use crate::memory::{Address, Memory};

/// A map of maps.
#[derive(Clone, Debug)]
pub(super) struct Nested {
    /// Keys and the maps' places in the image.
    maps: Vec<(u32, usize)>,
}

impl Nested {
    pub(super) fn new(slots: &[(u32, Slot)]) -> Self {
        let maps = slots.iter().filter_map(|(key, slot)| match slot {
            Slot::Map(map) => Some((*key, map.0)),
            Slot::Program(_) => None,
        });
        Self { maps: maps.collect() }
    }
}

impl Map for Nested {
    fn lookup(&mut self, _: &mut Memory, key: &[u8]) -> Result<Option<Address>, Stop> {
        let key = key.first_chunk().map(|key| u32::from_le_bytes(*key));
        let found = self.maps.iter().find(|(known, _)| Some(*known) == key);
        Ok(found.map(|(_, map)| Image::map_address(*map)))
    }

    fn update(&mut self, _: &mut Memory, _: &[u8], _: &[u8], _: u64) -> Result<Errno, Stop> {
        Ok(-errno::EINVAL)
    }

    fn delete(&mut self, _: &mut Memory, _: &[u8]) -> Result<Errno, Stop> {
        Ok(-errno::EINVAL)
    }

    fn entries(&self, _: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
        Vec::new()
    }

    fn snapshot(&self) -> Box<dyn Map> {
        Box::new(self.clone())
    }
}
