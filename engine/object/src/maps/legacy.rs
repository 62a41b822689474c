//! Maps defined by `struct bpf_map_def` in `maps`, as libbpf took them before version 1.0.

use object::elf;

use super::{Definition, Map, MapKind};
use crate::elf::Elf;
use crate::{Error, MapProblem, Problem};

/// Type, sizes of key and value, number of elements, flags.
const FIELDS: usize = 5 * 4;

pub(super) fn collect(elf: &Elf<'_>, maps: &mut Vec<Map>) -> Result<(), Error> {
    let Some(index) = elf.find("maps") else { return Ok(()) };
    let section = &elf.sections[index];
    let mut symbols: Vec<_> = elf
        .symbols
        .iter()
        .filter(|symbol| {
            usize::from(symbol.section) == index
                && matches!(symbol.kind, elf::STT_OBJECT | elf::STT_NOTYPE)
                && !symbol.name.is_empty()
        })
        .collect();
    symbols.sort_by_key(|symbol| symbol.value);
    for (position, symbol) in symbols.iter().enumerate() {
        let next = symbols.get(position + 1).map_or(section.data.len() as u64, |next| next.value);
        let start = usize::try_from(symbol.value).unwrap_or(usize::MAX);
        let bytes = section.data.get(start..).and_then(|rest| rest.get(..FIELDS));
        let bytes = bytes.filter(|_| next.saturating_sub(symbol.value) >= FIELDS as u64);
        let Some(bytes) = bytes else {
            let error = Problem::Map(MapProblem::Bounds).in_section(section.name);
            return Err(error.of(symbol.name).at(symbol.value));
        };
        let word = |at: usize| elf.endian.u32_at(bytes, 4 * at);
        let definition = Definition {
            map_type: word(0),
            key_size: word(1),
            value_size: word(2),
            max_entries: word(3),
            flags: word(4),
            ..Definition::default()
        };
        let mut map = Map::new(symbol.name, MapKind::Legacy, definition, index);
        map.offset = symbol.value;
        maps.push(map);
    }
    Ok(())
}
