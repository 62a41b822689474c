//! `struct_ops` maps: the structure of the object is copied, member by member, to the kernel's.

use btf::{Btf, Kind, Type, TypeId};
use rustc_hash::FxHashMap;

use crate::attach::{Attach, Load};
use crate::maps::Map;
use crate::object::{FunctionIndex, MapIndex, Object};
use crate::{Error, Problem, StructOpsProblem};

/// Larger structures of a kernel are taken to be broken.
const LARGEST: u32 = 1 << 20;

/// What the kernel is given for a `struct_ops` map. The bytes are in [`Map::data`] of the linked map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KernelStructOps {
    /// The map.
    pub map: MapIndex,
    /// The type of its value in the kernel: `struct bpf_struct_ops_x`, which is `btf_vmlinux_value_type_id`.
    pub value_type: TypeId,
    /// Where in the value the file descriptors of programs belong.
    pub programs: Vec<(u32, FunctionIndex)>,
}

/// What `struct_ops` maps say of the programs in them.
#[derive(Clone, Default, Debug)]
pub(super) struct StructOpsMaps {
    pub(super) values: Vec<KernelStructOps>,
    /// The structure and the member that a program implements.
    members: FxHashMap<FunctionIndex, (TypeId, u32)>,
    errors: FxHashMap<FunctionIndex, Error>,
    /// Whether one of the maps that a program is in is created.
    created: FxHashMap<FunctionIndex, bool>,
}

impl StructOpsMaps {
    /// Whether a program is loaded by default, if maps decide that: then it is if one of them is created.
    pub(super) fn autoload(&self, index: FunctionIndex) -> Option<bool> {
        self.created.get(&index).copied()
    }

    /// Completes how a `struct_ops` program is loaded.
    pub(super) fn adjust(
        &self,
        index: FunctionIndex,
        load: &mut Load,
        kernel: &Btf<'_>,
    ) -> Result<(), Error> {
        if load.program_type.is_none_or(|ty| ty.name != "struct_ops") {
            return Ok(());
        }
        if let Some(error) = self.errors.get(&index) {
            return Err(error.clone());
        }
        load.target = match self.members.get(&index) {
            Some(&(id, member)) => {
                load.expected_attach_type = member;
                let name = kernel.get(id).map_or("", |ty| ty.name()).to_owned();
                Attach::Kernel { name, id }
            }
            None => Attach::Unspecified,
        };
        Ok(())
    }
}

/// Resolves all `struct_ops` maps and puts the kernel's form of their values into `maps`.
pub(super) fn resolve(object: &Object, kernel: &Btf<'_>, maps: &mut [Map]) -> StructOpsMaps {
    let mut all = StructOpsMaps::default();
    let Some(local) = &object.btf else { return all };
    // Maps that are not created come last, so that they say something only of programs that are in no other one. What
    // is wrong with them leaves their programs without a structure.
    let (created, others): (Vec<usize>, Vec<usize>) =
        (0..maps.len()).partition(|&index| maps[index].autocreate);
    for index in created.into_iter().chain(others) {
        let map = &mut maps[index];
        let Some(ops) = map.struct_ops.clone() else { continue };
        for &(_, program) in &ops.programs {
            *all.created.entry(program).or_default() |= map.autocreate;
        }
        let name = map.name.clone();
        // libbpf leaves alone what it does not create.
        let kept = (!map.autocreate).then(|| (map.definition.value_size, map.data.clone()));
        let result = Structures::find(local, kernel, ops.ty)
            .and_then(|types| types.convert(object, MapIndex(index), map, &ops.programs));
        match result {
            Ok((value, members)) => {
                for (program, member) in members {
                    all.implement(object, program, member, map);
                }
                all.values.push(value);
                if let Some(kept) = kept {
                    (map.definition.value_size, map.data) = kept;
                }
            }
            Err(_) if !map.autocreate => {}
            Err(problem) => {
                let error = Problem::StructOps(problem).of(&name);
                for (_, program) in ops.programs {
                    all.errors.entry(program).or_insert_with(|| error.clone());
                }
            }
        }
    }
    all.values.sort_by_key(|value| value.map);
    all
}

impl StructOpsMaps {
    /// A program may be in several maps, but always as the same member.
    fn implement(
        &mut self,
        object: &Object,
        program: FunctionIndex,
        member: (TypeId, u32),
        map: &Map,
    ) {
        let created = map.autocreate;
        let known = *self.members.entry(program).or_insert(member);
        if known != member && created {
            let name = object.functions.get(program.0).map_or("", |one| one.name.as_str());
            let problem = Problem::StructOps(StructOpsProblem::Reuse(name.to_owned()));
            self.errors.insert(program, problem.of(&map.name));
        }
    }
}

