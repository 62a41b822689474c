//! `bpf-analyzer run` on objects of the corpus.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::sandbox::Sandbox;
use super::verify::LOST;

/// An object of the corpus.
fn object(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus").join(format!("{name}.bpf.o"))
}

fn run(sandbox: &Sandbox, name: &str, more: &[&str]) -> super::sandbox::Ran {
    let path = object(name);
    let mut arguments = vec!["run", path.to_str().expect("is UTF-8")];
    arguments.extend(more);
    sandbox.run(&arguments)
}

#[test]
fn a_document_tells_what_a_run_did() {
    let sandbox = Sandbox::new(&[]);
    let ran = run(
        &sandbox,
        "run/parsers",
        &["--program", "ports_of_any_packet", "--packet", "tcp4:dport=443", "--format", "json"],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let document = ran.json();
    assert_eq!(document["version"], 1);
    assert_eq!(document["program"], "ports_of_any_packet");
    let only = &document["runs"][0];
    assert_eq!(only["retval"], 2);
    assert_eq!(only["fault"], serde_json::Value::Null);
    assert_eq!(only["layout"]["linear"], 86);
    assert_eq!(only["layout"]["cloned"], false);
    assert_eq!(only["maps"][".bss"]["destination_port"], 443);
    assert!(only["insns"].as_u64().is_some_and(|insns| insns > 10));
    assert_eq!(document["divergences"].as_array().map(Vec::len), Some(0));
}

#[test]
fn an_expected_result_is_compared() {
    let sandbox = Sandbox::new(&[]);
    let with = |expect| {
        let program = ["--program", "ports_of_any_packet", "--packet", "udp4:dport=53"];
        run(&sandbox, "run/parsers", &[&program[..], &["--expect", expect]].concat())
    };
    assert_eq!(with("1").code, 0, "{:?}", with("1"));
    assert_eq!(with("2").code, 1);
}

#[test]
fn mistakes_say_what_there_is() {
    let sandbox = Sandbox::new(&[("text.o", "no object")]);
    for (more, expected) in [
        (&["--packet", "tcp4"][..], "ports_of_any_packet"),
        (&["--program", "nobody", "--packet", "tcp4"], "no program `nobody`"),
        (&["--program", "ports_of_any_packet"], "--packet"),
        (&["--program", "ports_of_any_packet", "--packet", "tpc4"], "tcp4"),
        (&["--program", "ports_of_any_packet", "--packet", "tcp4", "--map", "x=y"], "y"),
    ] {
        let ran = run(&sandbox, "run/parsers", more);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(expected), "{more:?}: {}", ran.err);
    }
    let ran = sandbox.run(&["run", "text.o"]);
    assert_eq!((ran.code, ran.err.matches("malformed ELF").count()), (2, 1), "{ran:?}");
    assert_eq!(sandbox.run(&["run", "missing.o"]).code, 2);
}

#[test]
fn lines_are_traced_and_counted() {
    let sandbox = Sandbox::new(&[]);
    let lcov = sandbox.path("out.info");
    let lcov = lcov.to_str().expect("is UTF-8");
    let ran = run(
        &sandbox,
        "run/parsers",
        &[
            "--program",
            "ports_of_any_packet",
            "--packet",
            "udp6",
            "--trace",
            "--coverage",
            "--lcov",
            lcov,
        ],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("next = ip6->nexthdr;"), "{}", ran.out);
    assert!(ran.out.contains(" lines, ") && ran.out.contains(" branches\n"), "{}", ran.out);
    assert!(ran.out.contains("    read  packet[20] = 11\n"), "{}", ran.out);
    assert!(ran.out.contains("    write destination_port = 80\n"), "{}", ran.out);
    let lcov = std::fs::read_to_string(lcov).expect("was written");
    assert!(
        lcov.contains("SF:") && lcov.contains("\nDA:") && lcov.contains("end_of_record"),
        "{lcov}"
    );
}

/// A program of the tests of the runtime, which returns 0 if it finds what it is to find.
fn run_program(sandbox: &Sandbox, file: &str, program: &str, more: &[&str]) -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/runtime/tests/programs");
    let path = path.join(format!("{file}.bpf.o"));
    let mut arguments = vec!["run", path.to_str().expect("is UTF-8"), "--program", program];
    arguments.extend(["--format", "json", "--exit-zero"]);
    arguments.extend(more);
    let ran = sandbox.run(&arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.json()["runs"][0].clone()
}

