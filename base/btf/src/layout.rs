//! Sizes, alignment, and members by path.

use rustc_hash::FxHashMap;

use crate::{Btf, Kind, LayoutError, Type, TypeId};

/// As many types in a row as libbpf follows for a size.
const CHAIN: usize = 32;
/// Structures within structures; compilers stop long before.
const NEST: usize = 64;
/// Members looked at for one path, anonymous ones within others included.
const MEMBERS: usize = 1 << 16;
const POINTER: u64 = 8;

/// A member, or an element of an array, found by its path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its type.
    pub ty: TypeId,
    /// Its distance from the beginning of the outermost structure in bits.
    pub bit_offset: u64,
    /// Its width in bits if it is a bitfield, else 0.
    pub bitfield: u8,
}

impl Btf<'_> {
    /// The type behind names and qualifiers: `struct s` for `const s_t`. `None` if the chain is broken or endless.
    pub fn resolve(&self, id: TypeId) -> Option<Type<'_>> {
        let mut ty = self.get(id)?;
        for _ in 0..CHAIN {
            if !(ty.kind().is_modifier() || ty.kind() == Kind::Typedef) {
                return Some(ty);
            }
            ty = self.get(ty.target()?)?;
        }
        None
    }

    /// The size in bytes; pointers have 8. A variable has the size of its type.
    ///
    /// # Errors
    ///
    /// If the type has no size, or is malformed.
    pub fn size_of(&self, id: TypeId) -> Result<u64, LayoutError> {
        let mut count = 1u64;
        let mut at = id;
        for _ in 0..CHAIN {
            let ty = self.get(at).ok_or(LayoutError::NoType(at))?;
            let size = match ty.kind() {
                Kind::Ptr => POINTER,
                Kind::Array => {
                    let array = ty.array().ok_or(LayoutError::NoSize(at))?;
                    count = count
                        .checked_mul(u64::from(array.length))
                        .filter(|&count| count <= u64::from(u32::MAX))
                        .ok_or(LayoutError::TooLarge(id))?;
                    at = array.element;
                    continue;
                }
                Kind::Typedef
                | Kind::Volatile
                | Kind::Const
                | Kind::Restrict
                | Kind::TypeTag
                | Kind::DeclTag
                | Kind::Var => {
                    at = ty.target().ok_or(LayoutError::NoSize(at))?;
                    continue;
                }
                Kind::Void | Kind::Fwd | Kind::Func | Kind::FuncProto => {
                    return Err(LayoutError::NoSize(at));
                }
                Kind::Int
                | Kind::Struct
                | Kind::Union
                | Kind::Enum
                | Kind::DataSec
                | Kind::Float
                | Kind::Enum64 => u64::from(ty.size().unwrap_or_default()),
            };
            return Some(size * count)
                .filter(|&size| size <= u64::from(u32::MAX))
                .ok_or(LayoutError::TooLarge(id));
        }
        Err(LayoutError::TooDeep(id))
    }

    /// The alignment in bytes that the type needs; 1 for a structure whose members are packed.
    ///
    /// # Errors
    ///
    /// As [`Btf::size_of`].
    pub fn align_of(&self, id: TypeId) -> Result<u64, LayoutError> {
        self.align_within(id, NEST, &mut FxHashMap::default())
    }

    fn align_within(
        &self,
        id: TypeId,
        depth: usize,
        known: &mut FxHashMap<TypeId, u64>,
    ) -> Result<u64, LayoutError> {
        if depth == 0 {
            return Err(LayoutError::TooDeep(id));
        }
        if let Some(&align) = known.get(&id) {
            return Ok(align);
        }
        let ty = self.get(id).ok_or(LayoutError::NoType(id))?;
        let align = match ty.kind() {
            Kind::Ptr => POINTER,
            Kind::Int | Kind::Enum | Kind::Enum64 | Kind::Float => {
                u64::from(ty.size().unwrap_or_default()).clamp(1, POINTER)
            }
            Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag => {
                let target = ty.target().ok_or(LayoutError::NoSize(id))?;
                self.align_within(target, depth - 1, known)?
            }
            Kind::Array => {
                let array = ty.array().ok_or(LayoutError::NoSize(id))?;
                self.align_within(array.element, depth - 1, known)?
            }
            Kind::Struct | Kind::Union => {
                let (mut most, mut packed) = (1, false);
                for member in ty.members().iter() {
                    let align = self.align_within(member.ty, depth - 1, known)?;
                    most = most.max(align);
                    packed |=
                        member.bitfield == 0 && u64::from(member.bit_offset) % (8 * align) != 0;
                }
                packed |= u64::from(ty.size().unwrap_or_default()) % most != 0;
                if packed { 1 } else { most }
            }
            Kind::Void
            | Kind::Fwd
            | Kind::Func
            | Kind::FuncProto
            | Kind::Var
            | Kind::DataSec
            | Kind::DeclTag => return Err(LayoutError::NoSize(id)),
        };
        known.insert(id, align);
        Ok(align)
    }

    /// The member that `path` leads to, as in `a.b[3].c`. Members of anonymous structures and unions count as members
    /// of what is around them. Nothing checks that an index is within its array.
    ///
    /// # Errors
    ///
    /// If the path is malformed or leads nowhere.
    pub fn field(&self, id: TypeId, path: &str) -> Result<Field, LayoutError> {
        let mut field = Field { ty: id, bit_offset: 0, bitfield: 0 };
        let mut rest = path;
        let mut budget = MEMBERS;
        while !rest.is_empty() {
            let position = path.len() - rest.len();
            if let Some(index) = rest.strip_prefix('[') {
                let (number, behind) = index.split_once(']').ok_or(LayoutError::Path(position))?;
                let number: u32 = number.parse().map_err(|_| LayoutError::Path(position))?;
                let ty = self.resolve(field.ty).ok_or(LayoutError::NotArray(field.ty))?;
                let array = ty.array().ok_or(LayoutError::NotArray(ty.id()))?;
                let step = (self.size_of(array.element)? * 8)
                    .checked_mul(number.into())
                    .ok_or(LayoutError::TooLarge(id))?;
                field = Field {
                    ty: array.element,
                    bit_offset: add_bits(field.bit_offset, step, id)?,
                    bitfield: 0,
                };
                rest = behind;
            } else {
                let name = match rest.strip_prefix('.') {
                    Some(name) if position > 0 => name,
                    None if position == 0 => rest,
                    _ => return Err(LayoutError::Path(position)),
                };
                let end = name.find(['.', '[']).unwrap_or(name.len());
                if end == 0 {
                    return Err(LayoutError::Path(position));
                }
                let inner = self.member(field.ty, &name[..end], NEST, &mut budget)?;
                field = Field {
                    bit_offset: add_bits(field.bit_offset, inner.bit_offset, id)?,
                    ..inner
                };
                rest = &name[end..];
            }
        }
        Ok(field)
    }

    fn member(
        &self,
        id: TypeId,
        name: &str,
        depth: usize,
        budget: &mut usize,
    ) -> Result<Field, LayoutError> {
        let no_member = || LayoutError::NoMember { id, name: name.to_owned() };
        let ty = self.resolve(id).ok_or(LayoutError::NotComposite(id))?;
        if !ty.kind().is_composite() {
            return Err(LayoutError::NotComposite(id));
        }
        for member in ty.members().iter() {
            *budget = budget.checked_sub(1).ok_or(LayoutError::TooDeep(id))?;
            let bit_offset = u64::from(member.bit_offset);
            if member.name() == name {
                return Ok(Field { ty: member.ty, bit_offset, bitfield: member.bitfield });
            }
            if member.is_anonymous() {
                let inner = match depth {
                    0 => Err(LayoutError::TooDeep(id)),
                    _ => self.member(member.ty, name, depth - 1, budget),
                };
                match inner {
                    Ok(field) => {
                        return Ok(Field { bit_offset: bit_offset + field.bit_offset, ..field });
                    }
                    Err(LayoutError::NoMember { .. } | LayoutError::NotComposite(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Err(no_member())
    }
}

fn add_bits(offset: u64, more: u64, id: TypeId) -> Result<u64, LayoutError> {
    offset.checked_add(more).ok_or(LayoutError::TooLarge(id))
}
