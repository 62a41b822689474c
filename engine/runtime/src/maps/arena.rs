//! Arenas: pages that programs take and give back. The bytes of all pages that can be had are one allocation, of which
//! programs reach the pages from the first on that are all there directly; what lies behind is looked up page by page, for
//! loads where there is no page give 0 and stores there do nothing.

use std::ops::Range;

use bpf_object::Definition;

use super::{Errno, Map};
use crate::fault::Stop;
use crate::helpers::errno;
use crate::memory::{Address, AllocId, Memory};

/// The length of a page.
pub(crate) const PAGE: usize = 4096;
/// So many pages can be had, whatever the size of the arena; then there is no memory left.
const MOST: usize = 1024;

/// How many bytes an arena gets.
pub(super) fn capacity(definition: &Definition) -> usize {
    (definition.max_entries as usize).min(MOST) * PAGE
}

/// An arena.
#[derive(Clone, Debug)]
pub(crate) struct Arena {
    pub(crate) id: AllocId,
    /// How many pages the definition says.
    len: usize,
    /// Pages that cannot be taken, because they were.
    taken: Vec<bool>,
    /// Pages that are there: taken and not only reserved.
    present: Vec<bool>,
}

impl Arena {
    /// An arena whose first bytes are variables, which user space has put there.
    pub(super) fn new(definition: &Definition, id: AllocId, data: usize) -> Self {
        let pages = capacity(definition) / PAGE;
        let present: Vec<bool> = (0..pages).map(|page| page * PAGE < data).collect();
        Self { id, len: definition.max_entries as usize, taken: present.clone(), present }
    }

    /// How many pages there are from the first on without a gap, in bytes.
    pub(crate) fn reach(&self) -> usize {
        self.present.iter().take_while(|present| **present).count() * PAGE
    }

    /// The pages of a range, if it lies in the arena.
    fn range(&self, first: usize, count: usize) -> Option<Range<usize>> {
        let end = first.checked_add(count)?;
        (end <= self.len).then_some(first..end)
    }

    /// Takes pages: from one on, or where the smallest gap is that is large enough. The first of them.
    pub(crate) fn take(&mut self, first: Option<usize>, count: usize) -> Option<usize> {
        let first = first.or_else(|| self.gap(count))?;
        let range = self.range(first, count)?;
        let taken = self.taken.get(range.clone())?;
        if taken.contains(&true) {
            return None;
        }
        self.taken.get_mut(range.clone())?.fill(true);
        self.present.get_mut(range)?.fill(true);
        Some(first)
    }

    fn gap(&self, count: usize) -> Option<usize> {
        let mut best: Option<Range<usize>> = None;
        let mut start = 0;
        for end in 0..=self.taken.len() {
            if self.taken.get(end).copied().unwrap_or(true) {
                let fits = end - start >= count && start < end;
                if fits && best.as_ref().is_none_or(|best| end - start < best.len()) {
                    best = Some(start..end);
                }
                start = end + 1;
            }
        }
        best.map(|gap| gap.start)
    }

    /// Gives pages back.
    pub(crate) fn free(&mut self, first: usize, count: usize) {
        let end = first.saturating_add(count).min(self.taken.len());
        for pages in [&mut self.taken, &mut self.present] {
            pages.get_mut(first.min(end)..end).unwrap_or_default().fill(false);
        }
    }

    /// Keeps pages from being taken; an errno if one was.
    pub(crate) fn reserve(&mut self, first: usize, count: usize) -> Errno {
        let Some(range) = self.range(first, count) else { return -errno::EINVAL };
        // What is beyond the pages that can be had is never taken.
        let range = range.start.min(self.taken.len())..range.end.min(self.taken.len());
        let Some(pages) = self.taken.get_mut(range) else { return -errno::EINVAL };
        if pages.contains(&true) {
            return -errno::EBUSY;
        }
        pages.fill(true);
        0
    }

    /// Whether all pages are there that bytes lie in.
    pub(crate) fn has(&self, offset: i64, len: usize) -> bool {
        let Ok(start) = usize::try_from(offset) else { return false };
        let last = start.saturating_add(len.saturating_sub(1)) / PAGE;
        self.present.get(start / PAGE..=last).is_some_and(|pages| !pages.contains(&false))
    }
}

impl Map for Arena {
    fn lookup(&mut self, _: &mut Memory, _: &[u8]) -> Result<Option<Address>, Stop> {
        Ok(None)
    }

    fn update(&mut self, _: &mut Memory, _: &[u8], _: &[u8], _: u64) -> Result<Errno, Stop> {
        Ok(-errno::EOPNOTSUPP)
    }

    fn delete(&mut self, _: &mut Memory, _: &[u8]) -> Result<Errno, Stop> {
        Ok(-errno::EOPNOTSUPP)
    }

    fn entries(&self, memory: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
        let bytes = memory.bytes(self.id).unwrap_or_default();
        let pages = bytes.chunks(PAGE).zip(&self.present).zip(0_u32..);
        let there = pages.filter(|((_, present), _)| **present);
        // As user space would read it: page by page, by their numbers.
        there.map(|((bytes, _), number)| (number.to_le_bytes().to_vec(), bytes.to_vec())).collect()
    }

    fn arena(&mut self) -> Option<&mut Arena> {
        Some(self)
    }

    fn snapshot(&self) -> Box<dyn Map> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_taken_where_they_fit_best() {
        let present = vec![false; 8];
        let mut arena = Arena { id: AllocId::new(1), len: 16, taken: present.clone(), present };
        assert_eq!(arena.take(None, 3), Some(0));
        assert_eq!(arena.reserve(3, 1), 0);
        assert_eq!(arena.take(None, 1), Some(4));
        arena.free(1, 1);
        assert_eq!((arena.reach(), arena.has(0, PAGE), arena.has(4095, 2)), (PAGE, true, false));
        // The gap of one page is smaller than the rest.
        assert_eq!(arena.take(None, 1), Some(1));
        assert_eq!(arena.take(Some(3), 1), None);
        assert_eq!(arena.reserve(2, 2), -errno::EBUSY);
        assert_eq!(arena.reserve(15, 2), -errno::EINVAL);
        // Beyond what can be had there is no memory.
        assert_eq!(arena.take(Some(7), 2), None);
        assert_eq!((arena.take(None, 3), arena.take(None, 1)), (Some(5), None));
        assert!(!arena.has(-1, 1) && !arena.has(3 * 4096, 1) && arena.has(7 * 4096 + 4095, 1));
    }
}
