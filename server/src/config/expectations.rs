//! What `[[packets]]` and `[[tests]]` of `bpf-analyzer.toml` mean: packets with names, and what programs are expected to
//! do.
//!
//! Nothing in them names a command, and reading them opens no file.

use globset::{GlobBuilder, GlobMatcher};
use runtime::{Connection, Layout, Route, Socket, Task};
use serde_json::Value;
use toml::Spanned;

use super::read::Reader;
use super::tables::{
    ExpectTable, LayoutTable, NumberOrName, OneOrMany, PacketTable, TestTable, VerdictName,
};
use super::{ConfigError, Pattern};
use crate::packets::hex;
use crate::run::retval;
use crate::run::tables::{ConnectionRow, RouteRow, SocketRow, UserRow};
use crate::spelling;

/// A packet with a name.
#[derive(Clone, Debug)]
pub struct PacketSpec {
    /// Its name.
    pub name: String,
    /// What it is, as `--packet` takes it; files are relative to the configuration.
    pub spec: String,
    /// The metadata in front of it.
    pub metadata: Vec<u8>,
    /// How it lies in memory.
    pub layout: Layout,
    /// The programs that it is for; all if `None`.
    pub(crate) program: Option<GlobMatcher>,
    /// The files that it is for; all if `None`.
    pub(crate) file: Option<Pattern>,
    /// Its line in the configuration, from 1.
    pub line: usize,
}

/// A test, as it is written; [`crate::tests`] makes cases of it.
#[derive(Clone, Debug)]
pub struct TestSpec {
    /// What it is about; may be empty.
    pub name: String,
    /// Files and patterns of files, relative to the configuration.
    pub files: Vec<String>,
    /// The programs; all if `None`.
    pub(crate) program: Option<GlobMatcher>,
    /// How the programs were named.
    pub program_text: Option<String>,
    /// Names and texts of packets.
    pub packets: Vec<String>,
    /// Metadata instead of that of the packet.
    pub metadata: Option<Vec<u8>>,
    /// The layout instead of that of the packet.
    pub layout: Option<Layout>,
    /// The context; null if there is none.
    pub context: Value,
    /// What maps hold before.
    pub maps: Vec<MapElements>,
    /// Samples for user ring buffers.
    pub samples: Vec<(String, Vec<u8>)>,
    /// Routes.
    pub routes: Vec<Route>,
    /// Sockets.
    pub sockets: Vec<Socket>,
    /// Connections that are tracked.
    pub connections: Vec<Connection>,
    /// Memory of user space.
    pub user: Vec<(u64, Vec<u8>)>,
    /// The task.
    pub task: Task,
    /// What is left to be done later is done.
    pub deferred: bool,
    /// What chance begins with.
    pub seed: u64,
    /// The time in nanoseconds.
    pub now: u64,
    /// What is expected.
    pub expected: Expected,
    /// Its line in the configuration, from 1.
    pub line: usize,
}

/// The name of a map, and elements or the name of a file with them.
pub type MapElements = (String, Value);

/// Bytes of which some may be any.
pub type BytePattern = Vec<Option<u8>>;

/// What is expected of a program.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The result: its number, and how it was written.
    pub retval: Option<(i64, String)>,
    /// The packet afterwards.
    pub packet: Option<String>,
    /// The metadata afterwards.
    pub metadata: Option<BytePattern>,
    /// Fields of the context.
    pub context: Vec<(String, Value)>,
    /// What it has beside its bytes.
    pub values: Vec<(String, BytePattern)>,
    /// What an iterator writes.
    pub sequence: Option<String>,
    /// Elements of maps.
    pub maps: Vec<MapElements>,
    /// Records of ring buffers.
    pub records: Vec<(String, Vec<BytePattern>)>,
    /// Texts that are printed.
    pub printed: Vec<String>,
    /// Interfaces.
    pub sent: Option<Vec<u32>>,
    /// Signals.
    pub signals: Option<Vec<u32>>,
    /// Part of a fault.
    pub fault: Option<String>,
    /// Nothing depends on the layout.
    pub layouts: bool,
    /// The verifier's verdict, and part of its message.
    pub verdict: Option<(VerdictName, Option<String>)>,
}

