//! All opcodes with the values of the other fields that can matter.

use std::collections::{BTreeSet, HashSet};

use isa::{DecodeErrorKind, Insn, Pc, Program, RawInsn, Stage};

/// The opcodes that Linux 6.18 has, by class; 128 of them.
const OPCODES: [&[u8]; 8] = [
    // LD
    &[0x18, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50],
    // LDX
    &[0x61, 0x69, 0x71, 0x79, 0x81, 0x89, 0x91],
    // ST
    &[0x62, 0x6a, 0x72, 0x7a],
    // STX
    &[0x63, 0x6b, 0x73, 0x7b, 0xc3, 0xcb, 0xd3, 0xdb],
    // ALU
    &[
        0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74,
        0x7c, 0x84, 0x94, 0x9c, 0xa4, 0xac, 0xb4, 0xbc, 0xc4, 0xcc, 0xd4, 0xdc,
    ],
    // JMP
    &[
        0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x55, 0x5d, 0x65, 0x6d, 0x75, 0x7d,
        0x85, 0x95, 0xa5, 0xad, 0xb5, 0xbd, 0xc5, 0xcd, 0xd5, 0xdd, 0xe5,
    ],
    // JMP32
    &[
        0x06, 0x16, 0x1e, 0x26, 0x2e, 0x36, 0x3e, 0x46, 0x4e, 0x56, 0x5e, 0x66, 0x6e, 0x76, 0x7e,
        0xa6, 0xae, 0xb6, 0xbe, 0xc6, 0xce, 0xd6, 0xde,
    ],
    // ALU64
    &[
        0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x57, 0x5f, 0x67, 0x6f, 0x77,
        0x7f, 0x87, 0x97, 0x9f, 0xa7, 0xaf, 0xb7, 0xbf, 0xc7, 0xcf, 0xd7,
    ],
];

const OFFS: [i16; 9] = [0, 1, 2, 8, 16, 32, 64, -1, i16::MIN];

const IMMS: [i32; 24] = [
    0,
    1,
    2,
    16,
    32,
    64,
    0x10,
    0x40,
    0x41,
    0x50,
    0x51,
    0xa0,
    0xa1,
    0xe0,
    0xe1,
    0xf0,
    0xf1,
    0x100,
    0x101,
    0x110,
    0x1_0000,
    -1,
    i32::MIN,
    i32::MAX,
];

/// Every combination, each followed by an empty slot.
fn walk(mut visit: impl FnMut(RawInsn, Result<Insn, DecodeErrorKind>)) {
    for opcode in 0..=u8::MAX {
        for src in 0..16 {
            for dst in [0, 1, 10, 11, 15] {
                for off in OFFS {
                    for imm in IMMS {
                        let raw = RawInsn { opcode, dst, src, off, imm };
                        let (program, errors) = Program::decode_partial(&[raw, RawInsn::default()]);
                        let result = match program.get(Pc(0)) {
                            Some(insn) => Ok(*insn),
                            None => Err(errors[0].kind),
                        };
                        visit(raw, result);
                    }
                }
            }
        }
    }
}

#[test]
fn what_decodes_encodes_to_the_same() {
    let mut valid = 0;
    walk(|raw, result| {
        let Ok(insn) = result else { return };
        valid += 1;
        let ignored = RawInsn { off: 0, ..raw };
        let expected = if insn == Insn::Exit { ignored } else { raw };
        assert_eq!(insn.encode().0, expected, "{insn:?}");
    });
    assert!(valid > 40_000, "{valid}");
}

#[test]
fn exactly_the_opcodes_of_the_table_decode() {
    let mut decoded = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    walk(|raw, result| match result {
        Ok(_) => {
            decoded.insert(raw.opcode);
        }
        Err(DecodeErrorKind::UnknownOpcode(opcode)) => {
            assert_eq!(opcode, raw.opcode);
            unknown.insert(opcode);
        }
        Err(_) => {}
    });
    let table: BTreeSet<u8> = OPCODES.into_iter().flatten().copied().collect();
    assert_eq!(table.len(), 128);
    assert_eq!(decoded, table);
    assert!(unknown.is_disjoint(&table));
    // Every other opcode is unknown, unless it is a load in a mode that does not exist.
    let rest = (0..=u8::MAX).filter(|opcode| !table.contains(opcode));
    for opcode in rest {
        let mode = opcode & 0xe0;
        let load = opcode & 7 == 1 && mode != 0x60 && mode != 0x80;
        assert_eq!(unknown.contains(&opcode), !load, "{opcode:#x}");
    }
}

#[test]
fn an_error_is_a_sentence_for_us_and_for_the_kernel() {
    let mut seen = HashSet::new();
    walk(|raw, result| {
        let Err(kind) = result else { return };
        if !seen.insert(kind) {
            return;
        }
        let error = isa::DecodeError { pc: Pc(7), raw, kind };
        assert!(error.to_string().starts_with("instruction 7: "), "{error}");
        assert!(!error.kernel_message().is_empty());
        if matches!(kind, DecodeErrorKind::UnknownOpcode(_)) {
            assert_eq!(error.stage(), Stage::Load);
        }
    });
}
