//! With what programs are run: packets by name, and the statements beside a source.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::corpus::{Corpus, Topic};
use crate::error::{Error, Result, read_text};

/// The least length of a linear part that is tried where every length is: an Ethernet header.
const LEAST_LINEAR: u32 = 14;

/// Packets by name.
#[derive(Clone, Debug, Default)]
pub struct Packets(BTreeMap<String, Vec<u8>>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PacketRow {
    hex: String,
    pad: Option<usize>,
}

/// The runs of one program.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The program.
    pub program: String,
    /// Packets by name; without any the program gets no data.
    #[serde(default)]
    pub packets: Vec<String>,
    /// Lengths of the linear part, for XDP.
    #[serde(default)]
    pub linear: Vec<Linear>,
    /// Bytes of metadata before the packet, for XDP.
    #[serde(default)]
    pub meta: u32,
    /// Fields of the context.
    #[serde(default)]
    pub context: BTreeMap<String, Field>,
    /// Arguments of a raw tracepoint.
    #[serde(default)]
    pub args: Vec<u64>,
    /// The context of a syscall program, in hexadecimal.
    #[serde(default)]
    pub bytes: Option<String>,
    /// How often it is called without loading it again.
    #[serde(default = "once")]
    pub times: usize,
    /// Elements that maps have at the beginning, keys and values in hexadecimal.
    #[serde(default)]
    pub maps: BTreeMap<String, BTreeMap<String, String>>,
}

/// The length of a linear part.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Linear {
    /// This many bytes.
    Bytes(u32),
    /// `every`: each length from an Ethernet header to the whole packet.
    Word(String),
}

/// The value of a field of a context.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Field {
    /// A number.
    One(u64),
    /// The elements of an array.
    Many(Vec<u64>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunFile {
    run: Vec<Run>,
}

fn once() -> usize {
    1
}

impl Packets {
    /// The packets of the corpus.
    pub fn of(corpus: &Corpus) -> Result<Self> {
        let path = corpus.root().join("packets.toml");
        let rows: BTreeMap<String, PacketRow> =
            toml::from_str(&read_text(&path)?).map_err(|error| Error::format(&path, &error))?;
        let mut packets = BTreeMap::new();
        for (name, row) in rows {
            let bytes = unhex(&row.hex);
            let mut bytes =
                bytes.ok_or_else(|| Error::format(&path, &format!("{name}: no hexadecimal")))?;
            let missing = row.pad.unwrap_or(0).saturating_sub(bytes.len());
            bytes.extend((0..=u8::MAX).cycle().take(missing));
            packets.insert(name, bytes);
        }
        Ok(Self(packets))
    }

    /// The packet of this name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }
}

impl Run {
    /// The lengths of the linear part that are tried for a packet; `None` stands for the whole packet.
    pub fn lengths(&self, packet: usize) -> Vec<Option<u32>> {
        let all = u32::try_from(packet).unwrap_or(u32::MAX);
        let mut lengths = Vec::new();
        for linear in &self.linear {
            match linear {
                Linear::Bytes(bytes) => lengths.push(Some(*bytes)),
                Linear::Word(_) => lengths.extend((LEAST_LINEAR..=all).map(Some)),
            }
        }
        if lengths.is_empty() { vec![None] } else { lengths }
    }
}

/// The runs stated for a topic, in their order.
pub fn runs(corpus: &Corpus, topic: &Topic) -> Result<Vec<Run>> {
    let path = corpus.runs(topic);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let file: RunFile =
        toml::from_str(&read_text(&path)?).map_err(|error| Error::format(&path, &error))?;
    for run in &file.run {
        let odd = run.linear.iter().find_map(|linear| match linear {
            Linear::Word(word) if word != "every" => Some(word),
            _ => None,
        });
        if let Some(word) = odd {
            let message = format!("{}: `{word}` is no linear length", run.program);
            return Err(Error::format(&path, &message));
        }
    }
    Ok(file.run)
}

/// The bytes of a text in hexadecimal; blanks do not count.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read() {
        assert_eq!(unhex("00 ff\n1a"), Some(vec![0, 255, 26]));
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("0g"), None);
    }

    #[test]
    fn every_length_is_tried() {
        let run = Run { linear: vec![Linear::Word("every".to_owned())], ..Run::default() };
        assert_eq!(run.lengths(16), [Some(14), Some(15), Some(16)]);
        assert_eq!(Run::default().lengths(16), [None]);
    }
}
