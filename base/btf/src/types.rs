//! A type as it stands in the bytes: what it says of itself.

use std::fmt;

use crate::parse::COMMON;
use crate::{Array, Btf, Enumerator, Int, Kind, Linkage, Member, Param, Records, TypeId, Variable};

/// A view of one type. What a kind does not have is `None`, or an empty list.
#[derive(Clone, Copy)]
pub struct Type<'b> {
    btf: &'b Btf<'b>,
    id: TypeId,
    kind: Kind,
    flag: bool,
    name: u32,
    entries: u16,
    size_or_target: u32,
    /// What follows the common part; longer than the type.
    tail: &'b [u8],
}

impl<'b> Type<'b> {
    pub(crate) fn void(btf: &'b Btf<'b>) -> Self {
        let (id, kind, tail) = (TypeId::VOID, Kind::Void, &[]);
        Type { btf, id, kind, flag: false, name: 0, entries: 0, size_or_target: 0, tail }
    }

    /// The type at the beginning of `bytes`, which [`Btf::parse`] has found to be complete.
    pub(crate) fn at(btf: &'b Btf<'b>, id: TypeId, bytes: &'b [u8]) -> Self {
        let endian = btf.endian();
        let info = endian.u32_at(bytes, 4);
        Type {
            btf,
            id,
            kind: Kind::of_number(((info >> 24) & 0x1f) as u8).unwrap_or(Kind::Void),
            flag: info >> 31 == 1,
            name: endian.u32_at(bytes, 0),
            entries: (info & 0xffff) as u16,
            size_or_target: endian.u32_at(bytes, 8),
            tail: bytes.get(COMMON..).unwrap_or_default(),
        }
    }

    /// Its number.
    pub fn id(&self) -> TypeId {
        self.id
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its name; empty if it has none.
    pub fn name(&self) -> &'b str {
        self.btf.string(self.name)
    }

    /// Where its name begins among the strings.
    pub fn name_offset(&self) -> u32 {
        self.name
    }

    /// The flag of the kind: bitfields are encoded (structures), values are signed (enumerations), it is a union
    /// (forward declarations).
    pub fn flag(&self) -> bool {
        self.flag
    }

    /// How many members, enumerators, parameters or variables there are.
    pub fn entries(&self) -> u16 {
        match self.kind.tail() {
            (_, 0) => 0,
            _ => self.entries,
        }
    }

    /// The size in bytes of kinds that say it ([`Kind::has_size`]).
    pub fn size(&self) -> Option<u32> {
        self.kind.has_size().then_some(self.size_or_target)
    }

    /// The type that this one is about ([`Kind::has_target`]): pointed to, named, qualified, returned.
    pub fn target(&self) -> Option<TypeId> {
        self.kind.has_target().then_some(TypeId(self.size_or_target))
    }

    /// The encoding of an integer.
    pub fn int(&self) -> Option<Int> {
        (self.kind == Kind::Int).then(|| Int::of_word(self.word(0)))
    }

    /// Element and length of an array.
    pub fn array(&self) -> Option<Array> {
        (self.kind == Kind::Array).then(|| Array {
            element: TypeId(self.word(0)),
            index: TypeId(self.word(4)),
            length: self.word(8),
        })
    }

    /// The members of a structure or union.
    pub fn members(&self) -> Records<'b, Member<'b>> {
        self.records(self.kind.is_composite())
    }

    /// The enumerators of an enumeration of either width.
    pub fn enumerators(&self) -> Records<'b, Enumerator<'b>> {
        self.records(self.kind.is_enum())
    }

    /// The parameters of a prototype. The last one of a variadic function has no name and type 0.
    pub fn params(&self) -> Records<'b, Param<'b>> {
        self.records(self.kind == Kind::FuncProto)
    }

    /// The variables of a section.
    pub fn variables(&self) -> Records<'b, Variable> {
        self.records(self.kind == Kind::DataSec)
    }

    /// The linkage of a function or variable, if it is one of those known.
    pub fn linkage(&self) -> Option<Linkage> {
        match self.kind {
            Kind::Func => Linkage::of_number(u32::from(self.entries)),
            Kind::Var => Linkage::of_number(self.word(0)),
            _ => None,
        }
    }

    /// Which member or parameter of its target an attribute is about; `None` means the target itself.
    pub fn component(&self) -> Option<u32> {
        (self.kind == Kind::DeclTag).then(|| self.word(0)).filter(|&index| index != u32::MAX)
    }

    fn word(&self, at: usize) -> u32 {
        self.btf.endian().u32_at(self.tail, at)
    }

    fn records<T>(&self, has: bool) -> Records<'b, T> {
        let (_, each) = self.kind.tail();
        let (entries, each) =
            if has { (usize::from(self.entries), each) } else { (0, each.max(1)) };
        let bytes = self.tail.get(..entries * each).unwrap_or_default();
        Records::new(self.btf, bytes, each, self.flag)
    }
}

impl fmt::Debug for Type<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {} '{}'", self.id, self.kind, self.name())
    }
}