#[test]
fn what_surrounds_a_program_is_given() {
    let sandbox = Sandbox::new(&[
        (
            "routes.json",
            r#"[{"to": "10.0.0.0/8", "interface": 6},
                {"to": "10.0.2.0/24", "interface": 5, "via": "10.0.0.1", "mtu": 1500,
                 "smac": "02:00:00:00:00:01", "dmac": "02:00:00:00:00:09"}]"#,
        ),
        (
            "sockets.json",
            r#"[{"protocol": "tcp", "local": "0.0.0.0:80"},
                {"protocol": "tcp", "local": "10.0.0.2:80", "remote": "10.0.0.1:1000"}]"#,
        ),
        ("user.json", r#"[{"at": 65536, "text": "hello"}]"#),
        ("events.json", r#"[{"key": 0, "value": 0}]"#),
        ("queues.json", r#"[{"key": 1, "value": 3}]"#),
    ]);
    let task = r#"{"pid": 8, "tgid": 7, "uid": 1, "gid": 2, "comm": "sh", "cgroup": 42}"#;
    let packet = "000102030405060708090a0b0c0d0e0f";
    for (file, program, more, retval) in [
        ("asked", "routes", &["--packet", packet, "--routes", "routes.json"][..], 0),
        ("asked", "sockets", &["--packet", packet, "--sockets", "sockets.json"], 0),
        ("around", "text_of_user_space", &["--context", "[65536, 0]", "--user", "user.json"], 0),
        ("around", "task_around", &["--task", task], 0),
        ("around", "to_a_queue", &["--packet", packet, "--map", "sockets=queues.json"], 4),
        (
            "kept",
            "samples_both_ways",
            &[
                "--packet",
                packet,
                "--sample",
                "from_user=02000000",
                "--sample",
                "from_user=03000000",
                "--sample",
                "from_user=01000000",
                "--map",
                "samples=events.json",
            ],
            0,
        ),
    ] {
        let run = run_program(&sandbox, file, program, more);
        assert_eq!(
            (&run["fault"], &run["retval"]),
            (&serde_json::Value::Null, &retval.into()),
            "{program}"
        );
    }
}

#[test]
fn contexts_are_given_with_what_they_point_to() {
    let sandbox = Sandbox::new(&[
        ("context.json", r#"{"task": {"pid": 9, "comm": "sh", "mm": null}}"#),
        (
            "connections.json",
            r#"[{"protocol": "tcp", "source": "10.0.0.1:1000", "destination": "10.0.0.2:80"}]"#,
        ),
    ]);
    let address = r#"{"user_family": 2, "user_ip4": 33554442, "user_port": 20480, "family": 2, "type": 1,
        "protocol": 6}"#;
    let ops = r#"{"op": 4, "family": 2, "remote_port": 3137404928, "local_port": 1000, "state": 1,
        "snd_cwnd": 10, "mss_cache": 1448, "bytes_acked": 8589934592}"#;
    let option = r#"{"level": 6, "optname": 1, "optval": "07000000",
        "sk": {"protocol": "tcp", "local": "10.0.0.1:80", "options": {"TCP_NODELAY": 1}}}"#;
    let sysctl =
        r#"{"write": 1, "name": "net/ipv4/ttl", "current_value": "600\n", "new_value": "700\n"}"#;
    let sample = r#"{"sample_period": 100, "addr": 4096, "regs": {"ip": 1}, "counter": 5, "enabled": 9,
        "running": 8, "attach_cookie": 77}"#;
    let file = r#"{"file": {"f_path": "/etc/passwd"}}"#;
    let task = r#"{"pid": 8, "tgid": 7, "cgroup": 42, "namespace": {"dev": 4, "ino": 5}}"#;
    let packet = "000000000000000000000000080045";
    // Program, options, the result, and a part of the document with its value.
    for (program, more, retval, part, value) in [
        ("connects", &["--context", address][..], 1, "/context_changed/user_port", json!(47873)),
        ("calls_back", &["--context", ops], 1, "/context_changed/reply", json!(5)),
        ("sets_option", &["--context", option], 1, "/values_out/optval", json!("09000000")),
        ("writes_sysctl", &["--context", sysctl], 1, "/values_out/new_value", json!("383030")),
        ("shows_tasks", &["--context", "context.json"], 0, "/sequence", json!("9 sh\n")),
        ("samples", &["--context", sample], 0, "/fault", json!(null)),
        ("opens", &["--context", file], 0, "/fault", json!(null)),
        ("task_and_group", &["--task", task], 0, "/fault", json!(null)),
        (
            "tracked",
            &["--packet", packet, "--connections", "connections.json"],
            0,
            "/fault",
            json!(null),
        ),
    ] {
        let run = run_program(&sandbox, "hooks", program, more);
        assert_eq!((&run["fault"], &run["retval"]), (&json!(null), &json!(retval)), "{program}");
        assert_eq!(run.pointer(part), Some(&value), "{program}");
    }
}

