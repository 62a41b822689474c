//! Lists within types: members, enumerators, parameters, variables.

use std::marker::PhantomData;

use crate::{Btf, TypeId};

/// A list in a type, read while it is walked.
#[derive(Clone, Copy)]
pub struct Records<'b, T> {
    btf: &'b Btf<'b>,
    bytes: &'b [u8],
    each: usize,
    flag: bool,
    record: PhantomData<T>,
}

impl<'b, T> Records<'b, T> {
    pub(crate) fn new(btf: &'b Btf<'b>, bytes: &'b [u8], each: usize, flag: bool) -> Self {
        Records { btf, bytes, each, flag, record: PhantomData }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.each
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes of the record at `index`.
    fn at(&self, index: usize) -> Option<&'b [u8]> {
        let start = index.checked_mul(self.each)?;
        self.bytes.get(start..)?.get(..self.each)
    }
}

#[expect(private_bounds, reason = "the lists of types are the only ones")]
impl<'b, T: Record<'b>> Records<'b, T> {
    /// The record at `index`.
    pub fn get(&self, index: usize) -> Option<T> {
        Some(T::read(self.btf, self.at(index)?, self.flag))
    }

    /// All of them in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = T> + use<'b, T> {
        let Records { btf, bytes, each, flag, .. } = *self;
        bytes.chunks_exact(each).map(move |record| T::read(btf, record, flag))
    }
}

trait Record<'b> {
    fn read(btf: &'b Btf<'b>, bytes: &'b [u8], flag: bool) -> Self;
}

/// A member of a structure or union.
#[derive(Clone, Copy)]
pub struct Member<'b> {
    btf: &'b Btf<'b>,
    name: u32,
    /// Its type.
    pub ty: TypeId,
    /// Its distance from the beginning of the structure in bits.
    pub bit_offset: u32,
    /// Its width in bits if it is a bitfield, else 0.
    pub bitfield: u8,
}

impl<'b> Member<'b> {
    /// Its name; empty for an anonymous structure or union, and for padding.
    pub fn name(&self) -> &'b str {
        self.btf.string(self.name)
    }

    /// Whether it has this name.
    pub fn is_named(&self, name: &str) -> bool {
        self.btf.string_bytes(self.name) == name.as_bytes()
    }

    /// Whether it has no name.
    pub fn is_anonymous(&self) -> bool {
        self.name == 0 || self.btf.string_bytes(self.name).is_empty()
    }
}

impl<'b> Record<'b> for Member<'b> {
    fn read(btf: &'b Btf<'b>, bytes: &'b [u8], flag: bool) -> Self {
        let word = |at| btf.endian().u32_at(bytes, at);
        let offset = word(8);
        let (bit_offset, bitfield) =
            if flag { (offset & 0x00ff_ffff, (offset >> 24) as u8) } else { (offset, 0) };
        Member { btf, name: word(0), ty: TypeId(word(4)), bit_offset, bitfield }
    }
}

/// A named value of an enumeration.
#[derive(Clone, Copy)]
pub struct Enumerator<'b> {
    btf: &'b Btf<'b>,
    name: u32,
    bits: u64,
    wide: bool,
    signed: bool,
}

impl<'b> Enumerator<'b> {
    /// Its name.
    pub fn name(&self) -> &'b str {
        self.btf.string(self.name)
    }

    /// Its value, by the signedness of the enumeration.
    pub fn value(&self) -> i128 {
        if self.signed { i128::from(self.extended().cast_signed()) } else { i128::from(self.bits) }
    }

    /// Its value as libbpf extends it to 64 bits: those of narrow enumerations by their sign bit, always.
    pub fn extended(&self) -> u64 {
        if self.wide { self.bits } else { ((self.bits << 32).cast_signed() >> 32).cast_unsigned() }
    }
}

impl<'b> Record<'b> for Enumerator<'b> {
    fn read(btf: &'b Btf<'b>, bytes: &'b [u8], signed: bool) -> Self {
        let word = |at| btf.endian().u32_at(bytes, at);
        // The low half comes first in both byte orders.
        let bits = u64::from(word(4)) | u64::from(word(8)) << 32;
        Enumerator { btf, name: word(0), bits, wide: bytes.len() == 12, signed }
    }
}

/// A parameter of a prototype.
#[derive(Clone, Copy)]
pub struct Param<'b> {
    btf: &'b Btf<'b>,
    name: u32,
    /// Its type; 0 for the rest of a variadic function.
    pub ty: TypeId,
}

impl<'b> Param<'b> {
    /// Its name; empty if it has none.
    pub fn name(&self) -> &'b str {
        self.btf.string(self.name)
    }
}

impl<'b> Record<'b> for Param<'b> {
    fn read(btf: &'b Btf<'b>, bytes: &'b [u8], _: bool) -> Self {
        let word = |at| btf.endian().u32_at(bytes, at);
        Param { btf, name: word(0), ty: TypeId(word(4)) }
    }
}

/// The place of a variable, or of an extern function, in its section.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Variable {
    /// The variable.
    pub ty: TypeId,
    /// Its distance from the beginning of the section in bytes. Compilers leave it 0.
    pub offset: u32,
    /// Its size in bytes.
    pub size: u32,
}

impl<'b> Record<'b> for Variable {
    fn read(btf: &'b Btf<'b>, bytes: &'b [u8], _: bool) -> Self {
        let word = |at| btf.endian().u32_at(bytes, at);
        Variable { ty: TypeId(word(0)), offset: word(4), size: word(8) }
    }
}

/// How an integer is encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Int {
    /// Its width in bits.
    pub bits: u8,
    /// Where it begins in its bytes; not 0 only in old bitfields.
    pub bit_offset: u8,
    /// Whether it has a sign.
    pub signed: bool,
    /// Whether it is a character.
    pub char: bool,
    /// Whether it is a `bool`.
    pub bool: bool,
}

impl Int {
    pub(crate) fn of_word(word: u32) -> Self {
        let encoding = (word >> 24) & 0xf;
        Int {
            bits: (word & 0xff) as u8,
            bit_offset: ((word >> 16) & 0xff) as u8,
            signed: encoding & 1 != 0,
            char: encoding & 2 != 0,
            bool: encoding & 4 != 0,
        }
    }

    pub(crate) fn word(self) -> u32 {
        let encoding =
            u32::from(self.signed) | u32::from(self.char) << 1 | u32::from(self.bool) << 2;
        encoding << 24 | u32::from(self.bit_offset) << 16 | u32::from(self.bits)
    }
}

/// An array.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Array {
    /// The type of its elements.
    pub element: TypeId,
    /// The type of its index.
    pub index: TypeId,
    /// How many elements it has; 0 for a flexible one.
    pub length: u32,
}
