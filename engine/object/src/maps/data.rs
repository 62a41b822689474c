//! Maps that hold the variables of a section.

use btf::{Btf, Kind, Linkage, TypeId};
use object::elf;

use super::{ARENA_SECTION, DataKind, Definition, MMAPABLE, Map, MapKind, READ_ONLY, map_type};
use crate::elf::{Elf, Section};
use crate::externs::{Extern, ExternKind};
use crate::object::MapIndex;
use crate::{Error, MapProblem, Problem};

const PAGE: u64 = 4096;

pub(super) fn collect(elf: &Elf<'_>, btf: Option<&Btf<'_>>, maps: &mut Vec<Map>) {
    for (index, section) in elf.sections.iter().enumerate() {
        if let Some(kind) = kind_of(section) {
            let read_only = kind == DataKind::ReadOnly;
            let definition = variables(btf, section.name, section.size, read_only);
            let mut map = Map::new(section.name, MapKind::Data(kind), definition, index);
            map.data = section.data.to_vec();
            maps.push(map);
        }
    }
}

fn kind_of(section: &Section<'_>) -> Option<DataKind> {
    let is = |name: &str| {
        let rest = section.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    match section.kind {
        _ if section.size == 0 || section.code => None,
        elf::SHT_PROGBITS if is(".data") => Some(DataKind::Data),
        elf::SHT_PROGBITS if is(".rodata") => Some(DataKind::ReadOnly),
        elf::SHT_NOBITS if is(".bss") => Some(DataKind::Zero),
        _ => None,
    }
}

/// The values of configuration, if there are any.
pub(super) fn config(
    elf: &Elf<'_>,
    btf: Option<&Btf<'_>>,
    externs: &[Extern],
    maps: &mut Vec<Map>,
) {
    let ends = externs.iter().filter_map(|one| match one.kind {
        ExternKind::Config(config) => Some(config.offset + config.size),
        _ => None,
    });
    if let Some(size) = ends.max() {
        let definition = variables(btf, ".kconfig", size.into(), true);
        maps.push(Map::new(".kconfig", MapKind::Config, definition, elf.symbol_section));
    }
}

/// An array of one element that holds all variables.
fn variables(btf: Option<&Btf<'_>>, name: &str, size: u64, read_only: bool) -> Definition {
    let section = btf.and_then(|btf| btf.find_all(name).next());
    let shared = section.zip(btf).is_some_and(|(section, btf)| {
        section.variables().iter().filter_map(|variable| btf.get(variable.ty)).any(|ty| {
            ty.kind() == Kind::Var && ty.linkage().is_some_and(|linkage| linkage != Linkage::Static)
        })
    });
    let flags = if read_only { READ_ONLY } else { 0 } | if shared { MMAPABLE } else { 0 };
    Definition {
        map_type: map_type::ARRAY,
        key_size: 4,
        value_size: u32::try_from(size).unwrap_or(u32::MAX),
        max_entries: 1,
        flags,
        value_type: section.map_or(TypeId::VOID, |section| section.id()),
        ..Definition::default()
    }
}

/// The arena. The variables in it become its data.
pub(super) fn arena(elf: &Elf<'_>, maps: &mut [Map]) -> Result<Option<MapIndex>, Error> {
    let fail = |problem| Problem::Map(problem).in_section(ARENA_SECTION);
    let is_arena = |map: &Map| map.definition.map_type == map_type::ARENA;
    let mut arenas = maps.iter().enumerate().filter(|(_, map)| is_arena(map));
    let first = arenas.next();
    if let Some((_, second)) = arenas.next() {
        return Err(fail(MapProblem::SecondArena(second.name.clone())).of(&second.name));
    }
    let section = elf.find(ARENA_SECTION).map(|index| &elf.sections[index]);
    let size = section.map_or(0, |section| section.data.len() as u64);
    match first.map(|(index, _)| index) {
        None if size > 0 => Err(fail(MapProblem::ArenaSize)),
        None => Ok(None),
        Some(index) if size.div_ceil(PAGE) > u64::from(maps[index].definition.max_entries) => {
            Err(fail(MapProblem::ArenaSize).of(&maps[index].name))
        }
        Some(index) => {
            maps[index].data = section.map_or(&[][..], |section| section.data).to_vec();
            Ok(Some(MapIndex(index)))
        }
    }
}
