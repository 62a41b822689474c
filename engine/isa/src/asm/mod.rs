//! A text assembler, for tests and experiments.
//!
//! The grammar is that of LLVM (`r1 = *(u64 *)(r10 - 8)`, `if w0 s> 5 goto done`, `r1 = 0x12 ll`, `call 1`),
//! and it also reads what the kernel prints (`(b7) r0 = 0`, `goto pc+2`, `atomic64_xchg(…)`), except where
//! that does not tell which instruction it was. `#` and `//` begin comments, `;` separates instructions,
//! `name:` is a label. What LLVM writes as relocations is written as the encoding has it:
//!
//! | text | instruction |
//! |---|---|
//! | `r1 = map_fd(3)`, `r1 = map_idx(0)` | a map |
//! | `r1 = map_value(3, 8)`, `r1 = map_idx_value(0, 8)` | byte 8 of the value of a map |
//! | `r1 = btf_id(12)`, `r1 = btf_id(12, 4)` | a variable of the kernel, of a module |
//! | `r1 = func(label)` | a function of the program |
//! | `call label`, `call pc+3` | a function of the program |
//! | `call 1`, `call anything#1` | a helper |
//! | `call kfunc(7)`, `call kfunc(7, 1)` | a kfunc, a kfunc of a module |

mod error;
mod lexer;
mod memory;
mod parser;
mod registers;

use std::collections::HashMap;

pub use error::{AsmError, AsmErrorKind};
use parser::{Statement, Target};

use crate::{Callee, Imm64, Insn, JumpOffset, LongOffset, Pc, Program};

/// Assembles a program. `call NAME` calls the label of that name.
pub fn assemble(text: &str) -> Result<Program, AsmError> {
    assemble_with(text, |_| None)
}

/// Assembles a program; names that are called and are no label are looked up with `callee`.
pub fn assemble_with(
    text: &str,
    callee: impl Fn(&str) -> Option<Callee>,
) -> Result<Program, AsmError> {
    let mut labels: HashMap<&str, Pc> = HashMap::new();
    let mut statements: Vec<(Pc, Statement<'_>)> = Vec::new();
    let mut slot = 0;
    for tokens in lexer::statements(text) {
        let line = parser::line(tokens?)?;
        for label in line.labels {
            if labels.insert(label.text, Pc::from_index(slot)).is_some() {
                return Err(label.error(AsmErrorKind::DuplicateLabel(label.text.to_owned())));
            }
        }
        if let Some(statement) = line.statement {
            let slots = statement.insn.slots();
            statements.push((Pc::from_index(slot), statement));
            slot += slots;
        }
    }
    let resolve = |(pc, statement): (Pc, Statement<'_>)| {
        let insn = match &statement.target {
            None => statement.insn,
            Some(target) => match labels.get(target.name.text) {
                Some(label) => {
                    let offset = i64::from(label.0) - i64::from(pc.0) - 1;
                    with_offset(statement.insn, offset, target)?
                }
                None => call_by_name(statement.insn, target, &callee)?,
            },
        };
        statement.check_opcode(&insn)?;
        Ok(insn)
    };
    statements.into_iter().map(resolve).collect()
}

/// The instruction with the offset that was written as a label.
fn with_offset(insn: Insn, offset: i64, target: &Target<'_>) -> Result<Insn, AsmError> {
    let out_of_range = |bits| target.name.error(AsmErrorKind::TooFar { slots: offset, bits });
    let near = || i16::try_from(offset).map(JumpOffset).map_err(|_| out_of_range(16));
    let far = || i32::try_from(offset).map(LongOffset).map_err(|_| out_of_range(32));
    Ok(match insn {
        Insn::Jump(mut jump) => {
            jump.offset = near()?;
            Insn::Jump(jump)
        }
        Insn::Goto(_) => Insn::Goto(near()?),
        Insn::MayGoto(_) => Insn::MayGoto(near()?),
        Insn::GotoLong(_) => Insn::GotoLong(far()?),
        Insn::Call(_) => Insn::Call(Callee::Subprogram(far()?)),
        Insn::LoadImm(mut load) => {
            load.value = Imm64::Func(far()?);
            Insn::LoadImm(load)
        }
        Insn::Alu(_)
        | Insn::Mov(_)
        | Insn::MovSx(_)
        | Insn::Neg(_)
        | Insn::ByteSwap(_)
        | Insn::AddrSpaceCast(_)
        | Insn::Load(_)
        | Insn::LoadSx(_)
        | Insn::LoadPacket(_)
        | Insn::Store(_)
        | Insn::Atomic(_)
        | Insn::LoadAcquire(_)
        | Insn::StoreRelease(_)
        | Insn::Exit => insn,
    })
}

/// The call of something that is no label.
fn call_by_name(
    insn: Insn,
    target: &Target<'_>,
    callee: impl Fn(&str) -> Option<Callee>,
) -> Result<Insn, AsmError> {
    let name = target.name.text;
    match (insn, callee(name)) {
        (Insn::Call(_), Some(callee)) => Ok(Insn::Call(callee)),
        _ => Err(target.name.error(AsmErrorKind::UnknownLabel(name.to_owned()))),
    }
}
