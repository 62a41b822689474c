//! Every text with which the crate refuses a program is in the table of messages, and short programs are explained.

use std::fs;
use std::path::Path;

use kernel_model::{Example, messages};

use crate::program::{Options, Program};
use crate::testing::{CLASSIFIER, corpus, linked, options, types, with_code};
use crate::{Capabilities, Explanation, Report, Verdict};

/// Texts that are put together from others, with what they can begin with.
const COMPOSED: &[(&str, &[&str])] = &[
    (
        "{what} were introduced in {}",
        &[
            "XDP programs for frames with fragments were introduced in 5.18",
            "sleepable operations were introduced in 6.12",
        ],
    ),
    (
        "{}: {} introduced in {}",
        &[
            "unknown opcode e5: may_goto was introduced in 6.9",
            "BPF_LDX uses reserved fields: loads that extend the sign were introduced in 6.6",
            "BPF_ATOMIC uses invalid atomic opcode 100: loads with acquire order were introduced in 6.15",
            "unrecognized bpf_ld_imm64 insn: addresses of functions were introduced in 5.13",
        ],
    ),
    (
        "{what} map forbidden, value_size={limit} off={offset} size={size}",
        &[
            "write into map forbidden, value_size=8 off=0 size=4",
            "read from map forbidden, value_size=8 off=0 size=4",
        ],
    ),
    (
        "{text}",
        &[
            "invalid read from stack R1 off=-8 size=16",
            "invalid write to stack R1 off=-8 size=16",
            "invalid variable-offset read from stack R1 var_off=(0x0; 0x8) off=-8 size=16",
            "invalid variable-offset write to stack R1 var_off=(0x0; 0x8) off=-8 size=16",
        ],
    ),
    (
        "{message}",
        &[
            "infinite loop detected at insn 3",
            "At program exit the register R0 has smin=2 smax=2 should have been in [0, 1]",
            "At subprogram exit the register R0 has unknown scalar value should have been in [0, 1]",
            "At async callback return the register R0 has smax=2 should have been in [0, 0]",
        ],
    ),
    (
        "{message}\nNote, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!",
        &[
            "At program exit the register R0 has smin=2 smax=2 should have been in [1, 1]",
            "Note, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!",
        ],
    ),
    (
        "{exit} the register R{} is not a known value ({})",
        &[
            "At program exit the register R0 is not a known value (ctx)",
            "At subprogram exit the register R0 is not a known value (ctx)",
            "At async callback return the register R0 is not a known value (ctx)",
        ],
    ),
    (
        "At callback return the register R0 has{known} should have been in [{least}, {greatest}]",
        &["At callback return the register R0 has smin=2 smax=2 should have been in [0, 1]"],
    ),
    (
        "R{} {what}",
        &[
            "R1 pointer arithmetic prohibited",
            "R1 sign-extension part of pointer",
            "R1 partial copy of pointer",
        ],
    ),
    // Lines of errors of decoding, which follow.
    ("{}", DECODING),
    (
        "{object} has to be at a constant offset",
        &[
            "dynptr has to be at a constant offset",
            "iter has to be at a constant offset",
            "irq_flag has to be at a constant offset",
        ],
    ),
    (
        "cannot pass in {object} at an offset={offset}",
        &[
            "cannot pass in dynptr at an offset=-8",
            "cannot pass in iter at an offset=-8",
            "cannot pass in irq_flag at an offset=-8",
        ],
    ),
    // A line that `NoSlots` or `NoSlot` has.
    ("{line}", &["dynptr has to be at a constant offset"]),
    (
        "{holder} has no valid {name}_lock",
        &["map 'm' has no valid bpf_spin_lock", "local 'kptr' has no valid bpf_spin_lock"],
    ),
    (
        "{prefix} cannot be used inside {name}-ed region",
        &[
            "tail_call cannot be used inside bpf_rcu_read_lock-ed region",
            "tail_call cannot be used inside bpf_preempt_disable-ed region",
            "tail_call cannot be used inside bpf_local_irq_save-ed region",
        ],
    ),
    (
        "{lines}{prefix} would lead to reference leak",
        &[
            "Unreleased reference id=1 alloc_insn=2",
            "BPF_EXIT instruction in main prog would lead to reference leak",
        ],
    ),
    (
        "misaligned {what}access off {var}+{off}+{offset} size {size}",
        &[
            "misaligned access off 0x1+0+0 size 4",
            "misaligned stack access off (0x0; 0x7)+-8+0 size 4",
        ],
    ),
    (
        "{why}\nR{number} min value is outside of the allowed memory range",
        &[
            "invalid access to map value, value_size=64 off=64 size=8",
            "invalid access to map key, key_size=64 off=64 size=8",
            "invalid access to memory, mem_size=64 off=64 size=8",
            "R0 min value is outside of the allowed memory range",
        ],
    ),
    (
        "{why}\nR{number} max value is outside of the allowed memory range",
        &["R0 max value is outside of the allowed memory range"],
    ),
    (
        "{why}\nR{number} offset is outside of the packet",
        &[
            "invalid access to packet, off=0 size=16, R3(id=0,off=0,r=15)",
            "R0 offset is outside of the packet",
        ],
    ),
];

