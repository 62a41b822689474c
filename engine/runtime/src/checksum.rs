//! Sums of the internet: words of 16 bits added with the carry coming in again at the other end, kept in 32 bits.
//! Words are taken in the order of bytes of a little-endian machine, as the kernel does there.

/// Sum of two sums (`csum_add`).
pub(crate) fn add(a: u32, b: u32) -> u32 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u32::from(carry)
}

/// Difference of two sums (`csum_sub`).
pub(crate) fn subtract(a: u32, b: u32) -> u32 {
    add(a, !b)
}

/// The sum over bytes, added to another one (`csum_partial`).
pub(crate) fn partial(bytes: &[u8], sum: u32) -> u32 {
    bytes.chunks(4).fold(sum, |sum, chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        add(sum, u32::from_le_bytes(word))
    })
}

/// The sum over bytes as a part that begins at an offset: swapped if that is odd (`csum_shift`).
pub(crate) fn shifted(sum: u32, offset: u32) -> u32 {
    if offset & 1 == 1 { sum.rotate_right(8) } else { sum }
}

/// A sum in 16 bits (`csum_from32to16`).
#[expect(clippy::cast_possible_truncation, reason = "the upper half has been added")]
pub(crate) fn folded(sum: u32) -> u16 {
    let sum = (sum >> 16) + (sum & 0xffff);
    ((sum >> 16) + (sum & 0xffff)) as u16
}

/// A checksum as it stands in a header (`csum_fold`).
pub(crate) fn finished(sum: u32) -> u16 {
    !folded(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_over_a_header_with_its_checksum_is_zero() {
        let header = [
            0x45, 0, 0, 0x3c, 0x12, 0x34, 0, 0, 0x40, 0x11, 0x7c, 0x46, 192, 0, 2, 1, 198, 51, 100,
            2,
        ];
        assert_eq!(finished(partial(&header, 0)), 0);
        assert_eq!(subtract(add(5, 7), 7), 5);
    }
}
