//! Programs that must not be loaded any more.

use serde::{Deserialize, Serialize};

use crate::corpus::{Corpus, Topic};
use crate::error::{Error, Result, read_text, write};

/// The list, with reasons.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Deny {
    /// The programs.
    #[serde(default)]
    pub program: Vec<Denied>,
}

/// A program that must not be loaded.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Denied {
    /// `family/topic:function`.
    pub name: String,
    /// What happened.
    pub reason: String,
}

const HEADER: &str = "# Programs that the oracle does not load again; what was recorded stays.\n\n";

impl Deny {
    /// The list of the corpus.
    pub fn of(corpus: &Corpus) -> Result<Self> {
        let path = corpus.root().join("deny.toml");
        if !path.is_file() {
            return Ok(Self::default());
        }
        toml::from_str(&read_text(&path)?).map_err(|error| Error::format(&path, &error))
    }

    /// Whether a program is on it.
    pub fn contains(&self, topic: &Topic, program: &str) -> bool {
        let name = format!("{}:{program}", topic.path());
        self.program.iter().any(|denied| denied.name == name)
    }

    /// Adds a program and keeps the list.
    pub fn add(&mut self, corpus: &Corpus, topic: &Topic, program: &str, why: &str) -> Result<()> {
        let name = format!("{}:{program}", topic.path());
        self.program.push(Denied { name, reason: why.to_owned() });
        let path = corpus.root().join("deny.toml");
        let text = toml::to_string(self).map_err(|error| Error::format(&path, &error))?;
        write(&path, format!("{HEADER}{text}").as_bytes())
    }
}
