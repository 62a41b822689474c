//! A program made ready to run, with all it can reach: immutable, without borrows, to be shared by runs.

mod decode;

use decode::KernelNames;
pub(crate) use decode::NO_REGISTER;

use std::sync::Arc;

use bpf_object::{Attach, FunctionIndex, Linked, Map, MapKind, Program};
use btf::{Btf, Kind};
use isa::RawInsn;
use kernel_model::{AttachType, ProgramType};

use crate::fault::{Location, Site};
use crate::memory::{Address, AllocId};
use crate::op::{Callable, Code, Op, OpIndex};
use crate::source;

/// The allocation that addresses of functions point into; nothing can be read there.
pub(crate) const CODE: AllocId = AllocId::new(0);
/// The number of `bpf_prog_array`.
const PROG_ARRAY: u32 = 3;
/// The number of the arena among map types.
const ARENA: u32 = 33;

/// Why a program cannot be made ready.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// There is no program with this index in [`Linked::programs`].
    #[error("there is no program {0}")]
    NoProgram(usize),
    /// The object is for big-endian machines.
    #[error("the object is for big-endian machines, which are not modelled")]
    BigEndian,
    /// Its section does not say what type it has.
    #[error("the section `{0}` says no program type")]
    UnknownType(String),
}

/// A program ready to run.
#[derive(Clone, Debug)]
pub struct Image {
    /// The instructions of all programs, one program behind the other, each with [`Code::Bad`] at its end.
    pub(crate) ops: Vec<Op>,
    /// The slot in its program of each of them.
    slots: Vec<u32>,
    /// The programs: the one to run first, then those it can call through program arrays.
    pub(crate) programs: Vec<ProgramImage>,
    pub(crate) calls: Vec<Callable>,
    pub(crate) maps: Vec<Map>,
    /// Variables of the kernel that instructions refer to.
    pub(crate) variables: Vec<Arc<str>>,
    /// The types of the object.
    pub(crate) types: Option<Btf<'static>>,
    pub(crate) arena: Option<usize>,
}

/// One of the programs of an image.
#[derive(Clone, Debug)]
pub(crate) struct ProgramImage {
    pub(crate) name: Arc<str>,
    pub(crate) function: FunctionIndex,
    pub(crate) program_type: &'static ProgramType,
    /// The value of `enum bpf_attach_type`.
    pub(crate) attach_type: u32,
    /// What of the kernel it is attached to: a function, or a tracepoint.
    target: Option<Arc<str>>,
    /// `BPF_F_*` of loading.
    pub(crate) flags: u32,
    /// Its first instruction.
    pub(crate) start: u32,
    /// The function that gets the cookie of `bpf_throw`.
    pub(crate) exception_callback: Option<u32>,
    /// It calls `bpf_dynptr_slice_rdwr`, so that the kernel un-shares the packet before it runs.
    pub(crate) unclones: bool,
    lines: Vec<Line>,
}

/// Which line the instructions from a slot on come from.
#[derive(Clone, Debug)]
struct Line {
    slot: u32,
    file: Arc<str>,
    line: u32,
    column: u32,
    text: Arc<str>,
}

impl Image {
    /// Makes a program ready.
    ///
    /// # Errors
    ///
    /// If the program, or another that it can call through a program array, is malformed or of no known type.
    pub fn new(linked: &Linked<'_>, program: usize) -> Result<Self, LoadError> {
        let first = linked.programs.get(program).ok_or(LoadError::NoProgram(program))?;
        if linked.object.endian == btf::Endian::Big {
            return Err(LoadError::BigEndian);
        }
        let mut image = Self {
            ops: Vec::new(),
            slots: Vec::new(),
            programs: Vec::new(),
            calls: Vec::new(),
            maps: linked.maps.clone(),
            variables: Vec::new(),
            types: linked.object.btf.clone(),
            arena: linked.maps.iter().position(|map| map.definition.map_type == ARENA),
        };
        image.add(linked, first)?;
        let array = |map: &bpf_object::MapReference| {
            let map = linked.maps.get(map.map.0);
            map.is_some_and(|map| map.definition.map_type == PROG_ARRAY)
        };
        if first.map_references.iter().any(array) {
            let own = first.load.program_type;
            for (index, other) in linked.programs.iter().enumerate() {
                if index != program && other.load.program_type == own {
                    image.add(linked, other)?;
                }
            }
        }
        Ok(image)
    }

