//! Writing type information, and changing what was read.

use rustc_hash::FxHashMap;

use crate::parse::COMMON;
use crate::{Array, Btf, Endian, Int, Kind, Linkage, TypeId, Variable, WriteError};

/// Type information being written: types are added at the end, and some parts of them can be changed.
#[derive(Clone, Debug)]
pub struct Writer {
    endian: Endian,
    types: Vec<u8>,
    offsets: Vec<u32>,
    strings: Vec<u8>,
    known: FxHashMap<String, u32>,
}

/// A type to be written.
#[derive(Clone, Copy, Debug)]
pub enum NewType<'a> {
    /// An integer.
    Int {
        /// Its name.
        name: &'a str,
        /// Its size in bytes.
        size: u32,
        /// Its encoding.
        encoding: Int,
    },
    /// A kind that has only a target: pointers, qualifiers, names, prototypes' users.
    Reference {
        /// The kind; one with a target and nothing behind it.
        kind: Kind,
        /// The name; empty for kinds without one.
        name: &'a str,
        /// The target.
        target: TypeId,
    },
    /// An array.
    Array(Array),
    /// A structure.
    Struct {
        /// Its name.
        name: &'a str,
        /// Its size in bytes.
        size: u32,
        /// Its members.
        members: &'a [NewMember<'a>],
    },
    /// A union.
    Union {
        /// Its name.
        name: &'a str,
        /// Its size in bytes.
        size: u32,
        /// Its members.
        members: &'a [NewMember<'a>],
    },
    /// An enumeration: [`Kind::Enum64`] if `size` is 8.
    Enum {
        /// Its name.
        name: &'a str,
        /// Its size in bytes.
        size: u32,
        /// Whether its values have a sign.
        signed: bool,
        /// Its values.
        enumerators: &'a [NewEnumerator<'a>],
    },
    /// A declaration without a definition.
    Fwd {
        /// Its name.
        name: &'a str,
        /// Whether it is of a union.
        union: bool,
    },
    /// A function.
    Func {
        /// Its name.
        name: &'a str,
        /// Its prototype.
        prototype: TypeId,
        /// Its linkage.
        linkage: Linkage,
    },
    /// A prototype.
    FuncProto {
        /// What it returns.
        returns: TypeId,
        /// Its parameters.
        params: &'a [NewParam<'a>],
    },
    /// A variable.
    Var {
        /// Its name.
        name: &'a str,
        /// Its type.
        ty: TypeId,
        /// Its linkage.
        linkage: Linkage,
    },
    /// A section of variables.
    DataSec {
        /// Its name.
        name: &'a str,
        /// Its size in bytes.
        size: u32,
        /// Its variables.
        variables: &'a [NewVariable],
    },
    /// A floating-point number.
    Float {
        /// Its name.
        name: &'a str,
        /// Its size in bytes.
        size: u32,
    },
    /// An attribute of a declaration.
    DeclTag {
        /// Its text.
        text: &'a str,
        /// What it is about.
        target: TypeId,
        /// Which member or parameter of it.
        component: Option<u32>,
    },
}

impl<'a> NewType<'a> {
    /// An integer of `size` bytes.
    pub fn int(name: &'a str, size: u32, signed: bool) -> Self {
        let bits = u8::try_from(size * 8).unwrap_or(u8::MAX);
        let encoding = Int { bits, bit_offset: 0, signed, char: false, bool: false };
        NewType::Int { name, size, encoding }
    }

    /// A pointer.
    pub fn ptr(target: TypeId) -> Self {
        NewType::Reference { kind: Kind::Ptr, name: "", target }
    }
}

/// A member to be written.
#[derive(Clone, Copy, Debug)]
pub struct NewMember<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
    /// Its distance from the beginning in bits.
    pub bit_offset: u32,
    /// Its width in bits if it is a bitfield, else 0.
    pub bitfield: u8,
}

impl<'a> NewMember<'a> {
    /// A member that is no bitfield.
    pub fn at(name: &'a str, ty: TypeId, bit_offset: u32) -> Self {
        NewMember { name, ty, bit_offset, bitfield: 0 }
    }
}

/// An enumerator to be written.
#[derive(Clone, Copy, Debug)]
pub struct NewEnumerator<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: i128,
}

/// A parameter to be written.
#[derive(Clone, Copy, Debug)]
pub struct NewParam<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
}

/// A variable in a section to be written.
pub type NewVariable = Variable;

impl Writer {
    /// Nothing written yet.
    pub fn new(endian: Endian) -> Self {
        let known = FxHashMap::from_iter([(String::new(), 0)]);
        Writer { endian, types: Vec::new(), offsets: Vec::new(), strings: vec![0], known }
    }

