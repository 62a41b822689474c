//! Putting a program together: its function, then each subprogram when it is first called, depth first, as libbpf does.

use rustc_hash::FxHashMap;

use super::{Linker, MapReference, Part};
use crate::btf_ext::{FuncInfo, LineInfo};
use crate::insn::{is_subprogram_address, is_subprogram_call, pseudo};
use crate::object::{CodeIndex, FunctionIndex};
use crate::relocs::{Relocation, Target};
use crate::{Error, Problem};
use isa::RawInsn;

/// A program whose references to maps and the kernel are still open.
pub(super) struct Assembled<'o> {
    pub(super) insns: Vec<RawInsn>,
    pub(super) parts: Vec<Part>,
    pub(super) functions: Vec<FuncInfo>,
    pub(super) lines: Vec<LineInfo>,
    pub(super) map_references: Vec<MapReference>,
    /// What instructions refer to, by their places in the program.
    pub(super) references: Vec<(usize, &'o Relocation)>,
    placed: FxHashMap<FunctionIndex, usize>,
}

/// A function whose calls are being followed.
struct Frame<'o> {
    part: Part,
    /// The next instruction to look at.
    next: usize,
    /// Relocations from that instruction on.
    relocations: &'o [Relocation],
}

pub(super) fn assemble<'o>(
    linker: &Linker<'o, '_>,
    index: FunctionIndex,
) -> Result<Assembled<'o>, Error> {
    let mut program = Assembled {
        insns: Vec::new(),
        parts: Vec::new(),
        functions: Vec::new(),
        lines: Vec::new(),
        map_references: Vec::new(),
        references: Vec::new(),
        placed: FxHashMap::default(),
    };
    program.follow(linker, index)?;
    if let Some(callback) = exception_callback(linker, index)?
        && !program.placed.contains_key(&callback)
    {
        program.follow(linker, callback)?;
    }
    Ok(program)
}

impl<'o> Assembled<'o> {
    /// Appends a function and all it calls that is not there yet.
    fn follow(&mut self, linker: &Linker<'o, '_>, index: FunctionIndex) -> Result<(), Error> {
        let mut frames = vec![self.append(linker, index)?];
        while let Some(frame) = frames.last_mut() {
            if frame.next == frame.part.len {
                frames.pop();
                continue;
            }
            let at = frame.next;
            frame.next += 1;
            let relocation = match frame.relocations.first() {
                Some(first) if first.insn == self.section_insn(linker, frame.part, at) => {
                    frame.relocations = &frame.relocations[1..];
                    Some(first)
                }
                _ => None,
            };
            let part = frame.part;
            let place = part.start + at;
            if let Some(relocation) = relocation {
                self.refer(place, relocation)?;
            }
            let insn = self.insns[place];
            let Some(target) = self.callee(linker, part, at, insn, relocation)? else { continue };
            let start = match self.placed.get(&target) {
                Some(&start) => start,
                None => {
                    let frame = self.append(linker, target)?;
                    let start = frame.part.start;
                    frames.push(frame);
                    start
                }
            };
            self.insns[place].imm = distance(place, start);
        }
        Ok(())
    }

