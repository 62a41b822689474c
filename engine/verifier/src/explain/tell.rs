//! Tells how a rejection came about.

use isa::{AluOp, Insn, Pc, Reg as RegName, Source};

use super::advice::{self, About};
use super::trace::Point;
use super::walk::{Story, story};
use super::{Explanation, Label, words};
use crate::cx::Reject;
use crate::program::Program;
use crate::state::{Detail, Reg, RegKind};

/// Branches that are told at most.
const MOST_BRANCHES: usize = 3;

/// Explains a rejection at the end of a path.
pub(crate) fn explain(program: &Program<'_>, reject: &Reject, path: &[Point]) -> Explanation {
    let message = reject.message.lines().next().unwrap_or_default();
    let advice = advice::of(message);
    let mut teller = Teller { program, path, message, found: Vec::new(), rule: None };
    if !path.is_empty() {
        teller.tell(advice.map_or(About::Here, |advice| advice.about));
    }
    let text = |text: Option<&'static str>| text.filter(|text| !text.is_empty());
    let rule = teller.rule.or_else(|| text(advice.map(|advice| advice.rule)));
    Explanation {
        labels: teller.labels(),
        help: teller.help().or_else(|| text(advice.map(|advice| advice.help))),
        rule: rule.filter(|_| teller.rule_fits()),
    }
}

struct Teller<'t> {
    program: &'t Program<'t>,
    path: &'t [Point],
    message: &'t str,
    /// What is told, by places on the path.
    found: Vec<(usize, String)>,
    /// The lint rule, if the path says it better than the message.
    rule: Option<&'static str>,
}

