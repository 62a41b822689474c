//! Stories of what lies on the stack: dynptrs, iterators, saved states of interrupts, and plain bytes.

use isa::{Insn, Reg as RegName};

use super::tell::{Teller, numbers_behind};
use crate::state::{Reg, RegKind};

/// A kind of object on the stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object {
    /// What it is called.
    name: &'static str,
    /// How many bytes it has.
    size: i64,
    /// A function of this name makes one.
    makes: fn(&str) -> bool,
    /// A function of this name ends it.
    ends: fn(&str) -> bool,
}

/// Makes a dynptr of another one.
const CLONE: &str = "bpf_dynptr_clone";

pub(super) const DYNPTR: Object = Object {
    name: "a dynptr",
    size: 16,
    makes: |name| {
        name.starts_with("bpf_dynptr_from") || name.ends_with("_reserve_dynptr") || name == CLONE
    },
    ends: |name| name.ends_with("_submit_dynptr") || name.ends_with("_discard_dynptr"),
};
pub(super) const ITERATOR: Object = Object {
    name: "an iterator",
    size: 8,
    makes: |name| name.starts_with("bpf_iter_") && name.ends_with("_new"),
    ends: |name| name.starts_with("bpf_iter_") && name.ends_with("_destroy"),
};
pub(super) const FLAG: Object = Object {
    name: "a state of interrupts",
    size: 8,
    makes: |name| name == "bpf_local_irq_save" || name == "bpf_res_spin_lock_irqsave",
    ends: |name| name == "bpf_local_irq_restore" || name == "bpf_res_spin_unlock_irqrestore",
};

/// Bytes of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Area {
    frame: u32,
    low: i64,
    high: i64,
}

impl Area {
    /// So many bytes from where a pointer points to, if that is a known place of a stack.
    fn at(pointer: &Reg, offset: i64, size: i64) -> Option<Self> {
        let constant = pointer.num.bits.as_constant()?;
        let low = i64::from(pointer.off) + constant.cast_signed() + offset;
        (pointer.kind() == RegKind::Stack).then_some(Self {
            frame: pointer.frame,
            low,
            high: low + size,
        })
    }

    fn meets(self, other: Self) -> bool {
        self.frame == other.frame && self.low < other.high && other.low < self.high
    }
}

/// The object that an argument of the rejected call, or a store, is about.
pub(super) fn object(t: &mut Teller<'_, '_>, object: Object) {
    let Some(end) = t.end() else { return };
    let areas = areas(t, end, object);
    let mut overwrite = None;
    for at in (0..end).rev() {
        let touched = areas.iter().any(|&area| touches(t, at, area, object));
        if !touched {
            continue;
        }
        let Some(name) = t.callee(at) else {
            overwrite = overwrite.or(Some(at));
            continue;
        };
        if (object.ends)(&name) {
            t.say(at, format!("`{name}` ends its life"));
            if t.message.starts_with("Expected an initialized") {
                t.rule = Some("dynptr-used-after-release");
                t.help = Some("use the dynptr before it is given away");
            }
        } else if (object.makes)(&name) {
            t.say(at, format!("`{name}` makes it here"));
            shared_end(t, at, end, object);
            if let Some(store) = overwrite {
                t.say(store, format!("this store writes over {}", object.name));
            }
        } else {
            continue;
        }
        t.branches(at);
        return;
    }
    if let Some(name) = t.callee(end).filter(|_| !areas.is_empty()) {
        let text = format!("`{name}` gets a variable in which nothing has made {}", object.name);
        t.say(end, text);
    } else if let Some(reg) = t.subject() {
        let root = t.root_of(reg).unwrap_or_default();
        return t.origin_of(&root);
    }
    t.branches(0);
}

/// An object that was given away through a clone of it.
fn shared_end(t: &mut Teller<'_, '_>, made: usize, end: usize, object: Object) {
    if !t.message.starts_with("Expected an initialized") {
        return;
    }
    let is_cloned = (made..end).any(|at| t.callee(at).as_deref() == Some(CLONE));
    let ends = (made..end).rev().find_map(|at| {
        let name = t.callee(at)?;
        (object.ends)(&name).then_some((at, name))
    });
    if let Some((at, name)) = ends.filter(|_| is_cloned) {
        t.say(at, format!("`{name}` gives the record away, and ends all dynptrs of it"));
        t.rule = Some("dynptr-used-after-release");
        t.help = Some("use the dynptr before the record is given away");
    }
}

