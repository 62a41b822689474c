//! Kfuncs over text (`bpf_str*`) and the iterator over bits.

use crate::fault::{Origin, Stop};
use crate::helpers::{Table, errno, error};
use crate::machine::Machine;
use crate::memory::{Address, Lifetime};

pub(crate) const TABLE: &Table = &[
    ("bpf_iter_bits_destroy", bpf_iter_bits_destroy),
    ("bpf_iter_bits_new", bpf_iter_bits_new),
    ("bpf_iter_bits_next", bpf_iter_bits_next),
    ("bpf_strchr", bpf_strchr),
    ("bpf_strcmp", bpf_strcmp),
    ("bpf_strlen", bpf_strlen),
    ("bpf_strnlen", bpf_strnlen),
    ("bpf_strrchr", bpf_strrchr),
    ("bpf_strspn", bpf_strspn),
    ("bpf_strcspn", bpf_strcspn),
    ("bpf_strnstr", bpf_strnstr),
    ("bpf_strstr", bpf_strstr),
];

/// The longest text that is looked at (`XATTR_SIZE_MAX`).
const LONGEST: u64 = 65536;
/// The most words of an iterator over bits (`BITS_ITER_NR_WORDS_MAX`).
const WORDS: u32 = 511;

/// An errno as a kfunc returns it: an `int`.
fn int(number: i32) -> u64 {
    error(number) & 0xffff_ffff
}

/// A text, or the error if it has no end or cannot be read.
fn text(m: &Machine<'_>, at: Address) -> Result<Vec<u8>, i32> {
    let mut bytes = Vec::new();
    for index in 0..LONGEST {
        match m.memory.try_read(at.wrapping_add(index), 1) {
            Some([0]) => return Ok(bytes),
            Some(one) => bytes.extend_from_slice(one),
            None => return Err(errno::EFAULT),
        }
    }
    Err(errno::E2BIG)
}

/// A number that is found, or the error.
fn found(place: Result<Option<usize>, i32>) -> u64 {
    match place {
        Ok(Some(place)) => place as u64,
        Ok(None) => int(errno::ENOENT),
        Err(errno) => int(errno),
    }
}

/// `int bpf_strlen(const char *s__ign)`
fn bpf_strlen(m: &mut Machine<'_>, [at, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(found(text(m, at).map(|text| Some(text.len()))))
}

/// `int bpf_strnlen(const char *s__ign, size_t count)`
fn bpf_strnlen(m: &mut Machine<'_>, [at, most, ..]: [u64; 5]) -> Result<u64, Stop> {
    for index in 0..most.min(LONGEST) {
        match m.memory.try_read(at.wrapping_add(index), 1) {
            Some([0]) => return Ok(index),
            Some(_) => {}
            None => return Ok(int(errno::EFAULT)),
        }
    }
    Ok(if most <= LONGEST { most } else { int(errno::E2BIG) })
}

/// `int bpf_strcmp(const char *s1__ign, const char *s2__ign)`
fn bpf_strcmp(m: &mut Machine<'_>, [a, b, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (a, b) = match (text(m, a), text(m, b)) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(errno), _) | (_, Err(errno)) => return Ok(int(errno)),
    };
    Ok(match a.cmp(&b) {
        std::cmp::Ordering::Less => int(1),
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Greater => 1,
    })
}

/// `int bpf_strchr(const char *s__ign, char c)`
fn bpf_strchr(m: &mut Machine<'_>, [at, wanted, ..]: [u64; 5]) -> Result<u64, Stop> {
    let wanted = wanted.to_le_bytes()[0];
    Ok(found(text(m, at).map(|text| match wanted {
        0 => Some(text.len()),
        wanted => text.iter().position(|byte| *byte == wanted),
    })))
}

/// `int bpf_strrchr(const char *s__ign, int c)`
fn bpf_strrchr(m: &mut Machine<'_>, [at, wanted, ..]: [u64; 5]) -> Result<u64, Stop> {
    let wanted = wanted.to_le_bytes()[0];
    Ok(found(text(m, at).map(|text| match wanted {
        0 => Some(text.len()),
        wanted => text.iter().rposition(|byte| *byte == wanted),
    })))
}

