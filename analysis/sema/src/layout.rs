//! Sizes, alignments and member offsets on an LP64 target, as gcc and clang lay records out for x86-64
//! and BPF. Every answer may be "unknown"; an unknown member makes everything behind it unknown.

use std::sync::Arc;

use syntax::ast::{Member, Name, Type};

use crate::record::{Aligned, MemberMark, RecordNode};
use crate::resolve::Context;
use crate::{Field, FileScope, RecordRef, Sema, Ty};

/// Where the members of a record lie.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// In bytes.
    pub(crate) size: Option<u64>,
    /// In bytes.
    pub(crate) align: Option<u64>,
    pub(crate) members: Vec<Placed>,
}

/// A member with its place.
#[derive(Debug)]
pub(crate) struct Placed {
    /// None for an anonymous record and an unnamed bit-field.
    pub(crate) name: Option<Name>,
    /// In bytes from the start of the record.
    pub(crate) offset: Option<u64>,
    pub(crate) ty: Ty,
    pub(crate) bit_field: bool,
}

/// Size and alignment in bytes.
#[derive(Clone, Copy)]
struct Extent {
    size: Option<u64>,
    align: Option<u64>,
}

/// The running position while members are placed.
struct Placer {
    is_union: bool,
    packed: bool,
    /// The limit of `#pragma pack` in bytes.
    limit: u64,
    /// The first free bit of a structure, the size in bits of a union.
    bits: Option<u64>,
    /// In bytes.
    align: Option<u64>,
}

impl Sema {
    /// The size of `ty` in bytes; nothing if it is incomplete or not known. `void` counts as one byte, as
    /// in GNU C.
    pub fn size_of(&self, ty: &Ty) -> Option<u64> {
        match ty {
            Ty::Void | Ty::Bool => Some(1),
            Ty::Int { bits, .. } => Some(u64::from(*bits / 8)),
            Ty::Enum => Some(4),
            Ty::Pointer { .. } => Some(8),
            Ty::Array { elem, len } => self.size_of(elem)?.checked_mul((*len)?),
            Ty::Record(record) => self.layout(record)?.size,
            Ty::Float | Ty::Function | Ty::Unknown => None,
        }
    }

    /// The alignment of `ty` in bytes; nothing if it is not known.
    pub fn align_of(&self, ty: &Ty) -> Option<u64> {
        match ty {
            Ty::Array { elem, .. } => self.align_of(elem),
            Ty::Record(record) => self.layout(record)?.align,
            _ => self.size_of(ty),
        }
    }

    /// The member `name` of the structure or union `record`, also where it is a member of an anonymous
    /// member. Nothing if there is none or its place is not known.
    pub fn field(&self, record: &Ty, name: &str) -> Option<Field> {
        let (ty, offset, bit_field) = self.find_member(record, name)?;
        Some(Field { offset: offset?, ty, bit_field })
    }

    /// The members of `record` in order, each with its name: members of anonymous members are listed in
    /// their place, with offsets from the start of `record`. Nothing if any place is not known.
    pub fn fields(&self, record: &Ty) -> Option<Vec<(Name, Field)>> {
        let mut fields = Vec::new();
        self.list_fields(record, 0, &mut fields)?;
        Some(fields)
    }

    fn list_fields(&self, record: &Ty, base: u64, fields: &mut Vec<(Name, Field)>) -> Option<()> {
        let Ty::Record(record) = record else { return None };
        let _level = self.enter()?;
        for member in &self.layout(record).filter(|_| record.is_complete())?.members {
            let offset = base.checked_add(member.offset?)?;
            match &member.name {
                Some(name) => {
                    let field =
                        Field { offset, ty: member.ty.clone(), bit_field: member.bit_field };
                    fields.push((name.clone(), field));
                }
                None if member.bit_field => {}
                None => self.list_fields(&member.ty, offset, fields)?,
            }
        }
        Some(())
    }

    /// The type of the member `name`, its offset as far as known, and whether it is a bit-field.
    pub(crate) fn find_member(&self, record: &Ty, name: &str) -> Option<(Ty, Option<u64>, bool)> {
        let Ty::Record(record) = record else { return None };
        let layout = self.layout(record)?;
        if let Some(member) =
            layout.members.iter().find(|member| member.name.as_deref() == Some(name))
        {
            return Some((member.ty.clone(), member.offset, member.bit_field));
        }
        // A record can name itself as an anonymous member; only the level ends that.
        let _level = self.enter()?;
        let anonymous =
            layout.members.iter().filter(|member| member.name.is_none() && !member.bit_field);
        anonymous.into_iter().find_map(|member| {
            let (ty, inner, bit_field) = self.find_member(&member.ty, name)?;
            let offset =
                member.offset.zip(inner).and_then(|(outer, inner)| outer.checked_add(inner));
            Some((ty, offset, bit_field))
        })
    }

