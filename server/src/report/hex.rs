//! Bytes of packets in rows, one packet or two side by side: which differ, where fragments begin, and what dynptrs reach.

use std::ops::Range;

/// Bytes of a packet, or of two that are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hex {
    /// One packet or two.
    pub sides: Vec<Side>,
    /// Bytes that dynptrs reached.
    pub ranges: Vec<Range<usize>>,
}

/// A packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// What it is.
    pub caption: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Where one part of it ends and another begins in memory.
    pub borders: Vec<usize>,
}

/// What is shown in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// Bytes from an offset on, for each side.
    Bytes(usize, Vec<Vec<Cell>>),
    /// So many bytes in which there is nothing to be seen.
    Gap(usize),
}

/// A byte of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    /// `None` behind the end.
    pub(super) byte: Option<u8>,
    /// The other side has another one.
    pub(super) changed: bool,
    /// A dynptr reached it.
    pub(super) marked: bool,
    /// A part of the packet begins with it.
    pub(super) border: bool,
}

impl Cell {
    fn is_plain(self) -> bool {
        !self.changed && !self.marked && !self.border
    }
}

/// How many rows at the beginning are shown if there is nothing special.
const PLAIN_ROWS: usize = 4;

impl Hex {
    /// How many bytes of each side are in a row, so that two sides fit into a line.
    pub(super) fn width(&self) -> usize {
        if self.sides.len() > 1 { 8 } else { 16 }
    }

    /// The rows in which there is something to be seen, and those beside them.
    pub(super) fn rows(&self) -> Vec<Row> {
        let width = self.width();
        let len = self.sides.iter().map(|side| side.bytes.len()).max().unwrap_or(0);
        let rows: Vec<Row> = (0..len.div_ceil(width))
            .map(|row| {
                let at = row * width;
                let cells = |side: &Side| (at..at + width).map(|at| self.cell(side, at)).collect();
                Row::Bytes(at, self.sides.iter().map(cells).collect())
            })
            .collect();
        let special: Vec<bool> = rows.iter().map(Row::is_special).collect();
        let any = special.contains(&true);
        let is_shown = |row: usize| {
            let beside = row.saturating_sub(1)..(row + 2).min(special.len());
            if any { special[beside].contains(&true) } else { row < PLAIN_ROWS }
        };
        let mut shown = Vec::new();
        for (number, row) in rows.into_iter().enumerate() {
            if is_shown(number) {
                shown.push(row);
                continue;
            }
            let bytes = width.min(len - number * width);
            match shown.last_mut() {
                Some(Row::Gap(skipped)) => *skipped += bytes,
                _ => shown.push(Row::Gap(bytes)),
            }
        }
        shown
    }

    fn cell(&self, side: &Side, at: usize) -> Cell {
        let byte = side.bytes.get(at).copied();
        Cell {
            byte,
            changed: self.sides.iter().any(|other| other.bytes.get(at).copied() != byte),
            marked: byte.is_some() && self.ranges.iter().any(|range| range.contains(&at)),
            border: side.borders.contains(&at),
        }
    }
}

impl Row {
    fn is_special(&self) -> bool {
        match self {
            Self::Bytes(_, sides) => sides.iter().flatten().any(|cell| !cell.is_plain()),
            Self::Gap(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(bytes: Vec<u8>, borders: &[usize]) -> Side {
        Side { caption: String::new(), bytes, borders: borders.to_vec() }
    }

    #[test]
    fn rows_without_anything_to_see_are_left_out() {
        let before = vec![0; 100];
        let mut after = before.clone();
        after[41] = 1;
        after.push(2);
        let hex = Hex { sides: vec![side(before, &[]), side(after, &[60])], ranges: vec![42..44] };
        let rows = hex.rows();
        let offsets: Vec<(usize, bool)> = rows
            .iter()
            .map(|row| match row {
                Row::Bytes(at, _) => (*at, true),
                Row::Gap(bytes) => (*bytes, false),
            })
            .collect();
        let bytes = |at| (at, true);
        // Rows of 8 around 41, 60 and 100; 32 bytes before them and 16 between them are not shown.
        let expected = [(32, false), bytes(32), bytes(40), bytes(48), bytes(56), bytes(64)];
        assert_eq!(offsets[..6], expected);
        assert_eq!(offsets[6..], [(16, false), bytes(88), bytes(96)]);
        let Row::Bytes(40, sides) = &rows[2] else { panic!("{rows:?}") };
        let marks: Vec<(bool, bool)> =
            sides[1][..4].iter().map(|cell| (cell.changed, cell.marked)).collect();
        assert_eq!(marks, [(false, false), (true, false), (false, true), (false, true)]);
        let Row::Bytes(96, sides) = &rows[8] else { panic!("{rows:?}") };
        assert_eq!((sides[0][4].byte, sides[1][4].byte), (None, Some(2)));
        assert!(sides[0][4].changed && !sides[0][5].changed);
    }

    #[test]
    fn of_a_plain_packet_the_beginning_is_shown() {
        let hex = Hex { sides: vec![side(vec![7; 200], &[])], ranges: Vec::new() };
        let rows = hex.rows();
        assert_eq!(rows.len(), 5);
        assert_eq!(rows[4], Row::Gap(200 - 64));
        assert_eq!(Hex { sides: Vec::new(), ranges: Vec::new() }.rows(), []);
    }
}
