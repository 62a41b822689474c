//! Where a compiler for BPF puts members, and what makes it put them where they are.

use rustc_hash::FxHashMap;

use super::print::{keyword_type, type_of_size};
use crate::{Btf, Kind, Member, Type, TypeId};

/// By-value nesting of structures; compilers stop long before.
const NEST: usize = 64;

/// How a structure or union is to be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    /// As it is, with padding where members are further apart than they need be.
    Natural {
        /// Alignment in bytes.
        align: u64,
    },
    /// With the attribute `packed`.
    Packed,
    /// A union that its attribute `aligned` makes larger than its members.
    Aligned {
        /// Alignment in bytes.
        align: u64,
    },
    /// Without its members: C cannot say where they are.
    Opaque,
}

impl Layout {
    fn align(self) -> u64 {
        match self {
            Layout::Natural { align } | Layout::Aligned { align } => align,
            Layout::Packed | Layout::Opaque => 1,
        }
    }
}

/// Layouts that were looked at.
pub(super) struct Layouts<'b> {
    btf: &'b Btf<'b>,
    known: FxHashMap<TypeId, Layout>,
}

/// A member as the layout sees it; all in bits.
struct Slot {
    offset: u64,
    /// Of the whole member, or of the type of a bitfield.
    size: u64,
    align: u64,
    bitfield: Option<u64>,
}

impl<'b> Layouts<'b> {
    pub(super) fn new(btf: &'b Btf<'b>) -> Self {
        Self { btf, known: FxHashMap::default() }
    }

    /// How the structure or union is written; `depth` structures are around it.
    pub(super) fn of(&mut self, ty: Type<'b>, depth: usize) -> Layout {
        if let Some(&layout) = self.known.get(&ty.id()) {
            return layout;
        }
        let layout = self.find(ty, depth).unwrap_or(Layout::Opaque);
        self.known.insert(ty.id(), layout);
        layout
    }

    fn find(&mut self, ty: Type<'b>, depth: usize) -> Option<Layout> {
        if depth > NEST {
            return None;
        }
        let members = ty.members();
        let slots: Option<Vec<_>> =
            members.iter().map(|member| self.slot(&member, depth + 1)).collect();
        let (slots, size) = (slots?, u64::from(ty.size()?) * 8);
        if ty.kind() == Kind::Union {
            return union(&slots, size);
        }
        place(&slots, size, false)
            .map(|align| Layout::Natural { align: align / 8 })
            .or_else(|| place(&slots, size, true).map(|_| Layout::Packed))
    }

    fn slot(&mut self, member: &Member<'b>, depth: usize) -> Option<Slot> {
        let size = self.btf.size_of(member.ty).ok()? * 8;
        let align = self.align(member.ty, depth)? * 8;
        let (offset, bitfield) = bits(self.btf, member);
        Some(Slot { offset, size, align, bitfield })
    }

    /// The alignment that the type has as it is written, in bytes.
    fn align(&mut self, id: TypeId, depth: usize) -> Option<u64> {
        let mut ty = self.btf.get(id)?;
        for _ in 0..NEST {
            match ty.kind() {
                Kind::Ptr => return Some(8),
                Kind::Int | Kind::Float => {
                    let size = ty.size()?;
                    let known = keyword_type(ty).is_some() || type_of_size(size, true).is_some();
                    return Some(if known { size.into() } else { 1 });
                }
                Kind::Enum | Kind::Enum64 => return ty.size().map(u64::from),
                Kind::Struct | Kind::Union => return Some(self.of(ty, depth).align()),
                Kind::Array => ty = self.btf.get(ty.array()?.element)?,
                Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag => {
                    ty = self.btf.get(ty.target()?)?;
                }
                Kind::Void
                | Kind::Fwd
                | Kind::Func
                | Kind::FuncProto
                | Kind::Var
                | Kind::DataSec
                | Kind::DeclTag => return None,
            }
        }
        None
    }
}