impl Expected {
    /// Whether something is expected of a run.
    pub fn is_of_run(&self) -> bool {
        let Self { retval, packet, metadata, context, maps, records, printed, sent, fault, .. } =
            self;
        retval.is_some()
            || packet.is_some()
            || metadata.is_some()
            || sent.is_some()
            || self.signals.is_some()
            || fault.is_some()
            || self.layouts
            || self.sequence.is_some()
            || !self.values.is_empty()
            || !(context.is_empty() && maps.is_empty() && records.is_empty() && printed.is_empty())
    }
}

/// Bytes from hexadecimal digits, where `??` is any byte and blanks do not count; nothing if it is something else.
pub fn byte_pattern(text: &str) -> Option<BytePattern> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |pair: &[u8; 2]| match pair {
        b"??" => Some(None),
        pair => Some(Some(hex(std::str::from_utf8(pair).ok()?)?.first().copied()?)),
    };
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

impl Reader<'_> {
    pub(super) fn packets(
        &self,
        tables: &[Spanned<PacketTable>],
    ) -> Result<Vec<PacketSpec>, ConfigError> {
        let mut packets: Vec<PacketSpec> = Vec::new();
        for table in tables {
            let PacketTable { name, spec, program, file, metadata, layout } = table.get_ref();
            if name.get_ref().is_empty() {
                return Err(self.error(name.span(), "a packet needs a name".to_owned()));
            }
            if let Some(first) = packets.iter().find(|known| known.name == *name.get_ref()) {
                let message = format!("there is a packet `{}` in line {}", first.name, first.line);
                return Err(self.error(name.span(), message));
            }
            packets.push(PacketSpec {
                name: name.get_ref().clone(),
                spec: spec.clone(),
                metadata: self.digits(metadata.as_ref())?.unwrap_or_default(),
                layout: layout.layout(),
                program: self.names(program.as_ref())?,
                file: file.as_ref().map(|glob| self.pattern(glob)).transpose()?,
                line: self.line(table.span().start),
            });
        }
        Ok(packets)
    }

    pub(super) fn tests(
        &self,
        tables: &[Spanned<TestTable>],
    ) -> Result<Vec<TestSpec>, ConfigError> {
        tables.iter().map(|table| self.test(table)).collect()
    }

    fn test(&self, spanned: &Spanned<TestTable>) -> Result<TestSpec, ConfigError> {
        let table = spanned.get_ref();
        let at_file = |message: String| self.error(table.file.span(), message);
        let files = table.file.get_ref().list();
        if files.is_empty() {
            return Err(at_file("a test needs a file".to_owned()));
        }
        for glob in &files {
            Pattern::new(glob).map_err(|error| at_file(error.to_string()))?;
        }
        let mut samples = Vec::new();
        for (map, texts) in &table.samples {
            for text in texts {
                samples.push((map.clone(), self.digits(Some(text))?.unwrap_or_default()));
            }
        }
        let at_start = |why: String| self.error(spanned.span(), why);
        let routes = table.routes.iter().map(RouteRow::route).collect::<Result<_, _>>();
        let sockets = table.sockets.iter().map(SocketRow::socket).collect::<Result<_, _>>();
        let connections = table.connections.iter().map(ConnectionRow::connection);
        let connections = connections.collect::<Result<_, _>>();
        let user = table.user.iter().map(UserRow::memory).collect::<Result<_, _>>();
        Ok(TestSpec {
            name: table.name.clone(),
            files,
            program: self.names(table.program.as_ref())?,
            program_text: table.program.as_ref().map(|text| text.get_ref().clone()),
            packets: table.packet.as_ref().map(OneOrMany::list).unwrap_or_default(),
            metadata: self.digits(table.metadata.as_ref())?,
            layout: table.layout.as_ref().map(LayoutTable::layout),
            context: table.context.clone(),
            maps: table.maps.clone().into_iter().collect(),
            samples,
            routes: routes.map_err(|why| at_start(format!("routes: {why}")))?,
            sockets: sockets.map_err(|why| at_start(format!("sockets: {why}")))?,
            connections: connections.map_err(|why| at_start(format!("connections: {why}")))?,
            user: user.map_err(|why| at_start(format!("user: {why}")))?,
            task: table.task.task(),
            deferred: table.deferred,
            seed: table.seed,
            now: table.now,
            expected: self.expected(&table.expect)?,
            line: self.line(spanned.span().start),
        })
    }

    fn expected(&self, spanned: &Spanned<ExpectTable>) -> Result<Expected, ConfigError> {
        let table = spanned.get_ref();
        let mut records = Vec::new();
        for (map, texts) in &table.records {
            let patterns = texts.iter().map(|text| self.bytes(text)).collect::<Result<_, _>>()?;
            records.push((map.clone(), patterns));
        }
        let values = table.values.iter().map(|(name, text)| Ok((name.clone(), self.bytes(text)?)));
        let values = values.collect::<Result<_, ConfigError>>()?;
        let message = table.message.as_ref().map(|message| message.get_ref().clone());
        let verdict = match (table.verdict, &table.message) {
            (Some(verdict), _) => Some((verdict, message)),
            (None, Some(message)) => {
                let why = "a message needs `verdict`".to_owned();
                return Err(self.error(message.span(), why));
            }
            (None, None) => None,
        };
        let expected = Expected {
            retval: table.retval.as_ref().map(|name| self.retval(name)).transpose()?,
            packet: table.packet.clone(),
            metadata: table.metadata.as_ref().map(|text| self.bytes(text)).transpose()?,
            context: table.context.clone().into_iter().collect(),
            values,
            sequence: table.sequence.clone(),
            maps: table.maps.clone().into_iter().collect(),
            records,
            printed: table.printed.clone(),
            sent: table.sent.clone(),
            signals: table.signals.clone(),
            fault: table.fault.clone(),
            layouts: table.layouts,
            verdict,
        };
        if expected.verdict.is_none() && !expected.is_of_run() {
            return Err(self.error(spanned.span(), "nothing is expected".to_owned()));
        }
        Ok(expected)
    }

    fn retval(&self, value: &Spanned<NumberOrName>) -> Result<(i64, String), ConfigError> {
        match value.get_ref() {
            NumberOrName::Number(number) => Ok((*number, number.to_string())),
            NumberOrName::Name(name) => match retval::parse(name) {
                Some(number) => Ok((number, name.clone())),
                None => {
                    let guess = spelling::did_you_mean(retval::nearest(name));
                    Err(self.error(value.span(), format!("`{name}` is no known result{guess}")))
                }
            },
        }
    }

    fn names(&self, glob: Option<&Spanned<String>>) -> Result<Option<GlobMatcher>, ConfigError> {
        let matcher = |glob: &Spanned<String>| {
            let built = GlobBuilder::new(glob.get_ref()).build();
            built
                .map(|glob| glob.compile_matcher())
                .map_err(|error| self.error(glob.span(), error.to_string()))
        };
        glob.map(matcher).transpose()
    }

    fn digits(&self, text: Option<&Spanned<String>>) -> Result<Option<Vec<u8>>, ConfigError> {
        let Some(text) = text else { return Ok(None) };
        if text.get_ref().is_empty() {
            return Ok(Some(Vec::new()));
        }
        match hex(text.get_ref()) {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(self.error(text.span(), "no hexadecimal digits".to_owned())),
        }
    }

    fn bytes(&self, text: &Spanned<String>) -> Result<BytePattern, ConfigError> {
        byte_pattern(text.get_ref())
            .ok_or_else(|| self.error(text.span(), "no hexadecimal digits".to_owned()))
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.get(..at).unwrap_or(self.text).matches('\n').count()
    }
}
