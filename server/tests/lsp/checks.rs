//! Quick checks: programs are compiled with the real clang, verified and run, and the client is told.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Client, pulling, rules};
use super::layouts::LOST;

const COMMAND: &str = "workspace/executeCommand";

/// A program that is accepted and drops what is not IPv4.
const GOOD: &str = "\
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

SEC(\"tc\")
int good(struct __sk_buff *skb)
{
	return skb->protocol == 8 ? 0 : 2;
}

char _license[] SEC(\"license\") = \"GPL\";
";

/// What is rejected is in line 15, from 0; the slice in line 13 is not checked.
const REJECTED: &str = "\
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

extern int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *p) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, u32 off, void *buf, u32 len) __ksym;

SEC(\"tc\")
int rejected(struct __sk_buff *skb)
{
	struct bpf_dynptr dp;
	char buf[16];

	bpf_dynptr_from_skb(skb, 0, &dp);
	char *p = bpf_dynptr_slice(&dp, 0, buf, sizeof(buf));

	return p[0] == 0 ? 0 : 2;
}

char _license[] SEC(\"license\") = \"GPL\";
";

/// A client whose server finds clang, with these capabilities and without verification on save.
pub(super) fn client(capabilities: &Value) -> Client {
    let path = std::env::var_os("PATH").unwrap_or_default();
    client_with(&path, capabilities, &json!({ "verify": { "onSave": false } }))
}

pub(super) fn client_with(path: &OsStr, capabilities: &Value, options: &Value) -> Client {
    let mut client = Client::start_with_path(path);
    client.initialize(capabilities, options);
    client
}

pub(super) fn related() -> Value {
    json!({ "textDocument": { "publishDiagnostics": { "relatedInformation": true } } })
}

pub(super) fn open(client: &mut Client, name: &str, text: &str) {
    client.write(name, text);
    client.open(name, text);
    client.published(name, 1);
}

fn save(client: &mut Client, name: &str) {
    let params = json!({ "textDocument": { "uri": client.uri(name) } });
    client.notify("textDocument/didSave", params);
}

fn command(client: &Client, kind: &str, name: &str, program: &str) -> Value {
    let subject = json!({ "uri": client.uri(name), "program": program });
    json!({ "command": format!("bpf-analyzer.{kind}"), "arguments": [subject] })
}

pub(super) fn check(client: &mut Client, kind: &str, name: &str, program: &str) -> Value {
    let params = command(client, kind, name, program);
    client.ask(COMMAND, params)
}

pub(super) fn titles(client: &mut Client, name: &str) -> Vec<String> {
    let params = json!({ "textDocument": { "uri": client.uri(name) } });
    let lenses = client.ask("textDocument/codeLens", params);
    let lenses = lenses.as_array().expect("is an array").iter();
    lenses.map(|lens| lens["command"]["title"].as_str().expect("is text").to_owned()).collect()
}

pub(super) fn append(client: &mut Client, name: &str, version: i64) {
    let end = json!({ "line": 999, "character": 0 });
    let change = json!([{ "range": { "start": end, "end": end }, "text": "\n" }]);
    client.change(name, version, change);
}

fn shown(client: &mut Client, words: &str) {
    client.told("window/showMessage", |params| params["message"].to_string().contains(words));
}

#[test]
fn lenses_say_what_came_of_checks_until_the_text_changes() {
    let mut client = client(&json!({ "workspace": { "codeLens": { "refreshSupport": true } } }));
    open(&mut client, "a.bpf.c", GOOD);
    assert_eq!(titles(&mut client, "a.bpf.c"), ["no findings", "Verify", "Run", "Layouts"]);
    let report = check(&mut client, "verify", "a.bpf.c", "good");
    let summary = report["summary"].as_str().expect("is text").to_owned();
    assert!(summary.starts_with("accepted · ") && summary.contains(" of 1,000,000 insns"));
    assert_eq!(report["uri"], json!(client.uri("a.bpf.c")));
    let subject = (&report["program"], &report["kind"], &report["version"]);
    assert_eq!(subject, (&json!("good"), &json!("verify"), &json!(1)));
    assert!(report["html"].as_str().is_some_and(|html| html.contains("ba-verdict ok")));
    assert_eq!(check(&mut client, "run", "a.bpf.c", "good")["summary"], "0 (TC_ACT_OK)");
    let layouts = check(&mut client, "layouts", "a.bpf.c", "good");
    let layouts = layouts["summary"].as_str().expect("is text").to_owned();
    assert!(layouts.starts_with("0 divergences in "), "{layouts}");
    client.told("workspace/codeLens/refresh", |_| true);
    let expected = [
        "no findings".to_owned(),
        format!("Verify: {summary}"),
        "Run: 0 (TC_ACT_OK)".to_owned(),
        format!("Layouts: {layouts}"),
    ];
    assert_eq!(titles(&mut client, "a.bpf.c"), expected);
    append(&mut client, "a.bpf.c", 2);
    let uri = client.uri("a.bpf.c");
    client.told("bpf-analyzer/reportStale", |params| params["uri"] == json!(uri));
    assert_eq!(titles(&mut client, "a.bpf.c"), ["no findings", "Verify", "Run", "Layouts"]);
}

#[test]
fn maps_may_get_their_sizes_from_the_loader() {
    let sized = GOOD.replace(
        "SEC(\"tc\")",
        "struct {\n\t__uint(type, BPF_MAP_TYPE_HASH);\n\t__type(key, u32);\n\t__type(value, u64);\n} open \
         SEC(\".maps\");\n\nSEC(\"tc\")",
    );
    let sized = sized.replace(
        "\treturn skb",
        "\tu32 key = 1;\n\tif (bpf_map_lookup_elem(&open, &key)) return 1;\n\treturn skb",
    );
    let mut client = client(&json!({}));
    open(&mut client, "a.bpf.c", &sized);
    let report = check(&mut client, "verify", "a.bpf.c", "good");
    assert!(
        report["summary"].as_str().is_some_and(|text| text.starts_with("accepted")),
        "{report}"
    );
}

#[test]
fn the_last_report_is_that_of_the_text_as_it_is() {
    let mut client = client(&json!({}));
    open(&mut client, "a.bpf.c", GOOD);
    let params = json!({ "uri": client.uri("a.bpf.c"), "program": "good", "kind": "verify" });
    assert_eq!(client.ask("bpf-analyzer/report", params.clone()), Value::Null);
    let report = check(&mut client, "verify", "a.bpf.c", "good");
    assert_eq!(client.ask("bpf-analyzer/report", params.clone()), report);
    append(&mut client, "a.bpf.c", 2);
    assert_eq!(client.ask("bpf-analyzer/report", params.clone()), Value::Null);
    let mut unknown = params;
    unknown["kind"] = json!("guess");
    assert_eq!(client.request("bpf-analyzer/report", unknown)["error"]["code"], json!(-32602));
}

#[test]
fn what_the_verifier_and_the_rules_find_is_one_diagnostic_until_the_next_edit() {
    let mut client = client(&related());
    open(&mut client, "a.bpf.c", REJECTED);
    let report = check(&mut client, "verify", "a.bpf.c", "rejected");
    assert!(report["summary"].to_string().contains("R0 invalid mem access"), "{report}");
    let text = report["text"].as_str().expect("is text");
    assert!(
        text.contains("a.bpf.c:16: ") && text.contains("| return p[0] == 0 ? 0 : 2;"),
        "{text}"
    );
    let html = report["html"].as_str().expect("is text");
    assert!(html.contains("<a href=\"#L16\" data-line=\"16\">"), "{html}");
    let found = client.published("a.bpf.c", 1);
    assert_eq!(rules(&found), [("missing-null-check".to_owned(), 15)], "{found:#?}");
    let related = found[0]["relatedInformation"].to_string();
    assert!(related.contains("the verifier agrees: R0 invalid mem access"), "{related}");
    append(&mut client, "a.bpf.c", 2);
    let found = client.published("a.bpf.c", 2);
    assert!(!found[0].to_string().contains("the verifier agrees"), "{found:#?}");
}

#[test]
fn what_only_the_verifier_finds_has_the_path_as_related_information() {
    let text = REJECTED
        .replace("tc\")\nint rej", "tc\")\n/* bpf-analyzer: allow(missing-null-check) */\nint rej");
    let mut client = client(&related());
    open(&mut client, "a.bpf.c", &text);
    check(&mut client, "verify", "a.bpf.c", "rejected");
    let found = client.published("a.bpf.c", 1);
    assert_eq!(rules(&found), [("verifier".to_owned(), 16)], "{found:#?}");
    assert_eq!(found[0]["source"], "bpf-analyzer");
    let lines = found[0]["relatedInformation"].as_array().expect("has a path").iter();
    let lines: Vec<_> = lines.map(|place| &place["location"]["range"]["start"]["line"]).collect();
    assert!(lines.contains(&&json!(14)), "{found:#?}");
    append(&mut client, "a.bpf.c", 2);
    assert_eq!(client.published("a.bpf.c", 2), [] as [Value; 0]);
}

#[test]
fn clients_that_pull_get_the_findings_of_checks_too() {
    let mut client = client(&pulling());
    client.write("a.bpf.c", REJECTED);
    client.open("a.bpf.c", REJECTED);
    let params = json!({ "textDocument": { "uri": client.uri("a.bpf.c") } });
    let pull = |client: &mut Client| {
        client.ask("textDocument/diagnostic", params.clone())["items"].to_string()
    };
    assert!(!pull(&mut client).contains("the verifier agrees"));
    client.seen.clear();
    check(&mut client, "verify", "a.bpf.c", "rejected");
    client.told("workspace/diagnostic/refresh", |_| true);
    assert!(pull(&mut client).contains("the verifier agrees"));
    append(&mut client, "a.bpf.c", 2);
    assert!(!pull(&mut client).contains("the verifier agrees"));
}

#[test]
fn reports_on_layouts_show_which_bytes_are_lost() {
    let mut client = client(&related());
    open(&mut client, "a.bpf.c", LOST);
    let report = check(&mut client, "layouts", "a.bpf.c", "lost");
    assert!(report["summary"].to_string().contains(" divergence"), "{report}");
    let html = report["html"].as_str().expect("is text");
    for part in
        ["ba-verdict bad", "ba-layout", "ba-hex", "class=\"changed\"", "class=\"frag\">¦", "<mark>"]
    {
        assert!(html.contains(part), "{part}: {html}");
    }
}

#[test]
fn a_file_that_is_saved_is_verified() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut client = client_with(&path, &related(), &json!({ "trusted": true }));
    open(&mut client, "a.bpf.c", REJECTED);
    save(&mut client, "a.bpf.c");
    let found = client.published("a.bpf.c", 1);
    assert!(found[0].to_string().contains("the verifier agrees"), "{found:#?}");
    assert!(titles(&mut client, "a.bpf.c")[1].starts_with("Verify: rejected · "));
    // Nobody saw a report, so that none can be out of date.
    append(&mut client, "a.bpf.c", 2);
    client.published("a.bpf.c", 2);
    // The text that is saved is not the one of the editor.
    save(&mut client, "a.bpf.c");
    client.listen(Duration::from_millis(500));
    assert_eq!(titles(&mut client, "a.bpf.c")[1], "Verify");
    let told = |message: &Value| message["method"].to_string().contains("reportStale");
    assert!(!client.seen.iter().any(told));
}

#[test]
fn nothing_is_verified_on_save_where_that_is_switched_off_or_not_trusted() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for (options, file) in [
        (json!({ "verify": { "onSave": false } }), ""),
        (json!({ "bpf-analyzer": { "verify": { "on-save": false } } }), ""),
        (json!({ "trusted": false }), ""),
        (json!({}), "verify.on-save = false\n"),
    ] {
        let mut client = Client::start_with_path(&path);
        client.write("bpf-analyzer.toml", file);
        client.initialize(&json!({}), &options);
        open(&mut client, "a.bpf.c", REJECTED);
        save(&mut client, "a.bpf.c");
        client.listen(Duration::from_millis(300));
        assert_eq!(titles(&mut client, "a.bpf.c")[1], "Verify", "{options} {file}");
    }
}

