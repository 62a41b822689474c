//! An entry point for fuzzing: it checks what must hold for any bytes.

use crate::{Callee, Endian, Imm64, Insn, NoNames, Program, assemble, read};

/// Reads `bytes` as a program in both byte orders, and what was read once more in each way there is.
///
/// # Panics
///
/// If the same program does not come back.
pub fn fuzz_decode(bytes: &[u8]) {
    for endian in [Endian::Little, Endian::Big] {
        let whole = &bytes[..bytes.len() - bytes.len() % 8];
        let Ok(slots) = read(whole, endian) else {
            panic!("whole slots are read");
        };
        let (program, errors) = Program::decode_partial(&slots);
        assert_eq!(program.slot_count(), slots.len());
        for error in &errors {
            assert!(!error.to_string().is_empty() && !error.kernel_message().is_empty());
        }
        let valid: Program = program.iter().map(|(_, insn)| *insn).collect();
        let again = Program::from_bytes(&valid.to_bytes(endian), endian);
        assert_eq!(again.as_ref(), Ok(&valid));
        let text = valid.disassemble(&NoNames);
        if valid.iter().all(|(_, insn)| text_says_all(insn)) {
            assert_eq!(assemble(&text).as_ref(), Ok(&valid), "{text}");
        }
    }
    // Text is read without surprises too.
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = assemble(text);
    }
}

/// The kernel's text does not say what kind of address a load has, nor that a call is one of a kfunc.
fn text_says_all(insn: &Insn) -> bool {
    let address = matches!(insn, Insn::LoadImm(load) if !matches!(load.value, Imm64::Value(_)));
    !address && !matches!(insn, Insn::Call(Callee::Kfunc { .. }))
}
