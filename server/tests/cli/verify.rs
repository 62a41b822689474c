//! `bpf-analyzer verify` on objects of the corpus.

use std::path::{Path, PathBuf};

use super::sandbox::Sandbox;

/// An object of the corpus.
fn object(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus").join(format!("{name}.bpf.o"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("is UTF-8")
}

#[test]
fn a_document_has_a_verdict_for_each_program() {
    let sandbox = Sandbox::new(&[]);
    let path = object("asm/encodings");
    let ran = sandbox.run(&["verify", "--format", "json", text(&path)]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let document = ran.json();
    assert_eq!(document["version"], 1);
    assert_eq!(document["kernel"], "6.18");
    let programs = document["programs"].as_array().expect("is a list");
    let program = |name: &str| {
        programs.iter().find(|program| program["name"] == name).expect("is there").clone()
    };
    let rejected = program("unknown_opcode");
    assert_eq!(rejected["section"], "socket");
    assert_eq!(rejected["type"], "socket_filter");
    assert_eq!(rejected["verdict"], "reject");
    assert_eq!(rejected["errno"], -22);
    assert_eq!(rejected["message"], "unknown opcode ff");
    assert_eq!(rejected["stats"]["insns_processed"], 0);
    let file = rejected["location"]["file"].as_str().expect("is known");
    assert!(file.ends_with("encodings.bpf.c"), "{file}");
    assert!(rejected["location"]["line"].as_u64().is_some_and(|line| line > 0));
}

#[test]
fn one_program_can_be_asked_for() {
    let sandbox = Sandbox::new(&[]);
    let path = object("asm/encodings");
    let ask = |name| sandbox.run(&["verify", "--format=json", "--program", name, text(&path)]);
    let ran = ask("unknown_opcode");
    assert_eq!(ran.json()["programs"].as_array().map(Vec::len), Some(1));
    let ran = ask("nobody");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("no program `nobody`"), "{}", ran.err);
}

#[test]
fn people_see_the_source_and_the_kernels_words() {
    let sandbox = Sandbox::new(&[]);
    let path = object("asm/encodings");
    let ran = sandbox.run(&["verify", "--program", "unknown_opcode", text(&path)]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("error[verifier]: `unknown_opcode` is rejected: unknown opcode ff"));
    assert!(ran.out.contains("encodings.bpf.c:"), "{}", ran.out);
    assert!(ran.out.contains("rejected  unknown_opcode  socket_filter"), "{}", ran.out);
    let explained = sandbox.run(&["explain", "verifier"]);
    assert_eq!(explained.code, 0, "{explained:?}");
}

#[test]
fn a_bad_file_does_not_stop_the_others() {
    let sandbox = Sandbox::new(&[("text.o", "no object")]);
    let path = object("asm/encodings");
    let ran = sandbox.run(&["verify", "--format=json", "text.o", "missing.o", text(&path)]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("text.o: ") && ran.err.contains("missing.o: "), "{}", ran.err);
    assert!(ran.json()["programs"].as_array().is_some_and(|all| !all.is_empty()));
}

