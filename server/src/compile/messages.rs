//! clang's words, line by line: which message is where, what was included how, what would mend it.

use std::ops::Range;

/// A message of clang.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) level: Level,
    /// `None` if clang did not say where.
    pub(super) place: Option<Place>,
    /// Where `#include` led to the file, from the file that is compiled inwards.
    pub(super) included: Vec<(String, u32)>,
    pub(super) text: String,
    /// Replacements that clang suggests.
    pub(super) replacements: Vec<Replacement>,
    /// Messages that explain this one.
    pub(super) notes: Vec<Message>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Error,
    Warning,
    Remark,
    Note,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) at: At,
    /// Pieces of text that it is about.
    pub(super) ranges: Vec<Range<At>>,
}

/// Line and column, both from 1; columns count bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// Text to put somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replacement {
    pub(super) file: String,
    pub(super) range: Range<At>,
    pub(super) text: String,
}

const LEVELS: [(&str, Level); 5] = [
    ("fatal error: ", Level::Error),
    ("error: ", Level::Error),
    ("warning: ", Level::Warning),
    ("remark: ", Level::Remark),
    ("note: ", Level::Note),
];

/// Understands what clang printed with `-fdiagnostics-print-source-range-info -fdiagnostics-parseable-fixits`.
/// Lines that are no messages, such as excerpts, are left out.
pub(super) fn parse(text: &str) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    let mut included: Vec<(String, u32)> = Vec::new();
    let mut chain_is_open = false;
    for line in text.lines() {
        if let Some(includer) = includer(line) {
            if !chain_is_open {
                included.clear();
            }
            chain_is_open = true;
            included.push(includer);
        } else if let Some(mut message) = message(line) {
            chain_is_open = false;
            if message.level == Level::Note {
                // The backend adds this to messages without a column.
                let is_about_clang = message.text.starts_with("could not determine the original");
                if let Some(last) = messages.last_mut().filter(|_| !is_about_clang) {
                    last.notes.push(message);
                }
                continue;
            }
            // clang says how a file was reached only when that changed.
            let outermost = included.first().map(|(file, _)| file.as_str());
            let file = message.place.as_ref().map(|place| place.file.as_str());
            if file.is_none() || file == outermost {
                included.clear();
            }
            message.included.clone_from(&included);
            messages.push(message);
        } else if let Some(replacement) = line.strip_prefix("fix-it:").and_then(replacement)
            && let Some(last) = messages.last_mut().filter(|last| last.notes.is_empty())
        {
            last.replacements.push(replacement);
        }
    }
    messages
}

/// `In file included from a.c:3:`
fn includer(line: &str) -> Option<(String, u32)> {
    let rest = line.trim_start().strip_prefix("In file included from ")?;
    let (file, line) = rest.trim_end_matches([':', ',']).rsplit_once(':')?;
    Some((file.to_owned(), line.parse().ok()?))
}

fn message(line: &str) -> Option<Message> {
    LEVELS.iter().find_map(|&(word, level)| {
        let (at, _) = line.match_indices(word).find(|&(at, _)| before(&line[..at]).is_some())?;
        let place = before(&line[..at])?;
        let text = line[at + word.len()..].trim().to_owned();
        let (place, text) = match place {
            Some(place) => (Some(place), text),
            // The backend puts the place into the message.
            None => embedded(&text).map_or((None, text), |(place, text)| (Some(place), text)),
        };
        Some(Message {
            level,
            place,
            included: Vec::new(),
            text,
            replacements: Vec::new(),
            notes: Vec::new(),
        })
    })
}

/// What stands in front of the level: nothing, the name of a program, or a place. `None` if it is neither.
#[expect(clippy::option_option, reason = "what is there may be no place")]
fn before(text: &str) -> Option<Option<Place>> {
    let Some(text) = text.strip_suffix(": ") else { return text.is_empty().then_some(None) };
    let program = text.rsplit(['/', '\\']).next().unwrap_or(text);
    if program.starts_with("clang") && !program.contains(':') {
        return Some(None);
    }
    let (mut text, mut ranges) = (text, Vec::new());
    while let Some(rest) = text.strip_suffix('}') {
        let (front, range) = rest.rsplit_once('{')?;
        ranges.insert(0, parse_range(range)?);
        text = front;
    }
    let text = if ranges.is_empty() { text } else { text.strip_suffix(':')? };
    let (front, last) = text.rsplit_once(':')?;
    let last = last.parse().ok()?;
    let (file, line, column) = match front.rsplit_once(':') {
        Some((file, line)) if line.parse::<u32>().is_ok() => (file, line.parse().ok()?, last),
        _ => (front, last, 1),
    };
    // The backend has no place for what was made by the compiler itself.
    let known = line > 0 && !file.starts_with('<');
    if file.starts_with(char::is_whitespace) {
        // An excerpt that looks like a message.
        return None;
    }
    let at = At { line, column: column.max(1) };
    Some(known.then(|| Place { file: file.to_owned(), at, ranges }))
}

