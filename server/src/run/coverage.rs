//! Which lines and branches are executed, over any number of runs and programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;

use bpf_object::{Linked, Program};
use runtime::{Image, OpIndex, Step, Trace};

/// Lines and branches with how often they were executed. Those of a program are known, with 0, once one of its runs was
/// added.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    files: BTreeMap<String, File>,
}

#[derive(Clone, Debug, Default)]
struct File {
    lines: BTreeMap<u32, Line>,
    branches: BTreeMap<Branch, (u64, u64)>,
}

#[derive(Clone, Debug, Default)]
struct Line {
    count: u64,
    text: String,
}

/// A conditional jump. The same line can have many, and those of an inlined function are in several programs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Branch {
    line: u32,
    /// The object and the program in it.
    program: (String, Arc<str>),
    insn: u32,
}

/// Counts during the runs of one image.
#[derive(Clone, Debug)]
pub(super) struct Counter {
    /// The line of each instruction, as a place in `lines`.
    line_of: Vec<Option<usize>>,
    lines: Vec<(Arc<str>, u32)>,
    counts: Vec<u64>,
    /// Where conditional jumps lead to, by instruction.
    targets: BTreeMap<OpIndex, OpIndex>,
    /// How often they were taken and not taken.
    branches: BTreeMap<OpIndex, (u64, u64)>,
    /// The line that each function which is open is in.
    current: Vec<Option<usize>>,
    /// The conditional jump that was just executed.
    jump: Option<OpIndex>,
}

impl Counter {
    pub(super) fn new(image: &Image) -> Self {
        let mut lines: Vec<(Arc<str>, u32)> = Vec::new();
        let mut known = BTreeMap::new();
        let mut line_of = Vec::new();
        for index in 0..u32::try_from(image.len()).unwrap_or(u32::MAX) {
            let at = image.location(OpIndex(index));
            line_of.push((at.line > 0).then(|| {
                *known.entry((at.file.clone(), at.line)).or_insert_with(|| {
                    lines.push((at.file.clone(), at.line));
                    lines.len() - 1
                })
            }));
        }
        Self {
            counts: vec![0; lines.len()],
            line_of,
            lines,
            targets: image.branches().collect(),
            branches: BTreeMap::new(),
            current: Vec::new(),
            jump: None,
        }
    }
}

impl Trace for Counter {
    fn begin(&mut self) {
        self.current.clear();
        self.jump = None;
    }

    fn step(&mut self, step: &Step<'_>) {
        if let Some(jump) = self.jump.take() {
            let (taken, not_taken) = self.branches.entry(jump).or_default();
            let was_taken = self.targets.get(&jump) == Some(&step.op);
            *if was_taken { taken } else { not_taken } += 1;
        }
        if self.targets.contains_key(&step.op) {
            self.jump = Some(step.op);
        }
        // A function that is called anew begins its first line again; its caller goes on with its own.
        let is_deeper = step.depth >= self.current.len();
        self.current.resize(step.depth + 1, None);
        let line = self.line_of.get(step.op.index()).copied().flatten();
        if let Some(line) = line
            && (is_deeper || self.current[step.depth] != Some(line))
        {
            self.current[step.depth] = Some(line);
            self.counts[line] += 1;
        }
    }
}

impl Coverage {
    /// Adds what was counted in an object of this name.
    pub(super) fn add(
        &mut self,
        object: &str,
        image: &Image,
        linked: &Linked<'_>,
        counter: &Counter,
    ) {
        for ((file, line), count) in counter.lines.iter().zip(&counter.counts) {
            let file = self.files.entry(file.to_string()).or_default();
            file.lines.entry(*line).or_default().count += count;
        }
        for (op, _) in image.branches() {
            let at = image.location(op);
            if at.line == 0 {
                continue;
            }
            let (taken, not_taken) = counter.branches.get(&op).copied().unwrap_or_default();
            let program = (object.to_owned(), at.program);
            let branch = Branch { line: at.line, program, insn: at.insn };
            let file = self.files.entry(at.file.to_string()).or_default();
            let known = file.branches.entry(branch).or_default();
            *known = (known.0 + taken, known.1 + not_taken);
        }
        for program in &linked.programs {
            self.add_texts(linked, program);
        }
    }

    fn add_texts(&mut self, linked: &Linked<'_>, program: &Program) {
        for insn in 0..program.insns.len() {
            let Some(source) = linked.source_line(program, insn) else { continue };
            let file = self.files.get_mut(source.file);
            if let Some(line) = file.and_then(|file| file.lines.get_mut(&source.line))
                && line.text.is_empty()
            {
                source.text.clone_into(&mut line.text);
            }
        }
    }

    /// Coverage in the format of lcov. Each conditional jump is a block of two branches: taken, and not.
    pub fn lcov(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        for (name, file) in &self.files {
            let _ = writeln!(out, "TN:\nSF:{name}");
            let mut hit = 0;
            for (block, (branch, (taken, not_taken))) in file.branches.iter().enumerate() {
                for (number, count) in [taken, not_taken].into_iter().enumerate() {
                    let line = branch.line;
                    let _ = match taken + not_taken {
                        0 => writeln!(out, "BRDA:{line},{block},{number},-"),
                        _ => writeln!(out, "BRDA:{line},{block},{number},{count}"),
                    };
                    hit += usize::from(*count > 0);
                }
            }
            let _ = writeln!(out, "BRF:{}\nBRH:{hit}", 2 * file.branches.len());
            for (number, line) in &file.lines {
                let _ = writeln!(out, "DA:{number},{}", line.count);
            }
            let (all, hit) = file.totals();
            let _ = writeln!(out, "LF:{all}\nLH:{hit}\nend_of_record");
        }
        out
    }

    /// The lines that have code, with how often each was begun and how many of the branches on it were taken.
    ///
    /// # Errors
    ///
    /// If `out` does not take it.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for (name, file) in &self.files {
            let (all, hit) = file.totals();
            let gone: usize = file.branches.values().map(gone).sum();
            writeln!(
                out,
                "{name}: {hit} of {all} lines, {gone} of {} branches",
                2 * file.branches.len()
            )?;
            for (number, line) in &file.lines {
                // Texts come from the object, which may be anybody's.
                let text = line.text.replace(|c: char| c.is_control() && c != '\t', "\u{fffd}");
                let branches = match file.ways(*number) {
                    (_, 0) => String::new(),
                    (gone, all) => format!("{gone}/{all}"),
                };
                writeln!(out, "{:>8} {branches:>5} {number:>5}  {text}", line.count)?;
            }
        }
        Ok(())
    }
}

/// How many of the two ways of a jump were gone.
fn gone((taken, not_taken): &(u64, u64)) -> usize {
    usize::from(*taken > 0) + usize::from(*not_taken > 0)
}

impl File {
    /// How many ways there are on a line, and how many of them were gone.
    fn ways(&self, line: u32) -> (usize, usize) {
        let on_line = self.branches.iter().filter(|(branch, _)| branch.line == line);
        on_line.fold((0, 0), |(some, all), (_, counts)| (some + gone(counts), all + 2))
    }

    /// How many lines there are, and how many of them were executed.
    fn totals(&self) -> (usize, usize) {
        (self.lines.len(), self.lines.values().filter(|line| line.count > 0).count())
    }
}