    /// Makes instructions ready that belong to no object and refer to no maps. The number of a kfunc in a call is its
    /// place in `kfuncs`.
    pub fn of_instructions(
        program_type: &'static ProgramType,
        insns: &[RawInsn],
        kfuncs: &[&str],
    ) -> Self {
        let mut image = Self {
            ops: Vec::new(),
            slots: Vec::new(),
            programs: Vec::new(),
            calls: Vec::new(),
            maps: Vec::new(),
            variables: Vec::new(),
            types: None,
            arena: None,
        };
        image.decode(KernelNames::Listed(kfuncs), insns);
        let unclones = image.unclones(program_type, 0);
        image.programs.push(ProgramImage {
            name: "instructions".into(),
            function: FunctionIndex(usize::MAX),
            program_type,
            attach_type: 0,
            target: None,
            flags: 0,
            start: 0,
            exception_callback: None,
            unclones,
            lines: Vec::new(),
        });
        image
    }

    /// The name of the program.
    pub fn name(&self) -> &str {
        self.programs.first().map_or("", |program| &program.name)
    }

    /// The type of the program.
    pub fn program_type(&self) -> &'static ProgramType {
        // An image is only made with a program.
        self.programs.first().map_or_else(decode::no_type, |program| program.program_type)
    }

    /// What the program is made to be attached to, if its type has attach types.
    pub fn attach_type(&self) -> Option<AttachType> {
        let program = self.programs.first()?;
        let attach = AttachType::from_id(program.attach_type);
        attach.filter(|attach| program.program_type.attach_types.contains(attach))
    }

    /// The function or tracepoint of the kernel that the program is attached to, if its section names one.
    pub fn target(&self) -> Option<&str> {
        self.programs.first()?.target.as_deref()
    }

    /// The program was made for packets in fragments (`BPF_F_XDP_HAS_FRAGS`).
    pub fn takes_fragments(&self) -> bool {
        self.programs.first().is_some_and(|program| program.flags & (1 << 5) != 0)
    }

    /// The maps, in the order of [`Linked::maps`].
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// The types of the object.
    pub fn types(&self) -> Option<&Btf<'static>> {
        self.types.as_ref()
    }

    /// How many instructions it has, with those of the programs it can call.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// It has no instructions, which cannot be.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// The names of helpers and kfuncs that it calls but that are not modelled.
    pub fn not_modelled(&self) -> impl Iterator<Item = &str> {
        self.calls.iter().filter(|call| !call.is_modelled()).map(|call| &*call.name)
    }

    /// The line that an instruction comes from.
    fn line(&self, op: OpIndex) -> Option<&Line> {
        let insn = self.slots.get(op.index()).copied().unwrap_or(0);
        let lines = &self.program_at(op.0)?.lines;
        lines.get(lines.partition_point(|line| line.slot <= insn).checked_sub(1)?)
    }

    /// The place of an instruction.
    pub fn location(&self, op: OpIndex) -> Location {
        let Some(program) = self.program_at(op.0) else { return Location::default() };
        let line = self.line(op);
        Location {
            program: program.name.clone(),
            insn: self.slots.get(op.index()).copied().unwrap_or(0),
            file: line.map(|line| line.file.clone()).unwrap_or_default(),
            line: line.map_or(0, |line| line.line),
            column: line.map_or(0, |line| line.column),
        }
    }

    /// A call of a function of the kernel.
    pub(crate) fn site(&self, op: OpIndex) -> Site {
        let function = self.callee_of(op);
        let line = self.line(op).map_or("", |line| &line.text);
        let argument = source::first_argument(line, &function).map(Arc::from);
        Site { function, at: self.location(op), argument }
    }

    /// The function of the kernel that an instruction calls.
    pub(crate) fn callee_of(&self, op: OpIndex) -> Arc<str> {
        let call = self.ops.get(op.index()).filter(|op| op.code == Code::CallKernel);
        let call = call.and_then(|op| self.calls.get(usize::try_from(op.imm).ok()?));
        call.map_or_else(|| "a call".into(), |call| call.name.clone())
    }

    /// The program that an instruction belongs to, by its place, and the slot in it.
    pub(crate) fn slot(&self, op: OpIndex) -> (usize, u32) {
        let after = self.programs.partition_point(|program| program.start <= op.0);
        let slot = self.slots.get(op.index()).copied().unwrap_or(u32::MAX);
        (after.saturating_sub(1), slot)
    }

    /// The conditional jumps: which instruction, and where it leads to if it is taken.
    pub fn branches(&self) -> impl Iterator<Item = (OpIndex, OpIndex)> {
        let ops = self.ops.iter().zip(0_u32..);
        ops.filter(|(op, _)| op.code.is_conditional())
            .map(|(op, index)| (OpIndex(index), OpIndex(op.target)))
    }

    /// The program that an instruction belongs to.
    pub(crate) fn program_at(&self, op: u32) -> Option<&ProgramImage> {
        let after = self.programs.partition_point(|program| program.start <= op);
        self.programs.get(after.checked_sub(1)?)
    }

    /// The address of a map, as helpers take it.
    pub(crate) fn map_address(index: usize) -> Address {
        let number = u32::try_from(index).unwrap_or(u32::MAX >> 2);
        AllocId::new(1 + number).at(0)
    }

    /// The allocation of the value of a map whose value has an address.
    pub(crate) fn value_allocation(maps: usize, index: usize) -> AllocId {
        AllocId::new(u32::try_from(1 + maps + index).unwrap_or(u32::MAX >> 2))
    }

    /// The allocation of a variable of the kernel.
    pub(crate) fn variable_allocation(maps: usize, index: usize) -> AllocId {
        AllocId::new(u32::try_from(1 + 2 * maps + index).unwrap_or(u32::MAX >> 2))
    }

    /// The name of the map that a data section became: `.bss`.
    pub fn is_data(map: &Map) -> bool {
        matches!(map.kind, MapKind::Data(_) | MapKind::Config)
    }

    /// Whether the kernel puts instructions before the program from `start` on that give clones bytes of their own. It also
    /// does where the verifier sees a direct store to the packet, which is not known here.
    fn unclones(&self, program_type: &ProgramType, start: u32) -> bool {
        let ops = self.ops.get(start as usize..).unwrap_or_default();
        let calls = ops.iter().filter(|op| op.code == Code::CallKernel);
        let mut calls = calls.filter_map(|op| self.calls.get(usize::try_from(op.imm).ok()?));
        let writes = calls.any(|call| &*call.name == "bpf_dynptr_slice_rdwr");
        writes && program_type.uncloned_by_prologue
    }

    fn add(&mut self, linked: &Linked<'_>, program: &Program) -> Result<(), LoadError> {
        let unknown = || LoadError::UnknownType(program.section.clone());
        let program_type = program.load.program_type.ok_or_else(unknown)?;
        let start = u32::try_from(self.ops.len()).unwrap_or(u32::MAX);
        let entries = self.decode(KernelNames::Linked(linked), &program.insns);
        let callback = exception_callback(linked, program).and_then(|slot| entries.get(slot));
        let lines = lines(linked, program);
        self.programs.push(ProgramImage {
            name: program.name.as_str().into(),
            function: program.function,
            program_type,
            attach_type: program.load.expected_attach_type,
            target: match &program.load.target {
                Attach::Kernel { name, .. } => Some(name.as_str().into()),
                _ => None,
            },
            flags: program.load.flags,
            start,
            exception_callback: callback.copied(),
            unclones: self.unclones(program_type, start),
            lines,
        });
        Ok(())
    }
}

