//! Commands, options and exit codes.

use super::sandbox::{CLEAN, IDLE_ALLOW, Sandbox};

#[test]
fn exit_codes_tell_clean_findings_and_errors_apart() {
    let sandbox = Sandbox::new(&[("clean.bpf.c", CLEAN), ("found.bpf.c", IDLE_ALLOW)]);
    for (args, code) in [
        (&["check", "clean.bpf.c"][..], 0),
        (&["check", "found.bpf.c"], 1),
        (&["check"], 1),
        (&["check", "--exit-zero"], 0),
        (&["check", "--exit-zero", "missing.c"], 2),
        (&["check", "missing.c"], 2),
        (&["check", "--format", "yaml"], 2),
        (&["check", "--no-such-option"], 2),
        (&["check", "--kernel", "4.9"], 2),
        (&["check", "--jobs", "0"], 2),
        (&["check", "--fix", "--diff"], 2),
        (&["check", "--unsafe-fixes"], 2),
        (&["check", "--select", "nothing-such"], 2),
        (&["check", "-", "clean.bpf.c"], 2),
        (&["check", "--stdin-filename", "x.c"], 2),
        (&["explain", "nothing-such"], 2),
        (&["explain", "unused-suppression"], 0),
        (&["rules"], 0),
        (&["lsp", "--no-such-option"], 2),
        (&["no-such-command"], 2),
        (&[], 2),
        (&["--help"], 0),
        (&["--version"], 0),
    ] {
        let ran = sandbox.run(args);
        assert_eq!(ran.code, code, "{args:?}: {ran:?}");
        assert_eq!(ran.err.contains("error: "), code == 2 && !args.is_empty(), "{args:?}: {ran:?}");
    }
}

#[test]
fn misspelt_names_get_a_guess() {
    let sandbox = Sandbox::new(&[]);
    let message = "error: unknown rule `unused-supression`; did you mean `unused-suppression`?\n";
    for args in [
        &["check", "--select", "unused-supression"][..],
        &["check", "--ignore", "ALL,unused-supression"],
        &["explain", "unused-supression"],
    ] {
        let ran = sandbox.run(args);
        assert_eq!((ran.code, ran.err.as_str()), (2, message), "{args:?}");
    }
}

#[test]
fn the_list_of_rules_is_a_document() {
    let document = Sandbox::new(&[]).run(&["rules", "--format", "json"]).json();
    assert_eq!(document["version"], 1);
    let rules = document["rules"].as_array().expect("is a list");
    let unused = rules.iter().find(|rule| rule["name"] == "unused-suppression").expect("is listed");
    let expected = serde_json::json!({
        "name": "unused-suppression", "group": "suppression", "severity": "info",
        "kernel": "accepts", "covers": [], "since": null, "fix": "safe",
        "summary": unused["summary"],
    });
    assert_eq!(unused, &expected);
    assert!(!unused["summary"].as_str().expect("is a text").is_empty());
}

#[test]
fn every_listed_rule_is_explained() {
    let sandbox = Sandbox::new(&[]);
    let document = sandbox.run(&["rules", "--format", "json"]).json();
    let table = sandbox.run(&["rules"]).out;
    let rules = document["rules"].as_array().expect("is a list");
    assert_eq!(table.lines().count(), rules.len());
    for rule in rules {
        let name = rule["name"].as_str().expect("is a text");
        assert!(table.lines().any(|line| line.starts_with(&format!("{name} "))), "{table}");
        let page = sandbox.run(&["explain", name]);
        assert!(page.out.starts_with(&format!("# {name}\n")), "{page:?}");
        assert!(!page.out.contains("//~"), "marks for tests are shown: {page:?}");
        let document = sandbox.run(&["explain", name, "--format", "json"]).json();
        assert_eq!(&document["rule"], rule);
        assert!(document["page"].as_str().expect("is a text").starts_with("# "));
    }
}

#[test]
fn select_and_ignore_choose_rules() {
    let both =
        "// bpf-analyzer: allow(unknown-suppression)\n// bpf-analyzer: allow(no-such)\nint x;\n";
    let sandbox = Sandbox::new(&[("a.bpf.c", both)]);
    let rules = |args: &[&str]| -> Vec<String> {
        let ran = sandbox.run(&[&["check", "--format", "json"], args].concat());
        ran.findings().into_iter().map(|(_, rule)| rule).collect()
    };
    let (unknown, unused) = ("unknown-suppression", "unused-suppression");
    assert_eq!(rules(&[]), [unused, unknown]);
    assert_eq!(rules(&["--ignore", "suppression"]), Vec::<String>::new());
    assert_eq!(rules(&["--ignore", "ALL"]), Vec::<String>::new());
    assert_eq!(rules(&["--select", "unknown-suppression"]), [unknown]);
    assert_eq!(
        rules(&["--select", "ALL", "--ignore", "unknown-suppression"]),
        Vec::<String>::new()
    );
    assert_eq!(rules(&["--select", "unknown-suppression", "--ignore", "suppression"]), [unknown]);
    assert_eq!(
        rules(&["--ignore", "unused-suppression, unknown-suppression"]),
        Vec::<String>::new()
    );
}

/// The shell itself is asked what it would offer.
#[cfg(target_os = "linux")]
#[test]
fn bash_completes_subcommands_and_their_options() {
    use std::process::Command;

    use super::sandbox::Ran;

    let sandbox = Sandbox::new(&[]);
    sandbox.write("script", sandbox.run(&["completions", "bash"]).out.as_bytes());
    for (words, word, expected) in [
        ("ch", "ch", "check\n"),
        ("check --write", "--write", "--write-baseline\n"),
        ("check --format ju", "ju", "junit\n"),
        ("explain --f", "--f", "--format\n"),
    ] {
        let ask = format!(
            "source ./script; COMP_WORDS=(bpf-analyzer {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             set -- $(complete -p bpf-analyzer); while [ \"$1\" != -F ]; do shift; done\n\
             \"$2\" bpf-analyzer '{word}' \"${{COMP_WORDS[COMP_CWORD - 1]}}\"; echo \"${{COMPREPLY[*]}}\"\n"
        );
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", &ask]).current_dir(sandbox.path(""));
        assert_eq!(Ran::of(&mut bash).out, expected, "{words}");
    }
}
