//! Plays a recording to a server: as it was, or disturbed. Whatever the disorder, every request is answered
//! once, and in the end the server thinks of each document what a fresh one thinks of the same text.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::document::{Document, Encoding};
use super::recording::{Answers, Recording, changes_settings};
use super::server::{PATIENCE, Server};

/// How much a recording is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disorder {
    /// Not at all.
    None,
    /// By this seed: messages come in bursts and after pauses, cut into pieces; requests are moved, some are
    /// cancelled; the client takes its time to answer; and a second copy of the session goes on in between,
    /// in another directory.
    Seed(u64),
}

/// What was played.
#[derive(Clone, Copy, Debug, Default)]
pub struct Played {
    /// Requests that were answered.
    pub requests: usize,
    /// Documents that were compared with a fresh server.
    pub documents: usize,
    /// Diagnostics that these had.
    pub diagnostics: usize,
}

/// Plays the recording at `path` to `program lsp`.
///
/// # Errors
/// If the recording cannot be used, or the server does not behave.
pub fn replay(program: &Path, path: &Path, disorder: Disorder) -> Result<Played> {
    let directory = tempfile::tempdir()?;
    let root = directory.path().canonicalize()?.join("first");
    let second = root.with_file_name("second");
    let recording = Recording::load(path, &root)?;
    for (name, text) in &recording.files {
        for place in [&root, &second] {
            fs::create_dir_all(place)?;
            fs::write(place.join(name), text)?;
        }
    }
    let (messages, random) = match disorder {
        Disorder::None => (recording.messages.clone(), None),
        Disorder::Seed(seed) => {
            let mut random = fastrand::Rng::with_seed(seed);
            let copy = Recording::load(path, &second)?;
            (disturbed(&recording.messages, copy.messages, &mut random), Some(random))
        }
    };
    let mut player = Player {
        server: Server::start(program, &root)?,
        program,
        root,
        answers: recording.answers.clone(),
        recording,
        changes: 0,
        encoding: Encoding::Utf16,
        pulls: false,
        documents: BTreeMap::new(),
        unanswered: Vec::new(),
        random,
        played: Played::default(),
    };
    for message in &messages {
        player.play(message).with_context(|| format!("at {}", message["method"]))?;
    }
    player.finish()
}

fn method(message: &Value) -> &str {
    message["method"].as_str().unwrap_or_default()
}

/// The request that has the server do something.
const COMMAND: &str = "workspace/executeCommand";

/// The messages that have to stay where they are.
fn is_frame(message: &Value) -> bool {
    matches!(method(message), "initialize" | "initialized" | "shutdown" | "exit")
}

/// Two streams in one, with requests moved and some cancelled.
fn disturbed(first: &[Value], second: Vec<Value>, random: &mut fastrand::Rng) -> Vec<Value> {
    let begin = first.iter().take_while(|message| !is_middle(message)).count();
    let end = first.iter().rposition(is_middle).map_or(begin, |last| last + 1);
    let mut second =
        second.into_iter().filter(|message| !is_frame(message)).map(renamed).peekable();
    let mut middle = Vec::new();
    for message in &first[begin..end] {
        while second.peek().is_some() && random.bool() {
            middle.extend(second.next());
        }
        middle.push(message.clone());
    }
    middle.extend(second);
    for at in 0..middle.len() {
        // A command says something about the time it is given.
        let may_move = middle[at].get("id").is_some() && method(&middle[at]) != COMMAND;
        if may_move && random.f32() < 0.3 {
            let to = (at + random.usize(0..16)).saturating_sub(8).min(middle.len() - 1);
            let request = middle.remove(at);
            middle.insert(to, request);
        }
    }
    let mut messages = first[..begin].to_vec();
    for message in middle {
        let cancelled = message.get("id").filter(|_| random.f32() < 0.1).cloned();
        messages.push(message);
        messages.extend(cancelled.map(
            |id| json!({ "jsonrpc": "2.0", "method": "$/cancelRequest", "params": { "id": id } }),
        ));
    }
    messages.extend_from_slice(&first[end..]);
    messages
}

