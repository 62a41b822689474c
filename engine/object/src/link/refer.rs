//! References to maps, to variables in maps, and to the kernel.

use super::code::Assembled;
use super::externs::Resolution;
use super::{Linker, MapReference};
use crate::externs::ExternKind;
use crate::insn::{CALL, poison, pseudo};
use crate::object::{ExternIndex, MapIndex};
use crate::relocs::Target;
use crate::{Error, Problem};
use isa::RawInsn;

/// What stands where a map that is not created would be referred to: this plus its index.
const POISONED_MAP: i32 = 2_001_000_000;
/// What stands where a kernel function that does not exist would be called: this plus the index of the extern.
pub(super) const POISONED_CALL: i32 = 2_002_000_000;

/// Fills in all references of a program.
pub(super) fn fill(linker: &Linker<'_, '_>, program: &mut Assembled<'_>) -> Result<(), Error> {
    for (place, relocation) in std::mem::take(&mut program.references) {
        let result = match relocation.target {
            Ok(Target::Map(map)) => program.map(linker, place, map, None),
            Ok(Target::Data { map, offset }) => program.map(linker, place, map, Some(offset)),
            Ok(Target::Extern(index)) => program.external(linker, place, index),
            Ok(Target::Call { .. } | Target::Address { .. }) | Err(_) => Ok(()),
        };
        if let Err(problem) = result {
            let function = program.parts.iter().rev().find(|part| part.start <= place);
            let object = linker.object;
            let function = function.and_then(|part| object.functions.get(part.function.0));
            let offset = (relocation.insn * RawInsn::SIZE) as u64;
            return Err(match function {
                Some(function) => {
                    problem.of(&function.name).in_section(object.section_of(function)).at(offset)
                }
                None => problem.plain().at(offset),
            });
        }
    }
    Ok(())
}

impl Assembled<'_> {
    /// A load of a map, or of the address of a variable in it.
    #[expect(clippy::cast_possible_truncation, reason = "as the instruction has it")]
    fn map(
        &mut self,
        linker: &Linker<'_, '_>,
        place: usize,
        map: MapIndex,
        variable: Option<u64>,
    ) -> Result<(), Problem> {
        let created = linker.maps.get(map.0).is_some_and(|map| map.autocreate);
        let slots = self.two_slots(place)?;
        if !created {
            slots.fill(poison(POISONED_MAP.wrapping_add(index_of(map.0))));
            return Ok(());
        }
        slots[0].src = match variable {
            Some(offset) => {
                slots[1].imm = slots[0].imm.wrapping_add(offset as i32);
                pseudo::MAP_VALUE
            }
            None => pseudo::MAP_FD,
        };
        slots[0].imm = index_of(map.0);
        self.map_references.push(MapReference { insn: place, map });
        Ok(())
    }

    /// A call of a kernel function, or a load of something of the kernel.
    #[expect(clippy::cast_possible_truncation, reason = "halves of 64 bits")]
    fn external(
        &mut self,
        linker: &Linker<'_, '_>,
        place: usize,
        index: ExternIndex,
    ) -> Result<(), Problem> {
        let Some((one, resolution)) = linker.extern_at(index.0) else {
            return Err(Problem::Relocation("the extern does not exist"));
        };
        if let Resolution::Failed(problem) = resolution {
            return Err(problem.clone());
        }
        let insn = self.insns.get_mut(place).ok_or(Problem::Relocation("no instruction"))?;
        if insn.opcode == CALL {
            match (resolution, one.kind) {
                (Resolution::Type(id), ExternKind::Function { .. }) => {
                    (insn.src, insn.off, insn.imm) = (pseudo::KFUNC_CALL, 0, id.0.cast_signed());
                }
                _ => *insn = poison(POISONED_CALL.wrapping_add(index_of(index.0))),
            }
            return Ok(());
        }
        let slots = self.two_slots(place)?;
        match *resolution {
            Resolution::Config(offset) => {
                let map = linker.config_map.ok_or(Problem::Relocation("no configuration"))?;
                slots[0].src = pseudo::MAP_VALUE;
                slots[0].imm = index_of(map.0);
                slots[1].imm = offset.cast_signed();
                self.map_references.push(MapReference { insn: place, map });
            }
            Resolution::Type(id) => {
                slots[0].src = pseudo::BTF_ID;
                slots[0].imm = id.0.cast_signed();
                slots[1].imm = 0;
            }
            Resolution::Address(address) => {
                slots[0].imm = address as i32;
                slots[1].imm = (address >> 32) as i32;
            }
            Resolution::Absent | Resolution::Failed(_) => {
                slots[0].imm = 0;
                slots[1].imm = 0;
            }
        }
        Ok(())
    }

    fn two_slots(&mut self, place: usize) -> Result<&mut [RawInsn; 2], Problem> {
        let slots = self.insns.get_mut(place..).and_then(|rest| rest.first_chunk_mut());
        slots.ok_or(Problem::Relocation("the instruction is cut off"))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "files are below 4 GiB"
)]
fn index_of(index: usize) -> i32 {
    index as i32
}