#[test]
fn what_prevents_a_check_is_said() {
    let mut without = client_with("".as_ref(), &json!({}), &json!({}));
    open(&mut without, "a.bpf.c", GOOD);
    assert_eq!(check(&mut without, "verify", "a.bpf.c", "good"), Value::Null);
    shown(&mut without, "Verifying good: clang was not found");
    save(&mut without, "a.bpf.c");
    without.listen(Duration::from_millis(200));
    let told = |message: &Value| message["method"].to_string().contains("showMessage");
    assert!(!without.seen.iter().any(told), "{:#?}", without.seen);

    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut untrusted = client_with(&path, &json!({}), &json!({ "trusted": false }));
    open(&mut untrusted, "a.bpf.c", GOOD);
    assert_eq!(check(&mut untrusted, "run", "a.bpf.c", "good"), Value::Null);
    shown(&mut untrusted, "the workspace is not trusted");

    let mut client = client(&json!({}));
    open(&mut client, "a.bpf.c", GOOD);
    for (kind, name, program, words) in [
        ("verify", "a.bpf.c", "nobody", "no program `nobody`"),
        ("run", "a.bpf.c", "nobody", "no program `nobody`"),
        ("verify", "b.bpf.c", "good", "not open"),
    ] {
        assert_eq!(check(&mut client, kind, name, program), Value::Null);
        shown(&mut client, words);
    }
    open(&mut client, "c.bpf.c", &GOOD.replace("skb->protocol", "missing"));
    assert_eq!(check(&mut client, "verify", "c.bpf.c", "good"), Value::Null);
    shown(&mut client, "clang does not compile it: line 7: ");
    let kprobe = GOOD.replace("\"tc\"", "\"kprobe/f\"").replace("struct __sk_buff *skb", "void *x");
    open(&mut client, "d.bpf.c", &kprobe.replace("skb->protocol == 8", "x"));
    assert_eq!(check(&mut client, "layouts", "d.bpf.c", "good"), Value::Null);
    shown(&mut client, "programs of type kprobe have no packet");
}

