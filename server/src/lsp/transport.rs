//! Messages over stdio, in front of tower-lsp's service instead of its own server: nothing here ever waits
//! for a handler, so that no burst of messages, no slow request and no unanswered client can stop the rest.

use std::any::Any;
use std::io::{self, BufRead, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::mpsc as blocking;
use std::thread;
use std::time::Duration;

use futures_util::future::{FutureExt, poll_fn};
use futures_util::{Sink, SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower_lsp::jsonrpc::{Error, ErrorCode, Id, Request, Response};
use tower_lsp::{ClientSocket, LanguageServer, LspService};
use tower_service::Service;

/// The largest message that is taken, in bytes; above it the stream is taken for broken.
const MAX_MESSAGE_BYTES: usize = 512 * 1024 * 1024;

/// How long the last answers may take to be written when the process ends.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What the reader hands on.
enum Incoming {
    Message(Value),
    /// A message that is not JSON.
    Garbled,
}

enum Outgoing {
    Message(Value),
    /// Everything before is written when this is answered.
    End(blocking::SyncSender<()>),
}

/// Where messages to the client go. Sending never blocks.
#[derive(Clone)]
struct Out(blocking::Sender<Outgoing>);

impl Out {
    fn send(&self, message: Value) {
        // The writer is gone only when the process ends.
        let _ = self.0.send(Outgoing::Message(message));
    }

    fn respond(&self, response: &Response) {
        match serde_json::to_value(response) {
            Ok(message) => self.send(message),
            Err(_) => {
                let error = Error::internal_error();
                self.send(json!({ "jsonrpc": "2.0", "id": response.id(), "error": error }));
            }
        }
    }

    fn finish(&self) {
        let (done, wait) = blocking::sync_channel(1);
        if self.0.send(Outgoing::End(done)).is_ok() {
            let _ = wait.recv_timeout(LAST_WORDS);
        }
    }
}

/// Serves the client on these streams until `exit` or the end of the input.
pub(super) async fn serve<S: LanguageServer>(
    service: LspService<S>,
    socket: ClientSocket,
    input: impl BufRead + Send + 'static,
    output: impl Write + Send + 'static,
) -> ExitCode {
    let (to_dispatcher, incoming) = mpsc::unbounded_channel();
    thread::spawn(move || read_all(input, &to_dispatcher));
    let (to_writer, outgoing) = blocking::channel();
    thread::spawn(move || write_all(output, &outgoing));
    let out = Out(to_writer);
    let (mut requests, responses) = socket.split();
    let to_client = out.clone();
    tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            if let Ok(message) = serde_json::to_value(&request) {
                to_client.send(message);
            }
        }
    });
    let mut dispatcher =
        Dispatcher { service, responses, out: out.clone(), shut_down: false, trace: false };
    dispatcher.run(incoming).await;
    out.finish();
    if dispatcher.shut_down { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Dispatcher<S, R> {
    service: LspService<S>,
    responses: R,
    out: Out,
    /// `shutdown` was asked for.
    shut_down: bool,
    /// The client wants to be told what is received.
    trace: bool,
}

impl<S: LanguageServer, R: Sink<Response> + Unpin> Dispatcher<S, R> {
    /// Takes messages in order. A notification is done with before the next message is looked at; a request
    /// is begun, so that it sees the state as of its place in the stream, and then goes on by itself.
    async fn run(&mut self, mut incoming: mpsc::UnboundedReceiver<Incoming>) {
        while let Some(incoming) = incoming.recv().await {
            let Incoming::Message(mut message) = incoming else {
                self.refuse(&Value::Null, Error::parse_error());
                continue;
            };
            let Some(method) = message.get("method").and_then(Value::as_str).map(str::to_owned)
            else {
                self.answered(message).await;
                continue;
            };
            if method == "exit" {
                return;
            }
            self.note(&method, &message);
            mend(&method, &mut message);
            let id = message.get("id").cloned();
            match serde_json::from_value::<Request>(message) {
                Ok(request) => self.call(request).await,
                Err(_) => {
                    self.refuse(&id.unwrap_or(Value::Null), Error::invalid_request());
                }
            }
        }
    }

    /// What concerns this layer in a message that the service sees too.
    fn note(&mut self, method: &str, message: &Value) {
        let trace = match method {
            "initialize" => message.pointer("/params/trace"),
            "$/setTrace" => message.pointer("/params/value"),
            _ => None,
        };
        if let Some(trace) = trace.and_then(Value::as_str) {
            self.trace = trace != "off";
        }
        self.shut_down |= method == "shutdown";
        if self.trace && !method.starts_with("$/") {
            let message = match message.get("id") {
                Some(id) => format!("received request {method} ({id})"),
                None => format!("received notification {method}"),
            };
            self.out.send(
                json!({ "jsonrpc": "2.0", "method": "$/logTrace", "params": { "message": message } }),
            );
        }
    }

    async fn call(&mut self, request: Request) {
        let id = request.id().cloned();
        if poll_fn(|cx| self.service.poll_ready(cx)).await.is_err() {
            return;
        }
        let call = AssertUnwindSafe(self.service.call(request)).catch_unwind();
        let out = self.out.clone();
        let is_request = id.is_some();
        let mut done = Box::pin(async move {
            match call.await {
                Ok(Ok(Some(response))) => out.respond(&response),
                Ok(Ok(None) | Err(_)) => {}
                Err(panic) => {
                    if let Some(id) = id {
                        out.respond(&Response::from_error(id, panicked(&*panic)));
                    }
                }
            }
        });
        if done.as_mut().now_or_never().is_some() {
            return;
        }
        if is_request {
            tokio::spawn(done);
        } else {
            done.await;
        }
    }

    /// The client answers a request of ours.
    async fn answered(&mut self, message: Value) {
        let Ok(response) = serde_json::from_value::<Response>(message) else { return };
        // tower-lsp panics on an answer nobody waits for any more.
        let sent = AssertUnwindSafe(self.responses.send(response)).catch_unwind().await;
        drop(sent);
    }

    fn refuse(&self, id: &Value, error: Error) {
        let id = serde_json::from_value::<Id>(id.clone()).unwrap_or_default();
        self.out.respond(&Response::from_error(id, error));
    }
}

/// The error that answers a request whose handler panicked.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> Error {
    let cause = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Error {
        code: ErrorCode::InternalError,
        message: format!("internal error: {cause}").into(),
        data: None,
    }
}

