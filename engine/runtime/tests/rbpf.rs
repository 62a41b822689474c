//! The interpreter against that of `rbpf`, which nobody here has written: random programs of arithmetic, jumps and accesses
//! to the stack must give the same result.

use isa::{Endian, Program, RawInsn};
use runtime::{Image, Input, Machine, Options};

/// Where `rbpf` is known to differ from Linux; none of it is generated but for the test of this list.
///
/// - Immediates of unsigned 64-bit comparisons are not sign-extended.
/// - Instructions of the fourth version are not known: division and remainder with signs (taken for those without),
///   moves and loads with signs, `bswap`.
/// - A remainder of 32 bits by 0 leaves the upper half as it was.
/// - Atomic operations are refused.
const DEVIATIONS: [(&str, u64, Option<u64>); 5] = [
    ("r0 = -1\nr1 = 0\nw0 %= w1\nexit", 0xffff_ffff, Some(u64::MAX)),
    ("r0 = -1\nif r0 == -1 goto +1\nr0 = 0\nexit", u64::MAX, Some(0)),
    ("r0 = -7\nr0 s/= 2\nexit", (-3_i64).cast_unsigned(), Some((-7_i64).cast_unsigned() / 2)),
    ("r1 = 0x80\nr0 = (s8)r1\nexit", (-128_i64).cast_unsigned(), Some(128)),
    ("r0 = 1\n*(u64 *)(r10 - 8) = r0\nlock *(u64 *)(r10 - 8) += r0\nexit", 1, None),
];

fn ours(insns: &[RawInsn]) -> u64 {
    let program_type = kernel_model::program_type("syscall").expect("is a type");
    let image = Image::of_instructions(program_type, insns, &[]);
    let outcome = Machine::new(&image, &Options::default()).expect("fits").run(&Input::default());
    assert_eq!(outcome.fault, None);
    outcome.retval
}

fn theirs(insns: &[RawInsn]) -> Option<u64> {
    let bytes: Vec<u8> = insns.iter().flat_map(|insn| insn.to_bytes(Endian::Little)).collect();
    rbpf::EbpfVmNoData::new(Some(&bytes)).ok()?.execute_program().ok()
}

/// Chance (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % count
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A number of which many are at the ends of what numbers can be.
    fn number(&mut self) -> u64 {
        const ENDS: [u64; 8] =
            [0, 1, u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 31, 0xffff_ffff, 0x7fff_ffff];
        if self.below(2) == 0 { self.of(&ENDS) } else { self.next() }
    }

    #[expect(clippy::cast_possible_truncation, reason = "an immediate is what fits")]
    fn immediate(&mut self) -> i32 {
        self.number() as i32
    }
}

/// A program: numbers in registers and on the stack, then instructions of all kinds, then all registers in one.
fn program(random: &mut Random) -> String {
    const OPERATORS: [&str; 12] = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "s>>", ""];
    const CONDITIONS: [&str; 11] =
        ["==", "!=", "<", "<=", ">", ">=", "s<", "s<=", "s>", "s>=", "&"];
    const TYPES: [(&str, usize); 4] = [("u8", 1), ("u16", 2), ("u32", 4), ("u64", 8)];
    let mut text = String::new();
    let mut say = |line: String| text += &format!("{line}\n");
    for register in 0..10 {
        say(format!("r{register} = {:#x} ll", random.number()));
    }
    for slot in 1..=4 {
        say(format!("*(u64 *)(r10 - {}) = r{}", 8 * slot, random.below(10)));
    }
    for label in 0..40 {
        let (dst, src, half) = (random.below(10), random.below(10), random.of(&['r', 'w']));
        match random.below(8) {
            0..=3 => {
                let operator = random.of(&OPERATORS);
                let half = if operator == "%" { 'r' } else { half };
                if random.below(2) == 0 {
                    say(format!("{half}{dst} {operator}= {half}{src}"));
                } else {
                    let number = match operator {
                        "<<" | ">>" | "s>>" => i32::try_from(random.below(32)).unwrap_or(0),
                        "/" | "%" => random.immediate().max(1),
                        _ => random.immediate(),
                    };
                    say(format!("{half}{dst} {operator}= {number}"));
                }
            }
            4 => {
                let kind = random.of(&["be16", "be32", "be64", "le16", "le32", "le64", "-"]);
                match kind {
                    // The least number has no negative, which stops `rbpf` when it is checked for overflow.
                    "-" => say(format!("w{dst} = -w{dst}")),
                    _ => say(format!("r{dst} = {kind} r{dst}")),
                }
            }
            5 => {
                // Those without signs do not get negative numbers.
                let condition = random.of(&CONDITIONS);
                let rhs = if random.below(2) == 0 {
                    format!("{half}{src}")
                } else {
                    let number = random.immediate();
                    let number = if half == 'r' { number & i32::MAX } else { number };
                    number.to_string()
                };
                say(format!("if {half}{dst} {condition} {rhs} goto l{label}"));
                say(format!("r{src} += 1\nl{label}:"));
            }
            kind => {
                let (ty, size) = random.of(&TYPES);
                let offset = 32 - random.below(32 / size) * size;
                if kind == 6 {
                    say(format!("r{dst} = *({ty} *)(r10 - {offset})"));
                } else if random.below(2) == 0 {
                    say(format!("*({ty} *)(r10 - {offset}) = r{dst}"));
                } else {
                    say(format!("*({ty} *)(r10 - {offset}) = {}", random.immediate()));
                }
            }
        }
    }
    for register in 1..10 {
        say(format!("r0 *= 31\nr0 ^= r{register}"));
    }
    say("exit".to_owned());
    text
}

#[test]
fn random_programs_give_the_same_result() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..2_000 {
        let text = program(&mut random);
        let insns = isa::assemble(&text).expect("can be assembled").encode();
        assert_eq!(Some(ours(&insns)), theirs(&insns), "{text}");
    }
}

#[test]
fn deviations_are_as_listed() {
    for (text, right, other) in DEVIATIONS {
        let insns = isa::assemble(text).map(|program: Program| program.encode());
        let insns = insns.expect("can be assembled");
        assert_eq!(ours(&insns), right, "{text}");
        assert_eq!(theirs(&insns), other, "{text}");
    }
}