#[test]
fn exit_zero_hides_rejections_but_no_errors() {
    let sandbox = Sandbox::new(&[]);
    let path = object("asm/encodings");
    let ran = sandbox.run(&["verify", "--exit-zero", "--format=concise", text(&path)]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(sandbox.run(&["verify", "--exit-zero", "missing.o"]).code, 2);
}

#[test]
fn machines_get_their_formats() {
    let sandbox = Sandbox::new(&[]);
    let path = object("asm/encodings");
    for (format, expected) in
        [("sarif", "\"ruleId\":\"verifier\""), ("github", "::error "), ("junit", "<testsuites")]
    {
        let ran = sandbox.run(&["verify", "--format", format, text(&path)]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.out.contains(expected), "{format}: {}", ran.out);
    }
}

#[test]
fn types_must_be_types() {
    let sandbox = Sandbox::new(&[("types", "none")]);
    let path = object("asm/encodings");
    let ran = sandbox.run(&["verify", "--btf", "types", text(&path)]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("types: no BTF"), "{}", ran.err);
}

#[test]
fn types_may_come_from_the_configuration() {
    let sandbox = Sandbox::new(&[("bpf-analyzer.toml", "verify.btf = \"kernel.btf\"\n")]);
    let path = object("types/variables");
    let inside = sandbox.path("variables.bpf.o");
    std::fs::copy(path, inside).expect("is copied");
    let ask = |more: &[&str]| {
        let first = ["verify", "--format=json", "--program=of_each_processor"];
        sandbox.run(&[&first, more, &["variables.bpf.o"]].concat())
    };
    let ran = ask(&[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("kernel.btf: "), "{}", ran.err);
    sandbox.write("kernel.btf", kernel_model::vmlinux_btf());
    assert_eq!(ask(&[]).json()["programs"][0]["verdict"], "accept");
    sandbox.write("bpf-analyzer.toml", b"");
    let program = &ask(&[]).json()["programs"][0];
    let message = "ldimm64 failed to find the address for kernel symbol 'runqueues'.";
    assert_eq!(program["message"], message);
    assert_eq!(ask(&["--btf=kernel.btf"]).json()["programs"][0]["verdict"], "accept");
}

#[test]
fn another_kernel_has_other_functions() {
    let sandbox = Sandbox::new(&[]);
    let path = object("catalogue/idioms");
    let ask = |kernel| {
        sandbox.run(&["verify", "--format=json", "--program=t01", "--kernel", kernel, text(&path)])
    };
    let old = ask("6.1");
    assert_eq!(old.code, 1, "{old:?}");
    let program = &old.json()["programs"][0];
    assert_eq!(program["verdict"], "reject");
    let message = program["message"].as_str().expect("says why");
    assert!(message.contains("introduced in 6.4"), "{message}");
    assert_eq!(ask("6.12").json()["programs"][0]["verdict"], "accept");
}

/// Runs `verify` on misuse pattern M01, which the kernel accepts.
#[test]
fn loaders_without_capabilities_get_other_verdicts() {
    let sandbox = Sandbox::new(&[]);
    let path = object("capabilities/masking");
    let ask = |more: &[&str]| {
        let program = "--program=index_of_either_sign";
        sandbox.run(&[&["verify", "--format=json", program, text(&path)], more].concat())
    };
    let verdict = |more: &[&str]| {
        let program = &ask(more).json()["programs"][0];
        (program["verdict"].as_str().map(str::to_owned), program["message"].clone())
    };
    assert_eq!(verdict(&[]).0.as_deref(), Some("accept"));
    assert_eq!(verdict(&["--capabilities", "SYS_ADMIN"]).0.as_deref(), Some("accept"));
    assert_eq!(verdict(&["--capabilities", "bpf,perfmon"]).0.as_deref(), Some("accept"));
    let without = verdict(&["--capabilities", "bpf,net_admin"]);
    assert_eq!(without.0.as_deref(), Some("reject"));
    let message = without.1.as_str().expect("says why");
    assert!(message.contains("mixed signed bounds"), "{message}");
    assert_eq!(verdict(&["--unprivileged"]), without);
    let ran = ask(&["--capabilities", "bpf,bfp"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.err.contains("invalid value 'bfp'") && ran.err.contains("net_admin"),
        "{}",
        ran.err
    );
    assert_eq!(ask(&["--capabilities=bpf", "--unprivileged"]).code, 2);
    let config = "[verify]\ncapabilities = [\"bpf\", \"net_admin\"]\n";
    sandbox.write("bpf-analyzer.toml", config.as_bytes());
    let configured = ["--config", "bpf-analyzer.toml"];
    assert_eq!(verdict(&configured), without);
    let stronger = [&configured[..], &["--capabilities=bpf,perfmon,net_admin"]].concat();
    assert_eq!(verdict(&stronger).0.as_deref(), Some("accept"));
    sandbox.write("bpf-analyzer.toml", b"verify.capabilities = [\"bfp\"]\n");
    let ran = ask(&configured);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("bfp") && ran.err.contains("net_admin"), "{}", ran.err);
}

#[test]
fn a_type_says_which_capability_it_needs() {
    let sandbox = Sandbox::new(&[]);
    let path = object("capabilities/rights");
    let ran =
        sandbox.run(&["verify", "--capabilities=bpf", "--program=at_a_function", text(&path)]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("which needs CAP_PERFMON"), "{}", ran.out);
}

fn forgotten(sandbox: &Sandbox, more: &[&str]) -> super::sandbox::Ran {
    let path = object("catalogue/misuse");
    let mut args = vec!["verify", "--program=m01"];
    args.extend(more);
    args.push(text(&path));
    sandbox.run(&args)
}

#[test]
fn what_the_kernel_accepts_may_have_a_note() {
    let sandbox = Sandbox::new(&[]);
    let ran = forgotten(&sandbox, &["--format=json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let document = ran.json();
    let program = &document["programs"][0];
    assert_eq!((&program["verdict"], &program["errno"]), (&"accept".into(), &0.into()));
    assert_eq!(program["notes"].as_array().map(Vec::len), Some(1), "{program}");
    let note = &program["notes"][0];
    for (key, expected) in [
        ("code", "N01"),
        ("rule", "missing-write-back"),
        ("severity", "error"),
        ("kernel", "accepts"),
    ] {
        assert_eq!(note[key], expected, "{note}");
    }
    assert_eq!(note["location"]["line"], 24, "{note}");
    let lines = note["labels"].as_array().expect("is a list").iter();
    let lines: Vec<_> = lines.map(|label| label["location"]["line"].as_u64()).collect();
    assert_eq!(lines, [Some(22), Some(26)], "where it is made, and where the program ends");
    assert_eq!(forgotten(&sandbox, &["--exit-zero"]).code, 0);
}

#[test]
fn notes_are_shown_in_all_formats() {
    let sandbox = Sandbox::new(&[]);
    let shown = forgotten(&sandbox, &[]);
    assert_eq!(shown.code, 1, "{shown:?}");
    for expected in ["error[missing-write-back]", "the slice is made here", "accepted  m01"] {
        assert!(shown.out.contains(expected), "{expected}: {}", shown.out);
    }
    for (format, expected) in [
        ("concise", "error[missing-write-back]"),
        ("sarif", "\"ruleId\":\"missing-write-back\""),
        ("github", "::error "),
        ("junit", "missing-write-back"),
    ] {
        let ran = forgotten(&sandbox, &["--format", format]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.out.contains(expected), "{format}: {}", ran.out);
    }
}

#[test]
fn idioms_are_accepted_without_notes() {
    let sandbox = Sandbox::new(&[]);
    let path = object("catalogue/idioms");
    let ran = sandbox.run(&["verify", "--format=json", text(&path)]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn notes_have_rules_of_the_linter() {
    for note in verifier::NOTES {
        let found = note.rule.map(lint_rules::rules::find);
        assert!(found.is_none_or(|rule| rule.is_some()), "{}: {:?}", note.code, note.rule);
    }
}

/// A store that is lost where the slice is a copy; `ALLOW` stands for a comment.
pub(crate) const LOST: &str = "\
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

extern int bpf_dynptr_from_xdp(struct xdp_md *x, u64 flags, struct bpf_dynptr *p) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, u32 off, void *buf, u32 len) __ksym;

SEC(\"xdp.frags\")
ALLOW
int lost(struct xdp_md *x)
{
	struct bpf_dynptr d;
	char buf[16];
	bpf_dynptr_from_xdp(x, 0, &d);
	char *p = bpf_dynptr_slice_rdwr(&d, 40, buf, sizeof(buf));
	if (!p) return XDP_DROP;
	p[0] = 1;
	return XDP_PASS;
}

char _license[] SEC(\"license\") = \"GPL\";
";

#[test]
fn notes_follow_comments_and_the_configuration() {
    let allowed = LOST.replace("ALLOW", "/* bpf-analyzer: allow(missing-write-back) */");
    let other = LOST.replace("ALLOW", "/* bpf-analyzer: allow(missing-null-check) */");
    let sandbox = Sandbox::new(&[("allowed.bpf.c", &allowed), ("other.bpf.c", &other)]);
    let verify = |file: &str| {
        let ran = sandbox.run(&["verify", "--format=json", file]);
        let notes = &ran.json()["programs"][0]["notes"];
        let notes = notes.as_array().expect("is a list").iter();
        let severities = notes.map(|note| note["severity"].as_str().expect("is text").to_owned());
        (ran.code, severities.collect::<Vec<_>>())
    };
    assert_eq!(verify("allowed.bpf.c"), (0, vec![]));
    assert_eq!(verify("other.bpf.c"), (1, vec!["error".to_owned()]));
    sandbox.write("bpf-analyzer.toml", b"severity.missing-write-back = \"warning\"\n");
    assert_eq!(verify("other.bpf.c"), (1, vec!["warning".to_owned()]));
    sandbox.write("bpf-analyzer.toml", b"ignore = [\"missing-write-back\"]\n");
    assert_eq!(verify("other.bpf.c"), (0, vec![]));
}