/// What `isa::DecodeError::kernel_message` says.
const DECODING: &[&str] = &[
    "unknown opcode ff",
    "BPF_ALU uses reserved fields",
    "BPF_LD_[ABS|IND] uses reserved fields",
    "R11 is invalid",
    "BPF_ATOMIC uses invalid atomic opcode e0",
    "invalid atomic operand size",
    "invalid bpf_ld_imm64 insn",
    "unrecognized bpf_ld_imm64 insn",
    "addr_space_cast insn can only convert between address space 1 and 0",
    "invalid may_goto imm 5",
];

/// What texts stand behind in the sources of the crate.
const MARKS: [&str; 7] = [
    "reject!(",
    "Nothing::access(format!(",
    "Nothing::invalid(format!(",
    "*said = format!(",
    "Refused(format!(",
    "Refused(",
    "return Err(\"max",
];

#[test]
fn every_text_is_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut texts = Vec::new();
    collect(&root, &mut texts);
    assert!(texts.len() > 430, "{}", texts.len());
    let mut missing = Vec::new();
    for (place, text) in &texts {
        let composed = COMPOSED.iter().find(|(one, _)| one == text);
        match composed {
            Some((_, lines)) => {
                missing.extend(
                    lines
                        .iter()
                        .filter(|line| rows(line) != 1)
                        .map(|line| (place, (*line).to_owned())),
                );
            }
            None if text.is_empty() || has_row(text) => {}
            None => missing.push((place, text.clone())),
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The first string behind each mark in the files below a directory.
fn collect(directory: &Path, texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).expect("the sources") {
        let path = entry.expect("the sources").path();
        if path.is_dir() {
            collect(&path, texts);
            continue;
        }
        let name = path.display().to_string();
        if !name.ends_with(".rs") || name.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("the sources");
        for mark in MARKS {
            for (at, _) in text.match_indices(mark) {
                let begin = at + mark.len();
                let line = 1 + text[..at].matches('\n').count();
                // Not every use of a name is followed by a text.
                let statement = text[begin..].split(';').next().unwrap_or_default();
                if mark == "Refused(" && !text[begin..].trim_start().starts_with('"') {
                    continue;
                }
                if let Some(found) = string(statement) {
                    texts.push((format!("{name}:{line}"), found));
                }
            }
        }
    }
}

/// The first string of a piece of source.
fn string(source: &str) -> Option<String> {
    let (_, rest) = source.split_once('"')?;
    let mut text = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                // The rest of the text is on the next line, behind its blanks.
                '\n' => chars = chars.as_str().trim_start().chars(),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
}

/// How many rows of the table a line fits.
fn rows(line: &str) -> usize {
    messages().filter(|message| message.fits(line)).count()
}

/// Whether the first line of a text for `format!` fits one row, with numbers, words or nothing for what it leaves open.
fn has_row(text: &str) -> bool {
    // A first line that another text is, or nothing.
    let others = ["{line}\n"];
    let text = others.iter().find_map(|other| text.strip_prefix(other)).unwrap_or(text);
    let line = text.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let mut parts = vec![String::new()];
    let mut is_open = false;
    for c in line.chars() {
        match c {
            '{' => is_open = true,
            '}' => {
                is_open = false;
                parts.push(String::new());
            }
            _ if is_open => {}
            c => parts.last_mut().expect("a part").push(c),
        }
    }
    let fillers = ["7", "something", ""];
    let count = u32::try_from(parts.len() - 1).expect("few");
    (0..3_usize.pow(count)).any(|number| {
        let mut line = parts[0].clone();
        for (at, part) in (0_u32..).zip(&parts[1..]) {
            line += fillers[number / 3_usize.pow(at) % 3];
            line += part;
        }
        let line = line.replace('\u{1}', "{").replace('\u{2}', "}");
        rows(line.lines().next().unwrap_or_default()) == 1
    })
}

/// Verifies code as a socket filter and explains its rejection.
fn verify(text: &str, capabilities: Capabilities) -> Report {
    let options = Options { capabilities, explain: true, ..options() };
    with_code(CLASSIFIER, text, options, |program| {
        let ty = kernel_model::program_type("socket_filter");
        crate::verify(&Program { btf: None, ty, ..program })
    })
}

fn message(report: &Report) -> &str {
    match &report.verdict {
        Verdict::Accept => "fine",
        Verdict::Reject(reject) => reject.message.lines().next().unwrap_or_default(),
        Verdict::Unsupported(what) => what,
    }
}

#[test]
fn examples_in_assembler_get_their_messages() {
    let (mut count, mut wrong) = (0, Vec::new());
    for row in messages() {
        let (text, capabilities) = match row.example {
            Example::Assembler(text) => (text, Capabilities::ALL),
            Example::Unprivileged(text) => (text, Capabilities::NONE),
            _ => continue,
        };
        let report = verify(text, capabilities);
        let is_explained = report.explanation.as_ref().is_some_and(|one| !one.labels.is_empty());
        if !row.fits(message(&report)) || !is_explained {
            wrong.push(format!("{}\n{text}\n{}", row.text, message(&report)));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(count >= 20, "{count}");
}

/// The labels of an explanation, a line each.
fn labels(text: &str) -> String {
    let Explanation { labels, .. } =
        verify(text, Capabilities::ALL).explanation.unwrap_or_default();
    labels.iter().map(|label| format!("{}: {}\n", label.pc, label.message)).collect()
}

#[test]
fn paths_are_told() {
    let cases = [
        (
            "r0 = *(u32 *)(r1 +0)\nr0 &= 7\nr2 = r10\nr2 += r0\nr0 = *(u64 *)(r2 +0)\nexit",
            "0: any number of 32 bits is loaded from the context\n1: it is computed here: a number from 0 to 7\n\
             3: the offset is added here\n",
        ),
        (
            "call 7\nr0 = r1\nexit",
            "0: the call of `bpf_get_prandom_u32` leaves R1 without a value\n",
        ),
        (
            "r0 = *(u32 *)(r1 +0)\nif r0 == 0 goto +1\nr6 = 1\nr0 = r6\nexit",
            "0: R6 has no value from the beginning\n1: the path leaves here; what it compares is 0\n",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(labels(text), expected, "{text}");
    }
}

#[test]
fn functions_are_refused_beside_one_another() {
    let object = corpus("functions/global");
    let linked = linked(&object);
    let found = linked.programs.iter().find(|program| program.name == "scalars");
    let found = found.expect("a program");
    let ty = |name: &str| {
        let btf = object.btf.as_ref().expect("types");
        btf.find(name, btf::Kind::Func).expect("a function").id()
    };
    let functions = [(0, "scalars"), (8, "adds"), (10, "adds")]
        .map(|(insn, name)| bpf_object::FuncInfo { insn, ty: ty(name) });
    let calls = |first| {
        format!(
            "{first}\nr2 = 2\ncall f\nr1 = 1\nr2 = 2\ncall g\nr0 = 0\nexit\nf: r0 = r6\nexit\ng: r0 = r7\nexit"
        )
    };
    for (first, verdict, also) in [
        ("r1 = 1", "R6 !read_ok", vec!["R7 !read_ok"]),
        ("r1 = r9", "R9 !read_ok", vec!["R6 !read_ok", "R7 !read_ok"]),
    ] {
        let code = isa::assemble(&calls(first)).expect("code");
        let raw = code.encode();
        let options = Options { explain: true, ..options() };
        let mut program = Program::new(&linked, found, types(), options);
        (program.code, program.raw) = (code, &raw);
        (program.functions, program.lines) = (&functions, &[]);
        let report = crate::verify(&program);
        assert_eq!(message(&report), verdict);
        let said: Vec<&str> = report.also.iter().map(|one| one.reject.message.as_str()).collect();
        assert_eq!(said, also);
        assert!(report.also.iter().all(|one| !one.explanation.labels.is_empty()));
    }
}
