//! Which layouts are run, and in which order.

use std::collections::{BTreeSet, HashSet, VecDeque};

use super::Variation;
use crate::image::Image;
use crate::input::{Layout, PacketInput, Slices};

/// The length of an Ethernet header, which is linear in every packet.
const ETHERNET: u32 = 14;
/// The most fragments a packet has (`MAX_SKB_FRAGS`).
const FRAGMENTS: u32 = 17;
/// Borders inside an access that are tried one by one; of longer ones both ends and some between.
const BORDERS: u32 = 64;
/// Borders of each access that are combined with those of others.
const COMBINED: usize = 3;

/// Layouts yet to be run.
#[derive(Debug)]
pub(super) struct Plan {
    len: u32,
    /// The packet may have fragments.
    fragments: bool,
    /// The packet may be shared and have lists of packets.
    skb: bool,
    ranges: BTreeSet<(u32, u32)>,
    seen: HashSet<Variation>,
    /// One border in an access.
    singles: VecDeque<Variation>,
    /// Everything else.
    others: VecDeque<Variation>,
    /// Two borders.
    pairs: VecDeque<Variation>,
}

impl Plan {
    pub(super) fn new(image: &Image, packet: &PacketInput, first: &Variation) -> Self {
        let skb = image.program_type().packet == kernel_model::Packet::Skb;
        let mut plan = Self {
            len: u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX),
            fragments: skb || image.takes_fragments(),
            skb,
            ranges: BTreeSet::new(),
            seen: HashSet::from([first.clone()]),
            singles: VecDeque::new(),
            others: VecDeque::new(),
            pairs: VecDeque::new(),
        };
        plan.general(packet);
        plan
    }

    /// The next one; layouts with one border first, then those that do not depend on accesses, then pairs.
    pub(super) fn next(&mut self) -> Option<Variation> {
        let single = self.singles.pop_front();
        single.or_else(|| self.others.pop_front()).or_else(|| self.pairs.pop_front())
    }

    /// Takes in accesses of a run; those that are new lead to new layouts.
    pub(super) fn note(&mut self, ranges: impl Iterator<Item = (u32, u32)>) {
        for (offset, len) in ranges {
            let end = offset.saturating_add(len).min(self.len);
            if self.fragments && offset < end && self.ranges.insert((offset, end)) {
                self.borders_in(offset, end);
            }
        }
    }

    /// Layouts that are worth a run whatever the program does.
    fn general(&mut self, packet: &PacketInput) {
        let linear = Layout::default();
        if self.fragments {
            self.offer_other(self.split(&[ETHERNET]));
        }
        if self.skb {
            let cloned = Layout { cloned: !packet.layout.cloned, ..linear.clone() };
            self.offer_other(cloned.clone());
            self.offer_other(Layout { cloned: cloned.cloned, ..self.split(&[ETHERNET]) });
            self.offer_other(self.listed(ETHERNET));
        }
        if packet.metadata.is_empty() {
            let with = Variation { layout: linear.clone(), metadata: 8, ..Variation::default() };
            self.push(with, |plan| &mut plan.others);
        }
        for slices in [Slices::Buffer, Slices::Poisoned] {
            let variation = Variation { layout: linear.clone(), metadata: 0, slices };
            self.push(variation, |plan| &mut plan.others);
        }
    }

    /// Layouts with borders inside an access to `offset..end`.
    fn borders_in(&mut self, offset: u32, end: u32) {
        let borders = borders(offset, end);
        for &border in &borders {
            let layout = self.split(&[border]);
            self.push(Variation { layout, ..Variation::default() }, |plan| &mut plan.singles);
        }
        // Single bytes, as far as a packet can have so many fragments.
        let bytes: Vec<u32> = (offset.max(1)..end).take(FRAGMENTS as usize).collect();
        self.offer_other(self.split(&bytes));
        if self.skb
            && let Some(&border) = borders.first()
        {
            self.offer_other(self.listed(border));
        }
        let others: Vec<(u32, u32)> = self.ranges.iter().copied().collect();
        for (from, to) in others {
            for &first in borders.iter().take(COMBINED) {
                for second in self::borders(from, to).into_iter().take(COMBINED) {
                    let layout = self.split(&[first.min(second), first.max(second)]);
                    self.push(Variation { layout, ..Variation::default() }, |plan| &mut plan.pairs);
                }
            }
        }
    }

    /// The packet with these borders, in ascending order; the first ends the linear part.
    fn split(&self, borders: &[u32]) -> Layout {
        let mut borders: Vec<u32> =
            borders.iter().copied().filter(|border| *border < self.len).collect();
        borders.dedup();
        let Some(&linear) = borders.first() else { return Layout::default() };
        let ends = borders.iter().skip(1).copied().chain([self.len]);
        let fragments = ends.scan(linear, |from, to| {
            let len = to - *from;
            *from = to;
            Some(len)
        });
        Layout { linear: Some(linear), fragments: fragments.collect(), ..Layout::default() }
    }

    /// The packet with everything from a border on in another packet of its list.
    fn listed(&self, border: u32) -> Layout {
        match self.len.checked_sub(border) {
            Some(rest) if rest > 0 => {
                Layout { linear: Some(border), list: vec![rest], ..Layout::default() }
            }
            _ => Layout::default(),
        }
    }

    fn offer_other(&mut self, layout: Layout) {
        self.push(Variation { layout, ..Variation::default() }, |plan| &mut plan.others);
    }

    fn push(
        &mut self,
        variation: Variation,
        queue: impl FnOnce(&mut Self) -> &mut VecDeque<Variation>,
    ) {
        if self.seen.insert(variation.clone()) {
            queue(self).push_back(variation);
        }
    }
}

/// Borders inside `offset..end`, the middle first, because a border near an end may be hidden by what else is asked for.
fn borders(offset: u32, end: u32) -> Vec<u32> {
    let inside = offset + 1..end;
    let mut borders: Vec<u32> = if inside.len() <= BORDERS as usize {
        inside.collect()
    } else {
        let (few, step) = (BORDERS / 4, (end - offset) / (BORDERS / 2));
        let ends = (offset + 1..offset + few).chain(end - few..end);
        ends.chain((offset + few..end - few).step_by(step.max(1) as usize)).collect()
    };
    let middle = offset + (end - offset) / 2;
    borders.sort_by_key(|border| border.abs_diff(middle));
    borders
}

#[cfg(test)]
mod tests {
    use super::borders;

    #[test]
    fn every_border_inside_a_short_access_is_tried_and_none_outside() {
        let mut all = borders(60, 76);
        assert_eq!(all[0], 68);
        all.sort_unstable();
        assert_eq!(all, (61..76).collect::<Vec<_>>());
        assert!(borders(60, 61).is_empty());
        let long = borders(100, 4_000);
        assert!(long.len() < 80 && long.iter().all(|border| (101..4_000).contains(border)));
        assert!(long.contains(&101) && long.contains(&3_999));
    }
}
