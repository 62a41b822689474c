//! Settings from files and from the editor, and headers on disk and in the editor.

use serde_json::{Value, json};

use super::client::{BAD, Client, rules};

fn changed(client: &Client, name: &str, kind: u8) -> Value {
    json!({ "changes": [{ "uri": client.uri(name), "type": kind }] })
}

/// The rules found in the next diagnostics of the file.
fn next_rules(client: &mut Client, name: &str) -> Vec<String> {
    let uri = client.uri(name);
    let params =
        client.told("textDocument/publishDiagnostics", |params| params["uri"] == json!(uri));
    let found = params["diagnostics"].as_array().expect("is an array");
    rules(found).into_iter().map(|(rule, _)| rule).collect()
}

#[test]
fn the_configuration_file_counts_and_is_read_again() {
    let mut client = Client::start();
    client.write("bpf-analyzer.toml", "ignore = [\"missing-write-back\"]\n");
    client.initialize(&json!({}), &Value::Null);
    client.open("a.bpf.c", BAD);
    assert_eq!(next_rules(&mut client, "a.bpf.c"), [] as [&str; 0]);
    client.write("bpf-analyzer.toml", "[severity]\nmissing-write-back = \"info\"\n");
    client.notify("workspace/didChangeWatchedFiles", changed(&client, "bpf-analyzer.toml", 2));
    assert_eq!(next_rules(&mut client, "a.bpf.c"), ["missing-write-back"]);
    // Clients that do not watch files say at least what they save.
    client.write("bpf-analyzer.toml", "exclude = [\"a.bpf.c\"]\n");
    let saved = json!({ "textDocument": { "uri": client.uri("bpf-analyzer.toml") } });
    client.notify("textDocument/didSave", saved);
    assert_eq!(next_rules(&mut client, "a.bpf.c"), [] as [&str; 0]);
}

#[test]
fn what_the_baseline_knows_is_not_shown() {
    let mut client = Client::start();
    client.write("a.bpf.c", BAD);
    client.write("bpf-analyzer.toml", "baseline = \"known.json\"\n");
    let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_bpf-analyzer"));
    let folder = client.path("a.bpf.c");
    check.args(["check", "--write-baseline"]).current_dir(folder.parent().expect("is in a folder"));
    assert!(check.output().expect("the command is built").status.success());
    client.initialize(&json!({}), &Value::Null);
    client.open("a.bpf.c", BAD);
    assert_eq!(next_rules(&mut client, "a.bpf.c"), [] as [&str; 0]);
    client.write("known.json", "{\"version\":1,\"findings\":[]}");
    client.notify("workspace/didChangeWatchedFiles", changed(&client, "bpf-analyzer.toml", 2));
    assert_eq!(next_rules(&mut client, "a.bpf.c"), ["missing-write-back"]);
}

#[test]
fn a_mistake_in_the_configuration_is_shown() {
    let mut client = Client::start();
    client.write("bpf-analyzer.toml", "selct = []\n");
    client.initialize(&json!({}), &Value::Null);
    client.open("a.bpf.c", BAD);
    let shown = client.told("window/showMessage", |_| true);
    let message = shown["message"].as_str().expect("is text");
    assert!(message.contains("did you mean `select`?"), "{message}");
    assert_eq!(next_rules(&mut client, "a.bpf.c"), ["missing-write-back"], "linting goes on");
}

#[test]
fn settings_come_with_the_start_and_change_later() {
    let mut client = Client::start();
    let options = json!({ "ignore": ["missing-write-back"] });
    client.initialize(&json!({}), &options);
    client.open("a.bpf.c", BAD);
    assert_eq!(next_rules(&mut client, "a.bpf.c"), [] as [&str; 0]);
    let settings = json!({ "settings": { "bpf-analyzer": { "kernel": "6.18" } } });
    client.notify("workspace/didChangeConfiguration", settings);
    assert_eq!(next_rules(&mut client, "a.bpf.c"), ["missing-write-back"]);
}

#[test]
fn settings_are_fetched_from_clients_that_keep_them() {
    let mut client = Client::start();
    client.settings = json!({ "ignore": ["missing-write-back"] });
    client.initialize(&json!({ "workspace": { "configuration": true } }), &Value::Null);
    client.open("a.bpf.c", BAD);
    while next_rules(&mut client, "a.bpf.c") != [] as [&str; 0] {}
    client.settings = Value::Null;
    client.notify("workspace/didChangeConfiguration", json!({ "settings": null }));
    assert_eq!(next_rules(&mut client, "a.bpf.c"), ["missing-write-back"]);
}

/// Emacs says nothing when asked, and sends an empty object when it has connected.
#[test]
fn clients_that_keep_no_settings_do_not_undo_those_of_the_start() {
    let mut client = Client::start();
    let options = json!({ "ignore": ["missing-write-back"] });
    client.initialize(&json!({ "workspace": { "configuration": true } }), &options);
    for settings in [json!({}), Value::Null, json!([])] {
        client.settings = settings.clone();
        client.notify("workspace/didChangeConfiguration", json!({ "settings": settings }));
        client.told("workspace/configuration", |_| true);
        client.open("a.bpf.c", BAD);
        assert_eq!(next_rules(&mut client, "a.bpf.c"), [] as [&str; 0], "{settings}");
    }
}

#[test]
fn files_are_watched_by_clients_that_can() {
    let watching =
        json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
    let mut client = Client::with(&watching);
    let registered = client.told("client/registerCapability", |_| true).to_string();
    for name in ["bpf-analyzer.toml", "compile_commands.json", "*.h"] {
        assert!(registered.contains(&format!("**/{name}")), "{registered}");
    }
}

/// A program whose buffer has the size that a header says.
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

#[test]
fn unsaved_headers_are_seen_by_those_who_include_them() {
    let mut client = Client::start();
    client.write("size.h", "#define SIZE 16\n");
    client.initialize(&json!({}), &Value::Null);
    client.open("a.bpf.c", SIZED);
    assert_eq!(next_rules(&mut client, "a.bpf.c"), [] as [&str; 0]);
    client.open("size.h", "#define SIZE 8\n");
    assert_eq!(next_rules(&mut client, "a.bpf.c"), ["buffer-too-small"]);
    client.change("size.h", 2, json!([{ "text": "#define SIZE 32\n" }]));
    assert_eq!(next_rules(&mut client, "a.bpf.c"), [] as [&str; 0]);
    client.change("size.h", 3, json!([{ "text": "#define SIZE 4\n" }]));
    assert_eq!(next_rules(&mut client, "a.bpf.c"), ["buffer-too-small"]);
    client.close("size.h");
    assert_eq!(next_rules(&mut client, "a.bpf.c"), [] as [&str; 0], "the disk counts again");
    client.write("size.h", "#define SIZE 2\n#define MORE\n");
    client.notify("workspace/didChangeWatchedFiles", changed(&client, "size.h", 2));
    assert_eq!(next_rules(&mut client, "a.bpf.c"), ["buffer-too-small"]);
}

#[test]
fn a_header_that_was_missing_can_appear() {
    let mut client = Client::with(&json!({}));
    client.open("a.bpf.c", SIZED);
    assert_eq!(next_rules(&mut client, "a.bpf.c"), [] as [&str; 0]);
    client.open("size.h", "#define SIZE 8\n");
    assert_eq!(next_rules(&mut client, "a.bpf.c"), ["buffer-too-small"]);
}