/// `int bpf_strstr(const char *s1__ign, const char *s2__ign)`
fn bpf_strstr(m: &mut Machine<'_>, [at, wanted, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (text, wanted) = match (text(m, at), text(m, wanted)) {
        (Ok(text), Ok(wanted)) => (text, wanted),
        (Err(errno), _) | (_, Err(errno)) => return Ok(int(errno)),
    };
    let place = match wanted.len() {
        0 => Some(0),
        len => text.windows(len).position(|window| window == wanted),
    };
    Ok(found(Ok(place)))
}

/// How many of the first bytes of a text are, or are not, in another one.
fn span(m: &Machine<'_>, a: Address, b: Address, wanted: bool) -> u64 {
    match (text(m, a), text(m, b)) {
        (Ok(text), Ok(set)) => {
            text.iter().take_while(|byte| set.contains(byte) == wanted).count() as u64
        }
        (Err(errno), _) | (_, Err(errno)) => int(errno),
    }
}

/// `int bpf_strspn(const char *s__ign, const char *accept__ign)`
fn bpf_strspn(m: &mut Machine<'_>, [at, set, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(span(m, at, set, true))
}

/// `int bpf_strcspn(const char *s__ign, const char *reject__ign)`
fn bpf_strcspn(m: &mut Machine<'_>, [at, set, ..]: [u64; 5]) -> Result<u64, Stop> {
    Ok(span(m, at, set, false))
}

/// `int bpf_strnstr(const char *s1__ign, const char *s2__ign, size_t len)`
fn bpf_strnstr(m: &mut Machine<'_>, [at, wanted, len, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (mut text, wanted) = match (text(m, at), text(m, wanted)) {
        (Ok(text), Ok(wanted)) => (text, wanted),
        (Err(errno), _) | (_, Err(errno)) => return Ok(int(errno)),
    };
    text.truncate(usize::try_from(len).unwrap_or(usize::MAX));
    let place = match wanted.len() {
        0 => Some(0),
        len => text.windows(len).position(|window| window == wanted),
    };
    Ok(found(Ok(place)))
}

/// `int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *unsafe_ptr__ign, u32 nr_words)`
///
/// The iterator is the address of a copy of the words, how many bits there are, and the bit it is at.
fn bpf_iter_bits_new(m: &mut Machine<'_>, [it, words, count, ..]: [u64; 5]) -> Result<u64, Stop> {
    #[expect(clippy::cast_possible_truncation, reason = "the parameter has 32 bits")]
    let count = count as u32;
    m.memory.put(it, &[0; 16])?;
    if words == 0 || count == 0 {
        return Ok(int(errno::EINVAL));
    }
    if count > WORDS {
        return Ok(int(errno::E2BIG));
    }
    let Some(bytes) = m.memory.try_read(words, count as usize * 8).map(<[u8]>::to_vec) else {
        return Ok(int(errno::EFAULT));
    };
    let origin = Origin::Object { name: "the bits of an iterator".into() };
    let copy = m.memory.allocate_bytes(&bytes, origin, false, Lifetime::Run)?;
    m.memory.put(it, &copy.at(0).to_le_bytes())?;
    m.memory.put(it.wrapping_add(8), &(count * 64).to_le_bytes())?;
    m.memory.put(it.wrapping_add(12), &(-1_i32).to_le_bytes())?;
    Ok(0)
}

/// `int *bpf_iter_bits_next(struct bpf_iter_bits *it)`
fn bpf_iter_bits_next(m: &mut Machine<'_>, [it, ..]: [u64; 5]) -> Result<u64, Stop> {
    let (words, count) = (m.memory.read_u64(it)?, m.memory.read_u32(it.wrapping_add(8))?);
    let at = m.memory.read_u32(it.wrapping_add(12))?.cast_signed();
    let mut bit = u32::try_from(at.wrapping_add(1)).unwrap_or(0);
    while bit < count {
        let word = m.memory.read_u64(words.wrapping_add(u64::from(bit / 64) * 8))?;
        if word >> (bit % 64) & 1 == 1 {
            m.memory.put(it.wrapping_add(12), &bit.to_le_bytes())?;
            return Ok(it.wrapping_add(12));
        }
        bit += 1;
    }
    m.memory.put(it.wrapping_add(12), &count.to_le_bytes())?;
    Ok(0)
}

/// `void bpf_iter_bits_destroy(struct bpf_iter_bits *it)`
fn bpf_iter_bits_destroy(m: &mut Machine<'_>, [it, ..]: [u64; 5]) -> Result<u64, Stop> {
    m.memory.put(it, &[0; 16])?;
    Ok(0)
}
