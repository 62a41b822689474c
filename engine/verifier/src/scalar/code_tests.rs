//! Arithmetic and jumps of short programs.

use isa::{Insn, Pc, Reg};
use kernel_model::TypeFlags;

use super::{alu, jump};
use crate::cx::{Check, Cx, Next, Stop};
use crate::state::{AT_END, BEYOND_END, Detail, Reg as RegState, RegKind, RegType, State};
use crate::testing::{CLASSIFIER, options, with_code};

/// Runs a test within a program of the corpus, whose code is replaced.
fn within<T>(text: &str, test: impl FnOnce(&mut Cx<'_>, &mut State) -> T) -> T {
    with_code(CLASSIFIER, text, options(), |program| {
        let mut cx = Cx::new(&program);
        let mut state = State::new(0, Pc(0));
        *state.reg_mut(Reg::R1) = RegState::pointer(RegType::of(RegKind::Ctx));
        *state.reg_mut(Reg::R2) = RegState::unknown();
        *state.reg_mut(Reg::R3) = packet(0);
        *state.reg_mut(Reg::R4) = RegState::pointer(RegType::of(RegKind::PacketEnd));
        let maybe = RegType::with(RegKind::Mem, TypeFlags::PTR_MAYBE_NULL);
        *state.reg_mut(Reg::R5) = RegState { id: 7, ..RegState::pointer(maybe) };
        test(&mut cx, &mut state)
    })
}

fn packet(off: i32) -> RegState {
    let reg = RegState::pointer(RegType::of(RegKind::Packet)).with(Detail::Range(0));
    RegState { off, ..reg }
}

fn words<T>(checked: Check<T>) -> String {
    match checked {
        Ok(_) => "fine".to_owned(),
        Err(Stop::Reject(reject)) => reject.message,
        Err(Stop::Unsupported(what)) => format!("unsupported: {what}"),
    }
}

/// Runs arithmetic; what is said first, or what is in R2.
fn run(text: &str) -> String {
    within(text, |cx, state| {
        let code: Vec<(Pc, Insn)> = cx.program.code.iter().map(|(pc, insn)| (pc, *insn)).collect();
        for (pc, insn) in code {
            cx.pc = pc;
            let done = alu(cx, state, pc, &insn);
            if done.is_err() {
                return words(done);
            }
        }
        let reg = state.reg(Reg::R2);
        match (reg.is_scalar(), reg.as_constant()) {
            (true, Some(value)) => value.cast_signed().to_string(),
            (true, None) => format!("{}..{}", reg.num.umin, reg.num.umax),
            (false, _) => format!("{}{:+}", reg.ty, reg.off),
        }
    })
}

#[test]
fn arithmetic_gives_what_the_kernel_says() {
    for (text, expected) in [
        ("r2 = 5\nr2 += -7", "-2"),
        ("w2 = 5\nw2 += -7", "4294967294"),
        ("r2 = 6\nr2 = -r2", "-6"),
        ("r2 &= 15\nr2 <<= 2", "0..60"),
        ("w2 = w2", "0..4294967295"),
        ("r2 = 200\nr2 = (s8)r2", "-56"),
        ("r2 /= 3", "0..18446744073709551615"),
        ("r2 = be16 r2", "0..65535"),
        ("r2 = 0x1122\nr2 = be32 r2", "571539456"),
        ("r2 = 0x11223344\nr2 = le16 r2", "13124"),
        ("r2 = r1\nr2 += 8", "ctx+8"),
        ("r2 = r10\nr2 -= 8", "R2 subtraction from stack pointer prohibited"),
        ("r2 = r3\nr2 -= r1", "0..18446744073709551615"),
        ("r2 /= 0", "div by zero"),
        ("r2 %= 0", "div by zero"),
        ("r2 <<= 64", "invalid shift 64"),
        ("w2 >>= 32", "invalid shift 32"),
        ("r2 s>>= -1", "invalid shift -1"),
        ("r2 = r7", "R7 !read_ok"),
        ("r2 += r7", "R7 !read_ok"),
        ("r10 = 0", "frame pointer is read only"),
        ("r10 += 8", "frame pointer is read only"),
        ("r5 += 8", "R5 pointer arithmetic on mem_or_null prohibited, null-check it first"),
        ("r4 += 8", "R4 pointer arithmetic on pkt_end prohibited"),
        ("w3 += 8", "R3 32-bit pointer arithmetic prohibited"),
        ("r3 += r1", "R3 pointer += pointer prohibited"),
        ("r3 *= 2", "R3 pointer arithmetic with *= operator prohibited"),
        ("r3 |= 2", "R3 bitwise operator |= on pointer prohibited"),
        ("r3 += 0x7fffffff", "math between pkt pointer and 2147483647 is not allowed"),
        (
            "r2 = addr_space_cast(r1, 0, 1)",
            "addr_space_cast insn can only be used in a program that has an associated arena",
        ),
    ] {
        assert_eq!(run(text), expected, "{text}");
    }
}

/// Runs one jump; the state where it is not taken and the one where it is.
fn branch(text: &str, change: impl FnOnce(&mut State)) -> (State, State) {
    within(text, |cx, state| {
        change(state);
        cx.aux[0].live_regs = 0x3ff;
        let Some(Insn::Jump(insn)) = cx.program.insn(Pc(0)).copied() else { panic!("{text}") };
        let next = jump(cx, state, Pc(0), &insn);
        assert!(matches!(next, Ok(Next::Fall)), "{text}: {}", words(next));
        let taken = cx.explored.pending.pop().expect("the other way").state;
        (state.clone(), taken)
    })
}

#[test]
fn jumps_narrow_both_ways() {
    let (not, taken) = branch("if r2 > 9 goto +0", |_| ());
    assert_eq!((not.reg(Reg::R2).num.umin, not.reg(Reg::R2).num.umax), (0, 9));
    assert_eq!(taken.reg(Reg::R2).num.umin, 10);
    let (not, taken) = branch("if r2 == 9 goto +0", |_| ());
    assert_eq!(taken.reg(Reg::R2).as_constant(), Some(9));
    assert_eq!(not.reg(Reg::R2).as_constant(), None);
    let (not, _) = branch("if r2 & 7 goto +0", |_| ());
    assert_eq!(not.reg(Reg::R2).num.bits.max() & 7, 0);
}

#[test]
fn what_is_tied_to_a_number_is_narrowed_with_it() {
    let (not, _) = branch("if r2 > 9 goto +0", |state| {
        state.reg_mut(Reg::R2).id = 3;
        let copy = *state.reg(Reg::R2);
        *state.reg_mut(Reg::R6) = copy;
        *state.reg_mut(Reg::R7) = RegState { id: 3 | crate::state::ADD_CONST64, off: 4, ..copy };
    });
    assert_eq!(not.reg(Reg::R6).num.umax, 9);
    assert_eq!((not.reg(Reg::R7).num.umin, not.reg(Reg::R7).num.umax), (4, 13));
    assert_eq!(not.reg(Reg::R7).id, 3 | crate::state::ADD_CONST64);
}

#[test]
fn numbers_are_tied_to_what_they_were_before_a_constant_was_added() {
    const SUM32: u32 = 3 | crate::state::ADD_CONST32;
    const SUM64: u32 = 3 | crate::state::ADD_CONST64;
    for (text, expected) in [
        ("r2 += 4", (SUM64, 4)),
        ("r2 -= 4", (SUM64, -4)),
        ("r2 += -4", (SUM64, -4)),
        // The greatest distance has no negative.
        ("r2 -= -2147483648", (0, 0)),
        // The upper half was not zero before.
        ("w2 += 4", (0, 0)),
        ("r2 &= 255\nw2 += 4", (0, 0)),
        ("r2 += 4\nr2 += 4", (0, 0)),
        ("r2 += r2", (0, 0)),
        ("r2 *= 2", (0, 0)),
        // The distance is forgotten only with an addition.
        ("r2 += 4\nr2 &= 255", (0, 4)),
        ("r2 += 4\nr2 = be16 r2", (0, 4)),
    ] {
        let found = within(text, |cx, state| {
            state.reg_mut(Reg::R2).id = 3;
            let code: Vec<_> = cx.program.code.iter().map(|(pc, insn)| (pc, *insn)).collect();
            for (pc, insn) in code {
                assert_eq!(words(alu(cx, state, pc, &insn)), "fine", "{text}");
            }
            (state.reg(Reg::R2).id, state.reg(Reg::R2).off)
        });
        assert_eq!(found, expected, "{text}");
    }
    let half = within("w2 += 4", |cx, state| {
        let reg = state.reg_mut(Reg::R2);
        (reg.id, reg.num) = (3, super::Bounds::constant(0xffff_ffff));
        reg.num.bits = domains::Tnum::new(0, 0xffff_ffff);
        reg.num.forget_ranges();
        reg.num.sync();
        let insn = *cx.program.code.iter().next().expect("an instruction").1;
        assert_eq!(words(alu(cx, state, Pc(0), &insn)), "fine");
        (state.reg(Reg::R2).id, state.reg(Reg::R2).off)
    });
    assert_eq!(half, (SUM32, 4));
}

#[test]
fn tests_for_null_change_all_copies() {
    let (not, taken) = branch("if r5 == 0 goto +0", |state| {
        let copy = *state.reg(Reg::R5);
        *state.reg_mut(Reg::R6) = copy;
    });
    for name in [Reg::R5, Reg::R6] {
        assert_eq!(not.reg(name).ty, RegType::of(RegKind::Mem));
        assert!(taken.reg(name).is_null());
    }
}

#[test]
fn comparisons_with_the_end_tell_how_much_is_there() {
    let advance = |state: &mut State| *state.reg_mut(Reg::R2) = packet(14);
    for (text, inside_is_taken, range, end) in [
        ("if r2 > r4 goto +0", false, 14, BEYOND_END),
        ("if r2 >= r4 goto +0", false, 15, AT_END),
        ("if r2 < r4 goto +0", true, 15, AT_END),
        ("if r2 <= r4 goto +0", true, 14, BEYOND_END),
        ("if r4 < r2 goto +0", false, 14, BEYOND_END),
        ("if r4 > r2 goto +0", true, 15, AT_END),
    ] {
        let (not, taken) = branch(text, advance);
        let (inside, outside) = if inside_is_taken { (taken, not) } else { (not, taken) };
        assert_eq!(inside.reg(Reg::R3).range(), range, "{text}");
        assert_eq!(outside.reg(Reg::R2).range(), end, "{text}");
    }
}
