//! Elements that maps of maps and program arrays hold from the beginning: relocations of `.maps`.

use btf::{Btf, Kind};
use rustc_hash::FxHashMap;

use super::{MapKind, Slot, map_type};
use crate::elf::{Elf, Symbol};
use crate::object::{FunctionIndex, MapIndex, Object};
use crate::{Error, MapProblem, Problem};
use isa::RawInsn;

const POINTER: u64 = 8;

pub(super) fn relocate(
    elf: &Elf<'_>,
    object: &mut Object,
    section: usize,
    entries: usize,
) -> Result<(), Error> {
    let Some(btf) = &object.btf else { return Err(Problem::NoBtf.in_section(".maps")) };
    let mut extents = extents(btf, object, section);
    extents.sort_unstable();
    let names = Names::of(object);
    let mut slots = Vec::new();
    for entry in elf.relocations(entries) {
        let fail = |problem: Problem| problem.in_section(".maps").at(entry.offset);
        let symbol = elf.symbols.get(entry.symbol);
        let symbol =
            symbol.ok_or_else(|| fail(Problem::Relocation("the symbol does not exist")))?;
        let after = extents.partition_point(|extent| extent.start <= entry.offset);
        let extent = after.checked_sub(1).and_then(|at| extents.get(at)).filter(|extent| {
            entry.offset >= extent.values && entry.offset.saturating_add(POINTER) <= extent.end
        });
        let place = extent.map(|extent| (extent.map, entry.offset - extent.values));
        let Some((MapIndex(map), place)) = place.filter(|(_, place)| place % POINTER == 0) else {
            return Err(fail(Problem::Relocation("no map has an element there")));
        };
        let name = &object.maps[map].name;
        let ty = object.maps[map].definition.map_type;
        let slot = names
            .slot(object, ty, symbol, section)
            .ok_or_else(|| fail(Problem::Map(MapProblem::Slot(symbol.name.to_owned()))).of(name))?;
        slots.push((map, u32::try_from(place / POINTER).unwrap_or(u32::MAX), slot));
    }
    for (map, place, slot) in slots {
        object.maps[map].slots.push((place, slot));
    }
    for map in &mut object.maps {
        map.slots.sort_by_key(|&(place, _)| place);
        // The last one wins.
        map.slots.reverse();
        map.slots.dedup_by_key(|&mut (place, _)| place);
        map.slots.reverse();
    }
    Ok(())
}

/// Where a map and its `values` are in the section.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Extent {
    start: u64,
    values: u64,
    end: u64,
    map: MapIndex,
}

fn extents(btf: &Btf<'_>, object: &Object, section: usize) -> Vec<Extent> {
    let Some(variables) = btf.find(".maps", Kind::DataSec) else { return Vec::new() };
    let places = object.maps.iter().enumerate();
    let places = FxHashMap::from_iter(
        places
            .filter(|(_, map)| map.section == section && map.kind == MapKind::Defined)
            .map(|(index, map)| (map.offset, MapIndex(index))),
    );
    let extent = |variable: btf::Variable| {
        let start = u64::from(variable.offset);
        let structure = btf.resolve(btf.get(variable.ty)?.target()?)?;
        let last = structure.members().get(structure.members().len().checked_sub(1)?)?;
        (last.name() == "values").then_some(Extent {
            start,
            values: start + u64::from(last.bit_offset / 8),
            end: start + u64::from(variable.size),
            map: *places.get(&start)?,
        })
    };
    variables.variables().iter().filter_map(extent).collect()
}

struct Names<'o> {
    maps: FxHashMap<&'o str, MapIndex>,
    programs: FxHashMap<&'o str, FunctionIndex>,
}

impl<'o> Names<'o> {
    fn of(object: &'o Object) -> Self {
        let maps = object.maps.iter().enumerate();
        Names {
            maps: maps.map(|(index, map)| (map.name.as_str(), MapIndex(index))).collect(),
            programs: object
                .programs()
                .map(|(index, program)| (program.name.as_str(), index))
                .collect(),
        }
    }

    fn slot(&self, object: &Object, ty: u32, symbol: &Symbol<'_>, section: usize) -> Option<Slot> {
        if map_type::holds_maps(ty) {
            let map = self.maps.get(symbol.name).copied();
            return map.filter(|_| usize::from(symbol.section) == section).map(Slot::Map);
        }
        if ty != map_type::PROG_ARRAY {
            return None;
        }
        let index = *self.programs.get(symbol.name)?;
        let program = object.functions.get(index.0)?;
        let code = object.code.get(program.code.0)?;
        let here = code.section == usize::from(symbol.section)
            && (program.start * RawInsn::SIZE) as u64 == symbol.value;
        here.then_some(Slot::Program(index))
    }
}
