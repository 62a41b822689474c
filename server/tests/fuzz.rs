//! A second of fuzzing: the fuzz target `check` on damaged programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A small generator, so that each run tries the same inputs in the same order.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).expect("48 bits fit") % limit.max(1)
    }
}

/// What is put into programs: the beginnings and ends of everything that nests, and odd bytes.
const PIECES: [&str; 24] = [
    "{",
    "}",
    "(",
    ")",
    "\"",
    "'",
    "/*",
    "*/",
    "//",
    "#if 0\n",
    "#endif\n",
    "#define f(x) x##x\n",
    "\\\n",
    ";",
    "goto l;",
    "return",
    "&",
    "*",
    "é",
    "\u{feff}",
    "\0",
    "// bpf-analyzer: allow(",
    "SEC(",
    "bpf_for(",
];

fn programs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("lies in the repository");
    let mut programs = Vec::new();
    for directory in ["examples", "tests/catalogue"] {
        for entry in fs::read_dir(root.join(directory)).expect("is there") {
            let path = entry.expect("can be read").path();
            programs
                .extend(path.extension().is_some_and(|extension| extension == "c").then_some(path));
        }
    }
    programs.sort();
    programs
}

/// `program` with a few pieces cut, doubled or put in.
fn damaged(program: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = program.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let end = (at + random.below(200)).min(bytes.len());
        match random.below(3) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            _ => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].bytes())),
        }
    }
    bytes
}

#[test]
fn damaged_programs_are_checked() {
    let programs: Vec<Vec<u8>> =
        programs().iter().map(|path| fs::read(path).expect("can be read")).collect();
    assert!(programs.len() > 4);
    let mut random = Random(0x5eed);
    let started = Instant::now();
    let mut checked = 0;
    while started.elapsed() < Duration::from_secs(1) || checked < programs.len() {
        let program = &programs[checked % programs.len()];
        bpf_analyzer::fuzz::check(&damaged(program, &mut random));
        checked += 1;
    }
}
