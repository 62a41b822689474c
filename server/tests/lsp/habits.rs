//! Habits of clients: what they cannot show, what they say twice, what they never take back.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{BAD, Client, rules};

const CHECK: &str = "workspace/executeCommand";

fn check() -> Value {
    json!({ "command": "bpf-analyzer.checkWorkspace" })
}

/// Something that must not have been said.
const A_WHILE: Duration = Duration::from_millis(300);

fn events(client: &Client, name: &str, kind: u8) -> Value {
    json!({ "changes": [{ "uri": client.uri(name), "type": kind }] })
}

/// The rules found in the next diagnostics of a document.
fn next(client: &mut Client, uri: &str) -> Vec<String> {
    let params =
        client.told("textDocument/publishDiagnostics", |params| params["uri"] == json!(uri));
    let found = params["diagnostics"].as_array().expect("is an array");
    rules(found).into_iter().map(|(rule, _)| rule).collect()
}

fn count(client: &Client, method: &str) -> usize {
    client.seen.iter().filter(|message| message["method"] == json!(method)).count()
}

const CALL: &str = "bpf_dynptr_slice_rdwr(&dp, 32, buf, sizeof(buf), 7)";

#[test]
fn descriptions_are_written_as_the_client_can_show_them() {
    let formats = json!(["markdown", "plaintext"]);
    let rich = json!({ "textDocument": {
        "hover": { "contentFormat": formats },
        "signatureHelp": { "signatureInformation": {
            "documentationFormat": formats,
            "parameterInformation": { "labelOffsetSupport": true },
        } },
        "completion": { "completionItem": { "documentationFormat": formats } },
    } });
    let text = BAD.replace("bpf_dynptr_slice_rdwr(&dp, 32, buf, sizeof(buf))", CALL);
    for (capabilities, kind, marked) in [(rich, "markdown", true), (json!({}), "plaintext", false)]
    {
        let mut client = Client::with(&capabilities);
        client.open("a.bpf.c", &text);
        let hover = client.at("textDocument/hover", "a.bpf.c", 8, 10);
        assert_eq!(hover["contents"]["kind"], json!(kind));
        let says = hover["contents"]["value"].as_str().expect("is text");
        assert!(says.contains("since") || says.contains("Since"), "{says}");
        assert_eq!(says.contains("**") && says.contains("```"), marked, "{says}");
        let help = client.at("textDocument/signatureHelp", "a.bpf.c", 8, 32);
        let signature = &help["signatures"][0];
        assert_eq!(signature["documentation"]["kind"], json!(kind));
        let label = &signature["parameters"][1]["label"];
        assert_eq!(label.is_array(), marked, "{label}");
        assert!(marked || *label == json!("__u32 offset"), "{label}");
        let items = client.at("textDocument/completion", "a.bpf.c", 8, 10);
        assert_eq!(items[0]["documentation"]["kind"], json!(kind), "{items}");
    }
}

#[test]
fn no_parameter_is_shown_as_active_behind_the_last() {
    let mut client = Client::with(&json!({}));
    client.open("a.bpf.c", &BAD.replace("bpf_dynptr_slice_rdwr(&dp, 32, buf, sizeof(buf))", CALL));
    let line = BAD.lines().nth(8).expect("is there");
    let column = line.find("bpf_").expect("is there") + CALL.len() - 1;
    let column = u32::try_from(column).expect("is small");
    let help = client.at("textDocument/signatureHelp", "a.bpf.c", 8, column);
    assert_eq!(help["activeParameter"], json!(4), "{help}");
}

#[test]
fn what_stands_behind_a_fold_stays_to_be_seen() {
    let mut client = Client::with(&json!({}));
    let text = "SEC(\"xdp\")\nint f(void *c)\n{\n\tif (c) {\n\t\tg();\n\t} else {\n\t\th();\n\t}\n\treturn 0;\n}\n";
    client.open("a.bpf.c", text);
    let params = json!({ "textDocument": { "uri": client.uri("a.bpf.c") } });
    let folds = client.ask("textDocument/foldingRange", params);
    let lines: Vec<_> = folds
        .as_array()
        .expect("is an array")
        .iter()
        .map(|f| (&f["startLine"], &f["endLine"]))
        .collect();
    let expected = [(2, 8), (3, 4), (5, 6)].map(|(start, end)| (json!(start), json!(end)));
    assert_eq!(lines, expected.each_ref().map(|(start, end)| (start, end)));
}

