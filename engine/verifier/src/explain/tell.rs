//! Tells how a rejection came about: which story, and what all stories need.

use isa::{Insn, Pc, Reg as RegName, Source};
use kernel_model::Story;

use super::trace::Point;
use super::walk::{self, Origin};
use super::{Explanation, Label, bounds, facts, fields, limits, objects, sections, values, words};
use crate::cx::{Cx, Reject};
use crate::program::Program;
use crate::state::{Detail, Reg, RegKind};

/// Branches that are told at most.
const MOST_BRANCHES: usize = 3;

/// Explains a rejection at the end of a path; `cx` is as it was then.
pub(crate) fn explain(cx: &Cx<'_>, reject: &Reject, path: &[Point]) -> Explanation {
    let line = reject.message.lines().next().unwrap_or_default();
    let message = kernel_model::message(line);
    let case = message.and_then(|message| message.case(line));
    let story = case.map(|case| case.story).or(message.map(|message| message.story));
    let fix = case.map(|case| case.fix).or(message.map(|message| message.fix));
    let rule = case.map(|case| case.rule).or(message.map(|message| message.rule));
    // A loop that is endless is found before its first instruction is begun once more.
    let is_at_end = path.last().is_some_and(|point| point.pc == cx.pc);
    let path = if is_at_end || story == Some(Story::Loop) { path } else { &[] };
    let mut teller = Teller {
        cx,
        path,
        message: line,
        text: &reject.message,
        found: Vec::new(),
        rule: None,
        help: None,
    };
    teller.tell(story.unwrap_or(Story::Here));
    if teller.found.is_empty() {
        facts::code(&mut teller);
    }
    let rule = teller.rule.or(rule.filter(|rule| !rule.is_empty() && teller.rule_fits(rule)));
    Explanation { help: teller.help.or(fix), rule, labels: teller.labels() }
}

/// A story in the making.
pub(super) struct Teller<'t, 'a> {
    pub cx: &'t Cx<'a>,
    /// The path, whose last instruction is the rejected one; empty if none was followed.
    pub path: &'t [Point],
    /// The first line of the kernel's.
    pub message: &'t str,
    /// All of its lines.
    text: &'t str,
    found: Vec<Found>,
    /// The lint rule, if the path says it better than the message.
    pub rule: Option<&'static str>,
    /// What helps, if the path says it better than the message.
    pub help: Option<&'static str>,
}

/// Something to be told.
struct Found {
    /// The place on the path; none for what was there before.
    at: Option<usize>,
    pc: Pc,
    text: String,
}

