//! Suppression comments through the command. What they cover is tested next to their code.

use super::sandbox::Sandbox;

#[test]
fn unknown_and_unused_names_are_findings_with_fixes() {
    let text = concat!(
        "// bpf-analyzer: allow(unknown-suppression, unused-supression) for a reason\n",
        "int x;\n",
        "// bpf-analyzer: disable(x)\n",
        "int y; /* bpf-analyzer: allow-file(unknown-suppression) */\n",
    );
    let sandbox = Sandbox::new(&[("a.bpf.c", text)]);
    let document = sandbox.run(&["check", "--format", "json"]).json();
    let findings = document["findings"].as_array().expect("is a list");
    let seen: Vec<(&str, u64, &str)> = findings
        .iter()
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().expect("is a text");
            let line = finding["range"]["start"]["line"].as_u64().expect("is a number");
            (text("rule"), line, text("message"))
        })
        .collect();
    let expected = [
        ("unused-suppression", 1, "`unknown-suppression` finds nothing here to allow"),
        (
            "unknown-suppression",
            1,
            "unknown rule `unused-supression`; did you mean `unused-suppression`?",
        ),
        ("unknown-suppression", 3, "`bpf-analyzer: disable` is not understood"),
        ("unknown-suppression", 4, "`allow-file` has no effect behind the first declaration"),
    ];
    assert_eq!(seen, expected);
    sandbox.run(&["check", "--fix"]);
    let mended = text.replace("unknown-suppression, unused", "unused");
    assert_eq!(sandbox.read("a.bpf.c"), mended);
}

#[test]
fn findings_about_comments_can_be_allowed_by_other_comments() {
    let text = concat!(
        "// bpf-analyzer: allow-file(unknown-suppression, unused-suppression)\n",
        "// bpf-analyzer: allow(no-such)\n",
        "int x;\n",
    );
    let sandbox = Sandbox::new(&[("a.bpf.c", text)]);
    let ran = sandbox.run(&["check", "--format", "json"]);
    let findings = ran.findings();
    assert_eq!(findings, [("a.bpf.c".to_owned(), "unused-suppression".to_owned())]);
    sandbox.run(&["check", "--fix"]);
    let mended = text.replace(", unused-suppression", "");
    assert_eq!(sandbox.read("a.bpf.c"), mended);
    assert_eq!(sandbox.run(&["check"]).code, 0);
}
