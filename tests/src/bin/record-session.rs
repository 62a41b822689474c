//! Stands between an editor and the language server and writes down what the editor sends, for
//! `tests/sessions`. `RECORD_SERVER` is the server, `RECORD_TO` the beginning of the names of the files; each
//! start of the server makes one.
//!
//! A line is what the editor sent (`client`), or a request of the server (`server`), without which the
//! editor's answers would mean nothing. The first line has the files beside the opened ones. Paths of the
//! machine are replaced by `$ROOT`, the working directory, and `$HOME`.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};
use tests::lsp::{read_message, write_message};

/// The file that is written, and what is replaced in it.
#[derive(Clone)]
struct Recorder {
    file: Arc<Mutex<File>>,
    paths: Arc<Vec<(String, &'static str)>>,
}

impl Recorder {
    fn note(&self, from: &str, message: &Value) {
        let mut message = message.clone();
        if let Some(params) = message.get_mut("params").and_then(Value::as_object_mut)
            && params.contains_key("processId")
        {
            params.insert("processId".to_owned(), Value::Null);
        }
        let mut line = json!({ from: message }).to_string();
        for (path, name) in self.paths.iter() {
            line = line.replace(path.as_str(), name);
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A recording that cannot be written is noticed when it is played.
        let _ = writeln!(file, "{line}");
    }
}

/// The texts of a directory.
fn texts() -> io::Result<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(".")? {
        let entry = entry?;
        if entry.file_type()?.is_file()
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            texts.insert(entry.file_name().to_string_lossy().into_owned(), text);
        }
    }
    Ok(texts)
}

fn recorder(prefix: &str) -> io::Result<Recorder> {
    let root = env::current_dir()?.display().to_string();
    let home = env::var("HOME").unwrap_or_default();
    let paths = vec![(root, "$ROOT"), (home.trim_end_matches('/').to_owned(), "$HOME")];
    let mut number = 1;
    let file = loop {
        let path = format!("{prefix}-{number}.jsonl");
        match OpenOptions::new().write(true).create_new(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            file => break file?,
        }
    };
    Ok(Recorder { file: Arc::new(Mutex::new(file)), paths: Arc::new(paths) })
}

fn run() -> io::Result<ExitCode> {
    let variable = |name| env::var(name).map_err(|_| io::Error::other(format!("no {name}")));
    let mut command = Command::new(variable("RECORD_SERVER")?);
    command.args(env::args_os().skip(1));
    if env::args().nth(1).as_deref() != Some("lsp") {
        return Ok(code(command.status()?));
    }
    let recorder = recorder(&variable("RECORD_TO")?)?;
    recorder.note("workspace", &json!(texts()?));
    let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut to_server = server.stdin.take().ok_or_else(|| io::Error::other("no input"))?;
    let from_server = server.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
    let of_client = recorder.clone();
    thread::spawn(move || {
        let mut input = BufReader::new(io::stdin());
        while let Ok(Some(message)) = read_message(&mut input) {
            of_client.note("client", &message);
            if write_message(&mut to_server, &message).is_err() {
                return;
            }
        }
    });
    let mut from_server = BufReader::new(from_server);
    let mut output = io::stdout();
    while let Some(message) = read_message(&mut from_server)? {
        if message.get("id").is_some() && message.get("method").is_some() {
            recorder.note("server", &message);
        }
        write_message(&mut output, &message)?;
    }
    Ok(code(server.wait()?))
}

fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

fn main() -> ExitCode {
    run().unwrap_or(ExitCode::FAILURE)
}
