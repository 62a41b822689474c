//! Diagnostics, pushed and pulled, and what can be done about them.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{BAD, Client, pulling, rules};

/// Everything a client can show of a diagnostic.
fn rich() -> Value {
    json!({
        "textDocument": {
            "publishDiagnostics": {
                "relatedInformation": true,
                "codeDescriptionSupport": true,
                "tagSupport": { "valueSet": [1, 2] },
            },
            "codeAction": {
                "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["quickfix"] } },
            },
        },
        "workspace": { "workspaceEdit": { "documentChanges": true } },
    })
}

/// Applies the edits of an action to `text`; lines and columns are those of ASCII.
pub(crate) fn applied(text: &str, action: &Value, uri: &str) -> String {
    let edit = &action["edit"];
    let edits = match edit["documentChanges"].as_array() {
        Some(changes) => {
            assert_eq!(changes[0]["textDocument"]["uri"], json!(uri));
            changes[0]["edits"].clone()
        }
        None => edit["changes"][uri].clone(),
    };
    let offset = |place: &Value| {
        let number = |key: &str| {
            let number = place[key].as_u64().and_then(|number| usize::try_from(number).ok());
            number.expect("is a small number")
        };
        let line = number("line");
        let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        before + number("character")
    };
    let mut edits: Vec<_> = edits
        .as_array()
        .expect("has edits")
        .iter()
        .map(|edit| {
            (offset(&edit["range"]["start"])..offset(&edit["range"]["end"]), &edit["newText"])
        })
        .collect();
    edits.sort_by_key(|(range, _)| std::cmp::Reverse((range.start, range.end)));
    let mut out = text.to_owned();
    for (range, new) in edits {
        out.replace_range(range, new.as_str().expect("is text"));
    }
    out
}

fn titled<'a>(actions: &'a [Value], title: &str) -> &'a Value {
    let found = actions.iter().find(|action| action["title"] == json!(title));
    found.unwrap_or_else(|| panic!("no {title:?} in {actions:#?}"))
}

#[test]
fn a_finding_is_published_with_all_that_is_known_of_it() {
    let mut client = Client::with(&rich());
    client.open("a.bpf.c", BAD);
    let found = client.published("a.bpf.c", 1);
    assert_eq!(rules(&found), [("missing-write-back".to_owned(), 9)]);
    let finding = &found[0];
    assert_eq!(finding["source"], json!("bpf-analyzer"));
    assert_eq!(finding["severity"], json!(1));
    assert_eq!(finding["data"]["rule"], json!("missing-write-back"));
    assert_eq!(finding["data"]["fixes"], json!(["write `buf` back"]));
    let page = finding["codeDescription"]["href"].as_str().expect("is linked");
    assert!(page.contains("missing-write-back"), "{page}");
    let related = finding["relatedInformation"].as_array().expect("has labels");
    assert!(related.iter().any(|label| label["message"] == json!("the slice is made here")));
    assert_eq!(related[0]["location"]["uri"], json!(client.uri("a.bpf.c")));
}

#[test]
fn waste_is_tagged() {
    let text = BAD.replace("\tp[0] = 1;\n", "\tif (p[0]) return 1;\n");
    let mut client = Client::with(&rich());
    client.open("a.bpf.c", &text);
    let found = client.published("a.bpf.c", 1);
    let waste = found.iter().find(|finding| finding["code"] == json!("needless-slice-rdwr"));
    assert_eq!(waste.expect("is found")["tags"], json!([1]), "{found:?}");
}

#[test]
fn clients_that_know_little_are_sent_little() {
    let mut client = Client::with(&json!({}));
    client.open("a.bpf.c", BAD);
    let found = client.published("a.bpf.c", 1);
    for key in ["relatedInformation", "codeDescription", "tags"] {
        assert_eq!(found[0].get(key), None, "{key}");
    }
}