impl<'a> Teller<'_, 'a> {
    pub(super) fn program(&self) -> &'a Program<'a> {
        self.cx.program
    }

    /// The place of the rejected instruction, if there is a path.
    pub(super) fn end(&self) -> Option<usize> {
        self.path.len().checked_sub(1)
    }

    /// Something happened at a place of the path.
    pub(super) fn say(&mut self, at: usize, text: impl Into<String>) {
        if let Some(point) = self.path.get(at) {
            self.put(Some(at), point.pc, text.into());
        }
    }

    /// Something is to be said about an instruction, wherever paths lead.
    pub(super) fn say_of(&mut self, pc: Pc, text: impl Into<String>) {
        self.put(None, pc, text.into());
    }

    fn put(&mut self, at: Option<usize>, pc: Pc, text: String) {
        if !self.found.iter().any(|found| found.pc == pc && found.text == text) {
            self.found.push(Found { at, pc, text });
        }
    }

    /// What is known of a register before the instruction at a place.
    pub(super) fn reg_at(&self, at: usize, reg: RegName) -> Option<&Reg> {
        self.path.get(at).map(|point| &point.regs[reg.index()])
    }

    pub(super) fn insn_at(&self, at: usize) -> Option<&'a Insn> {
        self.program().insn(self.path.get(at)?.pc)
    }

    /// The name of what is called at a place.
    pub(super) fn callee(&self, at: usize) -> Option<String> {
        words::callee(self.program(), self.path.get(at)?.pc)
    }

    fn tell(&mut self, story: Story) {
        match story {
            Story::Value => values::value(self),
            Story::Pointer => values::pointer(self),
            Story::Nullable => values::nullable(self),
            Story::Argument => values::argument(self),
            Story::Trust => values::trust(self),
            Story::Released => values::released(self),
            Story::Result => values::result(self),
            Story::Map => facts::map(self),
            Story::Range => bounds::range(self),
            Story::Packet => bounds::packet(self),
            Story::Stack => objects::stack(self),
            Story::Dynptr => objects::object(self, objects::DYNPTR),
            Story::Iterator => objects::object(self, objects::ITERATOR),
            Story::Flag => objects::object(self, objects::FLAG),
            Story::Reference => sections::reference(self),
            Story::Lock => sections::open(self, &[sections::LOCK]),
            Story::Rcu => sections::open(self, &[sections::RCU]),
            Story::Preempt => sections::open(self, &[sections::PREEMPT]),
            Story::Irq => sections::open(self, &[sections::IRQ]),
            Story::Atomic => sections::atomic(self),
            Story::RcuLost => sections::closed(self, &[sections::RCU]),
            Story::Unlock => sections::never_opened(self),
            Story::IrqOrder => sections::irq_order(self),
            Story::Context => fields::context(self),
            Story::Field => fields::socket(self),
            Story::Walk => fields::member(self),
            Story::Attached => facts::attached(self),
            Story::Target => facts::target(self),
            Story::Licence => facts::licence(self),
            Story::Permission => facts::permission(self),
            Story::Declared => facts::declared(self),
            Story::Function => facts::function(self),
            Story::Frames => limits::frames(self),
            Story::Depth => limits::depth(self),
            Story::Loop => limits::endless(self),
            Story::Complexity => limits::complexity(self),
            Story::Code => facts::code(self),
            Story::Here => facts::here(self),
        }
    }

    /// The register the message is about.
    pub(super) fn subject(&self) -> Option<RegName> {
        let numbered_in = |message, text, first| {
            let number = numbers_behind(message, text).next()?;
            RegName::from_number(u8::try_from(number + first).ok()?)
        };
        let numbered = |text, first| numbered_in(self.message, text, first);
        // `arg#0` and `arg0` are in R1; `R1`, `helper arg1` and `arg 1` name the register.
        numbered("R", 0)
            .or_else(|| numbered("helper arg", 0))
            .or_else(|| numbered("arg#", 1))
            .or_else(|| numbered("arg #", 1))
            .or_else(|| numbered("arg ", 0))
            .or_else(|| numbered("arg", 1))
            // The second line of an access outside of memory names it.
            .or_else(|| numbered_in(self.text, "R", 0))
            .or_else(|| self.base())
            .or_else(|| self.passed())
    }

    /// The only argument of the rejected call that is of the kind that the message is about.
    fn passed(&self) -> Option<RegName> {
        const OBJECTS: &[RegKind] = &[RegKind::MapValue, RegKind::BtfId];
        const KINDS: [(&str, &[RegKind]); 15] = [
            ("const bpf_dynptr", &[RegKind::Dynptr]),
            ("packet", &[RegKind::Packet, RegKind::PacketMeta]),
            ("stack", &[RegKind::Stack]),
            ("dynptr at", &[RegKind::Stack]),
            ("ynptr has to be", &[RegKind::Stack, RegKind::Dynptr]),
            ("iter ", &[RegKind::Stack]),
            ("irq_flag", &[RegKind::Stack]),
            ("zero-sized", &[RegKind::Stack]),
            ("map value", &[RegKind::MapValue]),
            ("map forbidden", &[RegKind::MapValue]),
            ("memory", &[RegKind::Mem]),
            ("cannot be accessed", &[RegKind::MapValue]),
            ("doesn't point to", OBJECTS),
            ("has no valid", OBJECTS),
            ("not found at offset", OBJECTS),
        ];
        let end = self.end()?;
        self.callee(end)?;
        if self.message.starts_with("Unsupported reg type") {
            return Some(RegName::R1);
        }
        let (_, kinds) = KINDS.iter().find(|(text, _)| self.message.contains(text))?;
        let regs = (1..=5).filter_map(RegName::from_number);
        let mut fitting = regs.filter(|&reg| {
            self.reg_at(end, reg).is_some_and(|value| kinds.contains(&value.kind()))
        });
        let first = fitting.next();
        first.filter(|_| fitting.next().is_none())
    }

    /// The register through which the last instruction accesses memory.
    pub(super) fn base(&self) -> Option<RegName> {
        match self.insn_at(self.end()?)? {
            Insn::Load(load) | Insn::LoadAcquire(load) => Some(load.base),
            Insn::LoadSx(load) => Some(load.base),
            Insn::Store(store) => Some(store.base),
            Insn::StoreRelease(store) => Some(store.base),
            Insn::Atomic(atomic) => Some(atomic.base),
            Insn::Alu(alu) => Some(alu.dst),
            Insn::Neg(neg) => Some(neg.dst),
            _ => None,
        }
    }

    /// The way of the value that a register holds at the end.
    pub(super) fn story_of(&self, reg: RegName) -> Option<walk::Story> {
        Some(walk::story(self.program(), self.path, self.end()?, reg))
    }

    /// The same, through arithmetic on pointers.
    pub(super) fn root_of(&self, reg: RegName) -> Option<walk::Story> {
        Some(walk::root(self.program(), self.path, self.end()?, reg))
    }

    /// What an instruction put into a register, as a sentence.
    pub(super) fn made(&self, origin: Origin) -> String {
        let value = self.reg_at(origin.at + 1, origin.reg).copied().unwrap_or(Reg::NOT_INIT);
        let what = words::value(self.program(), &value);
        if let Some(name) = self.callee(origin.at) {
            let enters = self.path.get(origin.at + 1).map(|point| point.depth)
                > self.path.get(origin.at).map(|point| point.depth);
            return match (enters, origin.reg) {
                (true, _) => format!("`{name}` gives the callback {what}"),
                (false, RegName::R0) => format!("`{name}` returns {what}"),
                (false, reg) => {
                    format!("the call of `{name}` leaves R{} without a value", reg.number())
                }
            };
        }
        let base = match self.insn_at(origin.at) {
            Some(Insn::Load(load) | Insn::LoadAcquire(load)) => Some(load.base),
            Some(Insn::LoadSx(load)) => Some(load.base),
            _ => None,
        };
        match base.and_then(|base| self.reg_at(origin.at, base)) {
            Some(base) => {
                format!("{what} is loaded from {}", words::memory(self.program(), base))
            }
            None => match self.insn_at(origin.at) {
                Some(Insn::Mov(mov)) if matches!(mov.src, Source::Imm(_)) => {
                    format!("it is set to {what}")
                }
                Some(Insn::LoadImm(_)) => format!("this is {what}"),
                Some(Insn::Alu(_)) => format!("it is computed here: {what}"),
                _ => format!("{what} comes from here"),
            },
        }
    }

    /// Where a value comes from, and the branches behind that.
    pub(super) fn origin(&mut self, origin: Option<Origin>, reg: RegName) {
        match origin {
            Some(origin) => {
                let text = self.made(origin);
                self.say(origin.at, text);
                self.branches(origin.at);
            }
            None => {
                if let Some(value) = self.reg_at(0, reg).filter(|_| reg != RegName::R10) {
                    let what = words::value(self.program(), value);
                    self.say(0, format!("{what} is there from the beginning"));
                }
                self.branches(0);
            }
        }
    }

    /// Where a pointer comes from, at the root of its way.
    pub(super) fn origin_of(&mut self, root: &walk::Story) {
        match root.taken {
            Some(at) => {
                self.say(at, "this is the address of a variable on the stack");
                self.branches(at);
            }
            None => self.origin(root.origin, root.first),
        }
    }

    /// The last branches behind a place, which led to the rejection, in this function and its callers.
    pub(super) fn branches(&mut self, from: usize) {
        let Some(end) = self.end() else { return };
        let mut depth = self.path[end].depth;
        let mut told = 0;
        for at in (from..end).rev() {
            let (Some(point), Some(next)) = (self.path.get(at), self.path.get(at + 1)) else {
                break;
            };
            depth = depth.min(point.depth);
            let Some(Insn::Jump(jump)) = self.program().insn(point.pc) else { continue };
            let is_told =
                self.found.iter().any(|found| found.at == Some(at) || found.pc == point.pc);
            if point.depth != depth || is_told || jump.offset.0 == 0 {
                continue;
            }
            let taken = jump.offset.target(point.pc) == Some(next.pc);
            let mut text =
                if taken { "the path leaves here" } else { "the path goes on here" }.to_owned();
            let known = |at| {
                let reg: Option<&Reg> = self.reg_at(at, jump.lhs);
                reg.map(|reg| words::value(self.program(), reg))
            };
            if let (Some(before), Some(after)) = (known(at), known(at + 1))
                && before != after
            {
                text += &format!("; what it compares is {after}");
            }
            self.say(at, text);
            told += 1;
            if told == MOST_BRANCHES {
                break;
            }
        }
    }

    /// Rules are about dynptrs and slices; the same message of another pointer is not about them.
    fn rule_fits(&self, rule: &str) -> bool {
        let called = |start| {
            let name = self.end().and_then(|end| self.callee(end));
            name.is_some_and(|name| name.starts_with(start))
        };
        match rule {
            "slice-as-map-argument" => return called("bpf_map_"),
            "non-constant-slice-length" => return called("bpf_dynptr_"),
            _ => {}
        }
        if !self.message.starts_with("invalid access to memory") {
            return true;
        }
        let reg = self.base().and_then(|reg| self.reg_at(self.end()?, reg));
        reg.is_some_and(|reg| matches!(reg.detail, Detail::Mem { dynptr, .. } if dynptr != 0))
    }

    fn labels(mut self) -> Vec<Label> {
        self.found.sort_by_key(|found| (found.at.map_or(0, |at| at + 1), found.pc));
        self.found.into_iter().map(|found| Label { pc: found.pc, message: found.text }).collect()
    }
}

/// The numbers that stand right behind a text.
pub(super) fn numbers_behind<'m>(
    message: &'m str,
    text: &'m str,
) -> impl Iterator<Item = i64> + 'm {
    message.match_indices(text).filter_map(|(at, text)| {
        let rest = &message[at + text.len()..];
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        rest[..rest.len() - digits.len() + end].parse().ok()
    })
}
