//! Exploration of short programs: what is followed, what is cut off, and what the log says of it.

use isa::Pc;

use crate::observe::Seen;
use crate::program::{Options, Program};
use crate::state::State;
use crate::testing::{CLASSIFIER, corpus, linked, options, types, with_code};
use crate::{Capabilities, Report, Verdict};

/// Verifies code in the place of a program of the corpus; the observer sees all states.
fn observe(text: &str, log_level: u32, seen: &mut dyn FnMut(Pc, &State)) -> Report {
    let options = Options { log_level, ..options() };
    let mut observer = |event: Seen<'_>| {
        if let Seen::Arrival { pc, state, .. } = event {
            seen(pc, state);
        }
    };
    with_code(CLASSIFIER, text, options, |program| {
        let program = Program { btf: None, ..program };
        crate::load::verify(&program, Some(&mut observer), None).expect("nothing stops it")
    })
}

fn verify(text: &str, log_level: u32) -> Report {
    observe(text, log_level, &mut |_, _| {})
}

fn words(report: &Report) -> &str {
    match &report.verdict {
        Verdict::Accept => "fine",
        Verdict::Reject(reject) => &reject.message,
        Verdict::Unsupported(what) => what,
    }
}

#[test]
fn counts_are_those_of_the_kernel() {
    for (text, processed, total) in [
        ("r0 = 0\nexit", 2, 0),
        // Both ways, since no state is stored within eight instructions.
        ("call 7\nif r0 == 0 goto +1\nr0 = 0\nr0 = 0\nexit", 7, 0),
        // Recorded of `counted_down`: a loop of 100 rounds, a state every ten jumps.
        ("r6 = 100\nr6 += -1\nif r6 != 0 goto -2\nr0 = 0\nexit", 203, 6),
    ] {
        let report = verify(text, 0);
        assert_eq!(words(&report), "fine", "{text}");
        let stats = report.stats;
        assert_eq!((stats.insns_processed, stats.total_states), (processed, total), "{text}");
    }
}

#[test]
fn paths_that_meet_are_followed_once() {
    let arms = "call 7\nif r0 & 1 goto +1\nr6 = 1\n".repeat(20);
    let text = format!("r6 = 0\n{arms}r0 = 0\nexit");
    let report = verify(&text, 2);
    assert_eq!(words(&report), "fine");
    assert!(report.stats.insns_processed < 300, "{:?}", report.stats);
    assert!(report.log.contains(": safe\n"), "{}", report.log);
}

#[test]
fn loops_that_do_not_end_are_refused() {
    let endless = verify("r0 = 0\nr6 = 0\nr6 += 0\ngoto -2\nexit", 0);
    let first = words(&endless).lines().next().unwrap_or_default();
    assert_eq!(first, "unreachable insn 4");
    let endless = verify("r0 = 0\nr6 = 0\nif r6 == 1 goto +2\nr6 += 0\ngoto -3\nexit", 0);
    let text = words(&endless);
    assert!(text.starts_with("infinite loop detected at insn "), "{text}");
    assert!(text.contains("\ncur state: R0=0 R1=ctx() R6=0 R10=fp0\nold state:"), "{text}");
}

#[test]
fn too_much_is_refused() {
    let counted = verify("r0 = 0\nr0 += 1\nif r0 < 1000000 goto -2\nexit", 0);
    assert_eq!(words(&counted), "BPF program is too large. Processed 1000001 insn");
    // Each round leaves a way out for later.
    let text = "r6 = 0\ncall 7\nif r0 == 9 goto +2\nr6 += 1\ngoto -4\nr0 = r10\nr0 += r6\nexit";
    assert_eq!(words(&verify(text, 0)), "The sequence of 8193 jumps is too complex.");
}

#[test]
fn may_goto_converges() {
    let text = "r6 = 0\nmay_goto +2\nr6 += 1\ngoto -3\nr0 = 0\nexit";
    let report = verify(text, 2);
    assert_eq!(words(&report), "fine", "{}", report.log);
    assert!(report.stats.insns_processed < 30, "{:?}", report.stats);
}

#[test]
fn exact_numbers_are_traced_back() {
    let text = "r6 = -8\n*(u64 *)(r10 - 16) = r6\nr7 = *(u64 *)(r10 - 16)\nr2 = r10\nr2 += r7\n\
                *(u64 *)(r2 + 0) = r6\nr0 = 0\nexit";
    let report = verify(text, 2);
    assert_eq!(words(&report), "fine");
    let lines: Vec<_> = report.log.lines().filter(|line| line.starts_with("mark")).collect();
    let expected = [
        "mark_precise: frame0: last_idx 4 first_idx 0 subseq_idx -1 ",
        "mark_precise: frame0: regs=r7 stack= before 3: (bf) r2 = r10",
        "mark_precise: frame0: regs=r7 stack= before 2: (79) r7 = *(u64 *)(r10 -16)",
        "mark_precise: frame0: regs= stack=-16 before 1: (7b) *(u64 *)(r10 -16) = r6",
        "mark_precise: frame0: regs=r6 stack= before 0: (b7) r6 = -8",
    ];
    assert_eq!(lines[..5], expected, "{}", report.log);
}

#[test]
fn numbers_that_matter_are_compared() {
    // On the second way R6 is -32, which is outside of the initialised stack; were R6 not exact, the way would be cut.
    let pad = "r8 = 0\n".repeat(8);
    let text = format!(
        "call 7\nr6 = -8\nif r0 == 0 goto +1\nr6 = -600\n{pad}if r0 == 1 goto +0\nif r0 == 2 goto +0\n\
         r2 = r10\nr2 += r6\n*(u64 *)(r2 + 0) = 0\nr0 = 0\nexit"
    );
    assert_eq!(words(&verify(&text, 0)), "invalid write to stack R2 off=-600 size=8");
}

#[test]
fn observers_see_each_instruction() {
    let mut seen = Vec::new();
    let report = observe("r6 = 5\nr0 = r6\nexit", 0, &mut |pc, state| {
        seen.push((pc.0, state.reg(isa::Reg::R6).as_constant()));
    });
    assert_eq!(words(&report), "fine");
    assert_eq!(seen, [(0, None), (1, Some(5)), (2, Some(5))]);
}

#[test]
fn hostile_code_is_refused_or_not_modelled() {
    let object = corpus("loops/iterators");
    let linked = linked(&object);
    let mut random = 1_u64;
    let mut below = |limit: usize| {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % limit
    };
    for round in 0..64 {
        let found = &linked.programs[round % linked.programs.len()];
        let capabilities = if round % 7 == 0 { Capabilities::NONE } else { Capabilities::ALL };
        let options = Options { capabilities, ..options() };
        let mut program = Program::new(&linked, found, types(), options);
        let mut raw = program.raw.to_vec();
        for _ in 0..=below(3) {
            let (at, from) = (below(raw.len()), below(raw.len()));
            match below(4) {
                0 => raw[at] = raw[from],
                1 => raw[at].dst = raw[from].src,
                2 => raw[at].off = raw[from].off,
                _ => raw[at].imm = raw[from].imm,
            }
        }
        (program.code, program.undecoded) = isa::Program::decode_partial(&raw);
        program.raw = &raw;
        // What is said matters less than that something is.
        let report = crate::verify(&program);
        assert!(report.stats.insns_processed <= 1_000_001);
    }
}
