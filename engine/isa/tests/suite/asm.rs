//! The assembler: its grammar, its errors, and that it reads what the disassembler prints.

use isa::{
    AsmError, BtfId, Callee, Endian, HelperId, Imm64, Insn, KfuncModule, NoNames, Program,
    assemble, assemble_with,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::arbitrary::insn;

/// Assembly and what it means, in the words of the kernel.
const TABLE: &[(&str, &str)] = &[
    ("r0 = 0", "(b7) r0 = 0"),
    ("r1 = -0x10", "(b7) r1 = -16"),
    ("r1 = 0xffffffff", "(b7) r1 = -1"),
    ("w1=w2", "(bc) w1 = w2"),
    ("r1 = (s32)r2", "(bf) r1 = (s32)r2"),
    ("w1 = (s16) w2", "(bc) w1 = (s16)w2"),
    ("r1 += r2", "(0f) r1 += r2"),
    ("r1 s>>= 3", "(c7) r1 s>>= 3"),
    ("r1 s/= -3", "(37) r1 s/= -3"),
    ("r1 s%= r2", "(9f) r1 s%= r2"),
    ("w1 = -w1", "(84) w1 = -w1"),
    ("r1 = le64 r1", "(d4) r1 = le64 r1"),
    ("r1 = bswap32 r1", "(d7) r1 = bswap32 r1"),
    ("r1 = addr_space_cast(r2, 0x0, 1)", ""),
    ("r1 = addr_space_cast(r2, 0, 1)", "(bf) r1 = addr_space_cast(r2, 0, 1)"),
    ("r1 = 0x123456789 ll", "(18) r1 = 0x123456789"),
    ("r1 = -1 ll", "(18) r1 = 0xffffffffffffffff"),
    ("r1 = map_fd(5)", "(18) r1 = 0x5"),
    ("r1 = map_value(5, 16)", "(18) r1 = 0x1000000005"),
    ("r2 = *(u8 *)(r1 + 4)", "(71) r2 = *(u8 *)(r1 +4)"),
    ("w2 = *(u32*)(r1+4)", "(61) r2 = *(u32 *)(r1 +4)"),
    ("r2 = *(u64 *)(r10 - 8)", "(79) r2 = *(u64 *)(r10 -8)"),
    ("r2 = *(u64 *)(r10)", "(79) r2 = *(u64 *)(r10 +0)"),
    ("r2 = *(s8 *)(r1 - 1)", "(91) r2 = *(s8 *)(r1 -1)"),
    ("*(u16 *)(r10 - 2) = w3", "(6b) *(u16 *)(r10 -2) = r3"),
    ("*(u64 *)(r10 - 8) = -7", "(7a) *(u64 *)(r10 -8) = -7"),
    ("r0 = *(u16 *)skb[12]", "(28) r0 = *(u16 *)skb[12]"),
    ("r0 = *(u8 *)skb[r7]", "(50) r0 = *(u8 *)skb[r7 + 0]"),
    ("r0 = *(u8 *)skb[r7 + -2]", "(50) r0 = *(u8 *)skb[r7 + -2]"),
    ("r0 = *(u8 *)skb[r7 - 2]", "(50) r0 = *(u8 *)skb[r7 + -2]"),
    ("lock *(u64 *)(r1+0) += r2", "(db) lock *(u64 *)(r1 +0) += r2"),
    ("lock *(u32 *)(r1 + 8) ^= w2", "(c3) lock *(u32 *)(r1 +8) ^= r2"),
    ("w2 = atomic_fetch_or((u32 *)(r1 + 0), w2)", "(c3) r2 = atomic_fetch_or((u32 *)(r1 +0), r2)"),
    ("r2 = xchg_64(r1 + 8, r2)", "(db) r2 = atomic64_xchg((u64 *)(r1 +8), r2)"),
    ("w2 = xchg32_32(r1 - 8, w2)", "(c3) r2 = atomic_xchg((u32 *)(r1 -8), r2)"),
    ("r0 = cmpxchg_64(r1 + 0, r0, r2)", "(db) r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)"),
    ("w0 = cmpxchg32_32(r1 + 0, w0, w2)", "(c3) r0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2)"),
    ("w1 = load_acquire((u16 *)(r2 + 2))", "(cb) r1 = load_acquire((u16 *)(r2 +2))"),
    ("store_release((u64 *)(r2 - 8), r1)", "(db) store_release((u64 *)(r2 -8), r1)"),
    ("if r1 s< -1 goto +3", "(c5) if r1 s< 0xffffffff goto pc+3"),
    ("if w1 & w2 goto pc-1", "(4e) if w1 & w2 goto pc-1"),
    ("goto -1", "(05) goto pc-1"),
    ("gotol +70000", "(06) gotol pc+70000"),
    ("may_goto +2", "(e5) may_goto pc+2"),
    ("call 1", "(85) call unknown#1"),
    ("call bpf_map_lookup_elem#1", "(85) call unknown#1"),
    ("call pc+4", "(85) call pc+4"),
    ("call kfunc(77)", "(85) call kernel-function#77"),
    ("exit # done", "(95) exit"),
    ("(95) exit // done", "(95) exit"),
    ("(18) r1 = 0x5", "(18) r1 = 0x5"),
    ("12: (bf) r1 = r2", "(bf) r1 = r2"),
];

#[test]
fn the_grammar_is_that_of_llvm_and_of_the_kernel() {
    for &(text, expected) in TABLE {
        match assemble(text) {
            Ok(program) => {
                assert_eq!(program.disassemble(&NoNames), format!("0: {expected}\n"), "{text}");
            }
            // What is not assembly has an empty expectation.
            Err(error) => assert_eq!(expected, "", "{text}: {error}"),
        }
    }
}

#[test]
fn labels_count_slots() {
    let text = "
        # Skips a load of two slots, calls, and comes back.
        start: if r1 == 0 goto done; r2 = 1 ll
        r1 = func(helper)
        call helper
        goto start
        done:
        exit
        helper: may_goto helper; gotol end
        end:
    ";
    let expected = "\
0: (15) if r1 == 0x0 goto pc+6
1: (18) r2 = 0x1
3: (18) r1 = 0x4
5: (85) call pc+2
6: (05) goto pc-7
7: (95) exit
8: (e5) may_goto pc-1
9: (06) gotol pc+0
";
    assert_eq!(assemble(text).map(|program| program.disassemble(&NoNames)), Ok(expected.into()));
}

#[test]
fn names_of_functions_are_looked_up() {
    let known = |name: &str| match name {
        "bpf_ktime_get_ns" => Some(Callee::Helper(HelperId(5))),
        "bpf_cast" => Some(Callee::Kfunc { id: BtfId(9), module: KfuncModule(2) }),
        _ => None,
    };
    let program = assemble_with("call bpf_ktime_get_ns; call bpf_cast; exit", known);
    let insns = program.map(|program| program.iter().map(|(_, insn)| *insn).collect::<Vec<_>>());
    let calls = ["bpf_ktime_get_ns", "bpf_cast"].map(|name| known(name).map(Insn::Call));
    assert_eq!(insns.ok(), [calls[0], calls[1], Some(Insn::Exit)].into_iter().collect());
    let error = assemble_with("call bpf_other", known).map_err(|error| error.to_string());
    assert_eq!(error, Err("1:6: there is no label `bpf_other`".to_owned()));
}

/// Text that is wrong, and what is said about it.
const ERRORS: &[(&str, &str)] = &[
    ("r0 = ", "1:5: expected a value, found the end of the instruction"),
    ("r0 = 0\nr11 = 1", "2:1: expected an instruction, found `r11`"),
    ("r0 ? 1", "1:4: '?' means nothing here"),
    ("r0 == 1", "1:4: expected an assignment, found `==`"),
    ("r0 = x", "1:6: expected a value, found `x`"),
    ("r0 = w1", "1:6: expected a 64-bit register, found `w1`"),
    ("w0 += r1", "1:7: expected a 32-bit register, found `r1`"),
    ("r1 = -r2", "1:7: this must be the register r1"),
    ("r1 = be16 r2", "1:11: this must be the register r1"),
    ("r1 = be24 r1", "1:6: expected a value, found `be24`"),
    ("w1 = (s32)w2", "1:7: expected a signed type, found `s32`"),
    ("r0 = 4294967296", "1:6: 4294967296 is not within 32 bits"),
    ("r0 = 3000000000", "1:6: 3000000000 is not within 32 bits"),
    ("r0 = 0x10000000000000000 ll", "1:6: 0x10000000000000000 is not within 64 bits"),
    ("r0 = 1 l", "1:8: expected the end of the instruction, found `l`"),
    ("r0 = *(u128 *)(r1 + 0)", "1:8: expected a type such as `u32`, found `u128`"),
    ("w0 = *(u64 *)(r1 + 0)", "1:1: expected a 64-bit register, found `w0`"),
    ("r0 = *(u32 *)(w1 + 0)", "1:15: expected a 64-bit register, found `w1`"),
    ("r0 = *(u32 *)(r1 + 40000)", "1:20: 40000 is not within -32768 to 32767"),
    ("r0 = *(u32 *)(r1 + x)", "1:18: expected an offset, found `+`"),
    ("r1 = *(u32 *)skb[0]", "1:1: this must be the register r0"),
    ("r0 = *(u64 *)skb[0]", "1:8: expected `u8`, `u16` or `u32`, found `u64`"),
    ("*(s8 *)(r1 + 0) = r2", "1:3: expected an unsigned type such as `u32`, found `s8`"),
    ("lock *(u8 *)(r1 + 0) += r2", "1:8: expected `u32` or `u64`, found `u8`"),
    ("lock *(u64 *)(r1 + 0) -= r2", "1:23: expected `+=`, `|=`, `&=` or `^=`, found `-=`"),
    ("r2 = xchg_64(r1 + 0, r3)", "1:22: this must be the register r2"),
    ("r2 = cmpxchg_64(r1 + 0, r2, r3)", "1:1: this must be the register r0"),
    ("r2 = frobnicate(r1)", "1:6: expected a function, found `frobnicate`"),
    ("if r1 = 1 goto +1", "1:7: expected a comparison, found `=`"),
    ("if r1 == 1 got +1", "1:12: expected `goto`, found `got`"),
    ("goto", "1:5: expected a label or an offset, found the end of the instruction"),
    ("  goto nowhere", "1:8: there is no label `nowhere`"),
    ("goto +32768", "1:7: 32768 is not within -32768 to 32767"),
    ("a: exit; a: exit", "1:10: the label `a` is defined twice"),
    ("(b4) r0 = 0", "1:2: the opcode of this instruction is b7"),
    ("callx r1", "1:1: expected an instruction, found `callx`"),
    ("exit; ; exit now", "1:14: expected the end of the instruction, found `now`"),
    ("ß = 1", "1:1: 'ß' means nothing here"),
];

#[test]
fn errors_say_where_and_what_was_expected() {
    for &(text, expected) in ERRORS {
        let error = assemble(text).map_err(|error: AsmError| error.to_string());
        assert_eq!(error, Err(expected.to_owned()), "{text}");
    }
}

#[test]
fn a_label_can_be_too_far_away() {
    let text = format!("goto end\n{}end: exit", "r0 = 0\n".repeat(40_000));
    let error = assemble(&text).map_err(|error| error.to_string());
    assert_eq!(
        error,
        Err("1:6: the label is 40000 slots away, more than 16 bits can say".to_owned())
    );
    assert!(assemble(&text.replacen("goto", "gotol", 1)).is_ok());
}

/// The kernel's text does not say what kind of address a load has, nor the module of a kfunc.
fn text_says_all(insn: &Insn) -> bool {
    match insn {
        Insn::LoadImm(load) => matches!(load.value, Imm64::Value(_)),
        Insn::Call(callee) => !matches!(callee, Callee::Kfunc { .. }),
        _ => true,
    }
}

proptest! {
    #[test]
    fn assembly_undoes_disassembly(insns in vec(insn().prop_filter("lossy", text_says_all), 0..20)) {
        let program: Program = insns.into_iter().collect();
        let text = program.disassemble(&NoNames);
        prop_assert_eq!(assemble(&text), Ok(program), "{}", text);
    }

    #[test]
    fn any_text_gives_a_program_or_an_error(text in "[ -~\n]{0,60}", words in vec(word(), 0..20)) {
        for text in [text, words.join(" "), words.concat()] {
            if let Ok(program) = assemble(&text) {
                let bytes = program.to_bytes(Endian::Little);
                prop_assert_eq!(Program::from_bytes(&bytes, Endian::Little), Ok(program));
            }
        }
    }
}

fn word() -> impl Strategy<Value = String> {
    let words = "r0 r1 w1 r10 = += s>>= s> == ( ) [ ] * u8 u64 s8 skb + - 1 0x10 ll if goto gotol \
                 may_goto call exit lock xchg_64 , : ; # pc func map_fd kfunc be16 label - //";
    prop::sample::select(words.split(' ').collect::<Vec<_>>()).prop_map(str::to_owned)
}
