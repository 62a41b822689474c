//! Recordings: what a kernel answered for the programs of an object.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};

use crate::corpus::{Corpus, Topic};
use crate::error::{Error, Result, read_bytes, read_text, write};
use crate::mode::Mode;

/// The answers of one kernel for one object.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Recording {
    /// The release of the kernel, `6.18.44`.
    pub kernel: String,
    /// The hash of the object, as in `objects.toml`.
    pub object: String,
    /// The answers, by program.
    pub programs: BTreeMap<String, Program>,
}

/// The answer for one program.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Program {
    /// Its section.
    pub section: String,
    /// The type of program that the section stands for, as the kernel model calls it.
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub program_type: String,
    /// What the kernel decided.
    pub verdict: Verdict,
    /// The error of `BPF_PROG_LOAD`, negative; 0 if there was none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub errno: i32,
    /// What the kernel says is wrong, line by line; [`crate::log::messages`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// How much work it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<Stats>,
    /// How long the kernel verified, in microseconds. Differs from time to time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usec: Option<u64>,
    /// The log of level 1 of a rejected program, at most its last lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// What its runs did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Outcome>,
}

/// What the kernel decided about a program.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It was loaded.
    Accept,
    /// The verifier, or a check before it, refused the program.
    Reject,
    /// This kernel refuses such programs before it verifies them.
    NotCheckable,
    /// The child was killed while the kernel was busy with it.
    Crashed,
}

/// The last lines of a log.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Stats {
    /// Instructions that the verifier went through, each as often as it did; also the kernel's `verified_insns`.
    pub insns_processed: u64,
    /// The greatest number of states kept for one instruction.
    pub max_states_per_insn: u64,
    /// States that were kept at some time.
    pub total_states: u64,
    /// States that were kept at the same time, at most.
    pub peak_states: u64,
    /// How far liveness of registers was carried.
    pub mark_read: u64,
    /// Bytes of stack of the program and of each of its subprograms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stack_depth: Vec<u64>,
}

/// What one call of a program did.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Outcome {
    /// The packet, by name; none if no data was passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<String>,
    /// The length of the linear part, if not all of the packet is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear: Option<u32>,
    /// Which of the runs stated for the program this is, from 0.
    #[serde(default, skip_serializing_if = "is_zero_usize")]
    pub run: usize,
    /// Which of several calls in a row this is, from 0.
    #[serde(default, skip_serializing_if = "is_zero_usize")]
    pub call: usize,
    /// The error of `BPF_PROG_TEST_RUN`, negative; 0 if there was none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub errno: i32,
    /// The result of the program, all 32 bits of it.
    pub retval: u32,
    /// The packet afterwards in hexadecimal, if it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_out: Option<String>,
    /// Fields of the context that changed, in hexadecimal as they lie in memory.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context_out: BTreeMap<String, String>,
    /// What is in maps and variables, in hexadecimal, without zeros: by map, then by key or variable.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub maps: BTreeMap<String, BTreeMap<String, String>>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &i32) -> bool {
    *number == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero_usize(number: &usize) -> bool {
    *number == 0
}

/// The recordings of one version of the kernel.
#[derive(Clone, Debug)]
pub struct Recordings {
    root: PathBuf,
}

impl Recordings {
    /// Those of the corpus for a version, `6.18`, of programs that were loaded in a mode.
    pub fn of(corpus: &Corpus, version: &str, mode: Mode) -> Self {
        let directory = format!("{version}{}", mode.suffix());
        Self { root: corpus.root().join("recordings").join(directory) }
    }

    /// The topics that have been recorded, by path.
    pub fn topics(&self) -> Result<Vec<Topic>> {
        let mut topics = Vec::new();
        for family in list(&self.root)? {
            for file in list(&self.root.join(&family))? {
                if let Some(name) = file.strip_suffix(".json") {
                    topics.push(Topic { family: family.clone(), name: name.to_owned() });
                }
            }
        }
        topics.sort();
        Ok(topics)
    }

