//! Stories of values: where they come from, and where they ceased to be what is asked for.

use isa::{Insn, Reg as RegName};

use super::tell::Teller;
use super::walk::Story;
use super::{sections, words};
use crate::state::{Detail, Reg, RegKind};

/// A register without a value.
pub(super) fn value(t: &mut Teller<'_, '_>) {
    let Some((reg, story)) = subject(t) else { return };
    let Some(origin) = story.origin else {
        if t.reg_at(0, reg).is_some_and(|value| value.kind() == RegKind::NotInit) {
            t.say(0, format!("R{} has no value from the beginning", reg.number()));
        }
        t.branches(0);
        return;
    };
    let number = origin.reg.number();
    let enters = t.path.get(origin.at + 1).map(|point| point.depth)
        > t.path.get(origin.at).map(|point| point.depth);
    let text = match t.callee(origin.at) {
        Some(name) if enters => format!("`{name}` begins without a value in R{number}"),
        Some(name) => format!("the call of `{name}` leaves R{number} without a value"),
        None => format!("R{number} has no value from here on"),
    };
    t.say(origin.at, text);
    t.branches(origin.at);
}

/// A pointer that may be NULL.
pub(super) fn nullable(t: &mut Teller<'_, '_>) {
    let (Some(reg), Some(end)) = (t.subject(), t.end()) else { return };
    let Some(story) = t.root_of(reg) else { return };
    // Of `helper arg1` and others, it may be any argument that may be NULL.
    if t.reg_at(end, reg).is_some_and(|value| value.is_null()) {
        return null(t, &story);
    }
    match story.origin {
        Some(origin) => {
            let text = match t.callee(origin.at) {
                Some(name) => format!("`{name}` may return NULL, and it is not compared with it"),
                None => format!("{}; it is not compared with NULL", t.made(origin)),
            };
            t.say(origin.at, text);
            t.branches(origin.at);
        }
        None => t.origin_of(&story),
    }
}

/// It is NULL on this path.
fn null(t: &mut Teller<'_, '_>, story: &Story) {
    if let Some(&check) = story.checks.first() {
        t.say(check, "it is NULL on this branch");
    }
    t.origin_of(story);
}

/// Where a pointer was one, and where it ceased to be.
pub(super) fn pointer(t: &mut Teller<'_, '_>) {
    let Some((reg, story)) = subject(t) else { return };
    if lost(t, &story) {
        return;
    }
    let Some(value) = t.end().and_then(|end| t.reg_at(end, reg)).copied() else { return };
    if value.is_null() && !story.checks.is_empty() {
        return null(t, &story);
    }
    t.origin_of(&story);
    hint(t, &story, &value);
}

/// Tells where something was made unusable.
fn lost(t: &mut Teller<'_, '_>, story: &Story) -> bool {
    let Some((at, was)) = story.lost else { return false };
    let what = words::value(t.program(), &was);
    let text = match t.callee(at) {
        Some(name) => format!("the call of `{name}` makes it unusable: it was {what}"),
        None => format!("it was {what} up to here"),
    };
    if let Some(origin) = story.origin {
        let origin_text = match t.callee(origin.at) {
            Some(name) => format!("it comes from `{name}`"),
            None => t.made(origin),
        };
        t.say(origin.at, origin_text);
    }
    t.say(at, text);
    t.branches(at);
    if let Some((rule, help)) = rule_of_loss(t, at, &was) {
        (t.rule, t.help) = (Some(rule), Some(help));
    } else if t.callee(at).is_some() {
        t.help = Some("do not use the pointer behind the call that ends its life, or get it again");
    }
    true
}

/// The rule about pointers that a call makes unusable, and what helps.
fn rule_of_loss(t: &Teller<'_, '_>, at: usize, was: &Reg) -> Option<(&'static str, &'static str)> {
    let callee = t.callee(at)?;
    let releases = callee.contains("submit") || callee.contains("discard");
    match was.kind() {
        RegKind::Packet | RegKind::PacketMeta => Some((
            "stale-packet-pointer",
            "load `data` and `data_end` from the context again behind the call, and compare again",
        )),
        RegKind::Mem if matches!(was.detail, Detail::Mem { dynptr, .. } if dynptr != 0) => {
            Some(match releases {
                true => {
                    ("slice-used-after-release", "use the slice before the record is given away")
                }
                false => ("stale-slice", "ask for the slice again behind the call"),
            })
        }
        _ => None,
    }
}

