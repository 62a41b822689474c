//! Opening type information: the header, and where each type begins.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::index::NameIndex;
use crate::{Endian, Kind, ParseError, ParseProblem, Type, TypeId};

const MAGIC: u16 = 0xeb9f;
/// Length of the header that version 1 began with; a longer one has more behind.
const HEADER: usize = 24;
/// Length of what all types have.
pub(crate) const COMMON: usize = 12;

/// Type information, opened. Types are numbered from 1; those of a base come first.
#[derive(Clone, Debug)]
pub struct Btf<'a> {
    endian: Endian,
    data: Cow<'a, [u8]>,
    types: Range<usize>,
    strings: Range<usize>,
    /// Where each type begins, counted from the beginning of the type section.
    offsets: Vec<u32>,
    base: Option<Arc<Btf<'a>>>,
    /// The number of the first type that is not of the base.
    first_id: u32,
    /// The offset of the first string that is not of the base.
    first_string: u32,
    pub(crate) index: OnceLock<NameIndex>,
}

impl<'a> Btf<'a> {
    /// Opens `data` as it stands in `.BTF` or in `/sys/kernel/btf/vmlinux`.
    ///
    /// # Errors
    ///
    /// If a header, a type or a string is malformed. References between types are not followed, so they may be dangling
    /// or cyclic.
    pub fn parse(data: impl Into<Cow<'a, [u8]>>) -> Result<Self, ParseError> {
        Self::open(data.into(), None)
    }

    /// Opens `data` whose numbers of types and offsets of strings continue those of `base`, as in
    /// `/sys/kernel/btf/<module>`.
    ///
    /// # Errors
    ///
    /// As [`Btf::parse`].
    pub fn parse_split(
        data: impl Into<Cow<'a, [u8]>>,
        base: Arc<Btf<'a>>,
    ) -> Result<Self, ParseError> {
        Self::open(data.into(), Some(base))
    }

    fn open(data: Cow<'a, [u8]>, base: Option<Arc<Btf<'a>>>) -> Result<Self, ParseError> {
        let (endian, types, strings) = header(&data)?;
        let fail = |offset, problem| Err(ParseError { offset, problem });
        let text = data.get(strings.clone()).unwrap_or_default();
        // The strings of a split part continue those of its base and need not begin with the empty one.
        let begins = base.is_some() || text.first() == Some(&0);
        if !begins || !(text.last() == Some(&0) || text.is_empty() && base.is_some()) {
            return fail(strings.start, ParseProblem::Strings);
        }
        if let Err(error) = std::str::from_utf8(text) {
            return fail(strings.start + error.valid_up_to(), ParseProblem::Utf8);
        }
        let first_id = base.as_ref().map_or(1, |base| base.len());
        let first_string = base.as_ref().map_or(0, |base| base.strings_end());
        let offsets = type_offsets(&data, endian, types.clone(), first_id)?;
        let index = OnceLock::new();
        Ok(Btf { endian, data, types, strings, offsets, base, first_id, first_string, index })
    }