#[test]
fn what_is_not_modelled_is_no_result_and_no_finding() {
    let call = "bpf_snprintf_btf(text, sizeof(text), &value, sizeof(value), 0)";
    let text = GOOD.replace("skb->protocol == 8", call);
    let locals = "\tchar text[8];\n\tstruct btf_ptr value = {};\n\treturn ";
    let text = text.replace("\treturn ", locals);
    let mut client = client(&json!({}));
    open(&mut client, "a.bpf.c", &text);
    let report = check(&mut client, "run", "a.bpf.c", "good");
    let summary = report["summary"].as_str().expect("is text").to_owned();
    assert!(summary.starts_with("no result · not modelled: "), "{report}");
    assert!(report["html"].to_string().contains("ba-verdict unknown"), "{report}");
    assert_eq!(client.published("a.bpf.c", 1), [] as [Value; 0]);
    assert_eq!(titles(&mut client, "a.bpf.c")[2], format!("Run: {summary}"));
}

/// A directory with a clang that says what it is, and does `work` instead of compiling.
fn fake_clang(client: &Client, work: &str) -> std::ffi::OsString {
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in\n--version) echo 'Some clang version 19.1.7 (x)';;\n\
         --print-targets) printf '  Registered Targets:\\n    bpf  - x\\n';;\n*) {work}\n;;\nesac\n"
    );
    client.write("bin/clang", &script);
    let path = client.path("bin/clang");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("can change");
    client.path("bin").into_os_string()
}

