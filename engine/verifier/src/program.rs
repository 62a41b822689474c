//! The program that is verified: what does not change while it is.

use bpf_object::{Attach, FuncInfo, LineInfo, Linked};
use btf::{Btf, Kind, Type, TypeId};
use isa::{DecodeError, Insn, Pc, RawInsn};
use kernel_model::{AttachType, MapType, ProgramType, Version};

use crate::capabilities::Capabilities;
use crate::memory::{FieldRecord, StructRecords};

/// How a program is verified.
#[derive(Clone, Debug)]
pub struct Options {
    /// The kernel.
    pub kernel: Version,
    /// The kernel lists the addresses of its variables (`CONFIG_KALLSYMS_ALL`), which those who load a program that
    /// refers to one need.
    pub lists_variables: bool,
    /// What the loader is allowed to do.
    pub capabilities: Capabilities,
    /// The level of the log: 0, 1 or 2, and 4 for statistics alone, as `log_level` of `bpf(2)`.
    pub log_level: u32,
    /// Rejections are explained, for which the program is verified once more, and mistakes that the kernel accepts are
    /// noted.
    pub explain: bool,
    /// The name of the object's file, which loaders name the maps of its variables after; may be empty.
    pub file: String,
}

/// A program with the facts about it.
#[derive(Debug)]
pub struct Program<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its instructions, decoded as far as they can be.
    pub code: isa::Program,
    /// Its instructions as they are.
    pub raw: &'a [RawInsn],
    /// What cannot be decoded.
    pub undecoded: Vec<DecodeError>,
    /// It replaces a function of another program (`freplace`).
    pub is_extension: bool,
    /// That function, if the program that has it is known.
    pub extends: Option<Extension<'a>>,
    /// Its type; `None` if the section's name says none. Of extensions, that of the program they extend.
    pub ty: Option<&'static ProgramType>,
    /// What it may be attached to.
    pub attach: Option<AttachType>,
    /// `expected_attach_type` as a number; of `struct_ops`, the member.
    pub attach_number: u32,
    /// It may sleep.
    pub sleepable: bool,
    /// It handles XDP frames in several parts.
    pub xdp_frags: bool,
    /// The function, tracepoint or structure of the kernel it is for (`attach_btf_id`), with its name.
    pub target: Option<(TypeId, &'a str)>,
    /// Its licence is compatible with the GPL.
    pub gpl: bool,
    /// The maps of the object, which instructions refer to by [`MapId`].
    pub maps: Vec<MapFacts<'a>>,
    /// The types of the program.
    pub btf: Option<&'a Btf<'a>>,
    /// The special fields of the structures of the program.
    pub records: StructRecords,
    /// The types of the kernel.
    pub kernel: &'a Btf<'a>,
    /// Which type each function has.
    pub functions: &'a [FuncInfo],
    /// Which line each instruction comes from.
    pub lines: &'a [LineInfo],
    /// The object it belongs to.
    pub linked: &'a Linked<'a>,
    /// It within the object.
    pub linked_program: &'a bpf_object::Program,
    /// How it is verified.
    pub options: Options,
}

/// The function of another program that an extension replaces.
#[derive(Clone, Copy, Debug)]
pub struct Extension<'a> {
    /// The object with the other program.
    pub linked: &'a Linked<'a>,
    /// The other program.
    pub program: &'a bpf_object::Program,
    /// The name of the function.
    pub function: &'a str,
}

impl<'a> Extension<'a> {
    /// The function called `function` in a program of an object, or in the one called `program`. Extensions are no
    /// programs to be extended.
    pub fn find(linked: &'a Linked<'a>, function: &'a str, program: Option<&str>) -> Option<Self> {
        let is_meant = |one: &bpf_object::Program| program.is_none_or(|name| one.name == name);
        let named = |part: &bpf_object::Part| {
            let found = linked.object.functions.get(part.function.0);
            found.is_some_and(|found| found.name == function)
        };
        let program = linked.programs.iter().find(|program| {
            let is_extension = matches!(program.load.target, Attach::Program { .. });
            !is_extension && is_meant(program) && program.parts.iter().any(named)
        })?;
        Some(Self { linked, program, function })
    }
}