    /// The same with bytes of its own.
    pub fn into_owned(self) -> Btf<'static> {
        Btf {
            endian: self.endian,
            data: Cow::Owned(self.data.into_owned()),
            types: self.types,
            strings: self.strings,
            offsets: self.offsets,
            base: self.base.map(|base| Arc::new(Arc::unwrap_or_clone(base).into_owned())),
            first_id: self.first_id,
            first_string: self.first_string,
            index: self.index,
        }
    }

    /// The bytes this was opened from.
    pub fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// The order of bytes.
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// One more than the number of the last type: how many types there are, with `void` and those of the base.
    #[expect(clippy::len_without_is_empty, reason = "`void` is always there")]
    #[expect(clippy::cast_possible_truncation, reason = "checked when opening")]
    pub fn len(&self) -> u32 {
        self.first_id + self.offsets.len() as u32
    }

    /// The number of the first type that is not of the base.
    pub fn first_own(&self) -> TypeId {
        TypeId(self.first_id)
    }

    /// What this continues, if anything.
    pub fn base(&self) -> Option<&Btf<'a>> {
        self.base.as_deref()
    }

    /// The type with this number.
    pub fn get(&self, id: TypeId) -> Option<Type<'_>> {
        if id == TypeId::VOID {
            return Some(Type::void(self));
        }
        let Some(index) = id.0.checked_sub(self.first_id) else {
            return self.base.as_ref()?.get(id);
        };
        let offset = *self.offsets.get(index as usize)? as usize;
        let bytes = self.data.get(self.types.clone())?.get(offset..)?;
        Some(Type::at(self, id, bytes))
    }

    /// All types but `void`, those of the base first.
    pub fn types(&self) -> impl Iterator<Item = Type<'_>> + '_ {
        (1..self.len()).filter_map(|id| self.get(TypeId(id)))
    }

    /// The types that are not of the base.
    pub fn own_types(&self) -> impl Iterator<Item = Type<'_>> + '_ {
        (self.first_id..self.len()).filter_map(|id| self.get(TypeId(id)))
    }

    /// The string at `offset`; empty if there is none.
    pub fn string(&self, offset: u32) -> &str {
        std::str::from_utf8(self.string_bytes(offset)).unwrap_or_default()
    }

    /// The string at `offset` as bytes, without the zero byte at its end.
    pub(crate) fn string_bytes(&self, offset: u32) -> &[u8] {
        let Some(own) = offset.checked_sub(self.first_string) else {
            return self.base.as_ref().map_or(&[], |base| base.string_bytes(offset));
        };
        let strings = self.data.get(self.strings.clone()).unwrap_or_default();
        let rest = strings.get(own as usize..).unwrap_or_default();
        let end = rest.iter().position(|&byte| byte == 0).unwrap_or(rest.len());
        &rest[..end]
    }

    /// All strings of this part, each with a zero byte at its end.
    pub(crate) fn own_strings(&self) -> &[u8] {
        self.data.get(self.strings.clone()).unwrap_or_default()
    }

    /// The types of this part as they stand.
    pub(crate) fn own_type_bytes(&self) -> &[u8] {
        self.data.get(self.types.clone()).unwrap_or_default()
    }

    pub(crate) fn own_offsets(&self) -> &[u32] {
        &self.offsets
    }

    #[expect(clippy::cast_possible_truncation, reason = "lengths of sections are 32 bits wide")]
    fn strings_end(&self) -> u32 {
        self.first_string.saturating_add(self.strings.len() as u32)
    }
}

fn header(data: &[u8]) -> Result<(Endian, Range<usize>, Range<usize>), ParseError> {
    let fail = |offset, problem| Err(ParseError { offset, problem });
    if data.len() < HEADER {
        return fail(data.len(), ParseProblem::ShortHeader);
    }
    let endian = match Endian::Little.u16_at(data, 0) {
        MAGIC => Endian::Little,
        swapped if swapped.swap_bytes() == MAGIC => Endian::Big,
        _ => return fail(0, ParseProblem::Magic),
    };
    if data[2] != 1 {
        return fail(2, ParseProblem::Version(data[2]));
    }
    let word = |at| endian.u32_at(data, at) as usize;
    let length = word(4);
    if length < HEADER || length > data.len() {
        return fail(4, ParseProblem::ShortHeader);
    }
    let section = |at: usize, name| {
        let start = length.checked_add(word(at));
        let end = start.and_then(|start| start.checked_add(word(at + 4)));
        match (start, end) {
            (Some(start), Some(end)) if end <= data.len() => Ok(start..end),
            _ => Err(ParseError { offset: at, problem: ParseProblem::SectionBounds(name) }),
        }
    };
    Ok((endian, section(8, "type")?, section(16, "string")?))
}

/// Where each type of the section begins; every one is of a known kind and complete.
fn type_offsets(
    data: &[u8],
    endian: Endian,
    section: Range<usize>,
    first_id: u32,
) -> Result<Vec<u32>, ParseError> {
    let start = section.start;
    let bytes = data.get(section).unwrap_or_default();
    // Types of the kernel take 22 bytes on average.
    let mut offsets = Vec::with_capacity(bytes.len() / 20);
    let mut at = 0;
    while at < bytes.len() {
        let number = u32::try_from(offsets.len()).ok().and_then(|own| first_id.checked_add(own));
        let fail = |problem| Err(ParseError { offset: start + at, problem });
        let (Some(number), Ok(offset)) = (number.filter(|&id| id < u32::MAX), u32::try_from(at))
        else {
            return fail(ParseProblem::TooLarge);
        };
        let id = TypeId(number);
        if bytes.len() - at < COMMON {
            return fail(ParseProblem::ShortType { id });
        }
        let info = endian.u32_at(bytes, at + 4);
        let kind = ((info >> 24) & 0x1f) as u8;
        let Some(known) = Kind::of_number(kind) else {
            return fail(ParseProblem::Kind { id, kind });
        };
        let (once, each) = known.tail();
        let length = COMMON + once + each * (info & 0xffff) as usize;
        if bytes.len() - at < length {
            return fail(ParseProblem::ShortType { id });
        }
        offsets.push(offset);
        at += length;
    }
    Ok(offsets)
}