#[test]
fn a_compiler_that_writes_no_object_is_told() {
    let place = Client::start();
    let work = "while [ $# -gt 1 ]; do [ \"$1\" = -o ] && echo garbage >\"$2\"; shift; done";
    let bin = fake_clang(&place, work);
    let options = json!({ "clang": Path::new(&bin).join("clang") });
    let mut client = client_with("".as_ref(), &json!({}), &options);
    open(&mut client, "a.bpf.c", GOOD);
    for kind in ["verify", "run", "layouts"] {
        assert_eq!(check(&mut client, kind, "a.bpf.c", "good"), Value::Null);
        shown(&mut client, "malformed ELF");
    }
    assert_eq!(titles(&mut client, "a.bpf.c"), ["no findings", "Verify", "Run", "Layouts"]);
}

/// A client whose compiler writes its number into `pid` and then takes its time.
fn slow(capabilities: &Value) -> Client {
    let place = Client::start();
    let pid = place.path("pid");
    let work = format!("echo $$ >> {}; PATH=/bin:/usr/bin; sleep 600", pid.display());
    let bin = fake_clang(&place, &work);
    let options = json!({ "clang": Path::new(&bin).join("clang"), "kernel": null });
    let mut client = client_with("".as_ref(), capabilities, &options);
    client.beside = Some(Box::new(place));
    client
}

