//! The server as a child process, and what it costs.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::is;

/// Set for the copies of this program that are the server.
const SERVER: &str = "BPF_ANALYZER_BENCH_SERVER";

/// Whether this process is to be the server.
pub(crate) fn is_server() -> bool {
    env::var_os(SERVER).is_some()
}

/// An editor that waits for the findings of each of its changes.
pub(crate) struct Client {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    versions: HashMap<String, i32>,
    last_id: i64,
    directory: tempfile::TempDir,
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Client {
    /// A server that is initialised for an empty directory.
    pub(crate) fn start() -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .arg("lsp")
            .env(SERVER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take().context("is piped")?;
        let stdout = BufReader::new(child.stdout.take().context("is piped")?);
        let directory = tempfile::tempdir()?;
        let mut client =
            Self { child, stdin, stdout, versions: HashMap::new(), last_id: 0, directory };
        let root = format!("file://{}", client.directory.path().display());
        let params = json!({
            "processId": null,
            "rootUri": root,
            "capabilities": { "textDocument": { "publishDiagnostics": { "relatedInformation": true } } },
        });
        client.request("initialize", &params)?;
        client.notify("initialized", &json!({}))?;
        Ok(client)
    }

    /// The name of a document.
    pub(crate) fn uri(&self, name: &str) -> String {
        format!("file://{}/{name}", self.directory.path().display())
    }

    /// Opens a document; what that cost until its findings were there.
    pub(crate) fn open(&mut self, name: &str, text: &str) -> Result<Duration> {
        let uri = self.uri(name);
        self.versions.insert(name.to_owned(), 1);
        let item = json!({ "uri": uri, "languageId": "c", "version": 1, "text": text });
        let before = self.processor_time()?;
        self.notify("textDocument/didOpen", &json!({ "textDocument": item }))?;
        self.published(&uri, 1)?;
        Ok(self.processor_time()?.saturating_sub(before))
    }

    /// Changes a document; what that cost until its findings were there.
    pub(crate) fn change(&mut self, name: &str, change: &Value) -> Result<Duration> {
        let before = self.processor_time()?;
        let version = self.tell(name, change)?;
        self.published(&self.uri(name), version)?;
        Ok(self.processor_time()?.saturating_sub(before))
    }

    /// Changes a document and asks about it at once; what both cost until the answer was there.
    pub(crate) fn change_and_ask(
        &mut self,
        name: &str,
        change: &Value,
        method: &str,
        params: &Value,
    ) -> Result<Duration> {
        let before = self.processor_time()?;
        self.tell(name, change)?;
        self.request(method, params)?;
        Ok(self.processor_time()?.saturating_sub(before))
    }

    /// Tells of a change and gives the new version.
    fn tell(&mut self, name: &str, change: &Value) -> Result<i32> {
        let uri = self.uri(name);
        let version = self.versions.get_mut(name).context("is not open")?;
        *version += 1;
        let version = *version;
        let document = json!({ "uri": uri, "version": version });
        let params = json!({ "textDocument": document, "contentChanges": [change] });
        self.notify("textDocument/didChange", &params)?;
        Ok(version)
    }

    /// The answer to a request.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        loop {
            let message = self.receive()?;
            if message["id"] == id && message.get("method").is_none() {
                ensure!(message.get("error").is_none(), "{method}: {message}");
                return Ok(message);
            }
        }
    }

    /// Resident memory of the server in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kilobytes: u64 = line.split_whitespace().next().context("no number")?.parse()?;
        Ok(kilobytes * 1024)
    }

    /// Processor time of all threads of the server; the kernel counts it in nanoseconds.
    fn processor_time(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // A thread may just have ended.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            nanoseconds += text.split(' ').next().context("no number")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    fn published(&mut self, uri: &str, version: i32) -> Result<()> {
        loop {
            let message = self.receive()?;
            if is(&message, "textDocument/publishDiagnostics")
                && message["params"]["uri"] == uri
                && message["params"]["version"] == version
            {
                return Ok(());
            }
        }
    }

    fn notify(&mut self, method: &str, params: &Value) -> Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        let body = message.to_string();
        write!(self.stdin, "Content-Length: {}\r\n\r\n{body}", body.len())?;
        Ok(self.stdin.flush()?)
    }

    fn receive(&mut self) -> Result<Value> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            ensure!(self.stdout.read_line(&mut line)? > 0, "the server has gone");
            match line.trim().split_once(':') {
                Some(("Content-Length", value)) => length = value.trim().parse()?,
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stdout.read_exact(&mut body)?;
        Ok(serde_json::from_slice(&body)?)
    }
}