#[test]
fn second_places_are_part_of_the_message_where_they_cannot_be_shown_beside_it() {
    let mut client = Client::with(&json!({}));
    client.open("a.bpf.c", BAD);
    let found = client.published("a.bpf.c", 1);
    let message = found[0]["message"].as_str().expect("is text");
    assert!(message.contains("\nline 9: the slice is made here"), "{message}");
}

#[test]
fn files_that_are_gone_or_mended_lose_their_diagnostics() {
    let mut client = Client::with(&json!({}));
    for name in ["gone.bpf.c", "mended.bpf.c", "deleted.bpf.c"] {
        client.write(name, BAD);
    }
    client.ask(CHECK, check());
    let uris = ["gone.bpf.c", "mended.bpf.c", "deleted.bpf.c"].map(|name| client.uri(name));
    for uri in &uris {
        assert_eq!(next(&mut client, uri), ["missing-write-back"]);
    }
    fs::remove_file(client.path("deleted.bpf.c")).expect("is there");
    let deleted = events(&client, "deleted.bpf.c", 3);
    client.notify("workspace/didChangeWatchedFiles", deleted);
    assert_eq!(next(&mut client, &uris[2]), [] as [&str; 0]);
    fs::remove_file(client.path("gone.bpf.c")).expect("is there");
    client.write("mended.bpf.c", "SEC(\"tc\") int f(void *c) { return 0; }\n");
    client.ask(CHECK, check());
    assert_eq!(next(&mut client, &uris[0]), [] as [&str; 0]);
    assert_eq!(next(&mut client, &uris[1]), [] as [&str; 0]);
}

#[test]
fn a_pull_of_the_workspace_names_files_that_are_gone() {
    let mut client = Client::with(&json!({ "textDocument": { "diagnostic": {} } }));
    client.write("a.bpf.c", BAD);
    client.open("open.bpf.c", BAD);
    let report = client.ask("workspace/diagnostic", json!({ "previousResultIds": [] }));
    assert_eq!(report["items"].as_array().map(Vec::len), Some(1), "{report}");
    fs::remove_file(client.path("a.bpf.c")).expect("is there");
    let previous =
        ["a.bpf.c", "open.bpf.c"].map(|name| json!({ "uri": client.uri(name), "value": "0" }));
    let report = client.ask("workspace/diagnostic", json!({ "previousResultIds": previous }));
    let items = report["items"].as_array().expect("is an array");
    assert_eq!(items.len(), 1, "an open file answers for itself: {report}");
    assert_eq!((&items[0]["uri"], &items[0]["items"]), (&json!(client.uri("a.bpf.c")), &json!([])));
}

#[test]
fn progress_ends_when_the_request_is_cancelled() {
    let mut client = Client::with(&json!({}));
    for number in 0..40 {
        client.write(&format!("p{number}.bpf.c"), BAD);
    }
    let mut params = check();
    params["workDoneToken"] = json!("mine");
    let id = client.begin(CHECK, params);
    client.told("$/progress", |params| params["value"]["kind"] == json!("begin"));
    client.notify("$/cancelRequest", json!({ "id": id }));
    client.told("$/progress", |params| params["value"]["kind"] == json!("end"));
}

#[test]
fn the_workspace_is_checked_again_only_after_what_can_matter() {
    let watching = json!({
        "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } },
        "textDocument": { "diagnostic": {} },
    });
    let mut client = Client::with(&watching);
    let registered = client.told("client/registerCapability", |_| true).to_string();
    assert!(registered.contains("**/*.c"), "{registered}");
    client.write("a.bpf.c", "SEC(\"tc\") int f(void *c) { return 0; }\n");
    client.open("open.bpf.c", BAD);
    let pull = |client: &mut Client| {
        let params = json!({ "previousResultIds": [], "workDoneToken": "mine" });
        let report = client.ask("workspace/diagnostic", params);
        report["items"][0]["items"].as_array().map(Vec::len)
    };
    let is_begin = |params: &Value| params["value"]["kind"] == json!("begin");
    assert_eq!(pull(&mut client), Some(0));
    client.told("$/progress", is_begin);
    client.change("open.bpf.c", 2, json!([{ "text": BAD }]));
    assert_eq!(pull(&mut client), Some(0));
    client.listen(A_WHILE);
    let begun = client.seen.iter().any(|message| is_begin(&message["params"]));
    assert!(!begun, "typing in one file does not touch others: {:?}", client.seen);
    client.write("a.bpf.c", BAD);
    let changed = events(&client, "a.bpf.c", 2);
    client.notify("workspace/didChangeWatchedFiles", changed);
    assert_eq!(pull(&mut client), Some(1), "it has changed on disk");
    client.told("$/progress", is_begin);
}