/// `/p/a.c:5:0: in function f i32 (ptr): too many arguments`
fn embedded(text: &str) -> Option<(Place, String)> {
    let (at, _) = text.match_indices(": ").next()?;
    let place = before(&text[..at + 2])??;
    Some((place, text[at + 2..].to_owned()))
}

/// `3:5-3:8`; the end is behind the last byte.
fn parse_range(text: &str) -> Option<Range<At>> {
    let (start, end) = text.split_once('-')?;
    let at = |text: &str| {
        let (line, column) = text.split_once(':')?;
        Some(At { line: line.parse().ok()?, column: column.parse().ok()? })
    };
    Some(at(start)?..at(end)?)
}

/// `"a.c":{3:5-3:8}:"text"`
fn replacement(line: &str) -> Option<Replacement> {
    let (file, rest) = quoted(line)?;
    let rest = rest.strip_prefix(":{")?;
    let (range, rest) = rest.split_once("}:")?;
    let (text, _) = quoted(rest)?;
    Some(Replacement { file, range: parse_range(range)?, text })
}

/// A string of C with the escapes that LLVM writes, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let body = text.strip_prefix('"')?;
    let bytes = body.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        match byte {
            b'"' => return Some((String::from_utf8(out).ok()?, body.get(at..)?)),
            b'\\' => {
                let escaped = *bytes.get(at)?;
                at += 1;
                match escaped {
                    b'n' => out.push(b'\n'),
                    b't' => out.push(b'\t'),
                    b'0'..=b'7' => {
                        let digits = body.get(at - 1..at + 2)?;
                        out.push(u8::from_str_radix(digits, 8).ok()?);
                        at += 2;
                    }
                    other => out.push(other),
                }
            }
            byte => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> At {
        At { line, column }
    }

    fn only(text: &str) -> Message {
        let mut messages = parse(text);
        assert_eq!(messages.len(), 1, "{text}");
        messages.remove(0)
    }

    #[test]
    fn places_and_levels_are_read() {
        let m = only(
            "/p/a b:c.c:3:5:{3:5-3:8}{4:1-4:2}: error: use of x: error: y\n1 error generated.\n",
        );
        let place = m.place.expect("has a place");
        assert_eq!((place.file.as_str(), place.at), ("/p/a b:c.c", at(3, 5)));
        assert_eq!(place.ranges, [at(3, 5)..at(3, 8), at(4, 1)..at(4, 2)]);
        assert_eq!((m.level, m.text.as_str()), (Level::Error, "use of x: error: y"));
        let m = only("a.c:7:9: warning: unused [-Wunused]");
        assert_eq!((m.level, m.place.map(|place| place.at)), (Level::Warning, Some(at(7, 9))));
        let m = only("a.c:7: fatal error: gone");
        assert_eq!((m.level, m.place.map(|place| place.at)), (Level::Error, Some(at(7, 1))));
        for text in [
            "clang-19: error: no input",
            "/usr/bin/clang: error: x",
            "error: x",
            "<unknown>:0:0: error: x",
        ] {
            assert_eq!(only(text).place, None, "{text}");
        }
        let m = only("error: /p/a.c:5:0: in function f i32 (ptr): too many arguments");
        assert_eq!(m.place.map(|place| place.at), Some(at(5, 1)));
        assert_eq!(m.text, "in function f i32 (ptr): too many arguments");
    }

    #[test]
    fn notes_and_replacements_belong_to_their_message() {
        let m = only(concat!(
            "a.c:1:2: error: missing\n",
            "fix-it:\"a \\\"b\\\".c\":{1:2-1:3}:\"x\\n\\303\\251\"\n",
            "b.h:4:1: note: declared here\n",
            "fix-it:\"b.h\":{4:1-4:1}:\"not mine\"\n",
        ));
        assert_eq!(m.replacements.len(), 1);
        assert_eq!(m.replacements[0].file, "a \"b\".c");
        assert_eq!(m.replacements[0].text, "x\n\u{e9}");
        assert_eq!(m.notes[0].text, "declared here");
    }

    #[test]
    fn the_way_to_a_header_is_kept_until_it_changes() {
        let messages = parse(concat!(
            "In file included from a.c:2:\nIn file included from b.h:3:\n",
            "c.h:1:1: error: one\nc.h:2:1: error: two\n",
            "a.c:9:1: error: three\n",
            "In file included from a.c:4:\nd.h:1:1: error: four\n",
        ));
        let ways: Vec<_> =
            messages.iter().map(|m| m.included.first().map(|(_, line)| *line)).collect();
        assert_eq!(ways, [Some(2), Some(2), None, Some(4)]);
        assert_eq!(messages[0].included.len(), 2);
    }

    #[test]
    fn garbage_is_no_message() {
        for text in [
            "",
            "\0\u{1}\u{2}",
            "error",
            ": error: x",
            "fix-it:\"a\":{1-",
            "In file included from x",
            "a:b: error: x",
            "    7 | a.c:1:1: error: x",
        ] {
            assert!(parse(text).is_empty(), "{text:?}");
        }
    }
}
