//! Control flow of short programs.

use isa::Pc;

use super::{check_stack_depth, find_subprogs, liveness, order, prepare};
use crate::capabilities::Capabilities;
use crate::cx::{Check, Cx, Stop};
use crate::program::Options;
use crate::state::{Frame, State};
use crate::testing::{CLASSIFIER, options, with_code};

/// Runs a test within a program of the corpus, whose code is replaced.
fn within<T>(text: &str, capabilities: Capabilities, test: impl FnOnce(&mut Cx<'_>) -> T) -> T {
    let options = Options { capabilities, log_level: 2, ..options() };
    with_code(CLASSIFIER, text, options, |program| test(&mut Cx::new(&program)))
}

fn words(checked: Check) -> String {
    match checked {
        Ok(()) => "fine".to_owned(),
        Err(Stop::Reject(reject)) => reject.message,
        Err(Stop::Unsupported(what)) => format!("unsupported: {what}"),
    }
}

/// All that is found out about the shape of a program.
fn shape(cx: &mut Cx<'_>) -> Check {
    find_subprogs(cx)?;
    order(cx)?;
    prepare(cx);
    Ok(())
}

fn prepared(text: &str, capabilities: Capabilities) -> String {
    within(text, capabilities, |cx| words(shape(cx)))
}

#[test]
fn flaws_of_control_flow_are_named() {
    for (text, expected) in [
        ("r0 = 0\nexit", "fine"),
        ("r0 = 0", "last insn is not an exit or jmp"),
        ("goto +5\nexit", "jump out of range from insn 0 to 6"),
        ("r0 = 0\ngoto +1\nr0 = 1\nexit", "unreachable insn 2"),
        ("if r1 == 0 goto +1\nr0 = 1 ll\nexit", "jump into the middle of ldimm64 insn 1"),
        ("r0 = 0\nr0 += 1\nif r0 < 9 goto -2\nexit", "fine"),
        ("call +1\nexit\nr0 = 0\nexit", "fine"),
        ("call +9\nexit", "call to invalid destination"),
        ("call +1\nexit\nif r1 == 0 goto -3\nexit", "jump out of range from insn 2 to 0"),
    ] {
        assert_eq!(prepared(text, Capabilities::ALL), expected, "{text}");
    }
}

#[test]
fn loops_need_privileges() {
    let text = "r0 = 0\nr0 += 1\nif r0 < 9 goto -2\nexit";
    assert_eq!(prepared(text, Capabilities::NONE), "back-edge from insn 2 to 1");
    let text = "call +1\nexit\nr0 = 0\nexit";
    let expected =
        "loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN";
    assert_eq!(prepared(text, Capabilities::NONE), expected);
}

#[test]
fn loops_and_live_registers_are_printed_as_the_kernel_prints_them() {
    let text = "r6 = r1\nr7 = 0\nr7 += 1\nif r7 < 9 goto -2\ncall 5\nr0 += r6\nexit";
    let log = within(text, Capabilities::ALL, |cx| {
        assert_eq!(words(shape(cx)), "fine");
        let prune: Vec<usize> = (0..cx.aux.len()).filter(|at| cx.aux[*at].prune_point).collect();
        assert_eq!(prune, [2, 3, 5]);
        cx.log.text.clone()
    });
    let expected = "func#0 @0\nLive regs before insn:\n      \
                    0: .1........ (bf) r6 = r1\n      \
                    1: ......6... (b7) r7 = 0\n  \
                    1   2: ......67.. (07) r7 += 1\n  \
                    1   3: ......67.. (a5) if r7 < 0x9 goto pc-2\n      \
                    4: ......6... (85) call bpf_ktime_get_ns#5\n      \
                    5: 0.....6... (0f) r0 += r6\n      \
                    6: 0......... (95) exit\n";
    assert_eq!(log, expected);
}

#[test]
fn slots_are_live_from_their_store_to_their_load() {
    let text = "*(u64 *)(r10 - 8) = 1\nr0 = 0\nr0 = *(u64 *)(r10 - 8)\nexit";
    within(text, Capabilities::ALL, |cx| {
        assert_eq!(words(shape(cx)), "fine");
        let state = State::new(0, Pc(0));
        for (pc, write, read) in [(0, 1, 0), (1, 0, 0), (2, 0, 1)] {
            cx.pc = Pc(pc);
            liveness::begin_insn(cx, &state, Pc(pc));
            liveness::mark_write(cx, 0, write);
            if read != 0 {
                liveness::mark_read(cx, &state, 0, read);
            }
            liveness::end_insn(cx);
        }
        cx.log.text.clear();
        liveness::update(cx, &state);
        let live: Vec<bool> =
            (0..4).map(|pc| liveness::Query::new(cx, &state, Pc(pc)).is_live(cx, 0, 0)).collect();
        assert_eq!(live, [false, true, true, false]);
        let expected = "(0) frame 0 insn 2 +live -8 \n(0) frame 0 insn 0 +written -8 \n\
                        (0) live stack update done in 2 iterations\n";
        assert_eq!(cx.log.text, expected);
    });
}

#[test]
fn what_a_function_reads_of_its_callers_stack_is_live_at_the_call() {
    let text = "*(u64 *)(r10 - 8) = 1\nr1 = r10\ncall +1\nexit\nr0 = *(u64 *)(r1 - 8)\nexit";
    within(text, Capabilities::ALL, |cx| {
        assert_eq!(words(shape(cx)), "fine");
        let mut state = State::new(0, Pc(0));
        state.frames.push(Frame::new(Some(Pc(2)), 1, 1));
        cx.pc = Pc(4);
        liveness::begin_insn(cx, &state, Pc(4));
        liveness::mark_read(cx, &state, 0, 1);
        liveness::end_insn(cx);
        liveness::update(cx, &state);
        assert!(liveness::Query::new(cx, &state, Pc(4)).is_live(cx, 0, 0));
        assert!(!liveness::Query::new(cx, &state, Pc(5)).is_live(cx, 0, 0));
        state.frames.pop();
        assert!(liveness::Query::new(cx, &state, Pc(2)).is_live(cx, 0, 0));
        assert!(!liveness::Query::new(cx, &state, Pc(3)).is_live(cx, 0, 0));
    });
}

#[test]
fn stacks_of_chains_of_calls_are_added_up() {
    let text = "call +1\nexit\ncall +1\nexit\nr0 = 0\nexit";
    for (depths, expected) in [
        ([16, 16, 16], "fine"),
        ([512, 0, 0], "fine"),
        ([256, 200, 100], "combined stack size of 3 calls is 576. Too large"),
        ([520, 0, 0], "combined stack size of 1 calls is 528. Too large"),
    ] {
        let said = within(text, Capabilities::ALL, |cx| {
            assert_eq!(words(find_subprogs(cx)), "fine");
            for (subprog, depth) in cx.subprogs.iter_mut().zip(depths) {
                subprog.stack_depth = depth;
            }
            words(check_stack_depth(cx))
        });
        assert_eq!(said, expected, "{depths:?}");
    }
    let chain = "call +1\nexit\n".repeat(8) + "r0 = 0\nexit";
    let said = within(&chain, Capabilities::ALL, |cx| {
        words(find_subprogs(cx).and_then(|()| check_stack_depth(cx)))
    });
    assert_eq!(said, "the call stack of 8 frames is too deep !");

    // 40 calls in each of seven functions are more chains than can be followed one by one.
    let calls: String = (0..40).map(|call| format!("call +{}\n", 40 - call)).collect();
    let wide = format!("{calls}exit\n").repeat(7) + "r0 = 0\nexit";
    let said = within(&wide, Capabilities::ALL, |cx| {
        words(find_subprogs(cx).and_then(|()| check_stack_depth(cx)))
    });
    assert_eq!(said, "fine");
}
