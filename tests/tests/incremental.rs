//! Checking a text again after an edit gives what checking it for the first time gives: the same facts and the
//! same findings, for mistakes and half-written code too.

use std::path::PathBuf;
use std::sync::Arc;

use flow::Memory;
use kernel_model::Version;
use lint_rules::Lint;
use sema::Headers;
use syntax::Parsed;
use tests::{programs, read};

/// Pieces that are typed or pasted.
const PARTS: [&str; 34] = [
    "{",
    "}",
    "(",
    ")",
    ";",
    "\"",
    "/*",
    "*/",
    "\n",
    "x",
    " 1",
    "&",
    "return 0;\n",
    "typedef int my_t;\n",
    "#define sizeof_hdr sizeof(struct ethhdr)\n",
    "static int helper(struct bpf_dynptr *d) { return bpf_dynptr_size(d); }\n",
    "struct ethhdr { char b[20]; };\n",
    "bpf_dynptr_write(&dp, 0, buf, 4, 0);\n",
    "\u{feff}",
    "\\",
    "'",
    "\r",
    "#undef sizeof_hdr\n",
    "#if 0\n",
    "#ifdef SOME\n",
    "#else\n",
    "#endif\n",
    "#define SEC(x) __attribute__((section(x), used))\n",
    "#define CALL(x) helper ## x(&dp)\n",
    "#pragma pack(1)\n",
    "enum { size = 4, len = 16 };\n",
    "struct local { int size; } one;\n",
    "bpf_loop(4, helper, &dp, 0);\n",
    "static int again(void *ctx) { struct buf { char b[4]; } x; return sizeof(x); }\n",
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).expect("is small")
    }
}

/// One edit: something inserted, removed, replaced, or a line moved elsewhere.
fn edit(text: &mut String, random: &mut Random) {
    let mut place = |text: &str| {
        let at = random.below(text.len() + 1);
        (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
    };
    let at = place(text);
    let other = place(text);
    let line = |text: &str, at: usize| {
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1);
        start..end
    };
    let part = PARTS[random.below(PARTS.len())];
    match random.below(5) {
        0 => text.insert_str(at, part),
        1 => {
            let start = line(text, at).start;
            text.insert_str(start, part);
        }
        2 => {
            let end = (at + random.below(6)).min(text.len());
            let end = (end..=text.len()).find(|end| text.is_char_boundary(*end));
            text.replace_range(at..end.unwrap_or(text.len()), "");
        }
        3 => {
            let range = line(text, at);
            text.replace_range(range, "");
        }
        _ => {
            let copy = text[line(text, at)].to_owned();
            let start = line(text, other).start;
            text.insert_str(start, &copy);
        }
    }
}

const LINT: Lint = Lint { kernel: Version::NEWEST_MODELLED };

/// Checks `text` again after `memory` was made, and compares with checking it for the first time. Gives how many
/// findings were compared, and what the next check needs.
fn compare(parsed: &Parsed, headers: &Headers, memory: &Memory, context: &str) -> (usize, Memory) {
    let (findings, facts, next) = lint_rules::check_again(parsed, headers, &LINT, memory);
    let fresh = Parsed::parse(Arc::clone(parsed.text()));
    let (expected, expected_facts) = lint_rules::check_with_facts(&fresh, headers, &LINT);
    let observations = |facts: &Option<flow::Analysis>| {
        facts.as_ref().map(|facts| facts.observations.clone()).unwrap_or_default()
    };
    assert_eq!(observations(&facts), observations(&expected_facts), "{context}");
    assert_eq!(findings, expected, "{context}");
    (findings.len(), next)
}

/// A program with a place for what stands in front of it and one for what it does with its dynptr.
fn program(front: &str, body: &str) -> String {
    format!(
        "{front}\
         SEC(\"tc\")\n\
         int prog(struct __sk_buff *skb)\n\
         {{\n\
         \tstruct bpf_dynptr dp;\n\
         \tchar buf[16], *p;\n\n\
         \tif (bpf_dynptr_from_skb(skb, 0, &dp))\n\
         \t\treturn 0;\n\
         {body}\
         \treturn 0;\n\
         }}\n"
    )
}

const STORE: &str = "\tp = bpf_dynptr_slice_rdwr(&dp, 0, buf, SIZE);\n\tif (p)\n\t\tp[0] = 1;\n";

