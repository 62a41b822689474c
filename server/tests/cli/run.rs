//! `bpf-analyzer run` on objects of the corpus.

use std::path::{Path, PathBuf};

use super::sandbox::Sandbox;

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
    assert_eq!(sandbox.run(&["run", "text.o"]).code, 2);
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
