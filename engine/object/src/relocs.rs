//! What instructions refer to: the relocations of sections of instructions.

use object::elf;
use rustc_hash::FxHashMap;

use crate::elf::{Elf, Symbol};
use crate::insn;
use crate::maps::MapKind;
use crate::object::{CodeIndex, ExternIndex, MapIndex, Object};
use crate::{Error, Problem, maps};
use isa::RawInsn;

/// A reference of an instruction.
#[derive(Clone, Debug)]
pub(crate) struct Relocation {
    /// The instruction, counted from the beginning of the section.
    pub(crate) insn: usize,
    pub(crate) target: Result<Target, Error>,
}

/// What an instruction refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    /// A map itself.
    Map(MapIndex),
    /// A variable in a map; its place is the offset plus the immediate.
    Data {
        map: MapIndex,
        offset: u64,
    },
    Extern(ExternIndex),
    /// A call in `.text`; its place in bytes is the offset plus the immediate in instructions.
    Call {
        offset: u64,
    },
    /// The address of a function in `.text`; its place is the offset plus the immediate.
    Address {
        offset: u64,
    },
}

/// Where sections of the file are in the object.
struct Places<'e> {
    elf: &'e Elf<'e>,
    text: Option<usize>,
    arena: Option<(usize, MapIndex)>,
    jump_tables: Option<usize>,
    /// Maps that are the variables of a section.
    data: FxHashMap<usize, MapIndex>,
    /// Maps that are variables themselves.
    maps: FxHashMap<(usize, u64), MapIndex>,
    /// Externs by their symbols.
    externs: FxHashMap<usize, ExternIndex>,
}

pub(crate) fn collect(elf: &Elf<'_>, object: &mut Object) -> Result<(), Error> {
    let places = Places::of(elf, object);
    let code_of = FxHashMap::from_iter(
        object.code.iter().enumerate().map(|(index, code)| (code.section, CodeIndex(index))),
    );
    for (index, section) in elf.sections.iter().enumerate() {
        if section.kind != elf::SHT_REL {
            continue;
        }
        if let Some(&CodeIndex(at)) = code_of.get(&section.target) {
            let code = &mut object.code[at];
            for entry in elf.relocations(index) {
                let slot = usize::try_from(entry.offset / 8).unwrap_or(usize::MAX);
                let fail = |problem| {
                    Problem::Relocation(problem).in_section(section.name).at(entry.offset)
                };
                let Some(insn) = code.insns.get(slot).copied().filter(|_| entry.offset % 8 == 0)
                else {
                    return Err(fail("the offset is that of no instruction"));
                };
                let Some(symbol) = elf.symbols.get(entry.symbol) else {
                    return Err(fail("the symbol does not exist"));
                };
                let target = places
                    .target(insn, entry.symbol, symbol)
                    .map_err(|problem| problem.in_section(&code.name).at(entry.offset));
                code.relocations.push(Relocation { insn: slot, target });
            }
            code.relocations.sort_by_key(|one| one.insn);
        } else {
            maps::relocate(elf, object, section.target, index)?;
        }
    }
    Ok(())
}

impl<'e> Places<'e> {
    fn of(elf: &'e Elf<'e>, object: &Object) -> Self {
        let (mut data, mut maps) = (FxHashMap::default(), FxHashMap::default());
        for (index, map) in object.maps.iter().enumerate() {
            let index = MapIndex(index);
            match map.kind {
                MapKind::Data(_) => {
                    data.insert(map.section, index);
                }
                MapKind::Defined | MapKind::Legacy | MapKind::StructOps => {
                    maps.insert((map.section, map.offset), index);
                }
                MapKind::Config => {}
            }
        }
        let externs = object.externs.iter().enumerate();
        let arena = elf.find(maps::ARENA_SECTION);
        Places {
            elf,
            text: object.text.and_then(|at| object.code.get(at.0)).map(|code| code.section),
            arena: arena.zip(object.arena),
            jump_tables: elf.find(".jumptables"),
            data,
            maps,
            externs: externs.map(|(index, one)| (one.symbol, ExternIndex(index))).collect(),
        }
    }

    fn target(&self, insn: RawInsn, index: usize, symbol: &Symbol<'_>) -> Result<Target, Problem> {
        let section = usize::from(symbol.section);
        let name = || self.name_of(symbol);
        let bad = || Problem::BadReference {
            target: name().to_owned(),
            section: self.section_name(symbol).to_owned(),
        };
        if insn.opcode != insn::CALL && insn.opcode != insn::LD_IMM64 {
            let target = name().to_owned();
            return Err(Problem::RelocatedInsn { target, opcode: insn.opcode });
        }
        if symbol.is_extern() {
            let known = self.externs.get(&index).map(|&index| Target::Extern(index));
            return known.ok_or_else(|| Problem::UndeclaredExtern(name().to_owned()));
        }
        if insn.opcode == insn::CALL {
            let subprogram = insn.src == insn::pseudo::CALL
                && self.text == Some(section)
                && symbol.value.is_multiple_of(RawInsn::SIZE as u64);
            return if subprogram { Ok(Target::Call { offset: symbol.value }) } else { Err(bad()) };
        }
        if symbol.section == elf::SHN_UNDEF.0 || symbol.section >= elf::SHN_LORESERVE {
            return Err(bad());
        }
        if self.text == Some(section) && is_subprogram(symbol) {
            let whole = symbol.value.is_multiple_of(RawInsn::SIZE as u64) && insn.imm % 8 == 0;
            return if whole { Ok(Target::Address { offset: symbol.value }) } else { Err(bad()) };
        }
        if let Some((arena, map)) = self.arena
            && arena == section
        {
            return Ok(Target::Data { map, offset: symbol.value });
        }
        if self.jump_tables == Some(section) {
            return Err(Problem::JumpTable);
        }
        if let Some(&map) = self.data.get(&section) {
            return Ok(Target::Data { map, offset: symbol.value });
        }
        self.maps.get(&(section, symbol.value)).map(|&map| Target::Map(map)).ok_or_else(bad)
    }

    fn name_of(&self, symbol: &Symbol<'e>) -> &'e str {
        if symbol.kind == elf::STT_SECTION && symbol.name.is_empty() {
            self.section_name(symbol)
        } else {
            symbol.name
        }
    }

    fn section_name(&self, symbol: &Symbol<'_>) -> &'e str {
        self.elf.sections.get(usize::from(symbol.section)).map_or("", |section| section.name)
    }
}

/// Static functions are referred to by their section, others by their own symbols.
fn is_subprogram(symbol: &Symbol<'_>) -> bool {
    if symbol.is_local() { symbol.kind == elf::STT_SECTION } else { symbol.kind == elf::STT_FUNC }
}
