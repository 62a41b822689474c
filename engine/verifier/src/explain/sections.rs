//! Stories of what is opened and closed, acquired and given back.

use isa::Pc;

use super::tell::{Teller, numbers_behind};

/// What opens and closes a section.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Section {
    opens: &'static [&'static str],
    closes: &'static [&'static str],
}

pub(super) const LOCK: Section = Section {
    opens: &["bpf_spin_lock", "bpf_res_spin_lock", "bpf_res_spin_lock_irqsave"],
    closes: &["bpf_spin_unlock", "bpf_res_spin_unlock", "bpf_res_spin_unlock_irqrestore"],
};
pub(super) const RCU: Section =
    Section { opens: &["bpf_rcu_read_lock"], closes: &["bpf_rcu_read_unlock"] };
pub(super) const PREEMPT: Section =
    Section { opens: &["bpf_preempt_disable"], closes: &["bpf_preempt_enable"] };
pub(super) const IRQ: Section = Section {
    opens: &["bpf_local_irq_save", "bpf_res_spin_lock_irqsave"],
    closes: &["bpf_local_irq_restore", "bpf_res_spin_unlock_irqrestore"],
};
const ALL: [Section; 4] = [LOCK, RCU, PREEMPT, IRQ];

/// A section is open that should not be: where it begins.
pub(super) fn open(t: &mut Teller<'_, '_>, sections: &[Section]) {
    let found = sections.iter().filter_map(|&section| opened(t, section)).max();
    match found {
        Some((at, name)) => {
            t.say(at, format!("the section begins here, with `{name}`"));
            t.branches(at);
        }
        None => t.branches(0),
    }
}

/// The call that opened the section that is open at the end.
fn opened(t: &Teller<'_, '_>, section: Section) -> Option<(usize, String)> {
    let mut closed = 0_usize;
    for at in (0..t.end()?).rev() {
        let Some(name) = t.callee(at) else { continue };
        if section.closes.contains(&name.as_str()) {
            closed += 1;
        } else if section.opens.contains(&name.as_str()) {
            match closed.checked_sub(1) {
                Some(left) => closed = left,
                None => return Some((at, name)),
            }
        }
    }
    None
}

/// Something that may wait is called where nothing may.
pub(super) fn atomic(t: &mut Teller<'_, '_>) {
    if ALL.iter().any(|&section| opened(t, section).is_some()) {
        return open(t, &ALL);
    }
    if !t.program().sleepable {
        t.say(0, "the program is not loaded as one that may sleep");
    }
    t.branches(0);
}

/// A section is closed that should be open: where it was closed.
pub(super) fn closed(t: &mut Teller<'_, '_>, sections: &[Section]) {
    for &section in sections {
        if close_between(t, section, 0) {
            return;
        }
    }
    t.branches(0);
}

/// Tells the last call behind a place that closes a section; false if there is none.
pub(super) fn close_between(t: &mut Teller<'_, '_>, section: Section, from: usize) -> bool {
    let Some(end) = t.end() else { return false };
    let found = (from..end).rev().find_map(|at| {
        let name = t.callee(at)?;
        section.closes.contains(&name.as_str()).then_some((at, name))
    });
    let Some((at, name)) = found else { return false };
    t.say(at, format!("the section ends here, with `{name}`"));
    t.branches(at);
    true
}

/// A section is closed, or needed, that is not open.
pub(super) fn never_opened(t: &mut Teller<'_, '_>) {
    let Some(end) = t.end() else { return };
    let closer = t.callee(end).unwrap_or_default();
    let named = |section: &&Section| section.closes.contains(&closer.as_str());
    let by_message = match t.message {
        line if line.contains("bpf_spin_lock at off=") => Some(LOCK),
        line if line.contains("RCU") => Some(RCU),
        _ => None,
    };
    let section = by_message.or_else(|| ALL.iter().find(named).copied());
    let Some(section) = section else { return t.branches(0) };
    if close_between(t, section, 0) {
        return;
    }
    let tried = (0..end).rev().find_map(|at| {
        let name = t.callee(at)?;
        section.opens.contains(&name.as_str()).then_some((at, name))
    });
    match tried {
        // It holds the lock only if it returns 0.
        Some((at, name)) => {
            t.say(at, format!("`{name}` was called here, and on this path it has failed"));
            t.branches(at);
        }
        None => {
            let opens = section.opens.first().copied().unwrap_or_default();
            t.say(end, format!("nothing on this path calls `{opens}`"));
            t.branches(0);
        }
    }
}

/// Interrupts are restored out of order.
pub(super) fn irq_order(t: &mut Teller<'_, '_>) {
    let insn = numbers_behind(t.message, "insn_idx=").next();
    if let Some(at) = place_of(t, insn) {
        t.say(at, "the state that was saved here must be restored first");
        t.branches(at);
    }
}

/// Something acquired is not given back.
pub(super) fn reference(t: &mut Teller<'_, '_>) {
    let Some(end) = t.end() else { return };
    let insn = numbers_behind(t.message, "alloc_insn=").next();
    let Some(at) = place_of(t, insn) else { return t.branches(0) };
    let name = t.callee(at);
    let text = match &name {
        Some(name) => format!("`{name}` acquires it"),
        None => "it is acquired here".to_owned(),
    };
    t.say(at, text);
    t.say(end, "the path gets here without having given it back");
    if name.is_some_and(|name| name.ends_with("_dynptr")) {
        t.rule = Some("dynptr-not-released");
        t.help = Some(
            "submit or discard the record on every path to the end, also where the reservation has failed",
        );
    }
    t.branches(at);
}

/// The last place on the path of an instruction.
fn place_of(t: &Teller<'_, '_>, insn: Option<i64>) -> Option<usize> {
    let pc = Pc(u32::try_from(insn?).ok()?);
    t.path.iter().rposition(|point| point.pc == pc)
}