    /// All that stands in `btf`, which must have no base, to be added to and changed. Numbers of types and offsets of
    /// strings stay what they are.
    pub fn of(btf: &Btf<'_>) -> Self {
        Writer {
            endian: btf.endian(),
            types: btf.own_type_bytes().to_vec(),
            offsets: btf.own_offsets().to_vec(),
            strings: btf.own_strings().to_vec(),
            known: FxHashMap::from_iter([(String::new(), 0)]),
        }
    }

    /// The bytes.
    pub fn finish(&self) -> Vec<u8> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let (types, strings) = (length(&self.types), length(&self.strings));
        let mut out = Vec::with_capacity(24 + self.types.len() + self.strings.len());
        out.extend(self.endian.u16_bytes(0xeb9f));
        out.extend([1, 0]);
        for word in [24, 0, types, types, strings] {
            out.extend(self.endian.u32_bytes(word));
        }
        out.extend(&self.types);
        out.extend(&self.strings);
        out
    }

    /// One more than the number of the last type.
    #[expect(clippy::cast_possible_truncation, reason = "types of more than 32 bits are refused")]
    pub fn next_id(&self) -> TypeId {
        TypeId(self.offsets.len() as u32 + 1)
    }

    /// The offset of `text` among the strings, which is added if it was not.
    ///
    /// # Errors
    ///
    /// If it contains a zero byte, or there is no room.
    pub fn string(&mut self, text: &str) -> Result<u32, WriteError> {
        if let Some(&offset) = self.known.get(text) {
            return Ok(offset);
        }
        if text.contains('\0') {
            return Err(WriteError::Name);
        }
        let end = self.strings.len() + text.len() + 1;
        let offset = match u32::try_from(end) {
            Ok(_) => u32::try_from(self.strings.len()).map_err(|_| WriteError::TooLarge)?,
            Err(_) => return Err(WriteError::TooLarge),
        };
        self.strings.extend(text.as_bytes());
        self.strings.push(0);
        self.known.insert(text.to_owned(), offset);
        Ok(offset)
    }

    /// Adds a type and returns its number. Numbers of types that do not exist yet may be used.
    ///
    /// # Errors
    ///
    /// If a name contains a zero byte, or a list has more than 65,535 entries.
    pub fn add(&mut self, ty: &NewType<'_>) -> Result<TypeId, WriteError> {
        let mut tail = Tail { endian: self.endian, bytes: Vec::new() };
        let (kind, name, flag, entries, word) = match *ty {
            NewType::Int { name, size, encoding } => {
                tail.word(encoding.word());
                (Kind::Int, name, false, 0, size)
            }
            NewType::Reference { kind, name, target } => {
                if !kind.has_target() || kind.tail() != (0, 0) {
                    return Err(WriteError::NoSuchPart(target));
                }
                (kind, name, false, 0, target.0)
            }
            NewType::Array(array) => {
                tail.words([array.element.0, array.index.0, array.length]);
                (Kind::Array, "", false, 0, 0)
            }
            NewType::Struct { name, size, members } => {
                let flag = self.members(&mut tail, members)?;
                (Kind::Struct, name, flag, members.len(), size)
            }
            NewType::Union { name, size, members } => {
                let flag = self.members(&mut tail, members)?;
                (Kind::Union, name, flag, members.len(), size)
            }
            NewType::Enum { name, size, signed, enumerators } => {
                let wide = size == 8;
                for one in enumerators {
                    let (low, high) = halves(one.value);
                    tail.words([self.string(one.name)?, low]);
                    if wide {
                        tail.word(high);
                    }
                }
                let kind = if wide { Kind::Enum64 } else { Kind::Enum };
                (kind, name, signed, enumerators.len(), size)
            }
            NewType::Fwd { name, union } => (Kind::Fwd, name, union, 0, 0),
            NewType::Func { name, prototype, linkage } => {
                (Kind::Func, name, false, linkage as usize, prototype.0)
            }
            NewType::FuncProto { returns, params } => {
                for param in params {
                    tail.words([self.string(param.name)?, param.ty.0]);
                }
                (Kind::FuncProto, "", false, params.len(), returns.0)
            }
            NewType::Var { name, ty, linkage } => {
                tail.word(linkage as u32);
                (Kind::Var, name, false, 0, ty.0)
            }
            NewType::DataSec { name, size, variables } => {
                for variable in variables {
                    tail.words([variable.ty.0, variable.offset, variable.size]);
                }
                (Kind::DataSec, name, false, variables.len(), size)
            }
            NewType::Float { name, size } => (Kind::Float, name, false, 0, size),
            NewType::DeclTag { text, target, component } => {
                tail.word(component.unwrap_or(u32::MAX));
                (Kind::DeclTag, text, false, 0, target.0)
            }
        };
        let entries = u16::try_from(entries).map_err(|_| WriteError::TooLarge)?;
        let id = self.next_id();
        let offset = u32::try_from(self.types.len()).map_err(|_| WriteError::TooLarge)?;
        let name = self.string(name)?;
        let info = u32::from(flag) << 31 | (kind as u32) << 24 | u32::from(entries);
        self.offsets.push(offset);
        for word in [name, info, word] {
            self.types.extend(self.endian.u32_bytes(word));
        }
        self.types.extend(tail.bytes);
        Ok(id)
    }

    fn members(&mut self, tail: &mut Tail, members: &[NewMember<'_>]) -> Result<bool, WriteError> {
        let flag = members.iter().any(|member| member.bitfield > 0);
        for member in members {
            let offset = if flag {
                u32::from(member.bitfield) << 24 | member.bit_offset & 0x00ff_ffff
            } else {
                member.bit_offset
            };
            tail.words([self.string(member.name)?, member.ty.0, offset]);
        }
        Ok(flag)
    }

    /// Sets the size of a type that says it.
    ///
    /// # Errors
    ///
    /// If the type does not exist or has no size.
    pub fn set_size(&mut self, id: TypeId, size: u32) -> Result<(), WriteError> {
        let at = self.part(id, Kind::has_size)?;
        self.put(at + 8, size);
        Ok(())
    }

    /// Sets the target of a type that has one.
    ///
    /// # Errors
    ///
    /// If the type does not exist or has no target.
    pub fn set_target(&mut self, id: TypeId, target: TypeId) -> Result<(), WriteError> {
        let at = self.part(id, Kind::has_target)?;
        self.put(at + 8, target.0);
        Ok(())
    }

    /// Sets the linkage of a function or variable.
    ///
    /// # Errors
    ///
    /// If the type does not exist or is neither.
    pub fn set_linkage(&mut self, id: TypeId, linkage: Linkage) -> Result<(), WriteError> {
        let at = self.part(id, |kind| matches!(kind, Kind::Func | Kind::Var))?;
        let info = self.endian.u32_at(&self.types, at + 4);
        if (info >> 24) & 0x1f == Kind::Var as u32 {
            self.put(at + COMMON, linkage as u32);
        } else {
            self.put(at + 4, info & !0xffff | linkage as u32);
        }
        Ok(())
    }

    /// Sets the name of a parameter to the string at `name`.
    ///
    /// # Errors
    ///
    /// If there is no such parameter.
    pub fn set_param_name(&mut self, id: TypeId, index: u16, name: u32) -> Result<(), WriteError> {
        let at = self.part(id, |kind| kind == Kind::FuncProto)?;
        if u32::from(index) >= self.endian.u32_at(&self.types, at + 4) & 0xffff {
            return Err(WriteError::NoSuchPart(id));
        }
        self.put(at + COMMON + 8 * usize::from(index), name);
        Ok(())
    }

    /// Replaces the variables of a section by as many others.
    ///
    /// # Errors
    ///
    /// If the type does not exist, is no section, or has another number of variables.
    pub fn set_variables(&mut self, id: TypeId, variables: &[Variable]) -> Result<(), WriteError> {
        let at = self.part(id, |kind| kind == Kind::DataSec)?;
        if variables.len() as u64 != u64::from(self.endian.u32_at(&self.types, at + 4) & 0xffff) {
            return Err(WriteError::NoSuchPart(id));
        }
        for (index, variable) in variables.iter().enumerate() {
            let at = at + COMMON + 12 * index;
            for (step, word) in
                [variable.ty.0, variable.offset, variable.size].into_iter().enumerate()
            {
                self.put(at + 4 * step, word);
            }
        }
        Ok(())
    }

    /// Where the type begins, if its kind is among those asked for.
    fn part(&self, id: TypeId, has: impl Fn(Kind) -> bool) -> Result<usize, WriteError> {
        let missing = WriteError::NoSuchPart(id);
        let index = id.0.checked_sub(1).ok_or(missing.clone())? as usize;
        let at = *self.offsets.get(index).ok_or(missing.clone())? as usize;
        let info = self.endian.u32_at(&self.types, at + 4);
        let kind = Kind::of_number(((info >> 24) & 0x1f) as u8);
        kind.filter(|&kind| has(kind)).map(|_| at).ok_or(missing)
    }

    fn put(&mut self, at: usize, word: u32) {
        let bytes = self.endian.u32_bytes(word);
        if let Some(place) = self.types.get_mut(at..at + 4) {
            place.copy_from_slice(&bytes);
        }
    }
}

struct Tail {
    endian: Endian,
    bytes: Vec<u8>,
}

impl Tail {
    fn word(&mut self, word: u32) {
        self.bytes.extend(self.endian.u32_bytes(word));
    }

    fn words<const N: usize>(&mut self, words: [u32; N]) {
        for word in words {
            self.word(word);
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "halves of 64 bits")]
fn halves(value: i128) -> (u32, u32) {
    (value as u32, (value >> 32) as u32)
}
