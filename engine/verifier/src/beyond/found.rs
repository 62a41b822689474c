//! What was found, until all paths were followed: some of it depends on what is seen elsewhere.

use isa::Pc;
use rustc_hash::{FxHashMap, FxHashSet};

use super::NoteKind;
use super::table;
use crate::explain::{Label, Note};
use crate::program::Program;

/// So many ends of paths are told of a note.
const MOST_LABELS: usize = 5;

/// What a note depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Condition {
    /// Nothing.
    None,
    /// The global function writes to the packet, or to one that it is given as one of these arguments.
    Writes { subprog: u32, arguments: u8 },
    /// These bytes of frames of the subprogram are no buffer of a slice anywhere.
    NoBuffer { subprog: u32, at: i64 },
    /// Nothing in the program makes the kernel un-share the packet.
    Shared,
    /// The slice made there is never written back.
    NeverWritten(Pc),
}

/// What a global function writes to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Effect {
    /// The packet.
    Packet,
    /// The dynptr that is this argument.
    Argument(u8),
}

/// A call of a global function by another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Passes {
    caller: u32,
    callee: u32,
    /// The argument of the caller that is passed as which argument.
    arguments: Option<(u8, u8)>,
}

/// A note that may be given.
#[derive(Clone, Debug)]
struct Candidate {
    note: Note,
    condition: Condition,
    /// The call that made the slice it is about.
    about: Option<Pc>,
}

/// A line of C and the column in it; of code that comes from none, the instruction.
type Line = (u32, u32);

fn line_of(program: &Program<'_>, pc: Pc) -> Line {
    let behind = program.lines.partition_point(|line| line.insn <= pc.0);
    let line = behind.checked_sub(1).and_then(|index| program.lines.get(index));
    line.map_or((u32::MAX, pc.0), |line| (line.file, line.line_column))
}

