//! The suite of the crate.

mod arbitrary;
mod asm;
mod codec;
mod disasm;
mod errors;
mod fuzz;
mod llvm;
mod opcodes;

/// Bytes written in hexadecimal, with or without spaces.
fn hex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    let pairs = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits")).collect()
}
