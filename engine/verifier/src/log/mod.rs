//! The log, in the kernel's format: what is printed when, and the closing lines.

mod insn;
mod number;
mod state;

use std::fmt::Write as _;

use bpf_object::LineInfo;
use isa::Pc;

pub(crate) use insn::write_insn;
pub(crate) use state::{Touched, print_state, write_frame};

use crate::cx::Cx;
use crate::explore::Stats;
use crate::program::Program;
use crate::state::State;

/// What the kernel prints while it verifies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    /// 0, 1 or 2, and 4 for statistics alone.
    pub level: u32,
    /// The text so far; of a very long one its end.
    pub text: String,
    /// How much of its beginning is gone.
    dropped: usize,
    /// Registers of the innermost frame to be printed with the next instruction, as bits (`scratched_regs`).
    pub touched_regs: u16,
    /// Slots of the stack to be printed with it, as bits (`scratched_stack_slots`).
    pub touched_slots: u64,
    /// Where the text ended when an instruction was printed last; 0 if none was (`prev_log_pos`).
    insn_end: usize,
    /// How long the line of that instruction was (`prev_insn_print_pos`).
    insn_len: usize,
    /// The line of source that was printed last (`prev_linfo`).
    line: Option<LineInfo>,
}

impl Log {
    /// An empty log of this level.
    pub(crate) fn new(level: u32) -> Self {
        Self { level, ..Self::default() }
    }

    /// Whether instructions and states are printed (`BPF_LOG_LEVEL`).
    pub(crate) fn is_on(&self) -> bool {
        self.level & 3 != 0
    }

    /// Whether everything is printed (`BPF_LOG_LEVEL2`).
    pub(crate) fn is_verbose(&self) -> bool {
        self.level & 2 != 0
    }

    /// The next instruction is printed with the whole innermost frame (`mark_verifier_state_scratched`).
    pub(crate) fn touch_all(&mut self) {
        self.touched_regs = u16::MAX;
        self.touched_slots = u64::MAX;
    }

    /// Something was touched (`verifier_state_scratched`).
    fn is_touched(&self) -> bool {
        self.touched_regs != 0 || self.touched_slots != 0
    }

    /// The end of the text.
    pub(crate) fn position(&self) -> usize {
        self.dropped + self.text.len()
    }

    /// What was printed since then is forgotten (`bpf_vlog_reset`).
    pub(crate) fn reset(&mut self, position: usize) {
        self.text.truncate(position.saturating_sub(self.dropped));
        self.dropped = self.dropped.min(position);
    }

    /// Drops the beginning of a text that is too long, as a buffer of the kernel does.
    fn trim(&mut self) {
        if self.text.len() > 2 * LONGEST {
            let excess = self.text.len() - LONGEST;
            let line = self.text.as_bytes()[excess..].iter().position(|byte| *byte == b'\n');
            let begin = line.map_or(0, |line| excess + line + 1);
            self.text.drain(..begin);
            self.dropped += begin;
        }
    }

    /// A function is verified from its beginning.
    pub(crate) fn begin(&mut self) {
        self.line = None;
    }
}

/// At least so many bytes of a log are kept.
const LONGEST: usize = 16 << 20;
/// The columns of a line before the state behind it begin here (`BPF_LOG_ALIGNMENT`).
const COLUMN: usize = 40;
/// Longer lines are continued at multiples of this (`BPF_LOG_MIN_ALIGNMENT`).
const TAB: usize = 8;

/// What was touched by an instruction, behind it or, if something came between, on a line of its own
/// (`print_insn_state`).
pub(crate) fn print_touched(cx: &mut Cx<'_>, state: &State) {
    let log = &mut cx.log;
    if log.insn_end != 0 && log.insn_end == log.position() {
        log.text.pop();
        let end = (log.insn_len + TAB / 2).max(COLUMN).next_multiple_of(TAB);
        let spaces = end - log.insn_len - 1;
        // Writing to a string does not fail.
        let _ = write!(log.text, "{:spaces$};", "");
    } else {
        let _ = write!(log.text, "{}:", cx.pc);
    }
    let touched = Touched { regs: log.touched_regs, slots: log.touched_slots };
    let frame = state.frames.len() - 1;
    write_frame(&mut log.text, cx.program, state, frame, touched);
    log.text.push('\n');
    log.touched_regs = 0;
    log.touched_slots = 0;
}

/// What the last instruction touched, the line of source, and the instruction (part of `do_check`).
pub(crate) fn print_step(cx: &mut Cx<'_>, state: &State) {
    if cx.log.is_touched() {
        print_touched(cx, state);
    }
    let pc = cx.pc;
    print_line(cx, pc);
    let log = &mut cx.log;
    log.trim();
    let begin = log.position();
    let _ = write!(log.text, "{pc}: ");
    let hidden = write_insn(&mut log.text, cx.program, pc);
    log.text.push('\n');
    log.insn_end = log.position();
    log.insn_len = log.insn_end - begin + hidden;
}

/// The line of source of an instruction, unless it was printed last (`verbose_linfo`).
pub(crate) fn print_line(cx: &mut Cx<'_>, pc: Pc) {
    if cx.log.level == 0 {
        return;
    }
    let Some(line) = line_of(cx.program, pc) else { return };
    let place = |line: &LineInfo| (line.file, line.line());
    if cx.log.line.as_ref().is_some_and(|last| place(last) == place(&line)) {
        return;
    }
    let Some(btf) = cx.program.btf else { return };
    let text = btf.string(line.text).trim_ascii_start();
    let path = btf.string(line.file);
    let file = path.rsplit_once('/').map_or(path, |(_, file)| file);
    let _ = writeln!(cx.log.text, "; {text} @ {file}:{}", line.line());
    cx.log.line = Some(line);
}

/// The line of source of an instruction (`bpf_find_linfo`).
fn line_of(program: &Program<'_>, pc: Pc) -> Option<LineInfo> {
    let after = program.lines.partition_point(|line| line.insn <= pc.0);
    program.lines.get(after.checked_sub(1)?).copied()
}

/// The closing lines but for the time: depth of stacks, counts (`print_verification_stats`).
pub(crate) fn print_stats(log: &mut Log, stats: &Stats, stack_depths: &[u32]) {
    if log.level & 4 != 0 {
        let depths: Vec<String> = stack_depths.iter().map(u32::to_string).collect();
        let _ = writeln!(log.text, "stack depth {}", depths.join("+"));
    }
    if log.level != 0 {
        let Stats { insns_processed, max_states_per_insn, total_states, peak_states } = stats;
        let _ = writeln!(
            log.text,
            "processed {insns_processed} insns (limit {}) max_states_per_insn {max_states_per_insn} total_states \
             {total_states} peak_states {peak_states} mark_read 0",
            crate::explore::INSNS_LIMIT,
        );
    }
}
