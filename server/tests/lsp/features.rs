//! Everything that is asked about a place or a file, once through the protocol.

use serde_json::{Value, json};

use super::client::{BAD, Client};

fn opened() -> Client {
    let mut client = Client::with(&json!({
        "textDocument": {
            "completion": { "completionItem": { "snippetSupport": true } },
            "hover": { "contentFormat": ["markdown"] },
            "documentSymbol": { "hierarchicalDocumentSymbolSupport": true },
        },
    }));
    client.write("own.h", "static int clamp(int a) { return a; }\n");
    let text = BAD.replace("\treturn 0;", "\treturn clamp(0);");
    client.open("a.bpf.c", &format!("#include \"own.h\"\n{text}"));
    client
}

fn of(client: &Client) -> Value {
    json!({ "textDocument": { "uri": client.uri("a.bpf.c") } })
}

#[test]
fn hover_describes_functions_sections_and_slices() {
    let mut client = opened();
    for (line, character, expected) in [
        (9, 7, "void *bpf_dynptr_slice_rdwr("),
        (4, 6, "tc (sched_cls)"),
        (10, 1, "16 bytes of `dp` at 32"),
    ] {
        let hover = client.at("textDocument/hover", "a.bpf.c", line, character);
        let text = hover["contents"]["value"].as_str().expect("is Markdown");
        assert!(text.contains(expected), "{text}");
        assert_eq!(hover["range"]["start"]["line"], json!(line));
    }
    assert_eq!(client.at("textDocument/hover", "a.bpf.c", 11, 2), Value::Null);
}

#[test]
fn completion_and_signatures_know_the_program() {
    let mut client = opened();
    let insert = json!([{
        "range": { "start": { "line": 10, "character": 0 }, "end": { "line": 10, "character": 0 } },
        "text": "\tbpf_dyn\n\tbpf_dynptr_read(buf, 4, ",
    }]);
    client.change("a.bpf.c", 2, insert);
    let items = client.at("textDocument/completion", "a.bpf.c", 10, 8);
    let labels: Vec<_> = items
        .as_array()
        .expect("is an array")
        .iter()
        .filter_map(|item| item["label"].as_str())
        .collect();
    assert!(labels.contains(&"bpf_dynptr_from_skb"), "{labels:?}");
    assert!(!labels.contains(&"bpf_dynptr_from_xdp"), "{labels:?}");
    assert_eq!(items[0]["insertTextFormat"], json!(2));
    assert_eq!(items[0]["textEdit"]["range"]["start"], json!({ "line": 10, "character": 1 }));
    let help = client.at("textDocument/signatureHelp", "a.bpf.c", 11, 25);
    assert_eq!(help["activeParameter"], json!(2), "{help}");
}

#[test]
fn outlines_folds_hints_and_lenses_are_answered() {
    let mut client = opened();
    let params = of(&client);
    let symbols = client.ask("textDocument/documentSymbol", params.clone());
    assert_eq!(
        (&symbols[0]["name"], &symbols[0]["detail"]),
        (&json!("prog"), &json!("tc (sched_cls)"))
    );
    let folds = client.ask("textDocument/foldingRange", params.clone());
    assert!(
        folds.as_array().expect("is an array").iter().any(|fold| fold["kind"] == json!("imports"))
    );
    let lenses = client.ask("textDocument/codeLens", params.clone());
    assert_eq!(lenses[0]["command"]["title"], json!("1 error"));
    let mut ranged = params;
    ranged["range"] =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let hints = client.ask("textDocument/inlayHint", ranged.clone());
    let labels: Vec<_> =
        hints.as_array().expect("is an array").iter().map(|hint| &hint["label"]).collect();
    assert_eq!(labels, ["tc (sched_cls)", "16 bytes of dp at 32"]);
    let off = json!({ "inlayHints": { "slices": false, "programTypes": false }, "codeLens": { "enable": false } });
    client.notify("workspace/didChangeConfiguration", json!({ "settings": off }));
    assert_eq!(client.ask("textDocument/inlayHint", ranged), json!([]));
    let params = of(&client);
    assert_eq!(client.ask("textDocument/codeLens", params), json!([]));
}

#[test]
fn definitions_and_references_reach_into_headers() {
    let mut client = opened();
    let definition = client.at("textDocument/definition", "a.bpf.c", 11, 10);
    assert_eq!(definition[0]["uri"], json!(client.uri("own.h")));
    assert_eq!(definition[0]["range"]["start"], json!({ "line": 0, "character": 11 }));
    let mut params = of(&client);
    params["position"] = json!({ "line": 11, "character": 10 });
    for (declaration, expected) in [(true, 2), (false, 1)] {
        params["context"] = json!({ "includeDeclaration": declaration });
        let references = client.ask("textDocument/references", params.clone());
        assert_eq!(references.as_array().map(Vec::len), Some(expected), "{references}");
    }
}

#[test]
fn files_that_are_not_open_are_answered_with_nothing() {
    let mut client = Client::with(&json!({}));
    assert_eq!(client.at("textDocument/hover", "none.bpf.c", 0, 0), Value::Null);
    assert_eq!(client.actions("none.bpf.c", 0, json!({ "diagnostics": [] })), [] as [Value; 0]);
    let unknown = client.request("workspace/executeCommand", json!({ "command": "no.such" }));
    assert_eq!(unknown["error"]["code"], json!(-32602));
}
