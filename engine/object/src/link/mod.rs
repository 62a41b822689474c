//! Linking: from functions with references to programs a kernel would take.
//!
//! The order is libbpf's. CO-RE relocations are resolved once for the whole object, externs and `struct_ops` maps too;
//! then each program is put together from its function and all it calls ([`code`]), and references to maps, variables
//! and the kernel are filled in ([`refer`]). A program is linked on its own: what is wrong with one does not concern the
//! others.

mod code;
mod externs;
mod info;
mod refer;
mod struct_ops;

use btf::{Btf, Kind, TypeId};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::attach::Load;
use crate::btf_ext::{FuncInfo, LineInfo};
use crate::core::{Resolver, patch};
use crate::externs::Extern;
use crate::kernel::Kernel;
use crate::maps::{Map, MapKind, map_type};
use crate::object::{CodeIndex, FunctionIndex, MapIndex, Object};
use crate::{Error, Problem};
use isa::RawInsn;

pub use externs::Resolution;
pub use info::SourceLine;
pub use struct_ops::KernelStructOps;

/// Instructions and records of lines and functions that [`link()`] puts out at most; a single program has no more than the
/// object.
const MOST: usize = 1 << 24;

/// `BPF_MAP_TYPE_STACK_TRACE`.
const STACK_TRACE: u32 = 7;
/// Bytes of a value of 127 frames, the most that `kernel.perf_event_max_stack` allows by default.
const STACK_TRACE_VALUE: u32 = 127 * 8;

/// An object linked against a kernel.
#[derive(Clone, Debug)]
pub struct Linked<'o> {
    /// The object.
    pub object: &'o Object,
    /// The programs that could be linked, in the order of the object.
    pub programs: Vec<Program>,
    /// The programs that could not, and why.
    pub failures: Vec<Failure>,
    /// The maps as they are created, with the bytes of `.kconfig` and, for `struct_ops`, of the kernel's structure.
    pub maps: Vec<Map>,
    /// What the kernel is to be given for the `struct_ops` maps.
    pub struct_ops: Vec<KernelStructOps>,
    /// What became of the externs, in the order of [`Object::externs`].
    pub externs: Vec<Resolution>,
    /// Externs whose values are not known and were assumed: options of the configuration, addresses.
    pub assumed: Vec<String>,
}

impl Linked<'_> {
    /// Gives maps the sizes that the object leaves to whoever loads it: entries to those of none, if their type wants
    /// any, and values to stack traces.
    pub fn set_open_sizes(&mut self, entries: u32) {
        let maps = self.maps.iter_mut();
        for definition in
            maps.flat_map(|map| std::iter::once(&mut map.definition).chain(&mut map.inner))
        {
            let Some(ty) = kernel_model::map_type_by_id(definition.map_type) else { continue };
            let rule = ty.max_entries;
            if definition.max_entries == 0 && !rule.allows(0) {
                let entries = entries.clamp(rule.min, rule.max);
                // Loaders round the size of ring buffers up.
                let is_fine = rule.allows(entries);
                definition.max_entries =
                    if is_fine { entries } else { entries.next_power_of_two() };
            }
            if definition.map_type == STACK_TRACE && definition.value_size == 0 {
                definition.value_size = STACK_TRACE_VALUE;
            }
        }
    }
}

impl<'o> Linked<'o> {
    /// The function that a call of a helper with this number stands for, if linking put it there because the kernel does not
    /// have the function.
    pub fn missing_function(&self, helper: i32) -> Option<&'o str> {
        let index = helper.checked_sub(refer::POISONED_CALL)?;
        let external = self.object.externs.get(usize::try_from(index).ok()?);
        external.map(|external| external.name.as_str())
    }
}

/// A program that could not be linked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The program.
    pub function: FunctionIndex,
    /// Its name.
    pub name: String,
    /// What is wrong.
    pub error: Error,
}

