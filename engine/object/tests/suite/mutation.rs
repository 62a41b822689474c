//! Objects with some bytes changed: nothing panics, and nothing takes long.

use std::time::{Duration, Instant};

use bpf_object::{fuzz_core, fuzz_elf};

use crate::{file, objects};

/// A sequence of numbers that looks random and is always the same (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).expect("48 bits")
    }

    /// Changes some bytes, more often to those that make trouble.
    fn change(&mut self, bytes: &mut [u8]) {
        for _ in 0..1 + self.next() % 6 {
            let at = self.next() % bytes.len();
            bytes[at] = match self.next() % 4 {
                0 => 0xff,
                1 => 0,
                2 => bytes[at].wrapping_add(1),
                _ => self.next().to_le_bytes()[0],
            };
        }
    }
}

#[test]
fn changed_objects_do_no_harm() {
    let objects: Vec<_> = objects().iter().map(|name| file(name)).collect();
    objects.iter().for_each(|object| fuzz_elf(object));
    let (mut numbers, start) = (Numbers(0x9e37_79b9_7f4a_7c15), Instant::now());
    let mut rounds = 0;
    while start.elapsed() < Duration::from_secs(1) {
        let mut changed = objects[numbers.next() % objects.len()].clone();
        numbers.change(&mut changed);
        let begin = Instant::now();
        fuzz_elf(&changed);
        assert!(begin.elapsed() < Duration::from_secs(2), "round {rounds}");
        rounds += 1;
    }
    assert!(rounds > 100, "{rounds}");
}

#[test]
fn cut_objects_do_no_harm() {
    for name in ["core.bpf.o", "maps.bpf.be.o", "struct_ops.bpf.o"] {
        let whole = file(name);
        for end in (0..whole.len()).step_by(61) {
            fuzz_elf(&whole[..end]);
        }
    }
}

#[test]
fn relocations_against_changed_types_do_no_harm() {
    let types = file("kernel.btf");
    let (mut numbers, start) = (Numbers(0x1234_5678_9abc_def1), Instant::now());
    let mut rounds = 0;
    while start.elapsed() < Duration::from_millis(500) {
        let mut input: Vec<u8> = (0..32).map(|_| numbers.next().to_le_bytes()[0]).collect();
        let head = input.len();
        input.extend(&types);
        for record in input[..head].chunks_exact_mut(8) {
            (record[0], record[3]) = (record[0] % 100, record[3] % 14);
        }
        numbers.change(&mut input[head..]);
        fuzz_core(&input);
        rounds += 1;
    }
    assert!(rounds > 100, "{rounds}");
}
