//! Text synchronisation: whatever was typed, what counts is the text.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::client::{BAD, Client};

/// The units that columns are counted in.
fn units(encoding: &str, text: &str) -> usize {
    match encoding {
        "utf-8" => text.len(),
        "utf-16" => text.encode_utf16().count(),
        _ => text.chars().count(),
    }
}

/// The position of a character boundary of `text`, whose lines end in `\n` or `\r\n`.
fn position(encoding: &str, text: &str, offset: usize) -> Value {
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let character = units(encoding, &before[start..]);
    json!({ "line": before.matches('\n').count(), "character": character })
}

fn offering(encodings: &[&str]) -> Value {
    json!({ "general": { "positionEncodings": encodings } })
}

#[test]
fn encodings_are_negotiated() {
    for (offered, taken) in [
        (json!({}), "utf-16"),
        (offering(&["utf-16"]), "utf-16"),
        (offering(&["utf-32"]), "utf-32"),
        (offering(&["utf-16", "utf-8", "utf-32"]), "utf-8"),
    ] {
        let answer = Client::start().initialize(&offered, &Value::Null);
        assert_eq!(answer["capabilities"]["positionEncoding"], json!(taken), "{offered}");
    }
}

#[test]
fn columns_are_counted_in_the_agreed_unit() {
    let text = BAD.replace("\tp[0] = 1;", "\t/* é😀 */ p[0] = 1;");
    for encoding in ["utf-8", "utf-16", "utf-32"] {
        let mut client = Client::with(&offering(&[encoding]));
        client.open("a.bpf.c", &text);
        let found = client.published("a.bpf.c", 1);
        let expected = position(encoding, &text, text.find("p[0]").expect("is there"));
        assert_eq!(found[0]["range"]["start"], expected, "{encoding}");
    }
}

#[test]
fn several_changes_in_one_notification_build_on_each_other() {
    let text = BAD.replace('\n', "\r\n");
    let mut client = Client::with(&json!({}));
    client.open("a.bpf.c", &text);
    assert_eq!(client.published("a.bpf.c", 1).len(), 1);
    let place = |line: u32, character: u32| json!({ "line": line, "character": character });
    client.change(
        "a.bpf.c",
        2,
        json!([
            { "range": { "start": place(9, 0), "end": place(10, 0) }, "text": "" },
            { "range": { "start": place(9, 0), "end": place(9, 0) }, "text": "\tif (p[0])\r\n\t\treturn 1;\r\n" },
            { "range": { "start": place(8, 0), "end": place(8, 0) }, "text": "\r\n" },
        ]),
    );
    let rules = super::client::rules(&client.published("a.bpf.c", 2));
    assert_eq!(rules, [("needless-slice-rdwr".to_owned(), 9)]);
}

/// An edit: where it begins and ends, in thousandths of the text, and what is put there.
fn edits() -> impl Strategy<Value = Vec<(usize, usize, String)>> {
    let pieces = prop::sample::select(vec![
        "",
        "x",
        "\r\n",
        "é😀",
        "{",
        "}",
        "\tp[0] = 2;\n",
        "/*",
        "*/",
        "SEC(\"xdp\") int g(void *c) { return 0; }\n",
    ]);
    let edit = (0usize..=1000, 0usize..=30, pieces).prop_map(|(a, b, s)| (a, a + b, s.to_owned()));
    prop::collection::vec(edit, 1..12)
}

fn boundary(text: &str, thousandth: usize) -> usize {
    let mut at = (text.len() * thousandth.min(1000)) / 1000;
    // A place inside `\r\n` is no place for the protocol.
    while !text.is_char_boundary(at)
        || (at > 0 && text[..at].ends_with('\r') && text[at..].starts_with('\n'))
    {
        at -= 1;
    }
    at
}

/// Any sequence of edits gives the same findings and symbols as opening the final text.
#[test]
fn edited_and_opened_texts_are_the_same() {
    for encoding in ["utf-8", "utf-16"] {
        let mut edited = Client::with(&offering(&[encoding]));
        let mut opened = Client::with(&offering(&[encoding]));
        let mut number = 0;
        let config = Config {
            cases: 48,
            failure_persistence: None,
            max_shrink_iters: 64,
            ..Config::default()
        };
        let check = |edits: Vec<(usize, usize, String)>| {
            number += 1;
            let name = format!("p{number}.bpf.c");
            let mut text = BAD.to_owned();
            edited.open(&name, &text);
            let mut version = 1;
            for (from, to, new) in edits {
                let (start, end) = (boundary(&text, from), boundary(&text, to));
                let range = json!({
                    "start": position(encoding, &text, start),
                    "end": position(encoding, &text, end),
                });
                text.replace_range(start..end, &new);
                version += 1;
                edited.change(&name, version, json!([{ "range": range, "text": new }]));
            }
            let found = edited.published(&name, version);
            opened.open(&name, &text);
            let expected: Vec<Value> = opened.published(&name, 1);
            let local = |found: Vec<Value>, client: &Client| {
                json!(found).to_string().replace(&client.uri(""), "")
            };
            prop_assert_eq!(local(found, &edited), local(expected, &opened), "{}", text);
            let params = |client: &Client| json!({ "textDocument": { "uri": client.uri(&name) } });
            let (ours, theirs) = (params(&edited), params(&opened));
            let ours = edited.ask("textDocument/foldingRange", ours);
            let theirs = opened.ask("textDocument/foldingRange", theirs);
            prop_assert_eq!(ours, theirs);
            edited.close(&name);
            opened.close(&name);
            Ok(())
        };
        let check = std::cell::RefCell::new(check);
        let mut runner = TestRunner::new(config);
        runner.run(&edits(), |edits| (check.borrow_mut())(edits)).expect("holds");
    }
}