/// A program, complete with the subprograms it uses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Its section, without `?`.
    pub section: String,
    /// Its function in the object.
    pub function: FunctionIndex,
    /// Whether it is loaded by default.
    pub autoload: bool,
    /// How it is loaded.
    pub load: Load,
    /// Its instructions. In loads of maps and of addresses in maps the immediate is the index of the map in
    /// [`Linked::maps`], until [`Program::to_bytes`] puts a file descriptor there.
    pub insns: Vec<RawInsn>,
    /// The functions in it, in their order. The first one is the program itself.
    pub parts: Vec<Part>,
    /// The instructions that refer to maps.
    pub map_references: Vec<MapReference>,
    /// Which function each instruction belongs to, for the kernel.
    pub functions: Vec<FuncInfo>,
    /// Which line each instruction comes from.
    pub lines: Vec<LineInfo>,
}

/// A function within a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// The function in the object.
    pub function: FunctionIndex,
    /// Its first instruction.
    pub start: usize,
    /// How many it has.
    pub len: usize,
}

/// An instruction whose immediate is a map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MapReference {
    /// The instruction.
    pub insn: usize,
    /// The map.
    pub map: MapIndex,
}

/// Links all programs of an object.
pub fn link<'o>(object: &'o Object, kernel: &Kernel<'_>) -> Linked<'o> {
    let linker = Linker::new(object, kernel);
    let (mut programs, mut failures) = (Vec::new(), Vec::new());
    let mut left = MOST;
    for (index, function) in object.programs() {
        let program = match left {
            0 => Err(Problem::TooLong.of(&function.name)),
            _ => linker.program(index),
        };
        match program {
            Ok(program) => {
                let records = program.functions.len() + program.lines.len();
                left = left.saturating_sub(program.insns.len() + records);
                programs.push(program);
            }
            Err(error) => {
                let name = function.name.clone();
                failures.push(Failure { function: index, name, error });
            }
        }
    }
    let Linker { maps, struct_ops, resolutions, assumed, .. } = linker;
    let struct_ops = struct_ops.values;
    Linked { object, programs, failures, maps, struct_ops, externs: resolutions, assumed }
}

/// An object with all that its programs share resolved; links one program at a time.
#[derive(Clone, Debug)]
pub struct Linker<'o, 'k> {
    object: &'o Object,
    kernel: Kernel<'k>,
    /// The code of the object with CO-RE relocations applied.
    code: Vec<Vec<RawInsn>>,
    /// Functions with CO-RE relocations that cannot be resolved.
    broken: FxHashMap<FunctionIndex, Error>,
    maps: Vec<Map>,
    config_map: Option<MapIndex>,
    struct_ops: struct_ops::StructOpsMaps,
    resolutions: Vec<Resolution>,
    assumed: Vec<String>,
    /// The names of exception callbacks of programs.
    callbacks: FxHashMap<String, Vec<String>>,
    /// Subprograms by their names.
    subprograms: FxHashMap<&'o str, FunctionIndex>,
}

impl<'o, 'k> Linker<'o, 'k> {
    /// Resolves what programs share.
    pub fn new(object: &'o Object, kernel: &Kernel<'k>) -> Self {
        let (code, broken) = resolve_core(object, kernel.btf);
        let externs::Resolutions { all, config, assumed } =
            externs::Resolutions::of(object, kernel);
        let mut maps = object.maps.clone();
        let config_map = maps.iter().position(|map| map.kind == MapKind::Config).map(MapIndex);
        if let Some(MapIndex(index)) = config_map {
            maps[index].data = config;
        }
        for map in &mut maps {
            for definition in std::iter::once(&mut map.definition).chain(&mut map.inner) {
                if map_type::is_untyped(definition.map_type) {
                    (definition.key_type, definition.value_type) = (TypeId::VOID, TypeId::VOID);
                }
            }
        }
        let struct_ops = struct_ops::resolve(object, kernel.btf, &mut maps);
        let all_functions = object.functions.iter().enumerate();
        let subprograms = all_functions
            .filter(|(_, function)| !object.is_program(function))
            .map(|(index, function)| (function.name.as_str(), FunctionIndex(index)))
            .collect();
        Linker {
            object,
            kernel: kernel.clone(),
            code,
            broken,
            maps,
            config_map,
            struct_ops,
            resolutions: all,
            assumed,
            callbacks: object.btf.as_ref().map(exception_callbacks).unwrap_or_default(),
            subprograms,
        }
    }

