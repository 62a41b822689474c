//! Variables in `.struct_ops` and `.struct_ops.link`: structures of function pointers for the kernel to call.

use btf::{Btf, Kind, TypeId};
use rustc_hash::FxHashMap;

use super::{Definition, LINK, Map, MapKind, map_type};
use crate::elf::Elf;
use crate::object::{CodeIndex, FunctionIndex, Object};
use crate::{Error, Problem, StructOpsProblem};
use isa::RawInsn;

/// What a `struct_ops` map is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StructOps {
    /// The structure in the type information of the object.
    pub ty: TypeId,
    /// The programs, by the index of the member that points to them.
    pub programs: Vec<(u32, FunctionIndex)>,
}

pub(super) fn is_section(name: &str) -> bool {
    matches!(name.strip_prefix('?').unwrap_or(name), ".struct_ops" | ".struct_ops.link")
}

pub(super) fn collect(elf: &Elf<'_>, btf: &Btf<'_>, maps: &mut Vec<Map>) -> Result<(), Error> {
    for (index, section) in elf.sections.iter().enumerate() {
        if !is_section(section.name) || section.data.is_empty() {
            continue;
        }
        let fail = |problem: StructOpsProblem| Problem::StructOps(problem).in_section(section.name);
        let variables = btf.find(section.name, Kind::DataSec);
        let variables = variables.ok_or_else(|| fail(StructOpsProblem::NoSection))?;
        let mut end = 0;
        for variable in variables.variables().iter() {
            let name = btf.get(variable.ty).map_or("", |ty| ty.name());
            let fail = |problem| fail(problem).of(name).at(variable.offset.into());
            let ty = btf.get(variable.ty).and_then(|ty| btf.resolve(ty.target()?));
            let ty = ty
                .filter(|ty| ty.kind() == Kind::Struct && !ty.name().is_empty())
                .ok_or_else(|| fail(StructOpsProblem::NotStruct))?;
            let start = variable.offset as usize;
            let size = ty.size().unwrap_or_default();
            let data = section.data.get(start..).and_then(|data| data.get(..size as usize));
            // Variables that overlap would let a small file ask for much memory.
            let data = data.filter(|_| start >= end);
            let data = data.ok_or_else(|| fail(StructOpsProblem::Bounds))?;
            end = start + data.len();
            let link = section.name.ends_with(".link");
            let definition = Definition {
                map_type: map_type::STRUCT_OPS,
                key_size: 4,
                value_size: size,
                max_entries: 1,
                flags: if link { LINK } else { 0 },
                value_type: ty.id(),
                ..Definition::default()
            };
            let mut map = Map::new(name, MapKind::StructOps, definition, index);
            map.offset = variable.offset.into();
            map.data = data.to_vec();
            map.autocreate = !section.name.starts_with('?');
            map.struct_ops = Some(StructOps { ty: ty.id(), programs: Vec::new() });
            maps.push(map);
        }
    }
    Ok(())
}

/// Finds which program each function pointer is set to.
pub(super) fn relocate(
    elf: &Elf<'_>,
    object: &mut Object,
    section: usize,
    entries: usize,
) -> Result<(), Error> {
    let Some(btf) = &object.btf else { return Ok(()) };
    let name = elf.sections.get(section).map_or("", |section| section.name);
    let mut places: Vec<(u64, usize)> = (object.maps.iter().enumerate())
        .filter(|(_, map)| map.kind == MapKind::StructOps && map.section == section)
        .map(|(index, map)| (map.offset, index))
        .collect();
    places.sort_unstable();
    // Members by their offsets, once for each map.
    let mut members = FxHashMap::default();
    let mut found = Vec::new();
    for entry in elf.relocations(entries) {
        let fail = |problem: Problem| problem.in_section(name).at(entry.offset);
        let missing = || fail(Problem::Relocation("no member of a variable is there"));
        let symbol = elf.symbols.get(entry.symbol).ok_or_else(missing)?;
        let after = places.partition_point(|&(offset, _)| offset <= entry.offset);
        let (start, map) = after.checked_sub(1).map(|at| places[at]).ok_or_else(missing)?;
        let ops = object.maps[map].struct_ops.as_ref().ok_or_else(missing)?;
        let ty = btf.get(ops.ty).ok_or_else(missing)?;
        let by_offset = members.entry(map).or_insert_with(|| {
            let all = (0u32..).zip(ty.members().iter());
            all.map(|(index, member)| (u64::from(member.bit_offset), (index, member)))
                .collect::<FxHashMap<_, _>>()
        });
        let place = (entry.offset - start).checked_mul(8).ok_or_else(missing)?;
        let &(member, about) = by_offset.get(&place).ok_or_else(missing)?;
        let pointer = btf.resolve(about.ty).filter(|ty| ty.kind() == Kind::Ptr);
        let target = pointer.and_then(|ty| btf.resolve(ty.target()?));
        let program = target.filter(|ty| ty.kind() == Kind::FuncProto).and_then(|_| {
            let code = object.code.iter().position(|c| c.section == usize::from(symbol.section))?;
            let insn = usize::try_from(symbol.value).ok()?;
            let whole = insn.is_multiple_of(RawInsn::SIZE);
            object.function_at(CodeIndex(code), insn / RawInsn::SIZE).filter(|_| whole)
        });
        let not_program = || StructOpsProblem::NotProgram(about.name().to_owned());
        let program = program
            .filter(|&index| is_struct_ops(object, index))
            .ok_or_else(|| fail(not_program().into()).of(&object.maps[map].name))?;
        found.push((map, member, program));
    }
    for (map, member, program) in found {
        if let Some(ops) = &mut object.maps[map].struct_ops {
            ops.programs.push((member, program));
        }
    }
    Ok(())
}

fn is_struct_ops(object: &Object, index: FunctionIndex) -> bool {
    let function = object.functions.get(index.0);
    let section = function.and_then(|function| kernel_model::section(object.section_of(function)));
    section.is_some_and(|section| section.program_type.name == "struct_ops")
}
