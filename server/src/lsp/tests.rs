//! Sessions in this process with an engine that panics: what the built program does with one that works is tested from
//! outside (`server/tests/lsp`).

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Read, Write, pipe};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::checks::Engine;
use super::serve_on;
use crate::quick::{CheckError, CheckKind, CheckRequest, Checked, Compilers};
use crate::report::{Part, Report, Verdict};

/// Far above what anything takes, so that only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

const TEXT: &str = "SEC(\"tc\")\nint good(struct __sk_buff *skb)\n{\n\treturn 0;\n}\n";

/// Runs programs, each with the same result, and panics where it should verify one.
struct Panicking;

impl Engine for Panicking {
    fn check(&self, _: &Compilers, request: &CheckRequest<'_>) -> Result<Vec<Checked>, CheckError> {
        assert_ne!(request.kind, CheckKind::Verify, "the verifier has a fault");
        let report = Report {
            title: "Run".to_owned(),
            verdict: Verdict::Good,
            summary: "0".to_owned(),
            parts: vec![Part::Paragraph("nothing".to_owned())],
        };
        Ok(vec![Checked {
            program: request.program.unwrap_or_default().to_owned(),
            kind: request.kind,
            verdict: Verdict::Good,
            summary: "0".to_owned(),
            report,
            findings: Vec::new(),
        }])
    }
}

/// A session with a server in this process.
struct Session {
    input: PipeWriter,
    messages: Receiver<Value>,
    seen: Vec<Value>,
    last_id: u64,
    server: JoinHandle<std::io::Result<ExitCode>>,
    directory: TempDir,
}

impl Session {
    fn new(options: &Value) -> Self {
        let (to_server, input) = pipe().expect("can make a pipe");
        let (output, from_server) = pipe().expect("can make a pipe");
        let server =
            thread::spawn(|| serve_on(BufReader::new(to_server), from_server, Arc::new(Panicking)));
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let directory = tempfile::tempdir().expect("can create a directory");
        let mut session = Self { input, messages, seen: Vec::new(), last_id: 0, server, directory };
        let params = json!({
            "processId": null, "rootUri": null, "capabilities": {}, "initializationOptions": options,
        });
        session.ask("initialize", &params);
        session.notify("initialized", &json!({}));
        session
    }

    fn uri(&self) -> String {
        let root = self.directory.path().canonicalize().expect("exists");
        format!("file://{}", root.join("a.bpf.c").display())
    }

    fn open(&mut self) {
        std::fs::write(self.directory.path().join("a.bpf.c"), TEXT).expect("can write");
        let item = json!({ "uri": self.uri(), "languageId": "c", "version": 1, "text": TEXT });
        self.notify("textDocument/didOpen", &json!({ "textDocument": item }));
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len()).expect("it listens");
    }

    fn notify(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// The result of a request, which must not be an error.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let answer = self.wait(|message| message["id"] == json!(id));
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn check(&mut self, kind: &str) -> Value {
        let subject = json!({ "uri": self.uri(), "program": "good" });
        let command = format!("bpf-analyzer.{kind}");
        let params = json!({ "command": command, "arguments": [subject] });
        self.ask("workspace/executeCommand", &params)
    }

    fn titles(&mut self) -> Vec<String> {
        let params = json!({ "textDocument": { "uri": self.uri() } });
        let lenses = self.ask("textDocument/codeLens", &params);
        let lenses = lenses.as_array().expect("is an array").iter();
        lenses.map(|lens| lens["command"]["title"].as_str().expect("is text").to_owned()).collect()
    }

    fn wait(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(known) = self.seen.iter().position(&wanted) {
            return self.seen.remove(known);
        }
        loop {
            let message = self.messages.recv_timeout(PATIENCE);
            let message = message.unwrap_or_else(|error| panic!("{error}: {:#?}", self.seen));
            if wanted(&message) {
                return message;
            }
            self.seen.push(message);
        }
    }

    /// The text of the next message of this kind, which must be about an error.
    fn told(&mut self, method: &str) -> String {
        let method = json!(method);
        let message = self
            .wait(|message| message["method"] == method && message["params"]["type"] == json!(1));
        message["params"]["message"].as_str().expect("is text").to_owned()
    }

    /// Ends the session; what was said in the meantime.
    fn end(mut self) -> Vec<Value> {
        self.ask("shutdown", &json!(null));
        self.notify("exit", &json!(null));
        let code = self.server.join().expect("does not panic").expect("is served");
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
        self.seen.extend(self.messages);
        self.seen
    }
}

fn read(output: &mut BufReader<PipeReader>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

#[test]
fn a_panic_in_a_check_is_told_and_survived() {
    let mut session = Session::new(&json!({ "verify": { "onSave": false } }));
    session.open();
    // More often than there are checks at a time: each gives its place back.
    let processors = thread::available_parallelism().map_or(2, usize::from);
    for _ in 0..=processors {
        assert_eq!(session.check("verify"), Value::Null);
        let shown = session.told("window/showMessage");
        assert!(shown.starts_with("Verifying good: internal error: "), "{shown}");
        assert!(shown.contains("the verifier has a fault"), "{shown}");
        let logged = session.told("window/logMessage");
        assert!(logged.contains("verify good: internal error: "), "{logged}");
        assert_eq!(session.titles(), ["no findings", "Verify", "Run", "Layouts"]);
    }
    assert_eq!(session.check("run")["summary"], "0");
    assert_eq!(session.titles(), ["no findings", "Verify", "Run: 0", "Layouts"]);
    session.end();
}

#[test]
fn a_panic_in_a_check_of_a_saved_file_is_shown_once() {
    let mut session = Session::new(&json!({}));
    session.open();
    for _ in 0..3 {
        let params = json!({ "textDocument": { "uri": session.uri() } });
        session.notify("textDocument/didSave", &params);
        let logged = session.told("window/logMessage");
        assert!(logged.contains("a.bpf.c: internal error: "), "{logged}");
    }
    let shown = session.told("window/showMessage");
    assert!(shown.contains("the verifier has a fault"), "{shown}");
    assert_eq!(session.check("run")["summary"], "0");
    let seen = session.end();
    let again = |message: &&Value| message["method"] == json!("window/showMessage");
    assert_eq!(seen.iter().find(again), None);
}
