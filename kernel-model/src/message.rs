//! What the verifier says when it refuses a program: the kernel's texts, with what they mean and what helps.

use crate::generated::messages::FAMILIES;

/// Messages about one subject.
#[derive(PartialEq, Eq, Debug)]
pub struct MessageFamily {
    /// A short name, which is that of its page: `memory`.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// A paragraph on what the messages have in common.
    pub about: &'static str,
    /// The messages.
    pub messages: &'static [Message],
}

/// A message of the kernel's verifier, with our words about it.
#[derive(PartialEq, Eq, Debug)]
pub struct Message {
    /// The text. `{name}` stands for anything but nothing, `{name:n}` for a number; a brace is written twice.
    pub text: &'static str,
    /// Its name in links, which no other message has.
    pub anchor: &'static str,
    /// Whose history explains it.
    pub story: Story,
    /// What it means.
    pub means: &'static str,
    /// What makes the kernel take the program.
    pub fix: &'static str,
    /// The lint rule that covers the same mistake; empty if there is none.
    pub rule: &'static str,
    /// It follows another line, which says what was refused.
    pub follows: bool,
    /// Texts for which something else helps, the special ones first.
    pub cases: &'static [MessageCase],
    /// A program that gets the message.
    pub example: Example,
}

/// A special form of a message.
#[derive(PartialEq, Eq, Debug)]
pub struct MessageCase {
    /// The text, which the message's text covers.
    pub text: &'static str,
    /// Whose history explains it.
    pub story: Story,
    /// What makes the kernel take the program.
    pub fix: &'static str,
    /// The lint rule that covers the same mistake; empty if there is none.
    pub rule: &'static str,
}

/// A program that gets a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Example {
    /// There is none yet.
    None,
    /// A program of `tests/corpus`: `family/topic:program`.
    Corpus(&'static str),
    /// The same, which gets the message if its loader has no `CAP_PERFMON`.
    CorpusWithoutPerfmon(&'static str),
    /// Lines of assembler, as `isa` reads them, in a socket filter.
    Assembler(&'static str),
    /// The same, loaded without privileges.
    Unprivileged(&'static str),
}

/// Whose history explains a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Story {
    /// A register without a value.
    Value,
    /// A register that does not hold the pointer it should, or no longer.
    Pointer,
    /// A pointer that may be NULL.
    Nullable,
    /// A value that is not what is wanted.
    Argument,
    /// A pointer whose object may be gone.
    Trust,
    /// A pointer that holds nothing that could be given back.
    Released,
    /// A number, or the unknown part of an offset, that is not known well enough.
    Range,
    /// A packet pointer that was not compared with the end of the packet, or not far enough.
    Packet,
    /// Bytes of the stack.
    Stack,
    /// A dynptr on the stack.
    Dynptr,
    /// An iterator on the stack.
    Iterator,
    /// A saved state of interrupts on the stack.
    Flag,
    /// Something acquired that is not given back.
    Reference,
    /// A lock that is held.
    Lock,
    /// A read section that is open.
    Rcu,
    /// A read section that is no longer open.
    RcuLost,
    /// Preemption that is disabled.
    Preempt,
    /// Interrupts that are disabled.
    Irq,
    /// A state of interrupts that was saved later than the one that is restored.
    IrqOrder,
    /// Any section in which nothing may wait.
    Atomic,
    /// A section that is not open.
    Unlock,
    /// The result of the program, of a function or a callback.
    Result,
    /// A field of the context.
    Context,
    /// A field of a socket.
    Field,
    /// A member of a structure of the kernel.
    Walk,
    /// The function of the kernel that a program is attached to.
    Attached,
    /// The type of the program and what it is attached to.
    Target,
    /// The licence of the program.
    Licence,
    /// Who may call a function.
    Permission,
    /// A map that is passed.
    Map,
    /// A map that the program refers to.
    Declared,
    /// The declaration of a function of the program.
    Function,
    /// A chain of calls that was followed.
    Frames,
    /// The deepest chain of calls.
    Depth,
    /// A loop that changes nothing.
    Loop,
    /// Where most instructions were followed.
    Complexity,
    /// The instruction itself.
    Code,
    /// Nothing that happened before.
    Here,
}

/// All families, in the order of their names.
pub fn message_families() -> &'static [MessageFamily] {
    &FAMILIES
}

/// All messages.
pub fn messages() -> impl Iterator<Item = &'static Message> {
    FAMILIES.iter().flat_map(|family| family.messages)
}

