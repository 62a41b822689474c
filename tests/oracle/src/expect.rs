//! What authors expect of the kernel: attributes of programs, and the table of the catalogue.

use std::collections::BTreeMap;

use bpf_object::Object;
use btf::Kind;

use crate::corpus::{CATALOGUE, Corpus, Topic};
use crate::error::{Error, Result, read_bytes, read_text};
use crate::mode::Mode;
use crate::recording::{Program, Verdict};

/// What an author expects for a program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Expectation {
    /// It is loaded.
    Accept,
    /// It is refused, with a line that contains this; without a word, if this is empty.
    Reject(String),
    /// This kernel cannot say.
    NotCheckable,
}

/// How attributes begin that state an expectation.
const fn mark(mode: Mode) -> &'static str {
    match mode {
        Mode::Root => "expect:",
        Mode::Bpf => "expect-bpf:",
    }
}

/// Between two parts of a message in the table of the catalogue.
const MESSAGE_SEPARATOR: &str = " // ";

impl Expectation {
    /// What the text of an attribute says behind its mark.
    fn parse(text: &str) -> Option<Self> {
        match text {
            "accept" => Some(Self::Accept),
            "not-checkable" => Some(Self::NotCheckable),
            _ => Some(Self::Reject(text.strip_prefix("reject:")?.to_owned())),
        }
    }

    /// Why an answer is not what was expected; `None` if it is.
    pub fn differs_from(&self, program: &Program) -> Option<String> {
        let found = || match program.messages.first() {
            Some(message) => format!("{:?}, {message}", program.verdict),
            None => format!("{:?}, errno {}", program.verdict, program.errno),
        };
        let fits = match self {
            Self::Accept => program.verdict == Verdict::Accept,
            Self::NotCheckable => program.verdict == Verdict::NotCheckable,
            Self::Reject(text) => {
                let said = match text.as_str() {
                    "" => program.messages.is_empty(),
                    text => program.messages.iter().any(|message| message.contains(text)),
                };
                program.verdict == Verdict::Reject && said
            }
        };
        (!fits).then(|| format!("expected {self:?}, found {}", found()))
    }
}

/// What is expected of the programs of a topic, each of which has an entry. Of root, exactly one thing is to be expected;
/// otherwise one thing at most.
pub fn expectations(
    corpus: &Corpus,
    topic: &Topic,
    mode: Mode,
) -> Result<BTreeMap<String, Vec<Expectation>>> {
    let path = corpus.object(topic);
    let object =
        Object::parse(&read_bytes(&path)?).map_err(|error| Error::format(&path, &error))?;
    let programs = object.programs().map(|(_, function)| (function.name.clone(), Vec::new()));
    let mut found: BTreeMap<String, Vec<Expectation>> = programs.collect();
    if topic.family == CATALOGUE && mode == Mode::Root {
        let verdicts = corpus.root().join("../catalogue/verdicts.tsv");
        for line in read_text(&verdicts)?.lines().skip(1) {
            let cells: Vec<&str> = line.split('\t').collect();
            if let [name, _, verdict, _, message, ..] = cells.as_slice()
                && let Some(expected) = found.get_mut(*name)
            {
                let first = message.split(MESSAGE_SEPARATOR).next().unwrap_or_default();
                expected.push(match *verdict {
                    "ACCEPT" => Expectation::Accept,
                    _ => Expectation::Reject(first.to_owned()),
                });
            }
        }
        return Ok(found);
    }
    let Some(btf) = &object.btf else { return Ok(found) };
    for tag in btf.types().filter(|ty| ty.kind() == Kind::DeclTag && ty.component().is_none()) {
        let Some(expected) = tag.name().strip_prefix(mark(mode)).and_then(Expectation::parse)
        else {
            continue;
        };
        let function = tag.target().and_then(|id| btf.get(id));
        if let Some(list) = function.and_then(|function| found.get_mut(function.name())) {
            list.push(expected);
        }
    }
    Ok(found)
}
