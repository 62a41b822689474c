//! Faults that servers made with tower-lsp 0.20 have, each of which this one must not have.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{BAD, Client, pulling, rules};

const SOON: Duration = Duration::from_secs(3);

#[test]
fn exit_ends_the_process_at_once() {
    let mut client = Client::with(&json!({}));
    assert!(client.request("shutdown", Value::Null)["error"].is_null());
    client.notify("exit", Value::Null);
    assert_eq!(client.exit_code(SOON), Some(0));
}

#[test]
fn exit_without_shutdown_is_a_failure() {
    let mut client = Client::with(&json!({}));
    client.notify("exit", Value::Null);
    assert_eq!(client.exit_code(SOON), Some(1));
}

#[test]
fn exit_ends_the_process_before_anything_was_initialised() {
    let mut client = Client::start();
    client.notify("exit", Value::Null);
    assert_eq!(client.exit_code(SOON), Some(1));
}

#[test]
fn what_follows_exit_does_not_keep_the_process() {
    let mut client = Client::with(&json!({}));
    client.request("shutdown", Value::Null);
    let exit = json!({ "jsonrpc": "2.0", "method": "exit" }).to_string();
    let frame = |body: &str| format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let close = json!({ "jsonrpc": "2.0", "method": "textDocument/didClose",
        "params": { "textDocument": { "uri": "file:///x" } } });
    client.send_raw(&(frame(&exit) + &frame(&close.to_string())));
    client.hang_up();
    assert_eq!(client.exit_code(SOON), Some(0));
}

#[test]
fn the_end_of_the_input_ends_the_process() {
    let mut client = Client::with(&json!({}));
    client.hang_up();
    assert_eq!(client.exit_code(SOON), Some(1));
    let mut client = Client::with(&json!({}));
    client.request("shutdown", Value::Null);
    client.hang_up();
    assert_eq!(client.exit_code(SOON), Some(0));
}

#[test]
fn null_parameters_are_accepted() {
    let mut client = Client::with(&json!({}));
    client.send(&json!({ "jsonrpc": "2.0", "id": 7000, "method": "shutdown", "params": null }));
    let answer = client.answer(7000);
    assert!(answer.get("error").is_none(), "{answer}");
    client.send(&json!({ "jsonrpc": "2.0", "method": "exit", "params": null }));
    assert_eq!(client.exit_code(SOON), Some(0));
}

#[test]
fn requests_before_initialize_and_after_shutdown_are_refused() {
    let mut client = Client::start();
    let hover = json!({ "textDocument": { "uri": "file:///x.c" }, "position": { "line": 0, "character": 0 } });
    assert_eq!(client.request("textDocument/hover", hover.clone())["error"]["code"], json!(-32002));
    client.initialize(&json!({}), &Value::Null);
    client.request("shutdown", Value::Null);
    assert_eq!(client.request("textDocument/hover", hover)["error"]["code"], json!(-32600));
}

#[test]
fn a_burst_of_notifications_does_not_deadlock() {
    // The client answers nothing until the burst is over, as a busy one does.
    let mut client = Client::with(&json!({ "workspace": { "configuration": true } }));
    client.answers = false;
    for _ in 0..1_000 {
        client.notify("workspace/didChangeConfiguration", json!({ "settings": {} }));
    }
    client.answers = true;
    client.open("a.bpf.c", BAD);
    assert!(!client.published("a.bpf.c", 1).is_empty());
}

/// A text that takes seconds to analyse.
fn slow() -> String {
    let mut text = String::from("#include <vmlinux.h>\n");
    for number in 0..3_000 {
        let function = BAD.split("SEC(").nth(1).expect("has a program");
        let function = function.replace("prog", &format!("prog{number}"));
        write!(text, "SEC({function}").expect("a string");
    }
    text
}

#[test]
fn a_cancel_is_answered_while_eight_slow_requests_run() {
    let mut client = Client::with(&pulling());
    let text = slow();
    let ids: Vec<i64> = (0..8)
        .map(|number| {
            let name = format!("slow{number}.bpf.c");
            client.open(&name, &text);
            let params = json!({ "textDocument": { "uri": client.uri(&name) } });
            client.begin("textDocument/diagnostic", params)
        })
        .collect();
    let begun = Instant::now();
    client.notify("$/cancelRequest", json!({ "id": ids[7] }));
    let answer = client.answer(ids[7]);
    let elapsed = begun.elapsed();
    assert_eq!(answer["error"]["code"], json!(-32800), "{answer}");
    assert!(elapsed < Duration::from_millis(300), "took {elapsed:?}");
    let answered = |id: &i64| client.seen.iter().any(|message| message["id"] == json!(id));
    assert!(!ids.iter().any(answered), "the others were not slow");
    client.notify("exit", Value::Null);
    assert_eq!(client.exit_code(SOON), Some(1));
}

#[test]
fn many_changes_stay_in_order() {
    let mut client = Client::with(&json!({}));
    client.open("a.bpf.c", "");
    // Each change appends one byte of the text at the end of what the changes before it made.
    let (mut line, mut character) = (0, 0);
    let text = format!("{BAD}// {}\n", "x".repeat(20));
    assert!(text.len() > 200);
    let mut version = 1;
    for c in text.chars() {
        version += 1;
        let place = json!({ "line": line, "character": character });
        let range = json!({ "start": place, "end": place });
        client.change("a.bpf.c", version, json!([{ "range": range, "text": c.to_string() }]));
        (line, character) = if c == '\n' { (line + 1, 0) } else { (line, character + 1) };
    }
    let last = client.published("a.bpf.c", version);
    assert_eq!(rules(&last), [("missing-write-back".to_owned(), 9)]);
    let versions = client
        .seen
        .iter()
        .filter(|message| message["method"] == json!("textDocument/publishDiagnostics"));
    let versions: Vec<i64> =
        versions.filter_map(|message| message["params"]["version"].as_i64()).collect();
    assert!(versions.is_sorted(), "{versions:?}");
}

#[test]
fn answers_nobody_waits_for_are_survived() {
    let mut client = Client::with(&json!({}));
    for id in [json!(0), json!(999), json!("x")] {
        client.send(&json!({ "jsonrpc": "2.0", "id": id, "result": null }));
        client.send(&json!({ "jsonrpc": "2.0", "id": id, "error": { "code": 1, "message": "" } }));
    }
    client.open("a.bpf.c", BAD);
    assert!(!client.published("a.bpf.c", 1).is_empty());
}

#[test]
fn garbled_messages_are_refused_and_survived() {
    let mut client = Client::with(&json!({}));
    client.send_raw("Content-Length: 5\r\n\r\n{\"a\":");
    client.send_raw("Content-Length: 2\r\n\r\n[]");
    client.send(&json!({ "jsonrpc": "2.0", "id": 5000, "method": "no/suchMethod", "params": {} }));
    assert_eq!(client.answer(5000)["error"]["code"], json!(-32601));
    client.send(
        &json!({ "jsonrpc": "2.0", "id": 5001, "method": "textDocument/hover", "params": {} }),
    );
    assert_eq!(client.answer(5001)["error"]["code"], json!(-32602));
    client.notify("textDocument/didChange", json!({ "nonsense": true }));
    client.notify("$/unknown", json!({}));
    client.open("a.bpf.c", BAD);
    assert!(!client.published("a.bpf.c", 1).is_empty());
}