/// What helps depends on where a number comes from that is taken for a pointer.
fn hint(t: &mut Teller<'_, '_>, story: &Story, value: &Reg) {
    let Some(origin) = story.origin.filter(|_| value.is_scalar()) else { return };
    let base = match t.insn_at(origin.at) {
        Some(Insn::Load(load)) => t.reg_at(origin.at, load.base).map(Reg::kind),
        _ => return,
    };
    t.help = match base {
        Some(RegKind::MapValue) => Some(
            "pointers that are kept in a map become numbers: look the element up again, or mark the field with `__kptr` and use `bpf_kptr_xchg`",
        ),
        Some(RegKind::BtfId | RegKind::Ctx) => Some(
            "the verifier takes this field for a number: read what it points to with `bpf_core_read`, `bpf_probe_read_kernel` or `bpf_probe_read_user`",
        ),
        Some(RegKind::Stack) => Some(
            "the variable was written in parts, or by a call, so that it holds a number for the verifier: assign the pointer as a whole",
        ),
        _ => return,
    };
}

/// A value that is not what is wanted: what it is, and where it comes from.
pub(super) fn argument(t: &mut Teller<'_, '_>) {
    let (Some((reg, story)), Some(end)) = (subject(t), t.end()) else { return };
    let Some(value) = t.reg_at(end, reg).copied() else { return };
    if value.is_scalar() && lost(t, &story) {
        return;
    }
    let root = t.root_of(reg).unwrap_or_default();
    if value.is_null() && !root.checks.is_empty() {
        return null(t, &root);
    }
    let place = |story: &Story| story.origin.map(|origin| origin.at);
    if let (Some(at), Some(value)) = (place(&story), story.origin)
        && place(&root) != Some(at)
        && t.reg_at(at + 1, value.reg).is_some_and(|reg| !reg.is_scalar())
    {
        t.say(at, "something is added to it here");
    }
    t.origin_of(&root);
    if let Some(name) = t.callee(end)
        && (1..=5).contains(&reg.number())
    {
        let what = words::value(t.program(), &value);
        t.say(end, format!("argument {} of `{name}` is {what}", reg.number()));
    }
}

/// A pointer whose object may be gone.
pub(super) fn trust(t: &mut Teller<'_, '_>) {
    let Some((reg, _)) = subject(t) else { return };
    let root = t.root_of(reg).unwrap_or_default();
    t.origin_of(&root);
    let from = root.origin.map_or(0, |origin| origin.at);
    if !sections::close_between(t, sections::RCU, from) {
        let end = t.end().unwrap_or(0);
        t.say(end, "no read section is open here, and the program does not hold the object");
    }
}

/// A pointer that is to be given back and holds nothing.
pub(super) fn released(t: &mut Teller<'_, '_>) {
    let Some(end) = t.end() else { return };
    let named = t.message.starts_with('R').then(|| t.subject()).flatten();
    // Lists, trees and kptrs get what they take in the second argument.
    let second = t.callee(end).is_some_and(|name| {
        ["bpf_kptr_xchg", "bpf_list_push", "bpf_rbtree_add"].iter().any(|one| name.starts_with(one))
    });
    let reg = named.unwrap_or(if second { RegName::R2 } else { RegName::R1 });
    let Some(story) = t.story_of(reg) else { return };
    if lost(t, &story) {
        t.help = Some(
            "give it back once: behind the call that has given it away, it no longer belongs to the program",
        );
        return;
    }
    t.origin_of(&story);
    if let (Some(name), Some(value)) = (t.callee(end), t.reg_at(end, reg)) {
        let what = words::value(t.program(), value);
        t.say(end, format!("`{name}` gets {what}, which the program does not hold"));
    }
}

/// The result of the program, of a function or a callback.
pub(super) fn result(t: &mut Teller<'_, '_>) {
    let Some(end) = t.end() else { return };
    let reg = t.subject().unwrap_or(RegName::R0);
    let Some(story) = t.story_of(reg) else { return };
    let Some(value) = t.reg_at(end, reg).copied() else { return };
    if value.kind() == RegKind::Stack {
        let root = t.root_of(reg).unwrap_or_default();
        return t.origin_of(&root);
    }
    if let Some(&check) = story.checks.first() {
        let what = words::value(t.program(), &value);
        t.say(check, format!("it is {what} behind this comparison"));
    }
    t.origin_of(&story);
}

/// The register of the message with its way.
fn subject(t: &Teller<'_, '_>) -> Option<(RegName, Story)> {
    let reg = t.subject()?;
    Some((reg, t.story_of(reg)?))
}
