//! Which function and which line an instruction of a linked program comes from.

use btf::Endian;

use super::code::{Assembled, section_of};
use super::{Linked, Part, Program};
use crate::btf_ext::{FuncInfo, LineInfo, Record, Records};
use crate::insn::{endian_of, pseudo};
use crate::object::{Function, MapIndex, Object};
use crate::{Error, Problem};

/// A line of source text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceLine<'o> {
    /// The file, as it was named to the compiler.
    pub file: &'o str,
    /// The line, from 1; 0 if it is not known.
    pub line: u32,
    /// The column in bytes, from 1; 0 if it is not known.
    pub column: u32,
    /// The text of the line, without its end; empty if it was not kept.
    pub text: &'o str,
}

impl Assembled<'_> {
    /// Appends what is known of a function. If nothing was known of the program itself, the rest is left out, and
    /// otherwise it must be there.
    pub(super) fn add_info(
        &mut self,
        object: &Object,
        function: &Function,
        part: Part,
    ) -> Result<(), Error> {
        let section = section_of(object, function.code);
        let first = self.parts.is_empty();
        if first || !self.functions.is_empty() {
            let found = of_function(&object.info.functions, section, function);
            if found.is_empty() && !first {
                return Err(Problem::MissingInfo("function").plain());
            }
            let moved =
                |info: &FuncInfo| FuncInfo { insn: rebase(info.insn, function, part), ..*info };
            self.functions.extend(found.iter().map(moved));
        }
        if first || !self.lines.is_empty() {
            let found = of_function(&object.info.lines, section, function);
            if found.is_empty() && !first {
                return Err(Problem::MissingInfo("line").plain());
            }
            let moved =
                |info: &LineInfo| LineInfo { insn: rebase(info.insn, function, part), ..*info };
            self.lines.extend(found.iter().map(moved));
        }
        Ok(())
    }
}

fn of_function<'o, T: Record>(
    all: &'o [Records<T>],
    section: Option<usize>,
    function: &Function,
) -> &'o [T] {
    let records = all.iter().find(|records| Some(records.section) == section);
    records.map_or(&[], |records| records.range(function.start, function.len))
}

/// From the section to the program.
#[expect(clippy::cast_possible_truncation, reason = "programs are shorter than 2^32 instructions")]
fn rebase(insn: u32, function: &Function, part: Part) -> u32 {
    (insn as usize - function.start + part.start) as u32
}

impl Linked<'_> {
    /// The source line of an instruction of a program.
    pub fn source_line(&self, program: &Program, insn: usize) -> Option<SourceLine<'_>> {
        let btf = self.object.btf.as_ref()?;
        let after = program.lines.partition_point(|info| info.insn as usize <= insn);
        let info = program.lines.get(after.checked_sub(1)?)?;
        // A line before the function that the instruction is in says nothing about it.
        let part = program.part_of(insn)?;
        (info.insn as usize >= part.start).then(|| SourceLine {
            file: btf.string(info.file),
            line: info.line(),
            column: info.column(),
            text: btf.string(info.text).trim_end(),
        })
    }
}

impl Program {
    /// The function that an instruction is in.
    pub fn part_of(&self, insn: usize) -> Option<Part> {
        let after = self.parts.partition_point(|part| part.start <= insn);
        let part = *self.parts.get(after.checked_sub(1)?)?;
        (insn < part.start + part.len).then_some(part)
    }

    /// The instructions as `bpf(BPF_PROG_LOAD)` takes them; `descriptor` gives the file descriptor of a map.
    pub fn to_bytes(&self, endian: Endian, descriptor: impl Fn(MapIndex) -> i32) -> Vec<u8> {
        let mut insns = self.insns.clone();
        for reference in &self.map_references {
            if let Some(insn) = insns.get_mut(reference.insn)
                && matches!(insn.src, pseudo::MAP_FD | pseudo::MAP_VALUE)
            {
                insn.imm = descriptor(reference.map);
            }
        }
        insns.iter().flat_map(|insn| insn.to_bytes(endian_of(endian))).collect()
    }

    /// `func_info` as `bpf(BPF_PROG_LOAD)` takes it: records of 8 bytes.
    pub fn func_info(&self, endian: Endian) -> Vec<u8> {
        let words = self.functions.iter().flat_map(|info| [info.insn, info.ty.0]);
        words.flat_map(|word| endian.u32_bytes(word)).collect()
    }

    /// `line_info` as `bpf(BPF_PROG_LOAD)` takes it: records of 16 bytes.
    pub fn line_info(&self, endian: Endian) -> Vec<u8> {
        let records = self.lines.iter();
        let words = records.flat_map(|info| [info.insn, info.file, info.text, info.line_column]);
        words.flat_map(|word| endian.u32_bytes(word)).collect()
    }
}