    /// Links one program.
    ///
    /// # Errors
    ///
    /// If one of its functions, or of those it calls, refers to something that does not exist.
    pub fn program(&self, index: FunctionIndex) -> Result<Program, Error> {
        let object = self.object;
        let Some(function) = object.functions.get(index.0) else {
            return Err(Problem::Relocation("there is no such function").plain());
        };
        let section = object.section_of(function).to_owned();
        let place = |error: Error| match error.symbol {
            Some(_) => error,
            None => error.of(&function.name),
        };
        let mut load = Load::of(&section, &self.kernel);
        self.struct_ops.adjust(index, &mut load, self.kernel.btf).map_err(place)?;
        let mut program = code::assemble(self, index).map_err(place)?;
        refer::fill(self, &mut program).map_err(place)?;
        let code::Assembled { insns, parts, functions, lines, map_references, .. } = program;
        let name = function.name.clone();
        let code = object.code.get(function.code.0);
        let marked = code.is_some_and(|code| code.name.starts_with('?'));
        let autoload = self.struct_ops.autoload(index).unwrap_or(!marked);
        Ok(Program {
            name,
            section,
            function: index,
            autoload,
            load,
            insns,
            parts,
            map_references,
            functions,
            lines,
        })
    }

    fn extern_at(&self, index: usize) -> Option<(&'o Extern, &Resolution)> {
        Some((self.object.externs.get(index)?, self.resolutions.get(index)?))
    }
}

/// The code of an object with CO-RE relocations applied, and the functions where that fails.
fn resolve_core(
    object: &Object,
    kernel: &Btf<'_>,
) -> (Vec<Vec<RawInsn>>, FxHashMap<FunctionIndex, Error>) {
    let mut code: Vec<Vec<RawInsn>> = object.code.iter().map(|code| code.insns.clone()).collect();
    let mut broken = FxHashMap::default();
    let Some(btf) = &object.btf else { return (code, broken) };
    let mut resolver = Resolver::new(btf, kernel);
    let sections = object.code.iter().enumerate();
    let sections = FxHashMap::from_iter(sections.map(|(index, code)| (code.section, index)));
    for records in &object.info.core {
        let Some(&section) = sections.get(&records.section) else { continue };
        for (number, relocation) in records.records.iter().enumerate() {
            let insn = relocation.insn as usize;
            // Functions that a linker dropped leave relocations behind.
            let Some(function) = object.function_at(CodeIndex(section), insn) else { continue };
            let Some(about) = object.functions.get(function.0) else { continue };
            let end = about.start + about.len;
            let slots = code[section].get_mut(insn..end).unwrap_or_default();
            let result = resolver.resolve(number, relocation).and_then(|outcome| {
                patch(slots, &outcome)
                    .map_err(|problem| resolver.problem(number, relocation, problem))
            });
            if let Err(problem) = result {
                let name = object.section_of(about);
                let error = problem.of(&about.name).in_section(name);
                let error = error.at(u64::from(relocation.insn) * RawInsn::SIZE as u64);
                broken.entry(function).or_insert(error);
            }
        }
    }
    (code, broken)
}

/// Attributes `exception_callback:name` of functions.
fn exception_callbacks(btf: &Btf<'_>) -> FxHashMap<String, Vec<String>> {
    let mut callbacks: FxHashMap<String, Vec<String>> = FxHashMap::default();
    let mut seen = FxHashSet::default();
    for tag in btf.types().filter(|ty| ty.kind() == Kind::DeclTag && ty.component().is_none()) {
        let target = tag.target().and_then(|id: TypeId| btf.get(id));
        let target = target.filter(|ty| ty.kind() == Kind::Func);
        if let (Some(name), Some(function)) =
            (tag.name().strip_prefix("exception_callback:"), target)
            && seen.insert((name, function.id()))
        {
            callbacks.entry(function.name().to_owned()).or_default().push(name.to_owned());
        }
    }
    callbacks
}