/// Takes away what clients send and tower-lsp does not take: parameters that are null, and any parameters of
/// methods that have none. And `lsp-types` 0.94 looks for the capability `workspace.diagnostics` under the
/// name `diagnostic`.
fn mend(method: &str, message: &mut Value) {
    let workspace = message.pointer_mut("/params/capabilities/workspace");
    if let Some(workspace) = workspace.and_then(Value::as_object_mut)
        && method == "initialize"
        && let Some(diagnostics) = workspace.remove("diagnostics")
    {
        workspace.insert("diagnostic".to_owned(), diagnostics);
    }
    if let Some(object) = message.as_object_mut()
        && (method == "shutdown" || object.get("params").is_some_and(Value::is_null))
    {
        object.remove("params");
    }
}

/// Reads messages until the input ends or cannot be understood.
fn read_all(mut input: impl BufRead, to: &mpsc::UnboundedSender<Incoming>) {
    while let Ok(Some(length)) = read_header(&mut input) {
        let mut body = Vec::new();
        let read = (&mut input).take(length as u64).read_to_end(&mut body);
        if read.is_err() || body.len() < length {
            return;
        }
        let incoming = serde_json::from_slice(&body).map_or(Incoming::Garbled, Incoming::Message);
        if to.send(incoming).is_err() {
            return;
        }
    }
}

/// The length of the next message; `None` at the end of the input and for a header without a usable length.
fn read_header(input: &mut impl BufRead) -> io::Result<Option<usize>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        // A header line has a name and a number; what goes on for longer is something else.
        if input.take(4096).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim();
        if line.is_empty() {
            return Ok(length.filter(|length| *length <= MAX_MESSAGE_BYTES));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
}

/// Writes messages until the client is gone.
fn write_all(mut output: impl Write, from: &blocking::Receiver<Outgoing>) {
    for outgoing in from {
        match outgoing {
            Outgoing::Message(message) => {
                let body = message.to_string();
                let frame = format!("Content-Length: {}\r\n\r\n{body}", body.len());
                let written = output.write_all(frame.as_bytes()).and_then(|()| output.flush());
                if written.is_err() {
                    return;
                }
            }
            Outgoing::End(done) => {
                let _ = done.send(());
            }
        }
    }
}

/// Runs `work`, turning a panic into the error that answers the request.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| panicked(&*panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_answer() {
        let error = guarded(|| panic!("nothing there")).map(|()| 0).expect_err("panics");
        assert_eq!(error.code, ErrorCode::InternalError);
        assert_eq!(error.message, "internal error: nothing there");
        assert_eq!(guarded(|| 1), Ok(1));
    }

    #[test]
    fn headers_are_read_in_any_case_and_order_and_bounded() {
        for (text, expected) in [
            ("Content-Length: 5\r\n\r\n", Some(5)),
            ("content-type: x\r\ncontent-length:5\r\n\r\n", Some(5)),
            ("Content-Length: 99999999999\r\n\r\n", None),
            ("Content-Length: -1\r\n\r\n", None),
            ("X: 1\r\n\r\n", None),
            ("", None),
        ] {
            let read = read_header(&mut text.as_bytes()).expect("reading memory");
            assert_eq!(read, expected, "{text:?}");
        }
    }

    #[test]
    fn what_tower_lsp_does_not_take_is_mended() {
        for (method, before, after) in [
            ("shutdown", json!({"params": null}), json!({})),
            ("shutdown", json!({"params": {}}), json!({})),
            ("x", json!({"params": null}), json!({})),
            ("x", json!({"params": []}), json!({"params": []})),
            (
                "initialize",
                json!({"params": {"capabilities": {"workspace": {"diagnostics": {}}}}}),
                json!({"params": {"capabilities": {"workspace": {"diagnostic": {}}}}}),
            ),
        ] {
            let mut message = before;
            mend(method, &mut message);
            assert_eq!(message, after);
        }
    }
}
