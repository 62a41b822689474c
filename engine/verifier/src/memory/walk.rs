//! What lies at an offset of a structure (`btf_struct_walk`, `btf_struct_access`, `btf_struct_ids_match` of
//! kernel/bpf/btf.c).

use btf::{Btf, Kind, Member, Type, TypeId};
use kernel_model::TypeFlags;

use crate::cx::Errno;

/// Structures in structures that are followed; compilers stop long before.
const NESTED: usize = 64;
/// As many types as the kernel follows for a size (`MAX_RESOLVE_DEPTH`).
const CHAIN: usize = 32;

/// What is there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'b> {
    /// A number, or a part of one.
    Scalar,
    /// A pointer to a structure, as the type of a field.
    Pointer { id: TypeId, flags: TypeFlags, field: &'b str },
    /// A pointer to something else.
    Other,
    /// A structure begins there.
    Struct(TypeId),
}

/// Why there is nothing that can be accessed.
#[derive(Clone, Debug)]
pub(super) struct Nothing {
    pub errno: Errno,
    pub said: String,
}

impl Nothing {
    fn access(said: String) -> Self {
        Self { errno: Errno::EACCES, said }
    }

    fn invalid(said: String) -> Self {
        Self { errno: Errno::EINVAL, said }
    }
}

/// A type without qualifiers and names (`btf_type_skip_modifiers`).
pub(super) fn skip_modifiers<'b>(btf: &'b Btf<'b>, id: TypeId) -> Option<Type<'b>> {
    btf.resolve(id)
}

/// The kind of a type in messages (`btf_type_str`).
pub(super) fn kind_name(ty: &Type<'_>) -> String {
    match ty.kind() {
        Kind::Void => "UNKNOWN".to_owned(),
        kind => kind.to_string().to_uppercase(),
    }
}

/// What a pointer points to without qualifiers, and the flag of its attribute (`btf_type_tag_walk`).
pub(super) fn tags(
    btf: &Btf<'_>,
    pointer: &Type<'_>,
    known: &[(&str, TypeFlags)],
) -> Result<(TypeId, TypeFlags), ()> {
    let mut flags = TypeFlags::NONE;
    let mut id = pointer.target().ok_or(())?;
    for _ in 0..CHAIN {
        let ty = btf.get(id).ok_or(())?;
        if !ty.kind().is_modifier() && ty.kind() != Kind::Typedef {
            return if flags.0.count_ones() > 1 { Err(()) } else { Ok((id, flags)) };
        }
        if ty.kind() == Kind::TypeTag
            && !ty.flag()
            && let Some((_, flag)) = known.iter().find(|(name, _)| *name == ty.name())
        {
            flags = flags.union(*flag);
        }
        id = ty.target().ok_or(())?;
    }
    Err(())
}

/// A member's type with arrays taken apart (`__btf_resolve_size`).
struct Sized<'b> {
    /// The size of the whole.
    size: u32,
    /// It is an array of so many elements.
    elements: Option<u32>,
    /// The type, or that of the elements.
    ty: Type<'b>,
    /// Its number with qualifiers.
    id: TypeId,
}

fn resolve_size<'b>(btf: &'b Btf<'b>, id: TypeId) -> Option<Sized<'b>> {
    let (mut at, mut last) = (id, id);
    let (mut count, mut element) = (1_u32, None);
    for _ in 0..CHAIN {
        let ty = btf.get(at)?;
        let size = match ty.kind() {
            Kind::Ptr => 8,
            Kind::Array => {
                let array = ty.array()?;
                element.get_or_insert(array.element);
                count = count.checked_mul(array.length)?;
                at = array.element;
                continue;
            }
            Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag => {
                at = ty.target()?;
                last = at;
                continue;
            }
            _ => ty.size()?,
        };
        let whole = size.checked_mul(count)?;
        return Some(match element {
            Some(id) => Sized { size: whole, elements: Some(count), ty, id },
            None => Sized { size: whole, elements: None, ty, id: last },
        });
    }
    None
}

