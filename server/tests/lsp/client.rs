//! A language client that says exactly what a test wants, with a time limit on every answer.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Far above what anything takes, so that only a hang reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running server and what it has said.
pub(crate) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    incoming: Receiver<Value>,
    /// Notifications and requests of the server that no test has looked at yet.
    pub(crate) seen: Vec<Value>,
    last_id: i64,
    /// What `workspace/configuration` is answered with.
    pub(crate) settings: Value,
    /// Whether requests of the server are answered.
    pub(crate) answers: bool,
    /// Another client, whose directory this one needs.
    pub(crate) beside: Option<Box<Client>>,
    directory: TempDir,
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Client {
    /// Starts a server in an empty directory. It finds no compiler.
    pub(crate) fn start() -> Self {
        Self::start_with_path("".as_ref())
    }

    /// Starts a server that searches compilers in the directories of `path`, with a cache that all tests share.
    pub(crate) fn start_with_path(path: &OsStr) -> Self {
        let directory = tempfile::tempdir().expect("can create a directory");
        let mut child = Command::new(env!("CARGO_BIN_EXE_bpf-analyzer"))
            .arg("lsp")
            .current_dir(directory.path())
            .env("PATH", path)
            .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("lsp-cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("is piped");
        let (sender, incoming) = channel();
        thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            while let Some(message) = read_message(&mut stdout) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            stdin,
            incoming,
            seen: Vec::new(),
            last_id: 0,
            settings: Value::Null,
            answers: true,
            beside: None,
            directory,
        }
    }

    /// Starts a server and initialises it for its directory, with these capabilities.
    pub(crate) fn with(capabilities: &Value) -> Self {
        let mut client = Self::start();
        client.initialize(capabilities, &Value::Null);
        client
    }

    /// The answer to `initialize`.
    pub(crate) fn initialize(&mut self, capabilities: &Value, options: &Value) -> Value {
        let root = self.uri("");
        let params = json!({
            "processId": null,
            "rootUri": root,
            "workspaceFolders": [{ "uri": root, "name": "test" }],
            "capabilities": capabilities,
            "initializationOptions": options,
        });
        let answer = self.request("initialize", params);
        self.notify("initialized", json!({}));
        answer["result"].clone()
    }

    /// The absolute path of a file of the workspace.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let root = self.directory.path().canonicalize().expect("exists");
        if name.is_empty() { root } else { root.join(name) }
    }

    pub(crate) fn uri(&self, name: &str) -> String {
        format!("file://{}", self.path(name).display())
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("can create");
        std::fs::write(path, text).expect("can write");
    }

    pub(crate) fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.send_raw(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    }

    /// Sends bytes as they are.
    pub(crate) fn send_raw(&mut self, frame: &str) {
        let stdin = self.stdin.as_mut().expect("is open");
        stdin.write_all(frame.as_bytes()).expect("the server listens");
        stdin.flush().expect("the server listens");
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.send(&message);
    }

    /// Sends a request without waiting for the answer.
    pub(crate) fn begin(&mut self, method: &str, params: Value) -> i64 {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        if message["params"].is_null() {
            message.as_object_mut().expect("is an object").remove("params");
        }
        self.send(&message);
        id
    }

    /// The whole answer to a request.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        self.answer(id)
    }

    /// The result of a request that must not fail.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        let answer = self.request(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    pub(crate) fn answer(&mut self, id: i64) -> Value {
        self.wait(|message| message.get("method").is_none() && message["id"] == json!(id))
    }

    /// The parameters of the next notification `method` that `wanted` accepts.
    pub(crate) fn told(&mut self, method: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let fits =
            |message: &Value| message["method"] == json!(method) && wanted(&message["params"]);
        if let Some(known) = self.seen.iter().position(&fits) {
            return self.seen.remove(known)["params"].take();
        }
        self.wait(fits)["params"].take()
    }

    /// The first message that `wanted` accepts; others are kept, and requests answered.
    fn wait(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let message = match self.incoming.recv_timeout(left) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => panic!("no answer; seen: {:#?}", self.seen),
                Err(RecvTimeoutError::Disconnected) => panic!("the server is gone"),
            };
            if message.get("id").is_some() && message.get("method").is_some() {
                self.serve(&message);
            }
            if wanted(&message) {
                return message;
            }
            self.seen.push(message);
        }
    }

    /// Reads what comes for a while.
    pub(crate) fn listen(&mut self, duration: Duration) {
        let end = Instant::now() + duration;
        while let Ok(message) =
            self.incoming.recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            if message.get("id").is_some() && message.get("method").is_some() {
                self.serve(&message);
            }
            self.seen.push(message);
        }
    }

    fn serve(&mut self, request: &Value) {
        if !self.answers {
            return;
        }
        let result = match request["method"].as_str() {
            Some("workspace/configuration") => json!([self.settings]),
            _ => Value::Null,
        };
        self.send(&json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }));
    }

    pub(crate) fn open(&mut self, name: &str, text: &str) {
        let uri = self.uri(name);
        let item = json!({ "uri": uri, "languageId": "c", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": item }));
    }

    pub(crate) fn change(&mut self, name: &str, version: i64, changes: Value) {
        let document = json!({ "uri": self.uri(name), "version": version });
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.notify("textDocument/didChange", params);
    }

    pub(crate) fn close(&mut self, name: &str) {
        let params = json!({ "textDocument": { "uri": self.uri(name) } });
        self.notify("textDocument/didClose", params);
    }

    /// The diagnostics published for a version of a file.
    pub(crate) fn published(&mut self, name: &str, version: i64) -> Vec<Value> {
        let uri = self.uri(name);
        let params = self.told("textDocument/publishDiagnostics", |params| {
            params["uri"] == json!(uri) && params["version"] == json!(version)
        });
        params["diagnostics"].as_array().expect("is an array").clone()
    }

    /// A request about a place in a file.
    pub(crate) fn at(&mut self, method: &str, name: &str, line: u32, character: u32) -> Value {
        let params = json!({
            "textDocument": { "uri": self.uri(name) },
            "position": { "line": line, "character": character },
        });
        self.ask(method, params)
    }

    /// The code actions for a place in a file.
    pub(crate) fn actions(&mut self, name: &str, line: u32, context: Value) -> Vec<Value> {
        let place = json!({ "line": line, "character": 3 });
        let params = json!({
            "textDocument": { "uri": self.uri(name) },
            "range": { "start": place, "end": place },
            "context": context,
        });
        let actions = self.ask("textDocument/codeAction", params);
        actions.as_array().cloned().unwrap_or_default()
    }

    /// How the server ended; nothing if it is still running after `limit`.
    pub(crate) fn exit_code(&mut self, limit: Duration) -> Option<i32> {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().expect("is a child") {
                return status.code();
            }
            if Instant::now() > end {
                return None;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the input of the server.
    pub(crate) fn hang_up(&mut self) {
        self.stdin = None;
    }
}

fn read_message(input: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// The capabilities of a client that asks for diagnostics itself.
pub(crate) fn pulling() -> Value {
    json!({
        "textDocument": { "diagnostic": {} },
        "workspace": { "diagnostics": { "refreshSupport": true } },
    })
}

/// A program whose stores are lost: the finding is in line 9 (from 0).
pub(crate) const BAD: &str = "\
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

SEC(\"tc\")
int prog(struct __sk_buff *skb)
{
	struct bpf_dynptr dp; char buf[16], *p;
	bpf_dynptr_from_skb(skb, 0, &dp);
	p = bpf_dynptr_slice_rdwr(&dp, 32, buf, sizeof(buf)); if (!p) return 0;
	p[0] = 1;
	return 0;
}
";

/// The rules of diagnostics with their lines.
pub(crate) fn rules(diagnostics: &[Value]) -> Vec<(String, u64)> {
    let rule = |diagnostic: &Value| {
        let code = diagnostic["code"].as_str().expect("is a rule").to_owned();
        (code, diagnostic["range"]["start"]["line"].as_u64().expect("is a number"))
    };
    diagnostics.iter().map(rule).collect()
}