/// A map, by its place in [`bpf_object::Linked::maps`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MapId {
    /// The place.
    pub index: u32,
    /// The map that is the pattern for what the map at that place holds.
    pub inner: bool,
}

/// A map with the facts about it.
#[derive(Debug)]
pub struct MapFacts<'a> {
    /// As the object has it.
    pub map: &'a bpf_object::Map,
    /// What its type says; `None` if there is no such type.
    pub ty: Option<&'static MapType>,
    /// The special fields of its values.
    pub record: FieldRecord,
    /// The special fields of the values of the maps it holds.
    pub inner_record: FieldRecord,
}

impl<'a> MapFacts<'a> {
    fn new(
        map: &'a bpf_object::Map,
        btf: Option<&Btf<'_>>,
        kernel: (&Btf<'_>, Version),
        records: &StructRecords,
    ) -> Self {
        let record = |definition: &bpf_object::Definition| {
            btf.map(|btf| FieldRecord::of_map(btf, kernel, records, definition)).unwrap_or_default()
        };
        Self {
            map,
            ty: kernel_model::map_type_by_id(map.definition.map_type),
            record: record(&map.definition),
            inner_record: map.inner.as_ref().map(record).unwrap_or_default(),
        }
    }

    /// The map's numbers, or those of the maps it holds.
    pub fn definition(&self, inner: bool) -> &'a bpf_object::Definition {
        match &self.map.inner {
            Some(definition) if inner => definition,
            _ => &self.map.definition,
        }
    }
}

/// Licences that are compatible with the GPL (`license_is_gpl_compatible` of include/linux/license.h).
const GPL_COMPATIBLE: [&str; 6] =
    ["GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"];

/// `BPF_F_SLEEPABLE`.
const SLEEPABLE: u32 = 1 << 4;
/// `BPF_F_XDP_HAS_FRAGS`.
const XDP_FRAGS: u32 = 1 << 5;

impl<'a> Program<'a> {
    /// A program of a linked object, with what is to be known of it. What an extension replaces is looked for in the
    /// same object.
    pub fn new(
        linked: &'a Linked<'a>,
        program: &'a bpf_object::Program,
        kernel: &'a Btf<'a>,
        options: Options,
    ) -> Self {
        let extends = match &program.load.target {
            Attach::Program { name } => Extension::find(linked, name, None),
            _ => None,
        };
        Self::extending(linked, program, kernel, options, extends)
    }

    /// The same with what it replaces, if it is an extension and that is known.
    pub fn extending(
        linked: &'a Linked<'a>,
        program: &'a bpf_object::Program,
        kernel: &'a Btf<'a>,
        options: Options,
        extends: Option<Extension<'a>>,
    ) -> Self {
        let is_extension = program.load.program_type.is_some_and(|ty| ty.name == "ext");
        let extends = extends.filter(|_| is_extension);
        // An extension has all rights of the program it extends, and no others.
        let load = extends.map_or(&program.load, |extension| &extension.program.load);
        let (code, undecoded) = isa::Program::decode_partial(&program.insns);
        let attach_number = attach_number(load);
        let btf = linked.object.btf.as_ref();
        let records = btf.map(|btf| StructRecords::parse(btf, kernel, options.kernel));
        let records = records.unwrap_or_default();
        let types = (kernel, options.kernel);
        let maps = linked.maps.iter().map(|map| MapFacts::new(map, btf, types, &records));
        // Loaders do without types that the kernel refuses.
        let btf = btf.filter(|_| records.error.is_none());
        let (functions, lines): (&[FuncInfo], &[LineInfo]) = match btf {
            Some(_) => (&program.functions, &program.lines),
            None => (&[], &[]),
        };
        let licence = linked.object.license.as_deref().unwrap_or_default();
        Self {
            name: &program.name,
            code,
            raw: &program.insns,
            undecoded,
            is_extension,
            extends,
            ty: load.program_type,
            attach: load.program_type.and_then(|ty| {
                ty.attach_types.iter().copied().find(|one| one.id() == attach_number)
            }),
            attach_number,
            sleepable: program.load.flags & SLEEPABLE != 0,
            xdp_frags: program.load.flags & XDP_FRAGS != 0,
            target: match &load.target {
                Attach::Kernel { name, id } => Some((*id, name.as_str())),
                _ => None,
            },
            gpl: GPL_COMPATIBLE.contains(&licence),
            maps: maps.collect(),
            btf,
            records,
            kernel,
            functions,
            lines,
            linked,
            linked_program: program,
            options,
        }
    }

