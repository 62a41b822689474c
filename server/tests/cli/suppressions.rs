//! Suppression comments through the command. What they cover is tested next to their code.

use super::sandbox::{CLEAN, Sandbox};
use super::verify::LOST;

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

/// A store through a slice that only the verifier sees; `ALLOW` stands for a comment.
fn unseen() -> String {
    let asm = "asm volatile(\"*(u8 *)(%0 + 0) = %1\" : : \"r\"(p), \"r\"(1) : \"memory\");";
    LOST.replace("p[0] = 1;", asm)
}

#[test]
fn a_comment_for_a_note_alone_is_not_called_unused() {
    let comment = "/* bpf-analyzer: allow(missing-write-back) */";
    let sandbox = Sandbox::new(&[
        ("plain.bpf.c", &unseen().replace("ALLOW", "")),
        ("allowed.bpf.c", &unseen().replace("ALLOW", comment)),
    ]);
    let code = |command: &str, file: &str| {
        let ran = sandbox.run(&[command, file]);
        assert!(ran.code <= 1, "{ran:?}");
        ran.code
    };
    assert_eq!((code("check", "plain.bpf.c"), code("verify", "plain.bpf.c")), (0, 1));
    assert_eq!((code("check", "allowed.bpf.c"), code("verify", "allowed.bpf.c")), (0, 0));
    let mended = sandbox.run(&["check", "--fix", "allowed.bpf.c"]);
    assert_eq!(mended.code, 0, "{mended:?}");
    assert!(sandbox.read("allowed.bpf.c").contains(comment));
}

#[test]
fn a_comment_is_called_unused_if_only_check_knows_its_rule() {
    let with = |rule: &str| format!("/* bpf-analyzer: allow({rule}) */\n{CLEAN}");
    let sandbox = Sandbox::new(&[]);
    let noted = |rule: &str| verifier::NOTES.iter().any(|note| note.rule == Some(rule));
    for rule in lint_rules::rules::ALL {
        sandbox.write("a.bpf.c", with(rule.name).as_bytes());
        let ran = sandbox.run(&["check", "--format=json", "a.bpf.c"]);
        let expected: &[(String, String)] = match noted(rule.name) {
            true => &[],
            false => &[("a.bpf.c".to_owned(), "unused-suppression".to_owned())],
        };
        assert_eq!(ran.findings(), expected, "{}", rule.name);
    }
}
