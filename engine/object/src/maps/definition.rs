//! Maps defined by variables in `.maps`, whose types say everything: `int (*type)[BPF_MAP_TYPE_HASH]`.

use btf::{Btf, Kind, Linkage, Type, TypeId};

use super::{Definition, Map, MapKind, map_type};
use crate::elf::Elf;
use crate::{Error, MapProblem, Problem};

const PAGE: u32 = 4096;

pub(super) fn collect(elf: &Elf<'_>, btf: &Btf<'_>, maps: &mut Vec<Map>) -> Result<(), Error> {
    let Some(index) = elf.find(".maps") else { return Ok(()) };
    let in_section = |problem: MapProblem| Problem::Map(problem).in_section(".maps");
    let section =
        btf.find(".maps", Kind::DataSec).ok_or_else(|| in_section(MapProblem::Linkage))?;
    for variable in section.variables().iter() {
        let ty = btf.get(variable.ty).filter(|ty| ty.kind() == Kind::Var);
        let ty = ty.ok_or_else(|| in_section(MapProblem::Linkage))?;
        let fail = |problem| in_section(problem).of(ty.name()).at(variable.offset.into());
        if ty.name().is_empty() || ty.linkage() != Some(Linkage::Global) {
            return Err(fail(MapProblem::Linkage));
        }
        let end = u64::from(variable.offset) + u64::from(variable.size);
        if end > elf.sections[index].data.len() as u64 {
            return Err(fail(MapProblem::Bounds));
        }
        let structure = ty.target().and_then(|id| btf.resolve(id));
        let structure = structure
            .filter(|ty| ty.kind() == Kind::Struct)
            .ok_or_else(|| fail(MapProblem::NotStruct))?;
        if structure.size().unwrap_or_default() > variable.size {
            return Err(fail(MapProblem::Bounds));
        }
        let parsed = Parsed::of(btf, structure, true).map_err(fail)?;
        let mut map = Map::new(ty.name(), MapKind::Defined, parsed.outer, index);
        map.inner = parsed.inner;
        map.pinned = parsed.pinned;
        map.offset = variable.offset.into();
        maps.push(map);
    }
    Ok(())
}

#[derive(Default)]
struct Parsed {
    outer: Definition,
    inner: Option<Definition>,
    pinned: bool,
}

impl Parsed {
    /// Reads the members of a definition. `outermost` if it is that of a map and not of what a map holds.
    fn of(btf: &Btf<'_>, structure: Type<'_>, outermost: bool) -> Result<Self, MapProblem> {
        let mut parsed = Parsed::default();
        let mut rest = structure.members().len();
        for member in structure.members().iter() {
            rest -= 1;
            let (name, ty) = (member.name(), member.ty);
            let number = || number(btf, name, ty);
            let map = &mut parsed.outer;
            match name {
                "type" => map.map_type = number()?,
                "max_entries" => map.max_entries = number()?,
                "map_flags" => map.flags = number()?,
                "numa_node" => map.numa_node = number()?,
                "map_extra" => map.extra = long(btf, name, ty)?,
                "key_size" => set_size("key", &mut map.key_size, number()?.into())?,
                "value_size" => set_size("value", &mut map.value_size, number()?.into())?,
                "key" => {
                    let (ty, size) = pointed_to(btf, "key", ty)?;
                    set_size("key", &mut map.key_size, size)?;
                    map.key_type = ty;
                }
                "value" => {
                    let (ty, size) = pointed_to(btf, "value", ty)?;
                    set_size("value", &mut map.value_size, size)?;
                    map.value_type = ty;
                }
                "values" if outermost && rest == 0 => {
                    set_size("value", &mut map.value_size, 4)?;
                    parsed.inner = values(btf, map.map_type, ty)?;
                }
                "values" => return Err(MapProblem::Values),
                "pinning" if outermost => match number()? {
                    0 => parsed.pinned = false,
                    1 => parsed.pinned = true,
                    other => return Err(MapProblem::Pinning(other)),
                },
                _ => return Err(MapProblem::Unknown(name.to_owned())),
            }
        }
        if parsed.outer.map_type == 0 {
            return Err(MapProblem::NoType);
        }
        if matches!(parsed.outer.map_type, map_type::RINGBUF | map_type::USER_RINGBUF) {
            parsed.outer.max_entries = ring_size(parsed.outer.max_entries);
        }
        Ok(parsed)
    }
}