/// Each changes something far from `prog` that means something for it.
#[test]
#[allow(clippy::too_many_lines, reason = "a table of cases")]
fn what_is_not_written_where_it_counts_counts_too() {
    let good = "bpf_dynptr_write(d, 0, \"x\", 1, 0)";
    let bad = "bpf_dynptr_write(d, 0, \"x\", 1, 7)";
    let callee = |name: &str, body: &str| {
        format!("static int {name}(struct bpf_dynptr *d)\n{{\n\treturn {body};\n}}\n")
    };
    let called = |front: &str, name: &str, call: &str| {
        let text = |body| program(&format!("{front}{}", callee(name, body)), call);
        (text(good), text(bad))
    };
    let fronts = |before: &str, after: &str| (program(before, STORE), program(after, STORE));
    let cases: Vec<(&str, (String, String))> = vec![
        ("", called("#define CALL(x) use_##x(&dp)\n", "use_it", "\tCALL(it);\n")),
        ("", called("#define CALL(x) x ## _it(&dp)\n", "use_it", "\tCALL(use);\n")),
        ("", called("#define CALL(x, y) x##y(&dp)\n", "use_it", "\tCALL(use_, it);\n")),
        ("", called("#define CALL(x, y) x##_##y(&dp)\n", "use_it", "\tCALL(use, it);\n")),
        (
            "",
            called(
                "#define JOIN(x, y) x##y(&dp)\n#define CALL(y) JOIN(use_, y)\n",
                "use_it",
                "\tCALL(it);\n",
            ),
        ),
        ("#define CALL(x) use_##x(&dp)\n", called("", "use_it", "\tCALL(it);\n")),
        ("#define JOIN(x, y) x##y(&dp)\n", called("", "use_it", "\tJOIN(use_, it);\n")),
        (
            "#define JOIN(x, y) x##y(&dp)\n#define CALL(y) JOIN(use_, y)\n",
            called("", "use_it", "\tCALL(it);\n"),
        ),
        ("", fronts("#define SIZE 16\n", "#define SIZE 17\n")),
        ("", fronts("#define SIZE 16\n", "#define SIZE 16\n#undef SIZE\n#define SIZE 17\n")),
        ("", fronts("#if 1\n#define SIZE 16\n#endif\n", "#if 0\n#define SIZE 16\n#endif\n")),
        ("", fronts("enum { SIZE = 16 };\n", "enum { FIRST = 16, SIZE };\n")),
        ("", fronts("enum { SIZE = 16 };\n", "enum { SIZE = 16 };\n#define SIZE 17\n")),
        (
            "",
            fronts(
                "#define SIZE 16\n",
                "#define SIZE sizeof(struct far)\nstruct far { char b[17]; };\n",
            ),
        ),
        (
            "",
            fronts(
                "struct far { char b[16]; };\n#define SIZE sizeof(struct far)\n",
                "struct far { char b[17]; };\n#define SIZE sizeof(struct far)\n",
            ),
        ),
        (
            "",
            fronts(
                "static int f(void) { struct far { char b[16]; } x; return sizeof(x); }\n#define SIZE sizeof(struct far)\n",
                "static int f(void) { struct far { char b[17]; } x; return sizeof(x); }\n#define SIZE sizeof(struct far)\n",
            ),
        ),
        (
            "",
            fronts(
                "typedef char far[16];\n#define SIZE sizeof(far)\n",
                "typedef char far[17];\n#define SIZE sizeof(far)\n",
            ),
        ),
        (
            "#define SIZE sizeof(struct far)\n",
            fronts("struct far { char b[16]; };\n", "struct far { char b[17]; };\n"),
        ),
        (
            "struct near { struct far f; };\n#define SIZE sizeof(struct near)\n",
            fronts("struct far { char b[16]; };\n", "struct far { char b[17]; };\n"),
        ),
        (
            "",
            fronts(
                "#pragma pack(1)\nstruct far { char a; int b[4]; };\n#define SIZE sizeof(struct far)\n",
                "#pragma pack(4)\nstruct far { char a; int b[4]; };\n#define SIZE sizeof(struct far)\n",
            ),
        ),
        ("", (program("", "\tused(&dp);\n"), program(&callee("used", bad), "\tused(&dp);\n"))),
        (
            "",
            (
                program(&(callee("used", good) + &callee("used", bad)), "\tused(&dp);\n"),
                program(&(callee("used", bad) + &callee("used", good)), "\tused(&dp);\n"),
            ),
        ),
    ];
    let mut idle = Vec::new();
    for (number, (header, (before, after))) in cases.iter().enumerate() {
        let headers: Headers =
            [Arc::new(sema::Header::scan(Arc::from(*header)))].into_iter().collect();
        let (mut parsed, mut memory) = (Parsed::parse(Arc::from("")), Memory::default());
        let mut findings = Vec::new();
        for text in [before, after, before] {
            parsed = parsed.edit(Arc::from(text.as_str()));
            let context = format!("case {number}: {header}{text}");
            let (_, next) = compare(&parsed, &headers, &memory, &context);
            memory = next;
            findings.push(lint_rules::check(&parsed, &headers, &LINT));
        }
        let found = |at: usize| {
            let found = findings[at].iter().map(|finding| (finding.rule, &finding.message));
            found.collect::<Vec<_>>()
        };
        if found(0) == found(1) {
            idle.push(format!("{number}: {header}{after}"));
        }
    }
    assert!(idle.is_empty(), "these change nothing: {idle:#?}");
}

#[test]
fn a_second_check_is_a_first_check() {
    let files: Vec<PathBuf> = ["programs/good", "programs/bad", "programs/small"]
        .into_iter()
        .flat_map(programs)
        .collect();
    assert!(files.len() > 40, "there are programs");
    let mut taken_over = 0;
    for (number, path) in (1u64..).zip(files) {
        let (mut text, headers): (String, Headers) = read(&path);
        let original = text.clone();
        let mut random = Random(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut parsed = Parsed::parse(Arc::from(text.as_str()));
        let mut memory = Memory::default();
        for round in 0..14 {
            if round == 7 {
                // Half of the edits begin with a correct text again.
                text.clone_from(&original);
            }
            parsed = parsed.edit(Arc::from(text.as_str()));
            let context = format!("{} after {round} edits:\n{text}", path.display());
            let (findings, next) = compare(&parsed, &headers, &memory, &context);
            memory = next;
            taken_over += findings;
            edit(&mut text, &mut random);
        }
    }
    assert!(taken_over > 500, "only {taken_over} findings were compared");
}