#[test]
fn findings_are_those_of_the_command_line() {
    let mut client = Client::with(&json!({}));
    let allowed = BAD.replace("\tp[0]", "\t// bpf-analyzer: allow(missing-write-back)\n\tp[0]");
    for (name, text) in [("a.bpf.c", BAD), ("b.bpf.c", &allowed), ("c.bpf.c", "int x;\n")] {
        client.write(name, text);
        client.open(name, text);
        let published = rules(&client.published(name, 1));
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_bpf-analyzer"))
            .args(["check", "--format", "json", "--exit-zero"])
            .arg(client.path(name))
            .output()
            .expect("runs");
        let report: Value = serde_json::from_slice(&output.stdout).expect("is JSON");
        let checked = report["findings"].as_array().expect("is an array").iter().map(|finding| {
            let line = finding["range"]["start"]["line"].as_u64().expect("is a line") - 1;
            (finding["rule"].as_str().expect("is a rule").to_owned(), line)
        });
        assert_eq!(published, checked.collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn closing_a_file_clears_its_diagnostics() {
    let mut client = Client::with(&json!({}));
    client.open("a.bpf.c", BAD);
    assert!(!client.published("a.bpf.c", 1).is_empty());
    client.close("a.bpf.c");
    let cleared = client.told("textDocument/publishDiagnostics", |_| true);
    assert_eq!(cleared["diagnostics"], json!([]));
}

#[test]
fn c_that_is_not_bpf_is_left_to_others() {
    let mut client = Client::with(&json!({}));
    client.open("main.c", "#include <stdio.h>\nint main(void) { return 0; }\n");
    let symbols = json!({ "textDocument": { "uri": client.uri("main.c") } });
    assert_eq!(client.ask("textDocument/documentSymbol", symbols), Value::Null);
    client.listen(Duration::from_millis(50));
    assert!(client.seen.is_empty(), "{:?}", client.seen);
}

#[test]
fn clients_that_pull_are_not_pushed_to() {
    let mut client = Client::start();
    let offered = client.initialize(&pulling(), &Value::Null);
    let provider = &offered["capabilities"]["diagnosticProvider"];
    assert_eq!(provider["workspaceDiagnostics"], json!(true));
    client.open("a.bpf.c", BAD);
    let params = json!({ "textDocument": { "uri": client.uri("a.bpf.c") } });
    let report = client.ask("textDocument/diagnostic", params);
    assert_eq!(report["kind"], json!("full"));
    assert_eq!(
        rules(report["items"].as_array().expect("is full")),
        [("missing-write-back".into(), 9)]
    );
    let mut params = json!({ "textDocument": { "uri": client.uri("a.bpf.c") } });
    params["previousResultId"] = report["resultId"].clone();
    let again = client.ask("textDocument/diagnostic", params);
    assert_eq!(again, json!({ "kind": "unchanged", "resultId": report["resultId"] }));
    let pushed = |message: &Value| message["method"] == json!("textDocument/publishDiagnostics");
    assert!(!client.seen.iter().any(pushed), "{:?}", client.seen);
    for capabilities in [json!({}), json!({ "textDocument": { "diagnostic": {} } })] {
        let pushing = Client::start().initialize(&capabilities, &Value::Null);
        assert_eq!(pushing["capabilities"].get("diagnosticProvider"), None, "{capabilities}");
    }
}

/// Neovim 0.11 can pull but cannot be told to pull again.
#[test]
fn what_changes_by_itself_reaches_clients_that_cannot_be_told_to_ask_again() {
    let mut client = Client::with(
        &json!({ "textDocument": { "diagnostic": {} }, "workspace": { "configuration": true } }),
    );
    client.open("a.bpf.c", BAD);
    assert_eq!(client.published("a.bpf.c", 1).len(), 1);
    client.settings = json!({ "ignore": ["ALL"] });
    client.notify("workspace/didChangeConfiguration", json!({ "settings": null }));
    let published =
        client.told("textDocument/publishDiagnostics", |params| params["diagnostics"] == json!([]));
    assert_eq!(published["uri"], json!(client.uri("a.bpf.c")));
}

#[test]
fn a_fix_makes_the_finding_go() {
    let mut client = Client::with(&rich());
    client.open("a.bpf.c", BAD);
    // What a client sends back of the diagnostic does not matter: nothing here.
    let actions = client.actions("a.bpf.c", 9, json!({ "diagnostics": [] }));
    let fix = titled(&actions, "Write `buf` back");
    assert_eq!(fix["kind"], json!("quickfix"));
    assert_eq!(fix["isPreferred"], json!(true));
    assert_eq!(fix["edit"]["documentChanges"][0]["textDocument"]["version"], json!(1));
    let fixed = applied(BAD, fix, &client.uri("a.bpf.c"));
    client.change("a.bpf.c", 2, json!([{ "text": fixed }]));
    assert_eq!(rules(&client.published("a.bpf.c", 2)), []);
    assert_eq!(client.actions("a.bpf.c", 9, json!({ "diagnostics": [] })), [] as [Value; 0]);
}

#[test]
fn a_finding_can_be_allowed_and_explained() {
    let mut client = Client::with(&rich());
    client.open("a.bpf.c", BAD);
    let actions = client.actions("a.bpf.c", 9, json!({ "diagnostics": [] }));
    let mut version = 1;
    for title in ["Allow `missing-write-back` on this line", "Allow `missing-write-back` in `prog`"]
    {
        let allowed = applied(BAD, titled(&actions, title), &client.uri("a.bpf.c"));
        version += 1;
        client.change("a.bpf.c", version, json!([{ "text": allowed }]));
        assert_eq!(rules(&client.published("a.bpf.c", version)), [], "{title}");
    }
    let explain = titled(&actions, "Explain `missing-write-back`");
    assert_eq!(explain["kind"], json!("quickfix"));
    // Neovim 0.7 resolves whatever has no edit.
    let resolved = client.ask("codeAction/resolve", explain.clone());
    assert_eq!(&resolved, explain);
    let command = &explain["command"];
    let page = client.ask(
        "workspace/executeCommand",
        json!({ "command": command["command"], "arguments": command["arguments"] }),
    );
    assert!(page.as_str().expect("is a page").contains("missing-write-back"));
}

#[test]
fn clients_that_know_no_code_actions_get_commands() {
    let mut client = Client::with(&json!({}));
    client.open("a.bpf.c", BAD);
    let actions = client.actions("a.bpf.c", 9, json!({ "diagnostics": [] }));
    let commands: Vec<&str> =
        actions.iter().filter_map(|action| action["command"].as_str()).collect();
    assert_eq!(commands.len(), actions.len(), "{actions:#?}");
    assert!(commands.contains(&"bpf-analyzer.explainRule"), "{commands:?}");
}

#[test]
fn all_fixes_of_a_rule_or_of_the_file_are_applied_at_once() {
    let second = BAD.split("\nSEC").nth(1).expect("has a program").replace("prog", "other");
    let text = format!("{BAD}\nSEC{second}");
    let mut resolving = rich();
    resolving["textDocument"]["codeAction"]["dataSupport"] = json!(true);
    resolving["textDocument"]["codeAction"]["resolveSupport"] = json!({ "properties": ["edit"] });
    for capabilities in [rich(), resolving] {
        let mut client = Client::with(&capabilities);
        client.open("a.bpf.c", &text);
        assert_eq!(client.published("a.bpf.c", 1).len(), 2);
        let all = json!({ "diagnostics": [], "only": ["source.fixAll"] });
        let everything = client.actions("a.bpf.c", 0, all);
        assert_eq!(everything.len(), 1);
        assert_eq!(everything[0]["kind"], json!("source.fixAll.bpf-analyzer"));
        let here = client.actions("a.bpf.c", 9, json!({ "diagnostics": [] }));
        let of_rule = titled(&here, "Fix all `missing-write-back` in this file");
        for action in [&everything[0], of_rule] {
            let action = match action.get("edit") {
                Some(_) => action.clone(),
                None => client.ask("codeAction/resolve", action.clone()),
            };
            let fixed = applied(&text, &action, &client.uri("a.bpf.c"));
            assert_eq!(fixed.matches("bpf_dynptr_write(").count(), 2, "{fixed}");
        }
    }
}