#[test]
fn a_configuration_counts_for_closed_files_at_once() {
    let mut client = Client::with(&json!({
        "workspace": { "diagnostics": { "refreshSupport": true } },
        "textDocument": { "diagnostic": {} },
    }));
    client.write("a.bpf.c", BAD);
    client.write("bpf-analyzer.toml", "");
    let changed = events(&client, "bpf-analyzer.toml", 1);
    client.notify("workspace/didChangeWatchedFiles", changed);
    client.told("workspace/diagnostic/refresh", |_| true);
}

const SIZED: &str = "\
#include <vmlinux.h>
#include \"size.h\"

SEC(\"tc\")
int prog(struct __sk_buff *skb)
{
	struct bpf_dynptr dp; char buf[SIZE];
	const char *p;
	bpf_dynptr_from_skb(skb, 0, &dp);
	p = bpf_dynptr_slice(&dp, 32, buf, 16);
	return p ? p[0] : 0;
}
";

fn open_as(client: &mut Client, uri: &str, text: &str) {
    let item = json!({ "uri": uri, "languageId": "c", "version": 1, "text": text });
    client.notify("textDocument/didOpen", json!({ "textDocument": item }));
}

#[test]
fn an_old_state_of_a_header_that_is_shown_is_not_the_header() {
    let mut client = Client::with(&json!({}));
    client.write("size.h", "#define SIZE 16\n");
    client.open("a.bpf.c", SIZED);
    let uri = client.uri("a.bpf.c");
    assert_eq!(next(&mut client, &uri), [] as [&str; 0]);
    let old = client.uri("size.h").replace("file://", "git:") + "?ref=HEAD";
    open_as(&mut client, &old, "#define SIZE 8\n");
    client.change("a.bpf.c", 2, json!([{ "text": format!("{SIZED}\n") }]));
    assert_eq!(client.published("a.bpf.c", 2), [] as [Value; 0]);
}

#[test]
fn a_text_that_was_never_saved_belongs_to_the_first_folder() {
    let mut client = Client::with(&json!({}));
    client.write("size.h", "#define SIZE 8\n");
    open_as(&mut client, "untitled:Untitled-1", SIZED);
    assert_eq!(next(&mut client, "untitled:Untitled-1"), ["buffer-too-small"]);
}

#[test]
fn a_document_opened_twice_is_what_it_was_opened_as_last() {
    let mut client = Client::with(&json!({}));
    client.open("a.c", BAD);
    let uri = client.uri("a.c");
    assert_eq!(next(&mut client, &uri), ["missing-write-back"]);
    client.open("a.c", "int main(void) { return 0; }\n");
    assert_eq!(next(&mut client, &uri), [] as [&str; 0], "it is no BPF any more");
    assert_eq!(client.at("textDocument/hover", "a.c", 0, 5), Value::Null);
}

#[test]
fn a_client_with_nothing_to_say_leaves_its_first_settings_alone() {
    for settings in [Value::Null, json!({})] {
        let mut client = Client::start();
        let options = json!({ "ignore": ["missing-write-back"] });
        client.initialize(&json!({ "workspace": { "configuration": true } }), &options);
        client.open("a.bpf.c", BAD);
        client.notify("workspace/didChangeConfiguration", json!({ "settings": settings }));
        client.listen(A_WHILE);
        client.change("a.bpf.c", 2, json!([{ "text": BAD }]));
        assert_eq!(client.published("a.bpf.c", 2), [] as [Value; 0]);
    }
}

#[test]
fn a_mistake_in_the_configuration_is_shown_once_until_it_changes() {
    let mut client = Client::start();
    client.write("bpf-analyzer.toml", "selct = []\n");
    client.initialize(&json!({}), &Value::Null);
    client.open("a.bpf.c", BAD);
    client.open("b.bpf.c", BAD);
    client.write("new.h", "int x;\n");
    let created = events(&client, "new.h", 1);
    client.notify("workspace/didChangeWatchedFiles", created);
    client.listen(A_WHILE);
    assert_eq!(count(&client, "window/showMessage"), 1, "{:?}", client.seen);
    let changed = events(&client, "bpf-analyzer.toml", 2);
    client.notify("workspace/didChangeWatchedFiles", changed);
    client.listen(A_WHILE);
    assert_eq!(count(&client, "window/showMessage"), 2, "it is still wrong: {:?}", client.seen);
}