/// What is at `offset`, by `size` bytes; `flags` gathers what is lost on the way (`btf_struct_walk`).
pub(super) fn walk<'b>(
    btf: &'b Btf<'b>,
    id: TypeId,
    mut offset: u32,
    size: u32,
    flags: &mut TypeFlags,
) -> Result<Found<'b>, Nothing> {
    let mut at = id;
    for _ in 0..NESTED {
        let ty = skip_modifiers(btf, at).ok_or_else(|| Nothing::invalid(String::new()))?;
        let name = shown(ty.name());
        if !ty.kind().is_composite() {
            return Err(Nothing::invalid(format!("Type '{name}' is not a struct")));
        }
        if ty.kind() == Kind::Union && ty.members().len() != 1 {
            // It is not known which member of a union counts.
            *flags = flags.union(TypeFlags::PTR_UNTRUSTED);
        }
        if offset.saturating_add(size) > ty.size().unwrap_or(0) {
            match beyond(btf, &ty, offset) {
                Some(Beyond::Scalar) => return Ok(Found::Scalar),
                Some(Beyond::Element(element, inside)) => (at, offset) = (element, inside),
                None => {
                    return Err(Nothing::access(format!(
                        "access beyond struct {name} at off {offset} size {size}"
                    )));
                }
            }
            continue;
        }
        match member_at(btf, &ty, offset, size, flags)? {
            Step::Found(found) => return Ok(found),
            Step::Into(inner, inside) => (at, offset) = (inner, inside),
        }
    }
    Err(Nothing::invalid(String::new()))
}

/// What lies behind a structure: elements of a last array without length.
enum Beyond {
    Scalar,
    Element(TypeId, u32),
}

fn beyond(btf: &Btf<'_>, ty: &Type<'_>, offset: u32) -> Option<Beyond> {
    let members = ty.members();
    let last = members.get(members.len().checked_sub(1)?)?;
    let array = skip_modifiers(btf, last.ty)?.array().filter(|array| array.length == 0)?;
    let inside = offset.checked_sub(last.bit_offset / 8)?;
    let element = skip_modifiers(btf, array.element)?;
    match element.kind() {
        Kind::Int => Some(Beyond::Scalar),
        kind if kind.is_composite() => {
            let size = element.size().filter(|size| *size > 0)?;
            Some(Beyond::Element(element.id(), inside % size))
        }
        _ => None,
    }
}

/// What a structure has at an offset.
enum Step<'b> {
    Found(Found<'b>),
    Into(TypeId, u32),
}

fn member_at<'b>(
    btf: &'b Btf<'b>,
    ty: &Type<'b>,
    offset: u32,
    size: u32,
    flags: &mut TypeFlags,
) -> Result<Step<'b>, Nothing> {
    let end = offset.saturating_add(size);
    for member in ty.members().iter() {
        let begin = member.bit_offset / 8;
        if end <= begin {
            break;
        }
        if member.bitfield != 0 {
            let bits = member.bit_offset + u32::from(member.bitfield);
            if offset <= begin && bits.div_ceil(8) <= end {
                return Ok(Step::Found(Found::Scalar));
            }
            continue;
        }
        // A hole.
        if offset < begin {
            break;
        }
        let Some(sized) = resolve_size(btf, member.ty) else {
            let said = format!("field {} doesn't have size", shown(member.name()));
            return Err(Nothing { errno: Errno::EFAULT, said });
        };
        let true_end = begin.saturating_add(sized.size);
        if offset >= true_end || sized.elements.is_some() && begin == true_end {
            continue;
        }
        return in_member(btf, ty, &member, &sized, (offset, size), flags);
    }
    let name = shown(ty.name());
    Err(Nothing::invalid(format!("struct {name} doesn't have field at offset {offset}")))
}

