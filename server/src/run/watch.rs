//! Watching a run: which lines are executed, and what they read and write.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use runtime::{Location, Step, Trace};

/// Lines and branches that were executed, and, if asked for, each step in words.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Keep each step in words.
    tells: bool,
    /// How often each line was begun, by file and line.
    lines: BTreeMap<(Arc<str>, u32), u64>,
    /// How often each instruction was followed by another one than the next, and by the next.
    branches: BTreeMap<(Arc<str>, u32, u32), (u64, u64)>,
    /// The steps, a line each.
    pub told: String,
    /// The text of lines, by file and line.
    texts: BTreeMap<(String, u32), String>,
    last: Option<(Location, [u64; 11])>,
}

/// So much is told at most.
const MOST: usize = 16 << 20;

impl Trace for Watch {
    fn step(&mut self, step: &Step<'_>) {
        let at = step.location();
        let mut registers = [0; 11];
        registers.copy_from_slice(&step.registers[..11]);
        let last = self.last.replace((at.clone(), registers));
        let same = |last: &Location| last.file == at.file && last.line == at.line;
        if last.as_ref().is_none_or(|(last, _)| !same(last)) {
            if at.line > 0 {
                *self.lines.entry((at.file.clone(), at.line)).or_default() += 1;
            }
            if let Some((last, before)) = &last {
                self.tell_changes(last, before, &registers);
            }
            self.tell_line(&at);
        }
        if let Some((last, _)) = last
            && last.line > 0
            && last.program == at.program
        {
            let (jumped, fell) =
                self.branches.entry((last.file, last.line, last.insn)).or_default();
            *if at.insn == last.insn + 1 { fell } else { jumped } += 1;
        }
    }
}

impl Watch {
    /// One that has seen nothing; whether it keeps each step in words, with the text of lines by file and line.
    pub fn new(tells: bool, texts: BTreeMap<(String, u32), String>) -> Self {
        Self { tells, texts, ..Self::default() }
    }

    fn tell_line(&mut self, at: &Location) {
        if self.tells && self.told.len() < MOST {
            // Writing to a string does not fail, here and below.
            let _ = match at.line {
                0 => writeln!(self.told, "{}: instruction {}", at.program, at.insn),
                line => {
                    let text =
                        self.texts.get(&(at.file.to_string(), line)).map_or("", |text| text.trim());
                    writeln!(self.told, "{}:{line}: {text}", at.file)
                }
            };
        }
    }

    /// What the line before has put into registers.
    fn tell_changes(&mut self, _: &Location, before: &[u64; 11], after: &[u64; 11]) {
        if !self.tells || self.told.len() >= MOST {
            return;
        }
        for (number, (old, new)) in before.iter().zip(after).enumerate().take(10) {
            if old != new {
                let _ = writeln!(self.told, "    r{number} = {new:#x}");
            }
        }
    }

    /// The lines that were executed: file, line and how often.
    pub fn lines(&self) -> impl Iterator<Item = (&str, u32, u64)> {
        self.lines.iter().map(|((file, line), count)| (&**file, *line, *count))
    }
}

/// Coverage in the format of lcov: `known` are all lines that have code, by file.
pub fn lcov(watch: &Watch, known: &BTreeMap<String, Vec<u32>>) -> String {
    let mut out = String::new();
    for (file, lines) in known {
        let _ = writeln!(out, "TN:\nSF:{file}");
        let mut hit = 0;
        for line in lines {
            let found = watch.lines().find(|(of, number, _)| of == file && number == line);
            let count = found.map_or(0, |(_, _, count)| count);
            hit += usize::from(count > 0);
            let _ = writeln!(out, "DA:{line},{count}");
        }
        let (mut branches, mut taken) = (0, 0);
        for ((of, line, insn), (jumped, fell)) in &watch.branches {
            if &**of != file || (*jumped == 0) == (*fell == 0) && *jumped == 0 {
                continue;
            }
            // Instructions that only ever go on to the next are no branches.
            if *jumped == 0 {
                continue;
            }
            for (number, count) in [(0, jumped), (1, fell)] {
                let _ = writeln!(out, "BRDA:{line},{insn},{number},{count}");
                branches += 1;
                taken += usize::from(*count > 0);
            }
        }
        let _ = writeln!(
            out,
            "BRF:{branches}\nBRH:{taken}\nLF:{}\nLH:{hit}\nend_of_record",
            lines.len()
        );
    }
    out
}