type Members = Vec<(FunctionIndex, (TypeId, u32))>;

/// The types that a map is about.
struct Structures<'t> {
    local: &'t Btf<'t>,
    kernel: &'t Btf<'t>,
    /// The structure in the object.
    ours: Type<'t>,
    /// The same in the kernel.
    theirs: Type<'t>,
    /// The kernel's structure around it.
    value: Type<'t>,
    /// Where in that it begins, in bytes.
    start: u32,
}

impl<'t> Structures<'t> {
    fn find(local: &'t Btf<'t>, kernel: &'t Btf<'t>, ty: TypeId) -> Result<Self, StructOpsProblem> {
        let ours = local.get(ty).ok_or(StructOpsProblem::NotStruct)?;
        let name = btf::essential_name(ours.name());
        let find = |name: &str| {
            let missing = || StructOpsProblem::NoKernelType(name.to_owned());
            let found = kernel.find(name, Kind::Struct);
            found.filter(|ty| ty.size().is_some_and(|size| size <= LARGEST)).ok_or_else(missing)
        };
        let value_name = format!("bpf_struct_ops_{name}");
        let value = find(&value_name)?;
        let theirs = find(name)?;
        let data = value.members().iter().find(|member| member.ty == theirs.id());
        let data = data.ok_or(StructOpsProblem::NoKernelType(value_name))?;
        Ok(Structures { local, kernel, ours, theirs, value, start: data.bit_offset / 8 })
    }

    /// Copies the members that have values.
    fn convert(
        &self,
        object: &Object,
        index: MapIndex,
        map: &mut Map,
        programs: &[(u32, FunctionIndex)],
    ) -> Result<(KernelStructOps, Members), StructOpsProblem> {
        let size = self.value.size().unwrap_or_default();
        let mut bytes = vec![0; size as usize];
        let (mut places, mut members) = (Vec::new(), Vec::new());
        let set = FxHashMap::from_iter(programs.iter().copied());
        let theirs = (0u32..).zip(self.theirs.members().iter());
        let mut by_name = FxHashMap::default();
        for (number, member) in theirs {
            by_name.entry(member.name()).or_insert((number, member));
        }
        for (number, member) in (0u32..).zip(self.ours.members().iter()) {
            let name = member.name();
            let wrong = || StructOpsProblem::Member(name.to_owned());
            let length = self.local.size_of(member.ty).map_err(|_| wrong())?;
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let place = (member.bit_offset / 8) as usize;
            let data = map.data.get(place..).and_then(|data| data.get(..length));
            let data = data.ok_or(StructOpsProblem::Bounds)?;
            let program = set.get(&number).copied();
            let Some(&(kernel_number, kernel_member)) = by_name.get(name) else {
                // What the kernel does not know may only be zero; its program is not loaded.
                let zero = program.is_none() && data.iter().all(|&byte| byte == 0);
                if zero {
                    continue;
                }
                return Err(StructOpsProblem::NoMember(name.to_owned()));
            };
            if member.bitfield > 0 || kernel_member.bitfield > 0 {
                return Err(wrong());
            }
            let ty = self.local.resolve(member.ty).ok_or_else(wrong)?;
            let kernel_ty = self.kernel.resolve(kernel_member.ty).ok_or_else(wrong)?;
            if ty.kind() != kernel_ty.kind() {
                return Err(wrong());
            }
            let target = self.start.saturating_add(kernel_member.bit_offset / 8);
            if ty.kind() == Kind::Ptr {
                let Some(program) = program else { continue };
                let pointed = kernel_ty.target().and_then(|id| self.kernel.resolve(id));
                if pointed.is_none_or(|ty| ty.kind() != Kind::FuncProto)
                    || object.functions.get(program.0).is_none()
                {
                    return Err(StructOpsProblem::NotProgram(name.to_owned()));
                }
                places.push((target, program));
                members.push((program, (self.theirs.id(), kernel_number)));
                continue;
            }
            if self.kernel.size_of(kernel_ty.id()) != Ok(length as u64) {
                return Err(wrong());
            }
            let room = bytes.get_mut(target as usize..).and_then(|rest| rest.get_mut(..length));
            room.ok_or_else(wrong)?.copy_from_slice(data);
        }
        map.data = bytes;
        map.definition.value_size = size;
        let value_type = self.value.id();
        Ok((KernelStructOps { map: index, value_type, programs: places }, members))
    }
}