impl Teller<'_> {
    fn end(&self) -> usize {
        self.path.len() - 1
    }

    fn say(&mut self, at: usize, message: impl Into<String>) {
        self.found.push((at, message.into()));
    }

    fn reg_at(&self, at: usize, reg: RegName) -> Option<&Reg> {
        self.path.get(at).map(|point| &point.regs[reg.index()])
    }

    fn callee(&self, at: usize) -> Option<String> {
        words::callee(self.program, self.path.get(at)?.pc)
    }

    fn tell(&mut self, about: About) {
        let reg = self.subject();
        let end = self.end();
        match about {
            About::Here => {}
            About::Reference => self.reference(),
            About::Section(callees) => {
                if let Some((at, name)) = self.last_call(callees) {
                    self.say(at, format!("the section begins here, with `{name}`"));
                    self.branches(at);
                }
            }
            About::Dynptr => self.dynptr(reg),
            About::Result => {
                let reg = reg.unwrap_or(RegName::R0);
                let story = story(self.program, self.path, end, reg);
                let value = self.reg_at(end, reg).map(|reg| words::value(self.program, reg));
                let text = format!("the result is {}", value.unwrap_or_default());
                self.origin(&story, &text);
            }
            About::Nullable | About::Pointer | About::Value | About::Range | About::Packet => {
                let Some(reg) = reg else { return };
                let story = story(self.program, self.path, end, reg);
                match about {
                    About::Nullable => self.nullable(&story),
                    About::Value => self.value(&story, reg),
                    About::Range => self.range(&story, reg),
                    About::Packet => self.packet(&story, reg),
                    _ => self.pointer(&story, reg),
                }
            }
        }
    }

    /// The register the message is about.
    fn subject(&self) -> Option<RegName> {
        let named = numbers_behind(self.message, "R").next();
        let argument = || {
            let behind = numbers_behind(self.message, "arg#").next();
            behind.map(|number| number + 1)
        };
        let behind_trusted = || numbers_behind(self.message, "arg").next().map(|number| number + 1);
        let number = named.or_else(argument).or_else(behind_trusted);
        let number = number.and_then(|number| u8::try_from(number).ok());
        number.and_then(RegName::from_number).or_else(|| self.base())
    }

    /// The register through which the last instruction accesses memory.
    fn base(&self) -> Option<RegName> {
        match self.program.insn(self.path.last()?.pc)? {
            Insn::Load(load) | Insn::LoadAcquire(load) => Some(load.base),
            Insn::LoadSx(load) => Some(load.base),
            Insn::Store(store) => Some(store.base),
            Insn::StoreRelease(store) => Some(store.base),
            Insn::Atomic(atomic) => Some(atomic.base),
            Insn::Alu(alu) => Some(alu.dst),
            _ => None,
        }
    }

    fn origin(&mut self, story: &Story, text: &str) {
        if let Some(origin) = story.origin {
            self.say(origin.at, text);
            self.branches(origin.at);
        }
    }

    fn nullable(&mut self, story: &Story) {
        let Some(origin) = story.origin else { return };
        let text = match self.callee(origin.at) {
            Some(name) => format!("`{name}` may return NULL"),
            None => "this may be NULL".to_owned(),
        };
        self.say(origin.at, text);
        self.branches(origin.at);
    }

    fn value(&mut self, story: &Story, reg: RegName) {
        let Some(origin) = story.origin else {
            self.say(0, format!("R{} has no value from the beginning", reg.number()));
            self.branches(0);
            return;
        };
        let text = match self.callee(origin.at) {
            Some(name) => {
                format!("the call of `{name}` leaves R{} without a value", origin.reg.number())
            }
            None => format!("R{} has no value from here on", origin.reg.number()),
        };
        self.say(origin.at, text);
        self.branches(origin.at);
    }

    /// Where a pointer was one, and where it ceased to be.
    fn pointer(&mut self, story: &Story, reg: RegName) {
        if let Some((at, was)) = story.lost {
            let what = words::value(self.program, &was);
            let text = match self.callee(at) {
                Some(name) => format!("the call of `{name}` makes it unusable: it was {what}"),
                None => format!("it was {what} up to here"),
            };
            if let Some(origin) = story.origin {
                let origin_text = match self.callee(origin.at) {
                    Some(name) => format!("it comes from `{name}`"),
                    None => "it comes from here".to_owned(),
                };
                self.say(origin.at, origin_text);
            }
            self.say(at, text);
            self.rule = self.rule_of_loss(at, &was);
            return;
        }
        let Some(value) = self.reg_at(self.end(), reg).copied() else { return };
        let what = words::value(self.program, &value);
        if let Some(&check) = story.checks.first()
            && value.is_null()
        {
            self.say(check, "it is NULL on this branch");
            return;
        }
        self.origin(story, &format!("this is {what}"));
    }

    /// The rule about pointers that a call makes unusable.
    fn rule_of_loss(&self, at: usize, was: &Reg) -> Option<&'static str> {
        let callee = self.callee(at)?;
        let releases = callee.contains("submit") || callee.contains("discard");
        match was.kind() {
            RegKind::Packet | RegKind::PacketMeta => Some("stale-packet-pointer"),
            RegKind::Mem if releases => Some("slice-used-after-release"),
            RegKind::Mem if matches!(was.detail, Detail::Mem { dynptr, .. } if dynptr != 0) => {
                Some("stale-slice")
            }
            _ => None,
        }
    }

    /// How a number, or the offset of a pointer, came about.
    fn range(&mut self, story: &Story, reg: RegName) {
        let end = self.end();
        let Some(value) = self.reg_at(end, reg).copied() else { return };
        // At pointer arithmetic, the number is the other operand.
        let mut at = end;
        let mut number = if value.is_scalar() { Some((reg, value)) } else { self.operand(end) };
        if number.is_none()
            && let Some(origin) = story.origin
        {
            at = origin.at;
            number = self.operand(at);
            if number.is_some() {
                self.say(at, "the offset is added here");
            }
        }
        let Some((name, value)) = number else {
            self.origin(story, &format!("this is {}", words::value(self.program, &value)));
            return;
        };
        let of_number = self::story(self.program, self.path, at, name);
        let known = words::number(&value);
        if let Some(&check) = of_number.checks.first() {
            self.say(check, format!("it is {known} behind this comparison"));
        }
        if let Some(origin) = of_number.origin {
            let made = self.reg_at(origin.at + 1, origin.reg).map(words::number);
            let made = made.unwrap_or(known);
            let text = match self.callee(origin.at) {
                Some(callee) => format!("`{callee}` returns {made}"),
                None => format!("{made} comes from here"),
            };
            self.say(origin.at, text);
            self.branches(origin.at);
        }
    }

    /// The number that pointer arithmetic at a place adds.
    fn operand(&self, at: usize) -> Option<(RegName, Reg)> {
        let point = self.path.get(at)?;
        let Insn::Alu(alu) = self.program.insn(point.pc)? else { return None };
        let Source::Reg(src) = alu.src else { return None };
        if !matches!(alu.op, AluOp::Add | AluOp::Sub) {
            return None;
        }
        let operands = [src, alu.dst].map(|name| (name, point.regs[name.index()]));
        operands.into_iter().find(|(_, reg)| reg.is_scalar())
    }

    fn packet(&mut self, story: &Story, reg: RegName) {
        let range = self.reg_at(self.end(), reg).map_or(0, Reg::range);
        match story.checks.first() {
            Some(&check) => {
                self.say(check, format!("this comparison shows that {range} bytes are there"));
            }
            None => self.origin(story, "the packet pointer comes from here, and is never compared"),
        }
    }

    fn reference(&mut self) {
        let insn = numbers_behind(self.message, "alloc_insn=").next();
        let pc = insn.and_then(|number| u32::try_from(number).ok()).map(Pc);
        let Some(at) = self.path.iter().rposition(|point| Some(point.pc) == pc) else { return };
        let name = self.callee(at);
        self.say(
            at,
            match &name {
                Some(name) => format!("`{name}` acquires it"),
                None => "it is acquired here".to_owned(),
            },
        );
        if name.is_some_and(|name| name.ends_with("_dynptr")) {
            self.rule = Some("dynptr-not-released");
        }
        self.branches(at);
    }

    /// The call that has built or destroyed the dynptr that an argument points to.
    fn dynptr(&mut self, reg: Option<RegName>) {
        let end = self.end();
        // `arg #0` is R1.
        let number = numbers_behind(self.message, "arg #").next();
        let number = number.and_then(|number| u8::try_from(number + 1).ok());
        let Some(reg) = number.and_then(RegName::from_number).or(reg) else { return };
        let Some(pointer) = self.reg_at(end, reg).copied() else { return };
        if pointer.kind() != RegKind::Stack {
            return;
        }
        let points_there = |other: &Reg| {
            other.kind() == RegKind::Stack
                && (other.frame, other.off) == (pointer.frame, pointer.off)
        };
        for at in (0..end).rev() {
            let Some(point) = self.path.get(at) else { return };
            let Some(Insn::Call(_)) = self.program.insn(point.pc) else { continue };
            if (1..=5).any(|number| points_there(&point.regs[number])) {
                let name = self.callee(at).unwrap_or_default();
                let ends = name.contains("submit") || name.contains("discard");
                self.say(
                    at,
                    match ends {
                        true => format!("`{name}` ends its life"),
                        false => format!("`{name}` was given it last"),
                    },
                );
                if ends && self.message.starts_with("Expected an initialized") {
                    self.rule = Some("dynptr-used-after-release");
                }
                self.branches(at);
                return;
            }
        }
    }

    /// The last call of one of these.
    fn last_call(&self, callees: &[&str]) -> Option<(usize, String)> {
        (0..self.end()).rev().find_map(|at| {
            let name = self.callee(at)?;
            callees.contains(&name.as_str()).then_some((at, name))
        })
    }

    /// The last branches behind a place, which led to the rejection.
    fn branches(&mut self, from: usize) {
        let end = self.end();
        let depth = self.path[end].depth;
        let mut told = 0;
        for at in (from + 1..end).rev() {
            let (Some(point), Some(next)) = (self.path.get(at), self.path.get(at + 1)) else {
                break;
            };
            let Some(Insn::Jump(jump)) = self.program.insn(point.pc) else { continue };
            let is_told = self.found.iter().any(|&(place, _)| place == at);
            if point.depth != depth || is_told || jump.offset.0 == 0 {
                continue;
            }
            let taken = jump.offset.target(point.pc) == Some(next.pc);
            let text = if taken { "the path leaves here" } else { "the path goes on here" };
            self.say(at, text);
            told += 1;
            if told == MOST_BRANCHES {
                break;
            }
        }
    }

    /// What helps depends on what was lost.
    fn help(&self) -> Option<&'static str> {
        match self.rule? {
            "stale-packet-pointer" => Some(
                "load `data` and `data_end` from the context again behind the call, and compare again",
            ),
            "stale-slice" => Some("ask for the slice again behind the call"),
            "slice-used-after-release" => Some("use the slice before the record is given away"),
            _ => None,
        }
    }

    /// Rules are about dynptrs and slices; the same message of another pointer is not about them.
    fn rule_fits(&self) -> bool {
        if self.rule.is_some() || !self.message.starts_with("invalid access to memory") {
            return true;
        }
        let reg = self.base().and_then(|reg| self.reg_at(self.end(), reg));
        reg.is_some_and(|reg| matches!(reg.detail, Detail::Mem { dynptr, .. } if dynptr != 0))
    }

    fn labels(&mut self) -> Vec<Label> {
        self.found.sort_by_key(|&(at, _)| at);
        let path = self.path;
        let labels = self.found.drain(..);
        labels.filter_map(|(at, message)| Some(Label { pc: path.get(at)?.pc, message })).collect()
    }
}

/// The numbers that stand right behind a text.
fn numbers_behind<'m>(message: &'m str, text: &'m str) -> impl Iterator<Item = u64> + 'm {
    message.match_indices(text).filter_map(|(at, text)| {
        let rest = &message[at + text.len()..];
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    })
}
