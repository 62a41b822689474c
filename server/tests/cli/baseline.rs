//! `--baseline` and `--write-baseline`: an old project takes up the tool, and only new findings are reported.

use super::sandbox::{IDLE_ALLOW, Sandbox};

const FILE: &str = "known.json";

/// With what is found now as its baseline.
fn adopted(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new(files);
    let ran = sandbox.run(&["check", "--baseline", FILE, "--write-baseline"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    sandbox
}

#[test]
fn what_is_known_is_not_reported() {
    let twice = IDLE_ALLOW.repeat(2);
    let sandbox = adopted(&[("a.bpf.c", &twice), ("sub/b.bpf.c", IDLE_ALLOW)]);
    let entry =
        r#""rule":"unused-suppression","text":"// bpf-analyzer: allow(unknown-suppression)""#;
    assert_eq!(
        sandbox.read(FILE),
        format!(
            "{{\"version\":1,\"findings\":[\n{{\"file\":\"a.bpf.c\",{entry},\"count\":2}},\n\
             {{\"file\":\"sub/b.bpf.c\",{entry}}}\n]}}\n"
        )
    );
    let check = |args: &[&str]| sandbox.run(&[&["check", "--baseline", FILE], args].concat());
    let ran = check(&[]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.out.contains("no findings") && ran.out.ends_with("3 findings known to the baseline\n")
    );

    sandbox.write("a.bpf.c", format!("int moved;\n\n{twice}").as_bytes());
    assert_eq!(check(&[]).code, 0, "lines may move");
    sandbox.write("a.bpf.c", format!("{twice}{IDLE_ALLOW}").as_bytes());
    let ran = check(&["--format=json"]);
    assert_eq!(ran.findings(), [("a.bpf.c".to_owned(), "unused-suppression".to_owned())]);
    assert_eq!(ran.json()["findings"][0]["range"]["start"]["line"], 5, "the last of three is new");
    assert_eq!(check(&["--fix"]).code, 0);
    assert_eq!(sandbox.read("a.bpf.c"), format!("{twice}int x;\n"), "known ones are let be");
}

#[test]
fn the_configuration_can_name_it() {
    let sandbox = Sandbox::new(&[
        ("p/bpf-analyzer.toml", "baseline = \"tools/known.json\"\n"),
        ("p/tools/readme", ""),
        ("p/src/a.bpf.c", IDLE_ALLOW),
    ]);
    let ran = sandbox.run(&["check", "p"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("known.json: No such file or directory; `--write-baseline`"),
        "{ran:?}"
    );
    assert_eq!(sandbox.run(&["check", "p", "--write-baseline"]).code, 0);
    assert!(sandbox.read("p/tools/known.json").contains(r#""file":"../src/a.bpf.c""#));
    assert_eq!(sandbox.run(&["check", "p/src"]).code, 0);
    let ran = sandbox.pipe(
        &["check", "-", "--stdin-filename", "p/src/a.bpf.c"],
        format!("{IDLE_ALLOW}{IDLE_ALLOW}").as_bytes(),
    );
    assert_eq!(ran.code, 1, "one more than is known: {ran:?}");
}

#[test]
fn entries_without_a_finding_are_told_and_renewed() {
    let sandbox =
        adopted(&[("a.bpf.c", IDLE_ALLOW), ("b.bpf.c", IDLE_ALLOW), ("c.bpf.c", IDLE_ALLOW)]);
    sandbox.write("a.bpf.c", b"int x;\n");
    std::fs::remove_file(sandbox.path("b.bpf.c")).expect("is there");
    let ran = sandbox.run(&["check", "--baseline", FILE, "--format", "json"]);
    assert_eq!(ran.code, 0, "that is no finding");
    let line = |file| {
        format!("  {file}: unused-suppression: `// bpf-analyzer: allow(unknown-suppression)`\n")
    };
    let told = format!(
        "1 finding known to the baseline\n\
         no longer found, and still in the baseline; --write-baseline renews it:\n{}{}",
        line("a.bpf.c"),
        line("b.bpf.c")
    );
    assert_eq!(ran.err, told);
    let ran = sandbox.run(&["check", "--baseline", FILE, "--ignore=ALL", "c.bpf.c"]);
    assert!(!ran.out.contains("a.bpf.c") && !ran.out.contains("c.bpf.c"), "not looked at: {ran:?}");

    assert_eq!(sandbox.run(&["check", "--baseline", FILE, "--write-baseline"]).code, 0);
    assert!(!sandbox.read(FILE).contains("a.bpf.c") && sandbox.read(FILE).contains("c.bpf.c"));
}

#[test]
fn a_part_of_the_project_can_be_recorded_anew() {
    let sandbox = adopted(&[("a.bpf.c", IDLE_ALLOW), ("b.bpf.c", IDLE_ALLOW)]);
    sandbox.write("a.bpf.c", IDLE_ALLOW.repeat(3).as_bytes());
    let ran = sandbox.run(&["check", "--baseline", FILE, "--write-baseline", "a.bpf.c"]);
    assert!(ran.out.contains("known.json: 4 findings in 2 files\n"), "{ran:?}");
    assert_eq!(sandbox.run(&["check", "--baseline", FILE]).code, 0);
}

#[test]
fn a_broken_baseline_is_an_error_and_is_kept() {
    for (text, expected) in [
        ("", "not a baseline: EOF while parsing"),
        ("{\"version\":2,\"findings\":[]}", "not a baseline: version 2"),
        ("{\"version\":1,\"findings\":[{}]}", "not a baseline: missing field `file`"),
    ] {
        let sandbox = Sandbox::new(&[("a.bpf.c", IDLE_ALLOW), (FILE, text)]);
        for args in
            [&["check", "--baseline", FILE][..], &["check", "--baseline", FILE, "--write-baseline"]]
        {
            let ran = sandbox.run(args);
            assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
            assert!(ran.err.contains(&format!("known.json: {expected}")), "{ran:?}");
        }
        assert_eq!(sandbox.read(FILE), text);
    }
    let sandbox = Sandbox::new(&[("a.bpf.c", IDLE_ALLOW)]);
    let ran = sandbox.run(&["check", "--write-baseline"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("say with --baseline or in bpf-analyzer.toml"), "{ran:?}");
}