/// The first instruction of the function that a program names to take exceptions.
fn exception_callback(linked: &Linked<'_>, program: &Program) -> Option<usize> {
    let types = linked.object.btf.as_ref()?;
    let mut tags =
        types.types().filter(|ty| ty.kind() == Kind::DeclTag && ty.component().is_none());
    let callback = tags.find_map(|tag| {
        let name = tag.name().strip_prefix("exception_callback:")?;
        let target = types.get(tag.target()?)?;
        (target.name() == program.name).then(|| name.to_owned())
    })?;
    let part = program.parts.iter().find(|part| {
        linked
            .object
            .functions
            .get(part.function.0)
            .is_some_and(|function| function.name == callback)
    });
    part.map(|part| part.start)
}

fn lines(linked: &Linked<'_>, program: &Program) -> Vec<Line> {
    let Some(types) = &linked.object.btf else { return Vec::new() };
    let mut files: Vec<(u32, Arc<str>)> = Vec::new();
    let records = program.lines.iter().map(|record| {
        let known = files.iter().find(|(offset, _)| *offset == record.file);
        let file = known.map(|(_, file)| file.clone()).unwrap_or_else(|| {
            let file: Arc<str> = types.string(record.file).into();
            files.push((record.file, file.clone()));
            file
        });
        let text = types.string(record.text).into();
        Line { slot: record.insn, file, line: record.line(), column: record.column(), text }
    });
    records.collect()
}
