//! The tests of `bpf-analyzer.toml`: what programs are expected to do, and whether they do.
//!
//! [`collect`] finds the tests that paths stand for, [`Runner`] runs those of a file, and [`write()`] tells how they ended.
//! Files are only read: nothing that a configuration names is executed, and C is compiled as for `verify`.
//!
//! # For editors
//!
//! [`packets_for`] are the packets that a configuration has for a program: what a lens that runs the program offers. Each
//! [`PacketSpec`] has the name to show, its line, and [`PacketSpec::load`], which gives the bytes; the packets of a capture
//! have the numbers of `capture.pcap#3` in their names.
//!
//! ```no_run
//! # fn run(config: &bpf_analyzer::config::Config) -> Result<(), Box<dyn std::error::Error>> {
//! let root = config.root().ok_or("no configuration")?;
//! for packet in bpf_analyzer::tests::packets_for(config, "xdp.bpf.c".as_ref(), "drop_all") {
//!     let title = format!("Run on {}", packet.name);
//!     let packets = packet.load(root)?; // for `run::Job::packets`
//! }
//! # Ok(()) }
//! ```

mod collect;
mod compare;
mod report;
mod runner;
mod verdicts;

use std::path::Path;
use std::time::Duration;

pub use collect::{CollectError, Collected, FileTests, collect};
pub use report::{TestFormat, write};
pub use runner::Runner;
pub use verdicts::verify;

use crate::config::{Config, PacketSpec};
use crate::packets::{NamedPacket, PacketError, packets_in};
use crate::run::RunPacket;
use runtime::PacketInput;

/// The packets that a configuration has for a program of a file, in the order of the configuration. `file` is absolute or
/// relative to the configuration.
pub fn packets_for<'c>(
    config: &'c Config,
    file: &Path,
    program: &str,
) -> impl Iterator<Item = &'c PacketSpec> {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    config.packets.iter().filter(move |packet| {
        let is_for = packet.program.as_ref().is_none_or(|glob| glob.is_match(program));
        let relative = config.relative(&absolute);
        is_for && packet.file.as_ref().is_none_or(|glob| glob.matches(relative))
    })
}

impl PacketSpec {
    /// Its bytes and how they lie in memory, or those of all packets of a capture; files are relative to `root`.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or what it is said to be is no packet.
    pub fn load(&self, root: &Path) -> Result<Vec<RunPacket>, PacketError> {
        let found = packets_in(root, &self.spec)?;
        let several = found.len() > 1;
        Ok(found
            .into_iter()
            .zip(1..)
            .map(|(NamedPacket { bytes, .. }, number)| RunPacket {
                name: if several { format!("{}#{number}", self.name) } else { self.name.clone() },
                input: PacketInput {
                    bytes,
                    metadata: self.metadata.clone(),
                    layout: self.layout.clone(),
                },
            })
            .collect())
    }
}

impl From<NamedPacket> for RunPacket {
    fn from(NamedPacket { name, bytes }: NamedPacket) -> Self {
        Self { name, input: PacketInput { bytes, ..PacketInput::default() } }
    }
}

/// What is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// What programs do.
    Runs,
    /// What the verifier says of them.
    Verdicts,
}

/// A test of one program, on one packet if it takes any.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file of the program, as it is shown.
    pub file: String,
    /// The program; empty if the test could not get that far.
    pub program: String,
    /// What the test is called; may be empty.
    pub name: String,
    /// The packet.
    pub packet: Option<String>,
    /// The configuration, as it is shown.
    pub config: String,
    /// The line of the test in it, from 1.
    pub line: usize,
}

impl Case {
    /// `FILE::PROGRAM::TEST[PACKET]`, where what is not there is left out.
    pub fn id(&self) -> String {
        format!("{}::{}", self.file, self.short())
    }

    /// The same without the file.
    pub fn short(&self) -> String {
        let mut id = self.program.clone();
        if !self.name.is_empty() {
            id = if id.is_empty() { self.name.clone() } else { format!("{id}::{}", self.name) };
        }
        if let Some(packet) = &self.packet {
            id = format!("{id}[{packet}]");
        }
        if id.is_empty() { format!("line {}", self.line) } else { id }
    }
}

/// How a test ended.
#[derive(Clone, Debug)]
pub struct CaseResult {
    /// The test.
    pub case: Case,
    /// How it ended.
    pub status: CaseStatus,
    /// How long it took.
    pub elapsed: Duration,
}

/// How a test ended.
#[derive(Clone, Debug)]
pub enum CaseStatus {
    /// As expected.
    Passed,
    /// Otherwise.
    Failed(Vec<Mismatch>),
    /// It could not be run; why.
    Broken(String),
}

/// Something that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What: `retval`, `packet`, `map stats`.
    pub what: String,
    /// What was expected and what there is.
    pub message: String,
    /// Bytes to be compared: those expected, of which some may be any, and those there are.
    pub bytes: Option<(Vec<Option<u8>>, Vec<u8>)>,
}

impl Mismatch {
    fn new(what: impl Into<String>, message: impl Into<String>) -> Self {
        Self { what: what.into(), message: message.into(), bytes: None }
    }
}