/// The places on the stack that the rejected instruction is about.
fn areas(t: &Teller<'_, '_>, end: usize, object: Object) -> Vec<Area> {
    if let Some(area) = stored(t, end) {
        return vec![area];
    }
    let named = t.subject().filter(|reg| (1..=5).contains(&reg.number()));
    let named = named.filter(|_| t.message.contains("arg"));
    let regs: Vec<RegName> = match named {
        Some(reg) => vec![reg],
        None => (1..=5).filter_map(RegName::from_number).collect(),
    };
    let pointers = regs.into_iter().filter_map(|reg| t.reg_at(end, reg));
    pointers.filter_map(|pointer| Area::at(pointer, 0, object.size)).collect()
}

/// The bytes that a store at a place writes, if they are on a stack.
fn stored(t: &Teller<'_, '_>, at: usize) -> Option<Area> {
    let Insn::Store(store) = t.insn_at(at)? else { return None };
    let base = t.reg_at(at, store.base)?;
    Area::at(base, store.offset.0.into(), store.size.bytes().into())
}

/// The instruction at a place is about these bytes, as far as is known.
fn touches(t: &Teller<'_, '_>, at: usize, area: Area, object: Object) -> bool {
    match t.insn_at(at) {
        Some(Insn::Store(_)) => stored(t, at).is_some_and(|stored| stored.meets(area)),
        // What is cloned is an argument too.
        Some(Insn::Call(_)) => {
            (first_made(t, at)..=5).filter_map(RegName::from_number).any(|reg| {
                let pointer = t.reg_at(at, reg);
                let given = pointer.and_then(|pointer| Area::at(pointer, 0, object.size));
                given.is_some_and(|given| given.meets(area))
            })
        }
        _ => false,
    }
}

/// The number of the first argument in which a call can make or end an object.
fn first_made(t: &Teller<'_, '_>, at: usize) -> u8 {
    if t.callee(at).as_deref() == Some(CLONE) { 2 } else { 1 }
}

/// Bytes of the stack that hold no value of the program.
pub(super) fn stack(t: &mut Teller<'_, '_>) {
    let Some(end) = t.end() else { return };
    let Some(area) = missing(t, end) else { return t.branches(0) };
    for at in (0..end).rev() {
        let Some(name) = t.callee(at) else { continue };
        for object in [DYNPTR, ITERATOR, FLAG] {
            if !((object.makes)(&name) || (object.ends)(&name)) || !touches(t, at, area, object) {
                continue;
            }
            let text = match (object.ends)(&name) {
                true => {
                    format!("`{name}` leaves nothing in these bytes: they were {}", object.name)
                }
                false => format!("`{name}` keeps {} in these bytes", object.name),
            };
            t.say(at, text);
            t.branches(at);
            return;
        }
    }
    let entry = (0..end).rev().find(|&at| {
        t.path.get(at).map(|point| point.depth) < t.path.get(end).map(|point| point.depth)
    });
    let entry = entry.map_or(0, |at| at + 1);
    t.say(
        entry,
        "nothing is in these bytes when the function begins, and nothing writes them on this path",
    );
    t.branches(entry);
}

/// The byte of the message, in the frame it is in.
fn missing(t: &Teller<'_, '_>, end: usize) -> Option<Area> {
    let reg = t.subject()?;
    let pointer = t.reg_at(end, reg)?;
    let frame = if pointer.kind() == RegKind::Stack { pointer.frame } else { return None };
    let offset = numbers_behind(t.message, "off ").next();
    let offset = offset.or_else(|| numbers_behind(t.message, "off=").next())?;
    let index = t.message.split_once('+').and_then(|(_, rest)| {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse::<i64>().ok()
    });
    let low = offset + index.unwrap_or(0);
    Some(Area { frame, low, high: low + 1 })
}
