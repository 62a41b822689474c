//! What instructions do, one case a line: a program in assembler and what it leaves in R0. The numbers are those of
//! `Documentation/bpf/standardization/instruction-set.rst`.

use isa::assemble;
use runtime::{FaultKind, Image, Input, Machine, Options, Outcome, PacketInput};

/// Runs a program without an object; the packet is 64 bytes that count up.
fn run(program_type: &str, text: &str, budget: u64) -> Outcome {
    let program = assemble(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let program_type = kernel_model::program_type(program_type).expect("is a type");
    let image = Image::of_instructions(program_type, &program.encode(), &["bpf_throw"]);
    let mut machine = Machine::new(&image, &Options::default()).expect("fits");
    let packet = PacketInput { bytes: (0..64).collect(), ..PacketInput::default() };
    machine.run(&Input { packet: Some(packet), budget, ..Input::default() })
}

fn result(text: &str) -> u64 {
    let outcome = run("sched_cls", text, 1 << 20);
    assert_eq!(outcome.fault, None, "{text}");
    outcome.retval
}

fn fault(text: &str) -> String {
    let outcome = run("sched_cls", text, 1 << 20);
    outcome.fault.unwrap_or_else(|| panic!("no fault: {text}")).to_string()
}

/// Cases of `r0 op= r1` with both operands, and the same with an immediate where the second one fits.
#[test]
fn arithmetic() {
    const MIN: u64 = 1 << 63;
    const MIN32: u64 = 1 << 31;
    let cases: &[(&str, u64, u64, u64)] = &[
        ("r0 += r1", u64::MAX, 2, 1),
        ("w0 += w1", 0xffff_ffff_ffff_ffff, 2, 1),
        ("r0 -= r1", 1, 2, u64::MAX),
        ("w0 -= w1", 1, 2, 0xffff_ffff),
        ("r0 *= r1", 0x1_0000_0001, 0x1_0000_0001, 0x2_0000_0001),
        ("w0 *= w1", 0x1_0000_0003, 5, 15),
        ("r0 /= r1", u64::MAX, 2, u64::MAX >> 1),
        ("r0 /= r1", 7, 0, 0),
        ("w0 /= w1", u64::MAX, 2, 0x7fff_ffff),
        ("w0 /= w1", u64::MAX, 1 << 32, 0),
        ("r0 s/= r1", 7, (-2_i64).cast_unsigned(), (-3_i64).cast_unsigned()),
        ("r0 s/= r1", MIN, u64::MAX, MIN),
        ("r0 s/= r1", 7, 0, 0),
        ("w0 s/= w1", 7, (-2_i64).cast_unsigned(), 0xffff_fffd),
        ("w0 s/= w1", MIN32, u64::MAX, MIN32),
        ("r0 %= r1", 7, 0, 7),
        ("r0 %= r1", u64::MAX, 10, 5),
        ("w0 %= w1", u64::MAX, 0, 0xffff_ffff),
        ("r0 s%= r1", (-7_i64).cast_unsigned(), 2, u64::MAX),
        ("r0 s%= r1", 7, (-2_i64).cast_unsigned(), 1),
        ("r0 s%= r1", MIN, u64::MAX, 0),
        ("r0 s%= r1", MIN, 0, MIN),
        ("w0 s%= w1", (-7_i64).cast_unsigned(), 2, 0xffff_ffff),
        ("w0 s%= w1", MIN32, u64::MAX, 0),
        ("r0 |= r1", 0xf0, 0x0f, 0xff),
        ("w0 |= w1", 1 << 40, 1, 1),
        ("r0 &= r1", u64::MAX, 0xff00, 0xff00),
        ("w0 &= w1", u64::MAX, u64::MAX, 0xffff_ffff),
        ("r0 ^= r1", u64::MAX, 1, u64::MAX - 1),
        ("w0 ^= w1", u64::MAX, 1, 0xffff_fffe),
        ("r0 <<= r1", 1, 63, MIN),
        ("r0 <<= r1", 1, 65, 2),
        ("w0 <<= w1", 1, 31, MIN32),
        ("w0 <<= w1", 1, 33, 2),
        ("r0 >>= r1", MIN, 63, 1),
        ("r0 >>= r1", MIN, 64, MIN),
        ("w0 >>= w1", u64::MAX, 31, 1),
        ("r0 s>>= r1", MIN, 63, u64::MAX),
        ("w0 s>>= w1", MIN32, 31, 0xffff_ffff),
        ("w0 s>>= w1", MIN32, 63, 0xffff_ffff),
    ];
    for &(op, a, b, expected) in cases {
        let program = format!("r0 = {a:#x} ll\nr1 = {b:#x} ll\n{op}\nexit");
        assert_eq!(result(&program), expected, "{op} on {a:#x} and {b:#x}");
        let shift = op.contains("<<") || op.contains(">>");
        let short = op.starts_with('w');
        if let Ok(value) = i32::try_from(b.cast_signed())
            && (value != 0 || !(op.contains('/') || op.contains('%')))
            && (!shift || (0..if short { 32 } else { 64 }).contains(&value))
        {
            let with = op.replace(if short { "w1" } else { "r1" }, &value.to_string());
            let program = format!("r0 = {a:#x} ll\n{with}\nexit");
            assert_eq!(result(&program), expected, "{with} on {a:#x}");
        }
    }
}

#[test]
fn moves_and_byte_order() {
    let cases: &[(&str, u64, u64)] = &[
        ("r0 = r1", 0x8000_0000_0000_0001, 0x8000_0000_0000_0001),
        ("w0 = w1", 0x8000_0001_8000_0001, 0x8000_0001),
        ("r0 = -1", 0, u64::MAX),
        ("w0 = -1", 0, 0xffff_ffff),
        ("r0 = (s8)r1", 0x1_0080, 0xffff_ffff_ffff_ff80),
        ("r0 = (s16)r1", 0x1_8000, 0xffff_ffff_ffff_8000),
        ("r0 = (s32)r1", 0x1_8000_0000, 0xffff_ffff_8000_0000),
        ("w0 = (s8)w1", 0x1_0080, 0xffff_ff80),
        ("w0 = (s16)w1", 0x1_8000, 0xffff_8000),
        ("r0 = r1\nr0 = -r0", 1, u64::MAX),
        ("r0 = r1\nw0 = -w0", 1, 0xffff_ffff),
        ("r0 = r1\nr0 = be16 r0", 0x11_2233_4455_6677, 0x7766),
        ("r0 = r1\nr0 = be32 r0", 0x11_2233_4455_6677, 0x7766_5544),
        ("r0 = r1\nr0 = be64 r0", 0x11_2233_4455_6677, 0x7766_5544_3322_1100),
        ("r0 = r1\nr0 = le16 r0", 0x11_2233_4455_6677, 0x6677),
        ("r0 = r1\nr0 = le32 r0", 0x11_2233_4455_6677, 0x4455_6677),
        ("r0 = r1\nr0 = le64 r0", 0x11_2233_4455_6677, 0x11_2233_4455_6677),
        ("r0 = r1\nr0 = bswap16 r0", 0x11_2233_4455_6677, 0x7766),
        ("r0 = r1\nr0 = bswap32 r0", 0x11_2233_4455_6677, 0x7766_5544),
        ("r0 = r1\nr0 = bswap64 r0", 0x11_2233_4455_6677, 0x7766_5544_3322_1100),
    ];
    for &(op, value, expected) in cases {
        assert_eq!(result(&format!("r1 = {value:#x} ll\n{op}\nexit")), expected, "{op}");
    }
}

#[test]
fn jumps() {
    // The condition, the operands, and whether it holds for 64 and for 32 bits.
    let cases: &[(&str, u64, u64, bool, bool)] = &[
        ("==", 5, 5, true, true),
        ("==", 5, 1 << 32 | 5, false, true),
        ("!=", 5, 1 << 32 | 5, true, false),
        (">", u64::MAX, 1, true, true),
        (">", 1 << 32, 1, true, false),
        (">=", 1, 1, true, true),
        (">=", 1 << 32, 1, true, false),
        ("<", 1, u64::MAX, true, true),
        ("<", 1, 1 << 32, true, false),
        ("<=", 1, 1, true, true),
        ("<=", 2, 1 << 32 | 1, true, false),
        ("&", 6, 2, true, true),
        ("&", 1 << 32, 1 << 32, true, false),
        ("s>", 1, u64::MAX, true, true),
        ("s>", 0x8000_0000, 1, true, false),
        ("s>=", 0x7fff_ffff, 0x8000_0000, false, true),
        ("s<", u64::MAX, 1, true, true),
        ("s<", 0x8000_0000, 1, false, true),
        ("s<=", 0x8000_0000, 0x7fff_ffff, false, true),
    ];
    for &(cond, a, b, wide, narrow) in cases {
        for (register, expected) in [('r', wide), ('w', narrow)] {
            let load = format!("r1 = {a:#x} ll\nr2 = {b:#x} ll\nr0 = 1\n");
            let register_form =
                format!("{load}if {register}1 {cond} {register}2 goto end\nr0 = 0\nend: exit");
            assert_eq!(result(&register_form), expected.into(), "{a:#x} {cond} {b:#x}");
            if let Ok(value) = i32::try_from(b.cast_signed()) {
                let immediate =
                    format!("{load}if {register}1 {cond} {value} goto end\nr0 = 0\nend: exit");
                assert_eq!(result(&immediate), expected.into(), "{a:#x} {cond} {value}");
            }
        }
    }
    assert_eq!(result("r0 = 1\ngotol end\nr0 = 2\nend: exit"), 1);
    assert_eq!(result("r0 = 0\nagain: r0 += 1\nif r0 < 10 goto again\nexit"), 10);
}

#[test]
fn memory() {
    let cases: &[(&str, u64)] = &[
        ("*(u64 *)(r10 - 8) = r1\nr0 = *(u8 *)(r10 - 8)", 0x88),
        ("*(u64 *)(r10 - 8) = r1\nr0 = *(u16 *)(r10 - 8)", 0x7788),
        ("*(u64 *)(r10 - 8) = r1\nr0 = *(u32 *)(r10 - 7)", 0x4455_6677),
        ("*(u64 *)(r10 - 8) = r1\nr0 = *(s8 *)(r10 - 8)", 0xffff_ffff_ffff_ff88),
        ("*(u64 *)(r10 - 8) = r1\nr0 = *(s16 *)(r10 - 2)", 0x1122),
        ("*(u64 *)(r10 - 8) = r1\nr0 = *(s32 *)(r10 - 8)", 0x5566_7788),
        ("*(u64 *)(r10 - 8) = 0\n*(u8 *)(r10 - 8) = r1\nr0 = *(u64 *)(r10 - 8)", 0x88),
        ("*(u64 *)(r10 - 8) = 0\n*(u16 *)(r10 - 6) = r1\nr0 = *(u64 *)(r10 - 8)", 0x7788_0000),
        ("*(u64 *)(r10 - 8) = -2\nr0 = *(u64 *)(r10 - 8)", 0xffff_ffff_ffff_fffe),
        ("*(u64 *)(r10 - 8) = 0\n*(u32 *)(r10 - 8) = -2\nr0 = *(u64 *)(r10 - 8)", 0xffff_fffe),
        ("r2 = r10\nr2 += -512\n*(u8 *)(r2 + 0) = 7\nr0 = *(u8 *)(r10 - 512)", 7),
    ];
    for (body, expected) in cases {
        let program = format!("r1 = 0x1122334455667788 ll\n{body}\nexit");
        assert_eq!(result(&program), *expected, "{body}");
    }
}

#[test]
fn atomics() {
    // Memory and R1 before; the instruction; memory, R0 and R1 afterwards.
    let cases: &[(u64, u64, &str, u64, u64, u64)] = &[
        (5, 3, "lock *(u64 *)(r10 - 8) += r1", 8, 9, 3),
        (5, 3, "r1 = atomic_fetch_add((u64 *)(r10 - 8), r1)", 8, 9, 5),
        (0xffff_ffff, 1, "lock *(u32 *)(r10 - 8) += w1", 0, 9, 1),
        (1 << 40 | 5, 3, "w1 = atomic_fetch_add((u32 *)(r10 - 8), w1)", 1 << 40 | 8, 9, 5),
        (5, 3, "lock *(u64 *)(r10 - 8) |= r1", 7, 9, 3),
        (5, 3, "r1 = atomic_fetch_or((u64 *)(r10 - 8), r1)", 7, 9, 5),
        (5, 3, "lock *(u64 *)(r10 - 8) &= r1", 1, 9, 3),
        (5, 3, "r1 = atomic_fetch_and((u64 *)(r10 - 8), r1)", 1, 9, 5),
        (5, 3, "lock *(u64 *)(r10 - 8) ^= r1", 6, 9, 3),
        (5, 3, "r1 = atomic_fetch_xor((u64 *)(r10 - 8), r1)", 6, 9, 5),
        (5, 3, "r1 = xchg_64(r10 - 8, r1)", 3, 9, 5),
        (1 << 40 | 5, 3, "w1 = xchg32_32(r10 - 8, w1)", 1 << 40 | 3, 9, 5),
        (9, 3, "r0 = cmpxchg_64(r10 - 8, r0, r1)", 3, 9, 3),
        (5, 3, "r0 = cmpxchg_64(r10 - 8, r0, r1)", 5, 5, 3),
        (1 << 40 | 9, 3, "w0 = cmpxchg32_32(r10 - 8, w0, w1)", 1 << 40 | 3, 9, 3),
        (5, 3, "store_release((u64 *)(r10 - 8), r1)", 3, 9, 3),
        (5, 3, "r1 = load_acquire((u64 *)(r10 - 8))", 5, 9, 5),
    ];
    for &(before, operand, insn, memory, r0, r1) in cases {
        let all = format!(
            "r2 = {before:#x} ll\n*(u64 *)(r10 - 8) = r2\nr0 = 9\nr1 = {operand}\n{insn}\n"
        );
        for (register, expected) in [("r3", memory), ("r0", r0), ("r1", r1)] {
            let program = format!("{all}r3 = *(u64 *)(r10 - 8)\nr0 = {register}\nexit");
            assert_eq!(result(&program), expected, "{insn}: {register}");
        }
    }
}

#[test]
fn calls() {
    // R6 to R9 and the stack of the caller are kept; each frame has its own.
    let kept = "r6 = 1\nr7 = 2\nr8 = 3\nr9 = 4\n*(u64 *)(r10 - 8) = 5\nr1 = 10\ncall callee\n\
        r0 += r6\nr0 += r7\nr0 += r8\nr0 += r9\nr1 = *(u64 *)(r10 - 8)\nr0 += r1\nexit\n\
        callee: r6 = 0\nr7 = 0\nr8 = 0\nr9 = 0\n*(u64 *)(r10 - 8) = 0\nr0 = r1\nexit";
    assert_eq!(result(kept), 25);
    // A callee may write to the stack of its caller, but not the other way round once it has returned.
    let down = "r1 = r10\nr1 += -8\ncall callee\nr0 = *(u64 *)(r10 - 8)\nexit\n\
        callee: *(u64 *)(r1 + 0) = 7\nr0 = 0\nexit";
    assert_eq!(result(down), 7);
    let up = "call callee\nr0 = *(u64 *)(r0 + 0)\nexit\n\
        callee: *(u64 *)(r10 - 8) = 7\nr0 = r10\nr0 += -8\nexit";
    assert!(fault(up).contains("whose function has returned"), "{}", fault(up));
    let deep = "r1 = 7\ncall down\nexit\ndown: r0 = 1\nif r1 == 0 goto end\nr1 += -1\ncall down\nr0 += 1\nend: exit";
    assert!(fault(deep).contains("deeper than 8"), "{}", fault(deep));
    assert_eq!(result(&deep.replace("r1 = 7", "r1 = 6")), 7);
}

#[test]
fn loops_of_the_kernel() {
    let sum = "*(u64 *)(r10 - 8) = 0\nr1 = 10\nr2 = func(body)\nr3 = r10\nr3 += -8\nr4 = 0\ncall bpf_loop#181\n\
        r0 = *(u64 *)(r10 - 8)\nexit\n\
        body: r0 = *(u64 *)(r2 + 0)\nr0 += r1\n*(u64 *)(r2 + 0) = r0\nr0 = 0\nexit";
    assert_eq!(result(sum), 45);
    let forever = "r0 = 0\nagain: may_goto end\nr0 += 1\ngoto again\nend: exit";
    let outcome = run("sched_cls", forever, 1 << 26);
    assert_eq!((outcome.retval, outcome.fault), (8 << 20, None));
}

/// An exception leaves all functions; without a callback its cookie is the result.
#[test]
fn exceptions() {
    let thrown = "call callee\nr0 = 1\nexit\ncallee: r1 = 44\ncall kfunc(0)\nr0 = 2\nexit";
    assert_eq!(result(thrown), 44);
    let in_a_callback = "r1 = 10\nr2 = func(body)\nr3 = 0\nr4 = 0\ncall bpf_loop#181\nexit\n\
        body: r0 = 0\nif r1 != 3 goto end\nr1 = 7\ncall kfunc(0)\nend: exit";
    assert_eq!(result(in_a_callback), 7);
}

#[test]
fn packets_are_loaded_in_the_order_of_the_network() {
    assert_eq!(result("r6 = r1\nr0 = *(u8 *)skb[3]\nexit"), 3);
    assert_eq!(result("r6 = r1\nr0 = *(u16 *)skb[3]\nexit"), 0x0304);
    assert_eq!(result("r6 = r1\nr7 = 4\nr0 = *(u32 *)skb[r7 + 1]\nexit"), 0x0506_0708);
    // Behind the end the program is over.
    assert_eq!(result("r6 = r1\nr0 = *(u32 *)skb[61]\nr0 = 7\nexit"), 0);
}

#[test]
fn what_the_verifier_would_refuse_is_a_fault() {
    let cases = [
        ("r0 = *(u64 *)(r10 + 0)\nexit", "read of 8 bytes at offset 512 of the stack"),
        ("r0 = *(u64 *)(r10 - 513)\nexit", "read of 8 bytes at offset -1 of the stack"),
        ("r0 = 0\nr0 = *(u8 *)(r0 + 4)\nexit", "read of 1 bytes through NULL plus 4"),
        ("r0 = 0x123456789 ll\nr0 = *(u8 *)(r0 + 0)\nexit", "is not a pointer"),
        (
            "r1 = *(u32 *)(r1 + 76)\nr0 = *(u8 *)(r1 + 64)\nexit",
            "the linear part of the packet, which has 64",
        ),
        ("r0 = *(u64 *)(r1 + 0)\nexit", "of the context of a sched_cls program"),
        ("*(u32 *)(r1 + 0) = 1\nr0 = 0\nexit", "write of 4 bytes at offset 0 of the context"),
        ("r0 = 0", "execution leaves the program"),
        ("call 250\nexit", "helper 250, which the kernel does not have"),
        ("again: goto again", "the budget of 1048576 instructions is used up"),
    ];
    for (program, expected) in cases {
        let text = fault(program);
        assert!(text.contains(expected), "{program}: {text}");
    }
    let outcome = run("socket_filter", "r1 = *(u32 *)(r1 + 76)\nr0 = 0\nexit", 100);
    assert!(matches!(outcome.fault.map(|fault| fault.kind), Some(FaultKind::Context { .. })));
}

/// Instructions are counted exactly, whichever way execution takes.
#[test]
fn instructions_are_counted() {
    let count = |text| run("sched_cls", text, 1 << 20).insns;
    assert_eq!(count("r0 = 0\nexit"), 2);
    assert_eq!(count("r0 = 0x100000000 ll\nexit"), 2);
    assert_eq!(count("r0 = 0\nagain: r0 += 1\nif r0 < 10 goto again\nexit"), 22);
    assert_eq!(count("call callee\nexit\ncallee: r0 = 0\nexit"), 4);
    assert_eq!(count("r0 = 0\nr0 = *(u8 *)(r0 + 0)\nexit"), 2);
    assert_eq!(run("sched_cls", "again: r0 = 0\ngoto again", 1001).insns, 1001);
}