/// The message of this name in links.
pub fn message_by_anchor(anchor: &str) -> Option<&'static Message> {
    messages().find(|message| message.anchor == anchor)
}

/// The message that a line of the verifier's log is.
pub fn message(line: &str) -> Option<&'static Message> {
    messages().find(|message| message.fits(line))
}

impl Message {
    /// Whether a line is this message.
    pub fn fits(&self, line: &str) -> bool {
        fits(self.text, line)
    }

    /// The special form that a line is.
    pub fn case(&self, line: &str) -> Option<&'static MessageCase> {
        self.cases.iter().find(|case| fits(case.text, line))
    }

    /// The family it belongs to.
    pub fn family(&self) -> Option<&'static MessageFamily> {
        FAMILIES.iter().find(|family| family.messages.iter().any(|one| one.anchor == self.anchor))
    }

    /// The text for readers.
    pub fn shown(&self) -> String {
        shown(self.text)
    }

    /// A page about the message, in Markdown.
    pub fn page(&self) -> String {
        let mut page = format!("# {}\n{}\n\n## What helps\n", self.shown(), self.means);
        let mut put = |what: &str, fix: &str, rule: &str| {
            page += what;
            page += &sentence(fix);
            if !rule.is_empty() {
                page += &format!(" The lint rule `{rule}` covers this mistake.");
            }
            page.push('\n');
        };
        put("", self.fix, self.rule);
        for case in self.cases {
            put(&format!("\n`{}`: ", case.shown()), case.fix, case.rule);
        }
        match self.example {
            Example::None => {}
            Example::Corpus(path) => {
                page += &format!("\n## Example\n`{path}` of the corpus of programs\n");
            }
            Example::CorpusWithoutPerfmon(path) => {
                page += &format!(
                    "\n## Example\n`{path}` of the corpus of programs, loaded without `CAP_PERFMON`\n"
                );
            }
            Example::Assembler(text) | Example::Unprivileged(text) => {
                page += &format!("\n## Example\n```text\n{text}\n```\n");
            }
        }
        page
    }
}

impl MessageCase {
    /// The text for readers.
    pub fn shown(&self) -> String {
        shown(self.text)
    }
}

/// A text without the kinds of what it leaves open.
fn shown(text: &str) -> String {
    text.replace(":n}", "}").replace("{{", "{").replace("}}", "}")
}

/// An advice as a sentence.
pub fn sentence(advice: &str) -> String {
    let mut chars = advice.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).chain(['.']).collect()
}

/// A piece of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece<'p> {
    Text(&'p str),
    Number,
    Anything,
}

/// The pieces of a pattern.
struct Pieces<'p>(&'p str);

impl<'p> Iterator for Pieces<'p> {
    type Item = Piece<'p>;

    fn next(&mut self) -> Option<Piece<'p>> {
        let rest = self.0;
        let first = rest.chars().next()?;
        let (piece, len) = match (first, rest.get(1..)) {
            ('{', Some(behind)) if !behind.starts_with('{') => {
                let end = behind.find('}').unwrap_or(behind.len());
                let is_number = behind[..end].ends_with(":n");
                (if is_number { Piece::Number } else { Piece::Anything }, end + 2)
            }
            ('{' | '}', Some(_)) => (Piece::Text(&rest[..1]), 2),
            _ => {
                let end = rest.find(['{', '}']).unwrap_or(rest.len());
                (Piece::Text(&rest[..end]), end)
            }
        };
        self.0 = rest.get(len..).unwrap_or_default();
        Some(piece)
    }
}

/// Whether a line is what a pattern describes. The time is bounded by the product of both lengths.
fn fits(pattern: &str, line: &str) -> bool {
    let mut rest = line;
    let mut is_open = false;
    let mut pieces = Vec::new();
    for piece in Pieces(pattern).map(Some).chain([None]) {
        match piece {
            Some(Piece::Text(_) | Piece::Number) => {
                pieces.extend(piece);
                continue;
            }
            Some(Piece::Anything) | None => {}
        }
        let is_last = piece.is_none();
        let Some(end) = found(&pieces, rest, is_open, is_last) else { return false };
        rest = &rest[end..];
        pieces.clear();
        is_open = !is_last;
    }
    true
}

