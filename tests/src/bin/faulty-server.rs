//! A server with one fault, to see that the fault is noticed. It stands in front of the real one, which lies
//! beside it. The name it is called by says what it does once there was enough traffic: `loses` or `swaps`
//! changes of documents, does not answer (`silent`), answers `twice`, forgets to `publish`, or `dies`.

use std::env;
use std::io::{self, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use serde_json::Value;
use tests::lsp::{read_message, write_message};

/// How many messages of the kind that matters go through unharmed.
const UNHARMED: usize = 80;

fn is(message: &Value, method: &str) -> bool {
    message["method"] == method
}

/// What becomes of the messages of the client.
fn forward(fault: &str, mut to_server: impl Write) -> io::Result<()> {
    let mut input = BufReader::new(io::stdin());
    let mut changes = 0;
    let mut held = None;
    while let Some(message) = read_message(&mut input)? {
        changes += usize::from(is(&message, "textDocument/didChange"));
        if changes == UNHARMED && is(&message, "textDocument/didChange") {
            match fault {
                "loses" => continue,
                "swaps" => {
                    held = Some(message);
                    continue;
                }
                "dies" => std::process::exit(7),
                _ => {}
            }
        }
        // The next change of the same document overtakes the one that is held.
        let same = |held: &Value| {
            is(&message, "textDocument/didChange")
                && held["params"]["textDocument"]["uri"] == message["params"]["textDocument"]["uri"]
        };
        let late = if held.as_ref().is_some_and(same) { held.take() } else { None };
        write_message(&mut to_server, &message)?;
        if let Some(late) = late {
            write_message(&mut to_server, &late)?;
        }
    }
    Ok(())
}

/// What becomes of the messages of the server.
fn backward(fault: &str, from_server: impl io::Read) -> io::Result<()> {
    let mut from_server = BufReader::new(from_server);
    let mut output = io::stdout();
    let mut answers = 0;
    while let Some(message) = read_message(&mut from_server)? {
        let is_answer = message.get("method").is_none();
        answers += usize::from(is_answer);
        let now = answers == UNHARMED && is_answer;
        let unpublished = answers > UNHARMED && is(&message, "textDocument/publishDiagnostics");
        if (now && fault == "silent") || (unpublished && fault == "publish") {
            continue;
        }
        write_message(&mut output, &message)?;
        if now && fault == "twice" {
            write_message(&mut output, &message)?;
        }
    }
    Ok(())
}

fn run() -> io::Result<ExitCode> {
    let called = PathBuf::from(env::args_os().next().unwrap_or_default());
    let fault = called.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = format!("server-under-test{}", env::consts::EXE_SUFFIX);
    let real = env::current_exe()?.canonicalize()?.with_file_name(name);
    let mut server =
        Command::new(real).arg("lsp").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let to_server = server.stdin.take().ok_or_else(|| io::Error::other("no input"))?;
    let from_server = server.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
    let of_client = fault.clone();
    thread::spawn(move || forward(&of_client, to_server));
    backward(&fault, from_server)?;
    let code = server.wait()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn main() -> ExitCode {
    run().unwrap_or(ExitCode::FAILURE)
}
