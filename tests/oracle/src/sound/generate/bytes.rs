//! Choices, made by bytes.

/// Bytes to be read as choices; when they are used up, every choice is the first one.
#[derive(Debug)]
pub struct Bytes<'b> {
    left: &'b [u8],
}

impl<'b> Bytes<'b> {
    /// Choices made by these bytes.
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { left: bytes }
    }

    /// No choice is left.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match self.left.split_first() {
            Some((byte, rest)) => {
                self.left = rest;
                *byte
            }
            None => 0,
        }
    }

    /// A number below another one, up to 256.
    pub fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count.max(1)
    }

    /// One of these.
    pub fn choice<T: Copy>(&mut self, of: &[T], otherwise: T) -> T {
        let place = self.below(of.len());
        of.get(place).copied().unwrap_or(otherwise)
    }

    /// In one of so many cases.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    /// A number of which many are at the ends of what numbers can be.
    pub fn number(&mut self) -> i32 {
        const ENDS: [i32; 12] = [0, 1, -1, 2, 7, 8, 63, 255, 0x7fff, 0xffff, i32::MAX, i32::MIN];
        match self.below(4) {
            0 => i32::from(self.byte()),
            1 => i32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()]),
            _ => self.choice(&ENDS, 0),
        }
    }
}
