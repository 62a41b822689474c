//! The text of each instruction in the log of Linux 6.18.

use std::borrow::Cow;

use isa::{Callee, Endian, HelperId, Imm64, Names, NoNames, Program};

use crate::hex;

/// Bytes in the order of memory on a little-endian machine, and their text.
const TABLE: &[(&str, &str)] = &[
    // Moves.
    ("b700000000000000", "(b7) r0 = 0"),
    ("b7010000ffffffff", "(b7) r1 = -1"),
    ("b402000007000000", "(b4) w2 = 7"),
    ("bfa6000000000000", "(bf) r6 = r10"),
    ("bc21000000000000", "(bc) w1 = w2"),
    ("bf21080000000000", "(bf) r1 = (s8)r2"),
    ("bf21100000000000", "(bf) r1 = (s16)r2"),
    ("bf21200000000000", "(bf) r1 = (s32)r2"),
    ("bc21080000000000", "(bc) w1 = (s8)w2"),
    ("bc21100000000000", "(bc) w1 = (s16)w2"),
    ("bf21010001000000", "(bf) r1 = addr_space_cast(r2, 0, 1)"),
    ("bf21010000000100", "(bf) r1 = addr_space_cast(r2, 1, 0)"),
    // Arithmetic.
    ("07020000f8ffffff", "(07) r2 += -8"),
    ("0f21000000000000", "(0f) r1 += r2"),
    ("0401000001000000", "(04) w1 += 1"),
    ("1c21000000000000", "(1c) w1 -= w2"),
    ("2703000005000000", "(27) r3 *= 5"),
    ("3f21000000000000", "(3f) r1 /= r2"),
    ("3f21010000000000", "(3f) r1 s/= r2"),
    ("3401010003000000", "(34) w1 s/= 3"),
    ("4721000000000000", ""),
    ("4701000010000000", "(47) r1 |= 16"),
    ("57010000ff000000", "(57) r1 &= 255"),
    ("6701000020000000", "(67) r1 <<= 32"),
    ("7701000020000000", "(77) r1 >>= 32"),
    ("c701000020000000", "(c7) r1 s>>= 32"),
    ("c401000004000000", "(c4) w1 s>>= 4"),
    ("9701000007000000", "(97) r1 %= 7"),
    ("9f21010000000000", "(9f) r1 s%= r2"),
    ("a701000001000000", "(a7) r1 ^= 1"),
    ("8701000000000000", "(87) r1 = -r1"),
    ("8401000000000000", "(84) w1 = -w1"),
    ("d401000010000000", "(d4) r1 = le16 r1"),
    ("dc01000020000000", "(dc) r1 = be32 r1"),
    ("d701000040000000", "(d7) r1 = bswap64 r1"),
    // 64-bit immediates.
    ("18010000efbeadde 0000000000000000", "(18) r1 = 0xdeadbeef"),
    ("1801000000000000 0000000000000000", "(18) r1 = 0x0"),
    ("18010000ffffffff 00000000ffffffff", "(18) r1 = 0xffffffffffffffff"),
    ("1811000005000000 0000000000000000", "(18) r1 = 0x5"),
    ("1821000005000000 0000000010000000", "(18) r1 = 0x1000000005"),
    ("1842000003000000 0000000000000000", "(18) r2 = 0x3"),
    // Loads and stores.
    ("6112000000000000", "(61) r2 = *(u32 *)(r1 +0)"),
    ("71a1ffff00000000", "(71) r1 = *(u8 *)(r10 -1)"),
    ("6912100000000000", "(69) r2 = *(u16 *)(r1 +16)"),
    ("7912008000000000", "(79) r2 = *(u64 *)(r1 -32768)"),
    ("9121040000000000", "(91) r1 = *(s8 *)(r2 +4)"),
    ("8921040000000000", "(89) r1 = *(s16 *)(r2 +4)"),
    ("8121fcff00000000", "(81) r1 = *(s32 *)(r2 -4)"),
    ("620afcff07000000", "(62) *(u32 *)(r10 -4) = 7"),
    ("7a0af8ffffffffff", "(7a) *(u64 *)(r10 -8) = -1"),
    ("7b1af8ff00000000", "(7b) *(u64 *)(r10 -8) = r1"),
    ("7321000000000000", "(73) *(u8 *)(r1 +0) = r2"),
    ("300000000e000000", "(30) r0 = *(u8 *)skb[14]"),
    ("20000000fcffffff", "(20) r0 = *(u32 *)skb[-4]"),
    ("4070000004000000", "(40) r0 = *(u32 *)skb[r7 + 4]"),
    ("48700000feffffff", "(48) r0 = *(u16 *)skb[r7 + -2]"),
    // Atomics.
    ("db21000000000000", "(db) lock *(u64 *)(r1 +0) += r2"),
    ("c321fcff40000000", "(c3) lock *(u32 *)(r1 -4) |= r2"),
    ("db21000050000000", "(db) lock *(u64 *)(r1 +0) &= r2"),
    ("db210000a0000000", "(db) lock *(u64 *)(r1 +0) ^= r2"),
    ("db21000001000000", "(db) r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)"),
    ("c321000041000000", "(c3) r2 = atomic_fetch_or((u32 *)(r1 +0), r2)"),
    ("c321000051000000", "(c3) r2 = atomic_fetch_and((u32 *)(r1 +0), r2)"),
    ("db210000a1000000", "(db) r2 = atomic64_fetch_xor((u64 *)(r1 +0), r2)"),
    ("db210000e1000000", "(db) r2 = atomic64_xchg((u64 *)(r1 +0), r2)"),
    ("c3210000e1000000", "(c3) r2 = atomic_xchg((u32 *)(r1 +0), r2)"),
    ("db210800f1000000", "(db) r0 = atomic64_cmpxchg((u64 *)(r1 +8), r0, r2)"),
    ("c3210800f1000000", "(c3) r0 = atomic_cmpxchg((u32 *)(r1 +8), r0, r2)"),
    ("db21080000010000", "(db) r1 = load_acquire((u64 *)(r2 +8))"),
    ("d321080000010000", "(d3) r1 = load_acquire((u8 *)(r2 +8))"),
    ("cb12080010010000", "(cb) store_release((u16 *)(r2 +8), r1)"),
    // Jumps, calls, returns.
    ("5501020000000000", "(55) if r1 != 0x0 goto pc+2"),
    ("1d21ffff00000000", "(1d) if r1 == r2 goto pc-1"),
    ("65010100fbffffff", "(65) if r1 s> 0xfffffffb goto pc+1"),
    ("2621000000000000", ""),
    ("260103000a000000", "(26) if w1 > 0xa goto pc+3"),
    ("be21000000000000", "(be) if w1 <= w2 goto pc+0"),
    ("4501010008000000", "(45) if r1 & 0x8 goto pc+1"),
    ("3d21010000000000", "(3d) if r1 >= r2 goto pc+1"),
    ("ad21010000000000", "(ad) if r1 < r2 goto pc+1"),
    ("7d21010000000000", "(7d) if r1 s>= r2 goto pc+1"),
    ("cd21010000000000", "(cd) if r1 s< r2 goto pc+1"),
    ("dd21010000000000", "(dd) if r1 s<= r2 goto pc+1"),
    ("0500ffff00000000", "(05) goto pc-1"),
    ("0600000005000000", "(06) gotol pc+5"),
    ("e500030000000000", "(e5) may_goto pc+3"),
    ("8500000001000000", "(85) call unknown#1"),
    ("8510000003000000", "(85) call pc+3"),
    ("85100000feffffff", "(85) call pc-2"),
    ("8520000039300000", "(85) call kernel-function#12345"),
    ("9500000000000000", "(95) exit"),
];