/// The author says that the result does not matter.
fn is_cast_to_void(program: &Program<'_>, pc: Pc) -> bool {
    let line = program.linked.source_line(program.linked_program, pc.index());
    line.is_some_and(|line| line.text.contains("(void)"))
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    candidates: Vec<Candidate>,
    by_place: FxHashMap<(&'static str, Pc, Option<Pc>), usize>,
    fine: FxHashSet<(&'static str, Pc)>,
    fine_lines: FxHashSet<(&'static str, Line)>,
    buffers: FxHashSet<(u32, i64)>,
    written: FxHashSet<Pc>,
    effects: FxHashSet<(u32, Effect)>,
    passes: FxHashSet<Passes>,
    /// A slice that can be written, or a store to the packet, makes the kernel un-share packets.
    pub unshares: bool,
}

impl Found {
    /// Something is wrong at an instruction, on a path. It is about the slice made at `about`.
    pub(super) fn note(
        &mut self,
        kind: &'static NoteKind,
        pc: Pc,
        message: impl FnOnce() -> String,
        about: Option<Pc>,
        labels: &[(Pc, &str)],
    ) {
        self.note_if(kind, pc, message, (about, Condition::None), labels);
    }

    /// As [`Self::note`], if something else turns out to be so.
    pub(super) fn note_if(
        &mut self,
        kind: &'static NoteKind,
        pc: Pc,
        message: impl FnOnce() -> String,
        (about, condition): (Option<Pc>, Condition),
        labels: &[(Pc, &str)],
    ) {
        let index = *self.by_place.entry((kind.code, pc, about)).or_insert_with(|| {
            let note = Note { pc, kind, message: message(), labels: Vec::new() };
            self.candidates.push(Candidate { note, condition, about });
            self.candidates.len() - 1
        });
        let Some(candidate) = self.candidates.get_mut(index) else { return };
        if candidate.condition != condition && condition == Condition::None {
            candidate.condition = condition;
        }
        for &(pc, message) in labels {
            let known = &mut candidate.note.labels;
            if known.len() < MOST_LABELS && !known.iter().any(|label| label.pc == pc) {
                known.push(Label { pc, message: message.to_owned() });
            }
        }
    }

    /// At this instruction it is right on some path, so that nothing of this kind is noted there.
    pub(super) fn fine(&mut self, kind: &'static NoteKind, pc: Pc) {
        self.fine.insert((kind.code, pc));
    }

    /// Bytes of frames of a subprogram are the buffer of a slice.
    pub(super) fn buffer(&mut self, subprog: u32, at: i64) {
        self.buffers.insert((subprog, at));
    }

    /// What was stored through the slice made there is written back, on some path.
    pub(super) fn written(&mut self, made: Pc) {
        self.written.insert(made);
    }

    /// A global function writes to something.
    pub(super) fn effect(&mut self, subprog: u32, effect: Effect) {
        self.effects.insert((subprog, effect));
    }

    /// A global function calls another, perhaps with an argument of its own.
    pub(super) fn passes(&mut self, caller: u32, callee: u32, arguments: Option<(u8, u8)>) {
        self.passes.insert(Passes { caller, callee, arguments });
    }

    /// What remains, in the order of the program.
    ///
    /// Compilers copy code: what is right in one copy of a line is not noted in the others, and what is wrong is noted
    /// once.
    pub(super) fn finish(mut self, program: &Program<'_>) -> Vec<Note> {
        self.fine_lines =
            self.fine.iter().map(|(code, pc)| (*code, line_of(program, *pc))).collect();
        self.spread_effects();
        let mistaken: Vec<(Option<Pc>, &str)> =
            [&table::OTHER_PLACE, &table::WRONG_BUFFER, &table::INVERTED]
                .iter()
                .flat_map(|kind| {
                    let of_kind =
                        self.candidates.iter().filter(|one| one.note.kind.code == kind.code);
                    of_kind.filter(|one| self.holds(one)).map(|one| (one.about, kind.code))
                })
                .collect();
        let is_consequence = |one: &Candidate| {
            let is_lost = one.note.kind.code == table::LOST_STORE.code;
            is_lost && one.about.is_some() && mistaken.iter().any(|(about, _)| *about == one.about)
        };
        let kept = self
            .candidates
            .iter()
            .filter(|one| self.holds(one) && self.is_first(one) && !is_consequence(one));
        let mut notes: Vec<Note> = kept.map(|one| one.note.clone()).collect();
        notes.sort_by_key(|note| (note.pc, note.kind.code));
        notes.retain(|note| {
            note.kind.code != table::IGNORED.code || !is_cast_to_void(program, note.pc)
        });
        notes
            .retain(|note| !self.fine_lines.contains(&(note.kind.code, line_of(program, note.pc))));
        let mut said = FxHashSet::default();
        notes.retain(|note| said.insert((note.kind.code, line_of(program, note.pc))));
        notes
    }

    /// What is wrong with a slice or dynptr is said once, where it is met first.
    fn is_first(&self, candidate: &Candidate) -> bool {
        let is_of_same = |one: &&Candidate| {
            one.about == candidate.about && one.note.kind.code == candidate.note.kind.code
        };
        let same = self.candidates.iter().filter(is_of_same).filter(|one| self.holds(one));
        candidate.about.is_none() || same.map(|one| one.note.pc).min() == Some(candidate.note.pc)
    }

    fn holds(&self, candidate: &Candidate) -> bool {
        let note = &candidate.note;
        let holds = match candidate.condition {
            Condition::None => true,
            Condition::Writes { subprog, arguments } => {
                self.effects.iter().any(|(known, effect)| {
                    let matters = match effect {
                        Effect::Packet => true,
                        Effect::Argument(index) => arguments >> index & 1 != 0,
                    };
                    *known == subprog && matters
                })
            }
            Condition::NoBuffer { subprog, at } => !self.buffers.contains(&(subprog, at)),
            Condition::Shared => !self.unshares,
            Condition::NeverWritten(made) => !self.written.contains(&made),
        };
        holds && !self.fine.contains(&(note.kind.code, note.pc))
    }

    /// What a global function calls, it does itself.
    fn spread_effects(&mut self) {
        loop {
            let before = self.effects.len();
            for passes in &self.passes {
                let effect = match passes.arguments {
                    None => Effect::Packet,
                    Some((_, to)) => Effect::Argument(to),
                };
                if self.effects.contains(&(passes.callee, effect)) {
                    let own =
                        passes.arguments.map_or(Effect::Packet, |(from, _)| Effect::Argument(from));
                    self.effects.insert((passes.caller, own));
                }
            }
            if self.effects.len() == before {
                return;
            }
        }
    }
}