/// Where a member begins in bits, and its width if it is a bitfield. Old compilers said that with the integer type.
pub(super) fn bits(btf: &Btf<'_>, member: &Member<'_>) -> (u64, Option<u64>) {
    let offset = u64::from(member.bit_offset);
    if member.bitfield > 0 {
        return (offset, Some(member.bitfield.into()));
    }
    let ty = btf.resolve(member.ty);
    match ty.and_then(|ty| Some((ty.int()?, ty.size()?))) {
        Some((int, size)) if u32::from(int.bits) < size.saturating_mul(8) && !int.bool => {
            (offset + u64::from(int.bit_offset), Some(int.bits.into()))
        }
        _ => (offset, None),
    }
}

/// Where the next member lands behind `position`, all in bits.
fn lands(slot: &Slot, position: u64, packed: bool) -> u64 {
    match slot.bitfield {
        Some(_) if packed => position,
        // A bitfield does not cross the boundary of its type.
        Some(width) if position % slot.align + width > slot.size => {
            position.next_multiple_of(slot.align)
        }
        Some(_) => position,
        None => position.next_multiple_of(if packed { 8 } else { slot.align }),
    }
}

/// Puts the members one behind the other and padding between them. Returns the alignment in bits, or `None` if some
/// member cannot be where it is.
fn place(slots: &[Slot], size: u64, packed: bool) -> Option<u64> {
    let (mut position, mut align) = (0, 8);
    for slot in slots {
        if slot.offset < position || lands(slot, slot.offset, packed) != slot.offset {
            return None;
        }
        position = slot.offset + slot.bitfield.unwrap_or(slot.size);
        if !packed {
            align = align.max(slot.align);
        }
    }
    (position <= size && size.is_multiple_of(align)).then_some(align)
}

/// How much padding is in front of a member and behind the last one, in bits.
pub(super) struct Padding<'b> {
    btf: &'b Btf<'b>,
    packed: bool,
    position: u64,
}

impl<'b> Padding<'b> {
    pub(super) fn new(btf: &'b Btf<'b>, layout: Layout) -> Self {
        Self { btf, packed: layout == Layout::Packed, position: 0 }
    }

    /// Where the padding in front of the member begins and ends. To be asked for each member in order.
    pub(super) fn before(
        &mut self,
        member: &Member<'b>,
        layouts: &mut Layouts<'b>,
    ) -> Option<(u64, u64)> {
        let slot = layouts.slot(member, 0)?;
        let padding = (lands(&slot, self.position, self.packed) != slot.offset)
            .then_some((self.position, slot.offset));
        self.position = slot.offset + slot.bitfield.unwrap_or(slot.size);
        padding
    }

    /// Where the padding behind the last member begins and ends.
    pub(super) fn after(&self, ty: Type<'_>, layout: Layout) -> Option<(u64, u64)> {
        let size = u64::from(ty.size().unwrap_or_default()) * 8;
        let end = self.position.next_multiple_of(layout.align() * 8);
        (end < size).then_some((self.position, size))
    }

    pub(super) fn btf(&self) -> &'b Btf<'b> {
        self.btf
    }
}

fn union(slots: &[Slot], size: u64) -> Option<Layout> {
    if slots.iter().any(|slot| slot.offset != 0) {
        return None;
    }
    let widest =
        slots.iter().map(|slot| slot.bitfield.unwrap_or(slot.size)).max().unwrap_or_default();
    let align = slots.iter().map(|slot| slot.align).max().unwrap_or(8);
    if widest.next_multiple_of(align) == size {
        return Some(Layout::Natural { align: align / 8 });
    }
    if widest.next_multiple_of(8) == size {
        return Some(Layout::Packed);
    }
    let larger = 1 << size.checked_ilog2()?.min(size.trailing_zeros());
    let fits = larger > align && widest.next_multiple_of(larger) == size;
    fits.then_some(Layout::Aligned { align: larger / 8 })
}