fn program(digits: &str) -> Option<Program> {
    Program::from_bytes(&hex(digits), Endian::Little).ok()
}

#[test]
fn texts_are_the_kernels() {
    for &(digits, text) in TABLE {
        // An empty text stands for a slot that is not valid, to be sure that it is noticed.
        let expected = if text.is_empty() { None } else { Some(format!("0: {text}\n")) };
        assert_eq!(
            program(digits).map(|program| program.disassemble(&NoNames)),
            expected,
            "{digits}"
        );
    }
}

#[test]
fn lines_are_numbered_by_slot() {
    let program = program("1801000000000000 0000000000000000 9500000000000000").expect("a program");
    assert_eq!(program.disassemble(&NoNames), "0: (18) r1 = 0x0\n2: (95) exit\n");
}

struct Fixed;

impl Names for Fixed {
    fn helper(&self, id: HelperId) -> Option<Cow<'_, str>> {
        (id == HelperId(1)).then_some("bpf_map_lookup_elem".into())
    }

    fn kfunc(&self, _: Callee) -> Option<Cow<'_, str>> {
        Some("bpf_dynptr_from_skb".into())
    }

    fn imm64(&self, value: &Imm64) -> Option<Cow<'_, str>> {
        matches!(value, Imm64::MapFd(_)).then_some("map[counters]".into())
    }
}

#[test]
fn names_are_asked_for() {
    let table = [
        ("8500000001000000", "(85) call bpf_map_lookup_elem#1"),
        ("8500000002000000", "(85) call unknown#2"),
        ("8520000002000000", "(85) call bpf_dynptr_from_skb#2"),
        ("8510000002000000", "(85) call pc+2"),
        ("1811000005000000 0000000000000000", "(18) r1 = map[counters]"),
        ("1801000005000000 0000000000000000", "(18) r1 = 0x5"),
    ];
    for (digits, text) in table {
        let program = program(digits).expect("a program");
        assert_eq!(program.disassemble(&Fixed), format!("0: {text}\n"), "{digits}");
    }
}