/// `__uint(name, N)`: a pointer to an array of N elements.
fn number(btf: &Btf<'_>, name: &str, id: TypeId) -> Result<u32, MapProblem> {
    let pointer = expect(btf.resolve(id), Kind::Ptr, name, "a pointer to an array")?;
    let array = btf.get(pointer.target().unwrap_or_default());
    let array = expect(array, Kind::Array, name, "a pointer to an array")?;
    Ok(array.array().map_or(0, |array| array.length))
}

/// `__ulong(name, N)`: an enumeration of one value, for numbers that are too long for an array.
fn long(btf: &Btf<'_>, name: &str, id: TypeId) -> Result<u64, MapProblem> {
    let ty = btf.resolve(id);
    match ty {
        Some(ty) if ty.kind().is_enum() && ty.entries() == 1 => {
            Ok(ty.enumerators().get(0).map_or(0, |one| one.extended()))
        }
        Some(ty) if ty.kind() == Kind::Ptr => number(btf, name, id).map(u64::from),
        _ => expect(ty, Kind::Enum64, name, "an enumeration of one value").map(|_| 0),
    }
}

/// `__type(name, T)`: a pointer to the type.
fn pointed_to(
    btf: &Btf<'_>,
    member: &'static str,
    id: TypeId,
) -> Result<(TypeId, u64), MapProblem> {
    let pointer = expect(btf.get(id), Kind::Ptr, member, "a pointer to a type")?;
    let target = pointer.target().unwrap_or_default();
    let size = btf.size_of(target).map_err(|error| MapProblem::Size { member, error })?;
    Ok((target, size))
}

/// `__array(values, T)`: an array of no elements, each a pointer to the definition of a map or to a function.
fn values(btf: &Btf<'_>, ty: u32, id: TypeId) -> Result<Option<Definition>, MapProblem> {
    if !map_type::holds_maps(ty) && ty != map_type::PROG_ARRAY {
        return Err(MapProblem::Values);
    }
    let array = expect(btf.get(id), Kind::Array, "values", "an array without length")?;
    let array = array.array().filter(|array| array.length == 0);
    let array =
        array.ok_or_else(|| wrong("values", "an array without length", "one with a length"))?;
    let pointer = btf.resolve(array.element);
    let pointer = expect(pointer, Kind::Ptr, "values", "an array of pointers")?;
    let target = btf.resolve(pointer.target().unwrap_or_default());
    if ty == map_type::PROG_ARRAY {
        return expect(target, Kind::FuncProto, "values", "pointers to functions").map(|_| None);
    }
    let inner = expect(target, Kind::Struct, "values", "pointers to map definitions")?;
    Parsed::of(btf, inner, false).map(|parsed| Some(parsed.outer))
}

fn set_size(what: &'static str, size: &mut u32, new: u64) -> Result<(), MapProblem> {
    let first = u64::from(*size);
    if first != 0 && first != new {
        return Err(MapProblem::Conflict { what, first, second: new });
    }
    *size = u32::try_from(new).unwrap_or(u32::MAX);
    Ok(())
}

fn expect<'b>(
    ty: Option<Type<'b>>,
    kind: Kind,
    member: &str,
    expected: &'static str,
) -> Result<Type<'b>, MapProblem> {
    match ty {
        Some(ty) if ty.kind() == kind => Ok(ty),
        Some(ty) => Err(wrong(member, expected, &ty.kind().to_string())),
        None => Err(wrong(member, expected, "missing")),
    }
}

fn wrong(member: &str, expected: &'static str, found: &str) -> MapProblem {
    MapProblem::Member { member: member.to_owned(), expected, found: found.to_owned() }
}

/// The next size that the kernel takes for a ring buffer: pages, as many as a power of two (`adjust_ringbuf_sz` of
/// libbpf).
fn ring_size(size: u32) -> u32 {
    let pages = u64::from(size).div_ceil(PAGE.into()).next_power_of_two();
    if size == 0 { 0 } else { u32::try_from(pages * u64::from(PAGE)).unwrap_or(size) }
}