fn in_member<'b>(
    btf: &'b Btf<'b>,
    ty: &Type<'b>,
    member: &Member<'b>,
    sized: &Sized<'b>,
    (offset, size): (u32, u32),
    flags: &mut TypeFlags,
) -> Result<Step<'b>, Nothing> {
    let begin = member.bit_offset / 8;
    let true_end = begin + sized.size;
    let (begin, each) = match sized.elements {
        Some(elements) if elements > 0 && sized.size >= elements => {
            let each = sized.size / elements;
            (begin + (offset - begin) / each * each, each)
        }
        _ => (begin, sized.size),
    };
    let (name, field) = (shown(ty.name()), shown(member.name()));
    if sized.ty.kind().is_composite() {
        return Ok(if offset == begin {
            Step::Found(Found::Struct(sized.id))
        } else {
            Step::Into(sized.ty.id(), offset - begin)
        });
    }
    if sized.ty.kind() == Kind::Ptr {
        if each != size || offset != begin {
            return Err(Nothing::access(format!(
                "cannot access ptr member {field} with moff {begin} in struct {name} with off {offset} size {size}"
            )));
        }
        return pointer(btf, sized, member.name(), flags).map(Step::Found);
    }
    if offset.saturating_add(size) > true_end && !flags.contains(TypeFlags::PTR_UNTRUSTED) {
        return Err(Nothing::access(format!(
            "access beyond the end of member {field} (mend:{true_end}) in struct {name} with off {offset} size {size}"
        )));
    }
    Ok(Step::Found(Found::Scalar))
}

fn pointer<'b>(
    btf: &'b Btf<'b>,
    sized: &Sized<'b>,
    field: &'b str,
    flags: &mut TypeFlags,
) -> Result<Found<'b>, Nothing> {
    const KNOWN: [(&str, TypeFlags); 3] = [
        ("user", TypeFlags::MEM_USER),
        ("percpu", TypeFlags::MEM_PERCPU),
        ("rcu", TypeFlags::MEM_RCU),
    ];
    let Ok((id, tag)) = tags(btf, &sized.ty, &KNOWN) else {
        return Err(Nothing::invalid(format!(
            "type '{}' has multiple type tags",
            kind_name(&sized.ty)
        )));
    };
    if !btf.get(id).is_some_and(|ty| ty.kind().is_composite()) {
        return Ok(Found::Other);
    }
    *flags = flags.union(tag);
    Ok(Found::Pointer { id, flags: *flags, field })
}

/// What an access gives, following structures that begin at the offset (the end of `btf_struct_access`).
pub(super) fn access<'b>(
    btf: &'b Btf<'b>,
    id: TypeId,
    offset: u32,
    size: u32,
) -> Result<Found<'b>, Nothing> {
    let (mut at, mut offset) = (id, offset);
    let mut flags = TypeFlags::NONE;
    for _ in 0..NESTED {
        match walk(btf, at, offset, size, &mut flags)? {
            Found::Struct(inner) => (at, offset) = (inner, 0),
            found => return Ok(found),
        }
    }
    Err(Nothing::invalid(String::new()))
}

/// A structure at an offset of another one is the one that is needed (`btf_struct_ids_match`); if not, what the kernel
/// says while it looks.
pub(super) fn is_inside(
    btf: &Btf<'_>,
    id: TypeId,
    offset: i32,
    needed: TypeId,
) -> Result<(), String> {
    let (mut at, mut offset) = (id, offset.cast_unsigned());
    let mut flags = TypeFlags::NONE;
    for _ in 0..NESTED {
        match walk(btf, at, offset, 1, &mut flags) {
            Ok(Found::Struct(inner)) if inner == needed => return Ok(()),
            Ok(Found::Struct(inner)) => (at, offset) = (inner, 0),
            Ok(_) => break,
            Err(nothing) => return Err(nothing.said),
        }
    }
    Err(String::new())
}

fn shown(name: &str) -> &str {
    if name.is_empty() { "(anon)" } else { name }
}