    /// The layout of `record`, computed once. Nothing while it is being computed, which only a record that
    /// contains itself can ask for.
    fn layout(&self, record: &RecordRef) -> Option<Arc<Layout>> {
        let key = Arc::as_ptr(&record.0).addr();
        if let Some((_, known)) = self.memo.layouts.borrow().get(&key) {
            return known.clone();
        }
        let _level = self.enter()?;
        self.memo.layouts.borrow_mut().insert(key, (record.clone(), None));
        let layout = Arc::new(self.lay_out(record));
        self.memo.layouts.borrow_mut().insert(key, (record.clone(), Some(layout.clone())));
        Some(layout)
    }

    fn lay_out(&self, record: &RecordRef) -> Layout {
        let node = &*record.0;
        let Some((body, members)) =
            node.body.as_ref().and_then(|body| Some((body, body.members.as_ref()?)))
        else {
            return Layout::default();
        };
        let mut placer = Placer {
            is_union: node.is_union,
            packed: body.packed,
            limit: node.pack.unwrap_or(u64::MAX),
            bits: Some(0),
            align: Some(1),
        };
        let context = Context { scope: &FileScope, pack: node.pack, source: node.source.as_ref() };
        let members =
            members.iter().map(|member| self.place(member, node, context, &mut placer)).collect();
        if node.marks.any_unknown() {
            (placer.bits, placer.align) = (None, None);
        }
        let align = placer.align.map(|align| align.max(body.aligned.unwrap_or(1)));
        let bytes = placer.bits.map(|bits| bits.div_ceil(8));
        let size =
            bytes.zip(align).and_then(|(bytes, align)| bytes.checked_next_multiple_of(align));
        Layout { size, align, members }
    }

    fn place(
        &self,
        member: &Member,
        node: &RecordNode,
        context: Context<'_>,
        placer: &mut Placer,
    ) -> Placed {
        if node.marks.is_unknown(member.span) {
            (placer.bits, placer.align) = (None, None);
        }
        let mark = node.marks.of_member(member.span);
        let ty = if member.map.is_some() {
            // The macros of map definitions declare pointers that carry their value in the type.
            Ty::pointer_to(Ty::Unknown)
        } else {
            self.resolve_in(&member.ty, context)
        };
        let flexible = matches!(&member.ty, Type::Array(_, None));
        let extent = Extent {
            size: if flexible { Some(0) } else { self.size_of(&ty) },
            align: self.align_of(&ty),
        };
        let bit_field = member.bits.is_some();
        let offset = match &member.bits {
            Some(width) => {
                let width =
                    self.fold(width, context.scope).and_then(|width| u64::try_from(width).ok());
                placer.bit_field(extent, width, member.name.is_some())
            }
            None => placer.plain(extent, mark),
        };
        Placed { name: member.name.clone(), offset, ty, bit_field }
    }
}

impl Placer {
    /// Places a member that is not a bit-field; its offset in bytes.
    fn plain(&mut self, extent: Extent, mark: MemberMark) -> Option<u64> {
        let natural = if self.packed || mark.packed { Some(1) } else { extent.align };
        let align = match mark.aligned {
            Aligned::No => natural,
            Aligned::To(least) => natural.map(|align| align.max(least)),
            Aligned::Unknown => None,
        };
        let align =
            align.map(|align| align.min(self.limit)).filter(|align| align.is_power_of_two());
        self.align = self.align.zip(align).map(|(a, b)| a.max(b));
        let size = extent.size.and_then(|size| size.checked_mul(8));
        if self.is_union {
            self.bits = self.bits.zip(size).map(|(a, b)| a.max(b));
            return self.bits.map(|_| 0);
        }
        let start = self
            .bits
            .zip(align)
            .and_then(|(bits, align)| bits.checked_next_multiple_of(align.checked_mul(8)?));
        self.bits = start.zip(size).and_then(|(start, size)| start.checked_add(size));
        start.map(|bits| bits / 8)
    }

    /// Places a bit-field of `width` bits; the offset in bytes of its first bit. A field never crosses a
    /// boundary of its declared type unless the record is packed; one of width zero ends the unit.
    fn bit_field(&mut self, extent: Extent, width: Option<u64>, named: bool) -> Option<u64> {
        let (Some(unit), Some(width), Some(bits)) =
            (extent.size.and_then(|size| size.checked_mul(8)), width, self.bits)
        else {
            (self.bits, self.align) = (None, None);
            return None;
        };
        if unit == 0 || width > unit || (self.limit != u64::MAX && self.limit != 1) {
            (self.bits, self.align) = (None, None);
            return None;
        }
        let packed = self.packed || self.limit == 1;
        if named && !packed {
            self.align = self.align.zip(extent.align).map(|(a, b)| a.max(b));
        }
        if self.is_union {
            self.bits = Some(bits.max(width));
            return Some(0);
        }
        let crosses = bits % unit + width > unit;
        let start = if width == 0 || (crosses && !packed) {
            bits.checked_next_multiple_of(unit)
        } else {
            Some(bits)
        };
        self.bits = start.and_then(|start| start.checked_add(width));
        start.map(|start| start / 8)
    }
}
