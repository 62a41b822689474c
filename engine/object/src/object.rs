//! An object as its file says it is, before it is linked.

use btf::{Btf, Endian};

use crate::btf_ext::BtfExt;
use crate::elf::Elf;
use crate::externs::Extern;
use crate::maps::Map;
use crate::relocs::Relocation;
use crate::{Error, Problem, functions, maps, program_btf, relocs};
use isa::RawInsn;

/// A compiled object, opened.
#[derive(Clone, Debug)]
pub struct Object {
    /// The order of bytes of the target. Only instructions are brought into a form that does not depend on it; type
    /// information and data stay as they are.
    pub endian: Endian,
    /// What `SEC("license")` says.
    pub license: Option<String>,
    /// What `SEC("version")` says.
    pub version: Option<u32>,
    /// Sections of instructions in the order of the file.
    pub code: Vec<Code>,
    /// Programs and subprograms, by section and position.
    pub functions: Vec<Function>,
    /// Maps, in libbpf's order: defined ones, sections of variables, `.kconfig`, `struct_ops`.
    pub maps: Vec<Map>,
    /// What the kernel is to provide, in libbpf's order.
    pub externs: Vec<Extern>,
    /// Types, with the sizes, offsets and externs that compilers leave open filled in as libbpf does.
    pub btf: Option<Btf<'static>>,
    pub(crate) info: BtfExt,
    /// Where `.text` is in `code`.
    pub(crate) text: Option<CodeIndex>,
    /// The arena, if there is one.
    pub(crate) arena: Option<MapIndex>,
}

/// The place of a section in [`Object::code`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CodeIndex(pub usize);

/// The place of a function in [`Object::functions`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FunctionIndex(pub usize);

/// The place of a map in [`Object::maps`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MapIndex(pub usize);

/// The place of an extern in [`Object::externs`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ExternIndex(pub usize);

/// A section of instructions.
#[derive(Clone, Debug)]
pub struct Code {
    /// Its name, with the `?` that keeps its programs from being loaded by default.
    pub name: String,
    /// Its instructions as compiled.
    pub insns: Vec<RawInsn>,
    /// Its index in the file.
    pub(crate) section: usize,
    /// What instructions refer to, in their order.
    pub(crate) relocations: Vec<Relocation>,
}

/// A program or subprogram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its section.
    pub code: CodeIndex,
    /// Its first instruction, counted from the beginning of the section.
    pub start: usize,
    /// How many instructions it has.
    pub len: usize,
    /// Whether it is seen from other files.
    pub global: bool,
    /// Whether it is global but `__hidden`, and so verified as if it were static.
    pub hidden: bool,
}

impl Object {
    /// Opens an object that a compiler or `bpftool gen object` made.
    ///
    /// # Errors
    ///
    /// If the file is malformed, or its maps or types are. What is wrong with the references of one program is an error
    /// of linking that program, not of opening.
    pub fn parse(data: &[u8]) -> Result<Self, Error> {
        let elf = Elf::parse(data)?;
        let (code, functions) = functions::collect(&elf)?;
        let text = code.iter().position(|code| code.name == ".text").map(CodeIndex);
        let (btf, externs) = match elf.find(".BTF") {
            Some(index) => {
                let btf = Btf::parse(elf.sections[index].data)
                    .map_err(|error| Problem::Btf(error).in_section(".BTF"))?;
                let (btf, externs) = program_btf::complete(&elf, &btf)?;
                (Some(btf), externs)
            }
            None => (None, crate::externs::undeclared(&elf)),
        };
        let info = match (&btf, elf.find(".BTF.ext")) {
            (Some(btf), Some(index)) => {
                BtfExt::parse(elf.sections[index].data, btf, |name| elf.find(name))
                    .map_err(|error| error.in_section(".BTF.ext"))?
            }
            _ => BtfExt::default(),
        };
        let text_of = |name| {
            let data = elf.sections[elf.find(name)?].data;
            Some(data.split(|&byte| byte == 0).next().unwrap_or_default())
        };
        let version = elf.find("version").map(|index| elf.sections[index].data);
        let mut object = Object {
            endian: elf.endian,
            license: text_of("license").map(|text| String::from_utf8_lossy(text).into_owned()),
            version: version.filter(|data| data.len() == 4).map(|data| elf.endian.u32_at(data, 0)),
            code,
            functions,
            maps: Vec::new(),
            externs,
            btf,
            info,
            text,
            arena: None,
        };
        maps::collect(&elf, &mut object)?;
        relocs::collect(&elf, &mut object)?;
        Ok(object)
    }

    /// The functions that are loaded on their own: all outside of `.text`.
    pub fn programs(&self) -> impl Iterator<Item = (FunctionIndex, &Function)> {
        let all = self.functions.iter().enumerate();
        all.filter(|(_, function)| self.is_program(function))
            .map(|(index, function)| (FunctionIndex(index), function))
    }

    /// Whether a function is loaded on its own.
    pub fn is_program(&self, function: &Function) -> bool {
        Some(function.code) != self.text
    }

    /// The name of the section of a function, without a leading `?`.
    pub fn section_of(&self, function: &Function) -> &str {
        let name = self.code.get(function.code.0).map_or("", |code| code.name.as_str());
        name.strip_prefix('?').unwrap_or(name)
    }

    /// The function that the instruction at `insn` of a section belongs to.
    pub fn function_at(&self, code: CodeIndex, insn: usize) -> Option<FunctionIndex> {
        let after = self
            .functions
            .partition_point(|function| (function.code, function.start) <= (code, insn));
        let index = after.checked_sub(1)?;
        let function = self.functions.get(index)?;
        let within = function.code == code && insn - function.start < function.len;
        within.then_some(FunctionIndex(index))
    }

    /// The map of this name.
    pub fn map(&self, name: &str) -> Option<(MapIndex, &Map)> {
        let index = self.maps.iter().position(|map| map.name == name)?;
        Some((MapIndex(index), &self.maps[index]))
    }

    /// The relocations of the instructions of a function.
    pub(crate) fn relocations_of(&self, function: &Function) -> &[Relocation] {
        let all = self.code.get(function.code.0).map_or(&[][..], |code| &code.relocations);
        let from = all.partition_point(|one| one.insn < function.start);
        let to = all.partition_point(|one| one.insn < function.start + function.len);
        &all[from..to]
    }
}
