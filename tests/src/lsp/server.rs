//! A running server, with books of what was asked and answered.

use std::io::{self, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ledger::Ledger;
use super::wire::{frame, read_message};

/// Far above what anything takes, so that only a hang reaches it.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A server that is ended when this is dropped.
pub struct Server {
    child: Child,
    input: Option<ChildStdin>,
    incoming: Receiver<Value>,
    /// What was asked, answered and published until now.
    pub ledger: Ledger,
    last_id: u64,
    /// How long is waited for anything.
    pub patience: Duration,
}

/// How a server ended.
#[derive(Debug)]
pub struct End {
    /// The exit code; `None` if it had to be killed or was killed by a signal.
    pub code: Option<i32>,
    /// All of the session.
    pub ledger: Ledger,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts `program lsp` in a directory.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(program: &Path, directory: &Path) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg("lsp")
            .current_dir(directory)
            // Without a compiler nothing is verified, so that findings are those of the text alone.
            .env("PATH", "")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        let (sender, incoming) = channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Ok(Some(message)) = read_message(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            input,
            incoming,
            ledger: Ledger::default(),
            last_id: 0,
            patience: PATIENCE,
        })
    }

    /// Sends a message.
    ///
    /// # Errors
    /// If the server reads no more.
    pub fn send(&mut self, message: &Value) -> io::Result<()> {
        self.ledger.sent(message);
        self.write(frame(message).as_bytes())
    }

    /// Sends a message in several writes, cut anywhere.
    ///
    /// # Errors
    /// If the server reads no more.
    pub fn send_in_pieces(
        &mut self,
        message: &Value,
        random: &mut fastrand::Rng,
    ) -> io::Result<()> {
        self.ledger.sent(message);
        let frame = frame(message);
        let mut rest = frame.as_bytes();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(random.usize(1..=rest.len()));
            self.write(piece)?;
            thread::yield_now();
            rest = behind;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(bytes)?;
        input.flush()
    }

    /// Sends a notification.
    ///
    /// # Errors
    /// If the server reads no more.
    pub fn notify(&mut self, method: &str, params: &Value) -> io::Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    /// Sends a request and gives its identifier, which no other request here has.
    ///
    /// # Errors
    /// If the server reads no more.
    pub fn begin(&mut self, method: &str, params: &Value) -> io::Result<Value> {
        self.last_id += 1;
        let id = json!(format!("own-{}", self.last_id));
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        Ok(id)
    }

    /// The next message, if one comes in time. Requests of the server are left to the caller.
    pub fn take(&mut self, wait: Duration) -> Option<Value> {
        let message = self.incoming.recv_timeout(wait).ok()?;
        self.ledger.received(&message);
        Some(message)
    }

    /// The answer to a request; requests of the server that come before it are answered with null.
    ///
    /// # Errors
    /// If none comes.
    pub fn answer(&mut self, id: &Value) -> io::Result<Value> {
        let end = Instant::now() + self.patience;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let message = self.take(left).ok_or(io::ErrorKind::TimedOut)?;
            match (message.get("method"), message.get("id")) {
                (None, Some(answered)) if answered == id => return Ok(message),
                (Some(_), Some(asked)) => {
                    self.send(&json!({ "jsonrpc": "2.0", "id": asked, "result": null }))?;
                }
                _ => {}
            }
        }
    }

    /// The result of a request.
    ///
    /// # Errors
    /// If no answer comes or it is an error.
    pub fn ask(&mut self, method: &str, params: &Value) -> io::Result<Value> {
        let id = self.begin(method, params)?;
        let mut answer = self.answer(&id)?;
        match answer.get("error") {
            None => Ok(answer["result"].take()),
            Some(error) => Err(io::Error::other(format!("{method}: {error}"))),
        }
    }

    /// Ends the input, reads what is left, and waits for the end.
    pub fn finish(mut self) -> End {
        self.input = None;
        let end = Instant::now() + self.patience;
        while self.take(end.saturating_duration_since(Instant::now())).is_some() {}
        let code = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status.code(),
                Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(2)),
                Ok(None) | Err(_) => break None,
            }
        };
        End { code, ledger: std::mem::take(&mut self.ledger) }
    }
}