    /// Copies a function to the end.
    fn append(
        &mut self,
        linker: &Linker<'o, '_>,
        index: FunctionIndex,
    ) -> Result<Frame<'o>, Error> {
        let object = linker.object;
        let Some(function) = object.functions.get(index.0) else {
            return Err(Problem::Relocation("there is no such function").plain());
        };
        if let Some(error) = linker.broken.get(&index) {
            return Err(error.clone());
        }
        let part = Part { function: index, start: self.insns.len(), len: function.len };
        let code = linker.code.get(function.code.0).map_or(&[][..], Vec::as_slice);
        let body = code.get(function.start..function.start + function.len);
        self.insns.extend(body.unwrap_or_default());
        self.placed.insert(index, part.start);
        self.add_info(object, function, part)
            .map_err(|error| error.of(&function.name).in_section(object.section_of(function)))?;
        self.parts.push(part);
        Ok(Frame { part, next: 0, relocations: object.relocations_of(function) })
    }

    fn section_insn(&self, linker: &Linker<'_, '_>, part: Part, at: usize) -> usize {
        linker.object.functions.get(part.function.0).map_or(at, |function| function.start + at)
    }

    /// Keeps a reference for later, and marks loads of addresses of functions.
    fn refer(&mut self, place: usize, relocation: &'o Relocation) -> Result<(), Error> {
        match &relocation.target {
            Err(error) => return Err(error.clone()),
            Ok(Target::Address { .. }) => self.insns[place].src = pseudo::FUNC,
            Ok(Target::Call { .. }) => {}
            Ok(Target::Map(_) | Target::Data { .. } | Target::Extern(_)) => {
                self.references.push((place, relocation));
            }
        }
        Ok(())
    }

    /// The subprogram that an instruction calls or takes the address of.
    fn callee(
        &self,
        linker: &Linker<'o, '_>,
        part: Part,
        at: usize,
        insn: RawInsn,
        relocation: Option<&Relocation>,
    ) -> Result<Option<FunctionIndex>, Error> {
        if !is_subprogram_call(insn) && !is_subprogram_address(insn) {
            return Ok(None);
        }
        let object = linker.object;
        let imm = i64::from(insn.imm);
        let bytes = |offset: u64| i64::try_from(offset).unwrap_or(i64::MAX);
        let target = match relocation.map(|relocation| &relocation.target) {
            Some(Ok(Target::Extern(_))) => return Ok(None),
            Some(Ok(Target::Call { offset })) => bytes(*offset) / 8 + imm + 1,
            Some(Ok(Target::Address { offset })) => bytes(*offset).saturating_add(imm) / 8,
            // A static function of the same section is called without a relocation.
            None if is_subprogram_call(insn) => {
                bytes(self.section_insn(linker, part, at) as u64) + imm + 1
            }
            _ => {
                return Err(self.at(linker, part, at, Problem::Relocation("no function is meant")));
            }
        };
        let place = usize::try_from(target).ok().zip(object.text);
        match place.and_then(|(insn, text)| object.function_at(text, insn)) {
            Some(function) => Ok(Some(function)),
            None => {
                let target = target.saturating_mul(8);
                Err(self.at(linker, part, at, Problem::NoSubprogram { target }))
            }
        }
    }

    fn at(&self, linker: &Linker<'_, '_>, part: Part, at: usize, problem: Problem) -> Error {
        let object = linker.object;
        let offset = self.section_insn(linker, part, at) as u64 * RawInsn::SIZE as u64;
        match object.functions.get(part.function.0) {
            Some(function) => {
                problem.of(&function.name).in_section(object.section_of(function)).at(offset)
            }
            None => problem.plain().at(offset),
        }
    }
}

/// The immediate of a call at `from` of a function at `to`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "files are below 4 GiB"
)]
fn distance(from: usize, to: usize) -> i32 {
    (to as i64 - from as i64 - 1) as i32
}

/// What a program calls when it throws, if it says so with one attribute. With several, the kernel refuses it.
fn exception_callback(
    linker: &Linker<'_, '_>,
    index: FunctionIndex,
) -> Result<Option<FunctionIndex>, Error> {
    let program = linker.object.functions.get(index.0);
    let names = program.and_then(|program| linker.callbacks.get(&program.name));
    let [name] = names.map_or(&[][..], Vec::as_slice) else { return Ok(None) };
    let found = linker.subprograms.get(name.as_str()).copied();
    let found = found.filter(|index| {
        let function = linker.object.functions.get(index.0);
        function.is_some_and(|function| function.global && !function.hidden)
    });
    match found {
        Some(function) => Ok(Some(function)),
        None => Err(Problem::ExceptionCallback(name.clone()).plain()),
    }
}

/// The index of the section of a function in the file.
pub(super) fn section_of(object: &crate::Object, code: CodeIndex) -> Option<usize> {
    object.code.get(code.0).map(|code| code.section)
}
