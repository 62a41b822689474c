//! What runs on all layouts and the rules find about one slice is said once, and silenced together.

use serde_json::{Value, json};

use super::checks::{append, check, client, client_with, open, related, titles};
use super::client::{Client, rules};

/// The store in line 14, from 0, is lost where the slice is a copy; the slice is made in line 12.
pub(super) const LOST: &str = "\
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

extern int bpf_dynptr_from_xdp(struct xdp_md *x, u64 flags, struct bpf_dynptr *p) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, u32 off, void *buf, u32 len) __ksym;

SEC(\"xdp.frags\")
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

const RULE: &str = "missing-write-back";

/// What is published once the program was run on all layouts, and what stands beside it then.
fn layouts(client: &mut Client, text: &str) -> (Vec<Value>, String) {
    open(client, "a.bpf.c", text);
    let report = check(client, "layouts", "a.bpf.c", "lost");
    assert!(report.is_object(), "{report}");
    let found = client.published("a.bpf.c", 1);
    let title = titles(client, "a.bpf.c").pop().expect("has lenses");
    (found, title)
}

#[test]
fn a_lost_store_is_one_diagnostic_until_the_next_edit() {
    let mut client = client(&related());
    let (found, title) = layouts(&mut client, LOST);
    assert!(title.contains(" divergence"), "{title}");
    assert_eq!(rules(&found), [(RULE.to_owned(), 14)], "{found:#?}");
    let related = found[0]["relatedInformation"].as_array().expect("has places");
    let agrees = related.iter().find(|place| {
        place["message"].as_str().is_some_and(|text| text.starts_with("the runtime agrees: "))
    });
    let agrees = agrees.unwrap_or_else(|| panic!("{related:#?}"));
    assert_eq!(agrees["location"]["range"]["start"]["line"], json!(12), "{agrees}");
    assert!(agrees.to_string().contains("byte 40 of the packet differs"), "{agrees}");
    append(&mut client, "a.bpf.c", 2);
    let found = client.published("a.bpf.c", 2);
    assert_eq!(rules(&found), [(RULE.to_owned(), 14)]);
    assert!(!found[0].to_string().contains("the runtime agrees"), "{found:#?}");
}

#[test]
fn verifier_and_runtime_agree_in_one_diagnostic() {
    let mut client = client(&related());
    open(&mut client, "a.bpf.c", LOST);
    check(&mut client, "verify", "a.bpf.c", "lost");
    client.published("a.bpf.c", 1);
    check(&mut client, "layouts", "a.bpf.c", "lost");
    let found = client.published("a.bpf.c", 1);
    assert_eq!(rules(&found), [(RULE.to_owned(), 14)], "{found:#?}");
    for who in ["the verifier agrees: ", "the runtime agrees: "] {
        assert!(found[0].to_string().contains(who), "{who}: {found:#?}");
    }
}

#[test]
fn what_silences_the_rule_silences_what_runs_show_of_it() {
    let comment = format!("/* bpf-analyzer: allow({RULE}) known */");
    let before = |line: &str| LOST.replace(line, &format!("{comment}\n{line}"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let unsaved = json!({ "verify": { "onSave": false } });
    for (text, file, settings) in [
        // At the store, where the finding of the rule is, before the program, and for the file.
        (before("\tp[0] = 1;"), "", unsaved.clone()),
        (before("int lost("), "", unsaved.clone()),
        (format!("/* bpf-analyzer: allow-file({RULE}) */\n{LOST}"), "", unsaved.clone()),
        (LOST.to_owned(), "ignore = [\"missing-write-back\"]\n", unsaved.clone()),
        (LOST.to_owned(), "severity.missing-write-back = \"off\"\n", unsaved.clone()),
        (LOST.to_owned(), "[per-file-ignores]\n\"a*\" = [\"missing-write-back\"]\n", unsaved),
        (LOST.to_owned(), "", json!({ "verify": { "onSave": false }, "ignore": [RULE] })),
    ] {
        let mut client = Client::start_with_path(&path);
        client.write("bpf-analyzer.toml", file);
        client.initialize(&related(), &settings);
        let (found, title) = layouts(&mut client, &text);
        let silent = rules(&found).iter().all(|(rule, _)| {
            rule != RULE && rule != "layout-divergence" && rule != "unknown-suppression"
        });
        assert!(silent, "{settings} {file} {text}: {found:#?}");
        assert!(title.starts_with("Layouts: 0 divergences in "), "{title}");
        assert!(title.contains(" allowed"), "{title}");
    }
}

#[test]
fn a_comment_where_the_slice_is_made_silences_what_runs_show_of_it() {
    let comment = format!("/* bpf-analyzer: allow({RULE}) */");
    let slice = "\tchar *p = ";
    let mut client = client(&related());
    let (found, title) = layouts(&mut client, &LOST.replace(slice, &format!("{comment}{slice}")));
    assert_eq!(rules(&found), [(RULE.to_owned(), 14)], "{found:#?}");
    assert!(!found[0].to_string().contains("the runtime agrees"), "{found:#?}");
    assert!(title.contains(" allowed"), "{title}");
}

#[test]
fn what_silences_another_rule_does_not() {
    let text =
        LOST.replace("int lost(", "/* bpf-analyzer: allow(missing-null-check) */\nint lost(");
    let mut client = client(&related());
    let (found, title) = layouts(&mut client, &text);
    assert!(rules(&found).iter().any(|(rule, _)| rule == RULE), "{found:#?}");
    assert!(!title.contains("allowed"), "{title}");
}

#[test]
fn what_runs_show_is_as_grave_as_the_rule_is_wished_to_be() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let options = json!({ "verify": { "onSave": false }, "severity": { RULE: "info" } });
    let mut client = client_with(&path, &related(), &options);
    // The analysis does not see into the function that another file has: only runs show what is lost.
    let (found, _) = layouts(&mut client, &hidden());
    assert_eq!(rules(&found), [(RULE.to_owned(), 14)], "{found:#?}");
    assert_eq!(found[0]["severity"], json!(3), "{found:#?}");
    assert!(!found[0].to_string().contains("the runtime agrees"), "{found:#?}");
}

/// A program with a store that the analysis does not see.
fn hidden() -> String {
    let call = "p[0] = 1;";
    let asm = "asm volatile(\"*(u8 *)(%0 + 0) = %1\" : : \"r\"(p), \"r\"(1) : \"memory\");";
    LOST.replace(call, asm).replace("struct bpf_dynptr d;", "struct bpf_dynptr d;\n\n")
}

#[test]
fn what_depends_on_the_layout_otherwise_has_a_name_of_its_own() {
    let text = LOST.replace("\tp[0] = 1;\n\treturn XDP_PASS;", "\treturn p == buf;");
    let mut client = client(&related());
    let (found, _) = layouts(&mut client, &text);
    let found = rules(&found);
    assert!(found.contains(&("layout-divergence".to_owned(), 12)), "{found:?}");
}