/// The number of the compiler when it runs.
fn compiler(client: &Client) -> String {
    let pid = client.beside.as_ref().expect("has a compiler").path("pid");
    for _ in 0..3_000 {
        if let Ok(text) = fs::read_to_string(&pid)
            && text.ends_with('\n')
        {
            return text.trim().to_owned();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the compiler was not started");
}

/// Waits until a process is gone.
fn gone(id: &str) {
    for _ in 0..1_000 {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        if stat.is_empty() || stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{id} is still alive");
}

#[test]
fn a_check_is_cancelled_by_its_progress_and_its_compiler_killed() {
    let mut client = slow(&json!({}));
    open(&mut client, "a.bpf.c", GOOD);
    let mut params = command(&client, "verify", "a.bpf.c", "good");
    params["workDoneToken"] = json!("mine");
    let id = client.begin(COMMAND, params);
    let begun = client.told("$/progress", |params| params["value"]["kind"] == json!("begin"));
    assert_eq!(begun["value"]["title"], "Verifying good");
    assert_eq!(begun["value"]["cancellable"], json!(true));
    let running = compiler(&client);
    assert_eq!(titles(&mut client, "a.bpf.c")[1], "Verify: …");
    client.notify("window/workDoneProgress/cancel", json!({ "token": "mine" }));
    let answer = client.answer(id);
    assert_eq!((answer.get("error"), &answer["result"]), (None, &Value::Null), "{answer}");
    client.told("$/progress", |params| params["value"]["kind"] == json!("end"));
    gone(&running);
    assert_eq!(titles(&mut client, "a.bpf.c")[1], "Verify");
}

#[test]
fn a_check_is_cancelled_with_its_request() {
    let mut client = slow(&json!({ "window": { "workDoneProgress": true } }));
    open(&mut client, "a.bpf.c", GOOD);
    let params = command(&client, "run", "a.bpf.c", "good");
    let id = client.begin(COMMAND, params);
    let running = compiler(&client);
    client.notify("$/cancelRequest", json!({ "id": id }));
    assert_eq!(client.answer(id)["error"]["code"], json!(-32800));
    client.told("$/progress", |params| params["value"]["kind"] == json!("end"));
    gone(&running);
}

#[test]
fn an_edit_ends_a_check_of_the_text_before() {
    let mut client = slow(&json!({}));
    open(&mut client, "a.bpf.c", GOOD);
    let params = command(&client, "verify", "a.bpf.c", "good");
    let id = client.begin(COMMAND, params);
    let running = compiler(&client);
    append(&mut client, "a.bpf.c", 2);
    assert_eq!(client.answer(id)["result"], Value::Null);
    gone(&running);
    assert_eq!(titles(&mut client, "a.bpf.c")[1], "Verify");
}

#[test]
fn a_client_that_never_agrees_to_progress_is_answered() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let capabilities = json!({ "window": { "workDoneProgress": true } });
    let mut client = client_with(&path, &capabilities, &json!({}));
    client.answers = false;
    open(&mut client, "a.bpf.c", GOOD);
    assert!(check(&mut client, "verify", "a.bpf.c", "good").is_object());
}

#[test]
fn what_is_typed_is_checked_before_it_is_saved() {
    let mut client = client(&json!({}));
    open(&mut client, "a.bpf.c", GOOD);
    let start = json!({ "line": 6, "character": 0 });
    let end = json!({ "line": 7, "character": 0 });
    let change = json!([{ "range": { "start": start, "end": end }, "text": "\treturn 5;\n" }]);
    client.change("a.bpf.c", 2, change);
    let report = check(&mut client, "run", "a.bpf.c", "good");
    assert_eq!((&report["summary"], &report["version"]), (&json!("5 (TC_ACT_QUEUED)"), &json!(2)));
}

#[test]
fn checks_wait_for_their_turn() {
    let mut client = slow(&json!({}));
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let names: Vec<String> = (0..=processors).map(|number| format!("{number}.bpf.c")).collect();
    for name in &names {
        open(&mut client, name, GOOD);
    }
    let ids: Vec<i64> = names
        .iter()
        .map(|name| {
            let params = command(&client, "verify", name, "good");
            client.begin(COMMAND, params)
        })
        .collect();
    let first = compiler(&client);
    client.listen(Duration::from_millis(300));
    let pids = client.beside.as_ref().expect("has a compiler").path("pid");
    let begun = fs::read_to_string(pids).expect("is there").lines().count();
    assert!(begun <= processors.saturating_sub(1).max(1), "{begun} of {processors}");
    // Those that wait are given up at once, and the rest of the server works.
    for id in ids.iter().rev() {
        assert_eq!(titles(&mut client, &names[0])[1], "Verify: …");
        client.notify("$/cancelRequest", json!({ "id": id }));
        assert_eq!(client.answer(*id)["error"]["code"], json!(-32800));
    }
    gone(first.lines().next().expect("has a number"));
}

#[test]
fn a_verdict_on_one_program_does_not_keep_the_others_from_being_verified() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut client = client_with(&path, &json!({}), &json!({}));
    let second = GOOD.split("SEC(\"tc\")").nth(1).expect("has a program");
    let second = second.split("char _license").next().expect("has a program");
    let text = format!("{GOOD}SEC(\"tc\"){}", second.replace("good", "fine"));
    open(&mut client, "a.bpf.c", &text);
    check(&mut client, "verify", "a.bpf.c", "good");
    client.published("a.bpf.c", 1);
    save(&mut client, "a.bpf.c");
    client.published("a.bpf.c", 1);
    let accepted = |title: &&String| title.starts_with("Verify: accepted");
    assert_eq!(titles(&mut client, "a.bpf.c").iter().filter(accepted).count(), 2);
}
