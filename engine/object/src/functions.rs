//! Which functions there are: every function symbol in a section of instructions.

use object::elf;

use crate::elf::Elf;
use crate::insn::endian_of;
use crate::object::{Code, CodeIndex, Function};
use crate::{Error, Problem};
use isa::RawInsn;

pub(crate) fn collect(elf: &Elf<'_>) -> Result<(Vec<Code>, Vec<Function>), Error> {
    let endian = endian_of(elf.endian);
    let mut code = Vec::new();
    let mut place = vec![None; elf.sections.len()];
    for (index, section) in elf.sections.iter().enumerate() {
        let used = section.kind == elf::SHT_PROGBITS && section.code && !section.data.is_empty();
        if used && !is_debug(section.name) {
            place[index] = Some(CodeIndex(code.len()));
            let (slots, _) = section.data.as_chunks::<{ RawInsn::SIZE }>();
            let insns = slots.iter().map(|&slot| RawInsn::from_bytes(slot, endian)).collect();
            let name = section.name.to_owned();
            code.push(Code { name, insns, section: index, relocations: Vec::new() });
        }
    }
    let mut functions = Vec::new();
    for symbol in &elf.symbols {
        let index = usize::from(symbol.section);
        let Some(at) = place.get(index).copied().flatten() else { continue };
        if symbol.kind != elf::STT_FUNC {
            continue;
        }
        let section = &elf.sections[index];
        let fail =
            |problem: Problem| problem.of(symbol.name).in_section(section.name).at(symbol.value);
        let end = symbol.value.checked_add(symbol.size);
        let (start, len) = match (end, usize::try_from(symbol.value), usize::try_from(symbol.size))
        {
            (Some(end), Ok(start), Ok(len))
                if end <= section.data.len() as u64
                    && len > 0
                    && start % RawInsn::SIZE == 0
                    && len % RawInsn::SIZE == 0 =>
            {
                (start / RawInsn::SIZE, len / RawInsn::SIZE)
            }
            _ => return Err(fail(Problem::FunctionBounds)),
        };
        if symbol.is_local() && section.name != ".text" {
            return Err(fail(Problem::StaticProgram));
        }
        functions.push(Function {
            name: symbol.name.to_owned(),
            code: at,
            start,
            len,
            global: !symbol.is_local(),
            hidden: !symbol.is_local() && symbol.is_hidden(),
        });
    }
    functions.sort_by_key(|function| (function.code, function.start));
    for pair in functions.windows(2) {
        let [first, second] = pair else { continue };
        // Two names for one function are fine.
        let same = first.start == second.start && first.len == second.len;
        if first.code == second.code && second.start - first.start < first.len && !same {
            let section = code.get(second.code.0).map_or("", |code: &Code| code.name.as_str());
            let offset = (second.start * RawInsn::SIZE) as u64;
            return Err(Problem::Overlap.of(&second.name).in_section(section).at(offset));
        }
    }
    Ok((code, functions))
}

fn is_debug(name: &str) -> bool {
    name.starts_with(".debug_")
}