    /// The recording of a topic, if there is one.
    pub fn load(&self, topic: &Topic) -> Result<Option<Recording>> {
        let path = self.path(topic, "json");
        if !path.is_file() {
            return Ok(None);
        }
        let text = read_text(&path)?;
        serde_json::from_str(&text).map(Some).map_err(|error| Error::format(&path, &error))
    }

    /// Keeps a recording.
    pub fn save(&self, topic: &Topic, recording: &Recording) -> Result<()> {
        let path = self.path(topic, "json");
        let text = serde_json::to_string_pretty(recording);
        let text = text.map_err(|error| Error::format(&path, &error))?;
        write(&path, (text + "\n").as_bytes())
    }

    /// The logs of level 2 of the programs of a topic; empty if none were kept.
    pub fn load_logs(&self, topic: &Topic) -> Result<BTreeMap<String, String>> {
        let path = self.path(topic, "log2.gz");
        if !path.is_file() {
            return Ok(BTreeMap::new());
        }
        let mut text = String::new();
        let bytes = read_bytes(&path)?;
        GzDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .map_err(|error| Error::format(&path, &error))?;
        let mut logs = BTreeMap::new();
        for part in text.split(LOG_MARK).skip(1) {
            let (name, log) = part.split_once('\n').unwrap_or((part, ""));
            logs.insert(name.to_owned(), log.to_owned());
        }
        Ok(logs)
    }

    /// Keeps the logs of level 2.
    pub fn save_logs(&self, topic: &Topic, logs: &BTreeMap<String, String>) -> Result<()> {
        let path = self.path(topic, "log2.gz");
        let failed = |source| Error::Io { path: path.clone(), source };
        if logs.is_empty() {
            return if path.is_file() { fs::remove_file(&path).map_err(failed) } else { Ok(()) };
        }
        // No name and no time: the same logs give the same bytes.
        let mut packed = GzBuilder::new().write(Vec::new(), Compression::best());
        for (name, log) in logs {
            let text = format!("{LOG_MARK}{name}\n{log}");
            packed.write_all(text.as_bytes()).map_err(failed)?;
        }
        write(&path, &packed.finish().map_err(failed)?)
    }

    /// Forgets a topic.
    pub fn remove(&self, topic: &Topic) -> Result<()> {
        for ending in ["json", "log2.gz"] {
            let path = self.path(topic, ending);
            if path.is_file() {
                fs::remove_file(&path).map_err(|source| Error::Io { path, source })?;
            }
        }
        Ok(())
    }

    fn path(&self, topic: &Topic, ending: &str) -> PathBuf {
        self.root.join(&topic.family).join(format!("{}.{ending}", topic.name))
    }
}

/// What stands before the name of a program in a file of logs.
const LOG_MARK: &str = "=== ";

fn list(directory: &PathBuf) -> Result<Vec<String>> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |source| Error::Io { path: directory.clone(), source };
    let entries = fs::read_dir(directory).map_err(failed)?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.collect::<std::io::Result<Vec<_>>>().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_and_logs_come_back() {
        let directory = tempfile::tempdir().expect("can be made");
        let recordings = Recordings { root: directory.path().to_owned() };
        let topic = Topic { family: "tc".to_owned(), name: "a".to_owned() };
        assert_eq!(recordings.load(&topic).expect("can be asked"), None);
        let recording = Recording { kernel: "6.18.1".to_owned(), ..Recording::default() };
        recordings.save(&topic, &recording).expect("can be saved");
        assert_eq!(recordings.load(&topic).expect("can be read"), Some(recording));
        assert_eq!(recordings.topics().expect("can be listed"), std::slice::from_ref(&topic));
        let logs = BTreeMap::from([("p".to_owned(), "0: R1=ctx()\n".to_owned())]);
        recordings.save_logs(&topic, &logs).expect("can be saved");
        assert_eq!(recordings.load_logs(&topic).expect("can be read"), logs);
        recordings.remove(&topic).expect("can be removed");
        assert!(recordings.topics().expect("can be listed").is_empty());
    }
}