fn is_middle(message: &Value) -> bool {
    !is_frame(message)
}

/// A message of the second copy, whose requests have other identifiers.
fn renamed(mut message: Value) -> Value {
    let rename = |id: &mut Value| *id = json!(format!("second-{id}"));
    if method(&message) == "$/cancelRequest" {
        rename(&mut message["params"]["id"]);
    } else if let Some(id) = message.get_mut("id") {
        rename(id);
    }
    message
}

struct Player<'p> {
    server: Server,
    program: &'p Path,
    root: PathBuf,
    recording: Recording,
    answers: Answers,
    /// Of the settings, told so far.
    changes: usize,
    encoding: Encoding,
    /// The client asks for diagnostics.
    pulls: bool,
    documents: BTreeMap<String, Document>,
    /// Answers to requests of the server that are held back.
    unanswered: Vec<Value>,
    random: Option<fastrand::Rng>,
    played: Played,
}

impl Player<'_> {
    fn play(&mut self, message: &Value) -> Result<()> {
        self.dawdle()?;
        self.changes += usize::from(changes_settings(message));
        let uri = message["params"]["textDocument"]["uri"].as_str().unwrap_or_default().to_owned();
        match method(message) {
            "initialize" => {
                self.send(message)?;
                let result = self.server.answer(&message["id"])?["result"].take();
                self.encoding = Encoding::agreed(&result);
                self.pulls = result["capabilities"].get("diagnosticProvider").is_some();
                return Ok(());
            }
            "textDocument/didOpen" => {
                let document = Document::opened(&message["params"]).context("not understood")?;
                self.documents.insert(uri.clone(), document);
                self.server.ledger.forget_version(&uri);
            }
            "textDocument/didChange" => {
                // VS Code closes a document whose language changes, and still tells its next change.
                if let Some(document) = self.documents.get_mut(&uri) {
                    document.change(&message["params"], self.encoding).context("not understood")?;
                }
            }
            "textDocument/didClose" => {
                self.settle(std::slice::from_ref(&uri))?;
                self.documents.remove(&uri);
                self.server.ledger.forget_version(&uri);
            }
            "shutdown" => {
                let open: Vec<String> = self.documents.keys().cloned().collect();
                self.settle(&open)?;
                self.send(message)?;
                self.server.answer(&message["id"])?;
                return Ok(());
            }
            _ => {}
        }
        self.send(message)
    }

    /// Whether something disorderly happens that does with this probability.
    fn chance(&mut self, probability: f32) -> bool {
        self.random.as_mut().is_some_and(|random| random.f32() < probability)
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        let in_pieces = self.chance(0.1);
        match &mut self.random {
            Some(random) if in_pieces => self.server.send_in_pieces(message, random)?,
            _ => self.server.send(message)?,
        }
        Ok(())
    }

    /// Between two messages: a pause or none, and what has come is looked at.
    fn dawdle(&mut self) -> Result<()> {
        if self.chance(0.2) {
            let pause = self.random.as_mut().map_or(0, |random| random.u64(0..3_000));
            thread::sleep(Duration::from_micros(pause));
        }
        self.absorb(Duration::ZERO)
    }

    /// Looks at what comes within a time, and answers what the server asks, sooner or later.
    fn absorb(&mut self, wait: Duration) -> Result<()> {
        while let Some(message) = self.server.take(wait) {
            if let (Some(id), Some(asked)) = (message.get("id"), message["method"].as_str()) {
                let result = self.answers.next(asked, self.changes);
                self.unanswered.push(json!({ "jsonrpc": "2.0", "id": id, "result": result }));
            }
            if wait > Duration::ZERO {
                break;
            }
        }
        let held = wait == Duration::ZERO && self.chance(0.7);
        for answer in if held { Vec::new() } else { std::mem::take(&mut self.unanswered) } {
            self.send(&answer)?;
        }
        Ok(())
    }

    /// Waits until everything is answered and these documents have the diagnostics of a fresh server.
    fn settle(&mut self, uris: &[String]) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while self.server.ledger.open() > 0 {
            ensure!(Instant::now() < end, "unanswered: {:?}", self.server.ledger.unanswered());
            self.absorb(Duration::from_millis(10))?;
        }
        let expected = self.fresh()?;
        for uri in uris {
            let expected = expected.get(uri).cloned().unwrap_or_else(|| json!([]));
            loop {
                let found = self.diagnostics(uri)?;
                if found == expected {
                    break;
                }
                ensure!(
                    Instant::now() < end,
                    "{uri}: a fresh server says {expected:#}, this one {found:#} about\n{}",
                    self.documents.get(uri).map_or("", |document| &document.text)
                );
                self.absorb(Duration::from_millis(10))?;
            }
            self.played.documents += 1;
            self.played.diagnostics += expected.as_array().map_or(0, Vec::len);
        }
        Ok(())
    }

    /// What the server thinks of a document now.
    fn diagnostics(&mut self, uri: &str) -> Result<Value> {
        if self.pulls {
            let params = json!({ "textDocument": { "uri": uri } });
            return Ok(self.server.ask("textDocument/diagnostic", &params)?["items"].take());
        }
        let version = self.documents.get(uri).map(|document| document.version);
        let published = self.server.ledger.published(uri);
        let current = published.filter(|p| p.version.is_none() || p.version == version);
        Ok(current.map_or_else(|| json!([]), |published| published.diagnostics.clone()))
    }

    /// What a server that is started for it thinks of all open documents.
    fn fresh(&self) -> Result<BTreeMap<String, Value>> {
        let mut server = Server::start(self.program, &self.root)?;
        let params = self.recording.settled_initialize().context("nothing is initialized")?;
        server.ask("initialize", &params)?;
        server.notify("initialized", &json!({}))?;
        for (uri, document) in &self.documents {
            let Document { language, version, text } = document;
            let item =
                json!({ "uri": uri, "languageId": language, "version": version, "text": text });
            server.notify("textDocument/didOpen", &json!({ "textDocument": item }))?;
        }
        let mut found = BTreeMap::new();
        for (uri, document) in &self.documents {
            let params = json!({ "textDocument": { "uri": uri } });
            if self.pulls {
                let report = server.ask("textDocument/diagnostic", &params)?["items"].take();
                found.insert(uri.clone(), report);
                continue;
            }
            // Nothing is published about what is not BPF C.
            if server.ask("textDocument/documentSymbol", &params)?.is_null() {
                continue;
            }
            let end = Instant::now() + PATIENCE;
            let diagnostics = loop {
                match server.ledger.published(uri) {
                    Some(known) if known.version == Some(document.version) => {
                        break known.diagnostics.clone();
                    }
                    _ => ensure!(Instant::now() < end, "{uri}: nothing is published"),
                }
                server.take(Duration::from_millis(10));
            };
            found.insert(uri.clone(), diagnostics);
        }
        Ok(found)
    }

    /// The end of the session, as the recorded one ended.
    fn finish(mut self) -> Result<Played> {
        let shut_down = self.recording.messages.iter().any(|m| method(m) == "shutdown");
        if !shut_down {
            let open: Vec<String> = self.documents.keys().cloned().collect();
            self.settle(&open)?;
        }
        let mut last = BTreeMap::new();
        if !self.pulls {
            for uri in self.documents.keys().cloned().collect::<Vec<_>>() {
                last.insert(uri.clone(), self.diagnostics(&uri)?);
            }
        }
        let end = self.server.finish();
        let expected = i32::from(!shut_down);
        ensure!(end.code == Some(expected), "ended with {:?}, not {expected}", end.code);
        let unanswered = end.ledger.unanswered();
        ensure!(unanswered.is_empty(), "unanswered: {unanswered:?}");
        ensure!(end.ledger.faults().is_empty(), "{:#?}", end.ledger.faults());
        for (uri, diagnostics) in last {
            let published = end.ledger.published(&uri).map(|p| &p.diagnostics);
            if published.is_some_and(|published| *published != diagnostics) {
                bail!("{uri}: other diagnostics came late");
            }
        }
        self.played.requests = end.ledger.requests();
        Ok(self.played)
    }
}