/// Where a run of pieces ends in a text: at its beginning, or if `is_open`, anywhere behind its first character; if
/// `is_last`, nothing may follow.
fn found(pieces: &[Piece<'_>], text: &str, is_open: bool, is_last: bool) -> Option<usize> {
    if is_open && is_last && pieces.is_empty() {
        return (!text.is_empty()).then_some(text.len());
    }
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let starts = starts.skip(usize::from(is_open)).take(if is_open { usize::MAX } else { 1 });
    starts.into_iter().find_map(|at| {
        let end = at + length(pieces, &text[at..])?;
        (!is_last || end == text.len()).then_some(end)
    })
}

/// How much of the beginning of a text is a run of pieces.
fn length(pieces: &[Piece<'_>], text: &str) -> Option<usize> {
    let mut at = 0;
    for piece in pieces {
        at += match piece {
            Piece::Text(piece) => text[at..].starts_with(piece).then_some(piece.len())?,
            Piece::Number => number(&text[at..])?,
            Piece::Anything => return None,
        };
    }
    Some(at)
}

/// The length of the number that a text begins with.
fn number(text: &str) -> Option<usize> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let sign = text.len() - unsigned.len();
    let digits = match unsigned.strip_prefix("0x") {
        Some(digits) => 2 + digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len()),
        None => unsigned.find(|c: char| !c.is_ascii_digit()).unwrap_or(unsigned.len()),
    };
    (digits > 0).then_some(sign + digits)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn patterns_fit() {
        let cases = [
            ("a {x}b", "a xb", true),
            ("a {x}b", "a b", false),
            ("a {x}b", "a xbc", false),
            ("a {x}b", "a xbxb", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a{x}", "ab", true),
            ("a{x}", "a", false),
            ("{x}a{y}", "bab", true),
            ("R{reg:n} is", "R10 is", true),
            ("R{reg:n} is", "Rx is", false),
            ("off={off:n}+{var}", "off=-0x1f+(0x0; 0xff)", true),
            ("{{a,b}}", "{a,b}", true),
            ("{{a,b}}", "{{a,b}}", false),
            ("ä{x}", "äö", true),
            ("{x}ö", "äö", true),
            ("{x", "a", true),
        ];
        for (pattern, line, expected) in cases {
            assert_eq!(fits(pattern, line), expected, "{pattern} {line}");
        }
    }

    #[test]
    fn messages_are_told_apart() {
        let mut anchors = HashSet::new();
        for message in messages() {
            assert!(anchors.insert(message.anchor), "{} twice", message.anchor);
            let shown = message.text.replace("{{", "{").replace("}}", "}");
            let line = sample(message.text);
            let fitting = messages().filter(|one| one.fits(&line)).map(|one| one.text);
            assert_eq!(fitting.collect::<Vec<_>>(), [message.text], "{shown}");
            for case in message.cases {
                let line = sample(case.text);
                assert!(message.fits(&line), "{} is no case of {}", case.text, message.text);
                assert_eq!(message.case(&line).map(|one| one.text), Some(case.text));
            }
        }
        assert!(anchors.len() > 350, "{}", anchors.len());
    }

    #[test]
    fn lines_find_their_messages() {
        let text = |line| message(line).map(|message| message.text);
        assert_eq!(
            text("R0 invalid mem access 'map_value_or_null'"),
            Some("R{reg:n} invalid mem access '{type}'")
        );
        assert_eq!(
            text("invalid access to packet, off=14 size=1, R2(id=0,off=14,r=0)"),
            Some(
                "invalid access to packet, off={off:n} size={size:n}, R{reg:n}(id={id:n},off={at:n},r={range:n})"
            )
        );
        assert_eq!(text("something else"), None);
    }

    /// A line that a pattern describes.
    fn sample(pattern: &str) -> String {
        let piece = |piece| match piece {
            Piece::Text(text) => text,
            Piece::Number => "7",
            Piece::Anything => "something",
        };
        Pieces(pattern).map(piece).collect()
    }
}
