//! Checks of the whole workspace, with progress.

use serde_json::{Value, json};

use super::client::{BAD, Client, rules};

const CHECK: &str = "workspace/executeCommand";

fn check() -> Value {
    json!({ "command": "bpf-analyzer.checkWorkspace" })
}

#[test]
fn the_command_publishes_what_is_found_in_closed_files() {
    let mut client = Client::with(&json!({ "window": { "workDoneProgress": true } }));
    client.write("src/a.bpf.c", BAD);
    client.write("src/main.c", "int main(void) { return 0; }\n");
    client.write("src/open.bpf.c", BAD);
    client.open("src/open.bpf.c", "int saved_otherwise;\n");
    assert_eq!(client.ask(CHECK, check()), json!({ "files": 1, "findings": 1 }));
    let uri = client.uri("src/a.bpf.c");
    let published =
        client.told("textDocument/publishDiagnostics", |params| params["uri"] == json!(uri));
    let found = published["diagnostics"].as_array().expect("is an array");
    assert_eq!(rules(found), [("missing-write-back".to_owned(), 9)]);
    let token = client.told("window/workDoneProgress/create", |_| true)["token"].clone();
    for kind in ["begin", "end"] {
        let progress = client.told("$/progress", |params| params["value"]["kind"] == json!(kind));
        assert_eq!(progress["token"], token);
    }
    client.told("window/logMessage", |params| params["message"].to_string().contains("checked"));
}

#[test]
fn clients_without_progress_are_told_none() {
    let mut client = Client::with(&json!({}));
    client.write("a.bpf.c", BAD);
    client.ask(CHECK, check());
    let progress = |message: &Value| message["method"].to_string().contains("rogress");
    assert!(!client.seen.iter().any(progress), "{:?}", client.seen);
    let mut params = check();
    params["workDoneToken"] = json!("mine");
    client.ask(CHECK, params);
    let begun = client.told("$/progress", |params| params["value"]["kind"] == json!("begin"));
    assert_eq!(begun["token"], json!("mine"));
}

#[test]
fn the_workspace_can_be_pulled_and_says_what_did_not_change() {
    let mut client = Client::with(&super::client::pulling());
    client.write("a.bpf.c", BAD);
    client.write("b.bpf.c", "int x;\n");
    let report = client.ask("workspace/diagnostic", json!({ "previousResultIds": [] }));
    let items = report["items"].as_array().expect("is an array");
    let kinds: Vec<_> =
        items.iter().map(|item| (&item["kind"], item["items"].as_array().map(Vec::len))).collect();
    assert_eq!(kinds, [(&json!("full"), Some(1)), (&json!("full"), Some(0))]);
    let previous: Vec<_> =
        items.iter().map(|item| json!({ "uri": item["uri"], "value": item["resultId"] })).collect();
    client.write("b.bpf.c", BAD);
    let again = client.ask("workspace/diagnostic", json!({ "previousResultIds": previous }));
    let kinds: Vec<_> =
        again["items"].as_array().expect("is an array").iter().map(|item| &item["kind"]).collect();
    assert_eq!(kinds, ["unchanged", "full"]);
}

#[test]
fn folders_can_be_added_and_removed() {
    let mut client = Client::with(&json!({}));
    let other = tempfile::tempdir().expect("can create a directory");
    std::fs::write(other.path().join("o.bpf.c"), BAD).expect("can write");
    let folder = json!({ "uri": format!("file://{}", other.path().display()), "name": "other" });
    let change = |added: &[&Value], removed: &[&Value]| json!({ "event": { "added": added, "removed": removed } });
    client.notify("workspace/didChangeWorkspaceFolders", change(&[&folder], &[]));
    assert_eq!(client.ask(CHECK, check())["files"], json!(1));
    client.notify("workspace/didChangeWorkspaceFolders", change(&[], &[&folder]));
    assert_eq!(client.ask(CHECK, check())["files"], json!(0));
}

#[test]
fn received_messages_are_traced_when_asked_for() {
    let mut client = Client::with(&json!({}));
    client.notify("$/setTrace", json!({ "value": "messages" }));
    client.open("a.bpf.c", BAD);
    let trace = client.told("$/logTrace", |_| true);
    assert_eq!(trace["message"], json!("received notification textDocument/didOpen"));
    client.notify("$/setTrace", json!({ "value": "off" }));
    client.published("a.bpf.c", 1);
    client.close("a.bpf.c");
    client.at("textDocument/hover", "a.bpf.c", 0, 0);
    let traced = |message: &Value| message["method"] == json!("$/logTrace");
    assert!(!client.seen.iter().any(traced), "{:?}", client.seen);
}

#[test]
fn a_rule_is_explained_as_on_the_command_line() {
    let mut client = Client::with(&json!({}));
    let params =
        json!({ "command": "bpf-analyzer.explainRule", "arguments": ["missing-write-back"] });
    let page = client.ask(CHECK, params);
    let page = page.as_str().expect("is Markdown");
    assert!(page.starts_with("# missing-write-back\n"), "{page}");
    assert!(page.contains("// <-- missing-write-back") && !page.contains("//~"), "{page}");
}
