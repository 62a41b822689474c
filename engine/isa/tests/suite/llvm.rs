//! The assembler gives the bytes that LLVM gives, and they decode to the same.

use isa::{Endian, Program, assemble};

use crate::hex;

#[test]
fn bytes_are_those_of_llvm() {
    let table = include_str!("data/llvm.txt").lines().filter(|line| !line.starts_with('#'));
    let mut count = 0;
    for line in table {
        let columns = line.split_once(' ').and_then(|(little, rest)| {
            let (big, text) = rest.trim_start().split_once(' ')?;
            Some((little, big, text.trim_start()))
        });
        let (little, big, text) = columns.expect("three columns");
        let program = assemble(text).expect("text that LLVM takes");
        for (digits, endian) in [(little, Endian::Little), (big, Endian::Big)] {
            let bytes = hex(digits);
            assert_eq!(program.to_bytes(endian), bytes, "{text}");
            assert_eq!(Program::from_bytes(&bytes, endian).as_ref(), Ok(&program), "{text}");
        }
        count += 1;
    }
    assert_eq!(count, 184);
}