#[test]
fn contexts_that_cannot_be_are_refused() {
    let sandbox = Sandbox::new(&[]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/runtime/tests/programs");
    let path = path.join("hooks.bpf.o");
    let path = path.to_str().expect("is UTF-8");
    for (program, context, why) in [
        ("connects", r#"{"port": 1}"#, "bpf_sock_addr has no field port"),
        ("connects", r#"{"sk": {"protocol": "tcp"}}"#, "missing field `local`"),
        ("sets_option", r#"{"optval": 7}"#, "hexadecimal digits or {\"text\": …} are expected"),
        ("writes_sysctl", r#"{"name": 7}"#, "a text is expected"),
        ("shows_tasks", r#"{"task": {"number": 7}}"#, "task: "),
        ("shows_tasks", r#"{"map": {}}"#, "map"),
        ("opens", r#"{"inode": {}}"#, "there is no argument `inode`; there are file"),
        ("opens", r#"[{"f_path": "/"}]"#, "needs `struct`"),
    ] {
        let ran = sandbox.run(&["run", path, "--program", program, "--context", context]);
        assert_eq!(ran.code, 2, "{program} {context}: {ran:?}");
        assert!(ran.err.contains(why), "{program} {context}: {}", ran.err);
    }
}

#[test]
fn maps_without_a_size_get_one() {
    let sandbox = Sandbox::new(&[]);
    for (more, retval) in [(&[][..], 1), (&["--max-entries", "4"], 0)] {
        let run = run_program(&sandbox, "hooks", "fills_open_map", more);
        assert_eq!(run["retval"], json!(retval), "{more:?}");
    }
}

#[test]
fn what_is_printed_and_done_later_is_told() {
    let sandbox = Sandbox::new(&[]);
    let packet = ["--packet", "000102030405060708090a0b0c0d0e0f"];
    let run = run_program(&sandbox, "asked", "prints", &packet);
    let events = run["events"].as_array().expect("is a list").iter();
    let texts: Vec<&serde_json::Value> =
        events.filter(|event| event["text"].is_string()).map(|event| &event["text"]).collect();
    assert_eq!(texts, ["-1|    7|0xff", "10.0.0.1 end"]);
    let now = [&packet[..], &["--now", "500"]].concat();
    let run = run_program(&sandbox, "kept", "timer_and_work", &now);
    assert_eq!(run["deferred"], serde_json::Value::Null);
    let run =
        run_program(&sandbox, "kept", "timer_and_work", &[&now[..], &["--deferred"]].concat());
    assert_eq!(
        (&run["deferred"]["calls"], &run["deferred"]["fault"]),
        (&3.into(), &serde_json::Value::Null)
    );
}

#[test]
fn divergences_follow_comments_and_the_configuration() {
    let plain = LOST.replace("ALLOW", "");
    let comment = "/* bpf-analyzer: allow(missing-write-back) */";
    let before = LOST.replace("ALLOW", comment);
    let at_store = plain.replace("\tp[0] = 1;", &format!("\tp[0] = 1; {comment}"));
    let sandbox = Sandbox::new(&[
        ("plain.bpf.c", &plain),
        ("before.bpf.c", &before),
        ("store.bpf.c", &at_store),
    ]);
    let arguments = ["--packet=tcp4", "--layouts"];
    let run =
        |file: &str, more: &[&str]| sandbox.run(&[&["run", file], &arguments[..], more].concat());
    let told = run("plain.bpf.c", &[]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.out.contains("is never written back [missing-write-back]\n"), "{}", told.out);
    let document = run("plain.bpf.c", &["--format=json"]).json();
    assert_eq!(document["divergences"][0]["rule"], "missing-write-back", "{document}");
    assert_eq!(document["allowed"].as_array().map(Vec::len), Some(0));
    let silent = |file: &str| {
        let ran = run(file, &[]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.contains(" runs, 0 divergences, 1 allowed\n"), "{}", ran.out);
        assert!(!ran.out.contains("depending on the layout"), "{}", ran.out);
        let document = run(file, &["--format=json"]).json();
        assert_eq!(document["divergences"].as_array().map(Vec::len), Some(0), "{document}");
        assert_eq!(document["allowed"][0]["rule"], "missing-write-back", "{document}");
    };
    silent("before.bpf.c");
    silent("store.bpf.c");
    sandbox.write("bpf-analyzer.toml", b"ignore = [\"missing-write-back\"]\n");
    silent("plain.bpf.c");
}
