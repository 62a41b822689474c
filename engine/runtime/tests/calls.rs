//! What helpers and kfuncs return, one case a line: a program in assembler and what it leaves in R0. Expected errors are
//! those of Linux 6.18.

use isa::assemble;
use runtime::{Image, Input, Machine, Options};

const KFUNCS: &[&str] = &[
    "bpf_res_spin_lock",
    "bpf_res_spin_unlock",
    "bpf_res_spin_lock_irqsave",
    "bpf_res_spin_unlock_irqrestore",
];

fn machine_result(image: &Image, times: u32) -> u64 {
    let mut machine = Machine::new(image, &Options::default()).expect("fits");
    let input = Input { budget: 1 << 16, ..Input::default() };
    for _ in 1..times {
        machine.run(&input);
    }
    let outcome = machine.run(&input);
    assert_eq!(outcome.fault, None);
    outcome.retval
}

fn image(text: &str) -> Image {
    let program = assemble(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let program_type = kernel_model::program_type("syscall").expect("is a type");
    Image::of_instructions(program_type, &program.encode(), KFUNCS)
}

fn result(text: &str) -> i64 {
    machine_result(&image(text), 1).cast_signed()
}

/// Kernel functions return an `int`; programs that look at 64 bits see it as unsigned.
fn int(number: i32) -> i64 {
    i64::from(number.cast_unsigned())
}

/// `call`s a kfunc with the address of a lock on the stack.
fn lock(kfunc: usize, at: i32) -> String {
    format!("r1 = r10\nr1 += {at}\nr2 = r10\nr2 += -64\ncall kfunc({kfunc})\n")
}

#[test]
fn locks_that_are_held() {
    const EDEADLK: i32 = -35;
    let cases: &[(&[(usize, i32)], i32)] = &[
        (&[(0, -8)], 0),
        (&[(0, -8), (0, -8)], EDEADLK),
        (&[(0, -8), (0, -16)], 0),
        (&[(0, -8), (1, -8), (0, -8)], 0),
        (&[(0, -8), (0, -16), (1, -16), (0, -8)], EDEADLK),
        (&[(0, -8), (2, -8)], EDEADLK),
        (&[(2, -8), (3, -8), (2, -8)], 0),
    ];
    for (calls, expected) in cases {
        let body: String = calls.iter().map(|(kfunc, at)| lock(*kfunc, *at)).collect();
        assert_eq!(result(&format!("{body}exit")), int(*expected), "{calls:?}");
    }
    // What a run that ended early still held is free for the next one.
    assert_eq!(machine_result(&image(&format!("{}exit", lock(0, -8))), 2), 0);
}

/// `bpf_probe_read_kernel_str` is helper 115: a text has to end, or the buffer before it.
#[test]
fn strings_of_the_kernel() {
    const EFAULT: i64 = -14;
    // "abc" and a zero, or the last 8 bytes of the stack without one.
    let call = |text: &str, size: u32| {
        format!(
            "r3 = {text} ll\n*(u64 *)(r10 - 8) = r3\nr3 = r10\nr3 += -8\nr1 = r10\nr1 += -64\nr2 = {size}\n\
             call bpf_probe_read_kernel_str#115\nexit"
        )
    };
    let cases = [
        ("0x636261", 8, 4),
        ("0x636261", 4, 4),
        ("0x636261", 3, 3),
        ("0x636261", 1, 1),
        ("0x636261", 0, 0),
        ("0x6867666564636261", 8, 8),
        ("0x6867666564636261", 16, EFAULT),
    ];
    for (text, size, expected) in cases {
        assert_eq!(result(&call(text, size)), expected, "{text} into {size}");
    }
}

/// `bpf_strtol` is helper 105 and `bpf_strtoul` 106: how much of 8 bytes is a number, and its value if it is one.
#[test]
fn numbers_in_text() {
    const EINVAL: i64 = -22;
    let parse = |helper: &str, text: &str, base: u32| {
        let mut bytes = [0; 8];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        let call = format!(
            "r3 = {:#x} ll\n*(u64 *)(r10 - 8) = r3\nr1 = r10\nr1 += -8\nr2 = 8\nr3 = {base}\nr4 = r10\nr4 += -16\n\
             call {helper}\n",
            u64::from_le_bytes(bytes)
        );
        let length = result(&format!("{call}exit"));
        (length, result(&format!("{call}r0 = *(u64 *)(r10 - 16)\nexit")))
    };
    let cases = [
        ("12", 10, (2, 12)),
        ("-12", 10, (3, -12)),
        (" \x0b7x", 10, (3, 7)),
        ("0x1f", 0, (4, 31)),
        ("0X1f", 16, (4, 31)),
        ("1f", 16, (2, 31)),
        ("017", 0, (3, 15)),
        ("08", 0, (1, 0)),
        ("0xg", 0, (1, 0)),
        ("0xg", 16, (EINVAL, 0)),
        ("+1", 10, (EINVAL, 0)),
        ("-", 10, (EINVAL, 0)),
        ("1", 2, (EINVAL, 0)),
        ("1", 1 << 5, (EINVAL, 0)),
    ];
    for (text, base, expected) in cases {
        assert_eq!(parse("bpf_strtol#105", text, base), expected, "{text:?} to base {base}");
    }
    assert_eq!(parse("bpf_strtoul#106", "12", 0), (2, 12));
    assert_eq!(parse("bpf_strtoul#106", "-1", 0), (EINVAL, 0));
}
