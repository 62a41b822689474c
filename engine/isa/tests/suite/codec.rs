//! Decoding and encoding are inverse to each other.

use std::time::Instant;

use isa::{Endian, Imm64, Insn, LoadImm, Pc, Program, RawInsn, ReadError, Reg};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::arbitrary::{insn, raw};

/// Sets the fields that the kernel ignores, and the product drops, to zero.
fn without_ignored(mut slots: Vec<RawInsn>) -> Vec<RawInsn> {
    const EXIT: u8 = 0x95;
    const LD_IMM64: u8 = 0x18;
    const FUNC: u8 = 4;
    let mut pc = 0;
    while pc < slots.len() {
        let slot = slots[pc];
        if slot.opcode == EXIT {
            slots[pc].off = 0;
        }
        if slot.opcode == LD_IMM64 {
            pc += 1;
            if slot.src == FUNC {
                slots[pc].imm = 0;
            }
        }
        pc += 1;
    }
    slots
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(insns in vec(insn(), 0..20)) {
        let program: Program = insns.iter().copied().collect();
        let decoded = Program::decode(&program.encode()).expect("a valid program");
        prop_assert_eq!(&decoded, &program);
        prop_assert_eq!(decoded.iter().map(|(_, insn)| *insn).collect::<Vec<_>>(), insns);
    }

    #[test]
    fn encoding_undoes_decoding(slots in vec(raw(), 1..4)) {
        if let Ok(program) = Program::decode(&slots) {
            prop_assert_eq!(program.encode(), without_ignored(slots));
        }
    }

    #[test]
    fn bytes_survive_in_both_orders(insns in vec(insn(), 0..20), bytes in vec(any::<u8>(), 0..64)) {
        let program: Program = insns.into_iter().collect();
        for endian in [Endian::Little, Endian::Big] {
            let written = program.to_bytes(endian);
            prop_assert_eq!(Program::from_bytes(&written, endian), Ok(program.clone()));
            for chunk in bytes.as_chunks().0 {
                prop_assert_eq!(RawInsn::from_bytes(*chunk, endian).to_bytes(endian), *chunk);
            }
        }
    }

    #[test]
    fn a_partial_program_has_an_instruction_or_an_error_in_each_slot(slots in vec(raw(), 0..8)) {
        let (program, errors) = Program::decode_partial(&slots);
        prop_assert_eq!(program.slot_count(), slots.len());
        for index in 0..slots.len() {
            let pc = Pc::from_index(index);
            let failed = errors.iter().any(|error| error.pc == pc);
            let second = program.is_second_slot(pc);
            let decoded = program.get(pc).is_some();
            prop_assert_eq!(usize::from(failed) + usize::from(second) + usize::from(decoded), 1);
        }
        prop_assert_eq!(Program::decode(&slots).err(), errors.first().copied());
    }
}

#[test]
fn slots_are_counted_as_the_kernel_counts() {
    let load = Insn::LoadImm(LoadImm { dst: Reg::R1, value: Imm64::Value(u64::MAX) });
    let program: Program = [load, Insn::Exit].into_iter().collect();
    assert_eq!(program.slot_count(), 3);
    assert_eq!(program.get(Pc(0)), Some(&load));
    assert_eq!(program.get(Pc(1)), None);
    assert!(program.is_second_slot(Pc(1)));
    assert_eq!(program.get(Pc(2)), Some(&Insn::Exit));
    assert_eq!(program.get(Pc(3)), None);
    assert_eq!(program.iter().map(|(pc, _)| pc).collect::<Vec<_>>(), [Pc(0), Pc(2)]);
}

#[test]
fn byte_orders_differ_in_the_registers_too() {
    let little = [0xbf, 0x21, 0, 0, 0, 0, 0, 0];
    let big = [0xbf, 0x12, 0, 0, 0, 0, 0, 0];
    let read = |bytes, endian| Program::from_bytes(bytes, endian).expect("a valid program");
    assert_eq!(read(&little, Endian::Little), read(&big, Endian::Big));
    assert_eq!(Program::from_bytes(&little[..7], Endian::Little), Err(ReadError::Length(7)));
}

#[test]
fn a_million_instructions_are_read_at_once() {
    let slot = RawInsn { opcode: 0x0f, dst: 1, src: 2, off: 0, imm: 0 };
    let slots = vec![slot; 1_000_000];
    let start = Instant::now();
    let program = Program::decode(&slots).expect("a valid program");
    let elapsed = start.elapsed();
    assert_eq!(program.iter().count(), slots.len());
    // Some 10 ms; the bound leaves room for a busy machine and would still catch a quadratic step.
    assert!(elapsed.as_millis() < 2_000, "{elapsed:?}");
}