    /// The facts about a map.
    pub fn map(&self, id: MapId) -> Option<&MapFacts<'a>> {
        self.maps.get(id.index as usize)
    }

    /// The special fields of the values of a map.
    pub fn record(&self, id: MapId) -> Option<&FieldRecord> {
        let facts = self.map(id)?;
        Some(if id.inner { &facts.inner_record } else { &facts.record })
    }

    /// The types of the program, if `own`, or of the kernel.
    pub fn btf_of(&self, own: bool) -> Option<&Btf<'a>> {
        if own { self.btf } else { Some(self.kernel) }
    }

    /// The name of a type.
    pub fn type_name_of(&self, ty: crate::memory::Pointee) -> &str {
        let ty = self.btf_of(ty.own).and_then(|btf| btf.get(ty.id));
        ty.map_or("", |ty| ty.name())
    }

    /// The prototype of what the program is for: a function or tracepoint of the kernel, or an operation
    /// (`attach_func_proto`).
    pub fn attach_proto(&self) -> Option<Type<'a>> {
        let (id, _) = self.target?;
        let mut ty = self.kernel.get(id)?;
        if ty.kind() == Kind::Struct {
            ty = self.kernel.get(ty.members().get(self.attach_number as usize)?.ty)?;
        }
        // A function, or a typedef of a pointer to one.
        for _ in 0..8 {
            if ty.kind() == Kind::FuncProto {
                return Some(ty);
            }
            ty = self.kernel.get(ty.target()?)?;
        }
        None
    }

    /// The kernel does not have a feature yet, which the kernel model names.
    pub(crate) fn lacks(&self, feature: &str) -> bool {
        if self.options.kernel >= Version::NEWEST_MODELLED {
            return false;
        }
        debug_assert!(kernel_model::feature(feature).is_some(), "{feature} is no feature");
        !self.options.kernel.has(feature)
    }

    /// The operation of the kernel that the program implements.
    pub fn operation(&self) -> Option<&'a str> {
        let ty = self.kernel.get(self.target?.0).filter(|ty| ty.kind() == Kind::Struct)?;
        Some(ty.members().get(self.attach_number as usize)?.name())
    }

    /// The instruction at a slot.
    pub fn insn(&self, pc: Pc) -> Option<&Insn> {
        self.code.get(pc)
    }

    /// How many slots there are.
    pub fn len(&self) -> usize {
        self.raw.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The kernel's name of the type of the program; empty if it is not known.
    pub fn type_name(&self) -> &'static str {
        self.ty.map_or("", |ty| ty.name)
    }
}

/// `expected_attach_type`, filled in where old loaders leave it out (`bpf_prog_load_fixup_attach_type` of
/// kernel/bpf/syscall.c).
fn attach_number(load: &bpf_object::Load) -> u32 {
    let given = load.expected_attach_type;
    match load.program_type.map(|ty| ty.name) {
        Some("cgroup_sock") if given == 0 => AttachType::CgroupInetSockCreate.id(),
        Some("sk_reuseport") if given == 0 => AttachType::SkReuseportSelect.id(),
        _ => given,
    }
}
