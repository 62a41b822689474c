//! What an editor feels, each figure in processor time of the server: `cargo bench -p tests --bench editor`.
//!
//! The program starts itself as the server and talks to it as an editor does.

mod client;
mod document;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use client::Client;
use document::{Document, Random};
use serde_json::{Value, json};

/// Lines of the document that is typed in.
const LINES: usize = 3_000;

/// Edits of each kind.
const EDITS: usize = 1_000;

fn main() -> ExitCode {
    if client::is_server() {
        return bpf_analyzer::cli::main();
    }
    match figures() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn figures() -> Result<()> {
    let opening = (0..10).map(|_| open_once()).collect::<Result<Vec<_>>>()?;
    print("open to first diagnostics", &opening, "<= 40 ms (p50)")?;
    let mut random = Random::new(1);
    let mut typing = Vec::new();
    let mut client = Client::start()?;
    let mut document = Document::of_lines(LINES);
    client.open("typing.bpf.c", document.text())?;
    while typing.len() < EDITS {
        for edit in document.typing(&mut random) {
            typing.push(client.change("typing.bpf.c", &edit)?);
        }
    }
    print("keystroke, statements typed and taken back", &typing, "<= 3 / 10 ms")?;
    requests(&mut client, &mut document)?;
    let mut anywhere = Vec::new();
    let mut document = Document::of_lines(LINES);
    client.open("anywhere.bpf.c", document.text())?;
    for _ in 0..EDITS {
        anywhere.push(client.change("anywhere.bpf.c", &document.random_edit(&mut random))?);
    }
    print("keystroke, random characters that stay", &anywhere, "<= 3 / 10 ms")?;
    memory()
}

fn open_once() -> Result<Duration> {
    let mut client = Client::start()?;
    client.open("open.bpf.c", Document::of_lines(LINES).text())
}

/// Requests at random places, each directly behind an edit, so that nothing can be answered from before.
fn requests(client: &mut Client, document: &mut Document) -> Result<()> {
    let mut random = Random::new(2);
    let mut edits = Vec::new();
    for (name, method) in [
        ("hover", "textDocument/hover"),
        ("completion", "textDocument/completion"),
        ("code action", "textDocument/codeAction"),
    ] {
        let mut times = Vec::new();
        for _ in 0..300 {
            let position = document.position(&mut random);
            let mut params = json!({ "textDocument": { "uri": client.uri("typing.bpf.c") } });
            if method == "textDocument/codeAction" {
                params["range"] = json!({ "start": position, "end": position });
                params["context"] = json!({ "diagnostics": [] });
            } else {
                params["position"] = position;
            }
            while edits.is_empty() {
                edits = document.typing(&mut random);
                edits.reverse();
            }
            if let Some(edit) = edits.pop() {
                times.push(client.change_and_ask("typing.bpf.c", &edit, method, &params)?);
            }
        }
        print(name, &times, "<= 10 ms (p99)")?;
    }
    Ok(())
}

/// A hundred open files of a thousand lines.
fn memory() -> Result<()> {
    let mut client = Client::start()?;
    for number in 0..100 {
        client.open(&format!("file{number}.bpf.c"), Document::numbered(1_000, number).text())?;
    }
    let megabytes = client.memory()? as f64 / 1e6;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:<48} {megabytes:>7.1} MB              bar <= 150 MB",
        "100 open files of 1,000 lines"
    )?;
    Ok(())
}

fn print(what: &str, times: &[Duration], bar: &str) -> Result<()> {
    let mut times = times.to_vec();
    times.sort();
    let at =
        |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    let mut out = io::stdout().lock();
    writeln!(out, "{what:<48} {:>7.2} / {:>6.2} ms (p50 / p99)   bar {bar}", at(50), at(99))?;
    Ok(())
}

/// Whether a message is this notification.
pub(crate) fn is(message: &Value, method: &str) -> bool {
    message["method"] == method
}
